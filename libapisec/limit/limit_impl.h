/* limit_impl.h - what limit.c and limit_print.c share; only for limit/. */
#ifndef APISEC_LIMIT_IMPL_H
#define APISEC_LIMIT_IMPL_H

#include "apisec/limit.h"

#define LIMIT_PREFIX4_USUAL 32
#define LIMIT_PREFIX6_USUAL 64 /* one subscriber (LIM-11) */

#define LIMIT_COUNT_OF(list) (sizeof(list) / sizeof(list)[0])

/* ---- limit_print.c ---- */

/* What a limit may be by, in the order in which it is printed. */
struct limit_level {
    struct aps_str word;
    unsigned bit;
};
extern const struct limit_level aps_limit_print_levels[6];

/* "day", by enum aps_zone_unit. */
extern const char *const aps_limit_print_periods[APS_ZONE_MONTH + 1];

/* Give each meter its name and its policy (draft-ietf-httpapi-ratelimit-headers 3), in `pool`. */
void aps_limit_print_names(apr_pool_t *pool, struct aps_limit *limit);
/* The limit's words in one order, in `pool`: what aps_limit_parse makes the same limit of. */
struct aps_str aps_limit_print_text(apr_pool_t *pool, const struct aps_limit *limit);

#endif
