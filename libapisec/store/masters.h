/* masters.h - every master key that can open the store.
 *
 * Most stores have one.  While a server still runs with an older one there are two: what is sealed
 * then has to be read with either, so each of them lies in the store under the other (`wrapped`),
 * and whoever has one seals under all.
 * Threads: as of the store that they belong to. */
#ifndef APISEC_STORE_MASTERS_H
#define APISEC_STORE_MASTERS_H

#include "own.h"

/* Encryptions under one wrapping key, with random nonces of 96 bits (SEC-02): far below 2^32. */
#define APS_MASTERS_SEALS (INT64_C(1) << 31)

/* One more encryption under this wrapping key, counted in the transaction that keeps what it
 * makes.  APS_ERR_CONFLICT: it has made all that it may. */
APS_MUST_CHECK enum aps_err aps_masters_take(sqlite3 *db, const struct aps_seal_key *seal,
                                             struct aps_diag *diag);

/* All but that of `seal`; the caller wipes.  APS_ERR_CORRUPT: one of them is not there. */
APS_MUST_CHECK enum aps_err aps_masters_load(sqlite3 *db, const struct aps_meta *meta,
                                             const struct aps_seal_key *seal,
                                             struct aps_masters *out, struct aps_diag *diag);
void aps_masters_wipe(struct aps_masters *all);

/* Let `master` open the store too, in the open transaction: its row, and each key under the others.
 * From then on all that is sealed is sealed under it as well; what was sealed before is not.
 * Borrows.  APS_ERR_CONFLICT: there are too many, or it is one of them. */
APS_MUST_CHECK enum aps_err aps_masters_add(struct aps_store *st, const struct aps_secret *master,
                                            struct aps_diag *diag);

#endif
