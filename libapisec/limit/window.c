/* window.c - fixed and sliding windows: the word is a window and what was counted in it. */
#include <stddef.h>

#include "meter.h"

/* A second beyond what a window reaches is a process whose `now` is a little old. */
#define SKEW ((uint64_t)APS_RATE_SKEW / (uint64_t)APS_SEC)

_Static_assert((APS_WORD_SLIDING_MAX + 1) < UINT64_MAX / APS_TABLE_WINDOW_MAX,
               "a count times a window fits 64 bits");

/* A window in absolute monotonic seconds. */
struct window {
    uint64_t end;
    uint32_t before, count;
    bool cut; /* the word cannot be */
};

static uint64_t seconds(const struct aps_rate_limit *limit)
{
    return (uint64_t)limit->window / (uint64_t)APS_SEC;
}

/* The end of the window that `now` is in, by multiples of the clock. */
static uint64_t end_of(uint64_t now, uint64_t length)
{
    return (now / length + 1) * length;
}

/* What a word of another kind means, which is damage: nothing is left in this window. */
static struct window spent(const struct aps_rate_limit *limit, uint64_t now)
{
    return (struct window){end_of(now, seconds(limit)), 0, limit->burst, true};
}

static uint64_t wait_for(const struct window *w, uint64_t now)
{
    return w->end * (uint64_t)APS_SEC - now;
}

/* ---- Fixed ---- */

static struct window read_fixed(const struct aps_rate_limit *limit, uint64_t word, uint64_t mono)
{
    uint64_t now = mono / (uint64_t)APS_SEC;
    uint64_t ahead = aps_word_ahead(word, now);
    struct window w = {end_of(now, seconds(limit)), 0, 0, false};

    if (word == 0)
        return w;
    if (aps_word_kind(word) != APS_WORD_FIXED)
        return spent(limit, now);
    if (ahead == 0 || ahead > APS_WORD_AT_MAX / 2)
        return w; /* it is over */
    w.count = aps_word_low(word);
    w.cut = ahead > seconds(limit) + SKEW;
    if (!w.cut)
        w.end = now + ahead;
    return w;
}

static uint64_t fixed_word(const struct window *w, uint32_t count)
{
    return aps_word_counted(APS_WORD_FIXED, w->end, count);
}

static void judge_fixed(const struct aps_rate_ask *ask, struct meter_charge *c)
{
    const struct aps_rate_limit *limit = ask->limit;
    uint64_t now = (uint64_t)c->now.mono;
    struct window w = read_fixed(limit, c->spot.word, now);

    c->verdict = (struct meter_verdict){.base = fixed_word(&w, w.count), .cut = w.cut};
    if (ask->cost > limit->burst)
        c->verdict.wait = (uint64_t)APS_RATE_NEVER;
    else if (w.count > limit->burst - ask->cost)
        c->verdict.wait = wait_for(&w, now);
    else
        c->verdict.next = fixed_word(&w, w.count + ask->cost);
}

static struct aps_rate_left left_fixed(const struct aps_rate_ask *ask, uint64_t word,
                                       struct aps_table_now now)
{
    struct window w = read_fixed(ask->limit, word, (uint64_t)now.mono);
    struct aps_rate_left left = {0, 0};

    if (w.count < ask->limit->burst)
        left.remaining = ask->limit->burst - w.count;
    if (w.count != 0)
        left.reset = (aps_nsec)wait_for(&w, (uint64_t)now.mono);
    return left;
}

/* The window is the one that was charged: what is counted in it would have been counted without
 * the charge as well. */
static bool back_fixed(const struct aps_rate_ask *ask, const struct meter_charge *c, uint64_t later,
                       uint64_t *out)
{
    uint64_t word = c->spot.word;

    (void)later;
    if (word >> 32 != c->verdict.next >> 32 || aps_word_low(word) < ask->cost)
        return false;
    *out = word - ask->cost;
    return true;
}

/* ---- Sliding ---- */

static uint64_t sliding_word(const struct aps_rate_limit *limit, const struct window *w,
                             uint32_t count)
{
    return aps_word_counted(APS_WORD_SLIDING, w->end + seconds(limit), w->before << 16 | count);
}

static struct window read_sliding(const struct aps_rate_limit *limit, uint64_t word, uint64_t mono)
{
    uint64_t now = mono / (uint64_t)APS_SEC;
    uint64_t ahead = aps_word_ahead(word, now);
    uint64_t length = seconds(limit);
    struct window w = {end_of(now, length), 0, 0, false};

