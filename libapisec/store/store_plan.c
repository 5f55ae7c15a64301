/* store_plan.c - plans and their limits; each change with its change row. */
#include <apr_tables.h>

#include "own.h"

/* ---- reading ---- */

enum aps_err aps_store_plan_exists(struct aps_store *st, struct aps_str name, struct aps_diag *diag)
{
    struct aps_sql q;
    bool has;
    enum aps_err err;

    aps_sql_begin(&q, st->db, "SELECT 1 FROM plan WHERE name = ?");
    aps_sql_str(&q, name);
    has = aps_sql_row(&q);
    if ((err = aps_sql_end(&q, diag)) == APS_OK && !has) {
        aps_err_explain(diag, "there is no plan \"%.*s\"; `plan list` shows them",
                        APS_STR_SHOW(name));
        err = APS_ERR_NOT_FOUND;
    }
    return err;
}

enum aps_err aps_store_plan_each(struct aps_store *st, aps_store_plan_fn fn, void *arg,
                                 struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err = APS_OK, end;

    aps_sql_begin(&q, st->db, "SELECT name FROM plan ORDER BY name");
    while (err == APS_OK && aps_sql_row(&q))
        err = fn(arg, aps_sql_get_str(&q, 0));
    end = aps_sql_end(&q, err == APS_OK ? diag : NULL);
    return err != APS_OK ? err : end;
}

static enum aps_err load_limits(struct aps_store *st, struct aps_str plan, apr_pool_t *pool,
                                apr_array_header_t *to, struct aps_diag *diag)
{
    struct aps_sql q;

    aps_sql_begin(&q, st->db,
                  "SELECT name, text, edition FROM plan_limit WHERE plan = ?"
                  " ORDER BY position");
    aps_sql_str(&q, plan);
    while (aps_sql_row(&q))
        APR_ARRAY_PUSH(to, struct aps_store_plan_limit) = (struct aps_store_plan_limit){
            .name = aps_str_copy(pool, aps_sql_get_str(&q, 0)),
            .text = aps_str_copy(pool, aps_sql_get_str(&q, 1)),
            .edition = (uint64_t)aps_sql_get_i64(&q, 2),
        };
    return aps_sql_end(&q, diag);
}

static enum aps_err load_earlier(struct aps_store *st, struct aps_str plan, apr_pool_t *pool,
                                 struct aps_store_plan_limit *limit, struct aps_diag *diag)
{
    struct aps_sql q;

    aps_sql_begin(&q, st->db,
                  "SELECT text, changed_at, until FROM plan_earlier WHERE plan = ? AND name = ?"
                  " ORDER BY n");
    aps_sql_str(&q, plan);
    aps_sql_str(&q, limit->name);
    while (limit->nearlier < APS_PLAN_EARLIER_MAX && aps_sql_row(&q))
        limit->earlier[limit->nearlier++] = (struct aps_store_plan_earlier){
            .text = aps_str_copy(pool, aps_sql_get_str(&q, 0)),
            .changed_at = aps_sql_get_i64(&q, 1),
            .until = aps_sql_get_i64(&q, 2),
        };
    return aps_sql_end(&q, diag);
}

/* The row of the plan itself; NOT_FOUND. */
static enum aps_err load_head(struct aps_store *st, struct aps_str name, apr_pool_t *pool,
                              struct aps_store_plan *out, struct aps_diag *diag)
{
    struct aps_sql q;
    bool has;
    enum aps_err err;

    aps_sql_begin(&q, st->db, "SELECT description, created_at FROM plan WHERE name = ?");
    aps_sql_str(&q, name);
    if ((has = aps_sql_row(&q)))
        *out = (struct aps_store_plan){
            .name = aps_str_copy(pool, name),
            .description = aps_str_copy(pool, aps_sql_get_str(&q, 0)),
            .created_at = aps_sql_get_i64(&q, 1),
        };
    err = aps_sql_end(&q, diag);
    return err == APS_OK && !has ? aps_store_plan_exists(st, name, diag) : err;
}

