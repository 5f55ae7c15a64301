/* Who calls: the transport, the one credential, the key behind it. */
#include "mod.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include "apisec/keytext.h"
#include "http_ssl.h"

/* ---- Transport ---- */

static bool is_tls(const request_rec *first)
{
    const conn_rec *c = first->connection;
    /* An HTTP/2 stream is a connection of its own below the one that has TLS. */
    return ap_ssl_conn_is_ssl(c->master != NULL ? c->master : (conn_rec *)c);
}

static bool is_loopback(const struct mod_req *m)
{
    struct aps_addr peer;
    return aps_addr_is_loopback(&m->addr) &&
           aps_addr_from_sockaddr((const struct sockaddr *)&m->first->connection->client_addr->sa,
                                  &peer) &&
           aps_addr_is_loopback(&peer);
}

/* The scheme that a listed proxy tells; from anybody else the field is gone by now. */
static bool is_proxied_tls(const request_rec *first)
{
    const char *proto = apr_table_get(first->headers_in, "X-Forwarded-Proto");
    return first->useragent_addr != first->connection->client_addr && proto != NULL &&
           ap_cstr_casecmp(proto, "https") == 0;
}

bool mod_stage_auth_is_https(const request_rec *first, bool proxied)
{
    return is_tls(first) || (proxied && is_proxied_tls(first));
}

enum aps_reason mod_stage_auth_tls(struct mod_req *m, enum mod_tls tls)
{
    if (tls == MOD_TLS_OFF || is_loopback(m) ||
        mod_stage_auth_is_https(m->first, tls == MOD_TLS_PROXY))
        return APS_REASON_ALLOW;
    if (m->credential_reason == APS_REASON_CREDENTIAL_MISSING)
        return APS_REASON_TLS_REQUIRED;
    /* Nothing is verified; the line names the key that is to be revoked (TRN-01). */
    if (m->credential_reason == APS_REASON_ALLOW)
        m->key_id = aps_keytext_id(m->credential);
    return APS_REASON_CREDENTIAL_EXPOSED;
}

/* ---- The credential ---- */

/* The variables that an earlier handler of this transaction made of the field. */
static void forget(request_rec *r, const char *field)
{
    if (r->main == NULL && r->prev == NULL)
        return;
    char *name = apr_pstrcat(r->pool, "REDIRECT_HTTP_", field, NULL);
    for (char *p = name; *p != '\0'; p++)
        *p = (char)(*p == '-' ? '_' : apr_toupper(*p));
    apr_table_unset(r->subprocess_env, name);
    apr_table_unset(r->subprocess_env, name + strlen("REDIRECT_"));
}

/* httpd's own Basic authentication is still to come, and reads an Authorization of its scheme.
 * AuthType is a tenant's to set: a key of ours, under whatever scheme, does not stay for it. */
static bool is_for_basic(request_rec *r, const struct mod_req *m, const struct mod_dir *dir,
                         const struct aps_credential_source *s)
{
    const char *type, *value;
    if (s->kind == APS_CREDENTIAL_HEADER ||
        (s->kind == APS_CREDENTIAL_BASIC && !mod_config_requires(dir)->is_public))
        return false;
    type = ap_auth_type(r);
    value = apr_table_get(m->first->headers_in, "Authorization");
    return type != NULL && ap_cstr_casecmp(type, "Basic") == 0 && value != NULL &&
           ap_cstr_casecmpn(value, "Basic ", 6) == 0;
}

void mod_stage_auth_out(request_rec *r, struct mod_req *m, const struct mod_dir *dir,
                        const struct mod_sources *sources)
{
    if (m->credential_reason == APS_REASON_CREDENTIAL_MISSING || dir->engine != MOD_ENGINE_ON ||
        dir->pass_credential == MOD_FLAG_ON)
        return;
    for (size_t i = 0; i < sources->n; i++) {
        const struct aps_credential_source *s = &sources->v[i];
        if (sources == m->sources && (m->carried & (1u << i)) == 0)
            continue;
        if (is_for_basic(r, m, dir, s))
            m->credential_keep = true;
        else
            mod_req_unset_field(r, m, s->field);
        forget(r, s->field);
    }
    if (mod_proof_is_on(dir))
        mod_req_unset_field(r, m, "DPoP");
}

static void find(struct mod_req *m, const struct aps_credential_source *v,
                 const char *const *values, size_t n)
{
    size_t source = 0;
    m->credential_reason =
        aps_credential_find(v, values, n, m->first->pool, &m->credential, &source);
    if (m->credential_reason == APS_REASON_ALLOW)
        m->credential_kind = v[source].kind;
}

/* Where tokens come as Bearer they may come with a proof as well (RFC 9449 7.1). */
static void find_with_proof(struct mod_req *m, const struct mod_sources *sources,
                            const char *values[MOD_SOURCES_MAX + 1])
{
    struct aps_credential_source v[MOD_SOURCES_MAX + 1];
    memcpy(v, sources->v, sources->n * sizeof v[0]);
    v[sources->n] = (struct aps_credential_source){APS_CREDENTIAL_DPOP, "Authorization"};
    values[sources->n] = apr_table_get(m->first->headers_in, "Authorization");
    m->proof = apr_table_get(m->first->headers_in, "DPoP");
    find(m, v, values, sources->n + 1);
}

