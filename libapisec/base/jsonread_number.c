/* jsonread_number.c - the bounds of numbers (POS-05). */
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

bool aps_jsonread_number(struct aps_jsonread *r, struct aps_str text, const char *exponent)
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