enum aps_err aps_store_plan_get(struct aps_store *st, struct aps_str name, apr_pool_t *pool,
                                struct aps_store_plan *out, struct aps_diag *diag)
{
    apr_array_header_t *list = apr_array_make(pool, 4, sizeof(struct aps_store_plan_limit));
    struct aps_store_plan plan = {{NULL, 0}, {NULL, 0}, 0, 0, NULL};
    enum aps_err err;

    if ((err = load_head(st, name, pool, &plan, diag)) != APS_OK ||
        (err = load_limits(st, name, pool, list, diag)) != APS_OK)
        return err;
    for (int i = 0; err == APS_OK && i < list->nelts; i++)
        err = load_earlier(st, name, pool, &APR_ARRAY_IDX(list, i, struct aps_store_plan_limit),
                           diag);
    if (err != APS_OK)
        return err;
    plan.n = (size_t)list->nelts;
    plan.limits = (const struct aps_store_plan_limit *)(const void *)list->elts;
    *out = plan;
    return APS_OK;
}

/* ---- the change log's form ---- */

static struct aps_str describe(struct aps_store *st, const struct aps_store_plan *plan)
{
    struct aps_json w;

    aps_json_init_pool(&w, st->pool, 0);
    aps_json_object(&w);
    aps_json_name(&w, "plan");
    aps_json_str(&w, plan->name);
    if (plan->description.n != 0) {
        aps_json_name(&w, "description");
        aps_json_str(&w, plan->description);
    }
    aps_json_name(&w, "limits");
    aps_json_array(&w);
    for (size_t i = 0; i < plan->n; i++)
        aps_json_str(&w, plan->limits[i].text);
    aps_json_end(&w);
    aps_json_end(&w);
    return aps_json_text(&w);
}

/* The change row from `old`, which is NULL for a new plan, to what is stored now. */
static enum aps_err log_plan(struct aps_store *st, struct aps_str name,
                             const struct aps_store_plan *old, struct aps_diag *diag)
{
    struct aps_store_plan now;
    enum aps_err err = aps_store_plan_get(st, name, st->pool, &now, diag);

    if (err != APS_OK)
        return err;
    return aps_store_change_put(st, name, old != NULL ? describe(st, old) : (struct aps_str){0},
                                describe(st, &now), diag);
}

/* ---- a whole plan ---- */

/* All limits of a change, read; each name once.  In st->pool. */
static enum aps_err read_limits(struct aps_store *st, const struct aps_str *texts, size_t n,
                                struct aps_limit **out, struct aps_diag *diag)
{
    struct aps_limit *limits = apr_pcalloc(st->pool, (n + 1) * sizeof *limits);
    enum aps_err err = APS_OK;

    for (size_t i = 0; err == APS_OK && i < n; i++) {
        err = aps_store_plan_limit_read(texts[i], st->pool, &limits[i], diag);
        for (size_t k = 0; err == APS_OK && k < i; k++)
            if (aps_str_eq(limits[k].name, limits[i].name)) {
                aps_err_explain(diag, "limit \"%.*s\" is given twice", APS_STR_ARG(limits[i].name));
                err = APS_ERR_FORMAT;
            }
    }
    if (err == APS_OK)
        *out = limits;
    return err;
}

static enum aps_err check_count(struct aps_store *st, struct aps_str plan, struct aps_diag *diag)
{
    struct aps_sql q;
    int64_t n = 0;
    enum aps_err err;

    aps_sql_begin(&q, st->db, "SELECT count(*) FROM plan_limit WHERE plan = ?");
    aps_sql_str(&q, plan);
    if (aps_sql_row(&q))
        n = aps_sql_get_i64(&q, 0);
    if ((err = aps_sql_end(&q, diag)) != APS_OK)
        return err;
    if (n == 0) {
        aps_err_explain(diag,
                        "plan \"%.*s\" would have no limit left, and a plan without one would let "
                        "its callers do anything",
                        APS_STR_ARG(plan));
        return APS_ERR_CONFLICT;
    }
    if (n > APS_PLAN_LIMITS_MAX) {
        aps_err_explain(diag, "%lld limits: a plan has at most %d", (long long)n,
                        APS_PLAN_LIMITS_MAX);
        return APS_ERR_RANGE;
    }
    return APS_OK;
}

