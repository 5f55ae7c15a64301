#include "t_token.h"

#include "apisec/dpop.h"

#define NOW (1700000000 * APS_SEC)
#define TOKEN "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU" /* RFC 9449 7.1 */
#define ATH "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"

static const struct aps_dpop_need need = {
    .method = {"GET", 3},
    .target = {"https://api.example/orders?page=2", 33},
    .access_token = {TOKEN, sizeof TOKEN - 1},
    .before = APS_DPOP_BEFORE,
    .after = APS_DPOP_AFTER,
};

#define CLAIMS                                                                                     \
    "{\"jti\":\"j1\",\"htm\":\"GET\",\"htu\":\"https://api.example/orders\",\"iat\":1700000000,"   \
    "\"ath\":\"" ATH "\"}"

static const char *header_of(const char *alg, const char *members)
{
    return apr_psprintf(t_pool, "{\"typ\":\"dpop+jwt\",\"alg\":\"%s\",\"jwk\":{%s}}", alg, members);
}

static struct aps_str proof_of(const char *claims)
{
    return t_token(APS_ALG_ES256, header_of("ES256", t_jwk_p256), claims);
}

static enum aps_token judge_for(const struct aps_dpop_need *n, struct aps_str field, aps_nsec now,
                                struct aps_dpop *out)
{
    struct aps_dpop ignored;

    return aps_dpop(field, n, now, t_hash_key, t_pool, out != NULL ? out : &ignored, NULL);
}

static enum aps_token judge(struct aps_str field)
{
    return judge_for(&need, field, NOW, NULL);
}

static void a_good_proof(void **state)
{
    struct aps_dpop a, b, c;

    (void)state;
    assert_int_equal(judge_for(&need, proof_of(CLAIMS), NOW, &a), APS_TOKEN_OK);
    assert_true(aps_str_eq(a.jti, APS_STR_LIT("j1")));
    assert_int_equal(a.until, NOW + 61 * APS_SEC);
    /* The same jti at the same target is the same use, however it is written; else it is not. */
    assert_int_equal(
        judge_for(
            &need,
            proof_of("{\"jti\":\"j\\u0031\",\"htm\":\"GET\",\"htu\":\"HTTPS://API.example:443/"
                     "x/../orders#x\",\"iat\":1700000001,\"ath\":\"" ATH "\"}"),
            NOW, &b),
        APS_TOKEN_OK);
    assert_memory_equal(a.use, b.use, sizeof a.use);
    assert_memory_equal(a.jkt, b.jkt, sizeof a.jkt);
    assert_int_equal(
        judge_for(&need,
                  proof_of("{\"jti\":\"j2\",\"htm\":\"GET\",\"htu\":\"https://"
                           "api.example/orders\",\"iat\":1700000000,\"ath\":\"" ATH "\"}"),
                  NOW, &c),
        APS_TOKEN_OK);
    assert_memory_not_equal(a.use, c.use, sizeof a.use);
}

/* DPOP-01: one field, one proof, a compact JWT. */
static void one_proof_only(void **state)
{
    struct aps_str good = proof_of(CLAIMS);
    const char *two = apr_pstrcat(t_pool, good.p, ", ", good.p, NULL);

    (void)state;
    assert_int_equal(judge(aps_str(two)), APS_TOKEN_PROOF_MULTIPLE);
    assert_int_equal(judge(aps_str(apr_pstrcat(t_pool, good.p, ",", NULL))),
                     APS_TOKEN_PROOF_MULTIPLE);
    assert_int_equal(judge(aps_str("")), APS_TOKEN_PROOF_MISSING);
    assert_int_equal(judge(aps_str(" \t")), APS_TOKEN_PROOF_MISSING);
    assert_int_equal(judge(aps_str(apr_pstrcat(t_pool, " ", good.p, " ", NULL))), APS_TOKEN_OK);
    assert_int_equal(judge(aps_str(apr_pstrcat(t_pool, good.p, " x", NULL))),
                     APS_TOKEN_PROOF_MALFORMED);
    assert_int_equal(judge(aps_str(apr_pstrcat(t_pool, good.p, ".", NULL))),
                     APS_TOKEN_PROOF_MALFORMED);
    assert_int_equal(judge(aps_str(apr_psprintf(t_pool, "%0*d", APS_DPOP_MAX + 1, 0))),
                     APS_TOKEN_PROOF_MALFORMED);
    assert_int_equal(judge(t_token(APS_ALG_ES256, "{}", CLAIMS)), APS_TOKEN_PROOF_MALFORMED);
    assert_int_equal(
        judge(t_token(APS_ALG_ES256,
                      apr_pstrcat(t_pool, "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",",
                                  "\"crit\":[\"exp\"],\"jwk\":{", t_jwk_p256, "}}", NULL),
                      CLAIMS)),
        APS_TOKEN_PROOF_MALFORMED);
}

