/* gauge.h - how far a caller is into a limit: what was consumed, what is left, when it is full
 * again.
 *
 * For people who look, in an excerpt of the state file (excerpt.h) or in the server's own state;
 * it charges nothing.  A limit that admits who can wait is told without its delay.
 * Threads and processes: as aps_rate_peek. */
#ifndef APISEC_GAUGE_H
#define APISEC_GAUGE_H

#include "apisec/rate.h"

struct aps_gauge {
    uint32_t most;      /* units: of the bucket, the window, the period with what was granted */
    uint32_t consumed;  /* of them, as it counts now */
    uint32_t remaining; /* most - consumed */
    aps_nsec next;      /* until one more is there; 0: none is missing */
    aps_nsec full;      /* until none is missing, if no more are consumed; 0: none is */
    bool shared;        /* the table is full: it is what all callers without a cell have consumed */
};

/* The ask's cost is of no matter.  Of a limit of requests under way, which has calls of its own,
 * all are 0. */
void aps_gauge_read(struct aps_state *state, const struct aps_rate_ask *ask,
                    struct aps_table_now now, aps_rate_clock_fn clock, struct aps_gauge *out);

#endif
