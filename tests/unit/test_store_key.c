#define OPENSSL_SUPPRESS_DEPRECATED 1
#include "t_store.h"

#include <openssl/rand.h>

#include "apisec/keytext.h"

static struct t_store t;
static struct aps_store *st;

static int set_up(void **state)
{
    (void)state;
    t_init(&t);
    st = t_open(&t, T_NOW);
    t_want(APS_OK, aps_store_role_create(st, APS_STR_LIT("reader"), &t.diag), &t.diag);
    t_want(APS_OK, aps_store_role_create(st, APS_STR_LIT("writer"), &t.diag), &t.diag);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    aps_store_close(st);
    t_end(&t);
    return 0;
}

/* Commit, and go on at `now`. */
static void at(aps_nsec now)
{
    t_commit(&t, st);
    st = t_open(&t, now);
}

static struct aps_key get(const char *ref)
{
    struct aps_key key = {0};
    t_want(APS_OK, aps_store_key_get(st, aps_str(ref), t.pool, &key, &t.diag), &t.diag);
    return key;
}

/* Try to make a key with these fields; what it gave is thrown away. */
static enum aps_err try_create(const struct aps_key_change *c)
{
    struct aps_key key = {0};
    struct aps_secret text = {0};
    t.diag.text[0] = '\0';
    enum aps_err err = aps_store_key_create(st, c, t.pool, &key, &text, &t.diag);
    assert_true((err == APS_OK) == (text.b != NULL));
    assert_true((err == APS_OK) == (key.id.n != 0));
    aps_secret_wipe(&text);
    return err;
}

static void key_texts_have_the_published_form(void **state)
{
    struct aps_secret a = {0}, b = {0};
    struct aps_keytext parts;
    (void)state;
    struct aps_key key = t_create(&t, st, "a", NULL, &a);
    (void)t_create(&t, st, "b", NULL, &b);
    assert_true(aps_keytext_parse(aps_secret_str(&a), APS_STR_LIT("test"), &parts)); /* KEY-01 */
    assert_true(aps_str_eq(parts.id, key.id));
    assert_int_equal(parts.secret.n, 43); /* KEY-02 */
    assert_memory_not_equal(a.b, b.b, a.n);
    aps_secret_wipe(&a);
    aps_secret_wipe(&b);
}

