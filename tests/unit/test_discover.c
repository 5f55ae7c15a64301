#include "t_token.h"

#include "apisec/discover.h"
#include "t_issuer.h"

/* RFC 8414 3.1, OpenID Connect Discovery 1.0 4.1 */
static void places_are_below_the_issuer(void **state)
{
    static const struct {
        const char *iss, *oauth, *openid;
    } cases[] = {
        {"https://a", "https://a/.well-known/oauth-authorization-server",
         "https://a/.well-known/openid-configuration"},
        {"https://a/", "https://a/.well-known/oauth-authorization-server",
         "https://a/.well-known/openid-configuration"},
        {"https://a:8443/t/1", "https://a:8443/.well-known/oauth-authorization-server/t/1",
         "https://a:8443/t/1/.well-known/openid-configuration"},
        {"https://a/t/", "https://a/.well-known/oauth-authorization-server/t",
         "https://a/t/.well-known/openid-configuration"},
    };
    struct aps_str out[APS_DISCOVER_PLACES];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(aps_discover_places(aps_str(cases[i].iss), t_pool, out, NULL), APS_OK);
        assert_string_equal(out[0].p, cases[i].oauth);
        assert_string_equal(out[1].p, cases[i].openid);
    }
    assert_int_equal(aps_discover_places(APS_STR_LIT("https://a/?b"), t_pool, out, NULL),
                     APS_ERR_FORMAT);
    assert_int_equal(aps_discover_places(APS_STR_LIT("corp"), t_pool, out, NULL), APS_ERR_FORMAT);
}

/* JWT-17: the same issuer byte by byte, and keys where somebody said. */
static void documents_are_judged(void **state)
{
#define ISS "\"issuer\":\"https://login.example\""
    static const struct {
        const char *body;
        enum aps_err err;
        const char *text;
    } cases[] = {
        {"{" ISS ",\"jwks_uri\":\"https://login.example/k\",\"x\":1}", APS_OK, NULL},
        {"{" ISS ",\"jwks_uri\":\"https://LOGIN.example:444/k\"}", APS_OK, NULL},
        {"{" ISS ",\"jwks_uri\":\"https://keys.example/k\"}", APS_OK, NULL},
        {"{" ISS ",\"jwks_uri\":\"https://other.example/k\"}", APS_ERR_UNSAFE, "--host other"},
        {"{" ISS ",\"jwks_uri\":\"http://login.example/k\"}", APS_ERR_UNSAFE, "want https"},
        {"{" ISS ",\"jwks_uri\":\"https://u@login.example/k\"}", APS_ERR_FORMAT, "URL"},
        {"{" ISS ",\"jwks_uri\":1}", APS_ERR_FORMAT, "no jwks_uri"},
        {"{" ISS "}", APS_ERR_FORMAT, "no jwks_uri"},
        {"{\"issuer\":\"https://login.example/\",\"jwks_uri\":\"https://login.example/k\"}",
         APS_ERR_CONFLICT, "byte by byte"},
        {"{\"jwks_uri\":\"https://login.example/k\"}", APS_ERR_FORMAT, "no issuer"},
        {"{" ISS "," ISS "}", APS_ERR_FORMAT, "JSON"},
        {"<html>", APS_ERR_FORMAT, "JSON"},
        {"[]", APS_ERR_FORMAT, "no issuer"},
    };
    static const struct aps_str hosts[] = {{"keys.example", 12}};
    struct aps_issuer issuer = t_issuer();
    (void)state;
    issuer.hosts = hosts;
    issuer.nhosts = 1;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aps_str out = {NULL, 0};
        struct aps_diag diag = {{0}};
        enum aps_err err = aps_discover_read(aps_str(cases[i].body), &issuer, t_pool, &out, &diag);
        if (err != cases[i].err)
            print_error("%s: %s\n", cases[i].body, diag.text);
        assert_int_equal(err, cases[i].err);
        assert_int_equal(err == APS_OK, out.p != NULL);
        assert_true(cases[i].text == NULL || strstr(diag.text, cases[i].text) != NULL);
    }
}

static void seen(void *arg, const struct aps_discover_step *step)
{
    assert_string_equal(step->what, "keys");
    assert_int_equal(step->err, APS_ERR_UNSAFE);
    ++*(int *)arg;
}

/* JWT-17 */
static void an_address_inside_is_refused(void **state)
{
    struct aps_issuer issuer = t_issuer();
    const struct aps_fetch_options base = {.body_max = 0};
    struct aps_jwks set;
    struct aps_str text;
    struct aps_diag diag;
    int steps = 0;
    (void)state;
    issuer.jwks_url = APS_STR_LIT("https://127.0.0.1:1/keys");
    assert_int_equal(aps_discover_keys(&issuer, &base, t_pool, &set, &text, seen, &steps, &diag),
                     APS_ERR_UNSAFE);
    assert_int_equal(steps, 1);
    issuer.source = APS_ISSUER_STATIC;
    assert_int_equal(aps_discover_keys(&issuer, &base, t_pool, &set, &text, NULL, NULL, &diag),
                     APS_ERR_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_below_the_issuer),
        cmocka_unit_test(documents_are_judged),
        cmocka_unit_test(an_address_inside_is_refused),
    };
    return cmocka_run_group_tests(tests, t_pool_setup, t_pool_teardown);
}
