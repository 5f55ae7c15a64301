#include "t.h"

#include "apisec/urlrule.h"

#define RULES_MAX 16

static const char *const listed[] = {
    "https://api.example",
    "https://*.cdn.example:8443",
    "http://192.0.2.1:*",
    "https://[2001:db8::1]",
    "https://xn--bcher-kva.shop",
    "https://dot.example.",
    "https://b\xc3\xbc"
    "cher.shop",
    "http://0x7f.1",
    "wss://api.example:444",
    "https://*.xn--bcher-kva.shop",
    "https://[::ffff:192.0.2.9]",
};

static size_t rules_of(const char *const *texts, size_t n, struct aps_urlrule *rules)
{
    for (size_t i = 0; i < n; i++) {
        struct aps_diag diag = {{0}};

        if (aps_urlrule_parse(aps_str(texts[i]), &rules[i], &diag) != APS_OK)
            fail_msg("%s", diag.text);
    }
    return n;
}

/* POS-23 */
static void only_what_a_rule_names_passes(void **state)
{
    static const struct {
        const char *url;
        enum aps_urlrule_fault want;
    } rows[] = {
        {"https://api.example", APS_URLRULE_OK},
        {"HTTPS://API.Example:443/a?b=c#d", APS_URLRULE_OK},
        {"https://api.example?x", APS_URLRULE_OK},
        {"https://api.example#x", APS_URLRULE_OK},
        {"https://api.example/a%20b/%2e%2e/c@d:e", APS_URLRULE_OK},
        {"https://a.b.cdn.example:8443/", APS_URLRULE_OK},
        {"http://192.0.2.1/", APS_URLRULE_OK},
        {"http://192.0.2.1:8080/", APS_URLRULE_OK},
        {"https://[2001:DB8:0:0::1]/", APS_URLRULE_OK},
        {"https://xn--bcher-kva.shop/", APS_URLRULE_OK},
        {"https://a.xn--bcher-kva.shop/", APS_URLRULE_OK},
        {"https://dot.example./", APS_URLRULE_OK},
        {"https://b\xc3\xbc"
         "cher.shop/",
         APS_URLRULE_OK},
        {"http://0X7F.1/", APS_URLRULE_OK},
        {"wss://api.example:444", APS_URLRULE_OK},
        {"https://[::ffff:192.0.2.9]/", APS_URLRULE_OK},
        {"", APS_URLRULE_EMPTY},
        {"http://api.example/", APS_URLRULE_UNLISTED},
        {"ftp://api.example/", APS_URLRULE_SCHEME},
        {"javascript:alert(1)", APS_URLRULE_SCHEME},
        {"file:///etc/passwd", APS_URLRULE_SCHEME},
        {"data:text/html,x", APS_URLRULE_SCHEME},
        {"gopher://api.example/", APS_URLRULE_SCHEME},
        {"//api.example/", APS_URLRULE_FORM},
        {"/a", APS_URLRULE_FORM},
        {"api.example", APS_URLRULE_FORM},
        {"https:/api.example/", APS_URLRULE_FORM},
        {"https:api.example/", APS_URLRULE_FORM},
        {"https:///api.example/", APS_URLRULE_FORM},
        {"https://", APS_URLRULE_FORM},
        {"https:", APS_URLRULE_FORM},
        {"https://?api.example", APS_URLRULE_FORM},
        {"https://api.example/#a#b", APS_URLRULE_FORM},
        {"https://api.example@evil.example/", APS_URLRULE_USERINFO},
        {"https://a:b@api.example/", APS_URLRULE_USERINFO},
        {"https://@api.example/", APS_URLRULE_USERINFO},
        {"https://evil.example#@api.example/", APS_URLRULE_UNLISTED},
        {"https://evil.example?@api.example/", APS_URLRULE_UNLISTED},
        {"https://evil.example\\@api.example/", APS_URLRULE_CHARACTER},
        {"https:\\\\api.example/", APS_URLRULE_CHARACTER},
        {"https://api.example\\.evil.example/", APS_URLRULE_CHARACTER},
        {" https://api.example/", APS_URLRULE_CHARACTER},
        {"https://api.example/ ", APS_URLRULE_CHARACTER},
        {"ht\ttps://api.example/", APS_URLRULE_CHARACTER},
        {"https://api\n.example/", APS_URLRULE_CHARACTER},
        {"https://api.example/\r", APS_URLRULE_CHARACTER},
        {"https://api.example/\x7f", APS_URLRULE_CHARACTER},
        {"https://api.example/\xc3\xbc", APS_URLRULE_CHARACTER},
        {"https://api.example/[", APS_URLRULE_CHARACTER},
        {"https://api.example/<", APS_URLRULE_CHARACTER},
        {"https://api.example/%", APS_URLRULE_ENCODING},
        {"https://api.example/%2", APS_URLRULE_ENCODING},
        {"https://api.example/%g0", APS_URLRULE_ENCODING},
        {"https://%61pi.example/", APS_URLRULE_ENCODED_HOST},
        {"https://api.example%2eevil.example/", APS_URLRULE_ENCODED_HOST},
        {"https://api.example%00/", APS_URLRULE_ENCODED_HOST},
        {"https://:443/", APS_URLRULE_HOST},
        {"https://a_b.cdn.example:8443/", APS_URLRULE_HOST},
        {"https://a..cdn.example:8443/", APS_URLRULE_HOST},
        {"https://.cdn.example:8443/", APS_URLRULE_HOST},
        {"https://-a.cdn.example:8443/", APS_URLRULE_HOST},
        {"https://*.cdn.example:8443/", APS_URLRULE_HOST},
        {"https://api.example;evil/", APS_URLRULE_HOST},
        {"https://[::1/", APS_URLRULE_HOST},
        {"https://[fe80::1%25eth0]/", APS_URLRULE_HOST},
        {"https://[192.0.2.1]/", APS_URLRULE_HOST},
        {"https://[v1.a:b]/", APS_URLRULE_HOST},
        {"https://2130706433/", APS_URLRULE_NUMERIC},
        {"https://0x7f000001/", APS_URLRULE_NUMERIC},
        {"https://0177.0.0.1/", APS_URLRULE_NUMERIC},
        {"https://127.1/", APS_URLRULE_NUMERIC},
        {"https://1.2.3.4.5/", APS_URLRULE_NUMERIC},
        {"https://a.0x1/", APS_URLRULE_NUMERIC},
        {"https://0x7f.1/", APS_URLRULE_NUMERIC},
        {"https://127.0.0.1/", APS_URLRULE_ADDRESS},
        {"https://169.254.169.254/latest/", APS_URLRULE_ADDRESS},
        {"https://192.0.2.1/", APS_URLRULE_ADDRESS},
        {"https://[::1]/", APS_URLRULE_ADDRESS},
        {"https://[::ffff:192.0.2.1]/", APS_URLRULE_MAPPED},
        {"http://[::ffff:c000:201]/", APS_URLRULE_MAPPED},
        {"https://api.example./", APS_URLRULE_DOT},
        {"https://a.cdn.example.:8443/", APS_URLRULE_DOT},
        {"https://ap\xc4\xb1.example/", APS_URLRULE_NON_ASCII},
        {"https://api\xe3\x80\x82"
         "example/",
         APS_URLRULE_NON_ASCII},
        {"https://api.example\xff/", APS_URLRULE_NON_ASCII},
        {"https://xn--api-xyz.cdn.example:8443/", APS_URLRULE_PUNYCODE},
        {"https://xn--80ak6aa92e.com/", APS_URLRULE_PUNYCODE},
        {"https://xn--a.xn--bcher-kva.shop/", APS_URLRULE_PUNYCODE},
        {"https://evil.example/", APS_URLRULE_UNLISTED},
        {"https://cdn.example:8443/", APS_URLRULE_UNLISTED},
        {"https://acdn.example:8443/", APS_URLRULE_UNLISTED},
        {"https://api.example.evil.example/", APS_URLRULE_UNLISTED},
        {"https://api.example:444/", APS_URLRULE_PORT},
        {"https://api.example:/", APS_URLRULE_PORT},
        {"https://api.example:0/", APS_URLRULE_PORT},
        {"https://api.example:0443/", APS_URLRULE_PORT},
        {"https://api.example:65979/", APS_URLRULE_PORT},
        {"https://api.example:443:443/", APS_URLRULE_PORT},
        {"https://[2001:db8::1]443/", APS_URLRULE_PORT},
        {"https://a.cdn.example/", APS_URLRULE_PORT},
        {"wss://api.example/", APS_URLRULE_PORT},
    };
    struct aps_urlrule rules[RULES_MAX];
    const size_t n = rules_of(listed, sizeof listed / sizeof *listed, rules);
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const enum aps_urlrule_fault got = aps_urlrule_judge(rules, n, aps_str(rows[i].url));

        if (got != rows[i].want)
            fail_msg("%s: %s, want %s", rows[i].url, aps_urlrule_fault_name(got),
                     aps_urlrule_fault_name(rows[i].want));
        assert_int_not_equal(aps_urlrule_judge(rules, 0, aps_str(rows[i].url)), APS_URLRULE_OK);
    }
}

