/* table.c - the shared table.
 *
 * A cell is {tag, word}.  The word says what was consumed (apisec/word.h), or is CLAIM | number for
 * a cell that is being taken.  docs/design.md, "The shared table", has the protocol and the reason
 * why at most one cell of a tag counts. */
#include <assert.h>

#include "apisec/metrics.h"
#include "apisec/siphash.h"
#include "pause.h"
#include "table_impl.h"

#define NONCE_MAX (((uint64_t)1 << 56) - 1)

/* One look at the places of a tag: how often a place that changes meanwhile is read again.  A
 * place that changes more often is one that others fight for. */
#define REREAD_MAX 64

static const struct layout_pair EMPTY = {0, 0};

uint64_t aps_table_scope(enum aps_table_kind kind, uint64_t store, struct aps_str name)
{
    /* Not secret: the tag is.  This only has to tell limits apart in the same way everywhere. */
    static const unsigned char key[APS_SIPHASH_KEY_LEN] = "apisec scope 1";
    uint64_t part[3] = {(uint64_t)kind, store, 0};

    part[2] = aps_siphash_64(name.n != 0 ? name : APS_STR_LIT(""), key);
    return aps_siphash_64((struct aps_str){(const char *)part, sizeof part}, key);
}

uint64_t aps_table_caller(const struct aps_state *state, const void *bytes, size_t n)
{
    return aps_siphash_64((struct aps_str){bytes, n}, state->hash_key);
}

uint64_t aps_table_tag(const struct aps_state *state, uint64_t scope, uint64_t caller)
{
    uint64_t tag = table_mix(caller ^ scope ^ state->salt);

    return tag + (tag == 0); /* 0 marks an empty cell */
}

/* How long ago a time passed, and a little; 0: it lies ahead. */
static inline uint64_t since(uint64_t time, uint64_t now)
{
    return time <= now ? now - time + 1 : 0;
}

/* The same for a word's time, in whole `unit`s of nsec, which lies at most `most` of them ahead. */
static uint64_t since_counted(uint64_t word, uint64_t now, uint64_t unit, uint64_t most)
{
    uint64_t ahead = aps_word_ahead(word, now / unit);

    if (ahead != 0 && ahead <= most)
        return 0;
    return ((APS_WORD_AT_MAX + 1 - ahead) & APS_WORD_AT_MAX) * unit + 1;
}

/* The same for a value that was used, in usec of the wall clock. */
static uint64_t since_used(uint64_t until, uint64_t now)
{
    if (until > now && until - now > APS_TABLE_ONCE_MAX / (uint64_t)APS_USEC)
        return UINT64_MAX;
    return since(until, now) * (uint64_t)APS_USEC;
}

/* For how long, in nsec, a word that is no claim says nothing at `now`; 0: it says something.  One
 * that lies further ahead than its kind can is damage, and says nothing. */
static uint64_t idle_for(uint64_t word, struct aps_table_now now)
{
    uint64_t until = aps_word_until(word);

    switch (aps_word_kind(word)) {
    case APS_WORD_GCRA:
        if (until > (uint64_t)now.mono && until - (uint64_t)now.mono > APS_TABLE_SPAN_MAX)
            return UINT64_MAX;
        return since(until, (uint64_t)now.mono);
    case APS_WORD_QUOTA: /* however far ahead a clock that was wrong has put it */
        return since_counted(word, (uint64_t)now.wall, (uint64_t)APS_MINUTE, APS_WORD_AT_MAX / 2);
    case APS_WORD_INFLIGHT:
        return word == APS_WORD_NOBODY;
    case APS_WORD_ONCE:
        return since_used(until, (uint64_t)now.wall / (uint64_t)APS_USEC);
    default:
        return since_counted(word, (uint64_t)now.mono, (uint64_t)APS_SEC,
                             3 * APS_TABLE_WINDOW_MAX / (uint64_t)APS_SEC);
    }
}

