/* excerpt.h - what a state file says of a few callers, copied into a state of one's own.
 *
 * Limits may be peeked at in it (rate.h) as httpd does in the file, without mapping what others may
 * change or cut short meanwhile, and without reading all of it.  Nothing that is done to it reaches
 * the file.  Whoever may write the file can make these calls say anything, and nothing else.
 * Threads and processes: one thread of the process that opened it. */
#ifndef APISEC_EXCERPT_H
#define APISEC_EXCERPT_H

#include "apisec/state.h"

/* Begin with what all callers share.  Of a file from before the kernel was started anew the cells
 * are empty, as they will be for the server that opens it next.  Borrows `reader`, which is
 * attached; lives in `pool`.  APS_ERR_IO: the file became shorter.  APS_ERR_NOMEM. */
APS_MUST_CHECK enum aps_err aps_excerpt_open(apr_pool_t *pool, const struct aps_state *reader,
                                             struct aps_state **out, struct aps_diag *diag);

/* Add what is known of a caller under a scope (table.h): his cell and his leases.  A limit that
 * took the place of others is asked about theirs as well.  APS_ERR_IO. */
APS_MUST_CHECK enum aps_err aps_excerpt_add(struct aps_state *excerpt,
                                            const struct aps_state *reader, uint64_t scope,
                                            uint64_t caller, struct aps_diag *diag);

#endif
