#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <apr_general.h>

#include "apisec/pattern.h"

#define S(lit) APS_STR_LIT(lit)

static const struct aps_pattern *compile(apr_pool_t *pool, struct aps_str text)
{
    const struct aps_pattern *p = NULL;

    assert_int_equal(aps_pattern_compile(pool, text, &p, NULL), APS_OK);
    assert_true(aps_str_eq(aps_pattern_text(p), text));
    assert_ptr_not_equal(aps_pattern_text(p).p, text.p);
    return p;
}

/* AZ-02: a grant covers the paths that it says and no others. */
static void patterns_cover_what_they_say(void **state)
{
    static const struct {
        const char *pattern;
        const char *yes[8], *no[10];
    } cases[] = {
        {"/", {"/"}, {"", "/a", "//", "a"}},
        {"/orders", {"/orders"}, {"/", "/order", "/orders/", "/ordersx", "/Orders", "/orders/7"}},
        {"/orders/", {"/orders/"}, {"/orders", "/orders/7", "/orders//"}},
        {"/orders/7", {"/orders/7"}, {"/orders/", "/orders/77", "/orders/7/"}},
        {"/**", {"/", "/a", "/a/b", "/a/"}, {"", "a", "a/"}},
        {"/orders/**",
         {"/orders", "/orders/", "/orders/7", "/orders/7/lines", "/orders/7/"},
         {"/", "/order", "/ordersx", "/orders7", "/ordersx/7", "/Orders/7"}},
        {"/*", {"/", "/a", "/abc"}, {"", "/a/", "/a/b", "a"}},
        {"/orders/*",
         {"/orders/", "/orders/7", "/orders/*"},
         {"/orders", "/orders/7/", "/orders/7/lines", "/orders7"}},
        {"/orders/*/", {"/orders/7/", "/orders//"}, {"/orders/7", "/orders/", "/orders/7/8"}},
        {"/orders/*/lines",
         {"/orders/7/lines", "/orders//lines"},
         {"/orders/lines", "/orders/7/8/lines", "/orders/7/line", "/orders/7/lines/",
          "/orders/7/linesx"}},
        {"/orders/*/lines/**",
         {"/orders/7/lines", "/orders/7/lines/", "/orders/7/lines/1/2"},
         {"/orders/7", "/orders/7/linesx", "/orders/7/8/lines"}},
        {"/*/*", {"/a/b", "//", "/a/"}, {"/a", "/a/b/c", "/"}},
        {"/a*", {"/a", "/ab", "/a*"}, {"/", "/b", "/ab/", "/A"}},
        {"/*.json", {"/.json", "/a.json", "/.json.json"}, {"/json", "/a.jsonx", "/a/b.json"}},
        {"/a*b", {"/ab", "/aab", "/axb", "/abab"}, {"/a", "/b", "/aba", "/a/b"}},
        {"/a*b*c",
         {"/abc", "/axbxc", "/abbcc", "/abcbc"},
         {"/ac", "/acb", "/abcd", "/xabc", "/ab/c"}},
        {"/*aa*", {"/aa", "/xaay", "/aaa"}, {"/a", "/axa", "/", "/aa/"}},
        {"/a*a", {"/aa", "/aaa"}, {"/a", "/", "/aab"}}, /* the ends may not share bytes */
        {"/ab*ba", {"/abba", "/abxba"}, {"/aba", "/ab"}},
        {"/*ab*ab", {"/abab", "/xabxab"}, {"/ab", "/xab", "/aab"}},
        {"/a*/**", {"/a", "/ab", "/ab/", "/ab/c/d"}, {"/", "/b", "/b/a"}},
        {"/v1/x*/y*z/w", {"/v1/x/yz/w", "/v1/xx/yyzz/w"}, {"/v1/x/y/w", "/v1/x/yz/w/", "/v1/x"}},
        {"/caf\xc3\xa9/*", {"/caf\xc3\xa9/x"}, {"/cafe/x", "/caf\xc3\xa8/x"}},
        {"/a b/*", {"/a b/c"}, {"/a", "/ab/c"}},
    };
    apr_pool_t *pool = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct aps_pattern *p = compile(pool, aps_str(cases[i].pattern));

        for (size_t k = 0; k < 8 && cases[i].yes[k] != NULL; k++)
            if (!aps_pattern_matches(p, aps_str(cases[i].yes[k])))
                fail_msg("%s must cover \"%s\"", cases[i].pattern, cases[i].yes[k]);
        for (size_t k = 0; k < 10 && cases[i].no[k] != NULL; k++)
            if (aps_pattern_matches(p, aps_str(cases[i].no[k])))
                fail_msg("%s must not cover \"%s\"", cases[i].pattern, cases[i].no[k]);
        assert_false(aps_pattern_matches(p, aps_str(NULL)));
    }
}

