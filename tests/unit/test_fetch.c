/* What is decided before a byte is sent; the rest is tested against servers, by apisecctl. */
#include "t_token.h"

#include "apisec/fetch.h"

static bool allows(const char *text, bool private_net)
{
    struct aps_addr addr;
    assert_true(aps_addr_parse(aps_str(text), &addr));
    return aps_fetch_allows(&addr, private_net);
}

/* JWT-17 */
static void addresses_are_judged(void **state)
{
    static const char *const public[] = {
        "8.8.8.8",        "1.1.1.1",    "2606:4700::1",   "9.255.255.255", "11.0.0.0",
        "172.15.255.255", "172.32.0.0", "100.63.255.255", "100.128.0.0",   "223.255.255.255"};
    static const char *const inside[] = {
        "10.0.0.1",         "127.0.0.1",       "127.255.255.255", "172.16.0.1",
        "172.31.255.255",   "192.168.1.1",     "100.64.0.1",      "::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "fd00::1",         "fc00::"};
    static const char *const never[] = {"0.0.0.0",         "0.1.2.3",
                                        "169.254.169.254", "224.0.0.1",
                                        "239.1.1.1",       "240.0.0.1",
                                        "255.255.255.255", "::",
                                        "fe80::1",         "ff02::1",
                                        "64:ff9b::7f00:1", "2002:7f00:1::",
                                        "2001::1",         "::ffff:169.254.169.254",
                                        "fec0::1"};
    (void)state;
    for (size_t i = 0; i < sizeof public / sizeof *public; i++)
        assert_true(allows(public[i], false) && allows(public[i], true));
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        assert_true(!allows(inside[i], false) && allows(inside[i], true));
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        assert_true(!allows(never[i], false) && !allows(never[i], true));
}

static enum aps_err try(const char *url, const struct aps_fetch_options *o, struct aps_diag *diag)
{
    struct aps_fetch_answer answer;
    diag->text[0] = '\0';
    return aps_fetch(aps_str(url), o, t_pool, &answer, diag);
}

/* JWT-17: before anything is connected to. */
static void nothing_unsafe_is_connected_to(void **state)
{
    struct aps_fetch_options o = {.body_max = 10};
    struct aps_diag diag;
    atomic_bool stop;
    (void)state;
    assert_int_equal(try("http://127.0.0.1:1/", &o, &diag), APS_ERR_FORMAT);
    assert_int_equal(try("ftp://127.0.0.1:1/", &o, &diag), APS_ERR_FORMAT);
    assert_int_equal(try("https://a@127.0.0.1:1/", &o, &diag), APS_ERR_FORMAT);
    assert_int_equal(try("https://127.0.0.1:1/", &o, &diag), APS_ERR_UNSAFE);
    assert_non_null(strstr(diag.text, "wants --private"));
    assert_int_equal(try("https://[::1]:1/", &o, &diag), APS_ERR_UNSAFE);
    assert_int_equal(try("https://localhost:1/", &o, &diag), APS_ERR_UNSAFE);
    o.private_net = true;
    assert_int_equal(try("https://169.254.169.254/", &o, &diag), APS_ERR_UNSAFE);
    assert_int_equal(try("https://127.0.0.1:1/", &o, &diag), APS_ERR_IO); /* nobody is there */
    o.insecure_http = true;
    assert_int_equal(try("http://192.168.0.1/", &o, &diag), APS_ERR_FORMAT);
    assert_int_equal(try("http://127.0.0.1:1/", &o, &diag), APS_ERR_IO);
    atomic_init(&stop, true);
    o.stop = &stop;
    o.link = NULL;
    assert_int_not_equal(try("http://127.0.0.1:1/", &o, &diag), APS_OK);
}

static void types_of_json(void **state)
{
    static const char *const good[] = {"application/json", "application/jwk-set+json",
                                       "application/token-introspection+json"};
    static const char *const bad[] = {
        "",      "text/html",  "text/json", "application/jsonp", "application/+json",
        "+json", "text/x+json"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(aps_fetch_is_json(aps_str(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(aps_fetch_is_json(aps_str(bad[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_judged),
        cmocka_unit_test(nothing_unsafe_is_connected_to),
        cmocka_unit_test(types_of_json),
    };
    return cmocka_run_group_tests(tests, t_pool_setup, t_pool_teardown);
}
