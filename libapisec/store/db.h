/* db.h - SQLite as this folder uses it: hardened connections, and queries that keep their error.
 *
 * Nothing here touches settings that all users of SQLite in a process share.
 * Threads: a connection belongs to one thread at a time.  Processes: never across fork (SEC-17). */
#ifndef APISEC_STORE_DB_H
#define APISEC_STORE_DB_H

#include <sqlite3.h>

#include "apisec/err.h"
#include "apisec/str.h"

enum aps_db_mode {
    APS_DB_EDIT, /* an existing file, to read and write; 0600 journal, secure_delete, full sync */
    APS_DB_MAKE, /* an empty file that nobody else sees yet: no journal, no sync */
    APS_DB_COPY, /* a published copy: read-only, immutable, no locks */
};

/* `path` is absolute and without symlinks.  The caller closes. */
APS_MUST_CHECK enum aps_err aps_db_open(const char *path, enum aps_db_mode mode, sqlite3 **out,
                                        struct aps_diag *diag);
/* NULL is fine. */
void aps_db_close(sqlite3 *db);

/* What SQLite's result means, and its sentence beginning with the database's path. */
enum aps_err aps_db_fail(sqlite3 *db, int rc, struct aps_diag *diag);

/* Static SQL without values. */
APS_MUST_CHECK enum aps_err aps_db_exec(sqlite3 *db, const char *sql, struct aps_diag *diag);

/* Undo the open transaction, if there is one.  Its own failure is left untold: the failure that led
 * here is the one to tell, and closing the connection undoes it too. */
void aps_db_rollback(sqlite3 *db);

/* A query from begin to end:
 *     aps_query_begin(&q, db, "SELECT name FROM role WHERE created_at < ?");
 *     aps_query_i64(&q, now);
 *     while (aps_query_row(&q))
 *         use(aps_query_get_str(&q, 0));
 *     err = aps_query_end(&q, diag);
 * A failure ends the rows and is told by the end, which is always called. */
struct aps_query {
    sqlite3 *db;
    sqlite3_stmt *stmt;
    int bound;
    int rc;
};
void aps_query_begin(struct aps_query *q, sqlite3 *db, const char *sql);
/* Bind the next value; texts and blobs are borrowed until the end. */
void aps_query_str(struct aps_query *q, struct aps_str value);
void aps_query_blob(struct aps_query *q, const void *p, size_t n);
void aps_query_i64(struct aps_query *q, int64_t value);
bool aps_query_row(struct aps_query *q);
/* Columns of the present row, from 0; borrowed until the next row. */
struct aps_str aps_query_get_str(struct aps_query *q, int column);
int64_t aps_query_get_i64(struct aps_query *q, int column);
APS_MUST_CHECK enum aps_err aps_query_end(struct aps_query *q, struct aps_diag *diag);
/* For a statement without rows: run it, end it. */
APS_MUST_CHECK enum aps_err aps_query_run(struct aps_query *q, struct aps_diag *diag);

/* One number: the first column of the first row, or `none`. */
APS_MUST_CHECK enum aps_err aps_db_number(sqlite3 *db, const char *sql, int64_t none, int64_t *out,
                                          struct aps_diag *diag);

#endif
