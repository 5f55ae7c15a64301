/* progress.h - how far long work has come, for somebody who watches.
 *
 * One line on stderr, where stderr is a terminal, written over a few times a second and cleared at
 * the end; nothing at all elsewhere.  Work that ends soon shows nothing.
 *
 *     struct ctl_progress progress;
 *
 *     ctl_progress_begin(&progress, "keys", total);
 *     while (...)
 *         ctl_progress_step(&progress, 1);
 *     ctl_progress_end(&progress);
 *
 * Between begin and end nothing else is written to stderr: a message comes after the end. */
#ifndef APISECCTL_PROGRESS_H
#define APISECCTL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "apisec/clock.h"

struct ctl_progress {
    const char *what;
    uint64_t total, done;
    aps_nsec began_at, shown_at; /* monotonic */
    bool watched;                /* stderr is a terminal that can clear a line */
    bool shown;                  /* there is a line to clear */
};

/* `what` is a literal in the plural, never a value; `total` 0: not known.  Keeps `what`. */
void ctl_progress_begin(struct ctl_progress *p, const char *what, uint64_t total);

/* `n` more are done.  Reads a clock only where somebody watches. */
void ctl_progress_step(struct ctl_progress *p, uint64_t n);

/* Clear the line.  To call it again, or for a zeroed struct, does nothing. */
void ctl_progress_end(struct ctl_progress *p);

#endif
