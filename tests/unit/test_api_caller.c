#include "t.h"

#include "apisec/api_caller.h"
#include "t_pool.h"

static const struct aps_str reader[] = {APS_STR_LIT("reader")}, orders[] = {APS_STR_LIT("orders")};

#define NEED(kind, list, n)                                                                        \
    {                                                                                              \
        APS_STR_LIT("s"), kind, APS_STR_LIT("n"), list, n                                          \
    }

static const struct aps_api_need needs[] = {
    NEED(APS_API_KEY_HEADER, NULL, 0),  NEED(APS_API_HTTP_BASIC, reader, 1),
    NEED(APS_API_HTTP_BEARER, NULL, 0), NEED(APS_API_OAUTH2, orders, 1),
    NEED(APS_API_OPENID, NULL, 0),      NEED(APS_API_MUTUAL_TLS, NULL, 0),
    NEED(APS_API_KEY_QUERY, NULL, 0),   NEED(APS_API_MUTUAL_TLS, reader, 1),
};

static const struct aps_api_way ways[] = {
    {&needs[0], 1}, {&needs[1], 1}, {&needs[2], 1}, {&needs[3], 1},
    {&needs[4], 1}, {&needs[5], 1}, {&needs[6], 2},
};

/* What each alternative says of a caller: of his kind first, then of scopes by OAuth, else of
 * roles.
 */
static void kind_then_list(void **state)
{
    const struct aps_key none = {.nroles = 0};
    const struct aps_key all = {.roles = reader, .nroles = 1, .scopes = orders, .nscopes = 1};
    const struct aps_api_caller key = {.key = &none}, token = {.key = &all, .token = true},
                                shown = {.key = &all, .certificate = true};
    static const enum aps_reason of_key[] = {APS_REASON_ALLOW,       APS_REASON_ROLE_MISSING,
                                             APS_REASON_ALLOW,       APS_REASON_SCOPE_MISSING,
                                             APS_REASON_ALLOW,       APS_REASON_API_SECURITY,
                                             APS_REASON_API_SECURITY},
                                 of_token[] = {APS_REASON_API_SECURITY, APS_REASON_API_SECURITY,
                                               APS_REASON_ALLOW,        APS_REASON_ALLOW,
                                               APS_REASON_ALLOW,        APS_REASON_API_SECURITY,
                                               APS_REASON_API_SECURITY};

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        assert_int_equal(aps_api_caller_way(&ways[i], &key), of_key[i]);
        assert_int_equal(aps_api_caller_way(&ways[i], &token), of_token[i]);
        assert_int_equal(aps_api_caller_way(&ways[i], &shown), APS_REASON_ALLOW);
    }
}

/* One alternative is enough; who holds to none is told what the first of his kind lacks. */
static void one_alternative_is_enough(void **state)
{
    const struct aps_api_way nobody = {NULL, 0};
    const struct aps_key none = {.nroles = 0};
    const struct aps_api_caller caller = {.key = &none};
    struct aps_api_operation o = {.security = &ways[5], .security_n = 2};
    const struct aps_api_way some[] = {ways[5], ways[3], ways[1]}, open[] = {ways[3], nobody};

    (void)state;
    assert_false(aps_api_caller_is_any(&o));
    assert_int_equal(aps_api_caller(&o, &caller), APS_REASON_API_SECURITY);
    o.security = some;
    o.security_n = 3;
    assert_int_equal(aps_api_caller(&o, &caller), APS_REASON_SCOPE_MISSING);
    o.security = ways;
    assert_int_equal(aps_api_caller(&o, &caller), APS_REASON_ALLOW);
    o.security = open;
    o.security_n = 2;
    assert_true(aps_api_caller_is_any(&o));
    assert_int_equal(aps_api_caller(&o, &caller), APS_REASON_ALLOW);
    o.security_n = 0;
    assert_true(aps_api_caller_is_any(&o));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(kind_then_list),
        t_pool_test(one_alternative_is_enough),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
