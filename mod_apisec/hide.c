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

int mod_hide_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    const module *http = ap_find_linked_module("http_core.c");
    (void)plog;
    (void)ptemp;
    (void)s;
    http_index = http != NULL ? http->module_index : APLOG_NO_MODULE;
    fields = apr_array_make(pconf, 4, sizeof(const char *));
    APR_ARRAY_PUSH(fields, const char *) = "X-API-Key";
    APR_ARRAY_PUSH(fields, const char *) = "Authorization";
    APR_ARRAY_PUSH(fields, const char *) = "Proxy-Authorization";
    collect(pconf, ap_conftree);
    return OK;
}

/* The last of post_read_request. */
int mod_hide_fields(request_rec *r)
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
int mod_hide_end(request_rec *r, int lookup)
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
