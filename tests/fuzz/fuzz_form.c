/* A byte of flags and the body of a form, urlencoded or in parts: any has a verdict, the same each
 * time, with failures that are JSON. */
#include "apisec/form.h"
#include "request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const schemas[] = {
    "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"integer\"},"
    "\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"maxItems\":3},"
    "\"at\":{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\"}}},"
    "\"deep\":{\"type\":\"object\"},\"s\":{\"type\":\"object\",\"properties\":{\"r\":{}}},"
    "\"file\":{\"type\":\"string\",\"format\":\"binary\",\"minLength\":1,\"maxLength\":9},"
    "\"any\":{}},\"minProperties\":1}"};

static const struct aps_api_param header = {
    .name = {"x-size", 6}, .in = APS_API_HEADER, .schema = APS_API_NO_SCHEMA};

static const struct aps_api_encoding encodings[] = {
    {.property = {"deep", 4}, .style = APS_API_DEEP, .explode = true, .styled = true},
    {.property = {"s", 1}, .style = APS_API_FORM, .explode = true, .styled = true},
    {.property = {"any", 3}, .style = APS_API_PIPE, .styled = true},
    {.property = {"file", 4}, .types = {"image/*", 7}, .headers = &header, .headers_n = 1},
};

static bool judge(apr_pool_t *pool, uint8_t flags, struct aps_str body)
{
    static const unsigned char key[APS_SIPHASH_KEY_LEN] = "fuzz";
    const struct aps_api_media media = {.encodings = encodings,
                                        .encodings_n = sizeof encodings / sizeof *encodings};
    const struct aps_form form = {
        .image = open_schemas(schemas, 1), .media = &media, .undeclared = (flags & 1) != 0};
    struct aps_schema_judge *schema = aps_schema_judge_new(pool, &aps_schema_judge_usual);
    struct aps_param_reader *reader = aps_param_reader_new(pool, schema, key);
    struct aps_failures failures;
    bool doubled = false, good;

    aps_failures_init(&failures, pool);
    good = (flags & 2) != 0 ? aps_form_multipart(reader, pool, &form, APS_STR_LIT("b"),
                                                 &aps_multipart_usual, body, &failures, &doubled)
                            : aps_form_judge(reader, pool, &form, body, &failures, &doubled);
    check_failures(pool, good, &failures);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = NULL;
    struct aps_str body;

    if (size < 1 || open_schemas(schemas, 1) == NULL || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    body = (struct aps_str){(const char *)data + 1, size - 1};
    expect(judge(pool, data[0], body) == judge(pool, data[0], body));
    apr_pool_destroy(pool);
    return 0;
}
