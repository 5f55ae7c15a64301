/* snapshot_certificate.c - client certificates, and the keys that they are. */
#include "snapshot_own.h"

static enum aps_err add(void *arg, struct aps_str name, struct aps_str key, aps_nsec created_at)
{
    struct aps_snapshot *snap = arg;
    struct aps_str *id = apr_palloc(snap->pool, sizeof *id);
    const struct aps_str copy = aps_str_copy(snap->pool, name);

    (void)created_at; /* no request asks */
    *id = aps_str_copy(snap->pool, key);
    apr_hash_set(snap->certificates, copy.p, (apr_ssize_t)copy.n, id);
    return APS_OK;
}

enum aps_err aps_snapshot_certificate_load(struct aps_snapshot *snap, sqlite3 *db,
                                           struct aps_diag *diag)
{
    snap->certificates = apr_hash_make(snap->pool);
    return aps_store_certificate_load(db, (struct aps_str){NULL, 0}, add, snap, diag);
}

bool aps_snapshot_certificate(const struct aps_snapshot *snap, struct aps_str name,
                              struct aps_str *out_key)
{
    const struct aps_str *id = apr_hash_get(snap->certificates, name.p, (apr_ssize_t)name.n);

    if (id != NULL)
        *out_key = *id;
    return id != NULL;
}
