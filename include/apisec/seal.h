/* seal.h - a secret as it lies in a store: encrypted, and bound to the place where it lies.
 *
 * A sealed blob: [ format 1 | algorithm 1 | key id 8 | nonce 12 | ciphertext | tag 16 ].
 * Format, algorithm and key id, and the store, table, row and column are authenticated too, so
 * a blob that was moved elsewhere does not open (SEC-03).  Nonces are random.  Unknown formats
 * and algorithms fail (SEC-05), and all failures look alike (SEC-04).
 * Threads and processes: safe anywhere. */
#ifndef APISEC_SEAL_H
#define APISEC_SEAL_H

#include <stdint.h>

#include "apisec/err.h"
#include "apisec/secret.h"
#include "apisec/str.h"

#define APS_SEAL_ID_LEN 8
#define APS_SEAL_OVERHEAD (1 + 1 + APS_SEAL_ID_LEN + 12 + 16)
#define APS_SEAL_PLAIN_MAX 65536

/* What seals: 32 bytes, and the public id of the key that they come from. */
struct aps_seal_key {
    struct aps_secret key;
    uint8_t id[APS_SEAL_ID_LEN];
};

/* Where the blob lies. */
struct aps_seal_place {
    struct aps_str store; /* the store's id, bytes */
    const char *table;
    struct aps_str row;
    const char *column;
};

/* The public id of a master key. */
APS_MUST_CHECK enum aps_err aps_seal_id(const struct aps_secret *master,
                                        uint8_t out[APS_SEAL_ID_LEN]);

/* The wrapping key of a master key, and the master key's id.  The caller wipes. */
APS_MUST_CHECK enum aps_err aps_seal_key_init(const struct aps_secret *master,
                                              struct aps_seal_key *out);
/* The same of a data key, a random one that seals one secret alone (SEC-01). */
APS_MUST_CHECK enum aps_err aps_seal_key_data(const struct aps_secret *data,
                                              struct aps_seal_key *out);
void aps_seal_key_wipe(struct aps_seal_key *key);

/* Seal 1 to APS_SEAL_PLAIN_MAX bytes into `out`, which has room for plain.n + APS_SEAL_OVERHEAD. */
APS_MUST_CHECK enum aps_err aps_seal(const struct aps_seal_key *key,
                                     const struct aps_seal_place *place, struct aps_str plain,
                                     uint8_t *out);

/* APS_ERR_CRYPTO for anything that was not sealed by this key for this place.  The caller wipes
 * *out. */
APS_MUST_CHECK enum aps_err aps_seal_open(const struct aps_seal_key *key,
                                          const struct aps_seal_place *place, struct aps_str blob,
                                          struct aps_secret *out);

#endif
