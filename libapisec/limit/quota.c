/* quota.c - quotas of the calendar: the word is the end of a period and what was counted in it.
 *
 * Before a count goes past what is on disk, more of it is leased (lease.h), so that a power failure
 * grants nothing twice.  Where a cell begins anew, or its period changes, it goes on at what was
 * leased of that period. */
#include "apisec/lease.h"
#include "meter.h"

/* Leases of a period at most, and so writes to the disk for a caller in it. */
#define LEASES 64

#define MINUTE ((uint64_t)APS_MINUTE)

/* How far the end of the next period lies behind that of the present one at most, in minutes, with
 * the hours by which a clock may be set back. */
static const uint32_t next_within[] = {
    [APS_ZONE_DAY] = 26 * 60,
    [APS_ZONE_WEEK] = (7 * 24 + 2) * 60,
    [APS_ZONE_MONTH] = (31 * 24 + 2) * 60,
};

static uint64_t wall_of(struct aps_table_now now)
{
    return now.wall > 0 ? (uint64_t)now.wall : 0;
}

/* What a word means now.  A period whose end lies ahead of the present one's is gone on with, since
 * the clock may have been set back; but not one that lies more than a whole period further, which
 * would lock the caller out for the length of somebody's mistake: then its count goes on in the
 * present period.  So it does where the present one ends later, in another zone than before. */
static struct meter_period read_word(const struct aps_rate_limit *limit, uint64_t word,
                                     uint64_t wall)
{
    uint64_t word_end = word >> 32 & APS_WORD_AT_MAX;
    aps_nsec begin, end;
    struct meter_period p = {0, 0, false};

    aps_zone_period(limit->zone, limit->unit, (aps_nsec)wall, &begin, &end);
    p.end = (uint64_t)end / MINUTE;
    if (word == 0)
        return p;
    if (aps_word_kind(word) != APS_WORD_QUOTA) /* damage: nothing is left in this period */
        return (struct meter_period){p.end, UINT32_MAX, true};
    if (word_end <= wall / MINUTE)
        return p;
    p.count = aps_word_low(word);
    if (word_end > p.end && word_end <= p.end + next_within[limit->unit])
        p.end = word_end;
    p.moved = word_end != p.end;
    return p;
}

static uint64_t word_of(uint64_t end, uint32_t count)
{
    return aps_word_counted(APS_WORD_QUOTA, end, count);
}

static uint32_t total_of(const struct aps_rate_ask *ask)
{
    uint32_t total;

    return __builtin_add_overflow(ask->limit->burst, ask->bonus, &total) ? UINT32_MAX : total;
}

/* Nanoseconds to the end of a period that is not over. */
static uint64_t wait_for(uint64_t end, uint64_t wall)
{
    return end * MINUTE - wall;
}

static struct aps_lease lease_of(const struct aps_rate_ask *ask, const struct meter_charge *c,
                                 uint64_t end)
{
    return (struct aps_lease){c->spot.tag, (uint32_t)(end & APS_WORD_AT_MAX),
                              ask->limit->is_stranger};
}

/* Of a cell that resume has read. */
static void judge(const struct aps_rate_ask *ask, struct meter_charge *c)
{
    const struct meter_period *p = &c->period;
    uint32_t total = total_of(ask);

    c->verdict = (struct meter_verdict){.base = word_of(p->end, p->count), .cut = p->moved};
    if (ask->cost > total)
        c->verdict.wait = (uint64_t)APS_RATE_NEVER;
    else if (p->count > total - ask->cost)
        c->verdict.wait = wait_for(p->end, wall_of(c->now));
    else
        c->verdict.next = c->verdict.base + ask->cost;
}

/* Of a word that judge has made: its period is not over. */
static struct aps_rate_left left(const struct aps_rate_ask *ask, uint64_t word,
                                 struct aps_table_now now)
{
    uint32_t total = total_of(ask);
    uint32_t count = aps_word_low(word);
    struct aps_rate_left left = {0, 0};

    if (count < total)
        left.remaining = total - count;
    if (count != 0)
        left.reset = (aps_nsec)wait_for(word >> 32 & APS_WORD_AT_MAX, wall_of(now));
    return left;
}

/* The period is the one that was charged: what is counted in it would have been counted without
 * the charge as well. */
static bool back(const struct aps_rate_ask *ask, const struct meter_charge *c, uint64_t later,
                 uint64_t *out)
{
    uint64_t word = c->spot.word;

    (void)later;
    if (word >> 32 != c->verdict.next >> 32 || aps_word_low(word) < ask->cost)
        return false;
    *out = word - ask->cost;
    return true;
}

/* What was leased of a period goes on where no cell counts it: it was lost in a power failure, or
 * the clock was set back to that period.  It is not a lease that somebody has just taken: he writes
 * the cell first, and a look that is older than it fails when it comes to writing. */
static void resume(const struct meter_call *call, const struct aps_rate_ask *ask,
                   struct meter_charge *c)
{
    struct aps_lease lease;
    uint32_t units;

    c->period = read_word(ask->limit, c->spot.word, wall_of(c->now));
    if (c->spot.word == word_of(c->period.end, c->period.count))
        return;
    lease = lease_of(ask, c, c->period.end);
    units = aps_lease_units(call->state, &lease);
    if (units > c->period.count)
        c->period.count = units;
}

static bool prepare(const struct meter_call *call, const struct aps_rate_ask *ask,
                    struct meter_charge *c)
{
    struct aps_lease lease = lease_of(ask, c, c->verdict.next >> 32);
    uint32_t units = aps_word_low(c->verdict.next);
    uint32_t total = total_of(ask);
    uint32_t step = total / LEASES + (total % LEASES != 0);
    uint32_t most = units - 1 < total - step ? units - 1 + step : total;

    if (c->spot.word >> 32 != c->verdict.base >> 32 &&
        !aps_table_put(call->state, &c->spot, c->verdict.base))
        return false;
    if (aps_lease_covers(call->state, &lease, units))
        c->kept = APS_LEASE_DURABLE;
    else
        c->kept = aps_lease_extend(call->state, &lease, units, most, c->now.mono, c->now.wall);
    return true;
}

/* Not by the short way of kinds that only write a word: the lease goes first. */
const struct meter aps_quota_meter = {
    .judge = judge,
    .left = left,
    .back = back,
    .resume = resume,
    .prepare = prepare,
    .spend = aps_meter_spend,
};
