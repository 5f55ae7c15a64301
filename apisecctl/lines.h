/* lines.h - a text of any length, line by line, through one buffer. */
#ifndef APISECCTL_LINES_H
#define APISECCTL_LINES_H

#include <apr_pools.h>
#include <stdbool.h>
#include <stdint.h>

#include "apisec/err.h"
#include "apisec/str.h"

struct ctl_lines;

struct ctl_line {
    struct aps_str text; /* without its newline; borrowed until the next one */
    uint64_t number;     /* from 1 */
    bool is_cut;         /* it is longer than was asked for, and was passed over: no text */
};

/* The file, or stdin for "-".  `max`: how long a line may be.  `what` completes "want ...".  Lives
 * in `pool`, which closes it.  APS_ERR_NOT_FOUND, APS_ERR_IO. */
APS_MUST_CHECK enum aps_err ctl_lines_open(apr_pool_t *pool, const char *path, size_t max,
                                           const char *what, struct ctl_lines **out,
                                           struct aps_diag *diag);

/* The next line; false at the end, and where no more can be read. */
bool ctl_lines_next(struct ctl_lines *lines, struct ctl_line *out);

/* After the end: APS_ERR_IO where that was no end. */
APS_MUST_CHECK enum aps_err ctl_lines_check(const struct ctl_lines *lines, struct aps_diag *diag);

#endif
