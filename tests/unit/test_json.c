#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <apr_general.h>
#include <stdio.h>
#include <stdlib.h>

#include "apisec/json.h"

#define S(lit) APS_STR_LIT(lit)

/* One string as the writer makes it, within an array so as to take the fast way first. */
static struct aps_str write_str(char *buf, size_t cap, struct aps_str value, bool *out_full)
{
    struct aps_json w;
    struct aps_str text;

    aps_json_init(&w, buf, cap);
    aps_json_array(&w);
    aps_json_str(&w, value);
    aps_json_end(&w);
    *out_full = w.full;
    text = aps_json_text(&w);
    return w.full ? text : (struct aps_str){text.p + 1, text.n - 2};
}

/* AUD-04: nothing in a value can end its line, steer a terminal or break the JSON. */
static void strings_are_escaped(void **state)
{
    static const struct {
        struct aps_str in, out;
    } cases[] = {
        {S(""), S("\"\"")},
        {{NULL, 0}, S("\"\"")},
        {S("a"), S("\"a\"")},
        {S(" !#[]~"), S("\" !#[]~\"")},
        {S("\""), S("\"\\\"\"")},
        {S("\\"), S("\"\\\\\"")},
        {S("/"), S("\"/\"")},
        {S("\0"), S("\"\\u0000\"")},
        {S("\n"), S("\"\\u000a\"")},
        {S("a\r\nb"), S("\"a\\u000d\\u000ab\"")},
        {S("\x1f "), S("\"\\u001f \"")},
        {S("\x7e\x7f"), S("\"~\\u007f\"")},
        {S("\xc2\x80"), S("\"\\u0080\"")},
        {S("\xc2\x9f\xc2\xa0"), S("\"\\u009f\xc2\xa0\"")},
        {S("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9"), S("\"\xe2\x80\xa7\\u2028\\u2029\"")},
        {S("\xd8\x9c"), S("\"\\u061c\"")},
        {S("\xe2\x80\x8e\xe2\x80\x8f"), S("\"\\u200e\\u200f\"")},
        {S("\xe2\x80\xaa\xe2\x80\xae\xe2\x80\xaf"), S("\"\\u202a\\u202e\xe2\x80\xaf\"")},
        {S("\xe2\x81\xa6\xe2\x81\xa9"), S("\"\\u2066\\u2069\"")},
        {S("\xf0\x9f\x98\x80"), S("\"\xf0\x9f\x98\x80\"")},
        {S("\xff"), S("\"\\\\xff\"")},
        {S("\x80z"), S("\"\\\\x80z\"")},
        {S("\xc3"), S("\"\\\\xc3\"")},
        {S("\xc0\xaf"), S("\"\\\\xc0\\\\xaf\"")},
        {S("\xed\xa0\x80"), S("\"\\\\xed\\\\xa0\\\\x80\"")},
        {S("\xe2\x80x"), S("\"\\\\xe2\\\\x80x\"")},
        {S("caf\xc3\xa9 au lait, s'il vous pla\xc3\xaet"),
         S("\"caf\xc3\xa9 au lait, s'il vous pla\xc3\xaet\"")},
    };
    char buf[200];
    bool full;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct aps_str text = write_str(buf, sizeof buf, cases[i].in, &full);

        assert_false(full);
        assert_int_equal(text.n, cases[i].out.n);
        assert_memory_equal(text.p, cases[i].out.p, text.n);
    }
}

/* What one byte becomes, by its own rule: the fast ways may not differ from it. */
static size_t expect_byte(unsigned char c, char *out)
{
    if (c >= 0x80)
        return (size_t)snprintf(out, 7, "\\\\x%02x", c);
    if (c < 0x20 || c == 0x7f)
        return (size_t)snprintf(out, 7, "\\u%04x", c);
    if (c == '"' || c == '\\')
        return (size_t)snprintf(out, 7, "\\%c", c);
    out[0] = (char)c;
    return 1;
}

