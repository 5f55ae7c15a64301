/* doctor_store.c - what store.db holds, whole or damaged. */
#include "doctor_store.h"

#include <apr_escape.h>
#include <apr_strings.h>

#include "apisec/survey.h"
#include "quote.h"

static const char *store_db(const struct ctl_doctor *d)
{
    return apr_pstrcat(d->c->pool, d->c->place.store, "/store.db", NULL);
}

/* ---- the master key ---- */

static const char *master_mend(const struct ctl_doctor *d, enum aps_err err)
{
    const char *path = ctl_place_master_path(&d->c->place);

    if (path == NULL)
        return apr_pstrcat(d->c->pool, "apisecctl --store ",
                           ctl_quote(d->c->pool, aps_str(d->c->place.store)),
                           " --master-key SOURCE doctor", NULL);
    path = ctl_quote(d->c->pool, aps_str(path));
    if (err == APS_ERR_IO)
        return "sudo apisecctl doctor";
    return apr_pstrcat(d->c->pool, "install -m 600 BACKUP ", path, NULL);
}

void ctl_doctor_store_master(struct ctl_doctor *d)
{
    struct aps_diag why = {""};
    enum aps_err err = ctl_place_unlock(&d->c->place, true, &d->c->master, &why);
    struct ctl_doctor_at at = {.path = ctl_place_master_path(&d->c->place)};

    ctl_doctor_checked(d, CTL_DOCTOR_MASTER_UNREADABLE);
    d->has_master = err == APS_OK;
    if (err == APS_OK)
        return;
    at.value = master_mend(d, err);
    ctl_doctor_find(d, CTL_DOCTOR_MASTER_UNREADABLE, &at, "%s", aps_err_say(err, &why));
}

static void tell_master(void *arg, struct aps_str id, aps_nsec created_at, bool is_own)
{
    struct ctl_doctor *d = arg;
    const char *hex = apr_pescape_hex(d->c->pool, id.p, id.n, 0);
    struct ctl_doctor_at at = {.name = hex};

    (void)created_at;
    if (!is_own)
        ctl_doctor_find(d, CTL_DOCTOR_MASTER_OTHER, &at,
                        "the master key %s still opens the store: it is to be retired once every "
                        "server has the new one",
                        hex);
}

static void judge_master(struct ctl_doctor *d)
{
    struct aps_diag why = {""};
    struct ctl_doctor_at at = {.path = ctl_place_master_path(&d->c->place)};
    enum aps_err err;

    if (!d->has_master) {
        ctl_doctor_unchecked(d, "what is sealed under the master key", "there is no master key",
                             master_mend(d, APS_ERR_NOT_FOUND));
        return;
    }
    ctl_doctor_checked(d, CTL_DOCTOR_MASTER_WRONG);
    if ((err = aps_survey_check_master(d->c->store, &d->c->master, &why)) != APS_OK) {
        at.path = at.path != NULL ? at.path : d->c->place.master;
        ctl_doctor_find(d, CTL_DOCTOR_MASTER_WRONG, &at, "%s", aps_err_say(err, &why));
        return;
    }
    ctl_doctor_checked(d, CTL_DOCTOR_MASTER_OTHER);
    ctl_doctor_checked(d, CTL_DOCTOR_SEAL_DAMAGED);
    at.path = store_db(d);
    if ((err = aps_survey_masters(d->c->store, tell_master, d, &why)) != APS_OK ||
        (err = aps_survey_wrapped(d->c->store, &why)) != APS_OK ||
        (err = aps_survey_secrets(d->c->store, &why)) != APS_OK)
        ctl_doctor_find(d, CTL_DOCTOR_SEAL_DAMAGED, &at, "%s", aps_err_say(err, &why));
}

/* ---- store.db as a file ---- */

static void cannot_open(struct ctl_doctor *d, enum aps_err err, const struct aps_diag *why)
{
    struct ctl_doctor_at at = {.path = store_db(d), .value = "sudo apisecctl doctor"};

    switch (err) {
    case APS_ERR_CONFLICT:
        ctl_doctor_find(d, CTL_DOCTOR_STORE_PENDING, &at, "%s", aps_err_say(err, why));
        break;
    case APS_ERR_NEWER:
        ctl_doctor_find(d, CTL_DOCTOR_STORE_NEWER, &at, "%s", aps_err_say(err, why));
        break;
    case APS_ERR_CORRUPT:
        ctl_doctor_find(d, CTL_DOCTOR_STORE_DAMAGED, &at, "%s", aps_err_say(err, why));
        break;
    case APS_ERR_UNSAFE: /* files and folders have findings of their own */
        at.value = apr_pstrcat(d->c->pool, "apisecctl", d->c->place.given, " doctor", NULL);
        ctl_doctor_find(d, CTL_DOCTOR_STORE_UNREAD, &at,
                        "what others can change is not read: mend the files first, then look again "
                        "(%s)",
                        aps_err_say(err, why));
        break;
    default:
        ctl_doctor_find(d, CTL_DOCTOR_STORE_UNREAD, &at, "%s", aps_err_say(err, why));
    }
    ctl_doctor_unchecked(d, "keys, roles, plans, secrets and what else the store holds",
                         "store.db was not read", "");
}

