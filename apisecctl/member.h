/* member.h - members of a JSON object that somebody else wrote, shown and put into our own. */
#ifndef APISECCTL_MEMBER_H
#define APISECCTL_MEMBER_H

#include "apisec/clock.h"
#include "apisec/jsonread.h"

/* The value without white space between its parts, and with every control, ANSI and bidi character
 * as \uXXXX, so that it stands in a document of ours; in `pool`.  It was read strictly. */
struct aps_str ctl_member_json(apr_pool_t *pool, const struct aps_jsonread *r,
                               const struct aps_jsonread_node *value);

/* The same for people: a string without its quotes, as it is. */
struct aps_str ctl_member_text(apr_pool_t *pool, const struct aps_jsonread *r,
                               const struct aps_jsonread_node *value);

/* A point in time as tokens have it, in seconds since 1970, a fraction left out (RFC 7519 2).
 * False: it is no number, or one that no token may have. */
bool ctl_member_time(const struct aps_jsonread *r, const struct aps_jsonread_node *value,
                     aps_nsec *out);

/* "2027-01-31T12:00:00Z, in 5m" or "..., 3d ago"; in `pool`. */
const char *ctl_member_when(apr_pool_t *pool, aps_nsec at, aps_nsec now);

#endif
