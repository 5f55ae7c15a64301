/* t_rate.h - a table of a test's own, and asks of the limiter at times that the test chooses. */
#ifndef APISEC_T_RATE_H
#define APISEC_T_RATE_H

#include "t_state.h"

#include "../../libapisec/table/layout.h"
#include "apisec/metrics.h"
#include "apisec/rate.h"
#include "t_reserve.h"

#define T0 ((aps_nsec)5000 * APS_SEC)
#define SCOPE 77

static unsigned clock_reads;
static aps_nsec clock_time; /* what the clock says; 0: T0 */

static inline aps_nsec count_clock(void)
{
    clock_reads++;
    return clock_time != 0 ? clock_time : T0;
}

static inline struct aps_rate_ask ask_of(const struct aps_rate_limit *limit, uint64_t caller,
                                         uint32_t cost)
{
    return (struct aps_rate_ask){.limit = limit, .caller = caller, .cost = cost};
}

static inline struct aps_table_now at(aps_nsec mono)
{
    return (struct aps_table_now){mono, mono};
}

static inline enum aps_reason take(const struct aps_rate_limit *limit, uint64_t caller,
                                   uint32_t cost, aps_nsec now, struct aps_rate_left *left,
                                   aps_nsec *wait)
{
    struct aps_rate_ask ask = ask_of(limit, caller, cost);
    struct aps_rate_answer answer;
    enum aps_reason reason;

    clock_time = now;
    reason = aps_rate_take(table, &ask, at(now), count_clock, &answer);
    if (left != NULL)
        *left = answer.left;
    if (wait != NULL && reason != APS_REASON_ALLOW)
        *wait = answer.wait;
    return reason;
}

static inline enum aps_reason peek(const struct aps_rate_ask *ask, aps_nsec now,
                                   struct aps_rate_left *left)
{
    struct aps_rate_answer answer;
    enum aps_reason reason;

    clock_time = now;
    reason = aps_rate_peek(table, ask, at(now), count_clock, &answer);
    if (left != NULL)
        *left = answer.left;
    return reason;
}

/* The caller's cell, or NULL. */
static inline struct layout_pair *cell_of(const struct aps_rate_limit *limit, uint64_t caller)
{
    uint64_t tag = aps_table_tag(table, limit->scope, caller);

    for (uint64_t i = 0; i < table->info.entries; i++)
        if (table->cells[i].a == tag)
            return &table->cells[i];
    return NULL;
}

#define T(test) cmocka_unit_test_setup_teardown(test, open_table, close_table)

#endif
