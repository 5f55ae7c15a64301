/* rate.h - how much each caller may still do.
 *
 * A limit is of one kind, and has one cell for each caller (table.h):
 * - GCRA, in whole nanoseconds: T = ceil(period / count); a caller whose cell says TAT may spend
 *   `cost` at `now` if max(TAT, now) + cost * T - now <= burst * T (LIM-01).  With a delay, one who
 *   would have to wait at most so long is admitted too, and told how long (LIM-07).
 * - Fixed windows: count in each; they begin at multiples of the monotonic clock.
 * - Sliding windows: those, and what the window before still weighs:
 *   ceil(before * (W - elapsed) / W) + count + cost <= limit (LIM-05).
 * - Quotas by the calendar.
 * - Requests under way: who is let in holds a slot (slots.h) until he gives it back.
 * Several limits are charged together, all or nothing, whatever their kinds.
 * Threads and processes: exact across all of them; never allocates, never blocks.
 * No state (NULL): STATE_DOWN, which refuses.
 * Full table: callers take places that no other store's can take; those without a cell share one
 * overflow cell of limit and store; if there is none left, they are refused; never unlimited. */
#ifndef APISEC_RATE_H
#define APISEC_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "apisec/clock.h"
#include "apisec/err.h"
#include "apisec/lease.h"
#include "apisec/num.h"
#include "apisec/reason.h"
#include "apisec/slots.h"
#include "apisec/state.h"
#include "apisec/table.h"
#include "apisec/zone.h"

/* How many cells one request may be charged to: eight limits by role of a key with sixteen roles,
 * and sixteen more. */
#define APS_RATE_MAX 288

/* A cell this far beyond what its limit can reach is damage or another clock's, and is cut to what
 * the limit allows; less far is a process whose `now` is a little old, and stands (LIM-04). */
#define APS_RATE_SKEW APS_SEC

/* A wait that never ends: the cost is above what the limit allows at once (LIM-02). */
#define APS_RATE_NEVER INT64_MAX

enum aps_rate_kind {
    APS_RATE_GCRA,
    APS_RATE_FIXED,
    APS_RATE_SLIDING,
    APS_RATE_QUOTA,
    APS_RATE_INFLIGHT,
};

/* One limit; a plain value, to be made when the configuration or a key is read.  Limits of
 * different kinds, of different windows, and GCRA limits of different rates or bursts need
 * different scopes, or they fight for one cell.  Windows of one length may share a scope while
 * their count changes: what was counted stays. */
struct aps_rate_limit {
    uint64_t scope; /* from aps_table_scope */
    enum aps_rate_kind kind;
    bool plain;     /* GCRA without a delay */
    bool smooth;    /* GCRA: each request waits for its turn */
    uint32_t burst; /* units at most: of the bucket, of a window or period, under way */
    uint64_t step;  /* GCRA: T, nsec that one unit takes to come back */
    uint64_t span;  /* GCRA: burst * T */
    uint64_t reach; /* GCRA: how far a cell may lie ahead: span and delay */
    aps_nsec window;
    aps_nsec delay; /* GCRA: how long an admitted request may be told to wait */
    const struct aps_rate_limit *earlier; /* aps_rate_set_earlier */
    aps_nsec edited;
    const struct aps_zone *zone; /* of a quota */
    enum aps_zone_unit unit;     /* of a quota */
    /* Of a quota: its callers are known by an address alone.  Where many of them are new at once,
     * some are counted without the disk (lease.h). */
    bool is_stranger;
};

/* GCRA.  `burst` 0 means rate.count.  APS_ERR_RANGE: zero in the rate, or burst * T above
 * APS_TABLE_SPAN_MAX (ten years). */
APS_MUST_CHECK enum aps_err aps_rate_init(struct aps_rate_limit *limit, uint64_t scope,
                                          struct aps_rate rate, uint32_t burst,
                                          struct aps_diag *diag);

/* rate.count in each window of rate.period; `kind` is FIXED or SLIDING.
 * APS_ERR_RANGE: another kind; zero in the rate; a period that is not of whole seconds or above
 * APS_TABLE_WINDOW_MAX; more than APS_WORD_SLIDING_MAX in a sliding window. */
APS_MUST_CHECK enum aps_err aps_rate_init_window(struct aps_rate_limit *limit, uint64_t scope,
                                                 enum aps_rate_kind kind, struct aps_rate rate,
                                                 struct aps_diag *diag);

/* Let a GCRA limit admit who would have to wait at most `delay`, and tell how long.  His units are
 * taken at once, so that nobody else gets them.  `smooth` (leaky bucket): who is admitted waits
 * until all before him have had their time, max(0, TAT - now), and is admitted if that is at most
 * `delay`; then the burst bounds the cost of one request, and who makes the limit sees to it
 * that no more than a queue's worth waits (aps_limit_bind).
 * APS_ERR_RANGE: a limit of another kind; a delay of 0 or less, or beyond the ten years. */
APS_MUST_CHECK enum aps_err aps_rate_set_delay(struct aps_rate_limit *limit, aps_nsec delay,
                                               bool smooth, struct aps_diag *diag);

/* `limit`, of the kind GCRA, takes the place of the definition `earlier` (kept), which may have
 * taken the place of another itself.  The last three are asked where a caller has no cell yet, and
 * what he consumed under them counts here, in units.  From then on who still goes by an earlier one
 * is told to come again in a second.  `now` (monotonic) is when this process learned of the edit:
 * for a minute, until all have, callers whom no earlier definition knows are closed to those as
 * well, so that nobody has both; 0: long ago.
 * Each definition needs a scope that no other ever had, even where an old one comes back, or it
 * is closed to itself: number them.  Definitions of other kinds are passed over. */
