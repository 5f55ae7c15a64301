/* program.h - a program that is run without a shell, and what it prints. */
#ifndef APISECCTL_PROGRAM_H
#define APISECCTL_PROGRAM_H

#include <apr_pools.h>
#include <stdbool.h>

#include "apisec/clock.h"
#include "apisec/err.h"
#include "apisec/str.h"

/* Run argv[0], an absolute path, with an empty stdin, nothing but PATH in its environment, and no
 * descriptor but its stdout; it is ended after `wait`.  What it prints lives in `pool`, at most
 * `max` bytes.  APS_ERR_IO: it cannot be started, prints more, or does not end in time. */
APS_MUST_CHECK enum aps_err ctl_program_run(apr_pool_t *pool, const char *const *argv,
                                            aps_nsec wait, size_t max, struct aps_str *out,
                                            int *out_status, struct aps_diag *diag);

#endif
