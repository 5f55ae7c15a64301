#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <apisec/key.h>

static struct aps_key key_of_life(aps_nsec not_before, aps_nsec expires_at)
{
    return (struct aps_key){
        .status = APS_KEY_ACTIVE,
        .not_before = not_before,
        .expires_at = expires_at,
        .secret = {{.version = 2}, {.version = 1, .closes_at = 150}},
    };
}

/* KEY-11: at, below and above each bound of a key's life. */
static void life_begins_and_ends_at_its_bounds(void **state)
{
    struct aps_key key = key_of_life(100, 200), open = key_of_life(0, INT64_MAX);
    (void)state;
    assert_int_equal(aps_key_live(&key, &key.secret[0], 99), APS_REASON_KEY_NOT_YET);
    assert_int_equal(aps_key_live(&key, &key.secret[0], 100), APS_REASON_ALLOW);
    assert_int_equal(aps_key_live(&key, &key.secret[0], 199), APS_REASON_ALLOW);
    assert_int_equal(aps_key_live(&key, &key.secret[0], 200), APS_REASON_KEY_EXPIRED);
    assert_int_equal(aps_key_live(&open, &open.secret[0], 0), APS_REASON_ALLOW);
    assert_int_equal(aps_key_live(&open, &open.secret[0], INT64_MAX), APS_REASON_KEY_EXPIRED);
}

/* KEY-12: the old secret works until it closes, the new one goes on. */
static void old_secret_closes(void **state)
{
    struct aps_key key = key_of_life(0, 200);
    (void)state;
    assert_int_equal(aps_key_live(&key, &key.secret[1], 149), APS_REASON_ALLOW);
    assert_int_equal(aps_key_live(&key, &key.secret[1], 150), APS_REASON_KEY_ROTATED);
    assert_int_equal(aps_key_live(&key, &key.secret[0], 150), APS_REASON_ALLOW);
    assert_int_equal(aps_key_live(&key, &key.secret[1], 200), APS_REASON_KEY_EXPIRED);
}

/* Revoked is said first: later use of such a key is an event of its own. */
static void revoked_and_unset_keys_are_dead(void **state)
{
    struct aps_key key = key_of_life(100, 200), zero = {0};
    struct aps_key_secret none = {0};
    (void)state;
    key.status = APS_KEY_REVOKED;
    assert_int_equal(aps_key_live(&key, &key.secret[0], 50), APS_REASON_KEY_REVOKED);
    assert_int_equal(aps_key_live(&key, &key.secret[0], 150), APS_REASON_KEY_REVOKED);
    assert_int_equal(aps_key_live(&key, &key.secret[0], 250), APS_REASON_KEY_REVOKED);
    assert_false(aps_reason_is_pass(aps_key_live(&zero, &zero.secret[0], 0)));
    key.status = APS_KEY_ACTIVE;
    assert_false(aps_reason_is_pass(aps_key_live(&key, &none, 150)));
    key.status = APS_KEY_UNSET;
    assert_false(aps_reason_is_pass(aps_key_live(&key, &key.secret[0], 150)));
}

static struct aps_net net(const char *text)
{
    struct aps_net n;
    assert_int_equal(aps_net_parse(aps_str(text), &n, NULL), APS_OK);
    return n;
}

static struct aps_addr addr(const char *text)
{
    struct aps_addr a;
    assert_true(aps_addr_parse(aps_str(text), &a));
    return a;
}

/* KEY-14, AZ-15: a key of one network or host is refused elsewhere. */
static void place_is_checked(void **state)
{
    const struct aps_net nets[] = {net("192.0.2.0/24"), net("2001:db8::/32")};
    const struct aps_str hosts[] = {aps_str("api.example.org"), aps_str("*.example.net")};
    const struct aps_key any = {0}, near = {.nets = nets, .nnets = 2};
    const struct aps_key here = {.hosts = hosts, .nhosts = 2};
    const struct aps_key both = {.nets = nets, .nnets = 2, .hosts = hosts, .nhosts = 2};
    const struct {
        const struct aps_key *key;
        const char *addr, *host;
        enum aps_reason want;
    } rows[] = {
        {&any, "203.0.113.1", "", APS_REASON_ALLOW},
        {&near, "192.0.2.255", "x", APS_REASON_ALLOW},
        {&near, "::ffff:192.0.2.0", "x", APS_REASON_ALLOW},
        {&near, "192.0.3.0", "x", APS_REASON_KEY_NETWORK},
        {&near, "192.0.1.255", "x", APS_REASON_KEY_NETWORK},
        {&near, "2001:db8:ffff::1", "x", APS_REASON_ALLOW},
        {&near, "2001:db9::1", "x", APS_REASON_KEY_NETWORK},
        {&here, "203.0.113.1", "api.example.org", APS_REASON_ALLOW},
        {&here, "203.0.113.1", "www.api.example.org", APS_REASON_KEY_HOST},
        {&here, "203.0.113.1", "a.example.net", APS_REASON_KEY_HOST},
        {&here, "203.0.113.1", "", APS_REASON_KEY_HOST},
        {&both, "203.0.113.1", "x", APS_REASON_KEY_NETWORK},
        {&both, "192.0.2.1", "x", APS_REASON_KEY_HOST},
        {&both, "192.0.2.1", "api.example.org", APS_REASON_ALLOW},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct aps_addr a = addr(rows[i].addr);
        assert_int_equal(aps_key_place(rows[i].key, &a, aps_str(rows[i].host)), rows[i].want);
    }
}

