/* lease.c - leases of quotas: how far counts may go, and how far of that is on disk.
 *
 * A row is two pairs of words, each {tag, life | end | units} and changed in one step: what is
 * leased, and what of it is known to be on disk.  Units of a row only grow, until another caller or
 * period takes it, with the next number of life.  The second pair counts for nothing unless tag,
 * life and end are those of the first.  docs/design.md, "Leases". */
#include "apisec/lease.h"

#include <errno.h>
#include <sys/mman.h>

#include "apisec/metrics.h"
#include "layout.h"
#include "pause.h"
#include "state_carry.h"

#define PLACES (2 * LAYOUT_WAYS)
#define TRIES 64
#define END_MAX ((uint32_t)(1u << 28) - 1)

/* Rows that one write to the disk covers. */
#define ROWS_PER_PAGE (LAYOUT_PAGE / sizeof(struct layout_lease))

static const struct layout_pair EMPTY = {0, 0};

/* ---- a pair's second word */

static uint64_t word_of(uint64_t life, uint32_t end, uint32_t units)
{
    return (life & 15) << 60 | (uint64_t)(end & END_MAX) << 32 | units;
}

static uint32_t units_of(uint64_t word)
{
    return (uint32_t)word;
}

static uint32_t end_of(uint64_t word)
{
    return (uint32_t)(word >> 32) & END_MAX;
}

static uint32_t minute_of(aps_nsec wall)
{
    return wall > 0 ? (uint32_t)((uint64_t)wall / (uint64_t)APS_MINUTE) & END_MAX : 0;
}

/* Whether both are of one caller, life and period. */
static bool is_same(struct layout_pair x, struct layout_pair y)
{
    return x.a == y.a && x.b >> 32 == y.b >> 32;
}

static bool is_equal(struct layout_pair x, struct layout_pair y)
{
    return x.a == y.a && x.b == y.b;
}

/* Both words of one moment, or of two if the pair changed back meanwhile; who acts on them swaps
 * the pair, or compares units that only grow. */
static struct layout_pair read_pair(const struct layout_pair *pair)
{
    struct layout_pair seen = {layout_load(&pair->a), layout_load(&pair->b)};

    for (unsigned tries = 0; tries < TRIES; tries++) {
        struct layout_pair again = {layout_load(&pair->a), layout_load(&pair->b)};

        if (is_equal(seen, again))
            return seen;
        seen = again;
    }
    return EMPTY;
}

/* ---- finding a row */

static struct layout_lease *place_at(const struct aps_state *state, uint64_t tag, unsigned i)
{
    uint64_t mask = state->leases.count / LAYOUT_WAYS - 1;
    uint64_t set = tag & mask;

    if (i >= LAYOUT_WAYS) {
        uint64_t second = tag >> 32 & mask;

        set = second == set ? set ^ 1 : second; /* there are at least 64 sets */
    }
    return state->leases.rows + set * LAYOUT_WAYS + i % LAYOUT_WAYS;
}

/* A row as it was seen; `row` NULL: there is none. */
struct sight {
    struct layout_lease *row;
    struct layout_pair leased;
};

/* The row of a caller and period.  Two processes that meet a caller together may take two rows for
 * him: each is true for itself, and the higher one counts after a power failure. */
static struct sight find(const struct aps_state *state, const struct aps_lease *who)
{
    for (unsigned i = 0; i < PLACES; i++) {
        struct layout_lease *row = place_at(state, who->tag, i);
        struct layout_pair leased;

        if (layout_load(&row->leased.a) != who->tag)
            continue;
        leased = read_pair(&row->leased);
        if (leased.a == who->tag && end_of(leased.b) == who->end)
            return (struct sight){row, leased};
    }
    return (struct sight){NULL, EMPTY};
}

/* What of a lease is on disk. */
static uint32_t durable_of(const struct sight *at)
{
    struct layout_pair durable = read_pair(&at->row->durable);

    if (!is_same(durable, at->leased))
        return 0;
    /* More than is leased is of an earlier life of the same number. */
    return units_of(durable.b) <= units_of(at->leased.b) ? units_of(durable.b) : 0;
}

bool aps_lease_covers(const struct aps_state *state, const struct aps_lease *who, uint32_t units)
{
    struct sight at = find(state, who);

    return at.row != NULL && durable_of(&at) >= units;
}

uint32_t aps_lease_units(const struct aps_state *state, const struct aps_lease *who)
{
    uint32_t units = 0;

    for (unsigned i = 0; i < PLACES; i++) {
        struct layout_pair leased = read_pair(&place_at(state, who->tag, i)->leased);

        if (leased.a == who->tag && end_of(leased.b) == who->end && units_of(leased.b) > units)
            units = units_of(leased.b);
    }
    return units;
}

/* How well a row may be taken; 0: not at all.  An empty one first, then the one whose period has
 * been over for longest: what is over may come back with a clock that is set back. */
static uint32_t worth_of(struct layout_pair leased, uint32_t now)
{
    if (leased.a == 0)
        return UINT32_MAX;
    return end_of(leased.b) <= now ? now - end_of(leased.b) + 1 : 0;
}

