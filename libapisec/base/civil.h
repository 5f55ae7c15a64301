/* civil.h - days of the Gregorian calendar, counted from 1970-01-01; only for base/. */
#ifndef BASE_CIVIL_H
#define BASE_CIVIL_H

#include <stdbool.h>
#include <stdint.h>

struct aps_civil {
    int64_t year, month, day;
};

/* The quotient towards minus infinity, and the remainder, which is never negative. */
static inline int64_t aps_civil_floor(int64_t a, int64_t b, int64_t *out_rest)
{
    int64_t q = a / b;
    int64_t rest = a % b;

    if (rest < 0) {
        rest += b;
        q--;
    }
    *out_rest = rest;
    return q;
}

/* Days to a date, year 1 or later.  Years are counted from March, so that the leap day is a year's
 * last; 400 years have 146,097 days. */
static inline int64_t aps_civil_days(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t m = month > 2 ? month - 3 : month + 9;

    return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

/* The inverse. */
static inline struct aps_civil aps_civil_date(int64_t days)
{
    int64_t era, of_era, year, of_year, m;
    struct aps_civil date;

    era = aps_civil_floor(days + 719468, 146097, &of_era);
    year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    of_year = of_era - (365 * year + year / 4 - year / 100);
    m = (5 * of_year + 2) / 153;
    date.day = of_year - (153 * m + 2) / 5 + 1;
    date.month = m < 10 ? m + 3 : m - 9;
    date.year = year + era * 400 + (date.month <= 2 ? 1 : 0);
    return date;
}

static inline bool aps_civil_is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static inline int64_t aps_civil_month_days(int64_t year, int64_t month)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && aps_civil_is_leap(year) ? 1 : 0);
}

#endif
