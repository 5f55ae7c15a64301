#include "t.h"

#include "apisec/request_judge.h"
#include "t_api.h"
#include "t_pool.h"
#include "t_schema.h"

static const unsigned char key[APS_SIPHASH_KEY_LEN] = "0123456789abcdef";

#define URL "'x-apisec-url':['https://api.example','https://*.cdn.example:8443']"

static enum aps_schema_verdict judge(apr_pool_t *pool, const char *schema, const char *value,
                                     const char **out_failure)
{
    const char *text = t_api_text(pool, schema).p;
    const struct aps_schema_image *image = t_schema_open(pool, &text, 1, APS_SCHEMA_OAS31);
    struct aps_schema_judge *j = aps_schema_judge_new(pool, &aps_schema_judge_usual);
    enum aps_schema_verdict verdict;
    struct aps_jsonread r;
    struct aps_json out;

    aps_jsonread_init(&r, pool, key);
    assert_int_equal(aps_jsonread(&r, t_api_text(pool, value), &aps_jsonread_strict),
                     APS_JSONREAD_OK);
    verdict = aps_schema_judge(j, image, 0, &r, aps_jsonread_root(&r));
    *out_failure = "";
    if (aps_schema_judge_failures(j) != 0) {
        aps_json_init_pool(&out, pool, 0);
        aps_schema_judge_print(j, 0, &out);
        *out_failure = apr_pstrmemdup(pool, out.buf, out.len);
    }
    return verdict;
}

/* POS-23: with the pointer, the keyword and what is wrong. */
static void values_are_urls_of_the_list(void **state)
{
    static const struct {
        const char *schema, *value, *failure; /* NULL: none */
    } rows[] = {
        {"{" URL "}", "'https://api.example/a?b'", NULL},
        {"{" URL "}", "'https://a.cdn.example:8443/'", NULL},
        {"{" URL "}", "'https:\\/\\/api.example'", NULL},
        {"{'x-apisec-url':'http://192.0.2.1:*'}", "'http://192.0.2.1:81/'", NULL},
        {"{'type':['string','null']," URL "}", "null", NULL},
        {"{'items':{'type':'string'," URL "}}", "['https://api.example']", NULL},
        {"{" URL "}", "'http://api.example/'", "no rule names its scheme"},
        {"{" URL "}", "'https://u@api.example/'", "a name or password"},
        {"{" URL "}", "'https://api.example./'", "ends in a dot"},
        {"{" URL "}", "'https://2130706433/'", "is a number"},
        {"{" URL "}", "'https://[::ffff:127.0.0.1]/'", "written as an IPv6 one"},
        {"{" URL "}", "'https://api.example:444/'", "its port"},
        {"{" URL "}", "''", "there is no URL"},
        {"{" URL "}", "2130706433", "\"expected\":\"string\""},
        {"{" URL "}", "null", "\"expected\":\"string\""},
        {"{" URL "}", "['https://api.example']", "\"expected\":\"string\""},
        {"{'items':{'type':'string'," URL "}}", "['https://api.example','https://evil.example']",
         "{\"pointer\":\"/1\",\"keyword\":\"x-apisec-url\",\"schema\":\"#/items\",\"expected\":\"a "
         "URL that is allowed here; of this one, no rule names its "
         "host\",\"value\":\"\\\"https://evil.example\\\"\"}"},
        {"{'minLength':1,'maxLength':100," URL "}", "'https://evil.example/'", "x-apisec-url"},
    };
    const char *failure;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const enum aps_schema_verdict verdict =
            judge(*state, rows[i].schema, rows[i].value, &failure);

        if ((verdict == APS_SCHEMA_VALID) != (rows[i].failure == NULL) ||
            (rows[i].failure != NULL && strstr(failure, rows[i].failure) == NULL))
            fail_msg("%s %s: %s", rows[i].schema, rows[i].value, failure);
    }
}

#define ONE(version, more, body, rest)                                                             \
    T_API(version, "'/a':{'post':{" more "'requestBody':{'content':{" body                         \
                   "}},'responses':{'200':{'description':''}}}}")                                  \
    rest "}"
#define JSON_BODY(schema) "'application/json':{'schema':" schema "}"
#define PARAM(more)                                                                                \
    "'parameters':[{'name':'u','in':'query','schema':{'type':'string'," URL "}" more "}],"

/* What cannot be a rule, or cannot hold, is an error that names it. */
static void what_cannot_hold_is_an_error(void **state)
{
    static const struct {
        const char *text, *say;
    } rows[] = {
        {ONE("3.1.0", "", JSON_BODY("{'x-apisec-url':'https://'}"), ""),
         "x-apisec-url: URL rule \"https://\""},
        {ONE("3.1.0", "", JSON_BODY("{'x-apisec-url':['https://a.b/c']}"), ""),
         "URL rule \"https://a.b/c\": want nothing behind"},
        {ONE("3.1.0", "", JSON_BODY("{'x-apisec-url':[]}"), ""), "a list of 1 to 64"},
        {ONE("3.1.0", "", JSON_BODY("{'x-apisec-url':[1]}"), ""), "a list of 1 to 64"},
        {ONE("3.1.0", "", JSON_BODY("{'x-apisec-url':true}"), ""), "a list of 1 to"},
        {ONE("3.0.3", "", JSON_BODY("{'type':'integer'," URL "}"), ""), "type string only"},
        {ONE("3.0.3", "", JSON_BODY("{'$ref':'#/components/schemas/s'," URL "}"),
             ",'components':{'schemas':{'s':{'type':'string'}}}"),
         "put both into allOf"},
        {ONE("3.1.0", "", JSON_BODY("{'x-apisec-urls':'https://a.b'}"), ""),
         "x-apisec-urls is unknown in a schema"},
        {ONE("3.1.0", "'x-apisec-stream':true,",
             JSON_BODY("{'properties':{'a':{'items':{'allOf':[{" URL "}]}}}}"), ""),
         "x-apisec-stream"},
        {ONE("3.1.0", "'x-apisec-url':'https://a.b',", JSON_BODY("{}"), ""),
         "x-apisec-url counts in schemas only"},
        {ONE("3.1.0", PARAM(",'x-apisec-url':'https://a.b'"), JSON_BODY("{}"), ""),
         "x-apisec-url counts in schemas only"},
    };
    struct aps_str block = {NULL, 0};
    struct aps_api_report report;
    struct aps_diag diag;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (t_api_compile(*state, rows[i].text, &block, &report, &diag) == APS_OK)
            fail_msg("%s is taken", rows[i].text);
        if (strstr(diag.text, rows[i].say) == NULL)
            fail_msg("%s: %s", rows[i].text, diag.text);
    }
}

