#include "t_store.h"

#include "../../libapisec/store/db.h"

static struct t_store t;
static struct aps_limit daily, wide;
static const struct aps_key ada = {.id = {"pnS9oNeurxtu", 12}, .owner = {"ada", 3}};
static const struct aps_key bob = {.id = {"CV0WJHgi1TwC", 12}, .owner = {"bob", 3}};

static void parse(const char *text, struct aps_limit *out)
{
    t_want(APS_OK, aps_plan_parse(t.pool, aps_str(text), out, &t.diag), &t.diag);
}

static int set_up(void **state)
{
    (void)state;
    t_init(&t);
    parse("daily quota=5/day by=user", &daily);
    parse("wide quota=5/day quota=9/month by=key", &wide);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    t_end(&t);
    return 0;
}

static struct aps_adjust grant(struct aps_store *st, const struct aps_limit *limit, size_t meter,
                               const struct aps_key *key, uint32_t n, aps_nsec until)
{
    const struct aps_store_adjust whose = {limit, &limit->meter[meter], key};
    struct aps_adjust out = {0, 0, 0};
    t_want(APS_OK, aps_store_adjust_grant(st, &whose, n, until, &out, &t.diag), &t.diag);
    return out;
}

static struct aps_adjust reset(struct aps_store *st, const struct aps_limit *limit,
                               const struct aps_key *key)
{
    const struct aps_store_adjust whose = {limit, NULL, key};
    struct aps_adjust out = {0, 0, 0};
    t_want(APS_OK, aps_store_adjust_reset(st, &whose, &out, &t.diag), &t.diag);
    return out;
}

static uint32_t bonus(const struct aps_adjusts *book, const struct aps_limit *limit, size_t meter,
                      const struct aps_key *key)
{
    return aps_adjusts_bonus(book, limit, &limit->meter[meter], key, T_NOW);
}

/* What httpd reads is what was granted. */
static void a_snapshot_has_what_was_granted(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    const struct aps_adjusts *book;
    struct aps_snapshot *snap;
    (void)state;
    assert_int_equal(grant(st, &daily, 0, &ada, 10, T_NOW + APS_HOUR).bonus, 10);
    assert_int_equal(grant(st, &daily, 0, &ada, 5, T_NOW + APS_HOUR).bonus, 15);
    assert_int_equal(grant(st, &wide, 1, &ada, 3, T_NOW + APS_DAY).bonus, 3);
    assert_int_equal(reset(st, &daily, &bob).epoch, 1);
    assert_int_equal(reset(st, &daily, &bob).epoch, 2);
    t_commit(&t, st);

    snap = t_snapshot(&t);
    book = aps_snapshot_adjusts(snap);
    assert_int_equal(aps_adjusts_count(book), 3);
    assert_int_equal(bonus(book, &daily, 0, &ada), 15);
    assert_int_equal(bonus(book, &daily, 0, &bob), 0);
    assert_int_equal(bonus(book, &wide, 0, &ada), 0);
    assert_int_equal(bonus(book, &wide, 1, &ada), 3);
    assert_int_equal(aps_adjusts_epoch(book, &daily, &bob), 2);
    assert_int_equal(aps_adjusts_epoch(book, &daily, &ada), 0);
    aps_snapshot_close(snap);
}

/* Nothing is carried over from a period to the next, and what has ended takes no room. */
static void a_bonus_ends_with_its_period(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_adjusts *book = NULL;
    (void)state;
    assert_int_equal(grant(st, &daily, 0, &ada, 10, T_NOW + APS_HOUR).bonus, 10);
    assert_int_equal(grant(st, &daily, 0, &ada, 2, T_NOW + 2 * APS_HOUR).bonus, 2);
    t_commit(&t, st);
    st = t_open(&t, T_NOW + 2 * APS_HOUR);
    assert_int_equal(reset(st, &daily, &bob).epoch, 1);
    t_want(APS_OK, aps_store_adjusts(st, t.pool, &book, &t.diag), &t.diag);
    assert_int_equal(aps_adjusts_count(book), 1);
    aps_store_close(st);
}

