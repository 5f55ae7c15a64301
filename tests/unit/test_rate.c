#include "t_rate.h"

static struct aps_rate_limit limit_of(uint32_t count, aps_nsec period, uint32_t burst)
{
    struct aps_rate_limit limit;

    assert_int_equal(aps_rate_init(&limit, SCOPE, (struct aps_rate){count, period}, burst, NULL),
                     APS_OK);
    return limit;
}

/* LIM-01 */
static void a_unit_takes_the_period_by_count_rounded_up(void **state)
{
    static const struct {
        struct aps_rate rate;
        uint32_t burst;
        enum aps_err err;
        uint64_t step, span;
    } cases[] = {
        {{1, APS_SEC}, 0, APS_OK, 1000000000, 1000000000},
        {{10, APS_SEC}, 0, APS_OK, 100000000, 1000000000},
        {{10, APS_SEC}, 3, APS_OK, 100000000, 300000000},
        {{3, APS_SEC}, 0, APS_OK, 333333334, 1000000002},
        {{7, APS_DAY}, 1, APS_OK, 12342857142858, 12342857142858},
        {{1000000000, APS_SEC}, 0, APS_OK, 1, 1000000000},
        {{1, APS_DAY}, 3660, APS_OK, 86400000000000, 316224000000000000},
        {{1, APS_DAY}, 3661, APS_ERR_RANGE, 0, 0},
        {{1, APS_DAY}, UINT32_MAX, APS_ERR_RANGE, 0, 0},
        {{0, APS_SEC}, 5, APS_ERR_RANGE, 0, 0},
        {{5, 0}, 5, APS_ERR_RANGE, 0, 0},
        {{5, -1}, 5, APS_ERR_RANGE, 0, 0},
        {{5, INT64_MAX}, 5, APS_ERR_RANGE, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct aps_rate_limit limit = {0};
        struct aps_diag diag = {{0}};

        assert_int_equal(aps_rate_init(&limit, SCOPE, cases[i].rate, cases[i].burst, &diag),
                         cases[i].err);
        assert_int_equal(limit.step, cases[i].step);
        assert_int_equal(limit.span, cases[i].span);
        assert_int_equal(diag.text[0] == '\0', cases[i].err == APS_OK);
    }
}

/* LIM-01, LIM-02, LIM-03: one trace, each line a literal. */
static void a_trace_of_takes(void **state)
{
    /* 2/s, burst 4: a unit is half a second, the span two seconds. */
    static const struct {
        aps_nsec at;
        uint32_t cost;
        enum aps_reason reason;
        uint32_t remaining;
        aps_nsec reset, wait;
    } cases[] = {
        {0, 1, APS_REASON_ALLOW, 3, 500 * APS_MSEC, 0},
        {0, 3, APS_REASON_ALLOW, 0, 500 * APS_MSEC, 0},
        {0, 1, APS_REASON_RATE_EXCEEDED, 0, 500 * APS_MSEC, 500 * APS_MSEC},
        {499999999, 1, APS_REASON_RATE_EXCEEDED, 0, 1, 1},
        {500000000, 1, APS_REASON_ALLOW, 0, 500 * APS_MSEC, 0},
        {600000000, 4, APS_REASON_RATE_EXCEEDED, 0, 400 * APS_MSEC, 1900 * APS_MSEC},
        {600000000, 5, APS_REASON_RATE_EXCEEDED, 0, 400 * APS_MSEC, APS_RATE_NEVER},
        {1200000000, 5, APS_REASON_RATE_EXCEEDED, 1, 300 * APS_MSEC, APS_RATE_NEVER},
        {1200000000, 2, APS_REASON_RATE_EXCEEDED, 1, 300 * APS_MSEC, 300 * APS_MSEC},
        {1500000000, 2, APS_REASON_ALLOW, 0, 500 * APS_MSEC, 0},
        {9500000000, 4, APS_REASON_ALLOW, 0, 500 * APS_MSEC, 0},
        {9500000000, 1, APS_REASON_RATE_EXCEEDED, 0, 500 * APS_MSEC, 500 * APS_MSEC},
    };
    struct aps_rate_limit limit = limit_of(2, APS_SEC, 4);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct aps_rate_ask ask = ask_of(&limit, 11, cases[i].cost);
        struct aps_rate_left left;
        aps_nsec wait = 0;
        aps_nsec now = T0 + cases[i].at;

        assert_int_equal(peek(&ask, now, NULL), cases[i].reason);
        assert_int_equal(take(&limit, 11, cases[i].cost, now, &left, &wait), cases[i].reason);
        assert_int_equal(left.remaining, cases[i].remaining);
        assert_int_equal(left.reset, cases[i].reset);
        assert_int_equal(wait, cases[i].wait);
    }
}

