#include "t_token.h"

#include "apisec/jws.h"
#include "apisec/mac.h"

static const enum aps_alg all[] = {APS_ALG_RS256, APS_ALG_PS256, APS_ALG_ES256, APS_ALG_ES384,
                                   APS_ALG_ES512, APS_ALG_EDDSA, APS_ALG_ED448, APS_ALG_HS256};
static const struct aps_jwks_options options = {{all, sizeof all / sizeof *all, true}, true};

static enum aps_token read_it(struct aps_str token, struct aps_jws *out)
{
    return aps_jws_read(token, t_hash_key, t_pool, out, NULL);
}

static struct aps_jwks set_of(const char *members)
{
    struct aps_jwks set;

    assert_int_equal(aps_jwks_read(aps_str(apr_pstrcat(t_pool, "{", members, "}", NULL)), &options,
                                   t_hash_key, t_pool, &set, NULL),
                     APS_OK);
    return set;
}

static enum aps_token verify(struct aps_str token, const char *members)
{
    struct aps_jwks set = set_of(members);
    struct aps_jws jws;
    enum aps_token verdict = read_it(token, &jws);

    return verdict == APS_TOKEN_OK ? aps_jws_verify(&jws, &set, NULL, NULL) : verdict;
}

#define JOE                                                                                        \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnV"  \
    "lfQ"

