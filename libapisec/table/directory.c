/* directory.c - which limits a server has, and how often each was asked and what it said.
 *
 * A row's key is a hash of what the row says, so whatever a killed process left half written is
 * told from what was written whole, and whoever knows what it should say can write it again.
 * A row is taken as a cell of the table is: by a claim with a number that no other claim has, which
 * anybody may finish.  A row that was taken is never empty again, so a search ends at the first
 * empty one.  docs/design.md, "The directory of limits". */
#include "apisec/directory.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "apisec/metrics.h"
#include "apisec/siphash.h"
#include "directory_carry.h"
#include "layout.h"
#include "pause.h"

#define CLAIM ((uint64_t)1 << 63)
#define TRIES 64
#define READ_TRIES 16

/* Counters beside ASKED, which has its stripes. */
#define OWN (APS_DIRECTORY_COUNTS - 1)

/* A row gives way if it was not met in this hour nor in so many before. */
#define HOURS_KEPT 1

_Static_assert(APS_DIRECTORY_ROWS == LAYOUT_LIMITS, "as promised");
_Static_assert(APS_DIRECTORY_TEXT_MAX == LAYOUT_LIMIT_TEXT, "as promised");
_Static_assert(APS_DIRECTORY_WHERE_MAX == LAYOUT_LIMIT_WHERE, "as promised");
_Static_assert(OWN <= sizeof((struct layout_limit *)NULL)->count / 8, "each has its word");

/* ---- what a row says ---- */

enum { FORM_PLAN = 1, FORM_TEXT_CUT = 2, FORM_WHERE_CUT = 4 };

/* From the store on, as far as the counters. */
static uint64_t key_of(const struct layout_limit *row)
{
    static const unsigned char hash_key[APS_SIPHASH_KEY_LEN] = "apisec limit 1";
    const size_t at = offsetof(struct layout_limit, store);
    struct aps_str said = {(const char *)row + at, offsetof(struct layout_limit, count) - at};
    uint64_t key = aps_siphash_64(said, hash_key);

    return key + (key == 0); /* 0 marks an empty row */
}

