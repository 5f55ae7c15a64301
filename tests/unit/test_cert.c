#include "t_token.h"

#include "apisec/cert.h"
#include "apisec/certname.h"

/* O="Shop, Inc", CN=beta with an acute e; alternative names of four kinds; to the year 9966. */
static const char named[] =
    "MIIBXDCCAQ6gAwIBAgIBATAFBgMrZXAwJDESMBAGA1UECgwJU2hvcCwgSW5jMQ4wDAYDVQQDDA"
    "Vi"
    "w6l0YTAgFw0yNjExMjcwODAwNDFaGA85OTY2MTEwMjA4MDA0MVowJDESMBAGA1UECgwJU2hvcCwg"
    "SW5jMQ4wDAYDVQQDDAViw6l0YTAqMAUGAytlcAMhAHePfTUr5lzvtsf+u9yx2+6sTj3FxGTX2vlx"
    "mH28jXeso2MwYTBABgNVHREEOTA3ggtBUEkuZXhhbXBsZYYVc3BpZmZlOi8vZXhhbXBsZS9zaG9w"
    "gQtvcHNAZXhhbXBsZYcEwAACATAdBgNVHQ4EFgQUSwsqEoFN3tCoArBiWhRKtuxqvB8wBQYDK2Vw"
    "A0EAA7pJJozzlSwl0egNhLQJWHKwzXY4hHTf1UH0fo4YLoMosSYTDOyx+MCu13B0l4qWC0bmIfcz"
    "bvF7CgtZCIxKCA==";
/* No subject and no alternative name; of one day. */
static const char unnamed[] =
    "MIHaMIGNoAMCAQICAQIwBQYDK2VwMAAwHhcNMjYxMTI3MDc1NzI2WhcNMjYxMTI4MDc1NzI2WjAA"
    "MCowBQYDK2VwAyEAd499NSvmXO+2x/673LHb7qxOPcXEZNfa+XGYfbyNd6yjLDAqMAkGA1UdEwQC"
    "MAAwHQYDVR0OBBYEFEsLKhKBTd7QqAKwYloUSrbsarwfMAUGAytlcANBAIV7gSS0kGQl/zoQhxrj"
    "m637IN8ETDlOGMXeN0inZZs/jdf5/dSNZph9FVRCQDdwysx+nkvfDW3y4/eZnWi1WQg=";
#define UNNAMED_FROM 1795766246

static struct aps_str der_of(const char *text)
{
    uint8_t *der = apr_palloc(t_pool, APS_B64_DECODED_MAX(strlen(text)));
    size_t n = 0;
    assert_true(aps_b64_decode(aps_str(text), der, &n));
    return (struct aps_str){(const char *)der, n};
}

static struct aps_cert read_one(const char *text)
{
    struct aps_cert cert;
    assert_int_equal(aps_cert_read(der_of(text), t_pool, &cert), APS_OK);
    return cert;
}

/* MTLS-02: what a store knows it by. */
static void names_are_those_that_it_has(void **state)
{
    static const char *const want[] = {"dn:CN=b\\C3\\A9ta,O=Shop\\, Inc", "san:dns:api.example",
                                       "san:uri:spiffe://example/shop", "san:email:ops@example"};
    struct aps_cert cert = read_one(named);
    struct aps_str name;
    (void)state;
    assert_int_equal(cert.n, 4);
    for (size_t i = 0; i < cert.n; i++) {
        assert_true(aps_certname_of(t_pool, &cert.names[i], &name));
        assert_string_equal(name.p, want[i]);
    }
    assert_int_equal(read_one(unnamed).n, 0);
}

/* MTLS-02: what could be read as something else is no name. */
static void names_that_are_no_text_are_none(void **state)
{
    static const struct aps_str bad[] = {{NULL, 0}, {"a\0b", 3}, {"a\nb", 3}, {"\xff", 1}, {"", 0}};
    char text[APS_CERTNAME_MAX];
    struct aps_cert_name name = {APS_CERT_DNS, {text, sizeof text - 8}};
    struct aps_str out;
    (void)state;
    memset(text, 'a', sizeof text);
    assert_true(aps_certname_of(t_pool, &name, &out));
    name.text.n++;
    assert_false(aps_certname_of(t_pool, &name, &out));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        name.text = bad[i];
        assert_false(aps_certname_of(t_pool, &name, &out));
    }
}

/* MTLS-02 */
static void its_time_is_told_to_the_second(void **state)
{
    const aps_nsec day = 24 * 60 * APS_MINUTE, from = UNNAMED_FROM * APS_SEC;
    struct aps_cert cert = read_one(unnamed), far = read_one(named);
    (void)state;
    assert_false(aps_cert_is_live(&cert, from - 1));
    assert_true(aps_cert_is_live(&cert, from));
    assert_true(aps_cert_is_live(&cert, from + day));
    assert_false(aps_cert_is_live(&cert, from + day + 1));
    assert_true(aps_cert_is_live(&far, INT64_MAX));
}

/* MTLS-02 */
static void what_is_no_certificate_is_refused(void **state)
{
    struct aps_str der = der_of(named);
    struct aps_cert cert;
    char *longer = apr_pcalloc(t_pool, APS_CERT_MAX + 1);
    (void)state;
    memcpy(longer, der.p, der.n);
    for (size_t n = 0; n < der.n; n++)
        assert_int_equal(aps_cert_read((struct aps_str){der.p, n}, t_pool, &cert), APS_ERR_FORMAT);
    assert_int_equal(aps_cert_read((struct aps_str){longer, der.n + 1}, t_pool, &cert),
                     APS_ERR_FORMAT);
    assert_int_equal(aps_cert_read((struct aps_str){longer, APS_CERT_MAX + 1}, t_pool, &cert),
                     APS_ERR_RANGE);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_those_that_it_has),
        cmocka_unit_test(names_that_are_no_text_are_none),
        cmocka_unit_test(its_time_is_told_to_the_second),
        cmocka_unit_test(what_is_no_certificate_is_refused),
    };
    return cmocka_run_group_tests(tests, t_pool_setup, t_pool_teardown);
}
