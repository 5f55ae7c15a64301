#include "t_rate.h"

#define MINUTE_START (5040 * APS_SEC) /* of the window of a minute that T0 is in the last of */

static struct aps_rate_limit window_of(enum aps_rate_kind kind, uint32_t count, aps_nsec period)
{
    struct aps_rate_limit limit;

    assert_int_equal(
        aps_rate_init_window(&limit, SCOPE, kind, (struct aps_rate){count, period}, NULL), APS_OK);
    return limit;
}

static void a_window_is_of_whole_seconds_and_bounded(void **state)
{
    static const struct {
        enum aps_rate_kind kind;
        struct aps_rate rate;
        enum aps_err err;
    } cases[] = {
        {APS_RATE_FIXED, {1, APS_SEC}, APS_OK},
        {APS_RATE_FIXED, {UINT32_MAX, APS_DAY}, APS_OK},
        {APS_RATE_FIXED, {1, APS_DAY + APS_SEC}, APS_ERR_RANGE},
        {APS_RATE_FIXED, {1, APS_SEC + 1}, APS_ERR_RANGE},
        {APS_RATE_FIXED, {1, APS_MSEC}, APS_ERR_RANGE},
        {APS_RATE_FIXED, {0, APS_SEC}, APS_ERR_RANGE},
        {APS_RATE_FIXED, {1, 0}, APS_ERR_RANGE},
        {APS_RATE_SLIDING, {65535, APS_DAY}, APS_OK},
        {APS_RATE_SLIDING, {65536, APS_DAY}, APS_ERR_RANGE},
        {APS_RATE_GCRA, {1, APS_SEC}, APS_ERR_RANGE},
        {APS_RATE_QUOTA, {1, APS_SEC}, APS_ERR_RANGE},
        {APS_RATE_INFLIGHT, {1, APS_SEC}, APS_ERR_RANGE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct aps_rate_limit limit = {0};
        struct aps_diag diag = {{0}};

        assert_int_equal(aps_rate_init_window(&limit, SCOPE, cases[i].kind, cases[i].rate, &diag),
                         cases[i].err);
        assert_int_equal(diag.text[0] == '\0', cases[i].err == APS_OK);
        assert_int_equal(limit.burst, cases[i].err == APS_OK ? cases[i].rate.count : 0);
    }
}

struct step {
    aps_nsec at; /* from MINUTE_START */
    uint32_t cost;
    enum aps_reason reason;
    uint32_t remaining;
    aps_nsec reset, wait;
};

static void walk(const struct aps_rate_limit *limit, const struct step *steps, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct aps_rate_ask ask = ask_of(limit, 11, steps[i].cost);
        aps_nsec now = MINUTE_START + steps[i].at;
        struct aps_rate_left left;
        aps_nsec wait = 0;

        assert_int_equal(peek(&ask, now, NULL), steps[i].reason);
        assert_int_equal(take(limit, 11, steps[i].cost, now, &left, &wait), steps[i].reason);
        assert_int_equal(left.remaining, steps[i].remaining);
        assert_int_equal(left.reset, steps[i].reset);
        assert_int_equal(wait, steps[i].wait);
    }
}

#define WALK(limit, steps) walk(limit, steps, sizeof(steps) / sizeof(steps)[0])
#define OK APS_REASON_ALLOW
#define NO APS_REASON_RATE_EXCEEDED

/* LIM-02, LIM-03: the window's end is told, and opens the next one. */
static void a_fixed_window_counts_and_begins_anew(void **state)
{
    static const struct step steps[] = {
        {0, 3, OK, 2, 60 * APS_SEC, 0},
        {APS_SEC, 3, NO, 2, 59 * APS_SEC, 59 * APS_SEC},
        {APS_SEC, 6, NO, 2, 59 * APS_SEC, APS_RATE_NEVER},
        {60 * APS_SEC - 1, 2, OK, 0, 1, 0},
        {60 * APS_SEC - 1, 1, NO, 0, 1, 1},
        {60 * APS_SEC, 5, OK, 0, 60 * APS_SEC, 0},
        {200 * APS_SEC, 1, OK, 4, 40 * APS_SEC, 0},
    };
    struct aps_rate_limit limit = window_of(APS_RATE_FIXED, 5, APS_MINUTE);

    (void)state;
    WALK(&limit, steps);
}

