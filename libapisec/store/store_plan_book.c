/* store_plan_book.c - every plan, ready to say which holds for whom. */
#include "own.h"

static enum aps_err load_plans(sqlite3 *db, struct aps_planbook *book, struct aps_diag *diag)
{
    struct aps_sql q;

    aps_sql_begin(&q, db, "SELECT name FROM plan ORDER BY name");
    while (aps_sql_row(&q))
        aps_planbook_add(book, aps_sql_get_str(&q, 0));
    return aps_sql_end(&q, diag);
}

static enum aps_err load_limits(sqlite3 *db, struct aps_planbook *book, struct aps_diag *diag)
{
    struct aps_sql q;

    aps_sql_begin(&q, db,
                  "SELECT plan, name, text, edition FROM plan_limit"
                  " ORDER BY plan, position");
    while (aps_sql_row(&q))
        aps_planbook_limit(book, aps_sql_get_str(&q, 0), aps_sql_get_str(&q, 1),
                           &(struct aps_planbook_text){
                               .text = aps_sql_get_str(&q, 2),
                               .edition = (uint64_t)aps_sql_get_i64(&q, 3),
                           });
    return aps_sql_end(&q, diag);
}

static enum aps_err load_earlier(sqlite3 *db, struct aps_planbook *book, struct aps_diag *diag)
{
    struct aps_sql q;

    aps_sql_begin(&q, db,
                  "SELECT plan, name, text, edition, changed_at, until FROM plan_earlier"
                  " ORDER BY plan, name, n");
    while (aps_sql_row(&q))
        aps_planbook_earlier(book, aps_sql_get_str(&q, 0), aps_sql_get_str(&q, 1),
                             &(struct aps_planbook_text){
                                 .text = aps_sql_get_str(&q, 2),
                                 .edition = (uint64_t)aps_sql_get_i64(&q, 3),
                                 .changed_at = aps_sql_get_i64(&q, 4),
                                 .until = aps_sql_get_i64(&q, 5),
                             });
    return aps_sql_end(&q, diag);
}

static enum aps_err load_roles(sqlite3 *db, struct aps_planbook *book, struct aps_diag *diag)
{
    struct aps_sql q;

    aps_sql_begin(&q, db, "SELECT name, plan, priority FROM role WHERE plan <> '' ORDER BY name");
    while (aps_sql_row(&q))
        aps_planbook_attach(book, aps_sql_get_str(&q, 0), aps_sql_get_str(&q, 1),
                            (uint32_t)aps_sql_get_i64(&q, 2));
    return aps_sql_end(&q, diag);
}

/* TZ files and clocks are the same for tool and server, so that both come to the same limits. */
enum aps_err aps_store_plan_book_load(sqlite3 *db, const struct aps_meta *meta, apr_pool_t *pool,
                                      struct aps_planbook **out, struct aps_diag *diag)
{
    struct aps_table_now now = {aps_clock_monotonic(), aps_clock_wall()};
    struct aps_planbook *book = aps_planbook_new(pool);
    enum aps_err err;

    if ((err = load_plans(db, book, diag)) != APS_OK ||
        (err = load_limits(db, book, diag)) != APS_OK ||
        (err = load_earlier(db, book, diag)) != APS_OK ||
        (err = load_roles(db, book, diag)) != APS_OK)
        return err;
    aps_planbook_seal(book, aps_meta_tag(meta), now);
    *out = book;
    return APS_OK;
}

enum aps_err aps_store_plan_book(struct aps_store *st, apr_pool_t *pool, struct aps_planbook **out,
                                 struct aps_diag *diag)
{
    /* All of one moment: a reader has no transaction of its own. */
    enum aps_err err = st->begun ? APS_OK : aps_db_exec(st->db, "BEGIN", diag);

    if (err == APS_OK)
        err = aps_store_plan_book_load(st->db, &st->meta, pool, out, diag);
    if (!st->begun)
        aps_db_rollback(st->db);
    return err;
}
