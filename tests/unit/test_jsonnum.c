#include "t.h"

#include "apisec/jsonnum.h"

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

/* POS-05: the order of decimal texts, where doubles see no difference. */
static void texts_are_compared_exactly(void **state)
{
    static const struct {
        const char *a, *b;
        int want;
    } cases[] = {
        {"0", "0", 0},
        {"0", "-0", 0},
        {"0.0", "0e9", 0},
        {"1", "1.0", 0},
        {"1", "10e-1", 0},
        {"1e2", "100", 0},
        {"1.5E+2", "150.000", 0},
        {"-1.5", "-15e-1", 0},
        {"0.001", "1e-3", 0},
        {"1", "2", -1},
        {"-1", "1", -1},
        {"-2", "-1", -1},
        {"0", "1e-999", -1},
        {"-1e-999", "0", -1},
        {"9", "10", -1},
        {"99", "1e2", -1},
        {"0.1", "0.10000000000000000001", -1},
        {"9007199254740992", "9007199254740993", -1},
        {"100000000000000000000000000000000000001", "1e38", 1},
        {"1e400", "2e400", -1},
        {"1e400", "1e401", -1},
        {"1e-400", "1e-401", 1},
        {"12345", "1234", 1},
        {"1.2345", "1.23450001", -1},
        {"5e000000000000000000000000000001", "50", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct aps_str a = aps_str(cases[i].a), b = aps_str(cases[i].b);

        assert_int_equal(sign(aps_jsonnum_compare(a, b)), cases[i].want);
        assert_int_equal(sign(aps_jsonnum_compare(b, a)), -cases[i].want);
    }
}

/* POS-05: an integer is one by its value; what does not fit is none of ours. */
static void integers_are_exact_or_refused(void **state)
{
    static const struct {
        const char *text;
        bool is_integer, is_safe, fits;
        int64_t value;
    } cases[] = {
        {"0", true, true, true, 0},
        {"-0", true, true, true, 0},
        {"0.000", true, true, true, 0},
        {"0e400", true, true, true, 0},
        {"1.0", true, true, true, 1},
        {"1e3", true, true, true, 1000},
        {"1.25e2", true, true, true, 125},
        {"1.25e1", false, false, false, 0},
        {"0.5", false, false, false, 0},
        {"1e-1", false, false, false, 0},
        {"100e-2", true, true, true, 1},
        {"9007199254740991", true, true, true, 9007199254740991},
        {"9007199254740992", true, false, true, 9007199254740992},
        {"-9007199254740991", true, true, true, -9007199254740991},
        {"-9007199254740992", true, false, true, -9007199254740992},
        {"9007199254740991.5", false, false, false, 0},
        {"9223372036854775807", true, false, true, INT64_MAX},
        {"9223372036854775808", true, false, false, 0},
        {"-9223372036854775808", true, false, true, INT64_MIN},
        {"-9223372036854775809", true, false, false, 0},
        {"9223372036854775807.0", true, false, true, INT64_MAX},
        {"92233720368547758070e-1", true, false, true, INT64_MAX},
        {"1e18", true, false, true, 1000000000000000000},
        {"1e19", true, false, false, 0},
        {"1e308", true, false, false, 0},
        {"12345678901234567890123", true, false, false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct aps_str text = aps_str(cases[i].text);
        int64_t value = 77;

        assert_int_equal(aps_jsonnum_is_integer(text), cases[i].is_integer);
        assert_int_equal(aps_jsonnum_is_safe(text), cases[i].is_safe);
        assert_int_equal(aps_jsonnum_i64(text, &value), cases[i].fits);
        assert_int_equal(value, cases[i].fits ? cases[i].value : 77);
    }
}

/* POS-05: from halfway between the largest double and 2^1024 on. */
static void overflow_begins_where_doubles_end(void **state)
{
    static const struct {
        const char *text;
        bool want;
    } cases[] = {
        {"0", false},
        {"0e999", false},
        {"1e308", false},
        {"-1e308", false},
        {"1.7976931348623157e308", false},
        {"1.7976931348623158e308", false},
        {"1.797693134862315807e308", false},
        {"1.797693134862315808e308", true},
        {"-1.797693134862315808e308", true},
        {"1.8e308", true},
        {"1e309", true},
        {"0.0001e312", false},
        {"0.0001e313", true},
        {"1e-999", false},
    };
    char digits[310];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(aps_jsonnum_overflows(aps_str(cases[i].text)), cases[i].want);
    memset(digits, '1', sizeof digits);
    assert_false(aps_jsonnum_overflows((struct aps_str){digits, 309}));
    assert_true(aps_jsonnum_overflows((struct aps_str){digits, 310}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_compared_exactly),
        cmocka_unit_test(integers_are_exact_or_refused),
        cmocka_unit_test(overflow_begins_where_doubles_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
