/* Which pages may call and read: the words of ApiSecCors, preflights, and the fields of answers
 * (Fetch 3.2).
 *
 * Origins are compared as whole texts.  A preflight is answered from the section alone, before
 * anybody is asked for a name, and never goes further.  Fields go into each answer of the section
 * as it leaves, also into refusals and httpd's own errors, so that the page can read those, and in
 * place of what a backend or mod_headers says of the same: there is one who decides. */
#include "mod.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include "apisec/origin.h"
#include "http_ssl.h"
#include "util_filter.h"

static ap_filter_rec_t *cors_filter;

/* ---- Words ---- */

#define METHODS_DEFAULT                                                                            \
    (APS_METHOD_GET | APS_METHOD_HEAD | APS_METHOD_POST | APS_METHOD_PUT | APS_METHOD_PATCH |      \
     APS_METHOD_DELETE)
#define MAX_AGE_MAX APS_DAY
#define NAMES_MAX 32

#define TOKEN "!#$%&'*+-.^_`|~ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static const char *read_methods(apr_pool_t *pool, const char *text, struct mod_cors *cors)
{
    struct aps_str rest = aps_str(text), word;
    unsigned methods = 0;
    while (aps_str_next(&rest, ',', &word)) {
        enum aps_method method = aps_method_parse(word);
        if (method == APS_METHOD_NONE)
            return apr_psprintf(pool,
                                "methods: \"%.*s\": want GET, HEAD, POST, PUT, PATCH, DELETE "
                                "or OPTIONS, with commas",
                                APS_STR_SHOW(word));
        methods |= method;
    }
    if (methods == 0)
        return "methods= names none";
    cors->methods = aps_methods_print(methods, apr_palloc(pool, APS_METHODS_TEXT_MAX));
    return NULL;
}

/* `*` is no name here: with credentials it would be one, without it would let in what comes later,
 * and it never stands for Authorization (TRN-08). */
static const char *read_names(apr_pool_t *pool, const char *option, const char *text,
                              const char **out)
{
    struct aps_str rest = aps_str(text), word;
    const char *names = "";
    size_t n = 0;
    while (aps_str_next(&rest, ',', &word)) {
        const char *name = apr_pstrmemdup(pool, word.p, word.n);
        if (word.n == 0 || strspn(name, TOKEN) != word.n || strcmp(name, "*") == 0)
            return apr_psprintf(pool, "%s: \"%s\": want names of header fields, with commas",
                                option, name);
        if (++n > NAMES_MAX)
            return apr_psprintf(pool, "%s: more than %d names", option, NAMES_MAX);
        names = apr_pstrcat(pool, names, ", ", name, NULL);
    }
    *out = names;
    return n != 0 ? NULL : apr_pstrcat(pool, option, "= names none", NULL);
}

static const char *read_age(apr_pool_t *pool, const char *text, struct mod_cors *cors)
{
    aps_nsec age = 0;
    if (aps_num_parse_duration(aps_str(text), &age, NULL) != APS_OK || age < APS_SEC ||
        age > MAX_AGE_MAX)
        return apr_psprintf(pool, "max-age=%s: want 1s to 24h", text);
    cors->max_age = apr_psprintf(pool, "%" APR_INT64_T_FMT, (apr_int64_t)(age / APS_SEC));
    return NULL;
}

/* What follows `name` and a `=`, or NULL. */
static const char *value_of(const char *word, const char *name)
{
    size_t n = strlen(name);
    return strncmp(word, name, n) == 0 && word[n] == '=' ? word + n + 1 : NULL;
}

static const char *read_origin(apr_pool_t *pool, const char *word, apr_array_header_t *origins,
                               struct mod_cors *cors)
{
    struct aps_diag diag = {{0}};
    struct aps_str origin = aps_str(word);
    if (strcmp(word, "*") == 0) {
        cors->any = true;
        return NULL;
    }
    enum aps_err err = aps_origin_check(origin, &diag);
    if (err != APS_OK)
        return apr_pstrdup(pool, aps_err_say(err, &diag));
    if (aps_str_is_in(origin, (const struct aps_str *)(const void *)origins->elts,
                      (size_t)origins->nelts))
        return apr_psprintf(pool, "%s: named twice", word);
    APR_ARRAY_PUSH(origins, struct aps_str) = aps_str_copy(pool, origin);
    return NULL;
}

