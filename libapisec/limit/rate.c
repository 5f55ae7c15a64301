/* rate.c - GCRA over the shared table. */
#include "apisec/rate.h"

#include <assert.h>

#include "apisec/metrics.h"

_Static_assert((uint64_t)APS_RATE_SKEW < APS_TABLE_SPAN_MAX, "a skewed cell is no damage");

enum aps_err aps_rate_init(struct aps_rate_limit *limit, uint64_t scope, struct aps_rate rate,
                           uint32_t burst, struct aps_diag *diag)
{
    uint64_t count = rate.count;
    uint64_t step;

    if (count == 0 || rate.period <= 0 || (uint64_t)rate.period > APS_TABLE_SPAN_MAX) {
        aps_err_explain(diag, "a rate of %u in %lld ns: both must be above 0", rate.count,
                        (long long)rate.period);
        return APS_ERR_RANGE;
    }
    if (burst == 0)
        burst = rate.count;
    step = ((uint64_t)rate.period + count - 1) / count;
    if (step > APS_TABLE_SPAN_MAX / burst) {
        aps_err_explain(diag, "burst %u: at this rate it takes more than ten years to come back",
                        burst);
        return APS_ERR_RANGE;
    }
    *limit = (struct aps_rate_limit){scope, step, step * burst, burst};
    return APS_OK;
}

/* What a cell's value means for one ask; all in nsec from now. */
struct verdict {
    uint64_t level; /* of the bucket before the ask: 0 empty, span full */
    uint64_t wait;  /* 0: admitted */
    bool cut;       /* the cell lies further ahead than the limit can reach */
};

static inline struct verdict judge(const struct aps_rate_limit *limit, uint32_t cost,
                                   const struct aps_table_spot *spot, uint64_t now)
{
    struct verdict v = {spot->until > now ? spot->until - now : 0, 0, false};
    uint64_t need = cost * limit->step; /* at most span where it is used */

    if (cost <= limit->burst && v.level <= limit->span - need)
        return v;
    /* An overflow cell may be shared with limits that reach further. */
    if (v.level > (spot->place == APS_TABLE_OVERFLOW ? APS_TABLE_SPAN_MAX
                                                     : limit->span + (uint64_t)APS_RATE_SKEW)) {
        v.level = limit->span;
        v.cut = true;
    }
    v.wait = cost > limit->burst ? (uint64_t)APS_RATE_NEVER : v.level + need - limit->span;
    return v;
}

static inline struct aps_rate_left left_at(const struct aps_rate_limit *limit, uint64_t level)
{
    struct aps_rate_left left = {0, 0};
    uint64_t room = level < limit->span ? limit->span - level : 0;

    left.remaining = (uint32_t)(room / limit->step);
    if (level != 0)
        left.reset = (aps_nsec)(level - (limit->span - (left.remaining + 1) * limit->step));
    return left;
}

/* One ask in flight. */
struct charge {
    struct aps_table_spot spot;
    struct verdict verdict;
};

/* Keep the cut of a cell, since otherwise the caller would wait for a time that this limit never
 * asked for (LIM-04). */
static void cut(struct aps_state *state, const struct aps_rate_ask *ask, uint64_t now,
                struct charge *c)
{
    for (unsigned tries = 0; c->verdict.cut && tries < APS_TABLE_TRIES; tries++) {
        if (aps_table_put(state, &c->spot, now + c->verdict.level))
            break;
        aps_table_look(state, ask->limit->scope, ask->tag, (aps_nsec)now, &c->spot);
        c->verdict = judge(ask->limit, ask->cost, &c->spot, now);
    }
}

static inline void look(struct aps_state *state, const struct aps_rate_ask *ask, uint64_t now,
                        struct charge *c)
{
    assert(ask->cost != 0);
    aps_table_look(state, ask->limit->scope, ask->tag, (aps_nsec)now, &c->spot);
    c->verdict = judge(ask->limit, ask->cost, &c->spot, now);
    if (c->verdict.cut)
        cut(state, ask, now, c);
}

/* The cell has changed since the look: look again, in the end at the overflow cell only. */
static void look_again(struct aps_state *state, const struct aps_rate_ask *ask, uint64_t now,
                       unsigned tries, struct charge *c)
{
    aps_metrics_add(state, APS_METRIC_TABLE_RETRY, 1);
    if (tries < APS_TABLE_TRIES) {
        look(state, ask, now, c);
        return;
    }
    aps_table_look_overflow(state, ask->limit->scope, ask->tag, &c->spot);
    c->verdict = judge(ask->limit, ask->cost, &c->spot, now);
    if (c->verdict.wait == 0 && tries >= 2 * APS_TABLE_TRIES)
        c->verdict.wait = ask->limit->step; /* somebody damages cells faster than they change */
}

/* Charge what was looked at and found admissible.  If the cell changes meanwhile, the verdict may
 * turn; then nothing is charged. */
static inline bool spend(struct aps_state *state, const struct aps_rate_ask *ask, uint64_t now,
                         struct charge *c)
{
    uint64_t need = ask->cost * ask->limit->step;

    for (unsigned tries = 0; c->verdict.wait == 0; tries++) {
        if (aps_table_put(state, &c->spot, now + c->verdict.level + need)) {
            if (c->spot.place == APS_TABLE_OVERFLOW)
                aps_metrics_add(state, APS_METRIC_TABLE_OVERFLOW, 1);
            c->verdict.level += need;
            return true;
        }
        look_again(state, ask, now, tries, c);
    }
    return false;
}

