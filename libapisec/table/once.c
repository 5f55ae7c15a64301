/* once.c - values that may be used once.
 *
 * The tag of a cell is the value, its word says until when it is known; both change in one swap, so
 * the swap that makes the cell is the use.  There is no state between. */
#include "apisec/once.h"

static struct aps_table_who who_of(const struct aps_state *state, enum aps_once_kind kind,
                                   uint64_t store, const unsigned char *digest)
{
    static const struct aps_str names[] = {
        [APS_ONCE_PROOF] = APS_STR_LIT("proof"),       [APS_ONCE_NONCE] = APS_STR_LIT("nonce"),
        [APS_ONCE_DELIVERY] = APS_STR_LIT("delivery"), [APS_ONCE_FETCH] = APS_STR_LIT("fetch"),
        [APS_ONCE_TOLD] = APS_STR_LIT("told"),
    };

    return (struct aps_table_who){
        .scope = aps_table_scope(APS_TABLE_ONCE, store, names[kind]),
        .caller = aps_table_caller(state, digest, APS_ONCE_DIGEST_LEN),
        .store = store,
    };
}

/* Somebody has had it: its cell says so, or says nothing any more. */
static bool is_used(const struct aps_table_spot *spot, struct aps_table_now now)
{
    return spot->place == APS_TABLE_HELD && !aps_table_is_idle(spot->word, now);
}

enum aps_once aps_once(struct aps_state *state, enum aps_once_kind kind, uint64_t store,
                       const unsigned char digest[APS_ONCE_DIGEST_LEN], aps_nsec until,
                       struct aps_table_now now)
{
    struct aps_table_who who = who_of(state, kind, store, digest);
    uint64_t word;

    if (until <= now.wall)
        until = now.wall + APS_USEC; /* racers with one `now` still meet */
    if (until - now.wall > APS_ONCE_MAX - APS_USEC)
        return APS_ONCE_FULL;
    word = aps_word_once(((uint64_t)until + (uint64_t)APS_USEC - 1) / (uint64_t)APS_USEC);
    for (unsigned tries = 0; tries < APS_TABLE_TRIES; tries++) {
        struct aps_table_spot spot;

        aps_table_look(state, &who, now, &spot);
        if (spot.overflow || spot.place == APS_TABLE_NONE || spot.place == APS_TABLE_RETIRED)
            return APS_ONCE_FULL; /* an overflow cell would be everybody's */
        if (is_used(&spot, now))
            return APS_ONCE_USED;
        if (aps_table_put(state, &spot, word))
            return APS_ONCE_NEW;
    }
    return APS_ONCE_FULL; /* somebody damages cells faster than they change */
}

bool aps_once_is_used(struct aps_state *state, enum aps_once_kind kind, uint64_t store,
                      const unsigned char digest[APS_ONCE_DIGEST_LEN], struct aps_table_now now)
{
    struct aps_table_who who = who_of(state, kind, store, digest);
    struct aps_table_spot spot;

    aps_table_look(state, &who, now, &spot);
    return !spot.overflow && is_used(&spot, now);
}

void aps_once_forget(struct aps_state *state, enum aps_once_kind kind, uint64_t store,
                     const unsigned char digest[APS_ONCE_DIGEST_LEN], struct aps_table_now now)
{
    struct aps_table_who who = who_of(state, kind, store, digest);

    for (unsigned tries = 0; tries < APS_TABLE_TRIES; tries++) {
        struct aps_table_spot spot;

        aps_table_look(state, &who, now, &spot);
        if (!is_used(&spot, now) ||
            aps_table_put(state, &spot, aps_word_once((uint64_t)(now.wall / APS_USEC))))
            return;
    }
}
