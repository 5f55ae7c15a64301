/* zone_rule.c - POSIX TZ strings, which say what holds in each year (RFC 9636 3.3). */
#include "civil.h"
#include "zone_impl.h"

#define DAY 86400
#define WEEK_HOURS 167

/* Years of changes around a second: a change may lie a week and a day beside its year. */
#define YEARS 5

struct reader {
    struct aps_str rest;
    bool is_long; /* times of day of version 3 */
};

static char peek(const struct reader *in)
{
    return in->rest.n != 0 ? in->rest.p[0] : '\0';
}

static bool take(struct reader *in, char c)
{
    if (in->rest.n == 0 || in->rest.p[0] != c)
        return false;
    in->rest.p++;
    in->rest.n--;
    return true;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One to three digits. */
static bool take_number(struct reader *in, int32_t min, int32_t max, int32_t *out)
{
    int32_t number = 0;
    unsigned n = 0;

    for (; n < 3 && is_digit(peek(in)); n++) {
        number = number * 10 + (peek(in) - '0');
        (void)take(in, peek(in)); /* it is there */
    }
    if (n == 0 || number < min || number > max)
        return false;
    *out = number;
    return true;
}

/* What a local time is called: three letters or more, or <...> with digits and signs too. */
static bool take_name(struct reader *in)
{
    bool quoted = take(in, '<');
    size_t n = 0;

    while (is_letter(peek(in)) ||
           (quoted && (is_digit(peek(in)) || peek(in) == '+' || peek(in) == '-'))) {
        (void)take(in, peek(in)); /* it is there */
        n++;
    }
    return n >= 3 && (!quoted || take(in, '>'));
}

/* HH[:MM[:SS]] with a sign, in seconds. */
static bool take_clock(struct reader *in, bool has_sign, int32_t hours_max, int32_t *out)
{
    int32_t hours = 0, minutes = 0, seconds = 0;
    int32_t sign = has_sign && take(in, '-') ? -1 : 1;

    if (has_sign && sign > 0)
        (void)take(in, '+'); /* or none */
    if (!take_number(in, 0, hours_max, &hours))
        return false;
    if (take(in, ':') &&
        (!take_number(in, 0, 59, &minutes) || (take(in, ':') && !take_number(in, 0, 59, &seconds))))
        return false;
    *out = sign * (hours * 3600 + minutes * 60 + seconds);
    return true;
}

static bool take_date(struct reader *in, struct aps_zone_date *out)
{
    struct aps_zone_date date = {.form = 'N', .second = 7200};

    if (take(in, 'M')) {
        date.form = 'M';
        if (!take_number(in, 1, 12, &date.month) || !take(in, '.') ||
            !take_number(in, 1, 5, &date.week) || !take(in, '.') ||
            !take_number(in, 0, 6, &date.day))
            return false;
    } else {
        if (take(in, 'J'))
            date.form = 'J';
        if (!take_number(in, date.form == 'J' ? 1 : 0, 365, &date.day))
            return false;
    }
    if (take(in, '/') && !take_clock(in, in->is_long, in->is_long ? WEEK_HOURS : 24, &date.second))
        return false;
    *out = date;
    return true;
}

bool aps_zone_rule_parse(struct aps_str text, char version, struct aps_zone_rule *out)
{
    struct reader in = {text, version >= '3'};
    struct aps_zone_rule rule = {0};
    int32_t west = 0;

    if (!take_name(&in) || !take_clock(&in, true, 24, &west))
        return false;
    rule.standard = rule.summer = -west;
    if (in.rest.n != 0) {
        if (!take_name(&in))
            return false;
        rule.summer = rule.standard + 3600;
        if (peek(&in) != ',') {
            if (!take_clock(&in, true, 24, &west))
                return false;
            rule.summer = -west;
        }
        if (!take(&in, ',') || !take_date(&in, &rule.start) || !take(&in, ',') ||
            !take_date(&in, &rule.end))
            return false;
    }
    *out = rule;
    return in.rest.n == 0;
}

/* Days since 1970 of a rule's day in a year. */
static int64_t day_of(const struct aps_zone_date *date, int64_t year)
{
    int64_t first = aps_civil_days(year, date->form == 'M' ? date->month : 1, 1);
    int64_t weekday, day;

    if (date->form == 'N')
        return first + date->day;
    if (date->form == 'J')
        return first + date->day - (date->day < 60 || !aps_civil_is_leap(year) ? 1 : 0);
    (void)aps_civil_floor(first + 4, 7, &weekday); /* 1970 began on a Thursday, which is 4 */
    day = (date->day - weekday + 7) % 7 + 7 * (date->week - 1);
    while (day >= aps_civil_month_days(year, date->month))
        day -= 7; /* week 5 is the last one */
    return first + day;
}

struct change {
    int64_t at;
    int32_t offset;
};

/* Changes of some years in order.  Where two meet, the one that is put later holds: summer time
 * that ends with its year when the next one begins never ends. */
static void put(struct change *list, unsigned n, struct change change)
{
    while (n > 0 && list[n - 1].at > change.at) {
        list[n] = list[n - 1];
        n--;
    }
    list[n] = change;
}

struct aps_zone_span aps_zone_rule_span(const struct aps_zone_rule *rule, int64_t second)
{
    struct aps_zone_span span = {INT64_MAX, rule->standard};
    struct change list[2 * YEARS];
    int64_t rest, year;
    unsigned n = 0;

    if (rule->start.form == '\0')
        return span;
    year = aps_civil_date(aps_civil_floor(second, DAY, &rest)).year - YEARS / 2;
    for (unsigned i = 0; i < YEARS; i++, year++) {
        put(list, n++,
            (struct change){day_of(&rule->start, year) * DAY + rule->start.second - rule->standard,
                            rule->summer});
        put(list, n++,
            (struct change){day_of(&rule->end, year) * DAY + rule->end.second - rule->summer,
                            rule->standard});
    }
    for (unsigned i = 0; i < n; i++) {
        if (list[i].at > second) {
            span.end = list[i].at;
            break;
        }
        span.offset = list[i].offset;
    }
    return span;
}
