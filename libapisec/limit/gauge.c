/* gauge.c - how far a caller is into a limit. */
#include "apisec/gauge.h"

#include "meter.h"

static uint32_t most_of(const struct aps_rate_ask *ask)
{
    uint32_t most = ask->limit->burst;

    if (ask->limit->kind == APS_RATE_QUOTA && __builtin_add_overflow(most, ask->bonus, &most))
        return UINT32_MAX;
    return most;
}

/* Until the word says nothing any more. */
static aps_nsec full_in(uint64_t word, struct aps_table_now now)
{
    uint64_t until = aps_word_until(word);

    switch (aps_word_kind(word)) {
    case APS_WORD_GCRA:
        return until > (uint64_t)now.mono ? (aps_nsec)(until - (uint64_t)now.mono) : 0;
    case APS_WORD_QUOTA:
        return (aps_nsec)aps_word_ahead(word, (uint64_t)(now.wall / APS_MINUTE)) * APS_MINUTE -
               now.wall % APS_MINUTE;
    case APS_WORD_INFLIGHT:
        return 0;
    default:
        return (aps_nsec)aps_word_ahead(word, (uint64_t)(now.mono / APS_SEC)) * APS_SEC -
               now.mono % APS_SEC;
    }
}

/* The window after the one that runs weighs only what is counted in this one. */
static aps_nsec sliding_full_in(const struct aps_rate_limit *limit, uint64_t word,
                                struct aps_table_now now)
{
    aps_nsec full = full_in(word, now);

    return (aps_word_low(word) & 0xffff) != 0 ? full : full - limit->window;
}

void aps_gauge_read(struct aps_state *state, const struct aps_rate_ask *ask,
                    struct aps_table_now now, aps_rate_clock_fn clock, struct aps_gauge *out)
{
    struct meter_call call = {state, clock};
    struct aps_rate_ask one = *ask;
    struct aps_rate_answer answer;
    struct meter_charge c;

    *out = (struct aps_gauge){0};
    if (ask->limit->kind == APS_RATE_INFLIGHT)
        return;
    one.cost = 1;
    (void)aps_rate_peek(state, &one, now, clock, &answer); /* what is left is told in either case */
    aps_meter_look(&call, &one, now, &c);
    out->most = most_of(ask);
    out->remaining = answer.left.remaining < out->most ? answer.left.remaining : out->most;
    out->consumed = out->most - out->remaining;
    out->shared = c.spot.overflow || c.spot.place == APS_TABLE_NONE;
    if (out->consumed == 0)
        return;
    out->next = answer.left.reset;
    if (c.spot.place == APS_TABLE_NONE)
        out->full = (aps_nsec)c.verdict.wait; /* nobody counts him: he may ask again then */
    else if (ask->limit->kind == APS_RATE_SLIDING)
        out->full = sliding_full_in(ask->limit, c.verdict.base, now);
    else
        out->full = full_in(c.verdict.base, now);
}
