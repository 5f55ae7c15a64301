/* challenge.h - WWW-Authenticate: what a client is told that showed no good token (RFC 6750 3,
 * RFC 9449 7.1, RFC 9470 3, RFC 9728 5.1).
 *
 * Of the verdict only its error code is told: no part of the token and no detail of a reader
 * (JWT-22). Threads and processes: pure functions. */
#ifndef APISEC_CHALLENGE_H
#define APISEC_CHALLENGE_H

#include <apr_pools.h>

#include "apisec/alg.h"
#include "apisec/clock.h"
#include "apisec/token.h"

#define APS_CHALLENGE_MAX 2

struct aps_challenge {
    enum aps_token verdict;    /* UNDECIDED: no token was shown, and no error is told */
    bool bearer, dpop;         /* the schemes that are on offer */
    bool by_dpop;              /* the one that was used, where the error stands (DPOP-09) */
    struct aps_str realm;      /* texts: .p is NULL: left out */
    struct aps_str scope;      /* all that are wanted, joined by blanks; told with SCOPE (JWT-21) */
    struct aps_str acr_values; /* joined by blanks; told with STEP_UP (JWT-25) */
    aps_nsec max_age;          /* 0: left out; told with STEP_UP */
    struct aps_str resource_metadata; /* its URL (JWT-24) */
    const enum aps_alg *algs;         /* of proofs; NULL: left out */
    size_t nalgs;
};

/* The values of the WWW-Authenticate fields, one for each scheme on offer: Bearer, then DPoP.
 * Returns how many.  They live in `pool`.  A text with a control byte or one beyond ASCII is left
 * out. */
size_t aps_challenge(apr_pool_t *pool, const struct aps_challenge *c,
                     const char *out[APS_CHALLENGE_MAX]);

#endif
