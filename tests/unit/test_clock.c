#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "apisec/clock.h"

static void units_add_up(void **state)
{
    (void)state;
    assert_int_equal(APS_SEC, 1000000000);
    assert_int_equal(APS_MSEC, 1000000);
    assert_int_equal(APS_DAY, 86400 * APS_SEC);
    assert_int_equal(APS_HOUR * 24, APS_DAY);
    assert_int_equal(APS_MINUTE * 60, APS_HOUR);
}

static void monotonic_never_steps_back(void **state)
{
    aps_nsec last = aps_clock_monotonic();

    (void)state;
    assert_true(last > 0);
    for (int i = 0; i < 10000; i++) {
        aps_nsec now = aps_clock_monotonic();

        assert_true(now >= last);
        last = now;
    }
    assert_true(last > 0);
}

/* The wall clock counts from 1970: it lies between the writing of this test and 2262. */
static void wall_is_in_nanoseconds(void **state)
{
    (void)state;
    assert_true(aps_clock_wall() > 1700000000 * APS_SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_add_up),
        cmocka_unit_test(monotonic_never_steps_back),
        cmocka_unit_test(wall_is_in_nanoseconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
