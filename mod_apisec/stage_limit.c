/* How much: the limits of the section, the key's own, and the guard against guessing. */
#include "mod.h"

#include <apr_strings.h>

/* The bytes that name a caller in the table: which store, then who.  Equal ids of two stores
 * never meet (AZ-09). */
struct caller {
    uint64_t store;
    unsigned char who[248];
};

/* The same whether the request has opened its store by now or not; 0 where there was none at
 * start. */
static uint64_t store_of(const struct mod_req *m)
{
    return m->server->store != NULL ? m->server->store->tag : 0;
}

static uint64_t caller_of(const struct mod_req *m, const void *who, size_t n)
{
    struct caller caller;
    caller.store = store_of(m);
    if (caller.store == 0 && m->view != NULL)
        caller.store = aps_snapshot_store_tag(aps_view_snapshot(m->view));
    /* A route: patterns reach 512 bytes, their first part tells enough. */
    if (n > sizeof caller.who)
        n = sizeof caller.who;
    memcpy(caller.who, who, n);
    return aps_table_caller(mod_process.state, &caller, offsetof(struct caller, who) + n);
}

static uint64_t address_of(const struct mod_req *m)
{
    struct aps_addr source = aps_addr_prefix(&m->addr, 32, 64);
    struct caller caller = {store_of(m), {0}};
    memcpy(caller.who, source.b, sizeof source.b);
    return aps_table_caller(mod_process.state, &caller,
                            offsetof(struct caller, who) + sizeof source.b);
}

static struct aps_rate_ask ask_of(const struct mod_req *m, const struct aps_rate_limit *limit,
                                  uint64_t caller)
{
    return (struct aps_rate_ask){.limit = limit, .caller = caller, .store = store_of(m), .cost = 1};
}

static struct aps_table_now now_of(struct mod_req *m)
{
    return (struct aps_table_now){mod_req_monotonic(m), m->first->request_time * APS_USEC};
}

/* Whether the transaction has paid for this limit, or is over: what a refusal left unpaid is not
 * asked for again on the way of its answer, but is where only a subrequest was refused. */
static bool is_charged(const struct mod_req *m, const struct mod_limit *limit)
{
    bool over = m->decision == APS_DECISION_REFUSE || m->decision == APS_DECISION_WOULD_REFUSE;
    for (size_t i = 0; i < m->ncharges; i++)
        if (m->charge[i].limit == limit && (m->charge[i].spent || over))
            return true;
    return false;
}

_Static_assert((APS_KEY_ROLES_MAX + 1) * MOD_LIMITS_MAX < APS_RATE_MAX,
               "no section of its own asks for more than fits");

/* One charge to come. */
struct bill {
    unsigned n;
    struct aps_rate_ask ask[APS_RATE_MAX];
    const struct mod_limit *limit[APS_RATE_MAX]; /* NULL: the key's own */
};

static bool add(struct bill *bill, const struct mod_req *m, const struct mod_limit *limit,
                const struct aps_rate_limit *rate, uint64_t caller)
{
    if (bill->n == APS_RATE_MAX)
        return false;
    bill->ask[bill->n] = ask_of(m, rate, caller);
    bill->limit[bill->n++] = limit;
    return true;
}

/* Room for `n` more charges behind those that are there. */
static struct mod_charge *more_charges(struct mod_req *m, size_t n)
{
    struct mod_charge *v = apr_palloc(m->first->pool, (m->ncharges + n) * sizeof *v);
    for (size_t i = 0; i < m->ncharges; i++)
        v[i] = m->charge[i];
    m->charge = v;
    return v + m->ncharges;
}

/* All or nothing; what is left is kept for the RateLimit fields. */
static enum aps_reason charge(struct mod_req *m, const struct bill *bill)
{
    struct aps_rate_result result;
    if (bill->n == 0)
        return APS_REASON_ALLOW;
    if (mod_process.state == NULL)
        return APS_REASON_STATE_DOWN;
    enum aps_reason reason = aps_rate_take_all(mod_process.state, bill->ask, bill->n, now_of(m),
                                               aps_clock_monotonic, &result);
    struct mod_charge *c = more_charges(m, bill->n);
    for (unsigned i = 0; i < bill->n; i++)
        c[i] = (struct mod_charge){bill->limit[i], result.left[i], reason == APS_REASON_ALLOW};
    if (reason != APS_REASON_ALLOW) {
        m->refused_charge = (int)(m->ncharges + result.refused);
        m->wait = result.wait;
    }
    m->ncharges += bill->n;
    return reason;
}

/* Before anybody is asked for a name: is an address over its limits?  Nothing is charged yet, so
 * that address and caller are charged together, all or nothing. */
static enum aps_reason peek_address(struct mod_req *m, const struct mod_limits *limits)
{
    if (mod_process.state == NULL)
        return APS_REASON_STATE_DOWN;
    if (mod_req_monotonic(m) == 0)
        return APS_REASON_INTERNAL;
    for (size_t i = 0; i < limits->n; i++) {
        const struct mod_limit *limit = limits->v[i];
        struct aps_rate_answer answer;
        if (limit->by != MOD_BY_IP || is_charged(m, limit))
            continue;
        struct aps_rate_ask ask = ask_of(m, &limit->limit, address_of(m));
        enum aps_reason reason =
            aps_rate_peek(mod_process.state, &ask, now_of(m), aps_clock_monotonic, &answer);
        if (reason != APS_REASON_ALLOW) {
            m->wait = answer.wait;
            *more_charges(m, 1) = (struct mod_charge){limit, answer.left, false};
            m->refused_charge = (int)m->ncharges++;
            return reason;
        }
    }
    return APS_REASON_ALLOW;
}

