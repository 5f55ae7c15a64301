#include "t_token.h"

#include "apisec/claims.h"

#define NOW (1700000000 * APS_SEC)

static const struct aps_str audiences[] = {{"https://api.example", 19}, {"api", 3}};
static const struct aps_claims_policy plain = {
    .iss = {"https://issuer.example", 22},
    .audiences = audiences,
    .naudiences = 2,
    .leeway = 30 * APS_SEC,
    .rules = &aps_claimrule_scope,
    .nrules = 1,
};

#define ISS "\"iss\":\"https://issuer.example\""
#define AUD "\"aud\":\"api\""
#define SUB "\"sub\":\"alice\""
#define EXP "\"exp\":1700000600"
#define BASE ISS "," AUD "," SUB "," EXP

static enum aps_token judge_at(const struct aps_claims_policy *policy, const char *members,
                               aps_nsec now, struct aps_claims *out, struct aps_diag *diag)
{
    struct aps_jsonread *r = apr_palloc(t_pool, sizeof *r); /* what `out` borrows */

    aps_jsonread_init(r, t_pool, t_hash_key);
    assert_int_equal(aps_jsonread(r, aps_str(apr_pstrcat(t_pool, "{", members, "}", NULL)),
                                  &aps_jsonread_strict),
                     APS_JSONREAD_OK);
    return aps_claims(r, aps_jsonread_root(r), policy, now, t_pool, out, NULL, diag);
}

static enum aps_token judge_with(const struct aps_claims_policy *policy, const char *members)
{
    struct aps_claims claims;
    struct aps_diag diag = {{0}};
    enum aps_token verdict = judge_at(policy, members, NOW, &claims, &diag);

    assert_int_equal(diag.text[0] == '\0', verdict == APS_TOKEN_OK);
    return verdict;
}

static enum aps_token judge(const char *members)
{
    return judge_with(&plain, members);
}

struct one {
    const char *members;
    enum aps_token want;
};

static void judge_all(const struct one *cases, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(judge(cases[i].members), cases[i].want);
}

#define JUDGE_ALL(cases) judge_all(cases, sizeof(cases) / sizeof *(cases))

/* JWT-16 */
static void who_calls(void **state)
{
    struct aps_claims c;

    (void)state;
    assert_int_equal(judge_at(&plain,
                              BASE
                              ",\"client_id\":\"app\",\"jti\":\"j\",\"scope\":\"a b\",\"email\":"
                              "\"root@example\",\"preferred_username\":\"admin\"",
                              NOW, &c, NULL),
                     APS_TOKEN_OK);
    assert_true(aps_str_eq(c.iss, plain.iss));
    assert_true(aps_str_eq(c.sub, APS_STR_LIT("alice")));
    assert_true(aps_str_eq(c.client_id, APS_STR_LIT("app")));
    assert_true(aps_str_eq(c.jti, APS_STR_LIT("j")));
    assert_false(c.is_client);
    assert_int_equal(c.exp, NOW + 600 * APS_SEC);
    assert_int_equal(c.iat, -1);
    assert_int_equal(c.scopes.n, 2);
    assert_int_equal(c.roles.n, 0);
    assert_int_equal(judge_at(&plain, BASE ",\"azp\":\"alice\"", NOW, &c, NULL), APS_TOKEN_OK);
    assert_true(c.is_client);
    assert_int_equal(judge_at(&plain, ISS "," AUD "," EXP ",\"client_id\":\"app\"", NOW, &c, NULL),
                     APS_TOKEN_OK);
    assert_true(c.is_client);
    assert_null(c.sub.p);
    assert_int_equal(judge(ISS "," AUD "," EXP), APS_TOKEN_CLAIM_MISSING);
    assert_int_equal(judge(ISS "," AUD "," EXP ",\"email\":\"a@b\""), APS_TOKEN_CLAIM_MISSING);
}

/* JWT-11 */
static void an_issuer_is_compared_exactly(void **state)
{
    static const struct one cases[] = {
        {BASE, APS_TOKEN_OK},
        {AUD "," SUB "," EXP, APS_TOKEN_ISSUER},
        {AUD "," SUB "," EXP ",\"iss\":\"https://issuer.example/\"", APS_TOKEN_ISSUER},
        {AUD "," SUB "," EXP ",\"iss\":\"https://Issuer.example\"", APS_TOKEN_ISSUER},
        {AUD "," SUB "," EXP ",\"iss\":\"https://issuer.exampl\"", APS_TOKEN_ISSUER},
        {AUD "," SUB "," EXP ",\"iss\":\"\"", APS_TOKEN_CLAIMS},
        {AUD "," SUB "," EXP ",\"iss\":[\"https://issuer.example\"]", APS_TOKEN_CLAIMS},
        {AUD "," SUB "," EXP ",\"iss\":null", APS_TOKEN_CLAIMS},
    };

    (void)state;
    JUDGE_ALL(cases);
}

