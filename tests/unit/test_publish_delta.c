#include "t_store.h"

#include <dirent.h>
#include <errno.h>

#include "../../libapisec/store/own.h"
#include "../ctl/preload/killat.h"

static struct t_store t;
static struct aps_key key; /* "shop", of role "reader" */

/* As somebody with a plain sqlite3. */
static void run_sql(const char *name, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open_v2(t_path(&t, name), &db, SQLITE_OPEN_READWRITE, NULL),
                     SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
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

/* As many more keys as make a store large; their records are that of "shop". */
#define FILL                                                                                       \
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " APS_PUBLISH_LARGE  \
    ") INSERT INTO key SELECT printf('%012d', i), printf('k%d', i),"                               \
    " (SELECT record FROM key WHERE name = 'shop') FROM n"

static void publish(void)
{
    struct aps_store *st = t_open(&t, T_NOW);
    t_want(APS_OK, aps_store_publish(st, &t.diag), &t.diag);
    aps_store_close(st);
}

static void make_key(const char *name)
{
    struct aps_secret text = {0};
    struct aps_store *st = t_open(&t, T_NOW);
    (void)t_create(&t, st, name, "reader", &text);
    t_commit(&t, st);
    aps_secret_wipe(&text);
}

static void stop(const char *name)
{
    struct aps_store *st = t_open(&t, T_NOW);
    t_want(APS_OK, aps_store_key_revoke(st, aps_str(name), APS_STR_LIT("x"), &t.diag), &t.diag);
    t_commit(&t, st);
}

static int set_up_small(void **state)
{
    struct aps_secret text = {0};
    (void)state;
    t_init(&t);
    struct aps_store *st = t_open(&t, T_NOW);
    t_want(APS_OK, aps_store_role_create(st, APS_STR_LIT("reader"), &t.diag), &t.diag);
    key = t_create(&t, st, "shop", "reader", &text);
    t_commit(&t, st);
    aps_secret_wipe(&text);
    return 0;
}

static int set_up(void **state)
{
    (void)set_up_small(state);
    run_sql("store.db", FILL);
    publish();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    t_end(&t);
    return 0;
}

static enum aps_err try_open(uint64_t min_generation)
{
    struct aps_snapshot_options o = {
        .store = t.dir, .master = &t.master, .owner = geteuid(), .min_generation = min_generation};
    struct aps_snapshot *snap = NULL;
    t.diag.text[0] = '\0';
    enum aps_err err = aps_snapshot_open(&o, &snap, &t.diag);
    assert_true((err == APS_OK) == (snap != NULL));
    assert_true((err == APS_OK) == (t.diag.text[0] == '\0'));
    aps_snapshot_close(snap);
    return err;
}

static uint64_t generation(void)
{
    struct aps_snapshot *snap = t_snapshot(&t);
    uint64_t seen = aps_snapshot_generation(snap);
    aps_snapshot_close(snap);
    return seen;
}

/* The status of the key with this id in what is published, or -1. */
static int status_of(struct aps_str id)
{
    struct aps_snapshot *snap = t_snapshot(&t);
    struct aps_key seen;
    enum aps_err err = aps_snapshot_key(snap, id, t.pool, &seen);
    assert_true(err == APS_OK || err == APS_ERR_NOT_FOUND);
    aps_snapshot_close(snap);
    return err == APS_OK ? (int)seen.status : -1;
}

static ino_t inode(const char *name)
{
    struct stat st;
    return lstat(t_path(&t, name), &st) == 0 ? st.st_ino : 0;
}

static struct aps_str keep(const char *name)
{
    return t_read(&t, t_path(&t, name));
}

/* Put a file of pub/ back as it was. */
static void restore(const char *name, struct aps_str content)
{
    assert_int_equal(unlink(t_path(&t, name)), 0);
    t_write(t_path(&t, name), content.p, content.n);
}

/* ---- what is published ---- */

static void a_small_store_has_no_delta(void **state)
{
    (void)state;
    ino_t before = inode("pub/store.db");
    make_key("new");
    assert_true(inode("pub/delta.db") == 0 && inode("pub/store.db") != before);
    assert_int_equal(ask("store.db", "SELECT count(*) FROM key_changed"), 0);
    /* A file of this name is nobody's there. */
    t_write(t_path(&t, "pub/delta.db"), "x", 1);
    assert_int_equal(try_open(0), APS_OK);
    make_key("more");
    assert_int_equal(inode("pub/delta.db"), 0);
}

