/* generation.h - which generation of which store each process serves.
 *
 * A process has one row for each store.  A row whose process is gone is free again, so nothing
 * leaks when a child is killed at any instruction, and no heartbeat is needed.
 * Contract: call set before the first request is served from a generation; then a reader that
 * finds no lower one knows that no live process serves an older one.
 * Threads and processes: every call is safe from any of them.
 * Full: a process that finds no row is not listed, and APS_METRIC_GENERATION_UNLISTED counts it. */
#ifndef APISEC_GENERATION_H
#define APISEC_GENERATION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "apisec/state.h"

/* This process serves `generation` of `store` (any number that tells stores apart, not 0) from
 * now on.  False: no row was free, or /proc cannot tell who this process is.  Reads
 * /proc/self/stat; for when a generation changes, not for each request. */
bool aps_generation_set(struct aps_state *state, uint64_t store, uint64_t generation);

/* This process was asked to serve what `store` has published now and could not: it goes on with the
 * generation that it has said, and says that it was held back, until it sets another.  Nothing
 * where it is not listed. */
void aps_generation_hold(struct aps_state *state, uint64_t store);

/* This process has something to say that is no generation: a number of `what`, which is not 0 and
 * no store; in a row of the same list, which goes with the process.  As above. */
bool aps_generation_note(struct aps_state *state, uint64_t what, uint64_t number);

/* This process serves nothing any more, and has said nothing.  For the exit of a child. */
void aps_generation_drop_own(struct aps_state *state);

/* What a live process serves. */
struct aps_generation_use {
    pid_t pid;
    uint64_t store;
    uint64_t generation;
    bool held; /* it could not change to another one that was published */
};
typedef void (*aps_generation_fn)(void *arg, const struct aps_generation_use *use);
/* Each row of a live process, of `store` or of any store if 0.  Also for attached states.  A
 * process that this account may not look at counts as live. */
void aps_generation_each(const struct aps_state *state, uint64_t store, aps_generation_fn fn,
                         void *arg);

/* Each note of a live process: `store` is what it is of, `generation` the number. */
void aps_generation_notes(const struct aps_state *state, aps_generation_fn fn, void *arg);

/* Whether another live child of this process's parent serves a newer generation of `store`.  No
 * other process is believed: a row that a child forges in the name of one that never ends would
 * outlive it.  Nor is one that this account may not look at. */
bool aps_generation_is_passed(const struct aps_state *state, uint64_t store, uint64_t generation);

/* The lowest generation of `store`, or of any store if 0, that a live process serves, and how many
 * rows of live processes say so; false if none is listed.  Also for attached states.  A process
 * that this account may not look at counts as live. */
bool aps_generation_min(const struct aps_state *state, uint64_t store, uint64_t *out_generation,
                        uint64_t *out_processes);

#endif