enum aps_reason mod_stage_limit_address(struct mod_req *m, const struct mod_limits *limits)
{
    return limits != NULL && limits->by_ip ? peek_address(m, limits) : APS_REASON_ALLOW;
}

struct aps_str mod_stage_limit_route(const struct mod_req *m)
{
    if (m->route.n != 0)
        return m->route;
    return aps_str(m->dir != NULL && m->dir->where != NULL ? m->dir->where : "/");
}

/* Add what one limit charges this caller for; a caller without a name has none by key, user or
 * role. */
static bool add_limit(struct bill *bill, const struct mod_req *m, const struct mod_limit *limit)
{
    const struct aps_identity *who = m->who;
    struct aps_str name;
    switch (limit->by) {
    case MOD_BY_IP:
        return add(bill, m, limit, &limit->limit, address_of(m));
    case MOD_BY_ROUTE:
        name = mod_stage_limit_route(m);
        break;
    case MOD_BY_KEY:
        if (who == NULL)
            return true;
        name = who->key.id;
        break;
    case MOD_BY_USER:
        if (who == NULL)
            return true;
        name = who->user;
        break;
    case MOD_BY_ROLE:
        for (size_t i = 0; who != NULL && i < who->key.nroles; i++)
            if (!add(bill, m, limit, &limit->limit,
                     caller_of(m, who->key.roles[i].p, who->key.roles[i].n)))
                return false;
        return true;
    default:
        return false;
    }
    return add(bill, m, limit, &limit->limit, caller_of(m, name.p, name.n));
}

enum aps_reason mod_stage_limit_caller(struct mod_req *m, const struct mod_limits *limits)
{
    struct bill bill;
    bill.n = 0;
    bool own = m->who != NULL && m->who->key.limit.rate.count != 0 && !is_charged(m, NULL);
    if (limits == NULL && !own)
        return APS_REASON_ALLOW;
    if (mod_process.state == NULL)
        return APS_REASON_STATE_DOWN;
    for (size_t i = 0; limits != NULL && i < limits->n; i++)
        if (!is_charged(m, limits->v[i]) && !add_limit(&bill, m, limits->v[i]))
            return APS_REASON_INTERNAL;
    if (own && !add(&bill, m, NULL, &m->who->limit,
                    aps_table_caller(mod_process.state, m->who->key.id.p, m->who->key.id.n)))
        return APS_REASON_INTERNAL;
    return charge(m, &bill);
}

/* What is refused without a caller costs its address alone: charging a route would let strangers
 * close it. */
enum aps_reason mod_stage_limit_refused(struct mod_req *m, const struct mod_limits *limits,
                                        enum aps_reason reason)
{
    struct bill bill;
    bill.n = 0;
    if (limits == NULL || !limits->by_ip || mod_process.state == NULL)
        return reason;
    for (size_t i = 0; i < limits->n; i++)
        if (limits->v[i]->by == MOD_BY_IP && !is_charged(m, limits->v[i]))
            (void)add(&bill, m, limits->v[i], &limits->v[i]->limit,
                      address_of(m)); /* at most MOD_LIMITS_MAX */
    enum aps_reason limited = charge(m, &bill);
    return limited != APS_REASON_ALLOW ? limited : reason;
}

/* Failures cost their source and never a claimed name, so nobody can lock out the owner of a key
 * (KEY-15, LIM-12).  A right key does not come here. */
enum aps_reason mod_stage_limit_fail(struct mod_req *m, enum aps_reason reason)
{
    const struct mod_limit *fail = m->server->fail;
    struct aps_rate_answer answer;
    if (mod_process.state == NULL)
        return APS_REASON_STATE_DOWN;
    struct aps_rate_ask ask = ask_of(m, &fail->limit, address_of(m));
    aps_metrics_add(mod_process.state, APS_METRIC_AUTHN_FAILURES, 1);
    if (aps_rate_take(mod_process.state, &ask, now_of(m), aps_clock_monotonic, &answer) ==
        APS_REASON_ALLOW)
        return reason;
    m->wait = answer.wait;
    /* The answer is the same; that a decoy was shown is told whatever came before it. */
    return reason == APS_REASON_KEY_DECOY ? APS_REASON_DECOY_RATE : APS_REASON_AUTHN_RATE;
}

struct aps_str mod_stage_limit_name(const struct mod_req *m, enum aps_reason reason)
{
    if (reason == APS_REASON_AUTHN_RATE || reason == APS_REASON_DECOY_RATE)
        return m->server->fail->name;
    if (m->refused_charge < 0)
        return (struct aps_str){NULL, 0};
    const struct mod_limit *limit = m->charge[m->refused_charge].limit;
    return limit != NULL ? limit->name : APS_STR_LIT(MOD_LIMIT_OWN);
}
