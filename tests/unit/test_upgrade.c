/* A store that an older release made, byte for byte as it made it, opened by this one. */
#include "t_store.h"

#include <sqlite3.h>

#include "../../libapisec/store/own.h"
#include "apisec/authn.h"
#include "apisec/store_api.h"

/* When store_1.sql was written, and the texts of its keys that work then. */
#define THEN (1795734300 * APS_SEC)
#define MASTER "647a3e532cfa13e02812dc32670085b5cde94e3c5bf1e8e5c04f4c9ecd6b5fd6\n"
#define SHOP_1 "test_pnS9oNeurxtu_fDsYog8vZI2zS0YQpKbd7e9Sb0cO5BAGedzGn3QV7Ni38d9Xy"
#define SHOP_2_OLD "test_CV0WJHgi1TwC_YfLmPyEI19Zzgw7h7wqAxR5d6ZVPnUcBhDt9ky6SlWj2knXra"
#define SHOP_2 "test_CV0WJHgi1TwC_ED6ht49Gc4k2HtA1wK0huhSK2wdZ29tbzs8NYdbwrIu1yEbwA"
#define LEGACY_1 "sk_live_4eC39HqLyjWDarjtT1zdp7dc"

/* Of store_2.sql. */
#define MASTER_2 "b7ef9113d9dd439e5d0a554cbf4d81f598a26fe951f1dada9717edcbaf840331\n"

/* Of store_3.sql. */
#define MASTER_3 "174349c493d55f7acf60d7f7ba325d8b2ac23d6ab8ec166144ae3ea6ebe15171\n"

/* Of store_4.sql. */
#define MASTER_4 "d1b5eb760431c370497543c4869c9ef739fa1f668e7405d1edbdfc2434b0c8ce\n"
#define THEN_4 (1795790340 * APS_SEC)
#define SHOP_4 "test_tSpnnKVt5xcx_1anQisvQl6ojpvKdgyVNI3evIiZ0xK1EHWpB2TjqV6t1G9qjf"

static struct t_store t;

