/* How much: the limits of the section, the key's own, and the guard against guessing. */
#include "mod.h"

#include <apr_strings.h>

/* ---- Who asks, and what it costs ---- */

/* What becomes of a request that would have to wait for its turn. */
enum turn {
    TURN_NOW,   /* it cannot: refuse, and reserve nothing */
    TURN_WAIT,  /* it waits, as long as there are few enough who do */
    TURN_WATCH, /* admit it, as if it waited */
};

/* One decision's: whose cells are charged, and with how much. */
struct asker {
    request_rec *r;
    struct mod_req *m;
    const struct aps_identity *caller; /* NULL: nobody is known, or is to be charged */
    const struct aps_adjusts *adjusts; /* what single callers were granted; NULL: nothing */
    const struct mod_cost *cost;       /* of the section; NULL: 1 */
    uint64_t store;                    /* 0: it could not be used at start, nor was it since */
    uint32_t by_expr;                  /* what the section's expression gave; 0: not asked yet */
    enum aps_reason fault;             /* why a cost is not known; ALLOW: all are */
    enum turn turn;
    /* For the rows that list limits. */
    bool detects;                 /* under DetectOnly */
    const struct aps_plan *plan;  /* that the caller is held to, or NULL */
    const struct mod_limits *all; /* of the section */
};

static uint64_t store_of(const struct mod_req *m)
{
    if (m->server->store != NULL && m->server->store->tag != 0)
        return m->server->store->tag;
    return m->view != NULL ? aps_snapshot_store_tag(aps_view_snapshot(m->view)) : 0;
}

/* What was granted to callers of this store, where there is anything. */
static const struct aps_adjusts *adjusts_of(const struct mod_req *m)
{
    const struct aps_adjusts *book =
        m->who != NULL ? aps_snapshot_adjusts(aps_view_snapshot(m->view)) : NULL;
    return book != NULL && aps_adjusts_count(book) != 0 ? book : NULL;
}

static struct asker asker_of(request_rec *r, struct mod_req *m, const struct mod_cost *cost)
{
    return (struct asker){.r = r,
                          .m = m,
                          .caller = m->who,
                          .adjusts = adjusts_of(m),
                          .cost = cost,
                          .store = store_of(m),
                          .fault = APS_REASON_ALLOW};
}

static void subject_of(const struct asker *a, struct aps_subject *out)
{
    *out = (struct aps_subject){
        .store = a->store, .addr = a->m->addr, .route = mod_stage_limit_route(a->m)};
    if (a->caller != NULL)
        aps_subject_set_caller(out, &a->caller->key);
}

/* How many cells each meter of a limit has for the asker. */
static size_t subjects_of(const struct asker *a, const struct aps_limit *limit)
{
    if ((limit->by & APS_LIMIT_BY_CALLER) == 0)
        return 1;
    if (a->caller == NULL)
        return 0;
    return (limit->by & APS_LIMIT_BY_ROLE) != 0 ? a->caller->key.nroles : 1;
}

static inline struct aps_table_now now_of(struct mod_req *m)
{
    return (struct aps_table_now){mod_req_monotonic(m),
                                  (aps_nsec)m->first->request_time * APS_USEC};
}

/* Bytes of the body as declared; -1: nobody knows before it is read. */
static int64_t body_of(const struct asker *a)
{
    const apr_table_t *in = a->m->first->headers_in;
    const char *length = apr_table_get(in, "Content-Length");
    uint64_t n = 0;
    if (apr_table_get(in, "Transfer-Encoding") != NULL)
        return -1;
    if (length == NULL)
        return 0;
    return aps_num_parse(aps_str(length), 0, INT64_MAX, &n, NULL) == APS_OK ? (int64_t)n : -1;
}

