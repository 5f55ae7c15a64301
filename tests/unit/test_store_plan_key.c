#include "t_store.h"

#include <apr_strings.h>

static struct t_store t;

static struct aps_key make(struct aps_store *st, const char *name, const char *role,
                           const char *plan, const char *override)
{
    struct aps_str roles[] = {aps_str(role)}, overrides[] = {aps_str(override)};
    struct aps_key_change c = {.set = APS_KEY_F_NAME | APS_KEY_F_ROLES | APS_KEY_F_PLAN |
                                      (override != NULL ? APS_KEY_F_OVERRIDES : 0),
                               .to = {.name = aps_str(name),
                                      .plan = aps_str(plan),
                                      .roles = roles,
                                      .nroles = role != NULL ? 1 : 0,
                                      .overrides = overrides,
                                      .noverrides = override != NULL ? 1 : 0}};
    struct aps_secret text = {0};
    struct aps_key key = {.nroles = 0};
    t_want(APS_OK, aps_store_key_create(st, &c, t.pool, &key, &text, &t.diag), &t.diag);
    aps_secret_wipe(&text);
    return key;
}

/* Plan gold by itself (a, b), by role r1 (c, d), plan silver (e, f), none (g); b with an override,
 * d revoked. */
static int set_up(void **state)
{
    struct aps_str limits[] = {APS_STR_LIT("calls rate=10/s by=key"),
                               APS_STR_LIT("daily quota=9/day by=user")};
    struct aps_store_role_plan gold = {APS_STR_LIT("gold"), 0};
    struct aps_store *st;
    struct aps_key d;
    (void)state;
    t_init(&t);
    st = t_open(&t, T_NOW);
    t_want(APS_OK,
           aps_store_plan_create(st, APS_STR_LIT("gold"), aps_str(NULL), limits, 2, &t.diag),
           &t.diag);
    t_want(APS_OK,
           aps_store_plan_create(st, APS_STR_LIT("silver"), aps_str(NULL), limits, 1, &t.diag),
           &t.diag);
    t_want(APS_OK, aps_store_role_create(st, APS_STR_LIT("r1"), &t.diag), &t.diag);
    t_want(APS_OK, aps_store_role_create(st, APS_STR_LIT("r2"), &t.diag), &t.diag);
    t_want(APS_OK, aps_store_role_plan_set(st, APS_STR_LIT("r1"), &gold, &t.diag), &t.diag);
    (void)make(st, "a", NULL, "gold", NULL);
    (void)make(st, "b", "r2", "gold", "calls rate=3/s");
    (void)make(st, "c", "r1", "", NULL);
    d = make(st, "d", "r1", "", NULL);
    (void)make(st, "e", "r1", "silver", NULL);
    (void)make(st, "f", NULL, "silver", NULL);
    (void)make(st, "g", "r2", "", NULL);
    t_want(APS_OK, aps_store_key_revoke(st, d.id, aps_str(NULL), &t.diag), &t.diag);
    t_commit(&t, st);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    t_end(&t);
    return 0;
}

/* What a walk told: each key's letter with its limits. */
static struct {
    size_t n;
    char letters[16];
    const char *limits[16];
    char last[APS_KEYTEXT_ID_LEN];
    size_t fail_at;
} seen;

static enum aps_err note(void *arg, const struct aps_key *key,
                         const struct aps_limit *const *limits, size_t n)
{
    const char *text = "";
    (void)arg;
    if (seen.fail_at != 0 && seen.n + 1 == seen.fail_at)
        return APS_ERR_BUSY;
    for (size_t i = 0; i < n; i++) {
        assert_true(limits[i]->meter[0].charge.scope != 0);
        text = apr_pstrcat(t.pool, text, i != 0 ? "; " : "", limits[i]->text.p, NULL);
    }
    seen.letters[seen.n] = key->name.p[0];
    seen.limits[seen.n++] = text;
    memcpy(seen.last, key->id.p, sizeof seen.last);
    return APS_OK;
}

