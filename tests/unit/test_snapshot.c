#include "t_store.h"

#include <grp.h>
#include <pthread.h>

#include "../../libapisec/store/own.h"

static struct t_store t;
static struct aps_key key;
static struct aps_secret text;

static int set_up(void **state)
{
    (void)state;
    t_init(&t);
    struct aps_store *st = t_open(&t, T_NOW);
    t_want(APS_OK, aps_store_role_create(st, APS_STR_LIT("reader"), &t.diag), &t.diag);
    t_want(
        APS_OK,
        aps_store_role_grant(st, APS_STR_LIT("reader"), APS_STR_LIT("GET /a/**"), false, &t.diag),
        &t.diag);
    key = t_create(&t, st, "shop", "reader", &text);
    t_commit(&t, st);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    aps_secret_wipe(&text);
    t_end(&t);
    return 0;
}

static enum aps_err try_open(const struct aps_snapshot_options *o)
{
    struct aps_snapshot *snap = NULL;
    t.diag.text[0] = '\0';
    enum aps_err err = aps_snapshot_open(o, &snap, &t.diag);
    assert_true((err == APS_OK) == (snap != NULL));
    assert_true((err == APS_OK) == (t.diag.text[0] == '\0'));
    aps_snapshot_close(snap);
    return err;
}

static struct aps_snapshot_options options(void)
{
    return (struct aps_snapshot_options){.store = t.dir, .master = &t.master, .owner = geteuid()};
}

/* Somebody with a plain sqlite3 changes the copy. */
static void tamper(const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open_v2(t_path(&t, "pub/store.db"), &db, SQLITE_OPEN_READWRITE, NULL),
                     SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void publish(void)
{
    struct aps_store *st = t_open(&t, T_NOW);
    t_want(APS_OK, aps_store_publish(st, &t.diag), &t.diag);
    aps_store_close(st);
}

/* What the header promises of a good copy. */
static void a_good_copy_answers(void **state)
{
    struct aps_snapshot *snap = t_snapshot(&t);
    struct aps_snapshot_stamp now;
    struct aps_key seen = {0};
    struct aps_str name = {0};
    uint8_t mac[32], newest[32];
    uint64_t tag = 0;
    (void)state;
    t_want(APS_OK, aps_snapshot_stamp(t.dir, &now, &t.diag), &t.diag);
    assert_true(aps_snapshot_stamp_equal(&now, aps_snapshot_opened(snap)));
    for (int i = 0; i < 8; i++)
        tag = tag << 8 | aps_snapshot_store_id(snap)[i];
    assert_true(aps_snapshot_store_tag(snap) == tag);
    assert_int_equal(aps_snapshot_key(snap, key.id, t.pool, &seen), APS_OK);
    assert_true(aps_str_eq(seen.id, key.id) && seen.name.n == 0);
    assert_int_equal(aps_snapshot_name(snap, key.id, t.pool, &name), APS_OK);
    assert_true(aps_str_eq(name, APS_STR_LIT("shop")));
    assert_int_equal(aps_snapshot_mac(snap, 1, aps_secret_str(&text), mac), APS_OK);
    assert_int_equal(aps_snapshot_mac(snap, 0, aps_secret_str(&text), newest), APS_OK);
    assert_memory_equal(mac, seen.secret[0].mac, 32);
    assert_memory_equal(mac, newest, 32);
    assert_int_equal(aps_snapshot_mac(snap, 2, aps_secret_str(&text), mac), APS_ERR_NOT_FOUND);
    aps_snapshot_close(snap);
}

/* KEY-06 */
static void ids_are_found_by_their_index(void **state)
{
    static const char sql[] = "EXPLAIN QUERY PLAN "
                              "SELECT name, record, id FROM key WHERE id >= ? ORDER BY id";
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    (void)state;
    t_want(APS_OK, aps_db_open(t_path(&t, "pub/store.db"), APS_DB_COPY, &db, &t.diag), &t.diag);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(stmt, 3),
                        "SEARCH key USING PRIMARY KEY (id>?)");
    assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    aps_db_close(db);
}

