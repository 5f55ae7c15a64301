/* What one decision charges: cost, callers, cells, and how they are listed. */
#include "bill.h"

/* ---- Who asks, and what it costs ---- */

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

struct mod_asker mod_bill_asker(request_rec *r, struct mod_req *m, const struct mod_cost *cost)
{
    return (struct mod_asker){.r = r,
                              .m = m,
                              .caller = m->who,
                              .adjusts = adjusts_of(m),
                              .cost = cost,
                              .store = store_of(m),
                              .fault = APS_REASON_ALLOW};
}

static void subject_of(const struct mod_asker *a, struct aps_subject *out)
{
    *out = (struct aps_subject){
        .store = a->store, .addr = a->m->addr, .route = mod_stage_limit_route(a->m)};
    if (a->caller != NULL)
        aps_subject_set_caller(out, &a->caller->key);
}

/* How many cells each meter of a limit has for the asker. */
static size_t subjects_of(const struct mod_asker *a, const struct aps_limit *limit)
{
    if ((limit->by & APS_LIMIT_BY_CALLER) == 0)
        return 1;
    if (a->caller == NULL)
        return 0;
    return (limit->by & APS_LIMIT_BY_ROLE) != 0 ? a->caller->key.nroles : 1;
}

/* Bytes of the body as declared; -1: nobody knows before it is read. */
static int64_t body_of(const struct mod_asker *a)
{
    const apr_table_t *in = mod_body_fields(a->m);
    const char *length = apr_table_get(in, "Content-Length");
    uint64_t n = 0;
    if (apr_table_get(in, "Transfer-Encoding") != NULL)
        return -1;
    if (length == NULL)
        return 0;
    return aps_num_parse(aps_str(length), 0, INT64_MAX, &n, NULL) == APS_OK ? (int64_t)n : -1;
}

/* What the section's expression gives for this request; 0 if that is no cost. */
__attribute__((noinline)) static uint32_t evaluate(struct mod_asker *a)
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
__attribute__((noinline)) static uint32_t reckon(struct mod_asker *a, const struct aps_limit *limit)
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
static inline uint32_t cost_of(struct mod_asker *a, const struct aps_limit *limit)
{
    bool own = limit != NULL && limit->has_cost;
    return own || a->cost != NULL ? reckon(a, limit) : 1;
}

/* ---- The bill ---- */

static bool is_over(const struct mod_req *m)
{
    return m->decision == APS_DECISION_REFUSE || m->decision == APS_DECISION_WOULD_REFUSE;
}

bool mod_bill_is_charged(const struct mod_req *m, const struct aps_limit *limit)
{
    bool over = is_over(m);
    for (size_t i = 0; i < m->ncharges; i++)
        if (m->charge[i].limit == limit && (m->charge[i].spent || over))
            return true;
    return false;
}

void mod_bill_open(struct mod_bill *bill, struct mod_req *m, size_t n)
{
    struct mod_charge *v = apr_palloc(m->first->pool, (m->ncharges + n) * sizeof *v);
    for (size_t i = 0; i < m->ncharges; i++)
        v[i] = m->charge[i];
    m->charge = v;
    m->limits = NULL;
    bill->n = 0;
    bill->delay = 0;
    bill->charge = v + m->ncharges;
    bill->ask =
        n <= MOD_BILL_USUAL ? bill->some : apr_palloc(m->first->pool, n * sizeof *bill->ask);
}

static void add(struct mod_bill *bill, const struct aps_limit *limit,
                const struct aps_limit_meter *meter, const struct aps_rate_limit *rate,
                uint64_t caller, const struct mod_asker *a, uint32_t cost)
{
    bill->ask[bill->n] = (struct aps_rate_ask){
        .limit = rate, .caller = caller, .store = a->store, .cost = cost, .at_once = true};
    if (rate->delay > bill->delay)
        bill->delay = rate->delay;
    bill->charge[bill->n].limit = limit;
    bill->charge[bill->n].cost = cost;
    bill->charge[bill->n++].meter = meter;
}

size_t mod_bill_room(const struct mod_asker *a, const struct aps_limit *limit)
{
    return limit->n * subjects_of(a, limit);
}

