/* table.h - the shared table: one cell of 16 bytes for each caller of each limit.
 *
 * A cell is {tag, until}: a keyed hash of who is meant, and the monotonic time (nsec) from which
 * the cell says nothing any more and may be reused.  Both change in one step.  At most one cell
 * of a tag counts at any time, also if processes meet a new tag together or die on the way.
 * The caller looks, decides, and puts; a put fails if the cell changed since the look.
 * Full table (all eight places of a tag in use): a shared overflow cell of the scope.
 * Threads and processes: every call is safe from any of them.  Never allocates, never blocks. */
#ifndef APISEC_TABLE_H
#define APISEC_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "apisec/clock.h"
#include "apisec/state.h"
#include "apisec/str.h"

/* What a cell is for; part of its tag. */
enum aps_table_kind {
    APS_TABLE_RATE = 1, /* a limit of ApiSecLimit or of a key */
    APS_TABLE_FAIL = 2, /* failed authentications by source */
};

/* No `until` may lie further ahead than this; one that does is damage. */
#define APS_TABLE_SPAN_MAX ((uint64_t)3660 * (uint64_t)APS_DAY)

/* How often to look and put before going to the overflow cell. */
#define APS_TABLE_TRIES 256

/* A name for kind, store and limit, to be computed once, when the configuration is read.  The
 * same in every process and after every restart; `store` is any number that tells stores apart. */
uint64_t aps_table_scope(enum aps_table_kind kind, uint64_t store, struct aps_str name);

/* The tag of `caller` (any bytes; also none) within a scope; never 0.  Keyed with a random number
 * of this state file, so that nobody outside can aim at a cell. */
uint64_t aps_table_tag(const struct aps_state *state, uint64_t scope, const void *caller,
                       size_t caller_bytes);

enum aps_table_place {
    APS_TABLE_HELD,     /* a cell of this tag, `until` is its value */
    APS_TABLE_CLAIMED,  /* a cell that somebody began to take for this tag; `until` is 0 */
    APS_TABLE_FREE,     /* a cell that may be taken; `until` is 0 */
    APS_TABLE_OVERFLOW, /* the shared cell of the scope, `until` is its value */
};

/* Where a tag is or could be.  Filled by look, used by put; only `until` and `place` are for the
 * caller. */
struct aps_table_spot {
    uint64_t until;
    enum aps_table_place place;
    uint32_t index; /* 0 to 7 among the places of the tag */
    uint64_t tag;
    void *cell;
    uint64_t seen_tag; /* the cell as it was seen */
    uint64_t seen_state;
};

/* Find the tag.  `now` tells idle cells from live ones. */
void aps_table_look(struct aps_state *state, uint64_t scope, uint64_t tag, aps_nsec now,
                    struct aps_table_spot *out);

/* The overflow cell of the scope, when APS_TABLE_TRIES were not enough. */
void aps_table_look_overflow(struct aps_state *state, uint64_t scope, uint64_t tag,
                             struct aps_table_spot *out);

/* Make `until` the value of the tag, if nothing changed since the look; else look again.  On
 * success the spot is what a new look would give. */
bool aps_table_put(struct aps_state *state, struct aps_table_spot *spot, uint64_t until);

struct aps_table_usage {
    uint64_t entries;
    uint64_t live;    /* in use at `now` */
    uint64_t claimed; /* being taken; many of them that stay are what killed children left */
};

/* Count cells; reads the whole table.  Also for attached states.  APS_ERR_IO. */
APS_MUST_CHECK enum aps_err aps_table_usage(const struct aps_state *state, aps_nsec now,
                                            struct aps_table_usage *out, struct aps_diag *diag);

#endif