/* RFC 7515 A.1.1, A.3.1; RFC 8037 A.4. */
static void examples_of_the_standards(void **state)
{
    static const struct {
        const char *members, *token;
    } cases[] = {
        {"\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-"
         "1qS0gZH75aKtMN3Yj0iPS"
         "4hcgUuTwjAzZr1Z9CAow\"",
         "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." JOE
         ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
        {"\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
         "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"",
         "eyJhbGciOiJFUzI1NiJ9." JOE ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8I"
         "SlSApmWQxfKTUJqPP3-Kg6NU1Q"},
        {"\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_"
         "7TyWQHOg7hcvPapiMlrwIaaPcHURo\"",
         "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09P"
         "GcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *other = apr_pstrdup(t_pool, cases[i].token);

        assert_int_equal(verify(aps_str(cases[i].token), cases[i].members), APS_TOKEN_OK);
        other[strlen(other) - 3] ^= 1;
        assert_int_equal(verify(aps_str(other), cases[i].members), APS_TOKEN_SIGNATURE);
    }
}

static void the_parts_of_a_token(void **state)
{
    struct aps_str token =
        t_token(APS_ALG_ES256,
                "{\"kid\":\"k\\u0031\",\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"x\":[1]}", "{}");
    struct aps_jwks set = set_of(apr_pstrcat(t_pool, t_jwk_p256, ",\"kid\":\"k1\"", NULL));
    const struct aps_jwk *key = NULL;
    struct aps_jws jws;

    (void)state;
    assert_int_equal(read_it(token, &jws), APS_TOKEN_OK);
    assert_int_equal(jws.alg, APS_ALG_ES256);
    assert_true(aps_str_eq(jws.alg_name, APS_STR_LIT("ES256")));
    assert_true(aps_str_eq(jws.kid, APS_STR_LIT("k1")));
    assert_true(aps_str_eq(jws.typ, APS_STR_LIT("at+jwt")));
    assert_true(aps_str_eq(jws.payload, APS_STR_LIT("{}")));
    assert_int_equal(jws.signature.n, 64);
    assert_false(jws.brings_key);
    assert_int_equal(aps_jws_verify(&jws, &set, &key, NULL), APS_TOKEN_OK);
    assert_ptr_equal(key, &set.keys[0]);
    assert_int_equal(read_it(t_token(APS_ALG_ES256, "{\"alg\":\"ES256\"}", ""), &jws),
                     APS_TOKEN_OK);
    assert_null(jws.kid.p);
    assert_null(jws.typ.p);
    assert_int_equal(jws.payload.n, 0);
}

/* JWT-01 */
static void only_three_parts_of_base64url(void **state)
{
    static const char *const cases[] = {
        "",
        ".",
        "..",
        "...",
        "a",
        "e30.e30",
        "e30..",
        ".e30.e30",
        "..e30",
        "e30.e30.",
        "e30.e30.e30.",
        ".e30.e30.e30",
        "e30.e30.e30.e30",
        "e30.e30.e30.e30.e30",
        "e30=.e30.e30",
        "e30.e30=.e30",
        "e30.e30.e30=",
        "e30.e30.e31",
        "e3.e30.e30",
        " e30.e30.e30",
        "e30.e30.e30 ",
        "e30.e30.e30\n",
        "e30.e 0.e30",
        "e30.e30.e+0",
        "e30.e30.e/0",
        "e30.e30.e%30",
        "{\"payload\":\"e30\",\"signatures\":[]}",
    };
    struct aps_jws jws;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(read_it(aps_str(cases[i]), &jws), APS_TOKEN_MALFORMED);
    assert_int_equal(read_it(APS_STR_LIT("e30.e30.e3\0"), &jws), APS_TOKEN_MALFORMED);
    assert_int_equal(read_it(APS_STR_LIT("e30.e30.AA"), &jws), APS_TOKEN_HEADER);
}

/* JWT-09, JWT-10: what stands in the header, and what is asked of it before any key is looked at.
 */
static void a_header_is_strict_json(void **state)
{
    static const struct {
        const char *header;
        enum aps_token want;
    } cases[] = {
        {"{\"alg\":\"ES256\"}", APS_TOKEN_OK},
        {"", APS_TOKEN_MALFORMED},
        {"x", APS_TOKEN_HEADER},
        {"[]", APS_TOKEN_HEADER},
        {"null", APS_TOKEN_HEADER},
        {"\"alg\"", APS_TOKEN_HEADER},
        {"{}", APS_TOKEN_HEADER},
        {"{\"alg\":\"ES256\"}{}", APS_TOKEN_HEADER},
        {"{\"alg\":\"none\",\"alg\":\"ES256\"}", APS_TOKEN_HEADER},
        {"{\"alg\":\"ES256\",\"al\\u0067\":\"none\"}", APS_TOKEN_HEADER},
        {"{\"alg\":\"ES256\",\"x\":{\"y\":1,\"y\":2}}", APS_TOKEN_HEADER},
        {"\xef\xbb\xbf{\"alg\":\"ES256\"}", APS_TOKEN_HEADER},
        {"{\"alg\":\"ES256\",\"x\":\"\xc0\xaf\"}", APS_TOKEN_HEADER},
        {"{\"alg\":\"ES256\\u0000\"}", APS_TOKEN_HEADER},
        {"{\"alg\":\"ES256\",\"x\":[[[1]]]}", APS_TOKEN_OK},
        {"{\"alg\":\"ES256\",\"x\":[[[[1]]]]}", APS_TOKEN_HEADER},
        {"{\"alg\":256}", APS_TOKEN_HEADER},
        {"{\"alg\":null}", APS_TOKEN_HEADER},
        {"{\"alg\":[\"ES256\"]}", APS_TOKEN_HEADER},
        {"{\"alg\":\"ES256\",\"kid\":7}", APS_TOKEN_HEADER},
        {"{\"alg\":\"ES256\",\"kid\":null}", APS_TOKEN_HEADER},
        {"{\"alg\":\"ES256\",\"typ\":[\"JWT\"]}", APS_TOKEN_HEADER},
        {"{\"Alg\":\"ES256\"}", APS_TOKEN_HEADER},
    };
    struct aps_jws jws;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(read_it(t_token(APS_ALG_ES256, cases[i].header, "{}"), &jws),
                         cases[i].want);
}

/* JWT-08: at, below and above 256 bytes; whatever bytes they are. */
static void a_kid_is_opaque_and_short(void **state)
{
    static const char *const kids[] = {"../../etc/passwd", "' OR 1=1 --", "|/usr/bin/true",
                                       "a\\r\\nX: y",      "\\u2028",     "*)(uid=*"};
    struct aps_jws jws;

    (void)state;
    for (int n = 255; n <= 257; n++)
        assert_int_equal(
            read_it(t_token(APS_ALG_ES256,
                            apr_psprintf(t_pool, "{\"alg\":\"ES256\",\"kid\":\"%0*d\"}", n, 0),
                            "{}"),
                    &jws),
            n <= 256 ? APS_TOKEN_OK : APS_TOKEN_HEADER);
    for (size_t i = 0; i < sizeof kids / sizeof *kids; i++) {
        const char *header =
            apr_pstrcat(t_pool, "{\"alg\":\"ES256\",\"kid\":\"", kids[i], "\"}", NULL);
        const char *named = apr_pstrcat(t_pool, t_jwk_p256, ",\"kid\":\"", kids[i], "\"", NULL);
        const char *other = apr_pstrcat(t_pool, t_jwk_p256, ",\"kid\":\"other\"", NULL);
        struct aps_jwks set = set_of(other);
        struct aps_diag diag;

        assert_int_equal(verify(t_token(APS_ALG_ES256, header, "{}"), named), APS_TOKEN_OK);
        assert_int_equal(read_it(t_token(APS_ALG_ES256, header, "{}"), &jws), APS_TOKEN_OK);
        assert_int_equal(aps_jws_verify(&jws, &set, NULL, &diag), APS_TOKEN_KEY_UNKNOWN);
        assert_null(strpbrk(diag.text, "\r\n"));
    }
}

/* JWT-07 */
static void no_extension_is_understood(void **state)
{
    static const char *const headers[] = {
        "{\"alg\":\"ES256\",\"crit\":[]}",
        "{\"alg\":\"ES256\",\"crit\":[\"exp\"],\"exp\":1}",
        "{\"alg\":\"ES256\",\"crit\":[\"b64\"],\"b64\":false}",
        "{\"alg\":\"ES256\",\"crit\":null}",
        "{\"alg\":\"ES256\",\"crit\":\"alg\"}",
        "{\"alg\":\"ES256\",\"b64\":false}",
        "{\"alg\":\"ES256\",\"b64\":true}",
        "{\"alg\":\"ES256\",\"cri\\u0074\":[\"x\"]}",
    };
    struct aps_jws jws;

    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        assert_int_equal(read_it(t_token(APS_ALG_ES256, headers[i], "{}"), &jws),
                         APS_TOKEN_CRITICAL);
}

/* JWT-06: signed with the key that it brings, or with the right one: refused. */
static void a_token_brings_no_key(void **state)
{
    static const char *const members[] = {"\"jku\":\"https://keys.example\"",
                                          "\"x5u\":\"https://keys.example\"", "\"x5c\":[\"AA\"]",
                                          "\"jwk\":null", "\"jw\\u006b\":{}"};
    const char *header =
        apr_pstrcat(t_pool, "{\"alg\":\"ES256\",\"jwk\":{", t_jwk_p256, "}}", NULL);

    (void)state;
    assert_int_equal(verify(t_token(APS_ALG_ES256, header, "{}"), t_jwk_p256),
                     APS_TOKEN_KEY_INSIDE);
    assert_int_equal(verify(t_token(APS_ALG_ES256, header, "{}"), t_jwk_p384),
                     APS_TOKEN_KEY_INSIDE);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        header = apr_pstrcat(t_pool, "{\"alg\":\"ES256\",", members[i], "}", NULL);
        assert_int_equal(verify(t_token(APS_ALG_ES256, header, "{}"), t_jwk_p256),
                         APS_TOKEN_KEY_INSIDE);
    }
    header = "{\"alg\":\"ES256\",\"x5t\":\"AA\",\"x5t#S256\":\"AA\",\"cty\":\"x\",\"JWK\":{}}";
    assert_int_equal(verify(t_token(APS_ALG_ES256, header, "{}"), t_jwk_p256), APS_TOKEN_OK);
}

/* JWT-02 */
static void none_is_not_listed(void **state)
{
    static const char *const names[] = {"none",   "None", "nOnE",  "NONE",   "",   "es256",
                                        "ES256 ", "HS1",  "ES255", "A256KW", "dir"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *header = apr_pstrcat(t_pool, "{\"alg\":\"", names[i], "\"}", NULL);

        assert_int_equal(verify(t_token(APS_ALG_ES256, header, "{}"), t_jwk_p256), APS_TOKEN_ALG);
    }
}

/* JWT-03: HS256 keyed with what everybody has of an RSA key; a key for another algorithm. */
static void confusion_of_algorithms(void **state)
{
    const char *spellings[] = {t_public_rsa, t_public_p256};
    const char *text =
        apr_pstrcat(t_pool, t_b64("{\"alg\":\"HS256\"}", 15), ".", t_b64("{}", 2), NULL);

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct aps_mac *mac = NULL;
        uint8_t sum[APS_MAC_LEN];
        const char *token;

        assert_int_equal(aps_mac_new(spellings[i], strlen(spellings[i]), &mac), APS_OK);
        assert_int_equal(aps_mac_sum(mac, aps_str(text), sum), APS_OK);
        aps_mac_free(mac);
        token = apr_pstrcat(t_pool, text, ".", t_b64(sum, sizeof sum), NULL);
        assert_int_equal(verify(aps_str(token), t_jwk_rsa), APS_TOKEN_KEY_ALG);
        assert_int_equal(verify(aps_str(token), t_jwk_p256), APS_TOKEN_KEY_ALG);
    }
    /* The key is bound to RS256, the preferred: a good PS256 signature of it is refused. */
    assert_int_equal(verify(t_token(APS_ALG_PS256, "{\"alg\":\"PS256\"}", "{}"), t_jwk_rsa),
                     APS_TOKEN_KEY_ALG);
    assert_int_equal(verify(t_token(APS_ALG_PS256, "{\"alg\":\"RS256\"}", "{}"), t_jwk_rsa),
                     APS_TOKEN_SIGNATURE);
    assert_int_equal(verify(t_token(APS_ALG_RS256, "{\"alg\":\"RS256\"}", "{}"), t_jwk_rsa),
                     APS_TOKEN_OK);
}

