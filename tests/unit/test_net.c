#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "apisec/net.h"

#define S(lit) APS_STR_LIT(lit)

static struct aps_addr addr_of(const char *text)
{
    struct aps_addr addr;

    if (!aps_addr_parse(aps_str(text), &addr))
        fail_msg("\"%s\" must be an address", text);
    return addr;
}

static struct aps_net net_of(const char *text)
{
    struct aps_net net;
    struct aps_diag diag = {""};

    if (aps_net_parse(aps_str(text), &net, &diag) != APS_OK)
        fail_msg("\"%s\" must be a range: %s", text, diag.text);
    return net;
}

/* AZ-15: printed in one form, and IPv4-mapped IPv6 is IPv4. */
static void addresses_have_one_form(void **state)
{
    static const struct {
        const char *text, *printed;
        bool v4, loopback;
    } cases[] = {
        {"0.0.0.0", "0.0.0.0", true, false},
        {"192.0.2.1", "192.0.2.1", true, false},
        {"255.255.255.255", "255.255.255.255", true, false},
        {"127.0.0.1", "127.0.0.1", true, true},
        {"127.255.255.254", "127.255.255.254", true, true},
        {"126.255.255.255", "126.255.255.255", true, false},
        {"128.0.0.0", "128.0.0.0", true, false},
        {"::ffff:192.0.2.1", "192.0.2.1", true, false},
        {"::FFFF:c000:201", "192.0.2.1", true, false},
        {"::ffff:127.0.0.1", "127.0.0.1", true, true},
        {"0:0:0:0:0:ffff:7f00:1", "127.0.0.1", true, true},
        {"::fffe:192.0.2.1", "::fffe:c000:201", false, false},
        {"::", "::", false, false},
        {"::1", "::1", false, true},
        {"::2", "::2", false, false},
        {"1::", "1::", false, false},
        {"::192.0.2.1", "::c000:201", false, false},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1", false, false},
        {"2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1", false, false},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1", false, false}, /* one zero stays */
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1", false, false},          /* the longer run */
        {"2001:db8::1:0:0:0", "2001:db8:0:0:1::", false, false},
        {"0:0:1:2:3:4:5:6", "::1:2:3:4:5:6", false, false},
        {"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::", false, false},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0", false, false},
        {"0:1:2:3:4:5:6:0", "0:1:2:3:4:5:6:0", false, false},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
         false, false},
        {"abcd:123:12:1:a:ab:abc:1000", "abcd:123:12:1:a:ab:abc:1000", false, false},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221", false, false},
    };
    char text[APS_NET_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct aps_addr addr = addr_of(cases[i].text);

        assert_string_equal(aps_addr_print(&addr, text), cases[i].printed);
        assert_int_equal(aps_addr_is_v4(&addr), cases[i].v4);
        assert_int_equal(aps_addr_is_loopback(&addr), cases[i].loopback);
    }
}

static const struct aps_str not_addresses[] = {
    {NULL, 0},
    {"", 0},
    {"1.2.3", 5},
    {"1.2.3.4.5", 9},
    {"1.2.3.256", 9},
    {"1.2.3.04", 8}, /* octal to some readers */
    {"0x7f.1", 6},
    {"2130706433", 10},
    {"1.2.3.4 ", 8},
    {" 1.2.3.4", 8},
    {"1.2.3.4\0", 8},
    {"1.2.3.4\0x", 9},
    {"1.2.3.-4", 8},
    {":", 1},
    {":::", 3},
    {"1::2::3", 7},
    {"1:2:3:4:5:6:7", 13},
    {"1:2:3:4:5:6:7:8:9", 17},
    {"12345::", 7},
    {"g::", 3},
    {"::1%lo", 6},
    {"[::1]", 5},
    {"::1.2.3", 7},
    {"1.2.3.4::", 9},
    {"localhost", 9},
    {"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", 49},
};

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof not_addresses / sizeof not_addresses[0]; i++) {
        struct aps_addr addr, before;
        struct aps_net net;

        memset(&addr, 7, sizeof addr);
        before = addr;
        if (aps_addr_parse(not_addresses[i], &addr))
            fail_msg("\"%.*s\" must not be an address", APS_STR_ARG(not_addresses[i]));
        assert_memory_equal(&addr, &before, sizeof addr);
        assert_int_equal(aps_net_parse(not_addresses[i], &net, NULL), APS_ERR_FORMAT);
    }
}

