#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <apisec/role.h>

/* AZ-02: a method is one of seven, spelled as RFC 9110 spells it; anything else is none. */
static void only_seven_methods_are_known(void **state)
{
    static const struct {
        const char *text;
        enum aps_method want;
    } rows[] = {
        {"GET", APS_METHOD_GET},         {"HEAD", APS_METHOD_HEAD},   {"POST", APS_METHOD_POST},
        {"PUT", APS_METHOD_PUT},         {"PATCH", APS_METHOD_PATCH}, {"DELETE", APS_METHOD_DELETE},
        {"OPTIONS", APS_METHOD_OPTIONS}, {"", APS_METHOD_NONE},       {"get", APS_METHOD_NONE},
        {"Get", APS_METHOD_NONE},        {"GE", APS_METHOD_NONE},     {"GETS", APS_METHOD_NONE},
        {"QUERY", APS_METHOD_NONE},      {"TRACE", APS_METHOD_NONE},  {"CONNECT", APS_METHOD_NONE},
        {"*", APS_METHOD_NONE},          {" GET", APS_METHOD_NONE},   {"PROPFIND", APS_METHOD_NONE},
        {"OPTIONSX", APS_METHOD_NONE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(aps_method_parse(aps_str(rows[i].text)), rows[i].want);
    assert_int_equal(aps_method_parse((struct aps_str){"GET\0", 4}), APS_METHOD_NONE);
}

static void methods_are_printed_in_one_order(void **state)
{
    char text[APS_METHODS_TEXT_MAX];
    (void)state;
    assert_string_equal(aps_methods_print(0, text), "");
    assert_string_equal(aps_methods_print(APS_METHOD_DELETE, text), "DELETE");
    assert_string_equal(aps_methods_print(APS_METHOD_POST | APS_METHOD_GET, text), "GET, POST");
    assert_string_equal(aps_methods_print(APS_METHOD_ALL, text),
                        "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    assert_string_equal(aps_methods_print(1u << 7, text), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_seven_methods_are_known),
        cmocka_unit_test(methods_are_printed_in_one_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
