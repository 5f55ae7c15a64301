/* store_plan_limit.c - a limit of a plan: what it says, and what it said before. */
#include "own.h"

#define SPAN_MIN (5 * APS_MINUTE)

enum aps_err aps_store_plan_limit_read(struct aps_str text, apr_pool_t *pool, struct aps_limit *out,
                                       struct aps_diag *diag)
{
    struct aps_limit limit;
    enum aps_err err;

    if ((err = aps_plan_parse(pool, text, &limit, diag)) != APS_OK)
        return err;
    if (limit.text.n > APS_LIMIT_TEXT_MAX) {
        aps_err_explain(diag, "limit \"%.*s\": its %zu bytes are more than %d",
                        APS_STR_SHOW(limit.name), limit.text.n, APS_LIMIT_TEXT_MAX);
        return APS_ERR_RANGE;
    }
    if ((err = aps_plan_check(pool, &limit, diag)) == APS_OK)
        *out = limit;
    return err;
}

/* How long what the limit said before stays of use.  Processes of httpd need a moment to learn that
 * it says something else, however short its own memory is. */
static enum aps_err span_of(struct aps_str text, apr_pool_t *pool, aps_nsec *out,
                            struct aps_diag *diag)
{
    struct aps_limit limit;
    aps_nsec span;

    if (aps_plan_parse(pool, text, &limit, diag) != APS_OK)
        return APS_ERR_CORRUPT; /* what was stored was checked */
    span = aps_plan_span(&limit);
    *out = span > SPAN_MIN ? span : SPAN_MIN;
    return APS_OK;
}

/* What the limit said, before it says something else or goes: the newest of the earlier ones. */
static enum aps_err push_earlier(struct aps_store *st, struct aps_str plan,
                                 const struct aps_store_plan_limit *old, struct aps_diag *diag)
{
    struct aps_sql q;
    aps_nsec span = 0;
    enum aps_err err = span_of(old->text, st->pool, &span, diag);

    /* From the highest number down, so that no two are ever the same. */
    for (int n = APS_PLAN_EARLIER_MAX; err == APS_OK && n > 0; n--) {
        aps_sql_begin(&q, st->db,
                      n == APS_PLAN_EARLIER_MAX
                          ? "DELETE FROM plan_earlier WHERE plan = ? AND name = ? AND n >= ?"
                          : "UPDATE plan_earlier SET n = n + 1 WHERE plan = ? AND name = ?"
                            " AND n = ?");
        aps_sql_str(&q, plan);
        aps_sql_str(&q, old->name);
        aps_sql_i64(&q, n);
        err = aps_sql_run(&q, diag);
    }
    if (err != APS_OK)
        return err;
    aps_sql_begin(&q, st->db,
                  "INSERT INTO plan_earlier(plan, name, n, text, edition, changed_at, until)"
                  " VALUES(?, ?, 1, ?, ?, ?, ?)");
    aps_sql_str(&q, plan);
    aps_sql_str(&q, old->name);
    aps_sql_str(&q, old->text);
    aps_sql_i64(&q, (int64_t)old->edition);
    aps_sql_i64(&q, st->now);
    aps_sql_i64(&q, st->now + span);
    return aps_sql_run(&q, diag);
}

/* Those whose consumption cannot matter any more, of all plans. */
static enum aps_err drop_earlier(struct aps_store *st, struct aps_diag *diag)
{
    struct aps_sql q;

    aps_sql_begin(&q, st->db, "DELETE FROM plan_earlier WHERE until <= ?");
    aps_sql_i64(&q, st->now);
    return aps_sql_run(&q, diag);
}

/* Behind those that are there, or in place of the one of its name. */
static enum aps_err write_limit(struct aps_store *st, struct aps_str plan,
                                const struct aps_limit *limit, struct aps_diag *diag)
{
    struct aps_sql q;
    int64_t edition = 0;
    enum aps_err err = aps_store_change_next(st, &edition, diag);

    if (err != APS_OK)
        return err;
    aps_sql_begin(&q, st->db,
                  "INSERT INTO plan_limit(plan, name, position, text, edition)"
                  " VALUES(?1, ?2, (SELECT coalesce(max(position), 0) + 1 FROM plan_limit"
                  " WHERE plan = ?1), ?3, ?4)"
                  " ON CONFLICT(plan, name) DO UPDATE SET text = excluded.text,"
                  " edition = excluded.edition");
    aps_sql_str(&q, plan);
    aps_sql_str(&q, limit->name);
    aps_sql_str(&q, limit->text);
    aps_sql_i64(&q, edition);
    return aps_sql_run(&q, diag);
}

static const struct aps_store_plan_limit *find_limit(const struct aps_store_plan *plan,
                                                     struct aps_str name)
{
    for (size_t i = 0; i < plan->n; i++)
        if (aps_str_eq(plan->limits[i].name, name))
            return &plan->limits[i];
    return NULL;
}

enum aps_err aps_store_plan_limit_put(struct aps_store *st, const struct aps_store_plan *plan,
                                      const struct aps_limit *limit, struct aps_diag *diag)
{
    const struct aps_store_plan_limit *old = find_limit(plan, limit->name);
    enum aps_err err = APS_OK;

    if (old != NULL && aps_str_eq(old->text, limit->text))
        return APS_OK;
    if (old != NULL)
        err = push_earlier(st, plan->name, old, diag);
    if (err == APS_OK)
        err = drop_earlier(st, diag);
    return err == APS_OK ? write_limit(st, plan->name, limit, diag) : err;
}

enum aps_err aps_store_plan_limit_drop(struct aps_store *st, const struct aps_store_plan *plan,
                                       struct aps_str name, struct aps_diag *diag)
{
    const struct aps_store_plan_limit *old = find_limit(plan, name);
    struct aps_sql q;
    enum aps_err err;

    if (old == NULL) {
        aps_err_explain(diag,
                        "plan \"%.*s\" has no limit \"%.*s\" to take away; `plan show` tells what "
                        "it has",
                        APS_STR_ARG(plan->name), APS_STR_SHOW(name));
        return APS_ERR_NOT_FOUND;
    }
    if ((err = push_earlier(st, plan->name, old, diag)) != APS_OK)
        return err;
    aps_sql_begin(&q, st->db, "DELETE FROM plan_limit WHERE plan = ? AND name = ?");
    aps_sql_str(&q, plan->name);
    aps_sql_str(&q, name);
    return aps_sql_run(&q, diag);
}
