/* What lines name of the store: descriptions, schemas, and the plans that a description binds. */
#include "mod.h"

#include <apr_strings.h>

#include "api.h"
#include "finding.h"

struct line {
    const server_rec *server;
    const ap_directive_t *directive;
    enum mod_check_names_kind kind;
    const char *name;
};

static apr_array_header_t *lines; /* of the configuration that is being read */

void mod_check_names_begin(apr_pool_t *pconf)
{
    lines = apr_array_make(pconf, 4, sizeof(struct line));
}

void mod_check_names_note(const cmd_parms *cmd, enum mod_check_names_kind kind, const char *name)
{
    APR_ARRAY_PUSH(lines, struct line) = (struct line){cmd->server, cmd->directive, kind, name};
}

bool mod_check_names_is_used(void)
{
    return lines->nelts != 0;
}

static void warn(const struct line *line, enum mod_finding_kind kind, const char *reason,
                 const char *mend)
{
    mod_finding_add(&(struct mod_finding){kind, MOD_SEVERITY_WARNING, line->server, line->directive,
                                          reason, mend});
}

static enum aps_err find(apr_pool_t *pool, const struct line *line, const struct aps_snapshot *snap,
                         const struct aps_api **out, struct aps_diag *why)
{
    const struct aps_str name = aps_str(line->name);
    const struct aps_schema_image *image = NULL;
    const struct aps_xsd_source *sources = NULL;
    uint32_t n = 0;
    switch (line->kind) {
    case MOD_CHECK_NAMES_JSON:
        return aps_snapshot_schema(snap, name, &image, why);
    case MOD_CHECK_NAMES_XML:
        return aps_snapshot_xsd(snap, name, pool, &sources, &n, why);
    case MOD_CHECK_NAMES_API:
        break;
    }
    return aps_snapshot_api(snap, name, out, why);
}

/* The plans of x-apisec-limit, each once. */
static void check_plans(apr_pool_t *pool, const struct line *line, const struct aps_api *api,
                        const struct aps_planbook *book)
{
    const struct aps_api_operation *op = NULL;
    apr_hash_t *told = apr_hash_make(pool);
    for (uint32_t n = aps_api_operations(api, &op); n > 0; n--, op++) {
        const struct aps_plan *plan = op->limit.n != 0 ? aps_planbook_find(book, op->limit) : NULL;
        if (op->limit.n == 0 || (plan != NULL && plan->sound) ||
            apr_hash_get(told, op->limit.p, (apr_ssize_t)op->limit.n) != NULL)
            continue;
        apr_hash_set(told, op->limit.p, (apr_ssize_t)op->limit.n, op);
        warn(line, MOD_FINDING_PLAN_UNKNOWN,
             apr_psprintf(pool,
                          "ApiSecApi %s: x-apisec-limit of %.*s names the plan \"%.*s\": the store "
                          "has no such plan, or cannot read it; until it does, requests for the "
                          "operation are refused",
                          line->name, APS_STR_SHOW(op->id), APS_STR_SHOW(op->limit)),
             apr_psprintf(pool, "apisecctl plan create %.*s", APS_STR_SHOW(op->limit)));
    }
}

/* They come and go without a restart, so that nothing here keeps a server from starting. */
static void check_line(apr_pool_t *pool, const struct line *line, const struct aps_snapshot *snap)
{
    const bool is_api = line->kind == MOD_CHECK_NAMES_API;
    const struct aps_api *api = NULL;
    struct aps_diag why = {{0}};
    enum aps_err err = find(pool, line, snap, &api, &why);
    if (err != APS_OK)
        warn(line, is_api ? MOD_FINDING_API_UNKNOWN : MOD_FINDING_SCHEMA_UNKNOWN,
             apr_psprintf(pool, "%s %s: %s; until then what it would judge is refused",
                          line->directive->directive, line->directive->args,
                          aps_err_say(err, &why)),
             err == APS_ERR_NOT_FOUND
                 ? apr_psprintf(pool, "apisecctl api import %s FILE", line->name)
                 : "apisecctl publish");
    else if (is_api)
        check_plans(pool, line, api, aps_snapshot_plans(snap));
}

void mod_check_names(apr_pool_t *pool, const struct mod_store *store,
                     const struct aps_snapshot *snap)
{
    for (int i = 0; i < lines->nelts; i++) {
        const struct line *line = &APR_ARRAY_IDX(lines, i, struct line);
        const struct mod_server *sc =
            ap_get_module_config(line->server->module_config, &apisec_module);
        if (sc->store == store)
            check_line(pool, line, snap);
    }
}
