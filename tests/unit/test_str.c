#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <apr_general.h>

#include "apisec/str.h"

#define S(lit) APS_STR_LIT(lit)

static void equality_looks_at_every_byte(void **state)
{
    static const struct {
        struct aps_str a, b;
        bool eq, eq_nocase;
    } cases[] = {
        {{NULL, 0}, {"", 0}, true, true},
        {{"a", 1}, {"a", 1}, true, true},
        {{"a", 1}, {"A", 1}, false, true},
        {{"a", 1}, {"ab", 2}, false, false},
        {{"a\0b", 3}, {"a\0c", 3}, false, false},
        {{"a\0b", 3}, {"A\0B", 3}, false, true},
        {{"X-Api-Key", 9}, {"x-aPI-kEY", 9}, false, true},
        {{"[", 1}, {"{", 1}, false, false}, /* 0x20 apart, but no letters */
        {{"@", 1}, {"`", 1}, false, false},
        {{"\xc3\x89", 2}, {"\xc3\xa9", 2}, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(aps_str_eq(cases[i].a, cases[i].b), cases[i].eq);
        assert_int_equal(aps_str_eq_nocase(cases[i].a, cases[i].b), cases[i].eq_nocase);
    }
    assert_true(aps_str_eq(aps_str(NULL), aps_str("")));
}

static void starts(void **state)
{
    (void)state;
    assert_true(aps_str_starts(S("abc"), S("ab")));
    assert_true(aps_str_starts(S("abc"), S("abc")));
    assert_true(aps_str_starts(S("abc"), aps_str(NULL)));
    assert_true(aps_str_starts(aps_str(NULL), aps_str(NULL)));
    assert_false(aps_str_starts(S("abc"), S("abcd")));
    assert_false(aps_str_starts(S("abc"), S("bc")));
}

static void words_are_cut_off(void **state)
{
    static const struct {
        const char *text;
        const char *joined; /* the words, each with a bar behind it */
    } cases[] = {
        {"", ""},     {"a", "a|"}, {"a,b", "a|b|"}, {"a,,b", "a||b|"}, {",a", "|a|"},
        {"a,", "a|"}, {",", "|"},  {",,", "||"},    {"ab", "ab|"},     {"ab,cd", "ab|cd|"},
    };
    char joined[32];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct aps_str rest = aps_str(cases[i].text), word;
        size_t n = 0;

        while (aps_str_next(&rest, ',', &word)) {
            memcpy(joined + n, word.p, word.n);
            n += word.n;
            joined[n++] = '|';
        }
        joined[n] = '\0';
        assert_string_equal(joined, cases[i].joined);
        assert_int_equal(rest.n, 0);
    }
}

static void blanks_are_trimmed(void **state)
{
    (void)state;
    assert_true(aps_str_eq(aps_str_trim(S(" \t a b\t ")), S("a b")));
    assert_true(aps_str_eq(aps_str_trim(S("ab")), S("ab")));
    assert_true(aps_str_eq(aps_str_trim(S("\na\r")), S("\na\r")));
    assert_int_equal(aps_str_trim(S(" \t ")).n, 0);
    assert_int_equal(aps_str_trim(aps_str(NULL)).n, 0);
}

static void a_list_has_whole_texts(void **state)
{
    const struct aps_str list[] = {S("read"), S("write"), S("")};

    (void)state;
    assert_true(aps_str_is_in(S("read"), list, 2));
    assert_true(aps_str_is_in(S("write"), list, 2));
    assert_false(aps_str_is_in(S("rea"), list, 2));
    assert_false(aps_str_is_in(S("reader"), list, 2));
    assert_false(aps_str_is_in(S("WRITE"), list, 2));
    assert_false(aps_str_is_in(S(""), list, 2));
    assert_true(aps_str_is_in(S(""), list, 3));
    assert_false(aps_str_is_in(S("read"), NULL, 0));
}

static void texts_are_ordered_by_their_bytes(void **state)
{
    struct aps_str list[] = {S("b"), S("\xc3\xa4"), S(""), S("ab"), S("B"), S("a"), S("ab")};
    const char *const want[] = {"", "B", "a", "ab", "ab", "b", "\xc3\xa4"};

    (void)state;
    assert_true(aps_str_compare(S("a"), S("b")) < 0);
    assert_true(aps_str_compare(S("ab"), S("a")) > 0);
    assert_int_equal(aps_str_compare(S("ab"), S("ab")), 0);
    assert_int_equal(aps_str_compare(aps_str(NULL), S("")), 0);
    assert_true(aps_str_compare(aps_str(NULL), S("a")) < 0);
    aps_str_sort(list, 7);
    for (size_t i = 0; i < 7; i++)
        assert_true(aps_str_eq(list[i], aps_str(want[i])));
    aps_str_sort(NULL, 0);
}

static void copies_are_ended(void **state)
{
    apr_pool_t *pool = NULL;
    char text[] = "abc";
    struct aps_str copy;

    (void)state;
    assert_int_equal(apr_initialize(), APR_SUCCESS);
    assert_int_equal(apr_pool_create(&pool, NULL), APR_SUCCESS);
    copy = aps_str_copy(pool, (struct aps_str){text, 2});
    text[0] = 'x';
    assert_int_equal(copy.n, 2);
    assert_string_equal(copy.p, "ab");
    copy = aps_str_copy(pool, aps_str(NULL));
    assert_int_equal(copy.n, 0);
    assert_string_equal(copy.p, "");
    apr_pool_destroy(pool);
    apr_terminate();
}

