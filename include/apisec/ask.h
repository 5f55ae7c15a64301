/* ask.h - ask an issuer about a token (RFC 7662 2.1), over verified HTTPS.
 *
 * Threads: as fetch.h. */
#ifndef APISEC_ASK_H
#define APISEC_ASK_H

#include "apisec/fetch.h"
#include "apisec/introspect.h"
#include "apisec/issuer.h"

/* Post `token` to the issuer's URL, as its client with `secret` (RFC 6749 2.3.1).  `base` has what
 * the issuer does not say (link, stop, times).  *out lives in `pool`; that its body is an answer is
 * introspect.h's to judge.  What fetch.h says; APS_ERR_CHECK: *out has another status than 200, or
 * no type of JSON.  `diag` (may be NULL) has neither token nor secret. */
APS_MUST_CHECK enum aps_err aps_ask(const struct aps_issuer *issuer,
                                    const struct aps_secret *secret, struct aps_str token,
                                    const struct aps_fetch_options *base, apr_pool_t *pool,
                                    struct aps_fetch_answer *out, struct aps_diag *diag);

#endif
