/* What the caller may do: the section's requirement against roles, scopes and permissions. */
#include "mod.h"

#include <apr_strings.h>

#include "apisec/path.h"

static const struct aps_rolebook *book_of(const struct mod_req *m)
{
    return aps_snapshot_roles(aps_view_snapshot(m->view));
}

static enum aps_reason check_access(struct mod_req *m)
{
    m->access = aps_access_path(book_of(m), m->who->roles, m->who->key.nroles, m->method, m->path);
    if (m->access.grant != NULL)
        m->route = aps_pattern_text(m->access.grant->pattern);
    return m->access.reason;
}

static enum aps_reason check_role(const struct mod_req *m, const struct mod_require *req)
{
    for (size_t i = 0; i < req->n; i++)
        if (aps_str_is_in(req->arg[i], m->who->key.roles, m->who->key.nroles))
            return APS_REASON_ALLOW;
    return APS_REASON_ROLE_MISSING;
}

static enum aps_reason check_scope(const struct mod_req *m, const struct mod_require *req)
{
    for (size_t i = 0; i < req->n; i++)
        if (!aps_key_has_scope(&m->who->key, req->arg[i]))
            return APS_REASON_SCOPE_MISSING;
    return APS_REASON_ALLOW;
}

static enum aps_reason check_permission(const struct mod_req *m, const struct mod_require *req)
{
    for (size_t i = 0; i < req->n; i++) {
        struct aps_access access =
            aps_access_permission(m->who->roles, m->who->key.nroles, req->arg[i]);
        if (access.reason != APS_REASON_ALLOW)
            return access.reason;
    }
    return APS_REASON_ALLOW;
}

enum aps_reason mod_stage_policy_one(struct mod_req *m, const struct mod_require *req)
{
    if (m->who == NULL || m->view == NULL)
        return APS_REASON_INTERNAL;
    switch (req->kind) {
    case MOD_REQUIRE_KEY:
        return m->who->bearer == NULL ? APS_REASON_ALLOW : APS_REASON_KEY_REQUIRED;
    case MOD_REQUIRE_USER:
        /* A key is a client's (KEY-17), and so is a token that has no other subject. */
        return m->who->bearer != NULL && !m->who->bearer->claims.is_client
                   ? APS_REASON_ALLOW
                   : APS_REASON_USER_REQUIRED;
    case MOD_REQUIRE_ACCESS:
        return check_access(m);
    case MOD_REQUIRE_ROLE:
        return check_role(m, req);
    case MOD_REQUIRE_SCOPE:
        return check_scope(m, req);
    case MOD_REQUIRE_PERMISSION:
        return check_permission(m, req);
    case MOD_REQUIRE_PUBLIC:
        break; /* stands alone and is never asked here */
    }
    return APS_REASON_INTERNAL;
}

enum aps_reason mod_stage_policy(struct mod_req *m, const struct mod_requires *requires)
{
    const struct mod_require *req = (const struct mod_require *)(const void *)requires->list->elts;
    for (int i = 0; i < requires->list->nelts; i++) {
        enum aps_reason reason = mod_stage_policy_one(m, &req[i]);
        if (reason != APS_REASON_ALLOW)
            return reason;
    }
    return requires->list->nelts > 0 ? APS_REASON_ALLOW : APS_REASON_INTERNAL;
}

/* ---- NEG-03 ---- */

/* The path of a proxied request's target, "proxy:SCHEME://HOST/PATH?QUERY", or of a Unix socket's,
 * "proxy:unix:SOCKET|SCHEME://HOST/PATH".  False where it is no URL path: FastCGI and its kin are
 * told the name of a file. */
static bool proxied_path(const request_rec *r, struct aps_str *out)
{
    const char *p = r->filename + 6, *bar = strchr(p, '|');
    if (strncmp(p, "unix:", 5) == 0 && bar != NULL)
        p = bar + 1;
    const char *authority = strstr(p, "://");
    if (authority == NULL || strncmp(p, "fcgi:", 5) == 0 || strncmp(p, "scgi:", 5) == 0 ||
        strncmp(p, "uwsgi:", 6) == 0)
        return false;
    p = strchr(authority + 3, '/');
    *out = p != NULL ? (struct aps_str){p, strcspn(p, "?")} : APS_STR_LIT("/");
    return true;
}

static bool is_joined(struct aps_str path, const char *const part[3])
{
    for (int i = 0; i < 3; i++) {
        size_t n = strlen(part[i]);
        if (n == 0)
            continue;
        if (n > path.n || memcmp(path.p, part[i], n) != 0)
            return false;
        path.p += n;
        path.n -= n;
    }
    return path.n == 0;
}

static bool is_text(const char *text, struct aps_str s)
{
    return text != NULL && strncmp(text, s.p, s.n) == 0 && text[s.n] == '\0';
}

/* Whether the file is the one that `asked` names below the document root: no rewrite, no alias.
 * The usual case, at the cost of two comparisons. */
static bool is_own_file(const request_rec *r, struct aps_str asked)
{
    const char *root = ap_document_root((request_rec *)r);
    size_t n = r->filename != NULL ? strlen(r->filename) : 0;
    if (n <= asked.n || (r->path_info != NULL && *r->path_info != '\0'))
        return false;
    n -= asked.n;
    return memcmp(r->filename + n, asked.p, asked.n) == 0 && strncmp(root, r->filename, n) == 0 &&
           root[n] == '\0';
}

