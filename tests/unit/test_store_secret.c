#include "t_store.h"

#include <sqlite3.h>

#include "../../libapisec/store/envelope.h"
#include "../../libapisec/store/masters.h"

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

static void put(struct aps_store *st, const char *name, const char *value)
{
    t_want(APS_OK, aps_store_begin(st, &t.diag), &t.diag);
    t_want(APS_OK, aps_store_secret_put(st, aps_str(name), aps_str(value), T_NOW, &t.diag),
           &t.diag);
    st->changed = true;
}

static void change(const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(t_path(&t, "store.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static enum aps_err keep(void *arg, struct aps_str name, uint32_t version, aps_nsec until,
                         struct aps_secret *value)
{
    struct aps_str *out = arg;
    (void)name, (void)version, (void)until;
    *out = aps_str_copy(t.pool, aps_secret_str(value));
    return APS_OK;
}

static enum aps_err get(const char *name, struct aps_str *out)
{
    struct aps_store *st = NULL;
    enum aps_err err = t_try_open(&t, APS_STORE_READ, T_NOW, &st);
    if (err == APS_OK)
        err =
            aps_store_secret_load(st->db, &st->meta, &st->seal, aps_str(name), keep, out, &t.diag);
    aps_store_close(st);
    return err;
}

/* SEC-03: a blob in another row, of another name or version, does not open. */
static void a_secret_that_was_moved_does_not_open(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_str out = {NULL, 0};
    (void)state;
    put(st, "a", "first");
    put(st, "a/1", "second");
    t_commit(&t, st);
    t_want(APS_OK, get("a", &out), &t.diag);
    assert_true(aps_str_eq(out, APS_STR_LIT("first")));
    t_want(APS_OK, get("a/1", &out), &t.diag);
    assert_true(aps_str_eq(out, APS_STR_LIT("second")));
    change("UPDATE secret_version SET blob = (SELECT blob FROM secret_version WHERE name = 'a/1')"
           " WHERE name = 'a'");
    assert_int_equal(get("a", &out), APS_ERR_CORRUPT);
    assert_non_null(strstr(t.diag.text, "the sealed secret \"a\" is damaged"));
    change("UPDATE secret_key SET version = 2 WHERE name = 'a/1'");
    change("UPDATE secret_version SET version = 2 WHERE name = 'a/1'");
    assert_int_equal(get("a/1", &out), APS_ERR_CORRUPT);
}

/* SEC-03: nor does its data key, be it that of another version of the same secret. */
static void a_data_key_that_was_moved_does_not_open(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_str out = {NULL, 0};
    (void)state;
    put(st, "a", "first");
    put(st, "b", "second");
    t_commit(&t, st);
    change("UPDATE secret_key SET blob = (SELECT blob FROM secret_key WHERE name = 'b')"
           " WHERE name = 'a'");
    assert_int_equal(get("a", &out), APS_ERR_CORRUPT);
    t_want(APS_OK, get("b", &out), &t.diag);
    change("UPDATE secret_version SET blob = (SELECT blob FROM secret_version WHERE name = 'b')"
           " WHERE name = 'a'");
    assert_int_equal(get("a", &out), APS_ERR_CORRUPT);
}

static int64_t ask(const char *sql)
{
    sqlite3 *db = NULL;
    int64_t n = -1;
    assert_int_equal(sqlite3_open(t_path(&t, "store.db"), &db), SQLITE_OK);
    t_want(APS_OK, aps_db_number(db, sql, -1, &n, &t.diag), &t.diag);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return n;
}

/* SEC-01: each version lies under a key of its own, which the store has once for each master key;
 * both go with the version. */
static void each_version_has_a_key_of_its_own(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    (void)state;
    put(st, "a", "the same value");
    put(st, "b", "the same value");
    t_commit(&t, st);
    assert_int_equal(ask("SELECT count(DISTINCT substr(blob, 1, 10)) FROM secret_version"), 2);
    assert_int_equal(ask("SELECT count(*) FROM secret_key"), 2);
    assert_int_equal(ask("SELECT count(*) FROM wrapped WHERE purpose = 'data'"), 0);
    st = t_open(&t, T_NOW);
    put(st, "a", "another value");
    t_commit(&t, st);
    assert_int_equal(ask("SELECT version FROM secret_version WHERE name = 'a'"), 2);
    assert_int_equal(ask("SELECT count(*) FROM secret_key WHERE name = 'a'"), 1);
    st = t_open(&t, T_NOW);
    t_want(APS_OK, aps_store_secret_drop(st, APS_STR_LIT("a"), &t.diag), &t.diag);
    st->changed = true;
    t_commit(&t, st);
    assert_int_equal(ask("SELECT count(*) FROM secret_key WHERE name = 'a'"), 0);
    assert_int_equal(ask("SELECT count(*) FROM secret WHERE name = 'a'"), 0);
}

/* SEC-02: what a wrapping key seals is counted with it, and ends far below 2^32. */
static void encryptions_are_counted_and_end(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_str out = {NULL, 0};
    int64_t before = ask("SELECT seals FROM master");
    (void)state;
    assert_int_equal(before, ask("SELECT count(*) FROM wrapped"));
    put(st, "a", "first");
    t_commit(&t, st);
    assert_int_equal(ask("SELECT seals FROM master"), before + 1);
    change("UPDATE master SET seals = 2147483647");
    st = t_open(&t, T_NOW);
    put(st, "a", "second");
    t_commit(&t, st);
    st = t_open(&t, T_NOW);
    t_want(APS_ERR_CONFLICT,
           aps_store_secret_put(st, APS_STR_LIT("a"), APS_STR_LIT("third"), T_NOW, &t.diag),
           &t.diag);
    assert_non_null(strstr(t.diag.text, "2147483648 times"));
    assert_non_null(strstr(t.diag.text, "apisecctl master rotate"));
    t_want(APS_ERR_CONFLICT, aps_wrapped_new(st, "pepper", 2, &t.diag), &t.diag);
    aps_store_close(st);
    t_want(APS_OK, get("a", &out), &t.diag);
    assert_true(aps_str_eq(out, APS_STR_LIT("second")));
}

/* SEC-06: what lay under one master key lies under the next as well, and what comes later under
 * both; the older one only reads. */
static void either_master_key_opens_what_the_other_sealed(void **state)
{
    static const unsigned char bytes[APS_MASTER_LEN] = "another master key of 32 bytes..";
    const struct aps_store_step step = {NULL, NULL};
    struct aps_store_rotated done;
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_secret second = {NULL, 0}, first = t.master;
    struct aps_str out = {NULL, 0};
    (void)state;
    t_want(APS_OK, aps_secret_copy(bytes, sizeof bytes, &second), &t.diag);
    put(st, "a", "before");
    t_want(APS_OK, aps_store_master_rotate(st, &second, false, step, &done, &t.diag), &t.diag);
    put(st, "b", "after");
    t_commit(&t, st);
    assert_int_equal(done.secrets, 1);
    assert_int_equal(ask("SELECT count(*) FROM secret_key"), 4);

    t_want(APS_OK, get("b", &out), &t.diag);
    assert_true(aps_str_eq(out, APS_STR_LIT("after")));
    t_want(APS_ERR_KEY, t_try_open(&t, APS_STORE_WRITE, T_NOW, &st), &t.diag);
    t.master = second;
    t_want(APS_OK, get("a", &out), &t.diag);
    assert_true(aps_str_eq(out, APS_STR_LIT("before")));

    st = t_open(&t, T_NOW);
    t_want(APS_OK, aps_store_master_retire(st, aps_str(done.from), step, &done, &t.diag), &t.diag);
    t_commit(&t, st);
    assert_int_equal(ask("SELECT count(*) FROM secret_key"), 2);
    t_want(APS_OK, get("b", &out), &t.diag);
    t.master = first;
    t_want(APS_ERR_KEY, get("a", &out), &t.diag);
    aps_secret_wipe(&second);
}

/* SEC-05, SEC-16: without its data key nothing is read. */
static void without_its_key_nothing_opens(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_str out = {NULL, 0};
    (void)state;
    put(st, "a", "first");
    t_commit(&t, st);
    change("DELETE FROM secret_key");
    assert_int_equal(get("a", &out), APS_ERR_CORRUPT);
    assert_non_null(strstr(t.diag.text, "the sealed secret \"a\" is damaged"));
}

/* Lazily: one that is damaged hinders nobody who does not ask for it. */
static void a_snapshot_opens_what_is_asked_for(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    const struct aps_snapshot_secret *list = NULL, *again = NULL;
    struct aps_snapshot *snap;
    size_t n = 9;
    (void)state;
    put(st, "a", "first");
    put(st, "b", "second");
    t_want(APS_OK,
           aps_db_exec(st->db, "UPDATE secret_version SET blob = x'00' WHERE name = 'b'", &t.diag),
           &t.diag);
    t_commit(&t, st);
    snap = t_snapshot(&t);
    list = t_secret(&t, snap, APS_STR_LIT("a"), &n);
    assert_int_equal(n, 1);
    assert_true(aps_str_eq(aps_secret_str(&list->value), APS_STR_LIT("first")));
    again = t_secret(&t, snap, APS_STR_LIT("a"), &n);
    assert_ptr_equal(again, list);
    t_want(APS_ERR_CORRUPT, aps_snapshot_secret(snap, APS_STR_LIT("b"), t.pool, &list, &n, &t.diag),
           &t.diag);
    assert_non_null(strstr(t.diag.text, "the sealed secret \"b\" is damaged"));
    (void)t_secret(&t, snap, APS_STR_LIT("c"), &n);
    assert_int_equal(n, 0);
    aps_snapshot_close(snap);
}

/* What is beyond the room is opened for whoever asks. */
static void a_snapshot_has_room_for_much_and_no_end(void **state)
{
    enum { NAMES = 2100 };
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_snapshot *snap;
    char name[16], value[16];
    size_t n = 0;
    (void)state;
    for (int i = 0; i < NAMES; i++) {
        (void)snprintf(name, sizeof name, "s%d", i);
        (void)snprintf(value, sizeof value, "value %d", i);
        put(st, name, value);
    }
    t_commit(&t, st);
    snap = t_snapshot(&t);
    for (int i = 0; i < 2 * NAMES; i++) {
        (void)snprintf(name, sizeof name, "s%d", i % NAMES);
        (void)snprintf(value, sizeof value, "value %d", i % NAMES);
        const struct aps_snapshot_secret *list = t_secret(&t, snap, aps_str(name), &n);
        assert_int_equal(n, 1);
        assert_true(aps_str_eq(aps_secret_str(&list->value), aps_str(value)));
    }
    aps_snapshot_close(snap);
}

static void sizes_are_bound(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    char *big = apr_pcalloc(t.pool, APS_SEAL_PLAIN_MAX + 1);
    (void)state;
    t_want(APS_OK, aps_store_begin(st, &t.diag), &t.diag);
    t_want(APS_ERR_RANGE,
           aps_store_secret_put(st, APS_STR_LIT("a"), APS_STR_LIT(""), T_NOW, &t.diag), &t.diag);
    t_want(APS_ERR_RANGE,
           aps_store_secret_put(st, APS_STR_LIT("a"), (struct aps_str){big, APS_SEAL_PLAIN_MAX + 1},
                                T_NOW, &t.diag),
           &t.diag);
    t_want(APS_OK,
           aps_store_secret_put(st, APS_STR_LIT("a"), (struct aps_str){big, APS_SEAL_PLAIN_MAX},
                                T_NOW, &t.diag),
           &t.diag);
    aps_store_close(st);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_secret_that_was_moved_does_not_open),
        T(a_data_key_that_was_moved_does_not_open),
        T(each_version_has_a_key_of_its_own),
        T(encryptions_are_counted_and_end),
        T(either_master_key_opens_what_the_other_sealed),
        T(a_snapshot_opens_what_is_asked_for),
        T(a_snapshot_has_room_for_much_and_no_end),
        T(without_its_key_nothing_opens),
        T(sizes_are_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
