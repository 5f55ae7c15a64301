/* multipart.c - where parts begin and end.
 *
 * A boundary is looked for at the begin of lines only.  It has neither CR nor LF, so a search that
 * fails need not go back: the next can begin at the next line's end. */
#include "multipart_impl.h"

const struct aps_multipart_options aps_multipart_usual = {
    .parts_max = 1000,
    .headers_max = 4096,
    .name_max = 255,
    .part_max = 10u << 20,
    .total_max = 10u << 20,
};

static const struct {
    const char *token, *text;
} faults[APS_MULTIPART_COUNT] = {
#define F(name, token, text) {token, text},
#include "apisec/multipart.def"
#undef F
};

const char *aps_multipart_fault_name(enum aps_multipart_fault fault)
{
    return (unsigned)fault < APS_MULTIPART_COUNT ? faults[fault].token : "unknown";
}

const char *aps_multipart_fault_text(enum aps_multipart_fault fault)
{
    return (unsigned)fault < APS_MULTIPART_COUNT ? faults[fault].text : "unknown";
}

/* bchars, the last of which is no blank. */
static bool is_boundary(struct aps_str s)
{
    if (s.n == 0 || s.n > APS_MULTIPART_BOUNDARY_MAX || s.p[s.n - 1] == ' ')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        const char c = s.p[i], lower = (char)(c | 0x20);

        if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') &&
            (c == '\0' || strchr("'()+_,-./:=? ", c) == NULL))
            return false;
    }
    return true;
}

struct aps_multipart *aps_multipart_new(apr_pool_t *pool, struct aps_str boundary,
                                        const struct aps_multipart_options *options,
                                        aps_multipart_fn each, void *context,
                                        enum aps_multipart_fault *out_fault)
{
    struct aps_multipart *m;

    *out_fault = APS_MULTIPART_BOUNDARY;
    if (!is_boundary(boundary))
        return NULL;
    *out_fault = APS_MULTIPART_NOMEM;
    if ((m = apr_pcalloc(pool, sizeof *m)) == NULL ||
        (m->head = apr_palloc(pool, options->headers_max)) == NULL)
        return NULL;
    m->pool = pool;
    m->options = options;
    m->each = each;
    m->context = context;
    memcpy(m->dash, "--", 2);
    memcpy(m->dash + 2, boundary.p, boundary.n);
    m->dash_n = (uint32_t)boundary.n + 2;
    *out_fault = APS_MULTIPART_OK;
    return m;
}

static enum aps_multipart_fault first(struct aps_multipart *m, char c)
{
    if (c != m->dash[m->matched])
        return APS_MULTIPART_OUTSIDE;
    if (++m->matched == m->dash_n) {
        m->phase = MULTIPART_CLOSE;
        m->matched = 0;
    }
    return APS_MULTIPART_OK;
}

/* CRLF, or two dashes at the end. */
static enum aps_multipart_fault close_line(struct aps_multipart *m, char c)
{
    if (m->matched == 0) {
        m->matched = 1;
        return c == '\r' || c == '-' ? APS_MULTIPART_OK
               : c == '\n'           ? APS_MULTIPART_LINE
                                     : APS_MULTIPART_DELIMITER;
    }
    m->matched = 0;
    if (m->last == '-') {
        m->phase = MULTIPART_END;
        return c != '-'        ? APS_MULTIPART_DELIMITER
               : m->parts == 0 ? APS_MULTIPART_EMPTY
                               : APS_MULTIPART_OK;
    }
    if (c != '\n')
        return APS_MULTIPART_LINE;
    m->phase = MULTIPART_HEAD;
    m->head_n = 0;
    return m->parts++ < m->options->parts_max ? APS_MULTIPART_OK : APS_MULTIPART_PARTS;
}

/* Up to the empty line. */
static enum aps_multipart_fault head(struct aps_multipart *m, char c)
{
    if (m->head_n == m->options->headers_max)
        return APS_MULTIPART_HEADERS;
    m->head[m->head_n++] = c;
    if (c != '\n')
        return m->last == '\r' ? APS_MULTIPART_LINE : APS_MULTIPART_OK;
    if (m->last != '\r')
        return APS_MULTIPART_LINE;
    if (m->head_n > 2 && (m->head_n < 4 || memcmp(m->head + m->head_n - 4, "\r\n\r\n", 4) != 0))
        return APS_MULTIPART_OK;
    m->phase = MULTIPART_DATA;
    m->part = (struct aps_multipart_part){.at = m->at + 1};
    m->matched = 0;
    m->line = true;
    m->strict = false; /* the empty line is the head's: what it holds ends in a CRLF of its own */
    return aps_multipart_head(m);
}

