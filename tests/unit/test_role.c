#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <apisec/role.h>

static apr_pool_t *pool;

static void grant(struct aps_rolebook *book, const char *role, const char *text, bool deny)
{
    assert_int_equal(aps_rolebook_grant(book, aps_str(role), aps_str(text), deny, NULL), APS_OK);
}

static const struct aps_role *find(const struct aps_rolebook *book, const char *name)
{
    return aps_rolebook_find(book, aps_str(name));
}

/* "!GET /x@base GET /y@self": denials with a bang, each with its origin. */
static const char *flat(const struct aps_role *role)
{
    size_t n;
    const struct aps_grant *g = aps_role_grants(role, &n);
    const char *text = "";
    for (size_t i = 0; i < n; i++)
        text = apr_psprintf(pool, "%s%s%s%.*s@%.*s", text, i != 0 ? "; " : "", g[i].deny ? "!" : "",
                            APS_STR_ARG(g[i].text), APS_STR_ARG(aps_role_grant_origin(role, i)));
    return text;
}

static void grants_of_parents_are_flattened(void **state)
{
    struct aps_rolebook *book = aps_rolebook_new(pool);
    (void)state;
    aps_rolebook_inherit(book, aps_str("admin"), aps_str("writer"));
    aps_rolebook_inherit(book, aps_str("admin"), aps_str("auditor"));
    aps_rolebook_inherit(book, aps_str("writer"), aps_str("reader"));
    grant(book, "writer", "POST /orders", false);
    grant(book, "writer", "GET /orders", false);
    aps_rolebook_add(book, aps_str("admin"));
    aps_rolebook_add(book, aps_str("writer"));
    aps_rolebook_add(book, aps_str("reader"));
    aps_rolebook_add(book, aps_str("auditor"));
    grant(book, "reader", "GET /orders", false);
    grant(book, "auditor", "GET /orders", false);
    grant(book, "auditor", "GET /orders/secret", true);
    grant(book, "auditor", "log:read", false);
    assert_null(find(book, "admin")); /* not sealed: nothing is known */
    assert_int_equal(aps_rolebook_count(book), 0);
    assert_int_equal(aps_rolebook_seal(book, NULL), APS_OK);

    assert_int_equal(aps_rolebook_count(book), 4);
    assert_ptr_equal(aps_rolebook_at(book, 0), find(book, "admin"));
    assert_ptr_equal(aps_rolebook_at(book, 3), find(book, "writer"));
    assert_null(aps_rolebook_at(book, 4));
    assert_string_equal(flat(find(book, "reader")), "GET /orders@reader");
    /* Its own entry is named before the same one of a parent. */
    assert_string_equal(flat(find(book, "writer")), "GET /orders@writer; POST /orders@writer");
    assert_string_equal(flat(find(book, "admin")),
                        "!GET /orders/secret@auditor; GET /orders@auditor; POST /orders@writer; "
                        "log:read@auditor");
    assert_true(aps_str_eq(aps_role_name(find(book, "admin")), aps_str("admin")));
    assert_null(find(book, "Admin"));
    assert_null(find(book, ""));
    assert_null(find(book, "nobody"));
    assert_int_equal(aps_role_grant_origin(find(book, "reader"), 1).n, 0);
}

/* AZ-05: what a role has does not depend on the order of entry. */
static void order_of_entry_changes_nothing(void **state)
{
    static const char *const texts[] = {"GET /a", "POST /b", "a:b", "* /c/**"};
    const char *first = NULL;
    (void)state;
    for (unsigned round = 0; round < 24; round++) {
        struct aps_rolebook *book = aps_rolebook_new(pool);
        unsigned left = round, used = 0;
        for (unsigned i = 4; i > 0; i--) { /* the permutation of this number */
            unsigned pick = left % i, k = 0;
            left /= i;
            for (k = 0; (used & 1u << k) != 0 || pick-- != 0; k++)
                ;
            used |= 1u << k;
            grant(book, k % 2 != 0 ? "left" : "right", texts[k], k == 1);
            aps_rolebook_inherit(book, aps_str("top"), aps_str(k % 2 != 0 ? "left" : "right"));
            aps_rolebook_add(book, aps_str(k == 0 ? "top" : k == 1 ? "left" : "right"));
        }
        assert_int_equal(aps_rolebook_seal(book, NULL), APS_OK);
        const char *now = flat(find(book, "top"));
        if (first == NULL)
            first = now;
        assert_string_equal(now, first);
    }
    assert_string_equal(first, "!POST /b@left; * /c/**@left; GET /a@right; a:b@right");
}

