#include "t.h"

#include "../../libapisec/inspect/schema_impl.h"
#include "apisec/schema_compile.h"
#include "t_pool.h"

static enum aps_err compile(apr_pool_t *pool, const char *schema, enum aps_schema_dialect dialect,
                            apr_array_header_t *warnings, struct aps_str *out,
                            struct aps_diag *diag)
{
    const struct aps_schema_source source = {.text = aps_str(schema)};
    const struct aps_schema_compile what = {
        .sources = &source, .sources_n = 1, .dialect = dialect, .formats = true};

    diag->text[0] = '\0';
    return aps_schema_compile(&what, pool, out, warnings, diag);
}

/* POS-09, POS-12: an error has the pointer and the reason. */
static void what_is_no_schema_is_an_error(void **state)
{
    static const struct {
        const char *schema, *say;
        enum aps_err want;
    } cases[] = {
        {"", "byte 0", APS_ERR_FORMAT},
        {"{\"a\":1,\"a\":2}", "twice", APS_ERR_FORMAT},
        {"[]", "#: want a schema", APS_ERR_FORMAT},
        {"{\"properties\":{\"a\":{\"type\":\"text\"}}}", "#/properties/a: type", APS_ERR_FORMAT},
        {"{\"items\":3}", "#/items: want a schema", APS_ERR_FORMAT},
        {"{\"minLength\":-1}", "#: minLength", APS_ERR_FORMAT},
        {"{\"minLength\":1.5}", "#: minLength", APS_ERR_FORMAT},
        {"{\"multipleOf\":0}", "#: multipleOf", APS_ERR_FORMAT},
        {"{\"multipleOf\":1234567890123456789}", "18 digits", APS_ERR_FORMAT},
        {"{\"pattern\":\"(?i)a\"}", "ECMA-262", APS_ERR_FORMAT},
        {"{\"pattern\":\"a++\"}", "nothing to repeat", APS_ERR_FORMAT},
        {"{\"pattern\":\"(*ACCEPT)\"}", "nothing to repeat", APS_ERR_FORMAT},
        {"{\"pattern\":\"\\\\Aa\"}", "has not", APS_ERR_FORMAT},
        {"{\"pattern\":\"((((a{1000}){1000}){1000}){1000})\"}", "too", APS_ERR_FORMAT},
        {"{\"patternProperties\":{\"[\":true}}", "class", APS_ERR_FORMAT},
        {"{\"$ref\":\"other.json\"}", "nothing is fetched", APS_ERR_NOT_FOUND},
        {"{\"$ref\":\"#a\"}", "no such anchor", APS_ERR_NOT_FOUND},
        {"{\"$ref\":\"#/$defs/a\"}", "leads nowhere", APS_ERR_NOT_FOUND},
        {"{\"$id\":\"http://x.example/a#b\"}", "without fragment", APS_ERR_FORMAT},
        {"{\"$defs\":{\"a\":{\"$anchor\":\"x\"},\"b\":{\"$anchor\":\"x\"}}}", "twice",
         APS_ERR_FORMAT},
        {"{\"$schema\":\"http://json-schema.org/draft-04/schema#\"}", "2020-12", APS_ERR_FORMAT},
        {"{\"dependentRequired\":{\"a\":\"b\"}}", "lists of names", APS_ERR_FORMAT},
    };
    struct aps_diag diag;
    struct aps_str block = {"untouched", 9};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const enum aps_err err =
            compile(*state, cases[i].schema, APS_SCHEMA_2020_12, NULL, &block, &diag);

        if (err != cases[i].want || strstr(diag.text, cases[i].say) == NULL)
            fail_msg("%s: %s, %s", cases[i].schema, aps_err_name(err), diag.text);
        assert_int_equal(block.n, 9);
    }
}

/* POS-09 */
static void what_is_unknown_is_listed(void **state)
{
    apr_array_header_t *warnings = apr_array_make(*state, 4, sizeof(const char *));
    struct aps_str block = {NULL, 0};
    struct aps_diag diag;

    assert_int_equal(compile(*state, "{\"minimun\":1,\"properties\":{\"a\":{\"format\":\"zip\"}}}",
                             APS_SCHEMA_2020_12, warnings, &block, &diag),
                     APS_OK);
    assert_int_equal(warnings->nelts, 2);
    assert_non_null(strstr(APR_ARRAY_IDX(warnings, 0, const char *), "#: the keyword \"minimun\""));
    assert_non_null(
        strstr(APR_ARRAY_IDX(warnings, 1, const char *), "#/properties/a: format \"zip\""));
    warnings->nelts = 0;
    assert_int_equal(
        compile(*state, "{\"const\":1,\"x-mine\":2}", APS_SCHEMA_OAS30, warnings, &block, &diag),
        APS_OK);
    assert_int_equal(warnings->nelts, 1);
    assert_non_null(strstr(APR_ARRAY_IDX(warnings, 0, const char *), "\"const\""));
}

