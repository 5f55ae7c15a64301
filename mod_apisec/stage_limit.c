/* How much: the limits of the section, of the caller's plan and key, and the guard against
 * guessing. */
#include "api.h"
#include "bill.h"

#include <apr_strings.h>

/* ---- Limits that only watch ---- */

static bool is_watched(const struct mod_req *m, const struct aps_limit *limit)
{
    for (const struct mod_watch *w = m->watched; w != NULL; w = w->next)
        if (w->limit == limit)
            return true;
    return false;
}

/* Apart from all others, and without a trace in the answer. */
__attribute__((noinline)) static void watch(struct mod_asker *a, const struct aps_limit *limit)
{
    struct mod_req *m = a->m;
    struct mod_watch *w, **end = &m->watched;
    enum mod_turn turn = a->turn;
    size_t ncharges = m->ncharges, n = mod_bill_room(a, limit);
    int refused = m->refused_charge;
    aps_nsec wait = m->wait;
    struct mod_bill bill;
    if (n == 0 || is_watched(m, limit))
        return;
    mod_bill_open(&bill, m, n);
    mod_bill_add(&bill, a, limit);
    w = apr_pcalloc(m->first->pool, sizeof *w);
    w->limit = limit;
    a->turn = MOD_TURN_WATCH;
    w->refused = mod_bill_charge(a, &bill) != APS_REASON_ALLOW;
    a->turn = turn;
    if (w->refused)
        aps_metrics_add(mod_process.state, APS_METRIC_LIMIT_WOULD_REFUSE, 1);
    m->ncharges = ncharges;
    m->refused_charge = refused;
    m->wait = wait;
    while (*end != NULL)
        end = &(*end)->next;
    *end = w;
}

const char *mod_stage_limit_would(const struct mod_req *m)
{
    const char *names = NULL;
    for (const struct mod_watch *w = m->watched; w != NULL; w = w->next)
        if (w->refused)
            names = names == NULL ? w->limit->name.p
                                  : apr_pstrcat(m->first->pool, names, ",", w->limit->name.p, NULL);
    return names;
}

/* ---- The stages ---- */

/* What a caller brings along, beside the limits of the section. */
struct held {
    size_t n;
    const struct aps_limit *const *v;
    const struct aps_plan *plan; /* that most of them come from, or NULL */
    bool own;                    /* the key has a limit of its own */
    const struct held *more;     /* of the operation, beside them; NULL: none */
};

static void ask_held(const struct held *held, const struct aps_limit *limit)
{
    if (held->plan != NULL)
        mod_directory_ask(held->plan, limit);
}

static void watch_section(struct mod_asker *a, bool addresses)
{
    for (size_t i = 0; i < a->all->n; i++) {
        const struct aps_limit *limit = a->all->v[i];
        if (!limit->dry_run || (addresses && !mod_limit_is_by_address(limit)))
            continue;
        watch(a, limit);
        (void)aps_directory_ask(mod_process.state, mod_limit_row(limit));
    }
}

__attribute__((noinline)) static void add_held(struct mod_bill *bill, struct mod_asker *a,
                                               const struct held *held)
{
    for (size_t i = 0; i < held->n; i++) {
        if (held->v[i]->dry_run)
            continue;
        if (mod_bill_is_charged(a->m, held->v[i])) {
            mod_bill_add_rest(bill, a, held->v[i]);
            continue;
        }
        mod_bill_add(bill, a, held->v[i]);
        ask_held(held, held->v[i]);
    }
    if (held->own)
        mod_bill_add_own(bill, a);
}

static void watch_held(struct mod_asker *a, const struct held *held)
{
    for (size_t i = 0; i < held->n; i++) {
        if (!held->v[i]->dry_run)
            continue;
        watch(a, held->v[i]);
        ask_held(held, held->v[i]);
    }
}

static size_t cells_held(const struct mod_asker *a, const struct held *held)
{
    size_t n = held->own;
    for (; held != NULL; held = held->more)
        for (size_t i = 0; i < held->n; i++)
            n += mod_bill_room(a, held->v[i]);
    return n;
}

