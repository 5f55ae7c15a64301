/* The least that a configuration of TLS has to be: each server that speaks it, and each proxy that
 * speaks it to backends.  What is looked at is what httpd read, after Include, Define and macros.
 */
#include "tls_floor.h"

#include <apr_strings.h>

/* ---- Findings ---- */

void mod_tls_floor_tell(struct mod_tls_check *c, const struct mod_tls_place *at,
                        enum mod_finding_kind kind, const ap_directive_t *line,
                        const ap_directive_t *beside, bool is_floor, const char *reason,
                        const char *mend)
{
    const enum mod_severity severity = is_floor ? c->severity : MOD_SEVERITY_WARNING;
    const char *key =
        apr_psprintf(c->pool, "%d %d %pp", (int)kind, (int)severity, (const void *)line);
    c->refused |= severity == MOD_SEVERITY_ERROR;
    if (apr_hash_get(c->told, key, APR_HASH_KEY_STRING) != NULL)
        return;
    apr_hash_set(c->told, key, APR_HASH_KEY_STRING, key);
    mod_finding_add(&(struct mod_finding){kind, severity, at->server, line != NULL ? line : beside,
                                          reason, mend});
}

/* ---- Whose floor holds ---- */

static enum mod_floor own_floor(const server_rec *s)
{
    const struct mod_server *sc = ap_get_module_config(s->module_config, &apisec_module);
    return sc->floor != MOD_FLOOR_UNSET ? sc->floor : MOD_FLOOR_WARN;
}

static bool is_same_address(const server_addr_rec *a, const server_addr_rec *b)
{
    if (a->host_port != b->host_port && a->host_port != 0 && b->host_port != 0)
        return false;
    return apr_sockaddr_is_wildcard(a->host_addr) || apr_sockaddr_is_wildcard(b->host_addr) ||
           apr_sockaddr_equal(a->host_addr, b->host_addr);
}

static bool share_address(const server_rec *a, const server_rec *b)
{
    for (const server_addr_rec *x = a->addrs; x != NULL; x = x->next)
        for (const server_addr_rec *y = b->addrs; y != NULL; y = y->next)
            if (is_same_address(x, y))
                return true;
    return false;
}

/* A client that names no host, or another one, is met by the first one of the address: what one of
 * them lets in, all of them do. */
static enum mod_floor floor_of(server_rec *main_server, const server_rec *s)
{
    enum mod_floor floor = own_floor(s);
    for (const server_rec *other = main_server->next; other != NULL && s != main_server;
         other = other->next)
        if (own_floor(other) > floor && share_address(s, other))
            floor = own_floor(other);
    return floor;
}

/* ---- Which servers speak TLS ---- */

/* "443", "[::1]:8443 https": the port is one of TLS. */
static bool listens(apr_pool_t *pool, unsigned port)
{
    for (const ap_directive_t *d = ap_conftree; d != NULL; d = d->next) {
        if (!mod_check_is(d, "Listen"))
            continue;
        const char *args = ap_resolve_env(pool, d->args);
        const char *where = ap_getword_conf(pool, &args);
        const char *colon = strrchr(where, ':');
        uint64_t port_there = 0;
        if (aps_num_parse(aps_str(colon != NULL ? colon + 1 : where), 1, UINT16_MAX, &port_there,
                          NULL) == APS_OK &&
            port_there == port &&
            (*args != '\0' ? ap_cstr_casecmp(ap_getword_conf(pool, &args), "https") == 0
                           : port == 443))
            return true;
    }
    return false;
}

/* Where nobody says anything of SSLEngine, mod_ssl turns it on by the port, unless mod_tls has it.
 */
static bool speaks_tls(const struct mod_tls_place *at)
{
    if (ap_find_linked_module("mod_ssl.c") == NULL)
        return false;
    if (mod_tls_lines_find(at, "SSLEngine") != NULL)
        return mod_tls_lines_hold(at, "SSLEngine", "on") ||
               mod_tls_lines_hold(at, "SSLEngine", "optional");
    if (ap_find_linked_module("mod_tls.c") != NULL)
        return false;
    for (const server_addr_rec *a = at->server->addrs; a != NULL; a = a->next)
        if (listens(at->pool, a->host_port))
            return true;
    return false;
}

/* ---- Sections ---- */

/* SSLCipherSuite of a folder or location, to which mod_ssl renegotiates. */
static void check_sections(struct mod_tls_check *c, struct mod_tls_place *at,
                           const ap_directive_t *line)
{
    for (; line != NULL; line = line->next) {
        if (line->first_child == NULL || mod_check_is(line, "<VirtualHost"))
            continue;
        at->section = line;
        for (const ap_directive_t *d = line->first_child; d != NULL; d = d->next)
            if (mod_check_is(d, "SSLCipherSuite")) {
                mod_tls_suites(c, at, false, d);
                break;
            }
        check_sections(c, at, line->first_child);
        at->section = NULL;
    }
}

