#include "t.h"
#include "t_disk.h"

#include <apr_general.h>
#include <stdlib.h>

#include "apisec/metrics.h"
#include "apisec/rate.h"

/* 2026-11-23T02:13:20Z, a Monday. */
#define WALL ((aps_nsec)1795400000 * APS_SEC)
#define MONO ((aps_nsec)1000 * APS_SEC)
#define MIDNIGHT ((aps_nsec)1795478400 * APS_SEC) /* which ends that day */
#define ENTRIES 1024

static apr_pool_t *pool, *state_pool;
static char folder[32];
static char file[64];
static struct aps_state *opened;
static const struct aps_zone *utc;
static struct aps_rate_limit limit;
static struct aps_rate_answer answer;

static void open_state(void)
{
    struct aps_diag diag = {""};

    assert_int_equal(apr_pool_create(&state_pool, pool), APR_SUCCESS);
    assert_int_equal(aps_state_open(state_pool, file, &(struct aps_state_size){ENTRIES, 0}, WALL,
                                    &opened, &diag),
                     APS_OK);
    t_disk_attach(opened);
}

static void close_state(void)
{
    apr_pool_destroy(state_pool);
    opened = NULL;
}

static int open_file(void **state)
{
    (void)state;
    assert_int_equal(apr_pool_create(&pool, NULL), APR_SUCCESS);
    (void)snprintf(folder, sizeof folder, "/tmp/test_quota.XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(file, sizeof file, "%s/s", folder);
    open_state();
    assert_int_equal(aps_zone_open(pool, APS_STR_LIT("UTC"), &utc, NULL), APS_OK);
    return 0;
}

static int remove_file(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(folder), 0);
    return 0;
}

static void set_limit(uint32_t count, enum aps_zone_unit unit)
{
    uint64_t scope = aps_table_scope(APS_TABLE_RATE, 1, APS_STR_LIT("quota"));

    assert_int_equal(aps_rate_init_quota(&limit, scope, count, unit, utc, NULL), APS_OK);
}

static aps_nsec no_clock(void)
{
    return MONO;
}

static enum aps_reason ask(uint64_t caller, uint32_t cost, uint32_t bonus, aps_nsec wall, bool take)
{
    struct aps_rate_ask a = {
        &limit, aps_table_caller(opened, &caller, sizeof caller), 1, cost, bonus, false};
    struct aps_table_now now = {MONO, wall};

    memset(&answer, 0, sizeof answer);
    return (take ? aps_rate_take : aps_rate_peek)(opened, &a, now, no_clock, &answer);
}

static enum aps_reason take(uint64_t caller, uint32_t cost, aps_nsec wall)
{
    return ask(caller, cost, 0, wall, true);
}

/* How many of one unit each are admitted until the first refusal. */
static uint32_t drain(uint64_t caller, aps_nsec wall)
{
    uint32_t n = 0;

    while (take(caller, 1, wall) == APS_REASON_ALLOW)
        n++;
    return n;
}

static void limits_are_bounded(void **state)
{
    static const struct {
        uint32_t count;
        bool accepted;
    } cases[] = {{0, false}, {1, true}, {1000000000, true}, {1000000001, false}};
    struct aps_diag diag = {""};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(aps_rate_init_quota(&limit, 1, cases[i].count, APS_ZONE_DAY, utc, &diag),
                         cases[i].accepted ? APS_OK : APS_ERR_RANGE);
    assert_string_equal(diag.text,
                        "a quota of 1000000001: want 1 to 1000000000 in a day, week or month");
}

