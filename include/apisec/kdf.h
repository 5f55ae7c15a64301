/* kdf.h - keys from keys: HKDF-SHA-256 (RFC 5869), one label for each purpose (SEC-12).
 * Keys from passphrases are made by stretch.h.
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

#endif