/* JWT-12 */
static void an_audience_is_one_exact_match(void **state)
{
    static const struct one cases[] = {
        {ISS "," SUB "," EXP, APS_TOKEN_AUDIENCE},
        {ISS "," SUB "," EXP ",\"aud\":\"https://api.example\"", APS_TOKEN_OK},
        {ISS "," SUB "," EXP ",\"aud\":[\"x\",\"api\"]", APS_TOKEN_OK},
        {ISS "," SUB "," EXP ",\"aud\":\"API\"", APS_TOKEN_AUDIENCE},
        {ISS "," SUB "," EXP ",\"aud\":\"api \"", APS_TOKEN_AUDIENCE},
        {ISS "," SUB "," EXP ",\"aud\":\"\"", APS_TOKEN_AUDIENCE},
        {ISS "," SUB "," EXP ",\"aud\":\"https://api.example/\"", APS_TOKEN_AUDIENCE},
        {ISS "," SUB "," EXP ",\"aud\":[]", APS_TOKEN_AUDIENCE},
        {ISS "," SUB "," EXP ",\"aud\":[\"x\"]", APS_TOKEN_AUDIENCE},
        {ISS "," SUB "," EXP ",\"aud\":[\"api\",7]", APS_TOKEN_AUDIENCE},
        {ISS "," SUB "," EXP ",\"aud\":[[\"api\"]]", APS_TOKEN_AUDIENCE},
        {ISS "," SUB "," EXP ",\"aud\":{\"api\":true}", APS_TOKEN_AUDIENCE},
        {ISS "," SUB "," EXP ",\"aud\":true", APS_TOKEN_AUDIENCE},
        {ISS "," SUB "," EXP ",\"aud\":null", APS_TOKEN_AUDIENCE},
    };

    (void)state;
    JUDGE_ALL(cases);
}

/* JWT-13: at, just before and just after each bound, with a leeway of 30 s. */
static void times(void **state)
{
    static const struct one cases[] = {
        {ISS "," AUD "," SUB, APS_TOKEN_CLAIM_MISSING},
        {ISS "," AUD "," SUB ",\"exp\":1699999971", APS_TOKEN_OK},
        {ISS "," AUD "," SUB ",\"exp\":1699999970", APS_TOKEN_EXPIRED},
        {ISS "," AUD "," SUB ",\"exp\":1699999970.5", APS_TOKEN_OK},
        {ISS "," AUD "," SUB ",\"exp\":1699999969.999", APS_TOKEN_EXPIRED},
        {ISS "," AUD "," SUB ",\"exp\":0", APS_TOKEN_EXPIRED},
        {BASE ",\"nbf\":1700000030", APS_TOKEN_OK},
        {BASE ",\"nbf\":1700000031", APS_TOKEN_NOT_YET},
        {BASE ",\"nbf\":1700000030.001", APS_TOKEN_NOT_YET},
        {BASE ",\"iat\":1700000030", APS_TOKEN_OK},
        {BASE ",\"iat\":1700000031", APS_TOKEN_FROM_FUTURE},
        {BASE ",\"iat\":0", APS_TOKEN_OK},
    };

    (void)state;
    JUDGE_ALL(cases);
}

/* JWT-13 */
static void a_time_is_a_number_in_a_sane_range(void **state)
{
    static const char *const names[] = {"exp", "nbf", "iat", "auth_time"};
    static const struct {
        const char *value;
        bool good;
    } cases[] = {
        {"1699999999", true},
        {"1.699999999e9", true},
        {"16999999990e-1", true},
        {"1699999999.0", true},
        {"1699999999.123456789", true},
        {"1699999999.1234567891", true},
        {"8589934592", true},
        {"8589934593", false},
        {"-1", false},
        {"-0", false},
        {"-1.5", false},
        {"1e300", false},
        {"1.6999999995e9", false},
        {"1.69999999955e9", false},
        {"\"1699999999\"", false},
        {"null", false},
        {"true", false},
        {"[]", false},
        {"99999999999999999999999999", false},
    };

    (void)state;
    for (size_t n = 0; n < 4; n++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            const char *members = apr_pstrcat(t_pool, ISS "," AUD "," SUB ",\"", names[n],
                                              "\":", cases[i].value, n != 0 ? "," EXP : "", NULL);

            assert_int_equal(judge(members) != APS_TOKEN_CLAIMS, cases[i].good);
        }
}