void aps_rate_set_earlier(struct aps_rate_limit *limit, const struct aps_rate_limit *earlier,
                          aps_nsec now);

/* `count` units in each day, week or month of `zone` (zone.h), which is kept.  What was counted
 * outlives restarts and, but for what was leased and not yet used, power failures (lease.h).
 * Quotas of different units need different scopes; one that gets another count or zone keeps what
 * was consumed in the period that runs.  APS_ERR_RANGE: a count of 0 or above
 * APS_NUM_COUNT_MAX. */
APS_MUST_CHECK enum aps_err aps_rate_init_quota(struct aps_rate_limit *limit, uint64_t scope,
                                                uint32_t count, enum aps_zone_unit unit,
                                                const struct aps_zone *zone, struct aps_diag *diag);

/* `count` requests of a caller under way at once, 1 to APS_SLOTS_MAX; an ask costs 1, whatever its
 * `cost`.  A count that changes keeps who is in.  APS_ERR_RANGE: another count. */
APS_MUST_CHECK enum aps_err aps_rate_init_inflight(struct aps_rate_limit *limit, uint64_t scope,
                                                   uint32_t count, struct aps_diag *diag);

/* What to charge. */
struct aps_rate_ask {
    const struct aps_rate_limit *limit;
    uint64_t caller; /* from aps_table_caller */
    uint64_t store;  /* tells stores apart: whose places it may use; of a caller always the same */
    uint32_t cost;   /* at least 1 */
    uint32_t bonus;  /* of a quota: units granted to this caller beyond it */
    bool at_once;    /* who would have to wait is refused: no delay, and nothing is reserved */
};

/* What is left of a limit after the call. */
struct aps_rate_left {
    uint32_t remaining; /* whole units that could be spent now, without a delay (LIM-03) */
    aps_nsec reset;     /* until one more could be; 0 if none is missing.  `t` of RateLimit */
};

struct aps_rate_result {
    unsigned refused; /* index of the limit with the longest wait; only after a refusal */
    aps_nsec wait;    /* after a refusal, until all would be admitted; APS_RATE_NEVER */
    aps_nsec delay;   /* after ALLOW, how long to wait before going on; mostly 0 */
    /* After ALLOW, of quotas: not DURABLE if a power failure would forget a charge, and why. */
    enum aps_lease_kept kept;
    struct aps_rate_left left[APS_RATE_MAX]; /* for each ask, in order */
    /* After ALLOW, of requests under way: what the caller holds now, and must give back by
     * aps_slots_release when the request is over, however it ends.  Always set, 0 after a refusal.
     */
    unsigned held;
    struct aps_slot slot[APS_RATE_MAX];
};

/* The same for one ask. */
struct aps_rate_answer {
    aps_nsec wait;
    aps_nsec delay;
    enum aps_lease_kept kept;
    struct aps_rate_left left;
    struct aps_slot slot; /* as in aps_rate_result; all zero: none */
};

/* Reads the monotonic clock: aps_clock_monotonic.  Called only where an old `now` would do harm:
 * to give back a charge, and before a cell that lies too far ahead is cut. */
typedef aps_nsec (*aps_rate_clock_fn)(void);

/* Charge all of `asks` or none.  ALLOW, which no asks at all are, or RATE_EXCEEDED; SLOTS_FULL: no
 * row is free for a request under way, and *out is as after RATE_EXCEEDED; INTERNAL for more than
 * APS_RATE_MAX, with nothing of *out set but `held`.  STATE_DOWN: there is no state (NULL), with
 * *out so.  STATE_MOVED: it goes on in another file since a restart that asked for another size,
 * which children of before it do not have; then out->wait is a second.  If another process spends
 * the last unit of one limit after an earlier one was charged, the earlier charge is given back,
 * but for what has drained meanwhile. */
enum aps_reason aps_rate_take_all(struct aps_state *state, const struct aps_rate_ask *asks,
                                  unsigned n, struct aps_table_now now, aps_rate_clock_fn clock,
                                  struct aps_rate_result *out);

/* One ask.  `out` may be NULL, but not where a slot would be held: INTERNAL. */
enum aps_reason aps_rate_take(struct aps_state *state, const struct aps_rate_ask *ask,
                              struct aps_table_now now, aps_rate_clock_fn clock,
                              struct aps_rate_answer *out);

/* What aps_rate_take would say, without a charge; `left` is what is left without it. */
enum aps_reason aps_rate_peek(struct aps_state *state, const struct aps_rate_ask *ask,
                              struct aps_table_now now, aps_rate_clock_fn clock,
                              struct aps_rate_answer *out);

/* True: aps_rate_peek would say ALLOW.  False: it is to be asked.  Costs less, where nearly all
 * have room. */
bool aps_rate_has_room(struct aps_state *state, const struct aps_rate_limit *limit, uint64_t caller,
                       uint32_t cost, struct aps_table_now now);

/* A wait or reset as Retry-After has it: whole seconds, rounded up, at least 1 (LIM-03).
 * APS_RATE_NEVER gives 0: no Retry-After. */
uint64_t aps_rate_seconds(aps_nsec wait);

#endif
