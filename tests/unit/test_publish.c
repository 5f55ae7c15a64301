#include "t_step.h"
#include "t_store.h"

#include <dirent.h>
#include <errno.h>

#include "../../libapisec/store/own.h"
#include "../ctl/preload/killat.h"

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

static int64_t ask(const char *name, const char *sql)
{
    sqlite3 *db = NULL;
    int64_t n = -1;
    t_want(APS_OK, aps_db_open(t_path(&t, name), APS_DB_COPY, &db, &t.diag), &t.diag);
    t_want(APS_OK, aps_db_number(db, sql, -1, &n, &t.diag), &t.diag);
    aps_db_close(db);
    return n;
}

static void add_role(const char *name)
{
    struct aps_store *st = t_open(&t, T_NOW);
    t_want(APS_OK, aps_store_role_create(st, aps_str(name), &t.diag), &t.diag);
    t_commit(&t, st);
}

/* Names in pub/ beside the copy. */
static int leftovers(const char *folder)
{
    int n = 0;
    struct dirent *e;
    DIR *d = opendir(t_path(&t, folder));
    assert_non_null(d);
    while ((e = readdir(d)) != NULL)
        n += strncmp(e->d_name, ".store.db.", 10) == 0;
    (void)closedir(d);
    return n;
}

/* Everything that httpd needs, and not who changed what. */
static void the_copy_is_complete_but_for_the_change_log(void **state)
{
    static const char *const same[] = {
        "SELECT count(*) FROM role", "SELECT count(*) FROM key", "SELECT count(*) FROM wrapped",
        "SELECT count(*) FROM role_grant", "SELECT generation FROM meta"};
    struct aps_secret text = {0};
    (void)state;
    struct aps_store *st = t_open(&t, T_NOW);
    t_want(APS_OK, aps_store_role_create(st, APS_STR_LIT("r"), &t.diag), &t.diag);
    t_want(APS_OK,
           aps_store_role_grant(st, APS_STR_LIT("r"), APS_STR_LIT("GET /a"), false, &t.diag),
           &t.diag);
    (void)t_create(&t, st, "k", "r", &text);
    t_commit(&t, st);
    aps_secret_wipe(&text);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        assert_int_equal(ask("pub/store.db", same[i]), ask("store.db", same[i]));
    assert_true(ask("store.db", "SELECT count(*) FROM change") >= 4);
    assert_int_equal(
        ask("pub/store.db", "SELECT count(*) FROM sqlite_schema WHERE name = 'change'"), 0);
}

/* The generation rises with each publish, and a change of nothing is none. */
static void the_generation_rises(void **state)
{
    struct aps_snapshot_stamp before, after;
    (void)state;
    assert_int_equal(ask("pub/store.db", "SELECT generation FROM meta"), 1);
    add_role("a");
    assert_int_equal(ask("pub/store.db", "SELECT generation FROM meta"), 2);
    struct aps_store *st = t_open(&t, T_NOW);
    t_want(APS_OK, aps_store_publish(st, &t.diag), &t.diag);
    assert_int_equal(aps_store_generation(st), 3);
    aps_store_close(st);
    assert_int_equal(ask("pub/store.db", "SELECT generation FROM meta"), 3);
    assert_int_equal(ask("store.db", "SELECT generation FROM meta"), 3);

    t_want(APS_OK, aps_snapshot_stamp(t.dir, &before, &t.diag), &t.diag);
    st = t_open(&t, T_NOW);
    t_commit(&t, st);
    t_want(APS_OK, aps_snapshot_stamp(t.dir, &after, &t.diag), &t.diag);
    assert_true(aps_snapshot_stamp_equal(&before, &after));
    add_role("b");
    t_want(APS_OK, aps_snapshot_stamp(t.dir, &after, &t.diag), &t.diag);
    assert_false(aps_snapshot_stamp_equal(&before, &after));
}

/* More changes after a commit begin another transaction. */
static void one_store_commits_many_times(void **state)
{
    (void)state;
    struct aps_store *st = t_open(&t, T_NOW);
    t_want(APS_OK, aps_store_role_create(st, APS_STR_LIT("a"), &t.diag), &t.diag);
    assert_int_equal(aps_store_publish(st, &t.diag), APS_ERR_CONFLICT);
    t_want(APS_OK, aps_store_commit(st, &t.diag), &t.diag);
    t_want(APS_OK, aps_store_role_create(st, APS_STR_LIT("b"), &t.diag), &t.diag);
    t_commit(&t, st);
    assert_int_equal(ask("pub/store.db", "SELECT count(*) FROM role"), 2);
    assert_int_equal(ask("pub/store.db", "SELECT generation FROM meta"), 3);
}

