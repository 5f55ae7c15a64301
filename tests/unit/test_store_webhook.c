#include "t_store.h"

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

static const struct aps_hook hook = {
    .name = {"deploy", 6}, .spec = {.scheme = APS_WEBHOOK_SCHEME_GITHUB, .window = APS_MINUTE}};
static const struct aps_hook other = {
    .name = {"other", 5}, .spec = {.scheme = APS_WEBHOOK_SCHEME_SLACK, .window = APS_MINUTE}};

#define SECRET "the first secret of this endpoint"

static size_t versions(struct aps_snapshot *snap, const struct aps_snapshot_secret **out)
{
    size_t n = 0;
    *out = t_secret(&t, snap, aps_hook_secret(t.pool, &hook), &n);
    return n;
}

/* WHK-07: several secrets while they rotate; SEC-01: none in the open. */
static void secrets_rotate(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    const struct aps_snapshot_secret *secrets = NULL;
    struct aps_snapshot *snap;
    struct aps_str file;
    (void)state;
    t_want(APS_OK, aps_store_webhook_add(st, &hook, APS_STR_LIT(SECRET), &t.diag), &t.diag);
    t_commit(&t, st);
    st = t_open(&t, T_NOW + APS_HOUR);
    t_want(APS_OK,
           aps_store_webhook_rotate(st, hook.name, APS_STR_LIT("the second secret, a new one"),
                                    APS_DAY, &t.diag),
           &t.diag);
    t_commit(&t, st);
    snap = t_snapshot(&t);
    assert_int_equal(aps_snapshot_webhook(snap, hook.name)->spec.window, APS_MINUTE);
    assert_null(aps_snapshot_webhook(snap, other.name));
    assert_int_equal(versions(snap, &secrets), 2);
    assert_int_equal(secrets[0].until, T_NOW + APS_HOUR + APS_DAY);
    assert_int_equal(secrets[1].until, 0);
    assert_int_equal(secrets[1].version, 2);
    assert_true(aps_str_eq(aps_secret_str(&secrets[0].value), APS_STR_LIT(SECRET)));
    aps_snapshot_close(snap);
    file = t_read(&t, t_path(&t, "store.db"));
    assert_null(memmem(file.p, file.n, "first secret", 12));
    st = t_open(&t, T_NOW + APS_HOUR);
    t_want(APS_OK,
           aps_store_webhook_rotate(st, hook.name, APS_STR_LIT("the third secret, a new one"), 0,
                                    &t.diag),
           &t.diag);
    t_commit(&t, st);
    snap = t_snapshot(&t);
    assert_int_equal(versions(snap, &secrets), 1);
    assert_int_equal(secrets[0].version, 3);
    aps_snapshot_close(snap);
}

/* WHK-07: long enough, and one endpoint's alone. */
static void secrets_are_checked(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    const struct aps_store_secret *list = NULL;
    char text[64];
    size_t n = 0;
    (void)state;
    t_want(APS_ERR_RANGE, aps_store_webhook_add(st, &hook, APS_STR_LIT("short"), &t.diag), &t.diag);
    t_want(APS_OK, aps_store_webhook_add(st, &hook, APS_STR_LIT(SECRET), &t.diag), &t.diag);
    t_want(APS_ERR_EXISTS, aps_store_webhook_add(st, &hook, APS_STR_LIT(SECRET "x"), &t.diag),
           &t.diag);
    t_want(APS_ERR_CONFLICT, aps_store_webhook_add(st, &other, APS_STR_LIT(SECRET), &t.diag),
           &t.diag);
    assert_null(strstr(t.diag.text, SECRET));
    t_want(APS_ERR_CONFLICT,
           aps_store_webhook_rotate(st, hook.name, APS_STR_LIT(SECRET), 0, &t.diag), &t.diag);
    for (int i = 1; i <= APS_STORE_SECRET_VERSIONS; i++) {
        (void)snprintf(text, sizeof text, "secret number %d of this endpoint", i);
        t_want(i < APS_STORE_SECRET_VERSIONS ? APS_OK : APS_ERR_CONFLICT,
               aps_store_webhook_rotate(st, hook.name, aps_str(text), APS_DAY, &t.diag), &t.diag);
    }
    t_want(APS_OK,
           aps_store_secrets(st, aps_hook_secret(t.pool, &hook), t.pool, &list, &n, &t.diag),
           &t.diag);
    assert_int_equal(n, APS_STORE_SECRET_VERSIONS);
    assert_int_equal(list[0].until, T_NOW + APS_DAY);
    aps_store_close(st);
}

static void definitions_change(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_hook to = hook, got;
    size_t n = 0;
    const struct aps_store_secret *list = NULL;
    (void)state;
    t_want(APS_ERR_NOT_FOUND, aps_store_webhook_set(st, &to, &t.diag), &t.diag);
    t_want(APS_OK, aps_store_webhook_add(st, &hook, APS_STR_LIT(SECRET), &t.diag), &t.diag);
    to.spec.window = APS_HOUR;
    t_want(APS_OK, aps_store_webhook_set(st, &to, &t.diag), &t.diag);
    t_want(APS_OK, aps_store_webhook_get(st, hook.name, t.pool, &got, &t.diag), &t.diag);
    assert_int_equal(got.spec.window, APS_HOUR);
    assert_int_equal(got.created_at, T_NOW);
    t_want(APS_ERR_RANGE,
           aps_store_webhook_rotate(st, hook.name, APS_STR_LIT(SECRET "1"), 366 * APS_DAY, &t.diag),
           &t.diag);
    to.spec.scheme = APS_WEBHOOK_SCHEME_SLACK;
    t_want(APS_ERR_CONFLICT, aps_store_webhook_set(st, &to, &t.diag), &t.diag);
    t_want(APS_OK, aps_store_webhook_delete(st, hook.name, &t.diag), &t.diag);
    t_want(APS_ERR_NOT_FOUND, aps_store_webhook_delete(st, hook.name, &t.diag), &t.diag);
    t_want(APS_OK,
           aps_store_secrets(st, aps_hook_secret(t.pool, &hook), t.pool, &list, &n, &t.diag),
           &t.diag);
    assert_int_equal(n, 0);
    aps_store_close(st);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(secrets_rotate),
        T(secrets_are_checked),
        T(definitions_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
