#include "t.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>

#include "apisec/json.h"
#include "apisec/jsonnum.h"
#include "apisec/jsonread.h"

#define S(lit) APS_STR_LIT(lit)

/* Any will do: no test depends on it. */
static const unsigned char key[APS_SIPHASH_KEY_LEN] = "0123456789abcdef";

struct fixture {
    apr_pool_t *pool;
    struct aps_jsonread r;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    if (f == NULL || apr_pool_create(&f->pool, NULL) != APR_SUCCESS)
        return -1;
    aps_jsonread_init(&f->r, f->pool, key);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    apr_pool_destroy(f->pool);
    free(f);
    return 0;
}

/* The verdict on a copy of its exact size, so that a sanitizer sees a read past the end. */
static enum aps_jsonread_fault judge(struct aps_jsonread *r, struct aps_str text,
                                     const struct aps_jsonread_options *options)
{
    char *copy = test_malloc(text.n + 1);
    char *start = copy + 1; /* not aligned */
    enum aps_jsonread_fault fault;

    if (text.n > 0)
        memcpy(start, text.p, text.n);
    fault = aps_jsonread(r, (struct aps_str){start, text.n}, options);
    test_free(copy);
    return fault;
}

struct verdict {
    struct aps_str text;
    enum aps_jsonread_fault want;
    uint32_t at;
};

static void check(struct aps_jsonread *r, const struct verdict *cases, size_t n,
                  const struct aps_jsonread_options *options)
{
    for (size_t i = 0; i < n; i++) {
        const enum aps_jsonread_fault fault = judge(r, cases[i].text, options);

        if (fault != cases[i].want || r->fault_at != cases[i].at)
            fail_msg("%.60s: %s at %u, want %s at %u", cases[i].text.p,
                     aps_jsonread_fault_name(fault), r->fault_at,
                     aps_jsonread_fault_name(cases[i].want), cases[i].at);
        assert_int_equal(r->fault, fault);
        assert_int_equal(aps_jsonread_root(r) != NULL, fault == APS_JSONREAD_OK);
    }
}

#define CHECK(f, cases, options) check(&(f)->r, cases, sizeof(cases) / sizeof *(cases), options)

