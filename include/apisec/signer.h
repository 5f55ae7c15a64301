/* signer.h - a key with which requests are signed, as a store holds it (SIG-03).
 *
 * It belongs to an API key, whose roles, plan and limits hold for what it signed, and has one
 * algorithm for good.
 * Threads: one that was read may be used by any number, and nothing in it changes. */
#ifndef APISEC_SIGNER_H
#define APISEC_SIGNER_H

#include "apisec/clock.h"
#include "apisec/secret.h"
#include "apisec/verify.h"

#define APS_SIGNER_KEYID_MAX 256 /* bytes */
#define APS_SIGNER_MAX 100000    /* of one store */

struct aps_signer {
    struct aps_str keyid;
    struct aps_str key; /* id of the API key */
    enum aps_alg alg;
    struct aps_str public; /* SPKI in DER; empty for HMAC, whose secret is aps_signer_secret's */
    aps_nsec created_at;   /* wall */
    aps_nsec until;        /* wall; 0: no end */
};

/* Whether a text can be a keyid: 1 to APS_SIGNER_KEYID_MAX bytes of printable ASCII without `"`,
 * `\` and space, so that it stands in a field, a log and a shell as it is. */
bool aps_signer_is_keyid(struct aps_str keyid);

/* The name of its secret in the store; lives in `pool`. */
struct aps_str aps_signer_secret(apr_pool_t *pool, struct aps_str keyid);

/* What verifies: from the public key, or for HMAC from `secret`, which is else not looked at and
 * may be NULL.  Lives on the heap; the caller frees by aps_verify_free.  APS_ERR_FORMAT, RANGE,
 * CRYPTO, NOMEM. */
APS_MUST_CHECK enum aps_err aps_signer_verifier(const struct aps_signer *signer,
                                                const struct aps_secret *secret,
                                                struct aps_verify_key **out, struct aps_diag *diag);

#endif
