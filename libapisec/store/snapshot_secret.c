/* snapshot_secret.c - secrets of the store, opened once for all threads of a child. */
#include <apr_tables.h>

#include "snapshot_own.h"

static enum aps_err add(void *arg, struct aps_str name, uint32_t version, aps_nsec until,
                        struct aps_secret *value)
{
    struct aps_snapshot *snap = arg;
    apr_array_header_t *list = apr_hash_get(snap->secrets, name.p, (apr_ssize_t)name.n);
    struct aps_str copy;

    if (list == NULL) {
        copy = aps_str_copy(snap->pool, name);
        list = apr_array_make(snap->pool, 1, sizeof(struct aps_snapshot_secret));
        apr_hash_set(snap->secrets, copy.p, (apr_ssize_t)copy.n, list);
    }
    APR_ARRAY_PUSH(list, struct aps_snapshot_secret) =
        (struct aps_snapshot_secret){version, until, *value};
    *value = (struct aps_secret){NULL, 0}; /* taken */
    return APS_OK;
}

enum aps_err aps_snapshot_secret_load(struct aps_snapshot *snap, sqlite3 *db,
                                      const struct aps_seal_key *seal, struct aps_diag *diag)
{
    snap->secrets = apr_hash_make(snap->pool);
    return aps_store_secret_load(db, &snap->meta, seal, (struct aps_str){NULL, 0}, add, snap, diag);
}

void aps_snapshot_secret_wipe(struct aps_snapshot *snap)
{
    if (snap->secrets == NULL)
        return;
    for (apr_hash_index_t *i = apr_hash_first(snap->pool, snap->secrets); i != NULL;
         i = apr_hash_next(i)) {
        apr_array_header_t *list = apr_hash_this_val(i);

        for (int k = 0; k < list->nelts; k++)
            aps_secret_wipe(&APR_ARRAY_IDX(list, k, struct aps_snapshot_secret).value);
    }
}

const struct aps_snapshot_secret *aps_snapshot_secret(const struct aps_snapshot *snap,
                                                      struct aps_str name, size_t *out_n)
{
    const apr_array_header_t *list = apr_hash_get(snap->secrets, name.p, (apr_ssize_t)name.n);

    *out_n = list != NULL ? (size_t)list->nelts : 0;
    return list != NULL ? (const struct aps_snapshot_secret *)(const void *)list->elts : NULL;
}
