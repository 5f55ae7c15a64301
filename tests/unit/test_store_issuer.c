#include "t_store.h"

#include <apr_strings.h>

#include "t_issuer.h"
#include "t_keys.h"

#define KEY apr_pstrcat(t.pool, "{", t_jwk_p256, "}", NULL)
#define SECRET_KEYS                                                                                \
    "{\"kty\":\"oct\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\",\"kid\":\"h\"}"

static struct t_store t;

static int set_up(void **state)
{
    struct aps_store *st;
    (void)state;
    t_init(&t);
    st = t_open(&t, T_NOW);
    t_want(APS_OK, aps_store_role_create(st, APS_STR_LIT("reader"), &t.diag), &t.diag);
    t_commit(&t, st);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    t_end(&t);
    return 0;
}

static enum aps_err add(struct aps_store *st, const struct aps_issuer *issuer, const char *keys,
                        const char *secret)
{
    const struct aps_store_issuer_put put = {issuer, aps_str(keys), aps_str(secret)};
    return aps_store_issuer_add(st, &put, &t.diag);
}

static const struct aps_issuer *published(struct aps_snapshot *snap, size_t want)
{
    size_t n = 9;
    const struct aps_issuer *list = aps_snapshot_issuers(snap, &n);
    assert_int_equal(n, want);
    return list;
}

static struct aps_issuer static_one(const char *name, const char *iss)
{
    struct aps_issuer issuer = t_issuer();
    issuer.name = aps_str(name);
    issuer.jwt.claims.iss = aps_str(iss);
    issuer.source = APS_ISSUER_STATIC;
    issuer.jwks_url = (struct aps_str){NULL, 0};
    return issuer;
}

/* What is stored is published, with keys made ready; each change has an edition of its own. */
static void issuers_are_published(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_issuer a = t_issuer(), b = static_one("fixed", "https://fixed.example");
    struct aps_store_issuer_put put = {&a, {NULL, 0}, {NULL, 0}};
    struct aps_store_issuer got;
    struct aps_snapshot *snap;
    const struct aps_issuer *list;
    (void)state;
    a.jwt.claims.rules = t_rules;
    a.jwt.claims.nrules = 1;
    t_want(APS_OK, add(st, &a, NULL, NULL), &t.diag);
    t_want(APS_OK, add(st, &b, KEY, NULL), &t.diag);
    t_commit(&t, st);
    snap = t_snapshot(&t);
    list = published(snap, 2);
    assert_true(aps_str_eq(list[0].name, APS_STR_LIT("corp")));
    assert_null(list[0].jwt.keys);
    assert_true(list[0].edition != list[1].edition);
    assert_int_equal(list[1].jwt.keys->usable, 1);
    aps_snapshot_close(snap);

    st = t_open(&t, T_NOW + APS_SEC);
    a.jwt.claims.leeway = 0;
    t_want(APS_OK, aps_store_issuer_set(st, &put, &t.diag), &t.diag);
    t_want(APS_OK, aps_store_issuer_get(st, a.name, t.pool, &got, &t.diag), &t.diag);
    assert_int_equal(got.created_at, T_NOW);
    assert_int_equal(got.def.jwt.claims.leeway, 0);
    put.issuer = &b;
    t_want(APS_OK, aps_store_issuer_set(st, &put, &t.diag), &t.diag); /* its keys stay */
    t_want(APS_OK, aps_store_issuer_get(st, b.name, t.pool, &got, &t.diag), &t.diag);
    assert_true(aps_str_eq(got.keys, aps_str(KEY)));
    t_want(APS_OK, aps_store_issuer_delete(st, a.name, &t.diag), &t.diag);
    t_want(APS_ERR_NOT_FOUND, aps_store_issuer_delete(st, a.name, &t.diag), &t.diag);
    t_commit(&t, st);
    snap = t_snapshot(&t);
    (void)published(snap, 1);
    aps_snapshot_close(snap);
}

