/* slots_step.c - one step of a slot's way, as docs/design.md, "Requests under way", has them. */
#include "apisec/metrics.h"
#include "pause.h"
#include "slots_impl.h"

/* What a word of the table says; one of another kind is damage and admits nobody until a sweep has
 * counted anew. */
static uint64_t word_of(const struct aps_table_spot *spot)
{
    if (spot->place != APS_TABLE_HELD)
        return APS_WORD_NOBODY;
    if (aps_word_kind(spot->word) != APS_WORD_INFLIGHT)
        return slots_word(APS_SLOTS_MAX, 0);
    return spot->word;
}

static void see_shared(struct aps_state *state, uint64_t index, struct slots_cell *out)
{
    out->key = (struct layout_pair){index, SLOTS_SHARED};
    out->shared = &state->slots.head->shared[index];
    out->seen = layout_load(out->shared);
    out->word = APS_WORD_NOBODY | out->seen; /* it can be of no other kind */
    out->word &= ~APS_WORD_RETIRED;
    out->retired = (out->seen & APS_WORD_RETIRED) != 0 && layout_load(&state->head->retired) != 0;
}

static void see_cell(uint64_t tag, struct slots_cell *out)
{
    out->key = (struct layout_pair){tag, 0};
    out->shared = NULL;
    out->word = word_of(&out->spot);
    out->retired = out->spot.place == APS_TABLE_RETIRED;
}

bool aps_slots_step_find(struct aps_state *state, struct layout_pair key, struct slots_cell *out)
{
    if ((key.b & SLOTS_SHARED) != 0) {
        if (key.a >= LAYOUT_SHARED)
            return false;
        see_shared(state, key.a, out);
        return true;
    }
    if (!aps_table_find(state, key.a, &out->spot))
        return false;
    see_cell(key.a, out);
    return true;
}

void aps_slots_step_look(struct aps_state *state, const struct aps_table_who *who, uint64_t tag,
                         struct aps_table_now now, struct slots_cell *out)
{
    if (!aps_table_find(state, tag, &out->spot))
        aps_table_look(state, who, now, &out->spot);
    if (out->spot.place != APS_TABLE_RETIRED &&
        (out->spot.overflow || out->spot.reserved || out->spot.place == APS_TABLE_NONE))
        see_shared(state, slots_shared_of(tag), out);
    else
        see_cell(tag, out);
}

/* Whether the cell is still as it was seen. */
static bool is_there(const struct slots_cell *cell)
{
    const struct layout_pair *pair = cell->spot.cell;

    if (cell->shared != NULL)
        return layout_load(cell->shared) == cell->seen;
    return layout_load(&pair->b) == cell->spot.seen_state &&
           layout_load(&pair->a) == cell->spot.seen_tag;
}

bool aps_slots_step_complete(struct aps_state *state, const struct slots_cell *cell)
{
    uint64_t op = cell->word & SLOTS_OP_MASK;
    bool release = (op & SLOTS_RELEASE) != 0;
    uint64_t index = (op & ~SLOTS_RELEASE) >> SLOTS_ROW_SHIFT;
    struct layout_slot *row;
    struct layout_pair use;

    if (op == 0 || index >= state->slots.count)
        return true;
    row = &state->slots.rows[index];
    APS_PAUSE_POINT(40);
    if (!slots_read_use(row, &use))
        return false;
    if (slots_state(use.b) != (release ? SLOTS_HELD : SLOTS_INTENT) || use.a != cell->key.a ||
        (use.b & SLOTS_SHARED) != cell->key.b || ((use.b ^ op) & SLOTS_LOW_MASK) != 0)
        return true; /* it went on since */
    /* The low bits of a number come back after 2^27 uses.  But to have the row for another use, the
     * cell had to name the end of the one before; so what it still names is this use. */
    APS_PAUSE_POINT(41);
    if (!is_there(cell))
        return false;
    APS_PAUSE_POINT(42);
    (void)layout_swap(
        &row->use, use, /* or somebody else did it */
        (struct layout_pair){use.a, slots_in_state(use.b, release ? SLOTS_DONE : SLOTS_HELD)});
    return true;
}

static bool put_shared(struct slots_cell *cell, uint64_t word)
{
    if (cell->retired)
        word |= APS_WORD_RETIRED; /* it stays so when somebody leaves */
    if (!__sync_bool_compare_and_swap(cell->shared, cell->seen, word))
        return false;
    cell->seen = word;
    return true;
}

