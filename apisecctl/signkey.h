/* signkey.h - the private key or secret that a request is signed with, from its file. */
#ifndef APISECCTL_SIGNKEY_H
#define APISECCTL_SIGNKEY_H

#include <apr_pools.h>

#include "apisec/sign.h"

/* Read `source`: a file that others cannot read, the number of a descriptor, or `-`; in it PEM, a
 * JWK, or, for `name` "hmac-sha256", the secret's bytes without white space at both ends.  `name`
 * is of HTTP Message Signatures; NULL: that of the JWK, or the first that fits the key.  The caller
 * frees *out by aps_sign_free.  APS_ERR_FORMAT, RANGE, NOT_FOUND, UNSAFE, IO. */
APS_MUST_CHECK enum aps_err ctl_signkey_read(apr_pool_t *pool, const char *source, const char *name,
                                             struct aps_sign_key **out, enum aps_alg *out_alg,
                                             struct aps_diag *diag);

#endif