/* One that nothing is judged by is listed; so is one of a body that is read as bytes. */
static void what_does_not_count_is_listed(void **state)
{
    static const struct {
        const char *text, *say; /* NULL: no gap */
    } rows[] = {
        {ONE("3.1.0", PARAM(""), JSON_BODY("{" URL "}"), ""), NULL},
        {ONE("3.1.0", "", JSON_BODY("{}"), ",'components':{'schemas':{'s':{" URL "}}}"),
         "1 of 1 x-apisec-url"},
        {ONE("3.1.0", "", "'application/pdf':{'schema':{" URL "}}", ""),
         "application/pdf is read as bytes"},
    };
    struct aps_api_report report;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)t_api_open(*state, rows[i].text, &report);
        assert_int_equal(report.gaps->nelts, rows[i].say != NULL);
        if (rows[i].say != NULL)
            assert_non_null(strstr(APR_ARRAY_IDX(report.gaps, 0, const char *), rows[i].say));
    }
}

#define FIELDS                                                                                     \
    "{'type':'object','properties':{'u':{" URL "},'v':{'type':'array','items':{" URL "}}}}"
#define FORM "application/x-www-form-urlencoded"
#define PARTS(name, value)                                                                         \
    "--b\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n--b--\r\n"

/* POS-23: in parameters, and in bodies of each kind that has fields. */
static void fields_of_requests_are_urls_of_the_list(void **state)
{
    static const struct {
        const char *query, *type, *body;
        enum aps_reason want;
    } rows[] = {
        {"u=https%3A%2F%2Fapi.example%2Fx", NULL, NULL, APS_REASON_ALLOW},
        {"u=https://evil.example", NULL, NULL, APS_REASON_API_PARAMETER},
        {"u=2130706433", NULL, NULL, APS_REASON_API_PARAMETER},
        {"u=", NULL, NULL, APS_REASON_API_PARAMETER},
        {"", "application/json", "{\"u\":\"https://api.example\"}", APS_REASON_ALLOW},
        {"", "application/json", "{\"u\":\"https://evil.example\"}", APS_REASON_API_BODY},
        {"", "application/json", "{\"v\":[\"https://evil.example\"]}", APS_REASON_API_BODY},
        {"", FORM, "u=https%3A%2F%2Fapi.example", APS_REASON_ALLOW},
        {"", FORM, "u=https%3A%2F%2Fevil.example", APS_REASON_API_BODY},
        {"", FORM, "u=7", APS_REASON_API_BODY},
        {"", FORM, "u=null", APS_REASON_API_BODY},
        {"", FORM, "v=https://api.example&v=https://evil.example", APS_REASON_API_BODY},
        {"", "multipart/form-data; boundary=b", PARTS("u", "https://api.example"),
         APS_REASON_ALLOW},
        {"", "multipart/form-data; boundary=b", PARTS("u", "https://evil.example"),
         APS_REASON_API_BODY},
        {"", "multipart/form-data; boundary=b", PARTS("u\"; filename=\"x", "https://api.example"),
         APS_REASON_API_BODY},
    };
    const char *text = ONE("3.1.0", PARAM(""),
                           "'application/json':{'schema':" FIELDS "},'" FORM "':{'schema':" FIELDS
                           "},'multipart/form-data':{'schema':" FIELDS "}",
                           "");
    struct aps_api_report report;
    const struct aps_api *api = t_api_open(*state, text, &report);
    struct aps_request_judge *j = aps_request_judge_new(*state, key, &aps_schema_judge_usual);
    const struct aps_request_options options = {
        .json = &aps_jsonread_strict, .multipart = &aps_multipart_usual, .undeclared = true};
    struct aps_request_result result;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct aps_param_field type = {APS_STR_LIT("Content-Type"), aps_str(rows[i].type)};
        const struct aps_request request = {.method = APS_METHOD_POST,
                                            .path = APS_STR_LIT("/a"),
                                            .query = aps_str(rows[i].query),
                                            .fields = &type,
                                            .fields_n = rows[i].type != NULL,
                                            .body = aps_str(rows[i].body)};

        if (aps_request_judge(j, *state, api, &request, &options, &result) != rows[i].want)
            fail_msg("%s %s: %.*s", rows[i].query, rows[i].body,
                     APS_STR_ARG(aps_failures_text(&result.failures)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(values_are_urls_of_the_list),
        t_pool_test(what_cannot_hold_is_an_error),
        t_pool_test(what_does_not_count_is_listed),
        t_pool_test(fields_of_requests_are_urls_of_the_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
