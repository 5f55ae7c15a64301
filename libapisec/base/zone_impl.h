/* zone_impl.h - what the files of the time zones share; nobody else includes it. */
#ifndef BASE_ZONE_IMPL_H
#define BASE_ZONE_IMPL_H

#include "apisec/zone.h"

/* Seconds east of UTC lie between these, both included (RFC 9636 3.2). */
#define APS_ZONE_WEST (-89999)
#define APS_ZONE_EAST 93599

/* A day of each year, and when on it. */
struct aps_zone_date {
    char form; /* 'M': a weekday of a month; 'J': 1 to 365, never a leap day; 'N': 0 to 365 */
    int32_t month, week, day;
    int32_t second; /* of local time, from that day's midnight */
};

/* A POSIX TZ string, as the footer of a file has it. */
struct aps_zone_rule {
    int32_t standard, summer; /* seconds east of UTC; the same: there is no summer time */
    struct aps_zone_date start, end;
};

/* An offset from UTC and the first second at which it may be another one. */
struct aps_zone_span {
    int64_t end;
    int32_t offset;
};

struct aps_zone {
    struct aps_str name;
    uint64_t *periods; /* the latest of each unit: begin << 32 | end, minutes; 0: none yet */
    uint32_t count;
    int32_t before;        /* the offset before the first change */
    const int64_t *at;     /* changes, ascending, in seconds since 1970 */
    const int32_t *offset; /* from each of them on */
    bool has_rule;         /* for what follows the last change, else that stays */
    struct aps_zone_rule rule;
};

/* `version` is the file's ('2' to '4'): from '3' on times of day may be negative or above 24 h. */
bool aps_zone_rule_parse(struct aps_str text, char version, struct aps_zone_rule *out);
struct aps_zone_span aps_zone_rule_span(const struct aps_zone_rule *rule, int64_t second);

/* Read a file into a zeroed zone.  NULL, or what is wrong with it. */
const char *aps_zone_file_read(apr_pool_t *pool, struct aps_str file, struct aps_zone *out);

#endif
