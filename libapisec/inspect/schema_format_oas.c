/* schema_format_oas.c - formats of OpenAPI's registry (spec.openapis.org/registry/format). */
#include "apisec/jsonnum.h"
#include "apisec/mediatype.h"
#include "apisec/sf.h"
#include "schema_impl.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- bytes and characters */

/* RFC 4648 5: without its padding, or with all of it. */
static bool is_base64url(struct aps_str s)
{
    size_t n = s.n;

    while (n > 0 && s.n - n < 2 && s.p[n - 1] == '=')
        n--;
    if ((n != s.n && s.n % 4 != 0) || n % 4 == 1)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!(is_digit(s.p[i]) || ((s.p[i] | 0x20) >= 'a' && (s.p[i] | 0x20) <= 'z') ||
              s.p[i] == '-' || s.p[i] == '_'))
            return false;
    return true;
}

/* ---- dates of HTTP (RFC 9110 5.6.7) */

static bool skip(struct aps_str *io, struct aps_str text)
{
    if (!aps_str_starts(*io, text))
        return false;
    *io = (struct aps_str){io->p + text.n, io->n - text.n};
    return true;
}

/* One of some words of three bytes; *out is which. */
static bool skip_word(struct aps_str *io, const char *words, unsigned *out)
{
    for (unsigned i = 0; words[3 * i] != '\0'; i++)
        if (skip(io, (struct aps_str){words + 3 * i, 3})) {
            *out = i;
            return true;
        }
    return false;
}

static bool skip_number(struct aps_str *io, size_t n, unsigned *out)
{
    *out = 0;
    if (io->n < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!is_digit(io->p[i]))
            return false;
        *out = *out * 10 + (unsigned)(io->p[i] - '0');
    }
    *io = (struct aps_str){io->p + n, io->n - n};
    return true;
}

/* hh:mm:ss, a leap second included. */
static bool skip_time(struct aps_str *io)
{
    unsigned hour, minute, second;

    return skip_number(io, 2, &hour) && skip(io, APS_STR_LIT(":")) && skip_number(io, 2, &minute) &&
           skip(io, APS_STR_LIT(":")) && skip_number(io, 2, &second) && hour < 24 && minute < 60 &&
           second <= 60;
}

/* The day of the month; of a year of two digits the 29th of February is let through. */
static bool is_day(unsigned day, unsigned month, unsigned year)
{
    static const uint8_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = year < 100 || (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));

    return day >= 1 && day <= days[month] && (month != 1 || day <= 28u + leap);
}

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char weekdays[] = "MonTueWedThuFriSatSun";

/* Sun, 06 Nov 1994 08:49:37 GMT, or Sunday, 06-Nov-94 08:49:37 GMT */
static bool is_fixed_date(struct aps_str s, const char *between, size_t digits)
{
    const struct aps_str sep = aps_str(between);
    unsigned day, month, year;

    return skip_number(&s, 2, &day) && skip(&s, sep) && skip_word(&s, months, &month) &&
           skip(&s, sep) && skip_number(&s, digits, &year) && skip(&s, APS_STR_LIT(" ")) &&
           skip_time(&s) && aps_str_eq(s, APS_STR_LIT(" GMT")) && is_day(day, month, year);
}

/* Sun Nov  6 08:49:37 1994 */
static bool is_asctime(struct aps_str s)
{
    unsigned month, day, year;

    return skip_word(&s, months, &month) && skip(&s, APS_STR_LIT(" ")) &&
           (skip(&s, APS_STR_LIT(" ")) ? skip_number(&s, 1, &day) : skip_number(&s, 2, &day)) &&
           skip(&s, APS_STR_LIT(" ")) && skip_time(&s) && skip(&s, APS_STR_LIT(" ")) &&
           skip_number(&s, 4, &year) && s.n == 0 && is_day(day, month, year);
}

static bool is_http_date(struct aps_str s)
{
    static const struct aps_str ends[] = {{"day, ", 5},   {"sday, ", 6}, {"nesday, ", 8},
                                          {"rsday, ", 7}, {"day, ", 5},  {"urday, ", 7},
                                          {"day, ", 5}};
    unsigned weekday;

    if (!skip_word(&s, weekdays, &weekday))
        return false;
    if (skip(&s, APS_STR_LIT(", ")))
        return is_fixed_date(s, " ", 4);
    if (skip(&s, APS_STR_LIT(" ")))
        return is_asctime(s);
    return skip(&s, ends[weekday]) && is_fixed_date(s, "-", 2);
}