static enum aps_err check_name(struct aps_str name, struct aps_diag *diag)
{
    if (aps_str_is_name(name) && !aps_str_eq(name, APS_STR_LIT("none")))
        return APS_OK;
    aps_err_explain(diag,
                    "plan \"%.*s\": want 1 to 64 letters, digits or . _ - beginning with a letter "
                    "or digit, and not none",
                    APS_STR_SHOW(name));
    return APS_ERR_FORMAT;
}

static enum aps_err check_description(struct aps_str text, struct aps_diag *diag)
{
    if (text.n == 0 || aps_str_is_text(text))
        return APS_OK;
    aps_err_explain(diag,
                    "description \"%.*s\": want at most 128 bytes of UTF-8 without control "
                    "characters",
                    APS_STR_SHOW(text));
    return APS_ERR_FORMAT;
}

/* APS_ERR_EXISTS where there is one. */
static enum aps_err insert_plan(struct aps_store *st, const struct aps_store_plan *plan,
                                struct aps_diag *diag)
{
    struct aps_diag missing = {{0}}; /* what is hoped for is no fault */
    struct aps_sql q;
    enum aps_err err = aps_store_plan_exists(st, plan->name, &missing);

    if (err == APS_OK) {
        aps_err_explain(diag, "there is a plan \"%.*s\" already; `plan set` changes it",
                        APS_STR_ARG(plan->name));
        return APS_ERR_EXISTS;
    }
    if (err != APS_ERR_NOT_FOUND) {
        aps_err_explain(diag, "%s", aps_err_say(err, &missing));
        return err;
    }
    aps_sql_begin(&q, st->db, "INSERT INTO plan(name, description, created_at) VALUES(?, ?, ?)");
    aps_sql_str(&q, plan->name);
    aps_sql_str(&q, plan->description);
    aps_sql_i64(&q, plan->created_at);
    return aps_sql_run(&q, diag);
}

enum aps_err aps_store_plan_create(struct aps_store *st, struct aps_str name,
                                   struct aps_str description, const struct aps_str *limits,
                                   size_t n, struct aps_diag *diag)
{
    struct aps_store_plan plan = {.name = name, .description = description, .created_at = st->now};
    struct aps_limit *read = NULL;
    enum aps_err err;

    if ((err = check_name(name, diag)) != APS_OK ||
        (err = check_description(description, diag)) != APS_OK ||
        (err = aps_store_begin(st, diag)) != APS_OK ||
        (err = read_limits(st, limits, n, &read, diag)) != APS_OK ||
        (err = insert_plan(st, &plan, diag)) != APS_OK)
        return err;
    for (size_t i = 0; err == APS_OK && i < n; i++)
        err = aps_store_plan_limit_put(st, &plan, &read[i], diag);
    if (err == APS_OK)
        err = check_count(st, name, diag);
    return err == APS_OK ? log_plan(st, name, NULL, diag) : err;
}

/* A limit that is both put and dropped is a slip. */
static enum aps_err check_change(const struct aps_store_plan_change *change,
                                 const struct aps_limit *put, struct aps_diag *diag)
{
    for (size_t i = 0; i < change->ndrop; i++) {
        bool twice = false;

        for (size_t k = 0; k < change->nput; k++)
            twice = twice || aps_str_eq(put[k].name, change->drop[i]);
        for (size_t k = 0; k < i; k++)
            twice = twice || aps_str_eq(change->drop[k], change->drop[i]);
        if (twice) {
            aps_err_explain(diag, "limit \"%.*s\" is given twice", APS_STR_SHOW(change->drop[i]));
            return APS_ERR_FORMAT;
        }
    }
    return APS_OK;
}

static enum aps_err set_description(struct aps_store *st, struct aps_str name, struct aps_str text,
                                    struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err = check_description(text, diag);

    if (err != APS_OK)
        return err;
    aps_sql_begin(&q, st->db, "UPDATE plan SET description = ? WHERE name = ?");
    aps_sql_str(&q, text);
    aps_sql_str(&q, name);
    return aps_sql_run(&q, diag);
}

