/* sign.h - signatures and MACs made, for the tool and for tests; the module only verifies.
 *
 * The other half of verify.h: the same keys, the same checks, the same form of signatures.
 * Threads: any number may use one key at once.
 * Errors of both makers: as in verify.h. */
#ifndef APISEC_SIGN_H
#define APISEC_SIGN_H

#include <stdint.h>

#include "apisec/alg.h"
#include "apisec/err.h"
#include "apisec/str.h"

#define APS_SIGN_MAX 1024 /* bytes of the longest signature: RSA of 8192 bits */

struct aps_sign_key;

/* A private key from a PEM text of one block that is not encrypted: "PRIVATE KEY" (RFC 7468 10),
 * "EC PRIVATE KEY" (RFC 5915) or "RSA PRIVATE KEY" (RFC 8017 A.1.2).  Borrows, lives on the heap,
 * the caller frees; the text stays the caller's to wipe. */
APS_MUST_CHECK enum aps_err aps_sign_pem(enum aps_alg alg, struct aps_str pem,
                                         struct aps_sign_key **out, struct aps_diag *diag);

/* A secret for HMAC. */
APS_MUST_CHECK enum aps_err aps_sign_secret(enum aps_alg alg, struct aps_str secret,
                                            struct aps_sign_key **out, struct aps_diag *diag);

/* Wipes and frees; NULL is fine. */
void aps_sign_free(struct aps_sign_key *key);

/* The signature of `text`, *out_n bytes of `out`, in the form that aps_verify takes.
 * APS_ERR_CRYPTO. */
APS_MUST_CHECK enum aps_err aps_sign(const struct aps_sign_key *key, struct aps_str text,
                                     uint8_t out[APS_SIGN_MAX], size_t *out_n);

#endif
