/* The credential that a handler or backend wants, in place of the client's.
 *
 * It is in the request only while the handler reads it: it comes with the handler's hook, after all
 * that a .htaccess or a rule could copy it by, and goes with the first byte of the answer, with an
 * internal redirect, an error page, the log, or the end, whichever comes first.  What the handler
 * sees is a copy of the fields; the request's own never have it. */
#include "mod.h"

#include <apr_strings.h>

static ap_filter_rec_t *answer_filter;

/* What one handler was given; a subrequest's lies before the one of the request that it is in. */
struct mod_given {
    request_rec *r;
    const struct mod_upstream *upstream;
    apr_table_t *fields, *shown; /* the request's own, and what the handler sees */
    const struct ap_logconf *log;
    struct mod_given *outer;
};

static const struct mod_dir *dir_of(const request_rec *r)
{
    return ap_get_module_config(r->per_dir_config, &apisec_module);
}

/* ---- Taking it back ---- */

/* All that may have it in `env`: the variable, and what httpd makes of a field for programs. */
static void clean_variables(apr_pool_t *pool, apr_table_t *env, const struct mod_upstream *upstream)
{
    for (size_t i = 0; i < upstream->n; i++) {
        apr_table_unset(env, upstream->v[i].variable);
        apr_table_unset(env, apr_pstrcat(pool, "REDIRECT_", upstream->v[i].variable, NULL));
    }
}

static void clean_fields(apr_table_t *fields, const struct mod_upstream *upstream)
{
    for (size_t i = 0; i < upstream->n; i++)
        if (upstream->v[i].field != NULL)
            apr_table_unset(fields, upstream->v[i].field);
}

static void take_back(struct mod_given *given)
{
    request_rec *r = given->r;
    if (r->headers_in == given->shown)
        r->headers_in = given->fields;
    else /* what was looked at as a part is what is served (ap_internal_fast_redirect) */
        clean_fields(r->headers_in, given->upstream);
    clean_variables(r->pool, r->subprocess_env, given->upstream);
    r->log = given->log;
}

/* What was given for `r`, and to parts of it. */
static void take_back_of(struct mod_req *m, const request_rec *r)
{
    struct mod_given *given = m->given;
    while (given != NULL && given->r != r)
        given = given->outer;
    if (given == NULL)
        return;
    for (struct mod_given *g = m->given; g != given->outer; g = g->outer)
        take_back(g);
    m->given = given->outer;
}

static void take_back_all(struct mod_req *m)
{
    for (; m->given != NULL; m->given = m->given->outer)
        take_back(m->given);
}

/* The request ends without having answered. */
static apr_status_t end(void *data)
{
    request_rec *r = data;
    struct mod_req *m = mod_req_find(r);
    if (m != NULL)
        take_back_of(m, r);
    return APR_SUCCESS;
}

/* The handler has begun to answer. */
static apr_status_t filter_answer(ap_filter_t *f, apr_bucket_brigade *bb)
{
    struct mod_req *m = mod_req_find(f->r);
    ap_filter_t *next = f->next;
    if (m != NULL)
        take_back_of(m, f->r);
    ap_remove_output_filter(f);
    return ap_pass_brigade(next, bb);
}

/* ---- Giving it ---- */

/* No byte that ends a line or a text, or that a program may take for more than text. */
static bool fits(const struct mod_gift *gift, struct aps_str value)
{
    if (value.n == 0 || gift->before.n + value.n + gift->behind.n > MOD_GIFT_MAX)
        return false;
    for (size_t i = 0; i < value.n; i++)
        if (((unsigned char)value.p[i] < ' ' && value.p[i] != '\t') || value.p[i] == 0x7f)
            return false;
    return true;
}