static void a_reset_takes_bonuses_with_it(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_adjusts *book = NULL;
    (void)state;
    (void)grant(st, &daily, 0, &ada, 10, T_NOW + APS_HOUR);
    (void)grant(st, &wide, 0, &ada, 10, T_NOW + APS_HOUR);
    (void)grant(st, &wide, 1, &ada, 10, T_NOW + APS_HOUR);
    (void)grant(st, &wide, 1, &bob, 10, T_NOW + APS_HOUR);
    (void)reset(st, &daily, &ada);
    (void)reset(st, &wide, &ada);
    t_want(APS_OK, aps_store_adjusts(st, t.pool, &book, &t.diag), &t.diag);
    assert_int_equal(bonus(book, &daily, 0, &ada), 0);
    assert_int_equal(bonus(book, &wide, 0, &ada) + bonus(book, &wide, 1, &ada), 0);
    assert_int_equal(bonus(book, &wide, 1, &bob), 10);
    aps_store_close(st);
}

static void what_cannot_be_adjusted_is_refused(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_limit all;
    struct aps_store_adjust whose = {&all, NULL, &ada};
    (void)state;
    parse("all quota=5/day by=route", &all);
    assert_int_equal(aps_store_adjust_reset(st, &whose, NULL, &t.diag), APS_ERR_CONFLICT);
    assert_non_null(strstr(t.diag.text, "by no caller"));
    whose = (struct aps_store_adjust){&daily, &daily.meter[0], &ada};
    assert_int_equal(aps_store_adjust_grant(st, &whose, 0, T_NOW + 1, NULL, &t.diag),
                     APS_ERR_RANGE);
    (void)grant(st, &daily, 0, &ada, APS_NUM_COUNT_MAX, T_NOW + 1);
    assert_int_equal(aps_store_adjust_grant(st, &whose, 1, T_NOW + 1, NULL, &t.diag),
                     APS_ERR_RANGE);
    aps_store_close(st);
}

/* Each is in every copy: there is a bound, which is told, and whoever has one keeps it. */
static void there_is_a_bound(void **state)
{
    struct aps_store_adjust whose = {&daily, NULL, &bob};
    struct aps_store *st;
    sqlite3 *db = NULL;
    (void)state;
    assert_int_equal(APS_STORE_ADJUST_MAX, 100000);
    t_want(APS_OK, aps_db_open(t_path(&t, "store.db"), APS_DB_EDIT, &db, &t.diag), &t.diag);
    t_want(APS_OK,
           aps_db_exec(db,
                       "INSERT INTO adjust WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL"
                       " SELECT i + 1 FROM n WHERE i < 99999)"
                       " SELECT 'daily', 'user', printf('key %012d', i), 0, 0, 1 FROM n",
                       &t.diag),
           &t.diag);
    aps_db_close(db);
    st = t_open(&t, T_NOW);
    assert_int_equal(aps_store_adjust_reset(st, &whose, NULL, &t.diag), APS_ERR_CONFLICT);
    assert_non_null(strstr(t.diag.text, "100000"));
    whose.key = &(struct aps_key){.id = {"000000000005", 12}};
    t_want(APS_OK, aps_store_adjust_reset(st, &whose, NULL, &t.diag), &t.diag);
    aps_store_close(st);
}

/* Nobody gets the id of a key again, so that what it alone got is of no use. */
static void a_deleted_key_leaves_nothing(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_adjusts *book = NULL;
    struct aps_secret text = {0};
    struct aps_key key = t_create(&t, st, "a", NULL, &text),
                   other = t_create(&t, st, "b", NULL, &text);
    (void)state;
    aps_secret_wipe(&text);
    (void)reset(st, &wide, &key);
    (void)reset(st, &daily, &key);
    (void)reset(st, &wide, &other);
    (void)reset(st, &daily, &ada);
    t_want(APS_OK, aps_store_key_revoke(st, key.id, aps_str(NULL), &t.diag), &t.diag);
    t_want(APS_OK, aps_store_key_delete(st, key.id, &t.diag), &t.diag);
    t_want(APS_OK, aps_store_adjusts(st, t.pool, &book, &t.diag), &t.diag);
    assert_int_equal(aps_adjusts_count(book), 2);
    assert_int_equal(aps_adjusts_epoch(book, &wide, &other), 1);
    assert_int_equal(aps_adjusts_epoch(book, &daily, &ada), 1);
    aps_store_close(st);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_snapshot_has_what_was_granted),
        T(a_bonus_ends_with_its_period),
        T(a_reset_takes_bonuses_with_it),
        T(what_cannot_be_adjusted_is_refused),
        T(there_is_a_bound),
        T(a_deleted_key_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