/* What the section's expression gives for this request; 0 if that is no cost. */
__attribute__((noinline)) static uint32_t evaluate(struct asker *a)
{
    const char *fault = NULL, *text = ap_expr_str_exec(a->r, a->cost->expr, &fault);
    uint64_t n = 0;
    if (fault != NULL || aps_num_parse(aps_str(text), 1, APS_LIMIT_COST_MAX, &n, NULL) != APS_OK) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, a->r,
                      "APISEC0005: the expression of ApiSecCost gave \"%s\"; want 1 to %u",
                      fault != NULL ? fault : text, APS_LIMIT_COST_MAX);
        return 0;
    }
    return (uint32_t)n;
}

/* Where nobody can say what the request costs it costs 1, and is refused once that is charged. */
__attribute__((noinline)) static uint32_t reckon(struct asker *a, const struct aps_limit *limit)
{
    bool own = limit != NULL && limit->has_cost;
    if (!own && a->cost->expr != NULL) {
        if (a->by_expr == 0 && (a->by_expr = evaluate(a)) == 0) {
            a->fault = APS_REASON_COST_INVALID;
            a->by_expr = 1;
        }
        return a->by_expr;
    }
    const struct aps_limit_cost *cost = own ? &limit->cost : &a->cost->cost;
    uint32_t n = aps_limit_cost_of(cost, a->m->method, cost->bytes != 0 ? body_of(a) : 0);
    if (n == 0 && a->fault == APS_REASON_ALLOW)
        a->fault = APS_REASON_LENGTH_REQUIRED;
    return n != 0 ? n : 1;
}

/* What the request costs of a limit; NULL: of the key's own. */
static inline uint32_t cost_of(struct asker *a, const struct aps_limit *limit)
{
    bool own = limit != NULL && limit->has_cost;
    return own || a->cost != NULL ? reckon(a, limit) : 1;
}

/* ---- The bill ---- */

/* Whether the transaction has paid for this limit, or is over: what a refusal left unpaid is not
 * asked for again on the way of its answer, but is where only a subrequest was refused. */
static bool is_charged(const struct mod_req *m, const struct aps_limit *limit)
{
    bool over = m->decision == APS_DECISION_REFUSE || m->decision == APS_DECISION_WOULD_REFUSE;
    for (size_t i = 0; i < m->ncharges; i++)
        if (m->charge[i].limit == limit && (m->charge[i].spent || over))
            return true;
    return false;
}

enum { USUAL = 16 };

/* Charges to come; `charge` is where their outcomes go. */
struct bill {
    unsigned n;
    aps_nsec delay; /* the longest that one of them lets a request wait */
    struct aps_rate_ask *ask;
    struct mod_charge *charge;
    struct aps_rate_ask some[USUAL];
};

/* Room for `n` charges behind those that are there. */
static void open_bill(struct bill *bill, struct mod_req *m, size_t n)
{
    struct mod_charge *v = apr_palloc(m->first->pool, (m->ncharges + n) * sizeof *v);
    for (size_t i = 0; i < m->ncharges; i++)
        v[i] = m->charge[i];
    m->charge = v;
    bill->n = 0;
    bill->delay = 0;
    bill->charge = v + m->ncharges;
    bill->ask = n <= USUAL ? bill->some : apr_palloc(m->first->pool, n * sizeof *bill->ask);
}

static void add(struct bill *bill, const struct aps_limit *limit,
                const struct aps_limit_meter *meter, const struct aps_rate_limit *rate,
                uint64_t caller, const struct asker *a, uint32_t cost)
{
    bill->ask[bill->n] = (struct aps_rate_ask){
        .limit = rate, .caller = caller, .store = a->store, .cost = cost, .at_once = true};
    if (rate->delay > bill->delay)
        bill->delay = rate->delay;
    bill->charge[bill->n].limit = limit;
    bill->charge[bill->n++].meter = meter;
}

/* The most that add_limit adds. */
static size_t room_for(const struct asker *a, const struct aps_limit *limit)
{
    return limit->n * subjects_of(a, limit);
}

/* `epoch`: how often the limit began anew for the caller. */
__attribute__((noinline)) static uint64_t
name_caller(const struct asker *a, const struct aps_limit *limit, size_t i, uint64_t epoch)
{
    unsigned char bytes[APS_SUBJECT_MAX];
    struct aps_subject who;
    subject_of(a, &who);
    return aps_table_caller(mod_process.state, bytes,
                            aps_subject_bytes(limit, &who, i, epoch, bytes));
}

