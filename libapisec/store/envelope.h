/* envelope.h - a secret version as it lies in a store (SEC-01): the value under a random data key
 * that seals nothing else, and that key under the wrapping key of each master key.
 *
 * Threads and processes: safe anywhere, each with a connection of its own. */
#ifndef APISEC_STORE_ENVELOPE_H
#define APISEC_STORE_ENVELOPE_H

#include "own.h"

#define APS_ENVELOPE_KEY_LEN 32
#define APS_ENVELOPE_NAME_MAX 400 /* a place has 512 bytes, see seal.c */

/* One row of secret_version, with that of secret_key for the master key at hand. */
struct aps_envelope {
    struct aps_str name;
    uint32_t version;
    struct aps_str blob, key; /* borrowed */
};

/* The value; the caller wipes.  APS_ERR_CORRUPT: anything that was not sealed for this row. */
APS_MUST_CHECK enum aps_err aps_envelope_open(const struct aps_meta *meta,
                                              const struct aps_seal_key *seal,
                                              const struct aps_envelope *e, struct aps_secret *out);

/* The data key alone, as rows for further master keys need it. */
APS_MUST_CHECK enum aps_err aps_envelope_key(const struct aps_meta *meta,
                                             const struct aps_seal_key *seal,
                                             const struct aps_envelope *e, struct aps_secret *out);
/* The row of secret_key of one master key, counted. */
APS_MUST_CHECK enum aps_err aps_envelope_wrap(sqlite3 *db, const struct aps_meta *meta,
                                              const struct aps_seal_key *seal, struct aps_str name,
                                              uint32_t version, const struct aps_secret *data,
                                              struct aps_diag *diag);

/* Seal `value` under a fresh data key, and put its rows: of secret_version, and of secret_key for
 * each master key of the store. */
APS_MUST_CHECK enum aps_err aps_envelope_put(struct aps_store *st, struct aps_str name,
                                             uint32_t version, struct aps_str value,
                                             aps_nsec created_at, aps_nsec until,
                                             struct aps_diag *diag);

#endif