/* DPOP-01 */
static void type_algorithm_and_key(void **state)
{
    const struct {
        enum aps_alg alg;
        const char *header;
        enum aps_token want;
    } cases[] = {
        {APS_ALG_ES384, header_of("ES384", t_jwk_p384), APS_TOKEN_OK},
        {APS_ALG_ES512, header_of("ES512", t_jwk_p521), APS_TOKEN_OK},
        {APS_ALG_EDDSA, header_of("EdDSA", t_jwk_ed25519), APS_TOKEN_OK},
        {APS_ALG_ED25519, header_of("Ed25519", t_jwk_ed25519), APS_TOKEN_OK},
        {APS_ALG_ED448, header_of("Ed448", t_jwk_ed448), APS_TOKEN_OK},
        {APS_ALG_PS256, header_of("PS256", t_jwk_rsa), APS_TOKEN_OK},
        {APS_ALG_RS512, header_of("RS512", t_jwk_rsa), APS_TOKEN_OK},
        {APS_ALG_HS256, header_of("HS256", t_jwk_secret), APS_TOKEN_PROOF_ALG},
        {APS_ALG_ES256, header_of("none", t_jwk_p256), APS_TOKEN_PROOF_ALG},
        {APS_ALG_ES256, header_of("es256", t_jwk_p256), APS_TOKEN_PROOF_ALG},
        {APS_ALG_ES256, header_of("ES384", t_jwk_p256), APS_TOKEN_PROOF_KEY},
        {APS_ALG_ES256, header_of("ES256", t_jwk_secret), APS_TOKEN_PROOF_KEY},
        {APS_ALG_ES256, header_of("ES256", ""), APS_TOKEN_PROOF_KEY},
        {APS_ALG_ES256, header_of("ES256", apr_pstrcat(t_pool, t_jwk_p256, ",\"d\":\"AA\"", NULL)),
         APS_TOKEN_PROOF_KEY},
        {APS_ALG_ES256,
         header_of("ES256", apr_pstrcat(t_pool, t_jwk_p256, ",\"use\":\"enc\"", NULL)),
         APS_TOKEN_PROOF_KEY},
        {APS_ALG_ES256,
         header_of("ES256", apr_pstrcat(t_pool, t_jwk_p256, ",\"alg\":\"ES384\"", NULL)),
         APS_TOKEN_PROOF_KEY},
        {APS_ALG_ES384, header_of("ES256", t_jwk_p256), APS_TOKEN_PROOF_SIGNATURE},
        {APS_ALG_ES256, "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\"}", APS_TOKEN_PROOF_KEY},
        {APS_ALG_ES256, "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":\"x\"}",
         APS_TOKEN_PROOF_KEY},
        {APS_ALG_ES256,
         apr_pstrcat(t_pool, "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jku\":\"x\",\"jwk\":{",
                     t_jwk_p256, "}}", NULL),
         APS_TOKEN_PROOF_KEY},
        {APS_ALG_ES256,
         apr_pstrcat(t_pool, "{\"typ\":\"JWT\",\"alg\":\"ES256\",\"jwk\":{", t_jwk_p256, "}}",
                     NULL),
         APS_TOKEN_PROOF_TYPE},
        {APS_ALG_ES256, apr_pstrcat(t_pool, "{\"alg\":\"ES256\",\"jwk\":{", t_jwk_p256, "}}", NULL),
         APS_TOKEN_PROOF_TYPE},
    };
    static const enum aps_alg ed[] = {APS_ALG_ED25519, APS_ALG_HS256};
    struct aps_dpop_need few = need;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(judge(t_token(cases[i].alg, cases[i].header, CLAIMS)), cases[i].want);
    few.algs = ed;
    few.nalgs = 2;
    assert_int_equal(judge_for(&few, proof_of(CLAIMS), NOW, NULL), APS_TOKEN_PROOF_ALG);
    assert_int_equal(judge_for(&few,
                               t_token(APS_ALG_HS256, header_of("HS256", t_jwk_secret), CLAIMS),
                               NOW, NULL),
                     APS_TOKEN_PROOF_ALG);
    assert_int_equal(
        judge_for(&few, t_token(APS_ALG_ED25519, header_of("Ed25519", t_jwk_ed25519), CLAIMS), NOW,
                  NULL),
        APS_TOKEN_OK);
}