static void put_store(const char *master, const char *file)
{
    struct aps_str sql = {NULL, 0};
    sqlite3 *db = NULL;
    t_init(&t); /* its folders; the store in them is replaced */
    aps_secret_wipe(&t.master);
    t_write(t_path(&t, "master.key"), master, strlen(master));
    t_load_master(&t);
    assert_int_equal(unlink(t_path(&t, "store.db")), 0);
    assert_int_equal(unlink(t_path(&t, "pub/store.db")), 0);
    t_write(t_path(&t, "store.db"), "", 0);
    sql = t_read(&t, file);
    assert_int_equal(sqlite3_open(t_path(&t, "store.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql.p, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int set_up(void **state)
{
    (void)state;
    put_store(MASTER, T_SRCDIR "/tests/unit/store_1.sql");
    return 0;
}

static int set_up_2(void **state)
{
    (void)state;
    put_store(MASTER_2, T_SRCDIR "/tests/unit/store_2.sql");
    return 0;
}

static int set_up_3(void **state)
{
    (void)state;
    put_store(MASTER_3, T_SRCDIR "/tests/unit/store_3.sql");
    return 0;
}

static int set_up_4(void **state)
{
    (void)state;
    put_store(MASTER_4, T_SRCDIR "/tests/unit/store_4.sql");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    t_end(&t);
    return 0;
}

static struct aps_key get(struct aps_store *st, const char *name)
{
    struct aps_key key = {0};
    t_want(APS_OK, aps_store_key_get(st, aps_str(name), t.pool, &key, &t.diag), &t.diag);
    return key;
}

static enum aps_reason prove(struct aps_snapshot *snap, const char *text, const char *id)
{
    struct aps_key key = {0};
    size_t which = 9;
    enum aps_reason reason = aps_authn_prove(snap, aps_str(text), t.pool, &key, &which);
    assert_true(reason != APS_REASON_ALLOW || aps_str_eq(key.id, aps_str(id)));
    return reason;
}

/* CLI-10: keys work, roles decide, and the log goes on. */
static void a_store_of_version_1_is_brought_up(void **state)
{
    struct aps_store *st = t_open(&t, THEN);
    struct aps_rolebook *roles = NULL;
    struct aps_store_age age;
    struct aps_snapshot *snap;
    struct aps_key key = get(st, "shop-1");
    (void)state;

    assert_true(aps_str_eq(key.owner, APS_STR_LIT("Shop, Berlin")));
    assert_true(key.limit.rate.count == 100 && key.limit.rate.period == APS_MINUTE);
    assert_true(key.nnets == 2 && key.nhosts == 1 && key.nscopes == 1 && key.nroles == 1);
    assert_true(key.org.n == 0 && key.plan.n == 0 && key.noverrides == 0);
    assert_int_equal(get(st, "gone").status, APS_KEY_REVOKED);
    assert_true(get(st, "bait").decoy);
    assert_int_equal(get(st, "legacy-1").origin, APS_KEY_IMPORTED);
    t_want(APS_OK, aps_store_roles(st, t.pool, &roles, &t.diag), &t.diag);
    assert_int_equal(aps_rolebook_count(roles), 3);
    t_want(APS_OK, aps_store_age_get(st, APS_STR_LIT("reader"), &age, &t.diag), &t.diag);
    assert_true(age.max_age == 90 * APS_DAY && age.warn == 14 * APS_DAY);
    assert_int_equal(access(t_path(&t, "store.db.before-2"), F_OK), 0);
    t_want(APS_OK, aps_store_role_create(st, APS_STR_LIT("after"), &t.diag), &t.diag);
    t_commit(&t, st);

    snap = t_snapshot(&t);
    assert_int_equal(aps_snapshot_generation(snap), 13);
    assert_int_equal(prove(snap, SHOP_1, "pnS9oNeurxtu"), APS_REASON_ALLOW);
    assert_int_equal(prove(snap, SHOP_2, "CV0WJHgi1TwC"), APS_REASON_ALLOW);
    assert_int_equal(prove(snap, SHOP_2_OLD, "CV0WJHgi1TwC"), APS_REASON_ALLOW);
    assert_int_equal(prove(snap, LEGACY_1, "XwNahYVSFUmu"), APS_REASON_ALLOW);
    assert_int_equal(prove(snap, LEGACY_1 "x", ""), APS_REASON_KEY_UNKNOWN);
    aps_snapshot_close(snap);
}

/* Also by a command that only looks. */
static void a_reader_brings_it_up_too(void **state)
{
    struct aps_store *st = NULL;
    (void)state;
    t_want(APS_OK, t_try_open(&t, APS_STORE_READ, THEN, &st), &t.diag);
    (void)get(st, "shop-2");
    aps_store_close(st);
    assert_int_equal(access(t_path(&t, "store.db.before-2"), F_OK), 0);
}

static enum aps_err count_one(void *arg, const struct aps_hook *hook)
{
    (void)hook;
    ++*(int *)arg;
    return APS_OK;
}

/* CLI-10: plans hold, and the first secret makes the key that seals it. */
static void a_store_of_version_2_is_brought_up(void **state)
{
    struct aps_store *st = t_open(&t, THEN);
    struct aps_hook hook = {.name = APS_STR_LIT("deploy"),
                            .spec = {.scheme = APS_WEBHOOK_SCHEME_GITHUB, .window = APS_MINUTE}};
    struct aps_snapshot *snap;
    size_t n = 0;
    int hooks = 0;
    (void)state;

    assert_true(aps_str_eq(get(st, "shop-1").plan, APS_STR_LIT("gold")));
    assert_int_equal(access(t_path(&t, "store.db.before-3"), F_OK), 0);
    t_want(APS_OK, aps_store_webhook_each(st, count_one, &hooks, &t.diag), &t.diag);
    assert_int_equal(hooks, 0);
    t_want(APS_OK,
           aps_store_webhook_add(st, &hook, APS_STR_LIT("a secret of twenty-four bytes"), &t.diag),
           &t.diag);
    t_commit(&t, st);
    snap = t_snapshot(&t);
    assert_non_null(aps_snapshot_webhook(snap, hook.name));
    (void)t_secret(&t, snap, APS_STR_LIT("webhook/deploy"), &n);
    assert_int_equal(n, 1);
    aps_snapshot_close(snap);
}

static void want_secret(struct aps_snapshot *snap, const char *name, size_t versions,
                        const char *newest)
{
    size_t n = 0;
    const struct aps_snapshot_secret *list = t_secret(&t, snap, aps_str(name), &n);
    assert_int_equal(n, versions);
    assert_int_equal(list[n - 1].version, versions);
    assert_true(aps_str_eq(aps_secret_str(&list[n - 1].value), aps_str(newest)));
}

/* CLI-10, SEC-01: each secret gets a key of its own, and all of them work as before. */
static void a_store_of_version_3_is_brought_up(void **state)
{
    struct aps_store *st = t_open(&t, THEN);
    struct aps_snapshot *snap;
    int64_t old = 9;
    size_t n = 0;
    (void)state;
    assert_int_equal(access(t_path(&t, "store.db.before-4"), F_OK), 0);
    t_want(APS_OK,
           aps_db_number(st->db, "SELECT count(*) FROM wrapped WHERE purpose = 'data'", 9, &old,
                         &t.diag),
           &t.diag);
    assert_int_equal(old, 0);
    t_commit(&t, st);
    snap = t_snapshot(&t);
    want_secret(snap, "webhook/deploy", 2, "the second secret of deploy, new");
    assert_true(t_secret(&t, snap, APS_STR_LIT("webhook/deploy"), &n)[0].until != 0);
    want_secret(snap, "signer/shop-hmac", 1, "a secret for signing with hmac 32");
    want_secret(snap, "issuer/op", 1, "client secret");
    assert_int_equal(aps_snapshot_issuers(snap, &n)[0].jwt.keys->usable, 1);
    aps_snapshot_close(snap);
}

/* CLI-10: it has no APIs, and takes one. */
static void a_store_of_version_4_is_brought_up(void **state)
{
    static const struct aps_schema_source any = {.text = {"{}", 2}};
    const struct aps_store_api_bundle bundle = {APS_STORE_API_SCHEMA, &any, 1};
    struct aps_store *st = t_open(&t, THEN_4);
    const struct aps_schema_image *image = NULL;
    struct aps_store_api_made made;
    struct aps_snapshot *snap;
    bool changed = false;
    (void)state;
    assert_int_equal(access(t_path(&t, "store.db.before-5"), F_OK), 0);
    t_want(APS_OK,
           aps_store_api_put(st, APS_STR_LIT("any"), &bundle, t.pool, &made, &changed, &t.diag),
           &t.diag);
    t_commit(&t, st);
    snap = t_snapshot(&t);
    assert_int_equal(prove(snap, SHOP_4, "tSpnnKVt5xcx"), APS_REASON_ALLOW);
    want_secret(snap, "ledger", 2, "a newer value of version 4 for it");
    assert_non_null(aps_snapshot_webhook(snap, APS_STR_LIT("deploy")));
    t_want(APS_OK, aps_snapshot_schema(snap, APS_STR_LIT("any"), &image, &t.diag), &t.diag);
    aps_snapshot_close(snap);
}

/* A wrong master key brings up nothing. */
static void another_master_key_brings_up_nothing(void **state)
{
    struct aps_store *st = NULL;
    (void)state;
    t.master.b[0] ^= 1;
    t_want(APS_ERR_KEY, t_try_open(&t, APS_STORE_WRITE, THEN, &st), &t.diag);
    t.master.b[0] ^= 1;
    aps_store_close(t_open(&t, THEN));
}

static void copy_file(const char *from, const char *to)
{
    struct aps_str text = t_read(&t, from);
    t_write(to, text.p, text.n);
}

/* A copy of the older version is refused with a sentence that says what mends it. */
static void an_older_copy_says_what_mends_it(void **state)
{
    struct aps_snapshot *snap = NULL;
    (void)state;
    copy_file(t_path(&t, "store.db"), t_path(&t, "pub/store.db"));
    assert_int_equal(t_try_snapshot(&t, &snap), APS_ERR_CORRUPT);
    assert_non_null(strstr(t.diag.text, "schema version 1, this program needs 5; apisecctl"));
    assert_non_null(strstr(t.diag.text, "publish makes it anew"));
    t_commit(&t, t_open(&t, THEN));
    aps_snapshot_close(t_snapshot(&t));
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_store_of_version_1_is_brought_up),
        T(a_reader_brings_it_up_too),
        T(an_older_copy_says_what_mends_it),
        cmocka_unit_test_setup_teardown(a_store_of_version_2_is_brought_up, set_up_2, tear_down),
        cmocka_unit_test_setup_teardown(a_store_of_version_3_is_brought_up, set_up_3, tear_down),
        cmocka_unit_test_setup_teardown(a_store_of_version_4_is_brought_up, set_up_4, tear_down),
        cmocka_unit_test_setup_teardown(another_master_key_brings_up_nothing, set_up_3, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
