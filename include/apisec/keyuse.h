/* keyuse.h - which master keys the processes of a running server hold.
 *
 * A server reads its master keys as it starts and at each restart, and hands them to its children,
 * who open by them what is published until they end.  So it says in the state file which ones it
 * has, and each child says after which start it was made; whoever retires a master key asks.
 * Contract: a process says so before it serves; what cannot be told counts as held.
 * Threads and processes: every call is safe from any of them. */
#ifndef APISEC_KEYUSE_H
#define APISEC_KEYUSE_H

#include "apisec/generation.h"

#define APS_KEYUSE_ID_LEN 8

/* This server holds the master key of this public id for `store` (aps_snapshot_store_tag; 0: not
 * known yet) from this start on.  Call it after every start, for each store, once
 * aps_generation_drop_own has forgotten those of the start before. */
void aps_keyuse_server(struct aps_state *state, uint64_t store,
                       const uint8_t id[APS_KEYUSE_ID_LEN]);

/* This process is a child of the present start. */
void aps_keyuse_child(struct aps_state *state);

enum aps_keyuse {
    APS_KEYUSE_UNKNOWN, /* a process does not say what it holds */
    APS_KEYUSE_NONE,
    APS_KEYUSE_SERVER,  /* the server has it, and its children */
    APS_KEYUSE_EARLIER, /* a child that was made before the last restart has not ended */
};

/* Whether a live process holds the master key number `i` of the `n` that open `store`.  *out_pid:
 * which, or 0.  Also for attached states. */
enum aps_keyuse aps_keyuse_of(const struct aps_state *state, uint64_t store,
                              const uint8_t (*ids)[APS_KEYUSE_ID_LEN], size_t n, size_t i,
                              pid_t *out_pid);

#endif