/* ---- media ranges (RFC 9110 12.5.1) */

static bool is_media_range(struct aps_str s)
{
    const struct aps_str any = APS_STR_LIT("*");
    struct aps_str type, subtype, name, value;
    size_t n = 0, end;

    while (n < s.n && s.p[n] != '/')
        n++;
    for (end = n + 1; end < s.n && strchr("; \t", s.p[end]) == NULL;)
        end++;
    if (n == s.n || end > s.n)
        return false;
    type = (struct aps_str){s.p, n};
    subtype = (struct aps_str){s.p + n + 1, end - n - 1};
    s = (struct aps_str){s.p + end, s.n - end};
    if (!aps_mediatype_is_token(type) || !aps_mediatype_is_token(subtype) ||
        (aps_str_eq(type, any) && !aps_str_eq(subtype, any)))
        return false;
    do {
        if (!aps_mediatype_next(&s, true, &name, &value))
            return false;
    } while (name.n != 0);
    return true;
}

/* ---- structured fields (RFC 9651 3.3): one value without parameters and blanks */

static bool is_sf(struct aps_str s, enum aps_sf_kind kind)
{
    static const struct aps_sf_limits limits = {.bytes_max = 1u << 20, .params_max = 1};
    apr_pool_t *pool = NULL;
    struct aps_sf *item = NULL;
    bool good;

    if (s.n == 0 || s.p[0] == ' ' || s.p[s.n - 1] == ' ' ||
        apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return false;
    good = aps_sf_read(s, APS_SF_ITEM, &limits, pool, &item, NULL) == APS_OK &&
           (item->kind == kind || (kind == APS_SF_DECIMAL && item->kind == APS_SF_INTEGER)) &&
           item->params == NULL;
    apr_pool_destroy(pool);
    return good;
}

/* ---- decimal numbers as texts */

/* Digits, a fraction and, where it is taken, an exponent, of which no more than six digits count.
 */
static bool is_decimal(struct aps_str s, bool exponent)
{
    size_t i = s.n > 0 && s.p[0] == '-', from = i;

    while (i < s.n && is_digit(s.p[i]))
        i++;
    if (i == from)
        return false;
    if (i < s.n && s.p[i] == '.') {
        for (from = ++i; i < s.n && is_digit(s.p[i]);)
            i++;
        if (i == from)
            return false;
    }
    if (exponent && i < s.n && (s.p[i] | 0x20) == 'e') {
        i++;
        i += i < s.n && (s.p[i] == '+' || s.p[i] == '-');
        for (from = i; i < s.n && is_digit(s.p[i]);)
            i++;
        if (i == from || i - from > 6)
            return false;
    }
    return i == s.n;
}

/* ---- all of them */

bool aps_schema_format_oas(enum schema_format format, struct aps_str s)
{
    switch (format) {
    case SCHEMA_F_BYTE:
        return aps_schema_format_base64(s);
    case SCHEMA_F_BASE64URL:
        return is_base64url(s);
    case SCHEMA_F_CHAR:
        return s.n > 0 && aps_str_utf8(s) == s.n;
    case SCHEMA_F_HTTP_DATE:
        return is_http_date(s);
    case SCHEMA_F_MEDIA_RANGE:
        return is_media_range(s);
    case SCHEMA_F_SF_BINARY:
        return is_sf(s, APS_SF_BYTES);
    case SCHEMA_F_SF_BOOLEAN:
        return is_sf(s, APS_SF_BOOLEAN);
    case SCHEMA_F_SF_STRING:
        return is_sf(s, APS_SF_STRING);
    case SCHEMA_F_SF_TOKEN:
        return is_sf(s, APS_SF_TOKEN);
    case SCHEMA_F_SF_INTEGER:
        return is_sf(s, APS_SF_INTEGER);
    case SCHEMA_F_SF_DECIMAL:
        return is_sf(s, APS_SF_DECIMAL);
    case SCHEMA_F_DECIMAL:
        return is_decimal(s, false);
    case SCHEMA_F_DECIMAL128:
        return is_decimal(s, true) && aps_schema_number_is_format(format, s);
    default:
        return false;
    }
}
