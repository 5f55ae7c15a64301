/* store_secret.c - secrets of a store by name, each version in an envelope of its own (SEC-01). */
#include <apr_strings.h>
#include <stdio.h>

#include "envelope.h"

/* ---- reading ---- */

struct reading {
    sqlite3 *db;
    const struct aps_meta *meta;
    const struct aps_seal_key *seal;
    aps_store_secret_fn fn;
    void *arg;
};

static enum aps_err read_row(const struct reading *r, struct aps_sql *q, struct aps_diag *diag)
{
    const int64_t version = aps_sql_get_i64(q, 1);
    const struct aps_envelope e = {
        .name = aps_sql_get_str(q, 0),
        .version = version > 0 && version <= UINT32_MAX ? (uint32_t)version : 0,
        .blob = aps_sql_get_str(q, 2),
        .key = aps_sql_get_str(q, 4),
    };
    struct aps_secret value = {NULL, 0};
    enum aps_err err = aps_envelope_open(r->meta, r->seal, &e, &value);

    if (err == APS_ERR_CORRUPT)
        aps_err_explain(diag, "%s: the sealed secret \"%.*s\" is damaged%s",
                        sqlite3_db_filename(r->db, "main"), APS_STR_SHOW(e.name),
                        aps_db_mend(r->db));
    if (err == APS_OK)
        err = r->fn(r->arg, e.name, e.version, aps_sql_get_i64(q, 3), &value);
    aps_secret_wipe(&value);
    return err;
}

static enum aps_err read_rows(const struct reading *r, struct aps_sql *q, struct aps_diag *diag)
{
    enum aps_err err = APS_OK, end;

    while (err == APS_OK && aps_sql_row(q))
        err = read_row(r, q, diag);
    end = aps_sql_end(q, err == APS_OK ? diag : NULL);
    return err != APS_OK ? err : end;
}

enum aps_err aps_store_secret_load(sqlite3 *db, const struct aps_meta *meta,
                                   const struct aps_seal_key *seal, struct aps_str name,
                                   aps_store_secret_fn fn, void *arg, struct aps_diag *diag)
{
    const struct reading r = {db, meta, seal, fn, arg};
    struct aps_sql q;

    aps_sql_begin(&q, db,
                  "SELECT v.name, v.version, v.blob, CASE WHEN s.refuse <> 0 AND s.max_age <> 0"
                  " AND (v.until = 0 OR v.until > v.created_at + s.max_age)"
                  " THEN v.created_at + s.max_age ELSE v.until END, k.blob"
                  " FROM secret_version AS v LEFT JOIN secret AS s ON s.name = v.name"
                  " LEFT JOIN secret_key AS k ON k.name = v.name AND k.version = v.version"
                  " AND k.master = ?1 WHERE v.name = ?2 ORDER BY v.version");
    aps_sql_blob(&q, seal->id, sizeof seal->id);
    aps_sql_str(&q, name);
    return read_rows(&r, &q, diag);
}

enum aps_err aps_store_secret_under(sqlite3 *db, const struct aps_meta *meta,
                                    const struct aps_seal_key *seal, const char *prefix,
                                    aps_store_secret_fn fn, void *arg, struct aps_diag *diag)
{
    const struct reading r = {db, meta, seal, fn, arg};
    struct aps_sql q;

    /* '0' comes after '/'. */
    aps_sql_begin(&q, db,
                  "SELECT v.name, v.version, v.blob, v.until, k.blob FROM secret_version AS v"
                  " LEFT JOIN secret_key AS k ON k.name = v.name AND k.version = v.version"
                  " AND k.master = ?1 WHERE v.name > ?2"
                  " AND (?2 = '' OR v.name < substr(?2, 1, length(?2) - 1) || '0')"
                  " ORDER BY v.name, v.version");
    aps_sql_blob(&q, seal->id, sizeof seal->id);
    aps_sql_str(&q, aps_str(prefix));
    return read_rows(&r, &q, diag);
}

