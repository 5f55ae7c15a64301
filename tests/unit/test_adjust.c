#include "t.h"

#include <apr_general.h>

#include "apisec/adjust.h"

static apr_pool_t *pool;

static int set_up(void **state)
{
    (void)state;
    return apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS;
}

static int tear_down(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}

static const struct aps_key ada = {
    .id = {"pnS9oNeurxtu", 12}, .owner = {"ada", 3}, .org = {"acme", 4}};
static const struct aps_key bob = {.id = {"CV0WJHgi1TwC", 12}, .owner = {"bob", 3}};
static const struct aps_key nobody = {.id = {"XVI7c06lzdl3", 12}};

/* Whom a limit counts, at its own level: LIM-11. */
static void callers_have_a_text(void **state)
{
    static const struct {
        unsigned by;
        const struct aps_key *key;
        const char *want;
    } rows[] = {
        {APS_LIMIT_BY_KEY, &ada, "key pnS9oNeurxtu"},
        {APS_LIMIT_BY_USER, &ada, "user ada"},
        {APS_LIMIT_BY_USER, &nobody, "key XVI7c06lzdl3"},
        {APS_LIMIT_BY_ORG, &ada, "org acme"},
        {APS_LIMIT_BY_ORG, &bob, "user bob"},
        {APS_LIMIT_BY_ORG, &nobody, "key XVI7c06lzdl3"},
        {APS_LIMIT_BY_USER | APS_LIMIT_BY_ORG, &ada, "user ada\norg acme"},
        {APS_LIMIT_BY_KEY | APS_LIMIT_BY_ROUTE, &ada, "key pnS9oNeurxtu"},
        {APS_LIMIT_BY_CALLER | APS_LIMIT_BY_ROUTE, &ada, "key pnS9oNeurxtu\nuser ada\norg acme"},
        {APS_LIMIT_BY_ROUTE, &ada, ""},
        {APS_LIMIT_BY_IP, &ada, ""},
        {0, &ada, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[APS_ADJUST_WHO_MAX];
        struct aps_str who = aps_adjust_who(rows[i].by, rows[i].key, out);
        if (!aps_str_eq(who, aps_str(rows[i].want)))
            fail_msg("%zu: %.*s", i, APS_STR_ARG(who));
    }
}

/* However long they are, nothing is written past the room for them. */
static void long_texts_are_cut(void **state)
{
    static char text[4096];
    const struct aps_key key = {.id = {text, 12}, .owner = {text, 4096}, .org = {text, 4096}};
    char out[APS_ADJUST_WHO_MAX];
    (void)state;
    memset(text, 'x', sizeof text);
    assert_int_equal(aps_adjust_who(APS_LIMIT_BY_CALLER, &key, out).n,
                     4 + 12 + 1 + 5 + 128 + 1 + 4 + 128);
}

static struct aps_limit parsed(const char *text)
{
    struct aps_limit limit;
    struct aps_diag diag = {""};
    if (aps_limit_parse(pool, aps_str(text), &limit, &diag) != APS_OK)
        fail_msg("%s: %s", text, diag.text);
    return limit;
}

static void add(struct aps_adjusts *book, const char *name, const char *by, const char *who,
                struct aps_adjust adjust)
{
    aps_adjusts_add(book, aps_str(name), aps_str(by), aps_str(who), &adjust);
}

/* Each is found for its limit, level and caller, and for no other. */
static void adjustments_are_of_one_caller_of_one_limit(void **state)
{
    struct aps_adjusts *book = aps_adjusts_new(pool);
    struct aps_limit daily = parsed("daily quota=5/day by=user");
    struct aps_limit by_key = parsed("daily quota=5/day by=key");
    struct aps_limit route = parsed("daily quota=5/day by=user+route");
    struct aps_limit other = parsed("other quota=5/day by=user");
    struct aps_limit all = parsed("daily quota=5/day by=route");
    (void)state;
    assert_int_equal(aps_adjusts_count(book), 0);
    assert_int_equal(aps_adjusts_epoch(book, &daily, &ada), 0);
    add(book, "daily", "user", "user ada", (struct aps_adjust){1000, 50, 3});
    add(book, "daily", "user+route", "user bob", (struct aps_adjust){0, 0, 9});
    assert_int_equal(aps_adjusts_count(book), 2);
    assert_int_equal(aps_adjusts_epoch(book, &daily, &ada), 3);
    assert_int_equal(aps_adjusts_epoch(book, &daily, &bob), 0);
    assert_int_equal(aps_adjusts_epoch(book, &daily, &nobody), 0);
    assert_int_equal(aps_adjusts_epoch(book, &by_key, &ada), 0);
    assert_int_equal(aps_adjusts_epoch(book, &route, &ada), 0);
    assert_int_equal(aps_adjusts_epoch(book, &route, &bob), 9);
    assert_int_equal(aps_adjusts_epoch(book, &other, &ada), 0);
    assert_int_equal(aps_adjusts_epoch(book, &all, &ada), 0);
    assert_int_equal(aps_adjusts_bonus(book, &daily, &daily.meter[0], &ada, 49), 1000);
    assert_int_equal(aps_adjusts_bonus(book, &daily, &daily.meter[0], &ada, 50), 0); /* over */
    assert_int_equal(aps_adjusts_bonus(book, &daily, &daily.meter[0], &bob, 49), 0);
}

/* Of a limit with several meters a bonus is of one quota, and the count begins anew for all. */
static void a_bonus_is_of_one_quota(void **state)
{
    struct aps_adjusts *book = aps_adjusts_new(pool);
    struct aps_limit limit = parsed("a quota=5/day quota=9/month rate=1/s by=key");
    (void)state;
    add(book, "a-day", "key", "key pnS9oNeurxtu", (struct aps_adjust){7, 50, 0});
    add(book, "a-s", "key", "key pnS9oNeurxtu", (struct aps_adjust){8, 50, 0}); /* no quota */
    add(book, "a", "key", "key pnS9oNeurxtu", (struct aps_adjust){0, 0, 2});
    for (size_t i = 0; i < limit.n; i++)
        assert_int_equal(aps_adjusts_bonus(book, &limit, &limit.meter[i], &ada, 1),
                         aps_str_eq(limit.meter[i].name, APS_STR_LIT("a-day")) ? 7 : 0);
    assert_int_equal(aps_adjusts_epoch(book, &limit, &ada), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(callers_have_a_text),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(adjustments_are_of_one_caller_of_one_limit),
        cmocka_unit_test(a_bonus_is_of_one_quota),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
