/* snapshot_webhook.c - endpoints for webhooks. */
#include "snapshot_own.h"

static enum aps_err add(void *arg, const struct aps_hook *hook)
{
    struct aps_snapshot *snap = arg;
    struct aps_hook *copy = apr_pmemdup(snap->pool, hook, sizeof *hook);

    apr_hash_set(snap->webhooks, copy->name.p, (apr_ssize_t)copy->name.n, copy);
    return APS_OK;
}

enum aps_err aps_snapshot_webhook_load(struct aps_snapshot *snap, sqlite3 *db,
                                       struct aps_diag *diag)
{
    snap->webhooks = apr_hash_make(snap->pool);
    return aps_store_webhook_load(db, (struct aps_str){NULL, 0}, snap->pool, add, snap, diag);
}

const struct aps_hook *aps_snapshot_webhook(const struct aps_snapshot *snap, struct aps_str name)
{
    return apr_hash_get(snap->webhooks, name.p, (apr_ssize_t)name.n);
}
