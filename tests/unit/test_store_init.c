#include "t_step.h"
#include "t_store.h"

#include <errno.h>

#include "../../libapisec/store/db.h"
#include "../ctl/preload/killat.h"

static struct t_store t;

static int set_up(void **state)
{
    (void)state;
    t_top(&t);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)umask(022); /* whatever a test has left */
    t_end(&t);
    return 0;
}

static void check_mode(const char *name, mode_t mode)
{
    struct stat st;
    assert_int_equal(stat(t_path(&t, name), &st), 0);
    if ((st.st_mode & 07777) != mode)
        print_error("%s: mode %o\n", name, (unsigned)(st.st_mode & 07777));
    assert_int_equal(st.st_mode & 07777, mode);
    assert_int_equal(st.st_uid, geteuid());
}

/* A store that opens on both sides, with a key made in it. */
static void check_whole(void)
{
    struct aps_secret text = {0};
    t_load_master(&t);
    struct aps_snapshot *snap = t_snapshot(&t);
    struct aps_store *st = t_open(&t, T_NOW);
    assert_int_equal(aps_snapshot_generation(snap), aps_store_generation(st));
    assert_memory_equal(aps_snapshot_store_id(snap), aps_store_id(st), APS_SNAPSHOT_ID_LEN);
    (void)t_create(&t, st, "first", NULL, &text);
    t_commit(&t, st);
    aps_secret_wipe(&text);
    aps_snapshot_close(snap);
    aps_secret_wipe(&t.master);
}

/* CLI-06, SEC-17: owners and modes under any umask. */
static void modes_are_exact_under_any_umask(void **state)
{
    static const mode_t masks[] = {0, 022, 077, 0777};
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        if (i != 0) {
            assert_int_equal(tear_down(state), 0);
            assert_int_equal(set_up(state), 0);
        }
        mode_t mask = umask(masks[i]);
        enum aps_err err = t_try_init(&t);
        t_want(APS_OK, err, &t.diag);
        struct aps_store *st = NULL;
        t_load_master(&t);
        st = t_open(&t, T_NOW);
        t_want(APS_OK, aps_store_role_create(st, APS_STR_LIT("r"), &t.diag), &t.diag);
        t_commit(&t, st);
        (void)umask(mask);
        check_mode("", 0710);
        check_mode("pub", 0750);
        check_mode("store.db", 0600);
        check_mode("master.key", 0600);
        check_mode("pub/store.db", 0640);
        aps_secret_wipe(&t.master);
        check_whole();
    }
}

static void the_group_reaches_the_copy(void **state)
{
    struct stat st;
    gid_t group = getegid() == 12345 ? 12346 : 12345;
    struct aps_store_init init = {
        .dir = t.dir, .group = group, .prefix = "test", .now = T_NOW, .actor = &t_actor};
    (void)state;
    if (geteuid() != 0) {
        assert_int_equal(aps_store_init(&init, &t.diag), APS_ERR_IO);
        assert_non_null(strstr(t.diag.text, "group 1234"));
        return;
    }
    t_want(APS_OK, aps_store_init(&init, &t.diag), &t.diag);
    static const char *const shared[] = {"", "pub", "pub/store.db"};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(stat(t_path(&t, shared[i]), &st), 0);
        assert_int_equal(st.st_gid, group);
    }
    assert_int_equal(stat(t_path(&t, "store.db"), &st), 0);
    assert_int_equal(st.st_gid, getegid());
}

static void a_store_is_made_once(void **state)
{
    (void)state;
    t_want(APS_OK, t_try_init(&t), &t.diag);
    struct aps_str before = t_read(&t, t_path(&t, "store.db"));
    struct aps_str key = t_read(&t, t_path(&t, "master.key"));
    assert_int_equal(key.n, 65);
    assert_int_equal(t_try_init(&t), APS_ERR_EXISTS);
    assert_true(aps_str_eq(before, t_read(&t, t_path(&t, "store.db"))));
    assert_true(aps_str_eq(key, t_read(&t, t_path(&t, "master.key"))));
    check_whole();
}

static void prefixes_are_checked(void **state)
{
    static const char *const bad[] = {"", "a", "A1", "1a", "with_line", "abcdefghijklmnopq", "a b"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct aps_store_init init = {
            .dir = t.dir, .group = getegid(), .prefix = bad[i], .now = T_NOW};
        assert_int_equal(aps_store_init(&init, &t.diag), APS_ERR_FORMAT);
        assert_int_equal(access(t.dir, F_OK), -1);
    }
}

/* A folder with other things in it is not taken over, and its mode stays. */
static void a_folder_in_use_is_refused(void **state)
{
    (void)state;
    assert_int_equal(mkdir(t.dir, 0755), 0);
    t_write(t_path(&t, "notes.txt"), "x", 1);
    assert_int_equal(t_try_init(&t), APS_ERR_CONFLICT);
    assert_non_null(strstr(t.diag.text, "notes.txt"));
    check_mode("", 0755);
    assert_int_equal(unlink(t_path(&t, "notes.txt")), 0);
    t_write(t_path(&t, "apisec.state"), "x", 1); /* the server's, which may lie here */
    t_want(APS_OK, t_try_init(&t), &t.diag);
    check_mode("", 0710);
    check_whole();
}

