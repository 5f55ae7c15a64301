/* secret_upgrade.c - secrets of schema version 3, which lay under one key of the store, each under
 * a key of its own. */
#include <stdio.h>

#include "envelope.h"
#include "masters.h"

/* The purpose of that key in `wrapped`. */
#define DATA "data"

enum { ROW_MAX = APS_ENVELOPE_NAME_MAX + 16 };

static enum aps_err keep_newest(void *arg, uint32_t version, const struct aps_secret *key)
{
    struct aps_seal_key *seal = arg;

    (void)version; /* they come oldest first */
    aps_seal_key_wipe(seal);
    return aps_seal_key_init(key, seal);
}

static enum aps_err move_one(struct aps_store *st, const struct aps_seal_key *old,
                             struct aps_sql *q, struct aps_diag *diag)
{
    const struct aps_str name = aps_sql_get_str(q, 0);
    const int64_t version = aps_sql_get_i64(q, 1);
    struct aps_secret value = {NULL, 0};
    char row[ROW_MAX];
    struct aps_seal_place place = {
        .store = {(const char *)st->meta.store_id, sizeof st->meta.store_id},
        .table = "secret",
        .row = {row, 0},
        .column = "blob",
    };
    enum aps_err err;

    if (name.n == 0 || name.n > APS_ENVELOPE_NAME_MAX || version <= 0 || version > UINT32_MAX)
        return APS_ERR_CORRUPT;
    (void)snprintf(row, sizeof row, "%.*s/%u", APS_STR_ARG(name), (unsigned)version);
    place.row = aps_str(row);
    if ((err = aps_seal_open(old, &place, aps_sql_get_str(q, 2), &value)) == APS_OK)
        err = aps_envelope_put(st, name, (uint32_t)version, aps_secret_str(&value),
                               aps_sql_get_i64(q, 3), aps_sql_get_i64(q, 4), diag);
    else if (err == APS_ERR_CRYPTO)
        err = APS_ERR_CORRUPT;
    aps_secret_wipe(&value);
    return err;
}

static enum aps_err move_all(struct aps_store *st, struct aps_diag *diag)
{
    struct aps_seal_key old = {.id = {0}};
    struct aps_sql q;
    enum aps_err err =
                     aps_wrapped_each(st->db, &st->meta, &st->seal, DATA, keep_newest, &old, diag),
                 end;

    if (err != APS_OK)
        goto out;
    aps_sql_begin(&q, st->db,
                  "SELECT name, version, blob, created_at, until FROM temp.secret_3"
                  " ORDER BY name, version");
    while (err == APS_OK && aps_sql_row(&q))
        if ((err = move_one(st, &old, &q, diag)) == APS_ERR_CORRUPT)
            aps_err_explain(diag, "%s: the sealed secret \"%.*s\" is damaged",
                            sqlite3_db_filename(st->db, "main"),
                            APS_STR_SHOW(aps_sql_get_str(&q, 0)));
    end = aps_sql_end(&q, err == APS_OK ? diag : NULL);
    err = err != APS_OK ? err : end;
out:
    aps_seal_key_wipe(&old);
    return err;
}

enum aps_err aps_secret_upgrade(sqlite3 *db, void *arg, struct aps_diag *diag)
{
    const struct aps_secret_upgrade *up = arg;
    struct aps_store store = {.db = db, .master = up->master, .seal = *up->seal}, *st = &store;
    int64_t n = 0;
    enum aps_err err;

    /* A master key that does not fit must not be what the secrets are sealed under from now on. */
    if ((err = aps_meta_load(db, &st->meta, diag)) != APS_OK ||
        (err = aps_meta_check_master(db, &st->meta, st->master, &st->seal, diag)) != APS_OK ||
        (err = aps_schema_to_4(db, diag)) != APS_OK ||
        (err = aps_db_number(db, "SELECT count(*) FROM temp.secret_3", 0, &n, diag)) != APS_OK)
        return err;
    if (n != 0 && (err = move_all(st, diag)) != APS_OK)
        return err;
    return aps_db_exec(db,
                       "INSERT INTO secret(name, max_age, warn, refuse, created_at)"
                       " SELECT name, 0, 0, 0, min(created_at) FROM secret_version GROUP BY name;"
                       "DROP TABLE temp.secret_3;"
                       "DELETE FROM wrapped WHERE purpose = '" DATA "'",
                       diag);
}
