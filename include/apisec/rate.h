/* rate.h - how much each caller may still do: GCRA in whole nanoseconds.
 *
 * T = ceil(period / count); a caller whose cell says TAT may spend `cost` at `now` if
 * max(TAT, now) + cost * T - now <= burst * T (LIM-01).  Times are monotonic.
 * Threads and processes: exact across all of them; never allocates, never blocks.
 * No state (NULL): STATE_DOWN, which refuses.
 * Full table: callers without a cell share one overflow cell of the limit; never unlimited. */
#ifndef APISEC_RATE_H
#define APISEC_RATE_H

#include <stdint.h>

#include "apisec/clock.h"
#include "apisec/err.h"
#include "apisec/num.h"
#include "apisec/reason.h"
#include "apisec/state.h"
#include "apisec/table.h"

/* How many cells one request may be charged to: eight limits by role of a key with sixteen roles,
 * and sixteen more. */
#define APS_RATE_MAX 144

/* A cell this far beyond its full burst is another clock's or an older limit's, and is cut to the
 * burst; less far is a process whose `now` is a little old, and stands (LIM-04). */
#define APS_RATE_SKEW APS_SEC

/* A wait that never ends: the cost is above the burst (LIM-02). */
#define APS_RATE_NEVER INT64_MAX

/* One limit; a plain value, to be made when the configuration or a key is read.  Two limits of
 * different rates need different scopes, or they fight for one cell. */
struct aps_rate_limit {
    uint64_t scope; /* from aps_table_scope */
    uint64_t step;  /* T: nsec that one unit takes to come back */
    uint64_t span;  /* burst * T */
    uint32_t burst;
};

/* `burst` 0 means rate.count.  APS_ERR_RANGE: zero in the rate, or burst * T above
 * APS_TABLE_SPAN_MAX (ten years). */
APS_MUST_CHECK enum aps_err aps_rate_init(struct aps_rate_limit *limit, uint64_t scope,
                                          struct aps_rate rate, uint32_t burst,
                                          struct aps_diag *diag);

/* What to charge: the caller `tag` (aps_table_tag of limit->scope), `cost` at least 1. */
struct aps_rate_ask {
    const struct aps_rate_limit *limit;
    uint64_t tag;
    uint32_t cost;
};

/* What is left of a limit after the call. */
struct aps_rate_left {
    uint32_t remaining; /* whole units that could be spent now (LIM-03) */
    aps_nsec reset;     /* until one more could be; 0 if none is missing.  `t` of RateLimit */
};

struct aps_rate_result {
    unsigned refused; /* index of the limit with the longest wait; only after a refusal */
    aps_nsec wait;    /* after a refusal, until all would be admitted; APS_RATE_NEVER */
    struct aps_rate_left left[APS_RATE_MAX]; /* for each ask, in order */
};

/* Reads the monotonic clock: aps_clock_monotonic. */
typedef aps_nsec (*aps_rate_clock_fn)(void);

/* Charge all of `asks` or none.  ALLOW, which no asks at all are, or RATE_EXCEEDED; INTERNAL for
 * more than APS_RATE_MAX, with *out untouched.
 * If another process spends the last unit of one limit after an earlier one was charged, the
 * earlier charge is given back; only then `clock` is read, since what has drained meanwhile must
 * not be given back. */
enum aps_reason aps_rate_take_all(struct aps_state *state, const struct aps_rate_ask *asks,
                                  unsigned n, aps_nsec now, aps_rate_clock_fn clock,
                                  struct aps_rate_result *out);

/* One ask.  out_left and out_wait may be NULL; *out_wait is set after a refusal only. */
enum aps_reason aps_rate_take(struct aps_state *state, const struct aps_rate_ask *ask, aps_nsec now,
                              struct aps_rate_left *out_left, aps_nsec *out_wait);

/* What aps_rate_take would say, without a charge. */
enum aps_reason aps_rate_peek(struct aps_state *state, const struct aps_rate_ask *ask, aps_nsec now,
                              struct aps_rate_left *out_left, aps_nsec *out_wait);

/* A wait or reset as Retry-After has it: whole seconds, rounded up, at least 1 (LIM-03).
 * APS_RATE_NEVER gives 0: no Retry-After. */
uint64_t aps_rate_seconds(aps_nsec wait);

#endif