#define JTI "\"jti\":\"j\""
#define HTM "\"htm\":\"GET\""
#define HTU "\"htu\":\"https://api.example/orders\""
#define IAT "\"iat\":1700000000"
#define ATH_OK "\"ath\":\"" ATH "\""

/* DPOP-02, DPOP-03 */
static void all_claims_are_asked_for(void **state)
{
    static const struct {
        const char *claims;
        enum aps_token want;
    } cases[] = {
        {"{" JTI "," HTM "," HTU "," IAT "," ATH_OK "}", APS_TOKEN_OK},
        {"{" HTM "," HTU "," IAT "," ATH_OK "}", APS_TOKEN_PROOF_MALFORMED},
        {"{" JTI "," HTU "," IAT "," ATH_OK "}", APS_TOKEN_PROOF_MALFORMED},
        {"{" JTI "," HTM "," IAT "," ATH_OK "}", APS_TOKEN_PROOF_MALFORMED},
        {"{" JTI "," HTM "," HTU "," ATH_OK "}", APS_TOKEN_PROOF_MALFORMED},
        {"{" JTI "," HTM "," HTU "," IAT "}", APS_TOKEN_PROOF_TOKEN},
        {"[]", APS_TOKEN_PROOF_MALFORMED},
        {"", APS_TOKEN_PROOF_MALFORMED},
        {"{" JTI "," JTI "," HTM "," HTU "," IAT "," ATH_OK "}", APS_TOKEN_PROOF_MALFORMED},
        {"{\"jti\":\"\"," HTM "," HTU "," IAT "," ATH_OK "}", APS_TOKEN_PROOF_MALFORMED},
        {"{\"jti\":1," HTM "," HTU "," IAT "," ATH_OK "}", APS_TOKEN_PROOF_MALFORMED},
        {"{" JTI ",\"htm\":\"get\"," HTU "," IAT "," ATH_OK "}", APS_TOKEN_PROOF_METHOD},
        {"{" JTI ",\"htm\":\"POST\"," HTU "," IAT "," ATH_OK "}", APS_TOKEN_PROOF_METHOD},
        {"{" JTI "," HTM ",\"htu\":\"https://api.example/order\"," IAT "," ATH_OK "}",
         APS_TOKEN_PROOF_TARGET},
        {"{" JTI "," HTM ",\"htu\":\"http://api.example/orders\"," IAT "," ATH_OK "}",
         APS_TOKEN_PROOF_TARGET},
        {"{" JTI "," HTM ",\"htu\":\"https://api.example:8443/orders\"," IAT "," ATH_OK "}",
         APS_TOKEN_PROOF_TARGET},
        {"{" JTI "," HTM ",\"htu\":\"https://api.example/Orders\"," IAT "," ATH_OK "}",
         APS_TOKEN_PROOF_TARGET},
        {"{" JTI "," HTM ",\"htu\":\"/orders\"," IAT "," ATH_OK "}", APS_TOKEN_PROOF_TARGET},
        {"{" JTI "," HTM ",\"htu\":\"https://api.example/orders?page=3\"," IAT "," ATH_OK "}",
         APS_TOKEN_OK},
        {"{" JTI "," HTM ",\"htu\":\"https://api.example/%6Frders\"," IAT "," ATH_OK "}",
         APS_TOKEN_OK},
        {"{" JTI "," HTM "," HTU ",\"iat\":\"1700000000\"," ATH_OK "}", APS_TOKEN_PROOF_MALFORMED},
        {"{" JTI "," HTM "," HTU ",\"iat\":-1," ATH_OK "}", APS_TOKEN_PROOF_MALFORMED},
        {"{" JTI "," HTM "," HTU ",\"iat\":1e99," ATH_OK "}", APS_TOKEN_PROOF_MALFORMED},
        {"{" JTI "," HTM "," HTU ",\"iat\":1.7000000005e9," ATH_OK "}", APS_TOKEN_PROOF_MALFORMED},
        {"{" JTI "," HTM "," HTU ",\"iat\":1700000000.9," ATH_OK "}", APS_TOKEN_OK},
        {"{" JTI "," HTM "," HTU "," IAT ",\"ath\":\"x\"}", APS_TOKEN_PROOF_TOKEN},
        {"{" JTI "," HTM "," HTU "," IAT ",\"ath\":1}", APS_TOKEN_PROOF_MALFORMED},
        {"{" JTI "," HTM "," HTU "," IAT "," ATH_OK ",\"nonce\":1}", APS_TOKEN_PROOF_MALFORMED},
    };
    struct aps_dpop_need no_token = need;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(judge(proof_of(cases[i].claims)), cases[i].want);
    for (int n = 255; n <= 257; n++)
        assert_int_equal(
            judge(proof_of(apr_psprintf(
                t_pool, "{\"jti\":\"%0*d\"," HTM "," HTU "," IAT "," ATH_OK "}", n, 0))),
            n <= 256 ? APS_TOKEN_OK : APS_TOKEN_PROOF_MALFORMED);
    no_token.access_token = (struct aps_str){NULL, 0};
    assert_int_equal(judge_for(&no_token, proof_of("{" JTI "," HTM "," HTU "," IAT "}"), NOW, NULL),
                     APS_TOKEN_OK);
}