/* The URL path of the file that will be served, which a rewrite in the server's context chooses
 * without changing r->uri.  False where it is `asked`, or lies outside of the URL space. */
static bool file_path(request_rec *r, struct aps_str asked, struct aps_str *out)
{
    const char *root = ap_context_document_root(r), *part[3] = {ap_context_prefix(r)};
    size_t n = root != NULL ? strlen(root) : 0;
    if (n == 0 || r->filename == NULL || strncmp(r->filename, root, n) != 0)
        return false;
    part[1] = r->filename + n;
    part[2] = r->path_info != NULL ? r->path_info : "";
    if (root[n - 1] != '/' && *part[1] != '/' && *part[1] != '\0')
        return false;
    if (is_joined(asked, part))
        return false;
    *out = aps_str(apr_pstrcat(r->pool, part[0], part[1], part[2], NULL));
    return out->n != 0 && out->p[0] == '/';
}

static enum aps_reason check_served(request_rec *r, const struct mod_req *m, struct aps_str served)
{
    /* Somebody whom nobody knows has no roles at all. */
    size_t nroles = m->who != NULL ? m->who->key.nroles : 0;
    struct aps_str asked = m->path.n != 0 ? m->path : APS_STR_LIT("/");
    return aps_access_served(book_of(m), m->who != NULL ? m->who->roles : NULL, nroles,
                             aps_method_parse(aps_str(r->method)), asked, served);
}

/* The sections of the file's own path have their say, as if the client had asked for it. */
static enum aps_reason check_sections(request_rec *r, struct mod_req *m, struct aps_str file)
{
    enum aps_reason before = m->pending;
    m->pending = APS_REASON_UNDECIDED;
    request_rec *asked = ap_sub_req_lookup_uri(ap_os_escape_path(r->pool, file.p, 1), r, NULL);
    ap_destroy_sub_req(asked);
    enum aps_reason refused = m->pending;
    m->pending = before;
    return refused == APS_REASON_UNDECIDED ? APS_REASON_ALLOW : APS_REASON_PATH_CHANGED;
}

/* What of a path may be there still when it is served. */
#define KEEPS (APS_PATH_KEEP | APS_PATH_PARAMS | APS_PATH_HASH | APS_PATH_QUESTION)

/* What was kept in the path may mean something else to who is behind us: it is let through where
 * that would be, too. */
static enum aps_reason check_other(request_rec *r, struct mod_req *m, bool grants)
{
    struct aps_str other = aps_path_other(m->path, apr_palloc(r->pool, m->path.n + 1));
    other = aps_str(apr_pstrmemdup(r->pool, other.p, other.n));
    enum aps_reason reason = check_sections(r, m, other);
    if (reason == APS_REASON_ALLOW && grants && m->view != NULL)
        reason = check_served(r, m, other);
    return reason;
}

enum aps_reason mod_stage_policy_served(request_rec *r, struct mod_req *m, bool grants)
{
    if ((m->relaxed & (APS_PATH_KEEP | APS_PATH_PARAMS)) != 0 && r->main == NULL) {
        enum aps_reason reason = check_other(r, m, grants);
        if (reason != APS_REASON_ALLOW)
            return reason;
    }
    struct aps_str served, file, raw;
    bool proxied = r->proxyreq != PROXYREQ_NONE && r->filename != NULL &&
                   strncmp(r->filename, "proxy:", 6) == 0;
    if (!proxied && m->path.n != 0 && m->view != NULL && is_text(r->uri, m->path) &&
        is_own_file(r, m->path))
        return APS_REASON_ALLOW;
    served = aps_str(r->uri);
    if (proxied) {
        if (!grants || !proxied_path(r, &raw))
            return APS_REASON_ALLOW;
        char *buf = apr_palloc(r->pool, raw.n + 1);
        unsigned used;
        if (!aps_path_relaxed(raw, m->relaxed & KEEPS, buf, &served, &used, NULL))
            return APS_REASON_PATH_CHANGED;
    }
    bool other_file = !proxied && file_path(r, m->path, &file);
    if (other_file && r->main == NULL && !aps_str_eq(file, served) &&
        check_sections(r, m, file) != APS_REASON_ALLOW)
        return APS_REASON_PATH_CHANGED;
    if (!grants)
        return APS_REASON_ALLOW;
    /* A refused request may not have got as far as the store; its ErrorDocument does. */
    if (m->view == NULL && (m->refused == NULL || mod_process_view(m) == NULL))
        return APS_REASON_INTERNAL;
    if ((m->path.n == 0 && m->refused == NULL) || (served.n == 0 && !other_file))
        return APS_REASON_PATH_CHANGED; /* a part from a file without any URL */
    enum aps_reason reason = APS_REASON_ALLOW;
    if (served.n != 0 && !aps_str_eq(m->path, served))
        reason = check_served(r, m, served);
    if (reason == APS_REASON_ALLOW && other_file && !aps_str_eq(file, served))
        reason = check_served(r, m, file);
    return reason;
}
