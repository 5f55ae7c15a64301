#include "t.h"

#include "apisec/hsts.h"

/* TRN-02 */
static void what_a_browser_reads(void **state)
{
    static const struct {
        const char *text;
        uint64_t max_age;
        bool subdomains, preload;
    } good[] = {
        {"max-age=31536000", 31536000, false, false},
        {"max-age=0", 0, false, false},
        {" Max-Age = \"63072000\" ; includeSubDomains;preload ", 63072000, true, true},
        {"INCLUDESUBDOMAINS;max-age=1;", 1, true, false},
        {";;max-age=31536000; other=x; another", 31536000, false, false},
        {"max-age=18446744073709551615", UINT64_MAX, false, false},
        {"max-age=99999999999999999999999999", UINT64_MAX, false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct aps_hsts got = {0, false, false};
        assert_true(aps_hsts_read(aps_str(good[i].text), &got));
        assert_int_equal(got.max_age, good[i].max_age);
        assert_int_equal(got.subdomains, good[i].subdomains);
        assert_int_equal(got.preload, good[i].preload);
    }
}

/* TRN-02 */
static void what_a_browser_does_not_read(void **state)
{
    static const char *const bad[] = {
        "",
        ";",
        "max-age",
        "max-age=",
        "max-age=\"\"",
        "max-age=x",
        "max-age=-1",
        "max-age=1d",
        "max-age=\"1",
        "max-age=1, max-age=31536000",
        "max-age=31536000; max-age=31536000",
        "max-age=31536000; includeSubDomains; includesubdomains",
        "max-age=31536000; preload=x",
        "includeSubDomains; preload",
        "other=\"; max-age=31536000; x=\"",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct aps_hsts got = {7, true, true};
        assert_false(aps_hsts_read(aps_str(bad[i]), &got));
        assert_int_equal(got.max_age, 7);
    }
}

/* TRN-02 */
static void the_stronger_one_covers(void **state)
{
    const struct aps_hsts year = {APS_HSTS_AGE_MIN, false, false},
                          all = {APS_HSTS_AGE_MIN, true, true},
                          less = {APS_HSTS_AGE_MIN - 1, true, true};
    (void)state;
    assert_true(aps_hsts_covers(&year, &year));
    assert_true(aps_hsts_covers(&all, &year));
    assert_false(aps_hsts_covers(&year, &all));
    assert_false(aps_hsts_covers(&less, &year));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_browser_reads),
        cmocka_unit_test(what_a_browser_does_not_read),
        cmocka_unit_test(the_stronger_one_covers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