/* LIM-03: whatever the limit, one who waits as told gets in, and not a nanosecond before. */
static void who_waits_as_told_is_admitted(void **state)
{
    static const struct aps_rate rates[] = {
        {1, APS_SEC}, {3, APS_SEC}, {7, APS_MINUTE}, {100, APS_HOUR}, {999, APS_DAY}};
    uint64_t tag = 100;

    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct aps_rate_limit limit = limit_of(rates[i].count, rates[i].period, 5);
        aps_nsec now = T0;
        aps_nsec wait = 0;

        for (uint32_t cost = 1; cost <= 5; cost++, tag++) {
            assert_int_equal(take(&limit, tag, 5, now, NULL, NULL), APS_REASON_ALLOW);
            assert_int_equal(take(&limit, tag, cost, now, NULL, &wait), APS_REASON_RATE_EXCEEDED);
            assert_int_equal(wait, cost * limit.step);
            assert_int_equal(take(&limit, tag, cost, now + wait - 1, NULL, NULL),
                             APS_REASON_RATE_EXCEEDED);
            assert_int_equal(take(&limit, tag, cost,
                                  now + (aps_nsec)aps_rate_seconds(wait) * APS_SEC, NULL, NULL),
                             APS_REASON_ALLOW);
        }
    }
}

