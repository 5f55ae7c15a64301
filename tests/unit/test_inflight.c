#include "t.h"

#include <apr_general.h>
#include <stdlib.h>
#include <unistd.h>

#include "apisec/limit.h"
#include "apisec/metrics.h"
#include "t_slots.h"

#define T0 ((aps_nsec)5000 * APS_SEC)

static apr_pool_t *pool;
static struct aps_state *table;

static int open_table(void **state)
{
    (void)state;
    assert_int_equal(apr_pool_create(&pool, NULL), APR_SUCCESS);
    assert_int_equal(aps_state_memory(pool, &(struct aps_state_size){1024, 0}, &table, NULL),
                     APS_OK);
    table->slots.head->swept = (uint64_t)T0;
    return 0;
}

static int close_table(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    return 0;
}

static aps_nsec read_clock(void)
{
    return T0;
}

static struct aps_rate_limit inflight_limit(uint32_t count, uint64_t scope)
{
    struct aps_rate_limit limit;

    assert_int_equal(aps_rate_init_inflight(&limit, scope, count, NULL), APS_OK);
    return limit;
}

static struct aps_rate_limit bucket_limit(uint32_t count, uint64_t scope)
{
    struct aps_rate_limit limit;

    assert_int_equal(aps_rate_init(&limit, scope, (struct aps_rate){count, APS_MINUTE}, 0, NULL),
                     APS_OK);
    return limit;
}

static struct aps_rate_ask ask_of(const struct aps_rate_limit *limit, uint64_t caller)
{
    return (struct aps_rate_ask){.limit = limit, .caller = caller, .store = 1, .cost = 1};
}

static enum aps_reason take_all(const struct aps_rate_ask *asks, unsigned n,
                                struct aps_rate_result *out)
{
    memset(out, 0xee, sizeof *out);
    return aps_rate_take_all(table, asks, n, t_slots_at(T0), read_clock, out);
}

static uint64_t held_rows(void)
{
    struct aps_slots_usage usage;

    assert_int_equal(aps_slots_usage(table, &usage, NULL), APS_OK);
    return usage.held;
}

static void counts_are_1_to_65535(void **state)
{
    struct aps_rate_limit limit;
    struct aps_diag diag = {{0}};

    (void)state;
    assert_int_equal(aps_rate_init_inflight(&limit, 1, 0, &diag), APS_ERR_RANGE);
    assert_non_null(strstr(diag.text, "want 1 to 65535"));
    assert_int_equal(aps_rate_init_inflight(&limit, 1, APS_SLOTS_MAX + 1, NULL), APS_ERR_RANGE);
    assert_int_equal(aps_rate_init_inflight(&limit, 1, APS_SLOTS_MAX, NULL), APS_OK);
}

/* LIM-13: alone and beside others; each cost is 1. */
static void who_is_let_in_holds_a_slot_of_each(void **state)
{
    struct aps_rate_limit two = inflight_limit(2, 1), many = inflight_limit(9, 2),
                          rate = bucket_limit(9, 3);
    struct aps_rate_ask asks[3] = {ask_of(&two, 7), ask_of(&rate, 7), ask_of(&many, 7)};
    struct aps_rate_result one, other, refused;

    (void)state;
    asks[0].cost = 5;
    assert_int_equal(take_all(asks, 3, &one), APS_REASON_ALLOW);
    assert_int_equal(one.held, 2);
    assert_int_equal(one.left[0].remaining, 1);
    assert_int_equal(one.left[0].reset, 0);
    assert_int_equal(one.left[1].remaining, 8);
    assert_int_equal(one.left[2].remaining, 8);
    assert_int_equal(take_all(asks, 1, &other), APS_REASON_ALLOW);
    assert_int_equal(other.held, 1);
    assert_int_equal(other.left[0].remaining, 0);
    assert_int_equal(take_all(asks, 3, &refused), APS_REASON_RATE_EXCEEDED);
    assert_int_equal(refused.held, 0);
    assert_int_equal(refused.refused, 0);
    assert_int_equal(refused.wait, APS_SEC);
    assert_int_equal(refused.left[0].remaining, 0);
    assert_int_equal(refused.left[1].remaining, 8); /* nothing was charged */
    assert_int_equal(refused.left[2].remaining, 8);
    assert_int_equal(held_rows(), 3);
    aps_slots_release(table, &other.slot[0]);
    assert_int_equal(take_all(asks, 3, &refused), APS_REASON_ALLOW);
    for (unsigned i = 0; i < 2; i++) {
        aps_slots_release(table, &one.slot[i]);
        aps_slots_release(table, &refused.slot[i]);
    }
    assert_int_equal(held_rows(), 0);
}

/* One ask finds the last slot free, and so does the next one of the same caller: what the first
 * has taken, and what was charged before, is given back. */
