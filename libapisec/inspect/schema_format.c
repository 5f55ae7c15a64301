/* schema_format.c - which function judges a format, and the small ones. */
#include "schema_impl.h"

#include "apisec/b64.h"
#include "apisec/net.h"
#include "apisec/num.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return aps_num_hex(c) >= 0;
}

static bool is_ipv4(struct aps_str s)
{
    struct aps_addr addr;

    return memchr(s.p, ':', s.n) == NULL && aps_addr_parse(s, &addr);
}

static bool is_ipv6(struct aps_str s)
{
    struct aps_addr addr;

    return memchr(s.p, ':', s.n) != NULL && aps_addr_parse(s, &addr);
}

/* RFC 9562 4: 8-4-4-4-12. */
static bool is_uuid(struct aps_str s)
{
    if (s.n != 36)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (i == 8 || i == 13 || i == 18 || i == 23 ? s.p[i] != '-' : !is_hex(s.p[i]))
            return false;
    return true;
}

/* RFC 6901 3 */
static bool is_json_pointer(struct aps_str s)
{
    if (s.n > 0 && s.p[0] != '/')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '~' && (++i == s.n || (s.p[i] != '0' && s.p[i] != '1')))
            return false;
    return true;
}

/* A number without leading zeros, then # or a pointer. */
static bool is_relative_json_pointer(struct aps_str s)
{
    size_t n = 0;

    while (n < s.n && is_digit(s.p[n]))
        n++;
    if (n == 0 || (n > 1 && s.p[0] == '0'))
        return false;
    s = (struct aps_str){s.p + n, s.n - n};
    return aps_str_eq(s, APS_STR_LIT("#")) || is_json_pointer(s);
}

/* What `pattern` would take. */
static bool is_regex(struct aps_str s)
{
    enum schema_pattern_kind kind = SCHEMA_P_REGEX;
    struct aps_str text;
    apr_pool_t *pool = NULL;
    pcre2_code *code = NULL;
    char why[128];
    bool good;

    if (apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return false;
    good =
        aps_schema_regex(s, pool, &text, &kind) == NULL &&
        (kind != SCHEMA_P_REGEX || (code = aps_schema_pattern_compile(text, false, why)) != NULL);
    pcre2_code_free(code);
    apr_pool_destroy(pool);
    return good;
}

/* RFC 4648 4, with padding and no unused bits. */
bool aps_schema_format_base64(struct aps_str s)
{
    size_t n = s.n;

    if (n % 4 != 0)
        return false;
    while (n > 0 && s.n - n < 2 && s.p[n - 1] == '=')
        n--;
    for (size_t i = 0; i < n; i++)
        if (!(is_digit(s.p[i]) || ((s.p[i] | 0x20) >= 'a' && (s.p[i] | 0x20) <= 'z') ||
              s.p[i] == '+' || s.p[i] == '/'))
            return false;
    return true;
}

/* ---- URI templates (RFC 6570) */

/* %HH at i; moves behind it. */
static bool skip_percent(struct aps_str s, size_t *io_i)
{
    if (s.n - *io_i < 3 || !is_hex(s.p[*io_i + 1]) || !is_hex(s.p[*io_i + 2]))
        return false;
    *io_i += 3;
    return true;
}

static bool is_name_byte(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
}

/* A name of dotted words, then * or : and one to four digits. */
static bool is_variable(struct aps_str s)
{
    size_t i = 0, start = 0;
    bool dot = true;

    while (i < s.n && s.p[i] != '*' && s.p[i] != ':') {
        if (s.p[i] == '%') {
            if (!skip_percent(s, &i))
                return false;
            dot = false;
            continue;
        }
        if (s.p[i] == '.' ? dot : !is_name_byte(s.p[i]))
            return false;
        dot = s.p[i++] == '.';
    }
    if (dot)
        return false;
    if (i == s.n || s.p[i] == '*')
        return i + 1 >= s.n;
    for (start = ++i; i < s.n && is_digit(s.p[i]);)
        i++;
    return i == s.n && i > start && i - start <= 4 && s.p[start] != '0';
}

static bool is_expression(struct aps_str s)
{
    struct aps_str word;

    if (s.n > 0 && strchr("+#./;?&", s.p[0]) != NULL)
        s = (struct aps_str){s.p + 1, s.n - 1};
    if (s.n == 0 || s.p[s.n - 1] == ',')
        return false;
    while (aps_str_next(&s, ',', &word))
        if (!is_variable(word))
            return false;
    return true;
}

/* A literal may be an apostrophe (erratum 6937). */
static bool is_uri_template(struct aps_str s)
{
    for (size_t i = 0, end; i < s.n;) {
        const unsigned char c = (unsigned char)s.p[i];

        if (c == '{') {
            for (end = i + 1; end < s.n && s.p[end] != '}';)
                end++;
            if (end == s.n || !is_expression((struct aps_str){s.p + i + 1, end - i - 1}))
                return false;
            i = end + 1;
        } else if (c == '%') {
            if (!skip_percent(s, &i))
                return false;
        } else if (c <= ' ' || c == 0x7f || strchr("\"<>\\^`|}", c) != NULL) {
            return false;
        } else {
            i++;
        }
    }
    return true;
}

bool aps_schema_format(enum schema_format format, struct aps_str text)
{
    if (text.n == 0)
        text = APS_STR_LIT("");
    switch (format) {
    case SCHEMA_F_DATE_TIME:
        return aps_schema_format_time_full(text);
    case SCHEMA_F_DATE:
        return aps_schema_format_time_date(text);
    case SCHEMA_F_TIME:
        return aps_schema_format_time(text);
    case SCHEMA_F_DURATION:
        return aps_schema_format_time_span(text);
    case SCHEMA_F_EMAIL:
        return aps_schema_format_mail(text, false);
    case SCHEMA_F_IDN_EMAIL:
        return aps_schema_format_mail(text, true);
    case SCHEMA_F_HOSTNAME:
        return aps_schema_format_host(text);
    case SCHEMA_F_IDN_HOSTNAME:
        return aps_schema_format_idn(text);
    case SCHEMA_F_IPV4:
        return is_ipv4(text);
    case SCHEMA_F_IPV6:
        return is_ipv6(text);
    case SCHEMA_F_URI:
        return aps_schema_format_uri(text, false, false);
    case SCHEMA_F_URI_REFERENCE:
        return aps_schema_format_uri(text, true, false);
    case SCHEMA_F_IRI:
        return aps_schema_format_uri(text, false, true);
    case SCHEMA_F_IRI_REFERENCE:
        return aps_schema_format_uri(text, true, true);
    case SCHEMA_F_UUID:
        return is_uuid(text);
    case SCHEMA_F_URI_TEMPLATE:
        return is_uri_template(text);
    case SCHEMA_F_JSON_POINTER:
        return is_json_pointer(text);
    case SCHEMA_F_RELATIVE_JSON_POINTER:
        return is_relative_json_pointer(text);
    case SCHEMA_F_REGEX:
        return is_regex(text);
    default:
        return aps_schema_format_oas(format, text);
    }
}
