#include "t.h"

#include "apisec/origin.h"

/* TRN-07 */
static void an_origin_has_one_text(void **state)
{
    static const char *const good[] = {
        "https://app.example.org",
        "http://localhost:3000",
        "https://a",
        "https://a.b:8443",
        "https://xn--mnchen-3ya.example",
        "https://192.0.2.1",
        "https://[2001:db8::1]",
        "http://[::1]:8080",
        "https://a:80",
        "http://a:443",
        "capacitor://localhost",
        "chrome-extension://abcdef",
        "https://a:65535",
        "https://a_b.example",
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(aps_origin_check(aps_str(good[i]), NULL), APS_OK);
}

/* TRN-07 */
static void what_no_browser_sends_is_no_origin(void **state)
{
    static const char *const bad[] = {
        "",
        "null",
        "*",
        "https://*",
        "https://*.example.org",
        "https://",
        "://a",
        "https:a",
        "https//a",
        "https://a/",
        "https://a/b",
        "https://a?",
        "https://a#",
        "https://a b",
        "https://a,https://b",
        "https://A.example",
        "HTTPS://a",
        "https://a:443",
        "http://a:80",
        "https://a:",
        "https://a:0",
        "https://a:08",
        "https://a:65536",
        "https://a:1:2",
        "https://a.",
        "https://.a",
        "https://a..b",
        "https://u@a",
        "https://u:p@a",
        "https://[::1",
        "https://::1]",
        "https://[]",
        "https://[::G]",
        "https://m\xc3\xbcnchen.example",
        "https://a\\b",
        " https://a",
        "1http://a",
        "https://a\x01",
    };
    struct aps_diag diag;
    char longest[APS_ORIGIN_MAX + 2];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memset(&diag, 0, sizeof diag);
        assert_int_equal(aps_origin_check(aps_str(bad[i]), &diag), APS_ERR_FORMAT);
        assert_true(strlen(aps_err_say(APS_ERR_FORMAT, &diag)) > 20);
    }
    memset(longest, 'a', sizeof longest);
    memcpy(longest, "https://", 8);
    assert_int_equal(aps_origin_check((struct aps_str){longest, APS_ORIGIN_MAX}, NULL), APS_OK);
    assert_int_equal(aps_origin_check((struct aps_str){longest, APS_ORIGIN_MAX + 1}, NULL),
                     APS_ERR_FORMAT);
    assert_int_equal(aps_origin_check((struct aps_str){"https://a\0b", 11}, NULL), APS_ERR_FORMAT);
}

/* TRN-07: a page of the host itself is not of another origin. */
static void own_origin(void **state)
{
    static const struct {
        const char *origin, *host;
        bool tls, own;
    } rows[] = {
        {"https://a", "a", true, true},
        {"https://a", "A", true, true},
        {"https://a", "a", false, true},
        {"http://a", "a", false, true},
        {"http://a", "a", true, false},
        {"https://a:8443", "a:8443", true, true},
        {"https://a:8443", "a", true, false},
        {"https://a", "a:8443", true, false},
        {"https://a.evil", "a", true, false},
        {"https://b", "a", true, false},
        {"null", "a", true, false},
        {"null", "null", false, false},
        {"", "", false, false},
        {"https://", "", true, false},
        {"ftp://a", "a", false, false},
        {"https://a", "https://a", true, false},
        {"https://a, https://b", "a", true, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(
            aps_origin_is_own(aps_str(rows[i].origin), aps_str(rows[i].host), rows[i].tls),
            rows[i].own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_origin_has_one_text),
        cmocka_unit_test(what_no_browser_sends_is_no_origin),
        cmocka_unit_test(own_origin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
