#include "t_store.h"

#include <apr_strings.h>
#include <sqlite3.h>

#include "apisec/survey.h"

static struct t_store t;

static int set_up(void **state)
{
    struct aps_store *st;
    struct aps_secret text = {0};

    (void)state;
    t_init(&t);
    st = t_open(&t, T_NOW + APS_SEC);
    t_want(APS_OK, aps_store_role_create(st, APS_STR_LIT("reader"), &t.diag), &t.diag);
    (void)t_create(&t, st, "shop", "reader", &text);
    aps_secret_wipe(&text);
    t_commit(&t, st);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    t_end(&t);
    return 0;
}

static void change(const char *sql)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(t_path(&t, "store.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static struct aps_store *look(void)
{
    struct aps_store *st = NULL;

    t_want(APS_OK, aps_survey_open(t.dir, T_NOW, &st, &t.diag), &t.diag);
    t_want(APS_OK, aps_survey_check_master(st, &t.master, &t.diag), &t.diag);
    return st;
}

/* ---- opening ---- */

/* CLI-12 */
static void opens_nothing_that_others_change_and_changes_nothing_itself(void **state)
{
    struct aps_store *st = NULL;
    struct aps_str before, after;

    (void)state;
    t_want(APS_ERR_NOT_FOUND, aps_survey_open("/nowhere/at/all", T_NOW, &st, &t.diag), &t.diag);
    assert_int_equal(chmod(t_path(&t, "store.db"), 0666), 0);
    t_want(APS_ERR_UNSAFE, aps_survey_open(t.dir, T_NOW, &st, &t.diag), &t.diag);
    assert_int_equal(chmod(t_path(&t, "store.db"), 0600), 0);
    before = t_read(&t, t_path(&t, "store.db"));
    aps_store_close(look());
    after = t_read(&t, t_path(&t, "store.db"));
    assert_true(aps_str_eq(before, after));
}

/* CLI-12, CLI-10 */
static void tells_what_is_older_newer_or_nothing(void **state)
{
    static const struct {
        const char *sql;
        enum aps_err want;
    } cases[] = {
        {"PRAGMA user_version = 1", APS_ERR_CONFLICT},
        {"PRAGMA user_version = 99", APS_ERR_NEWER},
        {"PRAGMA user_version = 0", APS_ERR_CORRUPT},
        {"PRAGMA application_id = 7", APS_ERR_CORRUPT},
    };
    struct aps_store *st = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        change(cases[i].sql);
        t_want(cases[i].want, aps_survey_open(t.dir, T_NOW, &st, &t.diag), &t.diag);
        assert_null(st);
    }
}

/* SEC-16 */
static void knows_the_master_key(void **state)
{
    struct aps_secret other = {0};
    struct aps_store *st = NULL;

    (void)state;
    t_want(APS_OK, aps_survey_open(t.dir, T_NOW, &st, &t.diag), &t.diag);
    assert_int_equal(aps_secret_new(APS_MASTER_LEN, &other), APS_OK);
    memset(other.b, 7, other.n);
    t_want(APS_ERR_KEY, aps_survey_check_master(st, &other, &t.diag), &t.diag);
    t_want(APS_OK, aps_survey_check_master(st, &t.master, &t.diag), &t.diag);
    aps_store_close(st);
    aps_secret_wipe(&other);
}

/* ---- what is damaged ---- */

/* The first page of a table that nothing needs for opening. */
static int root_of(const char *table)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = NULL;
    int root;

    assert_int_equal(sqlite3_open(t_path(&t, "store.db"), &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT rootpage FROM sqlite_schema WHERE name = ?", -1, &q, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_bind_text(q, 1, table, -1, SQLITE_STATIC), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    root = sqlite3_column_int(q, 0);
    assert_int_equal(sqlite3_finalize(q), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return root;
}

static void count_text(void *arg, struct aps_str text)
{
    (void)text;
    ++*(int *)arg;
}

/* CLI-12 */
static void finds_pages_that_are_damaged(void **state)
{
    struct aps_str file = t_read(&t, t_path(&t, "store.db"));
    char *bytes = apr_pmemdup(t.pool, file.p, file.n);
    const unsigned char *size = (const unsigned char *)file.p + 16; /* as SQLite's head has it */
    const size_t page = (size_t)size[0] << 8 | size[1];
    const size_t at = ((size_t)root_of("certificate") - 1) * page;
    struct aps_store *st = look();
    int faults = 0;

    (void)state;
    t_want(APS_OK, aps_survey_integrity(st, count_text, &faults, &t.diag), &t.diag);
    assert_int_equal(faults, 0);
    aps_store_close(st);
    assert_true(at + page <= file.n);
    memset(bytes + at, 0xff, page);
    t_write(t_path(&t, "store.db"), bytes, file.n);
    st = look();
    if (aps_survey_integrity(st, count_text, &faults, &t.diag) == APS_OK)
        assert_int_not_equal(faults, 0);
    assert_true(faults <= 10);
    aps_store_close(st);
}

struct keys {
    int whole, damaged;
};

static void count_key(void *arg, struct aps_str id, const struct aps_key *key)
{
    struct keys *keys = arg;

    assert_int_not_equal(id.n, 0);
    if (key == NULL)
        keys->damaged++;
    else
        keys->whole++;
}

/* CLI-12 */
static void goes_on_behind_a_damaged_record(void **state)
{
    struct keys keys = {0, 0};
    struct aps_store *st;

    (void)state;
    change("INSERT INTO key VALUES('AAAAAAAAAAAA', 'first', x'00'), ('zzzzzzzzzzzz', 'last', x'')");
    st = look();
    t_want(APS_OK, aps_survey_keys(st, count_key, &keys, &t.diag), &t.diag);
    assert_int_equal(keys.whole, 1);
    assert_int_equal(keys.damaged, 2);
    aps_store_close(st);
}

static void note_link(void *arg, enum aps_survey_link link, struct aps_str name,
                      struct aps_str target)
{
    int *seen = arg;

    assert_int_not_equal(name.n, 0);
    assert_true(target.n != 0 || link == APS_SURVEY_ROLE_GRANT || link == APS_SURVEY_PLAN_EMPTY);
    seen[link]++;
}

/* CLI-12 */
static void finds_what_names_what_is_not_there(void **state)
{
    static const char *const sql[APS_SURVEY_LINK_COUNT] = {
        [APS_SURVEY_ROLE_PARENT] = "INSERT INTO role_parent VALUES('reader', 'gone')",
        [APS_SURVEY_ROLE_GRANT] = "INSERT INTO role_grant VALUES('gone', 'GET /x', 0)",
        [APS_SURVEY_ROLE_PLAN] = "UPDATE role SET plan = 'gone'",
        [APS_SURVEY_PLAN_EMPTY] = "INSERT INTO plan VALUES('bare', '', 1)",
        [APS_SURVEY_SIGNER] = "INSERT INTO signer VALUES('a', 'gone', 'ed25519', x'00', 1, 0)",
        [APS_SURVEY_CERTIFICATE] = "INSERT INTO certificate VALUES('san:dns:a.example', 'gone', 1)",
    };

    (void)state;
    for (int i = 0; i < APS_SURVEY_LINK_COUNT; i++) {
        int seen[APS_SURVEY_LINK_COUNT] = {0};
        struct aps_store *st;

        change(sql[i]);
        st = look();
        t_want(APS_OK, aps_survey_links(st, note_link, seen, &t.diag), &t.diag);
        for (int k = 0; k < APS_SURVEY_LINK_COUNT; k++)
            assert_int_equal(seen[k], k <= i ? 1 : 0);
        aps_store_close(st);
    }
}

/* ---- what is sealed ---- */

struct masters {
    int own, other;
};

static void count_master(void *arg, struct aps_str id, aps_nsec created_at, bool is_own)
{
    struct masters *m = arg;

    assert_int_equal(id.n, APS_STORE_MASTER_ID_LEN / 2);
    assert_true(created_at > 0);
    m->own += is_own;
    m->other += !is_own;
}

/* SEC-05, SEC-06 */
static void tells_the_masters_and_the_newest_pepper(void **state)
{
    struct masters m = {0, 0};
    struct aps_store *st;
    uint32_t pepper = 0;
    aps_nsec at = 0;

    (void)state;
    change("INSERT INTO master SELECT x'0001020304050607', check_value, mac, 1, 0, 0 FROM master");
    st = look();
    t_want(APS_OK, aps_survey_masters(st, count_master, &m, &t.diag), &t.diag);
    assert_int_equal(m.own, 1);
    assert_int_equal(m.other, 1);
    t_want(APS_OK, aps_survey_pepper(st, &pepper, &t.diag), &t.diag);
    assert_int_equal(pepper, 1);
    t_want(APS_OK, aps_survey_changed_at(st, &at, &t.diag), &t.diag);
    assert_true(at == T_NOW + APS_SEC);
    assert_non_null(strchr(aps_survey_sqlite(), '.'));
    aps_store_close(st);
}

/* SEC-03, SEC-05 */
static void opens_all_that_is_sealed(void **state)
{
    static const char *const purposes[] = {"pepper", "audit", "address", "lookup"};
    struct aps_store *st = look();

    (void)state;
    t_want(APS_OK, aps_survey_wrapped(st, &t.diag), &t.diag);
    t_want(APS_OK, aps_survey_secrets(st, &t.diag), &t.diag);
    aps_store_close(st);
    for (size_t i = 0; i < sizeof purposes / sizeof *purposes; i++) {
        change(apr_pstrcat(t.pool, "UPDATE wrapped SET blob = x'00' WHERE purpose = '", purposes[i],
                           "'", NULL));
        st = look();
        t_want(APS_ERR_CORRUPT, aps_survey_wrapped(st, &t.diag), &t.diag);
        aps_store_close(st);
        (void)tear_down(NULL);
        (void)set_up(NULL);
    }
}

/* SEC-03, SEC-05 */
static void names_a_secret_that_does_not_open(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW + 2 * APS_SEC);
    struct aps_store_named to = {.name = APS_STR_LIT("ledger")};

    (void)state;
    t_want(APS_OK, aps_store_named_set(st, &to, APS_STR_LIT("password"), &t.diag), &t.diag);
    t_commit(&t, st);
    st = look();
    t_want(APS_OK, aps_survey_secrets(st, &t.diag), &t.diag);
    aps_store_close(st);
    change("UPDATE secret_version SET blob = zeroblob(length(blob))");
    st = look();
    t_want(APS_ERR_CORRUPT, aps_survey_secrets(st, &t.diag), &t.diag);
    assert_non_null(strstr(t.diag.text, "ledger"));
    aps_store_close(st);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(opens_nothing_that_others_change_and_changes_nothing_itself),
        T(tells_what_is_older_newer_or_nothing),
        T(knows_the_master_key),
        T(finds_pages_that_are_damaged),
        T(goes_on_behind_a_damaged_record),
        T(finds_what_names_what_is_not_there),
        T(tells_the_masters_and_the_newest_pepper),
        T(opens_all_that_is_sealed),
        T(names_a_secret_that_does_not_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
