/* restore_merge.c - what was taken back since a backup stays so when it is restored.
 *
 * Everything here makes the restored store refuse more, or go on counting; nothing lets anybody in
 * whom the store that is there would not. */
#include <apr_strings.h>

#include "apisec/signer.h"
#include "record.h"
#include "restore_own.h"

#define GONE "deleted before a backup was restored"
#define UNKNOWN_SECRET "its newer secret is under another master key than the backup"

/* ---- keys ---- */

static enum aps_err write_key(struct aps_restore *rs, const struct aps_key *key, apr_pool_t *pool,
                              struct aps_diag *diag)
{
    struct aps_str record = aps_record_encode(key, pool);
    struct aps_sql q;

    aps_sql_begin(&q, rs->db, "UPDATE key SET record = ? WHERE id = ?");
    aps_sql_blob(&q, record.p, record.n);
    aps_sql_str(&q, key->id);
    return aps_sql_run(&q, diag);
}

static void end_key(struct aps_key *key, aps_nsec at, struct aps_str why)
{
    key->status = APS_KEY_REVOKED;
    key->revoked_at = at;
    key->revoke_reason = why;
}

/* What the key of the backup takes over from the one that is there; false: nothing. */
static bool take_over(struct aps_restore *rs, bool sealed, const struct aps_key *there,
                      struct aps_key *key, struct aps_restore_done *done)
{
    bool rotated = there->secret[0].version > key->secret[0].version;

    if (key->status == APS_KEY_REVOKED)
        return false;
    if (there->status == APS_KEY_REVOKED) {
        end_key(key, there->revoked_at, there->revoke_reason);
    } else if (rotated && sealed) {
        end_key(key, rs->how->now, aps_str(UNKNOWN_SECRET));
    } else if (rotated) {
        memcpy(key->secret, there->secret, sizeof key->secret);
        done->rotated++;
        return true;
    } else {
        return false;
    }
    done->revoked++;
    return true;
}

static enum aps_err merge_row(struct aps_restore *rs, bool sealed, struct aps_sql *q,
                              struct aps_restore_done *done, struct aps_diag *diag)
{
    struct aps_key key = {.status = APS_KEY_REVOKED}, there = key;
    enum aps_err err;

    apr_pool_clear(rs->pool);
    if ((err = aps_record_decode(aps_sql_get_str(q, 1), rs->pool, &key)) != APS_OK ||
        (err = aps_record_decode(aps_sql_get_str(q, 2), rs->pool, &there)) != APS_OK) {
        aps_err_explain(diag, "the record of key %.*s is damaged, in the backup or in the store",
                        APS_STR_SHOW(aps_sql_get_str(q, 0)));
        return err;
    }
    key.id = aps_str_copy(rs->pool, aps_sql_get_str(q, 0));
    return take_over(rs, sealed, &there, &key, done) ? write_key(rs, &key, rs->pool, diag) : APS_OK;
}

/* Keys that both have. */
static enum aps_err merge_keys(struct aps_restore *rs, bool sealed, struct aps_restore_done *done,
                               struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err = APS_OK, end;

    aps_sql_begin(&q, rs->db,
                  "SELECT k.id, k.record, o.record FROM main.key AS k"
                  " CROSS JOIN old.key AS o ON o.id = k.id WHERE k.record <> o.record");
    while (err == APS_OK && aps_sql_row(&q))
        err = merge_row(rs, sealed, &q, done, diag);
    end = aps_sql_end(&q, err == APS_OK ? diag : NULL);
    return err != APS_OK ? err : end;
}

/* Keys of the backup that `sql` names were deleted since. */
static enum aps_err revoke_gone(struct aps_restore *rs, const char *sql,
                                struct aps_restore_done *done, struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err = APS_OK, end;

    aps_sql_begin(&q, rs->db, sql);
    while (err == APS_OK && aps_sql_row(&q)) {
        struct aps_key key = {.status = APS_KEY_REVOKED};

        apr_pool_clear(rs->pool);
        err = aps_record_decode(aps_sql_get_str(&q, 1), rs->pool, &key);
        key.id = aps_str_copy(rs->pool, aps_sql_get_str(&q, 0));
        if (err != APS_OK || key.status == APS_KEY_REVOKED)
            continue;
        end_key(&key, rs->how->now, aps_str(GONE));
        done->revoked++;
        err = write_key(rs, &key, rs->pool, diag);
    }
    end = aps_sql_end(&q, err == APS_OK ? diag : NULL);
    return err != APS_OK ? err : end;
}