/* Take a row for this caller and period, with so many units.  False: there is none. */
static bool take(struct aps_state *state, const struct aps_lease *who, uint32_t units, uint32_t now)
{
    struct sight best = {NULL, EMPTY};
    uint32_t most = 0;

    for (unsigned i = 0; i < PLACES; i++) {
        struct layout_lease *row = place_at(state, who->tag, i);
        struct layout_pair leased = read_pair(&row->leased);
        uint32_t worth = worth_of(leased, now);

        if (worth > most) {
            most = worth;
            best = (struct sight){row, leased};
        }
    }
    if (best.row == NULL)
        return false;
    APS_PAUSE_POINT(80);
    /* Or somebody was faster: who asks looks again. */
    (void)layout_swap(
        &best.row->leased, best.leased,
        (struct layout_pair){who->tag, word_of((best.leased.b >> 60) + 1, who->end, units)});
    return true;
}

/* Lease more in a row; false: look again.  What seems to be on disk beyond what is leased is of an
 * earlier life, and must be gone before the units grow past it. */
static bool grow(struct sight *at, uint32_t units)
{
    struct layout_pair durable = read_pair(&at->row->durable);
    struct layout_pair more = at->leased;

    APS_PAUSE_POINT(81);
    if (is_same(durable, at->leased) && units_of(durable.b) > units_of(at->leased.b) &&
        !layout_swap(&at->row->durable, durable, EMPTY))
        return false;
    APS_PAUSE_POINT(82);
    more.b = (more.b & ~(uint64_t)UINT32_MAX) | units;
    if (!layout_swap(&at->row->leased, at->leased, more))
        return false;
    at->leased = more;
    return true;
}

/* ---- the disk */

static void note_failure(struct aps_state *state, int why, aps_nsec mono)
{
    struct layout_leases_head *head = state->leases.head;

    __atomic_store_n(&head->why, (uint64_t)why, __ATOMIC_RELAXED);
    __atomic_store_n(&head->failed, (uint64_t)mono, __ATOMIC_RELAXED);
    (void)__atomic_add_fetch(&head->failures, 1, __ATOMIC_SEQ_CST);
    aps_metrics_add(state, APS_METRIC_QUOTA_SYNC_FAILED, 1);
}

/* Nothing of these rows counts as on disk any more. */
static void doubt(struct layout_lease *rows)
{
    for (size_t i = 0; i < ROWS_PER_PAGE; i++) {
        struct layout_pair durable = read_pair(&rows[i].durable);

        APS_PAUSE_POINT(83);
        if (durable.a != 0)
            (void)layout_swap(&rows[i].durable, durable, EMPTY); /* or it is newer */
    }
}

/* Within the last second, by clocks that differ a little. */
static bool has_failed(const struct aps_state *state, aps_nsec mono)
{
    uint64_t failed = layout_load(&state->leases.head->failed);
    uint64_t now = (uint64_t)mono;

    return failed != 0 && now < failed + (uint64_t)APS_LEASE_RETRY &&
           failed < now + (uint64_t)APS_LEASE_RETRY;
}

int aps_lease_failure(const struct aps_state *state)
{
    return (int)__atomic_load_n(&state->leases.head->why, __ATOMIC_RELAXED);
}

/* What was leased before the write is on disk now. */
static void mark(struct layout_lease *row, struct layout_pair leased)
{
    for (unsigned tries = 0; tries < TRIES; tries++) {
        struct layout_pair durable = read_pair(&row->durable);

        if (is_same(durable, leased) && units_of(durable.b) >= units_of(leased.b))
            return;
        APS_PAUSE_POINT(84);
        if (!is_same(read_pair(&row->leased), leased))
            return;
        APS_PAUSE_POINT(85);
        if (layout_swap(&row->durable, durable, leased))
            return;
    }
}

/* Bring the page of a row to the disk, and tell so in all its rows.  Of those who wait for a page
 * whose write fails, the kernel tells one, and takes the page for clean after that; so everybody
 * asks whether one was told meanwhile, and each who was puts the whole page in doubt. */
static bool sync_page(struct aps_state *state, struct layout_lease *row, aps_nsec mono)
{
    size_t first = (size_t)(row - state->leases.rows) / ROWS_PER_PAGE * ROWS_PER_PAGE;
    struct layout_lease *rows = state->leases.rows + first;
    struct layout_pair leased[ROWS_PER_PAGE];
    uintptr_t from = (uintptr_t)rows & ~(uintptr_t)(state->leases.page - 1);
    uint64_t failures = layout_load(&state->leases.head->failures);
    bool done;

    for (size_t i = 0; i < ROWS_PER_PAGE; i++)
        leased[i] = read_pair(&rows[i].leased);
    APS_PAUSE_POINT(86);
    done = msync((void *)from, state->leases.page, MS_SYNC) == 0;
    if (!done)
        note_failure(state, errno, mono);
    APS_PAUSE_POINT(87);
    for (size_t i = 0; done && i < ROWS_PER_PAGE; i++)
        if (leased[i].a != 0)
            mark(&rows[i], leased[i]);
    aps_metrics_add(state, APS_METRIC_QUOTA_SYNC, 1);
    if (layout_load(&state->leases.head->failures) == failures)
        return true;
    doubt(rows);
    return false;
}