/* AZ-02: bytes beyond the path's length do not count, nor does a NUL end it. */
static void a_path_has_its_length(void **state)
{
    const struct aps_pattern *p = compile(*state, S("/orders/*"));

    assert_true(aps_pattern_matches(p, (struct aps_str){"/orders/7/lines", 9}));
    assert_false(aps_pattern_matches(p, (struct aps_str){"/orders/7", 7}));
    assert_true(aps_pattern_matches(p, S("/orders/a\0b")));
    assert_false(aps_pattern_matches(compile(*state, S("/orders")), S("/orders\0")));
}

/* AZ-04, NEG-02: a pattern that no normalised path can be like is a mistake. */
static void mistakes_are_refused(void **state)
{
    static const struct {
        struct aps_str text;
        const char *reason; /* part of the sentence */
    } cases[] = {
        {S(""), "no slash at the start"},
        {{NULL, 0}, "no slash at the start"},
        {S("orders"), "no slash at the start"},
        {S("*"), "no slash at the start"},
        {S("//"), "empty segment"},
        {S("/a//b"), "empty segment"},
        {S("/a//"), "empty segment"},
        {S("/."), "dot segment"},
        {S("/.."), "dot segment"},
        {S("/a/../b"), "dot segment"},
        {S("/a/./b"), "dot segment"},
        {S("/a/.."), "dot segment"},
        {S("/**/a"), "\"**\""},
        {S("/a**"), "\"**\""},
        {S("/**a"), "\"**\""},
        {S("/***"), "\"**\""},
        {S("/**/"), "\"**\""},
        {S("/a/**/**"), "\"**\""},
        {S("/a?b"), "? # % ; \\"},
        {S("/a#b"), "? # % ; \\"},
        {S("/a%20b"), "? # % ; \\"},
        {S("/a;b"), "? # % ; \\"},
        {S("/a\\b"), "? # % ; \\"},
        {S("/a\nb"), "control"},
        {S("/a\0b"), "control"},
        {S("/a\x7f"), "control"},
        {S("/a\xc2\x85"), "control"},
        {S("/a\xe2\x80\xae"), "control"},
        {S("/a\xff"), "UTF-8"},
        {S("/a\xc0\xaf"), "UTF-8"},
        {S("/a\xc3"), "UTF-8"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct aps_pattern *p = (const void *)"untouched";
        struct aps_diag diag = {""};

        assert_int_equal(aps_pattern_compile(*state, cases[i].text, &p, &diag), APS_ERR_FORMAT);
        assert_string_equal((const char *)p, "untouched");
        assert_non_null(strstr(diag.text, cases[i].reason));
        assert_non_null(strstr(diag.text, "want an absolute path"));
    }
}

static void length_is_bounded(void **state)
{
    char text[APS_PATTERN_MAX + 1];

    memset(text, 'a', sizeof text);
    text[0] = '/';
    for (size_t n = APS_PATTERN_MAX - 1; n <= APS_PATTERN_MAX + 1; n++) {
        const struct aps_pattern *p = NULL;
        struct aps_str s = {text, n};

        assert_int_equal(aps_pattern_compile(*state, s, &p, NULL),
                         n <= APS_PATTERN_MAX ? APS_OK : APS_ERR_RANGE);
        if (n <= APS_PATTERN_MAX)
            assert_true(aps_pattern_matches(p, s));
    }
}

/* NEG-08: many stars over a long path that nearly matches do not multiply.  A matcher that tries
 * every place of every star would not come back from this. */
static void stars_do_not_multiply(void **state)
{
    char text[APS_PATTERN_MAX], path[8192];
    const struct aps_pattern *p;

    text[0] = '/';
    for (size_t i = 1; i < sizeof text; i++)
        text[i] = i % 2 == 1 ? '*' : 'a';
    text[sizeof text - 1] = 'b';
    memset(path, 'a', sizeof path);
    path[0] = '/';
    p = compile(*state, (struct aps_str){text, sizeof text});
    assert_false(aps_pattern_matches(p, (struct aps_str){path, sizeof path}));
    path[sizeof path - 1] = 'b';
    assert_true(aps_pattern_matches(p, (struct aps_str){path, sizeof path}));
}

static int make_pool(void **state)
{
    return apr_initialize() == APR_SUCCESS &&
                   apr_pool_create((apr_pool_t **)state, NULL) == APR_SUCCESS
               ? 0
               : -1;
}

static int drop_pool(void **state)
{
    apr_pool_destroy(*state);
    apr_terminate();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_cover_what_they_say), cmocka_unit_test(a_path_has_its_length),
        cmocka_unit_test(mistakes_are_refused),         cmocka_unit_test(length_is_bounded),
        cmocka_unit_test(stars_do_not_multiply),
    };

    return cmocka_run_group_tests(tests, make_pool, drop_pool);
}