/* ---- what else lets somebody in ---- */

static enum aps_err count_run(struct aps_restore *rs, const char *sql, uint64_t *count,
                              struct aps_diag *diag)
{
    enum aps_err err = aps_db_exec(rs->db, sql, diag);

    if (err == APS_OK)
        *count += (uint64_t)sqlite3_changes64(rs->db);
    return err;
}

/* A table of the backup that another schema may have, or not. */
static enum aps_err has_table(struct aps_restore *rs, const char *name, bool *out,
                              struct aps_diag *diag)
{
    struct aps_sql q;

    aps_sql_begin(&q, rs->db,
                  "SELECT 1 FROM main.sqlite_schema AS m, old.sqlite_schema AS o"
                  " WHERE m.type = 'table' AND m.name = ? AND o.name = m.name AND o.sql = m.sql");
    aps_sql_str(&q, aps_str(name));
    *out = aps_sql_row(&q);
    return aps_sql_end(&q, diag);
}

/* Secrets whose newest version is newer there: all versions of them.  What wraps them comes with
 * them where it is of a master key of the backup. */
static enum aps_err merge_secrets(struct aps_restore *rs, struct aps_restore_done *done,
                                  struct aps_diag *diag)
{
    static const struct {
        const char *table, *drop, *take;
    } of[] = {
        {"secret_key", "DELETE FROM main.secret_key WHERE name IN (SELECT name FROM temp.newer)",
         "INSERT INTO main.secret_key SELECT * FROM old.secret_key"
         " WHERE name IN (SELECT name FROM temp.newer)"
         " AND master IN (SELECT id FROM main.master)"},
        {"secret_version",
         "DELETE FROM main.secret_version WHERE name IN (SELECT name FROM temp.newer)",
         "INSERT INTO main.secret_version SELECT * FROM old.secret_version"
         " WHERE name IN (SELECT name FROM temp.newer)"},
        {"secret", "DELETE FROM main.secret WHERE name IN (SELECT name FROM temp.newer)",
         "INSERT INTO main.secret SELECT * FROM old.secret"
         " WHERE name IN (SELECT name FROM temp.newer)"},
    };
    bool versions = false, there = false;
    enum aps_err err = has_table(rs, "secret_version", &versions, diag);

    if (err == APS_OK)
        err = count_run(
            rs,
            versions ? "CREATE TEMP TABLE newer AS SELECT m.name FROM"
                       " (SELECT name, max(version) AS v FROM main.secret_version GROUP BY name)"
                       " AS m, (SELECT name, max(version) AS v FROM old.secret_version GROUP BY"
                       " name) AS o WHERE o.name = m.name AND o.v > m.v"
                     : "CREATE TEMP TABLE newer AS SELECT m.name FROM"
                       " (SELECT name, max(version) AS v FROM main.secret GROUP BY name) AS m,"
                       " (SELECT name, max(version) AS v FROM old.secret GROUP BY name) AS o"
                       " WHERE o.name = m.name AND o.v > m.v",
            &(uint64_t){0}, diag);
    for (size_t i = 0; err == APS_OK && i < sizeof of / sizeof *of; i++) {
        if ((err = has_table(rs, of[i].table, &there, diag)) != APS_OK || !there)
            continue;
        if ((err = aps_db_exec(rs->db, of[i].drop, diag)) == APS_OK)
            err = aps_db_exec(rs->db, of[i].take, diag);
    }
    if (err == APS_OK) {
        int64_t n = 0;
        err = aps_db_number(rs->db, "SELECT count(*) FROM temp.newer", 0, &n, diag);
        done->secrets += (uint64_t)n;
    }
    return err == APS_OK ? aps_db_exec(rs->db, "DROP TABLE temp.newer", diag) : err;
}

