/* held.h - what a key is held to: its plan, where that comes from, and the limits in the end. */
#ifndef APISECCTL_HELD_H
#define APISECCTL_HELD_H

#include "apisec/planbook.h"
#include "apisec/store.h"

struct ctl_held {
    enum aps_reason reason; /* ALLOW, or PLAN_UNKNOWN: then there are no limits */
    struct aps_planbook_choice choice;
    const char *source; /* "the key", "role reader", "the section", "nobody" */
    size_t n;
    const struct aps_limit *limits[APS_PLANBOOK_HELD_MAX];
};

/* A section's plan that is named and not there is a slip, also where the key has a plan of its own:
 * APS_ERR_NOT_FOUND.  Empty: none is named. */
APS_MUST_CHECK enum aps_err ctl_held_check(struct aps_store *st, apr_pool_t *pool,
                                           struct aps_str section, struct aps_diag *diag);

/* By the module's own rules; `section` is the plan of a section, or empty.  The limits of the key's
 * own are not bound; they live in `pool`, the rest in the book. */
void ctl_held_read(apr_pool_t *pool, const struct aps_planbook *book, const struct aps_key *key,
                   struct aps_str section, struct ctl_held *out);

/* Whose limit it is: "plan gold" or "the key's own". */
const char *ctl_held_from(apr_pool_t *pool, const struct ctl_held *held,
                          const struct aps_limit *limit);

#endif
