/* tls.h - what a configuration of TLS comes to, as OpenSSL reads it.
 *
 * Nothing is connected: a context is made as a server or a client would make it, and asked.
 * Threads and processes: safe anywhere; meant for start. */
#ifndef APISEC_TLS_H
#define APISEC_TLS_H

#include <apr_pools.h>

#include "apisec/clock.h"
#include "apisec/err.h"
#include "apisec/str.h"

enum aps_tls_version {
    APS_TLS_SSL3 = 1 << 0,
    APS_TLS_1_0 = 1 << 1,
    APS_TLS_1_1 = 1 << 2,
    APS_TLS_1_2 = 1 << 3,
    APS_TLS_1_3 = 1 << 4,
};

/* A command of SSL_CONF_cmd(3). */
struct aps_tls_command {
    const char *name, *value;
};

struct aps_tls_config {
    bool client;
    unsigned versions;      /* bits; what lies between the highest and a gap is used */
    const char *ciphers;    /* up to TLS 1.2; NULL: OpenSSL's own */
    const char *ciphers_13; /* NULL: OpenSSL's own */
    size_t n;
    const struct aps_tls_command *commands; /* after all that */
};

struct aps_tls_found {
    const char *lowest; /* a version below TLS 1.2 that is let in, such as "TLSv1"; NULL: none */
    const char *weak;   /* suites that are broken or under 128 bits, with blanks; NULL: none */
    const char *stays;  /* suites without forward secrecy; NULL: none */
    bool compression, renegotiation; /* CRIME; CVE-2009-3555 */
};

/* Texts live in `pool`.  APS_ERR_FORMAT: OpenSSL takes it for nothing that works, which `diag`
 * tells; APS_ERR_NOMEM. */
APS_MUST_CHECK enum aps_err aps_tls_judge(const struct aps_tls_config *config, apr_pool_t *pool,
                                          struct aps_tls_found *out, struct aps_diag *diag);

/* What a server shows. */
struct aps_tls_certificate {
    const char *weak; /* "RSA with 1024 bits", "signed with SHA1"; NULL: nothing is.  Static or in
                         the pool */
    aps_nsec from, until; /* wall */
};

/* The first certificate of a PEM text.  APS_ERR_FORMAT: there is none. */
APS_MUST_CHECK enum aps_err aps_tls_certificate(struct aps_str pem, apr_pool_t *pool,
                                                struct aps_tls_certificate *out);

#endif
