#include "t.h"

#include "apisec/variable.h"

/* POS-14: as PHP 8.2 makes variables of names */
static void names_become_variables(void **state)
{
    static const struct {
        const char *name, *base, *index;
    } rows[] = {
        {"a", "a", ""},
        {"a.b", "a_b", ""},
        {"a b", "a_b", ""},
        {"  a", "a", ""},
        {"a ", "a_", ""},
        {".a", "_a", ""},
        {"a[", "a_", ""},
        {"a[b.c", "a_b_c", ""},
        {"a[b[c", "a_b_c", ""},
        {"a[x]", "a", "[x]"},
        {"a.b[x.y]", "a_b", "[x.y]"},
        {"a[]", "a", "[]"},
        {"[a]", "", "[a]"},
        {"[a", "_a", ""},
        {"a]", "a]", ""},
        {"a-b", "a-b", ""},
        {"", "", ""},
        {" ", "", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct aps_str name = aps_str(rows[i].name);
        char *buf = test_malloc(name.n + 1);
        struct aps_variable got;

        aps_variable_read(name, buf, &got);
        if (!aps_str_eq(got.base, aps_str(rows[i].base)) ||
            !aps_str_eq(got.index, aps_str(rows[i].index)))
            fail_msg("%s: %.*s and %.*s", rows[i].name, APS_STR_ARG(got.base),
                     APS_STR_ARG(got.index));
        test_free(buf);
    }
}

/* POS-14 */
static void another_name_of_a_parameter_is_told(void **state)
{
    static const struct {
        const char *name, *declared;
        bool other;
    } rows[] = {
        {"a_b", "a_b", false}, {"a.b", "a_b", true},  {"a_b", "a.b", true},  {"a_b[]", "a_b", true},
        {"a", "a[]", true},    {" a_b", "a_b", true}, {"a-b", "a_b", false}, {"ab", "a_b", false},
        {"[x]", "a", false},   {"", "a", false},      {" ", " x", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct aps_str name = aps_str(rows[i].name), declared = aps_str(rows[i].declared);
        char *buf = test_malloc(name.n + declared.n + 1);

        if (aps_variable_is_other_name(name, declared, buf) != rows[i].other)
            fail_msg("%s and %s", rows[i].name, rows[i].declared);
        test_free(buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_become_variables),
        cmocka_unit_test(another_name_of_a_parameter_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