/* KEY-13: of a large store the copy stays, and all kinds of changes come by the delta. */
static void a_change_of_a_large_store_comes_by_the_delta(void **state)
{
    static const struct aps_str other = {"000000000007", 12}, gone = {"000000000008", 12};
    (void)state;
    ino_t copy = inode("pub/store.db");
    assert_int_equal(ask("pub/delta.db", "SELECT count(*) FROM key"), 0);
    make_key("new");
    stop("shop");
    stop("k8");
    struct aps_store *st = t_open(&t, T_NOW);
    t_want(APS_OK, aps_store_key_delete(st, gone, &t.diag), &t.diag);
    t_want(APS_OK, aps_store_role_create(st, APS_STR_LIT("writer"), &t.diag), &t.diag);
    t_commit(&t, st);
    assert_true(inode("pub/store.db") == copy);
    assert_int_equal(ask("pub/delta.db", "SELECT count(*) FROM key"), 2);
    assert_int_equal(ask("pub/delta.db", "SELECT count(*) FROM key_gone"), 1);

    struct aps_snapshot *snap = t_snapshot(&t);
    struct aps_key seen;
    struct aps_str name = {0};
    assert_int_equal(aps_snapshot_key(snap, key.id, t.pool, &seen), APS_OK);
    assert_int_equal(seen.status, APS_KEY_REVOKED);
    assert_int_equal(aps_snapshot_name(snap, key.id, t.pool, &name), APS_OK);
    assert_true(aps_str_eq(name, APS_STR_LIT("shop")));
    assert_int_equal(aps_snapshot_key(snap, other, t.pool, &seen), APS_OK);
    assert_int_equal(seen.status, APS_KEY_ACTIVE);
    assert_int_equal(aps_snapshot_key(snap, gone, t.pool, &seen), APS_ERR_NOT_FOUND);
    assert_int_equal(aps_snapshot_key(snap, APS_STR_LIT("zzzzzzzzzzzz"), t.pool, &seen),
                     APS_ERR_NOT_FOUND);
    assert_non_null(aps_rolebook_find(aps_snapshot_roles(snap), APS_STR_LIT("writer")));
    assert_int_equal(aps_snapshot_generation(snap), ask("store.db", "SELECT generation FROM meta"));
    aps_snapshot_close(snap);
    t_want(APS_OK, t_try_open(&t, APS_STORE_READ, T_NOW, &st), &t.diag);
    t_want(APS_OK, aps_store_key_get(st, APS_STR_LIT("new"), t.pool, &seen, &t.diag), &t.diag);
    aps_store_close(st);
    assert_int_equal(status_of(seen.id), APS_KEY_ACTIVE);
}

/* The key that makes a store large comes by a copy, with a delta beside it. */
static void the_border_is_crossed_both_ways(void **state)
{
    (void)state;
    run_sql("store.db", FILL "; DELETE FROM key WHERE name = 'k9'");
    publish();
    assert_int_equal(ask("pub/store.db", "SELECT deltas FROM meta"), 0);
    assert_int_equal(inode("pub/delta.db"), 0);
    make_key("new");
    assert_int_equal(ask("pub/store.db", "SELECT deltas FROM meta"), 1);
    assert_true(inode("pub/delta.db") != 0);
    ino_t copy = inode("pub/store.db");
    stop("new");
    assert_true(inode("pub/store.db") == copy);
    struct aps_store *st = t_open(&t, T_NOW);
    t_want(APS_OK, aps_store_key_delete(st, APS_STR_LIT("new"), &t.diag), &t.diag);
    t_commit(&t, st);
    assert_int_equal(ask("pub/store.db", "SELECT deltas FROM meta"), 0);
    assert_int_equal(inode("pub/delta.db"), 0);
    assert_int_equal(try_open(0), APS_OK);
}