/* AUD-04: each byte at each place of texts of each length up to some blocks of the fast way. */
static void each_byte_is_seen_at_each_place(void **state)
{
    char value[50], buf[100], want[100];

    (void)state;
    memset(value, 'v', sizeof value);
    for (size_t n = 1; n <= sizeof value; n++)
        for (size_t at = 0; at < n; at++)
            for (unsigned c = 0; c < 256; c++) {
                size_t len = 0;
                struct aps_str text;
                bool full;

                value[at] = (char)c;
                want[len++] = '"';
                memset(want + len, 'v', at);
                len += at;
                len += expect_byte((unsigned char)c, want + len);
                memset(want + len, 'v', n - at - 1);
                len += n - at - 1;
                want[len++] = '"';
                text = write_str(buf, sizeof buf, (struct aps_str){value, n}, &full);
                assert_false(full);
                assert_int_equal(text.n, len);
                assert_memory_equal(text.p, want, len);
                value[at] = 'v';
            }
}

/* AUD-04: cut on a character's boundary, with a mark. */
static void long_strings_are_cut_with_a_mark(void **state)
{
    static const struct {
        struct aps_str in;
        size_t max;
        const char *out;
    } cases[] = {
        {S("abc"), 2, "\"ab...\""},
        {S("abc"), 3, "\"abc\""},
        {S("abc"), 4, "\"abc\""},
        {S("abc"), 0, "\"...\""},
        {S(""), 0, "\"\""},
        {S("a\xc3\xa9z"), 1, "\"a...\""},
        {S("a\xc3\xa9z"), 2, "\"a...\""},
        {S("a\xc3\xa9z"), 3, "\"a\xc3\xa9...\""},
        {S("\xe2\x82\xac!"), 1, "\"...\""},
        {S("\xe2\x82\xac!"), 2, "\"...\""},
        {S("\xe2\x82\xac!"), 3, "\"\xe2\x82\xac...\""},
        {S("\xf0\x9f\x98\x80!"), 3, "\"...\""},
        {S("\xf0\x9f\x98\x80!"), 4, "\"\xf0\x9f\x98\x80...\""},
        {S("a\x80\x80\x80\x80"), 4, "\"a\\\\x80\\\\x80\\\\x80...\""}, /* no character to keep */
        {S("\xe2\x82"), 1, "\"\\\\xe2...\""},
        {S("a\nb"), 2, "\"a\\u000a...\""},
    };
    char buf[100];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct aps_json w;

        aps_json_init(&w, buf, sizeof buf);
        aps_json_str_max(&w, cases[i].in, cases[i].max);
        assert_false(w.full);
        assert_int_equal(aps_json_text(&w).n, strlen(cases[i].out));
        assert_memory_equal(buf, cases[i].out, strlen(cases[i].out));
    }
}

static void write_sample(struct aps_json *w)
{
    aps_json_object(w);
    aps_json_put_str(w, "name", "x\"y");
    aps_json_put_str(w, "none", NULL);
    aps_json_put_u64(w, "big", UINT64_MAX);
    aps_json_name(w, "list");
    aps_json_array(w);
    aps_json_u64(w, 0);
    aps_json_u64(w, 7);
    aps_json_null(w);
    aps_json_object(w);
    aps_json_end(w);
    aps_json_array(w);
    aps_json_end(w);
    aps_json_str_max(w, S("abcdef"), 3);
    aps_json_end(w);
    aps_json_put_bool(w, "yes", true);
    aps_json_put_bool(w, "no", false);
    aps_json_name(w, "raw");
    aps_json_raw(w, S("{\"a\":1}"));
    aps_json_name(w, "empty");
    aps_json_raw(w, S(""));
    aps_json_end(w);
}

#define SAMPLE                                                                                     \
    "{\"name\":\"x\\\"y\",\"none\":null,\"big\":18446744073709551615,"                             \
    "\"list\":[0,7,null,{},[],\"abc...\"],\"yes\":true,"                                           \
    "\"no\":false,\"raw\":{\"a\":1},\"empty\":null}"

static void values_nest(void **state)
{
    char buf[1000];
    struct aps_json w;

    (void)state;
    aps_json_init(&w, buf, sizeof buf);
    write_sample(&w);
    assert_false(w.full);
    assert_int_equal(aps_json_text(&w).n, strlen(SAMPLE));
    assert_memory_equal(aps_json_text(&w).p, SAMPLE, strlen(SAMPLE));
}

