#include "t_token.h"

#include "apisec/jwt.h"

#define NOW (1700000000 * APS_SEC)

static const struct aps_str audience = {"api", 3};
static const enum aps_alg algs_a[] = {APS_ALG_RS256, APS_ALG_ES256};
static const enum aps_alg algs_b[] = {APS_ALG_ES384};

#define CLAIMS(iss) "{\"iss\":\"" iss "\",\"aud\":\"api\",\"sub\":\"alice\",\"exp\":1700000600}"
#define AT(alg) "{\"alg\":\"" alg "\",\"kid\":\"k\",\"typ\":\"at+jwt\"}"

static struct aps_jwks set_a, set_b;
static struct aps_jwt_issuer issuers[2];

static struct aps_jwks set_of(const char *members, const enum aps_alg *algs, size_t n)
{
    const struct aps_jwks_options options = {{algs, n, true}, true};
    struct aps_jwks set;
    const char *text = apr_pstrcat(t_pool, "{", members, ",\"kid\":\"k\"}", NULL);

    assert_int_equal(aps_jwks_read(aps_str(text), &options, t_hash_key, t_pool, &set, NULL),
                     APS_OK);
    return set;
}

static int setup(void **state)
{
    if (t_pool_setup(state) != 0)
        return -1;
    set_a = set_of(t_jwk_p256, algs_a, 2);
    set_b = set_of(t_jwk_p384, algs_b, 1);
    issuers[0] = (struct aps_jwt_issuer){
        .claims = {.iss = APS_STR_LIT("a"), .audiences = &audience, .naudiences = 1},
        .algs = algs_a,
        .nalgs = 2,
        .keys = &set_a};
    issuers[1] = (struct aps_jwt_issuer){
        .claims = {.iss = APS_STR_LIT("b"), .audiences = &audience, .naudiences = 1},
        .algs = algs_b,
        .nalgs = 1,
        .plain = true,
        .keys = &set_b};
    return 0;
}

static enum aps_token judge(struct aps_str token, struct aps_jwt *out, struct aps_diag *diag)
{
    return aps_jwt(issuers, 2, token, NOW, t_hash_key, t_pool, out, NULL, diag);
}

static enum aps_token judge_text(enum aps_alg alg, const char *header, const char *claims)
{
    struct aps_diag diag = {{0}};
    struct aps_jwt jwt;
    enum aps_token verdict = judge(t_token(alg, header, claims), &jwt, &diag);

    if (verdict != APS_TOKEN_OK && verdict != APS_TOKEN_SIGNATURE && verdict != APS_TOKEN_CRITICAL)
        assert_string_not_equal(diag.text, "");
    return verdict;
}

static void a_good_token(void **state)
{
    struct aps_jwt jwt;

    (void)state;
    assert_int_equal(judge(t_token(APS_ALG_ES256, AT("ES256"), CLAIMS("a")), &jwt, NULL),
                     APS_TOKEN_OK);
    assert_ptr_equal(jwt.issuer, &issuers[0]);
    assert_ptr_equal(jwt.key, &set_a.keys[0]);
    assert_true(aps_str_eq(jwt.claims.sub, APS_STR_LIT("alice")));
    assert_int_equal(judge_text(APS_ALG_ES384, AT("ES384"), CLAIMS("b")), APS_TOKEN_OK);
}

/* JWT-11: a key of issuer B under the same kid does not sign for A. */
static void keys_belong_to_one_issuer(void **state)
{
    (void)state;
    assert_int_equal(judge_text(APS_ALG_ES384, AT("ES384"), CLAIMS("a")), APS_TOKEN_ALG);
    assert_int_equal(judge_text(APS_ALG_ES384, AT("ES256"), CLAIMS("a")), APS_TOKEN_SIGNATURE);
    assert_int_equal(judge_text(APS_ALG_ES256, AT("ES256"), CLAIMS("c")), APS_TOKEN_ISSUER);
    assert_int_equal(judge_text(APS_ALG_ES256, AT("ES256"),
                                "{\"aud\":\"api\",\"sub\":\"alice\",\"exp\":1700000600}"),
                     APS_TOKEN_ISSUER);
    assert_int_equal(judge_text(APS_ALG_ES256, AT("ES256"),
                                "{\"iss\":[\"a\"],\"aud\":\"api\",\"exp\":1700000600}"),
                     APS_TOKEN_ISSUER);
    assert_int_equal(judge_text(APS_ALG_ES256, AT("ES256"), "{\"iss\":\"\"}"), APS_TOKEN_ISSUER);
}

