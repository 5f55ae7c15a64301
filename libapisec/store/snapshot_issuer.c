/* snapshot_issuer.c - issuers with their keys made ready, once for all threads of a child. */
#include "apisec/random.h"
#include "snapshot_own.h"

/* The set of a static issuer: of the row, or of a secret. */
static struct aps_str keys_of(const struct aps_snapshot *snap, const struct aps_store_issuer *row)
{
    const struct aps_snapshot_secret *secret;
    size_t n = 0;

    if (row->keys.n != 0)
        return row->keys;
    secret = aps_snapshot_secret(snap, aps_issuer_secret_keys(snap->pool, row->def.name), &n);
    return n != 0 ? aps_secret_str(&secret[n - 1].value) : (struct aps_str){NULL, 0};
}

static enum aps_err make(struct aps_snapshot *snap, const struct aps_store_issuer *row,
                         struct aps_issuer *out, struct aps_diag *diag)
{
    const struct aps_jwks_options options = aps_issuer_jwks(&row->def, false);
    struct aps_jwks *set = apr_pcalloc(snap->pool, sizeof *set);
    unsigned char hash_key[APS_SIPHASH_KEY_LEN];
    struct aps_diag why = {{0}};
    enum aps_err err;

    *out = row->def;
    if (row->def.source != APS_ISSUER_STATIC)
        return APS_OK;
    if ((err = aps_random_fill(hash_key, sizeof hash_key)) != APS_OK)
        return err;
    err = aps_jwks_read(keys_of(snap, row), &options, hash_key, snap->pool, set, &why);
    out->jwt.keys = set;
    if (err == APS_OK || err == APS_ERR_NOMEM || err == APS_ERR_CRYPTO)
        return err;
    aps_err_explain(diag, "the keys of issuer \"%.*s\" cannot be read: %s",
                    APS_STR_ARG(row->def.name), aps_err_say(err, &why));
    return APS_ERR_CORRUPT;
}

enum aps_err aps_snapshot_issuer_load(struct aps_snapshot *snap, sqlite3 *db, struct aps_diag *diag)
{
    const struct aps_store_issuer *rows = NULL;
    struct aps_issuer *list;
    size_t n = 0;
    enum aps_err err = aps_store_issuer_load(db, snap->pool, &rows, &n, diag);

    if (err != APS_OK)
        return err;
    list = apr_pcalloc(snap->pool, (n + 1) * sizeof *list);
    for (size_t i = 0; err == APS_OK && i < n; i++)
        err = make(snap, &rows[i], &list[i], diag);
    snap->issuers = list;
    snap->nissuers = n;
    return err;
}

const struct aps_issuer *aps_snapshot_issuers(const struct aps_snapshot *snap, size_t *out_n)
{
    *out_n = snap->nissuers;
    return snap->issuers;
}
