/* snapshot_token.c - single tokens that were revoked. */
#include "snapshot_own.h"

static enum aps_err add(void *arg, const struct aps_store_token *token)
{
    struct aps_snapshot *snap = arg;
    uint8_t *hash = apr_pmemdup(snap->pool, token->hash, sizeof token->hash);

    apr_hash_set(snap->gone, hash, sizeof token->hash, hash);
    return APS_OK;
}

enum aps_err aps_snapshot_token_load(struct aps_snapshot *snap, sqlite3 *db, struct aps_diag *diag)
{
    snap->gone = apr_hash_make(snap->pool);
    return aps_store_token_load(db, add, snap, diag);
}

bool aps_snapshot_token_gone(const struct aps_snapshot *snap, const uint8_t hash[APS_DIGEST_LEN])
{
    return apr_hash_get(snap->gone, hash, APS_DIGEST_LEN) != NULL;
}
