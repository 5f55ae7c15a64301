/* plan.h - plans: limits under one name, for many callers.
 *
 * A plan is attached to a key, to a role or to a section; one holds for a caller.
 * Threads and processes: pure functions. */
#ifndef APISEC_PLAN_H
#define APISEC_PLAN_H

#include <apr_pools.h>

#include "apisec/limit.h"

#define APS_PLAN_LIMITS_MAX 16
#define APS_PLAN_EARLIER_MAX 3        /* definitions that a limit had before, and are remembered */
#define APS_PLAN_PRIORITY_MAX 1000000 /* of a role */

/* What a limit of a plan may go by: whatever a verified key and the route say. */
#define APS_PLAN_BY (APS_LIMIT_BY_KEY | APS_LIMIT_BY_USER | APS_LIMIT_BY_ORG | APS_LIMIT_BY_ROUTE)

/* A limit of a plan, or of a key in place of it: aps_limit_parse, but for what a plan cannot go by
 * (APS_ERR_FORMAT).  Lives in `pool`. */
APS_MUST_CHECK enum aps_err aps_plan_parse(apr_pool_t *pool, struct aps_str text,
                                           struct aps_limit *out, struct aps_diag *diag);

/* Whether the limiter takes it: it is bound, for a try.  APS_ERR_RANGE; APS_ERR_NOT_FOUND: the zone
 * of a quota.  `pool` is scratch. */
APS_MUST_CHECK enum aps_err aps_plan_check(apr_pool_t *pool, const struct aps_limit *limit,
                                           struct aps_diag *diag);

/* How long after its last charge what was consumed of the limit can still matter. */
aps_nsec aps_plan_span(const struct aps_limit *limit);

#endif