/* AZ-15: the connection's address, as the system tells it. */
static void socket_addresses_are_taken(void **state)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct aps_addr addr;
    char text[APS_NET_TEXT_MAX];

    (void)state;
    assert_int_equal(inet_pton(AF_INET, "192.0.2.7", &v4.sin_addr), 1);
    assert_true(aps_addr_from_sockaddr((const struct sockaddr *)&v4, &addr));
    assert_string_equal(aps_addr_print(&addr, text), "192.0.2.7");
    assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.7", &v6.sin6_addr), 1);
    assert_true(aps_addr_from_sockaddr((const struct sockaddr *)&v6, &addr));
    assert_string_equal(aps_addr_print(&addr, text), "192.0.2.7");
    assert_int_equal(inet_pton(AF_INET6, "2001:db8::7", &v6.sin6_addr), 1);
    assert_true(aps_addr_from_sockaddr((const struct sockaddr *)&v6, &addr));
    assert_string_equal(aps_addr_print(&addr, text), "2001:db8::7");
    assert_false(aps_addr_from_sockaddr((const struct sockaddr *)&local, &addr));
}

/* LIM-11: IPv6 callers count by prefix. */
static void prefixes_clear_the_rest(void **state)
{
    static const struct {
        const char *in;
        unsigned v4, v6;
        const char *out;
    } cases[] = {
        {"192.0.2.255", 32, 0, "192.0.2.255"},
        {"192.0.2.255", 31, 0, "192.0.2.254"},
        {"192.0.2.255", 24, 0, "192.0.2.0"},
        {"192.0.2.255", 9, 0, "192.0.0.0"},
        {"192.0.2.255", 1, 0, "128.0.0.0"},
        {"192.0.2.255", 0, 0, "0.0.0.0"},
        {"192.0.2.255", 33, 0, "192.0.2.255"},
        {"::ffff:192.0.2.255", 24, 0, "192.0.2.0"},
        {"2001:db8:1:2:3:4:5:6", 0, 64, "2001:db8:1:2::"},
        {"2001:db8:1:2:3:4:5:6", 0, 48, "2001:db8:1::"},
        {"2001:db8:1:2:3:4:5:6", 0, 128, "2001:db8:1:2:3:4:5:6"},
        {"2001:db8:1:2:3:4:5:7", 0, 127, "2001:db8:1:2:3:4:5:6"},
        {"2001:db8:1:2:3:4:5:6", 0, 129, "2001:db8:1:2:3:4:5:6"},
        {"2001:db8:1:2:3:4:5:6", 0, 0, "::"},
        {"ffff::", 0, 9, "ff80::"},
    };
    char text[APS_NET_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct aps_addr addr = addr_of(cases[i].in);

        addr = aps_addr_prefix(&addr, cases[i].v4, cases[i].v6);
        assert_string_equal(aps_addr_print(&addr, text), cases[i].out);
    }
}

