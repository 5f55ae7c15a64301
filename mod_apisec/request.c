/* The context of a transaction, and the decision on demand.
 *
 * httpd reaches a section by many ways: directly, by mod_dir, a rewrite, an ErrorDocument, a
 * subrequest.  Whichever hook comes first decides, once for each policy and transaction. */
#include "api.h"
#include "content.h"

#include <apr_strings.h>

/* ---- Context ---- */

static request_rec *first_of(const request_rec *r)
{
    for (;;) {
        if (r->main != NULL)
            r = r->main;
        else if (r->prev != NULL)
            r = r->prev;
        else
            return (request_rec *)r;
    }
}

struct mod_req *mod_req_find(const request_rec *r)
{
    struct mod_req *m = ap_get_module_config(r->request_config, &apisec_module);
    if (m == NULL && (r->main != NULL || r->prev != NULL))
        m = ap_get_module_config(first_of(r)->request_config, &apisec_module);
    return m;
}

/* By the C library, which clears so much in fewer steps than what a compiler writes for a size that
 * it knows. */
static struct mod_req *cleared(apr_pool_t *pool)
{
    const volatile size_t n = sizeof(struct mod_req);
    return memset(apr_palloc(pool, sizeof(struct mod_req)), 0, n);
}

struct mod_req *mod_req_make(request_rec *r)
{
    request_rec *first = first_of(r);
    struct mod_req *m = ap_get_module_config(first->request_config, &apisec_module);
    if (m == NULL) {
        m = cleared(first->pool);
        m->first = first;
        m->server = ap_get_module_config(first->server->module_config, &apisec_module);
        m->method_text = aps_str(first->method);
        m->method = aps_method_parse(m->method_text);
        m->refused_charge = -1;
        if (!aps_addr_from_sockaddr((const struct sockaddr *)&first->useragent_addr->sa, &m->addr))
            memset(&m->addr, 0, sizeof m->addr); /* a Unix socket: all its callers are one */
        ap_set_module_config(first->request_config, &apisec_module, m);
    }
    ap_set_module_config(r->request_config, &apisec_module, m);
    return m;
}

struct mod_conn *mod_req_conn(conn_rec *c)
{
    struct mod_conn *conn = ap_get_module_config(c->conn_config, &apisec_module);
    if (conn == NULL) {
        conn = apr_pcalloc(c->pool, sizeof *conn);
        ap_set_module_config(c->conn_config, &apisec_module, conn);
    }
    return conn;
}

aps_nsec mod_req_monotonic(struct mod_req *m)
{
    if (m->monotonic == 0)
        m->monotonic = aps_clock_monotonic();
    return m->monotonic;
}

/* A subrequest has a copy of the fields. */
void mod_req_unset_field(request_rec *r, struct mod_req *m, const char *field)
{
    apr_table_unset(m->first->headers_in, field);
    if (r->headers_in != m->first->headers_in)
        apr_table_unset(r->headers_in, field);
}

/* ---- Request id ---- */

/* An id that the client or a proxy in front of us gave, if nothing in it can do harm (TRN-12). */
static bool take_id(struct mod_req *m, const char *text, size_t min, const char *of)
{
    size_t n = text != NULL ? strspn(text, of) : 0;
    if (n < min || n > MOD_ID_MAX || text[n] != '\0')
        return false;
    memcpy(m->id, text, n);
    m->id[n] = '\0';
    m->id_len = n;
    return true;
}

/* version-traceid-parentid-flags (W3C Trace Context, 3.2); the trace id is the request's. */
static bool take_trace(struct mod_req *m, const char *text)
{
    static const char hex[] = "0123456789abcdef";
    if (text == NULL || strlen(text) != 55 || strncmp(text, "00-", 3) != 0 ||
        strspn(text + 3, hex) != 32 || text[35] != '-' || strspn(text + 36, hex) != 16 ||
        text[52] != '-' || strspn(text + 53, hex) != 2 || strspn(text + 3, "0") == 32)
        return false;
    return take_id(m, apr_pstrmemdup(m->first->pool, text + 3, 32), 32, hex);
}

/* Each child starts at random and goes through all 64 bits in odd steps: two children meet with a
 * chance of about one in 2^64 for each pair of their requests. */
