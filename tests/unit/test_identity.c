/* What a caller is held to: plan, overrides, and the section's plan where there is none. */
#include "t.h"

#include <apr_general.h>
#include <apr_strings.h>

#include "apisec/authn.h"
#include "fake_snapshot.h"

static apr_pool_t *pool;    /* of one test */
static apr_pool_t *request; /* of one request: cleared after each */
static struct aps_reader *reader;
static struct aps_view *view;

static void add_plan(const char *name, const char *first, const char *second)
{
    const char *const texts[] = {first, second};
    aps_planbook_add(t_fake.plans, aps_str(name));
    for (size_t i = 0; i < 2 && texts[i] != NULL; i++) {
        struct aps_str text = aps_str(texts[i]), rest = text, word = {NULL, 0};
        (void)aps_str_next(&rest, ' ', &word);
        aps_planbook_limit(t_fake.plans, aps_str(name), word,
                           &(struct aps_planbook_text){.text = text, .edition = 1});
    }
}

static int setup(void **state)
{
    const struct aps_reader_options options = {
        .snapshot = {.store = "/store"}, .refresh = APS_SEC, .cache_max = 4};
    enum aps_reader_event event;
    (void)state;
    apr_pool_create(&pool, NULL);
    apr_pool_create(&request, pool);
    t_fake_reset(pool);
    add_plan("gold", "calls rate=10/s by=key", "daily quota=1000/day by=user");
    add_plan("silver", "calls rate=1/s by=key", NULL);
    add_plan("broken", "calls rate=1/s by=me", NULL);
    aps_planbook_attach(t_fake.plans, aps_str("writer"), aps_str("silver"), 0);
    aps_planbook_seal(t_fake.plans, 1, (struct aps_table_now){0, 0});
    assert_int_equal(aps_reader_new(&options, &reader), APS_OK);
    view = aps_reader_acquire(reader, 0, &event, NULL);
    assert_non_null(view);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    aps_view_release(view);
    aps_reader_free(reader);
    assert_int_equal(t_fake.opens, t_fake.closes);
    apr_pool_destroy(pool);
    return 0;
}

static bool hit;

/* Key number `n` asks; the identity, or NULL and *out_reason. */
static const struct aps_identity *ask(unsigned n, enum aps_reason *out_reason)
{
    const struct aps_identity *who = NULL;
    struct aps_str id;
    apr_pool_clear(request);
    *out_reason = aps_authn_key(view, t_fake_text(pool, n, 1), 0, request, &who, &id, &hit);
    return who;
}

static const struct aps_identity *let_in(unsigned n)
{
    enum aps_reason reason;
    const struct aps_identity *who = ask(n, &reason);
    assert_int_equal(reason, APS_REASON_ALLOW);
    return who;
}

static void override(struct aps_key *key, const char *first, const char *second)
{
    struct aps_str *texts = apr_pcalloc(pool, 2 * sizeof *texts);
    texts[0] = aps_str(first);
    texts[1] = aps_str(second);
    key->overrides = texts;
    key->noverrides = second != NULL ? 2 : 1;
}

static void holds(const struct aps_limit *const *limits, size_t n, const char *first,
                  const char *second, const char *third)
{
    const char *const want[] = {first, second, third};
    size_t count = 0;
    while (count < 3 && want[count] != NULL)
        count++;
    assert_int_equal(n, count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(limits[i]->text.p, want[i]);
        assert_true(limits[i]->meter[0].charge.scope != 0); /* ready to be charged */
    }
}

#define GOLD_CALLS "calls rate=10/s by=key"
#define GOLD_DAILY "daily quota=1000/day zone=UTC by=user"

static void a_key_is_held_to_its_plan(void **state)
{
    static const struct aps_str writer[] = {{"writer", 6}};
    struct aps_key *key = t_fake_add(1);
    const struct aps_identity *who;
    (void)state;
    key->plan = APS_STR_LIT("gold");
    key->org = APS_STR_LIT("acme");
    who = let_in(1);
    assert_true(aps_str_eq(who->plan->name, APS_STR_LIT("gold")));
    holds(who->limits, who->nlimits, GOLD_CALLS, GOLD_DAILY, NULL);
    assert_ptr_equal(who->limits[0], who->plan->limits[0]); /* read once for all callers */
    assert_true(aps_str_eq(who->key.org, APS_STR_LIT("acme")) && who->key.org.p != key->org.p);
    assert_true(aps_str_eq(who->key.plan, APS_STR_LIT("gold")));

    key = t_fake_add(2);
    key->roles = writer;
    who = let_in(2);
    assert_true(aps_str_eq(who->plan->name, APS_STR_LIT("silver")));
    holds(who->limits, who->nlimits, "calls rate=1/s by=key", NULL, NULL);

    (void)t_fake_add(3);
    who = let_in(3);
    assert_null(who->plan);
    assert_int_equal(who->nlimits, 0);
}

