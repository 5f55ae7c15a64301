/* slots_row.c - the rows of this process: claimed once, and at hand ever after.
 *
 * Which rows it has at hand a process keeps in memory of its own, as a stack without a lock; what
 * others write into the file cannot lead it astray. */
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "owner.h"
#include "pause.h"
#include "slots_impl.h"

/* A process keeps so many free rows at hand; others are for all. */
#define KEEP 64u

/* The top of the stack: how often it changed, its length, and a row + 1, 0: none. */
#define TOP_BITS 17
#define TOP_MASK (((uint64_t)1 << TOP_BITS) - 1)

static const struct layout_pair FREE = {0, 0};

/* Counts as dead, since there is no process 0. */
static const struct layout_pair ORPHAN = {0, 1};

_Static_assert(LAYOUT_SLOTS_MAX < TOP_MASK, "the top of the stack names every row");

void aps_slots_row_open(struct layout_slots *slots)
{
    void *own =
        mmap(NULL, sizeof *slots->own, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (own == MAP_FAILED)
        return;
    (void)madvise(own, sizeof *slots->own, MADV_WIPEONFORK); /* else aps_slots_row_child does it */
    slots->own = own;
}

void aps_slots_row_close(struct layout_slots *slots)
{
    if (slots->own != NULL)
        (void)munmap(slots->own, sizeof *slots->own); /* it was mapped with this size */
    slots->own = NULL;
}

void aps_slots_row_child(struct layout_slots *slots)
{
    if (slots->own != NULL)
        memset(slots->own, 0, offsetof(struct slots_own, next));
}

/* Threads that are the first together take turns; it goes with the process. */
static pthread_mutex_t knowing = PTHREAD_MUTEX_INITIALIZER;

bool aps_slots_row_learn(struct slots_own *own)
{
    struct layout_pair self;

    if (own == NULL || !aps_owner_self(&self))
        return false;
    (void)pthread_mutex_lock(&knowing); /* fails only for mutexes of other kinds */
    if (own->is_known == 0) {
        own->owner = self;
        __atomic_store_n(&own->cursor, self.a * 64 + self.b * 8191, __ATOMIC_RELAXED);
        __atomic_store_n(&own->is_known, 1, __ATOMIC_RELEASE);
    }
    (void)pthread_mutex_unlock(&knowing);
    return true;
}

/* The top after one change more. */
static uint64_t top_of(uint64_t before, uint64_t length, uint64_t row)
{
    uint64_t changes = (before >> 2 * TOP_BITS) + 1;

    return changes << 2 * TOP_BITS | length << TOP_BITS | row;
}

static uint64_t length_of(uint64_t top)
{
    return top >> TOP_BITS & TOP_MASK;
}

/* False if the stack is empty. */
static bool pop(struct slots_own *own, uint64_t *out_row)
{
    uint64_t top = __atomic_load_n(&own->top, __ATOMIC_ACQUIRE);

    for (unsigned tries = 0; (top & TOP_MASK) != 0 && tries < SLOTS_TRIES; tries++) {
        uint64_t row = (top & TOP_MASK) - 1;
        uint64_t below = __atomic_load_n(&own->next[row], __ATOMIC_RELAXED);

        if (__atomic_compare_exchange_n(&own->top, &top, top_of(top, length_of(top) - 1, below),
                                        false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            *out_row = row;
            return true;
        }
    }
    return false;
}

/* False if there are enough. */
static bool push(struct slots_own *own, uint64_t row)
{
    uint64_t top = __atomic_load_n(&own->top, __ATOMIC_ACQUIRE);

    for (unsigned tries = 0; length_of(top) < KEEP && tries < SLOTS_TRIES; tries++) {
        __atomic_store_n(&own->next[row], (uint32_t)(top & TOP_MASK), __ATOMIC_RELAXED);
        if (__atomic_compare_exchange_n(&own->top, &top, top_of(top, length_of(top) + 1, row + 1),
                                        false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            return true;
    }
    return false;
}

bool aps_slots_row_get(struct aps_state *state, uint64_t *out_row)
{
    struct slots_own *own = state->slots.own;

    if (!slots_knows_self(own))
        return false;
    while (pop(own, out_row)) /* at most KEEP of them and what others push meanwhile */
        if (slots_is_own(&state->slots, *out_row))
            return true; /* else it was taken from us, against all rules */
    return false;
}

bool aps_slots_row_claim(struct aps_state *state, uint64_t *out_row)
{
    struct slots_own *own = state->slots.own;

    if (!slots_knows_self(own))
        return false;
    for (uint64_t i = 0; i < state->slots.count; i++) {
        uint64_t row = __atomic_fetch_add(&own->cursor, 1, __ATOMIC_RELAXED) % state->slots.count;

        if (!slots_pair_eq(slots_owner(&state->slots.rows[row]), FREE))
            continue;
        APS_PAUSE_POINT(50);
        if (layout_swap(&state->slots.rows[row].owner, FREE, own->owner)) {
            *out_row = row;
            return true;
        }
    }
    return false;
}

void aps_slots_row_put(struct aps_state *state, uint64_t row)
{
    struct slots_own *own = state->slots.own;

    APS_PAUSE_POINT(51);
    if (!push(own, row))
        (void)layout_swap(&state->slots.rows[row].owner, own->owner, FREE); /* if it is ours */
}

void aps_slots_row_orphan(struct aps_state *state, uint64_t row)
{
    (void)layout_swap(&state->slots.rows[row].owner, state->slots.own->owner, ORPHAN);
}