static void what_a_rule_may_be(void **state)
{
    static const char *const refused[] = {
        "",
        "https://",
        "HTTPS://a.example",
        "gopher://a.example",
        "https://a.example/",
        "https://a.example?",
        "https://a.example#",
        "https://a.example:0",
        "https://a.example:",
        "https://a.example:1:*",
        "https://u@a.example",
        "https://*",
        "https://*.",
        "https://*.*.example",
        "https://*.1",
        "https://*.example.",
        "https://*.b\xc3\xbc"
        "cher.example",
        "https://a_b.example",
        "https://a\xff.example",
        "https://%61.example",
        "https://[::1",
        "a.example",
        ":*",
    };
    struct aps_urlrule rule;
    struct aps_diag diag = {{0}};
    (void)state;

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (aps_urlrule_parse(aps_str(refused[i]), &rule, &diag) != APS_ERR_FORMAT)
            fail_msg("accepted: %s", refused[i]);
        assert_non_null(strstr(diag.text, "URL rule \""));
    }
}

static void long_ones_are_refused(void **state)
{
    static char text[APS_URLRULE_MAX + 2];
    struct aps_urlrule rule;
    (void)state;

    assert_int_equal(aps_urlrule_parse(APS_STR_LIT("https://h"), &rule, NULL), APS_OK);
    memset(text, 'a', sizeof text);
    memcpy(text, "https://h/", 10);
    assert_int_equal(aps_urlrule_judge(&rule, 1, (struct aps_str){text, APS_URLRULE_MAX}),
                     APS_URLRULE_OK);
    assert_int_equal(aps_urlrule_judge(&rule, 1, (struct aps_str){text, APS_URLRULE_MAX + 1}),
                     APS_URLRULE_LONG);
    assert_int_equal(aps_urlrule_parse((struct aps_str){text, APS_URLRULE_MAX + 1}, &rule, NULL),
                     APS_ERR_RANGE);
}

static void faults_have_names(void **state)
{
    (void)state;
    assert_string_equal(aps_urlrule_fault_name(APS_URLRULE_USERINFO), "userinfo");
    assert_string_equal(aps_urlrule_fault_name(APS_URLRULE_COUNT), "unknown");
    assert_non_null(strstr(aps_urlrule_fault_text(APS_URLRULE_DOT), "dot"));
    assert_string_equal(aps_urlrule_fault_text(APS_URLRULE_COUNT), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_a_rule_names_passes),
        cmocka_unit_test(what_a_rule_may_be),
        cmocka_unit_test(long_ones_are_refused),
        cmocka_unit_test(faults_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
