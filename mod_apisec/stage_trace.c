/* A finished request: its counters, its audit line, and the names of both in LogFormat and in
 * expressions. */
#include "mod.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include "mod_log_config.h"

/* ---- The facts ---- */

/* As ApiSecLogAddress has it. */
static struct aps_str address_text(struct mod_req *m)
{
    struct aps_addr shown;
    uint8_t mac[16];
    char *text;
    switch (m->server->address) {
    case MOD_ADDRESS_UNSET:
    case MOD_ADDRESS_FULL:
        return aps_str(m->first->useragent_ip);
    case MOD_ADDRESS_TRUNCATED:
        shown = aps_addr_prefix(&m->addr, 24, 48);
        text = apr_palloc(m->first->pool, APS_NET_TEXT_MAX);
        return aps_str(aps_addr_print(&shown, text));
    case MOD_ADDRESS_PSEUDONYM:
        break;
    }
    /* Without the key there is no pseudonym, and the address itself was not asked for. */
    if (mod_process_view(m) == NULL ||
        aps_snapshot_pseudonym(aps_view_snapshot(m->view), &m->addr, mac) != APS_OK)
        return APS_STR_LIT("unknown");
    text = apr_palloc(m->first->pool, APS_NET_TEXT_MAX);
    memcpy(text, "p-", 2);
    ap_bin2hex(mac, sizeof mac, text + 2);
    return aps_str(text);
}

static const request_rec *last_of(const request_rec *r)
{
    while (r->next != NULL)
        r = r->next;
    return r;
}

static struct aps_str shown_path(struct mod_req *m)
{
    const request_rec *first = m->first;
    if (m->path.n != 0 || (first->unparsed_uri == NULL && first->uri == NULL))
        return m->path;
    struct aps_str raw = mod_stage_inspect_raw(m);
    const char *end = memchr(raw.p, '?', raw.n);
    if (end != NULL)
        raw.n = (size_t)(end - raw.p);
    /* What is no path may have a password before the name of a host (AUD-03). */
    const char *host = raw.n != 0 && *raw.p != '/' ? memrchr(raw.p, '@', raw.n) : NULL;
    if (host != NULL)
        raw = (struct aps_str){host + 1, raw.n - (size_t)(host + 1 - raw.p)};
    return raw;
}

static uint64_t age_of(const request_rec *first)
{
    return (uint64_t)(apr_time_now() - first->request_time);
}

size_t mod_stage_trace_caller(const struct aps_key *key, const struct aps_key_secret *secret,
                              char out[APS_IDENTITY_TOLD_MAX])
{
    _Static_assert(APS_AUDIT_CALLER_MAX <= APS_IDENTITY_TOLD_MAX, "it fits");
    const struct aps_audit a = {
        .key = key->id,
        .kv = secret->version,
        .user = aps_key_user(key),
        .roles = key->roles,
        .nroles = key->nroles,
    };
    return aps_audit_caller(&a, out);
}

/* Identity from the first request, status from the last. */
static void audit_of(struct mod_req *m, struct aps_audit *a)
{
    static const struct aps_str none;
    const request_rec *first = m->first;
    const struct aps_identity *who = m->who;
    const bool off = m->decision == APS_DECISION_OFF;
    const char *id = mod_req_id(m);
    *a = (struct aps_audit){
        .n = m->n,
        .at = (aps_nsec)first->request_time * APS_USEC,
        .boot = mod_process.boot,
        .pid = mod_process.pid,
        .process = mod_process.audit,
        .caller = who != NULL ? who->told : none,
        .reason = off ? APS_REASON_ENGINE_OFF : m->reason,
        .decision = m->decision,
        .status = last_of(first)->status,
        .id = {id, m->id_len},
        .host = aps_str(first->server->server_hostname),
        .ip = address_text(m),
        .method = m->method_text,
        .path = shown_path(m),
        .route = off ? none : mod_stage_limit_route(m),
        .key = m->key_id,
        .kv = who != NULL ? who->secret->version : 0,
        .user = who != NULL ? who->user : none,
        .roles = who != NULL ? who->key.roles : NULL,
        .nroles = who != NULL ? who->key.nroles : 0,
        .webhook = m->webhook,
        .api = none,
        .fault = m->fault,
        .sanitized = m->sanitized,
        .limit = mod_stage_limit_name(m, m->reason),
        .would_limit = m->watched != NULL ? aps_str(mod_stage_limit_would(m)) : none,
        .secret_due = m->secret_due,
        .waited = m->waited,
        .us = m->us != 0 ? m->us : age_of(first),
        .gen = m->view != NULL ? aps_snapshot_generation(aps_view_snapshot(m->view)) : 0,
    };
}

