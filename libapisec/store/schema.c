/* schema.c - the tables of a store, of its copy and of a delta, and whether a database has exactly
 * those. */
#include "schema.h"

#include "sql.h"

/* In the order in which sqlite_schema lists them.  The texts are compared byte for byte with what
 * SQLite stored, so they are never reformatted; a change of one is a new schema version. */
enum {
    STORE = 1 << APS_SCHEMA_STORE,
    COPY = 1 << APS_SCHEMA_COPY,
    DELTA = 1 << APS_SCHEMA_DELTA,
    ALL = STORE | COPY | DELTA,
    SQLITES = 1 << 30, /* SQLite makes it itself */
};

/* What version 2 added; in store.db behind all that was there. */
#define ROLE_PLAN " plan TEXT NOT NULL DEFAULT ''"
#define ROLE_PRIORITY " priority INTEGER NOT NULL DEFAULT 0"
#define PLAN                                                                                       \
    "CREATE TABLE plan(name TEXT PRIMARY KEY, description TEXT NOT NULL,"                          \
    " created_at INTEGER NOT NULL) WITHOUT ROWID"
/* `text` is the limit in the canonical form of limit.h, its name included; `edition` a number that
 * no other definition of the store ever had. */
#define PLAN_LIMIT                                                                                 \
    "CREATE TABLE plan_limit(plan TEXT NOT NULL, name TEXT NOT NULL, position INTEGER NOT NULL,"   \
    " text TEXT NOT NULL, edition INTEGER NOT NULL, PRIMARY KEY(plan, name)) WITHOUT ROWID"
/* What a limit of this name said before, n 1 being the last; `until`: it is of no matter any more.
 */
#define PLAN_EARLIER                                                                               \
    "CREATE TABLE plan_earlier(plan TEXT NOT NULL, name TEXT NOT NULL, n INTEGER NOT NULL,"        \
    " text TEXT NOT NULL, edition INTEGER NOT NULL, changed_at INTEGER NOT NULL,"                  \
    " until INTEGER NOT NULL, PRIMARY KEY(plan, name, n)) WITHOUT ROWID"
/* What one subject of a limit has beyond it: `bonus` until `until`, and how often it began anew. */
#define ADJUST                                                                                     \
    "CREATE TABLE adjust(name TEXT NOT NULL, level TEXT NOT NULL, subject TEXT NOT NULL,"          \
    " bonus INTEGER NOT NULL, until INTEGER NOT NULL, epoch INTEGER NOT NULL,"                     \
    " PRIMARY KEY(name, level, subject)) WITHOUT ROWID"

/* What version 3 added, behind those. */
/* `record` is the definition in the form of issuer_record.h; `keys` the set of a static issuer,
 * where those are public. */
#define ISSUER                                                                                     \
    "CREATE TABLE issuer(name TEXT PRIMARY KEY, edition INTEGER NOT NULL, record TEXT NOT NULL,"   \
    " keys TEXT NOT NULL, created_at INTEGER NOT NULL) WITHOUT ROWID"
/* Single tokens that were revoked, by gone.h, until they end by themselves. */
#define TOKEN_GONE                                                                                 \
    "CREATE TABLE token_gone(hash BLOB PRIMARY KEY, issuer TEXT NOT NULL, until INTEGER NOT NULL," \
    " created_at INTEGER NOT NULL) WITHOUT ROWID"
/* Sealed under one key of the store, until version 4. */
#define SECRET_3                                                                                   \
    "CREATE TABLE secret(name TEXT NOT NULL, version INTEGER NOT NULL, blob BLOB NOT NULL,"        \
    " created_at INTEGER NOT NULL, until INTEGER NOT NULL, PRIMARY KEY(name, version))"            \
    " WITHOUT ROWID"
/* `record` in the form of hook.h. */
#define WEBHOOK                                                                                    \
    "CREATE TABLE webhook(name TEXT PRIMARY KEY, record TEXT NOT NULL,"                            \
    " created_at INTEGER NOT NULL) WITHOUT ROWID"
