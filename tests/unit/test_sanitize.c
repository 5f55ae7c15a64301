#include "t.h"

#include "apisec/sanitize.h"
#include "t_pool.h"

#define T(lit) APS_STR_LIT(lit)

struct row {
    struct aps_str value, want;
};

static struct aps_str once(apr_pool_t *pool, unsigned actions, struct aps_str value)
{
    struct aps_buf work[2];
    struct aps_str out;

    for (int i = 0; i < 2; i++)
        aps_buf_init(&work[i], pool, 100000);
    assert_true(aps_sanitize_value(actions, value, work, &out));
    return aps_str_copy(pool, out);
}

static void check(apr_pool_t *pool, unsigned actions, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *copy = test_malloc(rows[i].value.n + 1);
        struct aps_str got;

        memcpy(copy, rows[i].value.p, rows[i].value.n);
        got = once(pool, actions, (struct aps_str){copy, rows[i].value.n});
        test_free(copy);
        if (!aps_str_eq(got, rows[i].want))
            fail_msg("%s: \"%.*s\"", rows[i].value.p, APS_STR_ARG(got));
        if ((actions & APS_SANITIZE_ESCAPE) == 0)
            assert_true(aps_str_eq(once(pool, actions, got), got));
    }
}
#define CHECK(pool, actions, rows) check(pool, actions, rows, sizeof(rows) / sizeof *(rows))

/* NEG-20 */
static void html_is_escaped_once(void **state)
{
    static const struct row rows[] = {
        {T(""), T("")},
        {T("plain \xc3\xa9"), T("plain \xc3\xa9")},
        {T("<a href=\"x\" b='y'>&"), T("&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;")},
        {T("&amp;"), T("&amp;amp;")},
        {T("a<"), T("a&lt;")},
    };

    CHECK(*state, APS_SANITIZE_ESCAPE, rows);
}

/* NEG-21 */
static void no_tag_is_left(void **state)
{
    static const struct row rows[] = {
        {T("plain"), T("plain")},
        {T("<b>bold</b>"), T("bold")},
        {T("<scr<script>ipt>alert(1)</scr</script>ipt>"), T("ipt>alert(1)ipt>")},
        {T("<<b>b>x"), T("x")},
        {T("<<<b>b>b>x"), T("x")},
        {T("<<a>a<b>b>x"), T("b>x")},
        {T("<ScRiPt>x</sCrIpT >"), T("x")},
        {T("<scr\0ipt>x<\0/script>"), T("x")},
        {T("<\0\0img src=x>"), T("")},
        {T("\0a\0"), T("a")},
        {T("<img src=x onerror=alert(1)"), T("img src=x onerror=alert(1)")},
        {T("<img src=x onerror=alert(1) <b"), T("img src=x onerror=alert(1) b")},
        {T("<<b"), T("b")},
        {T("<<<<b"), T("b")},
        {T("<<</b"), T("/b")},
        {T("x<!--<b>-->y"), T("x-->y")},
        {T("<!DOCTYPE html>x"), T("x")},
        {T("<?php echo 1 ?>x"), T("x")},
        {T("<svg/onload=alert(1)>"), T("")},
        {T("<a title=\">\" onclick=x>y"), T("\" onclick=x>y")},
        {T("<a\nhref\t=\n'x'\n>y"), T("y")},
        {T("a < b > c <= d <3 <"), T("a < b > c <= d <3 <")},
        {T("1<2>1"), T("1<2>1")},
        {T("< <b>b>"), T("< b>")},
        {T("<<b>"), T("<")},
        {T("<<b> b"), T("< b")},
        {T(">>>"), T(">>>")},
        {T("</"), T("/")},
        {T("<"), T("<")},
    };

    CHECK(*state, APS_SANITIZE_STRIP, rows);
}