/* Where it is kept from one request of a caller to the next; NULL: nowhere. */
static uint64_t *kept_name(const struct asker *a, const struct aps_limit *limit)
{
    switch (limit->by) {
    case APS_LIMIT_BY_KEY:
        return &a->caller->words[0];
    case APS_LIMIT_BY_USER:
        return &a->caller->words[1];
    case APS_LIMIT_BY_ORG:
        return &a->caller->words[2];
    default:
        return NULL;
    }
}

/* Names of a connection's address, which its requests ask for again and again. */
struct names {
    struct aps_addr addr;
    size_t n;
    struct {
        uint64_t store, name;
        uint8_t prefix4, prefix6;
    } v[4];
};

/* NULL: there is none to keep them for, as a stream of HTTP/2 is a connection of its own. */
static struct names *names_of(const struct mod_req *m)
{
    conn_rec *c = m->first->connection;
    struct names *names = ap_get_module_config(c->conn_config, &apisec_module);
    if (c->master != NULL)
        return NULL;
    if (names == NULL) {
        names = apr_pcalloc(c->pool, sizeof *names);
        ap_set_module_config(c->conn_config, &apisec_module, names);
    }
    if (memcmp(&names->addr, &m->addr, sizeof m->addr) != 0) { /* a proxy has many clients */
        names->addr = m->addr;
        names->n = 0;
    }
    return names;
}

static uint64_t address_of(const struct asker *a, const struct aps_limit *limit)
{
    struct names *names = names_of(a->m);
    for (size_t i = 0; names != NULL && i < names->n; i++)
        if (names->v[i].prefix4 == limit->prefix4 && names->v[i].prefix6 == limit->prefix6 &&
            names->v[i].store == a->store)
            return names->v[i].name;
    uint64_t name = name_caller(a, limit, 0, 0);
    if (names != NULL && names->n < sizeof names->v / sizeof names->v[0]) {
        names->v[names->n].store = a->store;
        names->v[names->n].name = name;
        names->v[names->n].prefix4 = limit->prefix4;
        names->v[names->n++].prefix6 = limit->prefix6;
    }
    return name;
}

static uint64_t caller_of(const struct asker *a, const struct aps_limit *limit, size_t i)
{
    if (limit->by == APS_LIMIT_BY_IP)
        return address_of(a, limit);
    uint64_t epoch = a->adjusts != NULL && a->caller != NULL
                         ? aps_adjusts_epoch(a->adjusts, limit, &a->caller->key)
                         : 0;
    if (epoch != 0)
        return name_caller(a, limit, i, epoch);
    uint64_t *kept = kept_name(a, limit);
    uint64_t caller = kept != NULL ? __atomic_load_n(kept, __ATOMIC_RELAXED) : 0;
    if (caller == 0) {
        caller = name_caller(a, limit, i, 0);
        if (kept != NULL)
            __atomic_store_n(kept, caller, __ATOMIC_RELAXED);
    }
    return caller;
}

/* What the caller was granted beyond the quotas that were added last. */
__attribute__((noinline)) static void add_bonus(struct bill *bill, const struct asker *a,
                                                const struct aps_limit *limit)
{
    struct aps_rate_ask *ask = &bill->ask[bill->n - limit->n];
    for (size_t k = 0; k < limit->n; k++)
        if (limit->meter[k].kind == APS_LIMIT_QUOTA)
            ask[k].bonus = aps_adjusts_bonus(a->adjusts, limit, &limit->meter[k], &a->caller->key,
                                             (aps_nsec)a->m->first->request_time * APS_USEC);
}