/* Known by the change log, which says what a row was before it was deleted. */
static enum aps_err drop_logged(struct aps_restore *rs, struct aps_restore_done *done,
                                struct aps_diag *diag)
{
    static const char *const drops[] = {
        "DELETE FROM main.signer AS m WHERE keyid IN (SELECT json_extract(old, '$.keyid')"
        " FROM old.change WHERE command = 'key signer delete')"
        " AND NOT EXISTS (SELECT 1 FROM old.signer AS o WHERE o.keyid = m.keyid"
        " AND o.created_at = m.created_at)",
        "DELETE FROM main.certificate AS m WHERE name IN"
        " (SELECT json_extract(old, '$.certificate') FROM old.change"
        " WHERE command = 'key certificate delete')"
        " AND NOT EXISTS (SELECT 1 FROM old.certificate AS o WHERE o.name = m.name"
        " AND o.created_at = m.created_at)",
        "DELETE FROM main.issuer AS m WHERE name IN (SELECT subject FROM old.change"
        " WHERE command = 'issuer delete')"
        " AND NOT EXISTS (SELECT 1 FROM old.issuer AS o WHERE o.name = m.name"
        " AND o.created_at = m.created_at)",
    };
    enum aps_err err = APS_OK;

    for (size_t i = 0; err == APS_OK && i < sizeof drops / sizeof *drops; i++)
        err = count_run(rs, drops[i], &done->dropped, diag);
    return err;
}

/* The same where there is no log: what a later copy does not have. */
static enum aps_err drop_missing(struct aps_restore *rs, struct aps_restore_done *done,
                                 struct aps_diag *diag)
{
    static const char *const drops[] = {
        "DELETE FROM main.signer AS m WHERE NOT EXISTS"
        " (SELECT 1 FROM old.signer AS o WHERE o.keyid = m.keyid AND o.created_at = m.created_at)",
        "DELETE FROM main.certificate AS m WHERE NOT EXISTS (SELECT 1 FROM old.certificate AS o"
        " WHERE o.name = m.name AND o.created_at = m.created_at)",
        "DELETE FROM main.issuer AS m WHERE NOT EXISTS"
        " (SELECT 1 FROM old.issuer AS o WHERE o.name = m.name AND o.created_at = m.created_at)",
    };
    enum aps_err err = APS_OK;

    for (size_t i = 0; err == APS_OK && i < sizeof drops / sizeof *drops; i++)
        err = count_run(rs, drops[i], &done->dropped, diag);
    return err;
}

/* ---- small tables ---- */

static enum aps_err merge_small(struct aps_restore *rs, struct aps_restore_done *done,
                                struct aps_diag *diag)
{
    static const char *const merges[] = {
        /* Peppers of rotated secrets, and the key of the lookups: none is ever changed. */
        "INSERT OR IGNORE INTO main.wrapped SELECT * FROM old.wrapped"
        " WHERE master IN (SELECT id FROM main.master)",
        /* A limit that began anew does not go back to what was counted before. */
        "INSERT INTO main.adjust SELECT * FROM old.adjust WHERE true"
        " ON CONFLICT(name, level, subject) DO UPDATE SET epoch = max(epoch, excluded.epoch)",
        "UPDATE main.meta SET imports = max(imports, (SELECT imports FROM old.meta))",
    };
    enum aps_err err = APS_OK;

    for (size_t i = 0; err == APS_OK && i < sizeof merges / sizeof *merges; i++)
        err = aps_db_exec(rs->db, merges[i], diag);
    if (err == APS_OK)
        err = count_run(rs,
                        "INSERT INTO main.token_gone SELECT * FROM old.token_gone AS o"
                        " WHERE NOT EXISTS (SELECT 1 FROM main.token_gone AS m"
                        " WHERE m.hash = o.hash)",
                        &done->tokens, diag);
    return err == APS_OK ? aps_db_exec(rs->db,
                                       "UPDATE main.token_gone AS m SET until = (SELECT CASE"
                                       " WHEN o.until = 0 OR m.until = 0 THEN 0"
                                       " ELSE max(o.until, m.until) END"
                                       " FROM old.token_gone AS o WHERE o.hash = m.hash)"
                                       " WHERE EXISTS (SELECT 1 FROM old.token_gone AS o"
                                       " WHERE o.hash = m.hash)",
                                       diag)
                         : err;
}

