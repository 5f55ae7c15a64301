/* Credentials and httpd's own trace: at LogLevel trace4 httpd writes all fields of a request as
 * they came, after post_read_request and before any section is known.  There it is shown a copy
 * without the fields that carry a credential somewhere (SEC-15). */
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