/* KEY-11, AZ-15 */
static void ranges_hold_what_they_say(void **state)
{
    static const struct {
        const char *net, *printed;
        const char *in[4], *out[6];
    } cases[] = {
        {"192.0.2.0/24",
         "192.0.2.0/24",
         {"192.0.2.0", "192.0.2.255", "::ffff:192.0.2.9"},
         {"192.0.1.255", "192.0.3.0", "::192.0.2.9", "::1"}},
        {"192.0.2.7", "192.0.2.7", {"192.0.2.7"}, {"192.0.2.6", "192.0.2.8"}},
        {"192.0.2.7/32", "192.0.2.7", {"192.0.2.7"}, {"192.0.2.6"}},
        {"192.0.2.6/31", "192.0.2.6/31", {"192.0.2.6", "192.0.2.7"}, {"192.0.2.5", "192.0.2.8"}},
        {"128.0.0.0/1", "128.0.0.0/1", {"128.0.0.0", "255.1.2.3"}, {"127.255.255.255", "8000::"}},
        {"10.0.0.0/8", "10.0.0.0/8", {"10.255.0.1"}, {"11.0.0.0", "9.255.255.255"}},
        {"0.0.0.0/0", "0.0.0.0/0", {"0.0.0.0", "255.255.255.255"}, {"::", "::1", "ffff::"}},
        {"::ffff:10.0.0.0/104", "10.0.0.0/8", {"10.1.2.3"}, {"11.0.0.0"}},
        {"::ffff:0:0/96", "0.0.0.0/0", {"1.2.3.4"}, {"::1"}},
        {"::/0", "::/0", {"::", "ffff::1", "2001:db8::1"}, {"0.0.0.0", "192.0.2.1"}},
        {"::/80", "::/80", {"::1", "::1.2.3.4"}, {"192.0.2.1", "0:0:0:0:1::"}},
        {"::/96", "::/96", {"::1.2.3.4"}, {"1.2.3.4", "::1:0:0"}},
        {"2001:db8::/32",
         "2001:db8::/32",
         {"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"},
         {"2001:db7:ffff::", "2001:db9::"}},
        {"2001:db8::/63", "2001:db8::/63", {"2001:db8:0:1::"}, {"2001:db8:0:2::"}},
        {"2001:db8::/64", "2001:db8::/64", {"2001:db8::ffff:0:0:1"}, {"2001:db8:0:1::"}},
        {"2001:db8::/65", "2001:db8::/65", {"2001:db8::7fff:0:0:1"}, {"2001:db8::8000:0:0:0"}},
        {"2001:db8::8/127", "2001:db8::8/127", {"2001:db8::9"}, {"2001:db8::a", "2001:db8::7"}},
        {"::1", "::1", {"::1"}, {"::", "::2", "127.0.0.1"}},
        {"::1/128", "::1", {"::1"}, {"::"}},
    };
    char text[APS_NET_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct aps_net net = net_of(cases[i].net);

        assert_string_equal(aps_net_print(&net, text), cases[i].printed);
        for (size_t k = 0; k < 4 && cases[i].in[k] != NULL; k++) {
            struct aps_addr addr = addr_of(cases[i].in[k]);

            if (!aps_net_has(&net, &addr))
                fail_msg("%s must hold %s", cases[i].net, cases[i].in[k]);
        }
        for (size_t k = 0; k < 6 && cases[i].out[k] != NULL; k++) {
            struct aps_addr addr = addr_of(cases[i].out[k]);

            if (aps_net_has(&net, &addr))
                fail_msg("%s must not hold %s", cases[i].net, cases[i].out[k]);
        }
    }
}

