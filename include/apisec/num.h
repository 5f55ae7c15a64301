/* num.h - strict readers and printers of numbers, durations, rates and times.
 *
 * A reader takes the whole text or refuses it: no sign, no white space, no leading zeros (but "0"),
 * no overflow.  On refusal `diag` (may be NULL) names the value and what is accepted.
 * Threads and processes: pure functions. */
#ifndef APISEC_NUM_H
#define APISEC_NUM_H

#include "apisec/clock.h"
#include "apisec/err.h"
#include "apisec/str.h"

/* The most that a rate or a burst may count. */
#define APS_NUM_COUNT_MAX 1000000000u

/* Units of a rate: a count for each of these. */
struct aps_rate {
    uint32_t count;  /* 1 to APS_NUM_COUNT_MAX; a limit of 0 is refused by the reader */
    aps_nsec period; /* APS_SEC, APS_MINUTE, APS_HOUR or APS_DAY */
};

/* A decimal number from `min` to `max`, both included.  APS_ERR_FORMAT or APS_ERR_RANGE. */
APS_MUST_CHECK enum aps_err aps_num_parse(struct aps_str text, uint64_t min, uint64_t max,
                                          uint64_t *out, struct aps_diag *diag);

/* A count and its unit: ms, s, m (minute), h, d, w; "250ms", "90d".  Zero is refused. */
APS_MUST_CHECK enum aps_err aps_num_parse_duration(struct aps_str text, aps_nsec *out,
                                                   struct aps_diag *diag);

/* Bytes, with k, m or g for 1,024, its square and its cube: "65536", "64k", "1m".  Zero is refused.
 * At most 2^40. */
APS_MUST_CHECK enum aps_err aps_num_parse_size(struct aps_str text, uint64_t *out,
                                               struct aps_diag *diag);

/* COUNT/UNIT, unit s, m, h or d: "100/m". */
APS_MUST_CHECK enum aps_err aps_num_parse_rate(struct aps_str text, struct aps_rate *out,
                                               struct aps_diag *diag);

/* A point in time: "2027-01-31", "2027-01-31T12:00:00Z" (RFC 3339, UTC or with an offset; leap
 * seconds and fractions are refused), or a duration from `now` ("90d").  Wall nanoseconds. */
APS_MUST_CHECK enum aps_err aps_num_parse_time(struct aps_str text, aps_nsec now, aps_nsec *out,
                                               struct aps_diag *diag);

/* Room for the printers, NUL included. */
#define APS_NUM_TIME_MAX 32
#define APS_NUM_RATE_MAX 24
#define APS_NUM_DURATION_MAX 24

/* "2027-01-31T12:00:00Z"; with `millis`, "2027-01-31T12:00:00.123Z".  Returns `out`. */
char *aps_num_print_time(aps_nsec wall, bool millis, char out[APS_NUM_TIME_MAX]);

/* "100/m".  Returns `out`. */
char *aps_num_print_rate(struct aps_rate rate, char out[APS_NUM_RATE_MAX]);

/* "90d", "36h", "90s": in the largest of d, h, m, s and ms that leaves no rest; what is less than a
 * millisecond is left out.  For what aps_num_parse_duration read.  Returns `out`. */
char *aps_num_print_duration(aps_nsec duration, char out[APS_NUM_DURATION_MAX]);

/* The value of a hexadecimal digit in either case, or -1. */
static inline int aps_num_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decimal digits of `value` at `p`, which has room for 20; returns the end.  For hot paths. */
char *aps_num_put(char *p, uint64_t value);

/* All 16 hexadecimal digits of it, in lower case. */
char *aps_num_put_hex(char *p, uint64_t value);

#endif
