#include "t_token.h"

#include "apisec/jwks.h"

static const enum aps_alg all[] = {APS_ALG_RS256, APS_ALG_ES256, APS_ALG_ES384, APS_ALG_HS256};
static const struct aps_jwks_options public = {{all, 4, false}, false};
static const struct aps_jwks_options secrets = {{all, 4, true}, false};
static const struct aps_jwks_options mixed = {{all, 4, true}, true};

#define P256(more) "{", t_jwk_p256, more, "}"
#define P384(more) "{", t_jwk_p384, more, "}"
#define RSA(more) "{", t_jwk_rsa, more, "}"
#define OCT(more) "{", t_jwk_secret, more, "}"
#define SET(...) apr_pstrcat(t_pool, "{\"keys\":[", __VA_ARGS__, "]}", NULL)

static enum aps_err read_set(const char *text, const struct aps_jwks_options *options,
                             struct aps_jwks *out, struct aps_diag *diag)
{
    return aps_jwks_read(aps_str(text), options, t_hash_key, t_pool, out, diag);
}

static void a_set_or_a_key_alone(void **state)
{
    struct aps_jwks set;

    (void)state;
    assert_int_equal(read_set(SET(P256(""), ",", RSA("")), &public, &set, NULL), APS_OK);
    assert_int_equal(set.nkeys, 2);
    assert_int_equal(set.usable, 2);
    assert_int_equal(
        read_set(apr_pstrcat(t_pool, P256(",\"kid\":\"a\""), NULL), &public, &set, NULL), APS_OK);
    assert_int_equal(set.nkeys, 1);
    assert_memory_equal(set.keys[0].kid.p, "a", 1);
}

/* RFC 7517 5; JWT-18: what cannot be used is passed over, and told. */
static void others_are_passed_over(void **state)
{
    struct aps_jwks set;
    struct aps_diag diag;

    (void)state;
    assert_int_equal(read_set(SET("{\"kty\":\"new\"},", OCT(""), ",", P256(",\"use\":\"enc\""),
                                  ",17,", P256(",\"use\":\"sig\"")),
                              &public, &set, NULL),
                     APS_OK);
    assert_int_equal(set.nkeys, 5);
    assert_int_equal(set.usable, 1);
    for (size_t i = 0; i < 4; i++)
        assert_non_null(set.keys[i].why);
    assert_non_null(set.keys[4].key);
    assert_int_equal(read_set(SET(OCT("")), &public, &set, &diag), APS_ERR_NOT_FOUND);
    assert_string_equal(diag.text,
                        "no key that can be used: kty \"oct\": secrets are not taken here");
    assert_int_equal(read_set("{\"keys\":[]}", &public, &set, &diag), APS_ERR_NOT_FOUND);
    assert_string_equal(diag.text, "no key that can be used: there is none");
}

/* JWT-04 */
static void secrets_beside_public_keys_want_a_word(void **state)
{
    struct aps_jwks set;
    struct aps_diag diag;

    (void)state;
    assert_int_equal(read_set(SET(OCT(""), ",", P256("")), &secrets, &set, &diag),
                     APS_ERR_CONFLICT);
    assert_string_equal(diag.text,
                        "secrets beside public keys in one set: want one kind of them, since "
                        "whoever knows the secret could sign for everybody");
    assert_int_equal(read_set(SET(OCT(""), ",", P256("")), &mixed, &set, NULL), APS_OK);
    assert_int_equal(set.usable, 2);
    assert_int_equal(read_set(SET(OCT("")), &secrets, &set, NULL), APS_OK);
    assert_int_equal(read_set(SET(P256("")), &secrets, &set, NULL), APS_OK);
}

static void other_texts_are_refused(void **state)
{
    static const char *const texts[] = {"",
                                        "x",
                                        "[]",
                                        "{}",
                                        "\"keys\"",
                                        "{\"keys\":{}}",
                                        "{\"keys\":null}",
                                        "{\"keys\":[],\"keys\":[]}",
                                        "{\"keys\":[]} {}",
                                        "\xef\xbb\xbf{\"keys\":[]}"};
    struct aps_jwks set;
    struct aps_diag diag;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        diag.text[0] = '\0';
        assert_int_equal(read_set(texts[i], &public, &set, &diag), APS_ERR_FORMAT);
        assert_string_not_equal(diag.text, "");
    }
}

