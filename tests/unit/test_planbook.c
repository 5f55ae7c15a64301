#include "t.h"

#include <apr_general.h>
#include <apr_strings.h>

#include "apisec/planbook.h"

static apr_pool_t *pool;
static const struct aps_table_now now = {1000 * APS_SEC, 5000 * APS_SEC};

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

static void limit(struct aps_planbook *book, const char *plan, const char *name, const char *text,
                  uint64_t edition)
{
    aps_planbook_limit(book, aps_str(plan), aps_str(name),
                       &(struct aps_planbook_text){.text = aps_str(text), .edition = edition});
}

static void earlier(struct aps_planbook *book, const char *text, uint64_t edition, aps_nsec ago,
                    aps_nsec left)
{
    aps_planbook_earlier(book, aps_str("gold"), aps_str("calls"),
                         &(struct aps_planbook_text){.text = aps_str(text),
                                                     .edition = edition,
                                                     .changed_at = now.wall - ago,
                                                     .until = now.wall + left});
}

/* Plans gold (calls, daily), silver (calls); roles alpha, beta and gamma have plans. */
static struct aps_planbook *sample(void)
{
    struct aps_planbook *book = aps_planbook_new(pool);
    aps_planbook_add(book, aps_str("gold"));
    aps_planbook_add(book, aps_str("silver"));
    limit(book, "gold", "calls", "calls rate=10/s by=key", 5);
    limit(book, "gold", "daily", "daily rate=1000/d by=user", 5);
    limit(book, "silver", "calls", "calls rate=1/s by=key", 6);
    aps_planbook_attach(book, aps_str("alpha"), aps_str("gold"), 1);
    aps_planbook_attach(book, aps_str("beta"), aps_str("silver"), 2);
    aps_planbook_attach(book, aps_str("gamma"), aps_str("gold"), 2);
    return book;
}

static struct aps_str *names(const char *list, size_t *out_n)
{
    struct aps_str *all = apr_pcalloc(pool, 8 * sizeof *all);
    struct aps_str rest = aps_str(list);
    size_t n = 0;
    while (aps_str_next(&rest, ' ', &all[n]))
        n++;
    *out_n = n;
    return all;
}

/* The key's plan, else the role's of the highest priority, else the section's. */
static void one_plan_holds(void **state)
{
    static const struct {
        const char *key, *roles, *section;
        enum aps_reason reason;
        enum aps_planbook_source source;
        const char *plan, *role;
    } rows[] = {
        {"", "", "", APS_REASON_ALLOW, APS_PLANBOOK_NONE, "", ""},
        {"", "other", "", APS_REASON_ALLOW, APS_PLANBOOK_NONE, "", ""},
        {"gold", "", "", APS_REASON_ALLOW, APS_PLANBOOK_KEY, "gold", ""},
        {"silver", "alpha", "gold", APS_REASON_ALLOW, APS_PLANBOOK_KEY, "silver", ""},
        {"", "alpha", "silver", APS_REASON_ALLOW, APS_PLANBOOK_ROLE, "gold", "alpha"},
        {"", "alpha beta", "", APS_REASON_ALLOW, APS_PLANBOOK_ROLE, "silver", "beta"},
        {"", "beta gamma other", "", APS_REASON_ALLOW, APS_PLANBOOK_ROLE, "silver", "beta"},
        {"", "gamma", "", APS_REASON_ALLOW, APS_PLANBOOK_ROLE, "gold", "gamma"},
        {"", "other", "silver", APS_REASON_ALLOW, APS_PLANBOOK_SECTION, "silver", ""},
        {"none", "alpha", "gold", APS_REASON_PLAN_UNKNOWN, APS_PLANBOOK_KEY, "none", ""},
        {"", "", "none", APS_REASON_PLAN_UNKNOWN, APS_PLANBOOK_SECTION, "none", ""},
        {"", "lost", "gold", APS_REASON_PLAN_UNKNOWN, APS_PLANBOOK_ROLE, "none", "lost"},
    };
    struct aps_planbook *book = sample();
    (void)state;
    aps_planbook_attach(book, aps_str("lost"), aps_str("none"), 0);
    aps_planbook_seal(book, 7, now);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct aps_key key = {.plan = aps_str(rows[i].key)};
        struct aps_planbook_choice choice;
        key.roles = names(rows[i].roles, &key.nroles);
        assert_int_equal(aps_planbook_choose(book, &key, aps_str(rows[i].section), &choice),
                         rows[i].reason);
        assert_int_equal(choice.source, rows[i].source);
        assert_true(aps_str_eq(choice.name, aps_str(rows[i].plan)));
        assert_true(aps_str_eq(choice.role, aps_str(rows[i].role)));
        if (rows[i].reason == APS_REASON_ALLOW)
            assert_ptr_equal(choice.plan, aps_planbook_find(book, aps_str(rows[i].plan)));
        else
            assert_null(choice.plan);
    }
}

