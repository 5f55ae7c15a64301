/* query.c - names in a query that could change what a request does. */
#include "apisec/query.h"

#include "apisec/num.h"

/* The byte at *at of a name, which moves behind it: decoded once, `+` is a blank. */
static char next(struct aps_str query, size_t *at)
{
    char c = query.p[(*at)++];
    if (c == '+')
        return ' ';
    if (c != '%' || query.n - *at < 2 || aps_num_hex(query.p[*at]) < 0 ||
        aps_num_hex(query.p[*at + 1]) < 0)
        return c;
    c = (char)(aps_num_hex(query.p[*at]) * 16 + aps_num_hex(query.p[*at + 1]));
    *at += 2;
    return c;
}

static bool is_end(char c)
{
    return c == '=' || c == '&' || c == ';';
}

/* Whether the name that begins at `at` is _method. */
static bool is_method(struct aps_str query, size_t at)
{
    static const char rest[] = "method";
    char c = ' ';
    while (c == ' ' && at < query.n && !is_end(query.p[at]))
        c = next(query, &at);
    if (c != '_' && c != '.' && c != '[')
        return false;
    for (size_t i = 0; i < sizeof rest - 1; i++)
        if (at == query.n || is_end(query.p[at]) || (next(query, &at) | 0x20) != rest[i])
            return false;
    if (at == query.n || is_end(query.p[at]))
        return true;
    c = next(query, &at);
    return c == '[' || c == '\0';
}

bool aps_query_has_method(struct aps_str query)
{
    for (size_t at = 0; at < query.n; at++) {
        if (is_method(query, at))
            return true;
        while (at < query.n && query.p[at] != '&' && query.p[at] != ';')
            at++;
    }
    return false;
}