/* CLI-07 */
static void names_hold_nothing_dangerous(void **state)
{
    static const char *const good[] = {"a", "7", "A", "orders-admin", "v1.2_x", "Z..--__9"};
    static const char *const bad[] = {"",    ".a",          "-a",   "_a",       "a b",
                                      "a/b", "a'b",         "a\"b", "a;b",      "a\nb",
                                      "a:b", "caf\xc3\xa9", "a%b",  "a\x1b[0m", "\xe2\x80\xae"};
    char text[66];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(aps_str_is_name(aps_str(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(aps_str_is_name(aps_str(bad[i])));
    assert_false(aps_str_is_name(S("a\0b")));
    memset(text, 'n', sizeof text);
    assert_true(aps_str_is_name((struct aps_str){text, 63}));
    assert_true(aps_str_is_name((struct aps_str){text, 64}));
    assert_false(aps_str_is_name((struct aps_str){text, 65}));
}

/* CLI-07, CLI-08 */
static void texts_hold_no_controls(void **state)
{
    static const char *const bad[] = {
        "",
        "a\nb",
        "\t",
        "\x1b[0m",
        "\x7f",
        "\xc2\x85",         /* NEL */
        "a\xe2\x80\xa8",    /* line separator */
        "a\xe2\x80\xa9",    /* paragraph separator */
        "\xe2\x80\xae txt", /* right-to-left override */
        "\xe2\x81\xa6",     /* left-to-right isolate */
        "\xff",
        "a\xc3",
    };
    char text[130];

    (void)state;
    assert_true(aps_str_is_text(S("Jos\xc3\xa9 <o'hara@example.com>; \"x\" \xf0\x9f\x98\x80")));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(aps_str_is_text(aps_str(bad[i])));
    assert_false(aps_str_is_text(S("a\0b")));
    memset(text, 'n', sizeof text);
    assert_true(aps_str_is_text((struct aps_str){text, 1}));
    assert_true(aps_str_is_text((struct aps_str){text, 128}));
    assert_false(aps_str_is_text((struct aps_str){text, 129}));
}

/* NEG-04: at, below and above each bound of RFC 3629 section 4. */
static void utf8_is_strict(void **state)
{
    static const struct {
        struct aps_str in;
        size_t n;
        uint32_t code;
    } cases[] = {
        {{"", 0}, 0, 0},
        {{"\0", 1}, 1, 0},
        {{"\x7f", 1}, 1, 0x7f},
        {{"\x80", 1}, 0, 0},
        {{"\xbf\xbf", 2}, 0, 0},
        {{"\xc0\x80", 2}, 0, 0},
        {{"\xc1\xbf", 2}, 0, 0},
        {{"\xc2\x80", 2}, 2, 0x80},
        {{"\xc2\x7f", 2}, 0, 0},
        {{"\xc2\xc0", 2}, 0, 0},
        {{"\xc2", 1}, 0, 0},
        {{"\xdf\xbf", 2}, 2, 0x7ff},
        {{"\xe0\x9f\xbf", 3}, 0, 0},
        {{"\xe0\xa0\x80", 3}, 3, 0x800},
        {{"\xe0\xa0", 2}, 0, 0},
        {{"\xed\x9f\xbf", 3}, 3, 0xd7ff},
        {{"\xed\xa0\x80", 3}, 0, 0},
        {{"\xed\xbf\xbf", 3}, 0, 0},
        {{"\xee\x80\x80", 3}, 3, 0xe000},
        {{"\xef\xbf\xbf", 3}, 3, 0xffff},
        {{"\xf0\x8f\xbf\xbf", 4}, 0, 0},
        {{"\xf0\x90\x80\x80", 4}, 4, 0x10000},
        {{"\xf0\x90\x80", 3}, 0, 0},
        {{"\xf0\x90\x80\x41", 4}, 0, 0},
        {{"\xf4\x8f\xbf\xbf", 4}, 4, 0x10ffff},
        {{"\xf4\x90\x80\x80", 4}, 0, 0},
        {{"\xf5\x80\x80\x80", 4}, 0, 0},
        {{"\xf8\x88\x80\x80\x80", 5}, 0, 0},
        {{"\xff", 1}, 0, 0},
        {{"\xc3\xa9\xc3\xa9", 4}, 2, 0xe9},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t code = 0xdead;

        assert_int_equal(aps_str_utf8(cases[i].in), cases[i].n);
        assert_int_equal(aps_str_utf8_code(cases[i].in, &code), cases[i].n);
        assert_int_equal(code, cases[i].n > 0 ? cases[i].code : 0xdead);
    }
}

/* AUD-04, CLI-08: at, below and above each range. */
static void controls_are_known(void **state)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {{0, 0x1f},        {0x7f, 0x9f},     {0x61c, 0x61c},
                  {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069}};

    (void)state;
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        for (uint32_t code = ranges[i].first; code <= ranges[i].last; code++)
            assert_true(aps_str_is_control(code));
        assert_false(ranges[i].first > 0 && aps_str_is_control(ranges[i].first - 1));
        assert_false(aps_str_is_control(ranges[i].last + 1));
    }
    assert_false(aps_str_is_control(0x10ffff));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality_looks_at_every_byte),
        cmocka_unit_test(starts),
        cmocka_unit_test(words_are_cut_off),
        cmocka_unit_test(blanks_are_trimmed),
        cmocka_unit_test(a_list_has_whole_texts),
        cmocka_unit_test(texts_are_ordered_by_their_bytes),
        cmocka_unit_test(copies_are_ended),
        cmocka_unit_test(names_hold_nothing_dangerous),
        cmocka_unit_test(texts_hold_no_controls),
        cmocka_unit_test(utf8_is_strict),
        cmocka_unit_test(controls_are_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