static const char *read_word(apr_pool_t *pool, const char *word, apr_array_header_t *origins,
                             struct mod_cors *cors)
{
    const char *value;
    if (strcmp(word, "credentials") == 0) {
        cors->credentials = true;
        return NULL;
    }
    if ((value = value_of(word, "methods")) != NULL)
        return read_methods(pool, value, cors);
    if ((value = value_of(word, "headers")) != NULL)
        return read_names(pool, "headers", value, &cors->headers);
    if ((value = value_of(word, "expose")) != NULL)
        return read_names(pool, "expose", value, &cors->exposed);
    if ((value = value_of(word, "max-age")) != NULL)
        return read_age(pool, value, cors);
    return read_origin(pool, word, origins, cors);
}

static const char *check(const struct mod_cors *cors)
{
    if (cors->any && cors->n != 0)
        return "* stands for every origin: want it or a list of them";
    if (!cors->any && cors->n == 0)
        return "want origins, such as https://app.example.org, or * or none";
    if (cors->any && cors->credentials)
        return "* with credentials would let every page act for whoever opens it: list the origins";
    return NULL;
}

const char *mod_cors_parse(cmd_parms *cmd, int argc, char *const argv[],
                           const struct mod_cors **out)
{
    static const struct mod_cors none = {.none = true};
    apr_pool_t *pool = cmd->pool;
    if (argc == 1 && strcmp(argv[0], "none") == 0) {
        *out = &none;
        return NULL;
    }
    apr_array_header_t *origins = apr_array_make(pool, argc, sizeof(struct aps_str));
    struct mod_cors *cors = apr_pcalloc(pool, sizeof *cors);
    const char *fault = NULL;
    cors->headers = cors->exposed = "";
    cors->methods = aps_methods_print(METHODS_DEFAULT, apr_palloc(pool, APS_METHODS_TEXT_MAX));
    (void)read_age(pool, "600s", cors);
    for (int i = 0; i < argc && fault == NULL; i++)
        fault = read_word(pool, argv[i], origins, cors);
    cors->origins = (const struct aps_str *)(const void *)origins->elts;
    cors->n = (size_t)origins->nelts;
    if (fault == NULL)
        fault = check(cors);
    *out = cors;
    return fault;
}

/* ---- A request ---- */

static const char *origin_of(const struct mod_req *m)
{
    return apr_table_get(m->first->headers_in, "Origin");
}

static bool is_listed(const struct mod_cors *cors, const char *origin)
{
    return cors->any || aps_str_is_in(aps_str(origin), cors->origins, cors->n);
}

/* A page of the host itself, which sends Origin with all but GET and HEAD. */
static bool is_own(const struct mod_req *m, const char *origin)
{
    const conn_rec *c = m->first->connection;
    if (m->server->origin != NULL)
        return strcmp(origin, m->server->origin) == 0;
    bool tls = ap_ssl_conn_is_ssl(c->master != NULL ? c->master : (conn_rec *)c);
    return aps_origin_is_own(aps_str(origin), aps_str(apr_table_get(m->first->headers_in, "Host")),
                             tls);
}

enum aps_reason mod_cors(const struct mod_req *m, const struct mod_cors *cors)
{
    const char *origin = origin_of(m);
    if (origin == NULL)
        return APS_REASON_ALLOW;
    if (!is_listed(cors, origin))
        return is_own(m, origin) ? APS_REASON_ALLOW : APS_REASON_CORS_ORIGIN;
    if (m->method == APS_METHOD_OPTIONS &&
        apr_table_get(m->first->headers_in, "Access-Control-Request-Method") != NULL)
        return APS_REASON_CORS_PREFLIGHT;
    return APS_REASON_ALLOW;
}

/* An ErrorDocument for 204, which .htaccess may set, would run a handler: an empty text of our own
 * comes before it, and a 204 has no content anyway. */
