/* schema_format_uri.c - URIs and IRIs. */
#include "schema_impl.h"

#include "apisec/net.h"
#include "apisec/num.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static struct aps_str cut(struct aps_str s, size_t from, size_t to)
{
    return (struct aps_str){s.p + from, to - from};
}

static size_t find(struct aps_str s, size_t from, const char *stops)
{
    while (from < s.n && (s.p[from] == '\0' || strchr(stops, s.p[from]) == NULL))
        from++;
    return from;
}

/* ---- URI (RFC 3986), IRI (RFC 3987) */

/* ucschar, and iprivate in queries. */
static bool is_iri_code(uint32_t c, bool query)
{
    if (c >= 0xe000 && c <= 0xf8ff)
        return query;
    if (c >= 0xf0000)
        return query && (c & 0xffff) <= 0xfffd;
    return (c >= 0xa0 && c <= 0xd7ff) || (c >= 0xf900 && c <= 0xfdcf) ||
           (c >= 0xfdf0 && c <= 0xffef) ||
           (c >= 0x10000 && (c & 0xffff) <= 0xfffd && c < 0xe0000) ||
           (c >= 0xe1000 && c <= 0xefffd);
}

/* Unreserved characters, %HH, sub-delims, and those of `more`. */
static bool has_only(struct aps_str s, const char *more, bool iri)
{
    for (size_t i = 0, n; i < s.n; i += n) {
        const char c = s.p[i];
        uint32_t code;

        n = 1;
        if (c == '%') {
            if (s.n - i < 3 || aps_num_hex(s.p[i + 1]) < 0 || aps_num_hex(s.p[i + 2]) < 0)
                return false;
            n = 3;
        } else if ((signed char)c < 0) {
            n = aps_str_utf8_code(cut(s, i, s.n), &code);
            if (n == 0 || !iri || !is_iri_code(code, strchr(more, '?') != NULL))
                return false;
        } else if (c == '\0' || !(is_letter(c) || is_digit(c) || strchr("-._~!$&'()*+,;=", c) ||
                                  strchr(more, c))) {
            return false;
        }
    }
    return true;
}

/* [address], of IPv6 or of the future */
static bool is_literal(struct aps_str s)
{
    struct aps_addr addr;
    size_t dot;

    if (s.n < 3 || s.p[s.n - 1] != ']')
        return false;
    s = cut(s, 1, s.n - 1);
    if ((s.p[0] | 0x20) != 'v')
        return memchr(s.p, ':', s.n) != NULL && aps_addr_parse(s, &addr);
    for (dot = 1; dot < s.n && aps_num_hex(s.p[dot]) >= 0;)
        dot++;
    return dot > 1 && dot + 1 < s.n && s.p[dot] == '.' && memchr(s.p, '%', s.n) == NULL &&
           has_only(cut(s, dot + 1, s.n), ":", false);
}

static bool is_authority(struct aps_str s, bool iri)
{
    const char *at = memchr(s.p, '@', s.n);
    size_t host;

    if (at != NULL) {
        if (!has_only((struct aps_str){s.p, (size_t)(at - s.p)}, ":", iri))
            return false;
        s = cut(s, (size_t)(at + 1 - s.p), s.n);
    }
    if (s.n > 0 && s.p[0] == '[') {
        host = find(s, 0, "]");
        if (host == s.n || !is_literal(cut(s, 0, ++host)))
            return false;
    } else {
        host = find(s, 0, ":");
        if (!has_only(cut(s, 0, host), "", iri))
            return false;
    }
    if (host < s.n && s.p[host++] != ':')
        return false;
    while (host < s.n && is_digit(s.p[host]))
        host++;
    return host == s.n;
}

static bool is_scheme(struct aps_str s)
{
    if (s.n == 0 || !is_letter(s.p[0]))
        return false;
    for (size_t i = 1; i < s.n; i++)
        if (!is_letter(s.p[i]) && !is_digit(s.p[i]) && strchr("+-.", s.p[i]) == NULL)
            return false;
    return true;
}

bool aps_schema_format_uri(struct aps_str s, bool relative, bool iri)
{
    size_t at = find(s, 0, ":/?#"), end;
    const bool scheme = at < s.n && s.p[at] == ':';

    if (scheme ? !is_scheme(cut(s, 0, at)) : !relative)
        return false;
    at = scheme ? at + 1 : 0;
    if (s.n - at >= 2 && s.p[at] == '/' && s.p[at + 1] == '/') {
        end = find(s, at + 2, "/?#");
        if (!is_authority(cut(s, at + 2, end), iri))
            return false;
        at = end;
    }
    end = find(s, at, "?#");
    if (!has_only(cut(s, at, end), ":@/", iri))
        return false;
    if (end < s.n && s.p[end] == '?') {
        at = end + 1;
        end = find(s, at, "#");
        if (!has_only(cut(s, at, end), ":@/?", iri))
            return false;
    }
    return end == s.n || has_only(cut(s, end + 1, s.n), ":@/", iri) ||
           has_only(cut(s, end + 1, s.n), ":@/?", false);
}