/* KEY-11: every field, as it was given. */
static void every_field_is_kept(void **state)
{
    struct aps_str roles[] = {APS_STR_LIT("writer"), APS_STR_LIT("reader"), APS_STR_LIT("writer")};
    struct aps_str scopes[] = {APS_STR_LIT("z:1"), APS_STR_LIT("a!~")};
    struct aps_str hosts[] = {APS_STR_LIT("api.example"), APS_STR_LIT("2001:db8::1"),
                              APS_STR_LIT("192.0.2.7"), APS_STR_LIT("localhost")};
    struct aps_net nets[2];
    struct aps_secret text = {0};
    (void)state;
    t_want(APS_OK, aps_net_parse(APS_STR_LIT("192.0.2.0/24"), &nets[1], &t.diag), &t.diag);
    t_want(APS_OK, aps_net_parse(APS_STR_LIT("10.0.0.0/8"), &nets[0], &t.diag), &t.diag);
    struct aps_key_change c = {
        .set = APS_KEY_F_NAME | APS_KEY_F_OWNER | APS_KEY_F_EXPIRES | APS_KEY_F_NOT_BEFORE |
               APS_KEY_F_NETS | APS_KEY_F_HOSTS | APS_KEY_F_LIMIT | APS_KEY_F_ROLES |
               APS_KEY_F_SCOPES,
        .to = {.name = APS_STR_LIT("shop"),
               .owner = APS_STR_LIT("Zo\xc3\xab"),
               .expires_at = T_NOW + 90 * APS_DAY,
               .not_before = T_NOW + APS_DAY,
               .limit = {.rate = {100, APS_MINUTE}},
               .nroles = 3,
               .nscopes = 2,
               .nnets = 2,
               .nhosts = 4,
               .roles = roles,
               .scopes = scopes,
               .nets = nets,
               .hosts = hosts},
    };
    struct aps_key made = {0};
    t_want(APS_OK, aps_store_key_create(st, &c, t.pool, &made, &text, &t.diag), &t.diag);
    aps_secret_wipe(&text);
    at(T_NOW);
    struct aps_key key = get("shop");
    assert_true(aps_str_eq(key.id, made.id) && aps_str_eq(key.owner, c.to.owner));
    assert_true(key.status == APS_KEY_ACTIVE && key.created_at == T_NOW);
    assert_true(key.expires_at == c.to.expires_at && key.not_before == c.to.not_before);
    assert_true(key.limit.rate.count == 100 && key.limit.rate.period == APS_MINUTE);
    assert_int_equal(key.limit.burst, 100); /* the count, where none was given */
    assert_int_equal(key.nroles, 2);
    assert_true(aps_str_eq(key.roles[0], APS_STR_LIT("reader")));
    assert_true(aps_str_eq(key.roles[1], APS_STR_LIT("writer")));
    assert_int_equal(key.nscopes, 2);
    assert_true(aps_str_eq(key.scopes[0], APS_STR_LIT("a!~")));
    assert_int_equal(key.nnets, 2);
    assert_int_equal(key.nets[0].bits, 104);
    assert_int_equal(key.nhosts, 4);
    assert_int_equal(key.secret[0].version, 1);
    assert_int_equal(key.secret[0].pepper, 1);
    assert_int_equal(key.secret[1].version, 0);
}

static void fields_are_checked(void **state)
{
    struct aps_str one[1];
    struct aps_key_change c = {
        .to = {.name = APS_STR_LIT("k"), .roles = one, .scopes = one, .hosts = one}};
    static const struct {
        unsigned field;
        const char *text;
        enum aps_err want;
    } cases[] = {
        {APS_KEY_F_NAME, "", APS_ERR_FORMAT},
        {APS_KEY_F_NAME, "a b", APS_ERR_FORMAT},
        {APS_KEY_F_NAME, "x' OR '1'='1", APS_ERR_FORMAT},
        {APS_KEY_F_OWNER, "line\nbreak", APS_ERR_FORMAT},
        {APS_KEY_F_OWNER, "bidi \xe2\x80\xae", APS_ERR_FORMAT},
        {APS_KEY_F_OWNER, "\xff", APS_ERR_FORMAT},
        {APS_KEY_F_ROLES, "none", APS_ERR_NOT_FOUND},
        {APS_KEY_F_ROLES, "", APS_ERR_FORMAT},
        {APS_KEY_F_ROLES, "a b", APS_ERR_FORMAT},
        {APS_KEY_F_SCOPES, "", APS_ERR_FORMAT},
        {APS_KEY_F_SCOPES, "a b", APS_ERR_FORMAT},
        {APS_KEY_F_SCOPES, "a\"b", APS_ERR_FORMAT},
        {APS_KEY_F_SCOPES, "a\\b", APS_ERR_FORMAT},
        {APS_KEY_F_SCOPES, "\xc3\xa4", APS_ERR_FORMAT},
        {APS_KEY_F_SCOPES, "0123456789012345678901234567890123456789012345678901234567890123456",
         APS_ERR_FORMAT},
        {APS_KEY_F_HOSTS, "", APS_ERR_FORMAT},
        {APS_KEY_F_HOSTS, "API.example", APS_ERR_FORMAT},
        {APS_KEY_F_HOSTS, "api.example.", APS_ERR_FORMAT},
        {APS_KEY_F_HOSTS, "api..example", APS_ERR_FORMAT},
        {APS_KEY_F_HOSTS, "api.example:443", APS_ERR_FORMAT},
        {APS_KEY_F_HOSTS, "-a.example", APS_ERR_FORMAT},
        {APS_KEY_F_HOSTS, "*.example", APS_ERR_FORMAT},
        {APS_KEY_F_HOSTS, "[::1]", APS_ERR_FORMAT},
        {APS_KEY_F_HOSTS, "2001:DB8::1", APS_ERR_FORMAT},
        {APS_KEY_F_HOSTS, "a-b.c_d.example", APS_OK},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        c.set = APS_KEY_F_NAME | cases[i].field;
        one[0] = aps_str(cases[i].text);
        c.to.name = cases[i].field == APS_KEY_F_NAME ? one[0] : APS_STR_LIT("k");
        c.to.owner = one[0];
        c.to.nroles = c.to.nscopes = c.to.nhosts = 1;
        enum aps_err err = try_create(&c);
        if (err != cases[i].want)
            print_error("%s: %s\n", cases[i].text, t.diag.text);
        assert_int_equal(err, cases[i].want);
    }
}