/* A long delta is published, and then a copy of the same generation. */
static void a_long_delta_becomes_a_copy(void **state)
{
    (void)state;
    run_sql("store.db", "INSERT INTO key_changed SELECT id FROM key ORDER BY id LIMIT 4095");
    ino_t copy = inode("pub/store.db");
    make_key("new");
    assert_true(inode("pub/store.db") == copy);
    assert_int_equal(ask("pub/delta.db", "SELECT count(*) FROM key"), 4096);
    uint64_t before = generation();
    stop("shop");
    assert_true(inode("pub/store.db") != copy);
    assert_int_equal(generation(), before + 1);
    assert_int_equal(ask("pub/store.db", "SELECT base FROM meta"), before + 1);
    assert_int_equal(ask("store.db", "SELECT base FROM meta"), before + 1);
    assert_int_equal(ask("store.db", "SELECT count(*) FROM key_changed"), 0);
    assert_int_equal(ask("pub/delta.db", "SELECT count(*) FROM key"), 0);
}

/* More than a delta holds: a copy at once. */
static void a_change_of_very_many_keys_is_a_copy(void **state)
{
    (void)state;
    run_sql("store.db", "INSERT INTO key_changed SELECT id FROM key ORDER BY id LIMIT 8192");
    ino_t copy = inode("pub/store.db");
    make_key("new");
    assert_true(inode("pub/store.db") != copy);
    assert_int_equal(ask("pub/delta.db", "SELECT count(*) FROM key"), 0);
    assert_int_equal(ask("pub/store.db", "SELECT base FROM meta"), generation());
}

static int open_copies(void)
{
    int n = 0;
    struct dirent *e;
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    while ((e = readdir(d)) != NULL) {
        char to[512];
        ssize_t len = readlinkat(dirfd(d), e->d_name, to, sizeof to - 1);
        if (len > 0) {
            to[len] = '\0';
            n += strstr(to, "/pub/") != NULL && strstr(to, "/delta.db") == NULL;
        }
    }
    (void)closedir(d);
    return n;
}

/* A snapshot of another delta shares the copy that the one before has open; whichever is closed
 * first. */
static void snapshots_share_the_copy(void **state)
{
    struct aps_snapshot *old = t_snapshot(&t), *new = NULL;
    struct aps_snapshot_options o = {
        .store = t.dir, .master = &t.master, .owner = geteuid(), .near = old};
    struct aps_key seen;
    (void)state;
    stop("shop");
    t_want(APS_OK, aps_snapshot_open(&o, &new, &t.diag), &t.diag);
    assert_int_equal(open_copies(), 1);
    assert_int_equal(aps_snapshot_key(old, key.id, t.pool, &seen), APS_OK);
    assert_int_equal(seen.status, APS_KEY_ACTIVE);
    aps_snapshot_close(old);
    assert_int_equal(aps_snapshot_key(new, key.id, t.pool, &seen), APS_OK);
    assert_int_equal(seen.status, APS_KEY_REVOKED);
    assert_int_equal(aps_snapshot_key(new, APS_STR_LIT("000000000007"), t.pool, &seen), APS_OK);
    publish();
    o.near = new;
    t_want(APS_OK, aps_snapshot_open(&o, &old, &t.diag), &t.diag);
    assert_int_equal(open_copies(), 2); /* another copy */
    aps_snapshot_close(new);
    assert_int_equal(aps_snapshot_key(old, APS_STR_LIT("000000000007"), t.pool, &seen), APS_OK);
    aps_snapshot_close(old);
    assert_int_equal(open_copies(), 0);
}

/* ---- deltas that do not fit ---- */

/* One that is not newer than the copy was left behind; one of a copy that is not there is refused,
 * since nobody knows what else has changed. */
static void a_delta_of_another_copy_is_ignored_or_refused(void **state)
{
    (void)state;
    struct aps_str first = keep("pub/store.db");
    stop("shop");
    struct aps_str stale = keep("pub/delta.db");
    publish();
    restore("pub/delta.db", stale);
    assert_int_equal(try_open(0), APS_OK);
    assert_int_equal(generation(), ask("pub/store.db", "SELECT generation FROM meta"));
    assert_int_equal(status_of(key.id), APS_KEY_REVOKED);

    make_key("new");
    assert_int_equal(try_open(0), APS_OK);
    restore("pub/store.db", first);
    assert_int_equal(try_open(0), APS_ERR_CONFLICT);
    assert_non_null(strstr(t.diag.text, "publish"));
    aps_store_close(t_open(&t, T_NOW)); /* the next command mends it */
    assert_int_equal(try_open(0), APS_OK);
    assert_int_equal(generation(), ask("store.db", "SELECT generation FROM meta"));
}

