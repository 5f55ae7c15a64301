/* due.c - keys whose secret gets too old for a role of theirs, or that soon expire. */
#include "due.h"

#include <apr_hash.h>
#include <apr_strings.h>

#include "apisec/num.h"

/* Ages that are added to a time stay within 64 bits. */
#define AGE_MAX (36525 * APS_DAY)

static enum aps_err keep(void *arg, struct aps_str role, const struct aps_store_age *age)
{
    struct ctl *c = arg;

    apr_hash_set(c->ages, aps_str_copy(c->pool, role).p, (apr_ssize_t)role.n,
                 apr_pmemdup(c->pool, age, sizeof *age));
    return APS_OK;
}

enum aps_err ctl_due_open(struct ctl *c)
{
    c->ages = apr_hash_make(c->pool);
    return aps_store_age_each(c->store, keep, c, &c->diag);
}

/* What all roles of a key come to: the smallest age with the warning of its role, and the longest
 * warning for the expiry. */
struct due {
    struct aps_store_age age;
    aps_nsec warn_expiry;
};

static struct due due_of(const struct ctl *c, const struct aps_key *key)
{
    struct due due = {{0, 0}, 0};

    for (size_t i = 0; i < key->nroles; i++) {
        const struct aps_store_age *age =
            apr_hash_get(c->ages, key->roles[i].p, (apr_ssize_t)key->roles[i].n);

        if (age == NULL)
            continue;
        if (age->warn > due.warn_expiry)
            due.warn_expiry = age->warn;
        if (age->max_age != 0 && (due.age.max_age == 0 || age->max_age < due.age.max_age ||
                                  (age->max_age == due.age.max_age && age->warn > due.age.warn)))
            due.age = *age;
    }
    return due;
}

/* A decoy is of no age: nobody is to be let in with it. */
static bool is_live(const struct ctl *c, const struct aps_key *key)
{
    return key->status == APS_KEY_ACTIVE && key->expires_at > c->now && !key->decoy;
}

/* When the newest secret gets too old; 0: never. */
static aps_nsec old_at(const struct due *due, const struct aps_key *key)
{
    aps_nsec made = key->secret[0].made_at;

    if (due->age.max_age == 0)
        return 0;
    return made < INT64_MAX - due->age.max_age ? made + due->age.max_age : INT64_MAX;
}

/* When something has to be done; 0: no role of the key asks for anything. */
static aps_nsec due_at(const struct ctl *c, const struct aps_key *key)
{
    struct due due = due_of(c, key);
    aps_nsec at = old_at(&due, key);

    if (!is_live(c, key))
        return 0;
    if (due.warn_expiry != 0 && (at == 0 || key->expires_at < at))
        return key->expires_at;
    return at;
}

bool ctl_due_is_overdue(const struct ctl *c, const struct aps_key *key)
{
    struct due due = due_of(c, key);
    aps_nsec old = old_at(&due, key);

    return is_live(c, key) && old != 0 && c->now >= old;
}

bool ctl_due_is_ending(const struct ctl *c, const struct aps_key *key)
{
    struct due due = due_of(c, key);

    return is_live(c, key) && due.warn_expiry != 0 && c->now >= key->expires_at - due.warn_expiry;
}

bool ctl_due_is_wanted(const struct ctl *c, const struct aps_key *key)
{
    struct due due = due_of(c, key);
    aps_nsec old = old_at(&due, key);

    if (c->call.values[CTL_OPT_DUE] == NULL)
        return true;
    return is_live(c, key) &&
           ((old != 0 && c->now >= old - due.age.warn) ||
            (due.warn_expiry != 0 && c->now >= key->expires_at - due.warn_expiry));
}

/* "overdue", or how long it still has, for people. */
static const char *distance(const struct ctl *c, aps_nsec at)
{
    static const struct {
        aps_nsec unit;
        const char *name;
    } units[] = {{APS_DAY, "day"}, {APS_HOUR, "hour"}, {APS_MINUTE, "minute"}};

    if (at <= c->now)
        return "overdue";
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        aps_nsec n = (at - c->now) / units[i].unit;

        if (n > 0)
            return apr_psprintf(c->pool, "in %" APR_INT64_T_FMT " %s%s", n, units[i].name,
                                n == 1 ? "" : "s");
    }
    return "in a minute";
}

void ctl_due_show(struct ctl *c, const struct aps_key *key)
{
    aps_nsec at = due_at(c, key);

    ctl_output_time(c->out, "due_at", at);
    ctl_output_bool(c->out, "overdue", at != 0 && at <= c->now);
    if (!ctl_output_is_json(c->out) && c->call.values[CTL_OPT_DUE] != NULL)
        ctl_output_str(c->out, "due", aps_str(distance(c, at)));
}

/* ---- what a role asks for ---- */

enum aps_err ctl_due_read(struct ctl *c, enum ctl_opt opt, aps_nsec *out)
{
    const char *text = ctl_command_value(&c->call, opt);
    aps_nsec value = 0;
    enum aps_err err = APS_OK;

    if (strcmp(text, "none") != 0)
        err = aps_num_parse_duration(aps_str(text), &value, &c->diag);
    if (err == APS_OK && value > AGE_MAX) {
        aps_err_explain(&c->diag, "%s \"%s\": want at most 36525d, or none",
                        ctl_command_options[opt].name, text);
        err = APS_ERR_RANGE;
    }
    if (err == APS_OK)
        *out = value;
    return err;
}

static void show_duration(struct ctl *c, const char *name, aps_nsec duration)
{
    char text[APS_NUM_DURATION_MAX];

    ctl_output_str(c->out, name,
                   aps_str(duration != 0 ? aps_num_print_duration(duration, text) : NULL));
}

void ctl_due_show_role(struct ctl *c, const struct aps_store_age *age)
{
    show_duration(c, "max_age", age->max_age);
    show_duration(c, "warn", age->warn);
}
