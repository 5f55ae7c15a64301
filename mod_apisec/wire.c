/* The lines of a request as they came.
 *
 * httpd mends some of what two readers could take for different messages, and says nothing of it:
 * a Content-Length beside Transfer-Encoding is gone, a folded field is one line, and Host is what
 * the target says, before any hook is asked (RFC 9112 3.2.2, 5.2, 6.1).  So the lines are looked at
 * while it reads them, by their first bytes, in a filter that a connection has from its beginning:
 * one for each request would have to be made and taken out.  A stream of HTTP/2 has no lines. */
#include "mod.h"

#include <apr_strings.h>

#include "finding.h"
#include "http_connection.h"
#include "http_vhost.h"
#include "util_filter.h"

#define KEPT_MAX 320 /* of a line that is kept: a name of 253 bytes and a port */

/* Of the request that a connection reads. */
struct mod_wire {
    bool begun, ended; /* the request line, and the empty line, are read */
    bool inside;       /* of a line */
    bool is_absolute;  /* the target is no path */
    bool is_folded, has_length, has_coding;
    bool has_host;    /* where the target is no path */
    size_t sum;       /* bytes of all its lines */
    size_t n, host_n; /* bytes that are kept */
    char *line;       /* KEPT_MAX for the part of a line that came; NULL: none was needed yet */
    char *host;       /* likewise */
};

static ap_filter_rec_t *wire_filter;

