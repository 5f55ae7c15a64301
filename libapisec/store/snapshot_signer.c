/* snapshot_signer.c - keys with which requests are signed. */
#include "snapshot_own.h"

static enum aps_err add(void *arg, const struct aps_signer *signer)
{
    struct aps_snapshot *snap = arg;
    struct aps_signer *copy = apr_pmemdup(snap->pool, signer, sizeof *signer);

    copy->keyid = aps_str_copy(snap->pool, signer->keyid);
    copy->key = aps_str_copy(snap->pool, signer->key);
    copy->public = aps_str_copy(snap->pool, signer->public);
    apr_hash_set(snap->signers, copy->keyid.p, (apr_ssize_t)copy->keyid.n, copy);
    return APS_OK;
}

enum aps_err aps_snapshot_signer_load(struct aps_snapshot *snap, sqlite3 *db, struct aps_diag *diag)
{
    snap->signers = apr_hash_make(snap->pool);
    return aps_store_signer_load(db, (struct aps_str){NULL, 0}, add, snap, diag);
}

const struct aps_signer *aps_snapshot_signer(const struct aps_snapshot *snap, struct aps_str keyid)
{
    return apr_hash_get(snap->signers, keyid.p, (apr_ssize_t)keyid.n);
}
