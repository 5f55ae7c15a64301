/* mediatype.c - types, their parameters, and ranges. */
#include "apisec/mediatype.h"

static bool is_token_char(char c)
{
    const char lower = (char)(c | 0x20);

    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static size_t token_length(struct aps_str s)
{
    size_t n = 0;

    while (n < s.n && is_token_char(s.p[n]))
        n++;
    return n;
}

bool aps_mediatype_is_token(struct aps_str s)
{
    return s.n > 0 && token_length(s) == s.n;
}

static struct aps_str behind(struct aps_str s, size_t n)
{
    return (struct aps_str){s.p + n, s.n - n};
}

static struct aps_str skip_blanks(struct aps_str s)
{
    while (s.n > 0 && (*s.p == ' ' || *s.p == '\t'))
        s = behind(s, 1);
    return s;
}

/* The bytes up to the closing quote, or SIZE_MAX. */
static size_t quoted_length(struct aps_str s, bool escapes)
{
    for (size_t i = 0; i < s.n; i++) {
        const unsigned char c = (unsigned char)s.p[i];

        if (c == '"')
            return i;
        if (c == '\\') {
            if (!escapes || i + 1 == s.n || (s.p[i + 1] != '"' && s.p[i + 1] != '\\'))
                return SIZE_MAX;
            i++;
        } else if (c < ' ' || c == 0x7f) {
            return SIZE_MAX;
        }
    }
    return SIZE_MAX;
}

bool aps_mediatype_next(struct aps_str *io_rest, bool escapes, struct aps_str *out_name,
                        struct aps_str *out_value)
{
    struct aps_str rest = skip_blanks(*io_rest);
    size_t n;

    *out_name = *out_value = (struct aps_str){NULL, 0};
    *io_rest = rest;
    if (rest.n == 0)
        return true;
    if (*rest.p != ';')
        return false;
    rest = skip_blanks(behind(rest, 1));
    while (!escapes && rest.n > 0 &&
           *rest.p == ';') /* RFC 9110 5.6.6: a parameter may be missing */
        rest = skip_blanks(behind(rest, 1));
    if (!escapes && rest.n == 0) {
        *io_rest = rest;
        return true;
    }
    n = token_length(rest);
    if (n == 0 || n == rest.n || rest.p[n] != '=')
        return false;
    *out_name = (struct aps_str){rest.p, n};
    rest = behind(rest, n + 1);
    if (rest.n > 0 && *rest.p == '"') {
        rest = behind(rest, 1);
        if ((n = quoted_length(rest, escapes)) == SIZE_MAX)
            return false;
        *io_rest = behind(rest, n + 1);
    } else {
        if ((n = token_length(rest)) == 0)
            return false;
        *io_rest = behind(rest, n);
    }
    *out_value = (struct aps_str){rest.p, n};
    return true;
}

/* type "/" subtype at the beginning; its length, or 0. */
static size_t type_length(struct aps_str s)
{
    const size_t n = token_length(s);
    size_t sub;

    if (n == 0 || n == s.n || s.p[n] != '/')
        return 0;
    sub = token_length(behind(s, n + 1));
    return sub != 0 ? n + 1 + sub : 0;
}

/* Keep a parameter that counts; false if it stands there already. */
static bool keep(struct aps_mediatype *m, struct aps_str name, struct aps_str value)
{
    struct aps_str *at = aps_str_eq_nocase(name, APS_STR_LIT("charset"))    ? &m->charset
                         : aps_str_eq_nocase(name, APS_STR_LIT("boundary")) ? &m->boundary
                                                                            : NULL;

    if (at == NULL)
        return true;
    if (at->p != NULL)
        return false;
    *at = value;
    return true;
}

enum aps_mediatype_fault aps_mediatype_read(struct aps_str text, struct aps_mediatype *out)
{
    struct aps_mediatype m = {.type = aps_str_trim(text)};
    struct aps_str rest, name, value;

    m.type.n = type_length(m.type);
    if (m.type.n == 0)
        return APS_MEDIATYPE_MALFORMED;
    rest = aps_str_trim(text);
    rest = behind(rest, m.type.n);
    for (;;) {
        if (!aps_mediatype_next(&rest, false, &name, &value))
            return rest.n > 0 && *rest.p == ',' ? APS_MEDIATYPE_LIST : APS_MEDIATYPE_MALFORMED;
        if (name.n == 0)
            break;
        if (!keep(&m, name, value))
            return APS_MEDIATYPE_REPEATED;
    }
    if (m.charset.p != NULL && !aps_str_eq_nocase(m.charset, APS_STR_LIT("utf-8")))
        return APS_MEDIATYPE_CHARSET;
    *out = m;
    return APS_MEDIATYPE_OK;
}

static struct aps_str before(struct aps_str s, size_t n)
{
    return (struct aps_str){s.p, n};
}

bool aps_mediatype_is(struct aps_str type, struct aps_str range)
{
    const char *star = range.n != 0 ? memchr(range.p, '*', range.n) : NULL;
    size_t head, tail;

    if (star == NULL)
        return aps_str_eq_nocase(type, range);
    head = (size_t)(star - range.p);
    tail = range.n - head - 1;
    if (head == 0)
        return range.n == 3;
    return range.p[head - 1] == '/' && type.n > head + tail &&
           aps_str_eq_nocase(before(type, head), before(range, head)) &&
           aps_str_eq_nocase(behind(type, type.n - tail), behind(range, head + 1));
}

static bool is_lower_token(struct aps_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '*' || (s.p[i] >= 'A' && s.p[i] <= 'Z'))
            return false;
    return aps_mediatype_is_token(s);
}

bool aps_mediatype_is_range(struct aps_str text)
{
    const char *slash = text.n != 0 ? memchr(text.p, '/', text.n) : NULL;
    struct aps_str type, sub;

    if (slash == NULL)
        return false;
    type = before(text, (size_t)(slash - text.p));
    sub = behind(text, type.n + 1);
    if (aps_str_eq(sub, APS_STR_LIT("*")))
        return aps_str_eq(type, sub) || is_lower_token(type);
    if (sub.n > 2 && sub.p[0] == '*' && sub.p[1] == '+')
        sub = behind(sub, 2);
    return is_lower_token(type) && is_lower_token(sub);
}

bool aps_mediatype_is_in(struct aps_str type, struct aps_str ranges)
{
    struct aps_str range;

    while (aps_str_next(&ranges, ',', &range)) {
        const char *parameters = memchr(range.p, ';', range.n);

        if (parameters != NULL)
            range.n = (size_t)(parameters - range.p);
        if (aps_mediatype_is(type, aps_str_trim(range)))
            return true;
    }
    return false;
}

bool aps_mediatype_is_json(struct aps_str type)
{
    const struct aps_str suffix = APS_STR_LIT("+json");

    return aps_str_eq_nocase(type, APS_STR_LIT("application/json")) ||
           (type.n > suffix.n &&
            aps_str_eq_nocase((struct aps_str){type.p + type.n - suffix.n, suffix.n}, suffix));
}