/* Give back what was spent at `now`, but for what has drained by `later`: had the charge never
 * been made, the bucket would be lower by at least this much (docs/design.md). */
static void give_back(struct aps_state *state, const struct aps_rate_ask *ask, uint64_t now,
                      uint64_t later, struct charge *c)
{
    uint64_t need = ask->cost * ask->limit->step;
    uint64_t drained = later > now ? later - now : 0;
    uint64_t back = need > drained ? need - drained : 0;
    enum aps_table_place place = c->spot.place;

    c->verdict.level -= need;
    for (unsigned tries = 0; back != 0 && tries < APS_TABLE_TRIES; tries++) {
        uint64_t until = c->spot.until;

        if (c->spot.place != place || until <= back)
            return; /* the cell is gone: it was idle, or somebody needed the place */
        if (aps_table_put(state, &c->spot, until - back)) {
            aps_metrics_add(state, APS_METRIC_TABLE_RETURNED, 1);
            return;
        }
        if (place == APS_TABLE_OVERFLOW)
            aps_table_look_overflow(state, ask->limit->scope, ask->tag, &c->spot);
        else
            aps_table_look(state, ask->limit->scope, ask->tag, (aps_nsec)later, &c->spot);
    }
}

/* Verdict on all charges together: the longest wait counts. */
static enum aps_reason sum_up(const struct aps_rate_ask *asks, const struct charge *charges,
                              unsigned n, struct aps_rate_result *out)
{
    uint64_t wait = 0;
    unsigned refused = 0;

    for (unsigned i = 0; i < n; i++) {
        out->left[i] = left_at(asks[i].limit, charges[i].verdict.level);
        if (charges[i].verdict.wait > wait) {
            wait = charges[i].verdict.wait;
            refused = i;
        }
    }
    if (wait != 0) {
        out->refused = refused;
        out->wait = (aps_nsec)wait;
        return APS_REASON_RATE_EXCEEDED;
    }
    return APS_REASON_ALLOW;
}

static bool all_admit(const struct charge *charges, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (charges[i].verdict.wait != 0)
            return false;
    return true;
}

static enum aps_reason tell(const struct aps_rate_ask *ask, const struct charge *c,
                            struct aps_rate_left *out_left, aps_nsec *out_wait)
{
    if (out_left != NULL)
        *out_left = left_at(ask->limit, c->verdict.level);
    if (c->verdict.wait != 0) {
        if (out_wait != NULL)
            *out_wait = (aps_nsec)c->verdict.wait;
        return APS_REASON_RATE_EXCEEDED;
    }
    return APS_REASON_ALLOW;
}

enum aps_reason aps_rate_take(struct aps_state *state, const struct aps_rate_ask *ask, aps_nsec now,
                              struct aps_rate_left *out_left, aps_nsec *out_wait)
{
    struct charge c;

    if (state == NULL)
        return APS_REASON_STATE_DOWN;
    look(state, ask, (uint64_t)now, &c);
    (void)spend(state, ask, (uint64_t)now, &c); /* the verdict tells */
    return tell(ask, &c, out_left, out_wait);
}

enum aps_reason aps_rate_peek(struct aps_state *state, const struct aps_rate_ask *ask, aps_nsec now,
                              struct aps_rate_left *out_left, aps_nsec *out_wait)
{
    struct charge c;

    if (state == NULL)
        return APS_REASON_STATE_DOWN;
    look(state, ask, (uint64_t)now, &c);
    return tell(ask, &c, out_left, out_wait);
}

/* Look at all, so that a refusal charges nothing; then charge in order, and undo it if another
 * process was faster at a later one.  A frame of its own, since the charges take several pages of
 * it, which the usual case would pay for. */
__attribute__((noinline)) static enum aps_reason
take_many(struct aps_state *state, const struct aps_rate_ask *asks, unsigned n, aps_nsec now,
          aps_rate_clock_fn clock, struct aps_rate_result *out)
{
    struct charge charges[APS_RATE_MAX];
    unsigned spent = 0;

    for (unsigned i = 0; i < n; i++)
        look(state, &asks[i], (uint64_t)now, &charges[i]);
    if (all_admit(charges, n))
        while (spent < n && spend(state, &asks[spent], (uint64_t)now, &charges[spent]))
            spent++;
    if (spent < n && spent > 0) {
        uint64_t later = (uint64_t)clock();

        while (spent-- > 0)
            give_back(state, &asks[spent], (uint64_t)now, later, &charges[spent]);
    }
    return sum_up(asks, charges, n, out);
}

enum aps_reason aps_rate_take_all(struct aps_state *state, const struct aps_rate_ask *asks,
                                  unsigned n, aps_nsec now, aps_rate_clock_fn clock,
                                  struct aps_rate_result *out)
{
    if (n == 1) { /* the common case: nothing to undo */
        out->refused = 0;
        return aps_rate_take(state, asks, now, &out->left[0], &out->wait);
    }
    if (state == NULL)
        return APS_REASON_STATE_DOWN;
    if (n > APS_RATE_MAX)
        return APS_REASON_INTERNAL;
    return take_many(state, asks, n, now, clock, out);
}

uint64_t aps_rate_seconds(aps_nsec wait)
{
    if (wait == APS_RATE_NEVER)
        return 0;
    return wait <= APS_SEC ? 1 : ((uint64_t)wait + (uint64_t)APS_SEC - 1) / (uint64_t)APS_SEC;
}