/* POS-03: RFC 8259, and nothing else. */
static void what_is_json_is_accepted(void **state)
{
    static const struct verdict cases[] = {
        {S("0"), APS_JSONREAD_OK, 0},
        {S("-0"), APS_JSONREAD_OK, 0},
        {S(" \t\r\n1 \t\r\n"), APS_JSONREAD_OK, 0},
        {S("12345678901234567"), APS_JSONREAD_OK, 0},
        {S("1.5"), APS_JSONREAD_OK, 0},
        {S("[0e1,0E+1,1e-5,-1.25E01]"), APS_JSONREAD_OK, 0},
        {S("true"), APS_JSONREAD_OK, 0},
        {S("false"), APS_JSONREAD_OK, 0},
        {S("null"), APS_JSONREAD_OK, 0},
        {S("\"\""), APS_JSONREAD_OK, 0},
        {S("\"a\""), APS_JSONREAD_OK, 0},
        {S("\"\x7f\""), APS_JSONREAD_OK, 0},
        {S("\"/\\/\\\"\\\\\\b\\f\\n\\r\\t\\u00e9\""), APS_JSONREAD_OK, 0},
        {S("[]"), APS_JSONREAD_OK, 0},
        {S("{}"), APS_JSONREAD_OK, 0},
        {S(" [ ] "), APS_JSONREAD_OK, 0},
        {S(" { } "), APS_JSONREAD_OK, 0},
        {S("[[],{},[[]]]"), APS_JSONREAD_OK, 0},
        {S("[1,\"a\",true,false,null,{}]"), APS_JSONREAD_OK, 0},
        {S("{\"\":0}"), APS_JSONREAD_OK, 0},
        {S("{ \"a\" : [ 1 , 2 ] , \"b\" : { \"a\" : null } }"), APS_JSONREAD_OK, 0},
        {S("{\"a\":{\"a\":{\"a\":1}}}"), APS_JSONREAD_OK, 0},
        {S("[\n                                    1\n]"), APS_JSONREAD_OK, 0},
        {S("\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\""), APS_JSONREAD_OK,
         0},
        {S("\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""), APS_JSONREAD_OK, 0},
        {S("\"\\ud800\\udc00\\uDBFF\\uDFFF\""), APS_JSONREAD_OK, 0},
    };

    CHECK((struct fixture *)*state, cases, &aps_jsonread_strict);
    CHECK((struct fixture *)*state, cases, &aps_jsonread_plain);
}

/* POS-03: and where the first fault is. */
static void what_is_no_json_is_refused(void **state)
{
    static const struct verdict cases[] = {
        {S(""), APS_JSONREAD_END, 0},
        {S(" \n "), APS_JSONREAD_END, 0},
        {S("["), APS_JSONREAD_END, 1},
        {S("[1"), APS_JSONREAD_END, 2},
        {S("[1,"), APS_JSONREAD_END, 3},
        {S("[1, "), APS_JSONREAD_END, 3},
        {S("[[1]"), APS_JSONREAD_END, 4},
        {S("[[1] "), APS_JSONREAD_END, 4},
        {S("{"), APS_JSONREAD_END, 1},
        {S("{\"a\""), APS_JSONREAD_END, 4},
        {S("{\"a\":"), APS_JSONREAD_END, 5},
        {S("{\"a\":1"), APS_JSONREAD_END, 6},
        {S("{\"a\":{}"), APS_JSONREAD_END, 7},
        {S("\""), APS_JSONREAD_END, 1},
        {S("\"abc"), APS_JSONREAD_END, 4},
        {S("\"abcdefghijklmnopqrst"), APS_JSONREAD_END, 21},
        {S("\"\\"), APS_JSONREAD_END, 2},
        {S("\"\\\""), APS_JSONREAD_END, 3},
        {S("[\"a]"), APS_JSONREAD_END, 4},
        {S("[\"\\]"), APS_JSONREAD_ESCAPE, 2},
        {S("]"), APS_JSONREAD_SYNTAX, 0},
        {S("}"), APS_JSONREAD_SYNTAX, 0},
        {S(","), APS_JSONREAD_SYNTAX, 0},
        {S("[,]"), APS_JSONREAD_SYNTAX, 1},
        {S("[,1]"), APS_JSONREAD_SYNTAX, 1},
        {S("[1,]"), APS_JSONREAD_SYNTAX, 3},
        {S("[1,,2]"), APS_JSONREAD_SYNTAX, 3},
        {S("[1 2]"), APS_JSONREAD_SYNTAX, 3},
        {S("[1}"), APS_JSONREAD_SYNTAX, 2},
        {S("[}"), APS_JSONREAD_SYNTAX, 1},
        {S("{]"), APS_JSONREAD_SYNTAX, 1},
        {S("{\"a\":1]"), APS_JSONREAD_SYNTAX, 6},
        {S("[1:2]"), APS_JSONREAD_SYNTAX, 2},
        {S("{,}"), APS_JSONREAD_SYNTAX, 1},
        {S("{1:2}"), APS_JSONREAD_SYNTAX, 1},
        {S("{a:1}"), APS_JSONREAD_SYNTAX, 1},
        {S("{'a':1}"), APS_JSONREAD_SYNTAX, 1},
        {S("{\"a\"}"), APS_JSONREAD_SYNTAX, 4},
        {S("{\"a\",1}"), APS_JSONREAD_SYNTAX, 4},
        {S("{\"a\"::1}"), APS_JSONREAD_SYNTAX, 5},
        {S("{\"a\":}"), APS_JSONREAD_SYNTAX, 5},
        {S("{\"a\":1,}"), APS_JSONREAD_SYNTAX, 7},
        {S("{\"a\":1 \"b\":2}"), APS_JSONREAD_SYNTAX, 7},
        {S("{\"a\":1,\"b\"}"), APS_JSONREAD_SYNTAX, 10},
        {S("tru"), APS_JSONREAD_SYNTAX, 0},
        {S("[tru]"), APS_JSONREAD_SYNTAX, 1},
        {S("True"), APS_JSONREAD_SYNTAX, 0},
        {S("nul\0"), APS_JSONREAD_SYNTAX, 0},
        {S("[NaN]"), APS_JSONREAD_SYNTAX, 1},
        {S("[Infinity]"), APS_JSONREAD_SYNTAX, 1},
        {S("[+1]"), APS_JSONREAD_SYNTAX, 1},
        {S("[.5]"), APS_JSONREAD_SYNTAX, 1},
        {S("[1/**/]"), APS_JSONREAD_SYNTAX, 2},
        {S("[1\f]"), APS_JSONREAD_SYNTAX, 2},
        {S("[\v1]"), APS_JSONREAD_SYNTAX, 1},
        {S("[\xc2\xa0]"), APS_JSONREAD_SYNTAX, 1},
        {S("[1\0]"), APS_JSONREAD_SYNTAX, 2},
        {S("[0x1]"), APS_JSONREAD_SYNTAX, 2},
        {S("[1e5x]"), APS_JSONREAD_SYNTAX, 4},
        {S("[truex]"), APS_JSONREAD_SYNTAX, 5},
        {S("1 2"), APS_JSONREAD_TRAILING, 2},
        {S("[] []"), APS_JSONREAD_TRAILING, 3},
        {S("[]]"), APS_JSONREAD_TRAILING, 2},
        {S("{}}"), APS_JSONREAD_TRAILING, 2},
        {S("[],"), APS_JSONREAD_TRAILING, 2},
        {S("{}x"), APS_JSONREAD_TRAILING, 2},
        {S("\"\"\""), APS_JSONREAD_TRAILING, 2},
        {S("truefalse"), APS_JSONREAD_TRAILING, 4},
        {S("[]\0"), APS_JSONREAD_TRAILING, 2},
        {S("-"), APS_JSONREAD_NUMBER, 0},
        {S("[-]"), APS_JSONREAD_NUMBER, 1},
        {S("[--1]"), APS_JSONREAD_NUMBER, 1},
        {S("[01]"), APS_JSONREAD_NUMBER, 1},
        {S("[-01]"), APS_JSONREAD_NUMBER, 1},
        {S("[00]"), APS_JSONREAD_NUMBER, 1},
        {S("1."), APS_JSONREAD_NUMBER, 0},
        {S("[1.]"), APS_JSONREAD_NUMBER, 1},
        {S("[-.5]"), APS_JSONREAD_NUMBER, 1},
        {S("[1.e5]"), APS_JSONREAD_NUMBER, 1},
        {S("[1e]"), APS_JSONREAD_NUMBER, 1},
        {S("1e+"), APS_JSONREAD_NUMBER, 0},
        {S("[1e+-1]"), APS_JSONREAD_NUMBER, 1},
        {S("\"\n\""), APS_JSONREAD_CONTROL, 1},
        {S("\"a\0\""), APS_JSONREAD_CONTROL, 2},
        {S("\"\x1f\""), APS_JSONREAD_CONTROL, 1},
        {S("\"abcdefghijklmnopqrst\t\""), APS_JSONREAD_CONTROL, 21},
        {S("[\"\\n\n\"]"), APS_JSONREAD_CONTROL, 4},
        {S("\"\\a\""), APS_JSONREAD_ESCAPE, 1},
        {S("\"\\'\""), APS_JSONREAD_ESCAPE, 1},
        {S("\"\\\0\""), APS_JSONREAD_ESCAPE, 1},
        {S("\"\\U0041\""), APS_JSONREAD_ESCAPE, 1},
        {S("\"\\u004\""), APS_JSONREAD_ESCAPE, 1},
        {S("\"\\u00g0\""), APS_JSONREAD_ESCAPE, 1},
        {S("\"\\u 041\""), APS_JSONREAD_ESCAPE, 1},
        {S("\"\\u004"), APS_JSONREAD_ESCAPE, 1},
        {S("[\"\\u00"), APS_JSONREAD_ESCAPE, 2},
        {S("\"\\\xc3\xa9\""), APS_JSONREAD_ESCAPE, 1},
    };

    CHECK((struct fixture *)*state, cases, &aps_jsonread_strict);
    CHECK((struct fixture *)*state, cases, &aps_jsonread_plain);
}

/* POS-06 */
static void what_is_not_utf8_is_refused(void **state)
{
    static const struct verdict cases[] = {
        {S("\xef\xbb\xbf{}"), APS_JSONREAD_BOM, 0},
        {S("\xef\xbb\xbf"), APS_JSONREAD_BOM, 0},
        {S("\xff\xfe[\0]\0"), APS_JSONREAD_ENCODING, 0},
        {S("\xfe\xff\0[\0]"), APS_JSONREAD_ENCODING, 0},
        {S("[\0]\0"), APS_JSONREAD_ENCODING, 0},
        {S("\0[\0]"), APS_JSONREAD_ENCODING, 0},
        {S("[\0\0\0]\0\0\0"), APS_JSONREAD_ENCODING, 0},
        {S("\0\0\0[\0\0\0]"), APS_JSONREAD_ENCODING, 0},
        {S("\"\x80\""), APS_JSONREAD_UTF8, 1},
        {S("\"\xc0\x80\""), APS_JSONREAD_UTF8, 1},
        {S("\"\xc1\xbf\""), APS_JSONREAD_UTF8, 1},
        {S("\"\xc2\""), APS_JSONREAD_UTF8, 1},
        {S("\"\xc2\x41 \""), APS_JSONREAD_UTF8, 1},
        {S("\"a\xe0\x9f\xbf\""), APS_JSONREAD_UTF8, 2},
        {S("\"a\xe2\x28\xa1\""), APS_JSONREAD_UTF8, 2},
        {S("\"a\xe2\x82\x28\""), APS_JSONREAD_UTF8, 2},
        {S("\"\xed\xa0\x80\""), APS_JSONREAD_UTF8, 1},
        {S("\"\xed\xbf\xbf\""), APS_JSONREAD_UTF8, 1},
        {S("\"\xf0\x8f\xbf\xbf\""), APS_JSONREAD_UTF8, 1},
        {S("\"\xf4\x90\x80\x80\""), APS_JSONREAD_UTF8, 1},
        {S("\"\xf5\x80\x80\x80\""), APS_JSONREAD_UTF8, 1},
        {S("\"\xfc\x83\xbf\xbf\xbf\xbf\""), APS_JSONREAD_UTF8, 1},
        {S("\"\xe2\x82"), APS_JSONREAD_UTF8, 1},
        {S("\"\\n\xff\""), APS_JSONREAD_UTF8, 3},
        {S("\"abcdefghijklmnopqrst\xff\""), APS_JSONREAD_UTF8, 21},
        {S("{\"\xff\":1}"), APS_JSONREAD_UTF8, 2},
        {S("\"\\ud800\""), APS_JSONREAD_SURROGATE, 1},
        {S("\"\\udfff\""), APS_JSONREAD_SURROGATE, 1},
        {S("\"\\ud800\\n\""), APS_JSONREAD_SURROGATE, 1},
        {S("\"\\ud800\\u0041\""), APS_JSONREAD_SURROGATE, 1},
        {S("\"\\ud800\\ud800\\udc00\""), APS_JSONREAD_SURROGATE, 1},
        {S("\"\\udc00\\ud800\""), APS_JSONREAD_SURROGATE, 1},
        {S("\"\\ud800\\udc0\""), APS_JSONREAD_SURROGATE, 1},
        {S("{\"\\uDFAA\":0}"), APS_JSONREAD_SURROGATE, 2},
    };

    CHECK((struct fixture *)*state, cases, &aps_jsonread_strict);
    CHECK((struct fixture *)*state, cases, &aps_jsonread_plain);
}

/* POS-06, POS-05: what plain RFC 8259 has and the strict rules refuse. */
static void ambiguous_values_are_refused(void **state)
{
    static const struct verdict cases[] = {
        {S("\"\\u0000\""), APS_JSONREAD_NUL, 1},
        {S("[\"a\\u0000b\"]"), APS_JSONREAD_NUL, 3},
        {S("{\"a\\u0000\":1}"), APS_JSONREAD_NUL, 3},
        {S("[1e309]"), APS_JSONREAD_OVERFLOW, 1},
        {S("[-1e309]"), APS_JSONREAD_OVERFLOW, 1},
        {S("[1.8e+308]"), APS_JSONREAD_OVERFLOW, 1},
        {S("1e999999999999999"), APS_JSONREAD_OVERFLOW, 0},
    };
    struct verdict plain[sizeof cases / sizeof *cases];
    const char *far = "[-1e-1000000000000000]";
    struct fixture *f = *state;

    CHECK(f, cases, &aps_jsonread_strict);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        plain[i] = (struct verdict){cases[i].text, APS_JSONREAD_OK, 0};
    CHECK(f, plain, &aps_jsonread_plain);
    /* No exponent is read that could not be compared. */
    assert_int_equal(judge(&f->r, aps_str(far), &aps_jsonread_plain), APS_JSONREAD_OVERFLOW);
}

/* POS-05: exact as text, unless they are not wanted at all. */
static void big_integers_are_kept_or_refused(void **state)
{
    static const struct verdict cases[] = {
        {S("[9007199254740991,-9007199254740991]"), APS_JSONREAD_OK, 0},
        {S("[9007199254740992]"), APS_JSONREAD_INTEGER, 1},
        {S("[1,-9007199254740992]"), APS_JSONREAD_INTEGER, 3},
        {S("[900719925474099.3]"), APS_JSONREAD_OK, 0},
        {S("[90071992547409920]"), APS_JSONREAD_INTEGER, 1},
        {S("[9.1e15]"), APS_JSONREAD_INTEGER, 1},
        {S("[1e15]"), APS_JSONREAD_OK, 0},
        {S("[1.5e-300]"), APS_JSONREAD_OK, 0},
    };
    struct aps_jsonread_options o = aps_jsonread_strict;
    struct fixture *f = *state;

    o.big_integers = false;
    CHECK(f, cases, &o);
    assert_int_equal(aps_jsonread(&f->r, S("[9007199254740993]"), &aps_jsonread_strict),
                     APS_JSONREAD_OK);
    assert_true(
        aps_str_eq(aps_jsonread_str(&f->r, aps_jsonread_root(&f->r) + 1), S("9007199254740993")));
}

/* POS-04 */
static void a_name_stands_once_in_an_object(void **state)
{
    static const struct verdict cases[] = {
        {S("{\"a\":1,\"a\":1}"), APS_JSONREAD_DUPLICATE, 8},
        {S("{\"a\":1,\"\\u0061\":2}"), APS_JSONREAD_DUPLICATE, 8},
        {S("{\"\\u0061\":1,\"a\":2}"), APS_JSONREAD_DUPLICATE, 13},
        {S("{\"\\u0061\":1,\"\\u0061\":2}"), APS_JSONREAD_DUPLICATE, 13},
        {S("{\"\":1,\"\":2}"), APS_JSONREAD_DUPLICATE, 7},
        {S("{\"a/b\":1,\"a\\/b\":2}"), APS_JSONREAD_DUPLICATE, 10},
        {S("{\"\xc3\xa9\":1,\"\\u00e9\":2}"), APS_JSONREAD_DUPLICATE, 9},
        {S("{\"\xf0\x9f\x98\x80\":1,\"\\ud83d\\ude00\":2}"), APS_JSONREAD_DUPLICATE, 11},
        {S("{\"a\":1,\"b\":2,\"c\":3,\"b\":4}"), APS_JSONREAD_DUPLICATE, 20},
        {S("{\"a\":[{\"b\":{}},{\"c\":1}],\"a\":3}"), APS_JSONREAD_DUPLICATE, 25},
        {S("[[[{\"x\":{\"y\":[1,2],\"y\":0}}]]]"), APS_JSONREAD_DUPLICATE, 20},
        {S("{\"abcdefghijklmno\":1,\"abcdefghijklmno\":2}"), APS_JSONREAD_DUPLICATE, 22},
        {S("{\"abcdefghijklmnop\":1,\"abcdefghijklmnop\":2}"), APS_JSONREAD_DUPLICATE, 23},
        {S("{\"abcdefghijklmnopqrstuvwxyz012345\":1,\"abcdefghijklmnopqrstuvwxyz012345\":2}"),
         APS_JSONREAD_DUPLICATE, 39},
        {S("{\"abcdefghijklmnopqrstuvwxyz0123456\":1,\"abcdefghijklmnopqrstuvwxyz0123456\":2}"),
         APS_JSONREAD_DUPLICATE, 40},
        {S("{\"a\":1,\"A\":2,\"a \":3,\" a\":4,\"\":5,\"aa\":6}"), APS_JSONREAD_OK, 0},
        {S("{\"a\":{\"a\":1},\"b\":{\"a\":1}}"), APS_JSONREAD_OK, 0},
        {S("[{\"a\":1},{\"a\":1}]"), APS_JSONREAD_OK, 0},
        {S("{\"\xc3\xa9\":1,\"e\xcc\x81\":2}"), APS_JSONREAD_OK, 0}, /* bytes, not looks */
        {S("{\"abcdefghijklmnop\":1,\"abcdefghijklmnoq\":2,\"bbcdefghijklmnop\":3}"),
         APS_JSONREAD_OK, 0},
    };

    CHECK((struct fixture *)*state, cases, &aps_jsonread_strict);
}

/* An object of `count` members, the last of which has the name of number `same`; with `mark`, that
 * name has an escape.  A name is as long as its number makes it, and up to 39 bytes. */
static struct aps_str make_object(char *buf, size_t cap, unsigned count, unsigned same, bool mark)
{
    size_t n = 0;

    buf[n++] = '{';
    for (unsigned i = 0; i < count; i++) {
        const unsigned name = i + 1 == count ? same : i;

        n += (size_t)snprintf(buf + n, cap - n, "%s\"%s%u%.*s\":[{}]", i > 0 ? "," : "",
                              mark && i + 1 == count ? "\\u006d" : "m", name, (int)(name % 35),
                              "abcdefghijklmnopqrstuvwxyzabcdefghijklmno");
        assert_true(n < cap - 1);
    }
    buf[n++] = '}';
    return (struct aps_str){buf, n};
}

/* POS-04: on both sides of each way to look, wherever the two are. */
static void duplicates_are_found_in_objects_of_any_size(void **state)
{
    static const unsigned counts[] = {2, 3, 4, 5, 8, 9, 31, 32, 33, 34, 64, 65, 129, 1000};
    static char buf[1 << 17];
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        const unsigned count = counts[i];
        const unsigned step = count < 70 ? 1 : 61;
        struct aps_str text = make_object(buf, sizeof buf, count, count, false);

        assert_int_equal(judge(&f->r, text, &aps_jsonread_strict), APS_JSONREAD_OK);
        for (unsigned same = 0; same + 1 < count; same += step) {
            text = make_object(buf, sizeof buf, count, same, same % 2 == 1);
            assert_int_equal(judge(&f->r, text, &aps_jsonread_strict), APS_JSONREAD_DUPLICATE);
            assert_int_equal(judge(&f->r, text, &aps_jsonread_plain), APS_JSONREAD_OK);
        }
    }
}

/* POS-04: 100,000 members, where each compared with each would take minutes. */
static void a_large_object_is_judged_at_once(void **state)
{
    static char buf[6 << 20];
    struct aps_jsonread_options o = aps_jsonread_plain;
    struct fixture *f = *state;

    o.duplicates = false;
    assert_int_equal(aps_jsonread(&f->r, make_object(buf, sizeof buf, 100000, 100000, false), &o),
                     APS_JSONREAD_OK);
    assert_int_equal(aps_jsonread_count(aps_jsonread_root(&f->r)), 100000);
    assert_int_equal(aps_jsonread(&f->r, make_object(buf, sizeof buf, 100000, 77777, true), &o),
                     APS_JSONREAD_DUPLICATE);
}

/* `text` repeated, between two others. */
static struct aps_str repeat(char *buf, const char *before, const char *text, size_t times,
                             const char *after)
{
    const size_t n = strlen(text);
    char *p = buf;

    memcpy(p, before, strlen(before));
    p += strlen(before);
    for (size_t i = 0; i < times; i++, p += n)
        memcpy(p, text, n);
    memcpy(p, after, strlen(after));
    p += strlen(after);
    return (struct aps_str){buf, (size_t)(p - buf)};
}

/* `n` levels of arrays. */
static struct aps_str make_deep(char *buf, size_t n)
{
    memset(buf, '[', n);
    memset(buf + n, ']', n);
    return (struct aps_str){buf, 2 * n};
}

/* POS-07: at and above each bound; the one in force is named, and where it was passed. */
static void caps_hold_to_the_byte(void **state)
{
    static const struct aps_jsonread_options caps = {
        .bytes_max = 100,
        .depth_max = 3,
        .nodes_max = 20,
        .string_max = 20,
        .members_max = 4,
        .items_max = 5,
        .digits_max = 10,
    };
    static const struct verdict cases[] = {
        {S("[[[]]]"), APS_JSONREAD_OK, 0},
        {S("[[[[]]]]"), APS_JSONREAD_DEPTH, 3},
        {S("{\"a\":[{}]}"), APS_JSONREAD_OK, 0},
        {S("{\"a\":[{\"b\":[]}]}"), APS_JSONREAD_DEPTH, 11},
        {S("[[[1]],[[2]]]"), APS_JSONREAD_OK, 0},
        {S("[1,2,3,4,5]"), APS_JSONREAD_OK, 0},
        {S("[1,2,3,4,5,6]"), APS_JSONREAD_ITEMS, 11},
        {S("[[1,2,3,4,5],2,3,4,5]"), APS_JSONREAD_OK, 0},
        {S("[[1,2,3,4,5],2,3,4,5,6]"), APS_JSONREAD_ITEMS, 21},
        {S("{\"a\":1,\"b\":2,\"c\":3,\"d\":4}"), APS_JSONREAD_OK, 0},
        {S("{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5}"), APS_JSONREAD_MEMBERS, 25},
        {S("\"12345678901234567890\""), APS_JSONREAD_OK, 0},
        {S("\"123456789012345678901\""), APS_JSONREAD_STRING, 1},
        {S("[\"1234567890123456789\\n\"]"), APS_JSONREAD_STRING, 2}, /* as written */
        {S("[\"123456789012345678\\n\"]"), APS_JSONREAD_OK, 0},
        {S("{\"123456789012345678901\":1}"), APS_JSONREAD_STRING, 2},
        {S("1234567890"), APS_JSONREAD_OK, 0},
        {S("12345678901"), APS_JSONREAD_DIGITS, 0},
        {S("[-123456789]"), APS_JSONREAD_OK, 0},
        {S("[-1234567890]"), APS_JSONREAD_DIGITS, 1},
        {S("[1.23456e+1]"), APS_JSONREAD_OK, 0},
        {S("[1.23456e+12]"), APS_JSONREAD_DIGITS, 1},
        {S("[1,1,1,1,[1,1,1,1,[1,1,1,1,1]]]"), APS_JSONREAD_OK, 0},
        {S("[[1,1,1,1,1],[1,1,1,1,1],[1,1,1,1,1],1]"), APS_JSONREAD_OK, 0},
        {S("[[1,1,1,1,1],[1,1,1,1,1],[1,1,1,1,1],1,2]"), APS_JSONREAD_NODES, 39},
        {S("[[1,1,1,1,1],[1,1,1,1,1],[1,1,1,1,1],{\"a\":0}]"), APS_JSONREAD_NODES, 38},
    };
    struct fixture *f = *state;
    char buf[256];

    CHECK(f, cases, &caps);
    memset(buf, ' ', sizeof buf);
    buf[0] = '1';
    assert_int_equal(judge(&f->r, (struct aps_str){buf, 100}, &caps), APS_JSONREAD_OK);
    assert_int_equal(judge(&f->r, (struct aps_str){buf, 101}, &caps), APS_JSONREAD_BYTES);
    assert_int_equal(f->r.fault_at, 100);
}

/* POS-07: the documented ones of what comes from outside. */
static void the_strict_caps_are_these(void **state)
{
    static char buf[3 << 20];
    const struct aps_jsonread_options *o = &aps_jsonread_strict;
    struct fixture *f = *state;

    assert_int_equal(judge(&f->r, make_deep(buf, 32), o), APS_JSONREAD_OK);
    assert_int_equal(judge(&f->r, make_deep(buf, 33), o), APS_JSONREAD_DEPTH);
    assert_int_equal(judge(&f->r, repeat(buf, "[", "1,", 9999, "1]"), o), APS_JSONREAD_OK);
    assert_int_equal(judge(&f->r, repeat(buf, "[", "1,", 10000, "1]"), o), APS_JSONREAD_ITEMS);
    assert_int_equal(
        judge(&f->r, repeat(buf, "[", "[1,1,1,1,1,1,1,1,1],", 9999, "[1,1,1,1,1,1,1,1]]"), o),
        APS_JSONREAD_OK); /* 1 + 10 * 9999 + 9 = 100,000 */
    assert_int_equal(
        judge(&f->r, repeat(buf, "[", "[1,1,1,1,1,1,1,1,1],", 9999, "[1,1,1,1,1,1,1,1,1]]"), o),
        APS_JSONREAD_NODES);
    assert_int_equal(judge(&f->r, repeat(buf, "\"", "x", 262144, "\""), o), APS_JSONREAD_OK);
    assert_int_equal(judge(&f->r, repeat(buf, "\"", "x", 262145, "\""), o), APS_JSONREAD_STRING);
    assert_int_equal(judge(&f->r, repeat(buf, "0.", "1", 998, ""), o), APS_JSONREAD_OK);
    assert_int_equal(judge(&f->r, repeat(buf, "0.", "1", 999, ""), o), APS_JSONREAD_DIGITS);
    assert_int_equal(judge(&f->r, repeat(buf, "[", " ", (1 << 20) - 2, "]"), o), APS_JSONREAD_OK);
    assert_int_equal(judge(&f->r, repeat(buf, "[", " ", (1 << 20) - 1, "]"), o),
                     APS_JSONREAD_BYTES);
    assert_int_equal(judge(&f->r, make_object(buf, sizeof buf, 1000, 1000, false), o),
                     APS_JSONREAD_OK);
    assert_int_equal(judge(&f->r, make_object(buf, sizeof buf, 1001, 1001, false), o),
                     APS_JSONREAD_MEMBERS);
}

/* POS-07: what is sent to exhaust a reader. */
static void attacks_end_at_a_cap(void **state)
{
    static char buf[5 << 20];
    const struct aps_jsonread_options *o = &aps_jsonread_strict, *plain = &aps_jsonread_plain;
    struct fixture *f = *state;
    struct aps_str text;

    assert_int_equal(judge(&f->r, repeat(buf, "", "[{\"\":", 50000, ""), o), APS_JSONREAD_DEPTH);
    assert_int_equal(judge(&f->r, repeat(buf, "", "[{\"\":", 50000, ""), plain), APS_JSONREAD_END);
    assert_int_equal(judge(&f->r, repeat(buf, "", "[", 100000, ""), o), APS_JSONREAD_DEPTH);
    assert_int_equal(judge(&f->r, repeat(buf, "", "[", 100000, ""), plain), APS_JSONREAD_END);
    assert_int_equal(
        judge(&f->r,
              repeat(buf, "[", "1,", 5000,
                     "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"),
              o),
        APS_JSONREAD_DEPTH);
    assert_int_equal(judge(&f->r, repeat(buf, "\"", "x", 4 << 20, "\""), o), APS_JSONREAD_BYTES);
    assert_int_equal(judge(&f->r, repeat(buf, "\"", "x", 4 << 20, "\""), plain), APS_JSONREAD_OK);
    assert_int_equal(aps_jsonread_root(&f->r)->n, 4 << 20);
    assert_int_equal(judge(&f->r, repeat(buf, "", "1", 1 << 20, ""), o), APS_JSONREAD_DIGITS);
    assert_int_equal(judge(&f->r, repeat(buf, "", "1", 1 << 20, ""), plain), APS_JSONREAD_OK);
    assert_int_equal(judge(&f->r, repeat(buf, "[", "1e", 500000, "]"), o), APS_JSONREAD_SYNTAX);
    text = make_deep(buf, 1000000);
    assert_int_equal(judge(&f->r, text, plain), APS_JSONREAD_OK);
    assert_int_equal(f->r.count, 1000000);
}

/* Zeroed options let nothing through. */
static void no_options_accept_nothing(void **state)
{
    static const struct aps_jsonread_options none = {0};
    struct fixture *f = *state;

    assert_int_equal(judge(&f->r, S("1"), &none), APS_JSONREAD_BYTES);
    assert_int_equal(judge(&f->r, S(""), &none), APS_JSONREAD_NODES);
}

/* A walk through nodes that writes the document anew, to compare all of it at once. */
static void write_value(const struct aps_jsonread *r, const struct aps_jsonread_node *v,
                        struct aps_json *w)
{
    const struct aps_jsonread_node *m;
    struct aps_str s;

    switch (aps_jsonread_kind(v)) {
    case APS_JSON_ARRAY:
        aps_json_array(w);
        for (m = aps_jsonread_first(v); m < aps_jsonread_end(v); m = aps_jsonread_next(m))
            write_value(r, m, w);
        aps_json_end(w);
        break;
    case APS_JSON_OBJECT:
        aps_json_object(w);
        for (m = aps_jsonread_first(v); m < aps_jsonread_end(v); m = aps_jsonread_next(m + 1)) {
            assert_int_equal(aps_jsonread_kind(m), APS_JSON_NAME);
            s = aps_jsonread_str(r, m);
            aps_json_name_n(w, s.p, s.n);
            write_value(r, m + 1, w);
        }
        aps_json_end(w);
        break;
    case APS_JSON_STRING:
        aps_json_str(w, aps_jsonread_str(r, v));
        break;
    default:
        aps_json_raw(w, aps_jsonread_str(r, v));
    }
}

static void nodes_say_what_the_text_says(void **state)
{
    static const struct {
        struct aps_str text, want;
    } cases[] = {
        {S("1"), S("1")},
        {S(" -1.50E+3 "), S("-1.50E+3")},
        {S("[ ]"), S("[]")},
        {S("[true , false,null]"), S("[true,false,null]")},
        {S("{\"a\" : {\"b\":[1,[2,{}],\"x\"]},\"c\":\"\"}"),
         S("{\"a\":{\"b\":[1,[2,{}],\"x\"]},\"c\":\"\"}")},
        {S("[\"\\u0041\\n\\/\",\"b\",\"\\ud83d\\ude00\\u00e9\\u20ac\"]"),
         S("[\"A\\u000a/\",\"b\",\"\xf0\x9f\x98\x80\xc3\xa9\xe2\x82\xac\"]")},
        {S("{\"\\u0062\":1,\"c\":\"\\\"\\\\\"}"), S("{\"b\":1,\"c\":\"\\\"\\\\\"}")},
        {S("\"\xc3\xa9 a string that is longer than sixteen bytes \xe2\x82\xac \\u0021\""),
         S("\"\xc3\xa9 a string that is longer than sixteen bytes \xe2\x82\xac !\"")},
    };
    struct fixture *f = *state;
    struct aps_json w;
    char buf[256];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(aps_jsonread(&f->r, cases[i].text, &aps_jsonread_strict), APS_JSONREAD_OK);
        aps_json_init(&w, buf, sizeof buf);
        write_value(&f->r, aps_jsonread_root(&f->r), &w);
        assert_false(w.full);
        assert_true(aps_str_eq(aps_json_text(&w), cases[i].want));
    }
}

