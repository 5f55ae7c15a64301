#include "t.h"

#include "apisec/alg.h"

/* Names as RFC 7518 3.1, RFC 8037 3.1, RFC 9864 2.2 and RFC 9421 6.2.2 have them.  JWT-28 */
static void each_name_is_one_algorithm(void **state)
{
    static const struct {
        enum aps_alg alg;
        const char *jose, *httpsig;
    } cases[] = {
        {APS_ALG_HS256, "HS256", "hmac-sha256"},
        {APS_ALG_HS384, "HS384", NULL},
        {APS_ALG_HS512, "HS512", NULL},
        {APS_ALG_RS256, "RS256", "rsa-v1_5-sha256"},
        {APS_ALG_RS384, "RS384", NULL},
        {APS_ALG_RS512, "RS512", NULL},
        {APS_ALG_PS256, "PS256", NULL},
        {APS_ALG_PS384, "PS384", NULL},
        {APS_ALG_PS512, "PS512", "rsa-pss-sha512"},
        {APS_ALG_ES256, "ES256", "ecdsa-p256-sha256"},
        {APS_ALG_ES384, "ES384", "ecdsa-p384-sha384"},
        {APS_ALG_ES512, "ES512", NULL},
        {APS_ALG_ED25519, "Ed25519", "ed25519"},
        {APS_ALG_ED448, "Ed448", NULL},
        {APS_ALG_EDDSA, "EdDSA", NULL},
    };

    (void)state;
    assert_int_equal(sizeof cases / sizeof *cases, APS_ALG_COUNT - 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(aps_alg_from_jose(aps_str(cases[i].jose)), cases[i].alg);
        assert_string_equal(aps_alg_jose(cases[i].alg), cases[i].jose);
        if (cases[i].httpsig == NULL) {
            assert_null(aps_alg_httpsig(cases[i].alg));
            continue;
        }
        assert_int_equal(aps_alg_from_httpsig(aps_str(cases[i].httpsig)), cases[i].alg);
        assert_string_equal(aps_alg_httpsig(cases[i].alg), cases[i].httpsig);
    }
}

/* JWT-02 */
static void none_and_other_spellings_are_no_algorithm(void **state)
{
    static const char *const names[] = {"none",   "None",   "nOnE",    "NONE",  "",       "hs256",
                                        "Hs256",  "ES521",  "ED25519", "eddsa", "ES256K", "RSA1_5",
                                        "HS256 ", " HS256", "HS2567",  "HS25"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(aps_alg_from_jose(aps_str(names[i])), APS_ALG_NONE);
        assert_int_equal(aps_alg_from_httpsig(aps_str(names[i])), APS_ALG_NONE);
    }
    assert_int_equal(aps_alg_from_jose(APS_STR_LIT("HS256\0")), APS_ALG_NONE);
    assert_int_equal(aps_alg_from_httpsig(APS_STR_LIT("HS256")), APS_ALG_NONE);
    assert_int_equal(aps_alg_from_jose(APS_STR_LIT("ed25519")), APS_ALG_NONE);
}

/* JWT-03 */
static void an_algorithm_fits_one_kind_of_key(void **state)
{
    (void)state;
    for (unsigned alg = 0; alg < APS_ALG_COUNT + 1; alg++) {
        unsigned fits = 0;

        for (unsigned kind = APS_ALG_KEY_NONE; kind <= APS_ALG_KEY_EDWARDS; kind++)
            fits += aps_alg_fits((enum aps_alg)alg, (enum aps_alg_key)kind);
        if (alg == APS_ALG_NONE || alg == APS_ALG_COUNT)
            assert_int_equal(fits, 0);
        else
            assert_int_equal(fits, alg == APS_ALG_EDDSA ? 2 : 1);
    }
    assert_true(aps_alg_fits(APS_ALG_EDDSA, APS_ALG_KEY_ED448));
    assert_false(aps_alg_fits(APS_ALG_HS256, APS_ALG_KEY_RSA));
    assert_false(aps_alg_fits(APS_ALG_ES256, APS_ALG_KEY_P384));
    assert_false(aps_alg_fits(APS_ALG_ED25519, APS_ALG_KEY_ED448));
}

static void lengths_of_hashes(void **state)
{
    (void)state;
    assert_int_equal(aps_alg_hash_len(aps_alg_hash(APS_ALG_PS256)), 32);
    assert_int_equal(aps_alg_hash_len(aps_alg_hash(APS_ALG_ES384)), 48);
    assert_int_equal(aps_alg_hash_len(aps_alg_hash(APS_ALG_HS512)), 64);
    assert_int_equal(aps_alg_hash_len(aps_alg_hash(APS_ALG_ED448)), 0);
    assert_int_equal(aps_alg_hash_len((enum aps_alg_hash)99), 0);
    assert_string_equal(aps_alg_key_name(APS_ALG_KEY_P521), "P-521");
    assert_string_equal(aps_alg_key_name((enum aps_alg_key)99), "no key");
    assert_string_equal(aps_alg_jose(APS_ALG_COUNT), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_name_is_one_algorithm),
        cmocka_unit_test(none_and_other_spellings_are_no_algorithm),
        cmocka_unit_test(an_algorithm_fits_one_kind_of_key),
        cmocka_unit_test(lengths_of_hashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
