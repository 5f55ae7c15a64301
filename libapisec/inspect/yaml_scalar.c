/* yaml_scalar.c - what a plain scalar of YAML's core schema is (YAML 1.2.2, 10.3.2). */
#include "yaml_impl.h"

#include <apr_strings.h>

#include "apisec/jsonnum.h"

static size_t digits(struct aps_str s, size_t from)
{
    size_t n = 0;

    while (from + n < s.n && s.p[from + n] >= '0' && s.p[from + n] <= '9')
        n++;
    return n;
}

/* "[-+]? (\. [0-9]+ | [0-9]+ (\. [0-9]*)?) ([eE] [-+]? [0-9]+)?": its parts. */
struct number {
    struct aps_str sign, whole, fraction, exponent;
    size_t exponent_digits;
};

static bool read_number(struct aps_str s, struct number *out)
{
    size_t at = 0, n;

    *out = (struct number){.sign = {s.p, s.n > 0 && s.p[0] == '-'}};
    at += s.n > 0 && (s.p[0] == '-' || s.p[0] == '+');
    n = digits(s, at);
    out->whole = (struct aps_str){s.p + at, n};
    at += n;
    if (at < s.n && s.p[at] == '.') {
        n = digits(s, ++at);
        out->fraction = (struct aps_str){s.p + at, n};
        at += n;
    }
    if (out->whole.n + out->fraction.n == 0)
        return false;
    if (at < s.n && (s.p[at] | 0x20) == 'e') {
        const size_t sign = at + 1 < s.n && (s.p[at + 1] == '-' || s.p[at + 1] == '+');

        if ((n = digits(s, at + 1 + sign)) == 0)
            return false;
        out->exponent_digits = n;
        out->exponent = (struct aps_str){s.p + at, 1 + sign + n};
        at += out->exponent.n;
    }
    return at == s.n;
}

/* As JSON writes it: no +, no zero before other digits, digits on both sides of the point. */
static struct aps_str print_number(apr_pool_t *pool, const struct number *n)
{
    struct aps_str whole = n->whole;

    while (whole.n > 1 && whole.p[0] == '0') {
        whole.p++;
        whole.n--;
    }
    if (whole.n == 0)
        whole = APS_STR_LIT("0");
    return aps_str(apr_psprintf(pool, "%.*s%.*s%s%.*s%.*s", APS_STR_ARG(n->sign),
                                APS_STR_ARG(whole), n->fraction.n > 0 ? "." : "",
                                APS_STR_ARG(n->fraction), APS_STR_ARG(n->exponent)));
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9'                     ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                    : 16;
}

/* 0o17 and 0x1F. */
static enum yaml_scalar read_based(apr_pool_t *pool, struct aps_str s, struct aps_str *out)
{
    const int base = s.p[1] == 'x' ? 16 : 8;
    uint64_t value = 0;

    for (size_t i = 2; i < s.n; i++) {
        const int digit = digit_of(s.p[i]);

        if (digit >= base)
            return YAML_TEXT;
        if (value > (UINT64_MAX - (uint64_t)digit) / (uint64_t)base)
            return YAML_NO_JSON;
        value = value * (uint64_t)base + (uint64_t)digit;
    }
    *out = aps_str(apr_psprintf(pool, "%" APR_UINT64_T_FMT, value));
    return YAML_INTEGER;
}

static bool is_word(struct aps_str s, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (aps_str_eq(s, aps_str(words[i])))
            return true;
    return false;
}

enum yaml_scalar aps_yaml_scalar(apr_pool_t *pool, struct aps_str s, struct aps_str *out)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    static const char *const trues[] = {"true", "True", "TRUE"};
    static const char *const falses[] = {"false", "False", "FALSE"};
    static const char *const none[] = {".inf",  ".Inf",  ".INF",  "+.inf", "+.Inf", "+.INF",
                                       "-.inf", "-.Inf", "-.INF", ".nan",  ".NaN",  ".NAN"};
    struct number number;

    *out = APS_STR_LIT("null");
    if (is_word(s, nulls, sizeof nulls / sizeof *nulls))
        return YAML_NULL;
    *out = APS_STR_LIT("true");
    if (is_word(s, trues, sizeof trues / sizeof *trues))
        return YAML_BOOL;
    *out = APS_STR_LIT("false");
    if (is_word(s, falses, sizeof falses / sizeof *falses))
        return YAML_BOOL;
    if (is_word(s, none, sizeof none / sizeof *none))
        return YAML_NO_JSON;
    if (s.n > 2 && s.p[0] == '0' && (s.p[1] == 'x' || s.p[1] == 'o'))
        return read_based(pool, s, out);
    if (!read_number(s, &number))
        return YAML_TEXT;
    if (number.exponent_digits > APS_JSONNUM_EXPONENT_DIGITS)
        return YAML_NO_JSON;
    *out = print_number(pool, &number);
    return memchr(s.p, '.', s.n) != NULL || number.exponent.n > 0 ? YAML_FLOAT : YAML_INTEGER;
}
