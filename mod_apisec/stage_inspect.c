/* What the request says, before anybody is asked for a name: caps, method, path, header fields. */
#include "mod.h"

#include <apr_strings.h>

#include "apisec/path.h"
#include "apisec/query.h"

/* ---- Path ---- */

/* The path of the target as it was received: httpd has decoded and cleaned its own copy. */
struct aps_str mod_stage_inspect_raw(const struct mod_req *m)
{
    const char *p = mod_req_target(m);
    if (p == NULL)
        return aps_str(m->first->uri);
    if (*p != '/') { /* absolute form: after the authority (RFC 9112 3.2.2) */
        const char *scheme_end = p + strcspn(p, ":/?#");
        if (strncmp(scheme_end, "://", 3) != 0)
            return aps_str(p); /* no path at all */
        p = scheme_end + 3 + strcspn(scheme_end + 3, "/?#");
        if (*p != '/')
            return APS_STR_LIT("/");
    }
    return (struct aps_str){p, (size_t)(strchrnul(p, '?') - p)};
}

/* What is ambiguous for everybody, or for a section that does not relax it. */
static bool read_path(struct mod_req *m, const struct mod_dir *dir)
{
    struct aps_str raw = mod_stage_inspect_raw(m);
    if (dir != NULL && dir->relax != 0)
        return mod_path_read(m, raw, dir);
    char *buf = memchr(raw.p, '%', raw.n) != NULL ? apr_palloc(m->first->pool, raw.n) : NULL;
    return aps_path_read(raw, buf, &m->path, &m->path_fault);
}

enum aps_reason mod_stage_inspect_path(struct mod_req *m, const struct mod_dir *dir)
{
    if (!m->path_read) {
        m->path_read = true;
        if (m->method == APS_METHOD_OPTIONS && m->first->unparsed_uri != NULL &&
            strcmp(m->first->unparsed_uri, "*") == 0)
            m->path = APS_STR_LIT("*");
        else if (!read_path(m, dir))
            m->path = (struct aps_str){NULL, 0};
        else
            m->path_fault = NULL;
    }
    return m->path.n == 0 ? APS_REASON_PATH_AMBIGUOUS : APS_REASON_ALLOW;
}

/* ---- Header fields ---- */

/* Names by which somebody behind us would take orders or an identity from the client, in lower
 * case with `-` for `_` (NEG-15, AZ-03, AZ-11).  A final `*` is any rest. */
static const char *const control_fields[] = {
    "lock-token",
    "proxy",
    "remote-user",
    "x-apisec-*",
    "x-http-method*",
    "x-method-override",
    "x-middleware-subrequest",
    "x-original-url",
    "x-remote-user",
    "x-rewrite-url",
};

/* Fields that only a proxy may send (TRN-11, MTLS-03). */
static const char *const forwarding_fields[] = {
    "client-cert",    "client-cert-chain", "forwarded", "ssl-client-*",
    "x-client-cert*", "x-forwarded-*",     "x-real-ip", "x-ssl-client-*",
};

/* A letter in lower case; a dash stays one. */
static char low(char c)
{
    return (char)(c | 0x20);
}

static bool is_name(const char *name, const char *want)
{
    while (*want != '\0' && *want != '*' &&
           (low(*name) == *want || (*name == '_' && *want == '-'))) {
        name++;
        want++;
    }
    return *want == '*' || (*want == '\0' && *name == '\0');
}

static bool name_is(const char *name, const char *const *list, size_t n)
{
    if (name[0] == '\0' || name[1] == '\0')
        return false;
    char third = low(name[2]); /* tells most apart; no name in a list is shorter */
    for (size_t i = 0; i < n; i++)
        if (third == list[i][2] && is_name(name, list[i]))
            return true;
    return false;
}

#define NAME_IS(name, list) name_is(name, list, sizeof(list) / sizeof((list)[0]))

/* mod_remoteip takes the client's address from a proxy that its configuration trusts: where it
 * did, the connection's address is that proxy's. */
static bool from_trusted_proxy(const request_rec *first)
{
    return first->useragent_addr != first->connection->client_addr;
}

static bool is_ours(const char *name)
{
    return NAME_IS(name, control_fields) || NAME_IS(name, forwarding_fields) ||
           ap_cstr_casecmp(name, "X-Request-Id") == 0;
}

/* Whether it is no option of the connection itself. */
static bool is_for_all(const char *name)
{
    static const char *const options[] = {"close", "http2-settings", "keep-alive", "te", "upgrade"};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (ap_cstr_casecmp(name, options[i]) == 0)
            return false;
    return true;
}

