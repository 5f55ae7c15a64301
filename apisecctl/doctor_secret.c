/* doctor_secret.c - secrets that are as old as they may be, or soon are. */
#include "doctor_secret.h"

#include <apr_strings.h>

#include "apisec/num.h"

/* The words of `due` in `secret list`. */
static void judge(struct ctl_doctor *d, const struct aps_store_named *named, aps_nsec old_at)
{
    const struct ctl_doctor_at at = {.name = aps_str_copy(d->c->pool, named->name).p};
    char text[APS_NUM_TIME_MAX];
    const char *when = aps_num_print_time(old_at, false, text);

    if (d->c->now >= old_at && named->refuse)
        ctl_doctor_find(d, CTL_DOCTOR_SECRET_REFUSED, &at,
                        "the secret %s came to its age at %s: sections that need it answer 503",
                        at.name, when);
    else if (d->c->now >= old_at)
        ctl_doctor_find(d, CTL_DOCTOR_SECRET_OVERDUE, &at,
                        "the secret %s came to its age at %s, and is still given", at.name, when);
    else if (d->c->now >= old_at - named->warn)
        ctl_doctor_find(d, CTL_DOCTOR_SECRET_DUE, &at, "the secret %s comes to its age at %s",
                        at.name, when);
}

static enum aps_err look(void *arg, const struct aps_store_named *named)
{
    struct ctl_doctor *d = arg;
    const struct aps_store_secret *versions = NULL;
    apr_pool_t *pool = NULL;
    size_t n = 0;
    enum aps_err err;

    if (named->max_age == 0)
        return APS_OK;
    if (apr_pool_create(&pool, d->c->pool) != APR_SUCCESS)
        return APS_ERR_NOMEM;
    err = aps_store_secrets(d->c->store, named->name, pool, &versions, &n, NULL);
    if (err == APS_OK && n > 0)
        judge(d, named, versions[n - 1].created_at + named->max_age);
    apr_pool_destroy(pool);
    return err;
}

enum aps_err ctl_doctor_secrets(struct ctl_doctor *d, struct aps_diag *why)
{
    return aps_store_named_each(d->c->store, look, d, why);
}
