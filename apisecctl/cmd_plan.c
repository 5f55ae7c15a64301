/* cmd_plan.c - plans: how much the callers may do that are under them. */
#include <apr_strings.h>

#include "ctl.h"
#include "ended.h"
#include "limitlist.h"
#include "overrides.h"
#include "preview.h"

static struct aps_str ref(const struct ctl *c)
{
    return aps_str(c->call.arg[0]);
}

/* ---- As it is printed ---- */

static void show_limits(struct ctl *c, const struct aps_store_plan *plan)
{
    ctl_output_table(c->out, "limits", "name limit");
    for (size_t i = 0; i < plan->n; i++) {
        ctl_output_row(c->out);
        ctl_output_str(c->out, "name", plan->limits[i].name);
        ctl_output_str(c->out, "limit", plan->limits[i].text);
        ctl_output_end(c->out);
    }
    ctl_output_end(c->out);
}

static bool has_earlier(const struct ctl *c, const struct aps_store_plan *plan)
{
    for (size_t i = 0; i < plan->n; i++)
        for (size_t k = 0; k < plan->limits[i].nearlier; k++)
            if (plan->limits[i].earlier[k].until > c->now)
                return true;
    return false;
}

/* What limits said before, for as long as callers are held to what they consumed then. */
static void show_earlier(struct ctl *c, const struct aps_store_plan *plan)
{
    if (!ctl_output_is_json(c->out) && !has_earlier(c, plan))
        return;
    ctl_output_table(c->out, "earlier", "limit changed_at until");
    for (size_t i = 0; i < plan->n; i++)
        for (size_t k = 0; k < plan->limits[i].nearlier; k++) {
            const struct aps_store_plan_earlier *earlier = &plan->limits[i].earlier[k];

            if (earlier->until <= c->now)
                continue;
            ctl_output_row(c->out);
            ctl_output_str(c->out, "limit", earlier->text);
            ctl_output_time(c->out, "changed_at", earlier->changed_at);
            ctl_output_time(c->out, "until", earlier->until);
            ctl_output_end(c->out);
        }
    ctl_output_end(c->out);
}

static void show_names(struct ctl *c, const struct aps_store_plan *plan)
{
    struct aps_str *names = apr_pcalloc(c->pool, (plan->n + 1) * sizeof *names);

    for (size_t i = 0; i < plan->n; i++)
        names[i] = plan->limits[i].name;
    ctl_output_list(c->out, "limits", names, plan->n);
}

enum detail { IN_LIST, CHANGED, WHOLE };

/* One plan as `show` and `list` print it; within a list people see the names of its limits. */
static enum aps_err show_plan(struct ctl *c, const struct aps_store_plan_use *use,
                              enum detail detail)
{
    bool in_list = detail == IN_LIST;
    struct aps_store_plan plan;
    enum aps_err err = aps_store_plan_get(c->store, use->plan, c->pool, &plan, &c->diag);

    if (err != APS_OK)
        return err;
    ctl_output_row(c->out);
    ctl_output_str(c->out, "name", plan.name);
    ctl_output_str(c->out, "description", plan.description);
    ctl_output_time(c->out, "created_at", plan.created_at);
    ctl_output_u64(c->out, "keys", use->keys);
    ctl_output_list(c->out, "roles", use->roles, use->nroles);
    if (!in_list && ctl_command_is_dry_run(&c->call))
        ctl_output_bool(c->out, "dry_run", true);
    if (in_list && !ctl_output_is_json(c->out)) {
        show_names(c, &plan);
    } else {
        show_limits(c, &plan);
        show_earlier(c, &plan);
    }
    if (detail == WHOLE)
        err = ctl_overrides_show(c, plan.name);
    ctl_output_end(c->out);
    return err;
}

static enum aps_err show_one(struct ctl *c, struct aps_str name, enum detail detail)
{
    const struct aps_store_plan_use *uses;
    struct aps_store_plan plan;
    size_t n;
    enum aps_err err;

    /* What is not there is told before all keys are looked at. */
    if ((err = aps_store_plan_get(c->store, name, c->pool, &plan, &c->diag)) != APS_OK ||
        (err = aps_store_plan_uses(c->store, c->pool, &uses, &n, &c->diag)) != APS_OK)
        return err;
    for (size_t i = 0; i < n; i++)
        if (aps_str_eq(uses[i].plan, name))
            return show_plan(c, &uses[i], detail);
    return APS_ERR_NOT_FOUND; /* deleted meanwhile */
}

/* ---- The commands ---- */

enum aps_err ctl_plan_create(struct ctl *c)
{
    struct aps_str description = aps_str(ctl_command_value(&c->call, CTL_OPT_DESCRIPTION));
    struct ctl_limitlist limits;
    enum aps_err err;

    if ((err = ctl_limitlist_read(c, CTL_OPT_LIMIT, true, &limits)) != APS_OK ||
        (err = aps_store_plan_create(c->store, ref(c), description, limits.put, limits.nput,
                                     &c->diag)) != APS_OK)
        return err;
    return show_one(c, ref(c), CHANGED);
}

enum aps_err ctl_plan_set(struct ctl *c)
{
    const char *description = ctl_command_value(&c->call, CTL_OPT_DESCRIPTION);
    struct aps_store_plan_change change = {.describes = description != NULL};
    bool previews = c->call.values[CTL_OPT_PREVIEW] != NULL;
    struct ctl_limitlist limits;
    enum aps_err err = ctl_preview_check(c);

    if (err != APS_OK || (err = ctl_limitlist_read(c, CTL_OPT_LIMIT, false, &limits)) != APS_OK)
        return err;
    if (description == NULL && limits.nput + limits.ndrop == 0) {
        aps_err_explain(&c->diag, "nothing to set; usage: apisecctl %s", c->call.command->usage);
        return APS_ERR_USAGE;
    }
    if (change.describes && strcmp(description, "none") != 0)
        change.description = aps_str(description);
    change.nput = limits.nput;
    change.put = limits.put;
    change.ndrop = limits.ndrop;
    change.drop = limits.drop;
    if (previews)
        return ctl_preview(c, ref(c), &change);
    if ((err = aps_store_plan_set(c->store, ref(c), &change, &c->diag)) != APS_OK)
        return err;
    return show_one(c, ref(c), CHANGED);
}

enum aps_err ctl_plan_show(struct ctl *c)
{
    return show_one(c, ref(c), WHOLE);
}

enum aps_err ctl_plan_list(struct ctl *c)
{
    const struct aps_store_plan_use *uses;
    size_t n;
    enum aps_err err = aps_store_plan_uses(c->store, c->pool, &uses, &n, &c->diag);

    if (err != APS_OK)
        return err;
    ctl_output_table(c->out, NULL, "name limits keys roles description");
    for (size_t i = 0; err == APS_OK && i < n; i++)
        err = show_plan(c, &uses[i], IN_LIST);
    ctl_output_end(c->out);
    return err;
}

enum aps_err ctl_plan_delete(struct ctl *c)
{
    enum aps_err err = aps_store_plan_delete(c->store, ref(c), &c->diag);

    if (err == APS_OK)
        ctl_ended(c, "name", ref(c), "deleted");
    return err;
}
