#include "t_store.h"

#include "apisec/keytext.h"

/* The main way once: a role, a key, the copy, and the key proved from the copy. */
static void a_key_goes_from_store_to_snapshot(void **state)
{
    struct t_store t;
    struct aps_secret text = {0};
    struct aps_key made, read, again;
    uint8_t mac[APS_KEY_MAC_LEN];
    (void)state;

    t_init(&t);
    struct aps_store *st = t_open(&t, T_NOW);
    t_want(APS_OK, aps_store_role_create(st, APS_STR_LIT("reader"), &t.diag), &t.diag);
    t_want(APS_OK,
           aps_store_role_grant(st, APS_STR_LIT("reader"), APS_STR_LIT("GET /orders/**"), false,
                                &t.diag),
           &t.diag);
    made = t_create(&t, st, "shop", "reader", &text);
    assert_int_equal(made.expires_at, T_NOW + APS_KEY_LIFE_DEFAULT); /* KEY-11 */
    t_want(APS_OK, aps_store_key_get(st, APS_STR_LIT("shop"), t.pool, &again, &t.diag), &t.diag);
    assert_true(aps_str_eq(again.id, made.id));
    t_commit(&t, st);

    struct aps_snapshot *snap = t_snapshot(&t);
    assert_int_equal(aps_snapshot_generation(snap), 2);
    assert_true(aps_str_eq(aps_snapshot_prefix(snap), APS_STR_LIT("test")));
    assert_non_null(aps_rolebook_find(aps_snapshot_roles(snap), APS_STR_LIT("reader")));
    assert_int_equal(aps_snapshot_key(snap, made.id, t.pool, &read), APS_OK);
    assert_true(aps_str_eq(read.name, APS_STR_LIT("shop")));
    assert_int_equal(read.nroles, 1);
    assert_int_equal(read.secret[0].version, 1);
    assert_int_equal(aps_snapshot_mac(snap, read.secret[0].pepper, aps_secret_str(&text), mac),
                     APS_OK);
    assert_true(aps_secret_equal(mac, read.secret[0].mac, sizeof mac));
    assert_int_equal(aps_snapshot_key(snap, APS_STR_LIT("AAAAAAAAAAAA"), t.pool, &read),
                     APS_ERR_NOT_FOUND);
    aps_snapshot_close(snap);
    aps_secret_wipe(&text);
    t_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_goes_from_store_to_snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
