/* cert.h - what an X.509 certificate says of whom it was given to (RFC 5280 4.1).
 *
 * Nothing is verified: who signed it, and that its key is who shows it, is TLS's to know.
 * Threads and processes: pure functions. */
#ifndef APISEC_CERT_H
#define APISEC_CERT_H

#include <apr_pools.h>

#include "apisec/clock.h"
#include "apisec/err.h"
#include "apisec/str.h"

#define APS_CERT_MAX (64 * 1024) /* bytes of DER */
#define APS_CERT_NAMES_MAX 256

enum aps_cert_kind {
    APS_CERT_SUBJECT, /* the distinguished name as RFC 2253 writes it, in ASCII */
    APS_CERT_DNS,     /* these are alternative names, byte by byte as they stand there */
    APS_CERT_URI,
    APS_CERT_EMAIL,
};

struct aps_cert_name {
    enum aps_cert_kind kind;
    struct aps_str text; /* of any bytes */
};

struct aps_cert {
    aps_nsec from, until; /* wall, both of them in its time; what no clock here reaches is as near
                             to it as can be told */
    size_t n; /* the subject, if it is not empty, and alternative names of these kinds */
    const struct aps_cert_name *names;
};

/* Read a certificate of `der`, and nothing behind it; *out lives in `pool`.  APS_ERR_FORMAT: it is
 * none; APS_ERR_RANGE: more bytes or names than accepted; APS_ERR_NOMEM. */
APS_MUST_CHECK enum aps_err aps_cert_read(struct aps_str der, apr_pool_t *pool,
                                          struct aps_cert *out);

/* Whether its time is now. */
static inline bool aps_cert_is_live(const struct aps_cert *cert, aps_nsec wall)
{
    return wall >= cert->from && wall <= cert->until;
}

#endif