/* LIM-03 */
static void waits_are_told_in_whole_seconds(void **state)
{
    static const struct {
        aps_nsec wait;
        uint64_t seconds;
    } cases[] = {{0, 1},
                 {1, 1},
                 {APS_SEC - 1, 1},
                 {APS_SEC, 1},
                 {APS_SEC + 1, 2},
                 {59 * APS_SEC, 59},
                 {90 * APS_SEC - 1, 90},
                 {APS_RATE_NEVER, 0},
                 {APS_RATE_NEVER - 1, 9223372037}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(aps_rate_seconds(cases[i].wait), cases[i].seconds);
}

/* LIM-04 */
static void an_hour_back_locks_out_one_burst_and_forward_admits_one(void **state)
{
    struct aps_rate_limit limit = limit_of(1, APS_SEC, 10);
    aps_nsec back = T0 - APS_HOUR;
    aps_nsec wait = 0;

    (void)state;
    assert_int_equal(take(&limit, 21, 10, T0, NULL, NULL), APS_REASON_ALLOW);
    assert_int_equal(take(&limit, 21, 1, back, NULL, &wait), APS_REASON_RATE_EXCEEDED);
    assert_int_equal(wait, APS_SEC);
    assert_int_equal(take(&limit, 21, 1, back + APS_SEC, NULL, NULL), APS_REASON_ALLOW);
    assert_int_equal(take(&limit, 21, 9, back + 10 * APS_SEC, NULL, NULL), APS_REASON_ALLOW);
    assert_int_equal(take(&limit, 21, 1, back + 10 * APS_SEC, NULL, NULL),
                     APS_REASON_RATE_EXCEEDED);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(take(&limit, 21, 1, T0 + APS_DAY, NULL, NULL), APS_REASON_ALLOW);
    assert_int_equal(take(&limit, 21, 1, T0 + APS_DAY, NULL, NULL), APS_REASON_RATE_EXCEEDED);
}

/* LIM-04: a slow process's old `now` is no step of the clock. */
static void a_little_old_now_takes_nothing_back(void **state)
{
    struct aps_rate_limit limit = limit_of(1, APS_SEC, 10);
    aps_nsec wait = 0;

    (void)state;
    assert_int_equal(take(&limit, 22, 10, T0, NULL, NULL), APS_REASON_ALLOW);
    assert_int_equal(take(&limit, 22, 1, T0 - APS_RATE_SKEW, NULL, &wait),
                     APS_REASON_RATE_EXCEEDED);
    assert_int_equal(wait, APS_SEC + APS_RATE_SKEW);
    assert_int_equal(take(&limit, 22, 1, T0 + APS_SEC - 1, NULL, NULL), APS_REASON_RATE_EXCEEDED);
    assert_int_equal(take(&limit, 22, 1, T0 + APS_SEC, NULL, NULL), APS_REASON_ALLOW);
}

/* A limit that was lowered binds from now on, and locks out for one of its own bursts only. */
static void a_lowered_limit_cuts_the_cell(void **state)
{
    struct aps_rate_limit day = limit_of(10, APS_DAY, 10);
    struct aps_rate_limit second = limit_of(10, APS_SEC, 10);

    (void)state;
    assert_int_equal(take(&day, 23, 10, T0, NULL, NULL), APS_REASON_ALLOW);
    assert_int_equal(take(&second, 23, 1, T0, NULL, NULL), APS_REASON_RATE_EXCEEDED);
    assert_int_equal(take(&second, 23, 1, T0 + 100 * APS_MSEC, NULL, NULL), APS_REASON_ALLOW);
    assert_int_equal(take(&second, 23, 1, T0 + 100 * APS_MSEC, NULL, NULL),
                     APS_REASON_RATE_EXCEEDED);
}

/* KEY-15: the failure guard looks first and charges failures only. */
static void a_peek_charges_nothing(void **state)
{
    struct aps_rate_limit limit = limit_of(60, APS_MINUTE, 2);
    struct aps_rate_ask ask = ask_of(&limit, 31, 1);
    struct aps_rate_left left;

    (void)state;
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(peek(&ask, T0, &left), APS_REASON_ALLOW);
    assert_int_equal(left.remaining, 2);
    assert_int_equal(left.reset, 0);
    assert_int_equal(take(&limit, 31, 1, T0, NULL, NULL), APS_REASON_ALLOW);
    assert_int_equal(take(&limit, 31, 1, T0, NULL, NULL), APS_REASON_ALLOW);
    assert_int_equal(peek(&ask, T0, &left), APS_REASON_RATE_EXCEEDED);
    assert_int_equal(left.remaining, 0);
}

/* LIM-13: all or nothing, and the longest wait is told. */
static void several_limits_are_charged_together_or_not_at_all(void **state)
{
    struct aps_rate_limit wide = limit_of(100, APS_SEC, 100);
    struct aps_rate_limit slow = limit_of(1, APS_MINUTE, 2);
    struct aps_rate_limit slower = limit_of(1, APS_HOUR, 2);
    struct aps_rate_ask asks[3] = {ask_of(&wide, 41, 1), ask_of(&slow, 42, 1),
                                   ask_of(&slower, 43, 1)};
    struct aps_rate_result r;

    (void)state;
    clock_reads = 0;
    clock_time = 0;
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(aps_rate_take_all(table, asks, 3, at(T0), count_clock, &r),
                         APS_REASON_ALLOW);
    assert_int_equal(r.left[0].remaining, 98);
    assert_int_equal(r.left[1].remaining, 0);
    assert_int_equal(r.left[2].remaining, 0);
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(aps_rate_take_all(table, asks, 3, at(T0), count_clock, &r),
                         APS_REASON_RATE_EXCEEDED);
    assert_int_equal(r.refused, 2);
    assert_int_equal(r.wait, APS_HOUR);
    assert_int_equal(r.left[0].remaining, 98);
    assert_int_equal(r.left[0].reset, 10 * APS_MSEC);
    assert_int_equal(r.left[2].reset, APS_HOUR);
    asks[1].cost = 3;
    assert_int_equal(aps_rate_take_all(table, asks, 3, at(T0), count_clock, &r),
                     APS_REASON_RATE_EXCEEDED);
    assert_int_equal(r.refused, 1);
    assert_int_equal(r.wait, APS_RATE_NEVER);
    assert_int_equal(clock_reads, 0);
}

/* LIM-13: the same caller of the same limit twice is where an earlier charge is undone, since
 * the first charge takes what the second was shown. */
static void a_charge_is_given_back_but_for_what_drained(void **state)
{
    struct aps_rate_limit limit = limit_of(1, APS_SEC, 5);
    struct aps_rate_ask asks[2] = {ask_of(&limit, 51, 3), ask_of(&limit, 51, 3)};
    struct aps_rate_result r;
    struct aps_rate_left left;

    (void)state;
    clock_reads = 0;
    clock_time = 0;
    assert_int_equal(aps_rate_take_all(table, asks, 2, at(T0), count_clock, &r),
                     APS_REASON_RATE_EXCEEDED);
    assert_int_equal(clock_reads, 1);
    assert_int_equal(r.refused, 1);
    assert_int_equal(peek(&asks[0], T0, &left), APS_REASON_ALLOW);
    assert_int_equal(left.remaining, 5);
    /* This call began a second and a half before the clock that count_clock tells. */
    asks[0].caller = asks[1].caller = 52;
    assert_int_equal(aps_rate_take_all(table, asks, 2, at(T0 - 1500 * APS_MSEC), count_clock, &r),
                     APS_REASON_RATE_EXCEEDED);
    assert_int_equal(peek(&asks[0], T0 - 1500 * APS_MSEC, &left), APS_REASON_ALLOW);
    assert_int_equal(left.remaining, 3);
    assert_int_equal(peek(&asks[0], T0, &left), APS_REASON_ALLOW);
    assert_int_equal(left.remaining, 5);
}

static void the_number_of_asks_is_bounded(void **state)
{
    struct aps_rate_limit limit = limit_of(1, APS_SEC, 1);
    struct aps_rate_ask asks[APS_RATE_MAX + 1];
    struct aps_rate_result r;

    (void)state;
    for (unsigned i = 0; i <= APS_RATE_MAX; i++)
        asks[i] = ask_of(&limit, 6000 + i, 1);
    assert_int_equal(aps_rate_take_all(table, asks, 0, at(T0), count_clock, &r), APS_REASON_ALLOW);
    assert_int_equal(aps_rate_take_all(table, asks, APS_RATE_MAX + 1, at(T0), count_clock, &r),
                     APS_REASON_INTERNAL);
    assert_int_equal(aps_rate_take_all(table, asks, APS_RATE_MAX, at(T0), count_clock, &r),
                     APS_REASON_ALLOW);
    assert_int_equal(aps_rate_take_all(table, asks, APS_RATE_MAX, at(T0), count_clock, &r),
                     APS_REASON_RATE_EXCEEDED);
}

static void no_state_refuses(void **state)
{
    struct aps_rate_limit limit = limit_of(1, APS_SEC, 1);
    struct aps_rate_ask asks[2] = {ask_of(&limit, 1, 1), ask_of(&limit, 2, 1)};
    struct aps_rate_result r;

    (void)state;
    assert_int_equal(aps_rate_take(NULL, asks, at(T0), count_clock, NULL), APS_REASON_STATE_DOWN);
    assert_int_equal(aps_rate_peek(NULL, asks, at(T0), count_clock, NULL), APS_REASON_STATE_DOWN);
    for (unsigned n = 0; n <= 2; n++)
        assert_int_equal(aps_rate_take_all(NULL, asks, n, at(T0), count_clock, &r),
                         APS_REASON_STATE_DOWN);
}

/* LIM-14: callers without a cell share one burst; those with a cell keep theirs. */
static void a_full_table_shares_one_burst(void **state)
{
    struct aps_rate_limit limit = limit_of(1, APS_HOUR, 3);
    struct aps_rate_limit other = limit_of(1, APS_HOUR, 3);
    struct aps_table_usage usage;
    uint64_t admitted = 0;

    (void)state;
    other.scope = SCOPE + 1;
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t caller = aps_table_caller(table, &i, sizeof i);

        while (take(&limit, caller, 1, T0, NULL, NULL) == APS_REASON_ALLOW)
            admitted++;
    }
    assert_int_equal(aps_table_usage(table, at(T0), &usage, NULL), APS_OK);
    assert_int_equal(usage.live, 1024);
    assert_int_equal(admitted, (1024 + T_RESERVE_OF_STORE + 1) * 3);
    assert_int_equal(aps_metrics_sum(table, APS_METRIC_TABLE_OVERFLOW), 3);
    assert_int_equal(aps_metrics_sum(table, APS_METRIC_TABLE_TAKEN), 1024 + T_RESERVE_OF_STORE);
    for (uint64_t i = 30000; i < 30010; i++) /* another limit has an overflow cell of its own */
        admitted += take(&other, aps_table_caller(table, &i, sizeof i), 1, T0, NULL, NULL) ==
                    APS_REASON_ALLOW;
    assert_int_equal(admitted, (1024 + T_RESERVE_OF_STORE + 2) * 3);
    /* LIM-14: idle cells go first. */
    for (uint64_t i = 40000; i < 40010; i++)
        assert_int_equal(
            take(&limit, aps_table_caller(table, &i, sizeof i), 3, T0 + 3 * APS_HOUR, NULL, NULL),
            APS_REASON_ALLOW);
}