static void make_id(struct mod_req *m)
{
    static uint64_t count;
    uint64_t n = __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
    uint64_t id = mod_process.id_seed + n * 0x9e3779b97f4a7c15u;
    *aps_num_put_hex(m->id, id) = '\0';
    m->id_len = 16;
}

const char *mod_req_id(struct mod_req *m)
{
    static const char id_bytes[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    const apr_table_t *in = m->first->headers_in;
    if (m->id_len == 0 && !take_id(m, apr_table_get(in, "X-Request-Id"), 8, id_bytes) &&
        !take_trace(m, apr_table_get(in, "traceparent")))
        make_id(m);
    return m->id;
}

void mod_req_verdict(struct mod_req *m, enum mod_engine engine, enum aps_reason reason)
{
    bool refuses =
        engine != MOD_ENGINE_DETECT && !aps_reason_is_pass(reason) && !aps_reason_is_answer(reason);
    if (m->decision == APS_DECISION_REFUSE ||
        (m->decision == APS_DECISION_WOULD_REFUSE && !refuses))
        return;
    m->reason = reason;
    if (aps_reason_is_pass(reason) || aps_reason_is_answer(reason))
        m->decision = APS_DECISION_ALLOW;
    else
        m->decision = engine == MOD_ENGINE_DETECT ? APS_DECISION_WOULD_REFUSE : APS_DECISION_REFUSE;
}

/* ---- Policies ---- */

static const struct mod_dir *dir_of(const request_rec *r)
{
    return ap_get_module_config(r->per_dir_config, &apisec_module);
}

static inline void policy_of(const struct mod_dir *dir, struct mod_policy *out)
{
    *out = (struct mod_policy){
        .engine = dir->engine,
        .tls = dir->tls == MOD_TLS_UNSET ? MOD_TLS_ON : dir->tls,
        .requires = mod_config_requires(dir),
        .deny = dir->deny,
        .sources = mod_config_sources(dir),
        .limits = dir->limits,
        .cost = dir->cost,
        .plan = dir->plan != NULL && strcmp(dir->plan, MOD_PLAN_NONE) != 0 ? dir->plan : NULL,
        .signature = dir->signature != NULL && !dir->signature->off ? dir->signature : NULL,
        .certificate =
            dir->certificate > MOD_CERTIFICATE_OFF ? dir->certificate : MOD_CERTIFICATE_UNSET,
        .relax = dir->relax,
        .api = dir->api != NULL && !dir->api->none ? dir->api : NULL,
        .upgrade = dir->upgrade,
        .cors = dir->cors != NULL && !dir->cors->none ? dir->cors : NULL,
        .token = dir->token != NULL ? *dir->token : (struct mod_token){.issuers = NULL},
    };
}

static bool same_deny(const struct mod_deny *a, const struct mod_deny *b)
{
    while (a != b && a != NULL && b != NULL && a->set == b->set) {
        a = a->outer;
        b = b->outer;
    }
    return a == b;
}

static bool same_limits(const struct mod_limits *a, const struct mod_limits *b)
{
    if (a == b)
        return true;
    if (a == NULL || b == NULL || a->n != b->n)
        return false;
    return memcmp(a->v, b->v, a->n * sizeof a->v[0]) == 0;
}

/* Merging makes new structs for each request and shares their parts: compare the parts. */
static bool same_policy(const struct mod_policy *a, const struct mod_policy *b)
{
    return a->engine == b->engine && a->tls == b->tls && a->requires == b->requires &&
           a->sources == b->sources && a->cost == b->cost && a->plan == b->plan &&
           a->cors == b->cors && a->signature == b->signature && a->certificate == b->certificate &&
           a->relax == b->relax && a->api == b->api && a->upgrade == b->upgrade &&
           memcmp(&a->token, &b->token, sizeof a->token) == 0 && same_deny(a->deny, b->deny) &&
           same_limits(a->limits, b->limits);
}

static const struct mod_deny *keep_deny(apr_pool_t *pool, const struct mod_deny *deny)
{
    if (deny == NULL)
        return NULL;
    struct mod_deny *kept = apr_pmemdup(pool, deny, sizeof *kept);
    kept->outer = keep_deny(pool, deny->outer);
    return kept;
}

/* A section that lives as long as the transaction: what httpd merged for a subrequest goes with
 * it, and so do the parts that merging made. */
static const struct mod_dir *keep_dir(const struct mod_req *m, const struct mod_dir *dir)
{
    apr_pool_t *pool = m->first->pool;
    struct mod_dir *kept = apr_pmemdup(pool, dir, sizeof *kept);
    kept->deny = keep_deny(pool, dir->deny);
    if (dir->limits != NULL) {
        struct mod_limits *limits = apr_pmemdup(pool, dir->limits, sizeof *limits);
        limits->v = apr_pmemdup(pool, dir->limits->v, limits->n * sizeof limits->v[0]);
        limits->policy = apr_pstrdup(pool, limits->policy);
        kept->limits = limits;
    }
    if (dir->max != NULL)
        kept->max = apr_pmemdup(pool, dir->max, sizeof *dir->max);
    if (dir->content != NULL)
        kept->content = apr_pmemdup(pool, dir->content, sizeof *dir->content);
    if (dir->token != NULL)
        kept->token = apr_pmemdup(pool, dir->token, sizeof *dir->token);
    return kept;
}

/* Whether `r` serves the ErrorDocument of a refusal, or a part of it, under the policy that
 * refused: what was refused is answered once.  Only a document that the administrator names: one
 * that .htaccess names, or rewrites to, could be the very thing that was refused. */
static bool is_error_document(const request_rec *r, struct mod_req *m)
{
    struct mod_policy policy, refused;
    if (m->refused == NULL)
        return false;
    policy_of(dir_of(r), &policy);
    policy_of(dir_of(m->refused), &refused);
    while (r->main != NULL)
        r = r->main;
    if (r->prev == m->refused && r->unparsed_uri != NULL && mod_process.documents != NULL &&
        apr_hash_get(mod_process.documents, r->unparsed_uri, APR_HASH_KEY_STRING) != NULL)
        m->document = r;
    return r == m->document && same_policy(&policy, &refused);
}

bool mod_req_is_error_page(const request_rec *r)
{
    for (; r != NULL; r = r->main != NULL ? r->main : r->prev)
        if (r->prev != NULL && ap_is_HTTP_ERROR(r->prev->status))
            return true;
    return false;
}

/* The section that the decision goes by.  Answers are for the page that asked, so redirects within
 * the server change nothing about who may read them. */
static void enter(const request_rec *r, struct mod_req *m, const struct mod_dir *dir)
{
    m->dir = dir;
    if (m->cors == NULL && r->main == NULL && dir->engine == MOD_ENGINE_ON)
        m->cors = dir->cors;
}

/* ---- Decide ---- */

static enum aps_reason limits_and_policy(request_rec *r, struct mod_req *m,
                                         const struct mod_policy *p)
{
    enum aps_reason allowed = APS_REASON_PUBLIC;
    if (!p->requires->is_public)
        allowed = mod_stage_policy(m, p->requires);
    if (p->api != NULL && aps_reason_is_pass(allowed)) {
        enum aps_reason reason = mod_stage_api(m, p->api);
        if (reason != APS_REASON_ALLOW && reason == m->auth) /* nobody is known */
            return mod_stage_limit_refused(r, m, p, reason);
        if (reason != APS_REASON_ALLOW)
            allowed = reason;
    }
    /* A verified caller's refusal costs that caller as usual (LIM-12). */
    enum aps_reason limited = mod_stage_limit_caller(r, m, p, aps_reason_is_pass(allowed));
    return limited != APS_REASON_ALLOW ? limited : allowed;
}

/* Checks in the order of least cost. */
static enum aps_reason run_stages(request_rec *r, struct mod_req *m, const struct mod_policy *p,
                                  const struct mod_dir *dir)
{
    enum aps_reason reason = mod_stage_inspect(r, m, dir);
    mod_stage_auth_take(r, m, dir, p->sources);
    if (mod_req_monotonic(m) == 0) /* nor is it known which keys were revoked */
        return APS_REASON_INTERNAL;
    if (reason == APS_REASON_ALLOW)
        reason = mod_stage_inspect_address(m, p->deny);
    if (reason == APS_REASON_ALLOW)
        reason = mod_stage_auth_tls(m, p->tls);
    if (reason == APS_REASON_ALLOW)
        reason = mod_stage_limit_address(m, p->limits, p->engine);
    if (reason != APS_REASON_ALLOW)
        return reason;
    /* What a browser asks and tells of pages is about the request that the client made. */
    if (p->cors != NULL && r->main == NULL)
        reason = mod_cors(m, p->cors);
    if (reason == APS_REASON_ALLOW && p->requires->webhook != NULL) {
        reason = mod_webhook_begin(m, p->requires->webhook);
        if (reason == APS_REASON_ALLOW) /* the content decides, and limits are charged then */
            return reason;
    }
    if (reason == APS_REASON_ALLOW && !p->requires->is_public)
        reason = mod_stage_auth(m);
    return reason == APS_REASON_ALLOW ? limits_and_policy(r, m, p)
                                      : mod_stage_limit_refused(r, m, p, reason);
}

/* Decided before, perhaps for another request of the transaction, whose variables and fields `r`
 * does not share. */
static enum aps_reason decided(request_rec *r, struct mod_req *m, const struct mod_dir *dir,
                               const struct mod_policy *policy, enum aps_reason reason)
{
    if (dir->engine != MOD_ENGINE_ON || (r == m->told && r->main == NULL))
        return reason;
    enum aps_reason clean = mod_stage_inspect_clean(r, m);
    mod_stage_auth_out(r, m, dir, policy->sources);
    if (clean != APS_REASON_ALLOW)
        return clean;
    if (aps_reason_is_pass(reason))
        mod_answer_identity(r, m, dir);
    return reason;
}

/* What was looked at as a part is what is served, as an index of mod_dir: the section that it lies
 * in may ask more than the one that led there, which a part is not charged. */
static void become_whole(request_rec *r, struct mod_req *m, struct mod_decision *d)
{
    d->part = false;
    if (!aps_reason_is_pass(d->reason) || d->policy.requires->webhook != NULL)
        return;
    enum aps_reason limited = mod_stage_limit_caller(r, m, &d->policy, true);
    if (limited == APS_REASON_ALLOW)
        return;
    d->reason = limited;
    mod_req_verdict(m, d->policy.engine, limited);
}

/* Whether *out is known: a section with the same policy came to it, or it is what an ErrorDocument
 * of ours gets. */
__attribute__((noinline)) static bool is_decided(request_rec *r, struct mod_req *m,
                                                 const struct mod_dir *dir, enum aps_reason *out)
{
    struct mod_policy policy;
    policy_of(dir, &policy);
    if (is_error_document(r, m)) {
        *out = decided(r, m, dir, &policy, APS_REASON_ALLOW);
        return true;
    }
    for (struct mod_decision *d = m->decisions; d != NULL; d = d->next)
        if (same_policy(&d->policy, &policy)) {
            if (d->part && r->main == NULL)
                become_whole(r, m, d);
            *out = decided(r, m, dir, &policy, d->reason);
            return true;
        }
    return false;
}

/* A frame of its own: most hooks ask what was decided. */
__attribute__((noinline)) static enum aps_reason decide(request_rec *r, struct mod_req *m,
                                                        const struct mod_dir *dir)
{
    enum aps_reason known;
    if ((m->decisions != NULL || m->refused != NULL) && is_decided(r, m, dir, &known))
        return known;
    enter(r, m, dir);
    if (r->main != NULL)
        m->dir = dir = keep_dir(m, dir);
    /* Under DetectOnly what On refuses before any section is known comes this far. */
    bool early = m->decisions == NULL && m->decision == APS_DECISION_WOULD_REFUSE;
    struct mod_decision *d = apr_palloc(m->first->pool, sizeof *d);
    policy_of(dir, &d->policy);
    d->reason = early ? m->reason : run_stages(r, m, &d->policy, dir);
    d->part = r->main != NULL;
    d->next = m->decisions;
    m->decisions = d;
    mod_use_note(m);
    if (r->main == NULL)
        mod_req_verdict(m, d->policy.engine, d->reason);
    if (aps_reason_is_pass(d->reason) && d->policy.engine == MOD_ENGINE_ON)
        mod_answer_identity(r, m, dir);
    return d->reason;
}

enum aps_reason mod_req_decide(request_rec *r, struct mod_req *m)
{
    const struct mod_dir *dir = dir_of(r);
    if (dir->engine <= MOD_ENGINE_OFF)
        return APS_REASON_ENGINE_OFF;
    /* Asked by the next hook of the same request.  A subrequest ends before the transaction does,
     * and the next one may lie at the same address: pointers to it prove nothing. */
    if (dir == m->dir && r == m->told && m->refused == NULL && r->main == NULL)
        return m->decisions->reason;
    return decide(r, m, dir);
}

/* The status that a hook returns for a verdict. */
static int answer(request_rec *r, struct mod_req *m, enum aps_reason reason)
{
    if (aps_reason_is_pass(reason) || dir_of(r)->engine != MOD_ENGINE_ON)
        return DECLINED;
    if (reason == APS_REASON_CORS_PREFLIGHT)
        return mod_cors_answer(r, m);
    if (reason == APS_REASON_WEBHOOK_REPEAT)
        return mod_webhook_repeat(r, m);
    return mod_answer_refuse(r, m, reason);
}

/* ---- Hooks, in the order of a request ---- */

/* What is no request for sure ends the connection with it. */
static int refuse_unread(request_rec *r, enum aps_reason reason)
{
    struct mod_req *m = mod_req_get(r);
    const struct mod_dir *dir = dir_of(r);
    if (m->server->engine == MOD_ENGINE_DETECT) {
        mod_req_verdict(m, MOD_ENGINE_DETECT, reason);
        return DECLINED;
    }
    enter(r, m, dir);
    mod_stage_auth_take(r, m, dir, mod_config_sources(dir));
    mod_req_verdict(m, MOD_ENGINE_ON, reason);
    r->assbackwards = 0; /* one of HTTP/0.9 is told as well */
    r->connection->keepalive = AP_CONN_CLOSE;
    return mod_answer_refuse(r, m, reason);
}

/* What needs no section: a flood should not cost a walk over folders. */
int mod_req_post_read(request_rec *r)
{
    const struct mod_dir *dir = dir_of(r);
    enum aps_reason unread = r->prev == NULL && r->main == NULL ? mod_wire(r) : APS_REASON_ALLOW;
    int answered = unread != APS_REASON_ALLOW ? refuse_unread(r, unread) : DECLINED;
    if (answered != DECLINED)
        return answered;
    bool by_ip = dir->limits != NULL && dir->limits->by_ip;
    if (dir->engine <= MOD_ENGINE_OFF || (dir->deny == NULL && !by_ip) || r->prev != NULL ||
        r->main != NULL)
        return DECLINED;
    struct mod_req *m = mod_req_get(r);
    enum aps_reason reason = mod_stage_inspect_address(m, dir->deny);
    if (reason == APS_REASON_ALLOW)
        reason = mod_stage_limit_address(m, dir->limits, dir->engine);
    if (reason == APS_REASON_ALLOW)
        return DECLINED;
    enter(r, m, dir);
    mod_stage_auth_take(r, m, dir, mod_config_sources(dir));
    mod_req_verdict(m, dir->engine, reason);
    int status = answer(r, m, reason);
    if (status !=
        DECLINED) /* httpd closes a connection whose request ends here, and says nothing */
        r->connection->keepalive = AP_CONN_CLOSE;
    return status;
}

/* Before httpd decodes the path: it answers an encoded slash by 404, long before a section of the
 * decoded path is known. */
int mod_req_pre_translate(request_rec *r)
{
    const struct mod_dir *dir = dir_of(r);
    if (dir->engine <= MOD_ENGINE_OFF || r->prev != NULL || r->main != NULL)
        return DECLINED;
    struct mod_req *m = mod_req_get(r);
    /* TRACE it answers as soon as it has looked for a file. */
    enum aps_reason reason =
        r->method_number == M_TRACE ? APS_REASON_METHOD_REFUSED : mod_stage_inspect_path(m, dir);
    if (reason == APS_REASON_ALLOW && m->path.p[0] == '*') /* OPTIONS of the server as well */
        return answer(r, m, mod_req_decide(r, m));
    if (reason == APS_REASON_ALLOW)
        return DECLINED;
    enter(r, m, dir);
    mod_stage_auth_take(r, m, dir, mod_config_sources(dir));
    mod_req_verdict(m, dir->engine, reason);
    return answer(r, m, reason);
}

int mod_req_header_parser(request_rec *r)
{
    if (dir_of(r)->engine <= MOD_ENGINE_OFF)
        return DECLINED;
    struct mod_req *m = mod_req_get(r);
    return answer(r, m, mod_req_decide(r, m));
}

/* AuthType ApiSec, or a Require api-* without any AuthType that found nobody. */
int mod_req_check_authn(request_rec *r)
{
    const char *type = ap_auth_type(r);
    struct mod_req *m = mod_req_find(r);
    if (type != NULL ? ap_cstr_casecmp(type, "ApiSec") != 0
                     : m == NULL || m->pending == APS_REASON_UNDECIDED)
        return DECLINED;
    m = mod_req_get(r);
    enum aps_reason reason = mod_req_decide(r, m);
    if (reason == APS_REASON_ENGINE_OFF)
        return HTTP_FORBIDDEN;
    bool watch = dir_of(r)->engine == MOD_ENGINE_DETECT;
    if (aps_reason_is_pass(reason))
        reason = mod_stage_auth(m);
    mod_use_note(m);
    if (reason != APS_REASON_ALLOW && !watch) {
        mod_req_verdict(m, MOD_ENGINE_ON, reason);
        return mod_answer_refuse(r, m, reason);
    }
    if (!watch && !m->told_who)
        mod_answer_identity(r, m, dir_of(r));
    r->user = (char *)(m->who != NULL ? m->who->user_text : "-");
    r->ap_auth_type = (char *)"ApiSec";
    return OK;
}

authz_status mod_req_provide(request_rec *r, const struct mod_require *req)
{
    if (dir_of(r)->engine <= MOD_ENGINE_OFF) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      "APISEC0001: Require api-* refuses, since ApiSecEngine is Off here");
        return AUTHZ_DENIED;
    }
    struct mod_req *m = mod_req_get(r);
    enum aps_reason reason = mod_req_decide(r, m);
    if (dir_of(r)->engine == MOD_ENGINE_DETECT)
        return AUTHZ_GRANTED;
    bool unproved = false;
    if (aps_reason_is_pass(reason)) {
        reason = mod_stage_auth(m);
        unproved = reason != APS_REASON_ALLOW;
    }
    if (reason == APS_REASON_ALLOW)
        reason = mod_stage_policy_one(m, req);
    mod_use_note(m);
    if (reason == APS_REASON_ALLOW) {
        if (!m->told_who)
            mod_answer_identity(r, m, dir_of(r));
        return AUTHZ_GRANTED;
    }
    if ((unproved || reason == m->auth) && reason != APS_REASON_CREDENTIAL_MISSING &&
        r->main == NULL) {
        m->unproved = r;
        m->unproved_why = reason;
    }
    m->pending = reason;
    switch (aps_reason_status(reason)) {
    case HTTP_UNAUTHORIZED:
        return AUTHZ_DENIED_NO_USER;
    case HTTP_SERVICE_UNAVAILABLE:
        return AUTHZ_GENERAL_ERROR;
    default:
        return AUTHZ_DENIED;
    }
}