static struct aps_str value_of(struct aps_str line, size_t at)
{
    while (line.n > at && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
        line.n--;
    return aps_str_trim((struct aps_str){line.p + at, line.n - at});
}

static bool is_field(struct aps_str line, const char *name, size_t n)
{
    return line.n > n && ap_cstr_casecmpn(line.p, name, n) == 0;
}

static void judge_request_line(struct mod_wire *w, struct aps_str line)
{
    const char *target = memchr(line.p, ' ', line.n);
    if (line.p[0] == '\r' || line.p[0] == '\n')
        return; /* empty lines before it (RFC 9112 2.2) */
    w->begun = true;
    w->is_absolute = target != NULL && line.n - (size_t)(target - line.p) > 1 && target[1] != '/';
}

/* What is kept lives as long as the connection, and is used again. */
static char *keep(char **kept, const conn_rec *c)
{
    if (*kept == NULL)
        *kept = apr_palloc(c->pool, KEPT_MAX);
    return *kept;
}

static void keep_host(struct mod_wire *w, const conn_rec *c, struct aps_str host)
{
    w->has_host = true;
    w->host_n = host.n;
    memcpy(keep(&w->host, c), host.p, host.n);
}

static void judge_line(struct mod_wire *w, const conn_rec *c, struct aps_str line)
{
    static const char length[] = "content-length:", coding[] = "transfer-encoding:",
                      host[] = "host:";
    if (!w->begun) {
        judge_request_line(w, line);
        return;
    }
    switch (line.p[0]) {
    case '\r':
    case '\n':
        w->ended = true;
        break;
    case ' ':
    case '\t':
        w->is_folded = true;
        break;
    case 'c':
    case 'C':
        w->has_length |= is_field(line, length, sizeof length - 1);
        break;
    case 't':
    case 'T':
        w->has_coding |= is_field(line, coding, sizeof coding - 1);
        break;
    case 'h':
    case 'H':
        if (w->is_absolute && !w->has_host && is_field(line, host, sizeof host - 1))
            keep_host(w, c, value_of(line, sizeof host - 1));
        break;
    default:
        break;
    }
}

/* A line that comes in one piece is looked at where it lies; of one in several, so much is kept as
 * can matter. */
static void take(struct mod_wire *w, const conn_rec *c, const char *p, size_t n)
{
    bool ends = p[n - 1] == '\n';
    w->sum += n;
    if (!w->inside && ends) {
        judge_line(w, c, (struct aps_str){p, n < KEPT_MAX ? n : KEPT_MAX});
        return;
    }
    if (!w->inside)
        w->n = 0;
    size_t room = KEPT_MAX - w->n, more = n < room ? n : room;
    memcpy(keep(&w->line, c) + w->n, p, more);
    w->n += more;
    w->inside = !ends;
    if (ends)
        judge_line(w, c, (struct aps_str){w->line, w->n});
}

/* A frame of its own: few lines come here. */
__attribute__((noinline)) static void look(struct mod_wire *w, const conn_rec *c,
                                           apr_bucket_brigade *bb)
{
    for (apr_bucket *b = APR_BRIGADE_FIRST(bb); b != APR_BRIGADE_SENTINEL(bb);
         b = APR_BUCKET_NEXT(b)) {
        const char *p;
        apr_size_t n;
        if (apr_bucket_read(b, &p, &n, APR_BLOCK_READ) == APR_SUCCESS && n != 0)
            take(w, c, p, n);
    }
}

/* What a line of a field's first byte says. */
enum first { PLAIN, MATTERS, ENDS };

static inline enum first first_of(const struct mod_wire *w, char c)
{
    static const uint8_t kinds[256] = {
        ['\r'] = ENDS,   ['\n'] = ENDS,   [' '] = MATTERS, ['\t'] = MATTERS,
        ['c'] = MATTERS, ['C'] = MATTERS, ['t'] = MATTERS, ['T'] = MATTERS};
    if ((c | 0x20) == 'h')
        return w->is_absolute ? MATTERS : PLAIN;
    return (enum first)kinds[(unsigned char)c];
}

/* Nearly all lines: a whole one in memory, of a field that says nothing here, or the last. */
static inline bool is_plain(struct mod_wire *w, const apr_bucket_brigade *bb)
{
    const apr_bucket *b = APR_BRIGADE_FIRST(bb);
    if (!w->begun || w->inside || b != APR_BRIGADE_LAST(bb) || !APR_BUCKET_IS_HEAP(b) ||
        b->length == 0)
        return false;
    const char *p = ((const apr_bucket_heap *)b->data)->base + b->start;
    if (p[b->length - 1] != '\n')
        return false;
    const enum first kind = first_of(w, *p);
    if (kind == MATTERS)
        return false;
    w->sum += b->length;
    w->ended = kind == ENDS;
    return true;
}

static apr_status_t filter_wire(ap_filter_t *f, apr_bucket_brigade *bb, ap_input_mode_t mode,
                                apr_read_type_e block, apr_off_t max)
{
    struct mod_wire *w = f->ctx;
    apr_status_t status = ap_get_brigade(f->next, bb, mode, block, max);
    if (!w->ended && mode == AP_MODE_GETLINE && status == APR_SUCCESS && !is_plain(w, bb))
        look(w, f->c, bb);
    return status;
}

/* Nothing is looked at until a request is about to be read. */
static int pre_connection(conn_rec *c, void *socket)
{
    (void)socket;
    if (c->master != NULL)
        return OK;
    struct mod_wire *w = apr_pcalloc(c->pool, sizeof *w);
    w->ended = true;
    mod_req_conn(c)->wire = w;
    ap_add_input_filter_handle(wire_filter, w, NULL, c);
    return OK;
}

/* NULL: nothing is looked at. */
static struct mod_wire *wire_of(const conn_rec *c)
{
    const struct mod_conn *conn = ap_get_module_config(c->conn_config, &apisec_module);
    return conn != NULL ? conn->wire : NULL;
}

static void pre_read(request_rec *r, conn_rec *c)
{
    struct mod_wire *w = wire_of(c);
    (void)r;
    if (w != NULL)
        memset(w, 0, offsetof(struct mod_wire, line));
}

/* What was seen of the request that was read; NULL: nothing was looked at. */
static const struct mod_wire *seen(const request_rec *r)
{
    struct mod_wire *w = wire_of(r->connection);
    if (w != NULL)
        w->ended = true; /* also of one without fields */
    return w;
}

/* ---- The verdict ---- */

static bool is_framed_twice(const request_rec *r, const struct mod_wire *w)
{
    if (r->assbackwards || (w != NULL && (w->is_folded || (w->has_length && w->has_coding))))
        return true;
    if (w != NULL && !w->has_coding)
        return false;
    const char *coding = apr_table_get(r->headers_in, "Transfer-Encoding");
    return coding != NULL &&
           (ap_cstr_casecmp(coding, "chunked") != 0 || r->proto_num < HTTP_VERSION(1, 1));
}

/* Without the port that goes without saying. */
static struct aps_str plain_host(struct aps_str host, bool https)
{
    const struct aps_str port = https ? APS_STR_LIT(":443") : APS_STR_LIT(":80");
    if (host.n > port.n && aps_str_eq((struct aps_str){host.p + host.n - port.n, port.n}, port))
        host.n -= port.n;
    return host;
}

static bool has_two_hosts(const request_rec *r, const struct mod_wire *w)
{
    const char *p = r->unparsed_uri;
    if (w == NULL || !w->is_absolute || p == NULL || r->method_number == M_CONNECT ||
        strcmp(p, "*") == 0)
        return false;
    const char *authority = strstr(p, "://");
    if (authority == NULL)
        return false; /* no URL: its path is refused as none */
    authority += 3;
    struct aps_str named = {authority, strcspn(authority, "/?#")};
    const bool https = ap_cstr_casecmpn(p, "https:", 6) == 0;
    return named.n == 0 ||
           (w->has_host &&
            !aps_str_eq_nocase(plain_host(named, https),
                               plain_host((struct aps_str){w->host, w->host_n}, https)));
}

static bool is_listed(const request_rec *r, const struct mod_hosts *hosts)
{
    const struct aps_str host = aps_str(r->hostname);
    if (host.n == 0)
        return false;
    for (size_t i = 0; i < hosts->n; i++) {
        const struct aps_str name = hosts->v[i];
        if (name.p[0] != '*'
                ? aps_str_eq_nocase(host, name)
                : host.n > name.n - 1 &&
                      aps_str_eq_nocase((struct aps_str){host.p + host.n - name.n + 1, name.n - 1},
                                        (struct aps_str){name.p + 1, name.n - 1}))
            return true;
    }
    return hosts->server_names &&
           ap_matches_request_vhost((request_rec *)r, r->hostname, r->server->port);
}

enum aps_reason mod_wire(request_rec *r)
{
    const struct mod_server *sc = ap_get_module_config(r->server->module_config, &apisec_module);
    if (sc->engine <= MOD_ENGINE_OFF)
        return APS_REASON_ALLOW;
    const struct mod_wire *w = seen(r);
    if (is_framed_twice(r, w))
        return APS_REASON_MESSAGE_AMBIGUOUS;
    if (has_two_hosts(r, w))
        return APS_REASON_HOST_MISMATCH;
    if (sc->hosts != NULL && !sc->hosts->any && !is_listed(r, sc->hosts))
        return APS_REASON_HOST_UNKNOWN;
    return APS_REASON_ALLOW;
}

bool mod_wire_is_within(const request_rec *first, size_t bytes)
{
    const struct mod_wire *w = wire_of(first->connection);
    return w != NULL && w->begun && w->sum <= bytes;
}

void mod_wire_hook(void)
{
    ap_hook_pre_connection(pre_connection, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_read_request(pre_read, NULL, NULL, APR_HOOK_MIDDLE);
}

/* Nearer to the request than what decrypts and what watches over times. */
void mod_wire_register(void)
{
    wire_filter = ap_register_input_filter("APISEC_WIRE", filter_wire, NULL, AP_FTYPE_CONNECTION);
}

/* ---- The configuration ---- */

#define HOSTS_WANTED "any, or some of server-names, NAME and *.NAME"

static bool is_host(const char *name)
{
    if (strncmp(name, "*.", 2) == 0)
        name += 2;
    size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:[]");
    return n > 0 && n <= 253 && name[n] == '\0' && (strchr(name, ':') == NULL || name[0] == '[');
}

const char *mod_wire_parse(cmd_parms *cmd, int argc, char *const argv[],
                           const struct mod_hosts **out)
{
    struct mod_hosts *hosts = apr_pcalloc(cmd->pool, sizeof *hosts);
    struct aps_str *v = apr_pcalloc(cmd->pool, (size_t)argc * sizeof *v + 1);
    hosts->any = argc == 1 && ap_cstr_casecmp(argv[0], "any") == 0;
    for (int i = 0; i < argc && !hosts->any; i++) {
        if (ap_cstr_casecmp(argv[i], "server-names") == 0)
            hosts->server_names = true;
        else if (ap_cstr_casecmp(argv[i], "any") == 0 || !is_host(argv[i]))
            return apr_psprintf(cmd->pool, "\"%s\": want " HOSTS_WANTED, argv[i]);
        else
            v[hosts->n++] = aps_str(apr_pstrdup(cmd->pool, argv[i]));
    }
    if (argc == 0)
        return "want " HOSTS_WANTED;
    hosts->v = v;
    *out = hosts;
    return NULL;
}

static unsigned port_of(const server_rec *s)
{
    return s->addrs != NULL ? s->addrs->host_port : 0;
}

/* Whether requests for `s` may be read by the settings of `other`: which one they are for shows
 * only when they are read.  The main server may stand in for each, and each for it. */
static bool may_read_for(const server_rec *other, const server_rec *s)
{
    return s == other || !s->is_virtual || !other->is_virtual || port_of(s) == 0 ||
           port_of(other) == 0 || port_of(s) == port_of(other);
}

static bool is_on(const server_rec *s)
{
    const struct mod_server *sc = ap_get_module_config(s->module_config, &apisec_module);
    return sc->engine == MOD_ENGINE_ON;
}

static bool is_open(const server_rec *s)
{
    const struct mod_server *sc = ap_get_module_config(s->module_config, &apisec_module);
    return is_on(s) && (sc->hosts == NULL || sc->hosts->any);
}

/* httpd answers for hosts that nobody has named by the first server of an address, and has its list
 * the other way round. */
static void tell_open(const server_rec *main_server)
{
    for (const server_rec *s = main_server; s != NULL; s = s->next) {
        bool is_first = s->is_virtual || s->next == NULL;
        for (const server_rec *other = s->next; s->is_virtual && other != NULL; other = other->next)
            is_first &= !may_read_for(other, s);
        if (is_first && is_open(s))
            mod_finding_add(&(struct mod_finding){
                MOD_FINDING_HOSTS_OPEN, MOD_SEVERITY_INFO, s, NULL,
                "the server answers for whatever host a request names, as the first of its address",
                "ApiSecHosts server-names, or a virtual host before it that denies all"});
    }
}

const char *mod_wire_check(apr_pool_t *pool, server_rec *main_server)
{
    tell_open(main_server);
    for (const server_rec *s = main_server; s != NULL; s = s->next)
        for (const server_rec *other = main_server; is_on(s) && other != NULL;
             other = other->next) {
            const core_server_config *core = ap_get_core_module_config(other->module_config);
            if (core->http_conformance == AP_HTTP_CONFORMANCE_UNSAFE && may_read_for(other, s))
                return apr_psprintf(pool,
                                    "HttpProtocolOptions Unsafe in the server %s: want Strict "
                                    "where ApiSecEngine is On, since two readers find different "
                                    "requests in what it lets through",
                                    other->server_hostname);
        }
    return NULL;
}
