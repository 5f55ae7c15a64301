#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "apisec/num.h"

#define S(lit) APS_STR_LIT(lit)
#define UNTOUCHED 77

/* 2026-11-23T02:13:20Z */
#define NOW ((aps_nsec)1795400000 * APS_SEC)

static void numbers_are_read_whole_or_refused(void **state)
{
    static const struct {
        struct aps_str text;
        uint64_t min, max;
        enum aps_err err;
        uint64_t value;
    } cases[] = {
        {S("0"), 0, 9, APS_OK, 0},
        {S("9"), 0, 9, APS_OK, 9},
        {S("10"), 0, 9, APS_ERR_RANGE, 0},
        {S("4"), 5, 9, APS_ERR_RANGE, 0},
        {S("5"), 5, 9, APS_OK, 5},
        {S("18446744073709551615"), 0, UINT64_MAX, APS_OK, UINT64_MAX},
        {S("18446744073709551616"), 0, UINT64_MAX, APS_ERR_RANGE, 0},
        {S("99999999999999999999999999"), 0, UINT64_MAX, APS_ERR_RANGE, 0},
        {S("18446744073709551614"), 0, UINT64_MAX, APS_OK, UINT64_MAX - 1},
        {S(""), 0, 9, APS_ERR_FORMAT, 0},
        {{NULL, 0}, 0, 9, APS_ERR_FORMAT, 0},
        {S("00"), 0, 9, APS_ERR_FORMAT, 0},
        {S("01"), 0, 9, APS_ERR_FORMAT, 0},
        {S("+1"), 0, 9, APS_ERR_FORMAT, 0},
        {S("-1"), 0, 9, APS_ERR_FORMAT, 0},
        {S(" 1"), 0, 9, APS_ERR_FORMAT, 0},
        {S("1 "), 0, 9, APS_ERR_FORMAT, 0},
        {S("1\n"), 0, 9, APS_ERR_FORMAT, 0},
        {S("1\0"), 0, 9, APS_ERR_FORMAT, 0},
        {S("0x1"), 0, 9, APS_ERR_FORMAT, 0},
        {S("1e0"), 0, 9, APS_ERR_FORMAT, 0},
        {S("1_0"), 0, 99, APS_ERR_FORMAT, 0},
        {S("\xd9\xa1"), 0, 9, APS_ERR_FORMAT, 0}, /* a digit, but not ours */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t value = UNTOUCHED;

        assert_int_equal(aps_num_parse(cases[i].text, cases[i].min, cases[i].max, &value, NULL),
                         cases[i].err);
        assert_true(value == (cases[i].err == APS_OK ? cases[i].value : UNTOUCHED));
    }
}

/* CLI-05: what is refused is named, and so is what is accepted. */
static void refusals_name_value_and_range(void **state)
{
    struct aps_diag diag = {""};
    struct aps_rate rate;
    aps_nsec time;
    uint64_t value;
    char text[1000];

    (void)state;
    assert_int_equal(aps_num_parse(S("070"), 1, 65535, &value, &diag), APS_ERR_FORMAT);
    assert_string_equal(diag.text, "number \"070\": want a whole number from 1 to 65535");
    assert_int_equal(aps_num_parse_rate(S("0/m"), &rate, &diag), APS_ERR_RANGE);
    assert_string_equal(diag.text, "rate \"0/m\": want a count from 1 to 1000000000");
    assert_int_equal(aps_num_parse_duration(S("5y"), &time, &diag), APS_ERR_FORMAT);
    assert_non_null(strstr(diag.text, "\"5y\""));
    assert_non_null(strstr(diag.text, "90d"));
    assert_int_equal(aps_num_parse_time(S("soon"), NOW, &time, &diag), APS_ERR_FORMAT);
    assert_non_null(strstr(diag.text, "\"soon\""));
    assert_non_null(strstr(diag.text, "2027-01-31T12:00:00Z"));
    memset(text, '7', sizeof text);
    assert_int_equal(aps_num_parse((struct aps_str){text, sizeof text}, 0, 9, &value, &diag),
                     APS_ERR_RANGE);
    assert_non_null(strstr(diag.text, "from 0 to 9"));
}

