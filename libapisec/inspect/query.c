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

/* Whether a byte of a name is what `want` is to the least strict reader. */
static bool is_same(char c, char want, bool first)
{
    if (want == '_')
        return c == '_' || c == '.' || c == '[' || (c == ' ' && !first);
    return (c | 0x20) == want;
}

/* Whether the name that begins at `at` is `want`, in lower case. */
static bool is_name(struct aps_str query, size_t at, const char *want)
{
    char c = ' ';
    while (c == ' ' && at < query.n && !is_end(query.p[at]))
        c = next(query, &at);
    if (!is_same(c, want[0], true))
        return false;
    for (size_t i = 1; want[i] != '\0'; i++)
        if (at == query.n || is_end(query.p[at]) || !is_same(next(query, &at), want[i], false))
            return false;
    if (at == query.n || is_end(query.p[at]))
        return true;
    c = next(query, &at);
    return c == '[' || c == '\0';
}

static bool has_name(struct aps_str query, const char *want)
{
    for (size_t at = 0; at < query.n; at++) {
        if (is_name(query, at, want))
            return true;
        while (at < query.n && query.p[at] != '&' && query.p[at] != ';')
            at++;
    }
    return false;
}

bool aps_query_has_method(struct aps_str query)
{
    return has_name(query, "_method");
}

bool aps_query_has_access_token(struct aps_str query)
{
    return has_name(query, "access_token");
}
