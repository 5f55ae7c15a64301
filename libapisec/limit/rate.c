/* rate.c - limits are made here, and charged all or nothing; meter.h says how each kind counts. */
#include "apisec/rate.h"

#include "gcra.h"
#include "meter.h"

/* ---- Making ---- */

static enum aps_err check_rate(struct aps_rate rate, struct aps_diag *diag)
{
    if (rate.count != 0 && rate.period > 0 && (uint64_t)rate.period <= APS_TABLE_SPAN_MAX)
        return APS_OK;
    aps_err_explain(diag, "a rate of %u in %lld ns: both must be above 0", rate.count,
                    (long long)rate.period);
    return APS_ERR_RANGE;
}

enum aps_err aps_rate_init(struct aps_rate_limit *limit, uint64_t scope, struct aps_rate rate,
                           uint32_t burst, struct aps_diag *diag)
{
    enum aps_err err = check_rate(rate, diag);
    uint64_t step;

    if (err != APS_OK)
        return err;
    if (burst == 0)
        burst = rate.count;
    step = ((uint64_t)rate.period + rate.count - 1) / rate.count;
    if (step > APS_TABLE_SPAN_MAX / burst) {
        aps_err_explain(diag, "burst %u: at this rate it takes more than ten years to come back",
                        burst);
        return APS_ERR_RANGE;
    }
    *limit = (struct aps_rate_limit){
        .scope = scope,
        .kind = APS_RATE_GCRA,
        .plain = true,
        .burst = burst,
        .step = step,
        .span = step * burst,
        .reach = step * burst,
    };
    return APS_OK;
}

enum aps_err aps_rate_init_window(struct aps_rate_limit *limit, uint64_t scope,
                                  enum aps_rate_kind kind, struct aps_rate rate,
                                  struct aps_diag *diag)
{
    enum aps_err err = check_rate(rate, diag);

    if (err != APS_OK)
        return err;
    if ((kind != APS_RATE_FIXED && kind != APS_RATE_SLIDING) || rate.period % APS_SEC != 0 ||
        (uint64_t)rate.period > APS_TABLE_WINDOW_MAX) {
        aps_err_explain(diag, "a window of %lld ns: want whole seconds, at most a day",
                        (long long)rate.period);
        return APS_ERR_RANGE;
    }
    if (kind == APS_RATE_SLIDING && rate.count > APS_WORD_SLIDING_MAX) {
        aps_err_explain(diag,
                        "a sliding window counts to %u, not to %u: want algorithm=gcra for more",
                        APS_WORD_SLIDING_MAX, rate.count);
        return APS_ERR_RANGE;
    }
    *limit = (struct aps_rate_limit){
        .scope = scope, .kind = kind, .burst = rate.count, .window = rate.period};
    return APS_OK;
}

enum aps_err aps_rate_set_delay(struct aps_rate_limit *limit, aps_nsec delay, bool smooth,
                                struct aps_diag *diag)
{
    if (limit->kind != APS_RATE_GCRA) {
        aps_err_explain(diag, "a delay goes with gcra, token-bucket or leaky-bucket only");
        return APS_ERR_RANGE;
    }
    if (delay <= 0 || (uint64_t)delay > APS_TABLE_SPAN_MAX - limit->span) {
        aps_err_explain(diag, "a delay of %lld ns: want more than 0, and less than ten years",
                        (long long)delay);
        return APS_ERR_RANGE;
    }
    limit->plain = false;
    limit->smooth = smooth;
    limit->delay = delay;
    limit->reach = limit->span + (uint64_t)delay;
    return APS_OK;
}

void aps_rate_set_earlier(struct aps_rate_limit *limit, const struct aps_rate_limit *earlier,
                          aps_nsec now)
{
    limit->earlier = earlier;
    limit->edited = now;
}

