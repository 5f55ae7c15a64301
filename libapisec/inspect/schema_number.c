/* schema_number.c - bounds and divisors, exact as decimal text (POS-05).
 *
 * Most numbers are small and written plainly; they are compared as 64-bit integers, which loses
 * nothing.  All others go the long way of jsonnum.h. */
#include "apisec/jsonnum.h"
#include "schema_impl.h"

#define EASY_DIGITS 18 /* below 2^63 */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

struct schema_decimal aps_schema_number_read(struct aps_str text)
{
    struct schema_decimal d = {.text = text, .negative = text.p[0] == '-'};
    const char *p = text.p + d.negative, *const end = text.p + text.n;
    int64_t whole = 0;
    unsigned n = 0;

    for (; p < end && is_digit(*p) && n <= EASY_DIGITS; p++, n++)
        whole = whole * 10 + (*p - '0');
    if (n > EASY_DIGITS)
        return d;
    if (p < end && *p == '.')
        for (p++; p < end && is_digit(*p); p++)
            d.fraction |= *p != '0';
    d.easy = p == end;
    d.whole = d.negative ? -whole : whole;
    return d;
}

bool aps_schema_number_is_integer(const struct schema_decimal *d)
{
    return d->easy ? !d->fraction : aps_jsonnum_is_integer(d->text);
}

int aps_schema_number_compare(const struct schema_decimal *d, const struct schema_number *bound,
                              const char *bytes)
{
    if (!d->easy || !bound->exact)
        return aps_jsonnum_compare(d->text,
                                   (struct aps_str){bytes + bound->text.at, bound->text.n});
    if (d->whole != bound->value)
        return d->whole < bound->value ? -1 : 1;
    return !d->fraction ? 0 : d->negative ? -1 : 1;
}

/* ---- divisors */

/* A number as an integer and a power of ten: all its digits, without the point. */
struct scaled {
    const char *p, *end; /* digits, of which one may be a point */
    int64_t digits;      /* of them without zeros at the end */
    int64_t exponent;    /* of ten, once zeros at the end are taken away */
};

static struct scaled scaled_of(struct aps_str text)
{
    const char *p = text.p, *const end = text.p + text.n, *stop, *last;
    struct scaled s = {.p = p};
    bool fraction = false, negative;
    int64_t zeros = 0, exponent = 0, after = 0;

    if (p < end && *p == '-')
        p++;
    s.p = last = p;
    for (stop = p; stop < end && (is_digit(*stop) || *stop == '.'); stop++) {
        if (*stop == '.') {
            fraction = true;
            continue;
        }
        after += fraction;
        s.digits++;
        zeros = *stop == '0' ? zeros + 1 : 0;
        if (*stop != '0')
            last = stop + 1;
    }
    s.end = last;
    s.digits -= zeros;
    if (stop < end) {
        negative = *++stop == '-';
        if (stop < end && !is_digit(*stop))
            stop++;
        for (; stop < end && exponent < INT64_MAX / 100; stop++)
            exponent = exponent * 10 + (*stop - '0');
        if (negative)
            exponent = -exponent;
    }
    s.exponent = exponent - after + zeros;
    return s;
}

static uint64_t times(uint64_t a, uint64_t b, uint64_t m)
{
    return (uint64_t)((unsigned __int128)a * b % m);
}

/* 10 ^ n modulo m. */
static uint64_t power(uint64_t n, uint64_t m)
{
    uint64_t result = 1 % m, square = 10 % m;

    for (; n > 0; n >>= 1) {
        if (n & 1)
            result = times(result, square, m);
        square = times(square, square, m);
    }
    return result;
}

bool aps_schema_number_divisor(struct aps_str text, struct schema_number *out)
{
    const struct scaled s = scaled_of(text);
    int64_t value = 0;
    unsigned n = 0;

    if (text.p[0] == '-' || s.digits == 0)
        return false;
    for (const char *p = s.p; p < s.end; p++) {
        if (*p == '.' || (value == 0 && *p == '0'))
            continue;
        if (++n > EASY_DIGITS)
            return false;
        value = value * 10 + (*p - '0');
    }
    out->value = value;
    out->exponent = s.exponent;
    return true;
}

