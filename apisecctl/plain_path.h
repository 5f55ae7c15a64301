/* plain_path.h - an ambiguous path as it would have to be written. */
#ifndef APISECCTL_PLAIN_PATH_H
#define APISECCTL_PLAIN_PATH_H

#include <apr_pools.h>

#include "apisec/str.h"

/* What `raw`, a path without its query, most likely means, in a spelling that aps_path_read
 * takes: decoded, without parameters, empty and dot segments, then encoded once.  NULL where
 * nobody could tell.  Lives in `pool`. */
const char *ctl_plain_path(apr_pool_t *pool, struct aps_str raw);

/* The rule that a fault of path.h breaks. */
const char *ctl_plain_path_rule(const char *fault);

#endif
