#include "t_store.h"

#include <sqlite3.h>

#include "../../libapisec/store/own.h"

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
    change("UPDATE secret SET blob = (SELECT blob FROM secret WHERE name = 'a/1')"
           " WHERE name = 'a'");
    assert_int_equal(get("a", &out), APS_ERR_CORRUPT);
    assert_non_null(strstr(t.diag.text, "the sealed secret \"a\" is damaged"));
    change("UPDATE secret SET version = 2 WHERE name = 'a/1'");
    assert_int_equal(get("a/1", &out), APS_ERR_CORRUPT);
}

/* SEC-05, SEC-16: without its data key nothing is read. */
static void without_its_key_nothing_opens(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_str out = {NULL, 0};
    (void)state;
    put(st, "a", "first");
    t_commit(&t, st);
    change("DELETE FROM wrapped WHERE purpose = 'data'");
    assert_int_equal(get("a", &out), APS_ERR_CORRUPT);
    assert_non_null(strstr(t.diag.text, "sealed data key is missing"));
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
        T(without_its_key_nothing_opens),
        T(sizes_are_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
