/* adjust.h - what single callers got beyond a limit: units granted, and counts begun anew.
 *
 * An adjustment is of a caller at the level of the limit: where that is by=user it is of the user,
 * whatever key he shows, and by the routes it makes no difference.
 * A book is filled in any order and then only read.
 * Threads and processes: a book that is filled is safe from any thread. */
#ifndef APISEC_ADJUST_H
#define APISEC_ADJUST_H

#include <apr_pools.h>

#include "apisec/key.h"
#include "apisec/limit.h"

struct aps_adjust {
    uint32_t bonus; /* units of a quota's running period beyond it */
    aps_nsec until; /* wall; the end of that period, from which on the bonus is nothing */
    uint64_t epoch; /* 0, or how often the count began anew: takes part in whose cell it is */
};

/* Bytes of a caller's text; an owner and an organisation have 128 at most. */
#define APS_ADJUST_WHO_MAX 512

/* Whom a limit that goes by `by` (bits of enum aps_limit_by) counts when this key calls, as text:
 * "key pnS9oNeurxtu", "user ada", "user ada\norg acme"; a user without a name is the key, and who
 * has no organisation the user.  Empty where it goes by no caller.  Lives in `out`. */
struct aps_str aps_adjust_who(unsigned by, const struct aps_key *key, char out[APS_ADJUST_WHO_MAX]);

struct aps_adjusts;

struct aps_adjusts *aps_adjusts_new(apr_pool_t *pool);

/* Texts are copied.  `name` is that of a limit (its epoch) or of a quota of it (its bonus), which
 * are the same where that is all of the limit; `by` as aps_limit_print_by has it. */
void aps_adjusts_add(struct aps_adjusts *book, struct aps_str name, struct aps_str by,
                     struct aps_str who, const struct aps_adjust *adjust);

size_t aps_adjusts_count(const struct aps_adjusts *book);

/* What was granted to the caller, or NULL: nothing, as for nearly all. */
const struct aps_adjust *aps_adjusts_find(const struct aps_adjusts *book, struct aps_str name,
                                          unsigned by, const struct aps_key *key);

/* For a limiter: how often `limit` began anew for this caller, 0 where it never did, for
 * aps_subject_bytes; and how much a quota of it is raised at `wall`, for aps_rate_ask. */
uint64_t aps_adjusts_epoch(const struct aps_adjusts *book, const struct aps_limit *limit,
                           const struct aps_key *key);
uint32_t aps_adjusts_bonus(const struct aps_adjusts *book, const struct aps_limit *limit,
                           const struct aps_limit_meter *meter, const struct aps_key *key,
                           aps_nsec wall);

#endif
