#include "t.h"

#include "apisec/query.h"

/* AZ-03: every spelling that some framework reads as _method. */
static void method_in_a_query_is_found(void **state)
{
    static const char *const found[] = {
        "_method=DELETE",
        "_method",
        "_method=",
        "a=b&_method=DELETE",
        "a=b;_method=DELETE",
        "&&_method=x",
        "a&_method",
        "_METHOD=x",
        "_Method=x",
        ".method=x",
        "[method=x",
        "%5fmethod=x",
        "%5Fmethod=x",
        "_m%65thod=x",
        "%5f%6d%65%74%68%6f%64",
        "+_method=x",
        "%20%20_method=x",
        " _method=x",
        "_method[]=x",
        "_method%5b%5d=x",
        "_method[a]",
        "_method%00=x",
        "_method%00more=x",
        "a=_&b=1&%5Fmethod=x&c",
    };
    (void)state;
    for (size_t i = 0; i < sizeof found / sizeof *found; i++)
        assert_true(aps_query_has_method(aps_str(found[i])));
}

static void other_queries_pass(void **state)
{
    static const char *const passed[] = {
        "",
        "a",
        "&",
        "=",
        "=_method",
        "a=_method",
        "a=b=_method",
        "method=x",
        "__method=x",
        "_methods=x",
        "_metho=d",
        "_metho",
        "_",
        "x_method=x",
        "_method_=x",
        "_method.x=y",
        "%255fmethod=x", /* decoded once */
        "%5method=x",
        "%_method=x",
        "_m%65",
        "_method%",
        "_method%0",
        "a+_method=x",
        "%",
        "+",
        "%5",
        "_met=hod",
    };
    (void)state;
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
        assert_false(aps_query_has_method(aps_str(passed[i])));
}

/* What follows the query is not looked at: each text ends where its bytes do. */
static void bytes_behind_the_end_do_not_count(void **state)
{
    static const char text[] = "_method%5f";
    (void)state;
    for (size_t n = 0; n <= sizeof text - 1; n++) {
        char *copy = test_malloc(n + 1);
        memcpy(copy, text, n);
        assert_int_equal(aps_query_has_method((struct aps_str){copy, n}), n == 7);
        test_free(copy);
    }
}

/* JWT-23 */
static void a_token_in_a_query_is_found(void **state)
{
    static const struct {
        const char *query;
        bool found;
    } rows[] = {
        {"access_token=abc", true}, {"a=1&access_token=abc", true}, {"a=1;ACCESS_TOKEN", true},
        {"access%5Ftoken=x", true}, {"%61ccess_token=x", true},     {"access.token=x", true},
        {"access+token=x", true},   {"access[token=x", true},       {"access_token[]=x", true},
        {"+access_token=x", true},  {"access_token%00=x", true},    {"", false},
        {"token=abc", false},       {"access_tokens=abc", false},   {"xaccess_token=abc", false},
        {"a=access_token", false},  {"a=1&accesstoken=x", false},   {"access__token=x", false},
        {"_access_token=x", false}, {"access_token_type=x", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(aps_query_has_access_token(aps_str(rows[i].query)), rows[i].found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(method_in_a_query_is_found),
        cmocka_unit_test(other_queries_pass),
        cmocka_unit_test(bytes_behind_the_end_do_not_count),
        cmocka_unit_test(a_token_in_a_query_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
