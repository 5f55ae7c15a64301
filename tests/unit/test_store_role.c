#include "t_store.h"

static struct t_store t;
static struct aps_store *st;

static int set_up(void **state)
{
    (void)state;
    t_init(&t);
    st = t_open(&t, T_NOW);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    aps_store_close(st);
    t_end(&t);
    return 0;
}

static enum aps_err create(const char *name)
{
    return aps_store_role_create(st, aps_str(name), &t.diag);
}

static enum aps_err grant(const char *role, const char *text)
{
    return aps_store_role_grant(st, aps_str(role), aps_str(text), false, &t.diag);
}

static enum aps_err deny(const char *role, const char *text)
{
    return aps_store_role_grant(st, aps_str(role), aps_str(text), true, &t.diag);
}

static enum aps_err take_away(const char *role, const char *text)
{
    return aps_store_role_revoke(st, aps_str(role), aps_str(text), &t.diag);
}

static enum aps_err inherit(const char *role, const char *parent)
{
    return aps_store_role_inherit(st, aps_str(role), aps_str(parent), &t.diag);
}

static size_t grants_of(const char *name)
{
    struct aps_rolebook *book = NULL;
    size_t n = 0;
    t_want(APS_OK, aps_store_roles(st, t.pool, &book, &t.diag), &t.diag);
    const struct aps_role *role = aps_rolebook_find(book, aps_str(name));
    assert_non_null(role);
    (void)aps_role_grants(role, &n);
    return n;
}

