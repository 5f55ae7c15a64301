#include "t.h"

#include <stdlib.h>

#include "apisec/target.h"

/* DPOP-03: RFC 3986 6.2.2 and 6.2.3, and what is refused. */
static void each_uri_has_one_form(void **state)
{
    static const struct {
        const char *uri, *want; /* NULL: refused */
    } cases[] = {
        {"https://a.example/x", "https://a.example/x"},
        {"HTTPS://A.Example/X", "https://a.example/X"},
        {"https://a.example", "https://a.example/"},
        {"https://a.example?x=/y", "https://a.example/"},
        {"https://a.example#x", "https://a.example/"},
        {"https://a.example/x?y#z", "https://a.example/x"},
        {"https://a.example/x#y?z", "https://a.example/x"},
        {"https://a.example:443/x", "https://a.example/x"},
        {"https://a.example:0443/x", "https://a.example/x"},
        {"https://a.example:/x", "https://a.example/x"},
        {"https://a.example:80/x", "https://a.example:80/x"},
        {"http://a.example:80/x", "http://a.example/x"},
        {"http://a.example:443/x", "http://a.example:443/x"},
        {"http://a.example:8080", "http://a.example:8080/"},
        {"http://127.0.0.1:65535/", "http://127.0.0.1:65535/"},
        {"http://[::1]:80/", "http://[::1]/"},
        {"http://[2001:DB8::A]/", "http://[2001:db8::a]/"},
        {"https://a.example/%7Efoo/%2a%e9", "https://a.example/~foo/%2A%E9"},
        {"https://a.example/a%2Fb", "https://a.example/a%2Fb"},
        {"https://a.example/a%2fb", "https://a.example/a%2Fb"},
        {"https://a.example/%25%37%45", "https://a.example/%257E"},
        {"https://a.example/a/b/c/./../../g", "https://a.example/a/g"},
        {"https://a.example/a/./b/.", "https://a.example/a/b/"},
        {"https://a.example/a/b/..", "https://a.example/a/"},
        {"https://a.example/../../x", "https://a.example/x"},
        {"https://a.example/..", "https://a.example/"},
        {"https://a.example/.", "https://a.example/"},
        {"https://a.example/a/%2e%2E/b", "https://a.example/b"},
        {"https://a.example/...", "https://a.example/..."},
        {"https://a.example/.a/..b/c.", "https://a.example/.a/..b/c."},
        {"https://a.example//x//", "https://a.example//x//"},
        {"https://a.example/a//../x", "https://a.example/a/x"},
        {"https://a.example/x;y=1,2/$&'()*+@:!", "https://a.example/x;y=1,2/$&'()*+@:!"},
        {"", NULL},
        {"/x", NULL},
        {"a.example/x", NULL},
        {"//a.example/x", NULL},
        {"ftp://a.example/x", NULL},
        {"https:/a.example/x", NULL},
        {"https:a.example", NULL},
        {"https://", NULL},
        {"https:///x", NULL},
        {"https://?x", NULL},
        {"https://:443/x", NULL},
        {"https://user@a.example/x", NULL},
        {"https://user:1@a.example/x", NULL},
        {"https://a.example:x/", NULL},
        {"https://a.example:65536/", NULL},
        {"https://a.example:0/", NULL},
        {"https://a.example:-1/", NULL},
        {"https://a.example:99999999999999999999/", NULL},
        {"https://::1/", NULL},
        {"https://[::1/", NULL},
        {"https://[]/", NULL},
        {"https://[x]/", NULL},
        {"https://[::1]x/", NULL},
        {"https://a%2eexample/", NULL},
        {"https://a example/", NULL},
        {"https://a.example/%", NULL},
        {"https://a.example/%a", NULL},
        {"https://a.example/%ag", NULL},
        {"https://a.example/ x", NULL},
        {"https://a.example/x\\y", NULL},
        {"https://a.example/<x>", NULL},
        {"https://a.example/\xc3\xa9", NULL},
        {"https://\xc3\xa9.example/", NULL},
        {" https://a.example/", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aps_str uri = aps_str(cases[i].uri), out, again;
        char *buf = malloc(uri.n + 1), *second;

        assert_non_null(buf);
        assert_int_equal(aps_target_normalize(uri, buf, &out), cases[i].want != NULL);
        if (cases[i].want != NULL) {
            assert_int_equal(out.n, strlen(cases[i].want));
            assert_memory_equal(out.p, cases[i].want, out.n);
            second = malloc(out.n + 1);
            assert_non_null(second);
            assert_true(aps_target_normalize(out, second, &again));
            assert_true(aps_str_eq(out, again));
            free(second);
        }
        free(buf);
    }
}

static void nul_and_length(void **state)
{
    static char uri[APS_TARGET_MAX + 1], buf[APS_TARGET_MAX + 2];
    struct aps_str out;

    (void)state;
    assert_false(aps_target_normalize(APS_STR_LIT("https://a.example/\0x"), buf, &out));
    assert_false(aps_target_normalize(APS_STR_LIT("https://a.example\0/x"), buf, &out));
    memset(uri, 'x', sizeof uri);
    memcpy(uri, "https://a/", 10);
    assert_true(aps_target_normalize((struct aps_str){uri, APS_TARGET_MAX}, buf, &out));
    assert_int_equal(out.n, APS_TARGET_MAX);
    assert_false(aps_target_normalize((struct aps_str){uri, APS_TARGET_MAX + 1}, buf, &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_uri_has_one_form),
        cmocka_unit_test(nul_and_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