/* JWT-13 */
static void ages_and_lives(void **state)
{
    struct aps_claims_policy p = plain;

    (void)state;
    p.max_age = 100 * APS_SEC;
    assert_int_equal(judge_with(&p, BASE), APS_TOKEN_CLAIM_MISSING);
    assert_int_equal(judge_with(&p, BASE ",\"iat\":1699999870"), APS_TOKEN_OK);
    assert_int_equal(judge_with(&p, BASE ",\"iat\":1699999869"), APS_TOKEN_TOO_OLD);
    p.max_age = 0;
    p.max_life = 700 * APS_SEC;
    assert_int_equal(judge_with(&p, BASE), APS_TOKEN_OK);
    assert_int_equal(judge_with(&p, BASE ",\"iat\":1699999900"), APS_TOKEN_OK);
    assert_int_equal(judge_with(&p, BASE ",\"iat\":1699999899"), APS_TOKEN_TOO_LONG_LIVED);
    p.max_life = 599 * APS_SEC;
    assert_int_equal(judge_with(&p, BASE), APS_TOKEN_TOO_LONG_LIVED);
}

/* JWT-15 */
static void the_profile_of_rfc_9068(void **state)
{
    static const char *const members[] = {
        ISS, AUD, SUB, EXP, "\"client_id\":\"app\"", "\"iat\":1699999999", "\"jti\":\"j\""};
    static const enum aps_token missing[] = {APS_TOKEN_ISSUER,        APS_TOKEN_AUDIENCE,
                                             APS_TOKEN_CLAIM_MISSING, APS_TOKEN_CLAIM_MISSING,
                                             APS_TOKEN_CLAIM_MISSING, APS_TOKEN_CLAIM_MISSING,
                                             APS_TOKEN_CLAIM_MISSING};
    struct aps_claims_policy p = plain;

    (void)state;
    p.profile = true;
    for (size_t left = 0; left <= 7; left++) {
        const char *text = "\"x\":1";

        for (size_t i = 0; i < 7; i++)
            if (i != left)
                text = apr_pstrcat(t_pool, text, ",", members[i], NULL);
        assert_int_equal(judge_with(&p, text), left == 7 ? APS_TOKEN_OK : missing[left]);
    }
    assert_int_equal(judge_with(&p, BASE ",\"azp\":\"app\",\"iat\":1699999999,\"jti\":\"j\""),
                     APS_TOKEN_CLAIM_MISSING);
}

static void further_claims_are_needed(void **state)
{
    static const struct aps_str tenant[] = {{"tenant", 6}}, deep[] = {{"a", 1}, {"b", 1}};
    static const struct aps_claims_need needs[] = {{tenant, 1, {"blue", 4}}, {deep, 2, {NULL, 0}}};
    struct aps_claims_policy p = plain;
    static const struct one cases[] = {
        {BASE, APS_TOKEN_CLAIM_MISSING},
        {BASE ",\"tenant\":\"blue\"", APS_TOKEN_CLAIM_MISSING},
        {BASE ",\"tenant\":\"blue\",\"a\":{\"b\":0}", APS_TOKEN_OK},
        {BASE ",\"tenant\":[\"red\",\"blue\"],\"a\":{\"b\":[]}", APS_TOKEN_OK},
        {BASE ",\"tenant\":\"Blue\",\"a\":{\"b\":0}", APS_TOKEN_CLAIM_MISSING},
        {BASE ",\"tenant\":{\"blue\":1},\"a\":{\"b\":0}", APS_TOKEN_CLAIM_MISSING},
        {BASE ",\"tenant\":\"blue\",\"a\":{\"b\":null}", APS_TOKEN_CLAIM_MISSING},
        {BASE ",\"tenant\":\"blue\",\"a\":[\"b\"]", APS_TOKEN_CLAIM_MISSING},
    };

    (void)state;
    p.needs = needs;
    p.nneeds = 2;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(judge_with(&p, cases[i].members), cases[i].want);
}

