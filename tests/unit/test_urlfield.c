#include "t.h"

#include <apr_strings.h>

#include "apisec/schema_judge.h"
#include "apisec/urlfield.h"
#include "t_pool.h"

static const unsigned char key[APS_SIPHASH_KEY_LEN] = "0123456789abcdef";
static const struct aps_str rules[] = {APS_STR_LIT("https://a.example")};

static const struct aps_schema_image *compile(apr_pool_t *pool, const char *pointer)
{
    const struct aps_urlfield field = {aps_str(pointer), rules, 1};
    const struct aps_schema_image *image = NULL;
    struct aps_diag diag = {{0}};

    if (aps_urlfield_compile(&field, 1, pool, &image, &diag) != APS_OK)
        fail_msg("%s: %s", pointer, diag.text);
    return image;
}

static bool is_good(apr_pool_t *pool, const struct aps_schema_image *image,
                    const struct aps_jsonread *reader)
{
    struct aps_schema_judge *judge = aps_schema_judge_new(pool, &aps_schema_judge_usual);

    return aps_schema_judge(judge, image, 0, reader, aps_jsonread_root(reader)) == APS_SCHEMA_VALID;
}

#define GOOD "\"https://a.example/\""
#define EVIL "\"https://evil.example/\""

/* POS-23: the values that a pointer leads to, and no others. */
static void pointers_lead_to_values(void **state)
{
    static const struct {
        const char *pointer, *text;
        bool good;
    } rows[] = {
        {"", GOOD, true},
        {"", EVIL, false},
        {"", "{\"a\":" EVIL "}", false},
        {"/a", "{\"a\":" GOOD ",\"b\":" EVIL "}", true},
        {"/a", "{\"a\":" EVIL "}", false},
        {"/a", "[" EVIL "]", true},
        {"/a/b", "{\"a\":{\"b\":" EVIL "}}", false},
        {"/a/b", "{\"a\":" EVIL "}", true},
        {"/a~1b~0", "{\"a/b~\":" EVIL "}", false},
        {"/a~1b~0", "{\"a\":{\"b~\":" EVIL "}}", true},
        {"/\"\\", "{\"\\\"\\\\\":" EVIL "}", false},
        {"/\xc3\xa9", "{\"\xc3\xa9\":" EVIL "}", false},
        {"/", "{\"\":" EVIL "}", false},
        {"/*", "{\"a\":" GOOD ",\"b\":" EVIL "}", false},
        {"/*", "[" GOOD "," EVIL "]", false},
        {"/*/*", "[[" GOOD "],{\"a\":" EVIL "}]", false},
        {"/*/a", "[{\"b\":" EVIL "}]", true},
        {"/1", "[" EVIL "," GOOD "," EVIL "]", true},
        {"/1", "[" GOOD "," EVIL "]", false},
        {"/1", "{\"1\":" EVIL "}", false},
        {"/01", "[" EVIL "," EVIL "]", true},
        {"/01", "{\"01\":" EVIL "}", false},
        {"/a/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*", "{\"a\":[1]}", true},
    };
    struct aps_jsonread reader;

    aps_jsonread_init(&reader, *state, key);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(aps_jsonread(&reader, aps_str(rows[i].text), &aps_jsonread_strict),
                         APS_JSONREAD_OK);
        if (is_good(*state, compile(*state, rows[i].pointer), &reader) != rows[i].good)
            fail_msg("%s %s", rows[i].pointer, rows[i].text);
    }
}

/* POS-23: whichever parameter of the name a handler takes. */
static void parameters_are_members(void **state)
{
    const struct aps_schema_image *image = compile(*state, "/u");
    const struct aps_str good = APS_STR_LIT("https://a.example"), evil = APS_STR_LIT("https://b"),
                         none = {NULL, 0}, u = APS_STR_LIT("u"), v = APS_STR_LIT("v\"\n");
    const struct {
        struct aps_urlfield_value values[2];
        bool good;
    } rows[] = {
        {{{u, good}, {v, evil}}, true},  {{{u, good}, {u, good}}, true},
        {{{u, good}, {u, evil}}, false}, {{{u, evil}, {u, good}}, false},
        {{{v, none}, {u, good}}, true},  {{{v, evil}, {u, none}}, false},
    };
    struct aps_jsonread reader;

    aps_jsonread_init(&reader, *state, key);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(aps_urlfield_object(rows[i].values, 2, &reader), APS_JSONREAD_OK);
        assert_int_equal(is_good(*state, image, &reader), rows[i].good);
    }
    assert_int_equal(aps_urlfield_object(NULL, 0, &reader), APS_JSONREAD_OK);
    assert_true(is_good(*state, image, &reader));
}

/* POS-23: who ends a parameter at a semicolon reads others. */
static void semicolons_are_read_as_well(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"", ""},
        {"a=1&b=2", ""},
        {"a=1;b=2", "a=1&b=2"},
        {"a=1;;b=2&;c", "a=1&b=2&c"},
        {"=x;a=1;=2", "a=1"},
        {";", ""},
    };
    struct aps_str got;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(aps_urlfield_semicolons(aps_str(rows[i].text), *state, &got));
        assert_true(aps_str_eq(got, aps_str(rows[i].want)));
    }
}

static void what_is_no_rule_is_an_error(void **state)
{
    static const struct aps_str bad[] = {APS_STR_LIT("a.example")};
    static const struct {
        struct aps_urlfield field;
        enum aps_err want;
        const char *say;
    } rows[] = {
        {{APS_STR_LIT("a"), rules, 1}, APS_ERR_FORMAT, "/items/*/callback"},
        {{APS_STR_LIT("/~2"), rules, 1}, APS_ERR_FORMAT, "0 or 1"},
        {{APS_STR_LIT("/a~"), rules, 1}, APS_ERR_FORMAT, "0 or 1"},
        {{APS_STR_LIT("/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17"), rules, 1},
         APS_ERR_RANGE,
         "16 steps"},
        {{APS_STR_LIT("/10000"), rules, 1}, APS_ERR_RANGE, "9999"},
        {{APS_STR_LIT("/a"), rules, 0}, APS_ERR_RANGE, "64 rules"},
        {{APS_STR_LIT("/a"), rules, APS_URLFIELD_RULES_MAX + 1}, APS_ERR_RANGE, "64 rules"},
        {{APS_STR_LIT("/a"), bad, 1}, APS_ERR_FORMAT, "URL rule \"a.example\""},
    };
    struct aps_urlfield many[APS_URLFIELD_MAX + 1];
    const struct aps_schema_image *image = NULL;
    struct aps_diag diag;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(aps_urlfield_compile(&rows[i].field, 1, *state, &image, &diag),
                         rows[i].want);
        if (strstr(diag.text, rows[i].say) == NULL)
            fail_msg("%s", diag.text);
    }
    for (size_t i = 0; i <= APS_URLFIELD_MAX; i++)
        many[i] = (struct aps_urlfield){aps_str(apr_psprintf(*state, "/a%zu", i)), rules, 1};
    assert_int_equal(aps_urlfield_compile(many, APS_URLFIELD_MAX, *state, &image, &diag), APS_OK);
    assert_int_equal(aps_urlfield_compile(many, APS_URLFIELD_MAX + 1, *state, &image, &diag),
                     APS_ERR_RANGE);
    assert_int_equal(aps_urlfield_compile(many, 0, *state, &image, &diag), APS_ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(pointers_lead_to_values),
        t_pool_test(parameters_are_members),
        t_pool_test(semicolons_are_read_as_well),
        t_pool_test(what_is_no_rule_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