/* LIM-14: an overflow cell is one limit's and one store's, so none is held to what another spent.
 */
static void overflow_cells_are_told_apart_by_limit_and_store(void **state)
{
    struct aps_rate_limit longer = limit_of(1, APS_HOUR, 3);
    struct aps_rate_limit shorter = limit_of(1, APS_SEC, 1);
    struct aps_rate_ask ask = ask_of(&longer, 1, 3);

    (void)state;
    shorter.scope = 1ull << 40;
    t_reserve_fill(table, (uint64_t)(T0 + APS_DAY));
    for (ask.caller = 0; ask.caller < 20000; ask.caller++)
        (void)aps_rate_take(table, &ask, at(T0), count_clock, NULL);
    assert_int_equal(aps_metrics_sum(table, APS_METRIC_TABLE_OVERFLOW), 1);
    assert_int_equal(aps_rate_take(table, &ask, at(T0), count_clock, NULL),
                     APS_REASON_RATE_EXCEEDED);
    for (ask.store = 1; ask.store <= 20; ask.store++)
        assert_int_equal(aps_rate_take(table, &ask, at(T0), count_clock, NULL), APS_REASON_ALLOW);
    for (ask.store = 0; ask.store <= 20; ask.store++)
        assert_int_equal(aps_rate_take(table, &ask, at(T0), count_clock, NULL),
                         APS_REASON_RATE_EXCEEDED);
    assert_int_equal(take(&shorter, 1, 1, T0, NULL, NULL), APS_REASON_ALLOW);
    assert_int_equal(take(&shorter, 2, 1, T0, NULL, NULL), APS_REASON_RATE_EXCEEDED);
    assert_int_equal(take(&longer, 20001, 1, T0 + APS_HOUR - 1, NULL, NULL),
                     APS_REASON_RATE_EXCEEDED);
}