/* JWT-27 */
static void a_confirmation_is_checked_or_refused(void **state)
{
    static const char jkt[] =
        BASE ",\"cnf\":{\"jkt\":\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\"}";
    static const char x5t[] =
        BASE ",\"cnf\":{\"x5t#S256\":\"A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0\"}";
    static const char *const bad[] = {
        BASE ",\"cnf\":{\"jkt\":\"\"}",
        BASE ",\"cnf\":{\"jkt\":7}",
        BASE ",\"cnf\":{\"jkt\":\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4J\"}",
        BASE ",\"cnf\":{\"jkt\":\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4\"}",
        BASE ",\"cnf\":{\"jkt\":\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4IA\"}",
        BASE ",\"cnf\":[]",
        BASE ",\"cnf\":\"jkt\"",
        BASE ",\"cnf\":null",
    };
    struct aps_claims_policy p = plain;
    struct aps_claims c;

    (void)state;
    assert_int_equal(judge(jkt), APS_TOKEN_CONFIRMATION);
    assert_int_equal(judge(x5t), APS_TOKEN_CONFIRMATION);
    p.checks_jkt = true;
    assert_int_equal(judge_at(&p, jkt, NOW, &c, NULL), APS_TOKEN_OK);
    assert_true(c.has_jkt && !c.has_x5t);
    assert_string_equal(t_b64(c.jkt, sizeof c.jkt), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    assert_int_equal(judge_with(&p, x5t), APS_TOKEN_CONFIRMATION);
    assert_int_equal(judge_with(&p, BASE ",\"cnf\":{\"jkt\":"
                                         "\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\","
                                         "\"x5t#S256\":"
                                         "\"A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0\"}"),
                     APS_TOKEN_CONFIRMATION);
    p.checks_x5t = true;
    assert_int_equal(judge_at(&p, x5t, NOW, &c, NULL), APS_TOKEN_OK);
    assert_true(c.has_x5t && !c.has_jkt);
    assert_int_equal(judge_with(&p, BASE ",\"cnf\":{}"), APS_TOKEN_CONFIRMATION);
    assert_int_equal(judge_with(&p, BASE ",\"cnf\":{\"kid\":\"x\",\"jwk\":{},\"JKT\":\"\"}"),
                     APS_TOKEN_CONFIRMATION);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(judge_with(&p, bad[i]), APS_TOKEN_CLAIMS);
}

/* At, below and above the cap; each text that is read. */
static void texts_are_short_strings(void **state)
{
    static const char *const names[] = {"client_id", "jti", "acr", "azp"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        for (int n = 1023; n <= 1025; n++)
            assert_int_equal(judge(apr_psprintf(t_pool, BASE ",\"%s\":\"%0*d\"", names[i], n, 0)),
                             n <= 1024 ? APS_TOKEN_OK : APS_TOKEN_CLAIMS);
        assert_int_equal(judge(apr_psprintf(t_pool, BASE ",\"%s\":\"\"", names[i])),
                         APS_TOKEN_CLAIMS);
        assert_int_equal(judge(apr_psprintf(t_pool, BASE ",\"%s\":1", names[i])), APS_TOKEN_CLAIMS);
    }
    assert_int_equal(judge(ISS "," AUD "," EXP ",\"sub\":[\"alice\"]"), APS_TOKEN_CLAIMS);
    assert_int_equal(judge(BASE ",\"amr\":\"pwd\""), APS_TOKEN_CLAIMS);
    assert_int_equal(judge(BASE ",\"amr\":[1]"), APS_TOKEN_CLAIMS);
    assert_int_equal(judge(BASE ",\"amr\":[]"), APS_TOKEN_OK);
}

static void roles_and_scopes_come_from_rules(void **state)
{
    (void)state;
    assert_int_equal(judge(BASE ",\"scope\":{}"), APS_TOKEN_CLAIMS);
    assert_int_equal(judge(BASE ",\"roles\":[\"admin\"],\"groups\":[\"admin\"]"), APS_TOKEN_OK);
}

/* JWT-21 */
static void a_scope_is_had_as_a_whole(void **state)
{
    static const struct aps_str wanted[] = {{"b", 1}, {"a", 1}, {"orders", 6}};
    struct aps_claims c;

    (void)state;
    assert_int_equal(judge_at(&plain, BASE ",\"scope\":\"a b orders:read\"", NOW, &c, NULL),
                     APS_TOKEN_OK);
    assert_true(aps_claims_has_scopes(&c, wanted, 2));
    assert_true(aps_claims_has_scopes(&c, wanted, 0));
    assert_false(aps_claims_has_scopes(&c, wanted, 3));
    assert_int_equal(judge_at(&plain, BASE, NOW, &c, NULL), APS_TOKEN_OK);
    assert_false(aps_claims_has_scopes(&c, wanted, 1));
}

/* JWT-25 */
static void a_login_is_strong_and_fresh(void **state)
{
    static const struct aps_str acr[] = {{"gold", 4}, {"silver", 6}};
    static const struct aps_str amr[] = {{"pwd", 3}, {"otp", 3}};
    const struct aps_claims_login strong = {acr, 2, amr, 2, 0},
                                  fresh = {NULL, 0, NULL, 0, 300 * APS_SEC},
                                  nothing = {NULL, 0, NULL, 0, 0};
    static const struct {
        const char *members;
        bool strong, fresh;
    } cases[] = {
        {BASE, false, false},
        {BASE ",\"acr\":\"silver\",\"amr\":[\"otp\",\"pwd\",\"x\"]", true, false},
        {BASE ",\"acr\":\"bronze\",\"amr\":[\"otp\",\"pwd\"]", false, false},
        {BASE ",\"acr\":\"gold\",\"amr\":[\"pwd\"]", false, false},
        {BASE ",\"amr\":[\"otp\",\"pwd\"]", false, false},
        {BASE ",\"auth_time\":1699999700", false, true},
        {BASE ",\"auth_time\":1699999670", false, true},
        {BASE ",\"auth_time\":1699999669", false, false},
        {BASE ",\"auth_time\":1700000030", false, true},
        {BASE ",\"auth_time\":1700000031", false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aps_claims c;

        assert_int_equal(judge_at(&plain, cases[i].members, NOW, &c, NULL), APS_TOKEN_OK);
        assert_int_equal(aps_claims_login(&c, &strong, plain.leeway, NOW),
                         cases[i].strong ? APS_TOKEN_OK : APS_TOKEN_STEP_UP);
        assert_int_equal(aps_claims_login(&c, &fresh, plain.leeway, NOW),
                         cases[i].fresh ? APS_TOKEN_OK : APS_TOKEN_STEP_UP);
        assert_int_equal(aps_claims_login(&c, &nothing, plain.leeway, NOW), APS_TOKEN_OK);
    }
}

/* JWT-26 */
static void a_token_is_remembered_until_it_ends(void **state)
{
    struct aps_claims c;

    (void)state;
    assert_int_equal(judge_at(&plain, BASE, NOW, &c, NULL), APS_TOKEN_OK);
    assert_int_equal(aps_claims_until(&c, 60 * APS_SEC, NOW), NOW + 60 * APS_SEC);
    assert_int_equal(aps_claims_until(&c, 600 * APS_SEC, NOW), NOW + 600 * APS_SEC);
    assert_int_equal(aps_claims_until(&c, 601 * APS_SEC, NOW), NOW + 600 * APS_SEC);
    c.exp = -1;
    assert_int_equal(aps_claims_until(&c, 60 * APS_SEC, NOW), NOW + 60 * APS_SEC);
}

/* JWT-20 */
static void a_token_has_one_id(void **state)
{
    uint8_t a[APS_DIGEST_LEN], b[APS_DIGEST_LEN], c[APS_DIGEST_LEN];

    (void)state;
    assert_int_equal(aps_claims_id(APS_STR_LIT("ab"), APS_STR_LIT("c"), a), APS_OK);
    assert_int_equal(aps_claims_id(APS_STR_LIT("a"), APS_STR_LIT("bc"), b), APS_OK);
    assert_int_equal(aps_claims_id(APS_STR_LIT("ab"), APS_STR_LIT("c"), c), APS_OK);
    assert_memory_not_equal(a, b, sizeof a);
    assert_memory_equal(a, c, sizeof a);
}

static void a_trace_has_every_check(void **state)
{
    struct aps_claims_trace trace;
    struct aps_claims c;
    struct aps_jsonread r;
    struct aps_diag diag;
    size_t failed = 0;

    (void)state;
    aps_jsonread_init(&r, t_pool, t_hash_key);
    assert_int_equal(
        aps_jsonread(&r, APS_STR_LIT("{" ISS ",\"aud\":\"x\",\"exp\":1}"), &aps_jsonread_strict),
        APS_JSONREAD_OK);
    assert_int_equal(aps_claims(&r, aps_jsonread_root(&r), &plain, NOW, t_pool, &c, &trace, &diag),
                     APS_TOKEN_AUDIENCE);
    assert_string_equal(diag.text, "aud \"x\": want \"https://api.example\"");
    assert_int_equal(trace.n, 11);
    for (size_t i = 0; i < trace.n; i++) {
        bool fails = trace.steps[i].check == APS_TOKEN_AUDIENCE ||
                     trace.steps[i].check == APS_TOKEN_EXPIRED ||
                     trace.steps[i].check == APS_TOKEN_CLAIM_MISSING;

        assert_int_equal(trace.steps[i].verdict, fails ? trace.steps[i].check : APS_TOKEN_OK);
        assert_int_equal(trace.steps[i].diag.text[0] != '\0', fails);
        failed += fails;
    }
    assert_int_equal(failed, 3);
}

static void what_is_no_object(void **state)
{
    struct aps_claims c;
    struct aps_jsonread r;

    (void)state;
    aps_jsonread_init(&r, t_pool, t_hash_key);
    assert_int_equal(aps_jsonread(&r, APS_STR_LIT("[]"), &aps_jsonread_strict), APS_JSONREAD_OK);
    assert_int_equal(aps_claims(&r, aps_jsonread_root(&r), &plain, NOW, t_pool, &c, NULL, NULL),
                     APS_TOKEN_CLAIMS);
    assert_int_equal(aps_claims(&r, NULL, &plain, NOW, t_pool, &c, NULL, NULL), APS_TOKEN_CLAIMS);
}

static void times_are_told_in_seconds(void **state)
{
    static const struct {
        const char *members, *text;
    } cases[] = {
        {ISS "," AUD "," SUB ",\"exp\":1699999900", "exp is 100 s ago"},
        {BASE ",\"nbf\":1700000100", "nbf is 100 s ahead"},
        {BASE ",\"iat\":1700000100", "iat is 100 s ahead"},
    };
    struct aps_claims c;
    struct aps_diag diag;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)judge_at(&plain, cases[i].members, NOW, &c, &diag); /* the sentence is asked for */
        assert_string_equal(diag.text, cases[i].text);
    }
}

