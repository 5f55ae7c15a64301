/* sql.c - queries that keep their error until their end. */
#include "sql.h"

void aps_sql_begin(struct aps_sql *q, sqlite3 *db, const char *sql)
{
    *q = (struct aps_sql){.db = db};
    q->rc = sqlite3_prepare_v2(db, sql, -1, &q->stmt, NULL);
}

void aps_sql_str(struct aps_sql *q, struct aps_str value)
{
    if (q->rc == SQLITE_OK)
        q->rc = sqlite3_bind_text64(q->stmt, ++q->bound, value.n != 0 ? value.p : "", value.n,
                                    SQLITE_STATIC, SQLITE_UTF8);
}

void aps_sql_blob(struct aps_sql *q, const void *p, size_t n)
{
    if (q->rc == SQLITE_OK)
        q->rc = sqlite3_bind_blob64(q->stmt, ++q->bound, n != 0 ? p : "", n, SQLITE_STATIC);
}

void aps_sql_i64(struct aps_sql *q, int64_t value)
{
    if (q->rc == SQLITE_OK)
        q->rc = sqlite3_bind_int64(q->stmt, ++q->bound, value);
}

bool aps_sql_row(struct aps_sql *q)
{
    if (q->rc != SQLITE_OK && q->rc != SQLITE_ROW)
        return false;
    q->rc = sqlite3_step(q->stmt);
    return q->rc == SQLITE_ROW;
}

struct aps_str aps_sql_get_str(struct aps_sql *q, int column)
{
    /* The pointer first: it may convert the value, and the length is of what it gave. */
    const char *p = sqlite3_column_blob(q->stmt, column);
    return (struct aps_str){p, (size_t)sqlite3_column_bytes(q->stmt, column)};
}

int64_t aps_sql_get_i64(struct aps_sql *q, int column)
{
    return sqlite3_column_int64(q->stmt, column);
}

void aps_sql_again(struct aps_sql *q, bool *out_conflict)
{
    *out_conflict = false;
    if (q->rc != SQLITE_OK)
        return;
    q->rc = sqlite3_step(q->stmt);
    *out_conflict = (q->rc & 0xff) == SQLITE_CONSTRAINT;
    if (q->rc == SQLITE_DONE || *out_conflict)
        q->rc = SQLITE_OK;
    (void)sqlite3_reset(q->stmt); /* tells the step's error once more */
    q->bound = 0;
}

enum aps_err aps_sql_end(struct aps_sql *q, struct aps_diag *diag)
{
    enum aps_err err = APS_OK;
    if (q->rc != SQLITE_OK && q->rc != SQLITE_ROW && q->rc != SQLITE_DONE)
        err = aps_db_fail(q->db, q->rc, diag);
    (void)sqlite3_finalize(q->stmt); /* tells the step's error once more */
    *q = (struct aps_sql){0};
    return err;
}

enum aps_err aps_sql_run(struct aps_sql *q, struct aps_diag *diag)
{
    while (aps_sql_row(q))
        continue;
    return aps_sql_end(q, diag);
}