/* A plan that cannot be read as a whole lets nobody through. */
static void a_damaged_plan_is_not_sound(void **state)
{
    static const struct {
        const char *name, *text;
    } rows[] = {
        {"more", "more"},
        {"more", "more rate=1/s by=ip"},
        {"more", "other rate=1/s by=key"},
        {"more", "more rate=1/s by=key colour=blue"},
        {"more", "more rate=1/d burst=1000000 by=key"},
        {"more", ""},
    };
    struct aps_key key = {.plan = aps_str("gold")};
    struct aps_planbook_choice choice;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct aps_planbook *book = sample();
        limit(book, "gold", rows[i].name, rows[i].text, 9);
        aps_planbook_seal(book, 7, now);
        assert_false(aps_planbook_find(book, aps_str("gold"))->sound);
        assert_int_equal(aps_planbook_find(book, aps_str("gold"))->n, 0);
        assert_true(aps_planbook_find(book, aps_str("silver"))->sound);
        assert_int_equal(aps_planbook_choose(book, &key, aps_str(NULL), &choice),
                         APS_REASON_PLAN_UNKNOWN);
    }
}

static void a_plan_without_limits_or_with_too_many_is_not_sound(void **state)
{
    struct aps_planbook *book = aps_planbook_new(pool);
    char name[16], text[64];
    (void)state;
    aps_planbook_add(book, aps_str("empty"));
    aps_planbook_add(book, aps_str("full"));
    aps_planbook_add(book, aps_str("more"));
    for (int i = 0; i <= APS_PLAN_LIMITS_MAX; i++) {
        (void)snprintf(name, sizeof name, "l%d", i);
        (void)snprintf(text, sizeof text, "l%d rate=1/s by=key", i);
        if (i < APS_PLAN_LIMITS_MAX)
            limit(book, "full", name, text, 1);
        limit(book, "more", name, text, 1);
    }
    limit(book, "nobody's", "a", "a rate=1/s by=key", 1);
    aps_planbook_seal(book, 7, now);
    assert_false(aps_planbook_find(book, aps_str("empty"))->sound);
    assert_true(aps_planbook_find(book, aps_str("full"))->sound);
    assert_int_equal(aps_planbook_find(book, aps_str("full"))->n, APS_PLAN_LIMITS_MAX);
    assert_false(aps_planbook_find(book, aps_str("more"))->sound);
    assert_null(aps_planbook_find(book, aps_str("nobody's")));
}

static const struct aps_rate_limit *bucket(const struct aps_planbook *book, const char *plan)
{
    return &aps_planbook_find(book, aps_str(plan))->limits[0]->meter[0].charge;
}

/* AZ-09, LIM-13: whose cells are whose. */
static void buckets_belong_to_one_definition_of_one_store(void **state)
{
    struct aps_planbook *book = sample(), *same = sample(), *other = sample();
    (void)state;
    aps_planbook_seal(book, 7, now);
    aps_planbook_seal(same, 7, now);
    aps_planbook_seal(other, 8, now);
    assert_true(bucket(book, "gold")->scope == bucket(same, "gold")->scope);
    assert_true(bucket(book, "gold")->scope != bucket(other, "gold")->scope);
    assert_true(bucket(book, "gold")->scope != bucket(book, "silver")->scope);
    assert_int_equal(bucket(book, "gold")->burst, 10);
    assert_null(bucket(book, "gold")->earlier);
}

