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

/* Look and judge; false wherever there is more to it than an admission. */
static inline bool aps_gcra_look_held(struct aps_state *state, const struct aps_rate_ask *ask,
                                      struct aps_table_now now, struct meter_charge *c)
{
    const struct aps_rate_limit *limit = ask->limit;
    uint64_t mono = (uint64_t)now.mono;
    uint64_t need = ask->cost * limit->step; /* at most span where it is used */
    uint64_t level;

    if (!limit->plain || ask->cost > limit->burst ||
        !aps_table_find(state, aps_table_tag(state, limit->scope, ask->caller), &c->spot))
        return false;
    level = c->spot.word > mono ? c->spot.word - mono : 0;
    if (level > limit->span - need)
        return false;
    c->now = now;
    c->charged = false;
    c->verdict = (struct meter_verdict){.base = mono + level, .next = mono + level + need};
    return true;
}

/* Charge as well. */
static inline bool aps_gcra_take_held(struct aps_state *state, const struct aps_rate_ask *ask,
                                      struct aps_table_now now, struct aps_rate_left *out_left)
{
    struct meter_charge c;

    if (!aps_gcra_look_held(state, ask, now, &c) || !aps_table_put(state, &c.spot, c.verdict.next))
        return false;
    *out_left = aps_gcra_left(ask->limit, c.verdict.next - (uint64_t)now.mono);
    return true;
}

#endif