static bool depends_on_content(const struct mod_dir *dir)
{
    const struct mod_requires *requires = mod_config_requires(dir);
    const bool signs = dir->signature != NULL && !dir->signature->off;
    return requires->webhook != NULL || (signs && !requires->is_public);
}

/* What depends on the content, which nobody has read before access control was through. */
static enum aps_reason judge_content(request_rec *r, struct mod_req *m, enum aps_reason reason)
{
    const struct mod_dir *dir = dir_of(r);
    struct mod_policy policy;
    if (!depends_on_content(dir) || is_error_document(r, m))
        return reason;
    policy_of(dir, &policy);
    size_t max = mod_config_max_of(dir).held;
    if (mod_stream_is_on(dir)) /* by sections of which only a request shows that they meet */
        reason = APS_REASON_STREAM_HELD;
    else
        reason = policy.requires->webhook != NULL ? mod_webhook(r, m, &policy, max)
                                                  : mod_signature_content(r, m, dir->engine, max);
    if (r->main == NULL && !aps_reason_is_pass(reason))
        mod_req_verdict(m, dir->engine, reason);
    return reason;
}

/* The page of a refusal, whatever section it lies in: who makes it is not given what was refused.
 */
static void begin_page(request_rec *r)
{
    struct mod_req *m = mod_req_find(r);
    if (m != NULL && m->refused != NULL && r->main == NULL && mod_req_is_error_page(r))
        mod_body_drop(r, m);
}

