/* once.h - values that may be used once: who comes first has it, whichever process he asks.
 *
 * What is kept of a value is a cell of the shared table (table.h), so that a proof, a nonce or a
 * delivery that one child has taken is known to all, after a restart, and after a reboot too: its
 * end is a time of the wall clock, as the validity of what carried it is.  A power failure may take
 * with it what the kernel had not yet written.
 * A child that is killed at any instruction leaves the value used or unused, and nothing locked.
 * Full table: a value for which there is no place is refused (FULL); no live one is pushed out, and
 * two values never share a cell.
 * Threads and processes: safe from any of them.  Never allocates, never blocks. */
#ifndef APISEC_ONCE_H
#define APISEC_ONCE_H

#include <stdint.h>

#include "apisec/table.h"

/* What the value is: values of different kinds never meet. */
enum aps_once_kind {
    APS_ONCE_PROOF = 1,    /* jti of a DPoP proof (RFC 9449 11.1) */
    APS_ONCE_NONCE = 2,    /* nonce of a message signature (RFC 9421 7.2.2) */
    APS_ONCE_DELIVERY = 3, /* id of a webhook's delivery */
    APS_ONCE_FETCH = 4, /* an issuer whose keys are asked for: its value is used up for a while */
    APS_ONCE_TOLD = 5,  /* something that is told once a day */
};

/* Bytes of a digest. */
#define APS_ONCE_DIGEST_LEN 32

/* How far ahead a value's end may lie. */
#define APS_ONCE_MAX ((aps_nsec)APS_TABLE_ONCE_MAX)

enum aps_once {
    APS_ONCE_FULL = 0, /* it cannot be kept: no place, its end lies too far ahead, or the table goes
                          on in another file (a child of before a restart); refuse */
    APS_ONCE_NEW,      /* it is this caller's, and nobody else's until its end */
    APS_ONCE_USED,     /* somebody has had it, and its end has not come */
};

/* Use the value with this SHA-256 `digest` of `store` (any number that tells stores apart) up to
 * `until` (wall; rounded up to a microsecond).  Of callers who race, one gets NEW.  From `until` on
 * a value is forgotten; who asks must refuse what carries it by then, by the same `now`. */
enum aps_once aps_once(struct aps_state *state, enum aps_once_kind kind, uint64_t store,
                       const unsigned char digest[APS_ONCE_DIGEST_LEN], aps_nsec until,
                       struct aps_table_now now);

/* Whether somebody has had it, and its end has not come.  Uses nothing. */
bool aps_once_is_used(struct aps_state *state, enum aps_once_kind kind, uint64_t store,
                      const unsigned char digest[APS_ONCE_DIGEST_LEN], struct aps_table_now now);

/* Let a value be used again: whoever had NEW for it came to nothing.  Where its end has come,
 * nothing happens. */
void aps_once_forget(struct aps_state *state, enum aps_once_kind kind, uint64_t store,
                     const unsigned char digest[APS_ONCE_DIGEST_LEN], struct aps_table_now now);

#endif