/* CLI-07: names that a shell, SQL or a terminal would read otherwise are refused. */
static void names_are_strict(void **state)
{
    static const struct {
        const char *name;
        enum aps_err want;
    } cases[] = {
        {"a", APS_OK},
        {"a", APS_ERR_EXISTS},
        {"A", APS_OK}, /* another role */
        {"0.b_c-D", APS_OK},
        {"", APS_ERR_FORMAT},
        {"-a", APS_ERR_FORMAT},
        {"a b", APS_ERR_FORMAT},
        {"a'; DROP TABLE role; --", APS_ERR_FORMAT},
        {"\xe2\x80\xae", APS_ERR_FORMAT},
        {"0123456789012345678901234567890123456789012345678901234567890123", APS_OK},
        {"01234567890123456789012345678901234567890123456789012345678901234", APS_ERR_FORMAT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(create(cases[i].name), cases[i].want);
    assert_int_equal(aps_store_role_create(st, (struct aps_str){"a\0b", 3}, &t.diag),
                     APS_ERR_FORMAT);
}

static void grants_are_kept_in_canonical_form(void **state)
{
    (void)state;
    t_want(APS_OK, create("r"), &t.diag);
    t_want(APS_OK, grant("r", "POST,GET /a"), &t.diag);
    assert_int_equal(grant("r", "GET,POST /a"), APS_ERR_EXISTS);
    assert_int_equal(deny("r", "GET,POST /a"), APS_ERR_EXISTS);
    assert_non_null(strstr(t.diag.text, "role revoke"));
    t_want(APS_OK, deny("r", "orders:*"), &t.diag);
    assert_int_equal(grants_of("r"), 2);
    assert_int_equal(grant("r", "GET"), APS_ERR_FORMAT);
    assert_int_equal(grant("none", "GET /a"), APS_ERR_NOT_FOUND);
    t_want(APS_OK, take_away("r", "GET,POST /a"), &t.diag);
    assert_int_equal(take_away("r", "GET,POST /a"), APS_ERR_NOT_FOUND);
    t_want(APS_OK, take_away("r", "orders:*"), &t.diag); /* a denial goes the same way */
    assert_int_equal(grants_of("r"), 0);
    assert_int_equal(take_away("none", "GET /a"), APS_ERR_NOT_FOUND);
}

/* AZ-05: inheritance, and no cycle of any length. */
static void cycles_are_refused_and_named(void **state)
{
    (void)state;
    for (const char *const *n = (const char *const[]){"a", "b", "c", "d", NULL}; *n != NULL; n++)
        t_want(APS_OK, create(*n), &t.diag);
    t_want(APS_OK, inherit("a", "b"), &t.diag);
    t_want(APS_OK, inherit("b", "c"), &t.diag);
    t_want(APS_OK, inherit("a", "c"), &t.diag); /* a diamond is no cycle */
    assert_int_equal(inherit("a", "b"), APS_ERR_EXISTS);
    assert_int_equal(inherit("c", "a"), APS_ERR_CONFLICT);
    assert_non_null(strstr(t.diag.text, "c > a"));
    assert_int_equal(inherit("d", "d"), APS_ERR_CONFLICT);
    assert_int_equal(inherit("a", "none"), APS_ERR_NOT_FOUND);
    assert_int_equal(inherit("none", "a"), APS_ERR_NOT_FOUND);
    t_want(APS_OK, grant("c", "GET /a"), &t.diag);
    assert_int_equal(grants_of("a"), 1); /* what was refused left nothing */

    const struct aps_str *parents = NULL;
    size_t n = 0;
    t_want(APS_OK, aps_store_role_parents(st, APS_STR_LIT("a"), t.pool, &parents, &n, &t.diag),
           &t.diag);
    assert_int_equal(n, 2);
    assert_true(aps_str_eq(parents[0], APS_STR_LIT("b")));
    assert_true(aps_str_eq(parents[1], APS_STR_LIT("c")));
    assert_int_equal(aps_store_role_parents(st, APS_STR_LIT("none"), t.pool, &parents, &n, &t.diag),
                     APS_ERR_NOT_FOUND);
}

static enum aps_err note(void *arg, struct aps_str name, aps_nsec created_at)
{
    char *seen = arg;
    assert_int_equal(created_at, T_NOW);
    (void)snprintf(seen + strlen(seen), 64 - strlen(seen), "%.*s ", APS_STR_ARG(name));
    return aps_str_eq(name, APS_STR_LIT("stop")) ? APS_ERR_CHECK : APS_OK;
}

static void roles_come_in_order_until_the_caller_stops(void **state)
{
    char seen[64] = "";
    (void)state;
    for (const char *const *n = (const char *const[]){"z", "b", "a", NULL}; *n != NULL; n++)
        t_want(APS_OK, create(*n), &t.diag);
    t_want(APS_OK, aps_store_role_each(st, note, seen, &t.diag), &t.diag);
    assert_string_equal(seen, "a b z ");
    t_want(APS_OK, create("stop"), &t.diag);
    seen[0] = '\0';
    assert_int_equal(aps_store_role_each(st, note, seen, &t.diag), APS_ERR_CHECK);
    assert_string_equal(seen, "a b stop ");
}

static void a_role_in_use_is_not_deleted(void **state)
{
    struct aps_secret text = {0};
    struct aps_key key;
    (void)state;
    t_want(APS_OK, create("base"), &t.diag);
    t_want(APS_OK, create("top"), &t.diag);
    t_want(APS_OK, inherit("top", "base"), &t.diag);
    t_want(APS_OK, grant("base", "GET /a"), &t.diag);
    key = t_create(&t, st, "shop", "top", &text);
    aps_secret_wipe(&text);

    assert_int_equal(aps_store_role_delete(st, APS_STR_LIT("base"), &t.diag), APS_ERR_CONFLICT);
    assert_non_null(strstr(t.diag.text, "\"top\""));
    assert_int_equal(aps_store_role_delete(st, APS_STR_LIT("top"), &t.diag), APS_ERR_CONFLICT);
    assert_non_null(strstr(t.diag.text, "shop"));
    t_want(APS_OK, aps_store_key_revoke(st, key.id, (struct aps_str){0}, &t.diag), &t.diag);
    assert_int_equal(aps_store_role_delete(st, APS_STR_LIT("top"), &t.diag), APS_ERR_CONFLICT);
    assert_non_null(strstr(t.diag.text, "revoked"));
    t_want(APS_OK, aps_store_key_delete(st, key.id, &t.diag), &t.diag);
    t_want(APS_OK, aps_store_role_delete(st, APS_STR_LIT("top"), &t.diag), &t.diag);
    t_want(APS_OK, aps_store_role_delete(st, APS_STR_LIT("base"), &t.diag), &t.diag);
    assert_int_equal(aps_store_role_delete(st, APS_STR_LIT("base"), &t.diag), APS_ERR_NOT_FOUND);
    t_want(APS_OK, create("base"), &t.diag);
    assert_int_equal(grants_of("base"), 0); /* nothing of the old one is left */
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(names_are_strict),
        T(grants_are_kept_in_canonical_form),
        T(cycles_are_refused_and_named),
        T(roles_come_in_order_until_the_caller_stops),
        T(a_role_in_use_is_not_deleted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
