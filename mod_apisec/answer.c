/* What the client and the handler are told: problem documents, challenges, and the caller's
 * identity. */
#include "content.h"
#include "responses.h"

#include <apr_strings.h>

#include "apisec/challenge.h"
#include "apisec/json.h"
#include "hsts.h"
#include "util_filter.h"

static ap_filter_rec_t *fields_filter, *problem_filter;

/* ---- A request that passes ---- */

/* Runs once, when the answer's fields are known and not yet sent. */
static apr_status_t filter_fields(ap_filter_t *f, apr_bucket_brigade *bb)
{
    request_rec *r = f->r;
    struct mod_req *m = f->ctx;
    /* httpd's own handler of files sets none of these; a backend may have. */
    mod_webhook_answered(m, r->status);
    mod_set_fn *set = m->plain == r ? apr_table_addn : apr_table_setn;
    set(r->headers_out, "X-Request-Id", mod_req_id(m));
    if (m->ncharges != 0 && !ap_is_HTTP_REDIRECT(r->status))
        mod_fields_set(r, r->headers_out, m, set);
    /* A store of answers must not give one caller's to another, unless the backend says so. */
    if (m->who != NULL && apr_table_get(r->headers_out, "Cache-Control") == NULL &&
        (apr_is_empty_table(r->err_headers_out) ||
         apr_table_get(r->err_headers_out, "Cache-Control") == NULL))
        apr_table_addn(r->headers_out, "Cache-Control", "no-store");
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, bb);
}

void mod_answer_insert_filter(request_rec *r)
{
    struct mod_req *m = mod_req_find(r);
    mod_hsts_insert_filter(r);
    if (m == NULL || r->main != NULL)
        return;
    if (m->told != NULL && m->refused == NULL)
        ap_add_output_filter_handle(fields_filter, m, r, r->connection);
    mod_cors_insert_filter(r, m);
    mod_stage_response_insert_filter(r, m);
    mod_body_insert_filter(r, m);
}

static const char *join(apr_pool_t *pool, const struct aps_str *v, size_t n)
{
    size_t size = 1;
    for (size_t i = 0; i < n; i++)
        size += v[i].n + 1;
    char *text = apr_palloc(pool, size), *p = text;
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            *p++ = ' ';
        memcpy(p, v[i].p, v[i].n);
        p += v[i].n;
    }
    *p = '\0';
    return text;
}

void mod_answer_user(request_rec *r, const struct aps_identity *who)
{
    r->user = (char *)who->user_text;
    r->ap_auth_type = (char *)"ApiSec";
}

/* What of the identity is told, by the bits of ApiSecExport.  The user is REMOTE_USER already. */
static const struct {
    unsigned bit;
    const char *variable, *field;
} exported[] = {
    {MOD_EXPORT_KEY_ID, "APISEC_KEY_ID", "X-Apisec-Key-Id"},
    {MOD_EXPORT_USER, NULL, "X-Apisec-User"},
    {MOD_EXPORT_ROLES, "APISEC_ROLES", "X-Apisec-Roles"},
    {MOD_EXPORT_SCOPES, "APISEC_SCOPES", "X-Apisec-Scopes"},
    {MOD_EXPORT_KV, "APISEC_KV", "X-Apisec-Kv"},
};

static unsigned exports_of(const struct mod_dir *dir)
{
    return dir->exports != 0 ? dir->exports : (unsigned)(MOD_EXPORT_KEY_ID | MOD_EXPORT_USER);
}

static const char *export_value(apr_pool_t *pool, const struct aps_identity *who, unsigned bit)
{
    switch (bit) {
    case MOD_EXPORT_KEY_ID:
        return who->id_text;
    case MOD_EXPORT_USER:
        return who->user_text;
    case MOD_EXPORT_ROLES:
        return who->roles_text;
    case MOD_EXPORT_SCOPES:
        return join(pool, who->key.scopes, who->key.nscopes);
    default:
        return apr_psprintf(pool, "%u", who->secret->version);
    }
}