/* LIM-09, LIM-02, LIM-03 */
static void a_period_has_its_count_and_the_next_one_begins_anew(void **state)
{
    (void)state;
    set_limit(100, APS_ZONE_DAY);
    assert_int_equal(ask(7, 1, 0, WALL, false), APS_REASON_ALLOW);
    assert_int_equal(answer.left.remaining, 100);
    assert_int_equal(answer.left.reset, 0);
    assert_int_equal(take(7, 30, WALL), APS_REASON_ALLOW);
    assert_int_equal(answer.left.remaining, 70);
    assert_int_equal(answer.left.reset, MIDNIGHT - WALL);
    assert_int_equal(answer.kept, APS_LEASE_DURABLE);
    assert_int_equal(take(7, 71, WALL + APS_HOUR), APS_REASON_RATE_EXCEEDED);
    assert_int_equal(answer.wait, MIDNIGHT - WALL - APS_HOUR);
    assert_int_equal(answer.left.remaining, 70);
    assert_int_equal(take(7, 101, WALL), APS_REASON_RATE_EXCEEDED);
    assert_int_equal(answer.wait, APS_RATE_NEVER);
    assert_int_equal(drain(7, WALL), 70);
    assert_int_equal(answer.left.remaining, 0);
    assert_int_equal(take(7, 1, MIDNIGHT - 1), APS_REASON_RATE_EXCEEDED);
    assert_int_equal(answer.wait, 1);
    assert_int_equal(drain(8, WALL), 100); /* another caller */
    assert_int_equal(ask(7, 1, 0, MIDNIGHT, false), APS_REASON_ALLOW);
    assert_int_equal(answer.left.remaining, 100);
    assert_int_equal(drain(7, MIDNIGHT), 100);
    assert_int_equal(answer.wait, APS_DAY);
}

static void units_have_their_length(void **state)
{
    static const struct {
        enum aps_zone_unit unit;
        aps_nsec end;
    } cases[] = {
        {APS_ZONE_DAY, MIDNIGHT},
        {APS_ZONE_WEEK, MIDNIGHT + 6 * APS_DAY},
        {APS_ZONE_MONTH, MIDNIGHT + 7 * APS_DAY}, /* 2026-12-01 */
    };

    (void)state;
    for (uint64_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set_limit(3, cases[i].unit);
        assert_int_equal(drain(i, WALL), 3);
        assert_int_equal(answer.wait, cases[i].end - WALL);
        assert_int_equal(drain(i, cases[i].end - 1), 0);
        assert_int_equal(drain(i, cases[i].end), 3);
    }
}

/* A day of 23 hours has a whole quota, and its end is told. */
static void a_zone_has_days_of_its_own(void **state)
{
    const struct aps_zone *berlin = NULL;
    aps_nsec march = (aps_nsec)1774738800 * APS_SEC; /* 2026-03-29 in Berlin */

    (void)state;
    assert_int_equal(aps_zone_open(pool, APS_STR_LIT("Europe/Berlin"), &berlin, NULL), APS_OK);
    set_limit(10, APS_ZONE_DAY);
    limit.zone = berlin;
    assert_int_equal(drain(7, march - 1), 10);
    assert_int_equal(drain(7, march), 10);
    assert_int_equal(answer.wait, 23 * APS_HOUR);
    assert_int_equal(drain(7, march + 23 * APS_HOUR - 1), 0);
    assert_int_equal(drain(7, march + 23 * APS_HOUR), 10);
}

static void a_bonus_raises_the_period(void **state)
{
    (void)state;
    set_limit(10, APS_ZONE_DAY);
    assert_int_equal(drain(7, WALL), 10);
    assert_int_equal(ask(7, 5, 5, WALL, true), APS_REASON_ALLOW);
    assert_int_equal(answer.left.remaining, 0);
    assert_int_equal(ask(7, 1, 5, WALL, true), APS_REASON_RATE_EXCEEDED);
    assert_int_equal(ask(7, 16, 5, WALL, true), APS_REASON_RATE_EXCEEDED);
    assert_int_equal(answer.wait, APS_RATE_NEVER);
    assert_int_equal(ask(7, 1, 0, WALL, true), APS_REASON_RATE_EXCEEDED); /* it was taken back */
    assert_int_equal(answer.left.remaining, 0);
    limit.burst = APS_NUM_COUNT_MAX; /* the sum is cut, not wrapped */
    assert_int_equal(ask(7, 1, UINT32_MAX, WALL, false), APS_REASON_ALLOW);
    assert_int_equal(answer.left.remaining, UINT32_MAX - 15);
}

