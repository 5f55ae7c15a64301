/* t_issuer.h - a definition of an issuer for tests, which each may change. */
#ifndef T_ISSUER_H
#define T_ISSUER_H

#include "apisec/issuer.h"

static const struct aps_str t_audiences[] = {{"https://api.example", 19}};
static const enum aps_alg t_algs[] = {APS_ALG_RS256, APS_ALG_ES256, APS_ALG_EDDSA};
static const enum aps_alg t_hmac[] = {APS_ALG_HS256};
static const struct aps_str t_groups[] = {{"groups", 6}};
static const struct aps_str t_realm[] = {{"realm_access", 12}, {"a/b~c", 5}};
static const struct aps_claimrule t_rules[] = {
    {t_groups, 1, APS_CLAIMRULE_ROLE, {"staff", 5}, {"reader", 6}},
    {t_realm, 2, APS_CLAIMRULE_ROLE, {NULL, 0}, {NULL, 0}},
    {t_groups, 1, APS_CLAIMRULE_SCOPE, {NULL, 0}, {NULL, 0}},
};
static const struct aps_claims_need t_needs[] = {{t_realm, 2, {"x", 1}}, {t_groups, 1, {NULL, 0}}};

/* One whose keys are fetched from a URL. */
static inline struct aps_issuer t_issuer(void)
{
    struct aps_issuer issuer;
    aps_issuer_defaults(&issuer);
    issuer.name = APS_STR_LIT("corp");
    issuer.jwt.claims.iss = APS_STR_LIT("https://login.example");
    issuer.jwt.claims.audiences = t_audiences;
    issuer.jwt.claims.naudiences = 1;
    issuer.jwt.algs = t_algs;
    issuer.jwt.nalgs = 3;
    issuer.source = APS_ISSUER_URL;
    issuer.jwks_url = APS_STR_LIT("https://login.example/keys");
    return issuer;
}

#endif
