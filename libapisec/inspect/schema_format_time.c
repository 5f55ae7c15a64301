/* schema_format_time.c - dates, times and durations as RFC 3339 has them, and nothing more. */
#include "schema_impl.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* n digits at `at`, or -1. */
static int number(struct aps_str s, size_t at, size_t n)
{
    int value = 0;

    if (at + n > s.n)
        return -1;
    for (size_t i = at; i < at + n; i++) {
        if (!is_digit(s.p[i]))
            return -1;
        value = value * 10 + (s.p[i] - '0');
    }
    return value;
}

bool aps_schema_format_time_date(struct aps_str s)
{
    static const uint8_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const int year = number(s, 0, 4), month = number(s, 5, 2), day = number(s, 8, 2);
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return s.n == 10 && s.p[4] == '-' && s.p[7] == '-' && year >= 0 && month >= 1 && month <= 12 &&
           day >= 1 && day <= days[month - 1] && (month != 2 || day <= 28 + leap);
}

/* hh:mm:ss, a fraction, and Z or an offset; a leap second only where it is 23:59:60 in UTC. */
bool aps_schema_format_time(struct aps_str s)
{
    const int hour = number(s, 0, 2), minute = number(s, 3, 2), second = number(s, 6, 2);
    int hours = 0, minutes = 0, utc;
    size_t at = 8;

    if (s.n < 9 || s.p[2] != ':' || s.p[5] != ':' || hour < 0 || hour > 23 || minute < 0 ||
        minute > 59 || second < 0 || second > 60)
        return false;
    if (s.p[at] == '.') {
        for (at++; at < s.n && is_digit(s.p[at]);)
            at++;
        if (at == 9 || at == s.n)
            return false;
    }
    if ((s.p[at] | 0x20) == 'z') {
        if (at + 1 != s.n)
            return false;
    } else {
        hours = number(s, at + 1, 2);
        minutes = number(s, at + 4, 2);
        if ((s.p[at] != '+' && s.p[at] != '-') || at + 6 != s.n || s.p[at + 3] != ':' ||
            hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
            return false;
        if (s.p[at] == '+') {
            hours = -hours;
            minutes = -minutes;
        }
    }
    utc = (hour * 60 + minute + hours * 60 + minutes + 2 * 1440) % 1440;
    return second < 60 || utc == 1439;
}

bool aps_schema_format_time_full(struct aps_str s)
{
    return s.n > 11 && (s.p[10] | 0x20) == 't' &&
           aps_schema_format_time_date((struct aps_str){s.p, 10}) &&
           aps_schema_format_time((struct aps_str){s.p + 11, s.n - 11});
}

/* Numbers with these units, in their order and without one left out between two. */
static size_t skip_units(struct aps_str s, size_t at, const char *units)
{
    const char *unit = NULL;
    size_t start;

    for (;; at++) {
        for (start = at; at < s.n && is_digit(s.p[at]);)
            at++;
        if (at == start || at == s.n)
            return start;
        if (unit == NULL)
            unit = strchr(units, s.p[at]);
        if (unit == NULL || *unit != s.p[at] || *unit == '\0')
            return 0;
        unit++;
    }
}

/* RFC 3339 A: P and days or weeks, or time, or both but for weeks. */
bool aps_schema_format_time_span(struct aps_str s)
{
    size_t at, from;

    if (s.n < 3 || s.p[0] != 'P')
        return false;
    if (s.p[s.n - 1] == 'W') {
        for (at = 1; is_digit(s.p[at]);)
            at++;
        return at > 1 && at == s.n - 1;
    }
    if ((at = skip_units(s, 1, "YMD")) == 0)
        return false;
    if (at < s.n && s.p[at] == 'T') {
        from = at + 1;
        if ((at = skip_units(s, from, "HMS")) == 0 || at == from)
            return false;
    }
    return at == s.n;
}