/* AZ-05: a cycle is an error, and named. */
static void cycles_are_refused(void **state)
{
    struct aps_diag diag = {""};
    struct aps_rolebook *book = aps_rolebook_new(pool);
    (void)state;
    aps_rolebook_add(book, aps_str("solo"));
    aps_rolebook_inherit(book, aps_str("solo"), aps_str("solo"));
    assert_int_equal(aps_rolebook_seal(book, &diag), APS_ERR_CORRUPT);
    assert_non_null(strstr(diag.text, "solo > solo"));
    assert_null(find(book, "solo"));

    book = aps_rolebook_new(pool);
    for (const char *name = "abcdx"; *name != '\0'; name++)
        aps_rolebook_add(book, (struct aps_str){name, 1});
    aps_rolebook_inherit(book, aps_str("a"), aps_str("x"));
    aps_rolebook_inherit(book, aps_str("a"), aps_str("b"));
    aps_rolebook_inherit(book, aps_str("b"), aps_str("c"));
    aps_rolebook_inherit(book, aps_str("c"), aps_str("d"));
    aps_rolebook_inherit(book, aps_str("d"), aps_str("b"));
    assert_int_equal(aps_rolebook_seal(book, &diag), APS_ERR_CORRUPT);
    assert_non_null(strstr(diag.text, ": b > c > d > b"));
    assert_null(find(book, "x"));
}

static void roles_that_are_not_there_are_refused(void **state)
{
    struct aps_diag diag = {""};
    struct aps_rolebook *book = aps_rolebook_new(pool);
    (void)state;
    aps_rolebook_add(book, aps_str("child"));
    aps_rolebook_inherit(book, aps_str("child"), aps_str("ghost"));
    assert_int_equal(aps_rolebook_seal(book, &diag), APS_ERR_CORRUPT);
    assert_non_null(strstr(diag.text, "\"child\" inherits from \"ghost\""));

    book = aps_rolebook_new(pool);
    grant(book, "ghost", "GET /", false);
    assert_int_equal(aps_rolebook_seal(book, &diag), APS_ERR_CORRUPT);
    assert_non_null(strstr(diag.text, "\"ghost\""));

    book = aps_rolebook_new(pool);
    assert_int_equal(aps_rolebook_grant(book, aps_str("r"), aps_str("GIT /"), false, &diag),
                     APS_ERR_FORMAT);
    assert_non_null(strstr(diag.text, "GIT"));
}

/* A long line of parents is walked without the thread's stack, a diamond is counted once. */
static void long_lines_and_diamonds_resolve(void **state)
{
    struct aps_rolebook *book = aps_rolebook_new(pool);
    char name[16], parent[16];
    (void)state;
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "r%d", i);
        snprintf(parent, sizeof parent, "r%d", i + 1);
        aps_rolebook_add(book, aps_str(name));
        aps_rolebook_inherit(book, aps_str(name), aps_str(parent));
    }
    aps_rolebook_add(book, aps_str("r20000"));
    grant(book, "r20000", "GET /end", false);
    aps_rolebook_add(book, aps_str("tip"));
    aps_rolebook_inherit(book, aps_str("tip"), aps_str("r0"));
    aps_rolebook_inherit(book, aps_str("tip"), aps_str("r10000"));
    aps_rolebook_inherit(book, aps_str("tip"), aps_str("r0"));
    assert_int_equal(aps_rolebook_seal(book, NULL), APS_OK);
    assert_string_equal(flat(find(book, "tip")), "GET /end@r20000");
}

static void an_empty_book_is_sealed(void **state)
{
    struct aps_rolebook *book = aps_rolebook_new(pool);
    size_t n = 9;
    (void)state;
    aps_rolebook_add(book, aps_str("bare"));
    assert_int_equal(aps_rolebook_seal(book, NULL), APS_OK);
    (void)aps_role_grants(find(book, "bare"), &n);
    assert_int_equal(n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grants_of_parents_are_flattened),
        cmocka_unit_test(order_of_entry_changes_nothing),
        cmocka_unit_test(cycles_are_refused),
        cmocka_unit_test(roles_that_are_not_there_are_refused),
        cmocka_unit_test(long_lines_and_diamonds_resolve),
        cmocka_unit_test(an_empty_book_is_sealed),
    };
    apr_initialize();
    apr_pool_create(&pool, NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_pool_destroy(pool);
    apr_terminate();
    return failed;
}
