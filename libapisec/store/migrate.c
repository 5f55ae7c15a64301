/* migrate.c - from an older schema to the present one, with a backup first. */
#include <fcntl.h>
#include <stdio.h>

#include "own.h"
#include "schema.h"

/* A whole copy of the database beside it, complete before it has its name (CLI-10). */
static enum aps_err back_up(sqlite3 *db, const char *path, int64_t version, struct aps_diag *diag)
{
    char target[APS_FILE_PATH_MAX], temp[APS_FILE_PATH_MAX];
    enum aps_err err;
    int fd = -1;
    int n = snprintf(target, sizeof target, "%s.before-%lld", path, (long long)version + 1);

    if (n < 0 || (size_t)n >= sizeof target)
        return APS_ERR_RANGE;
    aps_file_sweep(target);
    if ((err = aps_file_temp(target, 0600, (gid_t)-1, temp, &fd, diag)) != APS_OK)
        return err;
    if ((err = aps_db_copy(db, temp, diag)) == APS_OK)
        err = aps_file_replace(temp, fd, target, diag);
    if (err != APS_OK)
        (void)unlink(temp); /* else the next sweep takes it */
    (void)close(fd);        /* synced, or gone */
    return err;
}

static enum aps_err run_steps(sqlite3 *db, const struct aps_migrate_step *steps, size_t n,
                              void *arg, int64_t version, int64_t to, struct aps_diag *diag)
{
    char sql[64];
    enum aps_err err = APS_OK;
    for (size_t i = 0; err == APS_OK && i < n; i++)
        if (steps[i].from == version && version < to) {
            err = steps[i].run(db, arg, diag);
            version++;
        }
    if (err == APS_OK && version != to) {
        aps_err_explain(diag, "%s: no way is known from schema version %lld to %lld",
                        sqlite3_db_filename(db, "main"), (long long)version, (long long)to);
        err = APS_ERR_CORRUPT;
    }
    (void)snprintf(sql, sizeof sql, "PRAGMA user_version = %lld", (long long)to);
    return err == APS_OK ? aps_db_exec(db, sql, diag) : err;
}

enum aps_err aps_migrate(sqlite3 *db, const char *path, const struct aps_migrate_step *steps,
                         size_t n, void *arg, int64_t to, struct aps_diag *diag)
{
    int64_t version = 0;
    enum aps_err err = aps_schema_version(db, &version, diag);

    if (err != APS_OK || version == to)
        return err;
    if (version > to) {
        aps_err_explain(diag,
                        "%s has schema version %lld, this program knows up to %lld: "
                        "upgrade it",
                        path, (long long)version, (long long)to);
        return APS_ERR_NEWER;
    }
    if ((err = back_up(db, path, version, diag)) != APS_OK)
        return err;
    if ((err = aps_db_exec(db, "BEGIN IMMEDIATE", diag)) != APS_OK)
        return err;
    err = run_steps(db, steps, n, arg, version, to, diag);
    if (err == APS_OK)
        err = aps_db_exec(db, "COMMIT", diag);
    if (err != APS_OK)
        aps_db_rollback(db);
    return err;
}