static void members_are_found_and_passed_over(void **state)
{
    const struct aps_str text =
        S("{\"a\":[1,{\"b\":2}],\"\\u0062\":\"\\t\",\"c\":{\"a\":3},\"d\":4.5}");
    struct fixture *f = *state;
    const struct aps_jsonread_node *root, *v;

    assert_int_equal(aps_jsonread(&f->r, text, &aps_jsonread_strict), APS_JSONREAD_OK);
    root = aps_jsonread_root(&f->r);
    assert_int_equal(aps_jsonread_count(root), 4);
    assert_ptr_equal(aps_jsonread_next(root), aps_jsonread_end(root));
    v = aps_jsonread_get(&f->r, root, S("a"));
    assert_int_equal(aps_jsonread_kind(v), APS_JSON_ARRAY);
    assert_int_equal(aps_jsonread_count(v), 2);
    assert_true(aps_str_eq(aps_jsonread_raw(&f->r, v), S("[1,{\"b\":2}]")));
    v = aps_jsonread_get(&f->r, root, S("b"));
    assert_true(aps_str_eq(aps_jsonread_str(&f->r, v), S("\t")));
    assert_true(aps_str_eq(aps_jsonread_raw(&f->r, v), S("\"\\t\"")));
    assert_true(aps_str_eq(aps_jsonread_raw(&f->r, v - 1), S("\"\\u0062\"")));
    v = aps_jsonread_get(&f->r, aps_jsonread_get(&f->r, root, S("c")), S("a"));
    assert_true(aps_str_eq(aps_jsonread_str(&f->r, v), S("3")));
    v = aps_jsonread_get(&f->r, root, S("d"));
    assert_true(aps_str_eq(aps_jsonread_raw(&f->r, v), S("4.5")));
    assert_null(aps_jsonread_get(&f->r, root, S("e")));
    assert_null(aps_jsonread_get(&f->r, root, S("")));
    assert_null(aps_jsonread_get(&f->r, v, S("a")));
    assert_null(aps_jsonread_get(&f->r, NULL, S("a")));
}