static void unicode_white_space_is_cut_at_both_ends(void **state)
{
    static const struct row rows[] = {
        {T(""), T("")},
        {T(" \t\r\n\v\fa b \xc2\xa0\xc2\x85"), T("a b")},
        {T("\xe1\x9a\x80\xe2\x80\x80\xe2\x80\x8a\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaf\xe2\x81\x9f"
           "\xe3\x80\x80x"),
         T("x")},
        {T("x\xe1\x9a\x80\xe2\x80\x80\xe2\x80\x8a\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaf\xe2\x81\x9f"
           "\xe3\x80\x80"),
         T("x")},
        {T("\xe3\x80\x80"), T("")},
        {T("\xe2\x80\x8bx\xef\xbb\xbf"), T("\xe2\x80\x8bx\xef\xbb\xbf")},
        {T("\xf0\x9f\x98\x80 "), T("\xf0\x9f\x98\x80")},
    };

    CHECK(*state, APS_SANITIZE_TRIM, rows);
}

static void texts_come_into_form_c(void **state)
{
    static const struct row rows[] = {
        {T("abc"), T("abc")},
        {T("e\xcc\x81"), T("\xc3\xa9")},
        {T("\xe2\x84\xab"), T("\xc3\x85")},
        {T("\xe1\x84\x80\xe1\x85\xa1"), T("\xea\xb0\x80")},
        {T("\xef\xbc\x9c"), T("\xef\xbc\x9c")}, /* no compatibility forms */
        {T("\xf0\x9d\x85\xa0"), T("\xf0\x9d\x85\x98\xf0\x9d\x85\xa5\xf0\x9d\x85\xae")}, /* x 3 */
        {T("a\xcc\x81\xcc\xa3"), T("\xe1\xba\xa1\xcc\x81")}, /* marks are put in order */
    };

    CHECK(*state, APS_SANITIZE_NFC, rows);
}

static void all_actions_have_one_order(void **state)
{
    static const struct row rows[] = {
        {T(" <b> e\xcc\x81 & <i</b> "), T("\xc3\xa9 &amp;")},
        {T("<\xcc\xb8"), T("\xe2\x89\xae")},
    };

    CHECK(*state, APS_SANITIZE_NFC | APS_SANITIZE_STRIP | APS_SANITIZE_TRIM | APS_SANITIZE_ESCAPE,
          rows);
}

/* Each action writes where the last one did not. */
static void any_two_actions_go_together(void **state)
{
    static const struct row rows[] = {
        {T(" e\xcc\x81<&>\"' "), T("\xc3\xa9&lt;&amp;&gt;&quot;&#39;")},
        {T("\xc2\xa0<e\xcc\x81"), T("&lt;\xc3\xa9")}};
    static const struct row stripped[] = {{T(" <b>e\xcc\x81&<i "), T(" \xc3\xa9&i ")}};

    CHECK(*state, APS_SANITIZE_NFC | APS_SANITIZE_TRIM | APS_SANITIZE_ESCAPE, rows);
    CHECK(*state, APS_SANITIZE_NFC | APS_SANITIZE_STRIP, stripped);
}

/* As long as may be, each opening or closing: the time is that of one pass. */
static void long_texts_of_brackets_end(void **state)
{
    static char text[1 << 20];
    struct aps_buf work[2];
    struct aps_str out;

    for (int i = 0; i < 2; i++)
        aps_buf_init(&work[i], *state, sizeof text * 6);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = "<<a>"[i % 4];
    assert_true(
        aps_sanitize_value(APS_SANITIZE_STRIP, (struct aps_str){text, sizeof text}, work, &out));
    assert_null(memchr(out.p, 'a', out.n));
    memset(text, '<', sizeof text - 1);
    text[sizeof text - 1] = 'a';
    assert_true(
        aps_sanitize_value(APS_SANITIZE_STRIP, (struct aps_str){text, sizeof text}, work, &out));
    assert_true(aps_str_eq(out, T("a")));
}

static void add(struct aps_sanitize *rules, const char *pointer, unsigned actions)
{
    struct aps_diag diag = {{0}};

    if (aps_sanitize_add(rules, aps_str(pointer), actions, &diag) != APS_OK)
        fail_msg("%s", diag.text);
}