#define EACH_EXPORT(i, exports)                                                                    \
    for (size_t i = 0; i < sizeof exported / sizeof exported[0]; i++)                              \
        if ((exports & exported[i].bit) != 0)

void mod_answer_identity(request_rec *r, struct mod_req *m, const struct mod_dir *dir)
{
    const struct aps_identity *who = m->who;
    unsigned exports = exports_of(dir);
    mod_set_fn *set = apr_is_empty_table(r->subprocess_env) ? apr_table_addn : apr_table_setn;
    if (r->main == NULL)
        m->told = r;
    if (who == NULL)
        return;
    m->told_who = true;
    if (mod_process.has_cache)
        r->no_cache = m->first->no_cache = 1;
    /* Another AuthType asks for a user of its own, and would take ours for it. */
    const char *type = ap_auth_type(r);
    if (type == NULL || ap_cstr_casecmp(type, "ApiSec") == 0)
        mod_answer_user(r, who);
    EACH_EXPORT(i, exports)
    {
        if (exported[i].variable != NULL)
            set(r->subprocess_env, exported[i].variable,
                export_value(r->pool, who, exported[i].bit));
    }
}

/* A field X-Apisec-* of the request is a backend's, and becomes HTTP_X_APISEC_* for CGI, which
 * suexec lets pass.  What the client sent by these names is out by now. */
void mod_answer_backend(request_rec *r, struct mod_req *m, const struct mod_dir *dir)
{
    unsigned exports = exports_of(dir);
    apr_table_setn(r->headers_in, "X-Request-Id", mod_req_id(m));
    if (m->who == NULL)
        return;
    EACH_EXPORT(i, exports)
    {
        apr_table_setn(r->headers_in, exported[i].field,
                       export_value(r->pool, m->who, exported[i].bit));
    }
}

/* ---- A request that is refused ---- */

/* One generic text for each status: why is for the log. */
static const struct sentence {
    int status;
    const char *title, *detail;
} sentences[] = {
    {400, "Bad Request", "The request cannot be read safely, or is not what is accepted here."},
    {401, "Unauthorized", "A valid credential is needed."},
    {403, "Forbidden", "The request is not allowed."},
    {404, "Not Found", "There is nothing of this name."},
    {405, "Method Not Allowed", "The method is not allowed for this resource."},
    {408, "Request Timeout", "The request's content came too slowly."},
    {409, "Conflict", "The request was accepted before."},
    {411, "Length Required", "The request's content must have a declared length."},
    {413, "Content Too Large", "The request's content is too large."},
    {414, "URI Too Long", "The request's target is too long."},
    {415, "Unsupported Media Type",
     "The request's content is of a type or coding that is not taken."},
    {421, "Misdirected Request", "The server does not answer for this host."},
    {429, "Too Many Requests", "Too many requests; try again later."},
    {431, "Request Header Fields Too Large", "The request's header fields are too large."},
    {501, "Not Implemented", "The method is not known."},
    {502, "Bad Gateway", "The service has given no answer that can be passed on."},
    {503, "Service Unavailable", "The service is not available at present."},
};

static const struct sentence *sentence_of(int status)
{
    size_t n = sizeof sentences / sizeof sentences[0];
    for (size_t i = 0; i < n; i++)
        if (sentences[i].status == status)
            return &sentences[i];
    return &sentences[n - 1];
}

/* The error code that a refusal stands for (RFC 6750 3.1): none where nothing was sent, and the
 * same one for every fault of a credential (KEY-07). */
static enum aps_token told_of(enum aps_reason reason)
{
    enum aps_token verdict = aps_token_of(reason);
    if (verdict != APS_TOKEN_UNDECIDED)
        return verdict;
    switch (reason) {
    case APS_REASON_CREDENTIAL_MISSING:
        return APS_TOKEN_UNDECIDED;
    case APS_REASON_CREDENTIAL_MULTIPLE:
    case APS_REASON_CREDENTIAL_MALFORMED:
        return APS_TOKEN_PROOF_MULTIPLE; /* invalid_request */
    case APS_REASON_SCOPE_MISSING:
        return APS_TOKEN_SCOPE;
    default:
        return APS_TOKEN_MALFORMED; /* invalid_token */
    }
}

