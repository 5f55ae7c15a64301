/* store_role_plan.c - the plan of a role's keys. */
#include "own.h"

enum aps_err aps_store_role_plan_get(struct aps_store *st, struct aps_str role, apr_pool_t *pool,
                                     struct aps_store_role_plan *out, struct aps_diag *diag)
{
    struct aps_store_role_plan plan = {{NULL, 0}, 0};
    struct aps_sql q;
    enum aps_err err = aps_store_role_exists(st, role, diag);

    if (err != APS_OK)
        return err;
    aps_sql_begin(&q, st->db, "SELECT plan, priority FROM role WHERE name = ?");
    aps_sql_str(&q, role);
    if (aps_sql_row(&q)) {
        plan.plan = aps_str_copy(pool, aps_sql_get_str(&q, 0));
        plan.priority = (uint32_t)aps_sql_get_i64(&q, 1);
    }
    if ((err = aps_sql_end(&q, diag)) == APS_OK)
        *out = plan;
    return err;
}

static struct aps_str describe(struct aps_store *st, struct aps_str role,
                               const struct aps_store_role_plan *plan)
{
    struct aps_json w;

    aps_json_init_pool(&w, st->pool, 0);
    aps_json_object(&w);
    aps_json_name(&w, "role");
    aps_json_str(&w, role);
    aps_json_name(&w, "plan");
    aps_json_str(&w, plan->plan.n != 0 ? plan->plan : APS_STR_LIT("none"));
    aps_json_put_u64(&w, "priority", plan->priority);
    aps_json_end(&w);
    return aps_json_text(&w);
}

enum aps_err aps_store_role_plan_set(struct aps_store *st, struct aps_str role,
                                     const struct aps_store_role_plan *to, struct aps_diag *diag)
{
    struct aps_store_role_plan old;
    struct aps_sql q;
    enum aps_err err;

    if (to->priority > APS_PLAN_PRIORITY_MAX) {
        aps_err_explain(diag, "priority %u: want 0 to %u", to->priority, APS_PLAN_PRIORITY_MAX);
        return APS_ERR_RANGE;
    }
    if ((err = aps_store_begin(st, diag)) != APS_OK ||
        (err = aps_store_role_plan_get(st, role, st->pool, &old, diag)) != APS_OK ||
        (to->plan.n != 0 && (err = aps_store_plan_exists(st, to->plan, diag)) != APS_OK))
        return err;
    aps_sql_begin(&q, st->db, "UPDATE role SET plan = ?, priority = ? WHERE name = ?");
    aps_sql_str(&q, to->plan);
    aps_sql_i64(&q, to->priority);
    aps_sql_str(&q, role);
    if ((err = aps_sql_run(&q, diag)) != APS_OK)
        return err;
    return aps_store_change_put(st, role, describe(st, role, &old), describe(st, role, to), diag);
}