static void a_slot_before_a_refusal_is_given_back(void **state)
{
    struct aps_rate_limit limit = inflight_limit(1, 1), rate = bucket_limit(5, 2);
    struct aps_rate_ask asks[3] = {ask_of(&rate, 7), ask_of(&limit, 7), ask_of(&limit, 7)};
    struct aps_rate_result result;

    (void)state;
    assert_int_equal(take_all(asks, 3, &result), APS_REASON_RATE_EXCEEDED);
    assert_int_equal(result.held, 0);
    assert_int_equal(result.refused, 2);
    assert_int_equal(held_rows(), 0);
    assert_int_equal(take_all(asks, 2, &result), APS_REASON_ALLOW);
    assert_int_equal(result.held, 1);
    assert_int_equal(result.left[0].remaining, 4);
}

static void no_free_row_is_told_apart(void **state)
{
    struct aps_rate_limit limit = inflight_limit(9, 1), rate = bucket_limit(5, 2);
    struct aps_rate_ask asks[2] = {ask_of(&rate, 7), ask_of(&limit, 7)};
    struct aps_rate_result result;
    struct aps_rate_answer answer;

    (void)state;
    table->slots.count = 0;
    assert_int_equal(take_all(asks, 2, &result), APS_REASON_SLOTS_FULL);
    assert_int_equal(result.held, 0);
    assert_int_equal(result.refused, 1);
    assert_int_equal(aps_rate_take(table, &asks[1], t_slots_at(T0), read_clock, &answer),
                     APS_REASON_SLOTS_FULL);
    assert_int_equal(answer.slot.use, 0);
    assert_int_equal(aps_metrics_sum(table, APS_METRIC_SLOTS_FULL), 2);
    assert_int_equal(aps_rate_peek(table, &asks[0], t_slots_at(T0), read_clock, &answer),
                     APS_REASON_ALLOW);
    assert_int_equal(answer.left.remaining, 5);
}

static void a_single_ask_tells_its_slot(void **state)
{
    struct aps_rate_limit limit = inflight_limit(1, 1), rate = bucket_limit(5, 2);
    struct aps_rate_ask ask = ask_of(&limit, 7), other = ask_of(&rate, 7);
    struct aps_rate_answer answer, again;

    (void)state;
    assert_int_equal(aps_rate_take(table, &ask, t_slots_at(T0), read_clock, NULL),
                     APS_REASON_INTERNAL);
    assert_int_equal(held_rows(), 0);
    assert_int_equal(aps_rate_peek(table, &ask, t_slots_at(T0), read_clock, &answer),
                     APS_REASON_ALLOW);
    assert_int_equal(answer.left.remaining, 1);
    assert_int_equal(answer.slot.use, 0);
    assert_int_equal(aps_rate_take(table, &ask, t_slots_at(T0), read_clock, &answer),
                     APS_REASON_ALLOW);
    assert_int_not_equal(answer.slot.use, 0);
    assert_int_equal(aps_rate_take(table, &ask, t_slots_at(T0), read_clock, &again),
                     APS_REASON_RATE_EXCEEDED);
    assert_int_equal(again.slot.use, 0);
    assert_int_equal(again.wait, APS_SEC);
    aps_slots_release(table, &answer.slot);
    assert_int_equal(aps_rate_take(table, &other, t_slots_at(T0), read_clock, &answer),
                     APS_REASON_ALLOW);
    assert_int_equal(answer.slot.use, 0);
}

/* An edit: who is in is counted under the new number. */
static void the_words_of_a_limit_are_bound(void **state)
{
    struct aps_limit limit, edited;
    struct aps_rate_result result;
    struct aps_rate_ask asks[2];

    (void)state;
    assert_int_equal(
        aps_limit_parse(pool, APS_STR_LIT("a rate=5/s inflight=2 by=key"), &limit, NULL), APS_OK);
    assert_int_equal(aps_limit_bind(pool, &limit, 3, NULL), APS_OK);
    assert_int_equal(limit.n, 2);
    assert_int_equal(limit.meter[1].charge.kind, APS_RATE_INFLIGHT);
    assert_int_equal(limit.meter[1].charge.burst, 2);
    for (unsigned i = 0; i < 2; i++)
        asks[i] = ask_of(&limit.meter[i].charge, 7);
    assert_int_equal(take_all(asks, 2, &result), APS_REASON_ALLOW);
    assert_int_equal(take_all(asks, 2, &result), APS_REASON_ALLOW);
    assert_int_equal(take_all(asks, 2, &result), APS_REASON_RATE_EXCEEDED);
    assert_int_equal(result.refused, 1);
    assert_int_equal(
        aps_limit_parse(pool, APS_STR_LIT("a rate=5/s inflight=3 by=key"), &edited, NULL), APS_OK);
    assert_int_equal(aps_limit_bind(pool, &edited, 3, NULL), APS_OK);
    asks[1] = ask_of(&edited.meter[1].charge, 7);
    assert_int_equal(take_all(&asks[1], 1, &result), APS_REASON_ALLOW);
    assert_int_equal(result.left[0].remaining, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_table, close_table)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(counts_are_1_to_65535),
        T(who_is_let_in_holds_a_slot_of_each),
        T(a_slot_before_a_refusal_is_given_back),
        T(no_free_row_is_told_apart),
        T(a_single_ask_tells_its_slot),
        T(the_words_of_a_limit_are_bound),
    };

    return apr_initialize() != APR_SUCCESS ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
