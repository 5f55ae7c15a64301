/* lastuse.h - the first and the last use of each secret of each key, in the shared state.
 *
 * A row for each secret: the second of its first use, the hour of its last one, and by which rule
 * and from where that was.  It hangs on the wall clock and outlives boots.  Where there are more
 * secrets than rows, the one used longest ago gives way, and from then on it is not known of those
 * without a row whether they were used at that time or before: aps_lastuse_get tells since when
 * every use is known.
 * Threads and processes: every call is safe from any of them.  Never allocates, never blocks.
 * Whoever may write the state file can make these calls say anything, and nothing else. */
#ifndef APISEC_LASTUSE_H
#define APISEC_LASTUSE_H

#include "apisec/net.h"
#include "apisec/state.h"

/* Bytes of a rule that are kept. */
#define APS_LASTUSE_ROUTE_MAX 32

/* Bytes of the number that tells stores apart, and the most of a key's id that tells keys apart. */
#define APS_LASTUSE_STORE_LEN 16
#define APS_LASTUSE_ID_MAX 64

/* How much of an address is kept. */
#define APS_LASTUSE_BITS_V4 24u
#define APS_LASTUSE_BITS_V6 48u

/* Whether the state has rows at all. */
bool aps_lastuse_is_kept(const struct aps_state *state);

/* The tag of version `kv` of the secret of key `id` in a store; never 0.  Keyed with a random
 * number of the state file. */
uint64_t aps_lastuse_tag(const struct aps_state *state, const uint8_t store[APS_LASTUSE_STORE_LEN],
                         struct aps_str id, uint32_t kv);

/* A use: when, by which rule, and from where. */
struct aps_lastuse_note {
    aps_nsec wall;
    struct aps_str route;
    const struct aps_addr *addr; /* NULL: nobody is to know */
};

/* Note a use, unless the hour was noted before.  False if it could not be noted: others change the
 * same rows all the time. */
bool aps_lastuse_note(struct aps_state *state, uint64_t tag, const struct aps_lastuse_note *note);

enum aps_lastuse_found {
    APS_LASTUSE_NONE,    /* no row: not used from `since` on */
    APS_LASTUSE_KNOWN,   /* first and last are set */
    APS_LASTUSE_UNKNOWN, /* a row that says what cannot be, or none are kept */
};

struct aps_lastuse {
    aps_nsec since; /* wall; every use from then on has a row; 0: none are kept */
    aps_nsec first; /* wall, a whole second: the first use, or the first one after `since` */
    aps_nsec last;  /* wall, a whole hour: the use was in it */
    bool has_what;  /* whether what follows is known */
    bool has_net;
    bool is_cut; /* the route was longer */
    struct aps_net net;
    size_t route_n;
    char route[APS_LASTUSE_ROUTE_MAX]; /* any bytes but NUL */
};

/* What is known at `now`.  Also for attached states, where each call reads the file. */
enum aps_lastuse_found aps_lastuse_get(const struct aps_state *state, uint64_t tag, aps_nsec now,
                                       struct aps_lastuse *out);

#endif
