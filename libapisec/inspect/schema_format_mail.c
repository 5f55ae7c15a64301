/* schema_format_mail.c - mail addresses (RFC 5321 4.1.2, RFC 6531). */
#include "schema_impl.h"

#include "apisec/net.h"

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

static bool is_atext(char c, bool idn)
{
    return is_letter(c) || is_digit(c) || (idn && (signed char)c < 0) ||
           (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* Words with single dots between them. */
static bool is_dotted(struct aps_str s, bool idn)
{
    bool dot = true;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '.' ? dot : !is_atext(s.p[i], idn))
            return false;
        dot = s.p[i] == '.';
    }
    return !dot;
}

static bool is_quoted(struct aps_str s, bool idn)
{
    if (s.n < 2 || s.p[0] != '"' || s.p[s.n - 1] != '"')
        return false;
    for (size_t i = 1; i + 1 < s.n; i++) {
        if (s.p[i] == '\\' && ++i + 1 == s.n)
            return false;
        if (((s.p[i] < ' ' || s.p[i] == 0x7f) && !(idn && (signed char)s.p[i] < 0)) ||
            (s.p[i] == '"' && s.p[i - 1] != '\\'))
            return false;
    }
    return true;
}

/* [192.0.2.1], [IPv6:...] */
static bool is_domain_literal(struct aps_str s)
{
    struct aps_addr addr;
    bool v6;

    if (s.n < 3 || s.p[0] != '[' || s.p[s.n - 1] != ']')
        return false;
    s = cut(s, 1, s.n - 1);
    v6 = s.n > 5 && aps_str_eq_nocase(cut(s, 0, 5), APS_STR_LIT("IPv6:"));
    if (v6)
        s = cut(s, 5, s.n);
    return (memchr(s.p, ':', s.n) != NULL) == v6 && aps_addr_parse(s, &addr);
}

bool aps_schema_format_mail(struct aps_str s, bool idn)
{
    struct aps_str local, domain;
    size_t at = s.n;

    while (at > 0 && s.p[at - 1] != '@')
        at--;
    if (at == 0)
        return false;
    local = cut(s, 0, at - 1);
    domain = cut(s, at, s.n);
    if (local.n == 0 || local.n > 64 || (!is_dotted(local, idn) && !is_quoted(local, idn)))
        return false;
    return is_domain_literal(domain) ||
           (idn ? aps_schema_format_idn(domain) : aps_schema_format_host(domain));
}
