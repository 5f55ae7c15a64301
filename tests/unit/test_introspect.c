#include "t_token.h"

#include "apisec/introspect.h"

#define NOW (1700000000 * APS_SEC)

static const struct aps_str audience = {"api", 3};
static const struct aps_claims_policy strict = {.iss = {"i", 1},
                                                .audiences = &audience,
                                                .naudiences = 1,
                                                .rules = &aps_claimrule_scope,
                                                .nrules = 1};

static enum aps_token judge_with(const struct aps_claims_policy *policy, const char *body,
                                 struct aps_claims *out)
{
    struct aps_jsonread *r = apr_palloc(t_pool, sizeof *r);
    struct aps_claims ignored;

    return aps_introspect(aps_str(body), policy, NOW, t_hash_key, t_pool, r,
                          out != NULL ? out : &ignored, NULL);
}

/* JWT-19: a boolean, and nothing that looks like one. */
static void only_true_is_active(void **state)
{
    static const struct {
        const char *body;
        enum aps_token want;
    } cases[] = {
        {"{\"active\":true,\"aud\":\"api\",\"sub\":\"s\"}", APS_TOKEN_OK},
        {"{\"active\":false}", APS_TOKEN_INACTIVE},
        {"{\"active\":false,\"aud\":\"api\",\"sub\":\"s\"}", APS_TOKEN_INACTIVE},
        {"{\"active\":\"true\",\"aud\":\"api\",\"sub\":\"s\"}", APS_TOKEN_ANSWER},
        {"{\"active\":1,\"aud\":\"api\",\"sub\":\"s\"}", APS_TOKEN_ANSWER},
        {"{\"active\":null,\"aud\":\"api\",\"sub\":\"s\"}", APS_TOKEN_ANSWER},
        {"{\"Active\":true,\"aud\":\"api\",\"sub\":\"s\"}", APS_TOKEN_ANSWER},
        {"{\"active\":false,\"active\":true}", APS_TOKEN_ANSWER},
        {"[{\"active\":true}]", APS_TOKEN_ANSWER},
        {"true", APS_TOKEN_ANSWER},
        {"{}", APS_TOKEN_ANSWER},
        {"", APS_TOKEN_ANSWER},
        {"<html>", APS_TOKEN_ANSWER},
        {"{\"error\":\"invalid_client\"}", APS_TOKEN_ANSWER},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(judge_with(&strict, cases[i].body, NULL), cases[i].want);
}

/* JWT-19: iss, aud, exp, scope and cnf are asked again; iss and exp may be missing. */
static void claims_are_asked_again(void **state)
{
    static const struct {
        const char *members;
        enum aps_token want;
    } cases[] = {
        {"\"iss\":\"i\",\"exp\":1700000001,\"scope\":\"a b\"", APS_TOKEN_OK},
        {"\"iss\":\"j\"", APS_TOKEN_ISSUER},
        {"\"exp\":1700000000", APS_TOKEN_EXPIRED},
        {"\"exp\":\"1700000001\"", APS_TOKEN_CLAIMS},
        {"\"nbf\":1700000001", APS_TOKEN_NOT_YET},
        {"\"scope\":{}", APS_TOKEN_CLAIMS},
        {"\"cnf\":{\"jkt\":\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\"}",
         APS_TOKEN_CONFIRMATION},
    };
    struct aps_claims c;
    struct aps_claims_policy loose = strict;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(
            judge_with(&strict,
                       apr_pstrcat(t_pool, "{\"active\":true,\"aud\":\"api\",\"sub\":\"s\",",
                                   cases[i].members, "}", NULL),
                       NULL),
            cases[i].want);
    assert_int_equal(judge_with(&strict, "{\"active\":true,\"sub\":\"s\",\"scope\":\"a\"}", NULL),
                     APS_TOKEN_AUDIENCE);
    assert_int_equal(judge_with(&strict, "{\"active\":true,\"aud\":\"api\"}", NULL),
                     APS_TOKEN_CLAIM_MISSING);
    loose.aud_may_miss = true;
    loose.max_life = 60 * APS_SEC;
    assert_int_equal(judge_with(&loose, "{\"active\":true,\"sub\":\"s\",\"scope\":\"a\"}", &c),
                     APS_TOKEN_OK);
    assert_int_equal(c.exp, -1);
    assert_int_equal(c.scopes.n, 1);
    assert_int_equal(aps_claims_until(&c, 30 * APS_SEC, NOW), NOW + 30 * APS_SEC);
    assert_int_equal(judge_with(&loose, "{\"active\":true,\"sub\":\"s\",\"aud\":\"x\"}", NULL),
                     APS_TOKEN_AUDIENCE);
}

static void an_answer_has_bounds(void **state)
{
    (void)state;
    for (int n = -1; n <= 1; n++)
        assert_int_equal(
            judge_with(&strict,
                       apr_psprintf(t_pool, "%*s", APS_INTROSPECT_MAX + n, "{\"active\":false}"),
                       NULL),
            n <= 0 ? APS_TOKEN_INACTIVE : APS_TOKEN_ANSWER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_true_is_active),
        cmocka_unit_test(claims_are_asked_again),
        cmocka_unit_test(an_answer_has_bounds),
    };

    return cmocka_run_group_tests(tests, t_pool_setup, t_pool_teardown);
}
