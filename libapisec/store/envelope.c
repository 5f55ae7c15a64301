/* envelope.c - a secret version, sealed under a data key of its own and that under each master key.
 */
#include "envelope.h"

#include <stdio.h>

#include "apisec/random.h"
#include "masters.h"

enum {
    ROW_MAX = APS_ENVELOPE_NAME_MAX + 16,
    WRAP_LEN = APS_ENVELOPE_KEY_LEN + APS_SEAL_OVERHEAD,
};

/* No two rows have one text: what stands behind the last `/` is the version. */
static struct aps_seal_place place_of(const struct aps_meta *meta, const char *table,
                                      struct aps_str name, uint32_t version, char row[ROW_MAX])
{
    (void)snprintf(row, ROW_MAX, "%.*s/%u", APS_STR_ARG(name), version);
    return (struct aps_seal_place){
        .store = {(const char *)meta->store_id, sizeof meta->store_id},
        .table = table,
        .row = aps_str(row),
        .column = "blob",
    };
}

/* ---- opening ---- */

/* A fault of the blob is one of the file. */
static enum aps_err open_blob(const struct aps_seal_key *seal, const struct aps_seal_place *place,
                              struct aps_str blob, struct aps_secret *out)
{
    enum aps_err err = aps_seal_open(seal, place, blob, out);
    return err == APS_ERR_CRYPTO ? APS_ERR_CORRUPT : err;
}

enum aps_err aps_envelope_key(const struct aps_meta *meta, const struct aps_seal_key *seal,
                              const struct aps_envelope *e, struct aps_secret *out)
{
    struct aps_secret data = {NULL, 0};
    char row[ROW_MAX];
    struct aps_seal_place place = place_of(meta, "secret_key", e->name, e->version, row);
    enum aps_err err;

    if (e->name.n == 0 || e->name.n > APS_ENVELOPE_NAME_MAX || e->version == 0)
        return APS_ERR_CORRUPT;
    if ((err = open_blob(seal, &place, e->key, &data)) != APS_OK)
        return err;
    if (data.n != APS_ENVELOPE_KEY_LEN) {
        aps_secret_wipe(&data);
        return APS_ERR_CORRUPT;
    }
    *out = data;
    return APS_OK;
}

enum aps_err aps_envelope_open(const struct aps_meta *meta, const struct aps_seal_key *seal,
                               const struct aps_envelope *e, struct aps_secret *out)
{
    struct aps_secret data = {NULL, 0};
    struct aps_seal_key key = {.id = {0}};
    char row[ROW_MAX];
    struct aps_seal_place place;
    enum aps_err err;

    if ((err = aps_envelope_key(meta, seal, e, &data)) != APS_OK)
        return err;
    if ((err = aps_seal_key_data(&data, &key)) != APS_OK)
        goto out;
    place = place_of(meta, "secret_version", e->name, e->version, row);
    err = open_blob(&key, &place, e->blob, out);
out:
    aps_seal_key_wipe(&key);
    aps_secret_wipe(&data);
    return err;
}

/* ---- sealing ---- */

enum aps_err aps_envelope_wrap(sqlite3 *db, const struct aps_meta *meta,
                               const struct aps_seal_key *seal, struct aps_str name,
                               uint32_t version, const struct aps_secret *data,
                               struct aps_diag *diag)
{
    uint8_t blob[WRAP_LEN];
    char row[ROW_MAX];
    const struct aps_seal_place place = place_of(meta, "secret_key", name, version, row);
    struct aps_sql q;
    enum aps_err err;

    if (data->n != APS_ENVELOPE_KEY_LEN)
        return APS_ERR_CRYPTO;
    if ((err = aps_masters_take(db, seal, diag)) != APS_OK ||
        (err = aps_seal(seal, &place, aps_secret_str(data), blob)) != APS_OK)
        return err;
    aps_sql_begin(&q, db, "INSERT INTO secret_key(name, version, master, blob) VALUES(?, ?, ?, ?)");
    aps_sql_str(&q, name);
    aps_sql_i64(&q, version);
    aps_sql_blob(&q, seal->id, sizeof seal->id);
    aps_sql_blob(&q, blob, sizeof blob);
    return aps_sql_run(&q, diag);
}

static enum aps_err put_value(struct aps_store *st, struct aps_str name, uint32_t version,
                              struct aps_str value, const struct aps_secret *data,
                              aps_nsec created_at, aps_nsec until, struct aps_diag *diag)
{
    const size_t n = value.n + APS_SEAL_OVERHEAD;
    struct aps_secret blob = {NULL, 0};
    struct aps_seal_key key = {.id = {0}};
    char row[ROW_MAX];
    const struct aps_seal_place place = place_of(&st->meta, "secret_version", name, version, row);
    struct aps_sql q;
    enum aps_err err;

    if ((err = aps_secret_new(n, &blob)) != APS_OK ||
        (err = aps_seal_key_data(data, &key)) != APS_OK ||
        (err = aps_seal(&key, &place, value, blob.b)) != APS_OK)
        goto out;
    aps_sql_begin(&q, st->db,
                  "INSERT INTO secret_version(name, version, blob, created_at, until)"
                  " VALUES(?, ?, ?, ?, ?)");
    aps_sql_str(&q, name);
    aps_sql_i64(&q, version);
    aps_sql_blob(&q, blob.b, blob.n);
    aps_sql_i64(&q, created_at);
    aps_sql_i64(&q, until);
    err = aps_sql_run(&q, diag);
out:
    aps_seal_key_wipe(&key);
    aps_secret_wipe(&blob);
    return err;
}

enum aps_err aps_envelope_put(struct aps_store *st, struct aps_str name, uint32_t version,
                              struct aps_str value, aps_nsec created_at, aps_nsec until,
                              struct aps_diag *diag)
{
    struct aps_secret data = {NULL, 0};
    const struct aps_seal_key *seal;
    enum aps_err err;

    if ((err = aps_store_seal_load(st, diag)) != APS_OK ||
        (err = aps_secret_new(APS_ENVELOPE_KEY_LEN, &data)) != APS_OK ||
        (err = aps_random_fill(data.b, data.n)) != APS_OK ||
        (err = put_value(st, name, version, value, &data, created_at, until, diag)) != APS_OK)
        goto out;
    for (size_t i = 0; err == APS_OK && (seal = aps_store_seal_at(st, i)) != NULL; i++)
        err = aps_envelope_wrap(st->db, &st->meta, seal, name, version, &data, diag);
out:
    aps_secret_wipe(&data);
    return err;
}