/* JWT-02: what is not listed, although it is known. */
static void an_alg_is_listed_for_the_issuer(void **state)
{
    (void)state;
    assert_int_equal(judge_text(APS_ALG_PS256, AT("PS256"), CLAIMS("a")), APS_TOKEN_ALG);
    assert_int_equal(judge_text(APS_ALG_HS256, AT("HS256"), CLAIMS("a")), APS_TOKEN_ALG);
    assert_int_equal(judge_text(APS_ALG_ES256, AT("none"), CLAIMS("a")), APS_TOKEN_ALG);
    assert_int_equal(judge_text(APS_ALG_ES256, AT("es256"), CLAIMS("a")), APS_TOKEN_ALG);
    assert_int_equal(judge_text(APS_ALG_RS256, AT("RS256"), CLAIMS("a")), APS_TOKEN_KEY_ALG);
}

/* JWT-01, JWT-09 */
static void claims_are_strict_json(void **state)
{
    static const char *const texts[] = {
        "",
        "x",
        "[]",
        "7",
        "{\"iss\":\"a\",\"iss\":\"a\"}",
        "{\"iss\":\"a\",\"x\":{\"y\":[{\"z\":1,\"\\u007a\":2}]}}",
        "{\"iss\":\"a\"} ",
        "{\"iss\":\"a\"}x",
        "\xef\xbb\xbf{\"iss\":\"a\"}",
        "{\"iss\":\"a\",\"x\":\"\xed\xa0\x80\"}",
        "{\"iss\":\"a\",\"x\":[[[[[[[[1]]]]]]]]}",
        "{\"iss\":\"a\",\"x\":\"\\u0000\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        /* White space behind the object is JSON; what is missing is the rest of the claims. */
        enum aps_token want = i == 6 ? APS_TOKEN_AUDIENCE : APS_TOKEN_CLAIMS;

        assert_int_equal(judge_text(APS_ALG_ES256, AT("ES256"), texts[i]), want);
    }
}

/* JWT-10: a claim is told about only behind a right signature. */
static void nothing_is_told_before_the_signature(void **state)
{
    static const char *const claims[] = {
        "{\"iss\":\"a\"}",
        "{\"iss\":\"a\",\"aud\":\"other\",\"exp\":1}",
        "{\"iss\":\"a\",\"aud\":7,\"exp\":\"x\",\"cnf\":{}}",
    };
    struct aps_jwt jwt;

    (void)state;
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        struct aps_str token = t_token(APS_ALG_ES384, AT("ES256"), claims[i]);
        struct aps_claims_trace trace;

        assert_int_equal(aps_jwt(issuers, 2, token, NOW, t_hash_key, t_pool, &jwt, &trace, NULL),
                         APS_TOKEN_SIGNATURE);
        assert_int_equal(trace.n, 0);
        assert_null(jwt.claims.sub.p);
        assert_int_not_equal(judge_text(APS_ALG_ES256, AT("ES256"), claims[i]),
                             APS_TOKEN_SIGNATURE);
    }
    /* typ neither */
    assert_int_equal(judge_text(APS_ALG_ES384, "{\"alg\":\"ES256\",\"typ\":\"x\"}", CLAIMS("a")),
                     APS_TOKEN_SIGNATURE);
}