enum aps_err aps_rate_init_quota(struct aps_rate_limit *limit, uint64_t scope, uint32_t count,
                                 enum aps_zone_unit unit, const struct aps_zone *zone,
                                 struct aps_diag *diag)
{
    if (count == 0 || count > APS_NUM_COUNT_MAX || (unsigned)unit >= APS_ZONE_UNITS) {
        aps_err_explain(diag, "a quota of %u: want 1 to %u in a day, week or month", count,
                        APS_NUM_COUNT_MAX);
        return APS_ERR_RANGE;
    }
    *limit = (struct aps_rate_limit){
        .scope = scope, .kind = APS_RATE_QUOTA, .burst = count, .zone = zone, .unit = unit};
    return APS_OK;
}

enum aps_err aps_rate_init_inflight(struct aps_rate_limit *limit, uint64_t scope, uint32_t count,
                                    struct aps_diag *diag)
{
    if (count == 0 || count > APS_SLOTS_MAX) {
        aps_err_explain(diag, "%u requests under way: want 1 to %u", count, APS_SLOTS_MAX);
        return APS_ERR_RANGE;
    }
    *limit = (struct aps_rate_limit){.scope = scope, .kind = APS_RATE_INFLIGHT, .burst = count};
    return APS_OK;
}

/* ---- Charging ---- */

/* As aps_meter_look, without its ways for a cell that is not there or cannot be.  `found`: c->spot
 * is the caller's cell. */
__attribute__((noinline)) static void look_closer(const struct meter_call *call,
                                                  const struct aps_rate_ask *ask, bool found,
                                                  struct meter_charge *c)
{
    const struct meter *meter = aps_meter_of(ask->limit);

    if (found) {
        if (meter->resume != NULL)
            meter->resume(call, ask, c);
        meter->judge(ask, c);
        if (!c->verdict.cut)
            return;
    }
    aps_meter_look(call, ask, c->now, c);
}

static inline bool is_inflight(const struct aps_rate_ask *ask)
{
    return ask->limit->kind == APS_RATE_INFLIGHT;
}

/* Nearly every ask is of a bucket without a delay, and its caller has a cell. */
static inline void look(const struct meter_call *call, const struct aps_rate_ask *ask,
                        struct aps_table_now now, struct meter_charge *c)
{
    uint64_t tag = aps_table_tag(call->state, ask->limit->scope, ask->caller);
    bool found = !is_inflight(ask) && aps_table_find(call->state, tag, &c->spot);

    c->kept = APS_LEASE_DURABLE;
    c->now = now;
    c->charged = false;
    if (!found || !aps_gcra_judge_held(ask, c))
        look_closer(call, ask, found, c);
}

/* Whether a charge of the kind is the word of its cell, and nothing else. */
static inline bool is_word(const struct aps_rate_limit *limit)
{
    const struct meter *meter = aps_meter_of(limit);

    return limit->plain || (meter->spend == NULL && meter->prepare == NULL);
}

__attribute__((noinline)) static bool
spend_closer(const struct meter_call *call, const struct aps_rate_ask *ask, struct meter_charge *c)
{
    const struct meter *meter = aps_meter_of(ask->limit);

    return meter->spend != NULL ? meter->spend(call, ask, c) : aps_meter_spend(call, ask, c);
}

static inline bool spend(const struct meter_call *call, const struct aps_rate_ask *ask,
                         struct meter_charge *c)
{
    c->charged = is_word(ask->limit) && c->verdict.wait == 0 && !c->spot.overflow &&
                 aps_table_put(call->state, &c->spot, c->verdict.next);
    return c->charged || spend_closer(call, ask, c);
}

static void give_back(const struct meter_call *call, const struct aps_rate_ask *ask, uint64_t later,
                      struct meter_charge *c)
{
    const struct meter *meter = aps_meter_of(ask->limit);

    if (meter->give_back != NULL)
        meter->give_back(call, ask, later, c);
    else
        aps_meter_give_back(call, ask, later, c);
}