/* Memory of an earlier text is used again, and nothing of that text is left. */
static void a_reader_serves_many_texts(void **state)
{
    struct fixture *f = *state;
    const struct aps_jsonread_node *nodes;

    assert_int_equal(aps_jsonread(&f->r, S("[\"\\u0041\\u0042\",1,2,3]"), &aps_jsonread_strict),
                     APS_JSONREAD_OK);
    nodes = f->r.nodes;
    assert_int_equal(aps_jsonread(&f->r, S("[1,"), &aps_jsonread_strict), APS_JSONREAD_END);
    assert_null(aps_jsonread_root(&f->r));
    assert_int_equal(aps_jsonread(&f->r, S("[\"\\u0043\"]"), &aps_jsonread_strict),
                     APS_JSONREAD_OK);
    assert_ptr_equal(f->r.nodes, nodes);
    assert_true(aps_str_eq(aps_jsonread_str(&f->r, f->r.nodes + 1), S("C")));
    assert_int_equal(f->r.count, 2);
}

/* Every cut of a text is refused, and nothing is read behind it. */
static void every_beginning_of_a_text_is_refused(void **state)
{
    static const char text[] = "{\"a\\n\":[1.5e3,true,\"\xe2\x82\xac\\ud83d\\ude00\",null],"
                               "\"a long name of more than sixteen\":{\"b\":false}}";
    struct fixture *f = *state;

    for (size_t n = 0; n < sizeof text - 1; n++)
        assert_int_not_equal(judge(&f->r, (struct aps_str){text, n}, &aps_jsonread_strict),
                             APS_JSONREAD_OK);
    assert_int_equal(judge(&f->r, (struct aps_str){text, sizeof text - 1}, &aps_jsonread_strict),
                     APS_JSONREAD_OK);
}

