#include "t_token.h"

#include "apisec/certname.h"

static const char pem[] = "-----BEGIN CERTIFICATE-----\n"
                          "MIIBODCB66ADAgECAhReWm5hyJOwaPA6Rw4F3Oo32KL8tjAFBgMrZXAwETEPMA0G\n"
                          "A1UEAwwGY2xpZW50MCAXDTI2MTEyNzA0NTEwMFoYDzIxMjYxMTAzMDQ1MTAwWjAR\n"
                          "MQ8wDQYDVQQDDAZjbGllbnQwKjAFBgMrZXADIQCkJJrLgFqGWUw7oCr1jEGFG4ol\n"
                          "E1Qnrmz1wu9Y9Z0Ki6NTMFEwHQYDVR0OBBYEFBepTQsaasN9nlY1zZ153N71M9mw\n"
                          "MB8GA1UdIwQYMBaAFBepTQsaasN9nlY1zZ153N71M9mwMA8GA1UdEwEB/wQFMAMB\n"
                          "Af8wBQYDK2VwA0EA1fZqwMqVv3iIAGGPW0XXB2bh1D5+r2kbMUgS5sDtNkLID/VP\n"
                          "/eeNvkNsrXjZsEvLSzHn2TviIkFEUF+Gz+09DQ==\n"
                          "-----END CERTIFICATE-----\n";
static const char colons[] = "sha256:50:28:B9:09:C9:47:CD:FA:C8:BB:57:31:90:F2:F6:F9:D7:63:7D:FA:"
                             "FE:9B:AA:08:47:DF:2E:74:40:A9:BE:9F";

#define PIN "sha256:5028b909c947cdfac8bb573190f2f6f9d7637dfafe9baa0847df2e7440a9be9f"

static const char *parse(const char *text)
{
    struct aps_str out = {NULL, 0};
    struct aps_diag diag = {{0}};
    enum aps_err err = aps_certname_parse(t_pool, aps_str(text), &out, &diag);
    if (err != APS_OK)
        assert_non_null(strstr(diag.text, "certificate \""));
    return err == APS_OK ? out.p : NULL;
}

/* MTLS-02: a pin is one certificate's, whatever the spelling; a name is no pin. */
static void names_have_one_form(void **state)
{
    static const char *const bad[] = {
        "",         "sha256:", "sha256:00", PIN "0",   "sha1:00", "dn:",      "san:dns:",
        "san:ip:1", "DN:x",    "dn:a\nb",   "dn:\xff", "x",       "san:uri:", "san:email:",
    };
    (void)state;
    assert_string_equal(parse(PIN), PIN);
    assert_string_equal(parse(colons), PIN);
    assert_string_equal(parse("san:dns:API.Example"), "san:dns:api.example");
    assert_string_equal(parse("san:uri:spiffe://a/B"), "san:uri:spiffe://a/B");
    assert_string_equal(parse("san:email:A@b"), "san:email:A@b");
    assert_string_equal(parse("dn:CN=Shop,O=Shop Inc"), "dn:CN=Shop,O=Shop Inc");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_null(parse(bad[i]));
    assert_true(aps_certname_is_pin(aps_str(PIN)));
    assert_false(aps_certname_is_pin(APS_STR_LIT("dn:sha256:")));
}

static void long_names_are_refused(void **state)
{
    char text[APS_CERTNAME_MAX + 1];
    struct aps_str out;
    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text, "dn:", 3);
    assert_int_equal(
        aps_certname_parse(t_pool, (struct aps_str){text, APS_CERTNAME_MAX}, &out, NULL), APS_OK);
    assert_int_equal(
        aps_certname_parse(t_pool, (struct aps_str){text, APS_CERTNAME_MAX + 1}, &out, NULL),
        APS_ERR_RANGE);
}

static void a_pem_text_has_a_pin(void **state)
{
    static const char *const bad[] = {
        "", "-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"};
    char out[APS_CERTNAME_PIN_LEN];
    uint8_t digest[APS_DIGEST_LEN] = {0xab};
    (void)state;
    assert_int_equal(aps_certname_pem(aps_str(pem), out, NULL), APS_OK);
    assert_memory_equal(out, PIN, sizeof out);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(aps_certname_pem(aps_str(bad[i]), out, NULL), APS_ERR_FORMAT);
    aps_certname_pin(digest, out);
    assert_memory_equal(out, "sha256:ab00", 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_have_one_form),
        cmocka_unit_test(long_names_are_refused),
        cmocka_unit_test(a_pem_text_has_a_pin),
    };
    return cmocka_run_group_tests(tests, t_pool_setup, t_pool_teardown);
}