/* SEC-01: keys that are secrets are kept as such, and lie nowhere in the open. */
static void secrets_are_sealed(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_issuer i = static_one("hmac", "hmac");
    struct aps_snapshot *snap;
    struct aps_str file;
    size_t n = 0;
    (void)state;
    i.jwt.algs = t_hmac;
    i.jwt.nalgs = 1;
    i.introspect = APS_STR_LIT("https://login.example/i");
    i.client_id = APS_STR_LIT("me");
    t_want(APS_ERR_FORMAT, add(st, &i, SECRET_KEYS, NULL), &t.diag);
    assert_non_null(strstr(t.diag.text, "secret of its client"));
    aps_store_close(st);
    st = t_open(&t, T_NOW);
    t_want(APS_OK, add(st, &i, SECRET_KEYS, "correct horse battery"), &t.diag);
    t_commit(&t, st);
    snap = t_snapshot(&t);
    assert_int_equal(published(snap, 1)->jwt.keys->usable, 1);
    assert_true(aps_str_eq(
        aps_secret_str(&t_secret(&t, snap, aps_issuer_secret(t.pool, i.name), &n)->value),
        APS_STR_LIT("correct horse battery")));
    aps_snapshot_close(snap);
    for (int k = 0; k < 2; k++) {
        file = t_read(&t, t_path(&t, k == 0 ? "store.db" : "pub/store.db"));
        assert_null(memmem(file.p, file.n, "horse", 5));
        assert_null(memmem(file.p, file.n, "MDEyMzQ1", 8));
    }
}

/* JWT-04, JWT-05, JWT-11 */
static void what_cannot_work_is_refused(void **state)
{
    static const char small[] = "{\"kty\":\"oct\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZg\"}";
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_issuer a = t_issuer(), b = static_one("fixed", "https://fixed.example");
    static const struct aps_claimrule none[] = {
        {t_groups, 1, APS_CLAIMRULE_ROLE, {NULL, 0}, {"nobody", 6}}};
    (void)state;
    t_want(APS_OK, add(st, &a, NULL, NULL), &t.diag);
    t_want(APS_ERR_EXISTS, add(st, &a, NULL, NULL), &t.diag);
    t_want(APS_ERR_FORMAT, add(st, &b, NULL, NULL), &t.diag);
    assert_non_null(strstr(t.diag.text, "without its keys"));
    t_want(APS_ERR_FORMAT, add(st, &b, "{}", NULL), &t.diag);
    t_want(APS_ERR_NOT_FOUND, add(st, &b, SECRET_KEYS, NULL), &t.diag); /* RS256 is asked for */
    b.jwt.algs = t_hmac;
    b.jwt.nalgs = 1;
    t_want(APS_ERR_NOT_FOUND, add(st, &b, small, NULL), &t.diag);
    assert_non_null(strstr(t.diag.text, "no key that can be used"));
    a.name = APS_STR_LIT("again");
    t_want(APS_ERR_EXISTS, add(st, &a, NULL, NULL), &t.diag);
    assert_non_null(strstr(t.diag.text, "issuer \"corp\" has the iss"));
    a.jwt.claims.iss = APS_STR_LIT("https://other.example");
    a.jwt.claims.rules = none;
    a.jwt.claims.nrules = 1;
    t_want(APS_ERR_NOT_FOUND, add(st, &a, NULL, NULL), &t.diag);
    assert_non_null(strstr(t.diag.text, "nobody"));
    a.jwt.claims.nrules = 0;
    t_want(APS_ERR_FORMAT, add(st, &a, KEY, NULL), &t.diag);
    assert_non_null(strstr(t.diag.text, "fetches none"));
    aps_store_close(st);
}

static void there_is_a_most(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_issuer a = t_issuer();
    char name[16], iss[16];
    (void)state;
    for (int i = 0; i <= APS_ISSUER_MAX; i++) {
        (void)snprintf(name, sizeof name, "i%d", i);
        (void)snprintf(iss, sizeof iss, "iss%d", i);
        a.name = aps_str(name);
        a.jwt.claims.iss = aps_str(iss);
        t_want(i < APS_ISSUER_MAX ? APS_OK : APS_ERR_CONFLICT, add(st, &a, NULL, NULL), &t.diag);
    }
    aps_store_close(st);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(issuers_are_published),
        T(secrets_are_sealed),
        T(what_cannot_work_is_refused),
        T(there_is_a_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
