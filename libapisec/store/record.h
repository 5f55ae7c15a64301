/* record.h - a key's row: everything but id and name in one blob.
 *
 * Numbers are big-endian, texts have their length before them:
 *   format (1 or 2) 1 | status 1 | origin 1 | decoy 1 | created, not_before, expires, revoked 8
 * each | the newest secret: version 4, pepper 4, form 1, made 8, closes 8, grace 8, MAC 32 | limit:
 * count 4, burst 4, period 8 | nolder 1, nroles 1, nscopes 1, nnets 1, nhosts 1 | if nolder is 1,
 * the older secret, as the newest | owner, revoke reason: length 2, bytes | roles, scopes, hosts:
 * length 2, bytes each | nets: address 16, bits 1 each | in format 2: org, plan: length 2, bytes |
 * noverrides 1 | overrides: length 2, bytes each Format 2 is written only where it says more than
 * format 1, which keys without plans keep. Threads and processes: pure functions. */
#ifndef APISEC_STORE_RECORD_H
#define APISEC_STORE_RECORD_H

#include <apr_pools.h>

#include "apisec/err.h"
#include "apisec/key.h"

/* In `pool`.  The key has been checked. */
struct aps_str aps_record_encode(const struct aps_key *key, apr_pool_t *pool);

/* Everything but id and name, in `pool`, which gets a copy.  APS_ERR_CORRUPT; then *out has nothing
 * but these two. */
APS_MUST_CHECK enum aps_err aps_record_decode(struct aps_str record, apr_pool_t *pool,
                                              struct aps_key *out);

#endif
