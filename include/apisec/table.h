/* table.h - the shared table: one cell of 16 bytes for each caller of each limit.
 *
 * A cell is {tag, word}: a keyed hash of who is meant, and what was consumed (word.h), which also
 * says from when on the cell is idle and may be reused.  Both change in one step.  At most one cell
 * of a tag counts at any time, also if processes meet a new tag together or die on the way.
 * The caller looks, decides, and puts; a put fails if the cell changed since the look.
 * Full table (all eight places of a tag in use): one of four places that only callers of this store
 * can take; then a shared overflow cell of limit and store, of which each store has some to itself;
 * when there is none left either, no place at all.
 * Threads and processes: every call is safe from any of them.  Never allocates, never blocks. */
#ifndef APISEC_TABLE_H
#define APISEC_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "apisec/clock.h"
#include "apisec/state.h"
#include "apisec/str.h"
#include "apisec/word.h"

/* What a cell is for; part of its scope. */
enum aps_table_kind {
    APS_TABLE_RATE = 1, /* a limit of ApiSecLimit or of a key */
    APS_TABLE_FAIL = 2, /* failed authentications by source */
    APS_TABLE_WAIT = 3, /* requests that wait for their turn */
    APS_TABLE_ONCE = 4, /* values that may be used once (once.h) */
};

/* No GCRA word may lie further ahead than this; one that does is damage. */
#define APS_TABLE_SPAN_MAX ((uint64_t)3660 * (uint64_t)APS_DAY)

/* The longest window.  A window's word that lies further ahead than three of them is damage. */
#define APS_TABLE_WINDOW_MAX ((uint64_t)APS_DAY)

/* For how long a value that was used can be known.  A word that lies further ahead is damage, or
 * was written while the clock was wrong. */
#define APS_TABLE_ONCE_MAX ((uint64_t)32 * (uint64_t)APS_DAY)

/* How often to look and put before going to the overflow cell. */
#define APS_TABLE_TRIES 256

/* Both clocks, of one moment. */
struct aps_table_now {
    aps_nsec mono; /* since boot */
    aps_nsec wall; /* since 1970; what counts by the calendar goes by it */
};

/* A name for kind, store and limit, to be computed once, when the configuration is read.  The
 * same in every process and after every restart; `store` is any number that tells stores apart. */
uint64_t aps_table_scope(enum aps_table_kind kind, uint64_t store, struct aps_str name);

/* A name for a caller (any bytes; also none), to be computed once for all limits that count it.
 * Keyed with a random number of this state file, so that nobody outside can aim at a cell.  The
 * same in every process and after every restart and boot, for the life of the file. */
uint64_t aps_table_caller(const struct aps_state *state, const void *bytes, size_t n);

/* The tag of a caller within a scope; never 0.  Another one after each boot (LIM-14). */
uint64_t aps_table_tag(const struct aps_state *state, uint64_t scope, uint64_t caller);

/* Whose cell. */
struct aps_table_who {
    uint64_t scope;  /* from aps_table_scope */
    uint64_t caller; /* from aps_table_caller */
    uint64_t store;  /* whose own places and overflow cells it may use */
};

enum aps_table_place {
    APS_TABLE_HELD,    /* a cell of this tag, `word` is its value */
    APS_TABLE_CLAIMED, /* a cell that somebody began to take for this tag; `word` is 0 */
    APS_TABLE_FREE,    /* a cell that may be taken; `word` is 0 */
    APS_TABLE_NONE,    /* no cell, and none left that may be shared: refuse */
    APS_TABLE_RETIRED, /* the table goes on in another file, which this process does not have */
};

/* Where a tag is or could be.  Filled by a look, used by put; only `word`, `place` and `overflow`
 * are for the caller. */
struct aps_table_spot {
    uint64_t word;
    enum aps_table_place place;
    bool overflow;  /* the cell is shared by all callers of limit and store without one */
    bool reserved;  /* the cell is one of those that no other store's callers can take */
    uint32_t index; /* 0 to 11 among the places of the tag; not of HELD */
    uint64_t tag;
    void *cell;
    void *set[3];      /* the places, the last set may be NULL; not of HELD */
    uint64_t seen_tag; /* the cell as it was seen */
    uint64_t seen_state;
};

/* The cell of a tag that has one which counts; else false and *out is undefined. */
bool aps_table_find(struct aps_state *state, uint64_t tag, struct aps_table_spot *out);

/* Find the caller's cell, a place for one, or else the overflow cell.  `now` tells idle cells from
 * live ones. */
void aps_table_look(struct aps_state *state, const struct aps_table_who *who,
                    struct aps_table_now now, struct aps_table_spot *out);

/* The overflow cell of scope and store, when APS_TABLE_TRIES were not enough. */
void aps_table_look_overflow(struct aps_state *state, const struct aps_table_who *who,
                             struct aps_table_now now, struct aps_table_spot *out);

/* Make `word`, no claim, the value of the tag, if nothing changed since the look; else look again.
 * On success the spot is what a new look would give.  Never succeeds at APS_TABLE_NONE and
 * APS_TABLE_RETIRED. */
bool aps_table_put(struct aps_state *state, struct aps_table_spot *spot, uint64_t word);

/* Whether a word that is no claim says nothing at `now`, retired or not. */
bool aps_table_is_idle(uint64_t word, struct aps_table_now now);

struct aps_table_usage {
    uint64_t entries;
    uint64_t live;    /* in use at `now` */
    uint64_t claimed; /* being taken; many of them that stay are what killed children left */
};

/* Count cells, overflow left out; reads the whole table.  Also for attached states.  APS_ERR_IO. */
APS_MUST_CHECK enum aps_err aps_table_usage(const struct aps_state *state, struct aps_table_now now,
                                            struct aps_table_usage *out, struct aps_diag *diag);

#endif
