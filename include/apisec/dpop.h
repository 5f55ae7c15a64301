/* dpop.h - a proof that the client has the key that its token is bound to (RFC 9449).
 *
 * Pure: the request, the time and what is expected are the caller's.  That a proof is used once is
 * the caller's too, who keeps aps_dpop.use in the shared table until aps_dpop.until (DPOP-07).
 * Threads: a proof that was read belongs to one caller. */
#ifndef APISEC_DPOP_H
#define APISEC_DPOP_H

#include "apisec/claims.h"
#include "apisec/jws.h"
#include "apisec/mac.h"

#define APS_DPOP_MAX (8 * 1024)        /* bytes of the DPoP field */
#define APS_DPOP_JTI_MAX 256           /* bytes */
#define APS_DPOP_BEFORE (60 * APS_SEC) /* the usual window (DPOP-06) */
#define APS_DPOP_AFTER (5 * APS_SEC)
#define APS_DPOP_NONCE_LIFE (300 * APS_SEC)
#define APS_DPOP_NONCE_LEN 32 /* characters of a nonce, without a NUL */

/* What a proof has to be about. */
struct aps_dpop_need {
    struct aps_str method;       /* as received; compared exactly */
    struct aps_str target;       /* absolute URI by the configured origin, never by a field that a
                                    client could send (DPOP-03); a query is left out */
    struct aps_str access_token; /* .p is NULL: none is sent, and ath is not asked for */
    const uint8_t *jkt;          /* cnf.jkt of that token, APS_DIGEST_LEN bytes; NULL: not asked */
    const enum aps_alg *algs;    /* accepted; those of secrets never are.  NULL: all others */
    size_t nalgs;
    aps_nsec before, after; /* the window of iat, into the past and into the future */
    struct aps_mac *nonces; /* the key of nonces; NULL: nonces are not asked for (DPOP-08) */
};

/* A proof that holds. */
struct aps_dpop {
    uint8_t jkt[APS_DIGEST_LEN]; /* thumbprint of its key, RFC 7638 */
    uint8_t use[APS_DIGEST_LEN]; /* SHA-256 over htu, normalized, and jti: may be seen once */
    aps_nsec until;              /* wall time from which it is refused anyway */
    struct aps_str jti;          /* borrowed from the pool */
};

/* Judge the value of the DPoP field, or of several that were joined by `, `, at `now` (wall time),
 * by the steps of RFC 9449 4.3 and 7.1.  APS_TOKEN_OK: *out is complete.  Else, in this order:
 * PROOF_MISSING (an empty field); PROOF_MULTIPLE; PROOF_MALFORMED; PROOF_TYPE; PROOF_ALG;
 * PROOF_KEY; PROOF_SIGNATURE; PROOF_METHOD; PROOF_TARGET; PROOF_TOKEN; PROOF_NONCE, where nonces
 * are asked for; PROOF_TIME, where they are not, since then the server's own time in the nonce
 * decides (RFC 9449 11.1); BINDING, the key is another than the token's; INTERNAL. */
enum aps_token aps_dpop(struct aps_str field, const struct aps_dpop_need *need, aps_nsec now,
                        const unsigned char hash_key[APS_SIPHASH_KEY_LEN], apr_pool_t *pool,
                        struct aps_dpop *out, struct aps_diag *diag);

/* Whether a token may be sent by this scheme (DPOP-05): PROOF_MISSING, it is bound to a key and
 * came as Bearer; UNBOUND, it came as DPoP and is not bound; else APS_TOKEN_OK. */
enum aps_token aps_dpop_scheme(const struct aps_claims *claims, bool by_dpop);

/* A nonce: `now` and a MAC over it, so that nothing has to be remembered and nobody can make one
 * (RFC 9449 8, 11.3).  `nonces` is with SHA-256.  APS_ERR_CRYPTO. */
APS_MUST_CHECK enum aps_err aps_dpop_nonce(struct aps_mac *nonces, aps_nsec now,
                                           char out[APS_DPOP_NONCE_LEN]);

/* Whether a nonce was made under this key at most APS_DPOP_NONCE_LIFE before `now`. */
bool aps_dpop_nonce_check(struct aps_mac *nonces, struct aps_str nonce, aps_nsec now);

#endif
