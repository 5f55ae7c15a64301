/* cmd_role.c - roles: what keys may do. */
#include <apr_strings.h>

#include "apisec/num.h"
#include "ctl.h"
#include "due.h"

static struct aps_str arg(const struct ctl *c, size_t i)
{
    return aps_str(c->call.arg[i]);
}

/* The grants or denials of the role's own. */
static apr_array_header_t *own_entries(struct ctl *c, const struct aps_role *role, bool deny)
{
    apr_array_header_t *own = apr_array_make(c->pool, 8, sizeof(struct aps_str));
    size_t n;
    const struct aps_grant *entries = aps_role_grants(role, &n);

    for (size_t i = 0; i < n; i++)
        if (entries[i].deny == deny &&
            aps_str_eq(aps_role_grant_origin(role, i), aps_role_name(role)))
            APR_ARRAY_PUSH(own, struct aps_str) = entries[i].text;
    return own;
}

static void show_effective(struct ctl *c, const struct aps_role *role)
{
    size_t n;
    const struct aps_grant *entries = aps_role_grants(role, &n);

    for (size_t i = 0; i < n; i++) {
        ctl_output_row(c->out);
        ctl_output_str(c->out, entries[i].deny ? "deny" : "grant", entries[i].text);
        ctl_output_str(c->out, "from", aps_role_grant_origin(role, i));
        ctl_output_end(c->out);
    }
}

/* One role as `show` and `list` print it; within a list people do not see what it inherits. */
static enum aps_err show_role(struct ctl *c, const struct aps_rolebook *book, struct aps_str name,
                              bool in_list)
{
    const struct aps_role *role = aps_rolebook_find(book, name);
    const struct aps_str *parents;
    apr_array_header_t *grants, *denies;
    struct aps_store_role_plan plan;
    struct aps_store_age age;
    size_t nparents;
    enum aps_err err;

    if (role == NULL && in_list)
        return APS_OK; /* made by another command since the book was read */
    if (role == NULL) {
        aps_err_explain(&c->diag, "no role \"%.*s\": see apisecctl role list", APS_STR_ARG(name));
        return APS_ERR_NOT_FOUND;
    }
    if ((err = aps_store_role_parents(c->store, name, c->pool, &parents, &nparents, &c->diag)) !=
            APS_OK ||
        (err = aps_store_age_get(c->store, name, &age, &c->diag)) != APS_OK ||
        (err = aps_store_role_plan_get(c->store, name, c->pool, &plan, &c->diag)) != APS_OK)
        return err;
    grants = own_entries(c, role, false);
    denies = own_entries(c, role, true);
    ctl_output_row(c->out);
    ctl_output_str(c->out, "name", aps_role_name(role));
    ctl_output_list(c->out, "grants", (struct aps_str *)(void *)grants->elts,
                    (size_t)grants->nelts);
    ctl_output_list(c->out, "denies", (struct aps_str *)(void *)denies->elts,
                    (size_t)denies->nelts);
    ctl_output_list(c->out, "inherits", parents, nparents);
    ctl_output_str(c->out, "plan", plan.plan);
    ctl_output_u64(c->out, "priority", plan.priority);
    ctl_due_show_role(c, &age);
    if (!in_list && ctl_command_is_dry_run(&c->call))
        ctl_output_bool(c->out, "dry_run", true);
    if (!in_list || ctl_output_is_json(c->out)) {
        ctl_output_table(c->out, "effective", "grant deny from");
        show_effective(c, role);
        ctl_output_end(c->out);
    }
    ctl_output_end(c->out);
    return APS_OK;
}

static enum aps_err show_one(struct ctl *c, struct aps_str name)
{
    struct aps_rolebook *book;
    enum aps_err err = aps_store_roles(c->store, c->pool, &book, &c->diag);

    return err != APS_OK ? err : show_role(c, book, name, false);
}

typedef enum aps_err (*entry_fn)(struct ctl *c, struct aps_str role, struct aps_str value);

static enum aps_err add_grant(struct ctl *c, struct aps_str role, struct aps_str value)
{
    return aps_store_role_grant(c->store, role, value, false, &c->diag);
}

static enum aps_err add_denial(struct ctl *c, struct aps_str role, struct aps_str value)
{
    return aps_store_role_grant(c->store, role, value, true, &c->diag);
}

static enum aps_err add_parent(struct ctl *c, struct aps_str role, struct aps_str value)
{
    return aps_store_role_inherit(c->store, role, value, &c->diag);
}

static enum aps_err add_each(struct ctl *c, enum ctl_opt opt, entry_fn add)
{
    const apr_array_header_t *values = c->call.values[opt];
    enum aps_err err = APS_OK;

    for (int i = 0; values != NULL && i < values->nelts && err == APS_OK; i++)
        err = add(c, arg(c, 0), aps_str(APR_ARRAY_IDX(values, i, const char *)));
    return err;
}

/* --plan and --priority; what is not named stays. */
static enum aps_err set_plan(struct ctl *c)
{
    const char *plan = ctl_command_value(&c->call, CTL_OPT_PLAN);
    const char *priority = ctl_command_value(&c->call, CTL_OPT_PRIORITY);
    struct aps_store_role_plan to;
    struct aps_diag why = {""};
    uint64_t n = 0;
    enum aps_err err;