/* All meters of a limit, for each of its subjects. */
static void add_limit(struct bill *bill, struct asker *a, const struct aps_limit *limit)
{
    size_t subjects = subjects_of(a, limit);
    if (subjects == 0)
        return;
    if (subjects > 1)
        a->m->by_role = true;
    uint32_t cost = cost_of(a, limit);
    for (size_t i = 0; i < subjects; i++) {
        uint64_t caller = caller_of(a, limit, i);
        for (size_t k = 0; k < limit->n; k++)
            add(bill, limit, &limit->meter[k], &limit->meter[k].charge, caller, a, cost);
        if (a->adjusts != NULL && a->caller != NULL)
            add_bonus(bill, a, limit);
    }
}

static void add_own(struct bill *bill, struct asker *a)
{
    const struct aps_identity *who = a->caller;
    add(bill, NULL, NULL, &who->limit,
        aps_table_caller(mod_process.state, who->key.id.p, who->key.id.n), a, cost_of(a, NULL));
}

/* ---- What is listed ---- */

static bool is_configured(const struct asker *a, const struct aps_limit *limit)
{
    for (size_t i = 0; a->all != NULL && i < a->all->n; i++)
        if (a->all->v[i] == limit)
            return true;
    return false;
}

/* NULL: the key's own limit, which is not listed. */
__attribute__((noinline)) static void
count_one(const struct asker *a, const struct aps_limit *limit, enum aps_directory_count what)
{
    if (limit == NULL)
        return;
    if (is_configured(a, limit))
        (void)aps_directory_add(mod_process.state, mod_limit_row(limit), what,
                                (aps_nsec)a->m->first->request_time * APS_USEC);
    else
        mod_directory_count(a->m, a->plan, limit, what);
}

static void count_refusal(const struct asker *a, const struct aps_limit *limit)
{
    bool watches = a->detects || (limit != NULL && limit->dry_run);
    count_one(a, limit, watches ? APS_DIRECTORY_WOULD_REFUSE : APS_DIRECTORY_REFUSED);
}

/* Whether a charge was admitted for later: its bucket is fuller than what may be spent at once. */
static bool is_delayed(const struct aps_rate_ask *ask, const struct aps_rate_left *left)
{
    const struct aps_rate_limit *limit = ask->limit;
    uint64_t level;
    if (limit->delay == 0 || left->reset == 0)
        return false;
    level = (uint64_t)left->reset + limit->span - (left->remaining + 1) * limit->step;
    return level > (limit->smooth ? ask->cost * limit->step : limit->span);
}

static void count_delays(const struct asker *a, const struct bill *bill)
{
    for (unsigned i = 0; i < bill->n; i++)
        if (is_delayed(&bill->ask[i], &bill->charge[i].left))
            count_one(a, bill->charge[i].limit, APS_DIRECTORY_DELAYED);
}

/* Slots of requests under way, until the transaction is over. */
struct slots {
    unsigned n;
    struct aps_slot slot[];
};

static apr_status_t give_slots_back(void *data)
{
    struct slots *slots = data;
    for (unsigned i = 0; i < slots->n; i++)
        aps_slots_release(mod_process.state, &slots->slot[i]);
    return APR_SUCCESS;
}

/* However it ends, its pool does (LIM-08). */
static void keep_slots(struct mod_req *m, const struct aps_rate_result *result)
{
    size_t bytes = result->held * sizeof result->slot[0];
    struct slots *slots = apr_palloc(m->first->pool, sizeof *slots + bytes);
    slots->n = result->held;
    memcpy(slots->slot, result->slot, bytes);
    apr_pool_cleanup_register(m->first->pool, slots, give_slots_back, apr_pool_cleanup_null);
}

/* Once more, for a request that may wait: its units are taken now, and it goes on later. */
__attribute__((noinline)) static enum aps_reason charge_turn(struct asker *a, struct bill *bill,
                                                             struct aps_rate_result *result)
{
    if (a->turn == TURN_WAIT && !mod_stage_wait_reserve(a->m))
        return APS_REASON_RATE_EXCEEDED;
    for (unsigned i = 0; i < bill->n; i++)
        bill->ask[i].at_once = false;
    enum aps_reason reason = aps_rate_take_all(mod_process.state, bill->ask, bill->n, now_of(a->m),
                                               aps_clock_monotonic, result);
    if (a->turn == TURN_WAIT)
        mod_stage_wait_begin(a->m, reason == APS_REASON_ALLOW ? result->delay : 0);
    return reason;
}