/* KEY-06: nothing but an id is looked up. */
static void only_ids_are_looked_up(void **state)
{
    /* The last two lie before and after every other. */
    static const char *const ids[] = {"",
                                      "shop",
                                      "AAAAAAAAAAAA",
                                      "AAAAAAAAAAA'",
                                      "AAAAAAAAAAAAA",
                                      "000000000000",
                                      "zzzzzzzzzzzz"};
    struct aps_snapshot *snap = t_snapshot(&t);
    struct aps_key seen = {.nroles = 77};
    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        assert_int_equal(aps_snapshot_key(snap, aps_str(ids[i]), t.pool, &seen), APS_ERR_NOT_FOUND);
    assert_int_equal(aps_snapshot_key(snap, (struct aps_str){key.id.p, 11}, t.pool, &seen),
                     APS_ERR_NOT_FOUND);
    /* Nothing is left of the row that was read for them. */
    assert_null(seen.id.p);
    assert_null(seen.roles);
    assert_int_equal(seen.nroles, 0);
    assert_int_equal(seen.secret[0].version, 0);
    aps_snapshot_close(snap);
}

/* SEC-16 */
static void a_wrong_master_key_is_told(void **state)
{
    struct aps_snapshot_options o = options();
    struct aps_secret other = {0};
    (void)state;
    assert_int_equal(aps_secret_copy("0123456789abcdef0123456789abcdef", 32, &other), APS_OK);
    o.master = &other;
    assert_int_equal(try_open(&o), APS_ERR_KEY);
    assert_non_null(strstr(t.diag.text, "master key"));
    aps_secret_wipe(&other);
}

/* An older copy, and the copy of another store, are refused. */
static void older_and_foreign_copies_are_refused(void **state)
{
    struct aps_snapshot_options o = options();
    uint8_t id[APS_SNAPSHOT_ID_LEN];
    (void)state;
    o.min_generation = 2;
    assert_int_equal(try_open(&o), APS_OK);
    o.min_generation = 3;
    assert_int_equal(try_open(&o), APS_ERR_CONFLICT);
    assert_non_null(strstr(t.diag.text, "generation 2"));
    publish();
    assert_int_equal(try_open(&o), APS_OK);

    struct aps_snapshot *snap = t_snapshot(&t);
    memcpy(id, aps_snapshot_store_id(snap), sizeof id);
    aps_snapshot_close(snap);
    o.store_id = id;
    assert_int_equal(try_open(&o), APS_OK);
    id[15] ^= 1;
    assert_int_equal(try_open(&o), APS_ERR_CONFLICT);
    assert_non_null(strstr(t.diag.text, "another store"));
}

/* KEY-14: the copy of another store with its own master key does not open under ours. */
static void a_copy_of_another_store_does_not_open(void **state)
{
    struct t_store other;
    struct aps_snapshot_options o = options();
    (void)state;
    t_init(&other);
    struct aps_str copy = t_read(&t, t_path(&other, "pub/store.db"));
    t_write(t_path(&t, "pub/store.db"), copy.p, copy.n);
    t_end(&other);
    assert_int_equal(try_open(&o), APS_ERR_KEY);
}