/* All scopes that the section asks for, as one text. */
static struct aps_str scopes_of(apr_pool_t *pool, const struct mod_dir *dir)
{
    const apr_array_header_t *list = mod_config_requires(dir)->list;
    const char *all = NULL;
    for (int i = 0; i < list->nelts; i++) {
        const struct mod_require *req = &APR_ARRAY_IDX(list, i, struct mod_require);
        for (size_t k = 0; req->kind == MOD_REQUIRE_SCOPE && k < req->n; k++)
            all = apr_pstrcat(pool, all != NULL ? all : "", all != NULL ? " " : "", req->arg[k].p,
                              NULL);
    }
    return aps_str(all);
}

/* The challenges of the Authorization field's schemes that carry tokens. */
static void add_token_challenges(request_rec *r, apr_table_t *headers, const struct mod_req *m,
                                 const char *realm, enum aps_reason reason)
{
    const char *values[APS_CHALLENGE_MAX];
    struct aps_challenge c = {.verdict = told_of(reason), .bearer = true, .realm = aps_str(realm)};
    const struct mod_token *token = m->dir != NULL ? m->dir->token : NULL;
    if (c.verdict == APS_TOKEN_SCOPE && m->dir != NULL)
        c.scope = scopes_of(r->pool, m->dir);
    if (token != NULL && token->resource != NULL)
        c.resource_metadata = aps_str(token->resource->metadata);
    if (token != NULL && token->step_up != NULL) {
        c.acr_values = token->step_up->acr_values;
        c.max_age = token->step_up->login.max_age;
    }
    if (mod_proof_is_on(m->dir)) {
        c.bearer = !token->dpop->required;
        c.dpop = true;
        c.by_dpop = m->credential_kind == APS_CREDENTIAL_DPOP || !c.bearer;
        c.algs = mod_proof_algs(&c.nalgs);
    }
    size_t n = aps_challenge(r->pool, &c, values);
    for (size_t i = 0; i < n; i++)
        apr_table_addn(headers, "WWW-Authenticate", values[i]);
}

/* httpd keeps AuthName with its quotes escaped. */
static const char *unescape(apr_pool_t *pool, const char *text)
{
    char *copy = apr_pstrdup(pool, text), *to = copy;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '\\' && p[1] != '\0')
            p++;
        *to++ = *p;
    }
    *to = '\0';
    return copy;
}

/* At least one challenge for each way in (KEY-16). */
static void set_challenges(request_rec *r, apr_table_t *headers, const struct mod_req *m,
                           enum aps_reason reason)
{
    const struct mod_sources *sources = m->dir != NULL ? mod_config_sources(m->dir) : m->sources;
    const char *realm = ap_auth_name(r);
    if (sources == NULL)
        return;
    realm = realm != NULL ? ap_escape_quotes(r->pool, realm) : "api";
    apr_table_unset(headers, "WWW-Authenticate");
    if (m->webhook.n != 0) {
        apr_table_addn(headers, "WWW-Authenticate",
                       apr_psprintf(r->pool, "Webhook realm=\"%s\"", realm));
        return;
    }
    if (m->certificate != MOD_CERTIFICATE_UNSET) { /* TLS asks, and no scheme has a name for it */
        apr_table_addn(headers, "WWW-Authenticate",
                       apr_psprintf(r->pool, "Certificate realm=\"%s\"", realm));
        return;
    }
    if (m->signature.want != NULL) {
        apr_table_addn(headers, "WWW-Authenticate",
                       apr_psprintf(r->pool, "Signature realm=\"%s\"", realm));
        if (m->signature.want->ask != NULL)
            apr_table_setn(headers, "Accept-Signature", m->signature.want->ask);
        return;
    }
    if (sources->bearer)
        add_token_challenges(r, headers, m, unescape(r->pool, realm), reason);
    if (aps_reason_status(reason) != HTTP_UNAUTHORIZED)
        return;
    if (sources->basic)
        apr_table_addn(headers, "WWW-Authenticate",
                       apr_psprintf(r->pool, "Basic realm=\"%s\", charset=\"UTF-8\"", realm));
    if (sources->field != NULL)
        apr_table_addn(
            headers, "WWW-Authenticate",
            apr_psprintf(r->pool, "ApiKey realm=\"%s\", header=\"%s\"", realm, sources->field));
}