uint64_t mod_bill_name(const struct mod_asker *a, const struct aps_limit *limit, size_t i,
                       uint64_t epoch)
{
    unsigned char bytes[APS_SUBJECT_MAX];
    struct aps_subject who;
    subject_of(a, &who);
    return aps_table_caller(mod_process.state, bytes,
                            aps_subject_bytes(limit, &who, i, epoch, bytes));
}

/* Where it is kept from one request of a caller to the next; NULL: nowhere. */
static uint64_t *kept_name(const struct mod_asker *a, const struct aps_limit *limit)
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

struct mod_names {
    struct aps_addr addr;
    size_t n;
    struct {
        uint64_t store, name;
        uint8_t prefix4, prefix6;
    } v[4];
};

/* NULL: there is none to keep them for, as a stream of HTTP/2 is a connection of its own. */
static struct mod_names *names_of(const struct mod_req *m)
{
    conn_rec *c = m->first->connection;
    if (c->master != NULL)
        return NULL;
    struct mod_conn *conn = mod_req_conn(c);
    if (conn->names == NULL)
        conn->names = apr_pcalloc(c->pool, sizeof *conn->names);
    struct mod_names *names = conn->names;
    if (memcmp(&names->addr, &m->addr, sizeof m->addr) != 0) { /* a proxy has many clients */
        names->addr = m->addr;
        names->n = 0;
    }
    return names;
}

__attribute__((noinline)) static uint64_t make_address(const struct mod_asker *a,
                                                       const struct aps_limit *limit)
{
    struct mod_names *names = a->names;
    uint64_t name = mod_bill_name(a, limit, 0, 0);
    if (names != NULL && names->n < sizeof names->v / sizeof names->v[0]) {
        names->v[names->n].store = a->store;
        names->v[names->n].name = name;
        names->v[names->n].prefix4 = limit->prefix4;
        names->v[names->n++].prefix6 = limit->prefix6;
    }
    return name;
}

static inline uint64_t address_of(struct mod_asker *a, const struct aps_limit *limit)
{
    if (a->names == NULL)
        a->names = names_of(a->m);
    for (size_t i = 0; a->names != NULL && i < a->names->n; i++)
        if (a->names->v[i].prefix4 == limit->prefix4 && a->names->v[i].prefix6 == limit->prefix6 &&
            a->names->v[i].store == a->store)
            return a->names->v[i].name;
    return make_address(a, limit);
}

__attribute__((noinline)) static uint64_t
find_name(const struct mod_asker *a, const struct aps_limit *limit, size_t i, uint64_t *kept)
{
    uint64_t epoch = a->adjusts != NULL && a->caller != NULL
                         ? aps_adjusts_epoch(a->adjusts, limit, &a->caller->key)
                         : 0;
    uint64_t name = epoch == 0 && kept != NULL ? __atomic_load_n(kept, __ATOMIC_RELAXED) : 0;
    if (name == 0) {
        name = mod_bill_name(a, limit, i, epoch);
        if (kept != NULL && epoch == 0)
            __atomic_store_n(kept, name, __ATOMIC_RELAXED);
    }
    return name;
}

static inline uint64_t caller_of(struct mod_asker *a, const struct aps_limit *limit, size_t i)
{
    if (limit->by == APS_LIMIT_BY_IP)
        return address_of(a, limit);
    uint64_t *kept = kept_name(a, limit);
    uint64_t name =
        kept != NULL && a->adjusts == NULL ? __atomic_load_n(kept, __ATOMIC_RELAXED) : 0;
    return name != 0 ? name : find_name(a, limit, i, kept);
}

/* What the caller was granted beyond a quota. */
static void add_bonus(struct mod_bill *bill, const struct mod_asker *a,
                      const struct aps_limit *limit, const struct aps_limit_meter *meter, size_t at)
{
    if (meter->kind == APS_LIMIT_QUOTA)
        bill->ask[at].bonus = aps_adjusts_bonus(a->adjusts, limit, meter, &a->caller->key,
                                                (aps_nsec)a->m->first->request_time * APS_USEC);
}

/* The same for all meters of the limit, which were added last. */
__attribute__((noinline)) static void add_bonuses(struct mod_bill *bill, const struct mod_asker *a,
                                                  const struct aps_limit *limit)
{
    for (size_t k = 0; k < limit->n; k++)
        add_bonus(bill, a, limit, &limit->meter[k], bill->n - limit->n + k);
}

