#include "t_store.h"

#include "../../libapisec/store/schema.h"

static struct t_store t;
static char *path;

static int set_up(void **state)
{
    (void)state;
    t_top(&t);
    if (mkdir(t.dir, 0700) != 0)
        return -1;
    path = t_path(&t, "x.db");
    t_write(path, "", 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    t_end(&t);
    return 0;
}

/* Our tables, then `sql`. */
static enum aps_err check_after(const char *sql, enum aps_schema_kind kind)
{
    sqlite3 *db = NULL;
    t_write(path, "", 0);
    t_want(APS_OK, aps_db_open(path, APS_DB_MAKE, &db, &t.diag), &t.diag);
    t_want(APS_OK, aps_schema_make(db, kind, &t.diag), &t.diag);
    aps_db_close(db);
    /* As somebody else would change it, without our restrictions. */
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    db = NULL;
    t.diag.text[0] = '\0';
    t_want(APS_OK, aps_db_open(path, APS_DB_COPY, &db, &t.diag), &t.diag);
    enum aps_err err = aps_schema_check(db, kind, &t.diag);
    assert_true(err == APS_OK || strstr(t.diag.text, "x.db") != NULL);
    aps_db_close(db);
    return err;
}

/* CLI-10, and the reader's refusal of foreign files. */
static void only_our_tables_pass(void **state)
{
    static const struct {
        const char *sql;
        enum aps_err want;
    } cases[] = {
        {"", APS_OK},
        {"INSERT INTO role VALUES('a', 1, 0, 0, '', 0)", APS_OK},
        {"PRAGMA user_version = 6", APS_ERR_NEWER},
        {"PRAGMA user_version = 4", APS_ERR_CORRUPT},
        {"DROP TABLE api", APS_ERR_CORRUPT},
        {"PRAGMA user_version = 3", APS_ERR_CORRUPT},
        {"DROP TABLE secret_key", APS_ERR_CORRUPT},
        {"ALTER TABLE master DROP COLUMN compromised", APS_ERR_CORRUPT},
        {"PRAGMA user_version = 2", APS_ERR_CORRUPT},
        {"DROP TABLE token_gone", APS_ERR_CORRUPT},
        {"PRAGMA user_version = 1", APS_ERR_CORRUPT},
        {"PRAGMA user_version = 0", APS_ERR_CORRUPT},
        {"DROP TABLE plan", APS_ERR_CORRUPT},
        {"ALTER TABLE role DROP COLUMN plan", APS_ERR_CORRUPT},
        {"PRAGMA application_id = 1", APS_ERR_CORRUPT},
        {"DROP TABLE role", APS_ERR_CORRUPT},
        {"DROP INDEX key_name", APS_ERR_CORRUPT},
        {"CREATE TABLE more(a)", APS_ERR_CORRUPT},
        {"ALTER TABLE role ADD COLUMN more TEXT", APS_ERR_CORRUPT},
        {"DROP TABLE role; CREATE VIEW role AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n "
         "FROM r) SELECT n AS name, n AS created_at FROM r",
         APS_ERR_CORRUPT},
        {"CREATE TRIGGER t AFTER INSERT ON role BEGIN DELETE FROM key; END", APS_ERR_CORRUPT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(check_after(cases[i].sql, APS_SCHEMA_STORE), cases[i].want);
        if (strstr(cases[i].sql, "key_name") == NULL)
            assert_int_equal(check_after(cases[i].sql, APS_SCHEMA_COPY), cases[i].want);
    }
}

static void what_is_no_database_is_refused(void **state)
{
    static const char *const texts[] = {"", "no database at all, but a text of some length"};
    char page[512] = "SQLite format 3";
    enum aps_schema_kind kind = APS_SCHEMA_COPY;
    sqlite3 *db = NULL;
    (void)state;
    for (int i = 0; i < 3; i++) {
        db = NULL;
        t_write(path, i < 2 ? texts[i] : page, i < 2 ? strlen(texts[i]) : sizeof page);
        enum aps_err err = aps_db_open(path, APS_DB_COPY, &db, &t.diag);
        if (err == APS_OK)
            err = aps_schema_check(db, kind, &t.diag);
        assert_int_equal(err, APS_ERR_CORRUPT);
        aps_db_close(db);
    }
}

/* A path is a path: nothing in it is read as an option of the database's. */
static void paths_are_not_read_as_options(void **state)
{
    static const char *const names[] = {
        "a?mode=memory&vfs=none", "100% of it", "c#d", "e%41", "file:f", "g\xc3\xa4 h;i"};
    enum aps_schema_kind kind = APS_SCHEMA_COPY;
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        sqlite3 *db = NULL;
        char *name = t_path(&t, names[i]);
        t_write(name, "", 0);
        t_want(APS_OK, aps_db_open(name, APS_DB_MAKE, &db, &t.diag), &t.diag);
        t_want(APS_OK, aps_schema_make(db, kind, &t.diag), &t.diag);
        aps_db_close(db);
        db = NULL;
        t_want(APS_OK, aps_db_open(name, APS_DB_COPY, &db, &t.diag), &t.diag);
        t_want(APS_OK, aps_schema_check(db, kind, &t.diag), &t.diag);
        aps_db_close(db);
    }
    sqlite3 *db = NULL;
    assert_int_equal(aps_db_open(t_path(&t, "not there"), APS_DB_EDIT, &db, &t.diag), APS_ERR_IO);
    assert_int_equal(aps_db_open(t_path(&t, "not there"), APS_DB_COPY, &db, &t.diag), APS_ERR_IO);
    assert_int_equal(symlink("c#d", t_path(&t, "link")), 0);
    assert_int_equal(aps_db_open(t_path(&t, "link"), APS_DB_EDIT, &db, &t.diag), APS_ERR_IO);
    assert_int_equal(aps_db_open(t_path(&t, "link"), APS_DB_COPY, &db, &t.diag), APS_ERR_IO);
}

/* SEC-17: what every connection is set to. */
static void connections_are_hardened(void **state)
{
    static const struct {
        const char *sql;
        int64_t edit, copy;
    } cases[] = {
        {"PRAGMA secure_delete", 1, 0},   {"PRAGMA temp_store", 2, 2},
        {"PRAGMA mmap_size", 0, 0},       {"PRAGMA synchronous", 3, 2},
        {"PRAGMA query_only", 0, 1},      {"PRAGMA trusted_schema", 0, 0},
        {"PRAGMA cell_size_check", 1, 0},
    };
    sqlite3 *edit = NULL, *copy = NULL;
    (void)state;
    assert_int_equal(check_after("", APS_SCHEMA_STORE), APS_OK);
    t_want(APS_OK, aps_db_open(path, APS_DB_EDIT, &edit, &t.diag), &t.diag);
    t_want(APS_OK, aps_db_open(path, APS_DB_COPY, &copy, &t.diag), &t.diag);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t a = -1, b = -1;
        t_want(APS_OK, aps_db_number(edit, cases[i].sql, -1, &a, &t.diag), &t.diag);
        t_want(APS_OK, aps_db_number(copy, cases[i].sql, -1, &b, &t.diag), &t.diag);
        if (strcmp(cases[i].sql, "PRAGMA secure_delete") == 0)
            b = cases[i].copy; /* nothing is deleted there; the library's default is as good */
        assert_int_equal(a, cases[i].edit);
        assert_int_equal(b, cases[i].copy);
    }
    assert_int_not_equal(aps_db_exec(copy, "INSERT INTO role VALUES('b', 1, 0, 0, '', 0)", &t.diag),
                         APS_OK);
    aps_db_close(edit);
    aps_db_close(copy);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(only_our_tables_pass),
        T(what_is_no_database_is_refused),
        T(paths_are_not_read_as_options),
        T(connections_are_hardened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
