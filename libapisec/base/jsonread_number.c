/* jsonread_number.c - numbers that are more than a few digits, and their bounds (POS-05). */
#include "apisec/jsonnum.h"
#include "jsonread_impl.h"

/* Significant digits of an exponent. */
static size_t count_exponent(const char *p, const char *end)
{
    while (p < end && (*p < '1' || *p > '9'))
        p++;
    return (size_t)(end - p);
}

/* Whether it is beyond what may be held: an exponent that no sum of lengths may be added to, or
 * more than the largest double.  A number of less than 200 bytes whose exponent has two digits is
 * below 1e300. */
static bool is_beyond(const struct aps_jsonread_options *o, struct aps_str text,
                      const char *exponent)
{
    const size_t digits = exponent != NULL ? count_exponent(exponent, text.p + text.n) : 0;

    if (digits > APS_JSONNUM_EXPONENT_DIGITS)
        return true;
    return !o->overflow && (digits > 2 || text.n >= 200) && aps_jsonnum_overflows(text);
}

/* Whether a well-formed number is within the bounds that a glance does not decide; `exponent` is
 * what stands behind its e, or NULL. */
static bool is_within(struct aps_jsonread *r, struct aps_str text, const char *exponent)
{
    const struct aps_jsonread_options *o = r->options;
    enum aps_jsonread_fault fault = APS_JSONREAD_OK;

    if (text.n > o->digits_max)
        fault = APS_JSONREAD_DIGITS;
    else if (is_beyond(o, text, exponent))
        fault = APS_JSONREAD_OVERFLOW;
    else if (!o->big_integers && aps_jsonnum_is_integer(text) && !aps_jsonnum_is_safe(text))
        fault = APS_JSONREAD_INTEGER;
    return fault == APS_JSONREAD_OK || aps_jsonread_fault_set(r, text.p, fault) != NULL;
}

/* The first byte that is no digit.  A byte of `x` is at most 9 for a digit; a carry reaches only
 * bytes behind one that is no digit. */
static inline const char *skip_digits(const char *p, const char *end)
{
    for (; end - p >= 8; p += 8) {
        const uint64_t x = bytes8_load(p) ^ 0x3030303030303030u;
        const uint64_t other = ((x + 0x7676767676767676u) | x) & 0x8080808080808080u;

        if (other != 0)
            return p + __builtin_ctzll(other) / 8;
    }
    while (*p >= '0' && *p <= '9')
        p++;
    return p;
}

const char *aps_jsonread_number(struct aps_jsonread *r, const char *p, uint32_t sure)
{
    const char *const start = p, *const end = r->end, *exponent = NULL, *digits;

    if (*p == '-')
        p++;
    digits = p;
    p = skip_digits(p, end);
    if (p == digits || (*digits == '0' && p - digits > 1))
        return aps_jsonread_fault_set(r, start, APS_JSONREAD_NUMBER);
    if (*p == '.') {
        digits = p + 1;
        p = skip_digits(digits, end);
        if (p == digits)
            return aps_jsonread_fault_set(r, start, APS_JSONREAD_NUMBER);
    }
    if ((*p | 0x20) == 'e') {
        exponent = digits = p + 1;
        if (*digits == '+' || *digits == '-')
            digits++;
        p = skip_digits(digits, end);
        if (p == digits)
            return aps_jsonread_fault_set(r, start, APS_JSONREAD_NUMBER);
    }
    if ((p - start > sure || exponent != NULL) &&
        !is_within(r, (struct aps_str){start, (size_t)(p - start)}, exponent))
        return NULL;
    return p;
}
