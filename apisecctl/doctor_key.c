/* doctor_key.c - keys that end, are old, unused, or lack something. */
#include "doctor_key.h"

#include <apr_strings.h>

#include "apisec/num.h"
#include "apisec/survey.h"
#include "due.h"
#include "use.h"

#define UNUSED_DEFAULT (90 * APS_DAY)
#define ENDLESS (3653 * APS_DAY)
#define EXPIRED_KEPT (30 * APS_DAY)
#define REVOKED_KEPT (365 * APS_DAY)

struct pass {
    struct ctl_doctor *d;
    apr_hash_t *roles, *plans; /* those that are there */
    uint32_t pepper;           /* the newest; 0: unknown */
};

static bool is_in(apr_hash_t *names, struct aps_str name)
{
    return apr_hash_get(names, name.p, (apr_ssize_t)name.n) != NULL;
}

/* Memory for a finding is taken for the first one and its examples alone. */
static void find(const struct pass *p, enum ctl_doctor_id id, const struct aps_key *key,
                 struct aps_str what, const char *why)
{
    char name[256], value[256];
    struct ctl_doctor_at at = {.name = name, .value = value};

    apr_snprintf(name, sizeof name, "%.*s", APS_STR_ARG(key->name));
    apr_snprintf(value, sizeof value, "%.*s", APS_STR_ARG(what));
    ctl_doctor_find(p->d, id, &at, "key %s %s%s", name, why, value);
}

static void find_at(const struct pass *p, enum ctl_doctor_id id, const struct aps_key *key,
                    const char *why, aps_nsec wall)
{
    char text[APS_NUM_TIME_MAX];

    find(p, id, key, aps_str(aps_num_print_time(wall, false, text)), why);
}

/* ---- what it names ---- */

static void judge_names(const struct pass *p, const struct aps_key *key)
{
    for (size_t i = 0; i < key->nroles; i++)
        if (!is_in(p->roles, key->roles[i])) {
            find(p, CTL_DOCTOR_KEY_ROLE_UNKNOWN, key, key->roles[i],
                 "has a role that is not there: ");
            break;
        }
    if (key->plan.n != 0 && !is_in(p->plans, key->plan))
        find(p, CTL_DOCTOR_KEY_PLAN_UNKNOWN, key, key->plan, "has a plan that is not there: ");
}

/* ---- what it is ---- */

/* Bait has no owner, no age and no use; it has to be there. */
static void judge_decoy(const struct pass *p, const struct aps_key *key)
{
    if (key->expires_at <= p->d->c->now + CTL_DOCTOR_SOON)
        find_at(p, CTL_DOCTOR_DECOY_ENDED, key, "is bait that ends at ", key->expires_at);
}

static bool is_far(aps_nsec from, aps_nsec by, aps_nsec to)
{
    return to > from && to - from > by;
}

static void judge_secret(const struct pass *p, const struct aps_key *key)
{
    const struct aps_key_secret *newest = &key->secret[0];

    if (ctl_due_is_overdue(p->d->c, key))
        find_at(p, CTL_DOCTOR_KEY_SECRET_OLD, key, "has a secret that was made at ",
                newest->made_at);
    if (p->pepper != 0 && newest->pepper < p->pepper)
        find(p, CTL_DOCTOR_KEY_PEPPER_OLD, key, (struct aps_str){0},
             "is stored under an older pepper");
    if (key->origin == APS_KEY_IMPORTED_DIGEST && newest->form == APS_KEY_FORM_DIGEST)
        find(p, CTL_DOCTOR_KEY_UNEXAMINED, key, (struct aps_str){0},
             "was imported by its SHA-256: nobody knows how strong its text is");
}

static void judge_live(const struct pass *p, const struct aps_key *key)
{
    struct ctl *c = p->d->c;

    if (key->expires_at <= c->now + CTL_DOCTOR_SOON || ctl_due_is_ending(c, key))
        find_at(p, CTL_DOCTOR_KEY_EXPIRING, key, "ends at ", key->expires_at);
    if (is_far(c->now, ENDLESS, key->expires_at))
        find_at(p, CTL_DOCTOR_KEY_ENDLESS, key, "ends not before ", key->expires_at);
    if (key->owner.n == 0)
        find(p, CTL_DOCTOR_KEY_OWNERLESS, key, (struct aps_str){0}, "has no owner");
    if (c->use.state != NULL && ctl_use_is_unused(c, key))
        find_at(p, CTL_DOCTOR_KEY_UNUSED, key, "was not used since ", c->use.cutoff);
    judge_secret(p, key);
}