/* AUD-04: what the writer wrote comes back, but for bytes that were no UTF-8. */
static void the_writer_is_understood(void **state)
{
    static const char all[] = "\x01\x1f \"\\/\x7f\xc2\x85\xe2\x80\xa8\xd8\x9c~\xf0\x9f\x98\x80";
    struct fixture *f = *state;
    struct aps_json w;

    aps_json_init_pool(&w, f->pool, 2);
    aps_json_object(&w);
    aps_json_put_str(&w, "text", all);
    aps_json_put_u64(&w, "most", UINT64_MAX);
    aps_json_put_bool(&w, "yes", true);
    aps_json_put_str(&w, "none", NULL);
    aps_json_put_str(&w, "bad", "\xff");
    aps_json_end(&w);
    assert_int_equal(aps_jsonread(&f->r, aps_json_text(&w), &aps_jsonread_strict), APS_JSONREAD_OK);
    const struct aps_jsonread_node *root = aps_jsonread_root(&f->r);
    assert_true(aps_str_eq(aps_jsonread_str(&f->r, aps_jsonread_get(&f->r, root, S("text"))),
                           aps_str(all)));
    assert_true(aps_str_eq(aps_jsonread_str(&f->r, aps_jsonread_get(&f->r, root, S("most"))),
                           S("18446744073709551615")));
    assert_int_equal(aps_jsonread_kind(aps_jsonread_get(&f->r, root, S("yes"))), APS_JSON_TRUE);
    assert_int_equal(aps_jsonread_kind(aps_jsonread_get(&f->r, root, S("none"))), APS_JSON_NULL);
    assert_true(
        aps_str_eq(aps_jsonread_str(&f->r, aps_jsonread_get(&f->r, root, S("bad"))), S("\\xff")));
}

