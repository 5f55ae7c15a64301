#include "t.h"

#include "apisec/schema_compile.h"
#include "apisec/schema_judge.h"
#include "t_pool.h"

static const unsigned char key[APS_SIPHASH_KEY_LEN] = "0123456789abcdef";

static const struct aps_schema_image *open_schema(apr_pool_t *pool, const char *schema,
                                                  enum aps_schema_dialect dialect)
{
    const struct aps_schema_source source = {.text = aps_str(schema)};
    const struct aps_schema_compile what = {
        .sources = &source, .sources_n = 1, .dialect = dialect, .formats = true, .content = true};
    const struct aps_schema_image *image = NULL;
    struct aps_str block = {NULL, 0};
    struct aps_diag diag = {.text = ""};

    if (aps_schema_compile(&what, pool, &block, NULL, &diag) != APS_OK ||
        aps_schema_image_open(pool, block, &image, &diag) != APS_OK)
        fail_msg("%s: %s", schema, diag.text);
    return image;
}

struct checked {
    struct aps_jsonread reader;
    struct aps_schema_judge *judge;
    enum aps_schema_verdict verdict;
};

static struct checked *check(apr_pool_t *pool, const char *schema, const char *value,
                             const struct aps_schema_judge_options *options)
{
    struct checked *c = apr_pcalloc(pool, sizeof *c);
    const struct aps_schema_image *image = open_schema(
        pool, schema, options->way == APS_SCHEMA_NO_WAY ? APS_SCHEMA_2020_12 : APS_SCHEMA_OAS30);

    aps_jsonread_init(&c->reader, pool, key);
    assert_int_equal(aps_jsonread(&c->reader, aps_str(value), &aps_jsonread_strict),
                     APS_JSONREAD_OK);
    c->judge = aps_schema_judge_new(pool, options);
    c->verdict = aps_schema_judge(c->judge, image, 0, &c->reader, aps_jsonread_root(&c->reader));
    return c;
}