/* KEY-11: times in an order that makes sense. */
static void times_are_checked(void **state)
{
    static const struct {
        aps_nsec not_before, expires;
        enum aps_err want;
    } cases[] = {
        {0, T_NOW + 1, APS_OK},
        {0, T_NOW, APS_ERR_RANGE},
        {0, T_NOW - 1, APS_ERR_RANGE},
        {0, -1, APS_ERR_RANGE},
        {T_NOW + 9, T_NOW + 10, APS_OK},
        {T_NOW + 10, T_NOW + 10, APS_ERR_RANGE},
        {T_NOW + 11, T_NOW + 10, APS_ERR_RANGE},
        {-1, T_NOW + 10, APS_ERR_RANGE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "k%zu", i);
        struct aps_key_change c = {.set = APS_KEY_F_NAME | APS_KEY_F_EXPIRES | APS_KEY_F_NOT_BEFORE,
                                   .to = {.name = aps_str(name),
                                          .not_before = cases[i].not_before,
                                          .expires_at = cases[i].expires}};
        assert_int_equal(try_create(&c), cases[i].want);
    }
    /* not-before after the expiry that a key gets without being asked for one */
    struct aps_key_change c = {
        .set = APS_KEY_F_NAME | APS_KEY_F_NOT_BEFORE,
        .to = {.name = APS_STR_LIT("late"), .not_before = T_NOW + APS_KEY_LIFE_DEFAULT}};
    assert_int_equal(try_create(&c), APS_ERR_RANGE);
    c.to.not_before--;
    assert_int_equal(try_create(&c), APS_OK);
}

static void limits_are_checked(void **state)
{
    static const struct {
        struct aps_key_limit limit;
        enum aps_err want;
    } cases[] = {
        {{{0, 0}, 0}, APS_OK},
        {{{1, APS_SEC}, 1}, APS_OK},
        {{{1000000000, APS_DAY}, 0}, APS_OK},
        {{{1000000001, APS_DAY}, 0}, APS_ERR_RANGE},
        {{{1, APS_MSEC}, 0}, APS_ERR_RANGE},
        {{{1, 0}, 0}, APS_ERR_RANGE},
        {{{1, APS_DAY}, 3660}, APS_OK},
        {{{1, APS_DAY}, 3661}, APS_ERR_RANGE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "k%zu", i);
        struct aps_key_change c = {.set = APS_KEY_F_NAME | APS_KEY_F_LIMIT,
                                   .to = {.name = aps_str(name), .limit = cases[i].limit}};
        assert_int_equal(try_create(&c), cases[i].want);
    }
}