static const unsigned char key[APS_SIPHASH_KEY_LEN] = "0123456789abcdef";

static void expect_pointers(const struct aps_sanitize_result *got, const char *want)
{
    char all[1000] = "";
    size_t n = 0;

    assert_int_equal(got->changed, got->shown);
    for (uint32_t i = 0; i < got->shown; i++)
        n += (size_t)snprintf(all + n, sizeof all - n, "%.*s ", APS_STR_ARG(got->pointers[i]));
    assert_string_equal(all, want);
}

/* NEG-19, NEG-20: all bytes stay but those of the values that a rule names. */
static void json_changes_where_a_rule_says(void **state)
{
    static const struct {
        const char *text, *want, *pointers;
    } rows[] = {
        {"{ \"title\" : \"<b>\" , \"other\" : \"<b>\" }",
         "{ \"title\" : \"&lt;b&gt;\" , \"other\" : \"<b>\" }", "/title "},
        {"{\"ti\\u0074le\":\"\\u003cb>\"}", "{\"ti\\u0074le\":\"&lt;b&gt;\"}", "/title "},
        {"{\"title\":\"\\u0061\",\"n\":1.50}", "{\"title\":\"\\u0061\",\"n\":1.50}", ""},
        {"{\"title\":[\"<\"],\"<\":1}", "{\"title\":[\"<\"],\"<\":1}", ""},
        {"{\"title\":1,\"items\":[{\"t\":\" a \"},{\"t\":\" \\\"\\\\\\n\\u0001b \",\"u\":\" c "
         "\"},[],\" \"]}",
         "{\"title\":1,\"items\":[{\"t\":\"a\"},{\"t\":\"\\\"\\\\\\u000a\\u0001b\",\"u\":\" c "
         "\"},[],\" \"]}",
         "/items/0/t /items/1/t "},
        {"{\"list\":[\" a\",\" b\",\" c\",[\" d\"]]}", "{\"list\":[\" a\",\"b\",\" c\",[\" d\"]]}",
         "/list/1 "},
        {"{\"a/b\":{\"~\":\" x\"}}", "{\"a/b\":{\"~\":\"x\"}}", "/a~1b/~0 "},
        {"\" alone\"", "\"alone\"", " "},
        {"{\"a\":{\"b\":{\"c\":{\"t\":\" x\"}}}}", "{\"a\":{\"b\":{\"c\":{\"t\":\" x\"}}}}", ""},
        {"[[[[[[[[[[[[[[[[[[[[\" \"]]]]]]]]]]]]]]]]]]]]",
         "[[[[[[[[[[[[[[[[[[[[\" "
         "\"]]]]]]]]]]]]]]]]]]]]",
         ""},
    };
    struct aps_sanitize *rules = aps_sanitize_new(*state);
    struct aps_jsonread r;

    add(rules, "/title", APS_SANITIZE_ESCAPE);
    add(rules, "/items/*/t", APS_SANITIZE_TRIM);
    add(rules, "/list/1", APS_SANITIZE_TRIM);
    add(rules, "/a~1b/~0", APS_SANITIZE_TRIM);
    add(rules, "", APS_SANITIZE_TRIM);
    add(rules, "/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*", APS_SANITIZE_TRIM);
    aps_jsonread_init(&r, *state, key);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct aps_sanitize_result got;

        assert_int_equal(aps_jsonread(&r, aps_str(rows[i].text), &aps_jsonread_strict),
                         APS_JSONREAD_OK);
        assert_int_equal(aps_sanitize_json(rules, &r, *state, 1000, &got), APS_OK);
        if (!aps_str_eq(got.text, aps_str(rows[i].want)))
            fail_msg("%.*s", APS_STR_ARG(got.text));
        expect_pointers(&got, rows[i].pointers);
        assert_int_equal(aps_jsonread(&r, got.text, &aps_jsonread_strict), APS_JSONREAD_OK);
    }
}