    if (plan == NULL && priority == NULL)
        return APS_OK;
    if ((err = aps_store_role_plan_get(c->store, arg(c, 0), c->pool, &to, &c->diag)) != APS_OK)
        return err;
    if (plan != NULL)
        to.plan = strcmp(plan, "none") != 0 ? aps_str(plan) : (struct aps_str){0};
    if (plan != NULL && plan[0] == '\0') {
        aps_err_explain(&c->diag, "--plan is empty: want a name, or none");
        return APS_ERR_FORMAT;
    }
    if (priority != NULL &&
        aps_num_parse(aps_str(priority), 0, APS_PLAN_PRIORITY_MAX, &n, &why) != APS_OK) {
        aps_err_explain(&c->diag, "--priority \"%s\": want 0 to %d", priority,
                        APS_PLAN_PRIORITY_MAX);
        return APS_ERR_RANGE;
    }
    if (priority != NULL)
        to.priority = (uint32_t)n;
    return aps_store_role_plan_set(c->store, arg(c, 0), &to, &c->diag);
}

enum aps_err ctl_role_create(struct ctl *c)
{
    enum aps_err err;

    if ((err = aps_store_role_create(c->store, arg(c, 0), &c->diag)) != APS_OK ||
        (err = add_each(c, CTL_OPT_GRANT, add_grant)) != APS_OK ||
        (err = add_each(c, CTL_OPT_DENY, add_denial)) != APS_OK ||
        (err = add_each(c, CTL_OPT_INHERIT, add_parent)) != APS_OK || (err = set_plan(c)) != APS_OK)
        return err;
    return show_one(c, arg(c, 0));
}

enum aps_err ctl_role_grant(struct ctl *c)
{
    enum aps_err err = add_grant(c, arg(c, 0), arg(c, 1));

    return err != APS_OK ? err : show_one(c, arg(c, 0));
}

enum aps_err ctl_role_deny(struct ctl *c)
{
    enum aps_err err = add_denial(c, arg(c, 0), arg(c, 1));

    return err != APS_OK ? err : show_one(c, arg(c, 0));
}

enum aps_err ctl_role_revoke(struct ctl *c)
{
    enum aps_err err = aps_store_role_revoke(c->store, arg(c, 0), arg(c, 1), &c->diag);

    return err != APS_OK ? err : show_one(c, arg(c, 0));
}

enum aps_err ctl_role_inherit(struct ctl *c)
{
    enum aps_err err = add_parent(c, arg(c, 0), arg(c, 1));

    return err != APS_OK ? err : show_one(c, arg(c, 0));
}

/* --max-age and --warn; what is not named stays. */
static enum aps_err set_age(struct ctl *c)
{
    struct aps_store_age age;
    bool has_age = c->call.values[CTL_OPT_MAX_AGE] != NULL;
    bool has_warn = c->call.values[CTL_OPT_WARN] != NULL;
    enum aps_err err;

    if (!has_age && !has_warn)
        return APS_OK;
    if ((err = aps_store_age_get(c->store, arg(c, 0), &age, &c->diag)) != APS_OK ||
        (has_age && (err = ctl_due_read(c, CTL_OPT_MAX_AGE, &age.max_age)) != APS_OK) ||
        (has_warn && (err = ctl_due_read(c, CTL_OPT_WARN, &age.warn)) != APS_OK))
        return err;
    return aps_store_age_set(c->store, arg(c, 0), &age, &c->diag);
}

enum aps_err ctl_role_set(struct ctl *c)
{
    apr_array_header_t *const *values = c->call.values;
    enum aps_err err;

    if (values[CTL_OPT_MAX_AGE] == NULL && values[CTL_OPT_WARN] == NULL &&
        values[CTL_OPT_PLAN] == NULL && values[CTL_OPT_PRIORITY] == NULL) {
        aps_err_explain(&c->diag, "nothing to set; usage: apisecctl %s", c->call.command->usage);
        return APS_ERR_USAGE;
    }
    if ((err = set_age(c)) != APS_OK || (err = set_plan(c)) != APS_OK)
        return err;
    return show_one(c, arg(c, 0));
}

enum aps_err ctl_role_show(struct ctl *c)
{
    return show_one(c, arg(c, 0));
}

/* Names are collected first: no query runs within another one. */
struct names {
    apr_pool_t *pool;
    apr_array_header_t *all; /* of struct aps_str */
};

static enum aps_err collect_name(void *to, struct aps_str name, aps_nsec created_at)
{
    struct names *names = to;

    (void)created_at;
    APR_ARRAY_PUSH(names->all, struct aps_str) = aps_str_copy(names->pool, name);
    return APS_OK;
}

enum aps_err ctl_role_list(struct ctl *c)
{
    struct names names = {c->pool, apr_array_make(c->pool, 16, sizeof(struct aps_str))};
    struct aps_rolebook *book;
    enum aps_err err;

    if ((err = aps_store_roles(c->store, c->pool, &book, &c->diag)) != APS_OK ||
        (err = aps_store_role_each(c->store, collect_name, &names, &c->diag)) != APS_OK)
        return err;
    ctl_output_table(c->out, NULL, "name grants denies inherits plan max_age warn");
    for (int i = 0; i < names.all->nelts && err == APS_OK; i++)
        err = show_role(c, book, APR_ARRAY_IDX(names.all, i, struct aps_str), true);
    ctl_output_end(c->out);
    return err;
}

enum aps_err ctl_role_delete(struct ctl *c)
{
    enum aps_err err = aps_store_role_delete(c->store, arg(c, 0), &c->diag);

    if (err != APS_OK)
        return err;
    ctl_output_row(c->out);
    ctl_output_str(c->out, "name", arg(c, 0));
    if (ctl_command_is_dry_run(&c->call))
        ctl_output_bool(c->out, "dry_run", true);
    else
        ctl_output_bool(c->out, "deleted", true);
    ctl_output_end(c->out);
    return APS_OK;
}
