#include "t.h"

#include <apr_general.h>

#include "apisec/plan.h"

static apr_pool_t *pool;

static int set_up(void **state)
{
    (void)state;
    return apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS;
}

static int tear_down(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}

/* LIM-11: only what a verified key and the route say; addresses are for ApiSecLimit. */
static void a_plan_goes_by_callers_and_routes(void **state)
{
    static const struct {
        const char *by;
        enum aps_err want;
    } rows[] = {
        {"key", APS_OK},
        {"user", APS_OK},
        {"org", APS_OK},
        {"route", APS_OK},
        {"key+user+org+route", APS_OK},
        {"ip", APS_ERR_FORMAT},
        {"ip/24/48", APS_ERR_FORMAT},
        {"role", APS_ERR_FORMAT},
        {"key+ip", APS_ERR_FORMAT},
        {"role+route", APS_ERR_FORMAT},
        {"me", APS_ERR_FORMAT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct aps_limit limit = {.n = 77};
        struct aps_diag diag = {""};
        char text[128];
        (void)snprintf(text, sizeof text, "calls rate=1/s by=%s", rows[i].by);
        assert_int_equal(aps_plan_parse(pool, aps_str(text), &limit, &diag), rows[i].want);
        if (rows[i].want == APS_OK)
            continue;
        assert_int_equal(limit.n, 77); /* untouched */
        assert_non_null(strstr(diag.text, rows[i].by));
        assert_non_null(strstr(diag.text, "org"));
    }
}

static struct aps_limit parsed(const char *text)
{
    struct aps_limit limit;
    struct aps_diag diag = {""};
    if (aps_plan_parse(pool, aps_str(text), &limit, &diag) != APS_OK)
        fail_msg("%s: %s", text, diag.text);
    return limit;
}

static void what_the_limiter_does_not_take_is_refused(void **state)
{
    static const struct {
        const char *text;
        enum aps_err want;
    } rows[] = {
        {"a rate=1/s by=key", APS_OK},
        {"a rate=1/s quota=5/day zone=UTC by=key", APS_OK},
        {"a rate=1/d burst=3660 by=key", APS_OK},
        {"a rate=1/d burst=3661 by=key", APS_ERR_RANGE},
        {"a rate=65535/s algorithm=sliding-window by=key", APS_OK},
        {"a rate=65536/s algorithm=sliding-window by=key", APS_ERR_RANGE},
        {"a quota=5/day zone=Europe/Atlantis by=key", APS_ERR_NOT_FOUND},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct aps_limit limit = parsed(rows[i].text);
        struct aps_diag diag = {""};
        enum aps_err err = aps_plan_check(pool, &limit, &diag);
        if (err != rows[i].want)
            fail_msg("%s: %s: %s", rows[i].text, aps_err_name(err), diag.text);
        assert_true(err == APS_OK || diag.text[0] != '\0');
    }
}

/* Until then what was consumed can matter. */
static void spans_are_those_of_the_longest_meter(void **state)
{
    static const struct {
        const char *text;
        aps_nsec want;
    } rows[] = {
        {"a inflight=5 by=key", 0},
        {"a rate=10/s by=key", APS_SEC},
        {"a rate=10/s burst=100 by=key", 10 * APS_SEC},
        {"a rate=7/s by=key", 7 * 142857143}, /* a unit takes whole nanoseconds, rounded up */
        {"a rate=1/m delay=5s by=key", 65 * APS_SEC},
        {"a rate=10/s rate=100/h by=key", APS_HOUR},
        {"a rate=100/h algorithm=fixed-window by=key", 2 * APS_HOUR},
        {"a rate=100/h algorithm=sliding-window by=key", 2 * APS_HOUR},
        {"a quota=9/day by=key", 2 * APS_DAY},
        {"a quota=9/week rate=1/s by=key", 8 * APS_DAY},
        {"a quota=9/month quota=1/day by=key", 32 * APS_DAY},
        {"a rate=1/d burst=1000000000 by=key", 3660 * APS_DAY}, /* none is longer */
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct aps_limit limit = parsed(rows[i].text);
        assert_int_equal(aps_plan_span(&limit), rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_goes_by_callers_and_routes),
        cmocka_unit_test(what_the_limiter_does_not_take_is_refused),
        cmocka_unit_test(spans_are_those_of_the_longest_meter),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