/* NEG-19: off is off. */
static void without_rules_nothing_changes(void **state)
{
    struct aps_sanitize *rules = aps_sanitize_new(*state);
    const struct aps_str text = T("{\"a\":\" <b>\"}"), form = T("a=+%3Cb%3E");
    struct aps_sanitize_result got;
    struct aps_jsonread r;

    aps_jsonread_init(&r, *state, key);
    assert_int_equal(aps_jsonread(&r, text, &aps_jsonread_strict), APS_JSONREAD_OK);
    assert_int_equal(aps_sanitize_json(rules, &r, *state, 0, &got), APS_OK);
    assert_ptr_equal(got.text.p, text.p);
    assert_int_equal(got.changed + got.applied, 0);
    assert_int_equal(aps_sanitize_form(rules, form, *state, 0, &got), APS_OK);
    assert_ptr_equal(got.text.p, form.p);
}

static void forms_change_where_a_rule_says(void **state)
{
    static const struct {
        const char *text, *want, *pointers;
        enum aps_err err;
    } rows[] = {
        {"title=%3Cb%3E&other=%3Cb%3E", "title=%26lt%3Bb%26gt%3B&other=%3Cb%3E", "/title ", APS_OK},
        {"t%69tle=a+%3C&t%2f~=+x+y+", "t%69tle=a+%26lt%3B&t%2f~=x+y", "/title /t~1~0 ", APS_OK},
        {"title=%61&&=&title", "title=%61&&=&title", "", APS_OK},
        {"title=a=<", "title=a%3D%26lt%3B", "/title ", APS_OK},
        {"", "", "", APS_OK},
        {"title=<&title=>", "title=%26lt%3B&title=%26gt%3B", "/title /title ", APS_OK},
        {"+title=<", "+title=%26lt%3B", "/ title ", APS_OK},
        {"title%5Bx%5D=<&titles=<", "title%5Bx%5D=%26lt%3B&titles=<", "/title[x] ", APS_OK},
        {"a.b=<&a%5Bb=<&a_b=<", "a.b=%26lt%3B&a%5Bb=%26lt%3B&a_b=%26lt%3B", "/a.b /a[b /a_b ",
         APS_OK},
        {"title=%", NULL, NULL, APS_ERR_FORMAT},
        {"title%4=a", NULL, NULL, APS_ERR_FORMAT},
        {"title=%ff", NULL, NULL, APS_ERR_FORMAT},
        {"other=%ff", "other=%ff", "", APS_OK},
    };
    struct aps_sanitize *rules = aps_sanitize_new(*state);

    add(rules, "/title", APS_SANITIZE_ESCAPE);
    add(rules, "/t~1~0", APS_SANITIZE_TRIM);
    add(rules, "/a_b", APS_SANITIZE_ESCAPE);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct aps_sanitize_result got;

        assert_int_equal(aps_sanitize_form(rules, aps_str(rows[i].text), *state, 1000, &got),
                         rows[i].err);
        if (rows[i].err != APS_OK)
            continue;
        if (!aps_str_eq(got.text, aps_str(rows[i].want)))
            fail_msg("%.*s", APS_STR_ARG(got.text));
        expect_pointers(&got, rows[i].pointers);
    }
}

static void bounds_hold(void **state)
{
    struct aps_sanitize *rules = aps_sanitize_new(*state);
    struct aps_sanitize_result got;
    struct aps_jsonread r;

    aps_jsonread_init(&r, *state, key);
    add(rules, "/*", APS_SANITIZE_ESCAPE);
    assert_int_equal(aps_jsonread(&r, T("[\"<\",\"a\"]"), &aps_jsonread_strict), APS_JSONREAD_OK);
    assert_int_equal(aps_sanitize_json(rules, &r, *state, 14, &got), APS_OK);
    assert_true(aps_str_eq(got.text, T("[\"&lt;\",\"a\"]")));
    assert_int_equal(got.applied, APS_SANITIZE_ESCAPE);
    assert_int_equal(aps_sanitize_json(rules, &r, *state, 11, &got), APS_ERR_RANGE);
    assert_int_equal(aps_sanitize_form(rules, T("a=<"), *state, 10, &got), APS_OK);
    assert_int_equal(aps_sanitize_form(rules, T("a=<"), *state, 9, &got), APS_ERR_RANGE);
}