/* DPOP-06: from 60 s before to 5 s after, and `until` is the first moment that refuses. */
static void a_proof_has_a_window(void **state)
{
    struct aps_str proof = proof_of(CLAIMS);
    struct aps_dpop seen;

    (void)state;
    assert_int_equal(judge_for(&need, proof, NOW + 60 * APS_SEC, &seen), APS_TOKEN_OK);
    assert_int_equal(judge_for(&need, proof, seen.until - 1, NULL), APS_TOKEN_OK);
    assert_int_equal(judge_for(&need, proof, seen.until, NULL), APS_TOKEN_PROOF_TIME);
    assert_int_equal(judge_for(&need, proof, NOW + 3600 * APS_SEC, NULL), APS_TOKEN_PROOF_TIME);
    assert_int_equal(judge_for(&need, proof, NOW - 5 * APS_SEC, NULL), APS_TOKEN_OK);
    assert_int_equal(judge_for(&need, proof, NOW - 5 * APS_SEC - 1, NULL), APS_TOKEN_PROOF_TIME);
    assert_int_equal(judge_for(&need, proof, 0, NULL), APS_TOKEN_PROOF_TIME);
}

/* DPOP-04 */
static void the_key_is_the_tokens(void **state)
{
    struct aps_dpop_need bound = need;
    struct aps_dpop seen;
    uint8_t jkt[APS_DIGEST_LEN];

    (void)state;
    assert_int_equal(judge_for(&need, proof_of(CLAIMS), NOW, &seen), APS_TOKEN_OK);
    memcpy(jkt, seen.jkt, sizeof jkt);
    bound.jkt = jkt;
    assert_int_equal(judge_for(&bound, proof_of(CLAIMS), NOW, NULL), APS_TOKEN_OK);
    jkt[31] ^= 1;
    assert_int_equal(judge_for(&bound, proof_of(CLAIMS), NOW, NULL), APS_TOKEN_BINDING);
}

