/* A short block in mod_status: counters, no names; stores are numbered as the configuration has
 * them. */
#include "mod.h"

#include <apr_strings.h>

#include "apisec/generation.h"

#include "mod_status.h"

static const struct {
    const char *name;
    enum aps_metric metric;
} shown[] = {
    {"Requests", APS_METRIC_REQUESTS},
    {"Allowed", APS_METRIC_ALLOWED},
    {"RefusedAuthn", APS_METRIC_REFUSED_AUTHN},
    {"RefusedAuthz", APS_METRIC_REFUSED_AUTHZ},
    {"RefusedLimit", APS_METRIC_REFUSED_LIMIT},
    {"RefusedInput", APS_METRIC_REFUSED_INPUT},
    {"RefusedServer", APS_METRIC_REFUSED_SERVER},
    {"WouldRefuse", APS_METRIC_WOULD_REFUSE},
    {"LimitDelayed", APS_METRIC_LIMIT_DELAYED},
    {"LimitWaitersFull", APS_METRIC_LIMIT_WAITERS_FULL},
    {"LimitWouldRefuse", APS_METRIC_LIMIT_WOULD_REFUSE},
    {"TableOverflow", APS_METRIC_TABLE_OVERFLOW},
    {"ReloadFailed", APS_METRIC_STORE_RELOAD_FAILED},
};

static unsigned broken_stores(void)
{
    unsigned n = 0;
    for (int i = 0; mod_process.stores != NULL && i < mod_process.stores->nelts; i++)
        n += APR_ARRAY_IDX(mod_process.stores, i, struct mod_store *)->fault != NULL;
    return n;
}

static void put(request_rec *r, bool brief, const char *name, uint64_t value)
{
    if (brief)
        ap_rprintf(r, "ApiSec%s: %" APR_UINT64_T_FMT "\n", name, value);
    else
        ap_rprintf(r, "<dt>%s: %" APR_UINT64_T_FMT "</dt>\n", name, value);
}

/* What the child that answers has in force, and the oldest that any child has; 0: nothing yet. */
static void put_generations(request_rec *r, bool brief)
{
    for (int i = 0; mod_process.stores != NULL && i < mod_process.stores->nelts; i++) {
        const struct mod_store *store = APR_ARRAY_IDX(mod_process.stores, i, struct mod_store *);
        uint64_t tag = store->known ? store->tag : 0, here = 0, oldest = 0, processes = 0;
        if (store->reader != NULL)
            (void)aps_reader_serves(store->reader, &tag, &here); /* else zeros */
        if (mod_process.state != NULL && tag != 0)
            (void)aps_generation_min(mod_process.state, tag, &oldest, &processes);
        put(r, brief, apr_psprintf(r->pool, "Store%dGeneration", i + 1), here);
        put(r, brief, apr_psprintf(r->pool, "Store%dOldest", i + 1), oldest);
        put(r, brief, apr_psprintf(r->pool, "Store%dProcesses", i + 1), processes);
    }
}

static int status_block(request_rec *r, int flags)
{
    bool brief = (flags & AP_STATUS_SHORT) != 0;
    const struct aps_state *state = mod_process.state;
    if (!brief)
        ap_rputs("<hr />\n<h2>mod_apisec</h2>\n<dl>\n", r);
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
        put(r, brief, shown[i].name, state != NULL ? aps_metrics_sum(state, shown[i].metric) : 0);
    put(r, brief, "Stores", mod_process.stores != NULL ? (uint64_t)mod_process.stores->nelts : 0);
    put(r, brief, "StoresDown", broken_stores());
    put(r, brief, "StateDown", state == NULL);
    put_generations(r, brief);
    if (!brief)
        ap_rputs("</dl>\n", r);
    return OK;
}

void mod_status_register(apr_pool_t *pool)
{
    (void)pool;
    APR_OPTIONAL_HOOK(ap, status_hook, status_block, NULL, NULL, APR_HOOK_MIDDLE);
}
