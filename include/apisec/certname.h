/* certname.h - what a client certificate is known by in a store (MTLS-02).
 *
 *   sha256:HEX       the SHA-256 of the certificate itself, 64 digits in lower case: pinned
 *   dn:SUBJECT       the subject in the form of RFC 2253, as mod_ssl has it in SSL_CLIENT_S_DN
 *   san:dns:NAME     a subjectAltName; names of hosts in lower case
 *   san:uri:URI
 *   san:email:ADDRESS
 * All but the first are believed only of a certificate that an authority of the server has signed.
 * Threads and processes: pure functions. */
#ifndef APISEC_CERTNAME_H
#define APISEC_CERTNAME_H

#include "apisec/cert.h"
#include "apisec/digest.h"

#define APS_CERTNAME_MAX 1024     /* bytes */
#define APS_CERTNAME_LIMIT 100000 /* of one store */
#define APS_CERTNAME_PIN_LEN (7 + 2 * APS_DIGEST_LEN)

/* The canonical form of a name as people write it, in `pool`: digits of a thumbprint in either case
 * and with colons, hosts in either case.  APS_ERR_FORMAT, RANGE. */
APS_MUST_CHECK enum aps_err aps_certname_parse(apr_pool_t *pool, struct aps_str text,
                                               struct aps_str *out, struct aps_diag *diag);

/* Whether it is the name of one certificate and not of all that have a name. */
bool aps_certname_is_pin(struct aps_str name);

/* "sha256:HEX" for a digest of the DER; not NUL-ended. */
void aps_certname_pin(const uint8_t digest[APS_DIGEST_LEN], char out[APS_CERTNAME_PIN_LEN]);

/* The canonical form of a name that a certificate has, in `pool`; false: nobody can be known by it,
 * since it is no text or longer than a name may be. */
bool aps_certname_of(apr_pool_t *pool, const struct aps_cert_name *name, struct aps_str *out);

/* The pin of the first certificate of a PEM text.  APS_ERR_FORMAT. */
APS_MUST_CHECK enum aps_err aps_certname_pem(struct aps_str pem, char out[APS_CERTNAME_PIN_LEN],
                                             struct aps_diag *diag);

#endif