void mod_stage_auth_take(request_rec *r, struct mod_req *m, const struct mod_dir *dir,
                         const struct mod_sources *sources)
{
    const char *values[MOD_SOURCES_MAX + 1];
    if (m->sources == NULL ||
        (m->sources != sources && m->credential_reason == APS_REASON_CREDENTIAL_MISSING)) {
        m->sources = sources;
        m->carried = 0;
        for (size_t i = 0; i < sources->n; i++) {
            values[i] = apr_table_get(m->first->headers_in, sources->v[i].field);
            m->carried |= values[i] != NULL ? 1u << i : 0;
        }
        if (sources->bearer && mod_proof_is_on(dir))
            find_with_proof(m, sources, values);
        else
            find(m, sources->v, values, sources->n);
    }
    mod_stage_auth_out(r, m, dir, sources);
}

void mod_stage_auth_strip(request_rec *r, struct mod_req *m)
{
    m->credential_keep = false;
    mod_req_unset_field(r, m, "Authorization");
}

/* ---- The key ---- */

/* The host that the client named, in lower case and without port. */
static struct aps_str host_of(const request_rec *first)
{
    const char *host = first->hostname != NULL ? first->hostname : first->server->server_hostname;
    return aps_str(host); /* httpd has lowered and cut r->hostname */
}

/* A field of its own is for keys alone, and so is a password. */
static enum aps_bearer_form form_of(const struct mod_req *m)
{
    if (m->credential_kind != APS_CREDENTIAL_BEARER && m->credential_kind != APS_CREDENTIAL_DPOP)
        return APS_BEARER_KEY;
    return aps_bearer_form(m->view, m->credential);
}

static enum aps_reason verify_key(struct mod_req *m)
{
    bool hit = false;
    enum aps_reason reason =
        aps_authn_key(m->view, m->credential, (aps_nsec)m->first->request_time * APS_USEC,
                      m->first->pool, &m->who, &m->key_id, &hit);
    if (reason == APS_REASON_ALLOW && m->who->secret->grace != 0)
        reason = mod_use_older(m);
    aps_metrics_add(mod_process.state, hit ? APS_METRIC_CACHE_HIT : APS_METRIC_CACHE_MISS, 1);
    if (reason != APS_REASON_ALLOW)
        m->who = NULL;
    else if (m->who->key.nnets != 0 || m->who->key.nhosts != 0)
        reason = aps_key_place(&m->who->key, &m->addr, host_of(m->first));
    return reason;
}

static enum aps_reason verify(struct mod_req *m)
{
    if (m->credential_reason != APS_REASON_ALLOW)
        return m->credential_reason;
    if (mod_process.state == NULL)
        return APS_REASON_STATE_DOWN;
    if (mod_process_view(m) == NULL)
        return APS_REASON_STORE_DOWN;
    enum aps_bearer_form form = form_of(m);
    if (form != APS_BEARER_KEY)
        return mod_stage_token(m, form);
    if (m->credential_kind == APS_CREDENTIAL_DPOP)
        return APS_REASON_TOKEN_UNBOUND; /* no key is bound to another one */
    return verify_key(m);
}

/* What the section that is decided asks for in place of a key. */
struct way {
    const struct mod_signature *signature; /* NULL: none */
    enum mod_certificate certificate;
};

/* Something else shows which key it is. */
static enum aps_reason verify_way(struct mod_req *m, const struct way *way)
{
    m->who = NULL;
    if (mod_process.state == NULL)
        return APS_REASON_STATE_DOWN;
    if (mod_process_view(m) == NULL)
        return APS_REASON_STORE_DOWN;
    m->certificate = way->certificate;
    enum aps_reason reason = way->signature != NULL ? mod_signature(m, way->signature)
                                                    : mod_certificate(m, way->certificate);
    if (reason == APS_REASON_ALLOW && (m->who->key.nnets != 0 || m->who->key.nhosts != 0))
        reason = aps_key_place(&m->who->key, &m->addr, host_of(m->first));
    return reason;
}

static struct way way_of(const struct mod_req *m)
{
    const struct mod_dir *dir = m->dir;
    struct way way = {.signature = NULL};
    if (dir != NULL && dir->signature != NULL && !dir->signature->off)
        way.signature = dir->signature;
    if (dir != NULL && dir->certificate > MOD_CERTIFICATE_OFF)
        way.certificate = dir->certificate;
    return way;
}

/* Whether the caller was found in this way before. */
static bool was_asked(const struct mod_req *m, const struct way *way)
{
    if (way->signature != NULL)
        return m->signature.want == way->signature && m->certificate == MOD_CERTIFICATE_UNSET;
    return way->certificate == MOD_CERTIFICATE_UNSET || m->certificate == way->certificate;
}

/* Once for each transaction, and for each way in which its sections want callers to show who they
 * are; the text of the credential is not needed after it. */
enum aps_reason mod_stage_auth(struct mod_req *m)
{
    const struct way way = way_of(m);
    if (m->auth == APS_REASON_UNDECIDED || !was_asked(m, &way)) {
        bool is_key = way.signature == NULL && way.certificate == MOD_CERTIFICATE_UNSET;
        m->auth = is_key ? verify(m) : verify_way(m, &way);
        if (m->auth != APS_REASON_ALLOW && aps_reason_is_authn_failure(m->auth))
            m->auth = mod_stage_limit_fail(m, m->auth);
    }
    if (m->auth != APS_REASON_ALLOW || m->who == NULL || m->dir == NULL ||
        (m->dir->token == NULL && m->who->bearer == NULL))
        return m->auth;
    return mod_stage_token_here(m);
}