/* LIM-05: what the window before still weighs, rounded up; the first instant that is free. */
static void a_sliding_window_forgets_little_by_little(void **state)
{
    static const struct step steps[] = {
        /* Ten at once; one of them comes back six seconds into the next window. */
        {0, 10, OK, 0, 66 * APS_SEC, 0},
        {30 * APS_SEC, 1, NO, 0, 36 * APS_SEC, 36 * APS_SEC},
        {30 * APS_SEC, 11, NO, 0, 36 * APS_SEC, APS_RATE_NEVER},
        {66 * APS_SEC - 1, 1, NO, 0, 1, 1},
        {66 * APS_SEC, 1, OK, 0, 6 * APS_SEC, 0},
        /* 10 * 30/60 + 1 = 6, and four go. */
        {90 * APS_SEC, 5, NO, 4, 6 * APS_SEC, 6 * APS_SEC},
        {90 * APS_SEC, 4, OK, 0, 6 * APS_SEC, 0},
        /* All of the next window's ten: when the five of this one weigh nothing any more. */
        {90 * APS_SEC, 10, NO, 0, 6 * APS_SEC, 90 * APS_SEC},
        {180 * APS_SEC, 10, OK, 0, 66 * APS_SEC, 0},
        /* More than one window without a charge. */
        {300 * APS_SEC, 1, OK, 9, 120 * APS_SEC, 0},
    };
    struct aps_rate_limit limit = window_of(APS_RATE_SLIDING, 10, APS_MINUTE);

    (void)state;
    WALK(&limit, steps);
}

/* Each kind is told to be idle when, and no earlier than, it says nothing any more. */
static void a_window_lives_as_long_as_it_matters(void **state)
{
    struct aps_rate_limit fixed = window_of(APS_RATE_FIXED, 5, APS_MINUTE);
    struct aps_rate_limit sliding = window_of(APS_RATE_SLIDING, 5, APS_MINUTE);
    struct aps_table_usage usage;

    (void)state;
    assert_int_equal(take(&fixed, 1, 1, MINUTE_START, NULL, NULL), OK);
    assert_int_equal(take(&sliding, 2, 1, MINUTE_START, NULL, NULL), OK);
    assert_int_equal(aps_table_usage(table, at(MINUTE_START + APS_MINUTE - 1), &usage, NULL),
                     APS_OK);
    assert_int_equal(usage.live, 2);
    assert_int_equal(aps_table_usage(table, at(MINUTE_START + APS_MINUTE), &usage, NULL), APS_OK);
    assert_int_equal(usage.live, 1);
    assert_int_equal(aps_table_usage(table, at(MINUTE_START + 2 * APS_MINUTE - 1), &usage, NULL),
                     APS_OK);
    assert_int_equal(usage.live, 1);
    assert_int_equal(aps_table_usage(table, at(MINUTE_START + 2 * APS_MINUTE), &usage, NULL),
                     APS_OK);
    assert_int_equal(usage.live, 0);
}

/* LIM-04: a process whose `now` is a little old counts in the window that others are in. */
static void a_little_old_now_counts_in_the_newer_window(void **state)
{
    static const enum aps_rate_kind kinds[] = {APS_RATE_FIXED, APS_RATE_SLIDING};

    (void)state;
    for (uint64_t i = 0; i < 2; i++) {
        struct aps_rate_limit limit = window_of(kinds[i], 5, APS_MINUTE);
        aps_nsec wait = 0;

        assert_int_equal(take(&limit, i, 4, MINUTE_START, NULL, NULL), OK);
        assert_int_equal(take(&limit, i, 1, MINUTE_START - APS_SEC, NULL, NULL), OK);
        assert_int_equal(take(&limit, i, 1, MINUTE_START - APS_SEC, NULL, &wait), NO);
        assert_true(wait > APS_MINUTE);
        assert_int_equal(take(&limit, i, 1, MINUTE_START + APS_SEC, NULL, NULL), NO);
    }
}

