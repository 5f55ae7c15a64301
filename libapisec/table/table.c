/* table.c - the shared table.
 *
 * A cell is {tag, word}.  The word is the nsec from which the cell is idle, or CLAIM | number for
 * a cell that is being taken.  docs/design.md, "The shared table", has the protocol and the
 * reason why at most one cell of a tag counts. */
#include "apisec/table.h"

#include <assert.h>
#include <string.h>

#include "apisec/metrics.h"
#include "apisec/siphash.h"
#include "layout.h"
#include "pause.h"

#define CLAIM ((uint64_t)1 << 63)
#define PLACES (2 * LAYOUT_WAYS)

/* One look at the places of a tag: how often a place that changes meanwhile is read again.  A
 * place that changes more often is one that others fight for. */
#define REREAD_MAX 64

/* Cells are read and counted in pieces of this many. */
#define USAGE_CHUNK 1024

static const struct layout_pair EMPTY = {0, 0};

uint64_t aps_table_scope(enum aps_table_kind kind, uint64_t store, struct aps_str name)
{
    /* Not secret: the tag is.  This only has to tell limits apart in the same way everywhere. */
    static const unsigned char key[APS_SIPHASH_KEY_LEN] = "apisec scope 1";
    uint64_t part[3] = {(uint64_t)kind, store, 0};

    part[2] = aps_siphash_64(name.n != 0 ? name : APS_STR_LIT(""), key);
    return aps_siphash_64((struct aps_str){(const char *)part, sizeof part}, key);
}

uint64_t aps_table_tag(const struct aps_state *state, uint64_t scope, const void *caller,
                       size_t caller_bytes)
{
    uint64_t key[2] = {state->hash_key[0] ^ scope, state->hash_key[1]};
    uint64_t tag =
        aps_siphash_64((struct aps_str){caller, caller_bytes}, (const unsigned char *)key);

    return tag + (tag == 0); /* 0 marks an empty cell */
}

static bool is_claim(uint64_t word)
{
    return (word & CLAIM) != 0;
}

/* Whether the cell says nothing at `now`.  What lies further ahead than any limit is damage. */
static bool is_idle(uint64_t tag, uint64_t word, uint64_t now)
{
    return tag == 0 || (!is_claim(word) && (word <= now || word - now > APS_TABLE_SPAN_MAX));
}

/* The first cell of each of the two sets where a tag may be. */
struct places {
    struct layout_pair *set[2];
};

static inline struct layout_pair *first_set(const struct aps_state *state, uint64_t tag)
{
    return state->cells + (tag & state->set_mask) * LAYOUT_WAYS;
}

static inline struct layout_pair *second_set(const struct aps_state *state, uint64_t tag)
{
    uint64_t first = tag & state->set_mask;
    uint64_t second = (tag >> 32) & state->set_mask;

    if (second == first)
        second ^= 1; /* there are at least 256 sets */
    return state->cells + second * LAYOUT_WAYS;
}

static inline struct places places_of(const struct aps_state *state, uint64_t tag)
{
    return (struct places){{first_set(state, tag), second_set(state, tag)}};
}

static inline struct layout_pair *place_at(const struct places *places, uint32_t index)
{
    return places->set[index / LAYOUT_WAYS] + index % LAYOUT_WAYS;
}

/* Word of the cell if it belonged to `tag` before and after the word was read. */
static inline bool read_own(const struct layout_pair *cell, uint64_t tag, uint64_t *out_word)
{
    if (layout_load(&cell->a) != tag)
        return false;
    APS_PAUSE_POINT(1);
    *out_word = layout_load(&cell->b);
    APS_PAUSE_POINT(2);
    return layout_load(&cell->a) == tag;
}

/* A cell that may be taken, better ones first: empty, then longest idle, then a claim for
 * another tag, whose owner will notice and look again. */
struct victim {
    struct layout_pair seen;
    uint32_t index;
    unsigned rank; /* 0: none */
};

/* Pick within one set and count what is empty or idle.  False if a cell of `tag` has come. */
static bool find_victim(const struct layout_pair *set, uint32_t base, uint64_t tag, uint64_t now,
                        struct victim *out, unsigned *out_idle)
{
    for (uint32_t i = 0; i < LAYOUT_WAYS; i++) {
        struct layout_pair seen = {layout_load(&set[i].a), layout_load(&set[i].b)};
        unsigned rank = is_claim(seen.b) ? 1 : 0;

        if (seen.a == tag)
            return false;
        if (is_idle(seen.a, seen.b, now)) {
            *out_idle += 1;
            rank = seen.a == 0 ? 3 : 2;
        }
        if (rank > out->rank || (rank == 2 && out->rank == 2 && seen.b < out->seen.b))
            *out = (struct victim){seen, base + i, rank};
    }
    return true;
}

