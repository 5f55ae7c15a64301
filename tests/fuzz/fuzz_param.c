/* A byte for the place, style and schema, a byte of flags, and the text of a parameter: any text
 * has a verdict, the same each time, with failures that are JSON; and one in a query that is good
 * is UTF-8 behind each %. */
#include "apisec/param.h"
#include "request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const schemas[] = {
    "{\"type\":\"string\"}",
    "{\"type\":\"integer\",\"maximum\":10}",
    "{\"type\":\"array\",\"items\":{\"type\":[\"integer\",\"null\"]}}",
    "{\"type\":\"object\",\"properties\":{\"R\":{\"type\":\"integer\"}},\"maxProperties\":3}",
    "{\"anyOf\":[{\"type\":\"boolean\"},{\"type\":\"array\",\"items\":{\"maxLength\":2}}]}",
    "{\"properties\":{\"a\":{\"properties\":{\"b\":{\"type\":\"array\"}}}}}",
    "{}",
    "false",
};

/* Whether a text is without faults of encoding, read another way. */
static bool is_whole(struct aps_str s)
{
    char text[4096];
    size_t n = 0;
    unsigned byte;

    for (size_t i = 0; i < s.n && n < sizeof text - 1; i++) {
        if (s.p[i] != '%') {
            text[n++] = s.p[i];
            continue;
        }
        char digits[3] = {i + 2 < s.n ? s.p[i + 1] : 'x', i + 2 < s.n ? s.p[i + 2] : 'x', '\0'};
        if (strspn(digits, "0123456789abcdefABCDEF") != 2)
            return false;
        byte = (unsigned)strtoul(digits, NULL, 16);
        text[n++] = (char)byte;
        i += 2;
    }
    for (size_t i = 0, width; i < n; i += width)
        if (text[i] == '\0' || (width = aps_str_utf8((struct aps_str){text + i, n - i})) == 0)
            return false;
    return true;
}

static bool judge(apr_pool_t *pool, const struct aps_api_param *param, uint8_t flags,
                  struct aps_str text)
{
    static const unsigned char key[APS_SIPHASH_KEY_LEN] = "fuzz";
    const struct aps_api_operation operation = {.params = param, .params_n = 1};
    const struct aps_param_field fields[] = {{APS_STR_LIT("Color"), text},
                                             {APS_STR_LIT("Cookie"), text}};
    const struct aps_param_request request = {
        .captures = &text,
        .captures_n = 1,
        .query = param->in == APS_API_QUERY ? text : (struct aps_str){NULL, 0},
        .fields = fields,
        .fields_n = 2};
    const struct aps_param_options options = {.undeclared = (flags & 1) != 0,
                                              .reserved = (flags & 2) != 0};
    struct aps_schema_judge *schema = aps_schema_judge_new(pool, &aps_schema_judge_usual);
    struct aps_param_reader *reader = aps_param_reader_new(pool, schema, key);
    struct aps_failures failures;
    bool doubled = false, good;

    aps_failures_init(&failures, pool);
    good = aps_param_judge(reader, pool, open_schemas(schemas, 8), &operation, &request, &options,
                           &failures, &doubled);
    check_failures(pool, good, &failures);
    expect(!doubled || memmem(text.p, text.n, "%25", 3) != NULL);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aps_api_param p = {.name = APS_STR_LIT("color")};
    apr_pool_t *pool = NULL;
    struct aps_str text;
    bool good;

    if (size < 3 || size > 4000 || open_schemas(schemas, 8) == NULL ||
        apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    p.schema = data[0] & 7;
    p.in = (enum aps_api_in)(data[0] >> 3 & 3);
    p.style = p.in == APS_API_PATH     ? APS_API_SIMPLE + data[1] % 3
              : p.in == APS_API_QUERY  ? APS_API_FORM + data[1] % 4
              : p.in == APS_API_COOKIE ? APS_API_FORM
                                       : APS_API_SIMPLE;
    p.explode = (data[0] & 32) != 0;
    p.required = (data[0] & 64) != 0;
    p.json = (data[0] & 128) != 0;
    p.empty = (data[1] & 16) != 0;
    p.reserved = (data[1] & 32) != 0;
    text = (struct aps_str){(const char *)data + 2, size - 2};
    good = judge(pool, &p, data[1] >> 6, text);
    expect(good == judge(pool, &p, data[1] >> 6, text));
    expect(!good || p.in != APS_API_QUERY || is_whole(text));
    apr_pool_destroy(pool);
    return 0;
}
