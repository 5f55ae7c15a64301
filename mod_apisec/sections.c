/* sections.c - what sections say together. */
#include "sections.h"

#include <apr_strings.h>

#include "tree.h"

struct search {
    apr_pool_t *pool;
    const server_rec *server;
    mod_sections_judge *judge;
    const char *fault;
};

static void judge(struct search *x, const struct mod_dir *dir, const char *path)
{
    const char *fault = x->fault == NULL ? x->judge(x->pool, dir) : NULL;
    if (fault != NULL)
        x->fault = apr_psprintf(x->pool, "%s, in %s of the server %s", fault,
                                path != NULL ? path : "all", mod_tree_host(x->pool, x->server));
}

/* NULL: nothing of ours stands in it. */
static struct mod_dir *section_of(const apr_array_header_t *sections, int i)
{
    return ap_get_module_config(APR_ARRAY_IDX(sections, i, ap_conf_vector_t *), &apisec_module);
}

static bool is_within(const struct mod_dir *inner, const struct mod_dir *outer)
{
    if (inner == outer || inner->path == NULL || outer->path == NULL)
        return inner == outer;
    const size_t n = strlen(outer->path);
    return strncmp(inner->path, outer->path, n) == 0 &&
           (inner->path[n] == '\0' || inner->path[n] == '/' || n == 0 || outer->path[n - 1] == '/');
}

/* In the order in which httpd joins them, the later one over the earlier. */
static void judge_sections(struct search *x, struct mod_dir *base,
                           const apr_array_header_t *sections)
{
    for (int i = 0; i < sections->nelts; i++) {
        const struct mod_dir *dir = section_of(sections, i);
        struct mod_dir *all = base;
        for (int j = 0; dir != NULL && j < sections->nelts; j++) {
            struct mod_dir *outer = section_of(sections, j);
            if (outer != NULL && is_within(dir, outer))
                all = mod_config_dir_merge(x->pool, all, outer);
        }
        if (dir != NULL)
            judge(x, all, dir->path);
    }
}

const char *mod_sections_check(apr_pool_t *pool, server_rec *main_server, mod_sections_judge *ask)
{
    struct search x = {pool, NULL, ask, NULL};
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
