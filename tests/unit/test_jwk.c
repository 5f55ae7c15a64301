#include "t_token.h"

#include "apisec/jwk.h"

static const enum aps_alg all[] = {APS_ALG_RS256, APS_ALG_PS256,   APS_ALG_ES256, APS_ALG_ES384,
                                   APS_ALG_ES512, APS_ALG_ED25519, APS_ALG_ED448, APS_ALG_HS256,
                                   APS_ALG_HS512, APS_ALG_EDDSA};
static const struct aps_jwk_options any = {all, sizeof all / sizeof *all, true};

static struct aps_jwk read_with(const char *members, const struct aps_jwk_options *options)
{
    const char *text = apr_pstrcat(t_pool, "{", members, "}", NULL);
    struct aps_jsonread r;
    struct aps_jwk jwk;

    aps_jsonread_init(&r, t_pool, t_hash_key);
    assert_int_equal(aps_jsonread(&r, aps_str(text), &aps_jsonread_strict), APS_JSONREAD_OK);
    aps_jwk_read(&r, aps_jsonread_root(&r), options, t_pool, &jwk);
    assert_true((jwk.key == NULL) == (jwk.why != NULL));
    return jwk;
}

static struct aps_jwk read_of(const char *members)
{
    return read_with(members, &any);
}

static void each_kind_is_read_and_bound(void **state)
{
    static const struct {
        const char *members;
        enum aps_alg_key kind;
        enum aps_alg alg;
    } cases[] = {
        {t_jwk_rsa, APS_ALG_KEY_RSA, APS_ALG_RS256},
        {t_jwk_p256, APS_ALG_KEY_P256, APS_ALG_ES256},
        {t_jwk_p384, APS_ALG_KEY_P384, APS_ALG_ES384},
        {t_jwk_p521, APS_ALG_KEY_P521, APS_ALG_ES512},
        {t_jwk_ed25519, APS_ALG_KEY_ED25519, APS_ALG_ED25519},
        {t_jwk_ed448, APS_ALG_KEY_ED448, APS_ALG_ED448},
        {t_jwk_secret, APS_ALG_KEY_SECRET, APS_ALG_HS256},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aps_jwk jwk = read_of(cases[i].members);

        assert_non_null(jwk.key);
        assert_int_equal(jwk.kind, cases[i].kind);
        assert_int_equal(jwk.alg, cases[i].alg);
        assert_int_equal(aps_verify_alg(jwk.key), cases[i].alg);
        assert_null(jwk.kid.p);
        assert_int_equal(jwk.has_private, cases[i].kind == APS_ALG_KEY_SECRET);
    }
}

