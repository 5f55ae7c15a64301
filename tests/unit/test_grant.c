#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <apr_general.h>
#include <apisec/role.h>

static apr_pool_t *pool;

static enum aps_err parse(const char *text, struct aps_grant *out, struct aps_diag *diag)
{
    diag->text[0] = '\0';
    return aps_grant_parse(pool, aps_str(text), false, out, diag);
}

static void assert_text(struct aps_str got, const char *want)
{
    assert_int_equal(got.n, strlen(want));
    assert_memory_equal(got.p, want, got.n);
}

/* AZ-02: HEAD follows GET, whatever was written. */
static void path_grants_are_read(void **state)
{
    static const struct {
        const char *text, *canonical;
        unsigned methods;
    } rows[] = {
        {"GET /orders", "GET /orders", APS_METHOD_GET | APS_METHOD_HEAD},
        {"GET,HEAD /orders/**", "GET,HEAD /orders/**", APS_METHOD_GET | APS_METHOD_HEAD},
        {"HEAD,GET /orders/**", "GET,HEAD /orders/**", APS_METHOD_GET | APS_METHOD_HEAD},
        {"HEAD /orders", "HEAD /orders", APS_METHOD_HEAD},
        {"* /", "* /", APS_METHOD_ALL},
        {"POST,POST /a", "POST /a", APS_METHOD_POST},
        {"  OPTIONS,PUT \t /a  ", "PUT,OPTIONS /a", APS_METHOD_PUT | APS_METHOD_OPTIONS},
        {"DELETE,PATCH,POST /a/*/b", "POST,PATCH,DELETE /a/*/b",
         APS_METHOD_DELETE | APS_METHOD_PATCH | APS_METHOD_POST},
    };
    struct aps_diag diag;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct aps_grant g;
        assert_int_equal(parse(rows[i].text, &g, &diag), APS_OK);
        assert_int_equal(g.methods, rows[i].methods);
        assert_text(g.text, rows[i].canonical);
        assert_non_null(g.pattern);
        assert_false(g.deny);
        /* What was printed is read the same. */
        struct aps_grant again;
        assert_int_equal(aps_grant_parse(pool, g.text, true, &again, &diag), APS_OK);
        assert_true(aps_str_eq(again.text, g.text));
        assert_int_equal(again.methods, g.methods);
        assert_true(again.deny);
    }
}

static void permissions_are_read(void **state)
{
    static const struct {
        const char *text, *resource, *action;
    } rows[] = {
        {"orders:read", "orders", "read"}, {"orders:*", "orders", "*"},     {"*:*", "*", "*"},
        {"*:read", "*", "read"},           {" a.b-c_1:x ", "a.b-c_1", "x"},
    };
    struct aps_diag diag;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct aps_grant g;
        assert_int_equal(parse(rows[i].text, &g, &diag), APS_OK);
        assert_int_equal(g.methods, 0);
        assert_null(g.pattern);
        assert_text(g.resource, rows[i].resource);
        assert_text(g.action, rows[i].action);
    }
}

/* The sentence names the word that is wrong and what is accepted; the output stays untouched. */
static void wrong_grants_are_refused(void **state)
{
    static const struct {
        const char *text, *named, *accepted;
    } rows[] = {
        {"", "\"\"", "METHODS PATH-PATTERN"},
        {"   ", "\"", "METHODS PATH-PATTERN"},
        {"GET", "\"GET\"", "METHODS PATH-PATTERN"},
        {"/orders", "\"/orders\"", "METHODS PATH-PATTERN"},
        {"get /orders", "\"get\"", "PATCH"},
        {"GET,FETCH /orders", "\"FETCH\"", "PATCH"},
        {"GET,*,POST /orders", "\"*\"", "PATCH"},
        {"GET, /orders", "\"GET,\"", "PATCH"},
        {",GET /orders", "\"\"", "PATCH"},
        {"GET,,POST /orders", "\"\"", "PATCH"},
        {"GET\t/orders", "\"GET?/orders\"", "METHODS PATH-PATTERN"},
        {"GET, POST /orders", "\"GET,\"", "PATCH"},
        {":read", "\":read\"", "RESOURCE:ACTION"},
        {"orders:", "\"orders:\"", "RESOURCE:ACTION"},
        {":", "\":\"", "RESOURCE:ACTION"},
        {"a:b:c", "\"a:b:c\"", "RESOURCE:ACTION"},
        {"or*:read", "\"or*:read\"", "RESOURCE:ACTION"},
        {"orders:**", "\"orders:**\"", "RESOURCE:ACTION"},
    };
    struct aps_diag diag;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct aps_grant g = {.methods = 77};
        assert_int_equal(parse(rows[i].text, &g, &diag), APS_ERR_FORMAT);
        assert_int_equal(g.methods, 77);
        assert_non_null(strstr(diag.text, rows[i].named));
        assert_non_null(strstr(diag.text, rows[i].accepted));
    }
    struct aps_grant g;
    assert_int_equal(parse("GET orders", &g, &diag), APS_ERR_FORMAT);
    assert_int_equal(parse("GET /a/../b", &g, &diag), APS_ERR_FORMAT);
    assert_int_equal(parse("GET /a/**/b", &g, &diag), APS_ERR_FORMAT);
    assert_int_equal(aps_grant_parse(pool, aps_str("GET orders"), false, &g, NULL), APS_ERR_FORMAT);
}

static void length_is_bounded(void **state)
{
    char text[APS_GRANT_TEXT_MAX + 2];
    struct aps_diag diag;
    struct aps_grant g;
    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text, "GET /", 5);
    text[4 + APS_PATTERN_MAX] = '\0';
    assert_int_equal(parse(text, &g, &diag), APS_OK);
    text[4 + APS_PATTERN_MAX] = 'a';
    text[4 + APS_PATTERN_MAX + 1] = '\0';
    assert_int_equal(parse(text, &g, &diag), APS_ERR_RANGE);
    text[4 + APS_PATTERN_MAX + 1] = 'a';
    text[APS_GRANT_TEXT_MAX + 1] = '\0';
    assert_int_equal(parse(text, &g, &diag), APS_ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_grants_are_read),
        cmocka_unit_test(permissions_are_read),
        cmocka_unit_test(wrong_grants_are_refused),
        cmocka_unit_test(length_is_bounded),
    };
    apr_initialize();
    apr_pool_create(&pool, NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_pool_destroy(pool);
    apr_terminate();
    return failed;
}
