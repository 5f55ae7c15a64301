/* jsonnum.c - a number as its sign, its significant digits where they lie, and its exponent. */
#include "apisec/jsonnum.h"

/* The value is 0.DIGITS times ten to the power of `exponent`.  The digits are those from `p` to
 * `end`, of which neither the first nor the last is a zero; a point may lie between them.  Zero has
 * none. */
struct decimal {
    bool negative;
    const char *p, *end;
    int64_t exponent;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The number behind the e, no further than APS_JSONNUM_EXPONENT_DIGITS. */
static int64_t read_exponent(const char *p, const char *end)
{
    const bool negative = p < end && *p == '-';
    int64_t value = 0;
    unsigned n = 0;

    if (p < end && !is_digit(*p))
        p++;
    while (p < end && *p == '0')
        p++;
    for (; p < end && n < APS_JSONNUM_EXPONENT_DIGITS; p++, n++)
        value = value * 10 + (*p - '0');
    return negative ? -value : value;
}

static struct decimal decimal_of(struct aps_str text)
{
    const char *p = text.p, *end = text.p + text.n, *stop, *point = NULL;
    struct decimal d = {.negative = p < end && *p == '-'};

    if (d.negative)
        p++;
    for (stop = p; stop < end && (is_digit(*stop) || *stop == '.'); stop++)
        if (*stop == '.')
            point = stop;
    if (stop < end)
        d.exponent = read_exponent(stop + 1, end);
    if (point == NULL)
        point = stop;
    while (p < stop && (*p == '0' || *p == '.'))
        p++;
    d.p = p;
    d.exponent += p < point ? point - p : point + 1 - p;
    while (stop > p && (stop[-1] == '0' || stop[-1] == '.'))
        stop--;
    d.end = stop;
    return d;
}

static bool is_zero(const struct decimal *d)
{
    return d->p == d->end;
}

/* The next digit, without the point; 0 behind the last. */
static int next_digit(struct decimal *d)
{
    if (d->p < d->end && *d->p == '.')
        d->p++;
    return d->p < d->end ? *d->p++ - '0' : 0;
}

/* How far from zero. */
static int compare_size(struct decimal a, struct decimal b)
{
    if (is_zero(&a) || is_zero(&b))
        return is_zero(&b) - is_zero(&a);
    if (a.exponent != b.exponent)
        return a.exponent < b.exponent ? -1 : 1;
    while (!is_zero(&a) || !is_zero(&b)) {
        const int x = next_digit(&a), y = next_digit(&b);

        if (x != y)
            return x - y;
    }
    return 0;
}

int aps_jsonnum_compare(struct aps_str a, struct aps_str b)
{
    const struct decimal x = decimal_of(a), y = decimal_of(b);
    const bool less = x.negative && !is_zero(&x), other = y.negative && !is_zero(&y);

    if (less != other)
        return less ? -1 : 1;
    return less ? compare_size(y, x) : compare_size(x, y);
}

/* Without leading and trailing zeros, so whether the exponent reaches behind the last digit. */
static bool is_whole(const struct decimal *d)
{
    struct decimal rest = *d;
    int64_t digits = 0;

    if (d->exponent >= d->end - d->p)
        return true;
    for (; !is_zero(&rest); digits++)
        (void)next_digit(&rest); /* only counted */
    return d->exponent >= digits;
}

bool aps_jsonnum_is_integer(struct aps_str text)
{
    const struct decimal d = decimal_of(text);

    return is_zero(&d) || is_whole(&d);
}

bool aps_jsonnum_i64(struct aps_str text, int64_t *out)
{
    struct decimal d = decimal_of(text);
    int64_t value = 0;

    if (is_zero(&d)) {
        *out = 0;
        return true;
    }
    if (!is_whole(&d) || d.exponent > 19)
        return false;
    for (int64_t i = 0; i < d.exponent; i++) { /* downwards, where the range is larger by one */
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, next_digit(&d), &value))
            return false;
    }
    if (!d.negative && __builtin_sub_overflow(0, value, &value))
        return false;
    *out = value;
    return true;
}

bool aps_jsonnum_is_safe(struct aps_str text)
{
    int64_t value;

    return aps_jsonnum_i64(text, &value) && value >= -INT64_C(9007199254740991) &&
           value <= INT64_C(9007199254740991);
}

/* From 2^1024 - 2^970 on, halfway between the largest double and 2^1024, values round upwards. */
bool aps_jsonnum_overflows(struct aps_str text)
{
    static const char halfway[] =
        "1797693134862315807937289714053034150799341327100378269361737789804449682927"
        "6475094664901797758720709633028641669288791094655554785194040263065748867150"
        "5820681908902000708383676273854845817711531764475730270069855571366959622842"
        "9148198608349364752927190741684443655107043427115596995080930428801779041744"
        "97792";
    static const struct decimal least = {
        .p = halfway, .end = halfway + sizeof halfway - 1, .exponent = sizeof halfway - 1};

    return compare_size(decimal_of(text), least) >= 0;
}