/* The section's plan holds where neither the key nor a role of it has one. */
static void the_plan_of_a_section_comes_last(void **state)
{
    const struct aps_plan *gold = aps_planbook_find(t_fake.plans, aps_str("gold"));
    const struct aps_limit *room[APS_PLANBOOK_HELD_MAX];
    const struct aps_limit *const *limits = NULL;
    const struct aps_identity *who;
    size_t n;
    (void)state;
    t_fake_add(1)->plan = APS_STR_LIT("silver");
    (void)t_fake_add(2);
    override(t_fake_add(3), "calls rate=5/s by=key", "more rate=6/s by=org");

    who = let_in(1);
    n = aps_identity_limits(who, gold, room, &limits);
    holds(limits, n, "calls rate=1/s by=key", NULL, NULL);
    who = let_in(2);
    n = aps_identity_limits(who, gold, room, &limits);
    holds(limits, n, GOLD_CALLS, GOLD_DAILY, NULL);
    assert_int_equal(aps_identity_limits(who, NULL, room, &limits), 0);
    who = let_in(3);
    n = aps_identity_limits(who, gold, room, &limits);
    holds(limits, n, "calls rate=5/s by=key", GOLD_DAILY, "more rate=6/s by=org");
    n = aps_identity_limits(who, NULL, room, &limits);
    holds(limits, n, "calls rate=5/s by=key", "more rate=6/s by=org", NULL);
}

static void overrides_stand_in_place_of_limits(void **state)
{
    struct aps_key *key = t_fake_add(1), *other = t_fake_add(2);
    const struct aps_identity *who, *second;
    (void)state;
    key->plan = APS_STR_LIT("gold");
    override(key, "calls rate=5/s by=key", NULL);
    other->plan = APS_STR_LIT("silver");
    override(other, "calls rate=5/s by=key", "more rate=6/s by=org");
    who = let_in(1);
    holds(who->limits, who->nlimits, "calls rate=5/s by=key", GOLD_DAILY, NULL);
    second = let_in(2);
    holds(second->limits, second->nlimits, "calls rate=5/s by=key", "more rate=6/s by=org", NULL);
    assert_ptr_equal(who->limits[0], second->limits[0]); /* equal texts are read once */
    assert_true(who->limits[0]->meter[0].charge.scope !=
                who->plan->limits[0]->meter[0].charge.scope);
}

/* What is not there or cannot be read never means that there is no limit; and it is never
 * remembered, so that a key which is mended is let in at once. */
static void what_cannot_be_read_refuses(void **state)
{
    static const struct {
        const char *plan, *override;
    } rows[] = {
        {"none", NULL},
        {"broken", NULL},
        {"", "calls rate=1/s by=me"},
        {"", "calls"},
        {"", ""},
        {"gold", "calls rate=1/s by=ip"},
        {"", "calls rate=1/d burst=1000000 by=key"}, /* above ten years */
        {"", "calls quota=1/day zone=Mars/Olympus by=key"},
    };
    struct aps_key *key = t_fake_add(1);
    enum aps_reason reason;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        key->plan = aps_str(rows[i].plan);
        key->noverrides = 0;
        if (rows[i].override != NULL)
            override(key, "ok rate=1/s by=key", rows[i].override);
        for (int again = 0; again < 2; again++) {
            assert_null(ask(1, &reason));
            assert_int_equal(reason, APS_REASON_PLAN_UNKNOWN);
            assert_false(hit);
        }
    }
    key->plan = (struct aps_str){NULL, 0};
    key->noverrides = 0;
    (void)let_in(1);
}

/* So many different overrides that the view has no room for them: they live with the request, and
 * the view is replaced. */
static void a_view_that_is_full_of_overrides_is_replaced(void **state)
{
    enum aps_reader_event event;
    struct aps_view *next;
    (void)state;
    for (unsigned n = 0; n < 3; n++)
        override(t_fake_add(n), apr_psprintf(pool, "a%u rate=1/s by=key", n),
                 apr_psprintf(pool, "b%u rate=1/s by=key", n));
    for (unsigned n = 0; n < 2; n++)
        (void)let_in(n);
    for (int again = 0; again < 2; again++) {
        const struct aps_identity *who = let_in(2);
        holds(who->limits, who->nlimits, "a2 rate=1/s by=key", "b2 rate=1/s by=key", NULL);
        assert_false(hit);
    }
    next = aps_reader_acquire(reader, 0, &event, NULL);
    assert_ptr_not_equal(next, view);
    aps_view_release(view);
    view = next;
    (void)let_in(2);
    (void)let_in(2);
    assert_true(hit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_key_is_held_to_its_plan, setup, teardown),
        cmocka_unit_test_setup_teardown(the_plan_of_a_section_comes_last, setup, teardown),
        cmocka_unit_test_setup_teardown(overrides_stand_in_place_of_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_refuses, setup, teardown),
        cmocka_unit_test_setup_teardown(a_view_that_is_full_of_overrides_is_replaced, setup,
                                        teardown),
    };
    if (apr_initialize() != APR_SUCCESS)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