/* POS-05: what doubles cannot tell apart. */
static void numbers_are_compared_as_decimals(void **state)
{
    static const struct {
        const char *schema, *value;
        bool good;
    } cases[] = {
        {"{\"maximum\":9007199254740993}", "9007199254740993", true},
        {"{\"maximum\":9007199254740992}", "9007199254740993", false},
        {"{\"exclusiveMinimum\":0.1}", "0.1", false},
        {"{\"exclusiveMinimum\":0.1}", "0.10000000000000000001", true},
        {"{\"minimum\":-5}", "-5.0", true},
        {"{\"minimum\":-5}", "-5.0000000001", false},
        {"{\"maximum\":-5}", "-5.0000000001", true},
        {"{\"maximum\":5}", "5.00", true},
        {"{\"maximum\":5}", "5.01", false},
        {"{\"exclusiveMaximum\":5}", "4.999999", true},
        {"{\"exclusiveMaximum\":5}", "5e0", false},
        {"{\"minimum\":1000}", "1e3", true},
        {"{\"multipleOf\":0.01}", "19.99", true},
        {"{\"multipleOf\":0.01}", "19.995", false},
        {"{\"multipleOf\":0.01}", "1e300", true},
        {"{\"multipleOf\":3}", "1e300", false},
        {"{\"multipleOf\":7}", "123456789012345678901234567891", false},
        {"{\"multipleOf\":10}", "123456789012345678901234567890", true},
        {"{\"multipleOf\":1e-8}", "12391239123", true},
        {"{\"multipleOf\":2.5}", "0", true},
        {"{\"type\":\"integer\"}", "1.0", true},
        {"{\"type\":\"integer\"}", "1.5", false},
        {"{\"type\":\"integer\",\"minimum\":1}", "1.5", false},
        {"{\"type\":\"integer\"}", "15e-1", false},
        {"{\"type\":\"integer\"}", "150e-1", true},
        {"{\"const\":1}", "10e-1", true},
        {"{\"enum\":[100]}", "1e2", true},
        {"{\"enum\":[9007199254740993]}", "9007199254740992", false},
        {"{\"uniqueItems\":true}", "[1,1.0]", false},
        {"{\"uniqueItems\":true}", "[-0,0]", false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct checked *c =
            check(*state, cases[i].schema, cases[i].value, &aps_schema_judge_usual);

        if (c->verdict != (cases[i].good ? APS_SCHEMA_VALID : APS_SCHEMA_INVALID))
            fail_msg("%s, %s: %s", cases[i].schema, cases[i].value,
                     aps_schema_judge_name(c->verdict));
    }
}

/* POS-11: patterns by each of their ways: alone, in parts, by PCRE2. */
static void patterns_match_as_in_ecma_262(void **state)
{
    static const struct {
        const char *schema, *value;
        bool good;
    } cases[] = {
        {"{\"pattern\":\"^SKU-[0-9]{5}$\"}", "\"SKU-00001\"", true},
        {"{\"pattern\":\"^SKU-[0-9]{5}$\"}", "\"SKU-000012\"", false},
        {"{\"pattern\":\"^SKU-[0-9]{5}$\"}", "\"SKU-00001\\n\"", false},
        {"{\"pattern\":\"^SKU-[0-9]{5}\"}", "\"SKU-000012\"", true},
        {"{\"pattern\":\"^[a-z]{1,2}[0-9]*$\"}", "\"abc\"", false},
        {"{\"pattern\":\"^[a-z]{1,2}[0-9]*$\"}", "\"ab\"", true},
        {"{\"pattern\":\"^[a-z]*a$\"}", "\"bba\"", true}, /* not set apart */
        {"{\"pattern\":\"^a?[ab]c$\"}", "\"ac\"", true},
        {"{\"pattern\":\"^a{0,1}\\\\d+x?$\"}", "\"12\"", true},
        {"{\"pattern\":\"^a{0,1}\\\\d+x?$\"}", "\"a\"", false},
        {"{\"pattern\":\"^abcdefghijklmnopqrst[u]$\"}", "\"abcdefghijklmnopqrstu\"", true},
        {"{\"pattern\":\"^abcdefghijklmnopqrst[u]$\"}", "\"abcdefghijklmnopqrst\"", false},
        {"{\"pattern\":\"^[-a]$\"}", "\"-\"", true},
        {"{\"pattern\":\"^x\"}", "\"yx\"", false},
        {"{\"pattern\":\"x$\"}", "\"yx\"", true},
        {"{\"pattern\":\"^$\"}", "\"\"", true},
        {"{\"pattern\":\"^$\"}", "\"a\"", false},
        {"{\"pattern\":\"b\"}", "\"abc\"", true},
        {"{\"pattern\":\"^.$\"}", "\"\\u2028\"", false},
        {"{\"pattern\":\"^.$\"}", "\"\\ud83d\\ude00\"", true},
        {"{\"pattern\":\"^\\\\s$\"}", "\"\\ufeff\"", true},
        {"{\"pattern\":\"^[^\\\\S]$\"}", "\"\\u3000\"", true},
        {"{\"pattern\":\"^\\\\p{Lu}$\"}", "\"\\u00c9\"", true},
        {"{\"pattern\":\"[]\"}", "\"a\"", false},
        {"{\"pattern\":\"^[^]$\"}", "\"\\n\"", true},
        {"{\"pattern\":\"^\\\\u{1F600}$\"}", "\"\\ud83d\\ude00\"", true},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct checked *c =
            check(*state, cases[i].schema, cases[i].value, &aps_schema_judge_usual);

        if (c->verdict != (cases[i].good ? APS_SCHEMA_VALID : APS_SCHEMA_INVALID))
            fail_msg("%s, %s: %s", cases[i].schema, cases[i].value,
                     aps_schema_judge_name(c->verdict));
    }
}

/* POS-11, POS-12: over a bound nothing is valid, not even under not. */
static void a_bound_refuses(void **state)
{
    struct aps_schema_judge_options o = aps_schema_judge_usual;
    static const char bomb[] = "{\"not\":{\"pattern\":\"^(a+)+[b-c]?$\"}}";

    assert_int_equal(check(*state, "{\"$ref\":\"#\"}", "1", &o)->verdict, APS_SCHEMA_DEPTH);
    assert_int_equal(check(*state, "{\"not\":{\"$ref\":\"#\"}}", "1", &o)->verdict,
                     APS_SCHEMA_DEPTH);
    assert_int_equal(
        check(*state, bomb, "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad\"", &o)->verdict,
        APS_SCHEMA_PATTERN);
    o.steps_max = 6; /* the last is not spent */
    assert_int_equal(check(*state, "{\"items\":true}", "[1,2,3,4]", &o)->verdict, APS_SCHEMA_VALID);
    assert_int_equal(check(*state, "{\"items\":true}", "[1,2,3,4,5]", &o)->verdict,
                     APS_SCHEMA_STEPS);
    o = aps_schema_judge_usual;
    o.depth_max = 2;
    assert_int_equal(
        check(*state, "{\"items\":{\"items\":{\"type\":\"null\"}}}", "[[null]]", &o)->verdict,
        APS_SCHEMA_VALID);
    assert_int_equal(
        check(*state, "{\"items\":{\"items\":{\"items\":{}}}}", "[[[1]]]", &o)->verdict,
        APS_SCHEMA_DEPTH);
}

static const char *print(apr_pool_t *pool, const struct checked *c, uint32_t i)
{
    struct aps_json w;

    aps_json_init_pool(&w, pool, 0);
    aps_schema_judge_print(c->judge, i, &w);
    return aps_json_text(&w).p;
}

/* POS-21 */
static void failures_say_where_and_what(void **state)
{
    static const char schema[] =
        "{\"properties\":{\"a/"
        "b\":{\"items\":{\"maximum\":5}},\"c\":{\"type\":[\"null\",\"integer\"]}},"
        "\"required\":[\"d\"],\"additionalProperties\":false}";
    const struct checked *c =
        check(*state, schema, "{\"a/b\":[1,6],\"c\":\"\\u0007\",\"e\":1}", &aps_schema_judge_usual);
    struct aps_schema_judge_options first = aps_schema_judge_usual;

    assert_int_equal(c->verdict, APS_SCHEMA_INVALID);
    assert_int_equal(aps_schema_judge_failures(c->judge), 4);
    assert_string_equal(print(*state, c, 0),
                        "{\"pointer\":\"/a~1b/1\",\"keyword\":\"maximum\","
                        "\"schema\":\"#/properties/a~1b/items\",\"expected\":\"at most 5\","
                        "\"value\":\"6\"}");
    assert_string_equal(print(*state, c, 1),
                        "{\"pointer\":\"/c\",\"keyword\":\"type\",\"schema\":\"#/properties/c\","
                        "\"expected\":\"null or integer\",\"value\":\"\\\"\\\\u0007\\\"\"}");
    assert_string_equal(print(*state, c, 2),
                        "{\"pointer\":\"/e\",\"keyword\":\"additionalProperties\",\"schema\":\"#\","
                        "\"expected\":\"nothing here\",\"value\":\"1\"}");
    assert_string_equal(print(*state, c, 3),
                        "{\"pointer\":\"\",\"keyword\":\"required\",\"schema\":\"#\","
                        "\"expected\":\"the member \\\"d\\\"\",\"value\":"
                        "\"{\\\"a/b\\\":[1,6],\\\"c\\\":\\\"\\\\u0007\\\",\\\"e\\\":1}\"}");
    c = check(*state, "{\"items\":{\"type\":\"null\"}}", "[1,2,3,4,5,6,7,8,9,10,11,12]",
              &aps_schema_judge_usual);
    assert_int_equal(aps_schema_judge_failures(c->judge), APS_SCHEMA_FAILURES);
    first.first = true;
    c = check(*state, "{\"items\":{\"type\":\"null\"}}", "[1,2,3]", &first);
    assert_int_equal(aps_schema_judge_failures(c->judge), 1);
}

/* POS-21 */
static void failures_say_which_values_there_are(void **state)
{
    static const struct {
        const char *schema, *want;
    } cases[] = {
        {"{\"enum\":[\"red\",\"a\\\"b\",10,1.50,true,null]}",
         "\\\"red\\\", \\\"a\\\"b\\\", 10, 1.50, true or null"},
        {"{\"enum\":[[1],{},\"\"]}", "an array, an object or \\\"\\\""},
        {"{\"enum\":[7]}", "7"},
        {"{\"enum\":[\"a\\u0000b\",8]}", "one of 2 values"},
        {"{\"const\":\"a\\u0000b\"}", "the one value"},
        {"{\"enum\":[1,2,3,4,5,6,7,8]}", "1, 2, 3, 4, 5, 6, 7 or 8"},
        {"{\"enum\":[1,2,3,4,5,6,7,8,10]}", "one of 9 values"},
        {"{\"enum\":[\"12345678901234567890123456789012345678901234567890123456789012345\"]}",
         "one of 1 values"},
        {"{\"enum\":[\"1234567890123456789012345678901234567890123456789012345678901234\","
         "\"2234567890123456789012345678901234567890123456789012345678901234\","
         "\"3234567890123456789012345678901234567890123456789012345678901234\","
         "\"4234567890123456789012345678901234567890123456789012345678901234\"]}",
         "one of 4 values"},
        {"{\"const\":\"x\"}", "\\\"x\\\""},
        {"{\"const\":{\"a\":1}}", "an object"},
        {"{\"const\":\"12345678901234567890123456789012345678901234567890123456789012345\"}",
         "the one value"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct checked *c = check(*state, cases[i].schema, "9", &aps_schema_judge_usual);
        char want[256];

        assert_int_equal(c->verdict, APS_SCHEMA_INVALID);
        (void)snprintf(want, sizeof want, "\"expected\":\"%s\",", cases[i].want);
        assert_non_null(strstr(print(*state, c, 0), want));
    }
}

/* POS-10 */
static void a_way_forbids_members_and_asks_for_none_of_them(void **state)
{
    static const char schema[] =
        "{\"properties\":{\"id\":{\"$ref\":\"#/x\"},\"pw\":{\"writeOnly\":true}},"
        "\"required\":[\"id\",\"pw\"],\"x\":{\"readOnly\":true}}";
    struct aps_schema_judge_options o = aps_schema_judge_usual;

    o.way = APS_SCHEMA_REQUEST;
    assert_int_equal(check(*state, schema, "{\"pw\":1}", &o)->verdict, APS_SCHEMA_VALID);
    assert_int_equal(check(*state, schema, "{\"id\":1,\"pw\":1}", &o)->verdict, APS_SCHEMA_INVALID);
    assert_int_equal(check(*state, schema, "{}", &o)->verdict, APS_SCHEMA_INVALID);
    o.way = APS_SCHEMA_RESPONSE;
    assert_int_equal(check(*state, schema, "{\"id\":1}", &o)->verdict, APS_SCHEMA_VALID);
    assert_int_equal(check(*state, schema, "{\"id\":1,\"pw\":1}", &o)->verdict, APS_SCHEMA_INVALID);
}

/* POS-08: more names than a word has bits, and items that only a table tells apart. */
static void large_objects_and_arrays_are_judged(void **state)
{
    struct aps_json s, v;

    aps_json_init_pool(&s, *state, 0);
    aps_json_init_pool(&v, *state, 0);
    aps_json_object(&s);
    aps_json_name(&s, "required");
    aps_json_array(&s);
    aps_json_object(&v);
    for (unsigned i = 0; i < 300; i++) {
        char name[16];
        const size_t n = (size_t)snprintf(name, sizeof name, "n%u", i);

        aps_json_str(&s, (struct aps_str){name, n});
        if (i != 299) {
            aps_json_name_n(&v, name, n);
            aps_json_u64(&v, i);
        }
    }
    aps_json_end(&s);
    aps_json_end(&s);
    aps_json_end(&v);
    const struct checked *c =
        check(*state, aps_json_text(&s).p, aps_json_text(&v).p, &aps_schema_judge_usual);

    assert_int_equal(c->verdict, APS_SCHEMA_INVALID);
    assert_int_equal(aps_schema_judge_failures(c->judge), 1);
    assert_non_null(strstr(print(*state, c, 0), "n299"));
    aps_json_init_pool(&v, *state, 0);
    aps_json_array(&v);
    for (unsigned i = 0; i < 500; i++)
        aps_json_u64(&v, i == 499 ? 17 : i);
    aps_json_end(&v);
    c = check(*state, "{\"uniqueItems\":true}", aps_json_text(&v).p, &aps_schema_judge_usual);
    assert_int_equal(c->verdict, APS_SCHEMA_INVALID);
}

/* POS-10, POS-08 */
static void content_is_looked_into_where_asked(void **state)
{
    static const char schema[] =
        "{\"contentEncoding\":\"base64\",\"contentMediaType\":\"application/json\"}";

    assert_int_equal(check(*state, schema, "\"eyJhIjoxfQ==\"", &aps_schema_judge_usual)->verdict,
                     APS_SCHEMA_VALID);
    assert_int_equal(check(*state, schema, "\"eyJhIjox\"", &aps_schema_judge_usual)->verdict,
                     APS_SCHEMA_INVALID);
    assert_int_equal(check(*state, schema, "\"*\"", &aps_schema_judge_usual)->verdict,
                     APS_SCHEMA_INVALID);
}

/* POS-11: each byte of a text, by a pattern that looks at all of them at once, and by one that has
 * too many for that. */
static void a_pattern_of_ranges_looks_at_each_byte(void **state)
{
    static const struct {
        const char *byte;
        bool good;
    } cases[] = {{"a", false}, {"b", true},  {"y", true},        {"z", false},
                 {"B", false}, {" ", false}, {"\xc2\xa7", false}};
    char schema[64], value[64];

    for (size_t n = 1; n <= 18; n++) {
        (void)snprintf(schema, sizeof schema, "{\"pattern\":\"^[b-y]{%zu}$\"}", n);
        for (size_t at = 0; at <= n; at++) /* the last makes it longer */
            for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                (void)snprintf(value, sizeof value, "\"%.*s%s%.*s\"", (int)at, "mmmmmmmmmmmmmmmmmm",
                               cases[i].byte, (int)(at < n ? n - 1 - at : 0), "mmmmmmmmmmmmmmmmmm");
                if (check(*state, schema, value, &aps_schema_judge_usual)->verdict !=
                    (cases[i].good && at < n ? APS_SCHEMA_VALID : APS_SCHEMA_INVALID))
                    fail_msg("%s, %s", schema, value);
            }
    }
}

/* POS-05: one name less than are required, for as many as one look can tell and for more. */
static void each_required_name_counts(void **state)
{
    for (unsigned n = 29; n <= 34; n++)
        for (unsigned missing = 28; missing <= n; missing++) {
            struct aps_json s, v;
            const struct checked *c;
            char name[16];

            aps_json_init_pool(&s, *state, 0);
            aps_json_init_pool(&v, *state, 0);
            aps_json_object(&s);
            aps_json_name(&s, "required");
            aps_json_array(&s);
            aps_json_object(&v);
            for (unsigned i = 0; i < n; i++) {
                const size_t len = (size_t)snprintf(name, sizeof name, "n%u", i);

                aps_json_str(&s, (struct aps_str){name, len});
                if (i == missing)
                    continue;
                aps_json_name_n(&v, name, len);
                aps_json_u64(&v, i);
            }
            aps_json_end(&s);
            aps_json_end(&s);
            aps_json_end(&v);
            c = check(*state, aps_json_text(&s).p, aps_json_text(&v).p, &aps_schema_judge_usual);
            assert_int_equal(aps_schema_judge_failures(c->judge), missing < n);
            (void)snprintf(name, sizeof name, "n%u\\\"", missing);
            assert_true(missing == n || strstr(print(*state, c, 0), name) != NULL);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(numbers_are_compared_as_decimals),
        t_pool_test(patterns_match_as_in_ecma_262),
        t_pool_test(a_bound_refuses),
        t_pool_test(failures_say_where_and_what),
        t_pool_test(failures_say_which_values_there_are),
        t_pool_test(a_way_forbids_members_and_asks_for_none_of_them),
        t_pool_test(large_objects_and_arrays_are_judged),
        t_pool_test(content_is_looked_into_where_asked),
        t_pool_test(a_pattern_of_ranges_looks_at_each_byte),
        t_pool_test(each_required_name_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