/* An older delta of the same copy is an older generation, and one that is gone is not served
 * without. */
static void an_older_or_lost_delta_is_refused(void **state)
{
    (void)state;
    make_key("new");
    struct aps_str older = keep("pub/delta.db");
    stop("shop");
    uint64_t now = generation();
    restore("pub/delta.db", older);
    assert_int_equal(try_open(now), APS_ERR_CONFLICT);
    assert_int_equal(unlink(t_path(&t, "pub/delta.db")), 0);
    assert_int_equal(try_open(0), APS_ERR_NOT_FOUND);
    assert_non_null(strstr(t.diag.text, "pub/delta.db is gone"));
    aps_store_close(t_open(&t, T_NOW));
    assert_int_equal(try_open(now), APS_OK);
    assert_int_equal(status_of(key.id), APS_KEY_REVOKED);
    /* Also where it had nothing to say. */
    publish();
    assert_int_equal(unlink(t_path(&t, "pub/delta.db")), 0);
    assert_int_equal(try_open(0), APS_ERR_NOT_FOUND);
    aps_store_close(t_open(&t, T_NOW));
    assert_int_equal(try_open(0), APS_OK);
}

/* All of a delta is under its MAC. */
static void a_changed_delta_is_refused(void **state)
{
    static const struct {
        const char *sql;
        enum aps_err want;
    } cases[] = {
        {"UPDATE key SET record = (SELECT record FROM key WHERE name = 'new')", APS_ERR_CORRUPT},
        {"UPDATE key SET name = 'other' WHERE name = 'new'", APS_ERR_CORRUPT},
        {"DELETE FROM key WHERE name = 'shop'", APS_ERR_CORRUPT},
        {"INSERT INTO key SELECT 'zzzzzzzzzzzz', 'z', record FROM key WHERE name = 'new'",
         APS_ERR_CORRUPT},
        {"INSERT INTO key_gone VALUES('000000000007')", APS_ERR_CORRUPT},
        {"DELETE FROM key_gone", APS_ERR_CORRUPT},
        {"UPDATE key_gone SET id = '000000000007'", APS_ERR_CORRUPT},
        {"INSERT INTO role VALUES('admin', 1, 0, 0, '', 0)", APS_ERR_CORRUPT},
        {"INSERT INTO role_grant VALUES('reader', '* /**', 0)", APS_ERR_CORRUPT},
        {"UPDATE role SET plan = 'gold' WHERE name = 'reader'", APS_ERR_CORRUPT},
        {"UPDATE role SET priority = 1", APS_ERR_CORRUPT},
        {"INSERT INTO plan VALUES('gold', '', 1)", APS_ERR_CORRUPT},
        {"INSERT INTO plan_limit VALUES('gold', 'r', 1, 'r rate=1/s by=key', 1)", APS_ERR_CORRUPT},
        {"INSERT INTO plan_earlier VALUES('gold', 'r', 1, 'r rate=1/s by=key', 1, 1, 2)",
         APS_ERR_CORRUPT},
        {"INSERT INTO adjust VALUES('r', 'key', 'a', 1000, 2, 0)", APS_ERR_CORRUPT},
        {"INSERT INTO issuer VALUES('a', 1, '{}', '', 1)", APS_ERR_CORRUPT},
        {"INSERT INTO token_gone VALUES(zeroblob(32), '', 0, 1)", APS_ERR_CORRUPT},
        {"INSERT INTO webhook VALUES('a', '{}', 1)", APS_ERR_CORRUPT},
        {"INSERT INTO signer VALUES('a', 'b', 'HS256', x'', 1, 0)", APS_ERR_CORRUPT},
        {"INSERT INTO certificate VALUES('dn:a', 'b', 1)", APS_ERR_CORRUPT},
        {"UPDATE meta SET generation = 99", APS_ERR_CORRUPT},
        {"UPDATE meta SET base = 1", APS_ERR_CORRUPT},
        {"UPDATE meta SET base = 0", APS_ERR_CORRUPT},
        {"UPDATE meta SET store_id = randomblob(16)", APS_ERR_KEY},
        {"UPDATE master SET mac = (SELECT check_value FROM master)", APS_ERR_CORRUPT},
        {"DELETE FROM wrapped", APS_ERR_CORRUPT},
        {"DROP TABLE key_gone", APS_ERR_CORRUPT},
        {"PRAGMA user_version = 6", APS_ERR_NEWER},
        {"PRAGMA application_id = 7", APS_ERR_CORRUPT},
    };
    (void)state;
    make_key("new");
    stop("shop");
    stop("k8");
    struct aps_store *st = t_open(&t, T_NOW);
    t_want(APS_OK, aps_store_key_delete(st, APS_STR_LIT("k8"), &t.diag), &t.diag);
    t_commit(&t, st);
    struct aps_str good = keep("pub/delta.db");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run_sql("pub/delta.db", cases[i].sql);
        enum aps_err err = try_open(0);
        if (err != cases[i].want)
            print_error("%s: %s: %s\n", cases[i].sql, aps_err_name(err), t.diag.text);
        assert_int_equal(err, cases[i].want);
        restore("pub/delta.db", good);
        assert_int_equal(try_open(0), APS_OK);
    }
    run_sql("pub/delta.db", cases[0].sql);
    publish();
    assert_int_equal(try_open(0), APS_OK);
}

