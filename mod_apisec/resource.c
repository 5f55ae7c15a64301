/* What an API says of itself to clients that look for its issuers (RFC 9728): served to everybody,
 * before any section is looked at. */
#include "mod.h"

#include "apisec/resource.h"

static const struct mod_resource *find(const struct mod_server *sc, const char *path)
{
    for (int i = 0; sc->resources != NULL && i < sc->resources->nelts; i++) {
        const struct mod_resource *one =
            APR_ARRAY_IDX(sc->resources, i, const struct mod_resource *);
        if (strcmp(one->path, path) == 0)
            return one;
    }
    return NULL;
}

/* Those of the store whose tokens the section takes. */
static struct aps_str *issuers_of(struct mod_req *m, const struct mod_resource *resource,
                                  size_t *out_n)
{
    const struct mod_token *token = resource->dir->token;
    size_t n = 0;
    const struct aps_issuer *all = aps_snapshot_issuers(aps_view_snapshot(m->view), &n);
    struct aps_str *list = apr_pcalloc(m->first->pool, (n + 1) * sizeof *list);
    *out_n = 0;
    for (size_t i = 0; i < n; i++)
        if (token->issuers == NULL ||
            aps_str_is_in(all[i].name, token->issuers->v, token->issuers->n))
            list[(*out_n)++] = all[i].jwt.claims.iss;
    return list;
}

static struct aps_str document(struct mod_req *m, const struct mod_resource *resource)
{
    const struct mod_dpop *dpop = resource->dir->token->dpop;
    struct aps_resource r = {
        .id = resource->id,
        .scopes = resource->scopes,
        .nscopes = resource->nscopes,
        .bearer = mod_config_sources(resource->dir)->bearer,
        .certificates = mod_process.has_ssl,
    };
    r.issuers = issuers_of(m, resource, &r.nissuers);
    if (dpop != NULL && dpop->on) {
        r.dpop_algs = mod_proof_algs(&r.ndpop_algs);
        r.dpop_required = dpop->required;
    }
    return aps_resource_json(m->first->pool, &r);
}

static int serve(request_rec *r, const struct mod_resource *resource)
{
    struct mod_req *m = mod_req_get(r);
    if (r->method_number != M_GET) { /* HEAD is a GET */
        ap_allow_methods(r, REPLACE_ALLOW, "GET", NULL);
        return HTTP_METHOD_NOT_ALLOWED;
    }
    if (mod_process_view(m) == NULL)
        return HTTP_SERVICE_UNAVAILABLE;
    struct aps_str text = document(m, resource);
    ap_set_content_type(r, "application/json");
    ap_set_content_length(r, (apr_off_t)text.n);
    apr_table_setn(r->headers_out, "Access-Control-Allow-Origin", "*"); /* it is public */
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    if (!r->header_only)
        (void)ap_rwrite(text.p, (int)text.n, r); /* else the client has gone */
    return OK;
}

static int quick(request_rec *r, int lookup)
{
    const struct mod_server *sc = ap_get_module_config(r->server->module_config, &apisec_module);
    const struct mod_resource *resource;
    if (lookup || sc->resources == NULL || r->main != NULL || r->prev != NULL || r->uri == NULL ||
        (resource = find(sc, r->uri)) == NULL)
        return DECLINED;
    return serve(r, resource);
}

static apr_status_t forget(void *is_hooked)
{
    *(bool *)is_hooked = false; /* httpd drops its hooks with its configuration */
    return APR_SUCCESS;
}

void mod_resource_hook(apr_pool_t *pconf)
{
    static bool is_hooked;
    if (is_hooked)
        return;
    is_hooked = true;
    apr_pool_cleanup_register(pconf, &is_hooked, forget, apr_pool_cleanup_null);
    apr_hook_debug_current = apisec_module.name;
    ap_hook_quick_handler(quick, NULL, NULL, APR_HOOK_FIRST);
}
