/* lease.h - how far the count of a quota may go before a power failure could forget it.
 *
 * A count in memory outlives every process, but not the machine.  So units are leased: a row of the
 * state file says up to where a caller may have counted in a period, and it is on disk before any
 * count goes so far.  After a power failure the count goes on at the lease: nothing is granted
 * twice, and at most what was leased and not yet counted is lost.
 * No free row, a disk that fails, or too many strangers at once: the count goes on in memory alone,
 * and the answer says so.
 * Threads and processes: every call is safe from any of them; aps_lease_extend waits for the disk,
 * and nobody waits for a process.  Protocol: docs/design.md, "Leases". */
#ifndef APISEC_LEASE_H
#define APISEC_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "apisec/clock.h"
#include "apisec/state.h"

/* How often in a second of all processes strangers wait for the disk. */
#define APS_LEASE_STRANGERS 64u

/* For how long the disk is left alone after a write to it failed. */
#define APS_LEASE_RETRY APS_SEC

/* Whose count, in which period. */
struct aps_lease {
    uint64_t tag;
    uint32_t end;     /* of the period, minutes since 1970, below 2^28 */
    bool is_stranger; /* known by an address alone: of those anybody can have many */
};

enum aps_lease_kept {
    APS_LEASE_DURABLE,
    APS_LEASE_NO_ROW, /* all rows where this one could be are in use */
    APS_LEASE_FAILED, /* the disk failed, now or within the last second: aps_lease_failure */
    APS_LEASE_CAPPED, /* APS_LEASE_STRANGERS have waited in this second */
};

/* Whether so many units are on disk. */
bool aps_lease_covers(const struct aps_state *state, const struct aps_lease *who, uint32_t units);

/* How many may have been counted, on disk or not; 0: none are known of. */
uint32_t aps_lease_units(const struct aps_state *state, const struct aps_lease *who);

/* See to it that `units` are on disk; if more have to be leased for that, up to `most`.  Waits for
 * the disk, with one write for all leases on a page.  `mono` and `wall` are now. */
enum aps_lease_kept aps_lease_extend(struct aps_state *state, const struct aps_lease *who,
                                     uint32_t units, uint32_t most, aps_nsec mono, aps_nsec wall);

/* The errno of the last write that failed; 0: none has since the state was made. */
int aps_lease_failure(const struct aps_state *state);

#endif
