#include "t.h"

#include "apisec/mediatype.h"

/* POS-02 */
static void values_are_read_strictly(void **state)
{
    static const struct {
        const char *field;
        enum aps_mediatype_fault fault;
        const char *type;
    } rows[] = {
        {"application/json", APS_MEDIATYPE_OK, "application/json"},
        {" Application/JSON ; Charset=\"UTF-8\" ", APS_MEDIATYPE_OK, "Application/JSON"},
        {"application/json;charset=utf-8", APS_MEDIATYPE_OK, "application/json"},
        {"multipart/form-data; boundary=\"a, b\"", APS_MEDIATYPE_OK, "multipart/form-data"},
        {"application/vnd.api+json", APS_MEDIATYPE_OK, "application/vnd.api+json"},
        {"application/json, text/html", APS_MEDIATYPE_LIST, NULL},
        {"application/json;a=b, application/json", APS_MEDIATYPE_LIST, NULL},
        {"application/json; charset=utf-8; charset=utf-8", APS_MEDIATYPE_REPEATED, NULL},
        {"application/json; charset=utf-16", APS_MEDIATYPE_CHARSET, NULL},
        {"application/json; charset=iso-8859-1", APS_MEDIATYPE_CHARSET, NULL},
        {"application/json; charset=\"utf-8 \"", APS_MEDIATYPE_CHARSET, NULL},
        {"application/json; charset=\"\"", APS_MEDIATYPE_CHARSET, NULL},
        {"", APS_MEDIATYPE_MALFORMED, NULL},
        {"/", APS_MEDIATYPE_MALFORMED, NULL},
        {"json", APS_MEDIATYPE_MALFORMED, NULL},
        {"application/", APS_MEDIATYPE_MALFORMED, NULL},
        {"application /json", APS_MEDIATYPE_MALFORMED, NULL},
        {"application/json charset=utf-8", APS_MEDIATYPE_MALFORMED, NULL},
        {"application/json; charset", APS_MEDIATYPE_MALFORMED, NULL},
        {"application/json; charset=", APS_MEDIATYPE_MALFORMED, NULL},
        {"application/json; charset =utf-8", APS_MEDIATYPE_MALFORMED, NULL},
        {"application/json; a=\"b", APS_MEDIATYPE_MALFORMED, NULL},
        {"application/json; a=\"\001\"", APS_MEDIATYPE_MALFORMED, NULL},
        {"application/js\303\266n", APS_MEDIATYPE_MALFORMED, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct aps_mediatype type;
        assert_int_equal(aps_mediatype_read(aps_str(rows[i].field), &type), rows[i].fault);
        if (rows[i].type != NULL)
            assert_true(aps_str_eq(type.type, aps_str(rows[i].type)));
    }
}

/* POS-02 */
static void ranges_name_types(void **state)
{
    static const struct {
        const char *range, *type;
        bool in;
    } rows[] = {
        {"application/json", "application/JSON", true},
        {"application/json", "application/jsonx", false},
        {"application/*", "application/json", true},
        {"application/*", "applications/json", false},
        {"application/*", "application", false},
        {"*/*", "text/plain", true},
        {"application/*+json", "application/vnd.a+json", true},
        {"application/*+json", "application/json", false},
        {"application/*+json", "application/+json", false},
        {"application/*+json", "text/a+json", false},
        {"application/*+json", "application/a+jsonx", false},
    };
    static const char *const wrong[] = {"",      "json", "a/",    "/b",   "*/json",
                                        "A/b",   "a/b*", "a/*b",  "a/**", "a/b;c=d",
                                        "a b/c", "a/*+", "a/b/c", "*"};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(aps_mediatype_is_range(aps_str(rows[i].range)));
        assert_int_equal(aps_mediatype_is(aps_str(rows[i].type), aps_str(rows[i].range)),
                         rows[i].in);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(aps_mediatype_is_range(aps_str(wrong[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read_strictly),
        cmocka_unit_test(ranges_name_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
