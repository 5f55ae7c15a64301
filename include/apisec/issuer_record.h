/* issuer_record.h - the text that an issuer's definition is stored and shown as.
 *
 * A JSON object whose members stand in one order, and each only where it says more than the
 * default: two definitions that mean the same have the same text.  Name, edition and keys are not
 * in it. Threads and processes: pure functions. */
#ifndef APISEC_ISSUER_RECORD_H
#define APISEC_ISSUER_RECORD_H

#include "apisec/issuer.h"

/* The members, into an object that the caller has begun. */
void aps_issuer_record_members(struct aps_json *w, apr_pool_t *pool,
                               const struct aps_issuer *issuer);

/* The record; lives in `pool`. */
struct aps_str aps_issuer_record_print(apr_pool_t *pool, const struct aps_issuer *issuer);

/* Read a record into an issuer of defaults, without keys; *out lives in `pool` and borrows nothing.
 * Name and edition are the caller's to set.  A member that is not known is refused, since it may
 * narrow what is taken.  APS_ERR_CORRUPT. */
APS_MUST_CHECK enum aps_err aps_issuer_record_read(struct aps_str record, apr_pool_t *pool,
                                                   struct aps_issuer *out, struct aps_diag *diag);

/* A claim's path as people write it: its name or a JSON Pointer, what aps_claimrule_path reads. */
struct aps_str aps_issuer_record_path(apr_pool_t *pool, const struct aps_str *path, size_t n);

#endif
