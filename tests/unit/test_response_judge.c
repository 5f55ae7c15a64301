#include "t.h"

#include <apr_strings.h>

#include "apisec/api_compile.h"
#include "apisec/response_judge.h"
#include "t_pool.h"

static const unsigned char key[APS_SIPHASH_KEY_LEN] = "0123456789abcdef";

static const char description[] =
    "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"t\",\"version\":\"1\"},\"paths\":{\"/"
    "pets\":{\"get\":"
    "{\"responses\":{"
    "\"200\":{\"description\":\"\",\"headers\":{\"X-Count\":{\"required\":true,\"schema\":{"
    "\"type\":"
    "\"integer\"}}},\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/x-pet\"}},"
    "\"text/plain\":{},\"text/*\":{\"schema\":{\"maxLength\":3}}}},"
    "\"204\":{\"description\":\"\"},"
    "\"4XX\":{\"description\":\"\",\"content\":{\"application/"
    "*\":{\"schema\":{\"type\":\"object\"}}}}}}}},"
    "\"x-pet\":{\"type\":\"object\",\"required\":[\"name\"],\"properties\":{\"name\":{\"type\":"
    "\"string\"},\"secret\":{\"type\":\"string\",\"writeOnly\":true},\"free\":{\"type\":\"object\"}"
    ","
    "\"never\":false,\"list\":{\"type\":\"array\",\"items\":{\"properties\":{\"id\":{}}}}}}}";

struct tried {
    apr_pool_t *pool;
    const struct aps_api *api;
    const struct aps_api_operation *operation;
    struct aps_response_judge *judge;
    struct aps_response_options options;
    struct aps_response_result result;
};

static struct tried *begin(apr_pool_t *pool)
{
    static const struct aps_api_options formats = {.formats = true};
    const struct aps_schema_source source = {.text = aps_str(description), .document = true};
    struct tried *t = apr_pcalloc(pool, sizeof *t);
    struct aps_api_report report;
    struct aps_diag diag = {.text = ""};
    struct aps_str block = {NULL, 0};

    if (aps_api_compile(&source, 1, &formats, pool, &block, &report, &diag) != APS_OK ||
        aps_api_open(pool, block, &t->api, &diag) != APS_OK)
        fail_msg("%s", diag.text);
    assert_int_equal(aps_api_operations(t->api, &t->operation), 1);
    t->pool = pool;
    t->judge = aps_response_judge_new(pool, key, &aps_schema_judge_usual);
    t->options = (struct aps_response_options){.json = &aps_jsonread_strict};
    return t;
}

static enum aps_reason say(struct tried *t, unsigned status, const char *type, const char *count,
                           const char *body)
{
    const struct aps_param_field fields[] = {{APS_STR_LIT("Content-Type"), aps_str(type)},
                                             {APS_STR_LIT("X-Count"), aps_str(count)}};
    const struct aps_response response = {.status = status,
                                          .fields = type != NULL ? fields : fields + 1,
                                          .fields_n =
                                              (type != NULL ? 1u : 0) + (count != NULL ? 1u : 0),
                                          .body = aps_str(body)};

    return aps_response_judge(t->judge, t->pool, t->api, t->operation, &response, &t->options,
                              &t->result);
}

#define JSON "application/json; charset=utf-8"

/* POS-19 */
static void status_fields_types_and_bodies_are_judged(void **state)
{
    static const struct {
        unsigned status;
        const char *type, *count, *body;
        enum aps_reason reason;
    } cases[] = {
        {200, JSON, "1", "{\"name\":\"x\",\"more\":1}", APS_REASON_ALLOW},
        {200, "text/plain", "1", "any", APS_REASON_ALLOW},
        {204, NULL, NULL, NULL, APS_REASON_ALLOW},
        {404, "application/problem+json", NULL, "{}", APS_REASON_ALLOW},
        {404, "application/zip", NULL, "PK", APS_REASON_ALLOW},
        {302, NULL, NULL, NULL, APS_REASON_RESPONSE_STATUS},
        {500, NULL, NULL, NULL, APS_REASON_RESPONSE_STATUS},
        {200, JSON, NULL, "{\"name\":\"x\"}", APS_REASON_RESPONSE_FIELD},
        {200, JSON, "x", "{\"name\":\"x\"}", APS_REASON_RESPONSE_FIELD},
        {200, NULL, "1", "{\"name\":\"x\"}", APS_REASON_RESPONSE_TYPE},
        {200, "json", "1", "{\"name\":\"x\"}", APS_REASON_RESPONSE_TYPE},
        {200, "text/html", "1", "<p>", APS_REASON_ALLOW},
        {200, "text/html", "1", "<p/>", APS_REASON_RESPONSE_BODY},
        {200, "text/xml", "1", "<p/>", APS_REASON_ALLOW},
        {200, "image/png", "1", "<p>", APS_REASON_RESPONSE_TYPE},
        {404, "text/html", NULL, "<p>", APS_REASON_RESPONSE_TYPE},
        {200, JSON, "1", "{}", APS_REASON_RESPONSE_BODY},
        {200, JSON, "1", "{\"name\":\"x\"", APS_REASON_RESPONSE_BODY},
        {200, JSON, "1", "{\"name\":\"x\",\"secret\":\"y\"}", APS_REASON_RESPONSE_BODY},
        {204, NULL, NULL, "x", APS_REASON_RESPONSE_BODY},
        {404, "application/problem+json", NULL, "[]", APS_REASON_RESPONSE_BODY},
    };
    struct tried *t = begin(*state);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum aps_reason reason =
            say(t, cases[i].status, cases[i].type, cases[i].count, cases[i].body);

        if (reason != cases[i].reason)
            fail_msg("case %zu: %s", i, aps_reason_token(reason));
        assert_int_equal(t->result.failures.n != 0, reason != APS_REASON_ALLOW);
        assert_null(t->result.body.p);
    }
}

