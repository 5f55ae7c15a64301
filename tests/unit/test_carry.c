#include "t_rate.h"

#define OK APS_REASON_ALLOW
#define NO APS_REASON_RATE_EXCEEDED

static struct aps_rate_limit bucket(uint64_t scope, uint32_t count, aps_nsec period, uint32_t burst,
                                    const struct aps_rate_limit *earlier)
{
    struct aps_rate_limit limit;

    assert_int_equal(
        aps_rate_init(&limit, scope << 40, (struct aps_rate){count, period}, burst, NULL), APS_OK);
    aps_rate_set_earlier(&limit, earlier, 0);
    return limit;
}

static uint32_t remaining(const struct aps_rate_limit *limit, uint64_t caller, aps_nsec now)
{
    struct aps_rate_ask ask = ask_of(limit, caller, 1);
    struct aps_rate_left left;

    (void)peek(&ask, now, &left);
    return left.remaining;
}

static uint64_t marks(const struct aps_rate_limit *limit, uint64_t caller)
{
    return cell_of(limit, caller)->b & (APS_WORD_MOVED | APS_WORD_DONE);
}

/* What was consumed counts in units, whatever a unit takes to come back. */
static void what_was_consumed_goes_over_in_units(void **state)
{
    static const struct {
        struct aps_rate from;
        uint32_t from_burst, spent;
        struct aps_rate to;
        uint32_t to_burst, left;
    } cases[] = {
        {{10, APS_SEC}, 10, 4, {20, APS_SEC}, 20, 16},
        {{10, APS_SEC}, 10, 4, {5, APS_SEC}, 5, 1},
        {{10, APS_SEC}, 10, 10, {10, APS_SEC}, 15, 5},
        {{10, APS_SEC}, 10, 10, {10, APS_SEC}, 3, 0},
        {{100, APS_HOUR}, 100, 60, {100, APS_DAY}, 100, 40},
        {{100, APS_DAY}, 100, 1, {7, APS_SEC}, 7, 6},
        {{1, APS_DAY}, 1, 1, {1, APS_SEC}, 1, 0},
        {{1000000000, APS_SEC}, 1000000000, 999999999, {1, APS_DAY}, 3660, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct aps_rate_limit old =
            bucket(2 * i + 1, cases[i].from.count, cases[i].from.period, cases[i].from_burst, NULL);
        struct aps_rate_limit new =
            bucket(2 * i + 2, cases[i].to.count, cases[i].to.period, cases[i].to_burst, &old);

        assert_int_equal(take(&old, 1, cases[i].spent, T0, NULL, NULL), OK);
        assert_int_equal(remaining(&new, 1, T0), cases[i].left);
        for (uint32_t k = 0; k < cases[i].left; k++)
            assert_int_equal(take(&new, 1, 1, T0, NULL, NULL), OK);
        assert_int_equal(take(&new, 1, 1, T0, NULL, NULL), NO);
    }
}

/* A part of a unit goes over as such: three quarters of an hour become three quarters of a day. */
static void a_part_of_a_unit_goes_over(void **state)
{
    struct aps_rate_limit hour = bucket(1, 1, APS_HOUR, 1, NULL);
    struct aps_rate_limit day = bucket(2, 1, APS_DAY, 1, &hour);
    aps_nsec wait = 0;

    (void)state;
    assert_int_equal(take(&hour, 1, 1, T0, NULL, NULL), OK);
    assert_int_equal(take(&day, 1, 1, T0 + APS_HOUR / 4, NULL, &wait), NO);
    assert_int_equal(wait, APS_DAY * 3 / 4);
}

/* Who still goes by the earlier definition refuses, and grants nothing beside the new one. */
static void an_earlier_definition_refuses_from_then_on(void **state)
{
    struct aps_rate_limit old = bucket(1, 10, APS_SEC, 10, NULL);
    struct aps_rate_limit new = bucket(2, 20, APS_SEC, 20, &old);
    struct aps_rate_left left;
    aps_nsec wait = 0;
    aps_nsec now = T0;

    (void)state;
    assert_int_equal(take(&old, 1, 4, T0, NULL, NULL), OK);
    assert_int_equal(take(&new, 1, 1, T0, NULL, NULL), OK);
    assert_int_equal(marks(&old, 1), APS_WORD_MOVED | APS_WORD_DONE);
    for (; now < T0 + 59 * APS_SEC; now += 7 * APS_SEC) { /* long after it has drained */
        assert_int_equal(take(&old, 1, 1, now, &left, &wait), NO);
        assert_int_equal(wait, APS_SEC);
        assert_int_equal(left.remaining, 0);
        assert_true(left.reset <= wait);
    }
    assert_int_equal(take(&old, 1, 11, T0, NULL, &wait), NO);
    assert_int_equal(take(&new, 1, 20, now, NULL, NULL), OK);
}

/* LIM-17: also where a unit takes a day, nothing is told to come back after the wait. */
static void the_wait_of_an_earlier_definition_is_not_before_its_reset(void **state)
{
    struct aps_rate_limit old = bucket(1, 3, APS_DAY, 3, NULL);
    struct aps_rate_limit new = bucket(2, 4, APS_DAY, 4, &old);
    struct aps_rate_left left;
    aps_nsec wait = 0;

    (void)state;
    assert_int_equal(take(&old, 1, 1, T0, NULL, NULL), OK);
    assert_int_equal(remaining(&new, 1, T0), 3);
    assert_int_equal(take(&old, 1, 1, T0, &left, &wait), NO);
    assert_int_equal(wait, APS_SEC);
    assert_int_equal(left.remaining, 0);
    assert_int_equal(left.reset, APS_SEC);
}

/* A bucket that had drained gives nothing, and refuses all the same. */
static void an_idle_cell_refuses_too(void **state)
{
    struct aps_rate_limit old = bucket(1, 10, APS_SEC, 10, NULL);
    struct aps_rate_limit new = bucket(2, 20, APS_SEC, 20, &old);

    (void)state;
    assert_int_equal(take(&old, 1, 10, T0, NULL, NULL), OK);
    assert_int_equal(remaining(&new, 1, T0 + APS_SEC), 20);
    assert_int_equal(take(&old, 1, 1, T0 + APS_SEC, NULL, NULL), NO);
    assert_int_equal(take(&new, 1, 20, T0 + APS_SEC, NULL, NULL), OK);
}

/* So does a cell that somebody had begun to take. */
static void a_claim_of_an_earlier_definition_is_ended(void **state)
{
    struct aps_rate_limit old = bucket(1, 10, APS_SEC, 10, NULL);
    struct aps_rate_limit new = bucket(2, 20, APS_SEC, 20, &old);

    (void)state;
    assert_int_equal(take(&old, 1, 1, T0, NULL, NULL), OK);
    cell_of(&old, 1)->b = APS_WORD_CLAIM | 4711;
    assert_int_equal(take(&new, 1, 20, T0, NULL, NULL), OK);
    assert_int_equal(take(&old, 1, 1, T0, NULL, NULL), NO);
}

static void who_was_not_seen_begins_with_all(void **state)
{
    struct aps_rate_limit old = bucket(1, 10, APS_SEC, 10, NULL);
    struct aps_rate_limit new = bucket(2, 20, APS_SEC, 20, &old);

    (void)state;
    assert_int_equal(take(&new, 1, 20, T0, NULL, NULL), OK);
    assert_null(cell_of(&old, 1));
}

/* For a minute after the edit nobody has both, also where neither has seen him. */
static void who_was_not_seen_is_closed_to_the_earlier_definition(void **state)
{
    struct aps_rate_limit old = bucket(1, 10, APS_SEC, 10, NULL);
    struct aps_rate_limit new = bucket(2, 20, APS_SEC, 20, &old);

    (void)state;
    aps_rate_set_earlier(&new, &old, T0);
    assert_int_equal(take(&new, 1, 20, T0 + APS_MINUTE - 1, NULL, NULL), OK);
    assert_int_equal(take(&old, 1, 1, T0 + APS_MINUTE - 1, NULL, NULL), NO);
    assert_int_equal(take(&new, 2, 20, T0 + APS_MINUTE, NULL, NULL), OK);
    assert_null(cell_of(&old, 2));
}

/* Three definitions back, what was consumed under each; the fourth is forgotten, and a chain that
 * never ends does no harm. */
static void the_last_three_definitions_are_asked(void **state)
{
    struct aps_rate_limit first = bucket(1, 10, APS_SEC, 10, NULL);
    struct aps_rate_limit second = bucket(2, 10, APS_SEC, 20, &first);
    struct aps_rate_limit third = bucket(3, 10, APS_SEC, 30, &second);
    struct aps_rate_limit fourth = bucket(4, 10, APS_SEC, 40, &third);
    struct aps_rate_limit fifth = bucket(5, 10, APS_SEC, 50, &fourth);

    (void)state;
    assert_int_equal(take(&first, 1, 1, T0, NULL, NULL), OK);
    assert_int_equal(remaining(&fourth, 1, T0), 39);
    assert_int_equal(take(&first, 2, 1, T0, NULL, NULL), OK);
    assert_int_equal(remaining(&fifth, 2, T0), 50);
    /* One after the other, with a unit under each. */
    assert_int_equal(take(&first, 3, 1, T0, NULL, NULL), OK);
    assert_int_equal(take(&second, 3, 1, T0, NULL, NULL), OK);
    assert_int_equal(take(&third, 3, 1, T0, NULL, NULL), OK);
    assert_int_equal(take(&fourth, 3, 1, T0, NULL, NULL), OK);
    assert_int_equal(take(&fifth, 3, 1, T0, NULL, NULL), OK);
    assert_int_equal(remaining(&fifth, 3, T0), 45);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(take((const struct aps_rate_limit *[]){&second, &third, &fourth}[i], 3, 1,
                              T0, NULL, NULL),
                         NO);
    first.earlier = &fifth;
    assert_int_equal(take(&first, 4, 10, T0, NULL, NULL), OK);
}

/* A process that dies between two steps: who comes next goes on from there. */
static void who_comes_after_a_death_goes_on(void **state)
{
    struct aps_rate_limit old = bucket(1, 10, APS_SEC, 10, NULL);
    struct aps_rate_limit new = bucket(2, 20, APS_SEC, 20, &old);

    (void)state;
    /* After the first step: nothing is lost. */
    assert_int_equal(take(&old, 1, 4, T0, NULL, NULL), OK);
    cell_of(&old, 1)->b |= APS_WORD_MOVED;
    assert_int_equal(take(&old, 1, 1, T0, NULL, NULL), NO);
    assert_int_equal(take(&new, 1, 17, T0, NULL, NULL), NO);
    assert_int_equal(take(&new, 1, 16, T0, NULL, NULL), OK);
    assert_int_equal(marks(&old, 1), APS_WORD_MOVED | APS_WORD_DONE);
    /* After the second: the new cell stands, and the earlier one refuses while it lives. */
    assert_int_equal(take(&old, 2, 4, T0, NULL, NULL), OK);
    assert_int_equal(remaining(&new, 2, T0), 16);
    cell_of(&old, 2)->b = APS_WORD_MOVED | (uint64_t)(T0 + 400 * APS_MSEC);
    assert_int_equal(take(&old, 2, 1, T0, NULL, NULL), NO);
    assert_int_equal(take(&new, 2, 17, T0, NULL, NULL), NO);
    assert_int_equal(take(&new, 2, 16, T0, NULL, NULL), OK);
    /* After the third, where the new cell is gone since it was idle: nothing goes over again. */
    assert_int_equal(take(&old, 3, 10, T0, NULL, NULL), OK);
    assert_int_equal(remaining(&new, 3, T0), 10);
    *cell_of(&new, 3) = (struct layout_pair){0, 0};
    assert_int_equal(take(&new, 3, 20, T0 + 600 * APS_MSEC, NULL, NULL), OK);
}

/* LIM-07: what was reserved goes over with the rest. */
static void delays_go_over(void **state)
{
    struct aps_rate_limit old = bucket(1, 10, APS_SEC, 1, NULL);
    struct aps_rate_limit new = bucket(2, 20, APS_SEC, 1, &old);
    struct aps_rate_ask ask = ask_of(&new, 1, 1);
    struct aps_rate_answer answer;

    (void)state;
    assert_int_equal(aps_rate_set_delay(&old, APS_SEC, false, NULL), APS_OK);
    assert_int_equal(aps_rate_set_delay(&new, APS_SEC, false, NULL), APS_OK);
    for (unsigned i = 0; i < 11; i++)
        assert_int_equal(take(&old, 1, 1, T0, NULL, NULL), OK);
    assert_int_equal(take(&old, 1, 1, T0, NULL, NULL), NO);
    clock_time = T0;
    assert_int_equal(aps_rate_take(table, &ask, at(T0), count_clock, &answer), OK);
    assert_int_equal(answer.delay, 11 * 50 * APS_MSEC);
}

/* A window among the earlier ones is passed over, and a window asks nobody. */
static void only_buckets_go_over(void **state)
{
    struct aps_rate_limit old = bucket(1, 10, APS_SEC, 10, NULL);
    struct aps_rate_limit window;
    struct aps_rate_limit new;

    (void)state;
    assert_int_equal(aps_rate_init_window(&window, (uint64_t)2 << 40, APS_RATE_FIXED,
                                          (struct aps_rate){10, APS_SEC}, NULL),
                     APS_OK);
    window.earlier = &old;
    new = bucket(3, 20, APS_SEC, 20, &window);
    assert_int_equal(take(&old, 1, 4, T0, NULL, NULL), OK);
    assert_int_equal(take(&window, 1, 10, T0, NULL, NULL), OK);
    assert_int_equal(remaining(&new, 1, T0), 16);
    assert_int_equal(take(&window, 1, 1, T0 + APS_SEC, NULL, NULL), OK);
}

/* LIM-14: where the table is full the earlier cell is left alone. */
static void without_a_cell_nothing_goes_over(void **state)
{
    struct aps_rate_limit old = bucket(1, 10, APS_HOUR, 10, NULL);
    struct aps_rate_limit new = bucket(2, 20, APS_HOUR, 20, &old);
    uint64_t caller = 0;

    (void)state;
    while (aps_metrics_sum(table, APS_METRIC_TABLE_OVERFLOW) == 0)
        assert_int_equal(take(&old, ++caller, 1, T0, NULL, NULL), OK);
    for (uint64_t more = 0; more < 20000; more++)
        (void)take(&old, caller + more, 1, T0, NULL, NULL);
    assert_non_null(cell_of(&old, 1));
    assert_int_equal(take(&new, 1, 1, T0, NULL, NULL), OK);
    assert_null(cell_of(&new, 1));
    assert_int_equal(take(&old, 1, 1, T0, NULL, NULL), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_was_consumed_goes_over_in_units),
        T(a_part_of_a_unit_goes_over),
        T(an_earlier_definition_refuses_from_then_on),
        T(the_wait_of_an_earlier_definition_is_not_before_its_reset),
        T(an_idle_cell_refuses_too),
        T(a_claim_of_an_earlier_definition_is_ended),
        T(who_was_not_seen_begins_with_all),
        T(who_was_not_seen_is_closed_to_the_earlier_definition),
        T(the_last_three_definitions_are_asked),
        T(who_comes_after_a_death_goes_on),
        T(delays_go_over),
        T(only_buckets_go_over),
        T(without_a_cell_nothing_goes_over),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