/* A refusal that more of a credential would mend: 401, a credential that cannot be read, and a
 * token with too little scope (RFC 6750 3.1). */
static bool has_challenge(const struct mod_req *m, enum aps_reason reason)
{
    return aps_reason_status(reason) == HTTP_UNAUTHORIZED ||
           reason == APS_REASON_CREDENTIAL_MULTIPLE || reason == APS_REASON_CREDENTIAL_MALFORMED ||
           reason == APS_REASON_TOKEN_PROOF_MULTIPLE ||
           (reason == APS_REASON_SCOPE_MISSING && m->who != NULL && m->who->bearer != NULL);
}

static void set_allow(request_rec *r, apr_table_t *headers, unsigned methods)
{
    char *allow = apr_palloc(r->pool, APS_METHODS_TEXT_MAX);
    apr_table_setn(headers, "Allow", aps_methods_print(methods, allow));
}

/* What would have been taken (RFC 9110 15.5.6, 15.5.16). */
static void set_accepted(request_rec *r, apr_table_t *headers, const struct mod_req *m,
                         enum aps_reason reason)
{
    const struct mod_types *types;
    switch (reason) {
    case APS_REASON_METHOD_REFUSED:
        set_allow(r, headers, APS_METHOD_ALL);
        break;
    case APS_REASON_API_METHOD:
    case APS_REASON_METHOD_NOT_GRANTED:
        set_allow(r, headers, m->access.allow);
        break;
    case APS_REASON_METHOD_UNLISTED:
        set_allow(r, headers, mod_content_methods(m->content));
        break;
    case APS_REASON_GRAPHQL_METHOD:
        set_allow(r, headers, mod_content_methods(m->content) & APS_METHOD_POST);
        break;
    case APS_REASON_TYPE_MISSING:
    case APS_REASON_TYPE_UNLISTED:
        if ((types = mod_content_types(m->content)) != NULL)
            apr_table_setn(headers, "Accept", types->accept);
        break;
    case APS_REASON_CODING_REFUSED:
        apr_table_setn(headers, "Accept-Encoding", mod_content_decode(m->content)->accept);
        break;
    default:
        break;
    }
}

/* The fields of a refusal, into the table that goes out with an error. */
static void set_refusal(request_rec *r, apr_table_t *headers, struct mod_req *m,
                        enum aps_reason reason)
{
    apr_table_setn(headers, "X-Request-Id", mod_req_id(m));
    apr_table_setn(headers, "Cache-Control", "no-store");
    apr_table_setn(headers, "X-Content-Type-Options", "nosniff");
    if (has_challenge(m, reason))
        set_challenges(r, headers, m, reason);
    set_accepted(r, headers, m, reason);
    if (reason == APS_REASON_TOKEN_PROOF_NONCE) {
        const char *nonce = mod_proof_nonce(m);
        if (nonce != NULL)
            apr_table_setn(headers, "DPoP-Nonce", nonce);
    }
    mod_fields_set(r, headers, m, apr_table_setn);
    if (aps_reason_problem(reason) != NULL && m->wait > 0 && m->wait != APS_RATE_NEVER)
        apr_table_setn(headers, "Retry-After",
                       apr_psprintf(r->pool, "%" APR_UINT64_T_FMT, aps_rate_seconds(m->wait)));
}

