/* store_plan_use.c - which keys and roles name a plan. */
#include <apr_hash.h>
#include <apr_tables.h>

#include "own.h"

/* What is counted, by name of plan. */
struct count {
    struct aps_store_plan_use use;
    apr_array_header_t *roles; /* of struct aps_str */
};

struct counting {
    apr_pool_t *pool;
    apr_hash_t *by_name;
    apr_array_header_t *all; /* of struct count *, in order of name */
};

static struct count *find(struct counting *c, struct aps_str plan)
{
    return apr_hash_get(c->by_name, plan.p, (apr_ssize_t)plan.n);
}

static enum aps_err add_plan(void *arg, struct aps_str name)
{
    struct counting *c = arg;
    struct count *one = apr_pcalloc(c->pool, sizeof *one);

    one->use.plan = aps_str_copy(c->pool, name);
    one->roles = apr_array_make(c->pool, 2, sizeof(struct aps_str));
    apr_hash_set(c->by_name, one->use.plan.p, (apr_ssize_t)name.n, one);
    APR_ARRAY_PUSH(c->all, struct count *) = one;
    return APS_OK;
}

static enum aps_err count_roles(struct aps_store *st, struct counting *c, struct aps_diag *diag)
{
    struct aps_sql q;

    aps_sql_begin(&q, st->db, "SELECT plan, name FROM role WHERE plan <> '' ORDER BY name");
    while (aps_sql_row(&q)) {
        struct count *one = find(c, aps_sql_get_str(&q, 0));

        if (one != NULL)
            APR_ARRAY_PUSH(one->roles, struct aps_str) =
                aps_str_copy(c->pool, aps_sql_get_str(&q, 1));
    }
    return aps_sql_end(&q, diag);
}

/* Records of the first form (record.h) name no plan, and are not decoded. */
static enum aps_err count_keys(struct aps_store *st, struct counting *c, struct aps_diag *diag)
{
    apr_pool_t *row = aps_store_pool();
    struct aps_sql q;
    enum aps_err err = APS_OK, end;

    if (row == NULL)
        return APS_ERR_NOMEM;
    aps_sql_begin(&q, st->db,
                  "SELECT id, name, record FROM key WHERE substr(record, 1, 1) <> x'01'");
    while (err == APS_OK && aps_sql_row(&q)) {
        struct aps_key key;
        struct count *one;

        apr_pool_clear(row);
        if ((err = aps_store_key_read(&q, row, &key, diag)) == APS_OK &&
            (one = find(c, key.plan)) != NULL)
            one->use.keys++;
    }
    end = aps_sql_end(&q, err == APS_OK ? diag : NULL);
    apr_pool_destroy(row);
    return err != APS_OK ? err : end;
}

enum aps_err aps_store_plan_uses(struct aps_store *st, apr_pool_t *pool,
                                 const struct aps_store_plan_use **out, size_t *out_n,
                                 struct aps_diag *diag)
{
    struct counting c = {pool, apr_hash_make(pool),
                         apr_array_make(pool, 8, sizeof(struct count *))};
    struct aps_store_plan_use *uses;
    enum aps_err err;

    if ((err = aps_store_plan_each(st, add_plan, &c, diag)) != APS_OK ||
        (err = count_roles(st, &c, diag)) != APS_OK || (err = count_keys(st, &c, diag)) != APS_OK)
        return err;
    uses = apr_palloc(pool, ((size_t)c.all->nelts + 1) * sizeof *uses);
    for (int i = 0; i < c.all->nelts; i++) {
        struct count *one = APR_ARRAY_IDX(c.all, i, struct count *);

        uses[i] = one->use;
        uses[i].roles = (const struct aps_str *)(const void *)one->roles->elts;
        uses[i].nroles = (size_t)one->roles->nelts;
    }
    *out = uses;
    *out_n = (size_t)c.all->nelts;
    return APS_OK;
}