static void a_policy_is_whole(void **state)
{
    struct aps_claims_policy p = plain;
    struct aps_diag diag;

    (void)state;
    assert_int_equal(aps_claims_policy_check(&p, NULL), APS_OK);
    p.leeway = 120 * APS_SEC;
    assert_int_equal(aps_claims_policy_check(&p, NULL), APS_OK);
    p.leeway++;
    assert_int_equal(aps_claims_policy_check(&p, &diag), APS_ERR_RANGE);
    assert_string_equal(diag.text,
                        "issuer \"https://issuer.example\", leeway of 120 s: want 0 to 120 s");
    p.leeway = -1;
    assert_int_equal(aps_claims_policy_check(&p, NULL), APS_ERR_RANGE);
    p = plain;
    p.iss.n = 0;
    assert_int_equal(aps_claims_policy_check(&p, NULL), APS_ERR_RANGE);
    p = plain;
    p.naudiences = 0;
    assert_int_equal(aps_claims_policy_check(&p, NULL), APS_ERR_RANGE);
    p = plain;
    p.max_age = -1;
    assert_int_equal(aps_claims_policy_check(&p, NULL), APS_ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_calls),
        cmocka_unit_test(an_issuer_is_compared_exactly),
        cmocka_unit_test(an_audience_is_one_exact_match),
        cmocka_unit_test(times),
        cmocka_unit_test(a_time_is_a_number_in_a_sane_range),
        cmocka_unit_test(ages_and_lives),
        cmocka_unit_test(the_profile_of_rfc_9068),
        cmocka_unit_test(further_claims_are_needed),
        cmocka_unit_test(a_confirmation_is_checked_or_refused),
        cmocka_unit_test(texts_are_short_strings),
        cmocka_unit_test(roles_and_scopes_come_from_rules),
        cmocka_unit_test(a_scope_is_had_as_a_whole),
        cmocka_unit_test(a_login_is_strong_and_fresh),
        cmocka_unit_test(a_token_is_remembered_until_it_ends),
        cmocka_unit_test(a_token_has_one_id),
        cmocka_unit_test(a_trace_has_every_check),
        cmocka_unit_test(what_is_no_object),
        cmocka_unit_test(times_are_told_in_seconds),
        cmocka_unit_test(a_policy_is_whole),
    };

    return cmocka_run_group_tests(tests, t_pool_setup, t_pool_teardown);
}