/* An open snapshot goes on reading the file that it has opened. */
static void readers_keep_their_copy(void **state)
{
    struct aps_secret text = {0};
    struct aps_key key, seen;
    (void)state;
    struct aps_store *st = t_open(&t, T_NOW);
    key = t_create(&t, st, "k", NULL, &text);
    t_commit(&t, st);
    aps_secret_wipe(&text);
    struct aps_snapshot *old = t_snapshot(&t);
    st = t_open(&t, T_NOW + 1);
    t_want(APS_OK, aps_store_key_revoke(st, key.id, APS_STR_LIT("x"), &t.diag), &t.diag);
    t_commit(&t, st);
    struct aps_snapshot *new = t_snapshot(&t);
    assert_int_equal(aps_snapshot_key(old, key.id, t.pool, &seen), APS_OK);
    assert_int_equal(seen.status, APS_KEY_ACTIVE);
    assert_int_equal(aps_snapshot_key(new, key.id, t.pool, &seen), APS_OK);
    assert_int_equal(seen.status, APS_KEY_REVOKED);
    aps_snapshot_close(old);
    aps_snapshot_close(new);
}

/* Where publishing fails the change stays, and the sentence says what to do. */
static void a_failed_publish_keeps_the_change(void **state)
{
    (void)state;
    struct aps_store *st = t_open(&t, T_NOW);
    t_want(APS_OK, aps_store_role_create(st, APS_STR_LIT("a"), &t.diag), &t.diag);
    assert_int_equal(rename(t_path(&t, "pub"), t_path(&t, "bup")), 0);
    assert_int_not_equal(aps_store_commit(st, &t.diag), APS_OK);
    assert_non_null(strstr(t.diag.text, "publish`"));
    aps_store_close(st);
    assert_int_equal(rename(t_path(&t, "bup"), t_path(&t, "pub")), 0);
    assert_int_equal(ask("store.db", "SELECT count(*) FROM role"), 1);
    assert_int_equal(ask("pub/store.db", "SELECT count(*) FROM role"), 0);
    aps_store_close(t_open(&t, T_NOW)); /* the next writer mends it, whatever it is for */
    assert_int_equal(ask("pub/store.db", "SELECT count(*) FROM role"), 1);
}

static void leftovers_of_killed_runs_go(void **state)
{
    (void)state;
    t_write(t_path(&t, "pub/.store.db.0123456789ab"), "x", 1);
    t_write(t_path(&t, "pub/.store.db.0123456789ab-journal"), "x", 1);
    assert_int_equal(leftovers("pub"), 2);
    add_role("a");
    assert_int_equal(leftovers("pub"), 0);
}

/* ---- KEY-04 ---- */

static bool holds(struct aps_str file, const unsigned char *p, size_t n)
{
    return memmem(file.p, file.n, p, n) != NULL;
}

/* No 8-byte run of the secret, so no longer one either; the whole text has many. */
static void check_free_of(const char *name, const struct aps_secret *text)
{
    if (access(t_path(&t, name), F_OK) != 0)
        return;
    struct aps_str file = t_read(&t, t_path(&t, name));
    size_t from = text->n - 6 - 43;
    for (size_t i = from; i + 8 <= text->n; i++)
        assert_false(holds(file, text->b + i, 8));
}

/* KEY-04: no run of an issued secret is in the database, its journal or the copy, before and
 * after commit, rotation, revocation and deletion. */
static void no_file_holds_any_part_of_a_secret(void **state)
{
    enum { KEYS = 20 };
    static const char *const files[] = {"store.db", "store.db-journal", "pub/store.db",
                                        "master.key"};
    struct aps_secret texts[2 * KEYS] = {{0}};
    struct aps_key keys[KEYS], again;
    (void)state;
    for (int step = 0; step < 5; step++) {
        struct aps_store *st = t_open(&t, T_NOW + step);
        for (int i = 0; i < KEYS; i++) {
            char name[16];
            (void)snprintf(name, sizeof name, "k%d", i);
            if (step == 0)
                keys[i] = t_create(&t, st, name, NULL, &texts[i]);
            else if (step == 1)
                t_want(APS_OK,
                       aps_store_key_rotate(st, keys[i].id, APS_HOUR, t.pool, &again,
                                            &texts[KEYS + i], &t.diag),
                       &t.diag);
            else if (step == 2)
                t_want(APS_OK, aps_store_key_revoke(st, keys[i].id, APS_STR_LIT("x"), &t.diag),
                       &t.diag);
            else if (step == 3)
                t_want(APS_OK, aps_store_key_delete(st, keys[i].id, &t.diag), &t.diag);
        }
        /* The journal is there while the transaction is open and has spilled or flushed. */
        for (int commit = 0; commit < 2; commit++) {
            for (int i = 0; i < 2 * KEYS; i++)
                for (size_t f = 0; f < sizeof files / sizeof *files && texts[i].n != 0; f++)
                    check_free_of(files[f], &texts[i]);
            if (commit == 0)
                t_want(APS_OK, aps_store_commit(st, &t.diag), &t.diag);
        }
        aps_store_close(st);
    }
    for (int i = 0; i < 2 * KEYS; i++)
        aps_secret_wipe(&texts[i]);
}

/* The search finds what is there: the id is public and stored. */
static void the_search_would_find_it(void **state)
{
    struct aps_secret text = {0};
    (void)state;
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_key key = t_create(&t, st, "k", NULL, &text);
    t_commit(&t, st);
    struct aps_str file = t_read(&t, t_path(&t, "store.db"));
    assert_true(holds(file, (const unsigned char *)key.id.p, 8));
    assert_true(holds(file, key.secret[0].mac, 32));
    assert_true(holds(t_read(&t, t_path(&t, "pub/store.db")), key.secret[0].mac, 32));
    aps_secret_wipe(&text);
}

