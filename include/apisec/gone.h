/* gone.h - what a single token that was revoked is known by (JWT-20).
 *
 * A token with iss and jti by those, whatever else is in it; any other by its text.  The two
 * kinds cannot meet: what is hashed begins differently.
 * Threads and processes: pure functions. */
#ifndef APISEC_GONE_H
#define APISEC_GONE_H

#include "apisec/digest.h"

/* SHA-256 over "jti", a NUL, iss, a NUL and jti.  Neither may hold a NUL, which JSON that was read
 * strictly does not give: APS_ERR_FORMAT.  APS_ERR_CRYPTO. */
APS_MUST_CHECK enum aps_err aps_gone_jti(struct aps_str iss, struct aps_str jti,
                                         uint8_t out[APS_DIGEST_LEN]);

/* SHA-256 over "token", a NUL and the token's text; of one with two dots without the last of them
 * and the signature behind it, which can be written in more than one way.  APS_ERR_CRYPTO. */
APS_MUST_CHECK enum aps_err aps_gone_token(struct aps_str token, uint8_t out[APS_DIGEST_LEN]);

#endif