/* An edit keeps what was consumed. */
static void another_count_keeps_what_was_consumed(void **state)
{
    (void)state;
    set_limit(100, APS_ZONE_DAY);
    assert_int_equal(take(7, 60, WALL), APS_REASON_ALLOW);
    set_limit(50, APS_ZONE_DAY);
    assert_int_equal(take(7, 1, WALL), APS_REASON_RATE_EXCEEDED);
    assert_int_equal(answer.left.remaining, 0);
    set_limit(80, APS_ZONE_DAY);
    assert_int_equal(drain(7, WALL), 20);
}

/* LIM-09: the clock is set back over midnight, forward, and by years. */
static void a_clock_that_steps_grants_nothing_twice(void **state)
{
    (void)state;
    set_limit(10, APS_ZONE_DAY);
    assert_int_equal(drain(7, MIDNIGHT - APS_HOUR), 10);
    assert_int_equal(drain(7, MIDNIGHT + APS_MINUTE), 10);
    /* An hour back: the new day is gone on with. */
    assert_int_equal(drain(7, MIDNIGHT - 59 * APS_MINUTE), 0);
    assert_int_equal(answer.wait, APS_DAY + 59 * APS_MINUTE);
    assert_int_equal(drain(7, MIDNIGHT + APS_DAY - 1), 0);
    assert_int_equal(drain(7, MIDNIGHT + APS_DAY), 10);
    /* Two days and more ahead: it is brought to the present day, and its count stays. */
    assert_int_equal(take(7, 1, MIDNIGHT - APS_HOUR), APS_REASON_RATE_EXCEEDED);
    assert_int_equal(answer.wait, APS_HOUR);
    assert_int_equal(drain(7, MIDNIGHT - 1), 0);
    assert_int_equal(drain(7, MIDNIGHT + APS_MINUTE), 0); /* a lease of that day is known */
    assert_int_equal(drain(7, MIDNIGHT + 2 * APS_DAY), 10);
    /* Years ahead, and back. */
    assert_int_equal(drain(7, MIDNIGHT + 4000 * APS_DAY), 10);
    assert_int_equal(take(7, 1, MIDNIGHT + 3 * APS_DAY), APS_REASON_RATE_EXCEEDED);
    assert_int_equal(answer.wait, APS_DAY);
    assert_int_equal(drain(7, MIDNIGHT + 4 * APS_DAY), 10);
    /* Before 1970 it is 1970. */
    assert_int_equal(drain(8, -1), 10);
    assert_int_equal(answer.wait, APS_DAY);
}

/* A zone whose day ends later than the one that was counted takes the count over. */
static void another_zone_goes_on_with_the_count(void **state)
{
    const struct aps_zone *hawaii = NULL;

    (void)state;
    assert_int_equal(aps_zone_open(pool, APS_STR_LIT("Pacific/Honolulu"), &hawaii, NULL), APS_OK);
    set_limit(10, APS_ZONE_DAY);
    assert_int_equal(take(7, 9, MIDNIGHT - APS_HOUR), APS_REASON_ALLOW);
    limit.zone = hawaii; /* its day ends ten hours after midnight */
    assert_int_equal(take(7, 1, MIDNIGHT - APS_HOUR), APS_REASON_ALLOW);
    assert_int_equal(take(7, 1, MIDNIGHT - APS_HOUR), APS_REASON_RATE_EXCEEDED);
    assert_int_equal(answer.wait, 11 * APS_HOUR);
    assert_int_equal(drain(7, MIDNIGHT + 10 * APS_HOUR - 1), 0);
    assert_int_equal(drain(7, MIDNIGHT + 10 * APS_HOUR), 10);
    limit.zone = utc; /* which ends earlier: the day that was begun is gone on with */
    assert_int_equal(drain(7, MIDNIGHT + 11 * APS_HOUR), 0);
    assert_int_equal(answer.wait, 23 * APS_HOUR);
}

/* LIM-09 */
static void a_restart_loses_nothing(void **state)
{
    (void)state;
    set_limit(100, APS_ZONE_DAY);
    assert_int_equal(take(7, 33, WALL), APS_REASON_ALLOW);
    close_state();
    open_state();
    assert_int_equal(take(7, 1, WALL), APS_REASON_ALLOW);
    assert_int_equal(answer.left.remaining, 66);
}

/* LIM-09, LIM-10: after a power failure at any point, at most one lease is lost, and nothing is
 * granted twice. */