static void people_get_lines(void **state)
{
    static const char want[] = "{\n"
                               "  \"a\": 1,\n"
                               "  \"b\": [\n"
                               "    \"x\",\n"
                               "    {},\n"
                               "    {\n"
                               "      \"c d\": \"e \"\n"
                               "    }\n"
                               "  ],\n"
                               "  \"e\": [],\n"
                               "  \"f\": 2\n"
                               "}";
    apr_pool_t *pool = *state;
    struct aps_json w;

    aps_json_init_pool(&w, pool, 2);
    assert_string_equal(aps_json_text(&w).p, "");
    aps_json_object(&w);
    aps_json_put_u64(&w, "a", 1);
    aps_json_name(&w, "b");
    aps_json_array(&w);
    aps_json_str(&w, S("x"));
    aps_json_object(&w);
    aps_json_end(&w);
    aps_json_object(&w);
    aps_json_put_str(&w, "c d", "e ");
    aps_json_end(&w);
    aps_json_end(&w);
    aps_json_name(&w, "e");
    aps_json_array(&w);
    aps_json_end(&w);
    aps_json_put_u64(&w, "f", 2);
    aps_json_end(&w);
    assert_false(w.full);
    assert_string_equal(aps_json_text(&w).p, want);
}

/* At, below and above the room that the sample needs: not one byte past it, and what is there is
 * how the sample begins, up to the end of a name or value. */
static void a_full_writer_stops(void **state)
{
    size_t whole = strlen(SAMPLE);

    (void)state;
    for (size_t cap = 2; cap <= whole + 2; cap++) {
        char *buf = malloc(cap + 1);
        struct aps_json w;
        struct aps_str text;

        assert_non_null(buf);
        buf[cap] = 'G';
        aps_json_init(&w, buf, cap);
        write_sample(&w);
        text = aps_json_text(&w);
        assert_int_equal(w.full, cap < whole);
        assert_true(text.n <= cap);
        assert_int_equal(buf[cap], 'G');
        assert_memory_equal(text.p, SAMPLE, text.n);
        if (w.full) {
            assert_non_null(strchr("{[,:\"0123456789le}]", text.p[text.n - 1]));
            aps_json_u64(&w, 1);
            aps_json_end(&w);
            assert_int_equal(aps_json_text(&w).n, text.n);
        } else {
            assert_int_equal(text.n, whole);
        }
        free(buf);
    }
}

/* Each kind of value fits exactly, or is left out wholly. */
static void each_value_fits_or_is_left_out(void **state)
{
    static const struct {
        struct aps_str value;
        size_t need; /* with both brackets */
    } cases[] = {
        {S("0123456789abcdef0123"), 24}, {S("a\"b"), 8}, {S("\n"), 10}, {S("\xff"), 9}, {S(""), 4}};
    char buf[32];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t cap = cases[i].need - 2; cap <= cases[i].need + 1; cap++) {
            struct aps_json w;

            aps_json_init(&w, buf, cap);
            aps_json_array(&w);
            aps_json_str(&w, cases[i].value);
            aps_json_end(&w);
            assert_int_equal(w.full, cap < cases[i].need);
            if (cap >= cases[i].need)
                assert_int_equal(aps_json_text(&w).n, cases[i].need);
            if (cap == cases[i].need - 2) /* not even the string */
                assert_int_equal(aps_json_text(&w).n, 1);
        }
    for (size_t cap = 21; cap <= 24; cap++) {
        struct aps_json w;

        aps_json_init(&w, buf, cap);
        aps_json_array(&w);
        aps_json_u64(&w, UINT64_MAX);
        aps_json_end(&w);
        assert_int_equal(w.full, cap < 22);
    }
}

static void depth_is_bounded(void **state)
{
    char buf[100];
    struct aps_json w;

    (void)state;
    for (int levels = APS_JSON_DEPTH - 1; levels <= APS_JSON_DEPTH + 1; levels++) {
        aps_json_init(&w, buf, sizeof buf);
        for (int i = 0; i < levels; i++)
            aps_json_array(&w);
        assert_int_equal(w.full, levels > APS_JSON_DEPTH);
        for (int i = 0; i < levels; i++)
            aps_json_end(&w);
        assert_int_equal(w.full, levels > APS_JSON_DEPTH);
    }
    aps_json_init(&w, buf, sizeof buf);
    aps_json_object(&w);
    aps_json_end(&w);
    aps_json_end(&w); /* one too many */
    assert_true(w.full);
    assert_int_equal(aps_json_text(&w).n, 2);
}

