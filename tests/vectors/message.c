/* message.c - an HTTP/1.1 message as a text, with CRLF or LF between its lines. */
#include "message.h"

/* One line off `*rest`, without its end. */
static struct aps_str take_line(struct aps_str *rest)
{
    struct aps_str line = {NULL, 0};

    if (aps_str_next(rest, '\n', &line) && line.n != 0 && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool read_status(struct aps_str word, unsigned *out)
{
    if (word.n != 3)
        return false;
    *out = 0;
    for (size_t i = 0; i < 3; i++) {
        if (word.p[i] < '0' || word.p[i] > '9')
            return false;
        *out = *out * 10 + (unsigned)(word.p[i] - '0');
    }
    return *out >= 100;
}

/* METHOD SP TARGET SP HTTP/1.1, or HTTP/1.1 SP STATUS SP REASON. */
static bool read_start(struct aps_str line, struct aps_httpsig_message *m)
{
    struct aps_str first, second, version;

    if (!aps_str_next(&line, ' ', &first) || !aps_str_next(&line, ' ', &second))
        return false;
    if (aps_str_starts(first, APS_STR_LIT("HTTP/")))
        return read_status(second, &m->status);
    m->method = first;
    m->target = second;
    return aps_str_next(&line, ' ', &version) && line.n == 0 &&
           aps_str_starts(version, APS_STR_LIT("HTTP/"));
}

/* A field and the lines that go on with it; the value keeps their ends (obs-fold). */
static bool read_field(struct aps_str *rest, struct aps_httpsig_line *out)
{
    struct aps_str line = take_line(rest), all;
    const char *colon = line.n != 0 ? memchr(line.p, ':', line.n) : NULL;

    if (colon == NULL || colon == line.p || is_blank(colon[-1]))
        return false;
    while (rest->n != 0 && is_blank(rest->p[0])) {
        all = take_line(rest);
        line.n = (size_t)(all.p + all.n - line.p);
    }
    out->name = (struct aps_str){line.p, (size_t)(colon - line.p)};
    out->value = (struct aps_str){colon + 1, line.n - out->name.n - 1};
    return out->name.n == 0 || memchr(out->name.p, '@', out->name.n) == NULL;
}

static struct aps_str field(const struct aps_httpsig_message *m, const char *name)
{
    for (size_t i = 0; i < m->fields.n; i++)
        if (aps_str_eq_nocase(m->fields.of[i].name, aps_str(name)))
            return aps_str_trim(m->fields.of[i].value);
    return (struct aps_str){NULL, 0};
}

/* Of an absolute-form or authority-form target, which goes before Host (RFC 9112 3.2.2, 3.2.3);
 * scheme and authority as the client knows them. */
static void read_origin(struct aps_httpsig_message *m, struct aps_str scheme)
{
    struct aps_str rest = m->target, word;

    m->scheme = scheme;
    m->authority = field(m, "host");
    if (aps_str_eq(m->method, APS_STR_LIT("CONNECT")))
        m->authority = m->target;
    else if (rest.n != 0 && rest.p[0] != '/' && rest.p[0] != '*' &&
             aps_str_next(&rest, ':', &word) && aps_str_starts(rest, APS_STR_LIT("//"))) {
        m->scheme = word;
        m->authority = (struct aps_str){rest.p + 2, 0};
        while (m->authority.n < rest.n - 2 &&
               memchr("/?#", m->authority.p[m->authority.n], 3) == NULL)
            m->authority.n++;
    }
}

bool t_message_read(struct aps_str text, struct aps_str scheme, apr_pool_t *pool,
                    struct aps_httpsig_message *out)
{
    struct aps_httpsig_message m = {0};
    struct aps_httpsig_line *lines;
    size_t max = 1;

    for (size_t i = 0; i < text.n; i++)
        max += text.p[i] == '\n';
    lines = apr_palloc(pool, max * sizeof *lines);
    if (!read_start(take_line(&text), &m))
        return false;
    m.fields.of = lines;
    while (text.n != 0 && text.p[0] != '\r' && text.p[0] != '\n')
        if (!read_field(&text, &lines[m.fields.n++]))
            return false;
    if (m.status == 0)
        read_origin(&m, scheme);
    *out = m;
    return true;
}
