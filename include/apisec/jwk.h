/* jwk.h - one key as JSON (RFC 7517 4; RFC 7518 6; RFC 8037 2), read for verifying and nothing
 * else.
 *
 * What is read: kty, crv, alg, use, key_ops, kid and the public members.  Certificates and their
 * thumbprints (x5c, x5u, x5t) are passed over: they are never a source of keys or of trust.
 * Threads: a key that was read may be used by any number. */
#ifndef APISEC_JWK_H
#define APISEC_JWK_H

#include <apr_pools.h>

#include "apisec/digest.h"
#include "apisec/jsonread.h"
#include "apisec/verify.h"

#define APS_JWK_KID_MAX 256 /* bytes (JWT-08) */

/* What a key may be used for. */
struct aps_jwk_options {
    const enum aps_alg *algs; /* allowed, the preferred first */
    size_t nalgs;
    bool secrets; /* kty "oct" may be used; else such a key is as one of an unknown kty (JWT-18) */
};

struct aps_jwk {
    struct aps_verify_key *key; /* NULL: it cannot be used; lives as long as the pool */
    const char *why;            /* a sentence, if it cannot be used */
    enum aps_alg_key kind;      /* APS_ALG_KEY_NONE: of no kty or crv that is known */
    enum aps_alg alg;   /* the one algorithm that it is bound to (JWT-03); APS_ALG_NONE if it
                           is of no kind or use that verifies here */
    struct aps_str kid; /* .p is NULL where there is none */
    bool has_private;   /* it has members that only its owner may know (RFC 7518 6) */
    uint8_t thumbprint[APS_DIGEST_LEN]; /* RFC 7638 3, with SHA-256; zero for a secret or PEM */
};

/* Read one key.  `object` is a value of `r`, which are borrowed; *out lives in `pool`.  A key that
 * cannot be used is read as well: out->key is NULL and out->why says why, and which of its members
 * is to blame.  It cannot be used if
 * - a member that it needs is missing, no string, or not base64url (RFC 7518 2, 6),
 * - its size, exponent or point is refused by verify.h,
 * - `use` is not "sig", or `key_ops` lacks "verify" or names an operation twice (RFC
 * 7517 4.2, 4.3),
 * - `kid` is no string or longer than APS_JWK_KID_MAX,
 * - `alg` is not allowed or of another kind than the key; or there is no `alg`, and none that is
 *   allowed fits.  Without `alg` the key is bound to the first that does. */
void aps_jwk_read(const struct aps_jsonread *r, const struct aps_jsonread_node *object,
                  const struct aps_jwk_options *options, apr_pool_t *pool, struct aps_jwk *out);

/* A key from PEM, which has no kid, for the first allowed algorithm that fits it; as above. */
void aps_jwk_pem(struct aps_str pem, const struct aps_jwk_options *options, apr_pool_t *pool,
                 struct aps_jwk *out);

#endif