/* What holds now goes on from what held before, as long as that matters. */
static void an_edit_is_followed_back(void **state)
{
    struct aps_planbook *book = sample();
    const struct aps_rate_limit *b;
    (void)state;
    earlier(book, "calls rate=9/s by=key", 4, APS_MINUTE, APS_HOUR);
    earlier(book, "calls rate=10/s by=key", 3, APS_HOUR, APS_MINUTE);
    earlier(book, "calls rate=8/s by=key", 2, 2 * APS_HOUR, 0); /* its time is over */
    aps_planbook_seal(book, 7, now);
    b = bucket(book, "gold");
    assert_int_equal(b->edited, now.mono); /* a recent one */
    assert_int_equal(b->earlier->burst, 9);
    assert_int_equal(b->earlier->earlier->burst, 10); /* what came back has cells of its own */
    assert_true(b->earlier->earlier->scope != b->scope);
    assert_null(b->earlier->earlier->earlier);
    assert_null(bucket(book, "silver")->earlier);

    book = sample();
    earlier(book, "calls rate=9/s by=user", 4, 3 * APS_MINUTE, APS_HOUR); /* other cells */
    earlier(book, "damaged", 3, APS_HOUR, APS_HOUR);
    earlier(book, "calls rate=7/s by=key", 3, APS_HOUR, APS_HOUR);
    earlier(book, "calls rate=6/s by=key", 2, APS_HOUR, APS_HOUR); /* one too many */
    aps_planbook_seal(book, 7, now);
    b = bucket(book, "gold");
    assert_int_equal(b->edited, 0);
    assert_int_equal(b->earlier->burst, 7);
    assert_null(b->earlier->earlier);

    book = sample();
    earlier(book, "calls rate=9/s by=key", 4, -APS_DAY, APS_HOUR); /* the clock was set back */
    aps_planbook_seal(book, 7, now);
    assert_int_equal(bucket(book, "gold")->edited, now.mono);
}

static const char *held(const struct aps_planbook *book, const char *plan,
                        const struct aps_limit *const *overrides, size_t n)
{
    const struct aps_limit *out[APS_PLANBOOK_HELD_MAX];
    size_t m = aps_planbook_lay(aps_planbook_find(book, aps_str(plan)), overrides, n, out);
    const char *text = "";
    for (size_t i = 0; i < m; i++)
        text = apr_pstrcat(pool, text, i != 0 ? "; " : "", out[i]->text.p, NULL);
    return text;
}

/* In place of the limit of its name, or beside the others. */
static void overrides_are_laid_over_a_plan(void **state)
{
    struct aps_limit calls, more;
    const struct aps_limit *const overrides[] = {&calls, &more};
    struct aps_planbook *book = sample();
    (void)state;
    assert_int_equal(aps_plan_parse(pool, aps_str("calls rate=3/s by=key"), &calls, NULL), APS_OK);
    assert_int_equal(aps_plan_parse(pool, aps_str("more rate=4/s by=org"), &more, NULL), APS_OK);
    aps_planbook_seal(book, 7, now);
    assert_string_equal(held(book, "gold", NULL, 0),
                        "calls rate=10/s by=key; daily rate=1000/d by=user");
    assert_string_equal(held(book, "gold", overrides, 2),
                        "calls rate=3/s by=key; daily rate=1000/d by=user; more rate=4/s by=org");
    assert_string_equal(held(book, "none", overrides, 2),
                        "calls rate=3/s by=key; more rate=4/s by=org");
    assert_string_equal(held(book, "none", NULL, 0), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_plan_holds),
        cmocka_unit_test(a_damaged_plan_is_not_sound),
        cmocka_unit_test(a_plan_without_limits_or_with_too_many_is_not_sound),
        cmocka_unit_test(buckets_belong_to_one_definition_of_one_store),
        cmocka_unit_test(an_edit_is_followed_back),
        cmocka_unit_test(overrides_are_laid_over_a_plan),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