/* LIM-14: when a store's overflow cells are spent too, it is refused, and others go on. */
static void without_any_cell_left_a_store_is_refused(void **state)
{
    struct aps_rate_limit limit = limit_of(1, APS_HOUR, 3);
    struct aps_rate_ask ask = ask_of(&limit, 1, 1);
    struct aps_rate_answer answer;
    unsigned refused = 0;

    (void)state;
    for (ask.caller = 0; ask.caller < 20000; ask.caller++)
        (void)aps_rate_take(table, &ask, at(T0), count_clock, NULL);
    ask.store = 1;
    for (uint64_t i = 1; i <= 40000; i++) {
        limit.scope = i << 40;
        if (aps_rate_take(table, &ask, at(T0), count_clock, &answer) == APS_REASON_ALLOW)
            continue;
        refused++;
        assert_int_equal(answer.wait, APS_SEC);
        assert_int_equal(answer.left.remaining, 0);
    }
    assert_true(refused > 40000 - 8192);
    refused = 0;
    for (ask.store = 2; ask.store < 6; ask.store++) /* one of 128 others has the same places */
        refused += aps_rate_take(table, &ask, at(T0), count_clock, NULL) != APS_REASON_ALLOW;
    assert_true(refused < 4);
}

/* LIM-04: a cell that lies ahead of a process which was stopped since it read its clock is no
 * damage: the clock is read again, and nothing is forgotten. */
static void who_was_stopped_cuts_nothing(void **state)
{
    struct aps_rate_limit limit = limit_of(1, APS_SEC, 10);
    struct aps_rate_ask ask = ask_of(&limit, 24, 1);
    struct aps_rate_answer answer;

    (void)state;
    assert_int_equal(take(&limit, 24, 10, T0, NULL, NULL), APS_REASON_ALLOW);
    clock_time = T0 + 1;
    assert_int_equal(aps_rate_take(table, &ask, at(T0 - APS_HOUR), count_clock, &answer),
                     APS_REASON_RATE_EXCEEDED);
    assert_int_equal(answer.wait, APS_SEC - 1);
    assert_int_equal(take(&limit, 24, 1, T0 + APS_SEC - 1, NULL, NULL), APS_REASON_RATE_EXCEEDED);
    assert_int_equal(take(&limit, 24, 1, T0 + APS_SEC, NULL, NULL), APS_REASON_ALLOW);
}

