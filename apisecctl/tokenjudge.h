/* tokenjudge.h - a token judged as a child of httpd would, by the published copy and the keys that
 * were fetched for it. */
#ifndef APISECCTL_TOKENJUDGE_H
#define APISECCTL_TOKENJUDGE_H

#include "apisec/jwt.h"
#include "ctl.h"

struct ctl_tokenjudge {
    enum aps_token verdict; /* REVOKED comes last, and NO_KEYS stands for no keys at all */
    bool signed_by_issuer;  /* the signature is right, and jwt.claims are the issuer's words as far
                               as they were read */
    struct aps_jwt jwt;
    const struct aps_issuer *issuer; /* that it names; NULL: none of the store */
    struct aps_claims_trace trace;   /* of its claims, once the signature is right */
    struct aps_diag diag;            /* why not */
    aps_nsec fetched;                /* wall: when the issuer's keys were; 0: they are not */
    const char *refused;             /* why the fetched keys of an issuer cannot be used, or NULL */
};

/* Judge `token` by c->copy and c->master at c->now.  Everything lives in c->pool and borrows the
 * token.  APS_ERR_NOMEM, CRYPTO. */
APS_MUST_CHECK enum aps_err ctl_tokenjudge(struct ctl *c, struct aps_str token,
                                           struct ctl_tokenjudge *out);

/* Whether the text is in the form of this store's API keys. */
bool ctl_tokenjudge_is_key(struct ctl *c, struct aps_str text);

#endif