/* SEC-09: what is asked of the copy's file is asked of the delta's. */
static void unsafe_and_swapped_files_are_refused(void **state)
{
    char *path = t_path(&t, "pub/delta.db"), *real = t_path(&t, "pub/real");
    (void)state;
    make_key("new");
    struct aps_str delta = keep("pub/delta.db"), copy = keep("pub/store.db");
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(try_open(0), APS_ERR_UNSAFE);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(rename(path, real), 0);
    assert_int_equal(symlink("real", path), 0);
    assert_int_equal(try_open(0), APS_ERR_UNSAFE);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(link(real, path), 0);
    assert_int_equal(try_open(0), APS_ERR_UNSAFE);
    assert_int_equal(unlink(real), 0);
    assert_int_equal(try_open(0), APS_OK);
    for (size_t n = 0; n < delta.n; n += 1021) {
        t_write(path, delta.p, n);
        assert_int_not_equal(try_open(0), APS_OK);
    }
    t_write(path, copy.p, copy.n);
    assert_int_equal(try_open(0), APS_ERR_CORRUPT);
    t_write(path, delta.p, delta.n);
    t_write(t_path(&t, "pub/store.db"), delta.p, delta.n);
    assert_int_equal(try_open(0), APS_ERR_CORRUPT);
    t_write(t_path(&t, "pub/store.db"), copy.p, copy.n);
    assert_int_equal(try_open(0), APS_OK);
}

/* ---- CLI-03: killed at any call ---- */

#ifdef __SANITIZE_ADDRESS__
enum { STEP = 12 }; /* each run takes eight times as long */
#else
enum { STEP = 2 };
#endif

static int revoke_killed_at(void *arg)
{
    struct aps_store *st = NULL;
    const long *a = arg;
    killat_arm(a[0], a[1], ENOSPC, a[2] != 0);
    enum aps_err err = t_try_open(&t, APS_STORE_WRITE, T_NOW, &st);
    if (err == APS_OK)
        err = aps_store_key_revoke(st, key.id, APS_STR_LIT("x"), &t.diag);
    if (err == APS_OK)
        err = aps_store_commit(st, &t.diag);
    aps_store_close(st);
    bool met = a[1] != 0 && killat_calls() >= a[1];
    killat_arm(0, 0, 0, 0);
    return err != APS_OK ? 1 : met ? 2 : 0;
}

static void copy_files(const char *from, const char *to)
{
    static const char *const names[] = {"store.db", "master.key", "pub/store.db", "pub/delta.db"};
    char path[512];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", from, names[i]);
        struct aps_str content = t_read(&t, path);
        (void)snprintf(path, sizeof path, "%s/%s", to, names[i]);
        (void)unlink(path);
        t_write(path, content.p, content.n);
    }
}