/* LIM-04: a window far ahead is brought to the present one with its count, unless the clock says
 * that it is this process which is behind. */
static void a_window_far_ahead_is_brought_back_with_its_count(void **state)
{
    static const enum aps_rate_kind kinds[] = {APS_RATE_FIXED, APS_RATE_SLIDING};

    (void)state;
    for (uint64_t i = 0; i < 2; i++) {
        struct aps_rate_limit limit = window_of(kinds[i], 5, APS_MINUTE);
        struct aps_rate_ask ask = ask_of(&limit, i, 1);
        aps_nsec past = MINUTE_START - APS_HOUR;
        struct aps_rate_answer answer;
        uint64_t word;

        assert_int_equal(take(&limit, i, 4, MINUTE_START, NULL, NULL), OK);
        word = cell_of(&limit, i)->b;
        clock_time = MINUTE_START + 1;
        assert_int_equal(aps_rate_peek(table, &ask, at(past), count_clock, &answer), OK);
        assert_int_equal(answer.left.remaining, 1);
        assert_int_equal(cell_of(&limit, i)->b, word);
        assert_int_equal(take(&limit, i, 2, past, NULL, NULL), NO);
        assert_int_not_equal(cell_of(&limit, i)->b, word);
        assert_int_equal(take(&limit, i, 1, past, NULL, NULL), OK);
        assert_int_equal(take(&limit, i, 5, past + 2 * APS_MINUTE, NULL, NULL), OK);
    }
}

/* Whatever stands in the cell: at most the limit in a window from now on, and no endless refusal.
 */
static void a_word_of_another_kind_is_a_window_that_is_spent(void **state)
{
    static const enum aps_rate_kind kinds[] = {APS_RATE_FIXED, APS_RATE_SLIDING};
    const uint64_t words[] = {
        1,
        (uint64_t)MINUTE_START + 5,
        APS_WORD_MOVED | 77,
        APS_WORD_COUNTED | (uint64_t)2 << 60 | 99,
        APS_WORD_COUNTED | (uint64_t)3 << 60 | 99,
        (UINT64_MAX >> 2) | APS_WORD_COUNTED,
    };

    (void)state;
    for (uint64_t i = 0; i < 2; i++)
        for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
            struct aps_rate_limit limit = window_of(kinds[i], 5, APS_MINUTE);
            struct aps_rate_left left;
            aps_nsec wait = 0;

            assert_int_equal(take(&limit, 9, 1, MINUTE_START - APS_HOUR, NULL, NULL), OK);
            cell_of(&limit, 9)->b = words[k];
            assert_int_equal(take(&limit, 9, 1, MINUTE_START, &left, &wait), NO);
            assert_int_equal(left.remaining, 0);
            assert_true(wait >= APS_MINUTE && wait <= 2 * APS_MINUTE);
            assert_int_equal(take(&limit, 9, 5, MINUTE_START + 2 * APS_MINUTE, NULL, NULL), OK);
            *cell_of(&limit, 9) = (struct layout_pair){0, 0};
        }
}

