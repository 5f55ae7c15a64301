#include "t.h"

#include <apr_strings.h>

#include "apisec/api_compile.h"
#include "apisec/request_judge.h"
#include "t_pool.h"

static const unsigned char key[APS_SIPHASH_KEY_LEN] = "0123456789abcdef";

#define ANY "{\"default\":{\"description\":\"\"}}"

static const char description[] =
    "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"t\",\"version\":\"1\"},"
    "\"components\":{\"securitySchemes\":{"
    "\"key\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"X-Key\"},"
    "\"q\":{\"type\":\"apiKey\",\"in\":\"query\",\"name\":\"key\"},"
    "\"c\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"sid\"},"
    "\"basic\":{\"type\":\"http\",\"scheme\":\"basic\"},"
    "\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"},"
    "\"tls\":{\"type\":\"mutualTLS\"}}},"
    "\"paths\":{\"/pets/{id}\":{\"parameters\":[{\"name\":\"id\",\"in\":\"path\",\"required\":true,"
    "\"schema\":{\"type\":\"integer\"}}],"
    "\"get\":{\"parameters\":[{\"name\":\"page\",\"in\":\"query\",\"schema\":{\"type\":\"integer\","
    "\"minimum\":1}}],\"responses\":" ANY "},"
    "\"put\":{\"requestBody\":{\"required\":true,\"content\":{"
    "\"application/json\":{\"schema\":{\"$ref\":\"#/x-pet\"}},"
    "\"application/vnd.pet+json\":{\"schema\":{\"type\":\"array\"}},"
    "\"application/x-www-form-urlencoded\":{\"schema\":{\"$ref\":\"#/x-pet\"}},"
    "\"multipart/form-data\":{\"schema\":{\"$ref\":\"#/x-pet\"}},"
    "\"application/xml\":{\"schema\":{\"$ref\":\"#/x-pet\"}},"
    "\"application/x-ndjson\":{},"
    "\"image/*\":{},\"text/*\":{}}},\"responses\":" ANY "}},"
    "\"/photos\":{\"post\":{\"requestBody\":{\"content\":{\"multipart/form-data\":{\"schema\":{"
    "\"type\":\"object\",\"properties\":{\"one\":{\"contentMediaType\":\"image/png\"},"
    "\"more\":{\"type\":\"array\",\"items\":{\"contentMediaType\":\"image/gif\"}}}}}}},"
    "\"responses\":" ANY "}},"
    "\"/texts\":{\"post\":{\"requestBody\":{\"content\":{"
    "\"text/plain\":{\"schema\":{\"type\":\"string\",\"maxLength\":5}},"
    "\"text/x-number\":{\"schema\":{\"type\":\"integer\",\"maximum\":9}},"
    "\"text/csv\":{\"schema\":{\"type\":\"string\"}},"
    "\"text/*\":{\"schema\":{\"enum\":[\"a\",\"b\"]}}}},\"responses\":" ANY "}},"
    "\"/pets/mine\":{\"post\":{\"requestBody\":{\"content\":{\"*/*\":{\"schema\":{\"type\":"
    "\"object\"}}}},\"responses\":" ANY "},\"get\":{\"responses\":" ANY
    ",\"security\":[{\"key\":[]},{\"q\":["
    "],\"c\":[]},{\"basic\":[]},{\"bearer\":[]},{\"tls\":[]}]}}},"
    "\"x-pet\":{\"type\":\"object\",\"required\":[\"name\"],\"additionalProperties\":false,"
    "\"properties\":{\"name\":{\"type\":\"string\",\"maxLength\":8},\"age\":{\"type\":\"integer\"},"
    "\"made\":{\"type\":\"string\",\"readOnly\":true}}}}";

struct tried {
    apr_pool_t *pool;
    const struct aps_api *api;
    struct aps_request_judge *judge;
    struct aps_request_options options;
    struct aps_request_result result;
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
    t->pool = pool;
    t->judge = aps_request_judge_new(pool, key, &aps_schema_judge_usual);
    t->options = (struct aps_request_options){.json = &aps_jsonread_strict,
                                              .multipart = &aps_multipart_usual,
                                              .undeclared = true,
                                              .security = true};
    return t;
}

/* A request with one header field, or none where its name is NULL. */
static enum aps_reason ask(struct tried *t, enum aps_method method, const char *target,
                           const char *name, const char *value, const char *body)
{
    const char *mark = strchr(target, '?');
    const struct aps_param_field field = {aps_str(name), aps_str(value)};
    const struct aps_request request = {
        .method = method,
        .path = {target, mark != NULL ? (size_t)(mark - target) : strlen(target)},
        .query = aps_str(mark != NULL ? mark + 1 : NULL),
        .fields = &field,
        .fields_n = name != NULL,
        .body = aps_str(body)};

    return aps_request_judge(t->judge, t->pool, t->api, &request, &t->options, &t->result);
}

