/* generation.c - which generation of which store each process serves.
 *
 * A row is two pairs of words, each changed in one step: the owner, and what it serves.  A row is
 * claimed by its owner, who alone writes the second pair while the owner lives.  Between the two
 * steps a row shows what its dead owner served; the new one serves nothing yet, so nobody is
 * misled (see the contract in generation.h). */
#include "apisec/generation.h"

#include <pthread.h>

#include "apisec/metrics.h"
#include "layout.h"
#include "owner.h"
#include "pause.h"

/* A process looks for its row among so many, from a place that depends on who it is. */
#define WINDOW ((uint64_t)4096)

#define WRITE_TRIES 256

/* How many running processes a search for a dead one's row examines by /proc, to see whether the
 * number was given to another process: a list full of the living must not cost a request much. */
#define EXAMINE_MAX 64

/* In the word of the generation, which is below 2^63 since SQLite's numbers are: the process was
 * held back. */
#define HELD (UINT64_C(1) << 63)

/* Likewise: the row is a note, and says of nothing which generation is served. */
#define NOTE (UINT64_C(1) << 62)

static const struct layout_pair FREE = {0, 0};

static bool pair_eq(struct layout_pair x, struct layout_pair y)
{
    return x.a == y.a && x.b == y.b;
}

/* Both words, though maybe not of one moment: who changes a pair compares it again. */
static struct layout_pair read_pair(const struct layout_pair *pair)
{
    return (struct layout_pair){layout_load(&pair->a), layout_load(&pair->b)};
}

static uint64_t window_of(const struct aps_state *state)
{
    return state->row_count < WINDOW ? state->row_count : WINDOW;
}

/* Row `i` of the process's window. */
static struct layout_row *row_at(const struct aps_state *state, struct layout_pair owner,
                                 uint64_t i)
{
    uint64_t first = owner.a * 64 + owner.b * 8191;

    return &state->rows[(first + i) % state->row_count];
}

/* Threads of one process take turns, since to each other their rows look claimed already.  Other
 * processes never wait for it, and it goes with the process. */
static pthread_mutex_t own_rows = PTHREAD_MUTEX_INITIALIZER;

/* Only the owner writes, so this succeeds at once unless somebody damages the file. */
static void write_serves(struct layout_row *row, struct layout_pair serves)
{
    for (unsigned tries = 0; tries < WRITE_TRIES; tries++)
        if (layout_swap(&row->serves, read_pair(&row->serves), serves))
            return;
}

/* Change every row that this process has for the store. */
static bool update_own(struct aps_state *state, struct layout_pair owner, struct layout_pair serves)
{
    bool found = false;

    for (uint64_t i = 0; i < window_of(state); i++) {
        struct layout_row *row = row_at(state, owner, i);

        if (!pair_eq(read_pair(&row->owner), owner) || layout_load(&row->serves.a) != serves.a)
            continue;
        write_serves(row, serves);
        found = true;
    }
    return found;
}

/* Whether a row of the dead may be taken; *examined counts what it cost so far. */
static bool is_left_over(struct layout_pair owner, unsigned *examined)
{
    if (!aps_owner_is_number_taken(owner))
        return true;
    return (*examined)++ < EXAMINE_MAX && !aps_owner_is_alive(owner);
}

/* Take the first free row, or with `dead` the first one of a dead process. */
static bool claim(struct aps_state *state, struct layout_pair owner, struct layout_pair serves,
                  bool dead)
{
    unsigned examined = 0;

    for (uint64_t i = 0; i < window_of(state); i++) {
        struct layout_row *row = row_at(state, owner, i);
        struct layout_pair old = read_pair(&row->owner);

        if (pair_eq(old, owner) || (dead ? !is_left_over(old, &examined) : !pair_eq(old, FREE)))
            continue;
        APS_PAUSE_POINT(20);
        if (!layout_swap(&row->owner, old, owner))
            continue;
        APS_PAUSE_POINT(21);
        write_serves(row, serves);
        return true;
    }
    return false;
}

