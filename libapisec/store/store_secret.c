/* store_secret.c - secrets of a store: each sealed for its row under the data key (SEC-01, SEC-03).
 */
#include <apr_strings.h>
#include <stdio.h>

#include "own.h"

enum { NAME_MAX_LEN = 512, ROW_MAX = NAME_MAX_LEN + 16 };

/* ---- the data key ---- */

static enum aps_err keep_newest(void *arg, uint32_t version, const struct aps_secret *key)
{
    struct aps_seal_key *seal = arg;

    (void)version; /* they come oldest first */
    aps_seal_key_wipe(seal);
    return aps_seal_key_init(key, seal);
}

enum aps_err aps_store_secret_key(sqlite3 *db, const struct aps_meta *meta,
                                  const struct aps_seal_key *seal, struct aps_seal_key *out,
                                  struct aps_diag *diag)
{
    struct aps_seal_key key = {.id = {0}};
    enum aps_err err = aps_wrapped_each(db, meta, seal, APS_WRAPPED_DATA, keep_newest, &key, diag);

    if (err == APS_OK)
        *out = key;
    else
        aps_seal_key_wipe(&key);
    return err;
}

/* A store that an older program made has none until it has a secret. */
static enum aps_err get_key(struct aps_store *st, struct aps_seal_key *out, struct aps_diag *diag)
{
    int64_t has = 0;
    enum aps_err err = aps_db_number(
        st->db, "SELECT 1 FROM wrapped WHERE purpose = '" APS_WRAPPED_DATA "' LIMIT 1", 0, &has,
        diag);

    if (err == APS_OK && has == 0)
        err = aps_wrapped_new(st->db, &st->meta, &st->seal, APS_WRAPPED_DATA, 1, st->now, diag);
    return err == APS_OK ? aps_store_secret_key(st->db, &st->meta, &st->seal, out, diag) : err;
}

/* No two rows have one text: what stands behind the last `/` is the version. */
static struct aps_seal_place place_of(const struct aps_meta *meta, struct aps_str name,
                                      uint32_t version, char row[ROW_MAX])
{
    (void)snprintf(row, ROW_MAX, "%.*s/%u", APS_STR_ARG(name), version);
    return (struct aps_seal_place){
        .store = {(const char *)meta->store_id, sizeof meta->store_id},
        .table = "secret",
        .row = aps_str(row),
        .column = "blob",
    };
}

/* ---- reading ---- */

struct reading {
    const struct aps_meta *meta;
    struct aps_seal_key key;
    aps_store_secret_fn fn;
    void *arg;
};

static enum aps_err read_row(const struct reading *r, struct aps_sql *q)
{
    const struct aps_str name = aps_sql_get_str(q, 0);
    const int64_t version = aps_sql_get_i64(q, 1);
    struct aps_secret value = {NULL, 0};
    char row[ROW_MAX];
    struct aps_seal_place place;
    enum aps_err err;

    if (name.n == 0 || name.n > NAME_MAX_LEN || version <= 0 || version > UINT32_MAX)
        return APS_ERR_CORRUPT;
    place = place_of(r->meta, name, (uint32_t)version, row);
    err = aps_seal_open(&r->key, &place, aps_sql_get_str(q, 2), &value);
    if (err == APS_OK)
        err = r->fn(r->arg, name, (uint32_t)version, aps_sql_get_i64(q, 3), &value);
    else if (err == APS_ERR_CRYPTO)
        err = APS_ERR_CORRUPT;
    aps_secret_wipe(&value);
    return err;
}

enum aps_err aps_store_secret_load(sqlite3 *db, const struct aps_meta *meta,
                                   const struct aps_seal_key *seal, struct aps_str name,
                                   aps_store_secret_fn fn, void *arg, struct aps_diag *diag)
{
    struct reading r = {.meta = meta, .fn = fn, .arg = arg};
    struct aps_sql q;
    enum aps_err err = APS_OK, end;
    bool keyed = false;

    aps_sql_begin(&q, db,
                  "SELECT name, version, blob, until FROM secret WHERE ?1 = '' OR name = ?1"
                  " ORDER BY name, version");
    aps_sql_str(&q, name);
    while (err == APS_OK && aps_sql_row(&q)) {
        if (!keyed && (err = aps_store_secret_key(db, meta, seal, &r.key, diag)) == APS_OK)
            keyed = true;
        if (err == APS_OK && (err = read_row(&r, &q)) == APS_ERR_CORRUPT)
            aps_err_explain(diag, "%s: the sealed secret \"%.*s\" is damaged%s",
                            sqlite3_db_filename(db, "main"), APS_STR_SHOW(aps_sql_get_str(&q, 0)),
                            aps_db_mend(db));
    }
    end = aps_sql_end(&q, err == APS_OK ? diag : NULL);
    aps_seal_key_wipe(&r.key);
    return err != APS_OK ? err : end;
}

