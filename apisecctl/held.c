/* held.c - what a key is held to. */
#include "held.h"

#include <apr_strings.h>

static const char *source_of(apr_pool_t *pool, const struct aps_planbook_choice *choice)
{
    switch (choice->source) {
    case APS_PLANBOOK_KEY:
        return "the key";
    case APS_PLANBOOK_ROLE:
        return apr_psprintf(pool, "role %.*s", APS_STR_ARG(choice->role));
    case APS_PLANBOOK_SECTION:
        return "the section";
    case APS_PLANBOOK_NONE:
        break;
    }
    return "nobody";
}

enum aps_err ctl_held_check(struct aps_store *st, apr_pool_t *pool, struct aps_str section,
                            struct aps_diag *diag)
{
    struct aps_store_plan there;

    return section.n == 0 ? APS_OK : aps_store_plan_get(st, section, pool, &there, diag);
}

void ctl_held_read(apr_pool_t *pool, const struct aps_planbook *book, const struct aps_key *key,
                   struct aps_str section, struct ctl_held *out)
{
    struct aps_limit *own = apr_pcalloc(pool, (key->noverrides + 1) * sizeof *own);
    const struct aps_limit *overrides[APS_KEY_OVERRIDES_MAX];

    *out = (struct ctl_held){.reason = APS_REASON_UNDECIDED};
    out->reason = aps_planbook_choose(book, key, section, &out->choice);
    out->source = source_of(pool, &out->choice);
    for (size_t i = 0; i < key->noverrides; i++) {
        if (aps_plan_parse(pool, key->overrides[i], &own[i], NULL) != APS_OK)
            out->reason = APS_REASON_PLAN_UNKNOWN;
        overrides[i] = &own[i];
    }
    if (out->reason == APS_REASON_ALLOW)
        out->n = aps_planbook_lay(out->choice.plan, overrides, key->noverrides, out->limits);
}

const char *ctl_held_from(apr_pool_t *pool, const struct ctl_held *held,
                          const struct aps_limit *limit)
{
    const struct aps_plan *plan = held->choice.plan;

    for (size_t i = 0; plan != NULL && i < plan->n; i++)
        if (plan->limits[i] == limit)
            return apr_psprintf(pool, "plan %.*s", APS_STR_ARG(plan->name));
    return "the key's own";
}
