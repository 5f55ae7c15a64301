/* ownlimit.h - the limit of a key's own (key create --limit): what is charged for it, and in whose
 * name.
 *
 * httpd charges it and apisecctl looks for what was charged, so that both must agree.
 * Threads and processes: pure functions. */
#ifndef APISEC_OWNLIMIT_H
#define APISEC_OWNLIMIT_H

#include "apisec/key.h"
#include "apisec/rate.h"

/* The name by which answers, logs and reports call it; no key's limit has another one. */
#define APS_OWNLIMIT_NAME "key"

/* Make the key's limit ready to be charged in the store of this tag; its scope names rate and
 * burst, so that a changed limit starts afresh.  All zero where the key has none (rate.count is 0),
 * which is not to be charged.  APS_ERR_RANGE: a limit that is none; *out is undefined then. */
APS_MUST_CHECK enum aps_err aps_ownlimit_init(const struct aps_key *key, uint64_t store,
                                              struct aps_rate_limit *out, struct aps_diag *diag);

/* Whose cell: for aps_rate_ask. */
uint64_t aps_ownlimit_caller(const struct aps_state *state, const struct aps_key *key);

#endif
