/* gcra.h - GCRA for a limit without a delay and a caller who has a cell: nearly every request. */
#ifndef APISEC_LIMIT_GCRA_H
#define APISEC_LIMIT_GCRA_H

#include "meter.h"

static inline struct aps_rate_left aps_gcra_left(const struct aps_rate_limit *limit, uint64_t level)
{
    struct aps_rate_left left = {0, 0};
    uint64_t room = level < limit->span ? limit->span - level : 0;

    left.remaining = (uint32_t)(room / limit->step);
    if (level != 0)
        left.reset = (aps_nsec)(level - (limit->span - (left.remaining + 1) * limit->step));
    return left;
}

static inline struct aps_rate_left aps_gcra_left_of(const struct aps_rate_ask *ask, uint64_t word,
                                                    struct aps_table_now now)
{
    uint64_t mono = (uint64_t)now.mono;

    return aps_gcra_left(ask->limit, word > mono ? word - mono : 0);
}

/* The word of a cell that is held with the ask, and without it as it is worth at `now`; false, and
 * nothing is said, wherever there is more to it than an admission. */
static inline bool aps_gcra_admits(const struct aps_rate_ask *ask, uint64_t word, uint64_t now,
                                   uint64_t *out_base, uint64_t *out_next)
{
    const struct aps_rate_limit *limit = ask->limit;
    uint64_t level = word > now ? word - now : 0;
    uint64_t need = ask->cost * limit->step; /* at most span where it is used */

    if (!limit->plain || ask->cost > limit->burst || level > limit->span - need)
        return false;
    *out_base = now + level;
    *out_next = now + level + need;
    return true;
}

/* The same as a verdict. */
static inline bool aps_gcra_judge_held(const struct aps_rate_ask *ask, struct meter_charge *c)
{
    struct meter_verdict verdict = {0};

    if (!aps_gcra_admits(ask, c->spot.word, (uint64_t)c->now.mono, &verdict.base, &verdict.next))
        return false;
    c->verdict = verdict;
    return true;
}

/* Charge a caller who has a cell; false, and nothing was done, where there is more to it. */
static inline bool aps_gcra_take_held(struct aps_state *state, const struct aps_rate_ask *ask,
                                      struct aps_table_now now, struct aps_rate_left *out_left)
{
    struct meter_charge c;

    c.now = now;
    if (!ask->limit->plain ||
        !aps_table_find(state, aps_table_tag(state, ask->limit->scope, ask->caller), &c.spot) ||
        !aps_gcra_judge_held(ask, &c) || !aps_table_put(state, &c.spot, c.verdict.next))
        return false;
    *out_left = aps_gcra_left(ask->limit, c.verdict.next - (uint64_t)now.mono);
    return true;
}

#endif