/* What is changed after publishing is seen, where it costs nothing to see it. */
static void changed_rows_are_refused(void **state)
{
    static const struct {
        const char *sql;
        enum aps_err want;
    } cases[] = {
        {"UPDATE role_grant SET text = '* /**'", APS_ERR_CORRUPT},
        {"INSERT INTO role_grant VALUES('reader', '* /**', 0)", APS_ERR_CORRUPT},
        {"DELETE FROM role_grant", APS_ERR_CORRUPT},
        {"INSERT INTO role VALUES('admin', 1, 0, 0, '', 0)", APS_ERR_CORRUPT},
        {"INSERT INTO role VALUES('a', 1, 0, 0, '', 0); INSERT INTO role_parent VALUES('reader', "
         "'a')",
         APS_ERR_CORRUPT},
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
        {"UPDATE meta SET prefix = 'other'", APS_ERR_CORRUPT},
        {"UPDATE meta SET prefix = ''", APS_ERR_CORRUPT},
        {"UPDATE meta SET store_id = randomblob(16)", APS_ERR_KEY},
        {"UPDATE meta SET store_id = x'00'", APS_ERR_CORRUPT},
        {"DELETE FROM meta", APS_ERR_CORRUPT},
        {"UPDATE master SET mac = randomblob(32)", APS_ERR_CORRUPT},
        {"UPDATE master SET mac = x''", APS_ERR_CORRUPT},
        {"UPDATE master SET check_value = randomblob(32)", APS_ERR_KEY},
        {"DELETE FROM master", APS_ERR_KEY},
        {"DELETE FROM wrapped", APS_ERR_CORRUPT},
        {"DELETE FROM wrapped WHERE purpose = 'address'", APS_ERR_CORRUPT},
        {"UPDATE wrapped SET blob = randomblob(70)", APS_ERR_CORRUPT},
        /* SEC-03: a blob in another row of the same table. */
        {"UPDATE wrapped SET blob = (SELECT blob FROM wrapped WHERE purpose = 'audit')"
         " WHERE purpose = 'pepper'",
         APS_ERR_CORRUPT},
        {"UPDATE wrapped SET version = 2 WHERE purpose = 'pepper'", APS_ERR_CORRUPT},
        {"PRAGMA user_version = 6", APS_ERR_NEWER},
        {"PRAGMA application_id = 7", APS_ERR_CORRUPT},
        {"DROP TABLE key; CREATE VIEW key AS SELECT 1 AS id, 2 AS name, 3 AS record",
         APS_ERR_CORRUPT},
    };
    struct aps_snapshot_options o = options();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tamper(cases[i].sql);
        enum aps_err err = try_open(&o);
        if (err != cases[i].want)
            print_error("%s: %s: %s\n", cases[i].sql, aps_err_name(err), t.diag.text);
        assert_int_equal(err, cases[i].want);
        publish();
        assert_int_equal(try_open(&o), APS_OK);
    }
}

static void a_damaged_record_is_told(void **state)
{
    struct aps_key seen;
    (void)state;
    tamper("UPDATE key SET record = x'0102'");
    struct aps_snapshot *snap = t_snapshot(&t);
    assert_int_equal(aps_snapshot_key(snap, key.id, t.pool, &seen), APS_ERR_CORRUPT);
    /* It is read for other ids as well, and is no fault of theirs. */
    assert_int_equal(aps_snapshot_key(snap, APS_STR_LIT("000000000000"), t.pool, &seen),
                     APS_ERR_NOT_FOUND);
    aps_snapshot_close(snap);
}

/* SEC-09: the kinds and modes of file that are no published copy. */
static void unsafe_files_are_refused(void **state)
{
    struct aps_snapshot_options o = options();
    char *path = t_path(&t, "pub/store.db"), *real = t_path(&t, "pub/real");
    (void)state;
    static const struct {
        mode_t mode;
        enum aps_err want;
    } modes[] = {{0640, APS_OK},         {0600, APS_OK},         {0440, APS_OK},
                 {0644, APS_ERR_UNSAFE}, {0660, APS_ERR_UNSAFE}, {0642, APS_ERR_UNSAFE}};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        assert_int_equal(chmod(path, modes[i].mode), 0);
        assert_int_equal(try_open(&o), modes[i].want);
    }
    assert_non_null(strstr(t.diag.text, "chmod 640"));
    assert_int_equal(chmod(path, 0640), 0);

    assert_int_equal(rename(path, real), 0);
    assert_int_equal(try_open(&o), APS_ERR_NOT_FOUND);
    assert_non_null(strstr(t.diag.text, " publish makes it"));
    assert_int_equal(symlink("real", path), 0);
    assert_int_equal(try_open(&o), APS_ERR_UNSAFE);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(link(real, path), 0);
    assert_int_equal(try_open(&o), APS_ERR_UNSAFE);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0640), 0); /* and does not block */
    assert_int_equal(try_open(&o), APS_ERR_UNSAFE);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rename(real, path), 0);
    assert_int_equal(chmod(t_path(&t, "pub"), 0777), 0);
    assert_int_equal(try_open(&o), APS_ERR_UNSAFE);
    assert_int_equal(chmod(t_path(&t, "pub"), 0750), 0);
    assert_int_equal(try_open(&o), APS_OK);
}

static void an_owner_is_root_or_the_one_named(void **state)
{
    struct aps_snapshot_options o = options();
    (void)state;
    if (geteuid() != 0)
        skip(); /* only root can give files away */
    assert_int_equal(chown(t_path(&t, "pub/store.db"), 12345, 0), 0);
    assert_int_equal(try_open(&o), APS_ERR_UNSAFE);
    o.owner = 12345;
    assert_int_equal(try_open(&o), APS_OK);
}

