#include "t_store.h"

#include "../../libapisec/store/db.h"

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

/* The main way once: a role, a key, the copy, and the key proved from the copy. */
static void a_key_goes_from_store_to_snapshot(void **state)
{
    struct aps_secret text = {0};
    struct aps_key made, read, again;
    uint8_t mac[APS_KEY_MAC_LEN];
    (void)state;

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
    assert_int_equal(aps_snapshot_name(snap, made.id, t.pool, &read.name), APS_OK);
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
}

static enum aps_err try_write(void)
{
    struct aps_store *st = NULL;
    t.diag.text[0] = '\0';
    enum aps_err err = t_try_open(&t, APS_STORE_WRITE, T_NOW, &st);
    assert_true((err == APS_OK) == (st != NULL));
    aps_store_close(st);
    return err;
}

static void a_missing_store_is_told(void **state)
{
    (void)state;
    assert_int_equal(unlink(t_path(&t, "store.db")), 0);
    assert_int_equal(try_write(), APS_ERR_NOT_FOUND);
    assert_non_null(strstr(t.diag.text, "init"));
    (void)snprintf(t.dir, sizeof t.dir, "%s/none", t.top);
    assert_int_equal(try_write(), APS_ERR_NOT_FOUND);
    assert_non_null(strstr(t.diag.text, t.dir));
}

/* SEC-16 */
static void a_wrong_master_key_is_told(void **state)
{
    (void)state;
    t.master.b[0] ^= 1;
    assert_int_equal(try_write(), APS_ERR_KEY);
    assert_non_null(strstr(t.diag.text, "master key"));
    t.master.b[0] ^= 1;
    assert_int_equal(try_write(), APS_OK);
}

/* SEC-09, SEC-17, CLI-06: each part of a store with each fault. */
static void unsafe_parts_are_refused(void **state)
{
    static const struct {
        const char *name;
        mode_t bad, good;
    } cases[] = {
        {"", 0717, 0710},
        {"pub", 0757, 0750},
        {"store.db", 0640, 0600},
        {"store.db", 0604, 0600},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(chmod(t_path(&t, cases[i].name), cases[i].bad), 0);
        assert_int_equal(try_write(), APS_ERR_UNSAFE);
        assert_non_null(strstr(t.diag.text, "chmod "));
        assert_int_equal(chmod(t_path(&t, cases[i].name), cases[i].good), 0);
        assert_int_equal(try_write(), APS_OK);
    }
    assert_int_equal(link(t_path(&t, "store.db"), t_path(&t, "second")), 0);
    assert_int_equal(try_write(), APS_ERR_UNSAFE);
    assert_int_equal(unlink(t_path(&t, "second")), 0);
    assert_int_equal(symlink("master.key", t_path(&t, "store.db-journal")), 0);
    assert_int_equal(try_write(), APS_ERR_UNSAFE);
    assert_int_equal(unlink(t_path(&t, "store.db-journal")), 0);
    assert_int_equal(try_write(), APS_OK);
    if (geteuid() == 0) {
        assert_int_equal(chown(t_path(&t, "store.db"), 12345, 0), 0);
        assert_int_equal(try_write(), APS_ERR_UNSAFE);
    }
}

static void other_files_are_no_stores(void **state)
{
    static char page[8192] = "SQLite format 3";
    struct aps_str whole = t_read(&t, t_path(&t, "store.db"));
    (void)state;
    t_write(t_path(&t, "store.db"), "", 0);
    assert_int_equal(try_write(), APS_ERR_CORRUPT);
    t_write(t_path(&t, "store.db"), page, sizeof page);
    assert_int_equal(try_write(), APS_ERR_CORRUPT);
    t_write(t_path(&t, "store.db"), whole.p, whole.n / 2);
    assert_int_equal(try_write(), APS_ERR_CORRUPT);
    t_write(t_path(&t, "store.db"), whole.p, whole.n);
    assert_int_equal(try_write(), APS_OK);
}

/* CLI-10 */
static void a_newer_store_is_refused_and_left_alone(void **state)
{
    sqlite3 *db = NULL;
    (void)state;
    t_want(APS_OK, aps_db_open(t_path(&t, "store.db"), APS_DB_EDIT, &db, &t.diag), &t.diag);
    t_want(APS_OK, aps_db_exec(db, "PRAGMA user_version = 999", &t.diag), &t.diag);
    aps_db_close(db);
    struct aps_str before = t_read(&t, t_path(&t, "store.db"));
    assert_int_equal(try_write(), APS_ERR_NEWER);
    assert_non_null(strstr(t.diag.text, "upgrade"));
    assert_true(aps_str_eq(before, t_read(&t, t_path(&t, "store.db"))));
}

