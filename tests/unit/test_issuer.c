#include "t.h"

#include "t_issuer.h"

static void want(const struct aps_issuer *issuer, enum aps_err err, const char *text)
{
    struct aps_diag diag = {{0}};
    enum aps_err seen = aps_issuer_check(issuer, &diag);
    if (seen != err || (text != NULL && strstr(diag.text, text) == NULL))
        print_error("%s: %s\n", aps_err_name(seen), diag.text);
    assert_int_equal(seen, err);
    assert_true(text == NULL || strstr(diag.text, text) != NULL);
}

#define WANT(change, err, text)                                                                    \
    do {                                                                                           \
        struct aps_issuer i = t_issuer();                                                          \
        change;                                                                                    \
        want(&i, err, text);                                                                       \
    } while (0)

/* JWT-04, JWT-11, JWT-12, JWT-13, JWT-17, JWT-18: each field, at and beyond its bounds. */
static void definitions_are_checked(void **state)
{
    static const enum aps_alg mixed[] = {APS_ALG_HS256, APS_ALG_RS256};
    static const struct aps_str hosts[] = {{"keys.example:443", 16}};
    static const struct aps_claimrule bad[] = {
        {t_groups, 1, APS_CLAIMRULE_ROLE, {NULL, 0}, {"no role", 7}}};
    (void)state;
    WANT((void)0, APS_OK, NULL);
    WANT(i.name = APS_STR_LIT("a b"), APS_ERR_FORMAT, "issuer name \"a b\"");
    WANT(i.name = APS_STR_LIT("a:b"), APS_ERR_FORMAT, "issuer name \"a:b\""); /* JWT-16 */
    WANT(i.jwt.claims.iss = APS_STR_LIT(""), APS_ERR_RANGE, "without its name");
    WANT(i.jwt.claims.iss = APS_STR_LIT("a\nb"), APS_ERR_FORMAT, "control characters");
    WANT(i.jwt.claims.naudiences = 0, APS_ERR_RANGE, "without an audience");
    WANT(i.jwt.nalgs = 0, APS_ERR_RANGE, "without an algorithm");
    WANT(i.jwt.algs = mixed; i.jwt.nalgs = 2;
         i.source = APS_ISSUER_STATIC, APS_ERR_RANGE, "one kind of them");
    WANT(i.jwt.algs = mixed; i.jwt.nalgs = 2; i.jwt.mixed = true;
         i.source = APS_ISSUER_STATIC, APS_OK, NULL);
    WANT(i.jwt.algs = t_hmac; i.jwt.nalgs = 1, APS_ERR_FORMAT, "secret that is fetched");
    WANT(i.jwt.claims.leeway = 120 * APS_SEC, APS_OK, NULL);
    WANT(i.jwt.claims.leeway = 121 * APS_SEC, APS_ERR_RANGE, "121 s: want 0 to 120 s");
    WANT(i.jwt.claims.rules = bad; i.jwt.claims.nrules = 1, APS_ERR_FORMAT, "role \"no role\"");
    WANT(i.life.ttl = 9 * APS_SEC, APS_ERR_RANGE, "ttl of keys");
    WANT(i.life.max_stale = 8 * APS_DAY, APS_ERR_RANGE, "stale");
    WANT(i.life.min_interval = 0, APS_ERR_RANGE, "interval");
    WANT(i.answer_ttl = APS_HOUR + APS_SEC, APS_ERR_RANGE, "answers");
    WANT(i.jwt.claims.max_age = APS_SEC / 2, APS_ERR_RANGE, "max-age of 500 ms");
    WANT(i.source = APS_ISSUER_NONE, APS_ERR_FORMAT, "without keys");
    WANT(i.hosts = hosts; i.nhosts = 1, APS_ERR_FORMAT, "host \"keys.example:443\"");
    WANT(i.ca = APS_STR_LIT("ca.pem"), APS_ERR_FORMAT, "path from /");
    WANT(i.ca = APS_STR_LIT("/etc/ca.pem"), APS_OK, NULL);
}

/* JWT-17: https, and http where somebody asked for it and on loopback alone. */
static void places_are_https(void **state)
{
    (void)state;
    WANT(i.jwks_url = APS_STR_LIT("http://login.example/"), APS_ERR_FORMAT, "want https");
    WANT(i.jwks_url = APS_STR_LIT("http://login.example/");
         i.insecure_http = true, APS_ERR_FORMAT, "loopback alone");
    WANT(i.jwks_url = APS_STR_LIT("http://127.0.0.1/"), APS_ERR_FORMAT, "want https");
    WANT(i.jwks_url = APS_STR_LIT("http://127.0.0.1/"); i.insecure_http = true, APS_OK, NULL);
    WANT(i.source = APS_ISSUER_DISCOVER;
         i.jwt.claims.iss = APS_STR_LIT("corp"), APS_ERR_FORMAT, "URL \"corp\"");
    WANT(i.source = APS_ISSUER_DISCOVER, APS_OK, NULL);
    WANT(i.introspect = APS_STR_LIT("https://login.example/i"), APS_ERR_FORMAT, "--client-id");
    WANT(i.client_id = APS_STR_LIT("me"), APS_ERR_FORMAT, "--introspect");
    WANT(i.introspect = APS_STR_LIT("https://login.example/i");
         i.client_id = APS_STR_LIT("me"), APS_OK, NULL);
    WANT(i.introspect = APS_STR_LIT("http://login.example/i");
         i.client_id = APS_STR_LIT("me"), APS_ERR_FORMAT, "want https");
}

/* JWT-18: among keys that were fetched a secret is none; JWT-19: RFC 9068 is of tokens alone. */
static void what_it_asks_of_keys_and_answers(void **state)
{
    struct aps_issuer i = t_issuer();
    struct aps_jwks_options o = aps_issuer_jwks(&i, true);
    (void)state;
    assert_true(o.jwk.algs == t_algs && o.jwk.nalgs == 3 && !o.jwk.secrets);
    assert_false(aps_issuer_is_secret(&i));
    i.jwt.algs = t_hmac;
    i.jwt.nalgs = 1;
    assert_true(aps_issuer_is_secret(&i));
    assert_true(aps_issuer_jwks(&i, false).jwk.secrets);
    assert_false(aps_issuer_jwks(&i, true).jwk.secrets);
    assert_true(i.jwt.claims.profile);
    assert_true(aps_issuer_answers(&i).answer && !aps_issuer_answers(&i).profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(definitions_are_checked),
        cmocka_unit_test(places_are_https),
        cmocka_unit_test(what_it_asks_of_keys_and_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
