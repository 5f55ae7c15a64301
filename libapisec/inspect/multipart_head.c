/* multipart_head.c - the header lines of a part, and names of files. */
#include "apisec/mediatype.h"
#include "multipart_impl.h"

#include <apr_strings.h>

/* Text of a header: UTF-8 without control characters but tabs. */
static bool is_text(struct aps_str s)
{
    uint32_t code;
    size_t n;

    for (size_t i = 0; i < s.n; i += n) {
        n = aps_str_utf8_code((struct aps_str){s.p + i, s.n - i}, &code);
        if (n == 0 || (code != '\t' && (code < ' ' || code == 0x7f)))
            return false;
    }
    return true;
}

/* A value with \" and \\ for what stands behind; in the pool where it has one. */
static bool unescape(apr_pool_t *pool, struct aps_str s, struct aps_str *out)
{
    char *text, *to;

    *out = s;
    if (s.n == 0 || memchr(s.p, '\\', s.n) == NULL)
        return true;
    if ((text = to = apr_palloc(pool, s.n)) == NULL)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        i += s.p[i] == '\\';
        *to++ = s.p[i];
    }
    *out = (struct aps_str){text, (size_t)(to - text)};
    return true;
}

static enum aps_multipart_fault keep(struct aps_multipart *m, struct aps_str *at,
                                     struct aps_str value)
{
    if (at->p != NULL)
        return APS_MULTIPART_REPEATED;
    if (value.n > m->options->name_max)
        return APS_MULTIPART_NAME;
    return unescape(m->pool, value, at) ? APS_MULTIPART_OK : APS_MULTIPART_NOMEM;
}

static enum aps_multipart_fault read_disposition(struct aps_multipart *m, struct aps_str value)
{
    static const size_t start = sizeof "form-data" - 1;
    struct aps_str rest, name, text;
    enum aps_multipart_fault fault;

    if (m->part.name.p != NULL)
        return APS_MULTIPART_REPEATED;
    if (value.n < start ||
        !aps_str_eq_nocase((struct aps_str){value.p, start}, APS_STR_LIT("form-data")))
        return APS_MULTIPART_DISPOSITION;
    for (rest = (struct aps_str){value.p + start, value.n - start};;) {
        if (!aps_mediatype_next(&rest, true, &name, &text))
            return APS_MULTIPART_HEADER;
        if (name.n == 0)
            break;
        if (aps_str_eq_nocase(name, APS_STR_LIT("name")))
            fault = keep(m, &m->part.name, text);
        else if (aps_str_eq_nocase(name, APS_STR_LIT("filename")))
            fault = keep(m, &m->part.filename, text);
        else
            fault = APS_MULTIPART_PARAMETER;
        if (fault != APS_MULTIPART_OK)
            return fault;
    }
    if (m->part.name.n == 0)
        return APS_MULTIPART_DISPOSITION;
    return aps_str_eq_nocase(m->part.name, APS_STR_LIT("_charset_")) ? APS_MULTIPART_CHARSET
                                                                     : APS_MULTIPART_OK;
}

static enum aps_multipart_fault read_type(struct aps_multipart *m, struct aps_str value)
{
    struct aps_mediatype type;

    if (m->part.type.p != NULL)
        return APS_MULTIPART_REPEATED;
    m->part.type = value;
    switch (aps_mediatype_read(value, &type)) {
    case APS_MEDIATYPE_OK:
        return APS_MULTIPART_OK;
    case APS_MEDIATYPE_CHARSET:
        return APS_MULTIPART_CHARSET;
    case APS_MEDIATYPE_REPEATED:
        return APS_MULTIPART_REPEATED;
    default:
        return APS_MULTIPART_HEADER;
    }
}

static enum aps_multipart_fault read_line(struct aps_multipart *m, struct aps_str line)
{
    const char *colon = memchr(line.p, ':', line.n);
    struct aps_multipart_header *h = &m->headers[m->part.headers_n];