/* ---- Backends ---- */

/* As mod_ssl asks: CheckPeerCN off takes the name's check away too, unless that is on by a line. */
static bool compares_names(const struct mod_tls_place *at)
{
    return (!mod_tls_lines_hold(at, "SSLProxyCheckPeerName", "off") &&
            (!mod_tls_lines_hold(at, "SSLProxyCheckPeerCN", "off") ||
             mod_tls_lines_hold(at, "SSLProxyCheckPeerName", "on"))) ||
           mod_tls_lines_hold(at, "SSLProxyCheckPeerCN", "on");
}

static void check_backends(struct mod_tls_check *c, const struct mod_tls_place *at)
{
    const ap_directive_t *engine = mod_tls_lines_find(at, "SSLProxyEngine");
    const ap_directive_t *verify = mod_tls_lines_find(at, "SSLProxyVerify");
    if (!mod_tls_lines_hold(at, "SSLProxyEngine", "on"))
        return;
    mod_tls_suites(c, at, true, engine);
    if (!mod_tls_lines_hold(at, "SSLProxyVerify", "require") &&
        !mod_tls_lines_hold(at, "SSLProxyVerify", "on"))
        mod_tls_floor_tell(
            c, at, MOD_FINDING_BACKEND_UNVERIFIED, verify, engine, true,
            verify != NULL
                ? "SSLProxyVerify lets a backend in whose certificate nobody has verified"
                : "SSLProxyVerify has no line, and so no backend's certificate is verified",
            "set SSLProxyVerify require, and SSLProxyCACertificateFile");
    else if (mod_tls_lines_find(at, "SSLProxyCACertificateFile") == NULL &&
             mod_tls_lines_find(at, "SSLProxyCACertificatePath") == NULL)
        mod_tls_floor_tell(
            c, at, MOD_FINDING_BACKEND_AUTHORITY, NULL, verify, false,
            "no authority is named, so that no backend's certificate can be verified",
            "set SSLProxyCACertificateFile");
    if (!compares_names(at)) {
        const ap_directive_t *name = mod_tls_lines_find(at, "SSLProxyCheckPeerName");
        mod_tls_floor_tell(c, at, MOD_FINDING_BACKEND_NAME,
                           name != NULL ? name : mod_tls_lines_find(at, "SSLProxyCheckPeerCN"),
                           engine, true,
                           "whoever has any certificate of the authorities passes for each backend",
                           "set SSLProxyCheckPeerName on");
    }
}

static void check_proxies(struct mod_tls_check *c, struct mod_tls_place *at,
                          const ap_directive_t *line)
{
    for (; line != NULL; line = line->next) {
        if (!mod_check_is(line, "<Proxy") && !mod_check_is(line, "<ProxyMatch"))
            continue;
        at->section = line;
        check_backends(c, at);
        at->section = NULL;
    }
}

/* ---- All of it ---- */

static void check_server(struct mod_tls_check *c, struct mod_tls_place *at)
{
    const enum mod_floor floor = floor_of(c->main_server, at->server);
    if (floor == MOD_FLOOR_OFF)
        return;
    c->severity = floor == MOD_FLOOR_STRICT ? MOD_SEVERITY_ERROR : MOD_SEVERITY_WARNING;
    if (mod_tls_lines_hold(at, "GnuTLSEnable", "on"))
        mod_tls_floor_tell(c, at, MOD_FINDING_TLS_UNREAD, mod_tls_lines_find(at, "GnuTLSEnable"),
                           NULL, true, "what mod_gnutls lets in is not known here", "use mod_ssl");
    if (speaks_tls(at)) {
        mod_tls_suites(c, at, false,
                       mod_tls_lines_find(at, "SSLEngine") != NULL
                           ? mod_tls_lines_find(at, "SSLEngine")
                           : at->host);
        mod_tls_certs(c, at);
        check_sections(c, at, ap_conftree);
        if (at->host != NULL)
            check_sections(c, at, at->host->first_child);
    }
    check_backends(c, at);
    check_proxies(c, at, ap_conftree);
    if (at->host != NULL)
        check_proxies(c, at, at->host->first_child);
}

const char *mod_tls_floor(apr_pool_t *pool, server_rec *main_server)
{
    struct mod_tls_check c = {
        .pool = pool, .main_server = main_server, .told = apr_hash_make(pool)};
    struct mod_tls_place at = {.pool = pool, .server = main_server};
    check_server(&c, &at);
    for (const ap_directive_t *d = ap_conftree; d != NULL; d = d->next)
        if (mod_check_is(d, "<VirtualHost")) {
            at.server = mod_tree_server(main_server, d);
            at.host = d;
            check_server(&c, &at);
        }
    return c.refused ? "ApiSecTLSFloor strict: what is told above is below the floor" : NULL;
}