/* LIM-07: who would have to wait at most the delay is admitted and told; the unit is his. */
static void a_delay_is_told_and_reserved(void **state)
{
    /* 2/s, burst 2, delay 1 s: two at once, two that wait, then a refusal. */
    static const struct {
        aps_nsec at;
        uint32_t cost;
        enum aps_reason reason;
        aps_nsec delay, wait;
        uint32_t remaining;
        aps_nsec reset;
    } cases[] = {
        {0, 1, APS_REASON_ALLOW, 0, 0, 1, 500 * APS_MSEC},
        {0, 1, APS_REASON_ALLOW, 0, 0, 0, 500 * APS_MSEC},
        {0, 1, APS_REASON_ALLOW, 500 * APS_MSEC, 0, 0, APS_SEC},
        {0, 2, APS_REASON_RATE_EXCEEDED, 0, 500 * APS_MSEC, 0, APS_SEC},
        {0, 1, APS_REASON_ALLOW, APS_SEC, 0, 0, 1500 * APS_MSEC},
        {0, 1, APS_REASON_RATE_EXCEEDED, 0, 500 * APS_MSEC, 0, 1500 * APS_MSEC},
        {499999999, 1, APS_REASON_RATE_EXCEEDED, 0, 1, 0, 1000000001},
        {500000000, 1, APS_REASON_ALLOW, APS_SEC, 0, 0, 1500 * APS_MSEC},
        {500000000, 3, APS_REASON_RATE_EXCEEDED, 0, APS_RATE_NEVER, 0, 1500 * APS_MSEC},
        {2500000000, 1, APS_REASON_ALLOW, 0, 0, 1, 500 * APS_MSEC},
    };
    struct aps_rate_limit limit = limit_of(2, APS_SEC, 2);

    (void)state;
    assert_int_equal(aps_rate_set_delay(&limit, APS_SEC, false, NULL), APS_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct aps_rate_ask ask = ask_of(&limit, 61, cases[i].cost);
        struct aps_table_now now = at(T0 + cases[i].at);
        struct aps_rate_answer a, b;

        assert_int_equal(aps_rate_peek(table, &ask, now, count_clock, &a), cases[i].reason);
        assert_int_equal(aps_rate_take(table, &ask, now, count_clock, &b), cases[i].reason);
        assert_int_equal(a.delay, cases[i].delay);
        assert_int_equal(b.delay, cases[i].delay);
        assert_int_equal(a.wait, cases[i].wait);
        assert_int_equal(b.wait, cases[i].wait);
        assert_int_equal(b.left.remaining, cases[i].remaining);
        assert_int_equal(b.left.reset, cases[i].reset);
    }
}

/* LIM-07: the leaky bucket lets one go each unit, however they come. */
static void a_leaky_bucket_gives_each_one_a_turn(void **state)
{
    struct aps_rate_limit limit = limit_of(10, APS_SEC, 0);
    struct aps_rate_ask ask = ask_of(&limit, 62, 1);
    struct aps_rate_answer answer;

    (void)state;
    assert_int_equal(aps_rate_set_delay(&limit, 300 * APS_MSEC, true, NULL), APS_OK);
    for (aps_nsec turn = 0; turn <= 300 * APS_MSEC; turn += 100 * APS_MSEC) {
        assert_int_equal(aps_rate_take(table, &ask, at(T0), count_clock, &answer),
                         APS_REASON_ALLOW);
        assert_int_equal(answer.delay, turn);
    }
    assert_int_equal(aps_rate_take(table, &ask, at(T0), count_clock, &answer),
                     APS_REASON_RATE_EXCEEDED);
    assert_int_equal(answer.wait, 100 * APS_MSEC);
    assert_int_equal(aps_rate_take(table, &ask, at(T0 + 150 * APS_MSEC), count_clock, &answer),
                     APS_REASON_ALLOW);
    assert_int_equal(answer.delay, 250 * APS_MSEC);
    ask.cost = 10; /* goes alone, and those behind it wait for all of it */
    assert_int_equal(aps_rate_take(table, &ask, at(T0 + APS_SEC), count_clock, &answer),
                     APS_REASON_ALLOW);
    assert_int_equal(answer.delay, 0);
    ask.cost = 1;
    assert_int_equal(aps_rate_take(table, &ask, at(T0 + 1700 * APS_MSEC), count_clock, &answer),
                     APS_REASON_ALLOW);
    assert_int_equal(answer.delay, 300 * APS_MSEC);
    ask.cost = 11;
    assert_int_equal(aps_rate_take(table, &ask, at(T0 + APS_DAY), count_clock, &answer),
                     APS_REASON_RATE_EXCEEDED);
    assert_int_equal(answer.wait, APS_RATE_NEVER);
}

