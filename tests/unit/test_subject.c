#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <apisec/subject.h>

static apr_pool_t *pool;

static struct aps_limit limit_by(const char *by)
{
    struct aps_limit limit;
    struct aps_diag diag;
    const char *text = apr_pstrcat(pool, "a rate=1/s by=", by, NULL);

    assert_int_equal(aps_limit_parse(pool, aps_str(text), &limit, &diag), APS_OK);
    return limit;
}

static const struct aps_str one_role[] = {{"reader", 6}}, other_role[] = {{"writer", 6}};

/* A subject in one line: store, key, owner, org, role, address, route; NULL is empty. */
struct row {
    uint64_t store;
    const char *key, *owner, *org, *addr, *route;
    const struct aps_str *roles;
};

static struct aps_subject subject(const struct row *row)
{
    struct aps_subject who = {
        .store = row->store,
        .key = aps_str(row->key),
        .owner = aps_str(row->owner),
        .org = aps_str(row->org),
        .nroles = row->roles != NULL ? 1 : 0,
        .roles = row->roles,
        .route = aps_str(row->route),
    };

    if (row->addr != NULL)
        assert_true(aps_addr_parse(aps_str(row->addr), &who.addr));
    return who;
}

/* The bytes of the first cell, with room behind them that must not be touched. */
struct bytes {
    unsigned char b[APS_SUBJECT_MAX + 8];
    size_t n;
};

static struct bytes bytes_of(const char *by, const struct row *row, uint64_t epoch)
{
    struct aps_limit limit = limit_by(by);
    struct aps_subject who = subject(row);
    struct bytes out;

    memset(&out, 0xee, sizeof out);
    out.n = aps_subject_bytes(&limit, &who, 0, epoch, out.b);
    assert_true(out.n <= APS_SUBJECT_MAX);
    for (size_t i = out.n; i < sizeof out.b; i++)
        assert_int_equal(out.b[i], 0xee);
    return out;
}

static bool is_same(const char *by_a, const struct row *a, const char *by_b, const struct row *b)
{
    struct bytes x = bytes_of(by_a, a, 0), y = bytes_of(by_b, b, 0);

    return x.n == y.n && memcmp(x.b, y.b, x.n) == 0;
}