    if (line.p[0] == ' ' || line.p[0] == '\t')
        return APS_MULTIPART_FOLDED;
    if (colon == NULL || m->part.headers_n == APS_MULTIPART_HEADERS_MAX)
        return colon == NULL ? APS_MULTIPART_HEADER : APS_MULTIPART_HEADERS;
    h->name = (struct aps_str){line.p, (size_t)(colon - line.p)};
    h->value = aps_str_trim((struct aps_str){colon + 1, line.n - h->name.n - 1});
    if (!aps_mediatype_is_token(h->name) || !is_text(h->value))
        return APS_MULTIPART_HEADER;
    m->part.headers_n++;
    if (aps_str_eq_nocase(h->name, APS_STR_LIT("content-disposition")))
        return read_disposition(m, h->value);
    if (aps_str_eq_nocase(h->name, APS_STR_LIT("content-type")))
        return read_type(m, h->value);
    if (aps_str_eq_nocase(h->name, APS_STR_LIT("content-transfer-encoding")))
        return APS_MULTIPART_ENCODING;
    return APS_MULTIPART_OK;
}

/* Each line ends in CRLF, and the last is empty: multipart.c has seen to that. */
enum aps_multipart_fault aps_multipart_head(struct aps_multipart *m)
{
    struct aps_str rest = {apr_pmemdup(m->pool, m->head, m->head_n), m->head_n}, line;
    enum aps_multipart_fault fault = rest.p != NULL ? APS_MULTIPART_OK : APS_MULTIPART_NOMEM;

    while (fault == APS_MULTIPART_OK && aps_str_next(&rest, '\n', &line) && line.n > 1) {
        line.n--;
        fault = read_line(m, line);
    }
    m->part.headers = m->headers;
    if (fault == APS_MULTIPART_OK && m->part.name.p == NULL)
        fault = APS_MULTIPART_DISPOSITION;
    return fault;
}

/* ---- names of files */

/* The name up to its first dot is one of MS-DOS's devices. */
static bool is_device(struct aps_str name)
{
    static const char *const devices[] = {"con", "prn", "aux", "nul", "conin$", "conout$"};
    const char *dot = memchr(name.p, '.', name.n);
    struct aps_str stem = {name.p, dot != NULL ? (size_t)(dot - name.p) : name.n};

    stem = aps_str_trim(stem);
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
        if (aps_str_eq_nocase(stem, aps_str(devices[i])))
            return true;
    return stem.n == 4 && stem.p[3] >= '0' && stem.p[3] <= '9' &&
           (aps_str_eq_nocase((struct aps_str){stem.p, 3}, APS_STR_LIT("com")) ||
            aps_str_eq_nocase((struct aps_str){stem.p, 3}, APS_STR_LIT("lpt")));
}

bool aps_multipart_head_is_safe(struct aps_str s, uint32_t max)
{
    uint32_t code;
    size_t n;

    if (s.n == 0 || s.n > max || s.p[0] == '.' || s.p[s.n - 1] == '.' || s.p[s.n - 1] == ' ')
        return false;
    for (size_t i = 0; i < s.n; i += n) {
        n = aps_str_utf8_code((struct aps_str){s.p + i, s.n - i}, &code);
        if (n == 0 || aps_str_is_control(code) || code == '/' || code == '\\' || code == ':')
            return false;
    }
    return !is_device(s);
}

bool aps_multipart_head_is_new(struct aps_str filename, apr_hash_t *seen)
{
    char *lower = apr_pstrmemdup(apr_hash_pool_get(seen), filename.p, filename.n);

    for (size_t i = 0; i < filename.n; i++)
        if (lower[i] >= 'A' && lower[i] <= 'Z')
            lower[i] = (char)(lower[i] | 0x20);
    if (apr_hash_get(seen, lower, (apr_ssize_t)filename.n) != NULL)
        return false;
    apr_hash_set(seen, lower, (apr_ssize_t)filename.n, lower);
    return true;
}
