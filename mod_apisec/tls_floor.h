/* tls_floor.h - the least that a configuration of TLS has to be (TRN-03). */
#ifndef MOD_APISEC_TLS_FLOOR_H
#define MOD_APISEC_TLS_FLOOR_H

#include "finding.h"
#include "tls_lines.h"

/* What is being checked. */
struct mod_tls_check {
    apr_pool_t *pool;
    server_rec *main_server;
    apr_hash_t *told; /* what was told of a line, and at which severity */
    enum mod_severity severity;
    bool refused; /* something is below the floor where it is strict */
};

/* Add a finding about the line that holds at a place, once for each line.  `line` NULL: a default
 * holds, and `beside` is the line to show.  `is_floor`: under strict httpd must not start. */
void mod_tls_floor_tell(struct mod_tls_check *c, const struct mod_tls_place *at,
                        enum mod_finding_kind kind, const ap_directive_t *line,
                        const ap_directive_t *beside, bool is_floor, const char *reason,
                        const char *mend);

/* tls_floor.c: NULL, or why httpd must not start. */
const char *mod_tls_floor(apr_pool_t *pool, server_rec *main_server);

/* tls_suites.c: versions, suites and options of a server, or of its proxy's own connections. */
void mod_tls_suites(struct mod_tls_check *c, const struct mod_tls_place *at, bool proxy,
                    const ap_directive_t *beside);

/* tls_certs.c: the certificates that a server shows. */
void mod_tls_certs(struct mod_tls_check *c, const struct mod_tls_place *at);

#endif