void aps_table_look_overflow(struct aps_state *state, uint64_t scope, uint64_t tag,
                             struct aps_table_spot *out)
{
    uint64_t *word = &state->overflow[scope % LAYOUT_OVERFLOW];
    uint64_t until = layout_load(word);

    *out = (struct aps_table_spot){
        .until = until,
        .place = APS_TABLE_OVERFLOW,
        .tag = tag,
        .cell = word,
        .seen_state = until,
    };
}

/* No cell of this tag: the place to take, in the emptier of the two sets.  False if a cell of
 * the tag has come meanwhile. */
static bool look_for_room(struct aps_state *state, uint64_t scope, uint64_t tag, uint64_t now,
                          struct aps_table_spot *out)
{
    struct places places = places_of(state, tag);
    struct victim victim[2] = {{EMPTY, 0, 0}, {EMPTY, 0, 0}};
    unsigned idle[2] = {0, 0};
    const struct victim *best;

    for (uint32_t i = 0; i < 2; i++)
        if (!find_victim(places.set[i], i * LAYOUT_WAYS, tag, now, &victim[i], &idle[i]))
            return false;
    if (idle[0] == 0 && idle[1] == 0)
        best = &victim[victim[1].rank > victim[0].rank];
    else
        best = &victim[idle[1] > idle[0]];
    if (best->rank == 0) {
        aps_table_look_overflow(state, scope, tag, out);
        return true;
    }
    *out = (struct aps_table_spot){
        .place = APS_TABLE_FREE,
        .index = best->index,
        .tag = tag,
        .cell = place_at(&places, best->index),
        .seen_tag = best->seen.a,
        .seen_state = best->seen.b,
    };
    return true;
}

/* The cell of this tag, or else the first claim for it.  False if there is neither. */
static bool find_own(const struct places *places, uint64_t tag, struct aps_table_spot *out)
{
    bool claimed = false;
    uint64_t word = 0;

    for (uint32_t i = 0; i < PLACES; i++) {
        if (!read_own(place_at(places, i), tag, &word) || (claimed && is_claim(word)))
            continue;
        claimed = is_claim(word);
        *out = (struct aps_table_spot){
            .until = claimed ? 0 : word,
            .place = claimed ? APS_TABLE_CLAIMED : APS_TABLE_HELD,
            .index = i,
            .tag = tag,
            .cell = place_at(places, i),
            .seen_tag = tag,
            .seen_state = word,
        };
        if (!claimed)
            return true;
    }
    return claimed;
}

/* The tag has no cell that counts, or it moves. */
static void look_again(struct aps_state *state, uint64_t scope, uint64_t tag, aps_nsec now,
                       struct aps_table_spot *out)
{
    struct places places = places_of(state, tag);

    for (unsigned tries = 0; tries < REREAD_MAX; tries++) {
        if (find_own(&places, tag, out))
            return;
        APS_PAUSE_POINT(3);
        if (look_for_room(state, scope, tag, (uint64_t)now, out))
            return;
    }
    aps_table_look_overflow(state, scope, tag, out);
}

/* The first cell of this tag in a set, or NULL. */
static inline struct layout_pair *find_tag(struct layout_pair *set, uint64_t tag)
{
    for (uint32_t i = 0; i < LAYOUT_WAYS; i++)
        if (layout_load(&set[i].a) == tag)
            return &set[i];
    return NULL;
}

void aps_table_look(struct aps_state *state, uint64_t scope, uint64_t tag, aps_nsec now,
                    struct aps_table_spot *out)
{
    struct layout_pair *cell = find_tag(first_set(state, tag), tag);
    uint64_t word;

    if (cell == NULL)
        cell = find_tag(second_set(state, tag), tag);
    if (cell == NULL) {
        look_again(state, scope, tag, now, out);
        return;
    }
    APS_PAUSE_POINT(10);
    word = layout_load(&cell->b);
    APS_PAUSE_POINT(11);
    if (is_claim(word) || layout_load(&cell->a) != tag) {
        look_again(state, scope, tag, now, out);
        return;
    }
    out->until = word;
    out->place = APS_TABLE_HELD;
    out->tag = tag;
    out->cell = cell;
    out->seen_tag = tag;
    out->seen_state = word;
}

/* Make sure that the claim {tag, word} at `own` is the only cell of its tag.  Otherwise it is
 * withdrawn, or was already.  On success the claim may still be lost, but if it is there, then
 * no other cell of the tag counts, nor will before it is gone. */
