#include "t_store.h"

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

static enum aps_err create(struct aps_store *st, const char *name, const char *limit)
{
    struct aps_str limits[] = {aps_str(limit), APS_STR_LIT("daily rate=1000/d by=user")};
    return aps_store_plan_create(st, aps_str(name), APS_STR_LIT("for all"), limits, 2, &t.diag);
}

static enum aps_err put(struct aps_store *st, const char *name, const char *limit)
{
    struct aps_str text = aps_str(limit);
    struct aps_store_plan_change change = {.nput = 1, .put = &text};
    return aps_store_plan_set(st, aps_str(name), &change, &t.diag);
}

static enum aps_err drop(struct aps_store *st, const char *name, const char *limit)
{
    struct aps_str text = aps_str(limit);
    struct aps_store_plan_change change = {.ndrop = 1, .drop = &text};
    return aps_store_plan_set(st, aps_str(name), &change, &t.diag);
}

static struct aps_store_plan get(struct aps_store *st, const char *name)
{
    struct aps_store_plan plan = {.n = 0};
    t_want(APS_OK, aps_store_plan_get(st, aps_str(name), t.pool, &plan, &t.diag), &t.diag);
    return plan;
}

static void a_plan_is_what_was_put_into_it(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_store_plan plan;
    (void)state;
    t_want(APS_OK, create(st, "gold", "calls by=key rate=60/m"), &t.diag);
    assert_int_equal(create(st, "gold", "calls rate=1/s by=key"), APS_ERR_EXISTS);
    assert_int_equal(create(st, "none", "calls rate=1/s by=key"), APS_ERR_FORMAT);
    assert_int_equal(create(st, "a b", "calls rate=1/s by=key"), APS_ERR_FORMAT);
    assert_int_equal(create(st, "other", "daily rate=1/s by=key"), APS_ERR_FORMAT); /* twice */
    t_commit(&t, st);

    st = t_open(&t, T_NOW + APS_SEC);
    plan = get(st, "gold");
    assert_true(aps_str_eq(plan.description, APS_STR_LIT("for all")));
    assert_int_equal(plan.created_at, T_NOW);
    assert_int_equal(plan.n, 2);
    assert_true(aps_str_eq(plan.limits[0].text, APS_STR_LIT("calls rate=60/m by=key")));
    assert_true(aps_str_eq(plan.limits[1].name, APS_STR_LIT("daily")));
    assert_int_equal(plan.limits[0].nearlier, 0);
    assert_int_equal(aps_store_plan_get(st, APS_STR_LIT("other"), t.pool, &plan, &t.diag),
                     APS_ERR_NOT_FOUND);
    aps_store_close(st);
}

/* Each definition has a number that none had before, also one that comes back. */
static void editions_are_never_given_twice(void **state)
{
    static const char *const texts[] = {"calls rate=2/s by=key", "calls rate=1/s by=key",
                                        "calls rate=2/s by=key", "calls rate=1/s by=key"};
    uint64_t last;
    struct aps_store *st = t_open(&t, T_NOW);
    (void)state;
    t_want(APS_OK, create(st, "gold", "calls rate=1/s by=key"), &t.diag);
    last = get(st, "gold").limits[0].edition;
    assert_true(last > 0);
    for (int i = 0; i < 4; i++) {
        t_want(APS_OK, put(st, "gold", texts[i]), &t.diag);
        assert_true(get(st, "gold").limits[0].edition > last);
        last = get(st, "gold").limits[0].edition;
        t_want(APS_OK, put(st, "gold", texts[i]), &t.diag); /* no edit */
        assert_true(get(st, "gold").limits[0].edition == last);
    }
    t_want(APS_OK, drop(st, "gold", "calls"), &t.diag);
    t_want(APS_OK, put(st, "gold", texts[3]), &t.diag);
    assert_true(get(st, "gold").limits[1].edition > last); /* now the last one */
    assert_int_equal(get(st, "gold").limits[1].nearlier, APS_PLAN_EARLIER_MAX);
    assert_int_equal(get(st, "gold").limits[1].earlier[0].changed_at, T_NOW);
    aps_store_close(st);
}

