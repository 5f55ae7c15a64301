/* kdf.h - sub-keys of a key: HKDF-SHA-256 (RFC 5869), one label for each purpose (SEC-12).
 *
 * Threads and processes: safe anywhere. */
#ifndef APISEC_KDF_H
#define APISEC_KDF_H

#include "apisec/err.h"
#include "apisec/secret.h"
#include "apisec/str.h"

/* Every label that the master key is used with; no two purposes share one. */
#define APS_KDF_WRAP "apisec wrap v1"       /* seals pepper, audit key, address key */
#define APS_KDF_CHECK "apisec check v1"     /* key-check value */
#define APS_KDF_PUBLISH "apisec publish v1" /* MAC of a published copy */
#define APS_KDF_CACHE "apisec cache v1"     /* MAC of fetched keys of issuers */
#define APS_KDF_NONCE "apisec nonce v1"     /* MAC of nonces for proofs */
#define APS_KDF_ID "apisec id"              /* public id of a master key, 8 bytes */

/* Extract and expand, `n` bytes (1 to 8,160).  Salt and info may be empty.  `out` is wiped on
 * failure. */
APS_MUST_CHECK enum aps_err aps_kdf_hkdf(struct aps_str key, struct aps_str salt,
                                         struct aps_str info, void *out, size_t n);

/* The sub-key for `label`, without salt; the caller wipes *out. */
APS_MUST_CHECK enum aps_err aps_kdf_sub(const struct aps_secret *key, const char *label, size_t n,
                                        struct aps_secret *out);

#endif