/* A quota goes on in memory where its lease cannot be kept; that is told once a minute by each
 * child. */
__attribute__((noinline)) static void tell_kept(const struct mod_req *m, enum aps_lease_kept kept)
{
    static aps_nsec told; /* monotonic; 0: never */
    aps_nsec now = m->monotonic, before = __atomic_load_n(&told, __ATOMIC_RELAXED);
    if (kept == APS_LEASE_CAPPED || (before != 0 && now - before < APS_MINUTE) ||
        !__atomic_compare_exchange_n(&told, &before, now, false, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED))
        return;
    if (kept == APS_LEASE_NO_ROW)
        ap_log_rerror(
            APLOG_MARK, APLOG_WARNING, 0, m->first,
            "APISEC0030: what some callers count of their quotas is not on disk, since no "
            "row of the state file is free for it; raise ApiSecTable");
    else
        ap_log_rerror(APLOG_MARK, APLOG_ERR, aps_lease_failure(mod_process.state), m->first,
                      "APISEC0030: quotas cannot be written to the state file; a power failure "
                      "would forget what is counted now");
}

/* All or nothing; what is left is kept for the RateLimit fields. */
static enum aps_reason charge(struct asker *a, struct bill *bill)
{
    struct mod_req *m = a->m;
    struct aps_rate_result result;
    result.wait = 0;
    enum aps_reason reason = aps_rate_take_all(mod_process.state, bill->ask, bill->n, now_of(m),
                                               aps_clock_monotonic, &result);
    if (reason == APS_REASON_RATE_EXCEEDED && a->turn != TURN_NOW && result.wait <= bill->delay)
        reason = charge_turn(a, bill, &result);
    if (result.held != 0)
        keep_slots(m, &result);
    if (reason == APS_REASON_ALLOW && result.kept != APS_LEASE_DURABLE)
        tell_kept(m, result.kept);
    if (reason == APS_REASON_STATE_DOWN)
        m->wait = result.wait;
    if (reason != APS_REASON_ALLOW && reason != APS_REASON_RATE_EXCEEDED)
        return reason;
    for (unsigned i = 0; i < bill->n; i++) {
        bill->charge[i].left = result.left[i];
        bill->charge[i].spent = reason == APS_REASON_ALLOW;
    }
    if (reason != APS_REASON_ALLOW) {
        m->refused_charge = (int)(m->ncharges + result.refused);
        m->wait = result.wait;
        count_refusal(a, bill->charge[result.refused].limit);
    } else if (result.delay > 0 && a->turn == TURN_WAIT) {
        count_delays(a, bill);
    }
    m->ncharges += bill->n;
    return reason;
}

/* ---- Limits that only watch ---- */

static bool is_watched(const struct mod_req *m, const struct aps_limit *limit)
{
    for (const struct mod_watch *w = m->watched; w != NULL; w = w->next)
        if (w->limit == limit)
            return true;
    return false;
}

/* Apart from all others, and without a trace in the answer. */
__attribute__((noinline)) static void watch(struct asker *a, const struct aps_limit *limit)
{
    struct mod_req *m = a->m;
    struct mod_watch *w, **end = &m->watched;
    enum turn turn = a->turn;
    size_t ncharges = m->ncharges, n = room_for(a, limit);
    int refused = m->refused_charge;
    aps_nsec wait = m->wait;
    struct bill bill;
    if (n == 0 || is_watched(m, limit))
        return;
    open_bill(&bill, m, n);
    add_limit(&bill, a, limit);
    w = apr_pcalloc(m->first->pool, sizeof *w);
    w->limit = limit;
    a->turn = TURN_WATCH;
    w->refused = charge(a, &bill) != APS_REASON_ALLOW;
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
    bool own;                    /* the key's own limit is to be charged */
};