/* RFC 7638 3.1, RFC 8037 A.3, RFC 9449 6.1 (figures 4 and 10).  DPOP-04 */
static void thumbprints(void **state)
{
    static const struct {
        const char *members, *print;
    } cases[] = {
        {"\"kty\":\"RSA\",\"n\":"
         "\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1"
         "RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_"
         "RN5w6Cf0h"
         "4QyQ5v-65YGjQR0_"
         "FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLy"
         "rdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-"
         "kEgU8awapJzKnqDKgw"
         "\",\"e\":\"AQAB\",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"",
         "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"},
        {"\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_"
         "7TyWQHOg7hcvPapiMlrwIaaPcHURo\"",
         "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
        {"\"kty\":\"EC\",\"x\":\"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs\",\"y\":\"9VE4jf_Ok_o6"
         "4zbTTlcuNJajHmt6v9TDVrU0CdvGRDA\",\"crv\":\"P-256\"",
         "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aps_jwk jwk = read_of(cases[i].members);

        assert_non_null(jwk.key);
        assert_string_equal(t_b64(jwk.thumbprint, sizeof jwk.thumbprint), cases[i].print);
    }
}

/* JWT-03, JWT-28 */
static void an_alg_is_the_allowed_one_that_fits(void **state)
{
    static const enum aps_alg two[] = {APS_ALG_PS384, APS_ALG_RS256};
    static const enum aps_alg old[] = {APS_ALG_EDDSA};
    static const enum aps_alg new[] = {APS_ALG_ED25519};
    const struct aps_jwk_options rsa = {two, 2, false}, eddsa = {old, 1, false},
                                 ed25519 = {new, 1, false};
    const struct {
        const char *more;
        const char *members;
        const struct aps_jwk_options *options;
        enum aps_alg want;
    } cases[] = {
        {"", t_jwk_rsa, &rsa, APS_ALG_PS384}, /* the preferred */
        {",\"alg\":\"RS256\"", t_jwk_rsa, &rsa, APS_ALG_RS256},
        {",\"alg\":\"RS512\"", t_jwk_rsa, &rsa, APS_ALG_NONE}, /* not allowed */
        {",\"alg\":\"rs256\"", t_jwk_rsa, &rsa, APS_ALG_NONE},
        {",\"alg\":\"none\"", t_jwk_rsa, &rsa, APS_ALG_NONE},
        {",\"alg\":256", t_jwk_rsa, &rsa, APS_ALG_NONE},
        {",\"alg\":\"ES256\"", t_jwk_rsa, &any, APS_ALG_NONE}, /* another kind */
        {",\"alg\":\"HS256\"", t_jwk_rsa, &any, APS_ALG_NONE},
        {",\"alg\":\"RS256\"", t_jwk_secret, &any, APS_ALG_NONE},
        {",\"alg\":\"ES384\"", t_jwk_p256, &any, APS_ALG_NONE},
        {",\"alg\":\"ES521\"", t_jwk_p521, &any, APS_ALG_NONE},
        {"", t_jwk_p256, &rsa, APS_ALG_NONE},
        {"", t_jwk_ed25519, &eddsa, APS_ALG_EDDSA},
        {",\"alg\":\"EdDSA\"", t_jwk_ed25519, &eddsa, APS_ALG_EDDSA},
        {",\"alg\":\"Ed25519\"", t_jwk_ed25519, &eddsa, APS_ALG_NONE},
        {",\"alg\":\"EdDSA\"", t_jwk_ed25519, &ed25519, APS_ALG_NONE},
        {",\"alg\":\"Ed448\"", t_jwk_ed25519, &any, APS_ALG_NONE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aps_jwk jwk =
            read_with(apr_pstrcat(t_pool, cases[i].members, cases[i].more, NULL), cases[i].options);

        assert_int_equal(jwk.alg, cases[i].want);
        assert_true((jwk.key != NULL) == (cases[i].want != APS_ALG_NONE));
    }
}

/* JWT-18: only what verifies signatures; secrets only where they are asked for. */
static void use_and_key_ops_are_honoured(void **state)
{
    static const struct {
        const char *more;
        bool good;
    } cases[] = {
        {",\"use\":\"sig\"", true},
        {",\"use\":\"enc\"", false},
        {",\"use\":\"SIG\"", false},
        {",\"use\":\"\"", false},
        {",\"use\":null", false},
        {",\"key_ops\":[\"verify\"]", true},
        {",\"key_ops\":[\"sign\",\"verify\"]", true},
        {",\"key_ops\":[\"encrypt\"]", false},
        {",\"key_ops\":[\"sign\"]", false},
        {",\"key_ops\":[]", false},
        {",\"key_ops\":[\"verify\",\"verify\"]", false},
        {",\"key_ops\":[\"verify\",1]", false},
        {",\"key_ops\":\"verify\"", false},
        {",\"key_ops\":[\"verify\",\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\","
         "\"11\",\"12\",\"13\",\"14\",\"15\"]",
         true},
        {",\"key_ops\":[\"verify\",\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\","
         "\"11\",\"12\",\"13\",\"14\",\"15\",\"16\"]",
         false},
        {",\"use\":\"sig\",\"key_ops\":[\"encrypt\"]", false},
        {",\"use\":\"enc\",\"key_ops\":[\"verify\"]", false},
        {",\"x5c\":[\"AAAA\"],\"x5u\":\"https://x\",\"ext\":true", true},
    };
    struct aps_jwk_options public = any;
    struct aps_jwk jwk;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(read_of(apr_pstrcat(t_pool, t_jwk_p256, cases[i].more, NULL)).key != NULL,
                         cases[i].good);
    public.secrets = false;
    jwk = read_with(t_jwk_secret, &public);
    assert_null(jwk.key);
    assert_string_equal(jwk.why, "kty \"oct\": secrets are not taken here");
}

/* JWT-08 */
static void a_kid_is_a_short_string(void **state)
{
    char kid[300];
    struct aps_jwk jwk;

    (void)state;
    for (int n = 0; n <= 257; n += n == 0 ? 255 : 1) {
        (void)snprintf(kid, sizeof kid, ",\"kid\":\"%0*d\"", n == 0 ? 1 : n, 0);
        jwk = read_of(apr_pstrcat(t_pool, t_jwk_p256, kid, NULL));
        assert_int_equal(jwk.key != NULL, n <= 256);
        assert_int_equal(jwk.kid.n, n == 0 ? 1 : (size_t)n);
    }
    assert_null(read_of(apr_pstrcat(t_pool, t_jwk_p256, ",\"kid\":1", NULL)).key);
    jwk = read_of(apr_pstrcat(t_pool, t_jwk_p256, ",\"kid\":\"\"", NULL));
    assert_non_null(jwk.key);
    assert_non_null(jwk.kid.p);
    assert_int_equal(jwk.kid.n, 0);
}

/* JWT-05 */
static void what_is_no_key_says_why(void **state)
{
    static const struct {
        const char *members, *why;
    } cases[] = {
        {"",
         "kty \"\", crv \"\": want RSA, EC on P-256, P-384 or P-521, or OKP on Ed25519 or Ed448"},
        {"\"kty\":7", "kty: want a string"},
        {"\"kty\":\"EC\",\"crv\":\"secp256k1\"", "kty \"EC\", crv \"secp256k1\": want RSA, EC on "
                                                 "P-256, P-384 or P-521, or OKP on Ed25519 or "
                                                 "Ed448"},
        {"\"kty\":\"EC\",\"crv\":\"Ed25519\"",
         "kty \"EC\", crv \"Ed25519\": want RSA, EC on P-256, P-384 or P-521, or OKP on Ed25519 or "
         "Ed448"},
        {"\"kty\":\"OKP\",\"crv\":\"X25519\"",
         "kty \"OKP\", crv \"X25519\": want RSA, EC on P-256, P-384 or P-521, or OKP on Ed25519 or "
         "Ed448"},
        {"\"kty\":\"RSA\",\"e\":\"AQAB\"", "n: it is missing"},
        {"\"kty\":\"RSA\",\"n\":\"AQAB\"", "e: it is missing"},
        {"\"kty\":\"RSA\",\"n\":1,\"e\":\"AQAB\"", "n: want a string"},
        {"\"kty\":\"RSA\",\"n\":\"AQA=\",\"e\":\"AQAB\"", "n: want base64url without padding"},
        {"\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"", "RSA key of 17 bits: want 2048 to 8192"},
        {"\"kty\":\"RSA\",\"n\":\"\",\"e\":\"AQAB\"",
         "RSA key with a modulus of 0 bytes and an exponent of 3: want at most 1024 and 4, and no "
         "leading zero"},
        {"\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQAB\",\"y\":\"AQAB\"",
         "P-256 key with coordinates of 3 and 3 bytes: want 32 each"},
        {"\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"WEd7wWrrBGzlbXGEAs___4nsk1ly7S2sXGN9CPSHg-s\"",
         "y: it is missing"},
        {"\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"WEd7wWrrBGzlbXGEAs___4nsk1ly7S2sXGN9CPSHg-s\","
         "\"y\":\"WEd7wWrrBGzlbXGEAs___4nsk1ly7S2sXGN9CPSHg-s\"",
         "P-256 key with a point that is not on the curve"},
        {"\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AQAB\"",
         "Ed25519 key of 3 bytes: want 32, and an algorithm for that curve"},
        {"\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
         "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"",
         "Ed25519 key with a point of small order or written in a second way"},
        {"\"kty\":\"oct\",\"k\":\"AQAB\"", "secret of 3 bytes: HS256 wants 32 to 16384"},
        {"\"kty\":\"oct\"", "k: it is missing"},
        {"\"kty\":\"oct\",\"k\":\"\"", "secret of 0 bytes: HS256 wants 32 to 16384"},
        {"\"kty\":\"\xe2\x80\xa8\"", "kty \"?\", crv \"\": want RSA, EC on P-256, P-384 or "
                                     "P-521, or OKP on Ed25519 or Ed448"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aps_jwk jwk = read_of(cases[i].members);

        assert_null(jwk.key);
        assert_string_equal(jwk.why, cases[i].why);
    }
}

/* DPOP-01 */
static void private_members_are_told(void **state)
{
    static const char *const names[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *text = apr_pstrcat(t_pool, t_jwk_p256, ",\"", names[i],
                                       "\":", i % 2 == 0 ? "\"AQ\"" : "null", NULL);
        struct aps_jwk jwk = read_of(text);

        assert_non_null(jwk.key);
        assert_true(jwk.has_private);
    }
    assert_false(read_of(t_jwk_rsa).has_private);
}

static void values_that_are_no_objects(void **state)
{
    static const char *const texts[] = {"[]", "1", "\"kty\"", "null"};
    struct aps_jsonread r;
    struct aps_jwk jwk;

    (void)state;
    aps_jsonread_init(&r, t_pool, t_hash_key);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(aps_jsonread(&r, aps_str(texts[i]), &aps_jsonread_strict),
                         APS_JSONREAD_OK);
        aps_jwk_read(&r, aps_jsonread_root(&r), &any, t_pool, &jwk);
        assert_null(jwk.key);
        assert_string_equal(jwk.why, "a key that is no object");
    }
}

static void pem_is_bound_to_the_first_that_fits(void **state)
{
    const struct aps_jwk_options none = {NULL, 0, true};
    struct aps_jwk jwk;

    (void)state;
    aps_jwk_pem(APS_STR_LIT(t_public_p384), &any, t_pool, &jwk);
    assert_non_null(jwk.key);
    assert_int_equal(jwk.alg, APS_ALG_ES384);
    assert_int_equal(jwk.kind, APS_ALG_KEY_P384);
    assert_null(jwk.kid.p);
    aps_jwk_pem(APS_STR_LIT(t_public_rsa_1024), &any, t_pool, &jwk);
    assert_null(jwk.key);
    assert_string_equal(jwk.why, "RSA key of 1024 bits: want 2048 to 8192");
    aps_jwk_pem(APS_STR_LIT(t_public_p384), &none, t_pool, &jwk);
    assert_null(jwk.key);
    assert_string_equal(jwk.why, "no algorithm is allowed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_is_read_and_bound),
        cmocka_unit_test(thumbprints),
        cmocka_unit_test(an_alg_is_the_allowed_one_that_fits),
        cmocka_unit_test(use_and_key_ops_are_honoured),
        cmocka_unit_test(a_kid_is_a_short_string),
        cmocka_unit_test(what_is_no_key_says_why),
        cmocka_unit_test(private_members_are_told),
        cmocka_unit_test(values_that_are_no_objects),
        cmocka_unit_test(pem_is_bound_to_the_first_that_fits),
    };

    return cmocka_run_group_tests(tests, t_pool_setup, t_pool_teardown);
}
