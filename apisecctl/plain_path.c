/* plain_path.c - an ambiguous path as it would have to be written. */
#include "plain_path.h"

#include <apr_tables.h>

#include "apisec/num.h"
#include "apisec/path.h"

static const struct {
    const char *fault, *rule;
} rules[] = {
    {"encoded slash", "a slash is written /, never %2F"},
    {"bad escape", "two hexadecimal digits follow a %, and a % itself is written %25"},
    {"double encoding", "a byte is encoded once"},
    {"empty segment", "no slash follows another"},
    {"dot segment", "no segment is . or .."},
    {"control byte", "no control byte has a place in it, raw or encoded"},
    {"backslash", "no backslash has a place in it, raw or encoded"},
    {"semicolon", "no semicolon has a place in it, raw or encoded"},
    {"number sign", "no number sign has a place in it, raw or encoded"},
    {"question mark", "a question mark begins the query and has no other place"},
    {"invalid UTF-8", "bytes beyond ASCII are UTF-8"},
    {"no leading slash", "it begins with a slash"},
};

const char *ctl_plain_path_rule(const char *fault)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strcmp(rules[i].fault, fault) == 0)
            return rules[i].rule;
    return "two readers could read it differently";
}

/* Decode in place until no %hh is left. */
static size_t decode_all(char *p, size_t n)
{
    for (size_t before = n + 1; n < before;) {
        size_t to = 0;

        before = n;
        for (size_t i = 0; i < before; i++) {
            bool escape = p[i] == '%' && i + 2 < before && aps_num_hex(p[i + 1]) >= 0 &&
                          aps_num_hex(p[i + 2]) >= 0;

            p[to++] = escape ? (char)(aps_num_hex(p[i + 1]) << 4 | aps_num_hex(p[i + 2])) : p[i];
            i += escape ? 2 : 0;
        }
        n = to;
    }
    return n;
}

/* The segments without parameters, empty ones and dots; each `..` takes away the one before. */
static apr_array_header_t *segments(apr_pool_t *pool, struct aps_str path)
{
    apr_array_header_t *kept = apr_array_make(pool, 8, sizeof(struct aps_str));
    struct aps_str segment;

    while (aps_str_next(&path, '/', &segment)) {
        const char *parameters = memchr(segment.n > 0 ? segment.p : "", ';', segment.n);

        if (parameters != NULL)
            segment.n = (size_t)(parameters - segment.p);
        if (aps_str_eq(segment, APS_STR_LIT("..")))
            apr_array_pop(kept);
        else if (segment.n > 0 && !aps_str_eq(segment, APS_STR_LIT(".")))
            APR_ARRAY_PUSH(kept, struct aps_str) = segment;
    }
    return kept;
}

/* RFC 3986 3.3: what a path may hold as it is. */
static bool is_pchar(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~!$&'()*+,=:@", c) != NULL);
}

static char *encode(char *to, struct aps_str segment)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < segment.n; i++) {
        unsigned char c = (unsigned char)segment.p[i];

        if (is_pchar(segment.p[i])) {
            *to++ = segment.p[i];
            continue;
        }
        *to++ = '%';
        *to++ = digits[c >> 4];
        *to++ = digits[c & 15];
    }
    return to;
}

const char *ctl_plain_path(apr_pool_t *pool, struct aps_str raw)
{
    char *p = apr_palloc(pool, raw.n + 1);
    struct aps_str path = {p, 0};
    apr_array_header_t *kept;
    struct aps_str read;
    char *plain, *to;

    if (raw.n > 0)
        memcpy(p, raw.p, raw.n);
    path.n = decode_all(p, raw.n);
    for (size_t i = 0; i < path.n; i++)
        if (p[i] == '\\')
            p[i] = '/';
    kept = segments(pool, path);
    plain = to = apr_palloc(pool, 3 * path.n + 3);
    for (int i = 0; i < kept->nelts; i++) {
        *to++ = '/';
        to = encode(to, APR_ARRAY_IDX(kept, i, struct aps_str));
    }
    if (to == plain || (path.n > 0 && path.p[path.n - 1] == '/'))
        *to++ = '/';
    *to = '\0';
    return aps_path_read(aps_str(plain), apr_palloc(pool, (size_t)(to - plain) + 1), &read, NULL)
               ? plain
               : NULL;
}
