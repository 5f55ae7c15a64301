/* slots.c - how many requests of a caller are under way. */
#include "apisec/slots.h"

#include <string.h>

#include "apisec/metrics.h"
#include "pause.h"
#include "slots_impl.h"

#define NO_ROW UINT64_MAX

/* A take on its way. */
struct take {
    uint64_t row;           /* NO_ROW: none yet */
    struct layout_pair use; /* of that row */
};

/* Where the caller stands: in its cell, and among those who share a word since they had none. */
struct standing {
    uint64_t tag;
    struct slots_cell cell;
    uint64_t elsewhere;
};

static uint64_t count_in_cell(struct aps_state *state, uint64_t tag)
{
    struct slots_cell cell;

    if (!aps_slots_step_find(state, (struct layout_pair){tag, 0}, &cell))
        return 0;
    return aps_word_under_way(cell.word);
}

/* What the other place of the tag counts: callers who came when the table was full have their
 * count in the shared word as long as they stay.  To be read after the own count was changed: of
 * two takes at both places at least one then sees the other. */
static inline uint64_t count_elsewhere(struct aps_state *state, uint64_t tag,
                                       const struct slots_cell *cell)
{
    if (cell->shared != NULL)
        return count_in_cell(state, tag);
    return aps_word_under_way(layout_load(&state->slots.head->shared[slots_shared_of(tag)]));
}

static void look(struct aps_state *state, const struct aps_slots_ask *ask, struct aps_table_now now,
                 struct standing *out)
{
    out->tag = aps_table_tag(state, ask->who.scope, ask->who.caller);
    aps_slots_step_look(state, &ask->who, out->tag, now, &out->cell);
    out->elsewhere = count_elsewhere(state, out->tag, &out->cell);
}

static uint64_t total(const struct standing *at)
{
    return aps_word_under_way(at->cell.word) + at->elsewhere;
}

static uint64_t max_of(const struct aps_slots_ask *ask)
{
    return ask->max < APS_SLOTS_MAX ? ask->max : APS_SLOTS_MAX;
}

/* Bring the row's use to its end, and have the row at hand again. */
static void give_up(struct aps_state *state, uint64_t row, struct layout_pair use)
{
    bool counted;

    if (aps_slots_step_finish(state, row, use, &counted))
        aps_slots_row_put(state, row);
    else
        aps_slots_row_orphan(state, row);
}

static bool get_row(struct aps_state *state, struct aps_table_now now, uint64_t *out_row)
{
    if (aps_slots_row_get(state, out_row))
        return true;
    /* A process that begins or grows is what follows on the death of another. */
    if (aps_slots_sweep_is_due(state, now))
        aps_slots_sweep(state, 0);
    return aps_slots_row_claim(state, out_row);
}

/* The number after the last one, but not one that a word would take for no operation. */
static uint64_t number_after(uint64_t last)
{
    uint64_t number = (last + 1) & SLOTS_NUMBER_MASK;

    return (number & SLOTS_LOW_MASK) != 0 ? number : number + 1;
}

/* Have a row that says what is intended.  False: there is none. */
static bool intend(struct aps_state *state, struct aps_table_now now, const struct slots_cell *cell,
                   struct take *take)
{
    struct layout_pair before;

    if (take->row != NO_ROW) {
        if (take->use.a == cell->key.a && (take->use.b & SLOTS_SHARED) == cell->key.b)
            return true;
        give_up(state, take->row, take->use); /* meanwhile the other place is the one to take */
        take->row = NO_ROW;
    }
    if (!get_row(state, now, &take->row))
        return false;
    if (slots_read_use(&state->slots.rows[take->row], &before)) {
        take->use.a = cell->key.a;
        take->use.b = slots_in_state(cell->key.b | number_after(before.b), SLOTS_INTENT);
        APS_PAUSE_POINT(70);
        if (layout_swap(&state->slots.rows[take->row].use, before, take->use))
            return true;
    }
    aps_slots_row_orphan(state, take->row); /* somebody damages it */
    take->row = NO_ROW;
    return false;
}

/* Count one more and say who did it.  False: the cell has changed. */
static bool count_in(struct aps_state *state, struct slots_cell *cell, const struct take *take)
{
    uint64_t held = slots_in_state(take->use.b, SLOTS_HELD);

    if (!aps_slots_step_complete(state, cell))
        return false;
    APS_PAUSE_POINT(71);
    if (!aps_slots_step_put(
            state, cell,
            slots_word(aps_word_under_way(cell->word) + 1, slots_op(take->row, take->use.b))))
        return false;
    APS_PAUSE_POINT(72);
    (void)layout_swap(&state->slots.rows[take->row].use, take->use, /* or somebody else did it */
                      (struct layout_pair){take->use.a, held});
    return true;
}