static void lists_have_a_maximum(void **state)
{
    static char texts[APS_KEY_SCOPES_MAX + 1][16];
    struct aps_str list[APS_KEY_SCOPES_MAX + 1];
    struct aps_net nets[APS_KEY_NETS_MAX + 1];
    struct aps_key_change c = {
        .to = {
            .name = APS_STR_LIT("k"), .scopes = list, .hosts = list, .roles = list, .nets = nets}};
    (void)state;
    for (size_t i = 0; i < APS_KEY_SCOPES_MAX + 1; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "n%zu", i);
        list[i] = aps_str(texts[i]);
        nets[i] = (struct aps_net){.addr = {{(uint8_t)i}}, .bits = 128};
        t_want(APS_OK, aps_store_role_create(st, list[i], &t.diag), &t.diag);
    }
    static const struct {
        unsigned field;
        size_t max;
    } cases[] = {{APS_KEY_F_SCOPES, APS_KEY_SCOPES_MAX},
                 {APS_KEY_F_HOSTS, APS_KEY_HOSTS_MAX},
                 {APS_KEY_F_ROLES, APS_KEY_ROLES_MAX},
                 {APS_KEY_F_NETS, APS_KEY_NETS_MAX}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        c.set = APS_KEY_F_NAME | cases[i].field;
        c.to.name = list[i];
        c.to.nscopes = c.to.nhosts = c.to.nroles = c.to.nnets = cases[i].max + 1;
        assert_int_equal(try_create(&c), APS_ERR_RANGE);
        c.to.nscopes = c.to.nhosts = c.to.nroles = c.to.nnets = cases[i].max;
        assert_int_equal(try_create(&c), APS_OK);
    }
}

static void names_are_unique_and_ids_win(void **state)
{
    struct aps_secret text = {0};
    char twin[13] = "";
    struct aps_key key;
    (void)state;
    struct aps_key a = t_create(&t, st, "a", NULL, &text);
    aps_secret_wipe(&text);
    struct aps_key_change c = {.set = APS_KEY_F_NAME, .to = {.name = APS_STR_LIT("a")}};
    assert_int_equal(try_create(&c), APS_ERR_EXISTS);
    memcpy(twin, a.id.p, 12); /* a name that is another key's id */
    (void)t_create(&t, st, twin, NULL, &text);
    aps_secret_wipe(&text);
    key = get(twin);
    assert_true(aps_str_eq(key.name, APS_STR_LIT("a")));
    assert_int_equal(aps_store_key_get(st, APS_STR_LIT("none"), t.pool, &key, &t.diag),
                     APS_ERR_NOT_FOUND);
    assert_int_equal(aps_store_key_get(st, APS_STR_LIT("' OR 1 --"), t.pool, &key, &t.diag),
                     APS_ERR_NOT_FOUND); /* CLI-07 */
    assert_int_equal(aps_store_key_get(st, (struct aps_str){"a\0b", 3}, t.pool, &key, &t.diag),
                     APS_ERR_NOT_FOUND);
}

