/* resource.c - the metadata of a protected resource. */
#include "apisec/resource.h"

#include <apr_strings.h>

#define WELL_KNOWN "/.well-known/oauth-protected-resource"
#define HTTPS "https://"

/* Where the path begins, or the end. */
static size_t path_at(struct aps_str id)
{
    size_t at = sizeof HTTPS - 1;

    while (at < id.n && id.p[at] != '/')
        at++;
    return at;
}

enum aps_err aps_resource_check(struct aps_str id, struct aps_diag *diag)
{
    bool good = aps_str_starts(id, APS_STR_LIT(HTTPS)) && path_at(id) > sizeof HTTPS - 1;

    for (size_t i = 0; i < id.n; i++)
        good = good && id.p[i] > ' ' && id.p[i] <= '~' && id.p[i] != '?' && id.p[i] != '#' &&
               id.p[i] != '"' && id.p[i] != '\\';
    if (good)
        return APS_OK;
    aps_err_explain(diag, "resource \"%.*s\": want an https URL without query and fragment",
                    APS_STR_SHOW(id));
    return APS_ERR_FORMAT;
}

const char *aps_resource_url(apr_pool_t *pool, struct aps_str id, const char **out_path)
{
    size_t at = path_at(id);
    struct aps_str path = {id.p + at, id.n - at};
    const char *url;

    if (aps_resource_check(id, NULL) != APS_OK)
        return NULL;
    if (path.n == 1) /* a slash that ends the host is left out (RFC 9728 3.1) */
        path.n = 0;
    url = apr_psprintf(pool, "%.*s" WELL_KNOWN "%.*s", (int)at, id.p, APS_STR_ARG(path));
    *out_path = url + at;
    return url;
}

static void put_texts(struct aps_json *w, const char *name, const struct aps_str *list, size_t n)
{
    if (n == 0)
        return;
    aps_json_name_n(w, name, strlen(name));
    aps_json_array(w);
    for (size_t i = 0; i < n; i++)
        aps_json_str(w, list[i]);
    aps_json_end(w);
}

static void put_algs(struct aps_json *w, const enum aps_alg *algs, size_t n)
{
    if (algs == NULL || n == 0)
        return;
    aps_json_name(w, "dpop_signing_alg_values_supported");
    aps_json_array(w);
    for (size_t i = 0; i < n; i++)
        aps_json_str(w, aps_str(aps_alg_jose(algs[i])));
    aps_json_end(w);
}

struct aps_str aps_resource_json(apr_pool_t *pool, const struct aps_resource *resource)
{
    static const struct aps_str header = {"header", 6};
    struct aps_json w;

    aps_json_init_pool(&w, pool, 0);
    aps_json_object(&w);
    aps_json_name(&w, "resource");
    aps_json_str(&w, resource->id);
    put_texts(&w, "authorization_servers", resource->issuers, resource->nissuers);
    put_texts(&w, "scopes_supported", resource->scopes, resource->nscopes);
    put_texts(&w, "bearer_methods_supported", &header, resource->bearer ? 1 : 0);
    put_algs(&w, resource->dpop_algs, resource->ndpop_algs);
    if (resource->dpop_required)
        aps_json_put_bool(&w, "dpop_bound_access_tokens_required", true);
    if (resource->certificates)
        aps_json_put_bool(&w, "tls_client_certificate_bound_access_tokens", true);
    if (resource->name.p != NULL) {
        aps_json_name(&w, "resource_name");
        aps_json_str(&w, resource->name);
    }
    aps_json_end(&w);
    return aps_json_text(&w);
}
