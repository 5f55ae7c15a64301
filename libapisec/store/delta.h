/* delta.h - the keys that changed since the complete copy, in memory.
 *
 * They are few (APS_PUBLISH_DELTA_MAX), so that a child holds them all, and a key that is not among
 * them costs one probe of a table.
 * Threads and processes: nothing of it changes once it is loaded. */
#ifndef APISEC_STORE_DELTA_H
#define APISEC_STORE_DELTA_H

#include "own.h"

struct aps_delta;

/* All keys of a delta whose MAC is right; lives in `pool`.  APS_ERR_CORRUPT. */
APS_MUST_CHECK enum aps_err aps_delta_load(sqlite3 *db, apr_pool_t *pool, struct aps_delta **out,
                                           struct aps_diag *diag);

/* Whether the delta speaks of this id, which is twelve bytes.  Then *out_err is APS_OK and *out, in
 * `pool`, the key; or NOT_FOUND: it was deleted; or CORRUPT, and *out has nothing but the id. */
bool aps_delta_key(const struct aps_delta *delta, struct aps_str id, apr_pool_t *pool,
                   struct aps_key *out, enum aps_err *out_err);

/* The name of a key that the delta has, or an empty text.  Borrowed. */
struct aps_str aps_delta_name(const struct aps_delta *delta, struct aps_str id);

#endif
