/* kdf.h - keys from keys and from passphrases: HKDF-SHA-256 (RFC 5869), one label for each purpose
 * (SEC-12), and scrypt (RFC 7914) with explicit parameters (SEC-10, SEC-11).
 *
 * Threads and processes: safe anywhere. */
#ifndef APISEC_KDF_H
#define APISEC_KDF_H

#include <stdint.h>

#include "apisec/err.h"
#include "apisec/secret.h"
#include "apisec/str.h"

/* Every label that a master key or a data key is used with; no two purposes share one. */
#define APS_KDF_WRAP "apisec wrap v1"     /* seals the store's own keys and data keys of secrets */
#define APS_KDF_DATA "apisec data v1"     /* of a data key: seals one secret */
#define APS_KDF_CHECK "apisec check v1"   /* key-check value */
#define APS_KDF_BACKUP "apisec backup v1" /* MAC of a backup's content */
#define APS_KDF_ID "apisec id"            /* public id of either, 8 bytes */

/* Labels of keys that come from no master key. */
#define APS_KDF_RECIPIENT "apisec recipient v1" /* wraps a stream's key, of a shared secret */
#define APS_KDF_STREAM "apisec stream v1"       /* encrypts a stream, of its key */

/* Extract and expand, `n` bytes (1 to 8,160).  Salt and info may be empty.  `out` is wiped on
 * failure. */
APS_MUST_CHECK enum aps_err aps_kdf_hkdf(struct aps_str key, struct aps_str salt,
                                         struct aps_str info, void *out, size_t n);

/* The sub-key for `label`, without salt; the caller wipes *out. */
APS_MUST_CHECK enum aps_err aps_kdf_sub(const struct aps_secret *key, const char *label, size_t n,
                                        struct aps_secret *out);

/* ---- Passphrases ---- */

#define APS_KDF_SALT_LEN 16

/* What a passphrase was stretched by; stored beside what it opens, and checked as from a stranger.
 * Memory is 128 * r * 2^log2_n bytes. */
struct aps_kdf_scrypt {
    uint32_t log2_n, r, p;
    uint8_t salt[APS_KDF_SALT_LEN];
};

/* The parameters that are used for what is new, with a random salt: N 2^17, r 8, p 1 (128 MiB). */
APS_MUST_CHECK enum aps_err aps_kdf_scrypt_new(struct aps_kdf_scrypt *out);

/* Within bounds: r 8; from N 2^17 and p 1 up to N 2^20 and p 16, or from N 2^15 on with p 3 or
 * more.  APS_ERR_RANGE. */
APS_MUST_CHECK enum aps_err aps_kdf_scrypt_check(const struct aps_kdf_scrypt *how,
                                                 struct aps_diag *diag);

/* `n` bytes (1 to 64) from a passphrase, which may not be empty; the memory that it takes is told
 * to OpenSSL, whose own limit is too low.  Parameters out of bounds are APS_ERR_RANGE; else
 * APS_ERR_CRYPTO or NOMEM.  The caller wipes *out. */
APS_MUST_CHECK enum aps_err aps_kdf_scrypt(struct aps_str passphrase,
                                           const struct aps_kdf_scrypt *how, size_t n,
                                           struct aps_secret *out);

#endif