/* As aps_table_put does where there is a cell, without the call. */
static inline bool put_held(struct aps_table_spot *spot, uint64_t word)
{
    if (!layout_swap(spot->cell, (struct layout_pair){spot->seen_tag, spot->seen_state},
                     (struct layout_pair){spot->seen_tag, word}))
        return false;
    spot->seen_state = word;
    return true;
}

bool aps_slots_step_put(struct aps_state *state, struct slots_cell *cell, uint64_t word)
{
    bool done;

    APS_PAUSE_POINT(48);
    if (cell->shared != NULL)
        done = put_shared(cell, word);
    else if (cell->spot.place == APS_TABLE_HELD)
        done = put_held(&cell->spot, word);
    else
        done = aps_table_put(state, &cell->spot, word);
    if (done)
        cell->word = word;
    return done;
}

/* False: somebody else has changed the row. */
static bool go_on(struct layout_slot *row, struct layout_pair *use, enum slots_state to)
{
    struct layout_pair next = {use->a, slots_in_state(use->b, to)};

    APS_PAUSE_POINT(43);
    if (!layout_swap(&row->use, *use, next))
        return false;
    *use = next;
    return true;
}

/* The row says already that it is done.  Then the cell forgets the operation, then the row is free:
 * an idle cell, which others may take, so never names what is not complete. */
static bool forget(struct aps_state *state, struct layout_slot *row, struct layout_pair *use,
                   struct slots_cell *cell, bool is_named)
{
    APS_PAUSE_POINT(45);
    if (is_named && aps_word_under_way(cell->word) == 0)
        (void)aps_slots_step_put(state, cell, APS_WORD_NOBODY); /* or another operation is there */
    return go_on(row, use, SLOTS_FREE);
}

/* Count one less and say who did it, then all that follows.  Where nothing is counted, somebody
 * damaged the cell. */
static bool uncount(struct aps_state *state, struct layout_slot *row, struct layout_pair *use,
                    uint64_t op, struct slots_cell *cell, bool *out_counted)
{
    uint32_t count = aps_word_under_way(cell->word);

    if (count == 0)
        return go_on(row, use, SLOTS_FREE);
    /* Where it names the take of this use, that is complete: the row says HELD. */
    if ((cell->word & SLOTS_OP_MASK) != op && !aps_slots_step_complete(state, cell))
        return false;
    APS_PAUSE_POINT(44);
    if (!aps_slots_step_put(state, cell, slots_word(count - 1, op | SLOTS_RELEASE)))
        return false;
    *out_counted = true;
    return go_on(row, use, SLOTS_DONE) && forget(state, row, use, cell, true);
}

/* One try to end the use from where it stands.  False: not yet, or the row is not as in `use`. */
static bool try_end(struct aps_state *state, uint64_t index, struct layout_pair use,
                    bool *out_counted)
{
    struct layout_slot *row = &state->slots.rows[index];
    struct slots_cell cell;
    uint64_t op = slots_op(index, use.b);
    struct layout_pair again;
    uint64_t last;

    APS_PAUSE_POINT(46);
    if (!aps_slots_step_find(state, use, &cell))
        cell.word = APS_WORD_NOBODY;
    last = cell.word & SLOTS_OP_MASK;
    APS_PAUSE_POINT(47);
    /* What the cell does not name has been completed, or never was: the row tells, if it is read
     * after the cell. */
    if (!slots_read_use(row, &again) || !slots_pair_eq(use, again))
        return false;
    switch (slots_state(use.b)) {
    case SLOTS_INTENT:
        return last == op ? go_on(row, &use, SLOTS_HELD) && false : go_on(row, &use, SLOTS_FREE);
    case SLOTS_HELD:
        if (last != (op | SLOTS_RELEASE))
            return uncount(state, row, &use, op, &cell, out_counted);
        return go_on(row, &use, SLOTS_DONE) && forget(state, row, &use, &cell, true);
    case SLOTS_DONE:
        return forget(state, row, &use, &cell, last == (op | SLOTS_RELEASE));
    default: /* damage */
        return go_on(row, &use, SLOTS_FREE);
    }
}

bool aps_slots_step_finish(struct aps_state *state, uint64_t index, struct layout_pair use,
                           bool *out_counted)
{
    *out_counted = false;
    for (unsigned tries = 0; tries < SLOTS_TRIES; tries++) {
        if (slots_state(use.b) == SLOTS_FREE || try_end(state, index, use, out_counted))
            return true;
        (void)slots_read_use(&state->slots.rows[index], &use); /* torn, it fits no row */
    }
    return false;
}
