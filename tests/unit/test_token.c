#include "t.h"

#include "apisec/token.h"

/* JWT-22: what the client is told; the texts never are. */
static void each_verdict_has_a_status_and_an_error(void **state)
{
    (void)state;
    for (unsigned v = 0; v < APS_TOKEN_COUNT; v++) {
        int status = aps_token_status((enum aps_token)v);
        const char *error = aps_token_error((enum aps_token)v);

        assert_string_not_equal(aps_token_word((enum aps_token)v), "");
        assert_string_not_equal(aps_token_text((enum aps_token)v), "");
        if (v == APS_TOKEN_OK || status == 503)
            assert_null(error);
        else
            assert_non_null(error);
        assert_true(status == 200 || status == 400 || status == 401 || status == 403 ||
                    status == 503);
        assert_int_equal(status == 200, v == APS_TOKEN_OK);
        for (unsigned w = 0; w < v; w++)
            assert_string_not_equal(aps_token_word((enum aps_token)v),
                                    aps_token_word((enum aps_token)w));
    }
    assert_string_equal(aps_token_error(APS_TOKEN_EXPIRED), "invalid_token");
    assert_string_equal(aps_token_error(APS_TOKEN_SCOPE), "insufficient_scope");
    assert_int_equal(aps_token_status(APS_TOKEN_SCOPE), 403);
    assert_string_equal(aps_token_error(APS_TOKEN_PROOF_MULTIPLE), "invalid_request");
    assert_int_equal(aps_token_status(APS_TOKEN_PROOF_MULTIPLE), 400);
    assert_string_equal(aps_token_error(APS_TOKEN_PROOF_NONCE), "use_dpop_nonce");
    assert_string_equal(aps_token_error(APS_TOKEN_STEP_UP), "insufficient_user_authentication");
}

static void zero_and_other_values_are_undecided(void **state)
{
    (void)state;
    assert_int_equal(APS_TOKEN_UNDECIDED, 0);
    assert_int_equal(aps_token_status(APS_TOKEN_UNDECIDED), 503);
    assert_string_equal(aps_token_word(APS_TOKEN_COUNT), "token_undecided");
    assert_string_equal(aps_token_word((enum aps_token) - 1), "token_undecided");
}

/* JWT-22: the log's word, the status and the text are those of the verdict on the request. */
static void each_verdict_is_one_on_the_request(void **state)
{
    (void)state;
    for (unsigned v = APS_TOKEN_INTERNAL + 1; v < APS_TOKEN_COUNT; v++) {
        enum aps_token verdict = (enum aps_token)v;
        enum aps_reason reason = aps_token_reason(verdict);

        assert_int_equal(aps_reason_status(reason), aps_token_status(verdict));
        assert_string_equal(aps_reason_token(reason), aps_token_word(verdict));
        assert_string_equal(aps_reason_text(reason), aps_token_text(verdict));
        assert_int_equal(aps_token_of(reason), verdict);
    }
    assert_int_equal(aps_token_reason(APS_TOKEN_OK), APS_REASON_ALLOW);
    assert_int_equal(aps_token_reason(APS_TOKEN_UNDECIDED), APS_REASON_UNDECIDED);
    assert_int_equal(aps_token_reason(APS_TOKEN_INTERNAL), APS_REASON_INTERNAL);
    assert_int_equal(aps_token_reason(APS_TOKEN_COUNT), APS_REASON_UNDECIDED);
    assert_int_equal(aps_token_of(APS_REASON_ALLOW), APS_TOKEN_UNDECIDED);
    assert_int_equal(aps_token_of(APS_REASON_KEY_WRONG), APS_TOKEN_UNDECIDED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_verdict_has_a_status_and_an_error),
        cmocka_unit_test(zero_and_other_values_are_undecided),
        cmocka_unit_test(each_verdict_is_one_on_the_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
