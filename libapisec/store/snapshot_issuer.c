/* snapshot_issuer.c - issuers with their keys made ready, once for all threads of a child. */
#include "apisec/random.h"
#include "snapshot_own.h"

static enum aps_err keep_newest(void *arg, struct aps_str name, uint32_t version, aps_nsec until,
                                struct aps_secret *value)
{
    struct aps_secret *out = arg;

    (void)name, (void)version, (void)until; /* they come oldest first, and have no overlap */
    aps_secret_wipe(out);
    *out = *value;
    *value = (struct aps_secret){NULL, 0}; /* taken */
    return APS_OK;
}

/* The set of a static issuer: of the row, or of a secret, which then is in *secret. */
static enum aps_err keys_of(const struct aps_snapshot *snap, sqlite3 *db,
                            const struct aps_store_issuer *row, struct aps_secret *secret,
                            struct aps_str *out, struct aps_diag *diag)
{
    enum aps_err err = APS_OK;

    *out = row->keys;
    if (row->keys.n != 0)
        return APS_OK;
    err = aps_store_secret_load(db, &snap->meta, &snap->seal,
                                aps_issuer_secret_keys(snap->pool, row->def.name), keep_newest,
                                secret, diag);
    *out = aps_secret_str(secret);
    return err;
}

static enum aps_err make(struct aps_snapshot *snap, sqlite3 *db, const struct aps_store_issuer *row,
                         struct aps_issuer *out, struct aps_diag *diag)
{
    const struct aps_jwks_options options = aps_issuer_jwks(&row->def, false);
    struct aps_jwks *set = apr_pcalloc(snap->pool, sizeof *set);
    unsigned char hash_key[APS_SIPHASH_KEY_LEN];
    struct aps_secret secret = {NULL, 0};
    struct aps_str keys = {NULL, 0};
    struct aps_diag why = {{0}};
    enum aps_err err;

    *out = row->def;
    if (row->def.source != APS_ISSUER_STATIC)
        return APS_OK;
    if ((err = aps_random_fill(hash_key, sizeof hash_key)) != APS_OK)
        return err;
    if ((err = keys_of(snap, db, row, &secret, &keys, diag)) == APS_OK)
        err = aps_jwks_read(keys, &options, hash_key, snap->pool, set, &why);
    aps_secret_wipe(&secret);
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
        err = make(snap, db, &rows[i], &list[i], diag);
    snap->issuers = list;
    snap->nissuers = n;
    return err;
}

const struct aps_issuer *aps_snapshot_issuers(const struct aps_snapshot *snap, size_t *out_n)
{
    *out_n = snap->nissuers;
    return snap->issuers;
}
