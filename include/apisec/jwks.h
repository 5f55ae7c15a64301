/* jwks.h - the keys of one issuer (RFC 7517 5), and which of them a token asks for.
 *
 * A set is read once, off the request path, and never changes.
 * Threads: any number may look in one set. */
#ifndef APISEC_JWKS_H
#define APISEC_JWKS_H

#include "apisec/clock.h"
#include "apisec/jwk.h"

#define APS_JWKS_BYTES_MAX (256 * 1024)
#define APS_JWKS_KEYS_MAX 100

struct aps_jwks_options {
    struct aps_jwk_options jwk;
    bool mixed; /* secrets beside public keys are meant, not a slip (JWT-04) */
};

/* All keys of the text, in its order, also those that cannot be used. */
struct aps_jwks {
    const struct aps_jwk *keys;
    size_t nkeys;
    size_t usable; /* at least 1 */
};

/* Read a set, {"keys":[...]}, or one key alone, under the strict rules of JSON.  Borrows; *out and
 * its keys live in `pool`.  `hash_key` is as aps_jsonread_init wants it.  Keys that cannot be used
 * are passed over, as RFC 7517 5 asks.  APS_ERR_FORMAT: no such text; APS_ERR_RANGE: too long, or
 * more than APS_JWKS_KEYS_MAX keys; APS_ERR_CONFLICT: secrets beside public keys, where `mixed` is
 * false and secrets are taken; APS_ERR_NOT_FOUND: no key that can be used, and `diag` (may be NULL)
 * says why the first cannot. */
APS_MUST_CHECK enum aps_err aps_jwks_read(struct aps_str text,
                                          const struct aps_jwks_options *options,
                                          const unsigned char hash_key[APS_SIPHASH_KEY_LEN],
                                          apr_pool_t *pool, struct aps_jwks *out,
                                          struct aps_diag *diag);

/* A set of the one key of a PEM text.  APS_ERR_NOT_FOUND as above. */
APS_MUST_CHECK enum aps_err aps_jwks_pem(struct aps_str pem, const struct aps_jwks_options *options,
                                         apr_pool_t *pool, struct aps_jwks *out,
                                         struct aps_diag *diag);

enum aps_jwks_found {
    APS_JWKS_UNKNOWN,   /* no key of this kid */
    APS_JWKS_AMBIGUOUS, /* several could be meant: nothing is tried out */
    APS_JWKS_OTHER_ALG, /* what could be meant is bound to other algorithms */
    APS_JWKS_FOUND,
};

/* The one key that is bound to `alg` and is meant by `kid` (.p is NULL: the token has none).  A key
 * without kid is meant by any kid that no key has.  Two keys of one kid are told apart by their
 * algorithm alone (RFC 7517 4.5), be one of them broken or both the same.  *out is set only if the
 * answer is APS_JWKS_FOUND. */
enum aps_jwks_found aps_jwks_find(const struct aps_jwks *set, enum aps_alg alg, struct aps_str kid,
                                  const struct aps_jwk **out);

/* How long a set that was fetched is used, and how often it is fetched (JWT-18). */
struct aps_jwks_life {
    aps_nsec ttl; /* after that it is fetched anew, so that a key that is gone stops verifying */
    aps_nsec max_stale;    /* how much longer it is used while the issuer cannot be reached */
    aps_nsec min_interval; /* between two tries of the whole server, whatever tokens ask for */
};

/* Whether a set that was fetched at `fetched` may still be used at `now`.  Times of one clock; a
 * set from the future may not, since the clock cannot be believed. */
bool aps_jwks_usable(const struct aps_jwks_life *life, aps_nsec fetched, aps_nsec now);

/* Whether it is to be fetched at `now`, if it was last tried at `tried`: it is older than its ttl,
 * or a token named a kid that it has not (`unknown`), and the interval has passed. */
bool aps_jwks_due(const struct aps_jwks_life *life, aps_nsec fetched, aps_nsec tried, bool unknown,
                  aps_nsec now);

#endif
