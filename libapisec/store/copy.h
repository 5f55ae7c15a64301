/* copy.h - the complete copy, open in one process and shared by all of its snapshots.
 *
 * A delta that changes makes a new snapshot; the copy below it stays open, with its cache, until
 * the last snapshot of it is closed.
 * Threads: every call is safe from any thread.  Processes: never across fork (SEC-17). */
#ifndef APISEC_STORE_COPY_H
#define APISEC_STORE_COPY_H

#include "pubfile.h"

struct aps_copy;

/* Takes `file` with its connection, also on failure.  One reference, the caller's. */
APS_MUST_CHECK enum aps_err aps_copy_new(const struct aps_pubfile *file, struct aps_copy **out,
                                         struct aps_diag *diag);
/* One more reference; NULL where the copy is of another process. */
struct aps_copy *aps_copy_keep(struct aps_copy *copy);
/* The last one closes it.  NULL is fine. */
void aps_copy_release(struct aps_copy *copy);

const struct aps_meta *aps_copy_meta(const struct aps_copy *copy);
/* For small tables: those that are read once, when a snapshot is opened, and secrets. */
enum aps_err aps_copy_load(struct aps_copy *copy,
                           enum aps_err (*load)(void *arg, sqlite3 *db, struct aps_diag *diag),
                           void *arg, struct aps_diag *diag);
/* One row, one lookup; see aps_snapshot_key.  *out is all zero where it does not say APS_OK. */
APS_MUST_CHECK enum aps_err aps_copy_key(struct aps_copy *copy, struct aps_str id, apr_pool_t *pool,
                                         struct aps_key *out);
APS_MUST_CHECK enum aps_err aps_copy_name(struct aps_copy *copy, struct aps_str id,
                                          apr_pool_t *pool, struct aps_str *out);

#endif