/* The gate that .htaccess cannot move: whatever access control came to, the section's own
 * requirement must have been decided and must hold. */
int mod_req_fixups(request_rec *r)
{
    if (r->prev != NULL)
        begin_page(r);
    if (dir_of(r)->engine <= MOD_ENGINE_OFF)
        return DECLINED;
    struct mod_req *m = mod_req_get(r);
    enum aps_reason reason = mod_req_decide(r, m);
    /* What one Require line found bad, another one does not make good (AZ-12). */
    if (aps_reason_is_pass(reason) && m->unproved == r) {
        mod_req_verdict(m, dir_of(r)->engine, m->unproved_why);
        reason = m->unproved_why;
    }
    if (aps_reason_is_pass(reason))
        reason = judge_content(r, m, reason);
    if (r->main != NULL && !aps_reason_is_pass(reason))
        m->pending = reason;
    int status = answer(r, m, reason);
    if (status == DECLINED && m->credential_keep)
        mod_stage_auth_strip(r, m);
    if (status == DECLINED && r == m->told && r->user == NULL && m->who != NULL)
        mod_answer_user(r, m->who);
    return status;
}

/* Whether httpd sends a file as it is: nobody is there to be told who calls.  A type can stand for
 * a handler (application/x-httpd-php). */
static bool is_plain_file(const request_rec *r)
{
    return r->handler == NULL && r->proxyreq == PROXYREQ_NONE && r->finfo.filetype == APR_REG &&
           (r->content_type == NULL || strstr(r->content_type, "x-httpd") == NULL);
}