/* At, below and above each bound. */
static void a_set_has_bounds(void **state)
{
    struct aps_jwks set;
    const char *keys = "", *long_set;

    (void)state;
    for (int n = 1; n <= 101; n++) {
        keys =
            apr_psprintf(t_pool, "%s%s{%s,\"kid\":\"%d\"}", keys, n == 1 ? "" : ",", t_jwk_p256, n);
        if (n >= 99)
            assert_int_equal(read_set(SET(keys), &public, &set, NULL),
                             n <= APS_JWKS_KEYS_MAX ? APS_OK : APS_ERR_RANGE);
    }
    for (int n = -1; n <= 1; n++) {
        long_set = apr_psprintf(t_pool, "%*s", APS_JWKS_BYTES_MAX + n, SET(P256("")));
        assert_int_equal(read_set(long_set, &public, &set, NULL), n <= 0 ? APS_OK : APS_ERR_RANGE);
    }
}

static enum aps_jwks_found find(const struct aps_jwks *set, enum aps_alg alg, const char *kid,
                                size_t want)
{
    const struct aps_jwk *key = NULL;
    enum aps_jwks_found found = aps_jwks_find(set, alg, aps_str(kid), &key);

    if (found == APS_JWKS_FOUND)
        assert_int_equal(key - set->keys, want);
    else
        assert_null(key);
    return found;
}

static void a_kid_means_one_key(void **state)
{
    struct aps_jwks set;

    (void)state;
    assert_int_equal(read_set(SET(P256(",\"kid\":\"a\""), ",", P384(",\"kid\":\"b\""), ",",
                                  RSA(",\"kid\":\"b\"")),
                              &public, &set, NULL),
                     APS_OK);
    assert_int_equal(find(&set, APS_ALG_ES256, "a", 0), APS_JWKS_FOUND);
    assert_int_equal(find(&set, APS_ALG_ES384, "b", 1), APS_JWKS_FOUND);
    assert_int_equal(find(&set, APS_ALG_RS256, "b", 2), APS_JWKS_FOUND);
    assert_int_equal(find(&set, APS_ALG_RS256, "a", 0), APS_JWKS_OTHER_ALG);
    assert_int_equal(find(&set, APS_ALG_NONE, "a", 0), APS_JWKS_OTHER_ALG);
    assert_int_equal(find(&set, APS_ALG_ES256, "A", 0), APS_JWKS_UNKNOWN);
    assert_int_equal(find(&set, APS_ALG_ES256, "", 0), APS_JWKS_UNKNOWN);
    assert_int_equal(find(&set, APS_ALG_ES256, NULL, 0), APS_JWKS_FOUND);
    assert_int_equal(find(&set, APS_ALG_RS256, NULL, 2), APS_JWKS_FOUND);
    assert_int_equal(find(&set, APS_ALG_HS256, NULL, 0), APS_JWKS_OTHER_ALG);
}

/* Nothing is tried out: of two keys the wrong one could be meant. */
static void two_keys_of_one_kid_are_none(void **state)
{
    struct aps_jwks set;

    (void)state;
    assert_int_equal(read_set(SET(P256(",\"kid\":\"a\""), ",", P256(",\"kid\":\"a\""), ",",
                                  P256(",\"kid\":\"b\"")),
                              &public, &set, NULL),
                     APS_OK);
    assert_int_equal(find(&set, APS_ALG_ES256, "a", 0), APS_JWKS_AMBIGUOUS);
    assert_int_equal(find(&set, APS_ALG_ES256, "b", 2), APS_JWKS_FOUND);
    assert_int_equal(find(&set, APS_ALG_ES256, NULL, 0), APS_JWKS_AMBIGUOUS);
    /* One of two that is broken is still one of two; alone it is none. */
    assert_int_equal(
        read_set(SET(P256(",\"kid\":\"a\""), ",{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"a\"},",
                     "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"c\"}"),
                 &public, &set, NULL),
        APS_OK);
    assert_int_equal(find(&set, APS_ALG_ES256, "a", 0), APS_JWKS_AMBIGUOUS);
    assert_int_equal(find(&set, APS_ALG_ES256, "c", 0), APS_JWKS_UNKNOWN);
    /* One for encryption is none of two. */
    assert_int_equal(
        read_set(SET(P256(",\"kid\":\"a\""), ",", P256(",\"kid\":\"a\",\"use\":\"enc\"")), &public,
                 &set, NULL),
        APS_OK);
    assert_int_equal(find(&set, APS_ALG_ES256, "a", 0), APS_JWKS_FOUND);
}

