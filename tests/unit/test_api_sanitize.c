#include "t.h"

#include "t_api.h"
#include "t_pool.h"

#define BODY_OF(type, more, schema)                                                                \
    T_API("3.1.0", "'/a':{'post':{" more "'requestBody':{'content':{'" type "':{'schema':" schema  \
                   "}}},'responses':{'200':{'description':''}}}}")
#define BODY(schema) BODY_OF("application/json", "", schema) "}"
#define TRIM "'x-apisec-sanitize':'trim'"

static const struct aps_api_media *media_of(const struct aps_api *api)
{
    const struct aps_api_operation *all;

    assert_int_equal(aps_api_operations(api, &all), 1);
    assert_int_equal(all->bodies_n, 1);
    return all->bodies;
}

/* "/a=4 /b=1": pointers with the bits of their actions. */
static const char *print(apr_pool_t *pool, const struct aps_api_media *media)
{
    const char *text = "";

    for (uint32_t i = 0; i < media->sanitize_n; i++)
        text = apr_psprintf(pool, "%s%s%.*s=%u", text, i != 0 ? " " : "",
                            APS_STR_ARG(media->sanitize[i].pointer), media->sanitize[i].actions);
    return text;
}

/* NEG-19: fields that a schema names, wherever in it they stand, and no others. */
static void schemas_name_fields(void **state)
{
    static const struct {
        const char *text, *want, *gap;
    } rows[] = {
        {BODY("{'type':'string'," TRIM "}"), "=4", NULL},
        {BODY("{'properties':{'a':{" TRIM "},'b':{'type':'string'}}}"), "/a=4", NULL},
        {BODY("{'properties':{'a/b~':{'x-apisec-sanitize':['html-escape','nfc']}}}"), "/a~1b~0=9",
         NULL},
        {BODY("{'items':{'properties':{'a':{'type':['string','null']," TRIM "}}}}"), "/*/a=4",
         NULL},
        {BODY("{'prefixItems':[{" TRIM "},{}]}"), "/0=4", NULL},
        {BODY("{'patternProperties':{'^x':{" TRIM "}}}"), "/*=4", NULL},
        {BODY("{'allOf':[{'properties':{'a':{" TRIM "}}},{'properties':{'a':{"
              "'x-apisec-sanitize':'nfc'}}}]}"),
         "/a=5", NULL},
        {BODY("{'oneOf':[{'properties':{'a':{" TRIM "}}},{'additionalProperties':{" TRIM "}}]}"),
         "/a=4 /*=4", NULL},
        {BODY("{'properties':{'a':{'const':1}}}"), "", NULL},
        {BODY_OF("application/x-www-form-urlencoded", "", "{'properties':{'a':{" TRIM "}}}") "}",
         "/a=4", NULL},
        {BODY_OF("application/xml", "", "{'properties':{'a':{" TRIM "}}}") "}", "",
         "JSON and urlencoded forms only"},
    };
    struct aps_api_report report;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct aps_api *api = t_api_open(*state, rows[i].text, &report);

        assert_string_equal(print(*state, media_of(api)), rows[i].want);
        assert_int_equal(report.gaps->nelts, rows[i].gap != NULL);
        if (rows[i].gap != NULL)
            assert_non_null(strstr(APR_ARRAY_IDX(report.gaps, 0, const char *), rows[i].gap));
    }
}

#define NODE                                                                                       \
    ",'components':{'schemas':{'n':{'properties':{'a':{" TRIM                                      \
    "},'more':{'type':'array','items':{'$ref':'#/components/schemas/n'}}}}}}}"

/* NEG-19: a schema that refers to itself is followed once, and the rest is listed. */
static void circles_are_cut(void **state)
{
    struct aps_api_report report;
    const struct aps_api *api = t_api_open(
        *state, BODY_OF("application/json", "", "{'$ref':'#/components/schemas/n'}") NODE, &report);

    assert_string_equal(print(*state, media_of(api)), "/a=4");
    assert_int_equal(report.gaps->nelts, 1);
    assert_non_null(strstr(APR_ARRAY_IDX(report.gaps, 0, const char *), "refers to itself"));
}