static inline struct aps_rate_left left_of(const struct aps_rate_ask *ask,
                                           const struct meter_charge *c)
{
    uint64_t word = c->charged ? c->verdict.next : c->verdict.base;

    if (c->spot.place == APS_TABLE_NONE || c->spot.place == APS_TABLE_RETIRED)
        return (struct aps_rate_left){0, (aps_nsec)c->verdict.wait};
    if (ask->limit->plain)
        return aps_gcra_left_of(ask, word, c->now);
    return aps_meter_of(ask->limit)->left(ask, word, c->now);
}

static enum aps_reason why_refused(const struct aps_rate_ask *ask, const struct meter_charge *c)
{
    if (c->spot.place == APS_TABLE_RETIRED)
        return APS_REASON_STATE_MOVED;
    return is_inflight(ask) && c->no_row ? APS_REASON_SLOTS_FULL : APS_REASON_RATE_EXCEEDED;
}

/* Whether a cell of one goes on in a file that this process does not have. */
static bool is_down(const struct meter_charge *charges, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (charges[i].spot.place == APS_TABLE_RETIRED)
            return true;
    return false;
}

/* Verdict on all charges together: the longest wait counts, but for a table that is not here. */
static enum aps_reason sum_up(const struct aps_rate_ask *asks, const struct meter_charge *charges,
                              unsigned n, struct aps_rate_result *out)
{
    uint64_t wait = 0;
    uint64_t delay = 0;

    out->refused = 0;
    out->held = 0;
    out->kept = APS_LEASE_DURABLE;
    for (unsigned i = 0; i < n; i++) {
        const struct meter_verdict *v = &charges[i].verdict;

        out->left[i] = left_of(&asks[i], &charges[i]);
        if (v->wait > wait) {
            wait = v->wait;
            out->refused = i;
        }
        if (v->delay > delay)
            delay = v->delay;
        if (charges[i].kept != APS_LEASE_DURABLE)
            out->kept = charges[i].kept;
        if (is_inflight(&asks[i]) && charges[i].charged)
            out->slot[out->held++] = charges[i].slot;
    }
    out->wait = (aps_nsec)wait;
    out->delay = wait == 0 ? (aps_nsec)delay : 0;
    if (wait == 0)
        return APS_REASON_ALLOW;
    if (is_down(charges, n)) {
        out->wait = APS_SEC;
        return APS_REASON_STATE_MOVED;
    }
    return why_refused(&asks[out->refused], &charges[out->refused]);
}

static enum aps_reason tell(const struct aps_rate_ask *ask, const struct meter_charge *c,
                            struct aps_rate_answer *out)
{
    uint64_t wait = c->verdict.wait;

    if (out != NULL) {
        *out = (struct aps_rate_answer){
            .wait = (aps_nsec)wait,
            .delay = wait == 0 ? (aps_nsec)c->verdict.delay : 0,
            .kept = c->kept,
            .left = left_of(ask, c),
        };
        if (is_inflight(ask) && c->charged)
            out->slot = c->slot;
    }
    return wait == 0 ? APS_REASON_ALLOW : why_refused(ask, c);
}

enum aps_reason aps_rate_take(struct aps_state *state, const struct aps_rate_ask *ask,
                              struct aps_table_now now, aps_rate_clock_fn clock,
                              struct aps_rate_answer *out)
{
    struct meter_call call = {state, clock};
    struct meter_charge c;

    if (state == NULL)
        return APS_REASON_STATE_DOWN;
    if (out == NULL && is_inflight(ask))
        return APS_REASON_INTERNAL; /* nobody could give it back */
    look(&call, ask, now, &c);
    (void)spend(&call, ask, &c); /* the verdict tells */
    return tell(ask, &c, out);
}