enum aps_reason mod_stage_upstream_find(struct aps_snapshot *snap, const struct mod_gift *gift,
                                        apr_pool_t *pool, aps_nsec now,
                                        const struct aps_snapshot_secret **out)
{
    const struct aps_snapshot_secret *list = NULL, *v;
    size_t n = 0;
    if (aps_snapshot_secret(snap, gift->secret, pool, &list, &n, NULL) != APS_OK)
        return APS_REASON_SECRET_DAMAGED;
    if ((v = mod_secret_in_force(list, n, now)) == NULL)
        return APS_REASON_SECRET_MISSING;
    *out = v;
    return fits(gift, aps_secret_str(&v->value)) ? APS_REASON_ALLOW : APS_REASON_SECRET_UNFIT;
}

struct wipe {
    char *p;
    size_t n;
};

static apr_status_t wipe(void *data)
{
    const struct wipe *w = data;
    aps_secret_cleanse(w->p, w->n);
    return APR_SUCCESS;
}

static char *put(char *to, struct aps_str part)
{
    if (part.n > 0)
        memcpy(to, part.p, part.n);
    return to + part.n;
}

/* The text lives in the request's pool, and is wiped with it. */
static const char *text_of(apr_pool_t *pool, const struct mod_gift *gift, struct aps_str value)
{
    struct wipe *w = apr_palloc(pool, sizeof *w);
    w->n = gift->before.n + value.n + gift->behind.n;
    w->p = apr_palloc(pool, w->n + 1);
    apr_pool_cleanup_register(pool, w, wipe, apr_pool_cleanup_null);
    *put(put(put(w->p, gift->before), value), gift->behind) = '\0';
    return w->p;
}

/* Some modules write all that they send at trace8: while the credential is there they write none of
 * their traces for this request. */
static const struct ap_logconf *quiet(const request_rec *r)
{
    const struct ap_logconf *log = r->log;
    if (!mod_hide_traces())
        return log;
    if (log == NULL)
        log = r->connection->log != NULL ? r->connection->log : &r->server->log;
    struct ap_logconf *quiet = apr_pcalloc(r->pool, sizeof *quiet);
    quiet->level = log->level < APLOG_DEBUG ? log->level : APLOG_DEBUG;
    return quiet;
}

static void begin(request_rec *r, struct mod_req *m, const struct mod_upstream *upstream,
                  const char *const *texts)
{
    struct mod_given *given = apr_palloc(r->pool, sizeof *given);
    *given = (struct mod_given){
        .r = r,
        .upstream = upstream,
        .fields = r->headers_in,
        .shown = apr_table_copy(r->pool, r->headers_in),
        .log = r->log,
        .outer = m->given,
    };
    clean_fields(given->shown, upstream);
    clean_variables(r->pool, r->subprocess_env, upstream);
    for (size_t i = 0; texts != NULL && i < upstream->n; i++)
        if (upstream->v[i].field != NULL)
            apr_table_addn(given->shown, upstream->v[i].field, texts[i]);
        else
            apr_table_setn(r->subprocess_env, upstream->v[i].variable, texts[i]);
    r->headers_in = given->shown;
    r->log = quiet(r);
    m->given = given;
    apr_pool_cleanup_register(r->pool, r, end, apr_pool_cleanup_null);
    ap_add_output_filter_handle(answer_filter, NULL, r, r->connection);
}

static enum aps_reason find_all(request_rec *r, struct mod_req *m,
                                const struct mod_upstream *upstream, const char **texts)
{
    if (mod_process_view(m) == NULL)
        return APS_REASON_STORE_DOWN;
    for (size_t i = 0; i < upstream->n; i++) {
        const struct aps_snapshot_secret *v = NULL;
        enum aps_reason reason = mod_stage_upstream_find(
            aps_view_snapshot(m->view), &upstream->v[i], r->pool, mod_req_now(m).wall, &v);
        if (reason != APS_REASON_ALLOW) {
            ap_log_rerror(
                APLOG_MARK, APLOG_ERR, 0, r, "APISEC0065: %s",
                mod_upstream_say(r->pool, m->server->store->dir, &upstream->v[i], reason));
            return reason;
        }
        mod_secret_age(m, upstream->v[i].secret, v);
        texts[i] = text_of(r->pool, &upstream->v[i], aps_secret_str(&v->value));
    }
    return APS_REASON_ALLOW;
}