/* A field that Connection names is dropped on the way to the backend. */
static void clean_connection(request_rec *r, const char *value, bool (*is_kept)(const char *name))
{
    const char *kept = NULL;
    char *rest = apr_pstrdup(r->pool, value), *state = NULL;
    for (char *word = apr_strtok(rest, ",", &state); word != NULL;
         word = apr_strtok(NULL, ",", &state)) {
        word += strspn(word, " \t");
        char *end = word + strcspn(word, " \t");
        *end = '\0';
        if (*word == '\0' || is_kept(word))
            continue;
        kept = kept == NULL ? word : apr_pstrcat(r->pool, kept, ", ", word, NULL);
    }
    if (kept != NULL)
        apr_table_setn(r->headers_in, "Connection", kept);
    else
        apr_table_unset(r->headers_in, "Connection");
}

void mod_stage_inspect_bind_fields(request_rec *r)
{
    const char *connection = apr_table_get(r->headers_in, "Connection");
    if (connection != NULL)
        clean_connection(r, connection, is_for_all);
}

/* X-API-Key and its like: no name in a list begins so. */
static bool is_key_field(const char *name)
{
    return low(name[1]) == '-' && low(name[2]) == 'a' && low(name[3]) == 'p' &&
           low(name[4]) == 'i' && name[5] == '-';
}

/* Whether a field must not reach a handler.  The first letter decides for nearly all. */
static bool is_refused_field(const char *name, bool trusted)
{
    switch (low(name[0])) {
    case 'x':
        if (is_key_field(name))
            break;
        __attribute__((fallthrough));
    case 'f':
    case 'l':
    case 'p':
    case 'r':
        if (NAME_IS(name, control_fields) || (!trusted && NAME_IS(name, forwarding_fields)))
            return true;
        break;
    case 'c':
    case 's':
        if (!trusted && NAME_IS(name, forwarding_fields))
            return true;
        break;
    default:
        break;
    }
    return strchr(name, '_') != NULL;
}

/* Nobody honest sends more of them. */
#define CONTROL_FIELDS_MAX 16

/* The fields that are rewritten and not just taken out. */
struct seen {
    const char *connection, *upgrade; /* NULL: there is none */
};

static void see(struct seen *seen, const apr_table_entry_t *e)
{
    switch (low(e->key[0])) {
    case 'c':
        if (seen->connection == NULL && ap_cstr_casecmp(e->key, "Connection") == 0)
            seen->connection = e->val;
        break;
    case 'u':
        if (seen->upgrade == NULL && ap_cstr_casecmp(e->key, "Upgrade") == 0)
            seen->upgrade = e->val;
        break;
    default:
        break;
    }
}

/* Caps, unless they were judged (NULL), and under On the removal of control fields.  One pass over
 * the table. */
static enum aps_reason judge_fields(request_rec *r, const struct mod_req *m,
                                    const struct mod_max *max, bool remove, struct seen *out)
{
    const apr_array_header_t *fields = apr_table_elts(r->headers_in);
    const apr_table_entry_t *e = (const apr_table_entry_t *)(const void *)fields->elts;
    const char *doomed[CONTROL_FIELDS_MAX];
    size_t ndoomed = 0;
    bool trusted = from_trusted_proxy(m->first);
    *out = (struct seen){NULL, NULL};
    if (max != NULL && (uint32_t)fields->nelts > max->fields)
        return APS_REASON_FIELDS_TOO_LARGE;
    bool capped = max != NULL && !mod_wire_is_within(m->first, max->field);
    for (int i = 0; i < fields->nelts; i++) {
        if (capped && strlen(e[i].val) > max->field)
            return APS_REASON_FIELDS_TOO_LARGE;
        if (is_refused_field(e[i].key, trusted)) {
            if (ndoomed == sizeof doomed / sizeof doomed[0])
                return APS_REASON_FIELD_MALFORMED;
            doomed[ndoomed++] = e[i].key;
        }
        see(out, &e[i]);
    }
    for (size_t i = 0; remove && i < ndoomed; i++)
        apr_table_unset(r->headers_in, doomed[i]);
    return APS_REASON_ALLOW;
}