static void tell_fault(void *arg, struct aps_str text)
{
    struct ctl_doctor *d = arg;
    struct ctl_doctor_at at = {.path = store_db(d)};

    ctl_doctor_find(d, CTL_DOCTOR_STORE_DAMAGED, &at, "%s: %.*s", at.path, APS_STR_SHOW(text));
}

/* ---- what names what is not there ---- */

static void tell_link(void *arg, enum aps_survey_link link, struct aps_str name,
                      struct aps_str target)
{
    static const struct {
        enum ctl_doctor_id id;
        const char *fmt;
    } links[APS_SURVEY_LINK_COUNT] = {
        [APS_SURVEY_ROLE_PARENT] = {CTL_DOCTOR_ROLE_PARENT_UNKNOWN,
                                    "role %s inherits from %s, which is not there"},
        [APS_SURVEY_ROLE_GRANT] = {CTL_DOCTOR_ROLE_GRANT_ORPHAN,
                                   "there are grants of a role %s%s, which is not there"},
        [APS_SURVEY_ROLE_PLAN] = {CTL_DOCTOR_ROLE_PLAN_UNKNOWN,
                                  "role %s has the plan %s, which is not there"},
        [APS_SURVEY_PLAN_EMPTY] = {CTL_DOCTOR_PLAN_EMPTY, "plan %s has no limit%s"},
        [APS_SURVEY_SIGNER] = {CTL_DOCTOR_SIGNER_ORPHAN, "signer %s is key %s, which is not there"},
        [APS_SURVEY_CERTIFICATE] = {CTL_DOCTOR_CERTIFICATE_ORPHAN,
                                    "certificate %s is key %s, which is not there"},
    };
    struct ctl_doctor *d = arg;
    struct ctl_doctor_at at = {.name = aps_str_copy(d->c->pool, name).p,
                               .value = aps_str_copy(d->c->pool, target).p};
    const char *fmt = links[link].fmt;
    const char *mark = strstr(fmt, "%s");
    const char *second = strstr(mark + 2, "%s");
    const char *reason =
        apr_pstrcat(d->c->pool, apr_pstrmemdup(d->c->pool, fmt, (size_t)(mark - fmt)), at.name,
                    apr_pstrmemdup(d->c->pool, mark + 2, (size_t)(second - mark - 2)), at.value,
                    second + 2, NULL);

    ctl_doctor_find(d, links[link].id, &at, "%s", reason);
}

static void judge_links(struct ctl_doctor *d)
{
    struct aps_diag why = {""};
    enum aps_err err = aps_survey_links(d->c->store, tell_link, d, &why);

    for (int id = CTL_DOCTOR_ROLE_PARENT_UNKNOWN; id <= CTL_DOCTOR_CERTIFICATE_ORPHAN; id++)
        if (err == APS_OK)
            ctl_doctor_checked(d, (enum ctl_doctor_id)id);
    if (err != APS_OK)
        ctl_doctor_unchecked(d, "whether all that is named is there", aps_err_say(err, &why), "");
}

/* Roles and plans as a request reads them. */
static void judge_books(struct ctl_doctor *d)
{
    struct ctl_doctor_at at = {.path = store_db(d)};
    struct aps_rolebook *roles = NULL;
    struct aps_planbook *plans = NULL;
    struct aps_diag why = {""};
    enum aps_err err;

    if ((err = aps_store_roles(d->c->store, d->c->pool, &roles, &why)) != APS_OK ||
        (err = aps_store_plan_book(d->c->store, d->c->pool, &plans, &why)) != APS_OK)
        ctl_doctor_find(d, CTL_DOCTOR_STORE_DAMAGED, &at, "%s", aps_err_say(err, &why));
}

void ctl_doctor_store(struct ctl_doctor *d)
{
    struct aps_diag why = {""};
    enum aps_err err = aps_survey_open(d->c->place.store, d->c->now, &d->c->store, &why);

    for (int id = CTL_DOCTOR_STORE_UNREAD; id <= CTL_DOCTOR_STORE_DAMAGED; id++)
        ctl_doctor_checked(d, (enum ctl_doctor_id)id);
    if (err != APS_OK) {
        cannot_open(d, err, &why);
        return;
    }
    d->tag = aps_store_tag(d->c->store);
    if ((err = aps_survey_integrity(d->c->store, tell_fault, d, &why)) != APS_OK)
        tell_fault(d, aps_str(aps_err_say(err, &why)));
    judge_master(d);
    judge_links(d);
    judge_books(d);
}