static void a_power_failure_loses_one_lease_at_most(void **state)
{
    static const uint32_t counts[] = {1, 7, 64, 65, 640, 1000};

    (void)state;
    for (uint64_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        uint32_t lease = (counts[i] + 63) / 64;

        for (uint32_t before = 0; before <= counts[i]; before += 1 + before / 3) {
            uint64_t caller = i << 32 | before;
            uint32_t after;

            set_limit(counts[i], APS_ZONE_MONTH);
            for (uint32_t k = 0; k < before; k++)
                assert_int_equal(take(caller, 1, WALL), APS_REASON_ALLOW);
            close_state();
            t_disk_power_failure(file);
            open_state();
            after = drain(caller, WALL);
            assert_true(before + after <= counts[i]);
            assert_true(before + after + lease > counts[i]);
        }
    }
}

/* LIM-10 */
static void a_caller_waits_for_the_disk_64_times_in_a_period(void **state)
{
    static const uint32_t counts[] = {1, 10, 63, 64, 65, 127, 128, 1000, 20000};

    (void)state;
    for (uint64_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        uint64_t before = t_disk->writes;
        uint64_t step = (counts[i] + 63) / 64;

        set_limit(counts[i], APS_ZONE_MONTH);
        assert_int_equal(drain(i, WALL), counts[i]);
        assert_int_equal(t_disk->writes - before, (counts[i] + step - 1) / step);
        assert_true(t_disk->writes - before <= 64);
    }
}

static void a_cost_above_a_lease_takes_what_it_needs(void **state)
{
    (void)state;
    set_limit(6400, APS_ZONE_DAY);
    assert_int_equal(take(7, 1000, WALL), APS_REASON_ALLOW);
    assert_int_equal(t_disk->writes, 1);
    assert_int_equal(take(7, 99, WALL), APS_REASON_ALLOW); /* 100 a lease */
    assert_int_equal(t_disk->writes, 1);
    assert_int_equal(take(7, 1, WALL), APS_REASON_ALLOW);
    assert_int_equal(t_disk->writes, 2);
    assert_int_equal(take(7, 5300, WALL), APS_REASON_ALLOW);
    assert_int_equal(answer.left.remaining, 0);
}

/* LIM-22 */
static void a_disk_that_fails_never_lets_more_through(void **state)
{
    (void)state;
    set_limit(10, APS_ZONE_DAY);
    t_disk->failure = ENOSPC;
    assert_int_equal(take(7, 1, WALL), APS_REASON_ALLOW);
    assert_int_equal(answer.kept, APS_LEASE_FAILED);
    assert_int_equal(aps_lease_failure(opened), ENOSPC);
    assert_int_equal(drain(7, WALL), 9);
    assert_int_equal(aps_metrics_sum(opened, APS_METRIC_QUOTA_UNDURABLE), 10);
    assert_int_equal(aps_metrics_sum(opened, APS_METRIC_QUOTA_SYNC_FAILED), 1);
}

static void all_of_several_or_none(void **state)
{
    uint64_t caller = 9;
    uint64_t name = aps_table_caller(opened, &caller, sizeof caller);
    struct aps_rate_limit month;
    struct aps_rate_ask asks[2];
    struct aps_rate_result result;
    struct aps_table_now now = {MONO, WALL};

    (void)state;
    set_limit(5, APS_ZONE_MONTH);
    month = limit;
    month.scope++;
    set_limit(3, APS_ZONE_DAY);
    asks[0] = (struct aps_rate_ask){&month, name, 1, 1, 0, false};
    asks[1] = (struct aps_rate_ask){&limit, name, 1, 1, 0, false};
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(aps_rate_take_all(opened, asks, 2, now, no_clock, &result),
                         APS_REASON_ALLOW);
        assert_int_equal(result.kept, APS_LEASE_DURABLE);
    }
    assert_int_equal(aps_rate_take_all(opened, asks, 2, now, no_clock, &result),
                     APS_REASON_RATE_EXCEEDED);
    assert_int_equal(result.refused, 1);
    assert_int_equal(result.wait, MIDNIGHT - WALL);
    assert_int_equal(result.left[0].remaining, 2);
    assert_int_equal(result.left[1].remaining, 0);
}

