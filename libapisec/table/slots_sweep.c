/* slots_sweep.c - what processes that have ended left of their requests. */
#include <string.h>

#include "apisec/metrics.h"
#include "owner.h"
#include "pause.h"
#include "slots_impl.h"

/* How many running processes one search examines by /proc; others count as running. */
#define EXAMINE_MAX 1024

#define KNOWN 64
#define CHUNK 512

static const struct layout_pair FREE = {0, 0};

/* Owners that were examined, so that each process is once and not once for each of its rows. */
struct examined {
    struct layout_pair owner[KNOWN];
    bool is_alive[KNOWN];
    unsigned n;
};

static bool is_alive(struct examined *examined, struct layout_pair owner)
{
    size_t i = (owner.a ^ owner.b) % KNOWN;

    if (slots_pair_eq(examined->owner[i], owner))
        return examined->is_alive[i];
    if (!aps_owner_is_number_taken(owner))
        return false;
    examined->owner[i] = owner;
    examined->is_alive[i] = examined->n++ >= EXAMINE_MAX || aps_owner_is_alive(owner);
    return examined->is_alive[i];
}

bool aps_slots_sweep_is_due(struct aps_state *state, struct aps_table_now now)
{
    uint64_t *word = &state->slots.head->swept;
    uint64_t last = layout_load(word);
    uint64_t mono = (uint64_t)now.mono;
    uint64_t apart = mono > last ? mono - last : last - mono;

    /* A time ahead is a process whose `now` is a little old; further ahead it is damage. */
    return apart >= (uint64_t)APS_SLOTS_SWEEP && __sync_bool_compare_and_swap(word, last, mono);
}

/* Take the row over, so that nobody else works on it, and end its use as its owner would have. */
static void bury(struct aps_state *state, uint64_t index, struct layout_pair dead,
                 struct layout_pair self)
{
    struct layout_slot *row = &state->slots.rows[index];
    struct layout_pair use;
    bool counted;

    APS_PAUSE_POINT(60);
    if (!layout_swap(&row->owner, dead, self))
        return;
    APS_PAUSE_POINT(61);
    if (!slots_read_use(row, &use) || !aps_slots_step_finish(state, index, use, &counted)) {
        aps_slots_row_orphan(state, index);
        return;
    }
    if (counted)
        aps_metrics_add(state, APS_METRIC_SLOTS_RETURNED, 1);
    APS_PAUSE_POINT(62);
    (void)layout_swap(&row->owner, self, FREE);
}

/* How many rows are counted by the cell, whose word has not changed if it is still the same after:
 * each operation leaves its number in it.  False: a row changes all the time. */
static bool count_rows(const struct aps_state *state, const struct slots_cell *cell, uint64_t *out)
{
    uint64_t last = cell->word & SLOTS_OP_MASK;
    uint64_t n = 0;

    for (uint64_t i = 0; i < state->slots.count; i++) {
        struct layout_pair use;
        uint64_t op;

        if (layout_load(&state->slots.rows[i].use.a) != cell->key.a)
            continue;
        APS_PAUSE_POINT(63);
        if (!slots_read_use(&state->slots.rows[i], &use))
            return false;
        op = slots_op(i, use.b);
        if (use.a != cell->key.a || (use.b & SLOTS_SHARED) != cell->key.b)
            continue;
        n += slots_state(use.b) == SLOTS_INTENT && last == op;
        n += slots_state(use.b) == SLOTS_HELD && last != (op | SLOTS_RELEASE);
    }
    *out = n;
    return true;
}

/* A count that the rows do not bear out was damaged, or has lost a row that was: set it right. */
static void count_anew(struct aps_state *state, struct layout_pair key)
{
    struct slots_cell cell;
    uint64_t n;

    if (!aps_slots_step_find(state, key, &cell) || aps_word_under_way(cell.word) == 0)
        return;
    APS_PAUSE_POINT(64);
    if (!count_rows(state, &cell, &n) || n == aps_word_under_way(cell.word) || n > APS_SLOTS_MAX ||
        !aps_slots_step_complete(state, &cell))
        return;
    APS_PAUSE_POINT(65);
    if (aps_slots_step_put(state, &cell, slots_word(n, 0)))
        aps_metrics_add(state, APS_METRIC_SLOTS_REPAIRED, 1);
}

void aps_slots_sweep(struct aps_state *state, uint64_t tag)
{
    struct examined examined;
    struct layout_pair self;

    if (!slots_knows_self(state->slots.own))
        return;
    self = state->slots.own->owner;
    memset(&examined, 0, sizeof examined);
    for (uint64_t i = 0; i < state->slots.count; i++) {
        struct layout_pair owner = slots_owner(&state->slots.rows[i]);

        if (!slots_pair_eq(owner, FREE) && !slots_pair_eq(owner, self) &&
            !is_alive(&examined, owner))
            bury(state, i, owner, self);
    }
    if (tag != 0) {
        count_anew(state, (struct layout_pair){tag, 0});
        count_anew(state, (struct layout_pair){slots_shared_of(tag), SLOTS_SHARED});
    }
}

static void count_usage(const struct layout_slot *rows, size_t n, struct examined *examined,
                        struct aps_slots_usage *usage)
{
    for (size_t i = 0; i < n; i++) {
        struct layout_pair owner = slots_owner(&rows[i]);

        if (slots_pair_eq(owner, FREE))
            continue;
        if (!is_alive(examined, owner))
            usage->left++;
        else if (slots_state(layout_load(&rows[i].use.b)) == SLOTS_HELD)
            usage->held++;
        else
            usage->kept++;
    }
}

enum aps_err aps_slots_sweep_usage(const struct aps_state *state, struct aps_slots_usage *out,
                                   struct aps_diag *diag)
{
    struct aps_slots_usage usage = {.rows = state->slots.count};
    uint64_t at = state->slots.at + sizeof(struct layout_slots_head);
    struct layout_slot chunk[CHUNK];
    struct examined examined;

    memset(&examined, 0, sizeof examined);
    if (state->slots.head != NULL) {
        count_usage(state->slots.rows, state->slots.count, &examined, &usage);
        *out = usage;
        return APS_OK;
    }
    for (uint64_t i = 0; i < state->slots.count; i += CHUNK) {
        if (!aps_layout_read_at(state->fd, chunk, sizeof chunk, at)) {
            aps_err_explain(diag, "the state file could not be read at byte %llu",
                            (unsigned long long)at);
            return APS_ERR_IO;
        }
        count_usage(chunk, CHUNK, &examined, &usage);
        at += sizeof chunk;
    }
    *out = usage;
    return APS_OK;
}
