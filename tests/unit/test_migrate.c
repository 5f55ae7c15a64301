#include "t_store.h"

#include "../../libapisec/store/own.h"
#include "../../libapisec/store/schema.h"
#include "../ctl/preload/killat.h"

static struct t_store t;
static char *path;

/* A database of our kind with version 1: one table, one row. */
static int set_up(void **state)
{
    (void)state;
    sqlite3 *db = NULL;
    t_top(&t);
    if (mkdir(t.dir, 0700) != 0)
        return -1;
    path = t_path(&t, "x.db");
    t_write(path, "", 0);
    t_want(APS_OK, aps_db_open(path, APS_DB_MAKE, &db, &t.diag), &t.diag);
    t_want(APS_OK,
           aps_db_exec(db,
                       "PRAGMA application_id = 1095780691; PRAGMA user_version = 1;"
                       "CREATE TABLE a(x); INSERT INTO a VALUES(1)",
                       &t.diag),
           &t.diag);
    aps_db_close(db);
    assert_int_equal(APS_SCHEMA_APP_ID, 1095780691);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    t_end(&t);
    return 0;
}

static enum aps_err add_column(sqlite3 *db, void *arg, struct aps_diag *diag)
{
    (void)arg;
    return aps_db_exec(db, "ALTER TABLE a ADD COLUMN y; UPDATE a SET y = 10", diag);
}

static enum aps_err add_table(sqlite3 *db, void *arg, struct aps_diag *diag)
{
    (void)arg;
    return aps_db_exec(db, "CREATE TABLE b(z); INSERT INTO b SELECT x + y FROM a", diag);
}

static enum aps_err break_halfway(sqlite3 *db, void *arg, struct aps_diag *diag)
{
    (void)arg;
    enum aps_err err = aps_db_exec(db, "DELETE FROM a", diag);
    return err == APS_OK ? aps_db_exec(db, "INSERT INTO none VALUES(1)", diag) : err;
}

static const struct aps_migrate_step two[] = {{1, add_column}, {2, add_table}};
static const struct aps_migrate_step broken[] = {{1, add_column}, {2, break_halfway}};
static const struct aps_migrate_step gap[] = {{1, add_column}, {3, add_table}};

static enum aps_err migrate(const struct aps_migrate_step *steps, size_t n, int64_t to)
{
    sqlite3 *db = NULL;
    enum aps_err err = aps_db_open(path, APS_DB_EDIT, &db, &t.diag);
    if (err == APS_OK)
        err = aps_migrate(db, path, steps, n, NULL, to, &t.diag);
    aps_db_close(db);
    return err;
}

static int64_t ask(const char *file, const char *sql)
{
    sqlite3 *db = NULL;
    int64_t n = -1;
    t_want(APS_OK, aps_db_open(file, APS_DB_EDIT, &db, &t.diag), &t.diag);
    t_want(APS_OK, aps_db_number(db, sql, -1, &n, &t.diag), &t.diag);
    aps_db_close(db);
    return n;
}

/* CLI-10: the steps in order, in one transaction, after a backup of the old state. */
static void steps_run_in_order_after_a_backup(void **state)
{
    char *backup = t_path(&t, "x.db.before-2");
    struct stat st;
    (void)state;
    t_want(APS_OK, migrate(two, 2, 3), &t.diag);
    assert_int_equal(ask(path, "PRAGMA user_version"), 3);
    assert_int_equal(ask(path, "SELECT z FROM b"), 11);
    assert_int_equal(ask(backup, "PRAGMA user_version"), 1);
    assert_int_equal(ask(backup, "PRAGMA application_id"), APS_SCHEMA_APP_ID);
    assert_int_equal(ask(backup, "SELECT count(*) FROM sqlite_schema"), 1);
    assert_int_equal(ask(backup, "SELECT x FROM a"), 1);
    assert_int_equal(stat(backup, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void what_is_there_already_is_left_alone(void **state)
{
    (void)state;
    t_want(APS_OK, migrate(two, 2, 1), &t.diag);
    assert_int_equal(access(t_path(&t, "x.db.before-2"), F_OK), -1);
    assert_int_equal(access(t_path(&t, "x.db.before-1"), F_OK), -1);
}

/* CLI-10 */
static void a_newer_database_is_refused(void **state)
{
    (void)state;
    t_want(APS_OK, migrate(two, 2, 3), &t.diag);
    assert_int_equal(migrate(two, 1, 2), APS_ERR_NEWER);
    assert_non_null(strstr(t.diag.text, "version 3"));
    assert_int_equal(ask(path, "PRAGMA user_version"), 3);
}

/* CLI-10: a step that fails leaves the old state, all of it. */
static void a_failing_step_changes_nothing(void **state)
{
    (void)state;
    assert_int_not_equal(migrate(broken, 2, 3), APS_OK);
    assert_int_equal(ask(path, "PRAGMA user_version"), 1);
    assert_int_equal(ask(path, "SELECT count(*) FROM pragma_table_info('a')"), 1);
    assert_int_equal(ask(path, "SELECT x FROM a"), 1);
    assert_int_equal(migrate(gap, 2, 3), APS_ERR_CORRUPT);
    assert_int_equal(ask(path, "PRAGMA user_version"), 1);
    t_want(APS_OK, migrate(two, 2, 3), &t.diag); /* the backup of the first try is replaced */
    assert_int_equal(ask(path, "SELECT z FROM b"), 11);
}

static int migrate_killed_at(void *arg)
{
    killat_arm(*(long *)arg, 0, 0, 0);
    enum aps_err err = migrate(two, 2, 3);
    killat_arm(0, 0, 0, 0);
    return err == APS_OK ? 0 : 1;
}

/* CLI-10, CLI-03: killed at any call, the database is of the old version or of the new one, and
 * the next run finishes. */
static void a_kill_leaves_the_old_or_the_new_version(void **state)
{
    char *backup = t_path(&t, "x.db.before-2");
    int status = -1, old = 0, new = 0;
    for (long n = 1; status != 0; n++) {
        assert_true(n < 1000);
        assert_int_equal(tear_down(state), 0);
        assert_int_equal(set_up(state), 0);
        backup = t_path(&t, "x.db.before-2");
        status = t_child(migrate_killed_at, &n);
        assert_true(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
        int64_t version = ask(path, "PRAGMA user_version");
        assert_true(version == 1 || version == 3);
        assert_int_equal(ask(path, "SELECT count(*) FROM sqlite_schema"), version == 1 ? 1 : 2);
        if (access(backup, F_OK) == 0)
            assert_int_equal(ask(backup, "SELECT x FROM a"), 1);
        else
            assert_int_equal(version, 1); /* never without a backup */
        old += version == 1;
        new += version == 3;
        t_want(APS_OK, migrate(two, 2, 3), &t.diag);
        assert_int_equal(ask(path, "SELECT z FROM b"), 11);
    }
    assert_true(old > 10 && new > 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(steps_run_in_order_after_a_backup),
        T(what_is_there_already_is_left_alone),
        T(a_newer_database_is_refused),
        T(a_failing_step_changes_nothing),
        T(a_kill_leaves_the_old_or_the_new_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
