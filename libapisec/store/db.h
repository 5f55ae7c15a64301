/* db.h - SQLite as this folder uses it: hardened connections.
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
    APS_DB_LOOK, /* an existing file, to be read with locks and never changed */
};

/* `path` is absolute and without symlinks.  The caller closes. */
APS_MUST_CHECK enum aps_err aps_db_open(const char *path, enum aps_db_mode mode, sqlite3 **out,
                                        struct aps_diag *diag);
/* NULL is fine. */
void aps_db_close(sqlite3 *db);

/* Copy what is committed into the empty file `path`, page by page: VACUUM INTO would list tables
 * and indexes in another order, which is no schema of ours.  The caller syncs. */
APS_MUST_CHECK enum aps_err aps_db_copy(sqlite3 *db, const char *path, struct aps_diag *diag);

/* What SQLite's result means, and its sentence beginning with the database's path. */
enum aps_err aps_db_fail(sqlite3 *db, int rc, struct aps_diag *diag);
/* How a sentence about damage ends: the truth is restored from a backup; who opens a published copy
 * adds how it is made anew. */
const char *aps_db_mend(sqlite3 *db);

/* Static SQL without values. */
APS_MUST_CHECK enum aps_err aps_db_exec(sqlite3 *db, const char *sql, struct aps_diag *diag);

/* Undo the open transaction, if there is one.  Its own failure is left untold: the failure that led
 * here is the one to tell, and closing the connection undoes it too. */
void aps_db_rollback(sqlite3 *db);

/* One number: the first column of the first row, or `none`. */
APS_MUST_CHECK enum aps_err aps_db_number(sqlite3 *db, const char *sql, int64_t none, int64_t *out,
                                          struct aps_diag *diag);

#endif
