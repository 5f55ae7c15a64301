#include "t.h"

#include "apisec/schema_compile.h"
#include "apisec/schema_shape.h"
#include "t_pool.h"

#define N (1u << APS_JSON_NULL)
#define B (1u << APS_JSON_FALSE | 1u << APS_JSON_TRUE)
#define I (1u << APS_JSON_NUMBER)
#define S (1u << APS_JSON_STRING)
#define A (1u << APS_JSON_ARRAY)
#define O (1u << APS_JSON_OBJECT)
#define ANY (N | B | I | S | A | O)

static const struct aps_schema_image *open_schema(apr_pool_t *pool, const char *schema,
                                                  enum aps_schema_dialect dialect)
{
    const struct aps_schema_source source = {.text = aps_str(schema)};
    const struct aps_schema_compile what = {
        .sources = &source, .sources_n = 1, .dialect = dialect, .formats = true};
    const struct aps_schema_image *image = NULL;
    struct aps_str block = {NULL, 0};
    struct aps_diag diag = {.text = ""};

    if (aps_schema_compile(&what, pool, &block, NULL, &diag) != APS_OK ||
        aps_schema_image_open(pool, block, &image, &diag) != APS_OK)
        fail_msg("%s: %s", schema, diag.text);
    return image;
}

/* POS-10: a text becomes what its schema takes. */
static void types_are_those_that_could_be_valid(void **state)
{
    static const struct {
        const char *schema;
        unsigned types;
    } cases[] = {
        {"{}", ANY},
        {"true", ANY},
        {"false", 0},
        {"{\"type\":\"integer\"}", I},
        {"{\"type\":[\"number\",\"null\"]}", I | N},
        {"{\"type\":\"boolean\"}", B},
        {"{\"enum\":[\"a\",1]}", S | I},
        {"{\"enum\":[\"a\",1],\"type\":\"string\"}", S},
        {"{\"const\":true}", 1u << APS_JSON_TRUE},
        {"{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"type\":\"array\"}}}", A},
        {"{\"allOf\":[{\"type\":[\"string\",\"integer\"]},{\"type\":[\"integer\",\"null\"]}]}", I},
        {"{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"object\"}]}", S | O},
        {"{\"oneOf\":[{\"type\":\"string\"},{\"const\":3}],\"type\":\"number\"}", I},
        {"{\"if\":{\"minLength\":2},\"then\":{\"type\":\"string\"},\"else\":{\"type\":\"null\"}}",
         S | N},
        {"{\"if\":{\"minLength\":2},\"then\":{\"type\":\"string\"}}", ANY},
        {"{\"$dynamicRef\":\"#d\",\"$defs\":{\"d\":{\"$dynamicAnchor\":\"d\",\"type\":\"null\"}}}",
         N},
        {"{\"$ref\":\"#\"}", ANY},
        {"{\"anyOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#\"},{\"$ref\":\"#\"}]}", ANY},
        {"{\"allOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#\"},{\"type\":\"null\"}]}", N},
        {"{\"not\":{\"type\":\"string\"}}", ANY},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct aps_schema_image *im =
            open_schema(*state, cases[i].schema, APS_SCHEMA_2020_12);
        const unsigned types = aps_schema_shape_types(im, aps_schema_shape_entry(im, 0));

        if (types != cases[i].types)
            fail_msg("%s: %x", cases[i].schema, types);
    }
}

/* POS-08 */
static void nullable_of_openapi_3_0_allows_null(void **state)
{
    const struct aps_schema_image *im =
        open_schema(*state, "{\"type\":\"string\",\"nullable\":true}", APS_SCHEMA_OAS30);

    assert_int_equal(aps_schema_shape_types(im, aps_schema_shape_entry(im, 0)), S | N);
}

static unsigned types_at(apr_pool_t *pool, const char *schema, const char *a, const char *b)
{
    const struct aps_schema_image *im = open_schema(pool, schema, APS_SCHEMA_2020_12);
    const struct aps_schema_shape_step steps[] = {{.name = aps_str(a)},
                                                  {.name = aps_str(b), .item = b == NULL, .i = 1}};

    return aps_schema_shape_types_at(im, aps_schema_shape_entry(im, 0), steps, 2);
}

/* POS-10 */
static void all_schemas_that_speak_of_a_value_are_asked(void **state)
{
    static const char split[] =
        "{\"allOf\":[{\"properties\":{\"a\":{\"properties\":{\"b\":{\"maxLength\":3}}}}},"
        "{\"$ref\":\"#/$defs/t\"}],\"$defs\":{\"t\":{\"properties\":{\"a\":"
        "{\"additionalProperties\":{\"type\":\"string\"}}}}}}";
    static const char either[] =
        "{\"oneOf\":[{\"properties\":{\"a\":{\"items\":{\"type\":\"string\"}}}},"
        "{\"patternProperties\":{\"^[a-c]+|d$\":{\"prefixItems\":[{},{\"type\":\"null\"}]}}}]}";

    assert_int_equal(types_at(*state, split, "a", "b"), S);
    assert_int_equal(types_at(*state, split, "a", "c"), S);
    assert_int_equal(types_at(*state, split, "x", "c"), ANY);
    assert_int_equal(types_at(*state, either, "a", NULL), S | N);
}

/* POS-01: what nothing speaks of is undeclared. */
static void members_and_items_are_found(void **state)
{
    static const char schema[] =
        "{\"properties\":{\"a\":{\"type\":\"null\"}},\"allOf\":[{\"additionalProperties\":"
        "{\"type\":\"object\"},\"prefixItems\":[{\"type\":\"array\"}]},"
        "{\"anyOf\":[{},{\"properties\":{\"b\":{\"type\":\"string\"}}}]}],"
        "\"items\":false}";
    const struct aps_schema_image *im = open_schema(*state, schema, APS_SCHEMA_2020_12);
    const uint32_t shape = aps_schema_shape_entry(im, 0);
    uint32_t found = 0;

    assert_true(aps_schema_shape_member(im, shape, aps_str("a"), &found));
    assert_int_equal(aps_schema_shape_types(im, found), N);
    assert_true(aps_schema_shape_member(im, shape, aps_str("b"), &found));
    assert_int_equal(aps_schema_shape_types(im, found), S);
    assert_true(aps_schema_shape_member(im, shape, aps_str("c"), &found));
    assert_int_equal(aps_schema_shape_types(im, found), O);
    assert_true(aps_schema_shape_item(im, shape, 0, &found));
    assert_int_equal(aps_schema_shape_types(im, found), 0);
    im = open_schema(*state, "{\"properties\":{\"a\":{}},\"unevaluatedItems\":{\"const\":1}}",
                     APS_SCHEMA_2020_12);
    assert_false(aps_schema_shape_member(im, aps_schema_shape_entry(im, 0), aps_str("b"), &found));
    assert_true(aps_schema_shape_item(im, aps_schema_shape_entry(im, 0), 7, &found));
    assert_int_equal(aps_schema_shape_types(im, found), I);
    assert_int_equal(aps_schema_shape_entry(im, 1), APS_SCHEMA_SHAPE_ANY);
    assert_false(aps_schema_shape_member(im, APS_SCHEMA_SHAPE_ANY, aps_str("b"), &found));
    assert_int_equal(aps_schema_shape_types(im, APS_SCHEMA_SHAPE_ANY), ANY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(types_are_those_that_could_be_valid),
        t_pool_test(nullable_of_openapi_3_0_allows_null),
        t_pool_test(all_schemas_that_speak_of_a_value_are_asked),
        t_pool_test(members_and_items_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
