/* zone.c - days, weeks and months of a named time zone. */
#include "apisec/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "civil.h"
#include "zone_impl.h"

#define DAY 86400
#define MINUTE 60

/* ---- finding it */

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '+';
}

/* Nothing that leads out of the database: no dot, and no empty part. */
static bool is_name(struct aps_str name)
{
    if (name.n == 0 || name.n > APS_ZONE_NAME_MAX || !is_name_char(name.p[name.n - 1]))
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (!is_name_char(name.p[i]) && (name.p[i] != '/' || i == 0 || name.p[i - 1] == '/'))
            return false;
    return true;
}

static enum aps_err not_found(struct aps_str name, struct aps_diag *diag)
{
    struct stat st;

    if (stat(APS_ZONE_DATABASE, &st) != 0)
        aps_err_explain(diag,
                        "time zone \"%.*s\": there is no database of time zones in %s; install the "
                        "package tzdata, or want UTC",
                        APS_STR_SHOW(name), APS_ZONE_DATABASE);
    else
        aps_err_explain(diag,
                        "time zone \"%.*s\": there is none in %s; want one of its names, such as "
                        "Europe/Berlin, or UTC",
                        APS_STR_SHOW(name), APS_ZONE_DATABASE);
    return APS_ERR_NOT_FOUND;
}

static enum aps_err fail(struct aps_str name, struct aps_diag *diag)
{
    aps_err_explain(diag, "time zone \"%.*s\": its file in %s cannot be read: %s",
                    APS_STR_SHOW(name), APS_ZONE_DATABASE, strerror(errno));
    return APS_ERR_IO;
}

/* At most `max` bytes.  False: errno tells why. */
static bool read_all(int fd, char *buf, size_t max, size_t *out_n)
{
    size_t n = 0;
    ssize_t got;

    while (n < max && (got = read(fd, buf + n, max - n)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        n += (size_t)got;
    }
    *out_n = n;
    return true;
}

static enum aps_err read_file(apr_pool_t *pool, struct aps_str name, struct aps_str *out,
                              struct aps_diag *diag)
{
    char path[sizeof APS_ZONE_DATABASE + 1 + APS_ZONE_NAME_MAX];
    char *bytes = apr_palloc(pool, APS_ZONE_FILE_MAX + 1);
    enum aps_err err = APS_OK;
    struct stat st;
    size_t n = 0;
    int fd;

    memcpy(path, APS_ZONE_DATABASE "/", sizeof APS_ZONE_DATABASE);
    memcpy(path + sizeof APS_ZONE_DATABASE, name.p, name.n);
    path[sizeof APS_ZONE_DATABASE + name.n] = '\0';
    if ((fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)) < 0)
        return errno == ENOENT || errno == ENOTDIR ? not_found(name, diag) : fail(name, diag);
    if (fstat(fd, &st) != 0)
        err = fail(name, diag);
    else if (!S_ISREG(st.st_mode))
        err = not_found(name, diag); /* a folder of zones */
    else if (!read_all(fd, bytes, APS_ZONE_FILE_MAX + 1, &n))
        err = fail(name, diag);
    (void)close(fd); /* it was only read */
    if (err == APS_OK)
        *out = (struct aps_str){bytes, n};
    return err;
}

static struct aps_zone *make(apr_pool_t *pool, struct aps_str name)
{
    struct aps_zone *zone = apr_pcalloc(pool, sizeof *zone);

    zone->name = aps_str_copy(pool, name);
    zone->periods = apr_pcalloc(pool, APS_ZONE_UNITS * sizeof *zone->periods);
    return zone;
}

enum aps_err aps_zone_read(apr_pool_t *pool, struct aps_str name, struct aps_str file,
                           const struct aps_zone **out, struct aps_diag *diag)
{
    struct aps_zone *zone = make(pool, name);
    const char *fault = aps_zone_file_read(pool, file, zone);

    if (fault != NULL) {
        aps_err_explain(diag, "time zone \"%.*s\": its file in %s cannot be used: %s",
                        APS_STR_SHOW(name), APS_ZONE_DATABASE, fault);
        return APS_ERR_CORRUPT;
    }
    *out = zone;
    return APS_OK;
}

enum aps_err aps_zone_open(apr_pool_t *pool, struct aps_str name, const struct aps_zone **out,
                           struct aps_diag *diag)
{
    apr_pool_t *temp = NULL;
    struct aps_str file = {NULL, 0};
    enum aps_err err;

