/* Credentials and httpd's own logs (SEC-15).
 *
 * At LogLevel trace4 httpd writes all fields of a request as they came, after post_read_request
 * and before any section is known: there it is shown a copy without the fields that carry a
 * credential somewhere.  What httpd answers on its own before we are asked (a malformed request, a
 * broken .htaccess) comes to the access log as it was received: there they are taken out. */
#include "mod.h"

#include <apr_strings.h>

#define HIDDEN "apisec-hidden"

static apr_array_header_t *fields; /* of const char *: names */
static int http_index = APLOG_NO_MODULE;
static bool is_hooked; /* hide and end are asked */

static void collect(apr_pool_t *pool, const ap_directive_t *d)
{
    for (; d != NULL; d = d->next) {
        const char *args = d->args, *word;
        if (d->first_child != NULL)
            collect(pool, d->first_child);
        if (ap_cstr_casecmp(d->directive, "ApiSecKeyFrom") != 0)
            continue;
        while (*(word = ap_getword_conf(pool, &args)) != '\0')
            if (strncmp(word, "header:", 7) == 0)
                APR_ARRAY_PUSH(fields, const char *) = word + 7;
    }
}

static bool shows_fields(const server_rec *s)
{
    for (; s != NULL; s = s->next)
        if (APLOG_MODULE_IS_LEVEL(s, http_index, APLOG_TRACE4))
            return true;
    return false;
}

int mod_hide_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    const module *http = ap_find_linked_module("http_core.c");
    (void)plog;
    (void)ptemp;
    http_index = http != NULL ? http->module_index : APLOG_NO_MODULE;
    fields = apr_array_make(pconf, 4, sizeof(const char *));
    APR_ARRAY_PUSH(fields, const char *) = "X-API-Key";
    APR_ARRAY_PUSH(fields, const char *) = "Authorization";
    APR_ARRAY_PUSH(fields, const char *) = "Proxy-Authorization";
    collect(pconf, ap_conftree);
    if (is_hooked || !shows_fields(s))
        return OK;
    /* By a way that no line of the configuration tells of. */
    ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                 "APISEC0036: LogLevel trace4 or above was set by a module: want it in a LogLevel "
                 "line, so that credentials are not logged");
    return HTTP_INTERNAL_SERVER_ERROR;
}

/* The last of post_read_request. */
static int hide(request_rec *r)
{
    if (!APLOG_R_MODULE_IS_LEVEL(r, http_index, APLOG_TRACE4) || mod_process.documents == NULL ||
        r->main != NULL || r->prev != NULL)
        return DECLINED;
    apr_table_t *shown = apr_table_copy(r->pool, r->headers_in);
    for (int i = 0; i < fields->nelts; i++)
        apr_table_unset(shown, APR_ARRAY_IDX(fields, i, const char *));
    apr_pool_userdata_setn(r->headers_in, HIDDEN, NULL, r->pool);
    r->headers_in = shown;
    return DECLINED;
}

/* The first of the quick handler, which comes next. */
static int end(request_rec *r, int lookup)
{
    void *hidden = NULL;
    (void)lookup;
    if (!APLOG_R_MODULE_IS_LEVEL(r, http_index, APLOG_TRACE4) || r->main != NULL || r->prev != NULL)
        return DECLINED;
    apr_pool_userdata_get(&hidden, HIDDEN, r->pool);
    if (hidden != NULL)
        r->headers_in = hidden;
    return DECLINED;
}

/* Any level of LogLevel's trace1 to trace8: each request asks for the one in force. */
static bool traces(apr_pool_t *pool, const ap_directive_t *d)
{
    for (; d != NULL; d = d->next)
        if (traces(pool, d->first_child) ||
            (ap_cstr_casecmp(d->directive, "LogLevel") == 0 &&
             ap_strcasestr(ap_resolve_env(pool, d->args), "trace") != NULL))
            return true;
    return false;
}

bool mod_hide_traces(void)
{
    return is_hooked || ap_default_loglevel >= APLOG_TRACE1;
}

/* Only a server that may write them pays for that.  httpd sorts its hooks once more before it uses
 * them. */
int mod_hide_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)pconf;
    (void)plog;
    is_hooked = ap_default_loglevel >= APLOG_TRACE4 || traces(ptemp, ap_conftree);
    if (!is_hooked)
        return OK;
    apr_hook_debug_current = apisec_module.name;
    ap_hook_post_read_request(hide, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_quick_handler(end, NULL, NULL, APR_HOOK_REALLY_FIRST);
    return OK;
}

/* Whether a section with the engine On was meant, or may have been: httpd gave up before it had
 * found a file, or while it read .htaccess. */
static bool may_be_ours(const request_rec *first)
{
    const struct mod_dir *dir = ap_get_module_config(first->per_dir_config, &apisec_module);
    bool unknown =
        first->filename == NULL || first->per_dir_config == first->server->lookup_defaults;
    if (unknown && dir->engine <= MOD_ENGINE_OFF)
        return mod_process.documents != NULL && ap_is_HTTP_ERROR(first->status);
    return dir->engine == MOD_ENGINE_ON && dir->pass_credential != MOD_FLAG_ON;
}

void mod_hide_unread(request_rec *r)
{
    while (r->prev != NULL)
        r = r->prev;
    if (!may_be_ours(r))
        return;
    for (int i = 0; i < fields->nelts; i++)
        apr_table_unset(r->headers_in, APR_ARRAY_IDX(fields, i, const char *));
}