static void mistaken_ranges_are_refused(void **state)
{
    static const struct {
        struct aps_str text;
        enum aps_err err;
        const char *says;
    } cases[] = {
        {S("10.0.0.1/8"), APS_ERR_RANGE, "want 10.0.0.0/8"},
        {S("10.0.0.128/24"), APS_ERR_RANGE, "want 10.0.0.0/24"},
        {S("0.0.0.1/0"), APS_ERR_RANGE, "want 0.0.0.0/0"},
        {S("2001:db8::1/64"), APS_ERR_RANGE, "want 2001:db8::/64"},
        {S("::ffff:10.0.0.0/95"), APS_ERR_RANGE, "want ::fffe:0:0/95"},
        {S("10.0.0.0/33"), APS_ERR_RANGE, "0 to 32"},
        {S("10.0.0.0/128"), APS_ERR_RANGE, "0 to 32"},
        {S("10.0.0.0/99999999999999999999"), APS_ERR_RANGE, "0 to 32"},
        {S("::/129"), APS_ERR_RANGE, "0 to 128"},
        {S("10.0.0.0/"), APS_ERR_FORMAT, "ADDRESS/BITS"},
        {S("10.0.0.0/08"), APS_ERR_FORMAT, "ADDRESS/BITS"},
        {S("10.0.0.0/+8"), APS_ERR_FORMAT, "ADDRESS/BITS"},
        {S("10.0.0.0/8/8"), APS_ERR_FORMAT, "ADDRESS/BITS"},
        {S("10.0.0.0/255.0.0.0"), APS_ERR_FORMAT, "ADDRESS/BITS"},
        {S("10.0.0.0 /8"), APS_ERR_FORMAT, "ADDRESS/BITS"},
        {S("10/8"), APS_ERR_FORMAT, "ADDRESS/BITS"},
        {S("/8"), APS_ERR_FORMAT, "ADDRESS/BITS"},
        {S("/"), APS_ERR_FORMAT, "ADDRESS/BITS"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct aps_diag diag = {""};
        struct aps_net net, before;

        memset(&net, 7, sizeof net);
        before = net;
        assert_int_equal(aps_net_parse(cases[i].text, &net, &diag), cases[i].err);
        assert_memory_equal(&net, &before, sizeof net);
        if (strstr(diag.text, cases[i].says) == NULL)
            fail_msg("\"%s\" must say %s", diag.text, cases[i].says);
    }
}

static struct aps_netset *set_of(apr_pool_t *pool, const char *list)
{
    struct aps_netset *set = aps_netset_new(pool);
    struct aps_str rest = aps_str(list), one;

    while (aps_str_next(&rest, ' ', &one)) {
        struct aps_net net = net_of(apr_pstrmemdup(pool, one.p, one.n));

        aps_netset_add(set, &net);
    }
    return set;
}

/* KEY-11, AZ-15 */
static void sets_hold_what_their_ranges_hold(void **state)
{
    static const struct {
        const char *list;
        size_t count; /* once sealed */
        const char *in[6], *out[6];
    } cases[] = {
        {"", 0, {0}, {"0.0.0.0", "::", "192.0.2.1"}},
        {"192.0.2.1", 1, {"192.0.2.1", "::ffff:192.0.2.1"}, {"192.0.2.0", "192.0.2.2", "::"}},
        {"10.0.0.0/8 10.1.0.0/16 10.1.2.3 10.0.0.0/8",
         1,
         {"10.0.0.0", "10.1.2.3", "10.255.255.255"},
         {"9.255.255.255", "11.0.0.0"}},
        {"10.1.2.3 10.0.0.0/24 10.0.2.0/24 10.0.1.0/24",
         4,
         {"10.0.0.255", "10.0.1.0", "10.0.2.255", "10.1.2.3"},
         {"10.0.3.0", "9.255.255.255", "10.1.2.2", "10.1.2.4"}},
        {"0.0.0.0/0 ::/0", 2, {"0.0.0.0", "255.255.255.255", "::", "ffff::"}, {0}},
        {"::/0", 1, {"::", "::1", "ffff::"}, {"10.0.0.1"}},
        {"0.0.0.0/0 10.0.0.0/8", 1, {"10.0.0.1", "1.1.1.1"}, {"::1", "::"}},
        {"::/0 10.0.0.0/8", 2, {"10.0.0.1", "::1"}, {"11.0.0.0"}},
        {"2001:db8::/32 2001:db8:1::/48 2001:db9::1 ::1",
         3,
         {"2001:db8:1::1", "2001:db8:ffff::", "2001:db9::1", "::1"},
         {"2001:db9::2", "2001:db7::", "::", "::2"}},
    };
    apr_pool_t *pool = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct aps_netset *set = set_of(pool, cases[i].list);

        for (size_t k = 0; k < 6 && cases[i].in[k] != NULL; k++) {
            struct aps_addr addr = addr_of(cases[i].in[k]);

            assert_false(aps_netset_has(set, &addr)); /* not sealed */
        }
        aps_netset_seal(set);
        assert_int_equal(aps_netset_count(set), cases[i].count);
        for (size_t k = 0; k < 6 && cases[i].in[k] != NULL; k++) {
            struct aps_addr addr = addr_of(cases[i].in[k]);

            if (!aps_netset_has(set, &addr))
                fail_msg("{%s} must hold %s", cases[i].list, cases[i].in[k]);
        }
        for (size_t k = 0; k < 6 && cases[i].out[k] != NULL; k++) {
            struct aps_addr addr = addr_of(cases[i].out[k]);

            if (aps_netset_has(set, &addr))
                fail_msg("{%s} must not hold %s", cases[i].list, cases[i].out[k]);
        }
    }
}

static void sets_join(void **state)
{
    struct aps_netset *set = set_of(*state, "10.0.0.0/8"), *more = set_of(*state, "::1 192.0.2.1");
    struct aps_addr one = addr_of("192.0.2.1"), six = addr_of("::1"), ten = addr_of("10.9.8.7");

    aps_netset_seal(more);
    aps_netset_join(set, more);
    assert_int_equal(aps_netset_count(set), 3);
    aps_netset_seal(set);
    assert_true(aps_netset_has(set, &one));
    assert_true(aps_netset_has(set, &six));
    assert_true(aps_netset_has(set, &ten));
    assert_false(aps_netset_has(more, &ten));
}

/* Every address near the bounds of every range of a set of many, against one range after the
 * other.  The numbers come from a fixed generator. */
