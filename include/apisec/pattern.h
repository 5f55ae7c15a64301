/* pattern.h - path patterns of grants.
 *
 * A pattern is an absolute path whose segments may contain `*` (any bytes within the segment,
 * also none) and whose last segment may be `**` (any rest, also none: after `/orders` it covers
 * `/orders`, `/orders/` and `/orders/7/lines`).  One final slash is part of the pattern: `/orders/`
 * matches only `/orders/`.  Matching is case-sensitive, by byte, on the normalised path (path.h);
 * each star costs at most one pass over its segment, and nothing is allocated.
 * Threads and processes: a compiled pattern is read-only. */
#ifndef APISEC_PATTERN_H
#define APISEC_PATTERN_H

#include <apr_pools.h>

#include "apisec/err.h"
#include "apisec/str.h"

#define APS_PATTERN_MAX 512 /* bytes of a pattern's text */

struct aps_pattern;

/* Lives in `pool`; copies the text.  APS_ERR_FORMAT with the reason: not absolute, `**` not a
 * last segment of its own, empty segments but after a final slash, dot segments, control
 * characters (aps_str_is_control), `?`, `#`, `%`, `;`, `\`, or invalid UTF-8; APS_ERR_RANGE when
 * longer than APS_PATTERN_MAX. */
APS_MUST_CHECK enum aps_err aps_pattern_compile(apr_pool_t *pool, struct aps_str text,
                                                const struct aps_pattern **out,
                                                struct aps_diag *diag);

/* Whether the pattern covers `path`; a path that does not begin with '/' is never covered. */
bool aps_pattern_matches(const struct aps_pattern *pattern, struct aps_str path);

/* The text that was compiled.  Borrowed. */
struct aps_str aps_pattern_text(const struct aps_pattern *pattern);

#endif
