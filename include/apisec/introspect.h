/* introspect.h - an issuer's answer about a token that only it can read (RFC 7662 2.2).
 *
 * Pure: who asked, how and how long that is remembered are the caller's.
 * Threads: an answer that was read belongs to one caller. */
#ifndef APISEC_INTROSPECT_H
#define APISEC_INTROSPECT_H

#include "apisec/claims.h"

#define APS_INTROSPECT_MAX (64 * 1024) /* bytes of an answer */

/* Judge the body of an answer of status 200 at `now` (wall time): a JSON object under strict rules
 * with a boolean `active` (JWT-19), and its claims under `policy`, whose `answer` is taken as true.
 * ANSWER: no such text, so nothing is known; INACTIVE; else as aps_claims.  `reader` is the
 * caller's and is what *out borrows. */
enum aps_token aps_introspect(struct aps_str body, const struct aps_claims_policy *policy,
                              aps_nsec now, const unsigned char hash_key[APS_SIPHASH_KEY_LEN],
                              apr_pool_t *pool, struct aps_jsonread *reader, struct aps_claims *out,
                              struct aps_diag *diag);

#endif