enum aps_err aps_store_secrets(struct aps_store *st, struct aps_str name, apr_pool_t *pool,
                               const struct aps_store_secret **out, size_t *out_n,
                               struct aps_diag *diag)
{
    struct aps_store_secret *list = apr_pcalloc(pool, APS_STORE_SECRET_VERSIONS * sizeof *list);
    struct aps_sql q;
    enum aps_err err;
    size_t n = 0;

    aps_sql_begin(
        &q, st->db,
        "SELECT version, created_at, until FROM secret_version WHERE name = ? ORDER BY version");
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

    aps_sql_begin(&q, st->db,
                  "SELECT coalesce(max(version), 0) + 1 FROM secret_version WHERE name = ?");
    aps_sql_str(&q, name);
    if (aps_sql_row(&q))
        *out_next = aps_sql_get_i64(&q, 0);
    if ((err = aps_sql_end(&q, diag)) != APS_OK)
        return err;
    aps_sql_begin(
        &q, st->db,
        "UPDATE secret_version SET until = ?2 WHERE name = ?1 AND (until = 0 OR until > ?2)");
    aps_sql_str(&q, name);
    aps_sql_i64(&q, until);
    if ((err = aps_sql_run(&q, diag)) != APS_OK)
        return err;
    aps_sql_begin(&q, st->db,
                  "DELETE FROM secret_version WHERE name = ?1 AND until <> 0 AND until <= ?2");
    aps_sql_str(&q, name);
    aps_sql_i64(&q, st->now);
    if ((err = aps_sql_run(&q, diag)) != APS_OK)
        return err;
    aps_sql_begin(&q, st->db,
                  "DELETE FROM secret_key WHERE name = ?1 AND version NOT IN"
                  " (SELECT version FROM secret_version WHERE name = ?1)");
    aps_sql_str(&q, name);
    if ((err = aps_sql_run(&q, diag)) != APS_OK)
        return err;
    aps_sql_begin(&q, st->db, "SELECT count(*) FROM secret_version WHERE name = ?");
    aps_sql_str(&q, name);
    if (aps_sql_row(&q))
        *out_n = aps_sql_get_i64(&q, 0);
    return aps_sql_end(&q, diag);
}

static enum aps_err put_row(struct aps_store *st, struct aps_str name, struct aps_diag *diag)
{
    struct aps_sql q;

    aps_sql_begin(&q, st->db,
                  "INSERT INTO secret(name, max_age, warn, refuse, created_at)"
                  " VALUES(?, 0, 0, 0, ?) ON CONFLICT DO NOTHING");
    aps_sql_str(&q, name);
    aps_sql_i64(&q, st->now);
    return aps_sql_run(&q, diag);
}

enum aps_err aps_store_secret_put(struct aps_store *st, struct aps_str name, struct aps_str value,
                                  aps_nsec old_until, struct aps_diag *diag)
{
    int64_t next = 1, n = 0;
    enum aps_err err;

    if (name.n == 0 || name.n > APS_ENVELOPE_NAME_MAX || value.n == 0 ||
        value.n > APS_SEAL_PLAIN_MAX) {
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
    if ((err = put_row(st, name, diag)) != APS_OK)
        return err;
    return aps_envelope_put(st, name, (uint32_t)next, value, st->now, 0, diag);
}

enum aps_err aps_store_secret_drop(struct aps_store *st, struct aps_str name, struct aps_diag *diag)
{
    static const char *const deletes[] = {
        "DELETE FROM secret WHERE name = ?",
        "DELETE FROM secret_version WHERE name = ?",
        "DELETE FROM secret_key WHERE name = ?",
    };
    enum aps_err err = APS_OK;

    for (size_t i = 0; err == APS_OK && i < sizeof deletes / sizeof *deletes; i++) {
        struct aps_sql q;

        aps_sql_begin(&q, st->db, deletes[i]);
        aps_sql_str(&q, name);
        err = aps_sql_run(&q, diag);
    }
    return err;
}