int mod_answer_refuse(request_rec *r, struct mod_req *m, enum aps_reason reason)
{
    if (m->credential_keep)
        mod_stage_auth_strip(r, m);
    /* When an ErrorDocument is refused, httpd goes back to the first refusal. */
    if (r->main == NULL && m->refused == NULL) {
        m->refused = r;
        set_refusal(r, r->err_headers_out, m, reason);
    }
    bool is_path = reason == APS_REASON_PATH_AMBIGUOUS && m->path_fault != NULL;
    bool critical = aps_reason_severity(reason) == APS_SEVERITY_CRITICAL;
    ap_log_rerror(APLOG_MARK, critical ? APLOG_NOTICE : APLOG_INFO, 0, r,
                  "APISEC0002: refused, %s: %s (request %s, key %s)", aps_reason_token(reason),
                  is_path ? m->path_fault : aps_reason_text(reason), mod_req_id(m),
                  m->key_id.n != 0 ? aps_str_copy(r->pool, m->key_id).p : "-");
    return aps_reason_status(reason);
}

static struct aps_str problem_json(request_rec *r, struct mod_req *m, enum aps_reason reason)
{
    int status = aps_reason_status(reason);
    const char *type = aps_reason_problem(reason);
    const struct sentence *s = sentence_of(status);
    struct aps_json w;
    aps_json_init_pool(&w, r->pool, 0);
    aps_json_object(&w);
    aps_json_put_str(&w, "type", type != NULL ? type : "about:blank");
    aps_json_put_str(&w, "title", s->title);
    aps_json_put_u64(&w, "status", (uint64_t)status);
    aps_json_put_str(&w, "detail", s->detail);
    aps_json_put_str(&w, "instance", mod_req_id(m));
    if (status == HTTP_TOO_MANY_REQUESTS) {
        aps_json_name(&w, "violated-policies");
        aps_json_array(&w);
        aps_json_str(&w, mod_stage_limit_name(m, reason));
        aps_json_end(&w);
    }
    struct aps_str told = mod_content_told(m);
    if (told.n != 0) {
        aps_json_name(&w, "errors");
        aps_json_raw(&w, told);
    }
    aps_json_end(&w);
    return aps_json_text(&w);
}

static struct aps_str problem_html(request_rec *r, struct mod_req *m, enum aps_reason reason)
{
    const struct sentence *s = sentence_of(aps_reason_status(reason));
    return aps_str(apr_psprintf(r->pool,
                                "<!DOCTYPE html>\n<html lang=\"en\"><head><meta "
                                "charset=\"utf-8\"><title>%s</title></head>\n<body><h1>%s</h1>"
                                "<p>%s</p><p>Request: %s</p></body></html>\n",
                                s->title, s->title, s->detail, mod_req_id(m)));
}

/* The weight of the member of Accept at `p`, in thousandths (RFC 9110 12.4.2). */
static int weight_of(const char *p)
{
    const char *end = p + strcspn(p, ",");
    int weight = 0, unit = 100;
    while ((p = memchr(p, ';', (size_t)(end - p))) != NULL) {
        p += 1 + strspn(p + 1, " \t");
        if (ap_cstr_casecmpn(p, "q=", 2) == 0)
            break;
    }
    if (p == NULL)
        return 1000;
    if (p[2] != '0')
        return p[2] == '1' ? 1000 : 0;
    if (p[3] == '.')
        for (p += 4; *p >= '0' && *p <= '9' && unit > 0; p++, unit /= 10)
            weight += (*p - '0') * unit;
    return weight;
}

/* Whether the client would rather see HTML: it lists it, and no JSON that weighs more or comes
 * first. */
static bool wants_html(const request_rec *r)
{
    const char *accept = apr_table_get(r->headers_in, "Accept");
    const char *html = accept != NULL ? ap_strcasestr(accept, "text/html") : NULL;
    const char *json = accept != NULL ? ap_strcasestr(accept, "json") : NULL;
    int html_weight = html != NULL ? weight_of(html) : 0;
    int json_weight = json != NULL ? weight_of(json) : 0;
    return html_weight > json_weight ||
           (html_weight > 0 && html_weight == json_weight && html < json);
}