    if (!is_name(name)) {
        aps_err_explain(diag,
                        "time zone \"%.*s\": want a name such as Europe/Berlin: letters, digits, "
                        "'_', '-', '+', and '/' between two of these",
                        APS_STR_SHOW(name));
        return APS_ERR_FORMAT;
    }
    if (aps_str_eq(name, APS_STR_LIT("UTC"))) {
        *out = make(pool, name);
        return APS_OK;
    }
    if (apr_pool_create(&temp, pool) != APR_SUCCESS)
        return APS_ERR_NOMEM;
    if ((err = read_file(temp, name, &file, diag)) == APS_OK)
        err = aps_zone_read(pool, name, file, out, diag);
    apr_pool_destroy(temp);
    return err;
}

struct aps_str aps_zone_name(const struct aps_zone *zone)
{
    return zone->name;
}

/* ---- its periods, in seconds since 1970 */

static struct aps_zone_span span_at(const struct aps_zone *zone, int64_t second)
{
    uint32_t low = 0, high = zone->count; /* changes below `low` are not after `second` */

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (zone->at[middle] <= second)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == zone->count && zone->has_rule)
        return aps_zone_rule_span(&zone->rule, second);
    return (struct aps_zone_span){low < zone->count ? zone->at[low] : INT64_MAX,
                                  low > 0 ? zone->offset[low - 1] : zone->before};
}

/* The first second whose local date is this day or later, in whole minutes.  No offset is above
 * APS_ZONE_EAST, so that what lies further back is earlier; each turn passes a change. */
static int64_t start_of(const struct aps_zone *zone, int64_t day)
{
    int64_t second = day * DAY - APS_ZONE_EAST;
    struct aps_zone_span span = span_at(zone, second);
    int64_t start = day * DAY - span.offset;

    while (start >= span.end) {
        second = span.end;
        span = span_at(zone, second);
        start = day * DAY - span.offset;
    }
    if (start < second)
        start = second;
    (void)aps_civil_floor(start + MINUTE - 1, MINUTE, &second);
    return start + MINUTE - 1 - second;
}

/* The last day that began at or before this second, which is a whole minute: the local date, or up
 * to three more where the clock was set back over a midnight. */
static int64_t day_at(const struct aps_zone *zone, int64_t second)
{
    int64_t rest;
    int64_t day = aps_civil_floor(second + span_at(zone, second).offset, DAY, &rest);

    while (start_of(zone, day + 1) <= second)
        day++;
    return day;
}

/* The first day of the period that a day is in, and of the next one. */
static void days_of(enum aps_zone_unit unit, int64_t day, int64_t *out_first, int64_t *out_next)
{
    struct aps_civil date;
    int64_t weekday;

    switch (unit) {
    case APS_ZONE_WEEK:
        (void)aps_civil_floor(day + 3, 7, &weekday); /* 1970 began on a Thursday */
        *out_first = day - weekday;
        *out_next = *out_first + 7;
        break;
    case APS_ZONE_MONTH:
        date = aps_civil_date(day);
        *out_first = day - date.day + 1;
        *out_next = *out_first + aps_civil_month_days(date.year, date.month);
        break;
    case APS_ZONE_DAY:
    case APS_ZONE_UNITS:
    default:
        *out_first = day;
        *out_next = day + 1;
    }
}

/* Begin << 32 | end, in minutes, which fit 32 bits until 10136. */
static uint64_t find_period(const struct aps_zone *zone, enum aps_zone_unit unit, int64_t second)
{
    int64_t first, next, begin, end;

    days_of(unit, day_at(zone, second), &first, &next);
    begin = start_of(zone, first) / MINUTE;
    end = start_of(zone, next) / MINUTE;
    return (uint64_t)(begin > 0 ? begin : 0) << 32 | (uint64_t)end;
}

void aps_zone_period(const struct aps_zone *zone, enum aps_zone_unit unit, aps_nsec wall,
                     aps_nsec *out_begin, aps_nsec *out_end)
{
    uint64_t *latest = &zone->periods[unit];
    uint64_t period = __atomic_load_n(latest, __ATOMIC_RELAXED);
    uint64_t minute = wall > 0 ? (uint64_t)wall / (uint64_t)APS_MINUTE : 0;

    if (minute < period >> 32 || minute >= (period & UINT32_MAX)) {
        period = find_period(zone, unit, (int64_t)minute * MINUTE);
        __atomic_store_n(latest, period, __ATOMIC_RELAXED);
    }
    *out_begin = (aps_nsec)(period >> 32) * APS_MINUTE;
    if (__builtin_mul_overflow((aps_nsec)(period & UINT32_MAX), APS_MINUTE, out_end))
        *out_end = INT64_MAX;
}
