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

/* The first fault of a decoded path, or NULL. */
static const char *find_fault(const char *p, const char *end)
{
    const char *fault;
    size_t n;

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
            if (hex_byte(p + 1, end) < 256)
                return "double encoding";
            p++;
            break;
        case HIGH:
            n = aps_str_utf8((struct aps_str){p, (size_t)(end - p)});
            if (n == 0)
                return "invalid UTF-8";
            p += n;
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
