/* path.c - the one reading of a request path.
 *
 * What is encoded is decoded first, once; then every rule is put to the bytes that come out, so
 * that a spelling cannot slip between the two.  A path without '%' is checked where it lies. */
#include "apisec/path.h"

#include "apisec/num.h"

/* What a byte of a decoded path asks for. */
enum {
    PLAIN,
    SLASH,
    PERCENT,
    CONTROL,
    BACKSLASH,
    SEMICOLON,
    HASH,
    QUESTION,
    HIGH, /* part of a UTF-8 character */
};

static const unsigned char kind[256] = {
    [0 ... 0x1f] = CONTROL, [0x7f] = CONTROL,   ['/'] = SLASH,
    ['%'] = PERCENT,        ['\\'] = BACKSLASH, [';'] = SEMICOLON,
    ['#'] = HASH,           ['?'] = QUESTION,   [0x80 ... 0xff] = HIGH,
};

static const char *const faults[] = {
    [CONTROL] = "control byte", [BACKSLASH] = "backslash",    [SEMICOLON] = "semicolon",
    [HASH] = "number sign",     [QUESTION] = "question mark",
};

/* The byte that the two digits at `p` stand for, or 256. */
static unsigned hex_byte(const char *p, const char *end)
{
    int high, low;

    if (end - p < 2 || (high = aps_num_hex(p[0])) < 0 || (low = aps_num_hex(p[1])) < 0)
        return 256;
    return (unsigned)(high << 4 | low);
}

/* What is wrong with the segment that begins behind the slash at `p`, or NULL. */
static const char *segment_fault(const char *p, const char *end)
{
    if (++p == end)
        return NULL; /* a final slash */
    if (*p == '/')
        return "empty segment";
    if (*p != '.')
        return NULL;
    if (++p != end && *p == '.')
        p++;
    return p == end || *p == '/' ? "dot segment" : NULL;
}

/* Go behind the `%` or the character of several bytes at `*p`; what is wrong with it, or NULL. */
static const char *skip_char(const char **p, const char *end)
{
    if (**p == '%') {
        if (hex_byte(*p + 1, end) < 256)
            return "double encoding";
        ++*p;
        return NULL;
    }
    size_t n = aps_str_utf8((struct aps_str){*p, (size_t)(end - *p)});

    *p += n;
    return n != 0 ? NULL : "invalid UTF-8";
}

/* The first fault of a decoded path, or NULL. */
static const char *find_fault(const char *p, const char *end)
{
    const char *fault;

    for (;;) {
        while (p < end && kind[(unsigned char)*p] == PLAIN)
            p++;
        if (p == end)
            return NULL;
        switch (kind[(unsigned char)*p]) {
        case SLASH:
            if ((fault = segment_fault(p, end)) != NULL)
                return fault;
            p++;
            break;
        case PERCENT:
        case HIGH:
            if ((fault = skip_char(&p, end)) != NULL)
                return fault;
            break;
        default:
            return faults[kind[(unsigned char)*p]];
        }
    }
}

/* Decode raw[0..n) into `buf`; returns the fault or NULL. */
static const char *decode(struct aps_str raw, char *buf, struct aps_str *out)
{
    const char *end = raw.p + raw.n;
    char *to = buf;
    unsigned byte;

    for (const char *p = raw.p; p < end; p++) {
        if (*p != '%') {
            *to++ = *p;
            continue;
        }
        if ((byte = hex_byte(p + 1, end)) > 255)
            return "bad escape";
        if (byte == '/')
            return "encoded slash";
        *to++ = (char)byte;
        p += 2;
    }
    *out = (struct aps_str){buf, (size_t)(to - buf)};
    return NULL;
}

bool aps_path_read(struct aps_str raw, char *buf, struct aps_str *out, const char **out_fault)
{
    struct aps_str path = raw;
    const char *fault = NULL;

    if (raw.n == 0 || raw.p[0] != '/')
        fault = "no leading slash";
    else if (memchr(raw.p, '%', raw.n) != NULL)
        fault = decode(raw, buf, &path);
    if (fault == NULL)
        fault = find_fault(path.p, path.p + path.n);
    if (fault != NULL) {
        if (out_fault != NULL)
            *out_fault = fault;
        return false;
    }
    *out = path;
    return true;
}