struct problem {
    enum aps_reason reason;
    bool sent;
};

apr_status_t mod_answer_problem(ap_filter_t *f, apr_bucket_brigade *bb, struct mod_req *m,
                                enum aps_reason reason)
{
    request_rec *r = f->r;
    bool html = wants_html(m->first);
    struct aps_str body = html ? problem_html(r, m, reason) : problem_json(r, m, reason);
    set_refusal(r, r->headers_out, m, reason);
    ap_set_content_type(r, html ? "text/html; charset=utf-8" : "application/problem+json");
    apr_table_unset(r->headers_out, "Content-Encoding");
    apr_table_unset(r->headers_out, "Content-Language");
    ap_set_content_length(r, (apr_off_t)body.n);
    apr_bucket_alloc_t *alloc = r->connection->bucket_alloc;
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_pool_create(body.p, body.n, r->pool, alloc));
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(alloc));
    return ap_pass_brigade(f->next, bb);
}

/* In place of httpd's own page: send ours, drop what httpd writes. */
static apr_status_t filter_problem(ap_filter_t *f, apr_bucket_brigade *bb)
{
    struct mod_req *m = mod_req_find(f->r);
    struct problem *problem = f->ctx;
    apr_brigade_cleanup(bb);
    if (problem->sent || m == NULL)
        return APR_SUCCESS;
    problem->sent = true;
    return mod_answer_problem(f, bb, m, problem->reason);
}

/* Our own refusal, or httpd's answer to what a subrequest or a Require line of ours refused. */
void mod_answer_insert_error_filter(request_rec *r)
{
    struct mod_req *m = mod_req_find(r);
    enum aps_reason reason = APS_REASON_UNDECIDED;
    mod_hsts_insert_filter(r);
    if (m == NULL || r->main != NULL)
        return;
    mod_webhook_answered(m, r->status);
    mod_cors_insert_filter(r, m);
    if (m->refused == r)
        reason = m->reason;
    else if (m->refused == NULL && m->pending != APS_REASON_UNDECIDED) {
        /* A Require line that meets a fault of ours can tell httpd of it only by 500. */
        if (r->status == HTTP_INTERNAL_SERVER_ERROR &&
            aps_reason_status(m->pending) == HTTP_SERVICE_UNAVAILABLE)
            r->status = HTTP_SERVICE_UNAVAILABLE;
        if (r->status == aps_reason_status(m->pending))
            reason = m->pending;
    }
    if (m->told != NULL)
        apr_table_setn(r->err_headers_out, "X-Request-Id", mod_req_id(m));
    if (reason == APS_REASON_UNDECIDED) {
        /* httpd's own error, of a request that was let through and paid for. */
        if (m->told != NULL && m->refused == NULL && !ap_is_HTTP_REDIRECT(r->status))
            mod_fields_set(r, r->err_headers_out, m, apr_table_setn);
        return;
    }
    mod_req_verdict(m, MOD_ENGINE_ON, reason);
    if (ap_is_HTTP_REDIRECT(r->status)) { /* an ErrorDocument elsewhere: httpd's own answer */
        mod_fields_unset(r->err_headers_out);
        return;
    }
    struct problem *problem = apr_pcalloc(r->pool, sizeof *problem);
    problem->reason = reason;
    ap_add_output_filter_handle(problem_filter, problem, r, r->connection);
}

void mod_answer_register(void)
{
    fields_filter =
        ap_register_output_filter("APISEC_FIELDS", filter_fields, NULL, AP_FTYPE_CONTENT_SET);
    problem_filter =
        ap_register_output_filter("APISEC_PROBLEM", filter_problem, NULL, AP_FTYPE_CONTENT_SET);
    mod_stage_response_register();
}
