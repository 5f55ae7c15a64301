/* hsts.h - the field Strict-Transport-Security (RFC 6797 6.1).
 *
 * Threads and processes: pure functions. */
#ifndef APISEC_HSTS_H
#define APISEC_HSTS_H

#include "apisec/str.h"

#define APS_HSTS_AGE_MIN 31536000u /* seconds; what browsers take for good, a year (TRN-02) */

struct aps_hsts {
    uint64_t max_age; /* seconds; what is longer than fits is UINT64_MAX */
    bool subdomains, preload;
};

/* What a browser makes of one field; false: nothing, since a directive is there twice or cannot be
 * read, or max-age is missing. */
bool aps_hsts_read(struct aps_str field, struct aps_hsts *out);

/* Whether a browser that is told `a` is as safe as one that is told `b`. */
static inline bool aps_hsts_covers(const struct aps_hsts *a, const struct aps_hsts *b)
{
    return a->max_age >= b->max_age && a->subdomains >= b->subdomains && a->preload >= b->preload;
}

#endif