static enum aps_multipart_fault finish_part(struct aps_multipart *m)
{
    m->part.n = m->at + 1 - m->dash_n - 2 - m->part.at;
    m->phase = MULTIPART_CLOSE;
    m->matched = 0;
    return m->each(m->context, &m->part) ? APS_MULTIPART_OK : APS_MULTIPART_SINK;
}

static enum aps_multipart_fault data(struct aps_multipart *m, char c)
{
    if (c == '\r' || c == '\n') {
        m->line = true;
        m->strict = c == '\n' && m->last == '\r';
        m->matched = 0;
        return APS_MULTIPART_OK;
    }
    m->line = m->line && c == m->dash[m->matched];
    if (!m->line || ++m->matched < m->dash_n)
        return APS_MULTIPART_OK;
    return m->strict ? finish_part(m) : APS_MULTIPART_LINE;
}

static enum aps_multipart_fault end(struct aps_multipart *m, char c)
{
    return m->matched < 2 && c == "\r\n"[m->matched++] ? APS_MULTIPART_OK : APS_MULTIPART_OUTSIDE;
}

static enum aps_multipart_fault step(struct aps_multipart *m, char c)
{
    switch (m->phase) {
    case MULTIPART_FIRST:
        return first(m, c);
    case MULTIPART_CLOSE:
        return close_line(m, c);
    case MULTIPART_HEAD:
        return head(m, c);
    case MULTIPART_DATA:
        return data(m, c);
    case MULTIPART_END:
        return end(m, c);
    }
    return APS_MULTIPART_OUTSIDE;
}

/* How many bytes from `p` on no boundary can begin or go on in. */
static size_t skip(const struct aps_multipart *m, const char *p, size_t n)
{
    size_t i = 0;

    if (m->phase != MULTIPART_DATA || m->line)
        return 0;
    while (i < n && p[i] != '\r' && p[i] != '\n')
        i++;
    return i;
}

/* What a part holds so far, less what could be its end. */
static bool is_part_over(const struct aps_multipart *m)
{
    return m->phase == MULTIPART_DATA && m->at > m->part.at &&
           m->at - m->part.at > m->options->part_max + (m->line ? m->matched + 2u : 0u);
}

/* Of n bytes, so many that no cap is leapt over: which one is passed first does not hang on how the
 * body was cut. */
static size_t within_caps(const struct aps_multipart *m, size_t n)
{
    uint64_t end = m->options->total_max + 1;

    if (m->phase == MULTIPART_DATA && m->options->part_max < m->options->total_max - m->part.at)
        end = m->part.at + m->options->part_max + 1;
    if (end <= m->at)
        return 1;
    return end - m->at < n ? (size_t)(end - m->at) : n;
}

enum aps_multipart_fault aps_multipart_feed(struct aps_multipart *m, struct aps_str bytes)
{
    size_t i = 0, n;

    while (i < bytes.n && m->fault == APS_MULTIPART_OK) {
        if ((n = skip(m, bytes.p + i, within_caps(m, bytes.n - i))) > 0) {
            m->last = bytes.p[i + n - 1];
        } else {
            m->fault = step(m, bytes.p[i]);
            m->last = bytes.p[i];
            n = 1;
        }
        i += n;
        m->at += n;
        if (m->fault == APS_MULTIPART_OK && m->at > m->options->total_max)
            m->fault = APS_MULTIPART_TOTAL;
        if (m->fault == APS_MULTIPART_OK && is_part_over(m))
            m->fault = APS_MULTIPART_PART;
    }
    return m->fault;
}

enum aps_multipart_fault aps_multipart_finish(struct aps_multipart *m)
{
    if (m->fault == APS_MULTIPART_OK &&
        (m->phase != MULTIPART_END || (m->matched != 0 && m->matched != 2)))
        m->fault = APS_MULTIPART_END;
    return m->fault;
}

uint64_t aps_multipart_at(const struct aps_multipart *m)
{
    return m->at;
}