enum aps_err aps_store_plan_set(struct aps_store *st, struct aps_str name,
                                const struct aps_store_plan_change *change, struct aps_diag *diag)
{
    struct aps_store_plan old;
    struct aps_limit *put = NULL;
    enum aps_err err;

    if ((err = aps_store_begin(st, diag)) != APS_OK ||
        (err = aps_store_plan_get(st, name, st->pool, &old, diag)) != APS_OK ||
        (err = read_limits(st, change->put, change->nput, &put, diag)) != APS_OK ||
        (err = check_change(change, put, diag)) != APS_OK)
        return err;
    if (change->describes)
        err = set_description(st, name, change->description, diag);
    for (size_t i = 0; err == APS_OK && i < change->ndrop; i++)
        err = aps_store_plan_limit_drop(st, &old, change->drop[i], diag);
    for (size_t i = 0; err == APS_OK && i < change->nput; i++)
        err = aps_store_plan_limit_put(st, &old, &put[i], diag);
    if (err == APS_OK)
        err = check_count(st, name, diag);
    return err == APS_OK ? log_plan(st, name, &old, diag) : err;
}

/* ---- deleting ---- */

static enum aps_err refuse_role(struct aps_store *st, struct aps_str name, struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err = APS_OK, end;

    aps_sql_begin(&q, st->db, "SELECT name FROM role WHERE plan = ? ORDER BY name LIMIT 1");
    aps_sql_str(&q, name);
    if (aps_sql_row(&q)) {
        struct aps_str role = aps_sql_get_str(&q, 0);

        aps_err_explain(diag,
                        "plan \"%.*s\" is that of role \"%.*s\": `role set %.*s --plan` gives that "
                        "another one, or none",
                        APS_STR_ARG(name), APS_STR_ARG(role), APS_STR_ARG(role));
        err = APS_ERR_CONFLICT;
    }
    end = aps_sql_end(&q, err == APS_OK ? diag : NULL);
    return err != APS_OK ? err : end;
}

static enum aps_err refuse_key(struct aps_store *st, struct aps_str name, struct aps_diag *diag)
{
    struct aps_key key;
    enum aps_err err = aps_store_key_page_plan(st, name, st->pool, &key, diag);
    bool dead;

    if (err != APS_OK)
        return err == APS_ERR_NOT_FOUND ? APS_OK : err;
    dead = key.status == APS_KEY_REVOKED;
    aps_err_explain(
        diag, "plan \"%.*s\" is that of %skey %.*s (\"%.*s\"): %s first", APS_STR_ARG(name),
        dead ? "the revoked " : "", APS_STR_ARG(key.id), APS_STR_ARG(key.name),
        dead ? "delete that key" : "give it another one, or none, with `key set --plan`");
    return APS_ERR_CONFLICT;
}

enum aps_err aps_store_plan_delete(struct aps_store *st, struct aps_str name, struct aps_diag *diag)
{
    static const char *const sql[] = {
        "DELETE FROM plan_earlier WHERE plan = ?",
        "DELETE FROM plan_limit WHERE plan = ?",
        "DELETE FROM plan WHERE name = ?",
    };
    struct aps_store_plan old;
    struct aps_sql q;
    enum aps_err err;

    if ((err = aps_store_begin(st, diag)) != APS_OK ||
        (err = aps_store_plan_get(st, name, st->pool, &old, diag)) != APS_OK ||
        (err = refuse_role(st, name, diag)) != APS_OK ||
        (err = refuse_key(st, name, diag)) != APS_OK)
        return err;
    for (size_t i = 0; err == APS_OK && i < sizeof sql / sizeof *sql; i++) {
        aps_sql_begin(&q, st->db, sql[i]);
        aps_sql_str(&q, name);
        err = aps_sql_run(&q, diag);
    }
    if (err != APS_OK)
        return err;
    return aps_store_change_put(st, name, describe(st, &old), (struct aps_str){0}, diag);
}