/* JWT-14 */
static void a_type_is_that_of_access_tokens(void **state)
{
    static const struct {
        const char *typ;
        bool good, plain;
    } cases[] = {
        {",\"typ\":\"at+jwt\"", true, true},
        {",\"typ\":\"AT+JWT\"", true, true},
        {",\"typ\":\"application/at+jwt\"", true, true},
        {",\"typ\":\"Application/At+Jwt\"", true, true},
        {"", false, true},
        {",\"typ\":\"JWT\"", false, true},
        {",\"typ\":\"jwt\"", false, true},
        {",\"typ\":\"application/jwt\"", false, true},
        {",\"typ\":\"\"", false, false},
        {",\"typ\":\"application/\"", false, false},
        {",\"typ\":\"text/at+jwt\"", false, false},
        {",\"typ\":\"at+jwt \"", false, false},
        {",\"typ\":\"dpop+jwt\"", false, false},
        {",\"typ\":\"logout+jwt\"", false, false},
        {",\"typ\":\"secevent+jwt\"", false, false},
        {",\"typ\":\"JOSE\"", false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *a = apr_pstrcat(t_pool, "{\"alg\":\"ES256\"", cases[i].typ, "}", NULL);
        const char *b = apr_pstrcat(t_pool, "{\"alg\":\"ES384\"", cases[i].typ, "}", NULL);

        assert_int_equal(judge_text(APS_ALG_ES256, a, CLAIMS("a")),
                         cases[i].good ? APS_TOKEN_OK : APS_TOKEN_TYPE);
        assert_int_equal(judge_text(APS_ALG_ES384, b, CLAIMS("b")),
                         cases[i].plain ? APS_TOKEN_OK : APS_TOKEN_TYPE);
    }
}

/* JWT-14: where plain JWT is accepted, what is marked as something else still is not. */
static void other_kinds_of_tokens_are_told_by_their_claims(void **state)
{
    static const char *const marks[] = {"at_hash", "c_hash", "s_hash", "events", "sub_jwk"};

    (void)state;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        const char *claims = apr_psprintf(
            t_pool, "{\"iss\":\"b\",\"aud\":\"api\",\"sub\":\"s\",\"exp\":1700000600,\"%s\":{}}",
            marks[i]);

        assert_int_equal(judge_text(APS_ALG_ES384, "{\"alg\":\"ES384\",\"typ\":\"JWT\"}", claims),
                         APS_TOKEN_TYPE);
        assert_int_equal(judge_text(APS_ALG_ES384, "{\"alg\":\"ES384\"}", claims), APS_TOKEN_TYPE);
        assert_int_equal(judge_text(APS_ALG_ES384, AT("ES384"), claims), APS_TOKEN_OK);
    }
}

/* JWT-06, JWT-07 */
static void a_header_cannot_change_the_rules(void **state)
{
    const char *own = apr_pstrcat(t_pool, "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"jwk\":{",
                                  t_jwk_p256, "}}", NULL);

    (void)state;
    assert_int_equal(judge_text(APS_ALG_ES256, own, CLAIMS("a")), APS_TOKEN_KEY_INSIDE);
    assert_int_equal(judge_text(APS_ALG_ES256,
                                "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"crit\":[\"b64\"],\"b64\":"
                                "false}",
                                CLAIMS("a")),
                     APS_TOKEN_CRITICAL);
}

/* JWT-18: no keys is no key, not any key. */
static void an_issuer_without_keys(void **state)
{
    struct aps_jwt_issuer bare = issuers[0];
    struct aps_jwt jwt;
    struct aps_str token = t_token(APS_ALG_ES256, AT("ES256"), CLAIMS("a"));

    (void)state;
    bare.keys = NULL;
    assert_int_equal(aps_jwt(&bare, 1, token, NOW, t_hash_key, t_pool, &jwt, NULL, NULL),
                     APS_TOKEN_KEY_UNKNOWN);
    assert_int_equal(aps_jwt(NULL, 0, token, NOW, t_hash_key, t_pool, &jwt, NULL, NULL),
                     APS_TOKEN_ISSUER);
    assert_int_equal(judge_text(APS_ALG_ES256,
                                "{\"alg\":\"ES256\",\"kid\":\"other\",\"typ\":\"at+jwt\"}",
                                CLAIMS("a")),
                     APS_TOKEN_KEY_UNKNOWN);
}

