/* jwkpem.h - a private key that is a JWK, in the form that sign.h reads. */
#ifndef APISECCTL_JWKPEM_H
#define APISECCTL_JWKPEM_H

#include "apisec/jsonread.h"
#include "apisec/secret.h"

/* A key of kty EC (P-256, P-384), OKP (Ed25519) or RSA with all its private members as PEM, or of
 * kty oct as its bytes (RFC 7518 6, RFC 8037 2).  `object` is a value of `r`.  The caller wipes
 * *out.  APS_ERR_FORMAT, APS_ERR_RANGE; `diag` names no byte of the key. */
APS_MUST_CHECK enum aps_err ctl_jwkpem(const struct aps_jsonread *r,
                                       const struct aps_jsonread_node *object,
                                       struct aps_secret *out, struct aps_diag *diag);

#endif
