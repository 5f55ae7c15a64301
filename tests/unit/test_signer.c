#include "t_token.h"

#include "apisec/signer.h"

static void keyids_are_plain(void **state)
{
    char text[APS_SIGNER_KEYID_MAX + 1];
    (void)state;
    memset(text, 'a', sizeof text);
    assert_true(aps_signer_is_keyid((struct aps_str){text, APS_SIGNER_KEYID_MAX}));
    assert_false(aps_signer_is_keyid((struct aps_str){text, APS_SIGNER_KEYID_MAX + 1}));
    assert_true(aps_signer_is_keyid(APS_STR_LIT("https://a/key#1'")));
    for (size_t i = 0; i < 6; i++) {
        static const char *const bad[] = {"", "a b", "a\"", "a\\", "a\n", "\xc3\xa4"};
        assert_false(aps_signer_is_keyid(aps_str(bad[i])));
    }
}

/* SIG-03: the one algorithm that it was stored with. */
static void what_was_stored_verifies(void **state)
{
    const struct aps_str text = APS_STR_LIT("x");
    struct aps_signer signer = {.alg = APS_ALG_ES256};
    struct aps_secret secret = {(unsigned char *)(uintptr_t)T_SECRET, sizeof T_SECRET - 1};
    struct aps_verify_key *key = NULL;
    struct aps_sign_key *sign = NULL;
    uint8_t sig[APS_SIGN_MAX];
    size_t n = 0;
    (void)state;
    assert_int_equal(aps_verify_pem(APS_ALG_ES256, aps_str(t_public_p256), &key, NULL), APS_OK);
    assert_int_equal(aps_verify_spki(key, t_pool, &signer.public), APS_OK);
    aps_verify_free(key);
    assert_int_equal(aps_signer_verifier(&signer, NULL, &key, NULL), APS_OK);
    assert_int_equal(aps_sign_pem(APS_ALG_ES256, aps_str(t_private_p256), &sign, NULL), APS_OK);
    assert_int_equal(aps_sign(sign, text, sig, &n), APS_OK);
    assert_int_equal(aps_verify(key, text, (struct aps_str){(char *)sig, n}), APS_OK);
    aps_sign_free(sign);
    aps_verify_free(key);
    signer.alg = APS_ALG_RS256;
    assert_int_not_equal(aps_signer_verifier(&signer, NULL, &key, NULL), APS_OK);
    signer.alg = APS_ALG_HS256;
    assert_int_not_equal(aps_signer_verifier(&signer, &secret, &key, NULL), APS_OK);
    signer.public = (struct aps_str){NULL, 0};
    assert_int_not_equal(aps_signer_verifier(&signer, NULL, &key, NULL), APS_OK);
    assert_int_equal(aps_signer_verifier(&signer, &secret, &key, NULL), APS_OK);
    assert_int_equal(aps_verify_spki(key, t_pool, &signer.public), APS_ERR_FORMAT);
    aps_verify_free(key);
}

/* Bytes behind a key, or a byte less, make it none. */
static void der_is_read_to_its_end(void **state)
{
    struct aps_verify_key *key = NULL;
    struct aps_str der;
    char *more;
    (void)state;
    assert_int_equal(aps_verify_pem(APS_ALG_ED25519, aps_str(t_public_ed25519), &key, NULL),
                     APS_OK);
    assert_int_equal(aps_verify_spki(key, t_pool, &der), APS_OK);
    aps_verify_free(key);
    more = apr_pcalloc(t_pool, der.n + 1);
    memcpy(more, der.p, der.n);
    for (size_t n = 0; n <= der.n + 1; n++) {
        enum aps_err err = aps_verify_der(APS_ALG_ED25519, (struct aps_str){more, n}, &key, NULL);
        assert_int_equal(err, n == der.n ? APS_OK : APS_ERR_FORMAT);
        if (err == APS_OK)
            aps_verify_free(key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keyids_are_plain),
        cmocka_unit_test(what_was_stored_verifies),
        cmocka_unit_test(der_is_read_to_its_end),
    };
    return cmocka_run_group_tests(tests, t_pool_setup, t_pool_teardown);
}