static void what_cannot_matter_any_more_is_dropped(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_store_plan plan;
    (void)state;
    t_want(APS_OK, create(st, "gold", "calls rate=1/s by=key"), &t.diag);
    t_want(APS_OK, put(st, "gold", "calls rate=5/h by=key"), &t.diag);
    t_want(APS_OK, put(st, "gold", "calls rate=6/h by=key"), &t.diag);
    plan = get(st, "gold");
    assert_int_equal(plan.limits[0].nearlier, 2);
    assert_int_equal(plan.limits[0].earlier[0].until, T_NOW + APS_HOUR);
    /* However short: every process has to hear of it first. */
    assert_int_equal(plan.limits[0].earlier[1].until, T_NOW + 5 * APS_MINUTE);
    t_commit(&t, st);

    st = t_open(&t, T_NOW + 5 * APS_MINUTE);
    t_want(APS_OK, put(st, "gold", "more rate=1/s by=key"), &t.diag);
    plan = get(st, "gold");
    assert_int_equal(plan.limits[0].nearlier, 1);
    assert_true(aps_str_eq(plan.limits[0].earlier[0].text, APS_STR_LIT("calls rate=5/h by=key")));
    aps_store_close(st);
}

/* All of a change or none. */
static void a_change_with_a_fault_is_none(void **state)
{
    struct aps_str texts[] = {APS_STR_LIT("calls rate=9/s by=key"),
                              APS_STR_LIT("more rate=1/s by=ip")};
    struct aps_str names[] = {APS_STR_LIT("calls"), APS_STR_LIT("daily")};
    const struct {
        struct aps_store_plan_change change;
        enum aps_err want;
    } rows[] = {
        {{.nput = 2, .put = texts}, APS_ERR_FORMAT},
        {{.nput = 1, .put = texts, .ndrop = 1, .drop = names}, APS_ERR_FORMAT},
        {{.ndrop = 2, .drop = names}, APS_ERR_CONFLICT},
        {{.ndrop = 1, .drop = texts}, APS_ERR_NOT_FOUND},
        {{.describes = true, .description = APS_STR_LIT("a\nb"), .nput = 1, .put = texts},
         APS_ERR_FORMAT},
    };
    (void)state;
    struct aps_store *st = t_open(&t, T_NOW);
    t_want(APS_OK, create(st, "gold", "calls rate=1/s by=key"), &t.diag);
    t_commit(&t, st);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        st = t_open(&t, T_NOW);
        assert_int_equal(aps_store_plan_set(st, APS_STR_LIT("gold"), &rows[i].change, &t.diag),
                         rows[i].want);
        aps_store_close(st);
        st = t_open(&t, T_NOW);
        assert_int_equal(get(st, "gold").n, 2);
        assert_true(
            aps_str_eq(get(st, "gold").limits[0].text, APS_STR_LIT("calls rate=1/s by=key")));
        aps_store_close(st);
    }
}

static enum aps_err give(struct aps_store *st, const char *role, const char *plan)
{
    struct aps_store_role_plan to = {aps_str(plan), 3};
    return aps_store_role_plan_set(st, aps_str(role), &to, &t.diag);
}

static struct aps_key key_with(struct aps_store *st, const char *name, const char *plan)
{
    struct aps_str role = APS_STR_LIT("reader");
    struct aps_key_change c = {
        .set = APS_KEY_F_NAME | APS_KEY_F_ROLES | APS_KEY_F_PLAN,
        .to = {.name = aps_str(name), .plan = aps_str(plan), .roles = &role, .nroles = 1}};
    struct aps_secret text = {0};
    struct aps_key key = {0};
    t_want(APS_OK, aps_store_key_create(st, &c, t.pool, &key, &text, &t.diag), &t.diag);
    aps_secret_wipe(&text);
    return key;
}