/* Charge the section's limits, or those by address alone, and what the caller brings along. */
static enum aps_reason charge_all(struct mod_asker *a, const struct mod_limits *limits,
                                  bool addresses, const struct held *held)
{
    static const struct mod_limits none;
    enum aps_reason reason = APS_REASON_ALLOW;
    struct mod_bill bill;
    if (mod_process.state == NULL)
        return APS_REASON_STATE_DOWN;
    a->all = limits != NULL ? limits : &none;
    a->plan = held->plan;
    size_t nroles = a->caller != NULL ? a->caller->key.nroles : 0;
    mod_bill_open(&bill, a->m, a->all->meters + a->all->roles * nroles + cells_held(a, held));
    mod_bill_add_section(&bill, a, addresses);
    bool whole = a->m->ncharges == 0 && bill.n == a->all->meters;
    unsigned section = bill.n;
    if (held->n != 0 || held->own)
        add_held(&bill, a, held);
    if (held->more != NULL)
        add_held(&bill, a, held->more);
    if (whole && bill.n == section)
        a->m->limits = a->all;
    if (bill.n != 0)
        reason = mod_bill_charge(a, &bill);
    if (reason != APS_REASON_ALLOW)
        return reason;
    if (a->all->dry_run)
        watch_section(a, addresses);
    watch_held(a, held);
    if (held->more != NULL)
        watch_held(a, held->more);
    return a->fault;
}

/* Before anybody is asked for a name: is an address over its limits?  Nothing is charged yet, so
 * that address and caller are charged together, all or nothing.  Costs that are not known yet are
 * taken for 1. */
__attribute__((noinline)) static enum aps_reason peek_limit(struct mod_asker *a,
                                                            const struct aps_limit *limit)
{
    struct mod_req *m = a->m;
    size_t before = m->ncharges;
    struct mod_bill bill;
    mod_bill_open(&bill, m, mod_bill_room(a, limit));
    mod_bill_add(&bill, a, limit);
    for (unsigned i = 0; i < bill.n; i++) {
        struct aps_rate_answer answer;
        bill.ask[i].at_once = a->turn == MOD_TURN_NOW;
        enum aps_reason reason = aps_rate_peek(mod_process.state, &bill.ask[i], mod_req_now(m),
                                               aps_clock_monotonic, &answer);
        if (reason == APS_REASON_ALLOW)
            continue;
        m->wait = answer.wait;
        if (reason != APS_REASON_RATE_EXCEEDED)
            return reason;
        mod_bill_count_refusal(a, limit);
        m->charge[before] = (struct mod_charge){limit, bill.charge[i].meter, answer.left, 0, false};
        m->refused_charge = (int)m->ncharges++;
        return reason;
    }
    return APS_REASON_ALLOW;
}

static enum aps_reason peek_address(struct mod_req *m, const struct mod_limits *limits,
                                    bool detects)
{
    struct mod_asker a = mod_bill_asker(m->first, m, NULL);
    a.detects = detects;
    a.all = limits;
    a.turn = MOD_TURN_WATCH; /* whether it can wait is asked when it is charged */
    if (mod_process.state == NULL)
        return APS_REASON_STATE_DOWN;
    if (mod_req_monotonic(m) == 0)
        return APS_REASON_INTERNAL;
    for (size_t i = 0; i < limits->n; i++) {
        const struct aps_limit *limit = limits->v[i];
        if (limit->by != APS_LIMIT_BY_IP || limit->dry_run || mod_bill_is_charged(m, limit) ||
            mod_bill_has_room(&a, limit))
            continue;
        enum aps_reason reason = peek_limit(&a, limit);
        if (reason != APS_REASON_ALLOW)
            return reason;
    }
    return APS_REASON_ALLOW;
}

enum aps_reason mod_stage_limit_address(struct mod_req *m, const struct mod_limits *limits,
                                        enum mod_engine engine)
{
    return limits != NULL && limits->by_ip ? peek_address(m, limits, engine == MOD_ENGINE_DETECT)
                                           : APS_REASON_ALLOW;
}

