#include "t_token.h"

#include "apisec/challenge.h"

static const enum aps_alg algs[] = {APS_ALG_ES256, APS_ALG_ED25519};

static void expect(const struct aps_challenge *c, const char *first, const char *second)
{
    const char *out[APS_CHALLENGE_MAX] = {NULL, NULL};
    size_t n = aps_challenge(t_pool, c, out);

    assert_int_equal(n, (first != NULL) + (second != NULL));
    if (first != NULL)
        assert_string_equal(out[0], first);
    if (second != NULL)
        assert_string_equal(out[1], second);
}

/* JWT-22: without a token no error; with one the code alone, whatever was wrong. */
static void errors(void **state)
{
    struct aps_challenge c = {.bearer = true};

    (void)state;
    expect(&c, "Bearer", NULL);
    c.realm = APS_STR_LIT("api");
    expect(&c, "Bearer realm=\"api\"", NULL);
    for (unsigned v = 0; v < APS_TOKEN_COUNT; v++) {
        const char *error = aps_token_error((enum aps_token)v);

        c.verdict = (enum aps_token)v;
        expect(&c,
               error == NULL ? "Bearer realm=\"api\""
                             : apr_psprintf(t_pool, "Bearer realm=\"api\", error=\"%s\"", error),
               NULL);
    }
    c.bearer = false;
    expect(&c, NULL, NULL);
}

/* JWT-21, JWT-24, JWT-25 */
static void what_is_wanted(void **state)
{
    struct aps_challenge c = {.verdict = APS_TOKEN_SCOPE,
                              .bearer = true,
                              .scope = APS_STR_LIT("orders:read orders:write"),
                              .acr_values = APS_STR_LIT("gold silver"),
                              .max_age = 300 * APS_SEC,
                              .resource_metadata = APS_STR_LIT("https://api.example/x")};

    (void)state;
    expect(&c,
           "Bearer error=\"insufficient_scope\", scope=\"orders:read orders:write\", "
           "resource_metadata=\"https://api.example/x\"",
           NULL);
    c.verdict = APS_TOKEN_STEP_UP;
    expect(&c,
           "Bearer error=\"insufficient_user_authentication\", acr_values=\"gold silver\", "
           "max_age=\"300\", resource_metadata=\"https://api.example/x\"",
           NULL);
    c.max_age = 0;
    c.acr_values.p = NULL;
    expect(&c,
           "Bearer error=\"insufficient_user_authentication\", "
           "resource_metadata=\"https://api.example/x\"",
           NULL);
    c.verdict = APS_TOKEN_EXPIRED;
    expect(&c, "Bearer error=\"invalid_token\", resource_metadata=\"https://api.example/x\"", NULL);
}

/* DPOP-08, DPOP-09 */
static void two_schemes(void **state)
{
    struct aps_challenge c = {.verdict = APS_TOKEN_PROOF_NONCE,
                              .bearer = true,
                              .dpop = true,
                              .by_dpop = true,
                              .algs = algs,
                              .nalgs = 2};

    (void)state;
    expect(&c, "Bearer", "DPoP error=\"use_dpop_nonce\", algs=\"ES256 Ed25519\"");
    c.verdict = APS_TOKEN_EXPIRED;
    c.by_dpop = false;
    expect(&c, "Bearer error=\"invalid_token\"", "DPoP algs=\"ES256 Ed25519\"");
    c.verdict = APS_TOKEN_UNDECIDED;
    expect(&c, "Bearer", "DPoP algs=\"ES256 Ed25519\"");
    c.bearer = false;
    c.nalgs = 0;
    expect(&c, "DPoP", NULL);
}

static void texts_are_quoted(void **state)
{
    static const struct {
        const char *realm, *want;
    } cases[] = {
        {"a \"b\" \\c", "Bearer realm=\"a \\\"b\\\" \\\\c\""},
        {"", "Bearer realm=\"\""},
        {"a\r\nX: y", "Bearer"},
        {"a\x7f", "Bearer"},
        {"\xc3\xa9", "Bearer"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aps_challenge c = {.bearer = true, .realm = aps_str(cases[i].realm)};

        expect(&c, cases[i].want, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors),
        cmocka_unit_test(what_is_wanted),
        cmocka_unit_test(two_schemes),
        cmocka_unit_test(texts_are_quoted),
    };

    return cmocka_run_group_tests(tests, t_pool_setup, t_pool_teardown);
}
