/* state_carry.h - what was counted goes on in a new state file; only for table/.
 *
 * Nobody else sees the new file yet.  The old one may be in use by children of before a restart:
 * each of their cells is taken by a swap to the same word with the mark RETIRED, so that it counts
 * nothing there any more and still says what it was.  Whoever is killed on the way leaves an old
 * file of which the next start makes a new one. */
#ifndef APISEC_TABLE_STATE_CARRY_H
#define APISEC_TABLE_STATE_CARRY_H

#include "apisec/table.h"
#include "layout.h"

/* What went over. */
struct aps_state_carried {
    uint64_t cells;
    uint64_t lost; /* cells that found no place */
};

/* `from` and `to` are mapped, and `to` has its head.  `is_same_boot`: the old file may be in use,
 * and what hangs on the monotonic clock goes over, too. */
void aps_state_carry(struct aps_state *from, struct aps_state *to, bool is_same_boot,
                     struct aps_table_now now, struct aps_state_carried *out);

/* ---- table.c */

/* The tag that a caller has under another salt. */
uint64_t aps_table_carry_tag(uint64_t tag, uint64_t from_salt, uint64_t to_salt);

/* Give the tag a cell with this word, where it would take one; else beside the overflow cells,
 * where a look finds it as well.  False: there is no place. */
bool aps_table_carry(struct aps_state *to, uint64_t tag, uint64_t word, struct aps_table_now now);

/* The same for a tag that may have a cell already, which stays as it is. */
bool aps_table_carry_missing(struct aps_state *to, uint64_t tag, uint64_t word,
                             struct aps_table_now now);

/* The same for an overflow cell of place `index` in the old file, where it had `old_tag`. */
bool aps_table_carry_overflow(struct aps_state *to, uint64_t index, uint64_t old_tag,
                              struct layout_pair cell, struct aps_table_now now);

/* ---- slots_carry.c */

/* Requests of living processes that are under way in the old file, of the same boot, in which all
 * cells and shared words are retired.  They count in the new one until their processes end. */
void aps_slots_carry(const struct aps_state *from, struct aps_state *to,
                     struct aps_state_carried *out);

/* ---- lease.c */

/* Rows of the old file, by their new tags. */
void aps_lease_carry(const struct aps_state *from, struct aps_state *to, struct aps_table_now now);

/* After a boot: make the cells of rows that have none. */
void aps_lease_carry_cells(struct aps_state *to, struct aps_table_now now);

#endif
