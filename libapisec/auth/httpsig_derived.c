/* httpsig_derived.c - values that signatures derive from a message (RFC 9421 2.2). */
#include "apisec/num.h"
#include "httpsig_impl.h"

/* A request target (RFC 9112 3.2); in authority-form and asterisk-form there is no path. */
struct target {
    bool has_path, is_asterisk;
    struct aps_str path;  /* as received; "/" where it is empty */
    struct aps_str query; /* with its `?`; empty: there is none */
};

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_alpha(char c)
{
    return is_lower((char)(c | 0x20));
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static enum aps_httpsig_fault bad_value(const struct httpsig_component *c, const char *want,
                                        struct aps_diag *diag)
{
    return aps_httpsig_explain(APS_HTTPSIG_VALUE, c->name, want, diag);
}

/* Bytes that may stand in a request target: printable, and no `#`, behind which a client keeps what
 * it does not send. */
static bool is_plain(struct aps_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '#')
            return false;
    return s.n != 0;
}

/* RFC 3986 3.1; returns its bytes, 0: there is none. */
static size_t scheme_len(struct aps_str s)
{
    size_t i = 0;

    if (s.n == 0 || !is_alpha(s.p[0]))
        return 0;
    while (i < s.n && (is_alpha(s.p[i]) || is_digit(s.p[i]) || s.p[i] == '+' || s.p[i] == '-' ||
                       s.p[i] == '.'))
        i++;
    return i;
}

static void split(struct aps_str rest, struct target *out)
{
    const char *query = rest.n != 0 ? memchr(rest.p, '?', rest.n) : NULL;

    out->has_path = true;
    out->path = rest;
    if (query != NULL) {
        out->path.n = (size_t)(query - rest.p);
        out->query = (struct aps_str){query, rest.n - out->path.n};
    }
    if (out->path.n == 0)
        out->path = APS_STR_LIT("/"); /* RFC 9110 4.2.3 */
}

/* Behind scheme and authority of an absolute-form. */
static bool split_absolute(struct aps_str s, struct target *out)
{
    size_t at = scheme_len(s);

    if (at == 0 || s.n - at < 3 || memcmp(s.p + at, "://", 3) != 0)
        return false;
    for (at += 3; at < s.n && s.p[at] != '/' && s.p[at] != '?';)
        at++;
    split((struct aps_str){s.p + at, s.n - at}, out);
    return true;
}

static bool read_target(const struct aps_httpsig_message *m, struct target *out)
{
    *out = (struct target){0};
    if (!is_plain(m->target))
        return false;
    out->is_asterisk = aps_str_eq(m->target, APS_STR_LIT("*"));
    if (out->is_asterisk || aps_str_eq(m->method, APS_STR_LIT("CONNECT")))
        return true;
    if (m->target.p[0] != '/')
        return split_absolute(m->target, out);
    split(m->target, out);
    return true;
}

/* ---- origin */

static bool add_scheme(const struct aps_httpsig_message *m, struct aps_buf *to)
{
    if (m->scheme.n == 0 || scheme_len(m->scheme) != m->scheme.n)
        return false;
    for (size_t i = 0; i < m->scheme.n; i++)
        aps_buf_add_char(to, lower(m->scheme.p[i]));
    return true;
}

/* Bytes of the host before `:port`, 0: it is malformed. */
static size_t host_len(struct aps_str s)
{
    const char *end = s.n != 0 && s.p[0] == '[' ? memchr(s.p, ']', s.n) : NULL;
    size_t n = end != NULL ? (size_t)(end - s.p) + 1 : 0;

    if (end == NULL)
        while (n < s.n && s.p[n] != ':')
            n++;
    if (n < s.n && s.p[n] != ':')
        return 0;
    for (size_t i = n + 1; i < s.n; i++)
        if (!is_digit(s.p[i]))
            return 0;
    for (size_t i = 0; i < n; i++)
        if (!is_alpha(s.p[i]) && !is_digit(s.p[i]) &&
            (s.p[i] == '\0' || strchr("-._~!$&'()*+,;=%[]:", s.p[i]) == NULL))
            return 0;
    return n;
}

