/* jsonread_string.c - strings that are more than one run of plain bytes: escapes, UTF-8, faults. */
#include "apisec/num.h"
#include "jsonread_impl.h"

/* The first such byte, or the end. */
static const char *skip_plain(const char *p, const char *end)
{
    for (; end - p >= 16; p += 16) {
        const uint32_t found = find_special(bytes16_load(p));

        if (found != 0)
            return p + bytes16_first(found);
    }
    while (p < end && (signed char)*p >= ' ' && *p != '"' && *p != '\\')
        p++;
    return p;
}

/* Behind the characters beyond ASCII at p; NULL after a fault.  Those of two and three bytes, which
 * most scripts are written in, by a look at four bytes at once: the marks of their bytes, then that
 * the form is not overlong and no half of a surrogate pair. */
static const char *skip_utf8(struct aps_jsonread *r, const char *p, const char *end)
{
    while (p < end && (signed char)*p < 0) {
        const uint32_t x = end - p >= 4 ? bytes4_load(p) : 0;
        const uint32_t high = x & 0x200f;
        size_t n;

        if ((x & 0xc0e0) == 0x80c0 && (x & 0x1e) != 0)
            n = 2;
        else if ((x & 0xc0c0f0) == 0x8080e0 && high != 0 && high != 0x200d)
            n = 3;
        else if ((n = aps_str_utf8((struct aps_str){p, (size_t)(end - p)})) == 0)
            return aps_jsonread_fault_set(r, p, APS_JSONREAD_UTF8);
        p += n;
    }
    return p;
}

/* The four digits at p; -1 if they are not. */
static int32_t read_hex4(const char *p, const char *end)
{
    int32_t code = 0;

    if (end - p < 4)
        return -1;
    for (unsigned i = 0; i < 4; i++) {
        const int digit = aps_num_hex(p[i]);

        if (digit < 0)
            return -1;
        code = code << 4 | digit;
    }
    return code;
}

static char *put_utf8(char *to, uint32_t code)
{
    if (code < 0x80) {
        *to++ = (char)code;
        return to;
    }
    if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
    } else {
        if (code < 0x10000) {
            *to++ = (char)(0xe0 | code >> 12);
        } else {
            *to++ = (char)(0xf0 | code >> 18);
            *to++ = (char)(0x80 | (code >> 12 & 0x3f));
        }
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
    }
    *to++ = (char)(0x80 | (code & 0x3f));
    return to;
}

/* Decode the \uXXXX, or two of them that are one character, at p. */
static const char *read_unicode(struct aps_jsonread *r, const char *p, const char *end, char **to)
{
    const char *start = p;
    int32_t code = read_hex4(p + 2, end), low;

    if (code < 0)
        return aps_jsonread_fault_set(r, p, APS_JSONREAD_ESCAPE);
    if (code == 0 && !r->options->nul)
        return aps_jsonread_fault_set(r, p, APS_JSONREAD_NUL);
    p += 6;
    if (code >= 0xd800 && code <= 0xdfff) {
        low = end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? read_hex4(p + 2, end) : -1;
        if (code >= 0xdc00 || low < 0xdc00 || low > 0xdfff)
            return aps_jsonread_fault_set(r, start, APS_JSONREAD_SURROGATE);
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        p += 6;
    }
    *to = put_utf8(*to, (uint32_t)code);
    return p;
}

/* Decode the escape at p. */
static const char *read_escape(struct aps_jsonread *r, const char *p, const char *end, char **to)
{
    static const char plain[256] = {
        ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
        ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
    };
    char c;

    if (end - p < 2)
        return aps_jsonread_fault_set(r, end, APS_JSONREAD_END);
    if (p[1] == 'u')
        return read_unicode(r, p, end, to);
    c = plain[(unsigned char)p[1]];
    if (c == '\0')
        return aps_jsonread_fault_set(r, p, APS_JSONREAD_ESCAPE);
    *(*to)++ = c;
    return p + 2;
}

/* Room for all strings that this text can have, decoded, since no escape is shorter than what it
 * stands for; and a byte before them, so that no string lies at 0. */
static bool make_decoded(struct aps_jsonread *r)
{
    char *room;

    if (r->decoded_n != 0)
        return true;
    room = aps_jsonread_room(r, r->decoded, &r->decoded_cap, r->text.n, 1);
    if (room == NULL)
        return false;
    r->decoded = room;
    r->decoded_n = 1;
    return true;
}

/* A string that begins at `start` and has an escape at p, the first: to its closing quote. */
static const char *read_escaped(struct aps_jsonread *r, const char *start, const char *p,
                                struct aps_jsonread_node *node)
{
    const char *const end = r->end, *run = start;
    char *to;

    if (!make_decoded(r))
        return aps_jsonread_fault_set(r, p, APS_JSONREAD_NOMEM);
    to = r->decoded + r->decoded_n;
    for (;;) {
        memcpy(to, run, (size_t)(p - run));
        to += p - run;
        if (p == end)
            return aps_jsonread_fault_set(r, p, APS_JSONREAD_END);
        run = p;
        if (*p == '"')
            break;
        if (*p == '\\')
            run = p = read_escape(r, p, end, &to);
        else if ((signed char)*p < 0)
            p = skip_utf8(r, p, end);
        else
            return aps_jsonread_fault_set(r, p, APS_JSONREAD_CONTROL);
        if (p == NULL)
            return NULL;
        p = skip_plain(p, end);
    }
    node->more = r->decoded_n;
    node->n = (uint32_t)(to - r->decoded) - r->decoded_n;
    r->decoded_n += node->n;
    return p;
}

const char *aps_jsonread_string(struct aps_jsonread *r, const char *start, const char *p,
                                struct aps_jsonread_node *node)
{
    p = skip_plain(p, r->end);
    while (p < r->end && (signed char)*p < 0) {
        if ((p = skip_utf8(r, p, r->end)) == NULL)
            return NULL;
        p = skip_plain(p, r->end);
    }
    if (p == r->end)
        return aps_jsonread_fault_set(r, p, APS_JSONREAD_END);
    node->n = (uint32_t)(p - start);
    if (*p == '\\' && (p = read_escaped(r, start, p, node)) == NULL)
        return NULL;
    if (*p != '"')
        return aps_jsonread_fault_set(r, p, APS_JSONREAD_CONTROL);
    if (p - start > r->options->string_max)
        return aps_jsonread_fault_set(r, start, APS_JSONREAD_STRING);
    return p + 1;
}