/* The variables that an earlier handler of this transaction made of the fields. */
static void clean_variables(request_rec *r, bool trusted)
{
    const apr_array_header_t *variables = apr_table_elts(r->subprocess_env);
    const apr_table_entry_t *e = (const apr_table_entry_t *)(const void *)variables->elts;
    const char *doomed[CONTROL_FIELDS_MAX];
    size_t ndoomed = 0;
    for (int i = 0; i < variables->nelts && ndoomed < CONTROL_FIELDS_MAX; i++) {
        const char *name = e[i].key;
        while (strncmp(name, "REDIRECT_", 9) == 0)
            name += 9;
        if (strncmp(name, "HTTP_", 5) == 0 && (NAME_IS(name + 5, control_fields) ||
                                               (!trusted && NAME_IS(name + 5, forwarding_fields))))
            doomed[ndoomed++] = e[i].key;
    }
    for (size_t i = 0; i < ndoomed; i++)
        apr_table_unset(r->subprocess_env, doomed[i]);
}

/* What would drop our fields, begin the request anew, or has kept what was in the fields. */
static void clean_rest(request_rec *r, const struct mod_req *m, const struct seen *seen)
{
    if (r->main != NULL || r->prev != NULL)
        clean_variables(r, from_trusted_proxy(m->first));
    if (seen->connection != NULL && ap_cstr_casecmp(seen->connection, "keep-alive") != 0 &&
        ap_cstr_casecmp(seen->connection, "close") != 0)
        clean_connection(r, seen->connection, is_ours);
    if (seen->upgrade != NULL)
        mod_upgrade_clean(r, seen->upgrade);
}

enum aps_reason mod_stage_inspect_clean(request_rec *r, struct mod_req *m)
{
    if (r->headers_in == m->clean && r->main == NULL)
        return APS_REASON_ALLOW;
    struct seen seen;
    enum aps_reason reason = judge_fields(r, m, NULL, true, &seen);
    if (reason == APS_REASON_ALLOW) {
        clean_rest(r, m, &seen);
        if (r->main == NULL)
            m->clean = r->headers_in;
    }
    return reason;
}

/* The length that the client declares; what is sent without one is held by LimitRequestBody. */
static enum aps_reason judge_body(const struct mod_req *m, const struct mod_max *max)
{
    const char *length =
        max->body != MOD_MAX_NO_BODY ? apr_table_get(mod_body_fields(m), "Content-Length") : NULL;
    /* httpd has refused what is no number; one beyond 63 bits saturates. */
    return length != NULL && apr_strtoi64(length, NULL, 10) > max->body ? APS_REASON_BODY_TOO_LARGE
                                                                        : APS_REASON_ALLOW;
}

enum aps_reason mod_stage_inspect(request_rec *r, struct mod_req *m, const struct mod_dir *dir)
{
    request_rec *first = m->first;
    struct mod_max max = mod_config_max_of(dir);
    bool on = dir->engine == MOD_ENGINE_ON;
    if (first->unparsed_uri != NULL && strlen(first->unparsed_uri) > max.target)
        return APS_REASON_TARGET_TOO_LONG;
    if (!m->fields_judged || (on && (r->headers_in != m->clean || r->main != NULL))) {
        struct seen seen;
        enum aps_reason reason = judge_fields(r, m, m->fields_judged ? NULL : &max, on, &seen);
        if (reason != APS_REASON_ALLOW)
            return reason;
        if (!m->fields_judged)
            m->upgrade = seen.upgrade;
        m->fields_judged = true;
        if (on) {
            clean_rest(r, m, &seen);
            if (r->main == NULL)
                m->clean = r->headers_in;
        }
    }
    if (m->method == APS_METHOD_NONE)
        return first->method_number == M_TRACE || first->method_number == M_CONNECT
                   ? APS_REASON_METHOD_REFUSED
                   : APS_REASON_METHOD_UNKNOWN;
    if (first->args != NULL && aps_query_has_method(aps_str(first->args)))
        return APS_REASON_METHOD_OVERRIDE;
    enum aps_reason reason = mod_stage_inspect_path(m, NULL);
    /* What one section relaxes, another one that the path led to may not. */
    if (reason == APS_REASON_ALLOW && (m->relaxed & ~dir->relax) != 0) {
        m->path_fault = "relaxed elsewhere, and not here";
        reason = APS_REASON_PATH_AMBIGUOUS;
    }
    if (reason == APS_REASON_ALLOW && m->upgrade != NULL &&
        !mod_upgrade_is_allowed(m->upgrade, dir->upgrade))
        reason = APS_REASON_UPGRADE_REFUSED;
    return reason != APS_REASON_ALLOW ? reason : judge_body(m, &max);
}

/* ---- The connection ---- */

enum aps_reason mod_stage_inspect_address(struct mod_req *m, const struct mod_deny *deny)
{
    for (; deny != NULL; deny = deny->outer)
        if (aps_netset_has(deny->set, &m->addr))
            return APS_REASON_ADDRESS_DENIED;
    return APS_REASON_ALLOW;
}
