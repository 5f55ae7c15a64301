#include "t.h"

#include <apr_strings.h>

#include "apisec/schema_compile.h"
#include "apisec/schema_judge.h"
#include "t_pool.h"
#include "t_schema.h"

static const unsigned char key[APS_SIPHASH_KEY_LEN] = "0123456789abcdef";

static bool is_good(apr_pool_t *pool, const char *format, const char *value)
{
    const char *schema = apr_psprintf(pool, "{\"format\":\"%s\"}", format);
    const struct aps_schema_image *image = t_schema_open(pool, &schema, 1, APS_SCHEMA_OAS31);
    struct aps_schema_judge *judge = aps_schema_judge_new(pool, &aps_schema_judge_usual);
    struct aps_jsonread r;

    aps_jsonread_init(&r, pool, key);
    assert_int_equal(aps_jsonread(&r, aps_str(value), &aps_jsonread_strict), APS_JSONREAD_OK);
    return aps_schema_judge(judge, image, 0, &r, aps_jsonread_root(&r)) == APS_SCHEMA_VALID;
}

/* POS-09: formats of OpenAPI's registry, at and beyond their bounds. */
static void formats_of_openapi_are_asserted(void **state)
{
    static const struct {
        const char *format, *value;
        bool good;
    } rows[] = {
        {"int8", "-128", true},
        {"int8", "128", false},
        {"int8", "1.0", true},
        {"int8", "1.5", false},
        {"int8", "\"1\"", false},
        {"int16", "32767", true},
        {"int16", "-32769", false},
        {"uint8", "0", true},
        {"uint8", "256", false},
        {"uint8", "-1", false},
        {"uint16", "65535", true},
        {"uint16", "65536", false},
        {"uint32", "4294967295", true},
        {"uint32", "4294967296", false},
        {"uint64", "18446744073709551615", true},
        {"uint64", "18446744073709551616", false},
        {"double-int", "9007199254740991", true},
        {"double-int", "9007199254740992", false},
        {"double-int", "1.5", false},
        {"decimal", "12.50", true},
        {"decimal", "\"12.50\"", true},
        {"decimal", "\"-0012\"", true},
        {"decimal", "\"1e5\"", false},
        {"decimal", "\"12.\"", false},
        {"decimal", "\".5\"", false},
        {"decimal", "\"NaN\"", false},
        {"decimal", "\"\"", false},
        {"decimal", "true", false},
        {"decimal128", "1234567890123456789012345678901234", true},
        {"decimal128", "12345678901234567890123456789012345", false},
        {"decimal128", "12345678901234567890123456789012340", true},
        {"decimal128", "\"0.00001234567890123456789012345678901234\"", true},
        {"decimal128", "\"1e6144\"", true},
        {"decimal128", "\"1e6145\"", false},
        {"decimal128", "\"10e6144\"", false},
        {"decimal128", "\"1E-6143\"", true},
        {"decimal128", "\"0.1e-6143\"", false},
        {"decimal128", "\"0e9999999\"", false},
        {"sf-integer", "999999999999999", true},
        {"sf-integer", "1000000000000000", false},
        {"sf-integer", "1.5", false},
        {"sf-integer", "\"-42\"", true},
        {"sf-integer", "\"4.2\"", false},
        {"sf-decimal", "999999999999.999", true},
        {"sf-decimal", "1000000000000", false},
        {"sf-decimal", "0.0001", false},
        {"sf-decimal", "\"4.5\"", true},
        {"sf-decimal", "\"4.\"", false},
        {"sf-boolean", "\"?1\"", true},
        {"sf-boolean", "\"?2\"", false},
        {"sf-boolean", "\"?1;a\"", false},
        {"sf-boolean", "\" ?1\"", false},
        {"sf-string", "\"\\\"a b\\\"\"", true},
        {"sf-string", "\"a b\"", false},
        {"sf-token", "\"a/b:c\"", true},
        {"sf-token", "\"a b\"", false},
        {"sf-token", "\"\\\"a\\\"\"", false},
        {"sf-binary", "\":cHJldGVuZA==:\"", true},
        {"sf-binary", "\"cHJldGVuZA==\"", false},
        {"base64url", "\"-_8\"", true},
        {"base64url", "\"-_8=\"", true},
        {"base64url", "\"\"", true},
        {"base64url", "\"+/8=\"", false},
        {"base64url", "\"-_8==\"", false},
        {"base64url", "\"abcde\"", false},
        {"char", "\"a\"", true},
        {"char", "\"\xf0\x9f\x98\x80\"", true},
        {"char", "\"\"", false},
        {"char", "\"ab\"", false},
        {"char", "1", true}, /* as JSON Schema has it: formats of strings ask nothing of others */
        {"commonmark", "\"# <x>\"", true},
        {"commonmark", "1", false},
        {"html", "\"<p>\"", true},
        {"html", "[]", false},
        {"http-date", "\"Sun, 06 Nov 1994 08:49:37 GMT\"", true},
        {"http-date", "\"Sunday, 06-Nov-94 08:49:37 GMT\"", true},
        {"http-date", "\"Wednesday, 29-Feb-96 08:49:37 GMT\"", true},
        {"http-date", "\"Sun Nov  6 08:49:37 1994\"", true},
        {"http-date", "\"Wed Nov 16 08:49:60 1994\"", true},
        {"http-date", "\"Sun, 6 Nov 1994 08:49:37 GMT\"", false},
        {"http-date", "\"Sun, 06 Nov 1994 08:49:37 UTC\"", false},
        {"http-date", "\"Sun, 06 Nov 1994 24:49:37 GMT\"", false},
        {"http-date", "\"Tue, 29 Feb 2000 08:49:37 GMT\"", true},
        {"http-date", "\"Mon, 29 Feb 2100 08:49:37 GMT\"", false},
        {"http-date", "\"Sun, 31 Nov 1994 08:49:37 GMT\"", false},
        {"http-date", "\"Sunday, 06 Nov 1994 08:49:37 GMT\"", false},
        {"http-date", "\"Sun Nov 06 08:49:37 1994 GMT\"", false},
        {"http-date", "\"2027-01-31\"", false},
        {"http-date", "\"\"", false},
        {"media-range", "\"text/*\"", true},
        {"media-range", "\"*/*;q=0.5\"", true},
        {"media-range", "\"text/plain; charset=\\\"utf-8\\\"\"", true},
        {"media-range", "\"*/plain\"", false},
        {"media-range", "\"text\"", false},
        {"media-range", "\"text/\"", false},
        {"media-range", "\"text/plain;\"", false},
        {"media-range", "\"text/plain, text/html\"", false},
        {"media-range", "\"text/plain;a=\\\"\"", false},
        {"password", "null", true},
        {"int32", "2147483648", false},
        {"int64", "9223372036854775807", true},
        {"int64", "9223372036854775808", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (is_good(*state, rows[i].format, rows[i].value) != rows[i].good)
            fail_msg("%s: %s", rows[i].format, rows[i].value);
}

/* POS-09: in JSON Schema itself they are unknown, and are listed. */
static void elsewhere_they_are_listed(void **state)
{
    const struct aps_schema_source source = {.text = APS_STR_LIT("{\"format\":\"uint8\"}")};
    const struct aps_schema_compile what = {
        .sources = &source, .sources_n = 1, .dialect = APS_SCHEMA_2020_12, .formats = true};
    apr_array_header_t *warnings = apr_array_make(*state, 1, sizeof(const char *));
    struct aps_str block = {NULL, 0};

    assert_int_equal(aps_schema_compile(&what, *state, &block, warnings, NULL), APS_OK);
    assert_int_equal(warnings->nelts, 1);
}

/* POS-09: what asks nothing that the types do not is no gap, and is said all the same. */
static void nullable_has_no_meaning_in_newer_descriptions(void **state)
{
    static const struct {
        const char *schema;
        enum aps_schema_dialect dialect;
        int gaps, notes;
    } rows[] = {
        {"{\"type\":\"string\",\"nullable\":true}", APS_SCHEMA_OAS31, 0, 1},
        {"{\"type\":\"string\",\"nullable\":false}", APS_SCHEMA_OAS31, 0, 1},
        {"{\"nullable\":true}", APS_SCHEMA_OAS31, 0, 1},
        {"{\"nullable\":false}", APS_SCHEMA_OAS31, 1, 0},
        {"{\"type\":[\"string\",\"null\"],\"nullable\":false}", APS_SCHEMA_OAS31, 1, 0},
        {"{\"type\":\"string\",\"nullable\":1}", APS_SCHEMA_OAS31, 1, 0},
        {"{\"type\":\"string\",\"nullable\":true}", APS_SCHEMA_2020_12, 1, 0},
        {"{\"type\":\"string\",\"nullable\":true}", APS_SCHEMA_OAS30, 0, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct aps_schema_source source = {.text = aps_str(rows[i].schema)};
        const struct aps_schema_compile what = {
            .sources = &source,
            .sources_n = 1,
            .dialect = rows[i].dialect,
            .notes = apr_array_make(*state, 1, sizeof(const char *)),
        };
        apr_array_header_t *gaps = apr_array_make(*state, 1, sizeof(const char *));
        struct aps_str block = {NULL, 0};

        assert_int_equal(aps_schema_compile(&what, *state, &block, gaps, NULL), APS_OK);
        if (gaps->nelts != rows[i].gaps || what.notes->nelts != rows[i].notes)
            fail_msg("%s: %d gaps, %d notes", rows[i].schema, gaps->nelts, what.notes->nelts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(formats_of_openapi_are_asserted),
        t_pool_test(elsewhere_they_are_listed),
        t_pool_test(nullable_has_no_meaning_in_newer_descriptions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
