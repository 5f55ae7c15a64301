#include "t.h"

#include "apisec/url.h"

struct seen {
    const char *text, *host, *path, *query; /* host NULL: refused */
    uint16_t port;
    bool https, loopback;
};

/* JWT-17: what a URL says is read in one way, or not at all. */
static void urls_are_read_in_one_way(void **state)
{
    static const struct seen cases[] = {
        {"https://issuer.example", "issuer.example", "", NULL, 443, true, false},
        {"https://issuer.example/", "issuer.example", "/", NULL, 443, true, false},
        {"HTTPS://Issuer.Example:8443/a%2Fb?c=d?e", "Issuer.Example", "/a%2Fb", "c=d?e", 8443, true,
         false},
        {"http://127.0.0.1:80?x", "127.0.0.1", "", "x", 80, false, true},
        {"http://[::1]/", "::1", "/", NULL, 80, false, true},
        {"https://[2001:db8::1]:1/", "2001:db8::1", "/", NULL, 1, true, false},
        {"https://localhost/", "localhost", "/", NULL, 443, true, true},
        {"https://xn--bcher-kva.example/", "xn--bcher-kva.example", "/", NULL, 443, true, false},
        {"https://a/?", "a", "/", "", 443, true, false},
        {"ftp://a/", NULL, NULL, NULL, 0, false, false},
        {"https:/a/", NULL, NULL, NULL, 0, false, false},
        {"//a/", NULL, NULL, NULL, 0, false, false},
        {"", NULL, NULL, NULL, 0, false, false},
        {"https://", NULL, NULL, NULL, 0, false, false},
        {"https:///a", NULL, NULL, NULL, 0, false, false},
        {"https://user@a/", NULL, NULL, NULL, 0, false, false},
        {"https://user:pass@a/", NULL, NULL, NULL, 0, false, false},
        {"https://a/#x", NULL, NULL, NULL, 0, false, false},
        {"https://a/ b", NULL, NULL, NULL, 0, false, false},
        {"https://a/\\b", NULL, NULL, NULL, 0, false, false},
        {"https://a\\b/", NULL, NULL, NULL, 0, false, false},
        {"https://a/%4", NULL, NULL, NULL, 0, false, false},
        {"https://a/%zz", NULL, NULL, NULL, 0, false, false},
        {"https://a/\xc3\xa4", NULL, NULL, NULL, 0, false, false},
        {"https://a:/", NULL, NULL, NULL, 0, false, false},
        {"https://a:0/", NULL, NULL, NULL, 0, false, false},
        {"https://a:65536/", NULL, NULL, NULL, 0, false, false},
        {"https://a:443x/", NULL, NULL, NULL, 0, false, false},
        {"https://[::1/", NULL, NULL, NULL, 0, false, false},
        {"https://[127.0.0.1]/", NULL, NULL, NULL, 0, false, false},
        {"https://::1/", NULL, NULL, NULL, 0, false, false},
        {"https://-a/", NULL, NULL, NULL, 0, false, false},
        {"https://a-/", NULL, NULL, NULL, 0, false, false},
        {"https://a..b/", NULL, NULL, NULL, 0, false, false},
        {"https://a./", NULL, NULL, NULL, 0, false, false},
        {"https://a_b/", NULL, NULL, NULL, 0, false, false},
        {"https://%61/", NULL, NULL, NULL, 0, false, false},
        /* What a resolver would read as an address of another form. */
        {"https://127.1/", NULL, NULL, NULL, 0, false, false},
        {"https://2130706433/", NULL, NULL, NULL, 0, false, false},
        {"https://0x7f000001/", NULL, NULL, NULL, 0, false, false},
        {"https://0177.0.0.1/", NULL, NULL, NULL, 0, false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aps_url url;
        struct aps_diag diag = {{0}};
        enum aps_err err = aps_url_parse(aps_str(cases[i].text), &url, &diag);

        if ((err == APS_OK) != (cases[i].host != NULL))
            print_error("%s: %s\n", cases[i].text, diag.text);
        assert_int_equal(err, cases[i].host != NULL ? APS_OK : APS_ERR_FORMAT);
        if (err != APS_OK) {
            assert_non_null(strstr(diag.text, "URL \""));
            continue;
        }
        assert_true(aps_str_eq(url.host, aps_str(cases[i].host)));
        assert_true(aps_str_eq(url.path, aps_str(cases[i].path)));
        assert_true(aps_str_eq(url.query, aps_str(cases[i].query)));
        assert_int_equal(url.query.p == NULL, cases[i].query == NULL);
        assert_int_equal(url.port, cases[i].port);
        assert_int_equal(url.https, cases[i].https);
        assert_int_equal(url.loopback, cases[i].loopback);
    }
}

static void long_ones_are_refused(void **state)
{
    char text[APS_URL_MAX + 2];
    struct aps_url a, b;
    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text, "https://h/", 10);
    assert_int_equal(aps_url_parse((struct aps_str){text, APS_URL_MAX}, &a, NULL), APS_OK);
    assert_int_equal(aps_url_parse((struct aps_str){text, APS_URL_MAX + 1}, &a, NULL),
                     APS_ERR_RANGE);
    assert_int_equal(aps_url_parse(APS_STR_LIT("https://H:1/"), &b, NULL), APS_OK);
    assert_true(aps_url_same_host(&a, &b));
    assert_int_equal(aps_url_parse(APS_STR_LIT("https://hh/"), &b, NULL), APS_OK);
    assert_false(aps_url_same_host(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_read_in_one_way),
        cmocka_unit_test(long_ones_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