struct aps_str mod_stage_limit_route(const struct mod_req *m)
{
    if (m->route.n != 0)
        return m->route;
    return aps_str(m->dir != NULL && m->dir->where != NULL ? m->dir->where : "/");
}

static enum aps_reason find_plan(const struct mod_req *m, const char *name,
                                 const struct aps_plan **out)
{
    *out = aps_planbook_find(aps_snapshot_plans(aps_view_snapshot(m->view)), aps_str(name));
    return *out != NULL && (*out)->sound ? APS_REASON_ALLOW : APS_REASON_PLAN_UNKNOWN;
}

/* The caller's plan is that of the key or of a role, else the section's. */
__attribute__((noinline)) static enum aps_reason
hold(const struct mod_req *m, const char *section,
     const struct aps_limit *room[APS_PLANBOOK_HELD_MAX], struct held *out)
{
    const struct aps_plan *plan = NULL;
    enum aps_reason reason = APS_REASON_ALLOW;
    if (m->who->plan == NULL && section != NULL)
        reason = find_plan(m, section, &plan);
    if (reason != APS_REASON_ALLOW)
        return reason;
    out->n = aps_identity_limits(m->who, plan, room, &out->v);
    out->plan = m->who->plan != NULL ? m->who->plan : plan;
    out->own = m->who->key.limit.rate.count != 0;
    return APS_REASON_ALLOW;
}

/* Where nobody is known the section's plan holds; of its limits, those by route. */
static enum aps_reason hold_stranger(struct mod_req *m, const char *section, struct held *out)
{
    if (mod_process.state == NULL)
        return APS_REASON_STATE_DOWN;
    if (mod_process_view(m) == NULL)
        return APS_REASON_STORE_DOWN;
    enum aps_reason reason = find_plan(m, section, &out->plan);
    if (reason != APS_REASON_ALLOW)
        return reason;
    out->n = out->plan->n;
    out->v = out->plan->limits;
    return APS_REASON_ALLOW;
}

/* A stream of HTTP/2 must not wait, since it holds a worker that its connection shares; nor a part
 * of a page, nor what httpd answers before any handler. */
static enum mod_turn turn_of(const request_rec *r, const struct mod_req *m,
                             const struct mod_policy *policy)
{
    if (policy->engine == MOD_ENGINE_DETECT)
        return MOD_TURN_WATCH;
    bool can =
        r->main == NULL && r->connection->master == NULL && m->path.n != 0 && m->path.p[0] == '/';
    return can ? MOD_TURN_WAIT : MOD_TURN_NOW;
}

static const struct held nothing;

__attribute__((noinline)) static enum aps_reason charge_caller(request_rec *r, struct mod_req *m,
                                                               const struct mod_policy *policy,
                                                               bool passes, const struct held *held)
{
    struct mod_asker a = mod_bill_asker(r, m, policy->cost);
    a.detects = policy->engine == MOD_ENGINE_DETECT;
    if (passes)
        a.turn = turn_of(r, m, policy);
    return charge_all(&a, policy->limits, false, held);
}

/* The plan that the operation binds, beside what the caller brings along: all of its limits. */
static enum aps_reason hold_operation(struct mod_req *m, const char *name, struct held *out)
{
    enum aps_reason reason = hold_stranger(m, name, out);
    if (reason == APS_REASON_ALLOW)
        mod_directory_meet(m, out->plan);
    return reason;
}

/* Of a caller who may bring limits along, of anybody in a section that has a plan, or of an
 * operation that has one. */
