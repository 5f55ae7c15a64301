/* meter.c - the kinds of limits, and what all of them do with a cell. */
#include "meter.h"

#include <assert.h>

#include "apisec/metrics.h"

static void judge_never(const struct aps_rate_ask *ask, struct meter_charge *c)
{
    (void)ask;
    c->verdict = (struct meter_verdict){.wait = (uint64_t)APS_RATE_NEVER};
}

static struct aps_rate_left left_never(const struct aps_rate_ask *ask, uint64_t word,
                                       struct aps_table_now now)
{
    (void)ask;
    (void)word;
    (void)now;
    return (struct aps_rate_left){0, APS_RATE_NEVER};
}

static const struct meter never = {.judge = judge_never, .left = left_never};

const struct meter *const aps_meter_rows[METER_ROWS + 1] = {
    [APS_RATE_GCRA] = &aps_gcra_meter,
    [APS_RATE_FIXED] = &aps_window_fixed_meter,
    [APS_RATE_SLIDING] = &aps_window_sliding_meter,
    [APS_RATE_QUOTA] = &aps_quota_meter,
    [APS_RATE_INFLIGHT] = &aps_inflight_meter,
    [METER_ROWS] = &never,
};

/* What the spot says, whichever it is. */
static void judge(const struct meter *meter, const struct aps_rate_ask *ask, struct meter_charge *c)
{
    if (c->spot.place != APS_TABLE_NONE && c->spot.place != APS_TABLE_RETIRED) {
        meter->judge(ask, c);
        return;
    }
    /* Every cell is in use, also of those that are shared, or the table goes on elsewhere: refuse,
     * and let him come again soon. */
    c->verdict = (struct meter_verdict){.wait = (uint64_t)APS_SEC};
}

static void find(const struct meter_call *call, const struct meter *meter,
                 const struct aps_rate_ask *ask, struct meter_charge *c)
{
    struct aps_table_who who = aps_meter_who(ask);

    aps_table_look(call->state, &who, c->now, &c->spot);
    if (c->spot.place != APS_TABLE_HELD && c->spot.place != APS_TABLE_RETIRED &&
        !c->spot.overflow && meter->begin != NULL)
        meter->begin(call, ask, c);
    if (meter->resume != NULL && c->spot.place != APS_TABLE_RETIRED)
        meter->resume(call, ask, c);
}

/* Keep the cut of a cell, since otherwise the caller would wait for a time that this limit never
 * asked for (LIM-04).  First the clock is read again: it may be that not the cell is ahead, but
 * this process was stopped since it read its `now`, and a cut would forget what others charged. */
static void cut(const struct meter_call *call, const struct meter *meter,
                const struct aps_rate_ask *ask, struct meter_charge *c)
{
    aps_nsec now = call->clock();

    if (now > c->now.mono) {
        c->now.mono = now;
        judge(meter, ask, c);
    }
    for (unsigned tries = 0; c->verdict.cut && tries < APS_TABLE_TRIES; tries++) {
        if (aps_table_put(call->state, &c->spot, c->verdict.base))
            break;
        find(call, meter, ask, c);
        judge(meter, ask, c);
    }
}

void aps_meter_look(const struct meter_call *call, const struct aps_rate_ask *ask,
                    struct aps_table_now now, struct meter_charge *c)
{
    const struct meter *meter = aps_meter_of(ask->limit);

    assert(ask->cost != 0);
    c->now = now;
    c->charged = false;
    c->kept = APS_LEASE_DURABLE;
    if (meter->look != NULL) {
        meter->look(call, ask, c);
        return;
    }
    find(call, meter, ask, c);
    judge(meter, ask, c);
    if (c->verdict.cut)
        cut(call, meter, ask, c);
}

/* The cell has changed since the look: look again, in the end at the overflow cell only. */
static void look_again(const struct meter_call *call, const struct aps_rate_ask *ask,
                       unsigned tries, struct meter_charge *c)
{
    const struct meter *meter = aps_meter_of(ask->limit);
    struct aps_table_who who = aps_meter_who(ask);

    aps_metrics_add(call->state, APS_METRIC_TABLE_RETRY, 1);
    if (tries < APS_TABLE_TRIES) {
        aps_meter_look(call, ask, c->now, c);
        return;
    }
    aps_table_look_overflow(call->state, &who, c->now, &c->spot);
    if (meter->resume != NULL)
        meter->resume(call, ask, c);
    judge(meter, ask, c);
    if (c->verdict.wait == 0 && tries >= 2 * APS_TABLE_TRIES)
        c->verdict.wait = (uint64_t)APS_SEC; /* somebody damages cells faster than they change */
}

bool aps_meter_spend(const struct meter_call *call, const struct aps_rate_ask *ask,
                     struct meter_charge *c)
{
    const struct meter *meter = aps_meter_of(ask->limit);

    for (unsigned tries = 0; c->verdict.wait == 0; tries++) {
        if ((meter->prepare == NULL || meter->prepare(call, ask, c)) &&
            aps_table_put(call->state, &c->spot, c->verdict.next)) {
            if (c->spot.overflow)
                aps_metrics_add(call->state, APS_METRIC_TABLE_OVERFLOW, 1);
            if (c->kept != APS_LEASE_DURABLE)
                aps_metrics_add(call->state, APS_METRIC_QUOTA_UNDURABLE, 1);
            c->charged = true;
            return true;
        }
        look_again(call, ask, tries, c);
    }
    return false;
}

void aps_meter_give_back(const struct meter_call *call, const struct aps_rate_ask *ask,
                         uint64_t later, struct meter_charge *c)
{
    const struct meter *meter = aps_meter_of(ask->limit);
    struct aps_table_who who = aps_meter_who(ask);
    bool overflow = c->spot.overflow;
    uint64_t word;

    c->charged = false;
    for (unsigned tries = 0; tries < APS_TABLE_TRIES; tries++) {
        if (c->spot.place != APS_TABLE_HELD || c->spot.overflow != overflow ||
            !meter->back(ask, c, later, &word))
            return; /* the cell is gone: it was idle, or somebody needed the place */
        if (aps_table_put(call->state, &c->spot, word)) {
            aps_metrics_add(call->state, APS_METRIC_TABLE_RETURNED, 1);
            return;
        }
        if (overflow)
            aps_table_look_overflow(call->state, &who, c->now, &c->spot);
        else
            aps_table_look(call->state, &who, c->now, &c->spot);
    }
}