/* Roles change at any time; what is not set stays. */
static void set_changes_what_it_names(void **state)
{
    struct aps_secret text = {0};
    struct aps_str roles[] = {APS_STR_LIT("writer")}, none[] = {APS_STR_LIT("none")};
    (void)state;
    struct aps_key a = t_create(&t, st, "a", "reader", &text);
    aps_secret_wipe(&text);
    (void)t_create(&t, st, "b", NULL, &text);
    aps_secret_wipe(&text);
    struct aps_key_change c = {.set = APS_KEY_F_ROLES | APS_KEY_F_OWNER,
                               .to = {.owner = APS_STR_LIT("ops"), .roles = roles, .nroles = 1}};
    t_want(APS_OK, aps_store_key_set(st, APS_STR_LIT("a"), &c, &t.diag), &t.diag);
    struct aps_key seen = get("a");
    assert_true(aps_str_eq(seen.roles[0], roles[0]) && seen.nroles == 1);
    assert_true(aps_str_eq(seen.owner, c.to.owner) && seen.expires_at == a.expires_at);
    assert_memory_equal(seen.secret, a.secret, sizeof a.secret);

    c = (struct aps_key_change){.set = APS_KEY_F_NAME, .to = {.name = APS_STR_LIT("b")}};
    assert_int_equal(aps_store_key_set(st, a.id, &c, &t.diag), APS_ERR_EXISTS);
    c.to.name = APS_STR_LIT("a"); /* its own */
    t_want(APS_OK, aps_store_key_set(st, a.id, &c, &t.diag), &t.diag);
    c = (struct aps_key_change){.set = APS_KEY_F_ROLES, .to = {.roles = none, .nroles = 1}};
    assert_int_equal(aps_store_key_set(st, a.id, &c, &t.diag), APS_ERR_NOT_FOUND);
    c = (struct aps_key_change){.set = APS_KEY_F_EXPIRES, .to = {.expires_at = T_NOW}};
    assert_int_equal(aps_store_key_set(st, a.id, &c, &t.diag), APS_ERR_RANGE);
    assert_int_equal(aps_store_key_set(st, none[0], &c, &t.diag), APS_ERR_NOT_FOUND);
    c = (struct aps_key_change){.set = APS_KEY_F_OWNER | APS_KEY_F_ROLES};
    t_want(APS_OK, aps_store_key_set(st, a.id, &c, &t.diag), &t.diag);
    seen = get("a");
    assert_int_equal(seen.owner.n + seen.nroles, 0);
    /* A key that has run out may still be renamed. */
    at(T_NOW + APS_KEY_LIFE_DEFAULT + 1);
    c = (struct aps_key_change){.set = APS_KEY_F_NAME, .to = {.name = APS_STR_LIT("old")}};
    t_want(APS_OK, aps_store_key_set(st, a.id, &c, &t.diag), &t.diag);
}

/* KEY-12 */
static void rotation_keeps_the_old_secret_for_a_while(void **state)
{
    struct aps_secret first = {0}, second = {0}, third = {0};
    struct aps_key a, b, c;
    struct aps_keytext parts;
    (void)state;
    a = t_create(&t, st, "a", "reader", &first);
    at(T_NOW + 5);
    t_want(APS_OK,
           aps_store_key_rotate(st, APS_STR_LIT("a"), APS_DAY, t.pool, &b, &second, &t.diag),
           &t.diag);
    assert_true(aps_str_eq(a.id, b.id) && b.nroles == 1);
    assert_int_equal(b.secret[0].version, 2);
    assert_int_equal(b.secret[1].version, 1);
    assert_true(b.secret[0].closes_at == 0 && b.secret[1].closes_at == T_NOW + 5 + APS_DAY);
    assert_memory_equal(b.secret[1].mac, a.secret[0].mac, APS_KEY_MAC_LEN);
    assert_memory_not_equal(b.secret[0].mac, a.secret[0].mac, APS_KEY_MAC_LEN);
    assert_true(aps_keytext_parse(aps_secret_str(&second), APS_STR_LIT("test"), &parts));
    assert_true(aps_str_eq(parts.id, a.id));
    assert_int_equal(aps_key_live(&b, &b.secret[1], T_NOW + 4 + APS_DAY), APS_REASON_ALLOW);
    assert_int_equal(aps_key_live(&b, &b.secret[1], T_NOW + 5 + APS_DAY), APS_REASON_KEY_ROTATED);

    /* A third gives the first no more time; without overlap the second ends at once. */
    t_want(APS_OK, aps_store_key_rotate(st, a.id, 0, t.pool, &c, &third, &t.diag), &t.diag);
    assert_int_equal(c.secret[0].version, 3);
    assert_int_equal(c.secret[1].version, 2);
    assert_int_equal(aps_key_live(&c, &c.secret[1], T_NOW + 5), APS_REASON_KEY_ROTATED);
    struct aps_key kept = get("a");
    assert_memory_equal(kept.secret, c.secret, sizeof c.secret);
    aps_secret_wipe(&first);
    aps_secret_wipe(&second);
    aps_secret_wipe(&third);
}

