/* verify.h - signatures and MACs judged: one key, one algorithm, any number of texts.
 *
 * A key is checked when it is made and bound to the one algorithm that it will ever be used with
 * (RFC 8725 3.1, JWT-03): RSA of 2048 to 8192 bits with an odd exponent from 3 to 2^32-1 (RFC 7518
 * 3.3, 3.5), and not of CVE-2017-15361; a point on P-256, P-384 or P-521, the curve being named
 * (RFC 7518 3.4); a canonical key on Ed25519 or Ed448 of no small order (RFC 8032, RFC 8037 3.1); a
 * secret at least as long as the hash (RFC 7518 3.2). Threads: any number may use one key at once;
 * a verify takes no lock of ours, fetches nothing, and changes nothing but OpenSSL's counts of
 * references.  Processes: a key may be used across fork. Errors of every maker: APS_ERR_FORMAT, no
 * such key; APS_ERR_RANGE, a size; APS_ERR_CRYPTO and APS_ERR_NOMEM, OpenSSL could not.  `diag`
 * (may be NULL) names no byte of a secret. */
#ifndef APISEC_VERIFY_H
#define APISEC_VERIFY_H

#include "apisec/alg.h"
#include "apisec/err.h"
#include "apisec/str.h"

struct aps_verify_key;

/* An RSA key of modulus and exponent, big-endian, without leading zeros (RFC 7518 6.3.1).  As all
 * makers do: borrows its arguments, lives on the heap, the caller frees. */
APS_MUST_CHECK enum aps_err aps_verify_rsa(enum aps_alg alg, struct aps_str n, struct aps_str e,
                                           struct aps_verify_key **out, struct aps_diag *diag);

/* A key on the curve that the algorithm names; each coordinate has the curve's full length (RFC
 * 7518 6.2.1). */
APS_MUST_CHECK enum aps_err aps_verify_ec(enum aps_alg alg, struct aps_str x, struct aps_str y,
                                          struct aps_verify_key **out, struct aps_diag *diag);

/* A key on APS_ALG_KEY_ED25519 or APS_ALG_KEY_ED448 (RFC 8037 2). */
APS_MUST_CHECK enum aps_err aps_verify_okp(enum aps_alg alg, enum aps_alg_key kind,
                                           struct aps_str x, struct aps_verify_key **out,
                                           struct aps_diag *diag);

/* A public key from a PEM text of one block, "PUBLIC KEY" (RFC 7468 13), of at most 16 KiB. */
APS_MUST_CHECK enum aps_err aps_verify_pem(enum aps_alg alg, struct aps_str pem,
                                           struct aps_verify_key **out, struct aps_diag *diag);

/* A public key as SubjectPublicKeyInfo in DER (RFC 5280 4.1), and nothing behind it. */
APS_MUST_CHECK enum aps_err aps_verify_der(enum aps_alg alg, struct aps_str der,
                                           struct aps_verify_key **out, struct aps_diag *diag);
/* A secret for HMAC.  What is a public key in PEM, DER, JWK or ssh form is refused: everybody has
 * it (CVE-2015-9235). */
APS_MUST_CHECK enum aps_err aps_verify_secret(enum aps_alg alg, struct aps_str secret,
                                              struct aps_verify_key **out, struct aps_diag *diag);

/* NULL is fine. */
void aps_verify_free(struct aps_verify_key *key);

/* The algorithm that it was made for; APS_ALG_NONE for NULL. */
enum aps_alg aps_verify_alg(const struct aps_verify_key *key);

/* The public key as SubjectPublicKeyInfo in DER; lives in `pool`.  APS_ERR_FORMAT for a secret,
 * which has none; APS_ERR_CRYPTO. */
APS_MUST_CHECK enum aps_err aps_verify_spki(const struct aps_verify_key *key, apr_pool_t *pool,
                                            struct aps_str *out);
/* Whether `sig` is the signature of `text`: APS_OK, it is; APS_ERR_CHECK, it is not, be it by its
 * length, by r or s outside of [1, n-1], or by anything else in it; APS_ERR_CRYPTO and
 * APS_ERR_NOMEM, nobody could tell.  ECDSA's are r and s of full length, never DER (RFC 7518 3.4,
 * RFC 9421 3.3.4); salts of RSASSA-PSS are as long as the hash (RFC 7518 3.5, RFC 9421 3.3.1).
 * MACs are compared in constant time. */
APS_MUST_CHECK enum aps_err aps_verify(const struct aps_verify_key *key, struct aps_str text,
                                       struct aps_str sig);

#endif
