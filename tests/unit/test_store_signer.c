/* Signers and certificates: what is a key, beside its own text. */
#include "t_store.h"

#include "apisec/certname.h"
#include "t_keys.h"

#define PIN "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define SECRET "0123456789abcdef0123456789abcdef"

static struct t_store t;
static struct aps_str shop; /* id of a key */

static int set_up(void **state)
{
    struct aps_secret text = {NULL, 0};
    struct aps_store *st;
    (void)state;
    t_init(&t);
    st = t_open(&t, T_NOW);
    shop = aps_str_copy(t.pool, t_create(&t, st, "shop", NULL, &text).id);
    t_commit(&t, st);
    aps_secret_wipe(&text);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    t_end(&t);
    return 0;
}

static struct aps_signer public_one(const char *keyid)
{
    struct aps_verify_key *key = NULL;
    struct aps_signer signer = {
        .keyid = aps_str(keyid), .key = APS_STR_LIT("shop"), .alg = APS_ALG_ES256};
    assert_int_equal(aps_verify_pem(APS_ALG_ES256, aps_str(t_public_p256), &key, NULL), APS_OK);
    assert_int_equal(aps_verify_spki(key, t.pool, &signer.public), APS_OK);
    aps_verify_free(key);
    return signer;
}

static enum aps_err add(struct aps_store *st, const struct aps_signer *signer, const char *secret)
{
    return aps_store_signer_add(st, signer, aps_str(secret), &t.diag);
}

static struct aps_signer secret_one(const char *keyid)
{
    return (struct aps_signer){.keyid = aps_str(keyid),
                               .key = APS_STR_LIT("shop"),
                               .alg = APS_ALG_HS256,
                               .until = T_NOW + APS_DAY};
}

/* SIG-03 */
static void signers_are_published(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_signer a = public_one("a"), b = secret_one("b/1");
    const struct aps_snapshot_secret *secret;
    const struct aps_signer *got;
    struct aps_snapshot *snap;
    size_t n = 0;
    (void)state;
    t_want(APS_OK, add(st, &a, NULL), &t.diag);
    t_want(APS_OK, add(st, &b, SECRET), &t.diag);
    t_want(APS_ERR_EXISTS, add(st, &a, NULL), &t.diag);
    t_commit(&t, st);
    snap = t_snapshot(&t);
    got = aps_snapshot_signer(snap, a.keyid);
    assert_true(aps_str_eq(got->key, shop) && got->alg == APS_ALG_ES256 && got->until == 0);
    assert_true(aps_str_eq(got->public, a.public));
    got = aps_snapshot_signer(snap, b.keyid);
    assert_true(got->public.n == 0 && got->until == T_NOW + APS_DAY);
    secret = t_secret(&t, snap, aps_signer_secret(t.pool, b.keyid), &n);
    assert_int_equal(n, 1);
    assert_true(aps_str_eq(aps_secret_str(&secret->value), APS_STR_LIT(SECRET)));
    assert_null(aps_snapshot_signer(snap, APS_STR_LIT("c")));
    aps_snapshot_close(snap);
}

static void what_cannot_work_is_refused(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_signer a = public_one("a"), b = secret_one("b");
    (void)state;
    a.keyid = APS_STR_LIT("a b");
    t_want(APS_ERR_FORMAT, add(st, &a, NULL), &t.diag);
    a = public_one("a");
    a.key = APS_STR_LIT("nobody");
    t_want(APS_ERR_NOT_FOUND, add(st, &a, NULL), &t.diag);
    a = public_one("a");
    a.alg = APS_ALG_RS256;
    t_want(APS_ERR_FORMAT, add(st, &a, NULL), &t.diag);
    t_want(APS_ERR_RANGE, add(st, &b, "short"), &t.diag);
    t_want(APS_OK, aps_store_key_revoke(st, shop, (struct aps_str){NULL, 0}, &t.diag), &t.diag);
    a = public_one("a");
    t_want(APS_ERR_CONFLICT, add(st, &a, NULL), &t.diag);
    t_want(APS_ERR_CONFLICT, aps_store_certificate_add(st, shop, APS_STR_LIT(PIN), &t.diag),
           &t.diag);
    t_want(APS_ERR_NOT_FOUND, aps_store_signer_delete(st, APS_STR_LIT("x"), &t.diag), &t.diag);
    t_want(APS_ERR_NOT_FOUND, aps_store_certificate_delete(st, APS_STR_LIT(PIN), &t.diag), &t.diag);
    aps_store_close(st);
}

/* MTLS-02 */
static void certificates_are_published(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_str key = {NULL, 0};
    struct aps_snapshot *snap;
    (void)state;
    t_want(APS_OK,
           aps_store_certificate_add(st, APS_STR_LIT("shop"), APS_STR_LIT("san:dns:A.b"), &t.diag),
           &t.diag);
    t_want(APS_OK, aps_store_certificate_add(st, shop, APS_STR_LIT(PIN), &t.diag), &t.diag);
    t_want(APS_ERR_EXISTS, aps_store_certificate_add(st, shop, APS_STR_LIT(PIN), &t.diag), &t.diag);
    t_want(APS_ERR_FORMAT, aps_store_certificate_add(st, shop, APS_STR_LIT("x"), &t.diag), &t.diag);
    t_commit(&t, st);
    snap = t_snapshot(&t);
    assert_true(aps_snapshot_certificate(snap, APS_STR_LIT("san:dns:a.b"), &key));
    assert_true(aps_str_eq(key, shop));
    assert_true(aps_snapshot_certificate(snap, APS_STR_LIT(PIN), &key));
    assert_false(aps_snapshot_certificate(snap, APS_STR_LIT("dn:CN=x"), &key));
    aps_snapshot_close(snap);
}

/* What was a key's goes with it. */
static void they_go_with_their_key(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_signer a = public_one("a"), b = secret_one("b");
    struct aps_str key = {NULL, 0};
    struct aps_snapshot *snap;
    size_t n = 9;
    (void)state;
    t_want(APS_OK, add(st, &a, NULL), &t.diag);
    t_want(APS_OK, add(st, &b, SECRET), &t.diag);
    t_want(APS_OK, aps_store_certificate_add(st, shop, APS_STR_LIT(PIN), &t.diag), &t.diag);
    t_want(APS_OK, aps_store_signer_delete(st, a.keyid, &t.diag), &t.diag);
    t_want(APS_OK, aps_store_key_revoke(st, shop, (struct aps_str){NULL, 0}, &t.diag), &t.diag);
    t_want(APS_OK, aps_store_key_delete(st, shop, &t.diag), &t.diag);
    t_commit(&t, st);
    snap = t_snapshot(&t);
    assert_null(aps_snapshot_signer(snap, a.keyid));
    assert_null(aps_snapshot_signer(snap, b.keyid));
    (void)t_secret(&t, snap, aps_signer_secret(t.pool, b.keyid), &n);
    assert_int_equal(n, 0);
    assert_false(aps_snapshot_certificate(snap, APS_STR_LIT(PIN), &key));
    aps_snapshot_close(snap);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(signers_are_published),
        T(what_cannot_work_is_refused),
        T(certificates_are_published),
        T(they_go_with_their_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