/* POS-19 */
static void members_that_nobody_declared_are_taken_out(void **state)
{
    static const struct {
        const char *body, *left; /* NULL: nothing was taken out */
    } cases[] = {
        {"{\"name\":\"x\"}", NULL},
        {"{\"more\":1,\"name\":\"x\"}", "{\"name\":\"x\"}"},
        {"{ \"name\" : \"x\" , \"a\":{\"b\":[1]} }", "{\"name\" : \"x\"}"},
        {"{\"name\":\"x\",\"never\":1,\"free\":{\"a\":{\"b\":1}}}",
         "{\"name\":\"x\",\"free\":{\"a\":{\"b\":1}}}"},
        {"{\"list\":[{\"id\":1,\"x\":2},{},3,[{\"id\":1}]],\"name\":\"x\"}",
         "{\"list\":[{\"id\":1},{},3,[{\"id\":1}]],\"name\":\"x\"}"},
        {"{\"n\\u0061me\":\"x\",\"\":0}", "{\"n\\u0061me\":\"x\"}"},
    };
    struct tried *t = begin(*state);

    t->options.strip = true;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (say(t, 200, JSON, "1", cases[i].body) != APS_REASON_ALLOW)
            fail_msg("case %zu: %s", i, aps_reason_token(t->result.reason));
        assert_string_equal(t->result.body.p != NULL ? aps_str_copy(t->pool, t->result.body).p : "",
                            cases[i].left != NULL ? cases[i].left : "");
    }
    assert_int_equal(say(t, 200, JSON, "1", "{\"more\":1}"), APS_REASON_RESPONSE_BODY);
    assert_false(t->result.unreadable);
    /* whatever its fields are */
    assert_int_equal(say(t, 200, JSON, "many", cases[0].body), APS_REASON_RESPONSE_FIELD);
    assert_string_equal(t->result.body.p != NULL ? aps_str_copy(t->pool, t->result.body).p : "",
                        cases[0].left != NULL ? cases[0].left : "");
    /* and not where it cannot be read */
    assert_int_equal(say(t, 200, JSON, "1", "{\"more\":1"), APS_REASON_RESPONSE_BODY);
    assert_true(t->result.unreadable && t->result.body.p == NULL);
}

/* POS-19 */
static void a_body_that_is_not_here_is_judged_by_its_type(void **state)
{
    struct tried *t = begin(*state);
    const struct aps_param_field fields[] = {{APS_STR_LIT("content-type"), APS_STR_LIT(JSON)},
                                             {APS_STR_LIT("x-count"), APS_STR_LIT("1")}};
    struct aps_response response = {.status = 200, .fields = fields, .fields_n = 2, .unread = true};

    assert_int_equal(aps_response_judge(t->judge, t->pool, t->api, t->operation, &response,
                                        &t->options, &t->result),
                     APS_REASON_ALLOW);
    response.status = 304;
    assert_int_equal(aps_response_judge(t->judge, t->pool, t->api, t->operation, &response,
                                        &t->options, &t->result),
                     APS_REASON_RESPONSE_STATUS);
    response.status = 204;
    assert_int_equal(aps_response_judge(t->judge, t->pool, t->api, t->operation, &response,
                                        &t->options, &t->result),
                     APS_REASON_RESPONSE_BODY);
    response.unread = false;
    response.bare = true;
    response.status = 200;
    response.fields_n = 1;
    assert_int_equal(aps_response_judge(t->judge, t->pool, t->api, t->operation, &response,
                                        &t->options, &t->result),
                     APS_REASON_RESPONSE_FIELD);
    response.status = 304; /* of a 200 that is declared */
    assert_int_equal(aps_response_judge(t->judge, t->pool, t->api, t->operation, &response,
                                        &t->options, &t->result),
                     APS_REASON_ALLOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(status_fields_types_and_bodies_are_judged),
        t_pool_test(members_that_nobody_declared_are_taken_out),
        t_pool_test(a_body_that_is_not_here_is_judged_by_its_type),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