/* ALLOW, and the row is held; or RATE_EXCEEDED or SLOTS_FULL, and a row is to be given up. */
static enum aps_reason try_take(struct aps_state *state, const struct aps_slots_ask *ask,
                                struct aps_table_now now, struct take *take, struct standing *at)
{
    for (unsigned tries = 0; tries < SLOTS_TRIES; tries++) {
        look(state, ask, now, at);
        if (at->cell.retired)
            return APS_REASON_STATE_MOVED;
        if (total(at) >= max_of(ask))
            return APS_REASON_RATE_EXCEEDED;
        if (!intend(state, now, &at->cell, take))
            return APS_REASON_SLOTS_FULL;
        if (!count_in(state, &at->cell, take)) {
            aps_metrics_add(state, APS_METRIC_TABLE_RETRY, 1);
            continue;
        }
        APS_PAUSE_POINT(73);
        at->elsewhere = count_elsewhere(state, at->tag, &at->cell);
        if (at->elsewhere != 0 && total(at) > max_of(ask))
            return APS_REASON_RATE_EXCEEDED;
        return APS_REASON_ALLOW; /* the only line that lets a request in */
    }
    return APS_REASON_RATE_EXCEEDED;
}

static enum aps_reason take_once(struct aps_state *state, const struct aps_slots_ask *ask,
                                 struct aps_table_now now, struct aps_slot *out,
                                 struct standing *at)
{
    struct take take = {.row = NO_ROW};
    enum aps_reason reason = try_take(state, ask, now, &take, at);

    if (reason == APS_REASON_ALLOW) {
        if ((take.use.b & SLOTS_SHARED) != 0)
            aps_metrics_add(state, APS_METRIC_TABLE_OVERFLOW, 1);
        *out = (struct aps_slot){take.use.a, slots_in_state(take.use.b, SLOTS_HELD),
                                 (uint32_t)take.row};
        return APS_REASON_ALLOW;
    }
    if (take.row != NO_ROW)
        give_up(state, take.row, take.use);
    return reason;
}

enum aps_reason aps_slots_take(struct aps_state *state, const struct aps_slots_ask *ask,
                               struct aps_table_now now, struct aps_slot *out, uint32_t *out_count)
{
    struct standing at;
    enum aps_reason reason;

    memset(out, 0, sizeof *out);
    if (state == NULL)
        return APS_REASON_STATE_DOWN;
    reason = take_once(state, ask, now, out, &at);
    if (reason != APS_REASON_ALLOW && reason != APS_REASON_STATE_MOVED &&
        aps_slots_sweep_is_due(state, now)) {
        aps_slots_sweep(state, at.tag);
        reason = take_once(state, ask, now, out, &at);
    }
    if (reason == APS_REASON_SLOTS_FULL)
        aps_metrics_add(state, APS_METRIC_SLOTS_FULL, 1);
    if (out_count != NULL)
        *out_count = (uint32_t)total(&at);
    return reason;
}

enum aps_reason aps_slots_peek(struct aps_state *state, const struct aps_slots_ask *ask,
                               struct aps_table_now now, uint32_t *out_count)
{
    struct standing at;

    if (state == NULL)
        return APS_REASON_STATE_DOWN;
    look(state, ask, now, &at);
    if (total(&at) >= max_of(ask) && aps_slots_sweep_is_due(state, now)) {
        aps_slots_sweep(state, at.tag);
        look(state, ask, now, &at);
    }
    if (out_count != NULL)
        *out_count = (uint32_t)total(&at);
    if (at.cell.retired)
        return APS_REASON_STATE_MOVED;
    return total(&at) < max_of(ask) ? APS_REASON_ALLOW : APS_REASON_RATE_EXCEEDED;
}

enum aps_reason aps_slots_take_all(struct aps_state *state, const struct aps_slots_ask *asks,
                                   unsigned n, struct aps_table_now now, struct aps_slot *out)
{
    enum aps_reason reason = APS_REASON_ALLOW;
    unsigned taken = 0;

    while (taken < n && reason == APS_REASON_ALLOW) {
        reason = aps_slots_take(state, &asks[taken], now, &out[taken], NULL);
        taken++;
    }
    while (reason != APS_REASON_ALLOW && taken > 0)
        aps_slots_release(state, &out[--taken]);
    return reason;
}

void aps_slots_release(struct aps_state *state, struct aps_slot *slot)
{
    struct aps_slot held = *slot;
    struct layout_pair use;

    memset(slot, 0, sizeof *slot);
    if (state == NULL || held.use == 0 || held.row >= state->slots.count)
        return;
    APS_PAUSE_POINT(74);
    /* Else it was taken from us, against all rules, and whoever did that has ended its use. */
    if (slots_is_own(&state->slots, held.row) &&
        slots_read_use(&state->slots.rows[held.row], &use) && use.a == held.key &&
        use.b == held.use)
        give_up(state, held.row, use);
}

enum aps_err aps_slots_usage(const struct aps_state *state, struct aps_slots_usage *out,
                             struct aps_diag *diag)
{
    return aps_slots_sweep_usage(state, out, diag);
}