/* ---- LogFormat ---- */

/* A request that no log shows takes no number, so that a gap means a lost line; one that two logs
 * show has one number and one age. */
static void number(struct mod_req *m)
{
    static uint64_t lines;
    if (m->n == 0)
        m->n = __atomic_add_fetch(&lines, 1, __ATOMIC_RELAXED);
    if (m->us == 0)
        m->us = age_of(m->first);
}

static const char *log_line(request_rec *r, char *arg)
{
    struct mod_req *m = mod_req_get(r);
    struct aps_audit audit;
    (void)arg;
    if (m->line == NULL) {
        number(m);
        audit_of(m, &audit);
        m->line = aps_audit_line(&audit, m->first->pool).p;
    }
    return m->line;
}

static const char *log_field(request_rec *r, char *arg)
{
    struct mod_req *m = mod_req_get(r);
    struct aps_audit audit;
    char scratch[APS_AUDIT_SCRATCH];
    number(m);
    audit_of(m, &audit);
    struct aps_str value = aps_audit_value(&audit, aps_audit_field(aps_str(arg)), scratch);
    if (value.n == 0)
        return NULL; /* httpd writes "-" */
    return ap_escape_logitem(r->pool, apr_pstrmemdup(r->pool, value.p, value.n));
}

/* A name in LogFormat that is no field would always write "-": httpd has no way for a handler to
 * refuse it while it reads the format, so the tree is searched (check.c). */
int mod_stage_trace_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    APR_OPTIONAL_FN_TYPE(ap_register_log_handler) *register_handler =
        APR_RETRIEVE_OPTIONAL_FN(ap_register_log_handler);
    (void)plog;
    (void)ptemp;
    if (register_handler != NULL) {
        register_handler(pconf, (char *)"^AJ", log_line, 1);
        register_handler(pconf, (char *)"^AS", log_field, 1);
    }
    return OK;
}

/* ---- Expressions ---- */

static const char *variable(ap_expr_eval_ctx_t *ctx, const void *data)
{
    struct mod_req *m = ctx->r != NULL ? mod_req_find(ctx->r) : NULL;
    struct aps_audit audit;
    char scratch[APS_AUDIT_SCRATCH];
    if (m == NULL)
        return "";
    audit_of(m, &audit);
    struct aps_str value = aps_audit_value(&audit, (int)(intptr_t)data, scratch);
    return apr_pstrmemdup(ctx->p, value.n != 0 ? value.p : "", value.n);
}

/* APISEC_KEY, APISEC_ROLES, APISEC_REASON...: the fields of the audit line, and APISEC_KEY_ID. */
int mod_stage_trace_vars(ap_expr_lookup_parms *parms)
{
    char name[32];
    size_t i = 0;
    if (parms->type != AP_EXPR_FUNC_VAR || ap_cstr_casecmpn(parms->name, "APISEC_", 7) != 0)
        return DECLINED;
    const char *field = parms->name + 7;
    if (ap_cstr_casecmp(field, "KEY_ID") == 0)
        field = "key";
    for (; field[i] != '\0' && i < sizeof name - 1; i++)
        name[i] = (char)apr_tolower(field[i]);
    int index = aps_audit_field((struct aps_str){name, i});
    if (index < 0) {
        *parms->err = apr_psprintf(parms->ptemp,
                                   "APISEC_%s is not known; want APISEC_ and a field "
                                   "of the audit line, such as APISEC_KEY",
                                   field);
        return !OK;
    }
    *parms->func = (const void *)(uintptr_t)variable;
    *parms->data = (const void *)(intptr_t)index;
    return OK;
}

/* ---- The end of a request ---- */

/* Before mod_log_config and all others, with whatever request of the chain was last. */
int mod_stage_trace_finish(request_rec *r)
{
    struct mod_req *m = mod_req_find(r);
    if (m != NULL && m->slots != NULL)
        mod_inflight_finish(m);
    if (m == NULL || m->sources == NULL)
        mod_hide_unread(r);
    if (m == NULL || m->finished || m->decision == APS_DECISION_OFF)
        return DECLINED;
    m->finished = true;
    if (m->decision == APS_DECISION_ALLOW && m->pending != APS_REASON_UNDECIDED &&
        last_of(m->first)->status == aps_reason_status(m->pending))
        mod_req_verdict(m, MOD_ENGINE_ON, m->pending);
    if (mod_process.state != NULL)
        aps_metrics_add_decision(mod_process.state, m->reason,
                                 m->decision == APS_DECISION_WOULD_REFUSE);
    return DECLINED;
}