bool aps_table_is_idle(uint64_t word, struct aps_table_now now)
{
    return idle_for(word, now) != 0;
}

/* What counts nothing is a claim, or damage that gives way as one; but in a file whose cells a
 * start takes over it may be retired.  The head tells so before the first cell is. */
static inline bool is_retired(const struct table_places *places, uint64_t word)
{
    return aps_word_is_retired(word) && layout_load(places->retired) != 0;
}

static inline bool is_claim(const struct table_places *places, uint64_t word)
{
    return (word & APS_WORD_RETIRED) != 0 && !is_retired(places, word);
}

/* With the places that callers of other stores cannot take. */
static inline struct table_places places_with_reserve(const struct aps_state *state, uint64_t tag,
                                                      uint64_t store)
{
    struct table_places places = table_places_of(state, tag);

    places.set[2] = table_reserve_set(state, table_share(state, store), tag);
    places.count = TABLE_PLACES + LAYOUT_WAYS;
    return places;
}

/* Where the overflow cell of a tag may be: in a set of its store's own, so that no store can fill
 * all of another's places, or in a set of all. */
static struct table_places overflow_places(const struct aps_state *state, uint64_t store,
                                           uint64_t tag)
{
    const uint64_t half = LAYOUT_SHARED_OVERFLOW / LAYOUT_WAYS / 2;
    uint64_t own = table_share(state, store) * LAYOUT_STORE_SETS + tag % LAYOUT_STORE_SETS;
    uint64_t any = half + (tag >> 32) % half;

    return (struct table_places){
        {state->overflow + own * LAYOUT_WAYS, state->overflow + any * LAYOUT_WAYS, NULL},
        TABLE_PLACES,
        &state->head->retired};
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
    uint64_t worth; /* 0: none */
};

static uint64_t worth_of(struct layout_pair seen, struct aps_table_now now)
{
    uint64_t idle;

    if (seen.a == 0)
        return UINT64_MAX;
    if ((seen.b & APS_WORD_RETIRED) != 0)
        return 1;
    idle = idle_for(seen.b, now);
    return idle < UINT64_MAX - 2 ? idle + (idle != 0) : UINT64_MAX - 1;
}

/* Pick within one set and count what is empty or idle.  False if a cell of `tag` has come.  A set
 * with a retired cell has no room at all: what it held of the tag may have gone with it. */
static bool find_victim(const struct table_places *places, uint32_t base, uint64_t tag,
                        struct aps_table_now now, struct victim *out, unsigned *out_idle,
                        bool *out_retired)
{
    for (uint32_t i = 0; i < LAYOUT_WAYS; i++) {
        const struct layout_pair *cell = table_place(places, base + i);
        struct layout_pair seen = {layout_load(&cell->a), layout_load(&cell->b)};
        uint64_t worth;

        if (is_retired(places, seen.b)) {
            *out_retired = true;
            continue;
        }
        if (seen.a == tag)
            return false;
        worth = worth_of(seen, now);
        *out_idle += worth > 1;
        if (worth > out->worth)
            *out = (struct victim){seen, base + i, worth};
    }
    return true;
}

/* The emptier of the two sets that all share; where there is no place, the store's own. */
static const struct victim *choose(const struct victim victim[3], const unsigned idle[3])
{
    const struct victim *best =
        &victim[idle[0] == 0 && idle[1] == 0 ? victim[1].worth > victim[0].worth
                                             : idle[1] > idle[0]];

    return best->worth != 0 ? best : &victim[2];
}

/* No cell of this tag: the place to take, or none.  False if a cell of the tag has come
 * meanwhile. */
static bool look_for_room(const struct table_places *places, uint64_t tag, struct aps_table_now now,
                          struct aps_table_spot *out)
{
    struct victim victim[3] = {{EMPTY, 0, 0}, {EMPTY, 0, 0}, {EMPTY, 0, 0}};
    unsigned idle[3] = {0, 0, 0};
    bool retired = false;
    const struct victim *best;