bool mod_bill_has_room(struct mod_asker *a, const struct aps_limit *limit)
{
    uint64_t caller = address_of(a, limit);
    uint32_t cost = cost_of(a, limit);
    for (size_t k = 0; k < limit->n; k++)
        if (!aps_rate_has_room(mod_process.state, &limit->meter[k].charge, caller, cost,
                               mod_req_now(a->m)))
            return false;
    return true;
}

__attribute__((always_inline)) static inline void add_meters(struct mod_bill *bill,
                                                             struct mod_asker *a,
                                                             const struct aps_limit *limit,
                                                             size_t i, uint32_t cost)
{
    uint64_t caller = caller_of(a, limit, i);
    for (size_t k = 0; k < limit->n; k++)
        add(bill, limit, &limit->meter[k], &limit->meter[k].charge, caller, a, cost);
    if (a->adjusts != NULL && a->caller != NULL)
        add_bonuses(bill, a, limit);
}

__attribute__((always_inline)) static inline void
add_limit(struct mod_bill *bill, struct mod_asker *a, const struct aps_limit *limit)
{
    size_t subjects = subjects_of(a, limit);
    if (subjects == 0)
        return;
    if (subjects > 1)
        a->m->by_role = true;
    uint32_t cost = cost_of(a, limit);
    for (size_t i = 0; i < subjects; i++)
        add_meters(bill, a, limit, i, cost);
}

void mod_bill_add(struct mod_bill *bill, struct mod_asker *a, const struct aps_limit *limit)
{
    add_limit(bill, a, limit);
}

/* Nearly every limit: one meter by key, user or organisation of a caller who was here before, and a
 * cost of 1.  False, and nothing was added, where there is more to it. */
static inline bool add_usual(struct mod_bill *bill, const struct mod_asker *a,
                             const struct aps_limit *limit)
{
    _Static_assert(APS_LIMIT_BY_KEY == 1 && APS_LIMIT_BY_USER == 2 && APS_LIMIT_BY_ORG == 4,
                   "their words are those of kept_name");
    if (limit->by > APS_LIMIT_BY_ORG || limit->by == 3 || limit->n != 1 || limit->dry_run ||
        limit->has_cost)
        return false;
    uint64_t name = __atomic_load_n(&a->caller->words[limit->by >> 1], __ATOMIC_RELAXED);
    if (name == 0)
        return false;
    add(bill, limit, &limit->meter[0], &limit->meter[0].charge, name, a, 1);
    return true;
}

/* How much more than an earlier section of the transaction has charged this one asks for.  Parts of
 * a page cost nothing more. */
static uint32_t rest_of(struct mod_asker *a, const struct aps_limit *limit, uint32_t *out_cost)
{
    uint32_t paid = 0;
    if (a->r->main != NULL || is_over(a->m))
        return 0;
    for (size_t i = 0; i < a->m->ncharges; i++)
        if (a->m->charge[i].limit == limit && a->m->charge[i].spent && a->m->charge[i].cost > paid)
            paid = a->m->charge[i].cost;
    *out_cost = cost_of(a, limit);
    return *out_cost > paid ? *out_cost - paid : 0;
}

/* A request under way is one, whatever it costs. */
static void add_rest(struct mod_bill *bill, struct mod_asker *a, const struct aps_limit *limit,
                     size_t i, uint32_t rest, uint32_t cost)
{
    uint64_t caller = caller_of(a, limit, i);
    for (size_t k = 0; k < limit->n; k++) {
        const struct aps_limit_meter *meter = &limit->meter[k];
        if (meter->kind == APS_LIMIT_INFLIGHT)
            continue;
        add(bill, limit, meter, &meter->charge, caller, a, rest);
        bill->charge[bill->n - 1].cost = cost;
        if (a->adjusts != NULL && a->caller != NULL)
            add_bonus(bill, a, limit, meter, bill->n - 1);
    }
}

__attribute__((noinline)) void mod_bill_add_rest(struct mod_bill *bill, struct mod_asker *a,
                                                 const struct aps_limit *limit)
{
    uint32_t cost, rest = rest_of(a, limit, &cost);
    size_t subjects = rest != 0 ? subjects_of(a, limit) : 0;
    a->m->by_role |= subjects != 0;
    for (size_t i = 0; i < subjects; i++)
        add_rest(bill, a, limit, i, rest, cost);
}