/* Who signs requests as which API key; `public` is SPKI in DER, empty for HMAC. */
#define SIGNER                                                                                     \
    "CREATE TABLE signer(keyid TEXT PRIMARY KEY, key TEXT NOT NULL, alg TEXT NOT NULL,"            \
    " public BLOB NOT NULL, created_at INTEGER NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID"
/* Which client certificate is which API key; `name` in the form of certname.h. */
#define CERTIFICATE                                                                                \
    "CREATE TABLE certificate(name TEXT PRIMARY KEY, key TEXT NOT NULL,"                           \
    " created_at INTEGER NOT NULL) WITHOUT ROWID"

/* What version 4 added. */
/* Encryptions under the wrapping key of this master key, counted as they are kept (SEC-02). */
#define MASTER_SEALS " seals INTEGER NOT NULL DEFAULT 0"
/* max_age and warn 0: none; `refuse`: past its age it is not given to anybody. */
#define SECRET                                                                                     \
    "CREATE TABLE secret(name TEXT PRIMARY KEY, max_age INTEGER NOT NULL, warn INTEGER NOT NULL,"  \
    " refuse INTEGER NOT NULL, created_at INTEGER NOT NULL) WITHOUT ROWID"
/* `blob` is the value under a data key of its own (SEC-01); until 0: no end. */
#define SECRET_VERSION                                                                             \
    "CREATE TABLE secret_version(name TEXT NOT NULL, version INTEGER NOT NULL, blob BLOB NOT "     \
    "NULL,"                                                                                        \
    " created_at INTEGER NOT NULL, until INTEGER NOT NULL, PRIMARY KEY(name, version))"            \
    " WITHOUT ROWID"
/* That data key, under each of the master keys. */
#define SECRET_KEY                                                                                 \
    "CREATE TABLE secret_key(name TEXT NOT NULL, version INTEGER NOT NULL, master BLOB NOT NULL,"  \
    " blob BLOB NOT NULL, PRIMARY KEY(name, version, master)) WITHOUT ROWID"
/* Somebody else may have it: what lay under it is made anew as it retires (SEC-07). */
#define MASTER_COMPROMISED " compromised INTEGER NOT NULL DEFAULT 0"

/* What version 5 added, behind those. */
/* What requests are judged by.  `digest` and `size` are of what was compiled of it, a file of
 * pub/api, and `release` the program that did that; `edition` a number that no other one ever had.
 */
#define API                                                                                        \
    "CREATE TABLE api(name TEXT PRIMARY KEY, edition INTEGER NOT NULL, kind TEXT NOT NULL,"        \
    " title TEXT NOT NULL, version TEXT NOT NULL, digest BLOB NOT NULL, size INTEGER NOT NULL,"    \
    " release TEXT NOT NULL, created_at INTEGER NOT NULL, changed_at INTEGER NOT NULL)"            \
    " WITHOUT ROWID"
/* Document `n` of its bundle, in parts, which no row of a store can be too small for. */
#define API_SOURCE                                                                                 \
    "CREATE TABLE api_source(api TEXT NOT NULL, n INTEGER NOT NULL, part INTEGER NOT NULL,"        \
    " uri TEXT NOT NULL, text BLOB NOT NULL, PRIMARY KEY(api, n, part)) WITHOUT ROWID"
/* Files of pub/api that no API names any more, and since when. */
#define API_GONE "CREATE TABLE api_gone(digest BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID"