/* ---- CLI-03: killed at any call ---- */

static int create_killed_at(void *arg)
{
    struct aps_store *st = NULL;
    struct aps_secret text = {0};
    struct aps_key key;
    struct aps_str roles[] = {APS_STR_LIT("new")};
    struct aps_key_change c = {.set = APS_KEY_F_NAME | APS_KEY_F_ROLES,
                               .to = {.name = APS_STR_LIT("k"), .roles = roles, .nroles = 1}};
    long *a = arg;
    killat_arm(a[0], a[1], (int)a[2], a[3] != 0);
    enum aps_err err = t_try_open(&t, APS_STORE_WRITE, T_NOW, &st);
    if (err == APS_OK)
        err = aps_store_role_create(st, APS_STR_LIT("new"), &t.diag);
    if (err == APS_OK)
        err = aps_store_key_create(st, &c, t.pool, &key, &text, &t.diag);
    if (err == APS_OK)
        err = aps_store_commit(st, &t.diag);
    aps_store_close(st);
    bool met = a[1] != 0 && killat_calls() >= a[1];
    killat_arm(0, 0, 0, 0);
    aps_secret_wipe(&text);
    return err != APS_OK ? 1 : met ? 2 : 0;
}

/* The store is of before or after, never between: role, key and their change rows together. */
static bool check_state(void)
{
    int64_t changed = 0;
    struct aps_snapshot *snap = t_snapshot(&t);
    bool seen = aps_rolebook_find(aps_snapshot_roles(snap), APS_STR_LIT("new")) != NULL;
    uint64_t published = aps_snapshot_generation(snap);
    aps_snapshot_close(snap);

    struct aps_store *st = NULL;
    t_want(APS_OK, t_try_open(&t, APS_STORE_READ, T_NOW, &st), &t.diag);
    uint64_t generation = aps_store_generation(st);
    aps_store_close(st);
    changed = ask("store.db", "SELECT count(*) FROM role") * 100 +
              ask("store.db", "SELECT count(*) FROM key") * 10 +
              ask("store.db", "SELECT count(*) FROM change WHERE command = 'test run' AND n > 1");
    assert_true(changed == 0 || changed == 112);
    assert_true(generation == (changed ? 2 : 1));
    assert_true(published == generation || published + 1 == generation);
    assert_true(seen == (published == 2));
    return changed != 0;
}

/* CLI-03 */
static void a_kill_leaves_the_old_or_the_new_state(void **state)
{
    int status = -1, old = 0, new = 0, behind = 0;
    for (long n = 1; status != 0; n += T_STEP) {
        long how[] = {n, 0, 0, 0};
        assert_true(n < 1000);
        assert_int_equal(tear_down(state), 0);
        assert_int_equal(set_up(state), 0);
        status = t_child(create_killed_at, how);
        assert_true(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
        bool changed = check_state();
        old += !changed;
        new += changed;
        behind += changed && ask("pub/store.db", "SELECT generation FROM meta") == 1;
        /* The next command mends the copy and takes away what the killed one left. */
        aps_store_close(t_open(&t, T_NOW));
        assert_int_equal(ask("pub/store.db", "SELECT generation FROM meta"), changed ? 2 : 1);
        add_role("next");
        assert_int_equal(leftovers("pub"), 0);
        assert_int_equal(leftovers(""), 0);
        assert_int_equal(access(t_path(&t, "store.db-journal"), F_OK), -1);
    }
    assert_true(old * T_STEP > 10 && (T_STEP > 1 || new > 0) && behind * T_STEP > 5);
}

/* CLI-03, with a disk that is full or broken from some call on, or once. */
static void a_failing_disk_leaves_the_old_or_the_new_state(void **state)
{
    static const long kinds[][2] = {{ENOSPC, 1}, {EIO, 0}};
    for (size_t k = 0; k < 2; k++) {
        int status = -1, failed = 0;
        for (long n = 1; status != 0; n += T_STEP) {
            long how[] = {0, n, kinds[k][0], kinds[k][1]};
            assert_true(n < 1000);
            assert_int_equal(tear_down(state), 0);
            assert_int_equal(set_up(state), 0);
            status = t_child(create_killed_at, how);
            assert_true(WIFEXITED(status));
            failed += WEXITSTATUS(status) == 1;
            (void)check_state();
            aps_store_close(t_open(&t, T_NOW));
            add_role("next");
        }
        assert_true(failed * T_STEP > 10);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_copy_is_complete_but_for_the_change_log),
        T(the_generation_rises),
        T(one_store_commits_many_times),
        T(readers_keep_their_copy),
        T(a_failed_publish_keeps_the_change),
        T(leftovers_of_killed_runs_go),
        T(no_file_holds_any_part_of_a_secret),
        T(the_search_would_find_it),
        T(a_kill_leaves_the_old_or_the_new_state),
        T(a_failing_disk_leaves_the_old_or_the_new_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