static void sets_agree_with_a_plain_search(void **state)
{
    struct aps_netset *set = aps_netset_new(*state);
    struct aps_net nets[600];
    uint64_t seed = 1;
    size_t hits = 0;

    for (size_t i = 0; i < 600; i++) {
        struct aps_addr addr = addr_of(i % 2 == 0 ? "0.0.0.0" : "2001:db8::");

        seed = seed * 6364136223846793005u + 1442695040888963407u;
        addr.b[13] = (uint8_t)(seed >> 60); /* few values, so that ranges meet */
        addr.b[14] = (uint8_t)(seed >> 52);
        addr.b[15] = (uint8_t)(seed >> 44);
        nets[i].bits = (uint8_t)(128 - (seed >> 33) % 17);
        nets[i].addr = aps_addr_prefix(&addr, nets[i].bits - 96u, nets[i].bits);
        aps_netset_add(set, &nets[i]);
    }
    aps_netset_seal(set);
    assert_true(aps_netset_count(set) < 600);
    for (size_t i = 0; i < 600; i++)
        for (int step = -2; step <= 2; step++) {
            struct aps_addr addr = nets[i].addr;
            unsigned low = ((unsigned)addr.b[14] << 8 | addr.b[15]) + (unsigned)step;
            bool want = false;

            addr.b[14] = (uint8_t)(low >> 8);
            addr.b[15] = (uint8_t)low;
            for (size_t k = 0; k < 600 && !want; k++)
                want = aps_net_has(&nets[k], &addr);
            assert_int_equal(aps_netset_has(set, &addr), want);
            hits += want;
        }
    assert_in_range(hits, 600, 2999);
}

static const char *file_of(apr_pool_t *pool, const char *text, size_t n)
{
    char *path = apr_pstrdup(pool, "test_net.XXXXXX");
    apr_file_t *file;

    assert_int_equal(apr_file_mktemp(&file, path, APR_FOPEN_CREATE | APR_FOPEN_WRITE, pool), 0);
    assert_int_equal(apr_file_write_full(file, text, n, NULL), 0);
    assert_int_equal(apr_file_close(file), 0);
    return path;
}

/* AZ-15: deny lists from a file. */
static void files_hold_a_range_a_line(void **state)
{
    static const struct {
        const char *text;
        enum aps_err err;
        size_t count;
        const char *says;
    } cases[] = {
        {"", APS_OK, 0, ""},
        {"\n\n", APS_OK, 0, ""},
        {"# nothing\n  # here", APS_OK, 0, ""},
        {"192.0.2.1", APS_OK, 1, ""},
        {"192.0.2.1\n2001:db8::/32 # documentation\n\t10.0.0.0/8\t\r\n\r\n", APS_OK, 3, ""},
        {"192.0.2.1\n\n10.0.0.1/8\n", APS_ERR_RANGE, 0, " line 3: network \"10.0.0.1/8\""},
        {"192.0.2.1 192.0.2.2\n", APS_ERR_FORMAT, 0, " line 1: network \"192.0.2.1 192.0.2.2\""},
        {"# x\nexample.com\n", APS_ERR_FORMAT, 0, " line 2: network \"example.com\""},
        {"192.0.2.1\r192.0.2.2\n", APS_ERR_FORMAT, 0, " line 1"},
    };
    apr_pool_t *pool = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *path = file_of(pool, cases[i].text, strlen(cases[i].text));
        struct aps_netset *set = set_of(pool, "198.51.100.0/24");
        struct aps_diag diag = {""};

        assert_int_equal(aps_netset_load(set, path, &diag), cases[i].err);
        assert_int_equal(aps_netset_count(set), 1 + cases[i].count);
        assert_non_null(strstr(diag.text, cases[i].says));
        assert_non_null(strstr(diag.text, cases[i].err != APS_OK ? path : ""));
        assert_int_equal(unlink(path), 0);
    }
}

static void files_are_bounded(void **state)
{
    enum { LINES = 1000000, WIDTH = 8 };
    apr_pool_t *pool;
    char *text = malloc((LINES + 1) * WIDTH + 1);
    struct aps_netset *set;
    struct aps_diag diag = {""};
    const char *path;

    assert_non_null(text);
    assert_int_equal(apr_pool_create(&pool, *state), APR_SUCCESS);
    for (size_t i = 0; i <= LINES; i++)
        memcpy(text + i * WIDTH, "1.2.3.4\n", WIDTH);
    path = file_of(pool, text, LINES * WIDTH);
    set = aps_netset_new(pool);
    assert_int_equal(aps_netset_load(set, path, NULL), APS_OK);
    assert_int_equal(aps_netset_count(set), LINES);
    aps_netset_seal(set);
    assert_int_equal(aps_netset_count(set), 1);
    assert_int_equal(unlink(path), 0);

    path = file_of(pool, text, (LINES + 1) * WIDTH);
    set = aps_netset_new(pool);
    assert_int_equal(aps_netset_load(set, path, &diag), APS_ERR_RANGE);
    assert_non_null(strstr(diag.text, "line 1000001: want at most 1000000 ranges"));
    assert_int_equal(aps_netset_count(set), 0);
    assert_int_equal(unlink(path), 0);

    path = file_of(pool, "1.2.3.4\n#", 9);
    set = aps_netset_new(pool);
    assert_int_equal(truncate(path, 16 * 1024 * 1024 + 1), 0);
    assert_int_equal(aps_netset_load(set, path, &diag), APS_ERR_RANGE);
    assert_non_null(strstr(diag.text, "want at most 16777216 bytes"));
    assert_int_equal(truncate(path, 16 * 1024 * 1024), 0);
    assert_int_equal(aps_netset_load(set, path, NULL), APS_OK);
    assert_int_equal(aps_netset_count(set), 1);
    assert_int_equal(unlink(path), 0);
    apr_pool_destroy(pool);
    free(text);
}