/* In lower case, without the scheme's own port (RFC 9110 4.2.3). */
static bool add_authority(const struct aps_httpsig_message *m, struct aps_buf *to)
{
    const size_t n = host_len(m->authority);
    struct aps_str port;
    bool usual;

    if (n == 0)
        return false;
    for (size_t i = 0; i < n; i++)
        aps_buf_add_char(to, lower(m->authority.p[i]));
    port = (struct aps_str){m->authority.p + n, m->authority.n - n};
    usual =
        port.n <= 1 ||
        (aps_str_eq_nocase(m->scheme, APS_STR_LIT("https")) &&
         aps_str_eq(port, APS_STR_LIT(":443"))) ||
        (aps_str_eq_nocase(m->scheme, APS_STR_LIT("http")) && aps_str_eq(port, APS_STR_LIT(":80")));
    if (!usual)
        aps_buf_add(to, port);
    return true;
}

/* RFC 9110 7.1, RFC 9112 3.3: of origin-form, absolute-form and asterisk-form. */
static bool add_target_uri(const struct aps_httpsig_message *m, const struct target *t,
                           struct aps_buf *to)
{
    if ((!t->has_path && !t->is_asterisk) || !add_scheme(m, to))
        return false;
    aps_buf_add(to, APS_STR_LIT("://"));
    if (!add_authority(m, to))
        return false;
    aps_buf_add(to, t->path);
    aps_buf_add(to, t->query);
    return true;
}

/* ---- parameters of the query (RFC 9421 2.2.8) */

/* A name or value, decoded as forms are (URL Standard 5.1); false: it is no UTF-8. */
static bool decode_form(struct aps_str raw, char *buf, struct aps_str *out)
{
    struct aps_str rest;
    size_t n = 0;

    for (size_t i = 0; i < raw.n; i++) {
        char c = raw.p[i];

        if (c == '+') {
            c = ' ';
        } else if (c == '%' && raw.n - i > 2 && aps_num_hex(raw.p[i + 1]) >= 0 &&
                   aps_num_hex(raw.p[i + 2]) >= 0) {
            c = (char)(aps_num_hex(raw.p[i + 1]) * 16 + aps_num_hex(raw.p[i + 2]));
            i += 2;
        }
        buf[n++] = c;
    }
    *out = rest = (struct aps_str){buf, n};
    for (size_t k; rest.n != 0; rest.p += k, rest.n -= k)
        if ((k = aps_str_utf8(rest)) == 0)
            return false;
    return true;
}

/* The application/x-www-form-urlencoded percent-encode set, a space being %20. */
static void encode_form(struct aps_str s, struct aps_buf *to)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < s.n; i++) {
        const unsigned char c = (unsigned char)s.p[i];

        if (is_alpha(s.p[i]) || is_digit(s.p[i]) || (c != '\0' && strchr("*-._", c) != NULL)) {
            aps_buf_add_char(to, s.p[i]);
        } else {
            const char percent[] = {'%', hex[c >> 4], hex[c & 15]};

            aps_buf_add(to, (struct aps_str){percent, sizeof percent});
        }
    }
}

/* The room that one query's parameters are read in. */
struct form {
    char *decoded;       /* as long as the query */
    struct aps_buf name; /* encoded again */
};

/* Whether the pair is of this name; its value is what stands behind the first `=`. */
static bool is_pair_of(struct form *f, struct aps_str pair, struct aps_str name,
                       struct aps_str *out_value)
{
    const char *equals = pair.n != 0 ? memchr(pair.p, '=', pair.n) : NULL;
    struct aps_str raw = pair, decoded;

    *out_value = (struct aps_str){NULL, 0};
    if (equals != NULL) {
        raw.n = (size_t)(equals - pair.p);
        *out_value = (struct aps_str){equals + 1, pair.n - raw.n - 1};
    }
    if (!decode_form(raw, f->decoded, &decoded))
        return false;
    aps_buf_cut(&f->name, 0);
    encode_form(decoded, &f->name);
    return aps_str_eq(aps_buf_text(&f->name), name);
}

static enum aps_httpsig_fault add_query_param(const struct target *t,
                                              const struct httpsig_component *c,
                                              struct httpsig_work *work, struct aps_buf *to,
                                              struct aps_diag *diag)
{
    struct aps_str rest = t->query, pair, value, found = {NULL, 0};
    struct form f;
    unsigned n = 0;