static void a_reader_changes_nothing(void **state)
{
    struct aps_store *st = NULL;
    (void)state;
    struct aps_str before = t_read(&t, t_path(&t, "store.db"));
    t_want(APS_OK, t_try_open(&t, APS_STORE_READ, T_NOW, &st), &t.diag);
    assert_int_equal(aps_store_role_create(st, APS_STR_LIT("a"), &t.diag), APS_ERR_FAILED);
    assert_int_equal(aps_store_commit(st, &t.diag), APS_ERR_FAILED);
    assert_int_equal(aps_store_publish(st, &t.diag), APS_ERR_FAILED);
    assert_int_equal(aps_store_generation(st), 1);
    assert_true(aps_str_eq(aps_store_prefix(st), APS_STR_LIT("test")));
    aps_store_close(st);
    aps_store_close(NULL);
    assert_true(aps_str_eq(before, t_read(&t, t_path(&t, "store.db"))));
}

static void closing_without_commit_undoes(void **state)
{
    (void)state;
    struct aps_store *st = t_open(&t, T_NOW);
    t_want(APS_OK, aps_store_role_create(st, APS_STR_LIT("a"), &t.diag), &t.diag);
    aps_store_close(st);
    st = t_open(&t, T_NOW);
    assert_int_equal(
        aps_store_role_grant(st, APS_STR_LIT("a"), APS_STR_LIT("GET /"), false, &t.diag),
        APS_ERR_NOT_FOUND);
    aps_store_close(st);
    aps_snapshot_close(t_snapshot(&t));
}

/* ---- processes ---- */

static int close_in_child(void *arg)
{
    struct aps_store *st = arg;
    bool refused = aps_store_role_create(st, APS_STR_LIT("b"), &t.diag) == APS_ERR_FAILED;
    aps_store_close(st);
    return refused ? 0 : 1;
}

/* SEC-17: a child that closes what it inherited disturbs nothing. */
static void a_child_cannot_disturb_its_parents_store(void **state)
{
    (void)state;
    struct aps_store *st = t_open(&t, T_NOW);
    t_want(APS_OK, aps_store_role_create(st, APS_STR_LIT("a"), &t.diag), &t.diag);
    assert_int_equal(t_child(close_in_child, st), 0);
    t_commit(&t, st);
    struct aps_snapshot *snap = t_snapshot(&t);
    assert_non_null(aps_rolebook_find(aps_snapshot_roles(snap), APS_STR_LIT("a")));
    aps_snapshot_close(snap);
}

enum { WRITERS = 4, CHANGES = 8 };

static int write_some(int who)
{
    for (int i = 0; i < CHANGES; i++) {
        struct aps_store *st = NULL;
        char name[32];
        (void)snprintf(name, sizeof name, "r-%d-%d", who, i);
        enum aps_err err = t_try_open(&t, APS_STORE_WRITE, T_NOW, &st);
        if (err == APS_OK)
            err = aps_store_role_create(st, aps_str(name), &t.diag);
        if (err == APS_OK)
            err = aps_store_commit(st, &t.diag);
        aps_store_close(st);
        if (err != APS_OK)
            return 1;
    }
    return 0;
}

/* The copies that are seen meanwhile are whole, and never go back. */
static bool watch(uint64_t *last)
{
    struct aps_snapshot *snap = NULL;
    struct aps_snapshot_options o = {
        .store = t.dir, .master = &t.master, .owner = geteuid(), .min_generation = *last};
    enum aps_err err = aps_snapshot_open(&o, &snap, &t.diag);
    if (err == APS_ERR_BUSY)
        return true;
    t_want(APS_OK, err, &t.diag);
    *last = aps_snapshot_generation(snap);
    aps_snapshot_close(snap);
    return true;
}

/* CLI-09: no update is lost, whoever comes at the same time, and the copy never goes back. */
static void writers_wait_for_each_other(void **state)
{
    pid_t pids[WRITERS];
    uint64_t last = 0;
    int left = WRITERS;
    (void)state;
    (void)fflush(NULL);
    for (int i = 0; i < WRITERS; i++) {
        assert_true((pids[i] = fork()) >= 0);
        if (pids[i] == 0)
            _exit(write_some(i));
    }
    while (left > 0) {
        int status = 0;
        assert_true(watch(&last));
        pid_t done = waitpid(-1, &status, WNOHANG);
        assert_true(done >= 0);
        if (done > 0) {
            assert_int_equal(status, 0);
            left--;
        }
    }
    assert_true(watch(&last));
    assert_int_equal(last, 1 + WRITERS * CHANGES);
    struct aps_snapshot *snap = t_snapshot(&t);
    for (int who = 0; who < WRITERS; who++)
        for (int i = 0; i < CHANGES; i++) {
            char name[32];
            (void)snprintf(name, sizeof name, "r-%d-%d", who, i);
            assert_non_null(aps_rolebook_find(aps_snapshot_roles(snap), aps_str(name)));
        }
    aps_snapshot_close(snap);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_key_goes_from_store_to_snapshot),
        T(a_missing_store_is_told),
        T(a_wrong_master_key_is_told),
        T(unsafe_parts_are_refused),
        T(other_files_are_no_stores),
        T(a_newer_store_is_refused_and_left_alone),
        T(a_reader_changes_nothing),
        T(closing_without_commit_undoes),
        T(a_child_cannot_disturb_its_parents_store),
        T(writers_wait_for_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
