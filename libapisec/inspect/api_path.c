/* api_path.c - the templates of paths, such as /pets/{id}.json. */
#include "api_impl.h"

#include "apisec/num.h"

bool aps_api_path_next(struct aps_str *rest, struct aps_str *out, bool *out_is_name)
{
    const char *end;
    size_t n;

    if (rest->n == 0)
        return false;
    *out_is_name = rest->p[0] == '{';
    end = memchr(rest->p, *out_is_name ? '}' : '{', rest->n);
    n = end != NULL ? (size_t)(end - rest->p) : rest->n;
    *out = (struct aps_str){rest->p + *out_is_name, n - *out_is_name};
    n += *out_is_name && n < rest->n;
    *rest = (struct aps_str){rest->p + n, rest->n - n};
    return true;
}

static const char *check_name(struct aps_str name, const struct aps_str *names, uint32_t n)
{
    if (name.n == 0 || memchr(name.p, '/', name.n) != NULL || memchr(name.p, '{', name.n) != NULL)
        return "want a name between { and }";
    if (aps_str_is_in(name, names, n))
        return "a name stands twice";
    return n < APS_API_CAPTURES_MAX ? NULL : "more than 32 names";
}

static uint32_t segments_of(struct aps_str path)
{
    uint32_t n = 0;

    for (size_t i = 0; i < path.n; i++)
        n += path.p[i] == '/';
    return n;
}

const char *aps_api_path_check(struct aps_str path, struct aps_str names[APS_API_CAPTURES_MAX],
                               uint32_t *out_n)
{
    struct aps_str rest = path, piece;
    bool is_name, was_name = false;
    const char *wrong;
    uint32_t n = 0;

    if (path.n == 0 || path.p[0] != '/')
        return "want a / first";
    if (segments_of(path) > APS_API_SEGMENTS_MAX)
        return "more than 64 segments";
    while (aps_api_path_next(&rest, &piece, &is_name)) {
        if (is_name && rest.p[-1] != '}')
            return "a { without its }";
        if (!is_name && memchr(piece.p, '}', piece.n) != NULL)
            return "a } without its {";
        if (is_name && was_name)
            return "want some text between two names of a segment";
        if (is_name && (wrong = check_name(piece, names, n)) != NULL)
            return wrong;
        if (is_name)
            names[n++] = piece;
        was_name = is_name;
    }
    *out_n = n;
    return NULL;
}

unsigned char aps_api_path_byte(struct aps_str *text)
{
    const char *p = text->p;
    size_t n = 1;
    int c = (unsigned char)*p;

    if (c == '%' && text->n >= 3 && aps_num_hex(p[1]) >= 0 && aps_num_hex(p[2]) >= 0) {
        c = aps_num_hex(p[1]) * 16 + aps_num_hex(p[2]);
        n = 3;
    }
    *text = (struct aps_str){p + n, text->n - n};
    return (unsigned char)c;
}

struct aps_str aps_api_path_decode(apr_pool_t *pool, struct aps_str text)
{
    char *to = apr_palloc(pool, text.n + 1);
    size_t n = 0;

    while (text.n > 0)
        to[n++] = (char)aps_api_path_byte(&text);
    return (struct aps_str){to, n};
}
