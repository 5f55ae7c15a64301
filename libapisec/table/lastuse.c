/* lastuse.c - the first and the last use of each secret.
 *
 * A row is {tag, first second and last hour}, which change in one step, and what the last use was,
 * which is written after that by whoever made the step and is torn where two did so together or
 * one was killed; a keyed hash over all of it tells.  Two rows of one tag, of processes that met it
 * together, do no harm: the earlier first and the later last count, and the next use makes one row
 * of them.  docs/design.md, "Last uses". */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "apisec/siphash.h"
#include "lastuse_carry.h"
#include "lastuse_impl.h"
#include "pause.h"

#define WORDS (sizeof(struct layout_use) / 8)

/* Bounds for a table that somebody changes all the time on purpose. */
#define NOTE_TRIES 64
#define READ_TRIES 16

/* Rows are carried in pieces of this many. */
#define CARRY_CHUNK 256

/* ---- places ---- */

bool aps_lastuse_is_kept(const struct aps_state *state)
{
    return state->uses.count != 0;
}

uint64_t aps_lastuse_tag(const struct aps_state *state, const uint8_t store[APS_LASTUSE_STORE_LEN],
                         struct aps_str id, uint32_t kv)
{
    char who[APS_LASTUSE_STORE_LEN + sizeof kv + APS_LASTUSE_ID_MAX];
    size_t n = id.n < APS_LASTUSE_ID_MAX ? id.n : APS_LASTUSE_ID_MAX;
    uint64_t tag;

    memcpy(who, store, APS_LASTUSE_STORE_LEN);
    memcpy(who + APS_LASTUSE_STORE_LEN, &kv, sizeof kv);
    memcpy(who + APS_LASTUSE_STORE_LEN + sizeof kv, id.p, n);
    n += APS_LASTUSE_STORE_LEN + sizeof kv;
    tag = aps_siphash_64((struct aps_str){who, n}, state->uses.key);
    return tag + (tag == 0); /* 0 marks an empty row */
}

static inline uint64_t set_of(const struct layout_uses *uses, uint64_t tag, unsigned which)
{
    uint64_t first = tag & uses->set_mask;
    uint64_t second = (tag >> 32) & uses->set_mask;

    if (which == 0)
        return first;
    return second == first ? second ^ 1 : second; /* there are at least 256 sets */
}

/* The first row of a set where a tag may be. */
static inline struct layout_use *rows_of(const struct layout_uses *uses, uint64_t tag,
                                         unsigned which)
{
    return uses->rows + set_of(uses, tag, which) * LAYOUT_WAYS;
}

/* A row of the tag as it was seen; `row` NULL: there is none. */
struct sight {
    struct layout_use *row;
    struct layout_pair seen;
};

/* The first two rows of a tag. */
static void find(const struct layout_uses *uses, uint64_t tag, struct sight out[2])
{
    unsigned n = 0;

    out[0] = out[1] = (struct sight){NULL, {0, 0}};
    for (unsigned set = 0; set < 2; set++) {
        struct layout_use *rows = rows_of(uses, tag, set);

        for (unsigned i = 0; i < LAYOUT_WAYS && n < 2; i++)
            if (layout_load(&rows[i].used.a) == tag)
                out[n++] = (struct sight){&rows[i], {tag, layout_load(&rows[i].used.b)}};
    }
}

/* Make one row of two, so that the later of them never gives way while the earlier stays.  What
 * changed meanwhile is left for the next use. */
static void fold(const struct sight two[2], uint64_t now)
{
    static const struct layout_pair empty = {0, 0};
    struct layout_pair both = {two[0].seen.a, lastuse_joined(two[0].seen.b, two[1].seen.b, now)};

    if (layout_swap(&two[0].row->used, two[0].seen, both)) {
        APS_PAUSE_POINT(36);
        (void)layout_swap(&two[1].row->used, two[1].seen, empty);
    }
}

/* A row of a set that may give way, and how many rows of the set are empty. */
struct victim {
    struct sight at;
    uint64_t age; /* 0: empty; then the hour, 1 for none */
    unsigned empty;
};

static inline struct victim oldest_of(struct layout_use *rows, uint64_t now)
{
    struct victim v = {{NULL, {0, 0}}, UINT64_MAX, 0};

    for (unsigned i = 0; i < LAYOUT_WAYS; i++) {
        struct layout_pair pair = {layout_load(&rows[i].used.a), layout_load(&rows[i].used.b)};
        uint64_t age = pair.a == 0                        ? 0
                       : lastuse_is_possible(pair.b, now) ? lastuse_hour(pair.b) + 2
                                                          : 1;

        v.empty += pair.a == 0;
        if (v.at.row == NULL || age < v.age) {
            v.at = (struct sight){&rows[i], pair};
            v.age = age;
        }
    }
    return v;
}

