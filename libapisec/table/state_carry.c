/* state_carry.c - what was counted goes on in a new state file.
 *
 * docs/design.md, "Another file", has the order of the steps and what a death between them leaves.
 */
#include "state_carry.h"

#include "apisec/lease.h"
#include "pause.h"

/* A cell that changes so often while it is to be retired is damaged on purpose, and stays. */
#define TRIES 65536

struct carry {
    struct aps_state *from, *to;
    bool is_same_boot;
    struct aps_table_now now;
    struct aps_state_carried *out;
};

static struct layout_pair read_cell(const struct layout_pair *cell)
{
    return (struct layout_pair){layout_load(&cell->a), layout_load(&cell->b)};
}

/* Take a cell away from those who have the old file.  A claim counts nothing, and is gone. */
static struct layout_pair retire(struct layout_pair *cell)
{
    for (unsigned tries = 0; tries < TRIES; tries++) {
        struct layout_pair seen = read_cell(cell);
        struct layout_pair retired = {seen.a, seen.b | APS_WORD_RETIRED};

        if (aps_word_is_retired(seen.b))
            return seen;
        if (aps_word_is_claim(seen.b))
            retired = (struct layout_pair){0, APS_WORD_RETIRED};
        APS_PAUSE_POINT(90);
        if (layout_swap(cell, seen, retired))
            return retired;
    }
    return (struct layout_pair){0, 0};
}

/* What a cell, retired or not, has for the new file; a tag of 0: nothing. */
static struct layout_pair worth(const struct carry *c, struct layout_pair cell)
{
    static const struct layout_pair nothing = {0, 0};
    struct layout_pair kept = {cell.a, cell.b & ~APS_WORD_RETIRED};

    /* Of requests under way the rows tell (slots_carry.c). */
    if (aps_word_kind(kept.b) == APS_WORD_INFLIGHT)
        return nothing;
    if (cell.a == 0 || aps_word_is_claim(cell.b) || aps_table_is_idle(kept.b, c->now))
        return nothing;
    /* Other times hang on a clock that began anew. */
    if (!c->is_same_boot && aps_word_kind(kept.b) != APS_WORD_QUOTA &&
        aps_word_kind(kept.b) != APS_WORD_ONCE)
        return nothing;
    kept.a = aps_table_carry_tag(cell.a, c->from->salt, c->to->salt);
    return kept;
}

static void count(const struct carry *c, bool placed)
{
    c->out->cells += placed;
    c->out->lost += !placed;
}

/* Used values, quotas and windows first: where there is not room for all, those go on that last
 * longest. */
static void carry_cells(const struct carry *c, bool buckets)
{
    for (uint64_t i = 0; i < c->from->info.entries; i++) {
        struct layout_pair *cell = &c->from->cells[i];
        struct layout_pair kept;

        kept = worth(c, c->is_same_boot && !buckets ? retire(cell) : read_cell(cell));
        if (kept.a != 0 && (aps_word_kind(kept.b) == APS_WORD_GCRA) == buckets)
            count(c, aps_table_carry(c->to, kept.a, kept.b, c->now));
        APS_PAUSE_POINT(91);
    }
}

static void carry_overflow(const struct carry *c)
{
    for (uint64_t i = 0; i < LAYOUT_OVERFLOW; i++) {
        struct layout_pair *cell = &c->from->overflow[i];
        struct layout_pair seen = c->is_same_boot ? retire(cell) : read_cell(cell);
        struct layout_pair kept = worth(c, seen);

        if (kept.a != 0)
            count(c, aps_table_carry_overflow(c->to, i, seen.a, kept, c->now));
        APS_PAUSE_POINT(92);
    }
    c->to->head->stashed = c->from->head->stashed;
}

/* Nobody enters by the shared words any more; who is in may leave. */
static void retire_shared(const struct carry *c)
{
    for (uint64_t i = 0; i < LAYOUT_SHARED; i++)
        (void)__atomic_fetch_or(&c->from->slots.head->shared[i], APS_WORD_RETIRED,
                                __ATOMIC_SEQ_CST);
}

/* After a power failure: a quota goes on at what was leased, which is on disk, since the cell may
 * not be.  A cell without a lease of its period has let nobody through in it. */
static void raise_to_leases(struct aps_state *to, struct layout_pair *cells, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        struct aps_lease lease = {cells[i].a, (uint32_t)(cells[i].b >> 32 & APS_WORD_AT_MAX),
                                  false};
        uint32_t units;

        if (cells[i].a == 0 || aps_word_kind(cells[i].b) != APS_WORD_QUOTA)
            continue;
        units = aps_lease_units(to, &lease);
        if (units > aps_word_low(cells[i].b))
            cells[i].b = aps_word_counted(APS_WORD_QUOTA, lease.end, units);
    }
}

/* Which generations are served by the old children, as far as it is known; they tell no more. */
static void carry_rows(const struct carry *c)
{
    uint64_t n = 0;

    for (uint64_t i = 0; i < c->from->row_count; i++) {
        struct layout_row *row = &c->from->rows[i];

        if (layout_load(&row->owner.a) == 0 || n == c->to->row_count)
            continue;
        c->to->rows[n].owner = read_cell(&row->owner);
        c->to->rows[n++].serves = read_cell(&row->serves);
    }
}

static void carry_counters(const struct carry *c)
{
    if (c->from->head->metrics != c->to->head->metrics)
        return; /* of a version that counts other things */
    for (uint64_t i = 0; i < LAYOUT_STRIPES * LAYOUT_COUNTERS; i++)
        c->to->counters[i] = layout_load(&c->from->counters[i]);
}

void aps_state_carry(struct aps_state *from, struct aps_state *to, bool is_same_boot,
                     struct aps_table_now now, struct aps_state_carried *out)
{
    struct carry c = {from, to, is_same_boot, now, out};

    *out = (struct aps_state_carried){0, 0};
    carry_counters(&c);
    if (is_same_boot) {
        /* Before the first cell: whoever opens the file from now on makes a new one. */
        __atomic_store_n(&from->head->retired, 1, __ATOMIC_SEQ_CST);
        carry_rows(&c);
        retire_shared(&c);
    }
    APS_PAUSE_POINT(93);
    carry_overflow(&c);
    carry_cells(&c, false);
    carry_cells(&c, true);
    APS_PAUSE_POINT(94);
    aps_lease_carry(from, to, now);
    if (is_same_boot) {
        aps_slots_carry(from, to, out);
        return;
    }
    raise_to_leases(to, to->cells, to->info.entries);
    raise_to_leases(to, to->overflow, LAYOUT_OVERFLOW);
    aps_lease_carry_cells(to, now);
}