static void add_section(struct bill *bill, struct asker *a, bool addresses)
{
    for (size_t i = 0; i < a->all->n; i++) {
        const struct aps_limit *limit = a->all->v[i];
        if (limit->dry_run || (addresses && !mod_limit_is_by_address(limit)) ||
            (a->m->ncharges != 0 && is_charged(a->m, limit)))
            continue;
        add_limit(bill, a, limit);
        (void)aps_directory_ask(mod_process.state, mod_limit_row(limit));
    }
}

static void watch_section(struct asker *a, bool addresses)
{
    for (size_t i = 0; i < a->all->n; i++) {
        const struct aps_limit *limit = a->all->v[i];
        if (!limit->dry_run || (addresses && !mod_limit_is_by_address(limit)))
            continue;
        watch(a, limit);
        (void)aps_directory_ask(mod_process.state, mod_limit_row(limit));
    }
}

__attribute__((noinline)) static void add_held(struct bill *bill, struct asker *a,
                                               const struct held *held)
{
    for (size_t i = 0; i < held->n; i++)
        if (!held->v[i]->dry_run && !is_charged(a->m, held->v[i]))
            add_limit(bill, a, held->v[i]);
    if (held->own)
        add_own(bill, a);
}

static void watch_held(struct asker *a, const struct held *held)
{
    for (size_t i = 0; i < held->n; i++)
        if (held->v[i]->dry_run)
            watch(a, held->v[i]);
}

static size_t cells_held(const struct asker *a, const struct held *held)
{
    size_t n = held->own;
    for (size_t i = 0; i < held->n; i++)
        n += room_for(a, held->v[i]);
    return n;
}

/* Charge the section's limits, or those by address alone, and what the caller brings along. */
static enum aps_reason charge_all(struct asker *a, const struct mod_limits *limits, bool addresses,
                                  const struct held *held)
{
    static const struct mod_limits none;
    enum aps_reason reason = APS_REASON_ALLOW;
    struct bill bill;
    if (mod_process.state == NULL)
        return APS_REASON_STATE_DOWN;
    a->all = limits != NULL ? limits : &none;
    a->plan = held->plan;
    size_t nroles = a->caller != NULL ? a->caller->key.nroles : 0;
    open_bill(&bill, a->m, a->all->meters + a->all->roles * nroles + cells_held(a, held));
    add_section(&bill, a, addresses);
    if (held->n != 0 || held->own)
        add_held(&bill, a, held);
    if (bill.n != 0)
        reason = charge(a, &bill);
    if (reason != APS_REASON_ALLOW)
        return reason;
    if (a->all->dry_run)
        watch_section(a, addresses);
    watch_held(a, held);
    return a->fault;
}

/* Before anybody is asked for a name: is an address over its limits?  Nothing is charged yet, so
 * that address and caller are charged together, all or nothing.  Costs that are not known yet are
 * taken for 1. */
static enum aps_reason peek_limit(struct asker *a, const struct aps_limit *limit)
{
    struct mod_req *m = a->m;
    size_t before = m->ncharges;
    struct bill bill;
    open_bill(&bill, m, room_for(a, limit));
    add_limit(&bill, a, limit);
    for (unsigned i = 0; i < bill.n; i++) {
        struct aps_rate_answer answer;
        bill.ask[i].at_once = a->turn == TURN_NOW;
        enum aps_reason reason =
            aps_rate_peek(mod_process.state, &bill.ask[i], now_of(m), aps_clock_monotonic, &answer);
        if (reason == APS_REASON_ALLOW)
            continue;
        m->wait = answer.wait;
        count_refusal(a, limit);
        m->charge[before] = (struct mod_charge){limit, bill.charge[i].meter, answer.left, false};
        m->refused_charge = (int)m->ncharges++;
        return reason;
    }
    return APS_REASON_ALLOW;
}