static bool settle(const struct places *places, uint32_t own, struct layout_pair claim)
{
    uint64_t word;

    for (uint32_t i = 0; i < PLACES; i++) {
        struct layout_pair *cell = place_at(places, i);

        for (unsigned tries = 0; i != own && read_own(cell, claim.a, &word); tries++) {
            APS_PAUSE_POINT(4);
            /* A cell that counts, or a claim at a lower place, goes before. */
            if (!is_claim(word) || i < own || tries == REREAD_MAX) {
                (void)layout_swap(place_at(places, own), claim, EMPTY); /* or it is gone already */
                return false;
            }
            if (layout_swap(cell, (struct layout_pair){claim.a, word}, EMPTY))
                break;
            APS_PAUSE_POINT(5);
        }
    }
    return true;
}

/* Give the claim its value, after it is sure to be the only cell of its tag. */
static bool confirm(struct aps_state *state, const struct aps_table_spot *spot, uint64_t word,
                    uint64_t until)
{
    struct places places = places_of(state, spot->tag);
    struct layout_pair claim = {spot->tag, word};

    APS_PAUSE_POINT(6);
    if (!settle(&places, spot->index, claim))
        return false;
    APS_PAUSE_POINT(7);
    return layout_swap(spot->cell, claim, (struct layout_pair){spot->tag, until});
}

/* Take a free place: claim it under a number that no other claim ever has, then confirm. */
static bool take(struct aps_state *state, const struct aps_table_spot *spot, uint64_t until)
{
    uint64_t word = __atomic_add_fetch(&state->head->nonce, 1, __ATOMIC_RELAXED) | CLAIM;

    APS_PAUSE_POINT(8);
    if (!layout_swap(spot->cell, (struct layout_pair){spot->seen_tag, spot->seen_state},
                     (struct layout_pair){spot->tag, word}))
        return false;
    if (!confirm(state, spot, word, until))
        return false;
    aps_metrics_add(state, APS_METRIC_TABLE_TAKEN, 1);
    return true;
}

static bool put_other(struct aps_state *state, struct aps_table_spot *spot, uint64_t until)
{
    bool done = false;

    if (spot->place == APS_TABLE_OVERFLOW)
        return __sync_bool_compare_and_swap((uint64_t *)spot->cell, spot->seen_state, until);
    done = spot->place == APS_TABLE_CLAIMED ? confirm(state, spot, spot->seen_state, until)
                                            : take(state, spot, until);
    if (done) {
        spot->place = APS_TABLE_HELD;
        spot->seen_tag = spot->tag;
    }
    return done;
}

bool aps_table_put(struct aps_state *state, struct aps_table_spot *spot, uint64_t until)
{
    assert(!is_claim(until));
    APS_PAUSE_POINT(9);
    if (spot->place == APS_TABLE_HELD) {
        if (!layout_swap(spot->cell, (struct layout_pair){spot->seen_tag, spot->seen_state},
                         (struct layout_pair){spot->seen_tag, until}))
            return false;
    } else if (!put_other(state, spot, until)) {
        return false;
    }
    spot->seen_state = until;
    spot->until = until;
    return true;
}

static void count_cells(const struct layout_pair *cells, size_t n, uint64_t now,
                        struct aps_table_usage *usage)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t tag = layout_load(&cells[i].a);
        uint64_t word = layout_load(&cells[i].b);

        if (tag != 0 && is_claim(word))
            usage->claimed++;
        else if (!is_idle(tag, word, now))
            usage->live++;
    }
}

enum aps_err aps_table_usage(const struct aps_state *state, aps_nsec now,
                             struct aps_table_usage *out, struct aps_diag *diag)
{
    struct aps_table_usage usage = {.entries = state->info.entries};
    uint64_t at = layout_at_cells(state->info.entries);
    struct layout_pair chunk[USAGE_CHUNK];

    if (state->cells != NULL) {
        count_cells(state->cells, state->info.entries, (uint64_t)now, &usage);
        *out = usage;
        return APS_OK;
    }
    for (uint64_t i = 0; i < state->info.entries; i += USAGE_CHUNK) {
        if (!aps_layout_read_at(state->fd, chunk, sizeof chunk, at)) {
            aps_err_explain(diag, "the state file could not be read at byte %llu",
                            (unsigned long long)at);
            return APS_ERR_IO;
        }
        count_cells(chunk, USAGE_CHUNK, (uint64_t)now, &usage);
        at += sizeof chunk;
    }
    *out = usage;
    return APS_OK;
}