/* At, below and above the caps of token and header. */
static void a_token_has_bounds(void **state)
{
    const char *small = "{\"alg\":\"HS256\"}";
    char *payload, *header;
    struct aps_jws jws;
    struct aps_str token;

    (void)state;
    for (int n = -1; n <= 1;
         n++) { /* 12,239 bytes are 16,319 letters, beside 20, 43 and two dots */
        payload = apr_psprintf(t_pool, "%0*d", 12239 + n, 0);
        token = t_token(APS_ALG_HS256, small, payload);
        assert_int_equal(token.n, APS_JWS_MAX + n);
        assert_int_equal(read_it(token, &jws), n <= 0 ? APS_TOKEN_OK : APS_TOKEN_TOO_LONG);
    }
    for (int n = -1; n <= 1; n++) {
        header = apr_psprintf(t_pool, "%*s", APS_JWS_HEADER_MAX + n, small);
        assert_int_equal(read_it(t_token(APS_ALG_HS256, header, "{}"), &jws),
                         n <= 0 ? APS_TOKEN_OK : APS_TOKEN_HEADER);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_standards),
        cmocka_unit_test(the_parts_of_a_token),
        cmocka_unit_test(only_three_parts_of_base64url),
        cmocka_unit_test(a_header_is_strict_json),
        cmocka_unit_test(a_kid_is_opaque_and_short),
        cmocka_unit_test(no_extension_is_understood),
        cmocka_unit_test(a_token_brings_no_key),
        cmocka_unit_test(none_is_not_listed),
        cmocka_unit_test(confusion_of_algorithms),
        cmocka_unit_test(a_token_has_bounds),
    };

    return cmocka_run_group_tests(tests, t_pool_setup, t_pool_teardown);
}