/* Its last digit is no zero, so it is no multiple of a power of ten that is above its own. */
bool aps_schema_number_is_multiple(struct aps_str text, const struct schema_number *divisor)
{
    const struct scaled s = scaled_of(text);
    const uint64_t m = (uint64_t)divisor->value;
    uint64_t rest = 0;

    if (s.digits == 0)
        return true; /* zero */
    if (s.exponent < divisor->exponent)
        return false;
    for (const char *p = s.p; p < s.end; p++)
        if (*p != '.')
            rest = m < UINT64_MAX / 16
                       ? (rest * 10 + (uint64_t)(*p - '0')) % m
                       : (uint64_t)(((unsigned __int128)rest * 10 + (unsigned)(*p - '0')) % m);
    return times(rest, power((uint64_t)(s.exponent - divisor->exponent), m), m) == 0;
}

uint64_t aps_schema_number_hash(struct aps_str text, uint64_t seed)
{
    const struct scaled s = scaled_of(text);
    uint64_t hash = seed;
    bool leading = true;

    if (s.digits == 0)
        return schema_fold(seed, 0x2d358dccaa6c78a5u);
    for (const char *p = s.p; p < s.end; p++) {
        leading &= *p == '0' || *p == '.';
        if (!leading && *p != '.')
            hash = schema_fold(hash ^ (unsigned char)*p, 0x2d358dccaa6c78a5u);
    }
    return schema_fold(hash ^ (uint64_t)s.exponent ^ (text.p[0] == '-'), 0x8bb84b93962eacc9u);
}

/* At most 34 significant digits, the first of them at an exponent from -6143 to 6144. */
static bool is_decimal128(struct aps_str text)
{
    const struct scaled s = scaled_of(text);
    const char *p = s.p;
    int64_t digits = s.digits;

    for (; p < s.end && (*p == '0' || *p == '.'); p++)
        digits -= *p == '0';
    return digits <= 0 ||
           (digits <= 34 && s.exponent + digits - 1 >= -6143 && s.exponent + digits - 1 <= 6144);
}

/* RFC 9651 3.3.2: 12 digits and 3 behind the point. */
static bool is_sf_decimal(struct aps_str text)
{
    const struct aps_str low = APS_STR_LIT("-1e12"), high = APS_STR_LIT("1e12");
    const struct scaled s = scaled_of(text);

    return s.digits <= 0 || (s.exponent >= -3 && aps_jsonnum_compare(text, low) > 0 &&
                             aps_jsonnum_compare(text, high) < 0);
}

static bool is_between(struct aps_str text, const char *low, const char *high)
{
    return aps_jsonnum_is_integer(text) && aps_jsonnum_compare(text, aps_str(low)) >= 0 &&
           aps_jsonnum_compare(text, aps_str(high)) <= 0;
}

bool aps_schema_number_is_format(enum schema_format format, struct aps_str text)
{
    int64_t value;

    switch (format) {
    case SCHEMA_F_INT8:
        return is_between(text, "-128", "127");
    case SCHEMA_F_INT16:
        return is_between(text, "-32768", "32767");
    case SCHEMA_F_INT32:
        return aps_jsonnum_i64(text, &value) && value >= INT32_MIN && value <= INT32_MAX;
    case SCHEMA_F_INT64:
        return aps_jsonnum_i64(text, &value);
    case SCHEMA_F_UINT8:
        return is_between(text, "0", "255");
    case SCHEMA_F_UINT16:
        return is_between(text, "0", "65535");
    case SCHEMA_F_UINT32:
        return is_between(text, "0", "4294967295");
    case SCHEMA_F_UINT64:
        return is_between(text, "0", "18446744073709551615");
    case SCHEMA_F_DOUBLE_INT:
        return aps_jsonnum_is_safe(text);
    case SCHEMA_F_SF_INTEGER:
        return is_between(text, "-999999999999999", "999999999999999");
    case SCHEMA_F_SF_DECIMAL:
        return is_sf_decimal(text);
    case SCHEMA_F_DECIMAL128:
        return is_decimal128(text);
    default:
        return true;
    }
}
