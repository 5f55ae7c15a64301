#include "t.h"

#include "apisec/sign.h"
#include "t_keys.h"

/* What it signs is verified in test_verify.c; here is what it refuses, and what is the same each
 * time: RFC 8032 7.1 test 1 and RFC 4231 4.2. */
static void known_answers(void **state)
{
    static const char pem[] = "-----BEGIN PRIVATE KEY-----\n"
                              "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
                              "-----END PRIVATE KEY-----\n";
    struct aps_sign_key *key = NULL;
    uint8_t want[64], out[APS_SIGN_MAX];
    size_t n = 0;

    (void)state;
    assert_int_equal(aps_sign_pem(APS_ALG_ED25519, APS_STR_LIT(pem), &key, NULL), APS_OK);
    assert_int_equal(aps_sign(key, APS_STR_LIT(""), out, &n), APS_OK);
    assert_int_equal(n, t_hex("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
                              "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
                              want));
    assert_memory_equal(out, want, n);
    aps_sign_free(key);
    assert_int_equal(aps_sign_secret(APS_ALG_HS512,
                                     APS_STR_LIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                                                 "aaaaaaaaaaaaaaaa"),
                                     &key, NULL),
                     APS_OK);
    assert_int_equal(aps_sign(key, APS_STR_LIT("x"), out, &n), APS_OK);
    assert_int_equal(n, 64);
    aps_sign_free(key);
    aps_sign_free(NULL);
}

static void what_is_no_key_for_the_algorithm_is_refused(void **state)
{
    static const struct {
        enum aps_alg alg;
        const char *pem;
    } cases[] = {
        {APS_ALG_ES256, ""},
        {APS_ALG_ES256, t_public_p256},
        {APS_ALG_ES256, t_private_encrypted},
        {APS_ALG_ES256, t_private_p384},
        {APS_ALG_ES256, t_private_rsa},
        {APS_ALG_RS256, t_private_rsa_pss},
        {APS_ALG_RS256, t_private_p256},
        {APS_ALG_HS256, t_private_p256},
        {APS_ALG_NONE, t_private_p256},
        {APS_ALG_ED25519, t_private_ed448},
    };
    struct aps_sign_key *key = NULL;
    struct aps_diag diag;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        diag.text[0] = '\0';
        assert_int_equal(aps_sign_pem(cases[i].alg, aps_str(cases[i].pem), &key, &diag),
                         APS_ERR_FORMAT);
        assert_string_not_equal(diag.text, "");
    }
    assert_int_equal(aps_sign_secret(APS_ALG_HS256, APS_STR_LIT("short"), &key, &diag),
                     APS_ERR_RANGE);
    assert_string_equal(diag.text, "secret of 5 bytes: HS256 wants 32 to 16384");
    assert_int_equal(aps_sign_secret(APS_ALG_HS256, aps_str(t_private_rsa), &key, NULL),
                     APS_ERR_FORMAT);
    assert_null(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(what_is_no_key_for_the_algorithm_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