static void a_key_without_kid_answers_to_any(void **state)
{
    struct aps_jwks set;

    (void)state;
    assert_int_equal(read_set(SET(P256(""), ",", P384(",\"kid\":\"b\"")), &public, &set, NULL),
                     APS_OK);
    assert_int_equal(find(&set, APS_ALG_ES256, "x", 0), APS_JWKS_FOUND);
    assert_int_equal(find(&set, APS_ALG_ES256, "b", 0), APS_JWKS_OTHER_ALG);
    assert_int_equal(find(&set, APS_ALG_ES384, "x", 0), APS_JWKS_OTHER_ALG);
    assert_int_equal(read_set(SET(P256(""), ",", P256("")), &public, &set, NULL), APS_OK);
    assert_int_equal(find(&set, APS_ALG_ES256, "x", 0), APS_JWKS_AMBIGUOUS);
}

/* JWT-18: at, below and above each bound. */
static void a_set_is_used_and_fetched_by_its_age(void **state)
{
    const struct aps_jwks_life life = {.ttl = 100, .max_stale = 50, .min_interval = 10};

    (void)state;
    assert_true(aps_jwks_usable(&life, 1000, 1000));
    assert_true(aps_jwks_usable(&life, 1000, 1149));
    assert_false(aps_jwks_usable(&life, 1000, 1150));
    assert_false(aps_jwks_usable(&life, 1000, 999));
    assert_false(aps_jwks_due(&life, 1000, 1000, false, 1099));
    assert_true(aps_jwks_due(&life, 1000, 1000, false, 1100));
    assert_false(aps_jwks_due(&life, 1000, 1095, false, 1104));
    assert_true(aps_jwks_due(&life, 1000, 1095, false, 1105));
    /* An unknown kid asks for more, and no oftener. */
    assert_false(aps_jwks_due(&life, 1000, 1000, true, 1009));
    assert_true(aps_jwks_due(&life, 1000, 1000, true, 1010));
    assert_false(aps_jwks_due(&life, 1000, 1010, true, 1019));
    /* Times from the future are none. */
    assert_true(aps_jwks_due(&life, 2000, 900, false, 1000));
    assert_true(aps_jwks_due(&life, 1000, 2000, true, 1000));
}

static void pem_is_a_set_of_one(void **state)
{
    struct aps_jwks set;
    struct aps_diag diag;

    (void)state;
    assert_int_equal(aps_jwks_pem(APS_STR_LIT(t_public_p256), &public, t_pool, &set, NULL), APS_OK);
    assert_int_equal(find(&set, APS_ALG_ES256, "x", 0), APS_JWKS_FOUND);
    assert_int_equal(aps_jwks_pem(APS_STR_LIT("x"), &public, t_pool, &set, &diag),
                     APS_ERR_NOT_FOUND);
    assert_string_equal(diag.text, "no key that can be used: want one PEM block and no other, of "
                                   "PUBLIC KEY, and at most 16384 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_or_a_key_alone),
        cmocka_unit_test(others_are_passed_over),
        cmocka_unit_test(secrets_beside_public_keys_want_a_word),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(a_set_has_bounds),
        cmocka_unit_test(a_kid_means_one_key),
        cmocka_unit_test(two_keys_of_one_kid_are_none),
        cmocka_unit_test(a_key_without_kid_answers_to_any),
        cmocka_unit_test(a_set_is_used_and_fetched_by_its_age),
        cmocka_unit_test(pem_is_a_set_of_one),
    };

    return cmocka_run_group_tests(tests, t_pool_setup, t_pool_teardown);
}
