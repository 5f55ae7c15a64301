/* slots.h - how many requests of a caller are under way at once.
 *
 * Each request that is let in holds a slot until it is given back: a count in a cell of the shared
 * table, and a row of the state file that names the process.  At no time more than `max` hold one
 * for a caller.  A process that is killed at any instruction leaves its slots to the next one that
 * would refuse: it looks for what the dead have left, at most once a second for all processes
 * together, and then decides (LIM-08).  Protocol and proof: docs/design.md, "Requests under way".
 * Full table: callers without a cell share one of 4,096 further counts, each with some others;
 * no more than `max` of a caller for all that, and no more than `max` of those who share it.
 * No free row: SLOTS_FULL, which refuses.  There is one for four cells of the table, at least
 * 4,096 and at most 65,536; a request needs one for each limit that counts it.
 * Threads and processes: every call is safe from any of them; a slot is given back by the process
 * that took it, from any thread.  Never blocks; no allocation; only a sweep, and the first slots
 * that a process ever takes, make system calls. */
#ifndef APISEC_SLOTS_H
#define APISEC_SLOTS_H

#include <stdint.h>

#include "apisec/err.h"
#include "apisec/reason.h"
#include "apisec/state.h"
#include "apisec/table.h"

#define APS_SLOTS_MAX 65535u

/* How often rows of the dead are searched for at most. */
#define APS_SLOTS_SWEEP APS_SEC

/* Whom to let in, if fewer than `max` of it are in. */
struct aps_slots_ask {
    struct aps_table_who who; /* a scope of its own; the store makes no difference here */
    uint32_t max;             /* 0 refuses; more than APS_SLOTS_MAX is cut to that */
};

/* A slot that is held; a plain value.  All zero: none. */
struct aps_slot {
    uint64_t key;
    uint64_t use;
    uint32_t row;
};

/* Take a slot.  ALLOW; RATE_EXCEEDED: `max` are taken; SLOTS_FULL: no row is free; STATE_DOWN: no
 * state (NULL); STATE_MOVED: it goes on in another file (rate.h).  *out is set on ALLOW, and all
 * zero else.  *out_count (may be NULL): how many there are for the caller after the call, as far as
 * he can tell: those of others who share his count are among them. */
enum aps_reason aps_slots_take(struct aps_state *state, const struct aps_slots_ask *ask,
                               struct aps_table_now now, struct aps_slot *out, uint32_t *out_count);

/* What aps_slots_take would say; takes nothing, but sweeps where that would. */
enum aps_reason aps_slots_peek(struct aps_state *state, const struct aps_slots_ask *ask,
                               struct aps_table_now now, uint32_t *out_count);

/* One of each or none; `out` has `n` of them.  What the first refusal says. */
enum aps_reason aps_slots_take_all(struct aps_state *state, const struct aps_slots_ask *asks,
                                   unsigned n, struct aps_table_now now, struct aps_slot *out);

/* Give it back; *slot is all zero then.  Nothing for one that is, or that this process does not
 * hold. */
void aps_slots_release(struct aps_state *state, struct aps_slot *slot);

struct aps_slots_usage {
    uint64_t rows;
    uint64_t held; /* under way, of living processes */
    uint64_t kept; /* free, and a living process has them at hand */
    uint64_t left; /* of processes that have ended; the next sweep frees them */
};

/* Count rows; reads all of them, and /proc.  Also for attached states.  APS_ERR_IO. */
APS_MUST_CHECK enum aps_err aps_slots_usage(const struct aps_state *state,
                                            struct aps_slots_usage *out, struct aps_diag *diag);

#endif
