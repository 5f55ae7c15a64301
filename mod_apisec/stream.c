/* ApiSecStream: sections whose content is passed on as it comes, and never held. */
#include "mod.h"

#include <apr_strings.h>

#include "api.h"
#include "content.h"
#include "tree.h"

const char *mod_stream_fault(const struct mod_dir *dir)
{
    if (!mod_stream_is_on(dir) || dir->engine == MOD_ENGINE_OFF)
        return NULL;
    const struct mod_requires *requires = mod_config_requires(dir);
    if (requires->webhook != NULL)
        return "ApiSecWebhook";
    if (dir->signature != NULL && !dir->signature->off && !requires->is_public)
        return "ApiSecSignature";
    if (dir->api != NULL && !dir->api->none)
        return "ApiSecApi";
    if (dir->content != NULL && dir->content->read != NULL &&
        dir->content->read->kind != MOD_READ_NONE)
        return "ApiSecBody";
    return NULL;
}

/* What would hold on its own: mod_proxy a body without a length, which it can pass on in chunks as
 * well, and filters that compress the answer, which they do block by block. */
void mod_stream_begin(request_rec *r)
{
    static const char *const variables[] = {"proxy-sendchunked", "no-gzip", "no-brotli"};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        apr_table_setn(r->subprocess_env, variables[i], "1");
}

/* ---- The configuration ---- */

struct search {
    apr_pool_t *pool;
    const server_rec *server;
    const char *fault;
};

static void judge(struct search *x, const struct mod_dir *dir, const char *path)
{
    const char *holder = x->fault == NULL ? mod_stream_fault(dir) : NULL;
    if (holder != NULL)
        x->fault =
            apr_psprintf(x->pool,
                         "%s holds the content until it is judged, and ApiSecStream On says "
                         "that nothing does, in %s of the server %s",
                         holder, path != NULL ? path : "all", mod_tree_host(x->pool, x->server));
}

/* NULL: nothing of ours stands in it. */
static struct mod_dir *section_of(const apr_array_header_t *sections, int i)
{
    return ap_get_module_config(APR_ARRAY_IDX(sections, i, ap_conf_vector_t *), &apisec_module);
}

static bool is_within(const struct mod_dir *inner, const struct mod_dir *outer)
{
    return inner->path != NULL && outer->path != NULL &&
           strncmp(inner->path, outer->path, strlen(outer->path)) == 0;
}

/* Each section in its server, and in each other one that it lies in: what patterns lead to shows
 * only with a request. */
static void judge_sections(struct search *x, struct mod_dir *base,
                           const apr_array_header_t *sections)
{
    for (int i = 0; i < sections->nelts; i++) {
        struct mod_dir *dir = section_of(sections, i);
        if (dir == NULL)
            continue;
        judge(x, mod_config_dir_merge(x->pool, base, dir), dir->path);
        for (int j = 0; j < i; j++) {
            struct mod_dir *outer = section_of(sections, j);
            if (outer != NULL && (is_within(dir, outer) || is_within(outer, dir)))
                judge(
                    x,
                    mod_config_dir_merge(x->pool, mod_config_dir_merge(x->pool, base, outer), dir),
                    dir->path);
        }
    }
}

const char *mod_stream_check(apr_pool_t *pool, server_rec *main_server)
{
    struct search x = {pool, NULL, NULL};
    for (server_rec *s = main_server; s != NULL && x.fault == NULL; s = s->next) {
        struct mod_dir *base = ap_get_module_config(s->lookup_defaults, &apisec_module);
        const core_server_config *core = ap_get_core_module_config(s->module_config);
        x.server = s;
        judge(&x, base, NULL);
        judge_sections(&x, base, core->sec_dir);
        judge_sections(&x, base, core->sec_url);
    }
    return x.fault;
}
