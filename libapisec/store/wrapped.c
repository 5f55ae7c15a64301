/* wrapped.c - the store's own random keys, sealed under the master key. */
#include <stdio.h>

#include "apisec/random.h"
#include "masters.h"

enum { ROW_MAX = 48, BLOB_LEN = APS_WRAPPED_LEN + APS_SEAL_OVERHEAD };

/* Where version `version` of `purpose` lies; `row` holds its name. */
static struct aps_seal_place place_of(const struct aps_meta *meta, const char *purpose,
                                      uint32_t version, char row[ROW_MAX])
{
    (void)snprintf(row, ROW_MAX, "%s/%u", purpose, version);
    return (struct aps_seal_place){
        .store = {(const char *)meta->store_id, sizeof meta->store_id},
        .table = "wrapped",
        .row = aps_str(row),
        .column = "blob",
    };
}

enum aps_err aps_wrapped_put(sqlite3 *db, const struct aps_meta *meta,
                             const struct aps_seal_key *seal, const char *purpose, uint32_t version,
                             const struct aps_secret *key, aps_nsec now, struct aps_diag *diag)
{
    char row[ROW_MAX];
    struct aps_seal_place place = place_of(meta, purpose, version, row);
    uint8_t blob[BLOB_LEN];
    struct aps_sql q;
    enum aps_err err;

    if (key->n != APS_WRAPPED_LEN)
        return APS_ERR_CRYPTO;
    if ((err = aps_masters_take(db, seal, diag)) != APS_OK ||
        (err = aps_seal(seal, &place, aps_secret_str(key), blob)) != APS_OK)
        return err;
    aps_sql_begin(&q, db,
                  "INSERT INTO wrapped(purpose, version, master, blob, created_at)"
                  " VALUES(?, ?, ?, ?, ?)");
    aps_sql_str(&q, aps_str(purpose));
    aps_sql_i64(&q, version);
    aps_sql_blob(&q, seal->id, sizeof seal->id);
    aps_sql_blob(&q, blob, sizeof blob);
    aps_sql_i64(&q, now);
    return aps_sql_run(&q, diag);
}

enum aps_err aps_wrapped_new(struct aps_store *st, const char *purpose, uint32_t version,
                             struct aps_diag *diag)
{
    struct aps_secret key = {0};
    enum aps_err err;

    if ((err = aps_secret_new(APS_WRAPPED_LEN, &key)) == APS_OK &&
        (err = aps_random_fill(key.b, key.n)) == APS_OK)
        err = aps_wrapped_put(st->db, &st->meta, &st->seal, purpose, version, &key, st->now, diag);
    for (size_t i = 0; err == APS_OK && i < st->others.n; i++)
        err = aps_wrapped_put(st->db, &st->meta, &st->others.key[i].seal, purpose, version, &key,
                              st->now, diag);
    aps_secret_wipe(&key);
    return err;
}

static enum aps_err open_one(const struct aps_meta *meta, const struct aps_seal_key *seal,
                             const char *purpose, int64_t version, struct aps_str blob,
                             aps_wrapped_fn fn, void *arg)
{
    char row[ROW_MAX];
    struct aps_secret key = {0};
    if (version <= 0 || version > UINT32_MAX)
        return APS_ERR_CORRUPT;
    struct aps_seal_place place = place_of(meta, purpose, (uint32_t)version, row);
    enum aps_err err = aps_seal_open(seal, &place, blob, &key);
    if (err == APS_ERR_CRYPTO || (err == APS_OK && key.n != APS_WRAPPED_LEN))
        err = APS_ERR_CORRUPT;
    if (err == APS_OK)
        err = fn(arg, (uint32_t)version, &key);
    aps_secret_wipe(&key);
    return err;
}

enum aps_err aps_wrapped_each(sqlite3 *db, const struct aps_meta *meta,
                              const struct aps_seal_key *seal, const char *purpose,
                              aps_wrapped_fn fn, void *arg, struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err = APS_OK, end;
    unsigned n = 0;

    aps_sql_begin(&q, db,
                  "SELECT version, blob FROM wrapped WHERE purpose = ? AND master = ?"
                  " ORDER BY version");
    aps_sql_str(&q, aps_str(purpose));
    aps_sql_blob(&q, seal->id, sizeof seal->id);
    for (; err == APS_OK && aps_sql_row(&q); n++)
        err =
            open_one(meta, seal, purpose, aps_sql_get_i64(&q, 0), aps_sql_get_str(&q, 1), fn, arg);
    end = aps_sql_end(&q, diag);
    if (err == APS_OK)
        err = end;
    if (err == APS_OK && n == 0)
        err = APS_ERR_CORRUPT;
    if (err == APS_ERR_CORRUPT)
        aps_err_explain(diag, "%s: the sealed %s key is missing or damaged%s",
                        sqlite3_db_filename(db, "main"), purpose, aps_db_mend(db));
    return err;
}