/* POS-12, POS-22: each byte of an image, changed, is found by the sum, and where the sum is made
 * good, opening ends with a verdict. */
static void a_damaged_image_is_refused(void **state)
{
    static const char schema[] =
        "{\"properties\":{\"a\":{\"enum\":[1,[{\"b\":2}]]},\"c\":{\"pattern\":\"^[a-z]+$\","
        "\"minimum\":3}},"
        "\"required\":[\"a\"],\"dependentRequired\":{\"a\":[\"c\"]},\"anyOf\":[true,{\"$"
        "dynamicRef\":\"#x\"}],"
        "\"$dynamicAnchor\":\"x\",\"patternProperties\":{\"^\\\\S{2}$\":false}}";
    const struct aps_schema_image *image = NULL;
    struct aps_str block = {NULL, 0};
    struct aps_diag diag;
    apr_pool_t *pool = NULL;
    char *copy;
    unsigned refused = 0;

    assert_int_equal(compile(*state, schema, APS_SCHEMA_2020_12, NULL, &block, &diag), APS_OK);
    copy = apr_palloc(*state, block.n);
    for (size_t i = 0; i < block.n; i++) {
        struct schema_head *head = (void *)copy;

        assert_int_equal(apr_pool_create(&pool, *state), APR_SUCCESS);
        memcpy(copy, block.p, block.n);
        copy[i] = (char)(copy[i] ^ 0x40);
        if (i >= 16 || i < 12) /* the scope is behind no sum: it changes no bound */
            assert_int_not_equal(
                aps_schema_image_open(pool, (struct aps_str){copy, block.n}, &image, &diag),
                APS_OK);
        head->sum = aps_schema_image_sum(copy, block.n);
        refused +=
            aps_schema_image_open(pool, (struct aps_str){copy, block.n}, &image, &diag) != APS_OK;
        apr_pool_destroy(pool);
    }
    assert_true(refused > block.n / 4);
    for (size_t n = 0; n < block.n; n++)
        assert_int_equal(aps_schema_image_open(*state, (struct aps_str){block.p, n}, &image, &diag),
                         APS_ERR_CORRUPT);
    assert_int_equal(aps_schema_image_open(*state, block, &image, &diag), APS_OK);
    assert_int_equal(aps_schema_image_entries(image), 1);
}

/* POS-12: documents of one bundle refer to each other, and entries are pointers into them. */
static void a_bundle_is_closed(void **state)
{
    const struct aps_schema_source sources[] = {
        {.uri = APS_STR_LIT("http://x.example/api.json"),
         .text = APS_STR_LIT("{\"openapi\":\"3.1.0\",\"paths\":{\"/a\":{\"schema\":{\"$ref\":"
                             "\"parts/b.json#/$defs/c\"}}}}"),
         .document = true},
        {.uri = APS_STR_LIT("http://x.example/parts/b.json"),
         .text = APS_STR_LIT("{\"$defs\":{\"c\":{\"$ref\":\"../api.json#/paths/~1a/schema\"}}}")},
    };
    const struct aps_schema_entry entries[] = {{0, APS_STR_LIT("/paths/~1a/schema")},
                                               {1, APS_STR_LIT("")}};
    struct aps_schema_compile what = {.sources = sources,
                                      .sources_n = 2,
                                      .entries = entries,
                                      .entries_n = 2,
                                      .dialect = APS_SCHEMA_OAS31};
    const struct aps_schema_image *image = NULL;
    struct aps_str block = {NULL, 0};
    struct aps_diag diag = {.text = ""};

    assert_int_equal(aps_schema_compile(&what, *state, &block, NULL, &diag), APS_OK);
    assert_int_equal(aps_schema_image_open(*state, block, &image, &diag), APS_OK);
    assert_int_equal(aps_schema_image_entries(image), 2);
    what.sources_n = 1;
    what.entries_n = 1;
    assert_int_equal(aps_schema_compile(&what, *state, &block, NULL, &diag), APS_ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(what_is_no_schema_is_an_error),
        t_pool_test(what_is_unknown_is_listed),
        t_pool_test(a_damaged_image_is_refused),
        t_pool_test(a_bundle_is_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