enum aps_err aps_store_secrets(struct aps_store *st, struct aps_str name, apr_pool_t *pool,
                               const struct aps_store_secret **out, size_t *out_n,
                               struct aps_diag *diag)
{
    struct aps_store_secret *list = apr_pcalloc(pool, APS_STORE_SECRET_VERSIONS * sizeof *list);
    struct aps_sql q;
    enum aps_err err;
    size_t n = 0;

    aps_sql_begin(&q, st->db,
                  "SELECT version, created_at, until FROM secret WHERE name = ? ORDER BY version");
    aps_sql_str(&q, name);
    for (; n < APS_STORE_SECRET_VERSIONS && aps_sql_row(&q); n++)
        list[n] = (struct aps_store_secret){(uint32_t)aps_sql_get_i64(&q, 0),
                                            aps_sql_get_i64(&q, 1), aps_sql_get_i64(&q, 2)};
    if ((err = aps_sql_end(&q, diag)) != APS_OK)
        return err;
    *out = list;
    *out_n = n;
    return APS_OK;
}

/* ---- writing ---- */

/* Versions that are there end by `until`; those that have ended are deleted.  *out_next: the number
 * of the next one, *out_n: how many are left. */
static enum aps_err end_older(struct aps_store *st, struct aps_str name, aps_nsec until,
                              int64_t *out_next, int64_t *out_n, struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err;

    aps_sql_begin(&q, st->db, "SELECT coalesce(max(version), 0) + 1 FROM secret WHERE name = ?");
    aps_sql_str(&q, name);
    if (aps_sql_row(&q))
        *out_next = aps_sql_get_i64(&q, 0);
    if ((err = aps_sql_end(&q, diag)) != APS_OK)
        return err;
    aps_sql_begin(&q, st->db,
                  "UPDATE secret SET until = ?2 WHERE name = ?1 AND (until = 0 OR until > ?2)");
    aps_sql_str(&q, name);
    aps_sql_i64(&q, until);
    if ((err = aps_sql_run(&q, diag)) != APS_OK)
        return err;
    aps_sql_begin(&q, st->db, "DELETE FROM secret WHERE name = ?1 AND until <> 0 AND until <= ?2");
    aps_sql_str(&q, name);
    aps_sql_i64(&q, st->now);
    if ((err = aps_sql_run(&q, diag)) != APS_OK)
        return err;
    aps_sql_begin(&q, st->db, "SELECT count(*) FROM secret WHERE name = ?");
    aps_sql_str(&q, name);
    if (aps_sql_row(&q))
        *out_n = aps_sql_get_i64(&q, 0);
    return aps_sql_end(&q, diag);
}

static enum aps_err insert(struct aps_store *st, struct aps_str name, uint32_t version,
                           struct aps_str value, struct aps_diag *diag)
{
    char row[ROW_MAX];
    const struct aps_seal_place place = place_of(&st->meta, name, version, row);
    uint8_t *blob = apr_palloc(st->pool, value.n + APS_SEAL_OVERHEAD);
    struct aps_seal_key key = {.id = {0}};
    struct aps_sql q;
    enum aps_err err;

    if ((err = get_key(st, &key, diag)) != APS_OK)
        return err;
    err = aps_seal(&key, &place, value, blob);
    aps_seal_key_wipe(&key);
    if (err != APS_OK)
        return err;
    aps_sql_begin(&q, st->db,
                  "INSERT INTO secret(name, version, blob, created_at, until)"
                  " VALUES(?, ?, ?, ?, 0)");
    aps_sql_str(&q, name);
    aps_sql_i64(&q, version);
    aps_sql_blob(&q, blob, value.n + APS_SEAL_OVERHEAD);
    aps_sql_i64(&q, st->now);
    return aps_sql_run(&q, diag);
}

enum aps_err aps_store_secret_put(struct aps_store *st, struct aps_str name, struct aps_str value,
                                  aps_nsec old_until, struct aps_diag *diag)
{
    int64_t next = 1, n = 0;
    enum aps_err err;

    if (name.n == 0 || name.n > NAME_MAX_LEN || value.n == 0 || value.n > APS_SEAL_PLAIN_MAX) {
        aps_err_explain(diag, "a secret of %zu bytes: want 1 to %d", value.n, APS_SEAL_PLAIN_MAX);
        return APS_ERR_RANGE;
    }
    if ((err = end_older(st, name, old_until, &next, &n, diag)) != APS_OK)
        return err;
    if (n >= APS_STORE_SECRET_VERSIONS || next > UINT32_MAX) {
        aps_err_explain(diag,
                        "\"%.*s\" has %lld secrets that have not ended: wait until one has, or end "
                        "them with an overlap of 0",
                        APS_STR_SHOW(name), (long long)n);
        return APS_ERR_CONFLICT;
    }
    return insert(st, name, (uint32_t)next, value, diag);
}

enum aps_err aps_store_secret_drop(struct aps_store *st, struct aps_str name, struct aps_diag *diag)
{
    struct aps_sql q;

    aps_sql_begin(&q, st->db, "DELETE FROM secret WHERE name = ?");
    aps_sql_str(&q, name);
    return aps_sql_run(&q, diag);
}