/* What the handler will read is judged by the section that it is in, and told as it was judged. */
static enum aps_reason judge_served(request_rec *r, struct mod_req *m)
{
    const struct mod_dir *dir = dir_of(r);
    enum aps_reason reason = APS_REASON_ALLOW;
    if (r->main != NULL || mod_req_is_error_page(r))
        return reason;
    if (mod_stream_fault(dir) != NULL)
        return APS_REASON_STREAM_HELD;
    if (dir->content != NULL)
        reason = mod_stage_content(r, m, dir);
    if (reason == APS_REASON_ALLOW && dir->api != NULL)
        reason = mod_stage_api_judge(r, m, dir);
    if (reason == APS_REASON_ALLOW && dir->engine == MOD_ENGINE_ON)
        reason = mod_stage_sanitize(r, m, dir);
    if (dir->engine != MOD_ENGINE_ON) /* nobody is told */
        m->failures = NULL;
    if (reason != APS_REASON_ALLOW || dir->engine != MOD_ENGINE_ON)
        return reason;
    if (dir->content != NULL || dir->api != NULL)
        mod_stage_inspect_bind_fields(r);
    if (m->body != NULL)
        mod_body_settle(r, m, mod_content_is_forwarded(dir));
    return reason;
}

/* After mod_dir, mod_rewrite and mod_proxy had their say: the section and the path that will be
 * served, once more (NEG-03). */
