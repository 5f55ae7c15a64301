/* inflight.c - requests under way: the table has calls of its own for them (slots.h), since what is
 * counted must be given back by whoever was let in. */
#include "apisec/slots.h"
#include "meter.h"

static struct aps_slots_ask slots_ask(const struct aps_rate_ask *ask)
{
    return (struct aps_slots_ask){aps_meter_who(ask), ask->limit->burst};
}

/* Nobody can tell when one of them will end. */
static void refuse(struct meter_charge *c, uint32_t count, enum aps_reason reason)
{
    c->verdict = (struct meter_verdict){.base = count, .wait = (uint64_t)APS_SEC};
    c->no_row = reason == APS_REASON_SLOTS_FULL;
    if (reason == APS_REASON_STATE_MOVED)
        c->spot.place = APS_TABLE_RETIRED;
}

static void look(const struct meter_call *call, const struct aps_rate_ask *ask,
                 struct meter_charge *c)
{
    struct aps_slots_ask slots = slots_ask(ask);
    uint32_t count = 0;
    enum aps_reason reason = aps_slots_peek(call->state, &slots, c->now, &count);

    c->spot.place = APS_TABLE_HELD; /* a full table has a place as well */
    c->spot.overflow = false;
    c->no_row = false;
    if (reason == APS_REASON_ALLOW)
        c->verdict = (struct meter_verdict){.base = count, .next = count + 1};
    else
        refuse(c, count, reason);
}

static bool spend(const struct meter_call *call, const struct aps_rate_ask *ask,
                  struct meter_charge *c)
{
    struct aps_slots_ask slots = slots_ask(ask);
    uint32_t count = 0;
    enum aps_reason reason;

    if (c->verdict.wait != 0)
        return false;
    reason = aps_slots_take(call->state, &slots, c->now, &c->slot, &count);
    c->charged = reason == APS_REASON_ALLOW;
    if (c->charged)
        c->verdict.next = count;
    else
        refuse(c, count, reason);
    return c->charged;
}

static void give_back(const struct meter_call *call, const struct aps_rate_ask *ask, uint64_t later,
                      struct meter_charge *c)
{
    (void)ask;
    (void)later;
    c->charged = false;
    aps_slots_release(call->state, &c->slot);
}

/* `word` is how many are in. */
static struct aps_rate_left left(const struct aps_rate_ask *ask, uint64_t word,
                                 struct aps_table_now now)
{
    (void)now;
    return (struct aps_rate_left){
        word < ask->limit->burst ? (uint32_t)(ask->limit->burst - word) : 0, 0};
}

const struct meter aps_inflight_meter = {
    .look = look, .spend = spend, .give_back = give_back, .left = left};