static void faults_are_explained(void **state)
{
    static const struct {
        struct aps_str text;
        const char *want;
    } cases[] = {
        {S("[1,"), "JSON, byte 3, the end: the text ends before its value does"},
        {S("{\"secret of many bytes\":1,\"b\":2,\"b\":3}"),
         "JSON, byte 33, \"b\":3}\": an object has this name twice; want each name once"},
        {S("[\"\x1b[2J\"]"),
         "JSON, byte 2, \"?[2J\"]\": a string has a raw control character; want \\u and four "
         "digits"},
        {S("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"),
         "JSON, byte 32, \"[]]]]]]]]]]]\": arrays and objects lie deeper, in levels, than 32"},
    };
    struct aps_diag diag;
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_not_equal(aps_jsonread(&f->r, cases[i].text, &aps_jsonread_strict),
                             APS_JSONREAD_OK);
        aps_jsonread_fault_explain(&f->r, &diag);
        assert_string_equal(diag.text, cases[i].want);
    }
    aps_jsonread_fault_explain(&f->r, NULL);
    assert_string_equal(aps_jsonread_fault_name(APS_JSONREAD_DUPLICATE), "duplicate");
    assert_string_equal(aps_jsonread_fault_name(APS_JSONREAD_COUNT), "unknown");
}

