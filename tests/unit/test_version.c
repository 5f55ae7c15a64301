#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <apisec/version.h>

/* The core and the configuration agree on the release. */
static void version_is_the_configured_one(void **state)
{
    (void)state;
    assert_string_equal(aps_version(), APS_VERSION);
    assert_int_equal(strspn(aps_version(), "0123456789."), strlen(aps_version()));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(version_is_the_configured_one)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
