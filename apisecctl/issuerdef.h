/* issuerdef.h - the options of `issuer add` and `issuer set` -> the definition of an issuer. */
#ifndef APISECCTL_ISSUERDEF_H
#define APISECCTL_ISSUERDEF_H

#include "apisec/claims.h"
#include "ctl.h"

/* A definition and what is stored beside it; `hold` are for the caller to wipe. */
struct ctl_issuerdef {
    struct aps_issuer issuer;
    struct aps_str keys;   /* of --jwks FILE; else .p is NULL */
    struct aps_str secret; /* of the client, where --client-id is given; else .p is NULL */
    struct aps_secret hold[2];
};

/* Put what the options name in place of what `out->issuer` has; of a new one what add sets where
 * nothing is said.  Reads files, and the secret by the terminal or stdin.  Lives in c->pool,
 * borrows argv.  APS_ERR_USAGE: nothing is named; FORMAT, RANGE: a value; NOT_FOUND: a file, or a
 * -WORD; UNSAFE: who may read a file of secrets; IO. */
APS_MUST_CHECK enum aps_err ctl_issuerdef_read(struct ctl *c, bool is_new,
                                               struct ctl_issuerdef *out);
/* An empty one is fine. */
void ctl_issuerdef_wipe(struct ctl_issuerdef *def);

/* The rules of one kind as texts; in `pool`. */
const struct aps_str *ctl_issuerdef_rules(apr_pool_t *pool, const struct aps_claims_policy *claims,
                                          enum aps_claimrule_kind kind, size_t *out_n);
const struct aps_str *ctl_issuerdef_needs(apr_pool_t *pool, const struct aps_claims_policy *claims);
/* Names of its algorithms. */
const struct aps_str *ctl_issuerdef_algs(apr_pool_t *pool, const struct aps_issuer *issuer);

#endif
