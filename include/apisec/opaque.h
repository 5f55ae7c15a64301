/* opaque.h - who calls by a token that only its issuer can read (RFC 7662), by what the issuer says
 * of it.
 *
 * Threads: every call is safe from any thread. */
#ifndef APISEC_OPAQUE_H
#define APISEC_OPAQUE_H

#include "apisec/answers.h"
#include "apisec/bearer.h"

/* An answer by which a token is refused is remembered no longer than this. */
#define APS_OPAQUE_REFUSED_MAX (5 * APS_SEC)

/* Judge a new answer, said->body, and set said->until: until when it is remembered, by the issuer's
 * definition, exp and the above.  OK: the token holds; or as introspect.h and claims.h.  After
 * ANSWER and INTERNAL nothing is known, and nothing is to be remembered. */
enum aps_token aps_opaque_read(struct aps_view *view, const struct aps_issuer *issuer,
                               aps_nsec wall, apr_pool_t *pool, struct aps_answers_said *said,
                               struct aps_diag *diag);

/* Who calls by `text`, by an answer that is still remembered at `wall`.  As aps_bearer, and what
 * aps_opaque_read says. */
enum aps_token aps_opaque(struct aps_view *view, const struct aps_issuer *issuer,
                          struct aps_str text, aps_nsec wall, const struct aps_answers_said *said,
                          apr_pool_t *pool, struct aps_bearer_found *out, struct aps_diag *diag);

#endif
