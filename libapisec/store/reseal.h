/* reseal.h - every secret of a store, for another master key or under another data key.
 *
 * Some hundred names are held at a time, whatever the number of secrets.
 * Threads: as of the store. */
#ifndef APISEC_STORE_RESEAL_H
#define APISEC_STORE_RESEAL_H

#include "own.h"

/* Open each data key by the master key in hand, and wrap it for `to` as well; NULL: only open. */
APS_MUST_CHECK enum aps_err aps_reseal_wrap(struct aps_store *st, const struct aps_seal_key *to,
                                            struct aps_store_step step, uint64_t *out_n,
                                            struct aps_diag *diag);

/* Encrypt each value anew under a new data key, for every master key of the store (SEC-07). */
APS_MUST_CHECK enum aps_err aps_reseal_renew(struct aps_store *st, struct aps_store_step step,
                                             uint64_t *out_n, struct aps_diag *diag);

#endif