/* DPOP-05 */
static void the_scheme_fits_the_token(void **state)
{
    struct aps_claims bound = {.has_jkt = true}, free = {.has_jkt = false};

    (void)state;
    assert_int_equal(aps_dpop_scheme(&bound, true), APS_TOKEN_OK);
    assert_int_equal(aps_dpop_scheme(&bound, false), APS_TOKEN_PROOF_MISSING);
    assert_int_equal(aps_dpop_scheme(&free, true), APS_TOKEN_UNBOUND);
    assert_int_equal(aps_dpop_scheme(&free, false), APS_TOKEN_OK);
}

static struct aps_str with_nonce(const char *nonce)
{
    return proof_of(apr_psprintf(
        t_pool, "{" JTI "," HTM "," HTU ",\"iat\":1," ATH_OK ",\"nonce\":\"%s\"}", nonce));
}

/* DPOP-08, and DPOP-06: with nonces iat does not matter. */
static void nonces(void **state)
{
    struct aps_mac *key = NULL, *other = NULL, *wide = NULL;
    struct aps_dpop_need asked = need;
    char nonce[APS_DPOP_NONCE_LEN + 1] = {0}, later[APS_DPOP_NONCE_LEN + 1] = {0};

    (void)state;
    assert_int_equal(aps_mac_new("key", 3, &key), APS_OK);
    assert_int_equal(aps_mac_new("kez", 3, &other), APS_OK);
    assert_int_equal(aps_mac_new_hash(APS_ALG_HASH_SHA512, "key", 3, &wide), APS_OK);
    asked.nonces = key;
    assert_int_equal(aps_dpop_nonce(key, NOW, nonce), APS_OK);
    assert_int_equal(aps_dpop_nonce(key, NOW + 1, later), APS_OK);
    assert_string_not_equal(nonce, later);
    assert_int_equal(judge_for(&asked, with_nonce(nonce), NOW, NULL), APS_TOKEN_OK);
    assert_int_equal(judge_for(&asked, with_nonce(nonce), NOW + APS_DPOP_NONCE_LIFE, NULL),
                     APS_TOKEN_OK);
    assert_int_equal(judge_for(&asked, with_nonce(nonce), NOW + APS_DPOP_NONCE_LIFE + 1, NULL),
                     APS_TOKEN_PROOF_NONCE);
    assert_int_equal(judge_for(&asked, with_nonce(nonce), NOW - 1, NULL), APS_TOKEN_PROOF_NONCE);
    assert_int_equal(judge_for(&asked, proof_of(CLAIMS), NOW, NULL), APS_TOKEN_PROOF_NONCE);
    assert_int_equal(judge_for(&asked, with_nonce(""), NOW, NULL), APS_TOKEN_PROOF_NONCE);
    for (size_t i = 0; i < APS_DPOP_NONCE_LEN; i++) {
        char bad[APS_DPOP_NONCE_LEN + 1];

        memcpy(bad, nonce, sizeof bad);
        bad[i] = bad[i] == 'A' ? 'B' : 'A';
        assert_false(aps_dpop_nonce_check(key, aps_str(bad), NOW));
    }
    assert_false(aps_dpop_nonce_check(other, aps_str(nonce), NOW));
    assert_false(aps_dpop_nonce_check(wide, aps_str(nonce), NOW));
    assert_int_equal(aps_dpop_nonce(wide, NOW, later), APS_ERR_CRYPTO);
    assert_false(aps_dpop_nonce_check(key, (struct aps_str){nonce, 31}, NOW));
    /* Where nonces are not asked for, one in a proof is passed over. */
    assert_int_equal(
        judge(proof_of("{" JTI "," HTM "," HTU "," IAT "," ATH_OK ",\"nonce\":\"x\"}")),
        APS_TOKEN_OK);
    aps_mac_free(key);
    aps_mac_free(other);
    aps_mac_free(wide);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_proof),
        cmocka_unit_test(one_proof_only),
        cmocka_unit_test(type_algorithm_and_key),
        cmocka_unit_test(all_claims_are_asked_for),
        cmocka_unit_test(a_proof_has_a_window),
        cmocka_unit_test(the_key_is_the_tokens),
        cmocka_unit_test(the_scheme_fits_the_token),
        cmocka_unit_test(nonces),
    };

    return cmocka_run_group_tests(tests, t_pool_setup, t_pool_teardown);
}