/* LIM-07: who cannot wait is refused where another one would have to, is told the truth, and takes
 * no unit from those who can. */
static void who_cannot_wait_reserves_nothing(void **state)
{
    static const bool smooth[] = {false, true};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct aps_rate_limit limit = limit_of(2, APS_SEC, 1);
        struct aps_rate_ask ask = ask_of(&limit, 71 + i, 1);
        struct aps_rate_answer answer;

        limit.scope += i;
        assert_int_equal(aps_rate_set_delay(&limit, APS_SEC, smooth[i], NULL), APS_OK);
        ask.at_once = true;
        assert_int_equal(aps_rate_take(table, &ask, at(T0), count_clock, &answer),
                         APS_REASON_ALLOW);
        assert_int_equal(answer.delay, 0);
        for (int k = 0; k < 3; k++) {
            assert_int_equal(aps_rate_take(table, &ask, at(T0), count_clock, &answer),
                             APS_REASON_RATE_EXCEEDED);
            assert_int_equal(answer.wait, 500 * APS_MSEC);
        }
        ask.at_once = false;
        assert_int_equal(aps_rate_take(table, &ask, at(T0), count_clock, &answer),
                         APS_REASON_ALLOW);
        assert_int_equal(answer.delay, 500 * APS_MSEC);
        ask.at_once = true;
        assert_int_equal(aps_rate_take(table, &ask, at(T0), count_clock, &answer),
                         APS_REASON_RATE_EXCEEDED);
        assert_int_equal(answer.wait, APS_SEC);
        assert_int_equal(aps_rate_take(table, &ask, at(T0 + APS_SEC - 1), count_clock, &answer),
                         APS_REASON_RATE_EXCEEDED);
        assert_int_equal(aps_rate_take(table, &ask, at(T0 + APS_SEC), count_clock, &answer),
                         APS_REASON_ALLOW);
        assert_int_equal(answer.delay, 0);
    }
}

/* LIM-04, LIM-07: what was reserved lies further ahead than a burst, and is no damage. */
static void a_cut_leaves_what_was_reserved(void **state)
{
    struct aps_rate_limit limit = limit_of(1, APS_SEC, 2);

    (void)state;
    assert_int_equal(aps_rate_set_delay(&limit, 10 * APS_SEC, false, NULL), APS_OK);
    for (unsigned i = 0; i < 12; i++)
        assert_int_equal(take(&limit, 63, 1, T0, NULL, NULL), APS_REASON_ALLOW);
    assert_int_equal(take(&limit, 63, 1, T0 - APS_RATE_SKEW, NULL, NULL), APS_REASON_RATE_EXCEEDED);
    assert_int_equal(cell_of(&limit, 63)->b, T0 + 12 * APS_SEC);
    assert_int_equal(take(&limit, 63, 1, T0 - 2 * APS_RATE_SKEW, NULL, NULL),
                     APS_REASON_RATE_EXCEEDED);
    assert_int_equal(cell_of(&limit, 63)->b, T0 + 10 * APS_SEC);
}