__attribute__((noinline)) static enum aps_reason charge_holder(request_rec *r, struct mod_req *m,
                                                               const struct mod_policy *policy,
                                                               bool passes, const char *bound)
{
    const struct aps_limit *room[APS_PLANBOOK_HELD_MAX];
    struct held held = nothing, operation = nothing;
    enum aps_reason reason = APS_REASON_ALLOW;
    if (m->who != NULL)
        reason = hold(m, policy->plan, room, &held);
    else if (policy->plan != NULL)
        reason = hold_stranger(m, policy->plan, &held);
    if (reason == APS_REASON_ALLOW && held.plan != NULL && mod_process.state != NULL)
        mod_directory_meet(m, held.plan);
    if (reason == APS_REASON_ALLOW && bound != NULL) {
        reason = hold_operation(m, bound, &operation);
        held.more = operation.plan != held.plan ? &operation : NULL;
    }
    if (reason != APS_REASON_ALLOW ||
        (policy->limits == NULL && held.n == 0 && !held.own && held.more == NULL))
        return reason;
    return charge_caller(r, m, policy, passes, &held);
}

enum aps_reason mod_stage_limit_caller(request_rec *r, struct mod_req *m,
                                       const struct mod_policy *policy, bool passes)
{
    const char *bound = policy->api != NULL ? mod_stage_api_plan(m, policy->api) : NULL;
    if (policy->plan != NULL || bound != NULL ||
        (m->who != NULL &&
         (m->who->nlimits != 0 || m->who->plan != NULL || m->who->key.limit.rate.count != 0)))
        return charge_holder(r, m, policy, passes, bound);
    return policy->limits != NULL ? charge_caller(r, m, policy, passes, &nothing)
                                  : APS_REASON_ALLOW;
}

/* What is refused without a caller costs its address alone: charging a route would let strangers
 * close it. */
enum aps_reason mod_stage_limit_refused(request_rec *r, struct mod_req *m,
                                        const struct mod_policy *policy, enum aps_reason reason)
{
    if (policy->limits == NULL || !policy->limits->by_ip || mod_process.state == NULL)
        return reason;
    struct mod_asker a = mod_bill_asker(r, m, policy->cost);
    a.caller = NULL;
    a.detects = policy->engine == MOD_ENGINE_DETECT;
    enum aps_reason limited = charge_all(&a, policy->limits, true, &nothing);
    return limited == APS_REASON_RATE_EXCEEDED ? limited : reason;
}

/* Failures cost their source and never a claimed name, so nobody can lock out the owner of a key
 * (KEY-15, LIM-12).  A right key does not come here. */
enum aps_reason mod_stage_limit_fail(struct mod_req *m, enum aps_reason reason)
{
    const struct aps_limit *fail = m->server->fail;
    struct mod_asker a = mod_bill_asker(m->first, m, NULL);
    struct aps_rate_answer answer;
    if (mod_process.state == NULL)
        return APS_REASON_STATE_DOWN;
    struct aps_rate_ask ask = {.limit = &fail->meter[0].charge,
                               .caller = mod_bill_name(&a, fail, 0, 0),
                               .store = a.store,
                               .cost = 1};
    aps_metrics_add(mod_process.state, APS_METRIC_AUTHN_FAILURES, 1);
    enum aps_reason limited =
        aps_rate_take(mod_process.state, &ask, mod_req_now(m), aps_clock_monotonic, &answer);
    if (limited == APS_REASON_ALLOW)
        return reason;
    m->wait = answer.wait;
    if (limited != APS_REASON_RATE_EXCEEDED) /* nobody can count here, so nobody is accused */
        return limited;
    /* The answer is the same; that a decoy was shown is told whatever came before it. */
    return reason == APS_REASON_KEY_DECOY ? APS_REASON_DECOY_RATE : APS_REASON_AUTHN_RATE;
}

struct aps_str mod_stage_limit_name(const struct mod_req *m, enum aps_reason reason)
{
    if (reason == APS_REASON_AUTHN_RATE || reason == APS_REASON_DECOY_RATE)
        return m->server->fail->name;
    if (m->refused_charge < 0)
        return (struct aps_str){NULL, 0};
    const struct aps_limit_meter *meter = m->charge[m->refused_charge].meter;
    return meter != NULL ? meter->name : APS_STR_LIT(APS_OWNLIMIT_NAME);
}
