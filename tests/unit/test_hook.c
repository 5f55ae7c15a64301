#include "t_token.h"

#include "apisec/hook.h"

static struct aps_hook own(void)
{
    return (struct aps_hook){
        .name = APS_STR_LIT("mine"),
        .spec = {.scheme = APS_WEBHOOK_SCHEME_HMAC,
                 .window = APS_MINUTE,
                 .signature_field = "X-Sig",
                 .time_field = "X-Time",
                 .prefix = APS_STR_LIT("v1="),
                 .base64 = true},
    };
}

static void want(const struct aps_hook *hook, enum aps_err err, const char *text)
{
    struct aps_diag diag = {{0}};
    assert_int_equal(aps_hook_check(hook, &diag), err);
    if (text != NULL && strstr(diag.text, text) == NULL)
        print_error("%s\n", diag.text);
    assert_true(text == NULL || strstr(diag.text, text) != NULL);
}

#define WANT(change, err, text)                                                                    \
    do {                                                                                           \
        struct aps_hook h = own();                                                                 \
        change;                                                                                    \
        want(&h, err, text);                                                                       \
    } while (0)

/* WHK-05 */
static void definitions_are_checked(void **state)
{
    (void)state;
    WANT((void)0, APS_OK, NULL);
    WANT(h.name = APS_STR_LIT("a/b"), APS_ERR_FORMAT, "webhook name \"a/b\"");
    WANT(h.spec.scheme = APS_WEBHOOK_SCHEME_NONE, APS_ERR_FORMAT, "without a scheme");
    WANT(h.spec.window = 0, APS_ERR_RANGE, "window of 0 ms");
    WANT(h.spec.window = APS_SEC, APS_OK, NULL);
    WANT(h.spec.window = APS_HOOK_WINDOW_MAX, APS_OK, NULL);
    WANT(h.spec.window = APS_HOOK_WINDOW_MAX + APS_SEC, APS_ERR_RANGE, "window");
    WANT(h.spec.window = APS_SEC + 1, APS_ERR_RANGE, "window");
    WANT(h.spec.signature_field = NULL, APS_ERR_FORMAT, "field of the signature");
    WANT(h.spec.signature_field = "a b", APS_ERR_FORMAT, "field of the signature \"a b\"");
    WANT(h.spec.time_field = "a:", APS_ERR_FORMAT, "field of the time \"a:\"");
    WANT(h.spec.time_field = NULL, APS_OK, NULL);
    WANT(h.spec.prefix = APS_STR_LIT("v 1="), APS_ERR_FORMAT, "prefix \"v 1=\"");
    WANT(h.spec.scheme = APS_WEBHOOK_SCHEME_GITHUB, APS_ERR_FORMAT, "scheme github");
    WANT(h.spec = ((struct aps_webhook_spec){.scheme = APS_WEBHOOK_SCHEME_SLACK,
                                             .window = APS_WEBHOOK_WINDOW}),
         APS_OK, NULL);
}

static void records_come_back(void **state)
{
    struct aps_hook hook = own(), back;
    struct aps_str text = aps_hook_print(t_pool, &hook);
    (void)state;
    assert_string_equal(text.p, "{\"scheme\":\"hmac\",\"window\":60,\"signature_field\":\"X-Sig\","
                                "\"time_field\":\"X-Time\",\"prefix\":\"v1=\",\"base64\":true}");
    assert_int_equal(aps_hook_read(text, t_pool, &back, NULL), APS_OK);
    assert_true(aps_str_eq(aps_hook_print(t_pool, &back), text));
    assert_int_equal(
        aps_hook_read(APS_STR_LIT("{\"scheme\":\"github\",\"window\":1}"), t_pool, &back, NULL),
        APS_OK);
    assert_null(back.spec.time_field);
    for (size_t i = 0; i < 4; i++) {
        static const char *const bad[] = {"{}", "{\"scheme\":\"none\"}", "{\"scheme\":\"x\"}",
                                          "{\"scheme\":\"github\",\"more\":1}"};
        assert_int_equal(aps_hook_read(aps_str(bad[i]), t_pool, &back, NULL), APS_ERR_CORRUPT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(definitions_are_checked),
        cmocka_unit_test(records_come_back),
    };
    return cmocka_run_group_tests(tests, t_pool_setup, t_pool_teardown);
}