/* Strangers who may wait for the disk in a second, of all processes together: the word is the
 * second and how many have.  So a crowd of them keeps few threads and does not wear out the disk.
 */
static bool may_wait(struct aps_state *state, aps_nsec mono)
{
    uint64_t *budget = &state->leases.head->budget;
    uint64_t second = (uint64_t)(mono / APS_SEC);

    for (unsigned tries = 0; tries < TRIES; tries++) {
        uint64_t seen = layout_load(budget);
        uint64_t used = seen >> 16 == second ? seen & 0xffff : 0;

        /* A clock that is a little behind is not given a second of its own. */
        if (used >= APS_LEASE_STRANGERS || seen >> 16 > second)
            return false;
        if (__sync_bool_compare_and_swap(budget, seen, second << 16 | (used + 1)))
            return true;
    }
    return false;
}

/* ---- the call */

/* The caller's row with at least `units` leased in it. */
static struct sight lease(struct aps_state *state, const struct aps_lease *who, uint32_t units,
                          uint32_t most, uint32_t now)
{
    for (unsigned tries = 0; tries < TRIES; tries++) {
        struct sight at = find(state, who);

        if (at.row == NULL) {
            if (!take(state, who, most, now))
                return at;
            continue;
        }
        if (units_of(at.leased.b) >= units || grow(&at, most))
            return at;
    }
    return (struct sight){NULL, EMPTY};
}

enum aps_lease_kept aps_lease_extend(struct aps_state *state, const struct aps_lease *who,
                                     uint32_t units, uint32_t most, aps_nsec mono, aps_nsec wall)
{
    struct sight at = lease(state, who, units, most, minute_of(wall));

    if (at.row == NULL)
        return APS_LEASE_NO_ROW;
    if (durable_of(&at) >= units)
        return APS_LEASE_DURABLE;
    if (has_failed(state, mono))
        return APS_LEASE_FAILED;
    if (who->is_stranger && !may_wait(state, mono))
        return APS_LEASE_CAPPED;
    if (!sync_page(state, at.row, mono))
        return APS_LEASE_FAILED;
    /* It was taken by another caller only if the period is over. */
    return is_same(read_pair(&at.row->leased), at.leased) ? APS_LEASE_DURABLE : APS_LEASE_NO_ROW;
}

/* ---- another file */

/* Put a row where nobody else is.  What is over goes on only where there is room. */
static void put_row(struct aps_state *to, struct layout_pair leased, uint32_t now)
{
    struct layout_lease *best = NULL;
    uint32_t most = 0;

    for (unsigned i = 0; i < PLACES; i++) {
        struct layout_lease *row = place_at(to, leased.a, i);
        uint32_t worth = worth_of(row->leased, now);

        if (is_same(row->leased, leased)) { /* its twin */
            best = row;
            break;
        }
        if (worth > most) {
            most = worth;
            best = row;
        }
    }
    if (best == NULL || (best->leased.a != 0 && end_of(leased.b) <= now))
        return;
    if (is_same(best->leased, leased) && best->leased.b > leased.b)
        return;
    *best = (struct layout_lease){leased, leased}; /* on disk before the file is used */
}

/* Whether no period of this tag that still runs ends earlier. */
static bool is_next(const struct aps_state *state, struct layout_pair leased, uint32_t now)
{
    for (unsigned i = 0; i < PLACES; i++) {
        struct layout_pair other = read_pair(&place_at(state, leased.a, i)->leased);

        if (other.a == leased.a && end_of(other.b) > now && end_of(other.b) < end_of(leased.b))
            return false;
    }
    return true;
}

void aps_lease_carry(const struct aps_state *from, struct aps_state *to, struct aps_table_now now)
{
    uint32_t minute = minute_of(now.wall);

    for (uint64_t i = 0; i < from->leases.count; i++) {
        struct layout_pair leased = read_pair(&from->leases.rows[i].leased);
        struct layout_pair row = leased;

        if (leased.a == 0)
            continue;
        row.a = aps_table_carry_tag(leased.a, from->salt, to->salt);
        row.b &= ~((uint64_t)15 << 60);
        put_row(to, row, minute);
    }
}

void aps_lease_carry_cells(struct aps_state *to, struct aps_table_now now)
{
    uint32_t minute = minute_of(now.wall);

    for (uint64_t i = 0; i < to->leases.count; i++) {
        struct layout_pair leased = to->leases.rows[i].leased;
        uint64_t word = aps_word_counted(APS_WORD_QUOTA, end_of(leased.b), units_of(leased.b));

        if (leased.a != 0 && end_of(leased.b) > minute && is_next(to, leased, minute))
            (void)aps_table_carry_missing(to, leased.a, word, now); /* or the row alone tells */
    }
}
