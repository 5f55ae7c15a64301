#include "t_store.h"

#include "apisec/gone.h"

static struct t_store t;

static int set_up(void **state)
{
    (void)state;
    t_init(&t);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    t_end(&t);
    return 0;
}

static struct aps_store_token token(const char *jti, aps_nsec until)
{
    struct aps_store_token token = {.issuer = APS_STR_LIT("corp"), .until = until};
    assert_int_equal(aps_gone_jti(APS_STR_LIT("https://a"), aps_str(jti), token.hash), APS_OK);
    return token;
}

static void revoke_one(struct aps_store *st, const char *jti, aps_nsec until)
{
    struct aps_store_token one = token(jti, until);
    t_want(APS_OK, aps_store_token_revoke(st, &one, &t.diag), &t.diag);
}

static bool is_gone(const char *jti)
{
    struct aps_snapshot *snap = t_snapshot(&t);
    bool gone = aps_snapshot_token_gone(snap, token(jti, 0).hash);
    aps_snapshot_close(snap);
    return gone;
}

struct list {
    int n;
    aps_nsec until[8];
};

static enum aps_err keep(void *arg, const struct aps_store_token *one)
{
    struct list *list = arg;
    list->until[list->n++] = one->until;
    return APS_OK;
}

static struct list list(struct aps_store *st)
{
    struct list l = {0};
    t_want(APS_OK, aps_store_token_each(st, keep, &l, &t.diag), &t.diag);
    return l;
}

/* JWT-20: published at once, kept until exp, and gone with the first change after it. */
static void a_token_is_gone_until_it_ends(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    (void)state;
    revoke_one(st, "a", T_NOW + APS_HOUR);
    revoke_one(st, "b", 0);
    t_commit(&t, st);
    assert_true(is_gone("a") && is_gone("b"));
    assert_false(is_gone("c"));
    st = t_open(&t, T_NOW + APS_HOUR - 1);
    t_want(APS_OK, aps_store_role_create(st, APS_STR_LIT("x"), &t.diag), &t.diag);
    t_commit(&t, st);
    assert_true(is_gone("a"));
    st = t_open(&t, T_NOW + APS_HOUR);
    t_want(APS_OK, aps_store_role_create(st, APS_STR_LIT("y"), &t.diag), &t.diag);
    t_commit(&t, st);
    assert_false(is_gone("a"));
    assert_true(is_gone("b"));
}

/* The later end holds, and what nobody knows the end of has none. */
static void twice_is_once(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    (void)state;
    revoke_one(st, "a", T_NOW + APS_HOUR);
    revoke_one(st, "a", T_NOW + APS_MINUTE);
    assert_int_equal(list(st).n, 1);
    assert_int_equal(list(st).until[0], T_NOW + APS_HOUR);
    revoke_one(st, "a", T_NOW + APS_DAY);
    assert_int_equal(list(st).until[0], T_NOW + APS_DAY);
    revoke_one(st, "a", 0);
    revoke_one(st, "a", T_NOW + APS_DAY);
    assert_int_equal(list(st).until[0], 0);
    aps_store_close(st);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_token_is_gone_until_it_ends),
        T(twice_is_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
