/* masters.h - how often a master key has sealed (SEC-02).
 *
 * Threads: as of the store that it belongs to. */
#ifndef APISEC_STORE_MASTERS_H
#define APISEC_STORE_MASTERS_H

#include "own.h"

/* Encryptions under one wrapping key, with random nonces of 96 bits: far below 2^32. */
#define APS_MASTERS_SEALS (INT64_C(1) << 31)

/* One more encryption under this wrapping key, counted in the transaction that keeps what it
 * makes.  APS_ERR_CONFLICT: it has made all that it may. */
APS_MUST_CHECK enum aps_err aps_masters_take(sqlite3 *db, const struct aps_seal_key *seal,
                                             struct aps_diag *diag);

#endif