/* The first of the handlers: fixups let the request through. */
static int give(request_rec *r)
{
    const struct mod_dir *dir = dir_of(r);
    struct mod_req *m = mod_req_find(r);
    const char *texts[MOD_UPSTREAM_MAX];
    if (m != NULL)
        take_back_of(m, r);
    if (dir->upstream == NULL || dir->upstream->n == 0 || dir->engine <= MOD_ENGINE_OFF)
        return DECLINED;
    m = mod_req_get(r);
    bool allowed = m->decision == APS_DECISION_ALLOW && aps_reason_is_pass(mod_req_decide(r, m)) &&
                   !mod_req_is_error_page(r);
    if (!allowed) {
        if (dir->engine == MOD_ENGINE_ON)
            begin(r, m, dir->upstream, NULL);
        return DECLINED;
    }
    enum aps_reason reason = find_all(r, m, dir->upstream, texts);
    if (reason != APS_REASON_ALLOW) {
        if (r->main != NULL)
            m->pending = reason;
        else
            mod_req_verdict(m, dir->engine, reason);
        return dir->engine == MOD_ENGINE_ON ? mod_answer_refuse(r, m, reason) : DECLINED;
    }
    if (dir->engine == MOD_ENGINE_ON)
        begin(r, m, dir->upstream, texts);
    return DECLINED;
}

/* ---- Where it must not be ---- */

/* What a part copied from the request that it is in. */
static int clean_part(request_rec *r)
{
    const struct mod_req *m = r->main != NULL ? mod_req_find(r) : NULL;
    for (const struct mod_given *g = m != NULL ? m->given : NULL; g != NULL; g = g->outer) {
        if (g->r == r)
            continue;
        clean_fields(r->headers_in, g->upstream);
        clean_variables(r->pool, r->subprocess_env, g->upstream);
    }
    return DECLINED;
}

/* A redirect within the server has taken over the fields, and renamed the variables. */
static int clean_redirected(request_rec *r)
{
    struct mod_req *m = r->prev != NULL ? mod_req_find(r) : NULL;
    if (m == NULL)
        return DECLINED;
    for (; m->given != NULL; m->given = m->given->outer) {
        if (r->headers_in == m->given->shown)
            r->headers_in = m->given->fields;
        clean_variables(r->pool, r->subprocess_env, m->given->upstream);
        take_back(m->given);
    }
    return DECLINED;
}

static void clean_error(request_rec *r)
{
    struct mod_req *m = mod_req_find(r);
    if (m != NULL)
        take_back_of(m, r);
}

static int clean_logged(request_rec *r)
{
    struct mod_req *m = mod_req_find(r);
    if (m != NULL)
        take_back_all(m);
    return DECLINED;
}

static apr_status_t forget(void *is_hooked)
{
    *(bool *)is_hooked = false; /* httpd drops its hooks with its configuration */
    return APR_SUCCESS;
}

/* Requests of a server without a line of it pay nothing. */
void mod_stage_upstream_hook(apr_pool_t *pconf)
{
    static const char *const before_log[] = {"mod_log_config.c", NULL};
    static bool is_hooked;
    if (is_hooked)
        return;
    is_hooked = true;
    apr_pool_cleanup_register(pconf, &is_hooked, forget, apr_pool_cleanup_null);
    apr_hook_debug_current = apisec_module.name;
    ap_hook_post_read_request(clean_redirected, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_pre_translate_name(clean_part, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_post_perdir_config(clean_part, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_handler(give, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_insert_error_filter(clean_error, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_log_transaction(clean_logged, NULL, before_log, APR_HOOK_REALLY_FIRST);
    /* Before all that makes or looks at content. */
    answer_filter = ap_register_output_filter("APISEC_UPSTREAM", filter_answer, NULL,
                                              (ap_filter_type)(AP_FTYPE_RESOURCE - 1));
}