static int leftovers(void)
{
    int n = 0;
    struct dirent *e;
    DIR *d = opendir(t_path(&t, "pub"));
    assert_non_null(d);
    while ((e = readdir(d)) != NULL)
        n += e->d_name[0] == '.' && e->d_name[1] != '\0' && e->d_name[1] != '.';
    (void)closedir(d);
    return n;
}

/* Revoke with a fault at each call in turn, in a store that publishes by a delta, or where `long_`
 * by a delta and a copy.  What is published is of before or after, and never less than it was;
 * the next command brings it up. */
static void fault_at_each_call(bool long_, bool kill)
{
    char good[160], pub[200];
    int status = -1, old = 0, behind = 0;
    (void)snprintf(good, sizeof good, "%s/good", t.top);
    (void)snprintf(pub, sizeof pub, "%s/pub", good);
    assert_int_equal(mkdir(good, 0700), 0);
    assert_int_equal(mkdir(pub, 0700), 0);
    if (long_)
        run_sql("store.db", "INSERT INTO key_changed SELECT id FROM key ORDER BY id LIMIT 4096");
    make_key("new");
    if (long_) /* it had become a copy */
        run_sql("store.db", "INSERT INTO key_changed SELECT id FROM key ORDER BY id LIMIT 4096");
    const uint64_t before = generation();
    copy_files(t.dir, good);
    for (long n = 1; status != 0; n += STEP) {
        long how[] = {kill ? n : 0, kill ? 0 : n, 1};
        assert_true(n < 1000);
        apr_pool_clear(t.pool);
        copy_files(good, t.dir);
        (void)unlink(t_path(&t, "store.db-journal"));
        status = t_child(revoke_killed_at, how);
        assert_true(kill ? status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
                         : WIFEXITED(status));
        uint64_t stored = before, seen = generation();
        struct aps_store *st = NULL;
        t_want(APS_OK, t_try_open(&t, APS_STORE_READ, T_NOW, &st), &t.diag);
        stored = aps_store_generation(st);
        aps_store_close(st);
        assert_true(stored == before || stored == before + 1);
        assert_true(seen == before || seen == stored);
        assert_int_equal(status_of(key.id), seen == before ? APS_KEY_ACTIVE : APS_KEY_REVOKED);
        old += stored == before;
        behind += seen != stored;
        aps_store_close(t_open(&t, T_NOW));
        assert_int_equal(generation(), stored);
        if (seen == stored && n % 8 != 0)
            continue; /* as it was for the one before */
        stop("shop");
        assert_int_equal(status_of(key.id), APS_KEY_REVOKED);
        make_key("next");
        assert_int_equal(generation(), before + 2);
        assert_int_equal(leftovers(), 0);
    }
    assert_true(old * STEP > 5 && behind * STEP > 3);
}

/* CLI-03 */
static void a_kill_leaves_the_old_or_the_new_state(void **state)
{
    (void)state;
    fault_at_each_call(false, true);
}

/* CLI-03 */
static void a_kill_while_a_delta_becomes_a_copy_loses_nothing(void **state)
{
    (void)state;
    fault_at_each_call(true, true);
}

/* CLI-03 */
static void a_full_disk_leaves_the_old_or_the_new_state(void **state)
{
    (void)state;
    fault_at_each_call(false, false);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define SMALL(name) cmocka_unit_test_setup_teardown(name, set_up_small, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SMALL(a_small_store_has_no_delta),
        T(a_change_of_a_large_store_comes_by_the_delta),
        SMALL(the_border_is_crossed_both_ways),
        T(a_long_delta_becomes_a_copy),
        T(a_change_of_very_many_keys_is_a_copy),
        T(snapshots_share_the_copy),
        T(a_delta_of_another_copy_is_ignored_or_refused),
        T(an_older_or_lost_delta_is_refused),
        T(a_changed_delta_is_refused),
        T(unsafe_and_swapped_files_are_refused),
        T(a_kill_leaves_the_old_or_the_new_state),
        T(a_kill_while_a_delta_becomes_a_copy_loses_nothing),
        T(a_full_disk_leaves_the_old_or_the_new_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