/* ---- Relaxed ----
 *
 * What is relaxed is done segment by segment to the decoded bytes, in the order in which readers
 * do it that do it at all: parameters, empty segments, dots. */

#define KEPT '\x01' /* stands for a kept "%2F": no byte of a path that is read at all */

/* By kind: what lets a byte be there, raw and encoded. */
static const unsigned relaxes[][2] = {
    [CONTROL] = {0, 0},
    [BACKSLASH] = {APS_PATH_BACKSLASH, APS_PATH_BACKSLASH},
    [SEMICOLON] = {APS_PATH_CUT | APS_PATH_PARAMS, APS_PATH_CUT},
    [HASH] = {0, APS_PATH_HASH},
    [QUESTION] = {0, APS_PATH_QUESTION},
};

struct relaxed {
    unsigned allow, used;
    char *p; /* the decoded path is [p, end) */
    char *end;
};

static const char *put(struct relaxed *x, unsigned byte, bool encoded)
{
    unsigned relax = 0;

    switch (kind[byte]) {
    case PLAIN:
    case PERCENT:
    case HIGH:
        break;
    case SLASH:
        if (!encoded)
            break;
        if ((relax = x->allow & (APS_PATH_SPLIT | APS_PATH_KEEP)) == 0)
            return "encoded slash";
        byte = (relax & APS_PATH_KEEP) != 0 ? KEPT : '/';
        break;
    default:
        if ((relax = x->allow & relaxes[kind[byte]][encoded]) == 0)
            return faults[kind[byte]];
        if (byte == '\\')
            byte = '/';
        break;
    }
    x->used |= relax;
    *x->end++ = (char)byte;
    return NULL;
}

static const char *put_all(struct relaxed *x, struct aps_str raw)
{
    const char *end = raw.p + raw.n, *fault = NULL;
    unsigned byte;

    for (const char *p = raw.p; p < end && fault == NULL; p++) {
        if (*p != '%') {
            fault = put(x, (unsigned char)*p, false);
            continue;
        }
        if ((byte = hex_byte(p + 1, end)) > 255)
            return "bad escape";
        fault = put(x, byte, true);
        p += 2;
    }
    return fault;
}

/* The first fault of a decoded path that no relaxation mends, or NULL. */
static const char *text_fault(const char *p, const char *end)
{
    const char *fault = NULL;

    while (p < end && fault == NULL)
        if (kind[(unsigned char)*p] == PERCENT || kind[(unsigned char)*p] == HIGH)
            fault = skip_char(&p, end);
        else
            p++;
    return fault;
}

static bool is_dots(struct aps_str s)
{
    return s.n > 0 && s.n <= 2 && s.p[0] == '.' && s.p[s.n - 1] == '.';
}

static struct aps_str before(struct aps_str s, char stop)
{
    const char *p = s.n != 0 ? memchr(s.p, stop, s.n) : NULL;

    return (struct aps_str){s.p, p != NULL ? (size_t)(p - s.p) : s.n};
}

/* What is wrong with a segment for a reader who takes away what was kept, or NULL: to such a one
 * no part of it may be empty or a dot segment. */
static const char *kept_fault(struct aps_str segment)
{
    const bool slashes = before(segment, KEPT).n != segment.n;

    for (size_t at = 0; at <= segment.n;) {
        struct aps_str part = before((struct aps_str){segment.p + at, segment.n - at}, KEPT);
        struct aps_str name = before(part, ';');

        if (slashes && name.n == 0)
            return "empty segment";
        if (is_dots(name) && (slashes || name.n != part.n))
            return "dot segment";
        at += part.n + 1;
    }
    return NULL;
}