static enum aps_reason peek_address(struct mod_req *m, const struct mod_limits *limits,
                                    bool detects)
{
    struct asker a = asker_of(m->first, m, NULL);
    a.detects = detects;
    a.all = limits;
    a.turn = TURN_WATCH; /* whether it can wait is asked when it is charged */
    if (mod_process.state == NULL)
        return APS_REASON_STATE_DOWN;
    if (mod_req_monotonic(m) == 0)
        return APS_REASON_INTERNAL;
    for (size_t i = 0; i < limits->n; i++) {
        const struct aps_limit *limit = limits->v[i];
        if (limit->by != APS_LIMIT_BY_IP || limit->dry_run || is_charged(m, limit))
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

/* The caller's plan is that of the key or of a role, else the section's. */
__attribute__((noinline)) static enum aps_reason
hold(const struct mod_req *m, const char *section,
     const struct aps_limit *room[APS_PLANBOOK_HELD_MAX], struct held *out)
{
    const struct aps_plan *plan = NULL;
    if (m->who->plan == NULL && section != NULL) {
        plan = aps_planbook_find(aps_snapshot_plans(aps_view_snapshot(m->view)), aps_str(section));
        if (plan == NULL || !plan->sound)
            return APS_REASON_PLAN_UNKNOWN;
    }
    out->n = aps_identity_limits(m->who, plan, room, &out->v);
    out->plan = m->who->plan != NULL ? m->who->plan : plan;
    if (out->plan != NULL && mod_process.state != NULL)
        mod_directory_meet(m, out->plan);
    out->own = m->who->key.limit.rate.count != 0 && !is_charged(m, NULL);
    return APS_REASON_ALLOW;
}

/* A stream of HTTP/2 must not wait, since it holds a worker that its connection shares; nor a part
 * of a page, nor what httpd answers before any handler. */
static enum turn turn_of(const request_rec *r, const struct mod_req *m,
                         const struct mod_policy *policy)
{
    if (policy->engine == MOD_ENGINE_DETECT)
        return TURN_WATCH;
    bool can =
        r->main == NULL && r->connection->master == NULL && m->path.n != 0 && m->path.p[0] == '/';
    return can ? TURN_WAIT : TURN_NOW;
}

static const struct held nothing;

__attribute__((noinline)) static enum aps_reason charge_caller(request_rec *r, struct mod_req *m,
                                                               const struct mod_policy *policy,
                                                               bool passes, const struct held *held)
{
    struct asker a = asker_of(r, m, policy->cost);
    a.detects = policy->engine == MOD_ENGINE_DETECT;
    if (passes)
        a.turn = turn_of(r, m, policy);
    return charge_all(&a, policy->limits, false, held);
}

/* Of a caller who may bring limits along. */
__attribute__((noinline)) static enum aps_reason
charge_holder(request_rec *r, struct mod_req *m, const struct mod_policy *policy, bool passes)
{
    const struct aps_limit *room[APS_PLANBOOK_HELD_MAX];
    struct held held = nothing;
    enum aps_reason reason = hold(m, policy->plan, room, &held);
    if (reason != APS_REASON_ALLOW || (policy->limits == NULL && held.n == 0 && !held.own))
        return reason;
    return charge_caller(r, m, policy, passes, &held);
}

enum aps_reason mod_stage_limit_caller(request_rec *r, struct mod_req *m,
                                       const struct mod_policy *policy, bool passes)
{
    if (m->who != NULL && (m->who->nlimits != 0 || m->who->plan != NULL || policy->plan != NULL ||
                           m->who->key.limit.rate.count != 0))
        return charge_holder(r, m, policy, passes);
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
    struct asker a = asker_of(r, m, policy->cost);
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
    struct asker a = asker_of(m->first, m, NULL);
    struct aps_rate_answer answer;
    if (mod_process.state == NULL)
        return APS_REASON_STATE_DOWN;
    struct aps_rate_ask ask = {.limit = &fail->meter[0].charge,
                               .caller = name_caller(&a, fail, 0, 0),
                               .store = a.store,
                               .cost = 1};
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
    const struct aps_limit_meter *meter = m->charge[m->refused_charge].meter;
    return meter != NULL ? meter->name : APS_STR_LIT(MOD_LIMIT_OWN);
}
