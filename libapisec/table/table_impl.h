/* table_impl.h - where the cells of a tag may lie; what table.c and table_carry.c share, only for
 * table/. */
#ifndef APISEC_TABLE_IMPL_H
#define APISEC_TABLE_IMPL_H

#include <string.h>

#include "apisec/table.h"
#include "layout.h"

#define TABLE_PLACES (2 * LAYOUT_WAYS) /* that all share; behind them those of a store alone */

/* One to one, so that callers who differ have tags that differ, and such that nobody who does not
 * know the salt can tell which callers meet in a set. */
static inline uint64_t table_mix(uint64_t x)
{
    x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
    x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
    return x ^ x >> 32;
}

/* The first cell of each set where a tag may be: of two, or of three. */
struct table_places {
    struct layout_pair *set[3];
    uint32_t count;          /* of cells */
    const uint64_t *retired; /* of the head: whether a start takes the cells over */
};

static inline struct layout_pair *table_first_set(const struct aps_state *state, uint64_t tag)
{
    return state->cells + (tag & state->set_mask) * LAYOUT_WAYS;
}

static inline struct layout_pair *table_second_set(const struct aps_state *state, uint64_t tag)
{
    uint64_t first = tag & state->set_mask;
    uint64_t second = (tag >> 32) & state->set_mask;

    if (second == first)
        second ^= 1; /* there are at least 256 sets */
    return state->cells + second * LAYOUT_WAYS;
}

/* Stores with one share are not told apart by it. */
static inline uint64_t table_share(const struct aps_state *state, uint64_t store)
{
    uint64_t key;

    memcpy(&key, state->hash_key, sizeof key);
    return table_mix(store ^ key) % LAYOUT_STORE_SHARES;
}

static inline struct layout_pair *table_reserve_set(const struct aps_state *state, uint64_t share,
                                                    uint64_t tag)
{
    uint64_t set = share * LAYOUT_RESERVE_SETS + (tag >> 16) % LAYOUT_RESERVE_SETS;

    return state->overflow + LAYOUT_SHARED_OVERFLOW + set * LAYOUT_WAYS;
}

static inline struct table_places table_places_of(const struct aps_state *state, uint64_t tag)
{
    return (struct table_places){{table_first_set(state, tag), table_second_set(state, tag), NULL},
                                 TABLE_PLACES,
                                 &state->head->retired};
}

static inline struct layout_pair *table_place(const struct table_places *places, uint32_t index)
{
    return places->set[index / LAYOUT_WAYS] + index % LAYOUT_WAYS;
}

/* Where callers' cells lie that found no place when the table became smaller: in two sets among
 * those for overflow that no store has to itself. */
static inline struct table_places table_stash_places(const struct aps_state *state, uint64_t tag)
{
    const uint64_t half = LAYOUT_SHARED_OVERFLOW / LAYOUT_WAYS / 2;
    uint64_t first = (tag >> 32) % half;
    uint64_t second = tag % half;

    if (second == first)
        second ^= 1;
    return (struct table_places){{state->overflow + (half + first) * LAYOUT_WAYS,
                                  state->overflow + (half + second) * LAYOUT_WAYS, NULL},
                                 TABLE_PLACES,
                                 &state->head->retired};
}

/* The first cell of this tag in a set, or NULL. */
static inline struct layout_pair *table_find_tag(struct layout_pair *set, uint64_t tag)
{
    for (uint32_t i = 0; i < LAYOUT_WAYS; i++)
        if (layout_load(&set[i].a) == tag)
            return &set[i];
    return NULL;
}

/* ---- table.c ---- */

/* The cell of the tag, a claim for it, the place to take for one, or none: it has no cell that
 * counts, or it moves. */
void aps_table_look_at(const struct table_places *places, uint64_t tag, struct aps_table_now now,
                       struct aps_table_spot *out);

/* A caller whose cell lies there has no other one as long as it has not been taken for something
 * else, which it can be once it is idle.  False: it has none there. */
bool aps_table_look_at_stash(struct aps_state *state, uint64_t tag, struct aps_table_spot *out);

#endif
