/* str.c - borrowed text: comparing, cutting, and the strict UTF-8 decoder of all layers. */
#include "apisec/str.h"

#include <apr_strings.h>
#include <stdlib.h>

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

bool aps_str_eq_nocase(struct aps_str a, struct aps_str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

bool aps_str_starts(struct aps_str s, struct aps_str start)
{
    return s.n >= start.n && (start.n == 0 || memcmp(s.p, start.p, start.n) == 0);
}

bool aps_str_next(struct aps_str *rest, char sep, struct aps_str *out_word)
{
    const char *end;

    if (rest->n == 0)
        return false;
    end = memchr(rest->p, sep, rest->n);
    out_word->p = rest->p;
    out_word->n = end != NULL ? (size_t)(end - rest->p) : rest->n;
    rest->p += end != NULL ? out_word->n + 1 : out_word->n;
    rest->n -= end != NULL ? out_word->n + 1 : out_word->n;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct aps_str aps_str_trim(struct aps_str s)
{
    while (s.n > 0 && is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool aps_str_is_in(struct aps_str text, const struct aps_str *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (aps_str_eq(list[i], text))
            return true;
    return false;
}

int aps_str_compare(struct aps_str a, struct aps_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int d = n != 0 ? memcmp(a.p, b.p, n) : 0;

    return d != 0 ? d : (a.n > b.n) - (a.n < b.n);
}

static int compare_items(const void *a, const void *b)
{
    return aps_str_compare(*(const struct aps_str *)a, *(const struct aps_str *)b);
}

void aps_str_sort(struct aps_str *list, size_t n)
{
    if (n > 1)
        qsort(list, n, sizeof *list, compare_items);
}

struct aps_str aps_str_copy(apr_pool_t *pool, struct aps_str s)
{
    return (struct aps_str){s.n != 0 ? apr_pstrmemdup(pool, s.p, s.n) : "", s.n};
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool aps_str_is_name(struct aps_str s)
{
    if (s.n < 1 || s.n > 64 || !is_alnum(s.p[0]))
        return false;
    for (size_t i = 1; i < s.n; i++)
        if (!is_alnum(s.p[i]) && s.p[i] != '.' && s.p[i] != '_' && s.p[i] != '-')
            return false;
    return true;
}

bool aps_str_is_text(struct aps_str s)
{
    uint32_t code;
    size_t n;

    if (s.n < 1 || s.n > 128)
        return false;
    for (; s.n > 0; s.p += n, s.n -= n) {
        n = aps_str_utf8_code(s, &code);
        if (n == 0 || aps_str_is_control(code))
            return false;
    }
    return true;
}

size_t aps_str_utf8_code(struct aps_str s, uint32_t *out_code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t code;
    size_t n;
    unsigned char c;

    if (s.n == 0)
        return 0;
    c = (unsigned char)s.p[0];
    if (c < 0x80) {
        *out_code = c;
        return 1;
    }
    if (c < 0xc2 || c > 0xf4) /* a continuation byte, or no character has this head */
        return 0;
    n = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (s.n < n)
        return 0;
    code = c & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        c = (unsigned char)s.p[i];
        if ((c & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (c & 0x3fu);
    }
    if (code < least[n] || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff)
        return 0;
    *out_code = code;
    return n;
}

size_t aps_str_utf8(struct aps_str s)
{
    uint32_t code;

    return aps_str_utf8_code(s, &code);
}

bool aps_str_is_control(uint32_t code)
{
    if (code < 0xa0)
        return code < 0x20 || code >= 0x7f;
    return code == 0x2028 || code == 0x2029 || code == 0x061c || code == 0x200e || code == 0x200f ||
           (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}
