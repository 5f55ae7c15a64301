#include "t_store.h"

static struct t_store t;
static struct aps_store *st;

static int set_up(void **state)
{
    (void)state;
    t_init(&t);
    st = t_open(&t, T_NOW);
    t_want(APS_OK, aps_store_role_create(st, APS_STR_LIT("a"), &t.diag), &t.diag);
    t_want(APS_OK, aps_store_role_create(st, APS_STR_LIT("b"), &t.diag), &t.diag);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    aps_store_close(st);
    t_end(&t);
    return 0;
}

static enum aps_err set(const char *role, aps_nsec max_age, aps_nsec warn)
{
    return aps_store_age_set(st, aps_str(role), &(struct aps_store_age){max_age, warn}, &t.diag);
}

static void expect(const char *role, aps_nsec max_age, aps_nsec warn)
{
    struct aps_store_age age = {-1, -1};

    t_want(APS_OK, aps_store_age_get(st, aps_str(role), &age, &t.diag), &t.diag);
    assert_true(age.max_age == max_age && age.warn == warn);
}

static void a_role_asks_for_nothing_at_first(void **state)
{
    (void)state;
    expect("a", 0, 0);
}

static void what_is_set_is_kept(void **state)
{
    (void)state;
    t_want(APS_OK, set("a", 90 * APS_DAY, 14 * APS_DAY), &t.diag);
    t_want(APS_OK, set("b", 0, APS_DAY), &t.diag); /* of the expiry alone */
    t_want(APS_OK, aps_store_commit(st, &t.diag), &t.diag);
    aps_store_close(st);
    st = t_open(&t, T_NOW + 1);
    expect("a", 90 * APS_DAY, 14 * APS_DAY);
    expect("b", 0, APS_DAY);
    t_want(APS_OK, set("a", 0, 0), &t.diag);
    expect("a", 0, 0);
}

static void bad_ages_are_refused(void **state)
{
    static const struct {
        aps_nsec max_age, warn;
        enum aps_err err;
    } cases[] = {
        {APS_DAY, APS_DAY - 1, APS_OK},
        {APS_DAY, APS_DAY, APS_ERR_RANGE},
        {APS_DAY, APS_DAY + 1, APS_ERR_RANGE},
        {-1, 0, APS_ERR_RANGE},
        {0, -1, APS_ERR_RANGE},
        {INT64_MAX, INT64_MAX - 1, APS_OK},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(set("a", cases[i].max_age, cases[i].warn), cases[i].err);
    assert_int_equal(set("none", APS_DAY, 0), APS_ERR_NOT_FOUND);
    assert_int_equal(
        aps_store_age_get(st, APS_STR_LIT("none"), &(struct aps_store_age){0, 0}, &t.diag),
        APS_ERR_NOT_FOUND);
    assert_int_equal(set("a", 30 * APS_DAY, 90 * APS_DAY), APS_ERR_RANGE);
    assert_non_null(strstr(t.diag.text, "90d is not shorter than the age of 30d"));
}

static enum aps_err collect(void *arg, struct aps_str role, const struct aps_store_age *age)
{
    char *text = arg;

    (void)snprintf(text + strlen(text), 64 - strlen(text), "%.*s %lld %lld;", APS_STR_ARG(role),
                   (long long)(age->max_age / APS_DAY), (long long)(age->warn / APS_DAY));
    return APS_OK;
}

static enum aps_err stop(void *arg, struct aps_str role, const struct aps_store_age *age)
{
    (void)arg, (void)role, (void)age;
    return APS_ERR_CONFLICT;
}

static void those_that_ask_are_listed(void **state)
{
    char text[64] = "";

    (void)state;
    t_want(APS_OK, aps_store_age_each(st, collect, text, &t.diag), &t.diag);
    assert_string_equal(text, "");
    t_want(APS_OK, set("b", 0, 2 * APS_DAY), &t.diag);
    t_want(APS_OK, aps_store_role_create(st, APS_STR_LIT("aa"), &t.diag), &t.diag);
    t_want(APS_OK, set("aa", 3 * APS_DAY, 0), &t.diag);
    t_want(APS_OK, aps_store_age_each(st, collect, text, &t.diag), &t.diag);
    assert_string_equal(text, "aa 3 0;b 0 2;");
    assert_int_equal(aps_store_age_each(st, stop, NULL, &t.diag), APS_ERR_CONFLICT);
}

static enum aps_err last_change(void *arg, const struct aps_change *change)
{
    (void)snprintf(arg, 256, "%.*s %.*s %.*s", APS_STR_ARG(change->subject),
                   APS_STR_ARG(change->old_json), APS_STR_ARG(change->new_json));
    return APS_OK;
}

/* CLI-03 */
static void a_change_is_logged(void **state)
{
    char text[256] = "";

    (void)state;
    t_want(APS_OK, set("a", 90 * APS_DAY, 36 * APS_HOUR), &t.diag);
    t_want(APS_OK, aps_store_change_each(st, 0, last_change, text, &t.diag), &t.diag);
    assert_string_equal(text, "a {\"role\":\"a\",\"max_age\":\"none\",\"warn\":\"none\"} "
                              "{\"role\":\"a\",\"max_age\":\"90d\",\"warn\":\"36h\"}");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_role_asks_for_nothing_at_first), T(what_is_set_is_kept), T(bad_ages_are_refused),
        T(those_that_ask_are_listed),        T(a_change_is_logged),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