/* Of many changed values 32 are shown; what is long is cut. */
static void places_are_told_up_to_a_bound(void **state)
{
    static char text[2000];
    struct aps_sanitize *rules = aps_sanitize_new(*state);
    struct aps_sanitize_result got;
    struct aps_jsonread r;
    size_t n = 0;

    aps_jsonread_init(&r, *state, key);
    add(rules, "/*", APS_SANITIZE_TRIM);
    text[n++] = '[';
    for (int i = 0; i < 40; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s\" \"", i > 0 ? "," : "");
    text[n++] = ']';
    assert_int_equal(aps_jsonread(&r, (struct aps_str){text, n}, &aps_jsonread_strict),
                     APS_JSONREAD_OK);
    assert_int_equal(aps_sanitize_json(rules, &r, *state, 2000, &got), APS_OK);
    assert_int_equal(got.changed, 40);
    assert_int_equal(got.shown, APS_SANITIZE_SHOWN_MAX);
    n = (size_t)snprintf(text, sizeof text, "{\"%0500d\":\" \"}", 1);
    assert_int_equal(aps_jsonread(&r, (struct aps_str){text, n}, &aps_jsonread_strict),
                     APS_JSONREAD_OK);
    assert_int_equal(aps_sanitize_json(rules, &r, *state, 2000, &got), APS_OK);
    assert_in_range(got.pointers[0].n, APS_SANITIZE_POINTER_MAX - 2, APS_SANITIZE_POINTER_MAX);
}

static void rules_are_read_strictly(void **state)
{
    static const struct {
        const char *pointer;
        enum aps_err err;
    } rows[] = {
        {"a", APS_ERR_FORMAT},
        {"/a~", APS_ERR_FORMAT},
        {"/a~2", APS_ERR_FORMAT},
        {"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", APS_ERR_RANGE},
        {"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", APS_OK},
        {"/", APS_OK},
    };
    struct aps_sanitize *rules = aps_sanitize_new(*state);
    struct aps_diag diag = {{0}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(
            aps_sanitize_add(rules, aps_str(rows[i].pointer), APS_SANITIZE_TRIM, &diag),
            rows[i].err);
    for (int i = 2; i < APS_SANITIZE_RULES_MAX; i++)
        add(rules, "/x", APS_SANITIZE_TRIM);
    assert_int_equal(aps_sanitize_add(rules, T("/x"), APS_SANITIZE_TRIM, &diag), APS_ERR_RANGE);
    assert_int_equal(aps_sanitize_action(T("nfc")), APS_SANITIZE_NFC);
    assert_int_equal(aps_sanitize_action(T("strip-markup")), APS_SANITIZE_STRIP);
    assert_int_equal(aps_sanitize_action(T("trim")), APS_SANITIZE_TRIM);
    assert_int_equal(aps_sanitize_action(T("html-escape")), APS_SANITIZE_ESCAPE);
    assert_int_equal(aps_sanitize_action(T("upper")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(html_is_escaped_once),
        t_pool_test(no_tag_is_left),
        t_pool_test(unicode_white_space_is_cut_at_both_ends),
        t_pool_test(texts_come_into_form_c),
        t_pool_test(all_actions_have_one_order),
        t_pool_test(any_two_actions_go_together),
        t_pool_test(long_texts_of_brackets_end),
        t_pool_test(json_changes_where_a_rule_says),
        t_pool_test(without_rules_nothing_changes),
        t_pool_test(forms_change_where_a_rule_says),
        t_pool_test(bounds_hold),
        t_pool_test(places_are_told_up_to_a_bound),
        t_pool_test(rules_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