static void durations(void **state)
{
    static const struct {
        struct aps_str text;
        enum aps_err err;
        aps_nsec value;
    } cases[] = {
        {S("1ms"), APS_OK, APS_MSEC},         {S("250ms"), APS_OK, 250 * APS_MSEC},
        {S("1s"), APS_OK, APS_SEC},           {S("10m"), APS_OK, 10 * APS_MINUTE},
        {S("24h"), APS_OK, APS_DAY},          {S("90d"), APS_OK, 90 * APS_DAY},
        {S("2w"), APS_OK, 14 * APS_DAY},      {S("9223372036s"), APS_OK, 9223372036 * APS_SEC},
        {S("9223372037s"), APS_ERR_RANGE, 0}, {S("106751d"), APS_OK, 106751 * APS_DAY},
        {S("106752d"), APS_ERR_RANGE, 0},     {S("99999999999999999999s"), APS_ERR_RANGE, 0},
        {S("0s"), APS_ERR_RANGE, 0},          {S("0ms"), APS_ERR_RANGE, 0},
        {S(""), APS_ERR_FORMAT, 0},           {{NULL, 0}, APS_ERR_FORMAT, 0},
        {S("1"), APS_ERR_FORMAT, 0},          {S("s"), APS_ERR_FORMAT, 0},
        {S("01s"), APS_ERR_FORMAT, 0},        {S("1.5h"), APS_ERR_FORMAT, 0},
        {S("1 s"), APS_ERR_FORMAT, 0},        {S("1S"), APS_ERR_FORMAT, 0},
        {S("1us"), APS_ERR_FORMAT, 0},        {S("1h30m"), APS_ERR_FORMAT, 0},
        {S("-1s"), APS_ERR_FORMAT, 0},        {S("1s "), APS_ERR_FORMAT, 0},
        {S("1s\0"), APS_ERR_FORMAT, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        aps_nsec value = UNTOUCHED;

        assert_int_equal(aps_num_parse_duration(cases[i].text, &value, NULL), cases[i].err);
        assert_true(value == (cases[i].err == APS_OK ? cases[i].value : UNTOUCHED));
    }
}

static void sizes(void **state)
{
    static const struct {
        struct aps_str text;
        enum aps_err err;
        uint64_t value;
    } cases[] = {
        {S("1"), APS_OK, 1},
        {S("65536"), APS_OK, 65536},
        {S("64k"), APS_OK, 65536},
        {S("64K"), APS_OK, 65536},
        {S("3m"), APS_OK, 3 << 20},
        {S("2G"), APS_OK, UINT64_C(2) << 30},
        {S("1024g"), APS_OK, UINT64_C(1) << 40},
        {S("1099511627776"), APS_OK, UINT64_C(1) << 40},
        {S("1025g"), APS_ERR_RANGE, 0},
        {S("1099511627777"), APS_ERR_RANGE, 0},
        {S("99999999999999999999k"), APS_ERR_RANGE, 0},
        {S("0"), APS_ERR_RANGE, 0},
        {S("0k"), APS_ERR_RANGE, 0},
        {S(""), APS_ERR_FORMAT, 0},
        {{NULL, 0}, APS_ERR_FORMAT, 0},
        {S("k"), APS_ERR_FORMAT, 0},
        {S("1kb"), APS_ERR_FORMAT, 0},
        {S("1t"), APS_ERR_FORMAT, 0},
        {S("1 k"), APS_ERR_FORMAT, 0},
        {S("01k"), APS_ERR_FORMAT, 0},
        {S("1\0"), APS_ERR_FORMAT, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t value = 77;

        assert_int_equal(aps_num_parse_size(cases[i].text, &value, NULL), cases[i].err);
        assert_true(value == (cases[i].err == APS_OK ? cases[i].value : 77));
    }
}

/* A limit of 0 is a mistake and refused. */
static void rates(void **state)
{
    static const struct {
        struct aps_str text;
        enum aps_err err;
        struct aps_rate value;
    } cases[] = {
        {S("1/s"), APS_OK, {1, APS_SEC}},
        {S("100/m"), APS_OK, {100, APS_MINUTE}},
        {S("5/h"), APS_OK, {5, APS_HOUR}},
        {S("7/d"), APS_OK, {7, APS_DAY}},
        {S("999999999/d"), APS_OK, {999999999, APS_DAY}},
        {S("1000000000/d"), APS_OK, {1000000000, APS_DAY}},
        {S("1000000001/d"), APS_ERR_RANGE, {0}},
        {S("99999999999999999999/d"), APS_ERR_RANGE, {0}},
        {S("0/s"), APS_ERR_RANGE, {0}},
        {S(""), APS_ERR_FORMAT, {0}},
        {{NULL, 0}, APS_ERR_FORMAT, {0}},
        {S("10"), APS_ERR_FORMAT, {0}},
        {S("10/"), APS_ERR_FORMAT, {0}},
        {S("/s"), APS_ERR_FORMAT, {0}},
        {S("10/w"), APS_ERR_FORMAT, {0}},
        {S("10/ms"), APS_ERR_FORMAT, {0}},
        {S("10/min"), APS_ERR_FORMAT, {0}},
        {S("10 /s"), APS_ERR_FORMAT, {0}},
        {S("10/S"), APS_ERR_FORMAT, {0}},
        {S("10s"), APS_ERR_FORMAT, {0}},
        {S("-10/s"), APS_ERR_FORMAT, {0}},
        {S("010/s"), APS_ERR_FORMAT, {0}},
        {S("10/s/s"), APS_ERR_FORMAT, {0}},
    };
    char text[APS_NUM_RATE_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct aps_rate value = {UNTOUCHED, UNTOUCHED};

        assert_int_equal(aps_num_parse_rate(cases[i].text, &value, NULL), cases[i].err);
        if (cases[i].err != APS_OK) {
            assert_int_equal(value.count, UNTOUCHED);
            assert_int_equal(value.period, UNTOUCHED);
            continue;
        }
        assert_int_equal(value.count, cases[i].value.count);
        assert_int_equal(value.period, cases[i].value.period);
        assert_string_equal(aps_num_print_rate(value, text), cases[i].text.p);
    }
    assert_string_equal(aps_num_print_rate((struct aps_rate){UINT32_MAX, APS_DAY}, text),
                        "4294967295/d");
}

static void durations_are_printed_as_they_are_read(void **state)
{
    static const struct {
        const char *text, *printed;
    } cases[] = {
        {"1ms", "1ms"}, {"1500ms", "1500ms"}, {"1000ms", "1s"},   {"90s", "90s"},
        {"60s", "1m"},  {"90m", "90m"},       {"36h", "36h"},     {"24h", "1d"},
        {"90d", "90d"}, {"2w", "14d"},        {"3601s", "3601s"},
    };
    char text[APS_NUM_DURATION_MAX];
    aps_nsec value;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(aps_num_parse_duration(aps_str(cases[i].text), &value, NULL), APS_OK);
        assert_string_equal(aps_num_print_duration(value, text), cases[i].printed);
    }
    assert_string_equal(aps_num_print_duration(INT64_MAX, text), "9223372036854ms");
}

/* KEY-11: expiry and not-before, as they are entered. */
static void times(void **state)
{
    static const struct {
        const char *text;
        enum aps_err err;
        int64_t seconds;
    } cases[] = {
        {"1970-01-01", APS_OK, 0},
        {"1970-01-01T00:00:01Z", APS_OK, 1},
        {"1970-01-01T00:00:00+00:01", APS_ERR_RANGE, 0}, /* before 1970 */
        {"1969-12-31", APS_ERR_RANGE, 0},
        {"1969-12-31T23:59:59-00:01", APS_ERR_RANGE, 0}, /* by its own calendar */
        {"2000-02-29", APS_OK, 951782400},
        {"2027-01-31", APS_OK, 1801353600},
        {"2027-01-31T12:00:00Z", APS_OK, 1801396800},
        {"2027-01-31T12:00:00+02:00", APS_OK, 1801389600},
        {"2027-01-31T12:00:00-02:30", APS_OK, 1801405800},
        {"2027-01-31T12:00:00+23:59", APS_OK, 1801310460},
        {"2027-01-31T12:00:00+24:00", APS_ERR_FORMAT, 0},
        {"2027-01-31T12:00:00+00:60", APS_ERR_FORMAT, 0},
        {"2261-12-31T23:59:59Z", APS_OK, 9214646399},
        {"2261-12-31T23:59:59-23:59", APS_OK, 9214732739},
        {"2262-01-01", APS_ERR_RANGE, 0},
        {"2027-00-10", APS_ERR_RANGE, 0},
        {"2027-13-10", APS_ERR_RANGE, 0},
        {"2027-01-00", APS_ERR_RANGE, 0},
        {"2027-01-32", APS_ERR_RANGE, 0},
        {"2027-02-28", APS_OK, 1803772800},
        {"2027-02-29", APS_ERR_RANGE, 0},
        {"2028-02-29", APS_OK, 1835395200},
        {"2028-02-30", APS_ERR_RANGE, 0},
        {"2100-02-29", APS_ERR_RANGE, 0},
        {"2027-04-30", APS_OK, 1809043200},
        {"2027-04-31", APS_ERR_RANGE, 0},
        {"2027-06-31", APS_ERR_RANGE, 0},
        {"2027-09-31", APS_ERR_RANGE, 0},
        {"2027-11-31", APS_ERR_RANGE, 0},
        {"2027-12-31", APS_OK, 1830211200},
        {"2027-01-31T23:59:59Z", APS_OK, 1801439999},
        {"2027-01-31T24:00:00Z", APS_ERR_RANGE, 0},
        {"2027-01-31T23:60:00Z", APS_ERR_RANGE, 0},
        {"2016-12-31T23:59:60Z", APS_ERR_RANGE, 0}, /* a leap second, though a real one */
        {"2027-01-31T12:00:00.5Z", APS_ERR_FORMAT, 0},
        {"2027-01-31T12:00:00", APS_ERR_FORMAT, 0},
        {"2027-01-31T12:00Z", APS_ERR_FORMAT, 0},
        {"2027-01-31t12:00:00Z", APS_ERR_FORMAT, 0},
        {"2027-01-31T12:00:00z", APS_ERR_FORMAT, 0},
        {"2027-01-31 12:00:00Z", APS_ERR_FORMAT, 0},
        {"2027-01-31T12:00:00Z ", APS_ERR_FORMAT, 0},
        {"2027-01-31T12:00:00+0200", APS_ERR_FORMAT, 0},
        {"2027-1-31", APS_ERR_FORMAT, 0},
        {"27-01-31", APS_ERR_FORMAT, 0},
        {"2027-01-3", APS_ERR_FORMAT, 0},
        {"2027-01-31Z", APS_ERR_FORMAT, 0},
        {"20270131", APS_ERR_FORMAT, 0},
        {"", APS_ERR_FORMAT, 0},
        {"never", APS_ERR_FORMAT, 0},
        {"90d", APS_OK, 1795400000 + 90 * 86400},
        {"0d", APS_ERR_RANGE, 0},
        {"1000w", APS_OK, 1795400000 + INT64_C(1000) * 7 * 86400},
        {"106000d", APS_ERR_RANGE, 0}, /* a duration that fits, but not from now on */
        {"-1d", APS_ERR_FORMAT, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        aps_nsec value = UNTOUCHED;

        assert_int_equal(aps_num_parse_time(aps_str(cases[i].text), NOW, &value, NULL),
                         cases[i].err);
        assert_true(value == (cases[i].err == APS_OK ? cases[i].seconds * APS_SEC : UNTOUCHED));
    }
}

/* AUD-01: UTC, RFC 3339. */
static void times_are_printed_in_utc(void **state)
{
    static const struct {
        aps_nsec wall;
        const char *text, *millis;
    } cases[] = {
        {0, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59Z", "1969-12-31T23:59:59.999Z"},
        {999999, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"},
        {APS_MSEC, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.001Z"},
        {NOW + 123456789, "2026-11-23T02:13:20Z", "2026-11-23T02:13:20.123Z"},
        {1835395200 * APS_SEC - 1, "2028-02-28T23:59:59Z", "2028-02-28T23:59:59.999Z"},
        {1835395200 * APS_SEC, "2028-02-29T00:00:00Z", "2028-02-29T00:00:00.000Z"},
        {1835481600 * APS_SEC, "2028-03-01T00:00:00Z", "2028-03-01T00:00:00.000Z"},
        {1830297600 * APS_SEC - 1, "2027-12-31T23:59:59Z", "2027-12-31T23:59:59.999Z"},
        {INT64_MAX, "2262-04-11T23:47:16Z", "2262-04-11T23:47:16.854Z"},
        {INT64_MIN, "1677-09-21T00:12:43Z", "1677-09-21T00:12:43.145Z"},
    };
    char text[APS_NUM_TIME_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(aps_num_print_time(cases[i].wall, false, text), cases[i].text);
        assert_string_equal(aps_num_print_time(cases[i].wall, true, text), cases[i].millis);
    }
}

/* Each day from 1970 to 2261 is printed as a date that is read as the same day, and that
 * sorts after the day before. */
static void each_day_reads_as_it_prints(void **state)
{
    char text[APS_NUM_TIME_MAX], last[APS_NUM_TIME_MAX] = "";
    aps_nsec value;

    (void)state;
    for (int64_t day = 0; day * APS_DAY < 9214646400 * APS_SEC; day++) {
        aps_num_print_time(day * APS_DAY, false, text);
        assert_true(strcmp(last, text) < 0);
        assert_int_equal(aps_num_parse_time((struct aps_str){text, 10}, NOW, &value, NULL), APS_OK);
        assert_true(value == day * APS_DAY);
        memcpy(last, text, sizeof last);
    }
}

static void digits_are_put(void **state)
{
    char out[20 + 1], want[20 + 1];
    uint64_t power = 1;

    (void)state;
    for (int digits = 1; digits <= 20; digits++, power *= 10) {
        for (uint64_t value = power - 1; value != power + 2; value++) {
            char *end = aps_num_put(out, value);
            size_t n = 0;
            char back[20];

            *end = '\0';
            for (uint64_t left = value; left > 0 || n == 0; left /= 10)
                back[n++] = (char)('0' + left % 10);
            for (size_t i = 0; i < n; i++)
                want[i] = back[n - 1 - i];
            want[n] = '\0';
            assert_string_equal(out, want);
        }
    }
    *aps_num_put(out, UINT64_MAX) = '\0';
    assert_string_equal(out, "18446744073709551615");
}

/* Every digit at every place, between its smallest and largest neighbours. */
static void hexadecimal_digits_are_put(void **state)
{
    static const uint64_t around[] = {0, UINT64_MAX, 0x0123456789abcdefu};
    char out[17], want[17];

    (void)state;
    for (size_t i = 0; i < sizeof around / sizeof around[0]; i++) {
        for (int place = 0; place < 64; place += 4) {
            for (uint64_t digit = 0; digit < 16; digit++) {
                uint64_t value = (around[i] & ~(UINT64_C(15) << place)) | digit << place;

                *aps_num_put_hex(out, value) = '\0';
                (void)snprintf(want, sizeof want, "%016llx", (unsigned long long)value);
                assert_string_equal(out, want);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_whole_or_refused),
        cmocka_unit_test(refusals_name_value_and_range),
        cmocka_unit_test(durations),
        cmocka_unit_test(sizes),
        cmocka_unit_test(rates),
        cmocka_unit_test(durations_are_printed_as_they_are_read),
        cmocka_unit_test(times),
        cmocka_unit_test(times_are_printed_in_utc),
        cmocka_unit_test(each_day_reads_as_it_prints),
        cmocka_unit_test(digits_are_put),
        cmocka_unit_test(hexadecimal_digits_are_put),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