static const struct {
    int in; /* which databases have it */
    const char *sql;
} tables[] = {
    /* One row.  `base` is the generation of the last complete copy; `deltas`: changes since then
     * are published beside it. */
    {ALL, "CREATE TABLE meta(one INTEGER PRIMARY KEY CHECK(one = 1), store_id BLOB NOT NULL,"
          " prefix TEXT NOT NULL, generation INTEGER NOT NULL, base INTEGER NOT NULL,"
          " deltas INTEGER NOT NULL, imports INTEGER NOT NULL, created_at INTEGER NOT NULL)"},
    /* Every master key that can open the store, told by its public id. */
    {ALL, "CREATE TABLE master(id BLOB PRIMARY KEY, check_value BLOB NOT NULL,"
          " mac BLOB NOT NULL, created_at INTEGER NOT NULL," MASTER_SEALS "," MASTER_COMPROMISED
          ") WITHOUT ROWID"},
    /* Random keys of the store, sealed under each of those. */
    {ALL, "CREATE TABLE wrapped(purpose TEXT NOT NULL, version INTEGER NOT NULL, master BLOB"
          " NOT NULL, blob BLOB NOT NULL, created_at INTEGER NOT NULL,"
          " PRIMARY KEY(purpose, version, master)) WITHOUT ROWID"},
    {ALL, "CREATE TABLE role(name TEXT PRIMARY KEY, created_at INTEGER NOT NULL,"
          " max_age INTEGER NOT NULL, warn INTEGER NOT NULL," ROLE_PLAN "," ROLE_PRIORITY
          ") WITHOUT ROWID"},
    {ALL, "CREATE TABLE role_grant(role TEXT NOT NULL, text TEXT NOT NULL, deny INTEGER NOT NULL,"
          " PRIMARY KEY(role, text)) WITHOUT ROWID"},
    {ALL, "CREATE TABLE role_parent(role TEXT NOT NULL, parent TEXT NOT NULL,"
          " PRIMARY KEY(role, parent)) WITHOUT ROWID"},
    /* `record` is all that a request needs, in the form of record.h: reading one column costs
     * 450 instructions, reading twenty would cost more than finding the row. */
    {ALL, "CREATE TABLE key(id TEXT PRIMARY KEY, name TEXT NOT NULL, record BLOB NOT NULL)"
          " WITHOUT ROWID"},
    /* Keys of the complete copy that are there no more. */
    {DELTA, "CREATE TABLE key_gone(id TEXT PRIMARY KEY) WITHOUT ROWID"},
    {STORE, "CREATE UNIQUE INDEX key_name ON key(name)"},
    /* Keys that were made, changed or deleted since the last complete copy. */
    {STORE, "CREATE TABLE key_changed(id TEXT PRIMARY KEY) WITHOUT ROWID"},
    {STORE, "CREATE TABLE change(n INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL,"
            " uid INTEGER NOT NULL, login TEXT NOT NULL, sudo TEXT NOT NULL, tty TEXT NOT NULL,"
            " host TEXT NOT NULL, command TEXT NOT NULL, subject TEXT NOT NULL, old TEXT NOT NULL,"
            " new TEXT NOT NULL)"},
    /* By AUTOINCREMENT. */
    {STORE | SQLITES, "CREATE TABLE sqlite_sequence(name,seq)"},
    {ALL, PLAN},
    {ALL, PLAN_LIMIT},
    {ALL, PLAN_EARLIER},
    {ALL, ADJUST},
    {ALL, ISSUER},
    {ALL, TOKEN_GONE},
    {ALL, WEBHOOK},
    {ALL, SIGNER},
    {ALL, CERTIFICATE},
    {ALL, SECRET},
    {ALL, SECRET_VERSION},
    {ALL, SECRET_KEY},
    {ALL, API},
    {STORE, API_SOURCE},
    {STORE, API_GONE},
};

enum { TABLES = sizeof tables / sizeof *tables };

static bool is_in(int table, enum aps_schema_kind kind)
{
    return (tables[table].in & 1 << kind) != 0;
}

/* The first table of the kind from number `n` on, or TABLES. */
static int next_of(int n, enum aps_schema_kind kind)
{
    while (n < TABLES && !is_in(n, kind))
        n++;
    return n;
}

#define TEXT_OF(x) #x
#define NUMBER_TEXT(x) TEXT_OF(x)

enum aps_err aps_schema_make(sqlite3 *db, enum aps_schema_kind kind, struct aps_diag *diag)
{
    enum aps_err err = aps_db_exec(
        db,
        "PRAGMA application_id = " NUMBER_TEXT(
            APS_SCHEMA_APP_ID) ";"
                               "PRAGMA user_version = " NUMBER_TEXT(APS_SCHEMA_VERSION) ";",
        diag);
    for (int i = 0; err == APS_OK && i < TABLES; i++)
        if (is_in(i, kind) && !(tables[i].in & SQLITES))
            err = aps_db_exec(db, tables[i].sql, diag);
    return err;
}