static void rotation_never_outlives_the_key(void **state)
{
    struct aps_secret text = {0};
    struct aps_key a, b = {0};
    (void)state;
    a = t_create(&t, st, "a", NULL, &text);
    aps_secret_wipe(&text);
    t_want(APS_OK, aps_store_key_rotate(st, a.id, INT64_MAX, t.pool, &b, &text, &t.diag), &t.diag);
    aps_secret_wipe(&text);
    assert_true(b.secret[1].closes_at == a.expires_at);
    assert_int_equal(aps_store_key_rotate(st, a.id, -1, t.pool, &b, &text, &t.diag), APS_ERR_RANGE);
    at(a.expires_at);
    assert_int_equal(aps_store_key_rotate(st, a.id, 0, t.pool, &b, &text, &t.diag),
                     APS_ERR_CONFLICT);
    assert_non_null(strstr(t.diag.text, "expired"));
    assert_int_equal(aps_store_key_rotate(st, APS_STR_LIT("none"), 0, t.pool, &b, &text, &t.diag),
                     APS_ERR_NOT_FOUND);
}

/* KEY-12 */
static void an_old_secret_may_wait_for_the_first_use(void **state)
{
    struct aps_secret text = {0};
    struct aps_key a, b = {0};
    (void)state;
    a = t_create(&t, st, "a", NULL, &text);
    aps_secret_wipe(&text);
    t_want(
        APS_OK,
        aps_store_key_rotate_until_used(st, a.id, APS_HOUR, INT64_MAX, t.pool, &b, &text, &t.diag),
        &t.diag);
    aps_secret_wipe(&text);
    assert_true(b.secret[1].grace == APS_HOUR && b.secret[1].closes_at == a.expires_at);
    assert_true(b.secret[0].grace == 0 && b.secret[0].closes_at == 0);
    at(T_NOW + 1);
    b = get("a");
    assert_true(b.secret[1].grace == APS_HOUR);
    t_want(APS_OK,
           aps_store_key_rotate_until_used(st, a.id, APS_SEC, APS_DAY, t.pool, &b, &text, &t.diag),
           &t.diag);
    aps_secret_wipe(&text);
    assert_true(b.secret[1].version == 2 && b.secret[1].grace == APS_SEC);
    assert_true(b.secret[1].closes_at == T_NOW + 1 + APS_DAY);
    assert_int_equal(
        aps_store_key_rotate_until_used(st, a.id, APS_SEC - 1, APS_DAY, t.pool, &b, &text, &t.diag),
        APS_ERR_RANGE);
    assert_non_null(strstr(t.diag.text, "1s"));
    assert_int_equal(
        aps_store_key_rotate_until_used(st, a.id, APS_SEC, -1, t.pool, &b, &text, &t.diag),
        APS_ERR_RANGE);
    /* One that does not wait leaves nothing of it. */
    t_want(APS_OK, aps_store_key_rotate(st, a.id, APS_DAY, t.pool, &b, &text, &t.diag), &t.diag);
    aps_secret_wipe(&text);
    assert_true(b.secret[1].version == 3 && b.secret[1].grace == 0);
}

