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

struct seen {
    int n;
    uint64_t last;
    char text[16][1024]; /* subject old new */
    int stop_at;
};

static enum aps_err note(void *arg, const struct aps_change *c)
{
    struct seen *seen = arg;
    assert_true(seen->n < 16);
    assert_true(c->n > seen->last);
    seen->last = c->n;
    assert_int_equal(c->uid, 1000);
    assert_true(aps_str_eq(c->login, APS_STR_LIT("ada")));
    assert_int_equal(c->sudo.n, 0);
    assert_true(aps_str_eq(c->tty, APS_STR_LIT("/dev/pts/3")));
    assert_true(aps_str_eq(c->host, APS_STR_LIT("build.example")));
    assert_true(aps_str_eq(c->command, APS_STR_LIT("test run")));
    (void)snprintf(seen->text[seen->n], sizeof seen->text[0], "%.*s|%.*s|%.*s",
                   APS_STR_ARG(c->subject), APS_STR_ARG(c->old_json), APS_STR_ARG(c->new_json));
    seen->n++;
    return seen->n == seen->stop_at ? APS_ERR_CHECK : APS_OK;
}

static void list(uint64_t after, struct seen *seen)
{
    struct aps_store *st = NULL;
    t_want(APS_OK, t_try_open(&t, APS_STORE_READ, T_NOW, &st), &t.diag);
    t_want(APS_OK, aps_store_change_each(st, after, note, seen, &t.diag), &t.diag);
    aps_store_close(st);
}

/* CLI-04: each change with who, when, what was and what is. */
static void every_change_has_its_row(void **state)
{
    static struct seen seen, later;
    struct aps_secret text = {0};
    struct aps_key key, again;
    struct aps_key_change c = {.set = APS_KEY_F_OWNER, .to = {.owner = APS_STR_LIT("ops")}};
    (void)state;
    struct aps_store *st = t_open(&t, T_NOW);
    t_want(APS_OK, aps_store_role_create(st, APS_STR_LIT("r"), &t.diag), &t.diag);
    t_want(APS_OK, aps_store_role_grant(st, APS_STR_LIT("r"), APS_STR_LIT("GET /a"), true, &t.diag),
           &t.diag);
    key = t_create(&t, st, "k", NULL, &text);
    aps_secret_wipe(&text);
    t_want(APS_OK, aps_store_key_set(st, key.id, &c, &t.diag), &t.diag);
    t_want(APS_OK, aps_store_key_rotate(st, key.id, 0, t.pool, &again, &text, &t.diag), &t.diag);
    aps_secret_wipe(&text);
    t_want(APS_OK, aps_store_key_revoke(st, key.id, APS_STR_LIT("old"), &t.diag), &t.diag);
    t_want(APS_OK, aps_store_key_delete(st, key.id, &t.diag), &t.diag);
    t_want(APS_OK, aps_store_role_delete(st, APS_STR_LIT("r"), &t.diag), &t.diag);
    t_commit(&t, st);

    list(0, &seen);
    assert_int_equal(seen.n, 9);
    assert_string_equal(seen.text[0], "store||{\"prefix\":\"test\"}");
    assert_string_equal(seen.text[1], "r||{\"role\":\"r\"}");
    assert_string_equal(seen.text[2], "r||{\"role\":\"r\",\"deny\":\"GET /a\"}");
    assert_non_null(strstr(seen.text[3], "||{\"id\":\""));
    assert_non_null(strstr(seen.text[4], "|{\"id\":\""));
    assert_non_null(strstr(seen.text[4], "\"owner\":\"ops\""));
    assert_non_null(strstr(seen.text[5], "\"version\":2"));
    assert_non_null(strstr(seen.text[6], "\"status\":\"revoked\""));
    assert_non_null(strstr(seen.text[6], "\"reason\":\"old\""));
    assert_int_equal(seen.text[7][strlen(seen.text[7]) - 1], '|');
    assert_non_null(strstr(seen.text[8], "\"denials\":[\"GET /a\"]"));

    list(seen.last - 1, &later);
    assert_int_equal(later.n, 1);
    list(UINT64_MAX, &later);
    assert_int_equal(later.n, 1);
}

static void a_refused_change_has_no_row(void **state)
{
    static struct seen seen;
    (void)state;
    struct aps_store *st = t_open(&t, T_NOW);
    assert_int_equal(aps_store_role_create(st, APS_STR_LIT("a b"), &t.diag), APS_ERR_FORMAT);
    assert_int_equal(aps_store_key_revoke(st, APS_STR_LIT("none"), (struct aps_str){0}, &t.diag),
                     APS_ERR_NOT_FOUND);
    t_commit(&t, st);
    list(0, &seen);
    assert_int_equal(seen.n, 1);
}

static void the_caller_may_stop(void **state)
{
    static struct seen seen = {.stop_at = 2};
    (void)state;
    struct aps_store *st = t_open(&t, T_NOW);
    for (const char *const *n = (const char *const[]){"a", "b", "c", NULL}; *n != NULL; n++)
        t_want(APS_OK, aps_store_role_create(st, aps_str(*n), &t.diag), &t.diag);
    assert_int_equal(aps_store_change_each(st, 0, note, &seen, &t.diag), APS_ERR_CHECK);
    assert_int_equal(seen.n, 2);
    aps_store_close(st);
}

/* No secret, no MAC, no part of a key's text in any row (CLI-02). */
static void rows_hold_no_secrets(void **state)
{
    static struct seen seen;
    struct aps_secret text = {0};
    char part[9] = "", hex[17] = "";
    (void)state;
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_key key = t_create(&t, st, "k", NULL, &text);
    t_commit(&t, st);
    list(0, &seen);
    for (size_t i = text.n - 49; i + 8 <= text.n; i++) {
        memcpy(part, text.b + i, 8);
        for (int k = 0; k < seen.n; k++)
            assert_null(strstr(seen.text[k], part));
    }
    for (int i = 0; i < 8; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", key.secret[0].mac[i]);
    for (int k = 0; k < seen.n; k++)
        assert_null(strcasestr(seen.text[k], hex));
    aps_secret_wipe(&text);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_change_has_its_row),
        T(a_refused_change_has_no_row),
        T(the_caller_may_stop),
        T(rows_hold_no_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
