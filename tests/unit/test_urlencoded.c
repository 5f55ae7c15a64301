#include "t.h"

#include "apisec/urlencoded.h"
#include "t_pool.h"

static const struct aps_urlencoded_options usual = {8, 16, false};
static const struct aps_urlencoded_options repeats = {8, 16, true};

static void pairs_are_decoded_once(void **state)
{
    struct aps_urlencoded form;
    assert_int_equal(
        aps_urlencoded_read(APS_STR_LIT("a=b&c+d=%C3%A9%2541&e&f="), &usual, *state, &form),
        APS_URLENCODED_OK);
    static const char *const want[][2] = {{"a", "b"}, {"c d", "\303\251%41"}, {"e", ""}, {"f", ""}};
    assert_int_equal(form.n, 4);
    for (size_t i = 0; i < form.n; i++) {
        assert_true(aps_str_eq(form.pairs[i].name, aps_str(want[i][0])));
        assert_true(aps_str_eq(form.pairs[i].value, aps_str(want[i][1])));
    }
    assert_int_equal(form.pairs[1].at, 4);
}

static void what_readers_differ_on_is_refused(void **state)
{
    static const struct {
        const char *text;
        enum aps_urlencoded_fault fault;
        size_t at;
    } rows[] = {
        {"", APS_URLENCODED_OK, 0},
        {"a=1&a=2", APS_URLENCODED_REPEATED, 4},
        {"a=1&b=2&%61", APS_URLENCODED_REPEATED, 8},
        /* what PHP takes for one name */
        {"a_b=1&a.b=2", APS_URLENCODED_REPEATED, 6},
        {"a+b=1&c&a_b=2", APS_URLENCODED_REPEATED, 8},
        {"+a=1&a=2", APS_URLENCODED_REPEATED, 5},
        {"a%5Bb=1&a_b=2", APS_URLENCODED_REPEATED, 8},
        {"a[x]=1&a!=2&a=3", APS_URLENCODED_REPEATED, 12},
        {"a.b[x]=1&a_b[x]=3", APS_URLENCODED_REPEATED, 9},
        {"a[x]=1&a[y]=2", APS_URLENCODED_OK, 12},
        {"a.b=1&a-b=2", APS_URLENCODED_OK, 10},
        {"a=%", APS_URLENCODED_ESCAPE, 2},
        {"a=%4", APS_URLENCODED_ESCAPE, 2},
        {"a=%4g", APS_URLENCODED_ESCAPE, 2},
        {"a=xy%u0041", APS_URLENCODED_ESCAPE, 4},
        {"a%=1", APS_URLENCODED_ESCAPE, 1},
        {"a=1\n", APS_URLENCODED_BYTE, 3},
        {"a b=1", APS_URLENCODED_BYTE, 1},
        {"a=\303\251", APS_URLENCODED_BYTE, 2},
        {"a=%FF", APS_URLENCODED_UTF8, 2},
        {"a=%C3", APS_URLENCODED_UTF8, 2},
        {"a=%ED%A0%80", APS_URLENCODED_UTF8, 2},
        {"b=1&a=%00", APS_URLENCODED_NUL, 6},
        {"=1", APS_URLENCODED_NAME, 0},
        {"&", APS_URLENCODED_NAME, 0},
        {"a=1&&b=1", APS_URLENCODED_NAME, 4},
        {"a=1&b&c&d&e&f&g&h", APS_URLENCODED_OK, 16},
        {"a=1&b&c&d&e&f&g&h&i", APS_URLENCODED_PAIRS, 0},
        {"a=1234567890123456", APS_URLENCODED_OK, 2},
        {"a=12345678901234567", APS_URLENCODED_STRING, 2},
        {"12345678901234567", APS_URLENCODED_STRING, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct aps_urlencoded form;
        enum aps_urlencoded_fault fault =
            aps_urlencoded_read(aps_str(rows[i].text), &usual, *state, &form);
        assert_string_equal(aps_urlencoded_fault_name(fault),
                            aps_urlencoded_fault_name(rows[i].fault));
        assert_int_equal(form.at, rows[i].at);
    }
    assert_string_equal(aps_urlencoded_fault_name(APS_URLENCODED_COUNT), "unknown");
    assert_string_equal(aps_urlencoded_fault_text(APS_URLENCODED_REPEATED),
                        "want each name once, and none that a program takes for another one");
    assert_string_equal(aps_urlencoded_fault_text(APS_URLENCODED_COUNT), "unknown");
}

static void repeated_names_may_be_wanted(void **state)
{
    struct aps_urlencoded form;
    assert_int_equal(aps_urlencoded_read(APS_STR_LIT("a=1&a=2"), &repeats, *state, &form),
                     APS_URLENCODED_OK);
    assert_int_equal(form.n, 2);
    assert_int_equal(
        aps_urlencoded_read(APS_STR_LIT("a"), &(struct aps_urlencoded_options){0}, *state, &form),
        APS_URLENCODED_PAIRS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(pairs_are_decoded_once),
        t_pool_test(what_readers_differ_on_is_refused),
        t_pool_test(repeated_names_may_be_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
