/* program.h - a program that is run without a shell, and what it prints.
 *
 * It has an empty stdin, no descriptor but its stdout and, unless it is to be silent, the caller's
 * stderr, a session of its own, and is ended with all of that session at its deadline.
 * Threads and processes: safe from any; it waits for the child that it has started alone. */
#ifndef APISEC_PROGRAM_H
#define APISEC_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "apisec/clock.h"
#include "apisec/err.h"

struct aps_program {
    const char *const *argv; /* [0] is an absolute path */
    const char *const *envp;
    bool silent; /* what it complains of goes nowhere */
    aps_nsec wait;
};

enum aps_program_end {
    APS_PROGRAM_ENDED,
    APS_PROGRAM_LONG, /* it printed more than fits */
    APS_PROGRAM_LATE, /* it had not ended in time, or could not be read */
};

/* Its output in `buf`, at most `max` bytes of at least max + 1 that there are; *out_status as
 * waitpid tells it, where it has ended.  APS_ERR_IO: it cannot be started. */
APS_MUST_CHECK enum aps_err aps_program_run(const struct aps_program *p, void *buf, size_t max,
                                            size_t *out_n, enum aps_program_end *out_end,
                                            int *out_status, struct aps_diag *diag);

#endif
