/* sql.h - queries that keep their error until their end.
 *
 * Static text with bound values, never text that was put together.
 * Threads: a query belongs to the thread that its connection belongs to. */
#ifndef APISEC_STORE_SQL_H
#define APISEC_STORE_SQL_H

#include "db.h"

/* A query from begin to end:
 *     aps_sql_begin(&q, db, "SELECT name FROM role WHERE created_at < ?");
 *     aps_sql_i64(&q, now);
 *     while (aps_sql_row(&q))
 *         use(aps_sql_get_str(&q, 0));
 *     err = aps_sql_end(&q, diag);
 * A failure ends the rows and is told by the end, which is always called. */
struct aps_sql {
    sqlite3 *db;
    sqlite3_stmt *stmt;
    int bound;
    int rc;
};
void aps_sql_begin(struct aps_sql *q, sqlite3 *db, const char *sql);
/* Bind the next value; texts and blobs are borrowed until the end. */
void aps_sql_str(struct aps_sql *q, struct aps_str value);
void aps_sql_blob(struct aps_sql *q, const void *p, size_t n);
void aps_sql_i64(struct aps_sql *q, int64_t value);
bool aps_sql_row(struct aps_sql *q);
/* Columns of the present row, from 0; borrowed until the next row. */
struct aps_str aps_sql_get_str(struct aps_sql *q, int column);
int64_t aps_sql_get_i64(struct aps_sql *q, int column);
APS_MUST_CHECK enum aps_err aps_sql_end(struct aps_sql *q, struct aps_diag *diag);
/* For a statement without rows: run it, end it. */
APS_MUST_CHECK enum aps_err aps_sql_run(struct aps_sql *q, struct aps_diag *diag);
/* Run a statement without rows, and make it ready to be bound anew.  *out_conflict: a constraint
 * forbids it, and nothing was done; any other failure is kept and told by the end. */
void aps_sql_again(struct aps_sql *q, bool *out_conflict);

#endif