static const char *limits_of(char letter)
{
    for (size_t i = 0; i < seen.n; i++)
        if (seen.letters[i] == letter)
            return seen.limits[i];
    return NULL;
}

static struct aps_planbook *book_of(struct aps_store *st)
{
    struct aps_planbook *book = NULL;
    t_want(APS_OK, aps_store_plan_book(st, t.pool, &book, &t.diag), &t.diag);
    return book;
}

static size_t walk(struct aps_store *st, const char *plan, uint64_t max)
{
    struct aps_planbook *book = book_of(st);
    bool more = true;
    memset(&seen, 0, sizeof seen);
    while (more) {
        struct aps_str after = {seen.last, seen.n != 0 ? sizeof seen.last : 0};
        size_t before = seen.n;
        char id[APS_KEYTEXT_ID_LEN];
        memcpy(id, seen.last, sizeof id);
        after.p = id;
        t_want(APS_OK,
               aps_store_plan_key_page(st, book, aps_str(plan), after, max, note, NULL, &more,
                                       &t.diag),
               &t.diag);
        assert_true(seen.n - before <= max && (seen.n - before == max || !more));
    }
    return seen.n;
}

static void the_keys_of_a_plan_are_told_page_by_page(void **state)
{
    struct aps_store *st = NULL;
    (void)state;
    t_want(APS_OK, t_try_open(&t, APS_STORE_READ, T_NOW, &st), &t.diag);
    for (uint64_t max = 1; max <= 4; max++) {
        assert_int_equal(walk(st, "gold", max), 3);
        assert_string_equal(limits_of('a'),
                            "calls rate=10/s by=key; daily quota=9/day zone=UTC by=user");
        assert_string_equal(limits_of('b'),
                            "calls rate=3/s by=key; daily quota=9/day zone=UTC by=user");
        assert_string_equal(limits_of('c'), limits_of('a'));
        assert_int_equal(walk(st, "silver", max), 2);
        assert_string_equal(limits_of('e'), "calls rate=10/s by=key");
        assert_non_null(limits_of('f'));
        assert_int_equal(walk(st, "none", max), 0);
    }
    aps_store_close(st);
    t_want(APS_OK, t_try_open(&t, APS_STORE_READ, T_NOW + 2 * APS_KEY_LIFE_DEFAULT, &st), &t.diag);
    assert_int_equal(walk(st, "gold", 5), 0); /* all have expired */
    aps_store_close(st);
}

/* A change that is not committed is what its callers would be held to. */
static void a_change_can_be_tried(void **state)
{
    struct aps_str text = APS_STR_LIT("calls rate=1/m by=key");
    const struct aps_store_plan_change change = {.nput = 1, .put = &text};
    struct aps_store *st = t_open(&t, T_NOW);
    (void)state;
    t_want(APS_OK, aps_store_plan_set(st, APS_STR_LIT("gold"), &change, &t.diag), &t.diag);
    assert_int_equal(walk(st, "gold", 5), 3);
    assert_string_equal(limits_of('c'),
                        "calls rate=1/m by=key; daily quota=9/day zone=UTC by=user");
    aps_store_close(st);
}

static void what_the_caller_says_ends_the_walk(void **state)
{
    struct aps_store *st = NULL;
    bool more = false;
    (void)state;
    t_want(APS_OK, t_try_open(&t, APS_STORE_READ, T_NOW, &st), &t.diag);
    memset(&seen, 0, sizeof seen);
    seen.fail_at = 2;
    assert_int_equal(aps_store_plan_key_page(st, book_of(st), APS_STR_LIT("gold"), aps_str(NULL), 9,
                                             note, NULL, &more, &t.diag),
                     APS_ERR_BUSY);
    assert_int_equal(seen.n, 1);
    aps_store_close(st);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_keys_of_a_plan_are_told_page_by_page),
        T(a_change_can_be_tried),
        T(what_the_caller_says_ends_the_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