/* The number of a change is that of no other, also where it is the edition of a limit. */
static enum aps_err merge_log(struct aps_restore *rs, bool has_log, struct aps_diag *diag)
{
    static const char log[] = "INSERT INTO main.change SELECT * FROM old.change"
                              " WHERE n > (SELECT coalesce(max(n), 0) FROM main.change)";
    static const char numbers[] =
        "UPDATE main.sqlite_sequence SET seq = max(seq,"
        " (SELECT coalesce(max(edition), 0) FROM old.plan_limit),"
        " (SELECT coalesce(max(edition), 0) FROM old.plan_earlier),"
        " (SELECT coalesce(max(edition), 0) FROM old.issuer),"
        " (SELECT coalesce(max(edition), 0) FROM old.api)) WHERE name = 'change'";

    return aps_db_exec(rs->db, has_log ? log : numbers, diag);
}

/* ---- all of it ---- */

static enum aps_err attach(struct aps_restore *rs, const char *path, struct aps_diag *diag)
{
    struct aps_sql q;

    aps_sql_begin(&q, rs->db, "ATTACH ? AS old");
    aps_sql_str(&q, aps_str(path));
    return aps_sql_run(&q, diag);
}

static enum aps_err merge_store(struct aps_restore *rs, struct aps_restore_done *done,
                                struct aps_diag *diag)
{
    enum aps_err err = revoke_gone(
        rs,
        "SELECT k.id, k.record FROM old.change AS c JOIN main.key AS k ON k.id = c.subject"
        " WHERE c.command = 'key delete'"
        " AND NOT EXISTS (SELECT 1 FROM old.key AS o WHERE o.id = k.id)",
        done, diag);

    if (err == APS_OK)
        err = drop_logged(rs, done, diag);
    return err == APS_OK ? merge_log(rs, true, diag) : err;
}

static enum aps_err merge_copy(struct aps_restore *rs, const struct aps_meta *meta, bool is_delta,
                               struct aps_restore_done *done, struct aps_diag *diag)
{
    bool later = meta->generation >= rs->meta.generation;
    enum aps_err err = APS_OK;

    if (later)
        err = revoke_gone(rs,
                          is_delta ? "SELECT k.id, k.record FROM old.key_gone AS g"
                                     " JOIN main.key AS k ON k.id = g.id"
                                   : "SELECT k.id, k.record FROM main.key AS k WHERE NOT EXISTS"
                                     " (SELECT 1 FROM old.key AS o WHERE o.id = k.id)",
                          done, diag);
    if (err == APS_OK && later)
        err = drop_missing(rs, done, diag);
    return err == APS_OK ? merge_log(rs, false, diag) : err;
}

static enum aps_err merge_one(struct aps_restore *rs, const struct aps_restore_old *old,
                              const char *path, const struct aps_meta *meta,
                              struct aps_restore_done *done, struct aps_diag *diag)
{
    enum aps_err err = attach(rs, path, diag), detach;

    if (err != APS_OK)
        return err;
    err = aps_db_exec(rs->db, "BEGIN", diag);
    if (err == APS_OK)
        err = merge_keys(rs, old->sealed, done, diag);
    if (err == APS_OK)
        err = old->kind == APS_RESTORE_OLD_STORE
                  ? merge_store(rs, done, diag)
                  : merge_copy(rs, meta, meta == &old->delta_meta, done, diag);
    if (err == APS_OK && !old->sealed)
        err = merge_secrets(rs, done, diag);
    if (err == APS_OK)
        err = merge_small(rs, done, diag);
    if (err == APS_OK)
        err = aps_db_exec(rs->db, "COMMIT", diag);
    if (err != APS_OK)
        aps_db_rollback(rs->db);
    detach = aps_db_exec(rs->db, "DETACH old", err == APS_OK ? diag : NULL);
    return err != APS_OK ? err : detach;
}

enum aps_err aps_restore_merge(struct aps_restore *rs, const struct aps_restore_old *old,
                               struct aps_restore_done *done, struct aps_diag *diag)
{
    enum aps_err err;

    if (old->kind == APS_RESTORE_OLD_NONE)
        return APS_OK;
    err = merge_one(rs, old, old->path, &old->meta, done, diag);
    if (err == APS_OK && old->delta[0] != '\0')
        err = merge_one(rs, old, old->delta, &old->delta_meta, done, diag);
    return err;
}