static bool list(struct aps_state *state, struct layout_pair serves)
{
    struct layout_pair owner;
    bool listed = false;

    if (serves.a != 0 && aps_owner_self(&owner)) {
        (void)pthread_mutex_lock(&own_rows); /* fails only for mutexes of other kinds */
        listed = update_own(state, owner, serves) || claim(state, owner, serves, false) ||
                 claim(state, owner, serves, true);
        (void)pthread_mutex_unlock(&own_rows);
    }
    if (!listed)
        aps_metrics_add(state, APS_METRIC_GENERATION_UNLISTED, 1);
    return listed;
}

bool aps_generation_set(struct aps_state *state, uint64_t store, uint64_t generation)
{
    return list(state, (struct layout_pair){store, generation});
}

bool aps_generation_note(struct aps_state *state, uint64_t what, uint64_t number)
{
    return list(state, (struct layout_pair){what, number | NOTE});
}

void aps_generation_hold(struct aps_state *state, uint64_t store)
{
    struct layout_pair owner;

    if (!aps_owner_self(&owner))
        return;                          /* then it is not listed either */
    (void)pthread_mutex_lock(&own_rows); /* fails only for mutexes of other kinds */
    for (uint64_t i = 0; i < window_of(state); i++) {
        struct layout_row *row = row_at(state, owner, i);
        struct layout_pair serves = read_pair(&row->serves);

        if (pair_eq(read_pair(&row->owner), owner) && serves.a == store)
            write_serves(row, (struct layout_pair){store, serves.b | HELD});
    }
    (void)pthread_mutex_unlock(&own_rows);
}

void aps_generation_drop_own(struct aps_state *state)
{
    struct layout_pair owner;

    if (!aps_owner_self(&owner))
        return; /* the row is free anyway once this process is gone */
    (void)pthread_mutex_lock(&own_rows);
    for (uint64_t i = 0; i < window_of(state); i++)
        (void)layout_swap(&row_at(state, owner, i)->owner, owner, FREE); /* if it is ours */
    (void)pthread_mutex_unlock(&own_rows);
}

/* Each row of a live process that is a note, or that is none. */
static void each(const struct aps_state *state, uint64_t store, bool notes, aps_generation_fn fn,
                 void *arg)
{
    struct layout_pair last = FREE;
    bool alive = false;

    for (uint64_t i = 0; i < state->row_count; i++) {
        struct layout_pair owner = read_pair(&state->rows[i].owner);
        struct layout_pair serves = read_pair(&state->rows[i].serves);

        if (pair_eq(owner, FREE) || serves.a == 0 || (store != 0 && serves.a != store) ||
            ((serves.b & NOTE) != 0) != notes)
            continue;
        if (!pair_eq(owner, last)) /* rows of one process lie side by side */
            alive = aps_owner_is_alive(owner);
        last = owner;
        if (alive)
            fn(arg, &(struct aps_generation_use){
                        .pid = (pid_t)owner.a,
                        .store = serves.a,
                        .generation = serves.b & ~(HELD | NOTE),
                        .held = (serves.b & HELD) != 0,
                    });
    }
}

void aps_generation_each(const struct aps_state *state, uint64_t store, aps_generation_fn fn,
                         void *arg)
{
    each(state, store, false, fn, arg);
}

void aps_generation_notes(const struct aps_state *state, aps_generation_fn fn, void *arg)
{
    each(state, 0, true, fn, arg);
}

bool aps_generation_is_passed(const struct aps_state *state, uint64_t store, uint64_t generation)
{
    for (uint64_t i = 0; i < state->row_count; i++) {
        struct layout_pair serves = read_pair(&state->rows[i].serves);

        if (serves.a == store && (serves.b & NOTE) == 0 && (serves.b & ~HELD) > generation &&
            aps_owner_is_sibling(read_pair(&state->rows[i].owner)))
            return true;
    }
    return false;
}

struct least {
    uint64_t generation, rows;
};

static void take_least(void *arg, const struct aps_generation_use *use)
{
    struct least *least = arg;

    least->generation = use->generation < least->generation ? use->generation : least->generation;
    least->rows++;
}

bool aps_generation_min(const struct aps_state *state, uint64_t store, uint64_t *out_generation,
                        uint64_t *out_processes)
{
    struct least least = {UINT64_MAX, 0};

    aps_generation_each(state, store, take_least, &least);
    if (least.rows == 0)
        return false;
    *out_generation = least.generation;
    *out_processes = least.rows;
    return true;
}