    if (!httpsig_may_read(work, t->query.n))
        return APS_HTTPSIG_SIZE;
    if ((f.decoded = apr_palloc(work->pool, t->query.n + 1)) == NULL)
        return APS_HTTPSIG_NOMEM;
    aps_buf_init(&f.name, work->pool, APS_HTTPSIG_BASE_MAX);
    if (rest.n != 0)
        rest = (struct aps_str){rest.p + 1, rest.n - 1};
    while (aps_str_next(&rest, '&', &pair))
        if (pair.n != 0 && is_pair_of(&f, pair, c->query_param->text, &value)) {
            found = value;
            n++;
        }
    if (f.name.full)
        return APS_HTTPSIG_SIZE;
    if (n == 0)
        return aps_httpsig_explain(APS_HTTPSIG_MISSING, c->name, "a parameter of that name", diag);
    if (n > 1)
        return bad_value(c, "a parameter that is there once", diag);
    if (!decode_form(found, f.decoded, &value))
        return bad_value(c, "a parameter in UTF-8", diag);
    encode_form(value, to);
    return APS_HTTPSIG_OK;
}

/* ---- all of them */

/* RFC 9110 5.6.2: methods are tokens. */
static bool is_token(struct aps_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_alpha(s.p[i]) && !is_digit(s.p[i]) &&
            (s.p[i] == '\0' || strchr("!#$%&'*+-.^_`|~", s.p[i]) == NULL))
            return false;
    return s.n != 0;
}

static enum aps_httpsig_fault add_status(const struct aps_httpsig_message *m,
                                         const struct httpsig_component *c, struct aps_buf *to,
                                         struct aps_diag *diag)
{
    char digits[20];

    if (m->status < 100 || m->status > 999)
        return bad_value(c, "a status of three digits", diag);
    aps_buf_add(to, (struct aps_str){digits, (size_t)(aps_num_put(digits, m->status) - digits)});
    return APS_HTTPSIG_OK;
}

/* What the request line has, once it was read. */
static enum aps_httpsig_fault add_of_target(const struct aps_httpsig_message *m,
                                            const struct httpsig_component *c,
                                            struct httpsig_work *work, struct aps_buf *to,
                                            struct aps_diag *diag)
{
    struct target t;

    if (!read_target(m, &t))
        return bad_value(c, "a request target of RFC 9112 3.2", diag);
    if (c->kind == HTTPSIG_REQUEST_TARGET) {
        aps_buf_add(to, m->target);
        return APS_HTTPSIG_OK;
    }
    if (c->kind == HTTPSIG_TARGET_URI)
        return add_target_uri(m, &t, to) ? APS_HTTPSIG_OK
                                         : bad_value(c, "a target with scheme and host", diag);
    if (!t.has_path)
        return bad_value(c, "a request target with a path", diag);
    if (c->kind == HTTPSIG_QUERY_PARAM)
        return add_query_param(&t, c, work, to, diag);
    if (c->kind == HTTPSIG_PATH)
        aps_buf_add(to, t.path);
    else
        aps_buf_add(to, t.query.n != 0 ? t.query : APS_STR_LIT("?"));
    return APS_HTTPSIG_OK;
}

enum aps_httpsig_fault aps_httpsig_derived_value(const struct aps_httpsig_message *m,
                                                 const struct httpsig_component *c,
                                                 struct httpsig_work *work, struct aps_buf *to,
                                                 struct aps_diag *diag)
{
    if ((c->kind == HTTPSIG_STATUS) != (m->status != 0))
        return aps_httpsig_explain(APS_HTTPSIG_COMPONENT, c->name,
                                   m->status != 0 ? "@status, or a parameter req, in a response"
                                                  : "no @status in a request",
                                   diag);
    switch (c->kind) {
    case HTTPSIG_STATUS:
        return add_status(m, c, to, diag);
    case HTTPSIG_METHOD:
        if (!is_token(m->method))
            return bad_value(c, "a method", diag);
        aps_buf_add(to, m->method);
        return APS_HTTPSIG_OK;
    case HTTPSIG_SCHEME:
        return add_scheme(m, to) ? APS_HTTPSIG_OK : bad_value(c, "a scheme", diag);
    case HTTPSIG_AUTHORITY:
        return add_authority(m, to) ? APS_HTTPSIG_OK : bad_value(c, "host or host:port", diag);
    default:
        return add_of_target(m, c, work, to, diag);
    }
}
