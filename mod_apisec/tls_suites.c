/* Versions, suites and options of a server, or of its proxy's own connections. */
#include "tls_floor.h"

#include <apr_strings.h>

#define MEND_SUITES "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:!aNULL"

/* Names of directives as clients' and backends' sides have them. */
struct side {
    const char *protocol, *ciphers, *who;
};

static const struct side server_side = {"SSLProtocol", "SSLCipherSuite", "clients"};
static const struct side proxy_side = {"SSLProxyProtocol", "SSLProxyCipherSuite", "backends"};

static void tell_found(struct mod_tls_check *c, const struct mod_tls_place *at,
                       const struct side *side, const struct aps_tls_found *found,
                       const ap_directive_t *protocol, const ap_directive_t *ciphers,
                       const ap_directive_t *beside)
{
    if (found->lowest != NULL)
        mod_tls_floor_tell(
            c, at, MOD_FINDING_TLS_PROTOCOL, protocol, beside, true,
            apr_psprintf(c->pool, "%s lets %s in, which is below TLS 1.2",
                         protocol != NULL
                             ? protocol->directive
                             : apr_pstrcat(c->pool, side->protocol, " has no line, and so", NULL),
                         found->lowest),
            apr_psprintf(c->pool, "set %s -all +TLSv1.2 +TLSv1.3", side->protocol));
    if (found->weak != NULL)
        mod_tls_floor_tell(c, at, MOD_FINDING_TLS_CIPHERS, ciphers, beside, true,
                           apr_psprintf(c->pool, "weak cipher suites are let in for %s: %s",
                                        side->who, found->weak),
                           apr_psprintf(c->pool, "set %s " MEND_SUITES, side->ciphers));
    if (found->stays != NULL)
        mod_tls_floor_tell(
            c, at, MOD_FINDING_TLS_SECRECY, ciphers, beside, true,
            apr_psprintf(c->pool, "cipher suites without forward secrecy are let in for %s: %s",
                         side->who, found->stays),
            apr_psprintf(c->pool, "set %s " MEND_SUITES, side->ciphers));
}

static void tell_options(struct mod_tls_check *c, const struct mod_tls_place *at)
{
    static const char *const names[] = {"SSLCompression", "SSLInsecureRenegotiation"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (mod_tls_lines_hold(at, names[i], "on"))
            mod_tls_floor_tell(c, at, MOD_FINDING_TLS_OPTION, mod_tls_lines_find(at, names[i]),
                               NULL, true, apr_psprintf(c->pool, "%s is on", names[i]),
                               apr_psprintf(c->pool, "set %s off", names[i]));
}

void mod_tls_suites(struct mod_tls_check *c, const struct mod_tls_place *at, bool proxy,
                    const ap_directive_t *beside)
{
    const struct side *side = proxy ? &proxy_side : &server_side;
    const ap_directive_t *protocol = mod_tls_lines_find(at, side->protocol), *commands = NULL;
    struct aps_tls_config config = {.client = proxy};
    struct aps_tls_found found;
    struct aps_diag diag = {{0}};
    const ap_directive_t *ciphers = mod_tls_lines_ciphers(at, side->ciphers, &config);
    if (!proxy) {
        commands = mod_tls_lines_commands(at, &config);
        tell_options(c, at);
    }
    if (!mod_tls_lines_versions(at, protocol, &config.versions)) {
        mod_tls_floor_tell(c, at, MOD_FINDING_TLS_UNREAD, protocol, beside, true,
                           apr_psprintf(c->pool, "%s %s: a word is not known here",
                                        protocol->directive, protocol->args),
                           "name all, SSLv3, TLSv1, TLSv1.1, TLSv1.2 and TLSv1.3 alone");
        return;
    }
    if (aps_tls_judge(&config, c->pool, &found, &diag) != APS_OK) {
        config.n = 0; /* whose fault is it? */
        const bool by_command =
            commands != NULL && aps_tls_judge(&config, c->pool, &found, NULL) == APS_OK;
        mod_tls_floor_tell(c, at, MOD_FINDING_TLS_UNREAD, by_command ? commands : ciphers,
                           protocol != NULL ? protocol : beside, true,
                           apr_psprintf(c->pool, "%s and %s cannot be judged: %s", side->protocol,
                                        side->ciphers, diag.text),
                           "openssl ciphers -v LIST shows what it takes");
        return;
    }
    tell_found(c, at, side, &found, commands != NULL && found.lowest != NULL ? commands : protocol,
               commands != NULL ? commands : ciphers, beside);
    if (found.renegotiation)
        mod_tls_floor_tell(c, at, MOD_FINDING_TLS_OPTION, commands, beside, true,
                           "insecure renegotiation is on", "take UnsafeLegacyRenegotiation out");
}
