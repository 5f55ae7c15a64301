/* tls_lines.h - which line of mod_ssl holds where: the last one of the innermost place that has
 * one. */
#ifndef MOD_APISEC_TLS_LINES_H
#define MOD_APISEC_TLS_LINES_H

#include "apisec/tls.h"
#include "tree.h"

struct mod_tls_place {
    apr_pool_t *pool;
    const server_rec *server;
    const ap_directive_t *host;    /* its <VirtualHost>; NULL: the main server */
    const ap_directive_t *section; /* <Proxy>, <Location> and the like; NULL: the server's own */
};

/* The line that holds, or NULL. */
const ap_directive_t *mod_tls_lines_find(const struct mod_tls_place *at, const char *name);
/* Whether it says this word; false where there is none. */
bool mod_tls_lines_hold(const struct mod_tls_place *at, const char *name, const char *word);
/* The versions of SSLProtocol or SSLProxyProtocol; false: they cannot be read. */
bool mod_tls_lines_versions(const struct mod_tls_place *at, const ap_directive_t *line,
                            unsigned *out);
/* The suites of SSLCipherSuite or SSLProxyCipherSuite, into `ciphers` and `ciphers_13` of *out, and
 * the line of the former; NULL: mod_ssl's own. */
const ap_directive_t *mod_tls_lines_ciphers(const struct mod_tls_place *at, const char *name,
                                            struct aps_tls_config *out);
/* SSLOpenSSLConfCmd, outer lines first, into *out; the last line, or NULL. */
const ap_directive_t *mod_tls_lines_commands(const struct mod_tls_place *at,
                                             struct aps_tls_config *out);

#endif
