/* ruletext.h - rules about claims as people write them.
 *
 *     --role-claim groups                      each value is a role
 *     --role-claim groups:admins=writer        the value admins gives the role writer
 *     --role-claim '"cognito:groups":a=b'      a claim whose name has a colon, in double quotes
 *     --need email_verified, --need tenant=eu
 *
 * A claim is its name or a JSON Pointer.  Everything lives in the pool. */
#ifndef APISECCTL_RULETEXT_H
#define APISECCTL_RULETEXT_H

#include "apisec/claims.h"
#include "apisec/err.h"

/* CLAIM or CLAIM:VALUE=ROLE, for scopes SCOPE in its place.  APS_ERR_FORMAT. */
APS_MUST_CHECK enum aps_err ctl_ruletext_rule(apr_pool_t *pool, struct aps_str text,
                                              enum aps_claimrule_kind kind,
                                              struct aps_claimrule *out, struct aps_diag *diag);
struct aps_str ctl_ruletext_print_rule(apr_pool_t *pool, const struct aps_claimrule *rule);

/* CLAIM or CLAIM=VALUE.  APS_ERR_FORMAT. */
APS_MUST_CHECK enum aps_err ctl_ruletext_need(apr_pool_t *pool, struct aps_str text,
                                              struct aps_claims_need *out, struct aps_diag *diag);
struct aps_str ctl_ruletext_print_need(apr_pool_t *pool, const struct aps_claims_need *need);

#endif
