/* credential.h - the one credential that a request carries.
 *
 * The caller hands in the fields that may carry one, as received; this finds the one that does.
 * More than one, or a field that was sent twice, is refused: first-wins and last-wins are both
 * wrong (KEY-09).
 * Threads and processes: pure functions. */
#ifndef APISEC_CREDENTIAL_H
#define APISEC_CREDENTIAL_H

#include <apr_pools.h>

#include "apisec/reason.h"
#include "apisec/str.h"

#define APS_CREDENTIAL_KEY_MAX 256     /* bytes of a field that carries a key (KEY-18) */
#define APS_CREDENTIAL_BEARER_MAX 8192 /* bytes of an Authorization field */

enum aps_credential_kind {
    APS_CREDENTIAL_HEADER, /* the field's whole value is the key */
    APS_CREDENTIAL_BEARER, /* Authorization: Bearer KEY (RFC 6750 2.1, token68) */
    APS_CREDENTIAL_DPOP,   /* Authorization: DPoP TOKEN (RFC 9449 7.1, token68) */
    APS_CREDENTIAL_BASIC,  /* Authorization: Basic; the key is the password, or the user name with
                              an empty password */
};

/* One place to look. */
struct aps_credential_source {
    enum aps_credential_kind kind;
    const char *field; /* name of the header field; "Authorization" but for the first kind */
};

/* Find the credential.  `values[i]` is the received value of sources[i].field, or NULL where the
 * field is absent; a repeated field arrives joined with ", ".  An Authorization field of another
 * scheme is nobody's and is ignored.  ALLOW: *out_text is the key's text, borrowed or in `pool`,
 * and *out_source the index of its source.  Else CREDENTIAL_MISSING, CREDENTIAL_MULTIPLE or
 * CREDENTIAL_MALFORMED. */
enum aps_reason aps_credential_find(const struct aps_credential_source *sources,
                                    const char *const *values, size_t n, apr_pool_t *pool,
                                    struct aps_str *out_text, size_t *out_source);

#endif