int mod_req_fixups_served(request_rec *r)
{
    if (dir_of(r)->engine <= MOD_ENGINE_OFF)
        return DECLINED;
    struct mod_req *m = mod_req_get(r);
    enum aps_reason reason = mod_req_decide(r, m);
    if (m->credential_keep && dir_of(r)->engine == MOD_ENGINE_ON)
        mod_stage_auth_strip(r, m);
    if (aps_reason_is_pass(reason))
        reason = mod_stage_policy_served(r, m, mod_config_requires(dir_of(r))->wants_access);
    if (aps_reason_is_pass(reason) && (dir_of(r)->content != NULL || dir_of(r)->api != NULL ||
                                       dir_of(r)->responses != NULL || m->body != NULL))
        reason = judge_served(r, m);
    if (m->turn != 0 && r->main == NULL && aps_reason_is_pass(reason))
        reason = mod_stage_wait(r, m);
    if (aps_reason_is_pass(reason)) {
        if (dir_of(r)->engine == MOD_ENGINE_ON &&
            (mod_stream_is_on(dir_of(r)) || mod_stage_api_streams(m, dir_of(r))))
            mod_stream_begin(r);
        if (is_plain_file(r))
            m->plain = r;
        else if (dir_of(r)->engine == MOD_ENGINE_ON)
            mod_answer_backend(r, m, dir_of(r));
        return DECLINED;
    }
    if (r->main != NULL)
        m->pending = reason;
    else
        mod_req_verdict(m, dir_of(r)->engine, reason);
    return answer(r, m, reason);
}
