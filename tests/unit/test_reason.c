#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "apisec/reason.h"

/* The header of a loop over all verdicts. */
#define EACH(reason)                                                                               \
    enum aps_reason reason = 0;                                                                    \
    reason < APS_REASON_COUNT;                                                                     \
    reason++

/* What clients and log readers rely on, apart from the table. */
static const struct {
    enum aps_reason reason;
    int status;
    const char *token;
    const char *event;
    enum aps_severity severity;
} cases[] = {
    {APS_REASON_UNDECIDED, 503, "undecided", "sys_crash", APS_SEVERITY_CRITICAL},
    {APS_REASON_ALLOW, 200, "allow", "authz_allow", APS_SEVERITY_INFO},
    {APS_REASON_CREDENTIAL_MISSING, 401, "credential_missing", "authn_login_fail",
     APS_SEVERITY_INFO},
    {APS_REASON_CREDENTIAL_MULTIPLE, 400, "credential_multiple", "authn_login_fail",
     APS_SEVERITY_WARN},
    {APS_REASON_KEY_REVOKED, 401, "key_revoked", "authn_token_reuse", APS_SEVERITY_CRITICAL},
    {APS_REASON_GRANT_MISSING, 403, "grant_missing", "authz_fail", APS_SEVERITY_WARN},
    {APS_REASON_METHOD_NOT_GRANTED, 405, "method_not_granted", "authz_fail", APS_SEVERITY_WARN},
    {APS_REASON_RATE_EXCEEDED, 429, "rate_exceeded", "excess_rate_limit_exceeded",
     APS_SEVERITY_WARN},
    {APS_REASON_STORE_DOWN, 503, "store_down", "sys_crash", APS_SEVERITY_CRITICAL},
    {APS_REASON_COUNT, 503, "undecided", "sys_crash", APS_SEVERITY_CRITICAL},
    {(enum aps_reason) - 1, 503, "undecided", "sys_crash", APS_SEVERITY_CRITICAL},
};

/* KEY-13, LIM-15 */
static void rows_say_what_clients_rely_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(aps_reason_status(cases[i].reason), cases[i].status);
        assert_string_equal(aps_reason_token(cases[i].reason), cases[i].token);
        assert_string_equal(aps_reason_event(cases[i].reason), cases[i].event);
        assert_int_equal(aps_reason_severity(cases[i].reason), cases[i].severity);
    }
}

/* AZ-01: nothing but ALLOW and PUBLIC lets a request through, and a pass alone has status 200. */
static void only_two_verdicts_pass(void **state)
{
    enum aps_reason zeroed;
    int passes = 0;

    (void)state;
    memset(&zeroed, 0, sizeof zeroed);
    assert_false(aps_reason_is_pass(zeroed));
    assert_false(aps_reason_is_pass(APS_REASON_COUNT));
    for (EACH(reason)) {
        passes += aps_reason_is_pass(reason);
        assert_int_equal(aps_reason_is_pass(reason), aps_reason_status(reason) == 200);
        if (aps_reason_is_answer(reason))
            assert_int_equal(aps_reason_status(reason), 204);
        else if (!aps_reason_is_pass(reason))
            assert_in_range(aps_reason_status(reason), 400, 599);
    }
    assert_int_equal(passes, 2);
}

static void tokens_are_distinct_words(void **state)
{
    (void)state;
    for (EACH(reason)) {
        const char *token = aps_reason_token(reason);

        assert_int_equal(strspn(token, "abcdefghijklmnopqrstuvwxyz_"), strlen(token));
        assert_true(strlen(aps_reason_text(reason)) > 10);
        assert_int_equal(strspn(aps_reason_event(reason), "abcdefghijklmnopqrstuvwxyz_"),
                         strlen(aps_reason_event(reason)));
        for (enum aps_reason other = APS_REASON_UNDECIDED; other < reason; other++)
            assert_string_not_equal(token, aps_reason_token(other));
    }
}

/* A 401 that asks who has a good token for more. */
static bool asks_for_more(enum aps_reason reason)
{
    return reason == APS_REASON_TOKEN_STEP_UP || reason == APS_REASON_TOKEN_PROOF_NONCE;
}

/* KEY-15, LIM-12: each 401 is charged to the source, a verified caller's 403 is not. */
static void each_401_is_a_failed_authentication(void **state)
{
    (void)state;
    for (EACH(reason)) {
        if (aps_reason_status(reason) == 401)
            assert_int_equal(aps_reason_is_authn_failure(reason), !asks_for_more(reason));
        if (aps_reason_status(reason) == 403 || aps_reason_status(reason) >= 429 ||
            aps_reason_is_pass(reason))
            assert_false(aps_reason_is_authn_failure(reason));
    }
    assert_true(aps_reason_is_authn_failure(APS_REASON_CREDENTIAL_MULTIPLE));
    assert_true(aps_reason_is_authn_failure(APS_REASON_CREDENTIAL_MALFORMED));
    assert_false(aps_reason_is_authn_failure(APS_REASON_AUTHN_RATE));
    assert_false(aps_reason_is_authn_failure(APS_REASON_PATH_AMBIGUOUS));
    assert_false(aps_reason_is_authn_failure(APS_REASON_COUNT));
}

/* LIM-15, LIM-18: whoever reads the type knows whether to slow down, to come again, or neither. */
static void problems_have_a_type_where_it_tells_the_client_something(void **state)
{
    static const struct {
        enum aps_reason reason;
        const char *type;
    } table[] = {
        {APS_REASON_AUTHN_RATE, "abnormal-usage-detected"},
        {APS_REASON_DECOY_RATE, "abnormal-usage-detected"},
        {APS_REASON_RATE_EXCEEDED, "quota-exceeded"},
        {APS_REASON_CLIENT_GONE, "quota-exceeded"},
        {APS_REASON_STATE_MOVED, "temporary-reduced-capacity"},
        {APS_REASON_SLOTS_FULL, "temporary-reduced-capacity"},
        {APS_REASON_SERVER_STOPS, "temporary-reduced-capacity"},
    };
    size_t typed = 0;

    (void)state;
    for (EACH(reason))
        typed += aps_reason_problem(reason) != NULL;
    assert_int_equal(typed, sizeof table / sizeof *table);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *type = aps_reason_problem(table[i].reason);

        assert_non_null(type);
        assert_string_equal(strchr(type, '#') + 1, table[i].type);
        assert_true(type == strstr(type, "https://iana.org/assignments/http-problem-types#"));
    }
}

static void severities_have_names(void **state)
{
    (void)state;
    assert_string_equal(aps_reason_severity_name(APS_SEVERITY_INFO), "info");
    assert_string_equal(aps_reason_severity_name(APS_SEVERITY_WARN), "warn");
    assert_string_equal(aps_reason_severity_name(APS_SEVERITY_CRITICAL), "critical");
    assert_string_equal(aps_reason_severity_name((enum aps_severity)77), "critical");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_say_what_clients_rely_on),
        cmocka_unit_test(only_two_verdicts_pass),
        cmocka_unit_test(tokens_are_distinct_words),
        cmocka_unit_test(each_401_is_a_failed_authentication),
        cmocka_unit_test(problems_have_a_type_where_it_tells_the_client_something),
        cmocka_unit_test(severities_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