/* At most `max` bytes, on a character's boundary. */
static size_t cut(struct aps_str text, size_t max)
{
    size_t n = text.n < max ? text.n : max;

    while (n > 0 && n < text.n && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n--;
    return n;
}

static void describe(const struct aps_directory_limit *limit, struct layout_limit *out)
{
    size_t text_n = cut(limit->text, LAYOUT_LIMIT_TEXT);
    size_t where_n = cut(limit->where, LAYOUT_LIMIT_WHERE);

    memset(out, 0, sizeof *out);
    out->store = limit->store;
    out->form = (limit->is_plan ? FORM_PLAN : 0U) | (text_n < limit->text.n ? FORM_TEXT_CUT : 0U) |
                (where_n < limit->where.n ? FORM_WHERE_CUT : 0U);
    if (text_n != 0)
        memcpy(out->text, limit->text.p, text_n);
    if (where_n != 0)
        memcpy(out->where, limit->where.p, where_n);
    out->id.a = key_of(out);
}

/* The words of a row that its key is made of. */
#define SAID_FROM (offsetof(struct layout_limit, store) / 8)
#define SAID_TO (offsetof(struct layout_limit, where) / 8 + LAYOUT_LIMIT_WHERE / 8)

/* Write what is not there yet; the same words, whoever does it. */
static void write_said(struct layout_limit *row, const struct layout_limit *want)
{
    uint64_t *to = (uint64_t *)(void *)row;
    const uint64_t *from = (const uint64_t *)(const void *)want;

    for (size_t i = SAID_FROM; i < SAID_TO; i++) {
        if (i % 16 == 0)
            APS_PAUSE_POINT(93);
        if (layout_load(&to[i]) != from[i])
            __atomic_store_n(&to[i], from[i], __ATOMIC_RELEASE);
    }
}

/* ---- when it was met ---- */

/* 62..40 number of the start, 39..16 hour since 1970, 0 whether a plan has it. */
#define START_MASK ((UINT64_C(1) << 23) - 1)
#define HOUR_MASK ((UINT64_C(1) << 24) - 1)

static uint64_t start_of(uint64_t word)
{
    return word >> 40 & START_MASK;
}

static uint64_t hour_of(uint64_t word)
{
    return word >> 16 & HOUR_MASK;
}

static uint64_t hour_at(aps_nsec wall)
{
    return wall > 0 ? (uint64_t)(wall / APS_HOUR) & HOUR_MASK : 0;
}

static bool is_claim(uint64_t word)
{
    return (word & CLAIM) != 0;
}

/* Whether start `a` is not before start `b`; their numbers go round. */
static bool is_from(uint64_t a, uint64_t b)
{
    return ((a - b) & START_MASK) <= START_MASK / 2;
}

/* `word` after the limit was met at `hour` by a process of `start`; an hour that cannot be is
 * forgotten. */
static uint64_t met_at(uint64_t word, uint64_t start, uint64_t hour)
{
    if (is_from(start_of(word), start))
        start = start_of(word);
    if (hour_of(word) == hour + 1)
        hour = hour_of(word);
    return (start & START_MASK) << 40 | hour << 16 | (word & 1);
}

/* ---- taking a row ---- */

/* Who registers what. */
struct visit {
    struct aps_state *state;
    struct layout_limit want;
    uint64_t start, hour;
};

/* A row as it was seen. */
struct sight {
    uint32_t index;
    struct layout_pair seen;
};

static uint64_t *asked_at(const struct aps_state *state, uint64_t stripe, uint32_t index)
{
    return state->directory.asked + stripe * LAYOUT_LIMITS + index;
}

/* Each counter of a row, by number. */
#define COUNTERS (OWN + LAYOUT_STRIPES)

static uint64_t *counter_at(const struct aps_state *state, uint32_t index, size_t i)
{
    return i < OWN ? &state->directory.rows[index].count[i] : asked_at(state, i - OWN, index);
}

/* Lower is better to take; UINT64_MAX: it stays. */
static uint64_t rank_of(const struct visit *v, uint64_t word)
{
    bool is_plan = (word & 1) != 0;
    uint64_t hour = hour_of(word);

    if (is_claim(word))
        return UINT64_MAX - 1; /* most likely of the dead, but maybe of one who writes just now */
    if (!is_plan && is_from(start_of(word), v->start))
        return UINT64_MAX;
    if (hour > v->hour + 1)
        return 0;
    return hour + HOURS_KEPT < v->hour ? hour : UINT64_MAX;
}

/* The row of the key, or the one to take for it.  False: there is none. */
static bool find(const struct visit *v, struct sight *out)
{
    const struct layout_limit *rows = v->state->directory.rows;
    uint64_t best = UINT64_MAX, key = v->want.id.a;

    for (uint32_t i = 0; i < LAYOUT_LIMITS; i++) {
        uint32_t index = (uint32_t)((key + i) % LAYOUT_LIMITS);
        struct sight at = {index, {layout_load(&rows[index].id.a), layout_load(&rows[index].id.b)}};
        uint64_t rank;

        if (at.seen.a == key || at.seen.a == 0) {
            *out = at;
            return true;
        }
        rank = rank_of(v, at.seen.b);
        if (rank < best) {
            best = rank;
            *out = at;
        }
    }
    return best != UINT64_MAX;
}

/* Count from 0 again.  Each counter is only set from what it was while the claim stood, when nobody
 * counted for the new key: a process that comes late changes nothing.  False: the claim is gone. */
static bool clear(const struct visit *v, const struct sight *at)
{
    uint64_t seen[COUNTERS];

    for (size_t i = 0; i < COUNTERS; i++)
        seen[i] = layout_load(counter_at(v->state, at->index, i));
    APS_PAUSE_POINT(91);
    if (layout_load(&v->state->directory.rows[at->index].id.b) != at->seen.b)
        return false;
    APS_PAUSE_POINT(92);
    for (size_t i = 0; i < COUNTERS; i++)
        if (seen[i] != 0)
            (void)__sync_bool_compare_and_swap(counter_at(v->state, at->index, i), seen[i], 0);
    return true;
}

/* Finish the claim at `at`, whoever made it. */
static bool finish(const struct visit *v, const struct sight *at)
{
    struct layout_limit *row = &v->state->directory.rows[at->index];
    uint64_t met = met_at((v->want.form & FORM_PLAN) != 0, v->start, v->hour);

    if (!clear(v, at))
        return false;
    write_said(row, &v->want);
    APS_PAUSE_POINT(94);
    return layout_swap(&row->id, at->seen, (struct layout_pair){at->seen.a, met});
}

/* Write what a killed process left half written, and that the limit was met. */
static void renew(const struct visit *v, const struct sight *at)
{
    struct layout_limit *row = &v->state->directory.rows[at->index];
    struct layout_pair met = {at->seen.a, met_at(at->seen.b, v->start, v->hour)};

    write_said(row, &v->want);
    if (met.b != at->seen.b)
        (void)layout_swap(&row->id, at->seen, met); /* or another one says so */
}

static bool claim(const struct visit *v, struct sight *at)
{
    uint64_t word = __atomic_add_fetch(&v->state->head->nonce, 1, __ATOMIC_RELAXED) | CLAIM;
    struct layout_pair own = {v->want.id.a, word};

    APS_PAUSE_POINT(90);
    if (!layout_swap(&v->state->directory.rows[at->index].id, at->seen, own))
        return false;
    at->seen = own;
    return true;
}

struct aps_directory_row aps_directory_register(struct aps_state *state,
                                                const struct aps_directory_limit *limit,
                                                aps_nsec wall)
{
    struct visit v = {.state = state, .start = state->info.boot, .hour = hour_at(wall)};
    struct sight at = {0};

    describe(limit, &v.want);
    for (unsigned tries = 0; tries < TRIES && find(&v, &at); tries++) {
        bool is_own = at.seen.a == v.want.id.a;

        if (is_own && !is_claim(at.seen.b)) {
            renew(&v, &at);
            return (struct aps_directory_row){v.want.id.a, at.index + 1};
        }
        if (is_own || claim(&v, &at))
            (void)finish(&v, &at); /* the next look tells */
    }
    aps_metrics_add(state, APS_METRIC_LIMIT_UNLISTED, 1);
    return (struct aps_directory_row){0, 0};
}

/* ---- counting ---- */

/* The handle is a value of this process, not of the file. */
static inline struct layout_limit *row_at(const struct aps_state *state,
                                          struct aps_directory_row row)
{
    return &state->directory.rows[row.index - 1];
}

static inline bool is_held(const struct layout_limit *at, struct aps_directory_row row)
{
    return layout_load(&at->id.a) == row.key;
}

bool aps_directory_ask(struct aps_state *state, struct aps_directory_row row)
{
    if (row.index == 0)
        return true;
    if (!is_held(row_at(state, row), row))
        return false;
    (void)__atomic_fetch_add(&state->directory.stripe[row.index - 1], 1, __ATOMIC_RELAXED);
    return true;
}

bool aps_directory_add(struct aps_state *state, struct aps_directory_row row,
                       enum aps_directory_count what, aps_nsec wall)
{
    uint64_t hour = hour_at(wall), word;
    struct layout_limit *at;

    if (what == APS_DIRECTORY_ASKED)
        return aps_directory_ask(state, row);
    if (row.index == 0 || (unsigned)what >= APS_DIRECTORY_COUNTS)
        return true;
    if (!is_held(at = row_at(state, row), row))
        return false;
    (void)__atomic_fetch_add(&at->count[what - 1], 1, __ATOMIC_RELAXED);
    word = layout_load(&at->id.b);
    if (hour_of(word) != hour && !is_claim(word))
        (void)layout_swap(&at->id, (struct layout_pair){row.key, word},
                          (struct layout_pair){row.key, met_at(word, start_of(word), hour)});
    return true;
}

/* ---- reading ---- */

/* All of it, as a reader holds it. */
struct copy {
    struct layout_limit rows[LAYOUT_LIMITS];
    uint64_t asked[LAYOUT_STRIPES * LAYOUT_LIMITS];
};

_Static_assert(sizeof(struct copy) == LAYOUT_DIRECTORY_BYTES, "as it lies in the file");

static bool read_words(const struct aps_state *state, uint64_t at, void *to, size_t n)
{
    uint64_t *words = to;

    if (state->directory.rows == NULL)
        return aps_layout_read_at(state->fd, to, n, state->directory.at + at);
    for (size_t i = 0; i < n / 8; i++)
        words[i] = layout_load((const uint64_t *)(const void *)state->directory.rows + at / 8 + i);
    return true;
}

static bool is_whole(const struct layout_limit *row)
{
    return row->id.a != 0 && !is_claim(row->id.b) && row->id.a == key_of(row) &&
           (row->form & ~(uint64_t)(FORM_PLAN | FORM_TEXT_CUT | FORM_WHERE_CUT)) == 0 &&
           (row->form & FORM_PLAN) == (row->id.b & 1);
}

/* A row that was being written while it was copied is copied again. */
static bool settle(const struct aps_state *state, struct copy *copy, uint32_t i)
{
    for (unsigned tries = 0; tries < READ_TRIES; tries++) {
        struct layout_limit again;

        if (!read_words(state, i * sizeof again, &again, sizeof again))
            return false;
        if (again.id.a == copy->rows[i].id.a && is_whole(&again) == is_whole(&copy->rows[i])) {
            copy->rows[i] = again;
            return true;
        }
        copy->rows[i] = again;
    }
    copy->rows[i].id.a = 0; /* somebody writes it all the time on purpose */
    return true;
}

static uint64_t asked_of(const struct copy *copy, uint32_t i)
{
    uint64_t sum = 0;

    for (uint64_t stripe = 0; stripe < LAYOUT_STRIPES; stripe++)
        sum += copy->asked[stripe * LAYOUT_LIMITS + i];
    return sum;
}

/* Add what row `k` has counted; of two rows of one key the later meeting counts. */
static void add(const struct aps_state *state, const struct copy *copy, uint32_t k,
                struct aps_directory_entry *out)
{
    uint64_t word = copy->rows[k].id.b;
    aps_nsec met = (aps_nsec)hour_of(word) * APS_HOUR;

    out->count[APS_DIRECTORY_ASKED] += asked_of(copy, k);
    for (size_t i = 0; i < OWN; i++)
        out->count[i + 1] += copy->rows[k].count[i];
    out->met = met > out->met ? met : out->met;
    out->is_current |= start_of(word) == (state->info.boot & START_MASK);
}

static void tell(const struct aps_state *state, const struct copy *copy, uint32_t i,
                 aps_directory_fn fn, void *arg)
{
    const struct layout_limit *row = &copy->rows[i];
    struct aps_directory_entry entry;

    for (uint32_t k = 0; k < i; k++)
        if (copy->rows[k].id.a == row->id.a)
            return; /* told by then */
    memset(&entry, 0, sizeof entry);
    for (uint32_t k = i; k < LAYOUT_LIMITS; k++)
        if (copy->rows[k].id.a == row->id.a)
            add(state, copy, k, &entry);
    memcpy(entry.text, row->text, sizeof row->text);
    memcpy(entry.where, row->where, sizeof row->where);
    entry.text_cut = (row->form & FORM_TEXT_CUT) != 0;
    entry.where_cut = (row->form & FORM_WHERE_CUT) != 0;
    entry.is_plan = (row->form & FORM_PLAN) != 0;
    entry.store = row->store;
    fn(arg, &entry);
}

/* A pool gives less than the rows want. */
static struct copy *aligned(uint8_t *p)
{
    const size_t to = _Alignof(struct copy);

    return (struct copy *)(void *)(p + (to - (uintptr_t)p % to) % to);
}

enum aps_err aps_directory_each(const struct aps_state *state, apr_pool_t *pool,
                                aps_directory_fn fn, void *arg, struct aps_diag *diag)
{
    struct copy *copy = aligned(apr_palloc(pool, sizeof *copy + _Alignof(struct copy)));
    bool read = read_words(state, 0, copy, sizeof *copy);

    for (uint32_t i = 0; read && i < LAYOUT_LIMITS; i++) {
        if (copy->rows[i].id.a != 0 && !is_whole(&copy->rows[i]))
            read = settle(state, copy, i);
        if (!is_whole(&copy->rows[i]))
            copy->rows[i].id.a = 0;
    }
    if (!read) {
        aps_err_explain(diag, "the state file could not be read from byte %llu on",
                        (unsigned long long)state->directory.at);
        return APS_ERR_IO;
    }
    for (uint32_t i = 0; i < LAYOUT_LIMITS; i++)
        if (copy->rows[i].id.a != 0)
            tell(state, copy, i, fn, arg);
    return APS_OK;
}

/* ---- a file of another size ---- */

bool aps_directory_carry(int from_fd, const struct layout_head *from, int fd,
                         const struct layout_head *head)
{
    uint64_t from_at = layout_at_directory(from->cells, from->uses);
    uint64_t at = layout_at_directory(head->cells, head->uses);
    uint8_t chunk[LAYOUT_PAGE];

    _Static_assert(LAYOUT_DIRECTORY_BYTES % sizeof chunk == 0, "whole pieces");
    for (uint64_t done = 0; done < LAYOUT_DIRECTORY_BYTES; done += sizeof chunk) {
        if (!aps_layout_read_at(from_fd, chunk, sizeof chunk, from_at + done))
            return false;
        if (pwrite(fd, chunk, sizeof chunk, (off_t)(at + done)) != (ssize_t)sizeof chunk)
            return false;
    }
    return true;
}