/* A copy that is cut or overwritten anywhere is refused or answers with errors, and nothing else
 * happens. */
static void cut_and_overwritten_copies_do_no_harm(void **state)
{
    struct aps_snapshot_options o = options();
    char *path = t_path(&t, "pub/store.db");
    struct aps_str whole = t_read(&t, path);
    char *b = apr_palloc(t.pool, whole.n);
    int refused = 0, answered = 0;
    (void)state;
    for (size_t n = 0; n < whole.n; n += 509) {
        t_write(path, whole.p, n);
        assert_int_not_equal(try_open(&o), APS_OK);
    }
    for (size_t at = 0; at < whole.n; at += 61) {
        struct aps_snapshot *snap = NULL;
        struct aps_key seen;
        memcpy(b, whole.p, whole.n);
        for (size_t i = at; i < at + 7 && i < whole.n; i++)
            b[i] = (char)(b[i] ^ 0x5a);
        t_write(path, b, whole.n);
        if (aps_snapshot_open(&o, &snap, NULL) != APS_OK)
            refused++;
        else
            answered += aps_snapshot_key(snap, key.id, t.pool, &seen) == APS_OK;
        aps_snapshot_close(snap);
    }
    assert_true(refused > 10 && answered > 10);
    t_write(path, whole.p, whole.n);
    assert_int_equal(try_open(&o), APS_OK);
}

/* A file that is cut while it is open gives errors, never a signal: nothing of it is mapped. */
static void cutting_an_open_copy_gives_errors(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_secret s = {0};
    struct aps_key seen, made, first = {0};
    enum { KEYS = 300 };
    int errors = 0;
    (void)state;
    for (int i = 0; i < KEYS; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "k%d", i);
        made = t_create(&t, st, name, NULL, &s);
        aps_secret_wipe(&s);
        /* Opening a copy reads the page of the greatest id. */
        if (i == 0 || aps_str_compare(made.id, first.id) < 0)
            first = made;
    }
    t_commit(&t, st);
    struct aps_snapshot *snap = t_snapshot(&t);
    assert_int_equal(truncate(t_path(&t, "pub/store.db"), 8192), 0);
    for (int i = 0; i < KEYS; i++)
        errors += aps_snapshot_key(snap, first.id, t.pool, &seen) != APS_OK;
    assert_int_equal(errors, KEYS);
    aps_snapshot_close(snap);
}

/* ---- threads and processes ---- */

enum { THREADS = 8, ROUNDS = 300 };

struct job {
    struct aps_snapshot *snap;
    int wrong;
};

static void *work(void *arg)
{
    struct job *job = arg;
    apr_pool_t *pool = aps_store_pool();
    uint8_t mac[32];
    for (int i = 0; i < ROUNDS; i++) {
        struct aps_key seen = {0};
        apr_pool_clear(pool);
        if (aps_snapshot_key(job->snap, key.id, pool, &seen) != APS_OK ||
            aps_snapshot_mac(job->snap, seen.secret[0].pepper, aps_secret_str(&text), mac) !=
                APS_OK ||
            memcmp(mac, seen.secret[0].mac, sizeof mac) != 0)
            job->wrong++;
    }
    apr_pool_destroy(pool);
    return NULL;
}

static void threads_share_a_snapshot(void **state)
{
    struct aps_snapshot *snap = t_snapshot(&t);
    struct job jobs[THREADS];
    pthread_t threads[THREADS];
    (void)state;
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){.snap = snap};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &jobs[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(jobs[i].wrong, 0);
    }
    aps_snapshot_close(snap);
}

static int use_after_fork(void *arg)
{
    struct aps_key seen;
    return aps_snapshot_key(arg, key.id, t.pool, &seen) == APS_ERR_FAILED ? 0 : 1;
}

/* SEC-17: a connection is not used by a child of its opener. */
static void a_child_cannot_use_its_parents_snapshot(void **state)
{
    struct aps_snapshot *snap = t_snapshot(&t);
    struct aps_key seen;
    (void)state;
    assert_int_equal(t_child(use_after_fork, snap), 0);
    assert_int_equal(aps_snapshot_key(snap, key.id, t.pool, &seen), APS_OK);
    aps_snapshot_close(snap);
}

