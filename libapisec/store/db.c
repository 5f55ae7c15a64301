/* db.c - connections to SQLite, hardened before their first query. */
#include "db.h"

#include <stdio.h>
#include <string.h>

#include "apisec/file.h"
#include "sql.h"

enum {
    BUSY_MSEC = 10000,
    /* A page of 8 KiB holds some forty keys: a flatter tree than with 4 KiB. */
    EDIT_CACHE_KIB = 8192,
    COPY_CACHE_KIB = 512,
};

/* ---- connections ---- */

const char *aps_db_mend(sqlite3 *db)
{
    static const char *const published[] = {"/pub/store.db", "/pub/delta.db"};
    const char *path = db != NULL ? sqlite3_db_filename(db, "main") : NULL;
    size_t n = path != NULL ? strlen(path) : 0;
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        size_t len = strlen(published[i]);
        if (n >= len && strcmp(path + n - len, published[i]) == 0)
            return "";
    }
    return "; restore it from a backup";
}

/* A journal that has to be rolled back first, which one who only reads does not do. */
static bool has_journal(sqlite3 *db, int rc)
{
    int why =
        db != NULL && (rc & 0xff) == SQLITE_READONLY ? sqlite3_extended_errcode(db) : SQLITE_OK;
    return why == SQLITE_READONLY_ROLLBACK || why == SQLITE_READONLY_RECOVERY ||
           why == SQLITE_READONLY_CANTLOCK;
}

enum aps_err aps_db_fail(sqlite3 *db, int rc, struct aps_diag *diag)
{
    const char *path = db != NULL ? sqlite3_db_filename(db, "main") : NULL;
    const char *say = db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
    path = path != NULL && *path != '\0' ? path : "database";
    if (has_journal(db, rc)) {
        aps_err_explain(diag,
                        "%s: a command was cut off in the middle of a change, which the next one "
                        "that may write takes back",
                        path);
        return APS_ERR_CONFLICT;
    }
    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        return APS_ERR_NOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        aps_err_explain(diag, "%s: another process holds it; try again", path);
        return APS_ERR_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_SCHEMA:
        aps_err_explain(diag, "%s is damaged: %s%s", path, say, aps_db_mend(db));
        return APS_ERR_CORRUPT;
    case SQLITE_CONSTRAINT:
        aps_err_explain(diag, "%s: %s", path, say);
        return APS_ERR_CONFLICT;
    case SQLITE_FULL:
        aps_err_explain(diag, "%s: no space is left on the device", path);
        return APS_ERR_IO;
    default:
        aps_err_explain(diag, "%s: %s (SQLite code %d)", path, say, rc);
        return APS_ERR_IO;
    }
}

/* A file: URI for exactly this path; false if it does not fit. */
static bool copy_uri(const char *path, char *out, size_t cap)
{
    static const char end[] = "?immutable=1";
    size_t n = (size_t)snprintf(out, cap, "file:");
    for (const char *p = path; *p != '\0'; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                     (*p >= '0' && *p <= '9') || strchr("/._-", *p) != NULL;
        if (n + sizeof end + 3 >= cap)
            return false;
        n += (size_t)snprintf(out + n, cap - n, plain ? "%c" : "%%%02X", (unsigned char)*p);
    }
    memcpy(out + n, end, sizeof end);
    return true;
}

