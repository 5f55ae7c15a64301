/* pkey.h - public and private keys of OpenSSL, checked once when they are made.
 *
 * Every key that leaves here has the kind that its algorithm asks for, a size within bounds and a
 * point that can be one.  On failure *out is untouched and `diag` (may be NULL) has a sentence:
 * APS_ERR_FORMAT for what is no such key, APS_ERR_RANGE for a size, APS_ERR_CRYPTO and
 * APS_ERR_NOMEM for what OpenSSL could not do. */
#ifndef APS_PKEY_H
#define APS_PKEY_H

#include <openssl/evp.h>

#include "apisec/alg.h"
#include "apisec/err.h"
#include "apisec/str.h"

/* From the big-endian bytes of modulus and exponent, without leading zeros (RFC 7518 6.3.1). */
APS_MUST_CHECK enum aps_err aps_pkey_rsa(enum aps_alg alg, struct aps_str n, struct aps_str e,
                                         EVP_PKEY **out, struct aps_diag *diag);

/* From coordinates of the curve's full length (RFC 7518 6.2.1). */
APS_MUST_CHECK enum aps_err aps_pkey_ec(enum aps_alg alg, struct aps_str x, struct aps_str y,
                                        EVP_PKEY **out, struct aps_diag *diag);

/* From the bytes of a key on Ed25519 or Ed448 (RFC 8032 5.1.5, 5.2.5). */
APS_MUST_CHECK enum aps_err aps_pkey_okp(enum aps_alg alg, enum aps_alg_key kind, struct aps_str x,
                                         EVP_PKEY **out, struct aps_diag *diag);

/* From one PEM block, "PUBLIC KEY" (RFC 7468 13). */
APS_MUST_CHECK enum aps_err aps_pkey_public(enum aps_alg alg, struct aps_str pem, EVP_PKEY **out,
                                            struct aps_diag *diag);

/* From SubjectPublicKeyInfo in DER, and the other way, in `pool`. */
APS_MUST_CHECK enum aps_err aps_pkey_der(enum aps_alg alg, struct aps_str der, EVP_PKEY **out,
                                         struct aps_diag *diag);
APS_MUST_CHECK enum aps_err aps_pkey_spki(EVP_PKEY *key, apr_pool_t *pool, struct aps_str *out);

/* From one PEM block of a private key that is not encrypted (RFC 7468 10; RFC 5915, RFC 8017
 * A.1.2). */
APS_MUST_CHECK enum aps_err aps_pkey_private(enum aps_alg alg, struct aps_str pem, EVP_PKEY **out,
                                             struct aps_diag *diag);

/* Whether bytes may be a secret for this algorithm: as long as its hash at least (RFC 7518 3.2), at
 * most 16 KiB, and no public key in PEM, DER, JWK or ssh form (JWT-03). */
APS_MUST_CHECK enum aps_err aps_pkey_secret(enum aps_alg alg, struct aps_str secret,
                                            struct aps_diag *diag);

/* Bytes of a signature as it is sent: the modulus, r and s, or 64 and 114. */
size_t aps_pkey_sig_len(enum aps_alg alg, const EVP_PKEY *key);

/* The hash of the algorithm, fetched, so that using it takes no lock.  NULL: there is none. */
EVP_MD *aps_pkey_hash(enum aps_alg alg);

/* Set padding and salt (RFC 7518 3.3, 3.5; RFC 9421 3.3.1) on a context that is ready to sign or to
 * verify a hash. */
bool aps_pkey_ready(enum aps_alg alg, EVP_PKEY_CTX *ctx, const EVP_MD *md);

#endif
