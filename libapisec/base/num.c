/* num.c - strict readers and printers of numbers, durations, rates and times. */
#include "apisec/num.h"

#include <endian.h>

#include "civil.h"

/* Civil time is counted in days from 1970-01-01; what aps_nsec holds ends within 2262. */
#define YEAR_MIN 1970
#define YEAR_MAX 2261

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits at the start of `text` that make a number without leading zeros; 0 if there is none. */
static size_t count_digits(struct aps_str text)
{
    size_t n = 0;

    while (n < text.n && is_digit(text.p[n]))
        n++;
    return n > 1 && text.p[0] == '0' ? 0 : n;
}

/* The number that `digits` say; false when it does not fit. */
static bool read_digits(struct aps_str digits, uint64_t *out)
{
    uint64_t value = 0;

    for (size_t i = 0; i < digits.n; i++) {
        uint64_t digit = (uint64_t)(digits.p[i] - '0');

        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

enum aps_err aps_num_parse(struct aps_str text, uint64_t min, uint64_t max, uint64_t *out,
                           struct aps_diag *diag)
{
    enum aps_err err = APS_ERR_FORMAT;
    uint64_t value;

    if (text.n > 0 && count_digits(text) == text.n) {
        if (read_digits(text, &value) && value >= min && value <= max) {
            *out = value;
            return APS_OK;
        }
        err = APS_ERR_RANGE;
    }
    aps_err_explain(diag, "number \"%.*s\": want a whole number from %llu to %llu",
                    APS_STR_SHOW(text), (unsigned long long)min, (unsigned long long)max);
    return err;
}

/* The units of durations; those with one letter up to the day are also units of rates. */
static const struct unit {
    const char *name;
    aps_nsec nsec;
    bool of_rate;
} units[] = {
    {"ms", APS_MSEC, false}, {"s", APS_SEC, true}, {"m", APS_MINUTE, true},
    {"h", APS_HOUR, true},   {"d", APS_DAY, true}, {"w", 7 * APS_DAY, false},
};

static const struct unit *find_unit(struct aps_str name)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (aps_str_eq(name, aps_str(units[i].name)))
            return &units[i];
    return NULL;
}

/* Digits, then what follows them; no digits give an empty number. */
static void split_count(struct aps_str text, struct aps_str *out_digits, struct aps_str *out_tail)
{
    size_t n = count_digits(text);

    *out_digits = (struct aps_str){text.p, n};
    *out_tail = (struct aps_str){n > 0 ? text.p + n : text.p, text.n - n};
}

enum aps_err aps_num_parse_duration(struct aps_str text, aps_nsec *out, struct aps_diag *diag)
{
    const struct unit *unit;
    struct aps_str digits, tail;
    uint64_t count;

    split_count(text, &digits, &tail);
    unit = find_unit(tail);
    if (digits.n == 0 || unit == NULL) {
        aps_err_explain(diag,
                        "duration \"%.*s\": want a whole number and a unit (ms, s, m, h, d or w), "
                        "such as 250ms or 90d",
                        APS_STR_SHOW(text));
        return APS_ERR_FORMAT;
    }
    if (!read_digits(digits, &count) || count == 0 || count > (uint64_t)(INT64_MAX / unit->nsec)) {
        aps_err_explain(diag, "duration \"%.*s\": want more than zero and at most %llu%s",
                        APS_STR_SHOW(text), (unsigned long long)(INT64_MAX / unit->nsec),
                        unit->name);
        return APS_ERR_RANGE;
    }
    *out = (aps_nsec)count * unit->nsec;
    return APS_OK;
}

#define SIZE_MAX_BYTES ((uint64_t)1 << 40)

enum aps_err aps_num_parse_size(struct aps_str text, uint64_t *out, struct aps_diag *diag)
{
    static const char letters[] = "kmg";
    struct aps_str digits, tail;
    const char *letter = letters;
    uint64_t bytes = 0;
    unsigned shift = 0;

    split_count(text, &digits, &tail);
    if (tail.n == 1 && (letter = strchr(letters, tail.p[0] | 0x20)) != NULL)
        shift = 10 * (unsigned)(letter - letters + 1);
    if (digits.n == 0 || tail.n > 1 || letter == NULL) {
        aps_err_explain(diag, "size \"%.*s\": want bytes, with k, m or g behind, such as 64k",
                        APS_STR_SHOW(text));
        return APS_ERR_FORMAT;
    }
    if (!read_digits(digits, &bytes) || bytes == 0 || bytes > SIZE_MAX_BYTES >> shift) {
        aps_err_explain(diag, "size \"%.*s\": want 1 byte to 1024g", APS_STR_SHOW(text));
        return APS_ERR_RANGE;
    }
    *out = bytes << shift;
    return APS_OK;
}

enum aps_err aps_num_parse_rate(struct aps_str text, struct aps_rate *out, struct aps_diag *diag)
{
    const struct unit *unit = NULL;
    struct aps_str digits, tail;
    uint64_t count;

    split_count(text, &digits, &tail);
    if (tail.n > 0 && tail.p[0] == '/')
        unit = find_unit((struct aps_str){tail.p + 1, tail.n - 1});
    if (digits.n == 0 || unit == NULL || !unit->of_rate) {
        aps_err_explain(diag, "rate \"%.*s\": want COUNT/UNIT, unit s, m, h or d, such as 100/m",
                        APS_STR_SHOW(text));
        return APS_ERR_FORMAT;
    }
    if (!read_digits(digits, &count) || count == 0 || count > APS_NUM_COUNT_MAX) {
        aps_err_explain(diag, "rate \"%.*s\": want a count from 1 to %u", APS_STR_SHOW(text),
                        APS_NUM_COUNT_MAX);
        return APS_ERR_RANGE;
    }
    *out = (struct aps_rate){(uint32_t)count, unit->nsec};
    return APS_OK;
}

/* A point in time as it is written. */
struct civil {
    int64_t year, month, day, hour, minute, second;
    int64_t offset_minutes;
};

/* Take `width` digits off `*rest`; false when they are not there. */
static bool take_digits(struct aps_str *rest, size_t width, int64_t *out)
{
    uint64_t value;

    for (size_t i = 0; i < width; i++)
        if (i >= rest->n || !is_digit(rest->p[i]))
            return false;
    if (!read_digits((struct aps_str){rest->p, width}, &value))
        return false;
    *out = (int64_t)value;
    rest->p += width;
    rest->n -= width;
    return true;
}

static bool take_char(struct aps_str *rest, char c)
{
    if (rest->n == 0 || rest->p[0] != c)
        return false;
    rest->p++;
    rest->n--;
    return true;
}

/* The end of an RFC 3339 time: "Z", or an offset whose hour and minute are in range. */
static bool take_zone(struct aps_str *rest, int64_t *out_minutes)
{
    int64_t sign, hour, minute;

    if (take_char(rest, 'Z')) {
        *out_minutes = 0;
        return true;
    }
    sign = take_char(rest, '-') ? -1 : 1;
    if (sign > 0 && !take_char(rest, '+'))
        return false;
    if (!take_digits(rest, 2, &hour) || !take_char(rest, ':') || !take_digits(rest, 2, &minute))
        return false;
    if (hour > 23 || minute > 59)
        return false;
    *out_minutes = sign * (hour * 60 + minute);
    return true;
}

/* The shape alone: YYYY-MM-DD, or the same with THH:MM:SS and a zone. */
static bool read_civil(struct aps_str text, struct civil *out)
{
    struct civil c = {0};

    if (!take_digits(&text, 4, &c.year) || !take_char(&text, '-') ||
        !take_digits(&text, 2, &c.month) || !take_char(&text, '-') ||
        !take_digits(&text, 2, &c.day))
        return false;
    if (text.n > 0 &&
        (!take_char(&text, 'T') || !take_digits(&text, 2, &c.hour) || !take_char(&text, ':') ||
         !take_digits(&text, 2, &c.minute) || !take_char(&text, ':') ||
         !take_digits(&text, 2, &c.second) || !take_zone(&text, &c.offset_minutes)))
        return false;
    *out = c;
    return text.n == 0;
}

/* The date exists, and so does the time of day; a leap second does not. */
static bool is_real(const struct civil *c)
{
    return c->year >= YEAR_MIN && c->year <= YEAR_MAX && c->month >= 1 && c->month <= 12 &&
           c->day >= 1 && c->day <= aps_civil_month_days(c->year, c->month) && c->hour <= 23 &&
           c->minute <= 59 && c->second <= 59;
}

enum aps_err aps_num_parse_time(struct aps_str text, aps_nsec now, aps_nsec *out,
                                struct aps_diag *diag)
{
    struct civil c;
    aps_nsec wall;

    if (read_civil(text, &c)) {
        wall = -1;
        if (is_real(&c))
            wall = aps_civil_days(c.year, c.month, c.day) * APS_DAY + c.hour * APS_HOUR +
                   (c.minute - c.offset_minutes) * APS_MINUTE + c.second * APS_SEC;
        if (wall < 0) {
            aps_err_explain(diag, "time \"%.*s\": want a date and time that exist, from %d to %d",
                            APS_STR_SHOW(text), YEAR_MIN, YEAR_MAX);
            return APS_ERR_RANGE;
        }
        *out = wall;
        return APS_OK;
    }
    switch (aps_num_parse_duration(text, &wall, NULL)) {
    case APS_OK:
        if (!__builtin_add_overflow(now, wall, &wall)) {
            *out = wall;
            return APS_OK;
        }
        break;
    case APS_ERR_RANGE:
        break;
    default:
        aps_err_explain(diag,
                        "time \"%.*s\": want a date such as 2027-01-31, a time such as "
                        "2027-01-31T12:00:00Z, or a duration from now such as 90d",
                        APS_STR_SHOW(text));
        return APS_ERR_FORMAT;
    }
    aps_err_explain(diag, "time \"%.*s\": want a duration from now that ends before %d",
                    APS_STR_SHOW(text), YEAR_MAX + 1);
    return APS_ERR_RANGE;
}

static const char pairs[] = "00010203040506070809"
                            "10111213141516171819"
                            "20212223242526272829"
                            "30313233343536373839"
                            "40414243444546474849"
                            "50515253545556575859"
                            "60616263646566676869"
                            "70717273747576777879"
                            "80818283848586878889"
                            "90919293949596979899";

/* Two digits and a mark; returns the end. */
static char *put_pair(char *p, uint32_t value, char mark)
{
    memcpy(p, pairs + 2 * (size_t)value, 2);
    p[2] = mark;
    return p + 3;
}

char *aps_num_print_time(aps_nsec wall, bool millis, char out[APS_NUM_TIME_MAX])
{
    struct aps_civil c;
    int64_t rest;
    uint32_t ms, second;
    char *p = out;

    c = aps_civil_date(aps_civil_floor(wall, APS_DAY, &rest));
    ms = (uint32_t)(rest / APS_MSEC);
    second = ms / 1000;
    ms %= 1000;
    memcpy(p, pairs + 2 * (c.year / 100), 2); /* aps_nsec reaches from 1677 to 2262 */
    p = put_pair(p + 2, (uint32_t)(c.year % 100), '-');
    p = put_pair(p, (uint32_t)c.month, '-');
    p = put_pair(p, (uint32_t)c.day, 'T');
    p = put_pair(p, second / 3600, ':');
    p = put_pair(p, second / 60 % 60, ':');
    p = put_pair(p, second % 60, 'Z');
    if (millis) {
        p[-1] = '.';
        *p++ = (char)('0' + ms / 100);
        p = put_pair(p, ms % 100, 'Z');
    }
    *p = '\0';
    return out;
}

char *aps_num_print_rate(struct aps_rate rate, char out[APS_NUM_RATE_MAX])
{
    char *p = aps_num_put(out, rate.count);

    *p++ = '/';
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (units[i].of_rate && units[i].nsec == rate.period)
            *p++ = units[i].name[0];
    *p = '\0';
    return out;
}

char *aps_num_print_duration(aps_nsec duration, char out[APS_NUM_DURATION_MAX])
{
    const struct unit *unit = &units[0];

    for (size_t i = 1; i < sizeof units / sizeof units[0]; i++)
        if (units[i].of_rate && duration % units[i].nsec == 0) /* weeks are for reading only */
            unit = &units[i];
    memcpy(aps_num_put(out, (uint64_t)(duration / unit->nsec)), unit->name, strlen(unit->name) + 1);
    return out;
}

/* Decimal digits of a value above 0: log10(2) is about 1233 / 4096. */
static unsigned digits_of(uint64_t value)
{
    static const uint64_t powers[] = {
        0,
        10ull,
        100ull,
        1000ull,
        10000ull,
        100000ull,
        1000000ull,
        10000000ull,
        100000000ull,
        1000000000ull,
        10000000000ull,
        100000000000ull,
        1000000000000ull,
        10000000000000ull,
        100000000000000ull,
        1000000000000000ull,
        10000000000000000ull,
        100000000000000000ull,
        1000000000000000000ull,
        10000000000000000000ull,
    };
    unsigned guess = (64u - (unsigned)__builtin_clzll(value)) * 1233u >> 12;

    return value < powers[guess] ? guess : guess + 1;
}

/* 10 to 9,999: what most numbers are. */
static inline char *put_small(char *p, uint32_t value)
{
    const uint32_t high = value / 100;

    if (high >= 10) {
        memcpy(p, pairs + 2 * (size_t)high, 2);
        p += 2;
    } else if (high != 0) {
        *p++ = (char)('0' + high);
    }
    memcpy(p, pairs + 2 * (size_t)(value % 100), 2);
    return p + 2;
}

char *aps_num_put(char *p, uint64_t value)
{
    char *end;

    if (value < 10) {
        *p = (char)('0' + value);
        return p + 1;
    }
    if (value < 10000)
        return put_small(p, (uint32_t)value);
    end = p + digits_of(value);
    for (p = end; value >= 100; value /= 100) {
        p -= 2;
        memcpy(p, pairs + 2 * (value % 100), 2);
    }
    if (value >= 10)
        memcpy(p - 2, pairs + 2 * value, 2);
    else
        p[-1] = (char)('0' + value);
    return end;
}

/* Eight digits at once, a byte each, the first in the lowest. */
static uint64_t spread_digits(uint32_t half)
{
    uint64_t x = __builtin_bswap32(half), letters;

    x = (x | x << 16) & 0x0000ffff0000ffffu;
    x = (x | x << 8) & 0x00ff00ff00ff00ffu;
    x = (x >> 4 & 0x000f000f000f000fu) | (x << 8 & 0x0f000f000f000f00u);
    letters = (x + 0x0606060606060606u) >> 4 & 0x0101010101010101u;
    return x + 0x3030303030303030u + letters * ('a' - '0' - 10);
}

char *aps_num_put_hex(char *p, uint64_t value)
{
    const uint64_t halves[] = {htole64(spread_digits((uint32_t)(value >> 32))),
                               htole64(spread_digits((uint32_t)value))};

    memcpy(p, halves, sizeof halves);
    return p + sizeof halves;
}