/* JSON has one outermost value. */
static void a_second_document_is_refused(void **state)
{
    char buf[100];
    struct aps_json w;

    (void)state;
    aps_json_init(&w, buf, sizeof buf);
    aps_json_u64(&w, 1);
    assert_false(w.full);
    aps_json_u64(&w, 2);
    assert_true(w.full);
    assert_int_equal(aps_json_text(&w).n, 1);
}

static void a_growing_buffer_holds_all(void **state)
{
    apr_pool_t *pool = *state;
    struct aps_json w;
    struct aps_str text;
    char *long_text = malloc(100000);
    size_t want = 0;

    assert_non_null(long_text);
    memset(long_text, 'a', 100000);
    aps_json_init_pool(&w, pool, 0);
    aps_json_array(&w);
    for (size_t n = 0; n < 3000; n += 7) {
        aps_json_str(&w, (struct aps_str){long_text, n});
        want += n + 3;
        assert_int_equal(aps_json_text(&w).p[aps_json_text(&w).n], '\0');
    }
    aps_json_str(&w, (struct aps_str){long_text, 100000});
    aps_json_end(&w);
    want += 100000 + 3;
    text = aps_json_text(&w);
    assert_false(w.full);
    assert_int_equal(text.n, want + 1);
    assert_int_equal(strlen(text.p), text.n);
    assert_memory_equal(text.p, "[\"\",\"aaaaaaa\",", 14);
    assert_memory_equal(text.p + text.n - 4, "aa\"]", 4);
    free(long_text);
}

/* A name that is not known when it is compiled goes the same way. */
static void names_of_any_length(void **state)
{
    char buf[100];
    struct aps_json w;
    const char *volatile name = "found_later";

    (void)state;
    aps_json_init(&w, buf, sizeof buf);
    aps_json_object(&w);
    aps_json_name(&w, name);
    aps_json_u64(&w, 1);
    aps_json_put_u64(&w, "n", 2);
    aps_json_end(&w);
    assert_memory_equal(buf, "{\"found_later\":1,\"n\":2}", aps_json_text(&w).n);
    assert_int_equal(aps_json_text(&w).n, 23);
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

/* What was written elsewhere is forgotten, and the rest goes on as if it were there. */
static void a_long_document_is_written_in_parts(void **state)
{
    apr_pool_t *pool = *state;
    char whole[1024] = "";
    struct aps_json w;

    aps_json_init_pool(&w, pool, 0);
    aps_json_array(&w);
    for (unsigned i = 0; i < 50; i++) {
        struct aps_str part;

        aps_json_object(&w);
        aps_json_put_u64(&w, "n", i);
        aps_json_end(&w);
        part = aps_json_text(&w);
        assert_true(part.n < 32);
        (void)snprintf(whole + strlen(whole), sizeof whole - strlen(whole), "%.*s", (int)part.n - 1,
                       part.p);
        aps_json_forget(&w, part.n); /* the last byte is not given away */
        assert_int_equal(aps_json_text(&w).n, part.n);
        aps_json_forget(&w, part.n - 1);
    }
    aps_json_end(&w);
    (void)snprintf(whole + strlen(whole), sizeof whole - strlen(whole), "%s", aps_json_text(&w).p);
    assert_int_equal(strncmp(whole, "[{\"n\":0},{\"n\":1},", 17), 0);
    assert_string_equal(whole + strlen(whole) - 10, ",{\"n\":49}]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(each_byte_is_seen_at_each_place),
        cmocka_unit_test(long_strings_are_cut_with_a_mark),
        cmocka_unit_test(values_nest),
        cmocka_unit_test(people_get_lines),
        cmocka_unit_test(a_full_writer_stops),
        cmocka_unit_test(each_value_fits_or_is_left_out),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(a_second_document_is_refused),
        cmocka_unit_test(a_growing_buffer_holds_all),
        cmocka_unit_test(names_of_any_length),
        cmocka_unit_test(a_long_document_is_written_in_parts),
    };

    return cmocka_run_group_tests(tests, make_pool, drop_pool);
}