bool aps_rate_has_room(struct aps_state *state, const struct aps_rate_limit *limit, uint64_t caller,
                       uint32_t cost, struct aps_table_now now)
{
    struct aps_rate_ask ask = {.limit = limit, .caller = caller, .cost = cost};
    struct aps_table_spot spot;
    uint64_t base, next;

    return limit->plain &&
           aps_table_find(state, aps_table_tag(state, limit->scope, caller), &spot) &&
           aps_gcra_admits(&ask, spot.word, (uint64_t)now.mono, &base, &next);
}

enum aps_reason aps_rate_peek(struct aps_state *state, const struct aps_rate_ask *ask,
                              struct aps_table_now now, aps_rate_clock_fn clock,
                              struct aps_rate_answer *out)
{
    struct meter_call call = {state, clock};
    struct meter_charge c;

    if (state == NULL)
        return APS_REASON_STATE_DOWN;
    look(&call, ask, now, &c);
    return tell(ask, &c, out);
}

static enum aps_reason take_one(struct aps_state *state, const struct aps_rate_ask *ask,
                                struct aps_table_now now, aps_rate_clock_fn clock,
                                struct aps_rate_result *out)
{
    struct aps_rate_answer answer;
    enum aps_reason reason = aps_rate_take(state, ask, now, clock, &answer);

    out->refused = 0;
    out->wait = answer.wait;
    out->delay = answer.delay;
    out->left[0] = answer.left;
    out->kept = answer.kept;
    out->held = answer.slot.use != 0;
    out->slot[0] = answer.slot;
    return reason;
}

/* Whether all are buckets without a delay whose callers have cells with room: nearly every request.
 * Then c->spot and c->verdict.next are set of each. */
static inline bool look_held(const struct meter_call *call, const struct aps_rate_ask *asks,
                             unsigned n, struct aps_table_now now, struct meter_charge *charges)
{
    for (unsigned i = 0; i < n; i++)
        if (!asks[i].limit->plain)
            return false;
    for (unsigned i = 0; i < n; i++) {
        uint64_t tag = aps_table_tag(call->state, asks[i].limit->scope, asks[i].caller);
        uint64_t base;

        if (!aps_table_find(call->state, tag, &charges[i].spot) ||
            !aps_gcra_admits(&asks[i], charges[i].spot.word, (uint64_t)now.mono, &base,
                             &charges[i].verdict.next))
            return false;
    }
    return true;
}

/* What look_held leaves out. */
__attribute__((noinline)) static void complete_held(const struct aps_rate_ask *asks, unsigned n,
                                                    struct aps_table_now now, unsigned spent,
                                                    struct meter_charge *charges)
{
    for (unsigned i = 0; i < n; i++) {
        struct meter_charge *c = &charges[i];
        uint64_t next = c->verdict.next;

        c->kept = APS_LEASE_DURABLE;
        c->now = now;
        c->charged = i < spent;
        c->verdict =
            (struct meter_verdict){.base = next - asks[i].cost * asks[i].limit->step, .next = next};
    }
}

/* How many of them were charged, in order, before a cell was found changed.  Unless all were, each
 * charge is then as look and spend leave it. */
static inline unsigned put_held(const struct meter_call *call, const struct aps_rate_ask *asks,
                                unsigned n, struct aps_table_now now, struct meter_charge *charges)
{
    unsigned spent = 0;

    while (spent < n &&
           aps_table_put(call->state, &charges[spent].spot, charges[spent].verdict.next))
        spent++;
    if (spent < n)
        complete_held(asks, n, now, spent, charges);
    return spent;
}

/* All were charged. */
static inline enum aps_reason tell_held(const struct aps_rate_ask *asks,
                                        const struct meter_charge *charges, unsigned n,
                                        struct aps_table_now now, struct aps_rate_result *out)
{
    for (unsigned i = 0; i < n; i++)
        out->left[i] = aps_gcra_left(asks[i].limit, charges[i].verdict.next - (uint64_t)now.mono);
    out->delay = 0;
    out->kept = APS_LEASE_DURABLE;
    return APS_REASON_ALLOW;
}

