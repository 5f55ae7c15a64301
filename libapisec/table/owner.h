/* owner.h - which process a row of the state file belongs to, and whether it still runs; only for
 * table/.
 *
 * An owner is {process id, its start time in clock ticks since boot}, which no other process of
 * this boot ever has; {0, 0} is nobody.  All calls go by /proc and are for when something has
 * changed, not for each request. */
#ifndef APISEC_TABLE_OWNER_H
#define APISEC_TABLE_OWNER_H

#include "layout.h"

/* This process.  False: /proc cannot tell. */
bool aps_owner_self(struct layout_pair *out);

/* Whether a process has this number, whichever it is; one system call. */
bool aps_owner_is_number_taken(struct layout_pair owner);

/* Whether the process still runs: not even one thread of one that does not will do anything more.
 * A process that cannot be examined counts as running. */
bool aps_owner_is_alive(struct layout_pair owner);

/* Whether it is another living child of this process's parent. */
bool aps_owner_is_sibling(struct layout_pair owner);

#endif