/* POS-01 */
static void undeclared_paths_methods_and_parameters_are_refused(void **state)
{
    struct tried *t = begin(*state);

    assert_int_equal(ask(t, APS_METHOD_GET, "/pets/1", NULL, NULL, NULL), APS_REASON_ALLOW);
    assert_int_equal(ask(t, APS_METHOD_GET, "/pets/1?page=2", NULL, NULL, NULL), APS_REASON_ALLOW);
    assert_int_equal(ask(t, APS_METHOD_GET, "/cats", NULL, NULL, NULL), APS_REASON_API_PATH);
    assert_int_equal(aps_reason_status(t->result.reason), 404);
    assert_int_equal(ask(t, APS_METHOD_GET, "/pets/1/2", NULL, NULL, NULL), APS_REASON_API_PATH);
    assert_int_equal(ask(t, APS_METHOD_DELETE, "/pets/1", NULL, NULL, NULL), APS_REASON_API_METHOD);
    assert_int_equal(aps_reason_status(t->result.reason), 405);
    assert_int_equal(t->result.match.allowed & APS_METHOD_PUT, APS_METHOD_PUT);
    assert_int_equal(ask(t, APS_METHOD_GET, "/pets/1?other=2", NULL, NULL, NULL),
                     APS_REASON_API_PARAMETER);
    assert_int_equal(ask(t, APS_METHOD_GET, "/pets/one?page=0", NULL, NULL, NULL),
                     APS_REASON_API_PARAMETER);
    assert_int_equal(t->result.failures.n, 2);
    assert_int_equal(ask(t, APS_METHOD_HEAD, "/pets/1", NULL, NULL, NULL), APS_REASON_API_METHOD);
    assert_int_equal(t->result.match.allowed, APS_METHOD_GET | APS_METHOD_PUT);
    t->options.head = true;
    assert_int_equal(ask(t, APS_METHOD_HEAD, "/pets/1", NULL, NULL, NULL), APS_REASON_ALLOW);
    t->options.undeclared = false;
    assert_int_equal(ask(t, APS_METHOD_GET, "/pets/1?other=%2541", NULL, NULL, NULL),
                     APS_REASON_ALLOW);
    assert_true(t->result.doubled);
}

#define PET "{\"name\":\"a\"}"

/* POS-02, POS-10 */
static void a_body_is_of_one_declared_type(void **state)
{
    static const struct {
        const char *type, *body;
        enum aps_reason reason;
    } cases[] = {
        {"application/json", PET, APS_REASON_ALLOW},
        {"Application/JSON ; Charset=\"UTF-8\"", PET, APS_REASON_ALLOW},
        {"application/json;;", PET, APS_REASON_ALLOW},
        {"application/json; charset=us-ascii", PET, APS_REASON_API_TYPE},
        {"application/json", "{\"name\":1}", APS_REASON_API_BODY},
        {"application/json", "{\"name\":\"a\",\"x\":1}", APS_REASON_API_BODY},
        {"application/json", "{\"name\":\"a\",\"made\":\"x\"}", APS_REASON_API_BODY},
        {"application/json", "{\"name\":\"a\",}", APS_REASON_API_BODY},
        {"application/json", "", APS_REASON_API_BODY},
        {NULL, PET, APS_REASON_API_TYPE},
        {"", PET, APS_REASON_API_TYPE},
        {"json", PET, APS_REASON_API_TYPE},
        {"application/json; x", PET, APS_REASON_API_TYPE},
        {"application/json; charset=utf-16", PET, APS_REASON_API_TYPE},
        {"application/json; charset=utf-7", PET, APS_REASON_API_TYPE},
        {"application/json; charset=utf-8; charset=utf-8", PET, APS_REASON_API_TYPE},
        {"application/json, application/json", PET, APS_REASON_API_TYPE_REPEATED},
        {"application/problem+json", PET, APS_REASON_API_TYPE},
        {"application/vnd.pet+json", "[]", APS_REASON_ALLOW},
        {"application/vnd.pet+json", "{}", APS_REASON_API_BODY},
        {"application/x-www-form-urlencoded", "name=a&age=3", APS_REASON_ALLOW},
        {"application/x-www-form-urlencoded", "name=a&age=x", APS_REASON_API_BODY},
        {"application/x-www-form-urlencoded", "name=a&other=x", APS_REASON_API_BODY},
        {"multipart/form-data; boundary=b",
         "--b\r\nContent-Disposition: form-data; name=name\r\n\r\na\r\n--b--", APS_REASON_ALLOW},
        {"multipart/form-data; boundary=c",
         "--b\r\nContent-Disposition: form-data; name=name\r\n\r\na\r\n--b--", APS_REASON_API_BODY},
        {"multipart/form-data", "--\r\n", APS_REASON_API_BODY},
        {"multipart/form-data; boundary=b; boundary=c", "--b\r\n", APS_REASON_API_TYPE},
        {"image/png", "\xff", APS_REASON_ALLOW},
        {"imagee/png", "\xff", APS_REASON_API_TYPE},
        {"text/plain", "x", APS_REASON_ALLOW},
        {"application/xml", "<x/>", APS_REASON_API_TYPE},
        {"application/x-ndjson", "1", APS_REASON_API_TYPE},
    };
    struct tried *t = begin(*state);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (ask(t, APS_METHOD_PUT, "/pets/1", cases[i].type != NULL ? "Content-Type" : NULL,
                cases[i].type, cases[i].body) != cases[i].reason)
            fail_msg("%zu: %s %s", i, aps_reason_token(t->result.reason),
                     aps_failures_text(&t->result.failures).p);
    assert_int_equal(ask(t, APS_METHOD_POST, "/pets/mine", "content-type", "application/json", "1"),
                     APS_REASON_API_BODY);
    assert_int_equal(ask(t, APS_METHOD_POST, "/pets/mine", "content-type", "a/x+JSON", "{}"),
                     APS_REASON_ALLOW);
    assert_int_equal(ask(t, APS_METHOD_POST, "/pets/mine", NULL, NULL, NULL), APS_REASON_ALLOW);
    assert_int_equal(ask(t, APS_METHOD_GET, "/pets/1", "content-type", "text/plain", "x"),
                     APS_REASON_API_TYPE);
    t->options.undeclared = false;
    assert_int_equal(ask(t, APS_METHOD_GET, "/pets/1", "content-type", "text/plain", "x"),
                     APS_REASON_ALLOW);
}