/* The place for a new tag: an empty one of the emptier set, else what cannot be, else what was used
 * longest ago. */
static struct layout_use *choose(const struct layout_uses *uses, uint64_t tag, uint64_t now,
                                 struct layout_pair *out_seen)
{
    struct victim first = oldest_of(rows_of(uses, tag, 0), now);
    struct victim second = oldest_of(rows_of(uses, tag, 1), now);
    bool is_second = first.age != second.age ? second.age < first.age : second.empty > first.empty;
    struct sight at = is_second ? second.at : first.at;

    *out_seen = at.seen;
    return at.row;
}

/* Before a row gives way: whoever finds no row is told up to when that means nothing. */
static void tell_displaced(struct layout_head *head, uint64_t word, uint64_t now)
{
    uint64_t hour = lastuse_is_possible(word, now) ? lastuse_hour(word) : now / LASTUSE_HOUR;
    uint64_t known = layout_load(&head->use_displaced);

    for (unsigned tries = 0; known < hour && tries < NOTE_TRIES; tries++)
        if (__atomic_compare_exchange_n(&head->use_displaced, &known, hour, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
            return;
}

/* ---- noting ---- */

/* Change the row that was seen, or take a place for a new one.  False: others were faster. */
static bool write_row(const struct layout_uses *uses, struct sight at, struct layout_pair used,
                      uint64_t now, const struct aps_lastuse_note *note)
{
    struct layout_use whole = aps_lastuse_row_describe(uses->key, used, note);

    if (at.row == NULL) {
        at.row = choose(uses, used.a, now, &at.seen);
        APS_PAUSE_POINT(31);
        if (at.seen.a != 0)
            tell_displaced(uses->head, at.seen.b, now);
        APS_PAUSE_POINT(32);
    }
    if (!layout_swap(&at.row->used, at.seen, used))
        return false;
    if (at.seen.a != used.a || lastuse_hour(at.seen.b) != lastuse_hour(used.b) ||
        !lastuse_is_possible(at.seen.b, now))
        aps_lastuse_row_write(at.row, &whole);
    return true;
}

bool aps_lastuse_note(struct aps_state *state, uint64_t tag, const struct aps_lastuse_note *note)
{
    const struct layout_uses *uses = &state->uses;
    uint64_t now = lastuse_seconds(note->wall);
    struct sight own[2];

    for (unsigned tries = 0; uses->count != 0 && tries < NOTE_TRIES; tries++) {
        struct layout_pair used = {tag, lastuse_word(now, now / LASTUSE_HOUR)};

        find(uses, tag, own);
        APS_PAUSE_POINT(30);
        if (own[1].row != NULL) {
            fold(own, now);
            continue;
        }
        if (own[0].row != NULL)
            used.b = lastuse_used_at(own[0].seen.b, now);
        if (own[0].row != NULL && used.b == own[0].seen.b)
            return true;
        /* A new row may have got a twin meanwhile: look again. */
        if (write_row(uses, own[0], used, now, note) && own[0].row != NULL)
            return true;
    }
    return uses->count == 0;
}

/* ---- reading ---- */

static bool read_once(const struct layout_uses *uses, uint64_t set,
                      struct layout_use out[LAYOUT_WAYS])
{
    const struct layout_use *rows = uses->rows + set * LAYOUT_WAYS;
    uint64_t *words = (uint64_t *)(void *)out;

    if (uses->rows == NULL)
        return aps_layout_read_at(uses->fd, out, LAYOUT_WAYS * sizeof *out,
                                  uses->at + set * LAYOUT_WAYS * sizeof *out);
    for (size_t i = 0; i < LAYOUT_WAYS * WORDS; i++)
        words[i] = layout_load((const uint64_t *)(const void *)rows + i);
    return true;
}

/* A set as it was at one moment: read again until nothing changes. */
static bool read_set(const struct layout_uses *uses, uint64_t set,
                     struct layout_use out[LAYOUT_WAYS])
{
    struct layout_use again[LAYOUT_WAYS];

    if (!read_once(uses, set, out))
        return false;
    for (unsigned tries = 0; tries < READ_TRIES; tries++) {
        if (!read_once(uses, set, again))
            return false;
        if (memcmp(out, again, sizeof again) == 0)
            return true;
        memcpy(out, again, sizeof again);
    }
    return false;
}

/* The words of the head that change, as they are now. */
static bool read_since(const struct layout_uses *uses, uint64_t now, uint64_t *out)
{
    struct layout_head head;
    int64_t since;
    uint64_t displaced;

    if (uses->rows == NULL) {
        if (!aps_layout_read_at(uses->fd, &head, sizeof head, 0))
            return false;
        since = head.use_since;
        displaced = head.use_displaced;
    } else {
        since = uses->head->use_since;
        displaced = layout_load(&uses->head->use_displaced);
    }
    *out = since > 0 ? (uint64_t)since : 0;
    if (displaced != 0 && displaced >= *out / LASTUSE_HOUR)
        *out = displaced <= now / LASTUSE_HOUR ? (displaced + 1) * LASTUSE_HOUR : now;
    if (*out > now)
        *out = now;
    return true;
}

/* Add what a row of the tag says. */
static void add(const struct layout_uses *uses, const struct layout_use *row, uint64_t now,
                enum aps_lastuse_found *found, struct aps_lastuse *out)
{
    aps_nsec first, last;

    if (!lastuse_is_possible(row->used.b, now)) {
        if (*found == APS_LASTUSE_NONE)
            *found = APS_LASTUSE_UNKNOWN;
        return;
    }
    first = (aps_nsec)lastuse_first(row->used.b) * APS_SEC;
    last = (aps_nsec)lastuse_hour(row->used.b) * APS_HOUR; /* not of any word: it might overflow */
    if (*found != APS_LASTUSE_KNOWN || first < out->first)
        out->first = first;
    if (*found != APS_LASTUSE_KNOWN || last > out->last || (last == out->last && !out->has_what)) {
        out->last = last;
        aps_lastuse_row_read(uses->key, row, out);
    }
    *found = APS_LASTUSE_KNOWN;
}

enum aps_lastuse_found aps_lastuse_get(const struct aps_state *state, uint64_t tag, aps_nsec now,
                                       struct aps_lastuse *out)
{
    const struct layout_uses *uses = &state->uses;
    enum aps_lastuse_found found = APS_LASTUSE_NONE;
    struct layout_use rows[LAYOUT_WAYS];
    uint64_t since = 0;

    memset(out, 0, sizeof *out);
    if (uses->count == 0)
        return APS_LASTUSE_UNKNOWN;
    for (unsigned which = 0; which < 2; which++) {
        if (!read_set(uses, set_of(uses, tag, which), rows))
            return APS_LASTUSE_UNKNOWN;
        for (unsigned i = 0; i < LAYOUT_WAYS; i++)
            if (rows[i].used.a == tag)
                add(uses, &rows[i], lastuse_seconds(now), &found, out);
    }
    /* After the rows: one that gave way meanwhile has told so before. */
    if (!read_since(uses, lastuse_seconds(now), &since))
        return APS_LASTUSE_UNKNOWN;
    out->since = (aps_nsec)since * APS_SEC;
    return found;
}

/* ---- a file of another size ---- */

/* Merge a row into its twin, or put it where there is room. */
static void carry_row(const struct layout_uses *uses, const struct layout_use *from, uint64_t now)
{
    struct sight own[2];
    struct layout_pair seen;
    struct layout_use *row;
    uint64_t word = from->used.b;

    find(uses, from->used.a, own);
    if ((row = own[0].row) != NULL) {
        uint64_t both = lastuse_joined(own[0].seen.b, word, now);

        if (lastuse_hour(both) != lastuse_hour(own[0].seen.b))
            *row = *from;
        row->used.b = both;
        return;
    }
    row = choose(uses, from->used.a, now, &seen);
    if (seen.a != 0 && lastuse_is_possible(seen.b, now) &&
        (!lastuse_is_possible(word, now) || lastuse_hour(seen.b) >= lastuse_hour(word))) {
        tell_displaced(uses->head, word, now);
        return;
    }
    if (seen.a != 0)
        tell_displaced(uses->head, seen.b, now);
    *row = *from;
}

bool aps_lastuse_carry(int from_fd, const struct layout_head *from, int fd,
                       struct layout_head *head, aps_nsec wall)
{
    size_t bytes = head->uses * sizeof(struct layout_use);
    struct layout_uses uses = aps_layout_uses(head, head->cells, head->uses);
    struct layout_use chunk[CARRY_CHUNK];
    bool done = true;

    uses.rows = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)uses.at);
    if (uses.rows == MAP_FAILED)
        return false;
    for (uint64_t i = 0; i < from->uses && done; i += CARRY_CHUNK) {
        done = aps_layout_read_at(from_fd, chunk, sizeof chunk,
                                  layout_at_uses(from->cells) + i * sizeof *chunk);
        for (size_t k = 0; done && k < CARRY_CHUNK; k++)
            if (chunk[k].used.a != 0)
                carry_row(&uses, &chunk[k], lastuse_seconds(wall));
    }
    (void)munmap(uses.rows, bytes); /* it was mapped with this size */
    return done;
}