/* Take one segment, which has a slash before it, to the end of what was read so far. */
static const char *take_segment(struct relaxed *x, struct aps_str segment, bool last, char **to)
{
    const char *fault = kept_fault(segment);

    if (fault != NULL)
        return fault;
    if (segment.n == 0 && !last) {
        x->used |= APS_PATH_MERGE;
        return (x->allow & APS_PATH_MERGE) != 0 ? NULL : "empty segment";
    }
    if (is_dots(segment)) {
        x->used |= APS_PATH_RESOLVE;
        if ((x->allow & APS_PATH_RESOLVE) == 0 || (segment.n == 2 && *to == x->p))
            return "dot segment";
        if (segment.n == 2)
            while (*--*to != '/')
                ;
        if (!last)
            return NULL;
        segment.n = 0;
    }
    *(*to)++ = '/';
    memmove(*to, segment.p, segment.n);
    *to += segment.n;
    return NULL;
}

static const char *take_segments(struct relaxed *x)
{
    const char *fault = NULL;
    char *to = x->p, *next;

    for (char *p = x->p; p < x->end && fault == NULL; p = next) {
        struct aps_str segment = {p + 1, (size_t)(x->end - p - 1)};

        segment = before(segment, '/');
        next = p + 1 + segment.n;
        if ((x->allow & APS_PATH_CUT) != 0)
            segment = before(segment, ';');
        fault = take_segment(x, segment, next == x->end, &to);
    }
    x->end = to;
    return fault;
}

/* Write what was kept; each had three bytes before it was read. */
static void expand(struct relaxed *x)
{
    size_t kept = 0;
    char *to;

    for (const char *p = x->p; p < x->end; p++)
        kept += *p == KEPT;
    to = x->end + 2 * kept;
    for (char *p = x->end; p > x->p && to > p;) {
        if (*--p != KEPT) {
            *--to = *p;
            continue;
        }
        to -= 3;
        memcpy(to, "%2F", 3);
    }
    x->end += 2 * kept;
}

bool aps_path_relaxed(struct aps_str raw, unsigned allow, char *buf, struct aps_str *out,
                      unsigned *out_used, const char **out_fault)
{
    struct relaxed x = {allow, 0, buf, buf};
    const char *fault = NULL;

    if (aps_path_read(raw, buf, out, out_fault)) {
        *out_used = 0;
        return true;
    }
    if (allow == 0 || raw.n == 0 || raw.p[0] != '/')
        return false;
    if ((fault = put_all(&x, raw)) == NULL && (fault = text_fault(x.p, x.end)) == NULL)
        fault = take_segments(&x);
    if (fault != NULL) {
        if (out_fault != NULL)
            *out_fault = fault;
        return false;
    }
    expand(&x);
    *out = (struct aps_str){x.p, (size_t)(x.end - x.p)};
    *out_used = x.used;
    return true;
}

static bool is_kept_slash(struct aps_str path, size_t at)
{
    return path.n - at >= 3 && memcmp(path.p + at, "%2F", 3) == 0;
}

struct aps_str aps_path_other(struct aps_str path, char *buf)
{
    char *to = buf;

    for (size_t i = 0; i < path.n; i++) {
        if (path.p[i] == ';') {
            while (i + 1 < path.n && path.p[i + 1] != '/' && !is_kept_slash(path, i + 1))
                i++;
            continue;
        }
        const bool kept = is_kept_slash(path, i);
        const char c = kept ? '/' : path.p[i];

        if (kept)
            i += 2;
        if (c != '/' || to == buf || to[-1] != '/')
            *to++ = c;
    }
    return (struct aps_str){buf, (size_t)(to - buf)};
}

struct aps_str aps_path_print(struct aps_str path, char *buf)
{
    static const char digits[] = "0123456789ABCDEF", plain[] = "-._~!$&'()*+,;=:@/";
    char *to = buf;

    for (size_t i = 0; i < path.n; i++) {
        const unsigned char c = (unsigned char)path.p[i];

        if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
            memchr(plain, c, sizeof plain - 1) != NULL || is_kept_slash(path, i)) {
            *to++ = (char)c;
            continue;
        }
        *to++ = '%';
        *to++ = digits[c >> 4];
        *to++ = digits[c & 15];
    }
    return (struct aps_str){buf, (size_t)(to - buf)};
}