enum aps_err aps_schema_to_2(sqlite3 *db, void *arg, struct aps_diag *diag)
{
    (void)arg; /* nothing is opened */
    return aps_db_exec(db,
                       "ALTER TABLE role ADD COLUMN" ROLE_PLAN ";"
                       "ALTER TABLE role ADD COLUMN" ROLE_PRIORITY ";" PLAN ";" PLAN_LIMIT
                       ";" PLAN_EARLIER ";" ADJUST,
                       diag);
}

enum aps_err aps_schema_to_3(sqlite3 *db, void *arg, struct aps_diag *diag)
{
    (void)arg; /* nothing is opened */
    return aps_db_exec(
        db, ISSUER ";" TOKEN_GONE ";" SECRET_3 ";" WEBHOOK ";" SIGNER ";" CERTIFICATE, diag);
}

enum aps_err aps_schema_to_4(sqlite3 *db, struct aps_diag *diag)
{
    return aps_db_exec(db,
                       "ALTER TABLE master ADD COLUMN" MASTER_SEALS ";"
                       "ALTER TABLE master ADD COLUMN" MASTER_COMPROMISED ";"
                       "UPDATE master SET seals = (SELECT count(*) FROM wrapped AS w"
                       " WHERE w.master = master.id);"
                       "CREATE TEMP TABLE secret_3 AS SELECT * FROM main.secret;"
                       "DROP TABLE main.secret;" SECRET ";" SECRET_VERSION ";" SECRET_KEY,
                       diag);
}

enum aps_err aps_schema_to_5(sqlite3 *db, void *arg, struct aps_diag *diag)
{
    (void)arg; /* nothing is opened */
    return aps_db_exec(db, API ";" API_SOURCE ";" API_GONE, diag);
}

enum aps_err aps_schema_version(sqlite3 *db, int64_t *out, struct aps_diag *diag)
{
    int64_t id = 0;
    enum aps_err err = aps_db_number(db, "PRAGMA application_id", 0, &id, diag);
    if (err == APS_OK && id != APS_SCHEMA_APP_ID) {
        aps_err_explain(diag, "%s is not a store: its application id is %lld",
                        sqlite3_db_filename(db, "main"), (long long)id);
        err = APS_ERR_CORRUPT;
    }
    return err == APS_OK ? aps_db_number(db, "PRAGMA user_version", 0, out, diag) : err;
}

enum aps_err aps_schema_check(sqlite3 *db, enum aps_schema_kind kind, struct aps_diag *diag)
{
    struct aps_sql q;
    int64_t version = 0;
    bool same = true;
    int n = 0;
    enum aps_err err = aps_schema_version(db, &version, diag);
    const char *path = sqlite3_db_filename(db, "main");

    if (err != APS_OK)
        return err;
    if (version > APS_SCHEMA_VERSION) {
        aps_err_explain(diag, "%s has schema version %lld, this program knows up to %d: upgrade it",
                        path, (long long)version, APS_SCHEMA_VERSION);
        return APS_ERR_NEWER;
    }
    if (version < APS_SCHEMA_VERSION) {
        aps_err_explain(diag, "%s has schema version %lld, this program needs %d%s", path,
                        (long long)version, APS_SCHEMA_VERSION, aps_db_mend(db));
        return APS_ERR_CORRUPT;
    }
    aps_sql_begin(&q, db, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid");
    while (aps_sql_row(&q)) {
        n = next_of(n, kind);
        same = same && n < TABLES && aps_str_eq(aps_sql_get_str(&q, 0), aps_str(tables[n].sql));
        n += n < TABLES;
    }
    if ((err = aps_sql_end(&q, diag)) != APS_OK)
        return err;
    if (same && next_of(n, kind) == TABLES)
        return APS_OK;
    aps_err_explain(diag, "%s does not have the tables of schema version %d%s", path,
                    APS_SCHEMA_VERSION, aps_db_mend(db));
    return APS_ERR_CORRUPT;
}