static void judge(void *arg, struct aps_str id, const struct aps_key *key)
{
    const struct pass *p = arg;
    aps_nsec now = p->d->c->now;

    if (key == NULL) {
        struct ctl_doctor_at at = {
            .name = aps_str_copy(p->d->c->pool, id).p,
            .path = apr_pstrcat(p->d->c->pool, p->d->c->place.store, "/store.db", NULL),
        };

        ctl_doctor_find(p->d, CTL_DOCTOR_KEY_DAMAGED, &at, "the record of key %s is damaged",
                        at.name);
        return;
    }
    judge_names(p, key);
    if (key->status == APS_KEY_REVOKED) {
        if (is_far(key->revoked_at, REVOKED_KEPT, now))
            find_at(p, CTL_DOCTOR_KEY_REVOKED_OLD, key, "was revoked at ", key->revoked_at);
    } else if (key->decoy) {
        judge_decoy(p, key);
    } else if (key->expires_at > now) {
        judge_live(p, key);
    } else if (is_far(key->expires_at, EXPIRED_KEPT, now)) {
        find_at(p, CTL_DOCTOR_KEY_EXPIRED, key, "ended at ", key->expires_at);
    }
}

/* ---- what it takes ---- */

static enum aps_err keep_role(void *arg, struct aps_str name, aps_nsec created_at)
{
    const struct pass *p = arg;

    (void)created_at;
    apr_hash_set(p->roles, aps_str_copy(p->d->c->pool, name).p, (apr_ssize_t)name.n, "");
    return APS_OK;
}

static enum aps_err keep_plan(void *arg, struct aps_str name)
{
    const struct pass *p = arg;

    apr_hash_set(p->plans, aps_str_copy(p->d->c->pool, name).p, (apr_ssize_t)name.n, "");
    return APS_OK;
}

static enum aps_err prepare(struct pass *p)
{
    struct ctl *c = p->d->c;
    struct aps_diag why = {""};
    enum aps_err err;

    if ((err = aps_store_role_each(c->store, keep_role, p, &why)) != APS_OK ||
        (err = aps_store_plan_each(c->store, keep_plan, p, &why)) != APS_OK ||
        (err = aps_survey_pepper(c->store, &p->pepper, &why)) != APS_OK ||
        (err = ctl_due_open(c)) != APS_OK)
        ctl_doctor_unchecked(p->d, "keys", aps_err_say(err, &why), "");
    return err;
}

static enum aps_err read_cutoff(struct ctl *c)
{
    const char *text = ctl_command_value(&c->call, CTL_OPT_UNUSED);
    aps_nsec ago = UNUSED_DEFAULT;
    enum aps_err err = APS_OK;

    if (text != NULL)
        err = aps_num_parse_duration(aps_str(text), &ago, &c->diag);
    c->use.cutoff = ago < c->now ? c->now - ago : 0;
    return err;
}

enum aps_err ctl_doctor_key(struct ctl_doctor *d)
{
    struct pass p = {
        .d = d, .roles = apr_hash_make(d->c->pool), .plans = apr_hash_make(d->c->pool)};
    struct aps_diag why = {""};
    enum aps_err err = read_cutoff(d->c);

    if (err != APS_OK)
        return err;
    if (d->c->store == NULL || prepare(&p) != APS_OK)
        return APS_OK;
    for (int id = CTL_DOCTOR_KEY_DAMAGED; id <= CTL_DOCTOR_DECOY_ENDED; id++)
        if (id != CTL_DOCTOR_KEY_UNUSED || d->c->use.state != NULL)
            ctl_doctor_checked(d, (enum ctl_doctor_id)id);
    if ((err = aps_survey_keys(d->c->store, judge, &p, &why)) != APS_OK)
        ctl_doctor_unchecked(d, "some of the keys", aps_err_say(err, &why), "");
    return APS_OK;
}