void mod_bill_add_section(struct mod_bill *bill, struct mod_asker *a, bool addresses)
{
    bool usual = a->caller != NULL && a->adjusts == NULL && a->cost == NULL &&
                 a->m->ncharges == 0 && !addresses;
    for (size_t i = 0; i < a->all->n; i++) {
        const struct aps_limit *limit = a->all->v[i];
        if (usual && add_usual(bill, a, limit)) {
            (void)aps_directory_ask(mod_process.state, mod_limit_row(limit));
            continue;
        }
        if (limit->dry_run || (addresses && !mod_limit_is_by_address(limit)))
            continue;
        if (a->m->ncharges != 0 && mod_bill_is_charged(a->m, limit)) {
            mod_bill_add_rest(bill, a, limit);
            continue;
        }
        add_limit(bill, a, limit);
        (void)aps_directory_ask(mod_process.state, mod_limit_row(limit));
    }
}

void mod_bill_add_own(struct mod_bill *bill, struct mod_asker *a)
{
    const struct aps_identity *who = a->caller;
    bool again = mod_bill_is_charged(a->m, NULL);
    uint32_t cost, units = again ? rest_of(a, NULL, &cost) : (cost = cost_of(a, NULL));
    if (units == 0)
        return;
    a->m->by_role |= again;
    add(bill, NULL, NULL, &who->limit, aps_ownlimit_caller(mod_process.state, &who->key), a, units);
    bill->charge[bill->n - 1].cost = cost;
}

/* ---- What is listed ---- */

static bool is_configured(const struct mod_asker *a, const struct aps_limit *limit)
{
    for (size_t i = 0; a->all != NULL && i < a->all->n; i++)
        if (a->all->v[i] == limit)
            return true;
    return false;
}

/* NULL: the key's own limit, which is not listed. */
__attribute__((noinline)) static void
count_one(const struct mod_asker *a, const struct aps_limit *limit, enum aps_directory_count what)
{
    if (limit == NULL)
        return;
    if (is_configured(a, limit))
        (void)aps_directory_add(mod_process.state, mod_limit_row(limit), what,
                                (aps_nsec)a->m->first->request_time * APS_USEC);
    else
        mod_directory_count(a->m, a->plan, limit, what);
}

void mod_bill_count_refusal(const struct mod_asker *a, const struct aps_limit *limit)
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

static void count_delays(const struct mod_asker *a, const struct mod_bill *bill)
{
    for (unsigned i = 0; i < bill->n; i++)
        if (is_delayed(&bill->ask[i], &bill->charge[i].left))
            count_one(a, bill->charge[i].limit, APS_DIRECTORY_DELAYED);
}

/* Once more, for a request that may wait: its units are taken now, and it goes on later. */
__attribute__((noinline)) static enum aps_reason
charge_turn(struct mod_asker *a, struct mod_bill *bill, struct aps_rate_result *result)
{
    if (a->turn == MOD_TURN_WAIT && !mod_stage_wait_reserve(a->m))
        return APS_REASON_RATE_EXCEEDED;
    for (unsigned i = 0; i < bill->n; i++)
        bill->ask[i].at_once = false;
    enum aps_reason reason = aps_rate_take_all(mod_process.state, bill->ask, bill->n,
                                               mod_req_now(a->m), aps_clock_monotonic, result);
    if (a->turn == MOD_TURN_WAIT)
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

enum aps_reason mod_bill_charge(struct mod_asker *a, struct mod_bill *bill)
{
    struct mod_req *m = a->m;
    struct aps_rate_result result;
    result.wait = 0;
    enum aps_reason reason = aps_rate_take_all(mod_process.state, bill->ask, bill->n,
                                               mod_req_now(m), aps_clock_monotonic, &result);
    if (reason == APS_REASON_RATE_EXCEEDED && a->turn != MOD_TURN_NOW && result.wait <= bill->delay)
        reason = charge_turn(a, bill, &result);
    if (result.held != 0)
        mod_inflight_keep(a, &result);
    if (reason == APS_REASON_ALLOW && result.kept != APS_LEASE_DURABLE)
        tell_kept(m, result.kept);
    if (reason == APS_REASON_STATE_MOVED || reason == APS_REASON_SLOTS_FULL)
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
        mod_bill_count_refusal(a, bill->charge[result.refused].limit);
    } else if (result.delay > 0 && a->turn == MOD_TURN_WAIT) {
        count_delays(a, bill);
    }
    m->ncharges += bill->n;
    return reason;
}