static void what_is_used_is_counted_and_kept(void **state)
{
    const struct aps_store_plan_use *uses = NULL;
    struct aps_secret text = {0};
    size_t n = 0;
    struct aps_store *st = t_open(&t, T_NOW);
    (void)state;
    t_want(APS_OK, create(st, "gold", "calls rate=1/s by=key"), &t.diag);
    t_want(APS_OK, create(st, "silver", "calls rate=1/s by=key"), &t.diag);
    t_want(APS_OK, aps_store_role_create(st, APS_STR_LIT("reader"), &t.diag), &t.diag);
    t_want(APS_OK, give(st, "reader", "gold"), &t.diag);
    assert_int_equal(give(st, "reader", "other"), APS_ERR_NOT_FOUND);
    assert_int_equal(give(st, "other", "gold"), APS_ERR_NOT_FOUND);
    (void)key_with(st, "a", "silver");
    (void)key_with(st, "b", "silver");
    (void)t_create(&t, st, "gold", "reader", &text); /* its name is no plan */
    aps_secret_wipe(&text);
    t_want(APS_OK, aps_store_plan_uses(st, t.pool, &uses, &n, &t.diag), &t.diag);
    assert_int_equal(n, 2);
    assert_true(aps_str_eq(uses[0].plan, APS_STR_LIT("gold")));
    assert_int_equal(uses[0].keys, 0);
    assert_int_equal(uses[0].nroles, 1);
    assert_true(aps_str_eq(uses[0].roles[0], APS_STR_LIT("reader")));
    assert_int_equal(uses[1].keys, 2);
    assert_int_equal(uses[1].nroles, 0);
    assert_int_equal(aps_store_plan_delete(st, APS_STR_LIT("gold"), &t.diag), APS_ERR_CONFLICT);
    assert_int_equal(aps_store_plan_delete(st, APS_STR_LIT("silver"), &t.diag), APS_ERR_CONFLICT);
    t_want(APS_OK, give(st, "reader", ""), &t.diag);
    t_want(APS_OK, aps_store_plan_delete(st, APS_STR_LIT("gold"), &t.diag), &t.diag);
    assert_int_equal(aps_store_plan_delete(st, APS_STR_LIT("gold"), &t.diag), APS_ERR_NOT_FOUND);
    aps_store_close(st);
}

/* What httpd reads is what was stored; a copy that was tampered with is refused as a whole. */
static void a_snapshot_has_the_plans(void **state)
{
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_planbook_choice choice;
    struct aps_snapshot *snap;
    struct aps_key key;
    (void)state;
    t_want(APS_OK, create(st, "gold", "calls rate=1/s by=key"), &t.diag);
    t_want(APS_OK, aps_store_role_create(st, APS_STR_LIT("reader"), &t.diag), &t.diag);
    t_want(APS_OK, give(st, "reader", "gold"), &t.diag);
    key = key_with(st, "a", "");
    t_commit(&t, st);

    snap = t_snapshot(&t);
    t_want(APS_OK, aps_snapshot_key(snap, key.id, t.pool, &key), &t.diag);
    assert_int_equal(aps_planbook_choose(aps_snapshot_plans(snap), &key, aps_str(NULL), &choice),
                     APS_REASON_ALLOW);
    assert_int_equal(choice.source, APS_PLANBOOK_ROLE);
    assert_int_equal(choice.plan->n, 2);
    assert_true(choice.plan->limits[0]->meter[0].charge.scope != 0);
    aps_snapshot_close(snap);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_plan_is_what_was_put_into_it),         T(editions_are_never_given_twice),
        T(what_cannot_matter_any_more_is_dropped), T(a_change_with_a_fault_is_none),
        T(what_is_used_is_counted_and_kept),       T(a_snapshot_has_the_plans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