    for (uint32_t i = 0; i < places->count / LAYOUT_WAYS; i++)
        if (!find_victim(places, i * LAYOUT_WAYS, tag, now, &victim[i], &idle[i], &retired))
            return false;
    if (retired) {
        *out = (struct aps_table_spot){.place = APS_TABLE_RETIRED, .tag = tag};
        return true;
    }
    best = choose(victim, idle);
    *out = (struct aps_table_spot){
        .place = best->worth != 0 ? APS_TABLE_FREE : APS_TABLE_NONE,
        .reserved = best->index >= TABLE_PLACES,
        .index = best->index,
        .tag = tag,
        .cell = table_place(places, best->index),
        .set = {places->set[0], places->set[1], places->set[2]},
        .seen_tag = best->seen.a,
        .seen_state = best->seen.b,
    };
    return true;
}

/* The cell of this tag, or else the first claim for it.  False if there is neither. */
static bool find_own(const struct table_places *places, uint64_t tag, struct aps_table_spot *out)
{
    bool claimed = false;
    uint64_t word = 0;

    for (uint32_t i = 0; i < places->count; i++) {
        if (!read_own(table_place(places, i), tag, &word) || (claimed && is_claim(places, word)) ||
            is_retired(places, word))
            continue;
        claimed = is_claim(places, word);
        *out = (struct aps_table_spot){
            .word = claimed ? 0 : word,
            .place = claimed ? APS_TABLE_CLAIMED : APS_TABLE_HELD,
            .reserved = i >= TABLE_PLACES,
            .index = i,
            .tag = tag,
            .cell = table_place(places, i),
            .set = {places->set[0], places->set[1], places->set[2]},
            .seen_tag = tag,
            .seen_state = word,
        };
        if (!claimed)
            return true;
    }
    return claimed;
}

void aps_table_look_at(const struct table_places *places, uint64_t tag, struct aps_table_now now,
                       struct aps_table_spot *out)
{
    for (unsigned tries = 0; tries < REREAD_MAX; tries++) {
        if (find_own(places, tag, out))
            return;
        APS_PAUSE_POINT(3);
        if (look_for_room(places, tag, now, out))
            return;
    }
    *out = (struct aps_table_spot){.place = APS_TABLE_NONE, .tag = tag};
}

bool aps_table_look_at_stash(struct aps_state *state, uint64_t tag, struct aps_table_spot *out)
{
    struct table_places places;
    struct aps_table_spot spot;

    if (layout_load(&state->head->stashed) == 0)
        return false;
    places = table_stash_places(state, tag);
    if (!find_own(&places, tag, &spot) || spot.place != APS_TABLE_HELD)
        return false;
    *out = spot;
    return true;
}

bool aps_table_find(struct aps_state *state, uint64_t tag, struct aps_table_spot *out)
{
    struct layout_pair *cell = table_find_tag(table_first_set(state, tag), tag);
    uint64_t word;

    if (cell == NULL)
        cell = table_find_tag(table_second_set(state, tag), tag);
    if (cell == NULL)
        return false;
    APS_PAUSE_POINT(10);
    word = layout_load(&cell->b);
    APS_PAUSE_POINT(11);
    if ((word & APS_WORD_RETIRED) != 0 || layout_load(&cell->a) != tag)
        return false;
    out->word = word;
    out->place = APS_TABLE_HELD;
    out->overflow = false;
    out->reserved = false;
    out->tag = tag;
    out->cell = cell;
    out->seen_tag = tag;
    out->seen_state = word;
    return true;
}

void aps_table_look(struct aps_state *state, const struct aps_table_who *who,
                    struct aps_table_now now, struct aps_table_spot *out)
{
    uint64_t tag = aps_table_tag(state, who->scope, who->caller);
    struct table_places places;

    if (aps_table_find(state, tag, out))
        return;
    places = places_with_reserve(state, tag, who->store);
    aps_table_look_at(&places, tag, now, out);
    if (out->place == APS_TABLE_HELD || aps_table_look_at_stash(state, tag, out))
        return;
    if (out->place == APS_TABLE_NONE)
        aps_table_look_overflow(state, who, now, out);
}

