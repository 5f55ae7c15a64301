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
    uint64_t reach = limit->span + (uint64_t)APS_RATE_SKEW;

    /* An overflow cell may be shared with limits that reach further. */
    if (v.level > (spot->place == APS_TABLE_OVERFLOW ? APS_TABLE_SPAN_MAX : reach)) {
        v.level = limit->span;
        v.cut = true;
    }
    if (cost > limit->burst)
        v.wait = (uint64_t)APS_RATE_NEVER;
    else if (v.level + need > limit->span)
        v.wait = v.level + need - limit->span;
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

/* Whether the value of a spot admits the ask; where the cell is cut, the cut is kept, since
 * otherwise the caller would wait for a time that this limit never asked for (LIM-04). */
static struct verdict decide(struct aps_state *state, const struct aps_rate_ask *ask, uint64_t now,
                             struct aps_table_spot *spot)
{
    struct verdict v = judge(ask->limit, ask->cost, spot, now);

    for (unsigned tries = 0; v.cut && tries < APS_TABLE_TRIES; tries++) {
        if (aps_table_put(state, spot, now + v.level))
            break;
        aps_table_look(state, ask->limit->scope, ask->tag, (aps_nsec)now, spot);
        v = judge(ask->limit, ask->cost, spot, now);
    }
    return v;
}

/* One ask in flight. */
struct charge {
    struct aps_table_spot spot;
    struct verdict verdict;
};

static void look(struct aps_state *state, const struct aps_rate_ask *ask, uint64_t now,
                 struct charge *c)
{
    assert(ask->cost != 0);
    aps_table_look(state, ask->limit->scope, ask->tag, (aps_nsec)now, &c->spot);
    c->verdict = decide(state, ask, now, &c->spot);
}

/* Charge what was looked at and found admissible.  If the cell changes meanwhile, the verdict may
 * turn; then nothing is charged. */
static bool spend(struct aps_state *state, const struct aps_rate_ask *ask, uint64_t now,
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
        aps_metrics_add(state, APS_METRIC_TABLE_RETRY, 1);
        if (tries > 2 * APS_TABLE_TRIES) {
            /* Somebody damages cells faster than they can be charged. */
            c->verdict.wait = ask->limit->step;
        } else if (tries > APS_TABLE_TRIES) {
            aps_table_look_overflow(state, ask->limit->scope, ask->tag, &c->spot);
            c->verdict = decide(state, ask, now, &c->spot);
        } else {
            look(state, ask, now, c);
        }
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

enum aps_reason aps_rate_take_all(struct aps_state *state, const struct aps_rate_ask *asks,
                                  unsigned n, aps_nsec now, aps_rate_clock_fn clock,
                                  struct aps_rate_result *out)
{
    struct charge charges[APS_RATE_MAX];
    unsigned spent = 0;

    if (state == NULL)
        return APS_REASON_STATE_DOWN;
    if (n > APS_RATE_MAX)
        return APS_REASON_INTERNAL;
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
    (void)spend(state, ask, (uint64_t)now, &c); /* the verdict says it */
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

uint64_t aps_rate_seconds(aps_nsec wait)
{
    if (wait == APS_RATE_NEVER)
        return 0;
    return wait <= APS_SEC ? 1 : ((uint64_t)wait + (uint64_t)APS_SEC - 1) / (uint64_t)APS_SEC;
}
