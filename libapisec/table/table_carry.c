/* table_carry.c - cells of a file that ends, into the file that takes its place.
 *
 * Nobody else has the new file yet: cells are written as they are, and not claimed. */
#include "state_carry.h"
#include "table_impl.h"

static uint64_t unmix(uint64_t x)
{
    x = (x ^ x >> 32) * 0xcfee444d8b59a89bu;
    x = (x ^ x >> 32) * 0xcfee444d8b59a89bu;
    return x ^ x >> 32;
}

uint64_t aps_table_carry_tag(uint64_t tag, uint64_t from_salt, uint64_t to_salt)
{
    uint64_t to = table_mix(unmix(tag) ^ from_salt ^ to_salt);

    return to + (to == 0);
}

/* Two cells of a tag are damage: what says more goes on. */
static bool put_carried(const struct table_places *places, uint64_t tag, uint64_t word,
                        struct aps_table_now now)
{
    struct aps_table_spot spot;
    struct layout_pair *cell;

    aps_table_look_at(places, tag, now, &spot);
    if (spot.place != APS_TABLE_FREE && spot.place != APS_TABLE_HELD)
        return false;
    cell = spot.cell;
    *cell = (struct layout_pair){tag, word > spot.word ? word : spot.word};
    return true;
}

bool aps_table_carry(struct aps_state *to, uint64_t tag, uint64_t word, struct aps_table_now now)
{
    struct table_places places = table_places_of(to, tag);

    if (put_carried(&places, tag, word, now))
        return true;
    places = table_stash_places(to, tag);
    if (!put_carried(&places, tag, word, now))
        return false;
    to->head->stashed = 1;
    return true;
}

/* The store is not known. */
static bool is_reserved(const struct aps_state *state, uint64_t tag)
{
    for (uint64_t share = 0; share < LAYOUT_STORE_SHARES; share++)
        if (table_find_tag(table_reserve_set(state, share, tag), tag) != NULL)
            return true;
    return false;
}

bool aps_table_carry_missing(struct aps_state *to, uint64_t tag, uint64_t word,
                             struct aps_table_now now)
{
    struct aps_table_spot spot;

    return aps_table_find(to, tag, &spot) || aps_table_look_at_stash(to, tag, &spot) ||
           is_reserved(to, tag) || aps_table_carry(to, tag, word, now);
}

/* In the first empty cell of a set, if there is one. */
static bool put_in_set(struct layout_pair *set, struct layout_pair cell)
{
    for (size_t i = 0; i < LAYOUT_WAYS; i++)
        if (set[i].a == 0) {
            set[i] = cell;
            return true;
        }
    return false;
}

/* Which set of the new file is meant by a tag whose old one lay at `set`, reserve left out. */
static uint64_t carried_set(uint64_t set, uint64_t old_tag, uint64_t tag)
{
    const uint64_t half = LAYOUT_SHARED_OVERFLOW / LAYOUT_WAYS / 2;

    if (set < half)
        return set / LAYOUT_STORE_SETS * LAYOUT_STORE_SETS + tag % LAYOUT_STORE_SETS;
    if (set - half == (old_tag >> 32) % half)
        return half + (tag >> 32) % half;
    /* the second place of a caller's cell */
    return half + (tag % half ^ (tag % half == (tag >> 32) % half));
}

bool aps_table_carry_overflow(struct aps_state *to, uint64_t index, uint64_t old_tag,
                              struct layout_pair cell, struct aps_table_now now)
{
    uint64_t set;

    if (index >= LAYOUT_SHARED_OVERFLOW) {
        uint64_t share = (index - LAYOUT_SHARED_OVERFLOW) / (LAYOUT_RESERVE_SETS * LAYOUT_WAYS);

        return put_in_set(table_reserve_set(to, share, cell.a), cell) ||
               aps_table_carry(to, cell.a, cell.b, now);
    }
    set = carried_set(index / LAYOUT_WAYS, old_tag, cell.a);
    return put_in_set(to->overflow + set * LAYOUT_WAYS, cell);
}