/* Charge in order what was looked at, from `spent` on, and undo it if another process was faster at
 * a later one. */
__attribute__((noinline)) static enum aps_reason
spend_all(const struct meter_call *call, const struct aps_rate_ask *asks, unsigned n,
          unsigned spent, struct meter_charge *charges, struct aps_rate_result *out)
{
    while (spent < n && spend(call, &asks[spent], &charges[spent]))
        spent++;
    if (spent < n && spent > 0) {
        uint64_t later = (uint64_t)call->clock();

        while (spent-- > 0)
            give_back(call, &asks[spent], later, &charges[spent]);
    }
    return sum_up(asks, charges, n, out);
}

/* Look at all, so that a refusal charges nothing. */
__attribute__((noinline)) static enum aps_reason
look_and_spend(const struct meter_call *call, const struct aps_rate_ask *asks, unsigned n,
               struct aps_table_now now, struct meter_charge *charges, struct aps_rate_result *out)
{
    uint64_t wait = 0;

    for (unsigned i = 0; i < n; i++) {
        look(call, &asks[i], now, &charges[i]);
        wait |= charges[i].verdict.wait;
    }
    return wait == 0 ? spend_all(call, asks, n, 0, charges, out) : sum_up(asks, charges, n, out);
}

__attribute__((always_inline)) static inline enum aps_reason
take_these(const struct meter_call *call, const struct aps_rate_ask *asks, unsigned n,
           struct aps_table_now now, struct meter_charge *charges, struct aps_rate_result *out)
{
    unsigned spent;

    if (!look_held(call, asks, n, now, charges))
        return look_and_spend(call, asks, n, now, charges, out);
    spent = put_held(call, asks, n, now, charges);
    return spent == n ? tell_held(asks, charges, n, now, out)
                      : spend_all(call, asks, n, spent, charges, out);
}

/* Frames of their own: the most charges take many pages of one, which the usual case would pay
 * for. */
enum { FEW = 16 };

__attribute__((noinline)) static enum aps_reason take_few(const struct meter_call *call,
                                                          const struct aps_rate_ask *asks,
                                                          unsigned n, struct aps_table_now now,
                                                          struct aps_rate_result *out)
{
    struct meter_charge charges[FEW];

    return take_these(call, asks, n, now, charges, out);
}

__attribute__((noinline)) static enum aps_reason take_many(const struct meter_call *call,
                                                           const struct aps_rate_ask *asks,
                                                           unsigned n, struct aps_table_now now,
                                                           struct aps_rate_result *out)
{
    struct meter_charge charges[APS_RATE_MAX];

    return take_these(call, asks, n, now, charges, out);
}

enum aps_reason aps_rate_take_all(struct aps_state *state, const struct aps_rate_ask *asks,
                                  unsigned n, struct aps_table_now now, aps_rate_clock_fn clock,
                                  struct aps_rate_result *out)
{
    out->held = 0;
    if (state == NULL)
        return APS_REASON_STATE_DOWN;
    /* The common case: one bucket of a caller who was here before, with nothing to undo. */
    if (n == 1 && aps_gcra_take_held(state, asks, now, &out->left[0])) {
        out->delay = 0;
        out->kept = APS_LEASE_DURABLE;
        return APS_REASON_ALLOW;
    }
    if (n == 1)
        return take_one(state, asks, now, clock, out);
    if (n > APS_RATE_MAX)
        return APS_REASON_INTERNAL;
    struct meter_call call = {state, clock};
    return n <= FEW ? take_few(&call, asks, n, now, out) : take_many(&call, asks, n, now, out);
}

uint64_t aps_rate_seconds(aps_nsec wait)
{
    if (wait == APS_RATE_NEVER)
        return 0;
    return wait <= APS_SEC ? 1 : ((uint64_t)wait + (uint64_t)APS_SEC - 1) / (uint64_t)APS_SEC;
}