static int by_number(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

/* POS-04: by the key of zeros that own files are read with, short names have tags of their own. */
static void names_are_told_apart_by_any_key(void **state)
{
    enum { N = 20000 };
    static const unsigned char zeros[APS_SIPHASH_KEY_LEN];
    struct fixture *f = *state;
    char *text = apr_palloc(f->pool, 16 * N), *at = text;
    uint32_t *tags = apr_palloc(f->pool, N * sizeof *tags);
    unsigned n = 0, different = 1;

    for (int i = 0; i < N; i++)
        at += apr_snprintf(at, 16, "%c\"p%d\":1", i == 0 ? '{' : ',', i);
    *at++ = '}';
    aps_jsonread_init(&f->r, f->pool, zeros);
    assert_int_equal(
        aps_jsonread(&f->r, (struct aps_str){text, (size_t)(at - text)}, &aps_jsonread_plain),
        APS_JSONREAD_OK);
    for (const struct aps_jsonread_node *m = f->r.nodes + 1; n < N; m += 2)
        tags[n++] = m->what >> 8;
    qsort(tags, N, sizeof *tags, by_number);
    for (int i = 1; i < N; i++)
        different += tags[i] != tags[i - 1];
    assert_true(different > N - N / 100); /* of 2^24, a dozen are the same by chance */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_json_is_accepted),
        TEST(what_is_no_json_is_refused),
        TEST(what_is_not_utf8_is_refused),
        TEST(ambiguous_values_are_refused),
        TEST(big_integers_are_kept_or_refused),
        TEST(a_name_stands_once_in_an_object),
        TEST(duplicates_are_found_in_objects_of_any_size),
        TEST(a_large_object_is_judged_at_once),
        TEST(names_are_told_apart_by_any_key),
        TEST(caps_hold_to_the_byte),
        TEST(the_strict_caps_are_these),
        TEST(attacks_end_at_a_cap),
        TEST(no_options_accept_nothing),
        TEST(nodes_say_what_the_text_says),
        TEST(members_are_found_and_passed_over),
        TEST(a_reader_serves_many_texts),
        TEST(every_beginning_of_a_text_is_refused),
        TEST(the_writer_is_understood),
        TEST(faults_are_explained),
    };

    if (apr_initialize() != APR_SUCCESS)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