/* LIM-11, AZ-09, AZ-15 */
static void subjects_are_told_apart_by_what_the_limit_is_by(void **state)
{
    static const struct row plain = {1, "k1", "ann", "acme", "192.0.2.7", "/a/*", one_role};
    static const struct {
        const char *by;
        struct row row;
        bool same;
    } rows[] = {
        {"key", {1, "k1", "bob", "other", "192.0.2.8", "/b", other_role}, true},
        {"key", {2, "k1", "ann", "acme", "192.0.2.7", "/a/*", one_role}, false},
        {"key", {1, "k2", "ann", "acme", "192.0.2.7", "/a/*", one_role}, false},
        {"user", {1, "k2", "ann", "other", "192.0.2.8", "/b", other_role}, true},
        {"user", {1, "k1", "bob", "acme", "192.0.2.7", "/a/*", one_role}, false},
        {"user", {1, "ann", NULL, "acme", "192.0.2.7", "/a/*", one_role}, false},
        {"org", {1, "k2", "bob", "acme", "192.0.2.8", "/b", other_role}, true},
        {"org", {1, "k1", "ann", "other", "192.0.2.7", "/a/*", one_role}, false},
        {"org", {1, "k1", "acme", NULL, "192.0.2.7", "/a/*", one_role}, false},
        {"role", {1, "k2", "bob", "other", "192.0.2.8", "/b", one_role}, true},
        {"role", {1, "k1", "ann", "acme", "192.0.2.7", "/a/*", other_role}, false},
        {"ip", {1, NULL, NULL, NULL, "::ffff:192.0.2.7", "/b", NULL}, true},
        {"ip", {1, NULL, NULL, NULL, "192.0.2.8", "/a/*", NULL}, false},
        {"ip/24", {1, NULL, NULL, NULL, "192.0.2.8", "/b", NULL}, true},
        {"ip/24", {1, NULL, NULL, NULL, "192.0.3.7", "/b", NULL}, false},
        {"route", {1, NULL, NULL, NULL, "192.0.2.8", "/a/*", NULL}, true},
        {"route", {1, "k1", "ann", "acme", "192.0.2.7", "/a", one_role}, false},
        {"key+route", {1, "k1", "bob", NULL, "192.0.2.8", "/a/*", NULL}, true},
        {"key+route", {1, "k1", "ann", "acme", "192.0.2.7", "/b", one_role}, false},
        {"key+route", {1, "k2", "ann", "acme", "192.0.2.7", "/a/*", one_role}, false},
        {"ip+route", {1, "k2", "ann", "acme", "192.0.2.7", "/a/*", one_role}, true},
        {"ip+route", {1, "k1", "ann", "acme", "192.0.2.8", "/a/*", one_role}, false},
        {"key+ip", {1, "k1", "ann", "acme", "192.0.2.8", "/a/*", one_role}, false},
        {"role+route", {1, "k2", "bob", NULL, "192.0.2.8", "/a/*", one_role}, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(is_same(rows[i].by, &plain, rows[i].by, &rows[i].row), rows[i].same);
}

/* What one part ends with never passes for what the next begins with. */
static void parts_do_not_run_together(void **state)
{
    static const struct row a = {1, "k1", "ann", "acme", NULL, "/x", NULL},
                            b = {1, "k1", "annacme", NULL, NULL, "/x", NULL},
                            c = {1, "k1", "an", "nacme", NULL, "/x", NULL};
    (void)state;
    assert_false(is_same("user+org", &a, "user+org", &b));
    assert_false(is_same("user+org", &a, "user+org", &c));
}

/* LIM-11: a network never passes for an address or a network of another size */
static void prefixes_are_told_apart(void **state)
{
    static const struct row v4 = {1, NULL, NULL, NULL, "192.0.2.0", NULL, NULL},
                            v6 = {1, NULL, NULL, NULL, "2001:db8:a:b::1", NULL, NULL},
                            near6 = {1, NULL, NULL, NULL, "2001:db8:a:b:ffff::1", NULL, NULL},
                            far6 = {1, NULL, NULL, NULL, "2001:db8:a:c::1", NULL, NULL};
    (void)state;
    assert_false(is_same("ip", &v4, "ip/24", &v4));
    assert_true(is_same("ip", &v6, "ip", &near6));
    assert_false(is_same("ip", &v6, "ip", &far6));
    assert_true(is_same("ip/32/48", &v6, "ip/32/48", &far6));
    assert_false(is_same("ip/32/128", &v6, "ip/32/128", &near6));
}

/* LIM-11: nobody who is not known is charged for a name */
static void subjects_without_a_caller_have_no_cell_by_caller(void **state)
{
    static const struct {
        const char *by;
        size_t known, unknown;
    } rows[] = {
        {"key", 1, 0},        {"user", 1, 0},      {"org", 1, 0},      {"role", 3, 0},
        {"ip", 1, 1},         {"route", 1, 1},     {"ip+route", 1, 1}, {"key+ip", 1, 0},
        {"role+route", 3, 0}, {"org+route", 1, 0},
    };
    static const struct aps_str roles[] = {{"a", 1}, {"b", 1}, {"c", 1}};
    static const struct aps_key key = {
        .id = {"k1", 2}, .owner = {"ann", 3}, .org = {"acme", 4}, .roles = roles, .nroles = 3};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct aps_limit limit = limit_by(rows[i].by);
        struct aps_subject who = {.store = 1};

        assert_int_equal(aps_subject_count(&limit, &who), rows[i].unknown);
        aps_subject_set_caller(&who, &key);
        assert_string_equal(who.key.p, "k1");
        assert_string_equal(who.owner.p, "ann");
        assert_string_equal(who.org.p, "acme");
        assert_int_equal(aps_subject_count(&limit, &who), rows[i].known);
        assert_true(aps_str_eq(who.org, key.org));
    }
}

static void roles_have_a_cell_each(void **state)
{
    static const struct aps_str roles[] = {{"a", 1}, {"b", 1}};
    struct aps_subject who = {.store = 1,
                              .key = APS_STR_LIT("k1"),
                              .roles = roles,
                              .nroles = 2,
                              .route = APS_STR_LIT("/")};
    struct aps_limit limit = limit_by("role+route");
    unsigned char first[APS_SUBJECT_MAX], second[APS_SUBJECT_MAX];
    size_t n = aps_subject_bytes(&limit, &who, 0, 0, first);

    (void)state;
    assert_int_equal(aps_subject_bytes(&limit, &who, 1, 0, second), n);
    assert_memory_not_equal(first, second, n);
}

/* A reset begins anew where the cell is a caller's. */
static void epoch_counts_where_the_limit_is_by_a_caller(void **state)
{
    static const struct row row = {1, "k1", "ann", "acme", "192.0.2.7", "/a/*", one_role};
    static const struct {
        const char *by;
        bool counts;
    } rows[] = {{"key", true}, {"key+route", true}, {"user", true},
                {"org", true}, {"route", false},    {"ip", false}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes none = bytes_of(rows[i].by, &row, 0), one = bytes_of(rows[i].by, &row, 1),
                     two = bytes_of(rows[i].by, &row, 2);

        assert_int_equal(none.n != one.n, rows[i].counts);
        assert_int_equal(one.n, two.n);
        assert_int_equal(memcmp(one.b, two.b, one.n) != 0, rows[i].counts);
    }
}

/* All levels at once, each text far too long, stay within the room. */
static void long_texts_are_cut_and_their_lengths_count(void **state)
{
    static char text[70001], shorter[70001];
    struct aps_str roles[] = {{text, 300}};
    struct row row = {1, text, text, text, "192.0.2.7", text, roles}, other;
    (void)state;
    memset(text, 'x', sizeof text - 1);
    memset(shorter, 'x', 600);
    bytes_of("key+user+org+role+ip+route", &row, 7);
    other = row;
    other.route = shorter;
    assert_false(is_same("route", &row, "route", &other));
}

static int setup(void **state)
{
    (void)state;
    apr_initialize();
    return apr_pool_create(&pool, NULL);
}

static int teardown(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subjects_are_told_apart_by_what_the_limit_is_by),
        cmocka_unit_test(parts_do_not_run_together),
        cmocka_unit_test(prefixes_are_told_apart),
        cmocka_unit_test(subjects_without_a_caller_have_no_cell_by_caller),
        cmocka_unit_test(roles_have_a_cell_each),
        cmocka_unit_test(epoch_counts_where_the_limit_is_by_a_caller),
        cmocka_unit_test(long_texts_are_cut_and_their_lengths_count),
    };
    return cmocka_run_group_tests_name("subject", tests, setup, teardown);
}