int mod_cors_answer(request_rec *r, struct mod_req *m)
{
    apr_table_setn(r->err_headers_out, "X-Request-Id", mod_req_id(m));
    ap_custom_response(r, HTTP_NO_CONTENT, "");
    return HTTP_NO_CONTENT;
}

/* ---- An answer ---- */

/* Fields that requests carry beside those that browsers let every page set. */
#define HEADERS                                                                                    \
    "Authorization, Content-Type, DPoP, Content-Digest, Signature, Signature-Input, "              \
    "If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since, X-Request-Id"

#define EXPOSED                                                                                    \
    "WWW-Authenticate, DPoP-Nonce, Retry-After, RateLimit, RateLimit-Policy, Deprecation, "        \
    "Sunset, Link, X-Request-Id"
#define EXPOSED_LEGACY ", X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"

static const char *headers_of(apr_pool_t *pool, const struct mod_req *m)
{
    const struct mod_sources *sources =
        m->sources != NULL ? m->sources : mod_config_sources(m->dir);
    const char *names = HEADERS;
    for (size_t i = 0; i < sources->n; i++)
        if (sources->v[i].kind == APS_CREDENTIAL_HEADER)
            names = apr_pstrcat(pool, names, ", ", sources->v[i].field, NULL);
    return apr_pstrcat(pool, names, m->cors->headers, NULL);
}

static void drop_theirs(apr_pool_t *pool, apr_table_t *headers)
{
    static const char prefix[] = "Access-Control-";
    const apr_array_header_t *fields = apr_table_elts(headers);
    apr_array_header_t *names = apr_array_make(pool, 0, sizeof(const char *));
    for (int i = 0; i < fields->nelts; i++) {
        const char *name = APR_ARRAY_IDX(fields, i, apr_table_entry_t).key;
        if (ap_cstr_casecmpn(name, prefix, sizeof prefix - 1) == 0)
            APR_ARRAY_PUSH(names, const char *) = name;
    }
    for (int i = 0; i < names->nelts; i++)
        apr_table_unset(headers, APR_ARRAY_IDX(names, i, const char *));
}

static void set_preflight(request_rec *r, const struct mod_req *m)
{
    apr_table_setn(r->headers_out, "Access-Control-Allow-Methods", m->cors->methods);
    apr_table_setn(r->headers_out, "Access-Control-Allow-Headers", headers_of(r->pool, m));
    apr_table_setn(r->headers_out, "Access-Control-Max-Age", m->cors->max_age);
}

static void set_fields(request_rec *r, const struct mod_req *m)
{
    const struct mod_cors *cors = m->cors;
    const char *origin = origin_of(m);
    drop_theirs(r->pool, r->headers_out);
    drop_theirs(r->pool, r->err_headers_out);
    if (!cors->any)
        apr_table_mergen(r->headers_out, "Vary", "Origin");
    if (origin == NULL || !is_listed(cors, origin))
        return;
    apr_table_setn(r->headers_out, "Access-Control-Allow-Origin", cors->any ? "*" : origin);
    if (cors->credentials)
        apr_table_setn(r->headers_out, "Access-Control-Allow-Credentials", "true");
    if (m->reason == APS_REASON_CORS_PREFLIGHT) {
        set_preflight(r, m);
        return;
    }
    bool legacy = m->dir != NULL && (m->dir->fields & MOD_FIELDS_LEGACY) != 0;
    apr_table_setn(
        r->headers_out, "Access-Control-Expose-Headers",
        apr_pstrcat(r->pool, EXPOSED, legacy ? EXPOSED_LEGACY : "", cors->exposed, NULL));
}

static apr_status_t filter_fields(ap_filter_t *f, apr_bucket_brigade *bb)
{
    set_fields(f->r, f->ctx);
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, bb);
}

void mod_cors_insert_filter(request_rec *r, struct mod_req *m)
{
    if (m->cors != NULL && !m->cors->none && r->main == NULL)
        ap_add_output_filter_handle(cors_filter, m, r, r->connection);
}

/* Behind those of mod_headers and our own. */
void mod_cors_register(void)
{
    cors_filter = ap_register_output_filter("APISEC_CORS", filter_fields, NULL,
                                            (ap_filter_type)(AP_FTYPE_CONTENT_SET + 1));
}