/* CLI-06: what is unsafe is an error, not a thing to mend silently. */
static void unsafe_places_are_refused(void **state)
{
    (void)state;
    assert_int_equal(chmod(t.top, 0777), 0);
    assert_int_equal(t_try_init(&t), APS_ERR_UNSAFE);
    assert_int_equal(access(t.dir, F_OK), -1);
    assert_int_equal(chmod(t.top, 0700), 0);
    assert_int_equal(symlink("elsewhere", t.dir), 0);
    assert_int_not_equal(t_try_init(&t), APS_OK);
    assert_int_equal(unlink(t.dir), 0);
    t_write(t.dir, "x", 1);
    assert_int_not_equal(t_try_init(&t), APS_OK);
    assert_int_equal(unlink(t.dir), 0);
    assert_int_equal(mkdir(t.dir, 0700), 0);
    t_write(t_path(&t, "master.key"), "0123", 4); /* not a key, and not ours to replace */
    assert_int_equal(t_try_init(&t), APS_ERR_FORMAT);
    assert_int_equal(access(t_path(&t, "store.db"), F_OK), -1);
}

/* The copy of a store whose truth is lost is not written over: it may be the last there is. */
static void the_last_copy_of_a_lost_store_is_kept(void **state)
{
    (void)state;
    t_want(APS_OK, t_try_init(&t), &t.diag);
    check_whole();
    assert_int_equal(unlink(t_path(&t, "store.db")), 0);
    assert_int_equal(t_try_init(&t), APS_ERR_CONFLICT);
    assert_non_null(strstr(t.diag.text, "pub/store.db"));
    assert_int_equal(unlink(t_path(&t, "pub/store.db")), 0);
    t_want(APS_OK, t_try_init(&t), &t.diag);
    check_whole();
}

static void the_master_key_may_live_elsewhere(void **state)
{
    char path[128], source[160];
    (void)state;
    (void)snprintf(path, sizeof path, "%s/elsewhere.key", t.top);
    (void)snprintf(source, sizeof source, "file:%s", path);
    struct aps_store_init init = {.dir = t.dir,
                                  .group = getegid(),
                                  .prefix = "test",
                                  .master_path = path,
                                  .now = T_NOW,
                                  .actor = &t_actor};
    t_want(APS_OK, aps_store_init(&init, &t.diag), &t.diag);
    assert_int_equal(access(t_path(&t, "master.key"), F_OK), -1);
    t_want(APS_OK, aps_master_load(source, &t.master, &t.diag), &t.diag);
    aps_snapshot_close(t_snapshot(&t));
    aps_store_close(t_open(&t, T_NOW));
}

/* SEC-12: each random key of the store is there, sealed, and another than the rest. */
static void random_keys_are_wrapped(void **state)
{
    static const char sql[] = "SELECT count(DISTINCT purpose) * 100 + count(DISTINCT blob) * 10 + "
                              "count(*) FROM wrapped WHERE length(blob) = 70 AND version = 1";
    sqlite3 *db = NULL;
    int64_t n = 0;
    (void)state;
    t_want(APS_OK, t_try_init(&t), &t.diag);
    t_want(APS_OK, aps_db_open(t_path(&t, "store.db"), APS_DB_EDIT, &db, &t.diag), &t.diag);
    t_want(APS_OK, aps_db_number(db, sql, 0, &n, &t.diag), &t.diag);
    assert_int_equal(n, 777);
    aps_db_close(db);
}

static int init_killed_at(void *arg)
{
    killat_arm(*(long *)arg, 0, 0, 0);
    enum aps_err err = t_try_init(&t);
    killat_arm(0, 0, 0, 0);
    return err == APS_OK ? 0 : 1;
}

/* CLI-03: killed at any call, there is a whole store or none, and a second run finishes. */
static void a_killed_run_can_be_repeated(void **state)
{
    int status = -1, none = 0, whole = 0;
    for (long n = 1; status != 0; n += T_STEP) {
        assert_true(n < 1000);
        if (n != 1) {
            assert_int_equal(tear_down(state), 0);
            assert_int_equal(set_up(state), 0);
        }
        status = t_child(init_killed_at, &n);
        assert_true(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
        bool there = access(t_path(&t, "store.db"), F_OK) == 0;
        t_want(there ? APS_ERR_EXISTS : APS_OK, t_try_init(&t), &t.diag);
        check_whole();
        none += !there;
        whole += there;
    }
    assert_true(none * T_STEP > 20 && (T_STEP > 1 || whole > 0));
}

static int init_failing_at(void *arg)
{
    long *a = arg;
    killat_arm(0, a[0], (int)a[1], a[2] != 0);
    enum aps_err err = t_try_init(&t);
    bool met = killat_calls() >= a[0];
    killat_arm(0, 0, 0, 0);
    return err != APS_OK ? 1 : met ? 2 : 0;
}

/* A full or broken disk is told, and a second run finishes. */
static void a_failing_disk_is_told(void **state)
{
    static const long errors[][2] = {{ENOSPC, 1}, {EIO, 0}};
    for (size_t e = 0; e < 2; e++) {
        int failed = 0;
        int status = -1;
        for (long n = 1; status != 0; n += T_STEP) {
            long how[] = {n, errors[e][0], errors[e][1]};
            assert_true(n < 1000);
            assert_int_equal(tear_down(state), 0);
            assert_int_equal(set_up(state), 0);
            status = t_child(init_failing_at, how);
            assert_true(WIFEXITED(status));
            bool there = access(t_path(&t, "store.db"), F_OK) == 0;
            t_want(there ? APS_ERR_EXISTS : APS_OK, t_try_init(&t), &t.diag);
            check_whole();
            failed += WEXITSTATUS(status) == 1;
        }
        assert_true(failed * T_STEP > 20);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(modes_are_exact_under_any_umask),
        T(the_group_reaches_the_copy),
        T(a_store_is_made_once),
        T(prefixes_are_checked),
        T(a_folder_in_use_is_refused),
        T(unsafe_places_are_refused),
        T(the_last_copy_of_a_lost_store_is_kept),
        T(the_master_key_may_live_elsewhere),
        T(random_keys_are_wrapped),
        T(a_killed_run_can_be_repeated),
        T(a_failing_disk_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
