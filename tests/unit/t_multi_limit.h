/* t_multi_limit.h - many workers that take from one limit: callers whom all meet together, and what
 * was admitted to each. */
#ifndef APISEC_T_MULTI_LIMIT_H
#define APISEC_T_MULTI_LIMIT_H

#include "t_multi.h"

#include "apisec/metrics.h"
#include "apisec/rate.h"
#include "t_reserve.h"

#define NOW ((aps_nsec)1000 * APS_SEC)
#define TAGS_MAX 3000
#define GROUPS 4

/* What workers share beside the table. */
struct board {
    uint64_t tag;                /* the tag at which all are */
    uint64_t arrived[TAGS_MAX];  /* how often a worker came to a tag */
    uint64_t attempts[TAGS_MAX]; /* takes that were begun */
    uint64_t admitted[TAGS_MAX]; /* takes that were admitted and written down */
    uint64_t at[WORKERS];        /* tag + 1 of the take that a worker is in; 0 if in none */
    uint64_t clock;
};

static struct board *board;
static struct aps_rate_limit limit;

static inline uint64_t bump(uint64_t *word)
{
    return __atomic_add_fetch(word, 1, __ATOMIC_SEQ_CST);
}

/* ---- common pieces */

static inline void reset(uint64_t entries)
{
    open_state(&(struct aps_state_size){entries, 0}, 1);
    memset(board, 0, sizeof *board);
}

static inline uint64_t tag_of(uint64_t caller)
{
    return aps_table_tag(state, limit.scope, aps_table_caller(state, &caller, sizeof caller));
}

static uint64_t stores = 1; /* among which the callers are */

static inline struct aps_rate_ask ask_of(const struct aps_rate_limit *of, uint64_t caller)
{
    return (struct aps_rate_ask){.limit = of,
                                 .caller = aps_table_caller(state, &caller, sizeof caller),
                                 .store = caller % stores,
                                 .cost = 1};
}

static aps_nsec returned_after; /* how late charges are given back */

static inline aps_nsec late_clock(void)
{
    return NOW + returned_after;
}

static inline bool take_tag(uint64_t caller, aps_nsec now)
{
    struct aps_rate_ask ask = ask_of(&limit, caller);
    struct aps_table_now at = {now, now};
    struct aps_rate_result result; /* as requests do, so that the usual case is what is tested */

    return aps_rate_take_all(state, &ask, 1, at, late_clock, &result) == APS_REASON_ALLOW;
}

static inline int compare_words(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* No tag has two cells that count. */
static inline void expect_no_twins(void)
{
    uint64_t *tags = malloc((state->info.entries + LAYOUT_RESERVE) * sizeof *tags);
    size_t n = 0;

    if (tags == NULL)
        abort();
    for (uint64_t i = 0; i < state->info.entries; i++)
        if (state->cells[i].a != 0 && state->cells[i].b >> 63 == 0)
            tags[n++] = state->cells[i].a;
    for (uint64_t i = 0; i < LAYOUT_RESERVE; i++)
        if (t_reserve(state)[i].a != 0 && t_reserve(state)[i].b >> 63 == 0)
            tags[n++] = t_reserve(state)[i].a;
    qsort(tags, n, sizeof *tags, compare_words);
    for (size_t i = 1; i < n; i++)
        EXPECT(tags[i] != tags[i - 1], "tag %llx has two cells", (unsigned long long)tags[i]);
    free(tags);
}

/* ---- fresh tags */

static uint64_t tags;
static uint64_t caller_of[TAGS_MAX];
static aps_nsec ahead; /* the clock of every second worker; less than a unit of a bucket */
#define FRESH_BURST 5
#define FRESH_ATTEMPTS (4 * WORKERS)
#define FILLER_TAG 7 /* of cells that belong to nobody */

static inline void plain_callers(void)
{
    ahead = 0;
    for (uint64_t i = 0; i < TAGS_MAX; i++)
        caller_of[i] = i;
}

static inline struct layout_pair *set_of(uint64_t set)
{
    return state->cells + (set & state->set_mask) * LAYOUT_WAYS;
}

/* Callers who share no set.  Of each set `idle` cells are so for both clocks, the others of the
 * first one for the later clock only. */
static inline void callers_in_sets(unsigned idle_one, unsigned idle_two)
{
    uint64_t caller = 0;

    ahead = APS_MSEC / 10;
    for (uint64_t i = 0; i < tags; caller++) {
        uint64_t tag = tag_of(caller);
        struct layout_pair *one = set_of(tag);
        struct layout_pair *two = set_of(tag >> 32);

        if (one == two || one->a != 0 || two->a != 0)
            continue;
        for (unsigned way = 0; way < LAYOUT_WAYS; way++) {
            one[way] =
                (struct layout_pair){FILLER_TAG, (uint64_t)(NOW + (way < idle_one ? -1 : 1))};
            two[way] =
                (struct layout_pair){FILLER_TAG, (uint64_t)(NOW + (way < idle_two ? -1 : APS_DAY))};
        }
        caller_of[i++] = caller;
    }
}

/* Workers with different clocks take a cell in different sets of those that all share. */
static inline void callers_with_two_clocks(void)
{
    callers_in_sets(1, 2);
}

/* Those whose clock is the earlier one find places only among those of the store alone. */
static inline void callers_with_a_reserve(void)
{
    callers_in_sets(0, 0);
}

/* Cells of a tag that count, after the workers are gone. */
static inline unsigned cells_of(uint64_t tag)
{
    unsigned n = 0;

    for (unsigned way = 0; way < LAYOUT_WAYS; way++) {
        n += set_of(tag)[way].a == tag && set_of(tag)[way].b >> 63 == 0;
        n += set_of(tag >> 32)[way].a == tag && set_of(tag >> 32)[way].b >> 63 == 0;
    }
    for (uint64_t i = 0; i < LAYOUT_RESERVE; i++)
        n += t_reserve(state)[i].a == tag && t_reserve(state)[i].b >> 63 == 0;
    return n;
}

/* All workers come to a tag that nobody has seen, and take from it until it had its attempts. */
static inline void run_fresh(struct worker *self)
{
    uint64_t tag;

    while ((tag = get(&board->tag)) < tags) {
        (void)bump(&board->arrived[tag]);
        for (unsigned i = 0; get(&board->arrived[tag]) < WORKERS && i < 50; i++)
            (void)sched_yield();
        while (bump(&board->attempts[tag]) <= FRESH_ATTEMPTS) {
            __atomic_store_n(&board->at[self->number], tag + 1, __ATOMIC_SEQ_CST);
            if (take_tag(caller_of[tag], NOW + self->number % 2 * ahead))
                (void)bump(&board->admitted[tag]);
            __atomic_store_n(&board->at[self->number], 0, __ATOMIC_SEQ_CST);
        }
        (void)__sync_bool_compare_and_swap(&board->tag, tag, tag + 1);
    }
}

static uint64_t lost[TAGS_MAX];

static inline void note_lost(struct worker *dead)
{
    uint64_t tag = get(&board->at[dead->number]);

    if (tag != 0)
        lost[tag - 1]++;
    board->at[dead->number] = 0;
}

/* ---- a table that is too small */

static inline void run_crowd(struct worker *self)
{
    for (uint64_t i = 0; i < 6000 / SLOW; i++) {
        uint64_t caller = roll() % TAGS_MAX;

        (void)self;
        if (take_tag(caller, NOW))
            (void)bump(&board->admitted[caller]);
    }
}

#endif
