/* offender.h - who was refused most, in bounded memory.
 *
 * A row for each caller of a limit that was refused at least once.  Where there are more than
 * CTL_OFFENDERS_MAX of them, one of the least refused gives way: then what is told of those that
 * are left may be too little, and never too much. */
#ifndef APISECCTL_OFFENDER_H
#define APISECCTL_OFFENDER_H

#include <apr_pools.h>
#include <stdbool.h>
#include <stdint.h>

#include "apisec/clock.h"

#define CTL_OFFENDERS_MAX ((size_t)65536)
#define CTL_OFFENDER_WHO_MAX 160

struct ctl_offender {
    uint64_t caller; /* aps_table_caller */
    uint32_t limit;
    uint32_t refused_from; /* of the run at hand: requests since the last one that passed */
    uint64_t refused;
    uint64_t passed;        /* since the first refusal */
    aps_nsec first, last;   /* wall, of refusals */
    aps_nsec run_began;     /* of the run at hand */
    uint64_t longest;       /* most refusals without one that passed between */
    aps_nsec longest_lasts; /* from its first to its last */
    char who[CTL_OFFENDER_WHO_MAX];
};

struct ctl_offenders;

/* Lives in `pool`. */
struct ctl_offenders *ctl_offender_new(apr_pool_t *pool);

/* The caller of a limit was refused.  A row without a name is a new one, whose `who` is to be set.
 */
struct ctl_offender *ctl_offender_refused(struct ctl_offenders *all, uint32_t limit,
                                          uint64_t caller, aps_nsec at);

/* He was let through; nothing where he has no row. */
void ctl_offender_passed(struct ctl_offenders *all, uint32_t limit, uint64_t caller);

/* Rows that gave way. */
uint64_t ctl_offender_lost(const struct ctl_offenders *all);

/* How many rows a limit has. */
uint64_t ctl_offender_count(const struct ctl_offenders *all, uint32_t limit);

/* The most refused first, of equal ones who was refused earlier; at most `max` of them, in `pool`.
 */
const struct ctl_offender **ctl_offender_worst(const struct ctl_offenders *all, apr_pool_t *pool,
                                               size_t max, size_t *out_n);

#endif
