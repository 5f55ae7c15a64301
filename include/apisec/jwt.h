/* jwt.h - a bearer token of one of several issuers (RFC 7519, RFC 8725, RFC 9068).
 *
 * Pure: keys, issuers and time are the caller's; no network, no clock, no state.  Before the
 * signature is verified alg, kid, typ and iss are read, to choose issuer and key, and nothing else
 * of the token has any effect (JWT-10).  Keys belong to one issuer: those of another are never
 * looked at, whatever the kid (JWT-11).
 * Threads: any number may use one list of issuers; a verified token belongs to one caller. */
#ifndef APISEC_JWT_H
#define APISEC_JWT_H

#include "apisec/claims.h"
#include "apisec/jws.h"

/* One issuer, as it was configured. */
struct aps_jwt_issuer {
    struct aps_claims_policy claims;
    const enum aps_alg *algs; /* that it signs with; also what its keys were read with */
    size_t nalgs;
    bool mixed;                  /* secrets beside public keys are meant (JWT-04) */
    bool plain;                  /* typ may be JWT or missing, not at+jwt alone (JWT-14) */
    const struct aps_jwks *keys; /* NULL: there are none at the moment, and each token is
                                    KEY_UNKNOWN */
};

/* A verified token; all of it lives in the pool and borrows the token's text. */
struct aps_jwt {
    const struct aps_jwt_issuer *issuer;
    const struct aps_jwk *key;
    struct aps_jws jws;
    struct aps_jsonread reader; /* of the claims: root is the object */
    struct aps_claims claims;
};

/* Whether an issuer can be used: its claims' policy, an algorithm at least, and no secret beside
 * public keys unless `mixed`.  APS_ERR_RANGE. */
APS_MUST_CHECK enum aps_err aps_jwt_issuer_check(const struct aps_jwt_issuer *issuer,
                                                 struct aps_diag *diag);

/* Judge `token` at `now` (wall time): its form, then the issuer of its iss, the signature with a
 * key of that issuer, typ, and the claims.  APS_TOKEN_OK: *out is complete.  Else a verdict of
 * token.def from INTERNAL to MAPPING, and `diag` (may be NULL) has a sentence for administrators.
 * Of *out `jws` and `issuer` are told as far as they were found, else zero; nothing of the rest is
 * used. `trace` (may be NULL) gets the checks of the claims of a token whose signature is right. */
enum aps_token aps_jwt(const struct aps_jwt_issuer *issuers, size_t n, struct aps_str token,
                       aps_nsec now, const unsigned char hash_key[APS_SIPHASH_KEY_LEN],
                       apr_pool_t *pool, struct aps_jwt *out, struct aps_claims_trace *trace,
                       struct aps_diag *diag);

#endif