static void revoking_is_for_good(void **state)
{
    struct aps_secret text = {0};
    struct aps_key a, seen;
    struct aps_key_change c = {.set = APS_KEY_F_OWNER, .to = {.owner = APS_STR_LIT("x")}};
    (void)state;
    a = t_create(&t, st, "a", "reader", &text);
    aps_secret_wipe(&text);
    assert_int_equal(aps_store_key_delete(st, a.id, &t.diag), APS_ERR_CONFLICT);
    assert_int_equal(aps_store_key_revoke(st, a.id, APS_STR_LIT("a\nb"), &t.diag), APS_ERR_FORMAT);
    t_want(APS_OK, aps_store_key_revoke(st, a.id, APS_STR_LIT("leaked"), &t.diag), &t.diag);
    at(T_NOW + 9);
    uint64_t generation = aps_store_generation(st);
    t_want(APS_OK, aps_store_key_revoke(st, a.id, APS_STR_LIT("again"), &t.diag), &t.diag);
    at(T_NOW + 9);
    assert_true(aps_store_generation(st) == generation); /* nothing changed */
    seen = get("a");
    assert_true(seen.status == APS_KEY_REVOKED && seen.revoked_at == T_NOW);
    assert_true(aps_str_eq(seen.revoke_reason, APS_STR_LIT("leaked")));
    assert_int_equal(aps_key_live(&seen, &seen.secret[0], T_NOW), APS_REASON_KEY_REVOKED);
    assert_int_equal(aps_store_key_set(st, a.id, &c, &t.diag), APS_ERR_CONFLICT);
    assert_int_equal(aps_store_key_rotate(st, a.id, 0, t.pool, &seen, &text, &t.diag),
                     APS_ERR_CONFLICT);
    assert_int_equal(aps_store_key_revoke(st, APS_STR_LIT("none"), a.name, &t.diag),
                     APS_ERR_NOT_FOUND);
    t_want(APS_OK, aps_store_key_delete(st, APS_STR_LIT("a"), &t.diag), &t.diag);
    assert_int_equal(aps_store_key_delete(st, a.id, &t.diag), APS_ERR_NOT_FOUND);
}

static enum aps_err note(void *arg, const struct aps_key *key)
{
    char *seen = arg;
    (void)snprintf(seen + strlen(seen), 64 - strlen(seen), "%.*s ", APS_STR_ARG(key->name));
    return aps_str_eq(key->name, APS_STR_LIT("stop")) ? APS_ERR_CHECK : APS_OK;
}

static void keys_come_in_order_until_the_caller_stops(void **state)
{
    char seen[64] = "";
    (void)state;
    for (const char *const *n = (const char *const[]){"zz", "b", "a", "stop", NULL}; *n; n++) {
        struct aps_secret text = {0};
        (void)t_create(&t, st, *n, NULL, &text);
        aps_secret_wipe(&text);
    }
    assert_int_equal(aps_store_key_each(st, note, seen, &t.diag), APS_ERR_CHECK);
    assert_string_equal(seen, "a b stop ");
}

static int fail_bytes(unsigned char *b, int n)
{
    (void)b, (void)n;
    return 0;
}

/* KEY-02: where the generator fails, nothing is written. */
static void a_broken_generator_makes_no_key(void **state)
{
    static const RAND_METHOD broken = {.bytes = fail_bytes};
    struct aps_key_change c = {.set = APS_KEY_F_NAME, .to = {.name = APS_STR_LIT("a")}};
    struct aps_secret text = {0};
    struct aps_key key, seen;
    (void)state;
    key = t_create(&t, st, "b", NULL, &text);
    aps_secret_wipe(&text);
    assert_int_equal(RAND_set_rand_method(&broken), 1);
    enum aps_err made = try_create(&c);
    enum aps_err rotated = aps_store_key_rotate(st, key.id, 0, t.pool, &seen, &text, &t.diag);
    assert_int_equal(RAND_set_rand_method(NULL), 1);
    assert_int_equal(made, APS_ERR_CRYPTO);
    assert_int_equal(rotated, APS_ERR_CRYPTO);
    assert_int_equal(aps_store_key_get(st, c.to.name, t.pool, &seen, &t.diag), APS_ERR_NOT_FOUND);
    assert_int_equal(get("b").secret[0].version, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(key_texts_have_the_published_form),
        T(every_field_is_kept),
        T(fields_are_checked),
        T(times_are_checked),
        T(limits_are_checked),
        T(lists_have_a_maximum),
        T(names_are_unique_and_ids_win),
        T(set_changes_what_it_names),
        T(rotation_keeps_the_old_secret_for_a_while),
        T(rotation_never_outlives_the_key),
        T(an_old_secret_may_wait_for_the_first_use),
        T(revoking_is_for_good),
        T(keys_come_in_order_until_the_caller_stops),
        T(a_broken_generator_makes_no_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
