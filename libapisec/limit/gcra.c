/* gcra.c - GCRA, token bucket and leaky bucket: the word is the time when the bucket is empty. */
#include "gcra.h"

#include "carry.h"

_Static_assert((uint64_t)APS_RATE_SKEW < APS_TABLE_SPAN_MAX, "a skewed cell is no damage");

/* The limit has given way to a newer definition, which this process is about to learn. */
static void judge_moved(const struct aps_rate_limit *limit, uint64_t now, struct meter_verdict *v)
{
    uint64_t second = (uint64_t)APS_SEC;

    /* Spent, but so that nothing is told to come back after the wait. */
    v->base = now + limit->span - (limit->step > second ? limit->step - second : 0);
    v->wait = second;
}

/* How full the bucket may be before the ask, nsec. */
static uint64_t top_of(const struct aps_rate_ask *ask, uint64_t need)
{
    const struct aps_rate_limit *limit = ask->limit;

    if (limit->smooth)
        return ask->at_once ? 0 : (uint64_t)limit->delay;
    return (ask->at_once ? limit->span : limit->reach) - need;
}

/* All in nsec from now; `level` is that of the bucket, 0 when empty. */
static void judge(const struct aps_rate_ask *ask, struct meter_charge *c)
{
    const struct aps_rate_limit *limit = ask->limit;
    struct meter_verdict *v = &c->verdict;
    uint64_t now = (uint64_t)c->now.mono;
    uint64_t word = c->spot.word;
    uint64_t level = word > now ? word - now : 0;
    uint64_t need = ask->cost * limit->step; /* at most span where it is used */
    uint64_t top = top_of(ask, need);

    *v = (struct meter_verdict){.base = now + level};
    if (ask->cost <= limit->burst && level <= top) {
        v->next = now + level + need;
        if (limit->smooth)
            v->delay = level;
        else if (level + need > limit->span)
            v->delay = level + need - limit->span;
        return;
    }
    if (aps_word_kind(word) == APS_WORD_GCRA && (word & APS_WORD_MOVED) != 0) {
        judge_moved(limit, now, v);
        return;
    }
    if (level > limit->reach + (uint64_t)APS_RATE_SKEW) {
        level = limit->reach;
        v->base = now + level;
        v->cut = true;
    }
    v->wait = ask->cost > limit->burst ? (uint64_t)APS_RATE_NEVER : level - top;
}

/* Had the charge never been made, the bucket would be lower by at least this much
 * (docs/design.md). */
static bool back(const struct aps_rate_ask *ask, const struct meter_charge *c, uint64_t later,
                 uint64_t *out)
{
    uint64_t need = ask->cost * ask->limit->step;
    uint64_t now = (uint64_t)c->now.mono;
    uint64_t drained = later > now ? later - now : 0;

    if (drained >= need || c->spot.word > APS_WORD_UNTIL_MAX || c->spot.word <= need - drained)
        return false;
    *out = c->spot.word - (need - drained);
    return true;
}

const struct meter aps_gcra_meter = {
    .judge = judge, .left = aps_gcra_left_of, .back = back, .begin = aps_carry_begin};