/* Where no request's body has it, it is listed. */
static void elsewhere_it_counts_for_nothing(void **state)
{
    struct aps_api_report report;

    (void)t_api_open(*state, BODY_OF("application/json", "", "{'type':'object'}") NODE, &report);
    assert_int_equal(report.gaps->nelts, 1);
    assert_non_null(strstr(APR_ARRAY_IDX(report.gaps, 0, const char *),
                           "#/components/schemas/n/properties/a/x-apisec-sanitize: stands in no"));
}

/* NEG-19, NEG-23: what cannot be done is an error. */
static void what_cannot_be_changed_is_an_error(void **state)
{
    static const struct {
        const char *text, *say;
        enum aps_err want;
    } rows[] = {
        {BODY("{'x-apisec-sanitize':'bleach'}"), "want nfc, strip-markup", APS_ERR_FORMAT},
        {BODY("{'x-apisec-sanitize':[]}"), "want nfc, strip-markup", APS_ERR_FORMAT},
        {BODY("{'x-apisec-sanitize':['trim',1]}"), "/1", APS_ERR_FORMAT},
        {BODY("{'type':'integer'," TRIM "}"), "type string only", APS_ERR_FORMAT},
        {BODY("{'x-apisec-sanitise':1," TRIM "}"), "x-apisec-sanitise is unknown", APS_ERR_FORMAT},
        {BODY("{'format':'byte'," TRIM "}"), "never changed", APS_ERR_CONFLICT},
        {BODY("{'format':'binary'," TRIM "}"), "never changed", APS_ERR_CONFLICT},
        {BODY("{'format':'password'," TRIM "}"), "never changed", APS_ERR_CONFLICT},
        {BODY("{'contentEncoding':'base64'," TRIM "}"), "never changed", APS_ERR_CONFLICT},
        {BODY("{'properties':{'p':{'format':'password'}},'additionalProperties':{" TRIM "}}"), "/*",
         APS_ERR_CONFLICT},
        {BODY_OF("application/json", "'x-apisec-stream':true,", "{" TRIM "}") "}",
         "x-apisec-stream", APS_ERR_CONFLICT},
    };
    struct aps_str block = {NULL, 0};
    struct aps_api_report report;
    struct aps_diag diag;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const enum aps_err err = t_api_compile(*state, rows[i].text, &block, &report, &diag);

        if (err != rows[i].want || strstr(diag.text, rows[i].say) == NULL)
            fail_msg("%s: %s, %s", rows[i].text, aps_err_name(err), diag.text);
    }
}

/* 32 fields of one body, and not one more; 16 steps. */
static void fields_are_bounded(void **state)
{
    struct aps_str block = {NULL, 0};
    struct aps_api_report report;
    struct aps_diag diag;

    for (int n = APS_API_SANITIZE_MAX; n <= APS_API_SANITIZE_MAX + 1; n++) {
        const char *fields = "", *deep = "{" TRIM "}";

        for (int i = 0; i < n; i++)
            fields = apr_psprintf(*state, "%s%s'f%d':{" TRIM "}", fields, i != 0 ? "," : "", i);
        fields = apr_psprintf(*state, BODY("{'properties':{%s}}"), fields);
        assert_int_equal(t_api_compile(*state, fields, &block, &report, &diag),
                         n > APS_API_SANITIZE_MAX ? APS_ERR_RANGE : APS_OK);
        for (int i = 0; i < n - APS_API_SANITIZE_MAX + APS_SANITIZE_STEPS_MAX; i++)
            deep = apr_psprintf(*state, "{'items':%s}", deep);
        assert_int_equal(
            t_api_compile(*state, apr_psprintf(*state, BODY("%s"), deep), &block, &report, &diag),
            n > APS_API_SANITIZE_MAX ? APS_ERR_RANGE : APS_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(schemas_name_fields),
        t_pool_test(circles_are_cut),
        t_pool_test(elsewhere_it_counts_for_nothing),
        t_pool_test(what_cannot_be_changed_is_an_error),
        t_pool_test(fields_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