/* A word of another kind is damage: it refuses, for this period at most. */
static void damage_refuses_until_the_period_ends(void **state)
{
    (void)state;
    set_limit(5, APS_ZONE_DAY);
    assert_int_equal(take(7, 1, WALL), APS_REASON_ALLOW);
    for (uint64_t i = 0; i < opened->info.entries; i++)
        if (opened->cells[i].a != 0)
            opened->cells[i].b = aps_word_counted(APS_WORD_FIXED, 2000, 1);
    assert_int_equal(take(7, 1, WALL), APS_REASON_RATE_EXCEEDED);
    assert_int_equal(answer.wait, MIDNIGHT - WALL);
    assert_int_equal(drain(7, MIDNIGHT), 5);
}

/* Two limits whose new cells are wanted in one place: the second one looks again after it has
 * leased, and goes on at nothing. */
static void a_lease_of_its_own_is_not_taken_for_a_lost_count(void **state)
{
    struct aps_rate_limit month;
    struct aps_rate_ask asks[2];
    struct aps_rate_result result;
    struct aps_table_now now = {MONO, WALL};
    unsigned met = 0;

    (void)state;
    set_limit(5, APS_ZONE_MONTH);
    month = limit;
    month.scope++;
    set_limit(3, APS_ZONE_DAY);
    for (uint64_t caller = 0; caller < 4000 && met < 3; caller++) {
        uint64_t name = aps_table_caller(opened, &caller, sizeof caller);
        uint64_t sets = opened->set_mask;

        if (((aps_table_tag(opened, limit.scope, name) ^ aps_table_tag(opened, month.scope, name)) &
             sets) != 0)
            continue;
        met++;
        asks[0] = (struct aps_rate_ask){&month, name, 1, 1, 0, false};
        asks[1] = (struct aps_rate_ask){&limit, name, 1, 1, 0, false};
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(aps_rate_take_all(opened, asks, 2, now, no_clock, &result),
                             APS_REASON_ALLOW);
        assert_int_equal(result.left[0].remaining, 2);
        assert_int_equal(result.left[1].remaining, 0);
    }
    assert_int_equal(met, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(limits_are_bounded, open_file, remove_file),
        cmocka_unit_test_setup_teardown(a_period_has_its_count_and_the_next_one_begins_anew,
                                        open_file, remove_file),
        cmocka_unit_test_setup_teardown(units_have_their_length, open_file, remove_file),
        cmocka_unit_test_setup_teardown(a_zone_has_days_of_its_own, open_file, remove_file),
        cmocka_unit_test_setup_teardown(a_bonus_raises_the_period, open_file, remove_file),
        cmocka_unit_test_setup_teardown(another_count_keeps_what_was_consumed, open_file,
                                        remove_file),
        cmocka_unit_test_setup_teardown(a_clock_that_steps_grants_nothing_twice, open_file,
                                        remove_file),
        cmocka_unit_test_setup_teardown(another_zone_goes_on_with_the_count, open_file,
                                        remove_file),
        cmocka_unit_test_setup_teardown(a_restart_loses_nothing, open_file, remove_file),
        cmocka_unit_test_setup_teardown(a_power_failure_loses_one_lease_at_most, open_file,
                                        remove_file),
        cmocka_unit_test_setup_teardown(a_caller_waits_for_the_disk_64_times_in_a_period, open_file,
                                        remove_file),
        cmocka_unit_test_setup_teardown(a_cost_above_a_lease_takes_what_it_needs, open_file,
                                        remove_file),
        cmocka_unit_test_setup_teardown(a_disk_that_fails_never_lets_more_through, open_file,
                                        remove_file),
        cmocka_unit_test_setup_teardown(all_of_several_or_none, open_file, remove_file),
        cmocka_unit_test_setup_teardown(a_lease_of_its_own_is_not_taken_for_a_lost_count, open_file,
                                        remove_file),
        cmocka_unit_test_setup_teardown(damage_refuses_until_the_period_ends, open_file,
                                        remove_file),
    };

    assert_int_equal(apr_initialize(), APR_SUCCESS);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