static enum aps_err configure(sqlite3 *db, struct aps_diag *diag)
{
    static const struct {
        int op, value;
    } flags[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
        {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
        {SQLITE_DBCONFIG_DQS_DML, 0},
        {SQLITE_DBCONFIG_DQS_DDL, 0},
        {SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0},
        {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
    };
    static const struct {
        int id, max;
    } limits[] = {
        {SQLITE_LIMIT_LENGTH, 1024 * 1024}, {SQLITE_LIMIT_SQL_LENGTH, 8192},
        {SQLITE_LIMIT_COLUMN, 32},          {SQLITE_LIMIT_EXPR_DEPTH, 20},
        {SQLITE_LIMIT_COMPOUND_SELECT, 4},  {SQLITE_LIMIT_VDBE_OP, 25000},
        {SQLITE_LIMIT_ATTACHED, 1},         {SQLITE_LIMIT_VARIABLE_NUMBER, 32},
        {SQLITE_LIMIT_TRIGGER_DEPTH, 0},    {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 64},
        {SQLITE_LIMIT_FUNCTION_ARG, 8},     {SQLITE_LIMIT_WORKER_THREADS, 0},
    };
    int rc = SQLITE_OK;
    for (size_t i = 0; rc == SQLITE_OK && i < sizeof flags / sizeof *flags; i++)
        rc = sqlite3_db_config(db, flags[i].op, flags[i].value, NULL);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        (void)sqlite3_limit(db, limits[i].id, limits[i].max); /* returns the old limit */
    if (rc == SQLITE_OK)
        rc = sqlite3_busy_timeout(db, BUSY_MSEC);
    return rc == SQLITE_OK ? APS_OK : aps_db_fail(db, rc, diag);
}

static enum aps_err set_pragmas(sqlite3 *db, enum aps_db_mode mode, struct aps_diag *diag)
{
    static const char *const sql[] = {
        /* DELETE leaves no second file behind between commands, and EXTRA syncs the folder too,
         * so that a commit that was told stays. */
        [APS_DB_EDIT] = ("PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA;"
                         "PRAGMA secure_delete = ON; PRAGMA foreign_keys = OFF;"
                         "PRAGMA cell_size_check = ON;"),
        [APS_DB_MAKE] = ("PRAGMA page_size = 8192; PRAGMA journal_mode = MEMORY;"
                         "PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;"),
        /* No cell_size_check: it reads every cell of each page that is loaded, a third of the cost
         * of a lookup, and only tells sooner what reading a damaged cell tells anyway. */
        [APS_DB_COPY] = "PRAGMA query_only = ON;",
        [APS_DB_LOOK] = "PRAGMA query_only = ON; PRAGMA cell_size_check = ON;",
    };
    char cache[64];
    enum aps_err err = aps_db_exec(db, "PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY;", diag);
    (void)snprintf(cache, sizeof cache, "PRAGMA cache_size = -%d",
                   mode == APS_DB_COPY ? COPY_CACHE_KIB : EDIT_CACHE_KIB);
    if (err == APS_OK)
        err = aps_db_exec(db, cache, diag);
    return err == APS_OK ? aps_db_exec(db, sql[mode], diag) : err;
}

/* SQLite names no file that it could not open. */
static enum aps_err open_fail(sqlite3 *db, const char *path, int rc, struct aps_diag *diag)
{
    int why = db != NULL ? sqlite3_system_errno(db) : 0;
    if ((rc & 0xff) != SQLITE_CANTOPEN || why == 0)
        return aps_db_fail(db, rc, diag);
    aps_err_explain(diag, "%s cannot be opened: %s", path, strerror(why));
    return APS_ERR_IO;
}

enum aps_err aps_db_open(const char *path, enum aps_db_mode mode, sqlite3 **out,
                         struct aps_diag *diag)
{
    char uri[3 * APS_FILE_PATH_MAX + 32];
    int flags = SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    sqlite3 *db = NULL;
    enum aps_err err;
    int rc;

    if (mode == APS_DB_COPY) {
        if (!copy_uri(path, uri, sizeof uri)) {
            aps_err_explain(diag, "path \"%.80s...\" is too long", path);
            return APS_ERR_RANGE;
        }
        rc = sqlite3_open_v2(uri, &db, flags | SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
    } else {
        flags |= mode == APS_DB_LOOK ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
        rc = sqlite3_open_v2(path, &db, flags, NULL);
    }
    if (rc != SQLITE_OK) {
        err = open_fail(db, path, rc, diag);
        goto out;
    }
    if ((err = configure(db, diag)) != APS_OK || (err = set_pragmas(db, mode, diag)) != APS_OK)
        goto out;
    *out = db;
    db = NULL;
out:
    aps_db_close(db);
    return err;
}

void aps_db_close(sqlite3 *db)
{
    (void)sqlite3_close_v2(db); /* fails only for what is no connection */
}

enum aps_err aps_db_copy(sqlite3 *db, const char *path, struct aps_diag *diag)
{
    sqlite3 *to = NULL;
    sqlite3_backup *copy;
    enum aps_err err = aps_db_open(path, APS_DB_MAKE, &to, diag);
    int rc;

    if (err != APS_OK)
        return err;
    if ((copy = sqlite3_backup_init(to, "main", db, "main")) != NULL)
        (void)sqlite3_backup_step(copy, -1); /* finish tells the same */
    if ((rc = copy != NULL ? sqlite3_backup_finish(copy) : sqlite3_errcode(to)) != SQLITE_OK)
        err = aps_db_fail(copy != NULL && sqlite3_errcode(to) == SQLITE_OK ? db : to, rc, diag);
    aps_db_close(to);
    return err;
}

/* ---- queries ---- */

enum aps_err aps_db_exec(sqlite3 *db, const char *sql, struct aps_diag *diag)
{
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? APS_OK : aps_db_fail(db, rc, diag);
}

void aps_db_rollback(sqlite3 *db)
{
    if (!sqlite3_get_autocommit(db))
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
}

enum aps_err aps_db_number(sqlite3 *db, const char *sql, int64_t none, int64_t *out,
                           struct aps_diag *diag)
{
    struct aps_sql q;
    int64_t value = none;
    aps_sql_begin(&q, db, sql);
    if (aps_sql_row(&q))
        value = aps_sql_get_i64(&q, 0);
    enum aps_err err = aps_sql_end(&q, diag);
    if (err == APS_OK)
        *out = value;
    return err;
}