/* LIM-07: of several limits the longest delay is told, and none after a refusal. */
static void the_longest_delay_is_told(void **state)
{
    struct aps_rate_limit one = limit_of(1, APS_SEC, 1);
    struct aps_rate_limit two = limit_of(1, APS_SEC, 1);
    struct aps_rate_limit three = limit_of(3, APS_HOUR, 3);
    struct aps_rate_ask asks[3] = {ask_of(&one, 64, 1), ask_of(&two, 65, 1), ask_of(&three, 66, 1)};
    static const aps_nsec want[] = {0, APS_SEC, 2 * APS_SEC};
    struct aps_rate_result r;

    (void)state;
    assert_int_equal(aps_rate_set_delay(&one, 2 * APS_SEC, false, NULL), APS_OK);
    assert_int_equal(aps_rate_set_delay(&two, 9 * APS_SEC, true, NULL), APS_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(aps_rate_take_all(table, asks, 3, at(T0), count_clock, &r),
                         APS_REASON_ALLOW);
        assert_int_equal(r.delay, want[i]);
        assert_int_equal(r.wait, 0);
    }
    assert_int_equal(aps_rate_take_all(table, asks, 3, at(T0), count_clock, &r),
                     APS_REASON_RATE_EXCEEDED);
    assert_int_equal(r.delay, 0);
    assert_int_equal(r.refused, 2);
    assert_int_equal(cell_of(&one, 64)->b, T0 + 3 * APS_SEC);
    assert_int_equal(cell_of(&two, 65)->b, T0 + 3 * APS_SEC);
}

static void a_delay_goes_with_a_bucket_and_is_bounded(void **state)
{
    struct aps_rate_limit bucket = limit_of(1, APS_DAY, 3660);
    struct aps_rate_limit window;
    struct aps_diag diag = {{0}};

    (void)state;
    assert_int_equal(aps_rate_set_delay(&bucket, 1, false, &diag), APS_ERR_RANGE);
    bucket = limit_of(1, APS_DAY, 3659);
    assert_int_equal(aps_rate_set_delay(&bucket, 0, false, &diag), APS_ERR_RANGE);
    assert_int_equal(aps_rate_set_delay(&bucket, -1, false, &diag), APS_ERR_RANGE);
    assert_int_equal(aps_rate_set_delay(&bucket, APS_DAY + 1, false, &diag), APS_ERR_RANGE);
    assert_true(bucket.plain);
    assert_int_equal(aps_rate_set_delay(&bucket, APS_DAY, false, &diag), APS_OK);
    assert_false(bucket.plain);
    assert_int_equal(
        aps_rate_init_window(&window, SCOPE, APS_RATE_FIXED, (struct aps_rate){1, APS_SEC}, &diag),
        APS_OK);
    assert_int_equal(aps_rate_set_delay(&window, 1, false, &diag), APS_ERR_RANGE);
    assert_string_equal(diag.text, "a delay goes with gcra, token-bucket or leaky-bucket only");
}

/* Zero means refuse: a kind that nobody knows. */
static void an_unknown_kind_refuses(void **state)
{
    struct aps_rate_limit limit = limit_of(1, APS_SEC, 1);
    struct aps_rate_left left;
    aps_nsec wait = 0;

    (void)state;
    limit.plain = false;
    for (int kind = APS_RATE_INFLIGHT + 1; kind < APS_RATE_INFLIGHT + 3; kind++) {
        limit.kind = (enum aps_rate_kind)kind;
        assert_int_equal(take(&limit, 67, 1, T0, &left, &wait), APS_REASON_RATE_EXCEEDED);
        assert_int_equal(wait, APS_RATE_NEVER);
        assert_int_equal(left.remaining, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_unit_takes_the_period_by_count_rounded_up),
        T(a_trace_of_takes),
        T(who_waits_as_told_is_admitted),
        T(waits_are_told_in_whole_seconds),
        T(an_hour_back_locks_out_one_burst_and_forward_admits_one),
        T(a_little_old_now_takes_nothing_back),
        T(a_lowered_limit_cuts_the_cell),
        T(a_peek_charges_nothing),
        T(several_limits_are_charged_together_or_not_at_all),
        T(a_charge_is_given_back_but_for_what_drained),
        T(the_number_of_asks_is_bounded),
        T(no_state_refuses),
        T(a_full_table_shares_one_burst),
        T(overflow_cells_are_told_apart_by_limit_and_store),
        T(without_any_cell_left_a_store_is_refused),
        T(who_was_stopped_cuts_nothing),
        T(a_delay_is_told_and_reserved),
        T(who_cannot_wait_reserves_nothing),
        T(a_leaky_bucket_gives_each_one_a_turn),
        T(a_cut_leaves_what_was_reserved),
        T(the_longest_delay_is_told),
        T(a_delay_goes_with_a_bucket_and_is_bounded),
        T(an_unknown_kind_refuses),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