static int open_as_nobody(void *arg)
{
    struct aps_snapshot_options o = options();
    (void)arg;
    o.owner = 0;
    if (setgroups(0, NULL) != 0 || setgid(12345) != 0 || setuid(12346) != 0)
        return 9;
    enum aps_err err = try_open(&o);
    if (err != APS_OK)
        print_error("%s\n", t.diag.text);
    return err == APS_OK ? 0 : 1;
}

/* A child of httpd, with nothing but the group, opens the copy that root has published. */
static void a_member_of_the_group_can_open_it(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip(); /* another account is needed */
    assert_int_equal(chmod(t.top, 0711), 0);
    assert_int_equal(chown(t.dir, 0, 12345), 0);
    assert_int_equal(chown(t_path(&t, "pub"), 0, 12345), 0);
    publish();
    assert_int_equal(t_child(open_as_nobody, NULL), 0);
}

/* CMP-02: under a new key of the store everybody has another pseudonym. */
static void pseudonyms_change_with_their_key(void **state)
{
    struct aps_snapshot *snap = t_snapshot(&t);
    struct aps_store *st = NULL;
    uint8_t before[16], after[16];
    struct aps_addr a;
    (void)state;
    assert_true(aps_addr_parse(APS_STR_LIT("192.0.2.1"), &a));
    assert_int_equal(aps_snapshot_pseudonym(snap, &a, before), APS_OK);
    aps_snapshot_close(snap);
    st = t_open(&t, T_NOW);
    t_want(APS_OK, aps_wrapped_new(st, APS_WRAPPED_ADDRESS, 2, &t.diag), &t.diag);
    t_want(APS_OK, aps_store_publish(st, &t.diag), &t.diag);
    aps_store_close(st);
    snap = t_snapshot(&t);
    assert_int_equal(aps_snapshot_pseudonym(snap, &a, after), APS_OK);
    assert_memory_not_equal(before, after, 16);
    aps_snapshot_close(snap);
}

/* CMP-02: keyed, so that nobody finds the address by trying all; the same for the same store. */
static void pseudonyms_are_keyed(void **state)
{
    struct aps_snapshot *snap = t_snapshot(&t), *again = t_snapshot(&t);
    struct aps_addr a, b, mapped;
    uint8_t x[16], y[16], z[16], m[16];
    struct t_store other;
    (void)state;
    assert_true(aps_addr_parse(APS_STR_LIT("192.0.2.1"), &a));
    assert_true(aps_addr_parse(APS_STR_LIT("192.0.2.2"), &b));
    assert_true(aps_addr_parse(APS_STR_LIT("::ffff:192.0.2.1"), &mapped));
    assert_int_equal(aps_snapshot_pseudonym(snap, &a, x), APS_OK);
    assert_int_equal(aps_snapshot_pseudonym(snap, &b, y), APS_OK);
    assert_int_equal(aps_snapshot_pseudonym(again, &a, z), APS_OK);
    assert_int_equal(aps_snapshot_pseudonym(snap, &mapped, m), APS_OK);
    assert_memory_not_equal(x, y, 16);
    assert_memory_equal(x, z, 16);
    assert_memory_equal(x, m, 16); /* AZ-15: one address, one pseudonym */
    aps_snapshot_close(snap);
    aps_snapshot_close(again);

    t_init(&other);
    snap = t_snapshot(&other);
    assert_int_equal(aps_snapshot_pseudonym(snap, &a, z), APS_OK);
    assert_memory_not_equal(x, z, 16);
    aps_snapshot_close(snap);
    t_end(&other);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_good_copy_answers),
        T(only_ids_are_looked_up),
        T(ids_are_found_by_their_index),
        T(a_wrong_master_key_is_told),
        T(older_and_foreign_copies_are_refused),
        T(a_copy_of_another_store_does_not_open),
        T(changed_rows_are_refused),
        T(a_damaged_record_is_told),
        T(unsafe_files_are_refused),
        T(an_owner_is_root_or_the_one_named),
        T(cut_and_overwritten_copies_do_no_harm),
        T(cutting_an_open_copy_gives_errors),
        T(threads_share_a_snapshot),
        T(a_child_cannot_use_its_parents_snapshot),
        T(a_member_of_the_group_can_open_it),
        T(pseudonyms_are_keyed),
        T(pseudonyms_change_with_their_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