/* A count that changes keeps what was counted. */
static void another_count_goes_on_with_the_window(void **state)
{
    static const enum aps_rate_kind kinds[] = {APS_RATE_FIXED, APS_RATE_SLIDING};

    (void)state;
    for (uint64_t i = 0; i < 2; i++) {
        struct aps_rate_limit limit = window_of(kinds[i], 10, APS_MINUTE);
        struct aps_rate_limit more = window_of(kinds[i], 12, APS_MINUTE);
        struct aps_rate_limit less = window_of(kinds[i], 3, APS_MINUTE);
        struct aps_rate_left left;
        aps_nsec wait = 0;

        assert_int_equal(take(&limit, i, 8, MINUTE_START, NULL, NULL), OK);
        assert_int_equal(take(&more, i, 1, MINUTE_START, &left, NULL), OK);
        assert_int_equal(left.remaining, 3);
        assert_int_equal(take(&less, i, 1, MINUTE_START, &left, &wait), NO);
        assert_int_equal(left.remaining, 0);
        /* Nine in the window before weigh two after seven ninths of this one. */
        assert_int_equal(wait, kinds[i] == APS_RATE_FIXED ? APS_MINUTE : 106666666667);
        assert_int_equal(take(&less, i, 1, MINUTE_START + wait - 1, NULL, NULL), NO);
        assert_int_equal(take(&less, i, 1, MINUTE_START + wait, NULL, NULL), OK);
    }
}

/* LIM-13: a charge that a later limit undoes leaves the window as it was, also if it ended since.
 */
static void a_window_gives_back_what_it_counted(void **state)
{
    static const enum aps_rate_kind kinds[] = {APS_RATE_FIXED, APS_RATE_SLIDING};

    (void)state;
    for (uint64_t i = 0; i < 2; i++) {
        struct aps_rate_limit limit = window_of(kinds[i], 5, APS_MINUTE);
        struct aps_rate_ask asks[2] = {ask_of(&limit, i, 3), ask_of(&limit, i, 3)};
        struct aps_rate_result r;
        uint64_t word;

        assert_int_equal(take(&limit, i, 1, MINUTE_START, NULL, NULL), OK);
        word = cell_of(&limit, i)->b;
        assert_int_equal(aps_rate_take_all(table, asks, 2, at(MINUTE_START), count_clock, &r), NO);
        assert_int_equal(r.refused, 1);
        assert_int_equal(r.left[0].remaining, 4);
        assert_int_equal(r.left[1].remaining, 1); /* as it was seen when it was refused */
        assert_int_equal(cell_of(&limit, i)->b, word);
        assert_int_equal(aps_metrics_sum(table, APS_METRIC_TABLE_RETURNED), i + 1);
    }
}

/* Seconds are kept modulo 2^28: 8.5 years after boot nothing is forgotten or stuck. */
static void windows_outlive_every_uptime(void **state)
{
    static const enum aps_rate_kind kinds[] = {APS_RATE_FIXED, APS_RATE_SLIDING};
    const aps_nsec wrap = ((aps_nsec)1 << 28) * APS_SEC;

    (void)state;
    for (uint64_t i = 0; i < 2; i++) {
        struct aps_rate_limit limit = window_of(kinds[i], 5, APS_HOUR);
        aps_nsec start = wrap - wrap % APS_HOUR;
        aps_nsec wait = 0;

        assert_int_equal(take(&limit, i, 4, start, NULL, NULL), OK);
        assert_int_equal(take(&limit, i, 1, wrap - 1, NULL, NULL), OK);
        assert_int_equal(take(&limit, i, 1, wrap, NULL, &wait), NO);
        assert_int_equal(take(&limit, i, 1, wrap + wait - 1, NULL, NULL), NO);
        assert_int_equal(take(&limit, i, 1, wrap + wait, NULL, NULL), OK);
        assert_int_equal(take(&limit, i, 5, start + 4 * APS_HOUR, NULL, NULL), OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_window_is_of_whole_seconds_and_bounded),
        T(a_fixed_window_counts_and_begins_anew),
        T(a_sliding_window_forgets_little_by_little),
        T(a_window_lives_as_long_as_it_matters),
        T(a_little_old_now_counts_in_the_newer_window),
        T(a_window_far_ahead_is_brought_back_with_its_count),
        T(a_word_of_another_kind_is_a_window_that_is_spent),
        T(another_count_goes_on_with_the_window),
        T(a_window_gives_back_what_it_counted),
        T(windows_outlive_every_uptime),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