#define PHOTO(name, type)                                                                          \
    "--b\r\nContent-Disposition: form-data; name=" name "; filename=" name                         \
    "\r\nContent-Type: " type "\r\n\r\n\xff\r\n"

/* POS-18: the schema of a part tells its type. */
static void files_are_of_the_type_of_their_schema(void **state)
{
    struct tried *t = begin(*state);
    const char *type = "multipart/form-data; boundary=b";

    assert_int_equal(ask(t, APS_METHOD_POST, "/photos", "content-type", type,
                         PHOTO("one", "image/png") PHOTO("more", "image/gif") "--b--"),
                     APS_REASON_ALLOW);
    assert_int_equal(
        ask(t, APS_METHOD_POST, "/photos", "content-type", type, PHOTO("one", "image/gif") "--b--"),
        APS_REASON_API_BODY);
    assert_int_equal(ask(t, APS_METHOD_POST, "/photos", "content-type", type,
                         PHOTO("more", "image/png") "--b--"),
                     APS_REASON_API_BODY);
}

/* POS-09: a text is one value of its schema. */
static void texts_meet_their_schema(void **state)
{
    static const struct {
        const char *type, *body;
        enum aps_reason reason;
    } cases[] = {
        {"text/plain", "abcde", APS_REASON_ALLOW},
        {"text/plain", "12345", APS_REASON_ALLOW},
        {"text/plain", "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"", APS_REASON_ALLOW},
        {"text/plain", "abcdef", APS_REASON_API_BODY},
        {"text/plain", "\xff", APS_REASON_API_BODY},
        {"text/plain; charset=latin1", "a", APS_REASON_API_TYPE},
        {"text/x-number", "9", APS_REASON_ALLOW},
        {"text/x-number", "10", APS_REASON_API_BODY},
        {"text/x-number", "x", APS_REASON_API_BODY},
        {"text/csv", "\xff", APS_REASON_ALLOW}, /* nothing is asked of it */
        {"Text/HTML", "a", APS_REASON_ALLOW},
        {"text/html", "c", APS_REASON_API_BODY},
        {"application/pdf", "a", APS_REASON_API_TYPE},
    };
    struct aps_jsonread_options json = aps_jsonread_strict;
    struct tried *t = begin(*state);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (ask(t, APS_METHOD_POST, "/texts", "content-type", cases[i].type, cases[i].body) !=
            cases[i].reason)
            fail_msg("%s %s: %d", cases[i].type, cases[i].body, t->result.reason);
    json.bytes_max = 4;
    t->options.json = &json;
    assert_int_equal(ask(t, APS_METHOD_POST, "/texts", "content-type", "text/plain", "abcde"),
                     APS_REASON_API_BODY_SIZE);
}

static bool read_other(void *context, apr_pool_t *pool, const struct aps_api *api,
                       const struct aps_api_media *media, struct aps_str body,
                       struct aps_failures *failures)
{
    (void)pool;
    (void)api;
    (void)failures;
    (void)body;
    return media->kind == *(enum aps_api_kind *)context;
}

/* POS-02: what others read is asked of them. */
static void xml_and_lines_are_read_by_whom_the_caller_names(void **state)
{
    struct tried *t = begin(*state);
    enum aps_api_kind kind = APS_API_XML;

    t->options.xml = t->options.lines = read_other;
    t->options.context = &kind;
    assert_int_equal(ask(t, APS_METHOD_PUT, "/pets/1", "content-type", "application/xml", "<x/>"),
                     APS_REASON_ALLOW);
    assert_int_equal(ask(t, APS_METHOD_PUT, "/pets/1", "content-type", "application/x-ndjson", "1"),
                     APS_REASON_API_BODY);
}

/* POS-02: caps of the caller. */
static void larger_bodies_are_413(void **state)
{
    struct aps_jsonread_options json = aps_jsonread_strict;
    struct aps_multipart_options multipart = aps_multipart_usual;
    struct tried *t = begin(*state);

    t->options.json = &json;
    t->options.multipart = &multipart;
    json.bytes_max = sizeof PET - 1;
    assert_int_equal(ask(t, APS_METHOD_PUT, "/pets/1", "content-type", "application/json", PET),
                     APS_REASON_ALLOW);
    json.bytes_max--;
    assert_int_equal(ask(t, APS_METHOD_PUT, "/pets/1", "content-type", "application/json", PET),
                     APS_REASON_API_BODY_SIZE);
    assert_int_equal(aps_reason_status(t->result.reason), 413);
    multipart.total_max = 3;
    assert_int_equal(ask(t, APS_METHOD_PUT, "/pets/1", "content-type",
                         "multipart/form-data; boundary=b", "--b--"),
                     APS_REASON_API_BODY_SIZE);
}

/* POS-01: security asks for presence. */
static void credentials_have_to_be_there(void **state)
{
    static const struct {
        const char *target, *name, *value;
        bool good;
    } cases[] = {
        {"/pets/mine", NULL, NULL, false},
        {"/pets/mine", "x-key", "1", true},
        {"/pets/mine", "x-key", "", false},
        {"/pets/mine?key=1", NULL, NULL, false},
        {"/pets/mine?key=1", "Cookie", "sid=2", true},
        {"/pets/mine?key=1", "Cookie", "sid=", false},
        {"/pets/mine", "Authorization", "Basic YTpi", true},
        {"/pets/mine", "Authorization", "bearer x", true},
        {"/pets/mine", "Authorization", "Digest x", false},
        {"/pets/mine", "Authorization", "Basic ", false},
        {"/pets/mine", "Authorization", "Basic YWI=", false}, /* without a colon */
    };
    struct tried *t = begin(*state);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (ask(t, APS_METHOD_GET, cases[i].target, cases[i].name, cases[i].value, NULL) !=
            (cases[i].good ? APS_REASON_ALLOW : APS_REASON_API_CREDENTIAL))
            fail_msg("%zu: %s", i, aps_reason_token(t->result.reason));
    t->options.security = false;
    assert_int_equal(ask(t, APS_METHOD_GET, "/pets/mine", NULL, NULL, NULL), APS_REASON_ALLOW);
}

/* POS-21 */
static void failures_say_where(void **state)
{
    struct tried *t = begin(*state);

    (void)ask(t, APS_METHOD_PUT, "/pets/1", "content-type", "application/json",
              "{\"name\":\"much too long\",\"age\":\"\\u0007\"}"); /* its answer is above */
    assert_string_equal(
        aps_failures_text(&t->result.failures).p,
        "[{\"in\":\"body\",\"pointer\":\"/name\",\"keyword\":\"maxLength\","
        "\"schema\":\"#/x-pet/properties/name\",\"expected\":\"at most 8 characters\","
        "\"value\":\"\\\"much too long\\\"\"},"
        "{\"in\":\"body\",\"pointer\":\"/age\",\"keyword\":\"type\","
        "\"schema\":\"#/x-pet/properties/age\",\"expected\":\"integer\","
        "\"value\":\"\\\"\\\\u0007\\\"\"}]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(undeclared_paths_methods_and_parameters_are_refused),
        t_pool_test(a_body_is_of_one_declared_type),
        t_pool_test(files_are_of_the_type_of_their_schema),
        t_pool_test(texts_meet_their_schema),
        t_pool_test(xml_and_lines_are_read_by_whom_the_caller_names),
        t_pool_test(larger_bodies_are_413),
        t_pool_test(credentials_have_to_be_there),
        t_pool_test(failures_say_where),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