/* JWT-13: `now` is the caller's. */
static void time_comes_by_parameter(void **state)
{
    struct aps_str token = t_token(APS_ALG_ES256, AT("ES256"), CLAIMS("a"));
    struct aps_claims_trace trace;
    struct aps_jwt jwt;

    (void)state;
    assert_int_equal(
        aps_jwt(issuers, 2, token, 1700000600 * APS_SEC - 1, t_hash_key, t_pool, &jwt, NULL, NULL),
        APS_TOKEN_OK);
    assert_int_equal(
        aps_jwt(issuers, 2, token, 1700000600 * APS_SEC, t_hash_key, t_pool, &jwt, &trace, NULL),
        APS_TOKEN_EXPIRED);
    assert_int_equal(trace.n, 11);
}

/* JWT-04 */
static void an_issuer_has_one_kind_of_keys(void **state)
{
    static const enum aps_alg both[] = {APS_ALG_HS256, APS_ALG_RS256};
    struct aps_jwt_issuer i = issuers[0];
    struct aps_diag diag;

    (void)state;
    assert_int_equal(aps_jwt_issuer_check(&i, NULL), APS_OK);
    i.algs = both;
    assert_int_equal(aps_jwt_issuer_check(&i, &diag), APS_ERR_RANGE);
    assert_string_equal(diag.text,
                        "issuer \"a\" with HMAC beside public keys: want one kind of them, since "
                        "whoever knows the secret could sign for everybody");
    i.nalgs = 1;
    assert_int_equal(aps_jwt_issuer_check(&i, NULL), APS_OK);
    i.nalgs = 2;
    i.mixed = true;
    assert_int_equal(aps_jwt_issuer_check(&i, NULL), APS_OK);
    i.nalgs = 0;
    assert_int_equal(aps_jwt_issuer_check(&i, NULL), APS_ERR_RANGE);
    i = issuers[0];
    i.claims.naudiences = 0;
    assert_int_equal(aps_jwt_issuer_check(&i, NULL), APS_ERR_RANGE);
}

/* Every algorithm, through the whole way.  JWT-28 */
static void each_algorithm(void **state)
{
    (void)state;
    for (unsigned a = APS_ALG_NONE + 1; a < APS_ALG_COUNT; a++) {
        const enum aps_alg alg = (enum aps_alg)a;
        static const char *const members[] = {
            [APS_ALG_KEY_SECRET] = t_jwk_secret, [APS_ALG_KEY_RSA] = t_jwk_rsa,
            [APS_ALG_KEY_P256] = t_jwk_p256,     [APS_ALG_KEY_P384] = t_jwk_p384,
            [APS_ALG_KEY_P521] = t_jwk_p521,     [APS_ALG_KEY_ED25519] = t_jwk_ed25519,
            [APS_ALG_KEY_ED448] = t_jwk_ed448,   [APS_ALG_KEY_EDWARDS] = t_jwk_ed25519,
        };
        struct aps_jwks set = set_of(members[aps_alg_key(alg)], &alg, 1);
        struct aps_jwt_issuer issuer = issuers[0];
        struct aps_jwt jwt;
        struct aps_str token = t_token(
            alg, apr_psprintf(t_pool, "{\"alg\":\"%s\",\"typ\":\"at+jwt\"}", aps_alg_jose(alg)),
            CLAIMS("a"));

        issuer.algs = &alg;
        issuer.nalgs = 1;
        issuer.keys = &set;
        assert_int_equal(aps_jwt(&issuer, 1, token, NOW, t_hash_key, t_pool, &jwt, NULL, NULL),
                         APS_TOKEN_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_token),
        cmocka_unit_test(keys_belong_to_one_issuer),
        cmocka_unit_test(an_alg_is_listed_for_the_issuer),
        cmocka_unit_test(claims_are_strict_json),
        cmocka_unit_test(nothing_is_told_before_the_signature),
        cmocka_unit_test(a_type_is_that_of_access_tokens),
        cmocka_unit_test(other_kinds_of_tokens_are_told_by_their_claims),
        cmocka_unit_test(a_header_cannot_change_the_rules),
        cmocka_unit_test(an_issuer_without_keys),
        cmocka_unit_test(time_comes_by_parameter),
        cmocka_unit_test(an_issuer_has_one_kind_of_keys),
        cmocka_unit_test(each_algorithm),
    };

    return cmocka_run_group_tests(tests, setup, t_pool_teardown);
}