void aps_table_look_overflow(struct aps_state *state, const struct aps_table_who *who,
                             struct aps_table_now now, struct aps_table_spot *out)
{
    uint64_t tag =
        aps_table_tag(state, who->scope, aps_table_caller(state, &who->store, sizeof who->store));
    struct table_places places = overflow_places(state, who->store, tag);

    aps_table_look_at(&places, tag, now, out);
    out->overflow = true;
}

/* Make sure that the claim {tag, word} at `own` is the only cell of its tag.  Otherwise it is
 * withdrawn, or was already.  On success the claim may still be lost, but if it is there, then
 * no other cell of the tag counts, nor will before it is gone. */
static bool settle(const struct table_places *places, uint32_t own, struct layout_pair claim)
{
    uint64_t word;

    for (uint32_t i = 0; i < places->count; i++) {
        struct layout_pair *cell = table_place(places, i);

        for (unsigned tries = 0; i != own && read_own(cell, claim.a, &word); tries++) {
            APS_PAUSE_POINT(4);
            /* A cell that counts, or a claim at a lower place, goes before. */
            if (!is_claim(places, word) || i < own || tries == REREAD_MAX) {
                (void)layout_swap(table_place(places, own), claim,
                                  EMPTY); /* or it is gone already */
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
static bool confirm(const struct aps_state *state, const struct aps_table_spot *spot,
                    uint64_t number, uint64_t word)
{
    struct table_places places = {{spot->set[0], spot->set[1], spot->set[2]},
                                  spot->set[2] != NULL ? TABLE_PLACES + LAYOUT_WAYS : TABLE_PLACES,
                                  &state->head->retired};
    struct layout_pair claim = {spot->tag, number};

    APS_PAUSE_POINT(6);
    if (!settle(&places, spot->index, claim))
        return false;
    APS_PAUSE_POINT(7);
    return layout_swap(spot->cell, claim, (struct layout_pair){spot->tag, word});
}

/* Take a free place: claim it under a number that no other claim ever has, then confirm. */
static bool take(struct aps_state *state, const struct aps_table_spot *spot, uint64_t word)
{
    uint64_t nonce = __atomic_add_fetch(&state->head->nonce, 1, __ATOMIC_RELAXED);
    uint64_t number = (nonce & NONCE_MAX) | APS_WORD_CLAIM;

    APS_PAUSE_POINT(8);
    if (!layout_swap(spot->cell, (struct layout_pair){spot->seen_tag, spot->seen_state},
                     (struct layout_pair){spot->tag, number}))
        return false;
    if (!confirm(state, spot, number, word))
        return false;
    aps_metrics_add(state, APS_METRIC_TABLE_TAKEN, !spot->overflow);
    return true;
}

static bool put_new(struct aps_state *state, struct aps_table_spot *spot, uint64_t word)
{
    bool done;

    if (spot->place == APS_TABLE_NONE || spot->place == APS_TABLE_RETIRED)
        return false;
    done = spot->place == APS_TABLE_CLAIMED ? confirm(state, spot, spot->seen_state, word)
                                            : take(state, spot, word);
    if (done) {
        spot->place = APS_TABLE_HELD;
        spot->seen_tag = spot->tag;
    }
    return done;
}

bool aps_table_put(struct aps_state *state, struct aps_table_spot *spot, uint64_t word)
{
    assert((word & APS_WORD_RETIRED) == 0);
    APS_PAUSE_POINT(9);
    if (spot->place == APS_TABLE_HELD) {
        if (!layout_swap(spot->cell, (struct layout_pair){spot->seen_tag, spot->seen_state},
                         (struct layout_pair){spot->seen_tag, word}))
            return false;
    } else if (!put_new(state, spot, word)) {
        return false;
    }
    spot->seen_state = word;
    spot->word = word;
    return true;
}
