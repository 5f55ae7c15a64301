/* slots_impl.h - what slots.c, slots_step.c, slots_row.c and slots_sweep.c share; only for table/.
 *
 * The word of a cell, or of the shared words, which counts requests under way:
 *   63..60  0111                 what kind of word it is
 *   59..44  count
 *   43..0   the last operation: 43 release, 42..27 row, 26..0 low bits of the row's number;
 *           0: nothing is left to complete
 * The word of a row:
 *   63..61  state   60  counted by a shared word   59..0  number of this use of the row */
#ifndef APISEC_TABLE_SLOTS_IMPL_H
#define APISEC_TABLE_SLOTS_IMPL_H

#include "apisec/slots.h"
#include "apisec/table.h"
#include "layout.h"

/* How often a step is tried that fails only because another process made one. */
#define SLOTS_TRIES 256

#define SLOTS_COUNT_SHIFT 44
#define SLOTS_OP_MASK (((uint64_t)1 << SLOTS_COUNT_SHIFT) - 1)
#define SLOTS_RELEASE ((uint64_t)1 << 43)
#define SLOTS_ROW_SHIFT 27
#define SLOTS_LOW_MASK (((uint64_t)1 << SLOTS_ROW_SHIFT) - 1)

#define SLOTS_STATE_SHIFT 61
#define SLOTS_SHARED ((uint64_t)1 << 60)
#define SLOTS_NUMBER_MASK (SLOTS_SHARED - 1)

_Static_assert(LAYOUT_SLOTS_MAX <= (uint64_t)1 << 16, "a word names every row");

/* A use of a row, in this order. */
enum slots_state {
    SLOTS_FREE,   /* counted nowhere */
    SLOTS_INTENT, /* counted if and only if the cell names its take */
    SLOTS_HELD,   /* counted, unless the cell names its release */
    SLOTS_DONE,   /* counted no more; the cell may still name its release */
};

static inline uint64_t slots_word(uint64_t count, uint64_t op)
{
    return APS_WORD_NOBODY | count << SLOTS_COUNT_SHIFT | op;
}

/* What a word calls the take in this use of the row. */
static inline uint64_t slots_op(uint64_t row, uint64_t use)
{
    return row << SLOTS_ROW_SHIFT | (use & SLOTS_LOW_MASK);
}

static inline enum slots_state slots_state(uint64_t use)
{
    return (enum slots_state)(use >> SLOTS_STATE_SHIFT);
}

static inline uint64_t slots_in_state(uint64_t use, enum slots_state in)
{
    return (use & (SLOTS_SHARED | SLOTS_NUMBER_MASK)) | (uint64_t)in << SLOTS_STATE_SHIFT;
}

/* The shared word of a tag. */
static inline uint64_t slots_shared_of(uint64_t tag)
{
    return tag >> 52;
}

_Static_assert(LAYOUT_SHARED == (uint64_t)1 << 12, "slots_shared_of names each word");

/* Both words of one moment; false if they change all the time. */
static inline bool slots_read_use(const struct layout_slot *row, struct layout_pair *out)
{
    for (unsigned tries = 0; tries < SLOTS_TRIES; tries++) {
        uint64_t b = layout_load(&row->use.b);

        out->a = layout_load(&row->use.a);
        out->b = layout_load(&row->use.b);
        if (out->b == b)
            return true;
    }
    return false;
}

static inline bool slots_pair_eq(struct layout_pair x, struct layout_pair y)
{
    return x.a == y.a && x.b == y.b;
}

/* Both words, maybe of two moments: who acts on them swaps the pair. */
static inline struct layout_pair slots_owner(const struct layout_slot *row)
{
    return (struct layout_pair){layout_load(&row->owner.a), layout_load(&row->owner.b)};
}

/* ---- slots_step.c: one step of the protocol */

/* What counts a use, as it is now. */
struct slots_cell {
    struct layout_pair key;     /* as `use` of a row has it; of b only whether it is shared */
    struct aps_table_spot spot; /* if it is not */
    uint64_t *shared;           /* if it is */
    uint64_t seen;              /* what that said */
    uint64_t word;              /* of this kind, whatever the memory says */
    bool retired;               /* the table goes on in another file: nobody is let in here */
};

/* The shared word or the cell that counts {tag or index, SLOTS_SHARED or 0}.  False: there is
 * none, so nothing is counted. */
bool aps_slots_step_find(struct aps_state *state, struct layout_pair key, struct slots_cell *out);

/* The caller's cell, the place for one, or the shared word. */
void aps_slots_step_look(struct aps_state *state, const struct aps_table_who *who, uint64_t tag,
                         struct aps_table_now now, struct slots_cell *out);

/* Bring the last operation of the cell to its end, so that the rows alone tell of it.  False: the
 * cell or the row has changed meanwhile. */
bool aps_slots_step_complete(struct aps_state *state, const struct slots_cell *cell);

/* Give the cell this word if nothing has changed since it was seen.  Then it is as if it was seen
 * again. */
bool aps_slots_step_put(struct aps_state *state, struct slots_cell *cell, uint64_t word);

/* Bring the use of a row of this process to its end, whoever began it; `use` is how it was read.
 * *out_counted: it was counted until now.  False: others changed the cell again and again. */
bool aps_slots_step_finish(struct aps_state *state, uint64_t row, struct layout_pair use,
                           bool *out_counted);

/* ---- slots_row.c: the rows of this process */

/* Memory that a forked child finds empty: these rows are not its own. */
struct slots_own {
    uint64_t is_known; /* `owner` is set */
    struct layout_pair owner;
    uint64_t top;
    uint64_t cursor;                 /* where to look for a row first */
    uint32_t next[LAYOUT_SLOTS_MAX]; /* of a row at hand: the one below it + 1 */
};

/* Without memory for it there are no rows. */
void aps_slots_row_open(struct layout_slots *slots);
void aps_slots_row_close(struct layout_slots *slots);
/* This process was forked: the rows are its parent's. */
void aps_slots_row_child(struct layout_slots *slots);
/* Find out who this process is.  False: /proc cannot tell. */
bool aps_slots_row_learn(struct slots_own *own);

static inline bool slots_knows_self(struct slots_own *own)
{
    return (own != NULL && __atomic_load_n(&own->is_known, __ATOMIC_ACQUIRE) != 0) ||
           aps_slots_row_learn(own);
}

static inline bool slots_is_own(const struct layout_slots *slots, uint64_t row)
{
    return slots_knows_self(slots->own) &&
           slots_pair_eq(slots_owner(&slots->rows[row]), slots->own->owner);
}

/* A free row of this process, for the calling thread alone: one that it had, or a new one. */
bool aps_slots_row_get(struct aps_state *state, uint64_t *out_row);
bool aps_slots_row_claim(struct aps_state *state, uint64_t *out_row);
/* Give it back after its use has come to an end. */
void aps_slots_row_put(struct aps_state *state, uint64_t row);
/* It has not: leave it to the next sweep, as if its owner had died. */
void aps_slots_row_orphan(struct aps_state *state, uint64_t row);

/* ---- slots_sweep.c: what the dead have left */

/* Whether a second has passed since the last sweep of any process; then it is this one's turn. */
bool aps_slots_sweep_is_due(struct aps_state *state, struct aps_table_now now);
/* End the uses of the dead, and count anew who is under way for `tag` (0: for none). */
void aps_slots_sweep(struct aps_state *state, uint64_t tag);
/* aps_slots_usage */
APS_MUST_CHECK enum aps_err aps_slots_sweep_usage(const struct aps_state *state,
                                                  struct aps_slots_usage *out,
                                                  struct aps_diag *diag);

#endif