    if (word == 0)
        return w;
    if (aps_word_kind(word) != APS_WORD_SLIDING)
        return spent(limit, now);
    if (ahead == 0 || ahead > APS_WORD_AT_MAX / 2)
        return w; /* more than one window without a charge */
    w.count = aps_word_low(word) & 0xffff;
    if (ahead <= length) { /* its window is the one before this one */
        w = (struct window){now + ahead, w.count, 0, false};
        return w;
    }
    w.before = aps_word_low(word) >> 16;
    w.cut = ahead > 2 * length + SKEW;
    if (!w.cut)
        w.end = now + ahead - length;
    return w;
}

static uint64_t start_of(const struct aps_rate_limit *limit, const struct window *w)
{
    return w->end * (uint64_t)APS_SEC - (uint64_t)limit->window;
}

/* LIM-05.  A `now` before the window counts as its begin. */
static uint64_t estimate(const struct aps_rate_limit *limit, const struct window *w, uint64_t now)
{
    uint64_t length = (uint64_t)limit->window;
    uint64_t start = start_of(limit, w);
    uint64_t rest = now > start ? length - (now - start) : length;

    return (w->before * rest + length - 1) / length + w->count;
}

/* How far into a window `before` weighs no more than `room`, which is less than it. */
static uint64_t decayed(uint64_t before, uint64_t room, uint64_t length)
{
    return length - room * length / before;
}

/* When `cost`, at most the limit, is first admitted if nothing else is.  Not before the window. */
static uint64_t first_time(const struct aps_rate_limit *limit, const struct window *w,
                           uint32_t cost)
{
    uint64_t length = (uint64_t)limit->window;
    uint64_t room = limit->burst - cost;
    uint64_t start = start_of(limit, w);

    if (w->count < room && w->before > room - w->count)
        return start + decayed(w->before, room - w->count, length);
    if (w->count <= room && w->before <= room - w->count)
        return start;
    start += length; /* then what is counted now is the window before */
    return w->count <= room ? start : start + decayed(w->count, room, length);
}

static uint64_t until(uint64_t time, uint64_t now)
{
    return time > now ? time - now : 0;
}

static void judge_sliding(const struct aps_rate_ask *ask, struct meter_charge *c)
{
    const struct aps_rate_limit *limit = ask->limit;
    uint64_t now = (uint64_t)c->now.mono;
    struct window w = read_sliding(limit, c->spot.word, now);

    c->verdict = (struct meter_verdict){.base = sliding_word(limit, &w, w.count), .cut = w.cut};
    if (ask->cost > limit->burst)
        c->verdict.wait = (uint64_t)APS_RATE_NEVER;
    else if (estimate(limit, &w, now) > limit->burst - ask->cost)
        c->verdict.wait = until(first_time(limit, &w, ask->cost), now);
    else
        c->verdict.next = sliding_word(limit, &w, w.count + ask->cost);
}

static struct aps_rate_left left_sliding(const struct aps_rate_ask *ask, uint64_t word,
                                         struct aps_table_now now)
{
    const struct aps_rate_limit *limit = ask->limit;
    uint64_t mono = (uint64_t)now.mono;
    struct window w = read_sliding(limit, word, mono);
    uint64_t used = estimate(limit, &w, mono);
    struct aps_rate_left left = {0, 0};

    if (used < limit->burst)
        left.remaining = limit->burst - (uint32_t)used;
    if (used != 0)
        left.reset = (aps_nsec)until(first_time(limit, &w, left.remaining + 1), mono);
    return left;
}

/* In the window that was charged, or as the one before. */
static bool back_sliding(const struct aps_rate_ask *ask, const struct meter_charge *c,
                         uint64_t later, uint64_t *out)
{
    uint64_t word = c->spot.word;
    uint64_t later_windows = aps_word_ahead(word, c->verdict.next >> 32);

    (void)later;
    if (aps_word_kind(word) != APS_WORD_SLIDING)
        return false;
    if (later_windows == 0 && (word & 0xffff) >= ask->cost)
        *out = word - ask->cost;
    else if (later_windows == seconds(ask->limit) && (word >> 16 & 0xffff) >= ask->cost)
        *out = word - ((uint64_t)ask->cost << 16);
    else
        return false;
    return true;
}

const struct meter aps_window_fixed_meter = {
    .judge = judge_fixed, .left = left_fixed, .back = back_fixed};
const struct meter aps_window_sliding_meter = {
    .judge = judge_sliding, .left = left_sliding, .back = back_sliding};