/* Nothing but a regular file is read, and nothing blocks. */
static void other_files_are_refused(void **state)
{
    const char *path = file_of(*state, "", 0);
    struct aps_netset *set = aps_netset_new(*state);
    struct aps_diag diag = {""};

    assert_int_equal(unlink(path), 0);
    assert_int_equal(aps_netset_load(set, path, &diag), APS_ERR_NOT_FOUND);
    assert_non_null(strstr(diag.text, path));
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(aps_netset_load(set, path, &diag), APS_ERR_UNSAFE);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(aps_netset_load(set, ".", NULL), APS_ERR_UNSAFE);
    assert_int_equal(aps_netset_load(set, "/dev/null", NULL), APS_ERR_UNSAFE);
    assert_int_equal(aps_netset_count(set), 0);
}

/* The text of a member of a JSON line.  Addresses need no escapes, so none are read. */
static struct aps_str member(const char *line, const char *name)
{
    const char *p = strstr(line, name);

    if (p == NULL)
        return aps_str(NULL);
    p += strlen(name);
    return (struct aps_str){p, strcspn(p, "\"")};
}

/* AZ-15: cases of others, where they are at hand: APISEC_CORPORA names the folder. */
static void cases_from_outside_agree(void **state)
{
    const char *folder = getenv("APISEC_CORPORA");
    char *path = apr_pstrcat(*state, folder != NULL ? folder : T_SRCDIR "/../shared/corpora",
                             "/operators.jsonl", NULL);
    FILE *in = fopen(path, "r");
    char line[4096];
    int count = 0;

    if (in == NULL) {
        print_message("no %s: set APISEC_CORPORA to the folder of the test material\n", path);
        skip();
    }
    while (fgets(line, sizeof line, in) != NULL) {
        struct aps_str ranges = member(line, "\"param\":\""), one;
        struct aps_addr addr;
        struct aps_net net;
        bool holds = false;

        if (strstr(line, "\"operator\":\"ipMatch\"") == NULL)
            continue;
        count++;
        assert_true(aps_addr_parse(member(line, "\"input\":\""), &addr));
        while (aps_str_next(&ranges, ',', &one)) {
            assert_int_equal(aps_net_parse(aps_str_trim(one), &net, NULL), APS_OK);
            holds = holds || aps_net_has(&net, &addr);
        }
        if (holds != (strstr(line, "\"match\":true") != NULL))
            fail_msg("otherwise: %s", line);
    }
    (void)fclose(in); /* it was only read */
    assert_true(count > 0);
}

static int make_pool(void **state)
{
    return apr_initialize() == APR_SUCCESS &&
                   apr_pool_create((apr_pool_t **)state, NULL) == APR_SUCCESS
               ? 0
               : -1;
}

static int drop_pool(void **state)
{
    apr_pool_destroy(*state);
    apr_terminate();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_have_one_form),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(socket_addresses_are_taken),
        cmocka_unit_test(prefixes_clear_the_rest),
        cmocka_unit_test(ranges_hold_what_they_say),
        cmocka_unit_test(mistaken_ranges_are_refused),
        cmocka_unit_test(sets_hold_what_their_ranges_hold),
        cmocka_unit_test(sets_join),
        cmocka_unit_test(sets_agree_with_a_plain_search),
        cmocka_unit_test(files_hold_a_range_a_line),
        cmocka_unit_test(files_are_bounded),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(cases_from_outside_agree),
    };

    return cmocka_run_group_tests(tests, make_pool, drop_pool);
}