static void scopes_are_whole_words(void **state)
{
    const struct aps_str scopes[] = {aps_str("orders"), aps_str("orders:read")};
    const struct aps_key key = {.scopes = scopes, .nscopes = 2}, none = {0};
    (void)state;
    assert_true(aps_key_has_scope(&key, aps_str("orders")));
    assert_true(aps_key_has_scope(&key, aps_str("orders:read")));
    assert_false(aps_key_has_scope(&key, aps_str("orders:rea")));
    assert_false(aps_key_has_scope(&key, aps_str("Orders")));
    assert_false(aps_key_has_scope(&key, aps_str("")));
    assert_false(aps_key_has_scope(&none, aps_str("orders")));
}

/* RFC 6749 3.3. */
static void scopes_are_printable_and_bounded(void **state)
{
    char longest[APS_KEY_SCOPE_MAX + 1];
    (void)state;
    memset(longest, '~', sizeof longest);
    assert_true(aps_key_is_scope(aps_str("!")));
    assert_true(aps_key_is_scope(aps_str("orders:read")));
    assert_true(aps_key_is_scope((struct aps_str){longest, APS_KEY_SCOPE_MAX}));
    assert_false(aps_key_is_scope((struct aps_str){longest, APS_KEY_SCOPE_MAX + 1}));
    assert_false(aps_key_is_scope(aps_str("")));
    assert_false(aps_key_is_scope(aps_str("a b")));
    assert_false(aps_key_is_scope(aps_str("a\"b")));
    assert_false(aps_key_is_scope(aps_str("a\\b")));
    assert_false(aps_key_is_scope(aps_str("a\x7f")));
    assert_false(aps_key_is_scope(aps_str("\xc3\xa4")));
}

/* KEY-12 */
static void an_older_secret_ends_after_the_first_use_of_the_newer(void **state)
{
    static const struct {
        aps_nsec closes, grace, first, ends;
    } cases[] = {
        {0, 0, 0, 0},
        {100, 0, 0, 100},
        {100, 0, 50, 100}, /* ends by the clock alone */
        {100, 10, 0, 100}, /* not used yet */
        {100, 10, 50, 60},
        {100, 10, 89, 99},
        {100, 10, 90, 100},
        {100, 10, 91, 100}, /* never later than it closes */
        {0, 10, 50, 60},
        {0, 10, 0, 0},
        {100, 10, -1, 100},
        {100, INT64_MAX, 1, 100},
        {0, INT64_MAX - 1, 1, INT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aps_key_secret older = {
            .version = 1, .closes_at = cases[i].closes, .grace = cases[i].grace};

        assert_true(aps_key_older_ends(&older, cases[i].first) == cases[i].ends);
    }
}

static void statuses_have_names(void **state)
{
    (void)state;
    assert_string_equal(aps_key_status_name(APS_KEY_ACTIVE), "active");
    assert_string_equal(aps_key_status_name(APS_KEY_REVOKED), "revoked");
    assert_string_equal(aps_key_status_name(APS_KEY_UNSET), "unset");
    assert_string_equal(aps_key_origin_name(APS_KEY_MADE), "made");
    assert_string_equal(aps_key_origin_name(APS_KEY_IMPORTED), "imported");
    assert_string_equal(aps_key_origin_name(APS_KEY_IMPORTED_DIGEST), "imported-digest");
    assert_string_equal(aps_key_status_name((enum aps_key_status)9), "unset");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(life_begins_and_ends_at_its_bounds),
        cmocka_unit_test(old_secret_closes),
        cmocka_unit_test(revoked_and_unset_keys_are_dead),
        cmocka_unit_test(place_is_checked),
        cmocka_unit_test(scopes_are_whole_words),
        cmocka_unit_test(scopes_are_printable_and_bounded),
        cmocka_unit_test(an_older_secret_ends_after_the_first_use_of_the_newer),
        cmocka_unit_test(statuses_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
