#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <apisec/authn.h>
#include <apisec/keytext.h>

#include "fake_snapshot.h"

static apr_pool_t *pool;    /* of one test */
static apr_pool_t *request; /* of one request: cleared after each */
static struct aps_reader *reader;
static struct aps_view *view;

static unsigned tells;

static size_t tell(const struct aps_key *key, const struct aps_key_secret *secret,
                   char out[APS_IDENTITY_TOLD_MAX])
{
    tells++;
    return (size_t)snprintf(out, APS_IDENTITY_TOLD_MAX, "%.*s %u", APS_STR_ARG(aps_key_user(key)),
                            secret->version);
}

static void open_reader(size_t cache_max)
{
    const struct aps_reader_options options = {
        .snapshot = {.store = "/store"}, .refresh = APS_SEC, .cache_max = cache_max, .tell = tell};
    enum aps_reader_event event;
    assert_int_equal(aps_reader_new(&options, &reader), APS_OK);
    view = aps_reader_acquire(reader, 0, &event, NULL);
    assert_non_null(view);
}

static int setup(void **state)
{
    (void)state;
    apr_pool_create(&pool, NULL);
    apr_pool_create(&request, pool);
    t_fake_reset(pool);
    open_reader(8);
    return 0;
}

static void close_reader(void)
{
    aps_view_release(view);
    aps_reader_free(reader);
    assert_int_equal(t_fake.opens, t_fake.closes);
}

static int teardown(void **state)
{
    (void)state;
    close_reader();
    apr_pool_destroy(pool);
    return 0;
}

/* What one request came to. */
static struct {
    enum aps_reason reason;
    const struct aps_identity *who; /* NULL unless it was set */
    char id[32];
    bool hit;
    unsigned lookups, macs;
} got;

static enum aps_reason ask(struct aps_str text, aps_nsec wall)
{
    struct aps_str id = {"untouched", 9};
    unsigned lookups = t_fake.lookups, macs = t_fake.macs;
    got.who = NULL;
    got.hit = true;
    got.reason = aps_authn_key(view, text, wall, request, &got.who, &id, &got.hit);
    assert_true(id.n < sizeof got.id);
    memset(got.id, 0, sizeof got.id);
    if (id.n != 0)
        memcpy(got.id, id.p, id.n);
    got.lookups = t_fake.lookups - lookups;
    got.macs = t_fake.macs - macs;
    assert_int_equal(got.who != NULL, got.reason == APS_REASON_ALLOW);
    return got.reason;
}

/* The same, and the request ends. */
static enum aps_reason ask_once(unsigned n, unsigned s, aps_nsec wall)
{
    enum aps_reason reason = ask(t_fake_text(pool, n, s), wall);
    apr_pool_clear(request);
    return reason;
}

/* KEY-06: what was verified is found again without a lookup or a MAC. */
static void a_right_key_is_known_the_second_time(void **state)
{
    static const struct aps_str roles[] = {{"reader", 6}, {"writer", 6}};
    static const struct aps_str scopes[] = {{"a", 1}, {"b:c", 3}};
    static const struct aps_str hosts[] = {{"api.example.org", 15}};
    struct aps_net net = {.bits = 96};
    struct aps_key *key = t_fake_add(1);
    (void)state;
    *key = (struct aps_key){
        .id = key->id,
        .name = key->name,
        .owner = {"Shop & Co", 9},
        .status = APS_KEY_ACTIVE,
        .expires_at = 1000,
        .secret = {key->secret[0]},
        .limit = {{100, APS_MINUTE}, 7},
        .nroles = 2,
        .nscopes = 2,
        .nnets = 1,
        .nhosts = 1,
        .roles = roles,
        .scopes = scopes,
        .nets = &net,
        .hosts = hosts,
    };
    tells = 0;
    assert_int_equal(ask_once(1, 1, 10), APS_REASON_ALLOW);
    const struct aps_identity *first = got.who;
    assert_false(got.hit);
    assert_int_equal(got.lookups, 1);
    assert_int_equal(got.macs, 1);
    assert_int_equal(ask_once(1, 1, 10), APS_REASON_ALLOW);
    assert_true(got.hit);
    assert_int_equal(got.lookups + got.macs, 0);
    assert_ptr_equal(got.who, first);
    assert_string_equal(got.id, "key000000001");
    assert_int_equal(tells, 1);
    assert_true(aps_str_eq(first->told, aps_str("Shop & Co 1")));

    assert_string_equal(first->id_text, "key000000001");
    assert_string_equal(first->user_text, "Shop & Co");
    assert_true(aps_str_eq(first->user, aps_str("Shop & Co")));
    assert_string_equal(first->roles_text, "reader writer");
    assert_true(aps_str_eq(aps_role_name(first->roles[0]), roles[0]));
    assert_true(aps_str_eq(aps_role_name(first->roles[1]), roles[1]));
    assert_true(aps_str_eq(first->key.roles[1], roles[1]));
    assert_true(aps_key_has_scope(&first->key, aps_str("b:c")));
    assert_true(aps_str_eq(first->key.hosts[0], hosts[0]));
    assert_int_equal(first->key.nets[0].bits, 96);
    assert_int_equal(first->secret->version, 1);
    assert_int_equal(first->limit.burst, 7);
    assert_int_not_equal(first->limit.scope, 0);
    for (size_t i = 0; i < APS_KEY_MAC_LEN; i++)
        assert_int_equal(first->secret->mac[i], 0);
}

static void a_key_without_owner_is_its_own_user(void **state)
{
    (void)state;
    t_fake_add(1)->nroles = 0;
    assert_int_equal(ask_once(1, 1, 0), APS_REASON_ALLOW);
    assert_string_equal(got.who->user_text, "key000000001");
    assert_true(aps_str_eq(got.who->told, aps_str("key000000001 1")));
    assert_string_equal(got.who->roles_text, "");
    assert_int_equal(got.who->limit.burst, 0);
}

/* KEY-03: what is no key of this store is refused before any store access. */
static void malformed_texts_cost_no_store_access(void **state)
{
    static char large[100000];
    struct aps_str good = t_fake_text(pool, 1, 1);
    (void)state;
    t_fake_add(1);
    memset(large, 'a', sizeof large);
    for (size_t n = 0; n <= good.n; n++) {
        char *text = apr_pstrmemdup(pool, good.p, good.n);
        if (n < good.n)
            text[n] = text[n] == 'x' ? 'y' : 'x';
        else
            text[n - 1] = '\0';
        assert_int_equal(ask((struct aps_str){text, good.n}, 0), APS_REASON_KEY_MALFORMED);
        assert_int_equal(got.lookups + got.macs, 0);
        assert_string_equal(got.id, "");
        assert_false(got.hit);
    }
    for (size_t n = 0; n < sizeof large; n = n * 2 + 1)
        assert_int_equal(ask((struct aps_str){large, n}, 0), APS_REASON_KEY_MALFORMED);
    assert_int_equal(t_fake.lookups + t_fake.macs, 0);
}

/* KEY-07: every refusal that needs the store costs one lookup and one MAC. */
static void refusals_cost_the_same(void **state)
{
    (void)state;
    (void)t_fake_add(1);
    t_fake_add(2)->status = APS_KEY_REVOKED;
    t_fake_add(3)->expires_at = 100;
    t_fake_add(4)->not_before = 200;
    struct aps_key *rotated = t_fake_add(5);
    t_fake_secret(&rotated->secret[0], 5, 2, 2, 1);
    t_fake_secret(&rotated->secret[1], 5, 1, 1, 1);
    rotated->secret[1].closes_at = 100;
    const struct {
        unsigned n, s;
        enum aps_reason want;
    } rows[] = {
        {9, 1, APS_REASON_KEY_UNKNOWN}, {1, 2, APS_REASON_KEY_WRONG},
        {2, 1, APS_REASON_KEY_REVOKED}, {2, 2, APS_REASON_KEY_WRONG},
        {3, 1, APS_REASON_KEY_EXPIRED}, {4, 1, APS_REASON_KEY_NOT_YET},
        {5, 1, APS_REASON_KEY_ROTATED}, {5, 3, APS_REASON_KEY_WRONG},
    };
    for (int again = 0; again < 2; again++)
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            assert_int_equal(ask_once(rows[i].n, rows[i].s, 150), rows[i].want);
            assert_int_equal(got.lookups, 1);
            assert_int_equal(got.macs, 1);
            assert_string_equal(got.id, apr_psprintf(pool, "key%09u", rows[i].n));
        }
}

/* ---- Texts from elsewhere ---- */

static const struct aps_str FOREIGN = APS_STR_LIT("sk_live_4eC39HqLyjWDarjtT1zdp7dc");

/* An imported key with this text. */
static struct aps_key *import_key(unsigned n, struct aps_str text)
{
    struct aps_key *key = t_fake_add(n);
    t_fake.imports = true;
    key->origin = APS_KEY_IMPORTED;
    t_fake_import(key, &key->secret[0], text);
    return key;
}

static void an_imported_text_is_known(void **state)
{
    const struct aps_key *key = import_key(1, FOREIGN);
    (void)state;
    assert_int_equal(ask(FOREIGN, 0), APS_REASON_ALLOW);
    assert_int_equal(got.lookups, 1);
    assert_int_equal(got.macs, 2);
    assert_true(aps_str_eq(key->id, aps_str(got.id)));
    assert_int_equal(ask(FOREIGN, 0), APS_REASON_ALLOW);
    assert_true(got.hit);
    assert_int_equal(got.lookups + got.macs, 0);
}

/* Without imports no text but the store's own costs any store access. */
static void a_foreign_text_is_malformed_where_nothing_was_imported(void **state)
{
    (void)state;
    (void)import_key(1, FOREIGN);
    t_fake.imports = false;
    assert_int_equal(ask(FOREIGN, 0), APS_REASON_KEY_MALFORMED);
    assert_int_equal(got.lookups + got.macs, 0);
    assert_string_equal(got.id, "");
}

/* KEY-03: what begins as the store's own is one of them or none, and no other form is looked up. */
static void imports_leave_malformed_texts_malformed(void **state)
{
    char large[APS_IMPORTED_MAX + 1];
    struct aps_str own = t_fake_text(pool, 1, 1);
    const struct aps_str rows[] = {
        {own.p, own.n - 1},
        aps_str("shop_4eC39HqLyjWDarjtT1zdp7dc"),
        aps_str("shop_"),
        aps_str("short-one-15-ch"),
        aps_str("4eC39HqLyjWDarjtT1zdp7d\""),
        {large, sizeof large},
        {NULL, 0},
    };
    (void)state;
    (void)import_key(1, FOREIGN);
    memset(large, 'a', sizeof large);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(ask(rows[i], 0), APS_REASON_KEY_MALFORMED);
        assert_int_equal(got.lookups + got.macs, 0);
    }
    assert_int_equal(ask((struct aps_str){large, sizeof large - 1}, 0), APS_REASON_KEY_UNKNOWN);
    assert_int_equal(ask(aps_str("shop4eC39HqLyjWDarjtT1zdp7dc"), 0), APS_REASON_KEY_UNKNOWN);
}

/* KEY-07: every refusal of a text from elsewhere costs one lookup and two MACs. */
static void imported_refusals_cost_the_same(void **state)
{
    static const char *const texts[] = {
        "unknown-text-0000000", "revoked-text-0000000", "expired-text-0000000",
        "not-yet-text-0000000", "retired-text-0000000", "replaced-text-000000",
        "decoyed-text-0000000",
    };
    static const enum aps_reason want[] = {
        APS_REASON_KEY_UNKNOWN, APS_REASON_KEY_REVOKED, APS_REASON_KEY_EXPIRED,
        APS_REASON_KEY_NOT_YET, APS_REASON_KEY_WRONG,   APS_REASON_KEY_ROTATED,
        APS_REASON_KEY_DECOY,
    };
    struct aps_key *keys[7];
    (void)state;
    for (unsigned i = 1; i < 7; i++)
        keys[i] = import_key(i, aps_str(texts[i]));
    keys[1]->status = APS_KEY_REVOKED;
    keys[2]->expires_at = 100;
    keys[3]->not_before = 200;
    t_fake_secret(&keys[4]->secret[0], 4, 1, 2, 1); /* rotated twice: the text is gone */
    keys[5]->secret[1] = keys[5]->secret[0];
    keys[5]->secret[1].closes_at = 100;
    t_fake_secret(&keys[5]->secret[0], 5, 1, 2, 1);
    keys[6]->decoy = true;
    for (int again = 0; again < 2; again++)
        for (size_t i = 0; i < 7; i++) {
            struct aps_str text = aps_str(texts[i]);
            assert_int_equal(ask(text, 150), want[i]);
            assert_false(got.hit);
            assert_int_equal(got.lookups, 1);
            assert_int_equal(got.macs, 2);
            if (i != 0)
                assert_true(aps_str_eq(keys[i]->id, aps_str(got.id)));
        }
}

/* KEY-12: an imported key that was rotated is known by both of its texts while they overlap, and
 * each counts in its own form only. */
static void both_forms_of_a_rotated_key_verify(void **state)
{
    struct aps_key *key = import_key(1, FOREIGN);
    char *text;
    (void)state;
    key->secret[1] = key->secret[0];
    key->secret[1].closes_at = 100;
    /* The new text names the id that the import gave. */
    text = apr_psprintf(pool, "shop_%.*s_%043u......", APS_STR_ARG(key->id), 7u);
    aps_keytext_checksum((struct aps_str){text + 5, 56}, text + 5 + 56);
    key->secret[0] = (struct aps_key_secret){.version = 2, .pepper = 1};
    assert_int_equal(aps_snapshot_mac(NULL, 1, aps_str(text), key->secret[0].mac), APS_OK);
    assert_int_equal(ask(FOREIGN, 99), APS_REASON_ALLOW);
    assert_int_equal(got.who->secret->version, 1);
    assert_int_equal(ask(aps_str(text), 99), APS_REASON_ALLOW);
    assert_int_equal(got.who->secret->version, 2);
    assert_int_equal(ask(FOREIGN, 100), APS_REASON_KEY_ROTATED);
    assert_int_equal(ask(aps_str(text), 100), APS_REASON_ALLOW);

    /* A MAC that fits in the other form proves nothing. */
    close_reader();
    open_reader(8);
    key->secret[0].form = APS_KEY_FORM_DIGEST;
    key->secret[1].form = APS_KEY_FORM_TEXT;
    assert_int_equal(ask(FOREIGN, 99), APS_REASON_KEY_WRONG);
    assert_int_equal(ask(aps_str(text), 99), APS_REASON_KEY_WRONG);
}

/* KEY-07: a decoy costs what an unknown id costs, each time, and no state of it tells another. */
static void a_decoy_is_never_let_in(void **state)
{
    struct aps_key *key = t_fake_add(1);
    (void)state;
    key->decoy = true;
    key->nroles = 0;
    for (int again = 0; again < 3; again++) {
        assert_int_equal(ask_once(1, 1, 10), APS_REASON_KEY_DECOY);
        assert_false(got.hit);
        assert_int_equal(got.lookups, 1);
        assert_int_equal(got.macs, 1);
        assert_string_equal(got.id, "key000000001");
        key->status = again == 0 ? APS_KEY_REVOKED : APS_KEY_ACTIVE;
        key->expires_at = again == 1 ? 5 : INT64_MAX;
    }
    assert_int_equal(ask_once(1, 2, 10), APS_REASON_KEY_WRONG); /* whoever only knows its id */
}

/* What tells whose text it is does not ask whether the key still works. */
static void proving_asks_for_no_state(void **state)
{
    struct aps_snapshot *snap = aps_view_snapshot(view);
    struct aps_key *key = t_fake_add(1), out = {0};
    size_t which = 9;
    (void)state;
    key->status = APS_KEY_REVOKED;
    t_fake_secret(&key->secret[1], 1, 3, 1, 1);
    assert_int_equal(aps_authn_prove(snap, t_fake_text(pool, 1, 1), pool, &out, &which),
                     APS_REASON_ALLOW);
    assert_int_equal(which, 0);
    assert_true(aps_str_eq(out.id, key->id));
    assert_int_equal(aps_authn_prove(snap, t_fake_text(pool, 1, 3), pool, &out, &which),
                     APS_REASON_ALLOW);
    assert_int_equal(which, 1);
    assert_int_equal(aps_authn_prove(snap, t_fake_text(pool, 1, 2), pool, &out, &which),
                     APS_REASON_KEY_WRONG);
    assert_int_equal(aps_authn_prove(snap, t_fake_text(pool, 2, 1), pool, &out, &which),
                     APS_REASON_KEY_UNKNOWN);
    assert_int_equal(aps_authn_prove(snap, FOREIGN, pool, &out, &which), APS_REASON_KEY_MALFORMED);
}

/* A text that is not right is never remembered, so that garbage cannot fill the cache. */
/* SIG-03: what a record alone shows, without a secret and without a place in the cache. */
static void a_key_is_known_by_what_belongs_to_it(void **state)
{
    const struct aps_identity *who = NULL, *untouched = NULL;
    struct aps_key *key[6];
    unsigned macs;

    (void)state;
    for (unsigned i = 1; i < 6; i++)
        key[i] = t_fake_add(i);
    key[1]->owner = aps_str("shop");
    key[2]->status = APS_KEY_REVOKED;
    key[3]->expires_at = 100;
    key[4]->decoy = true;
    key[5]->not_before = 2000;
    macs = t_fake.macs;
    assert_int_equal(aps_authn_id(view, key[1]->id, 1000, request, &who), APS_REASON_ALLOW);
    assert_true(aps_str_eq(who->key.id, key[1]->id));
    assert_string_equal(who->user_text, "shop");
    assert_int_equal(who->key.nroles, 1);
    assert_ptr_equal(who->secret, &who->key.secret[0]);
    assert_int_equal(t_fake.macs, macs);
    assert_int_equal(aps_authn_id(view, key[2]->id, 1000, request, &untouched),
                     APS_REASON_KEY_REVOKED);
    assert_int_equal(aps_authn_id(view, key[3]->id, 1000, request, &untouched),
                     APS_REASON_KEY_EXPIRED);
    assert_int_equal(aps_authn_id(view, key[4]->id, 1000, request, &untouched),
                     APS_REASON_KEY_DECOY);
    assert_int_equal(aps_authn_id(view, key[5]->id, 1000, request, &untouched),
                     APS_REASON_KEY_NOT_YET);
    assert_int_equal(aps_authn_id(view, aps_str("nobody"), 1000, request, &untouched),
                     APS_REASON_KEY_UNKNOWN);
    t_fake.key_err = APS_ERR_IO;
    assert_int_equal(aps_authn_id(view, key[1]->id, 1000, request, &untouched),
                     APS_REASON_STORE_DOWN);
    t_fake.key_err = APS_OK;
    key[1]->roles = &(struct aps_str){"gone", 4};
    assert_int_equal(aps_authn_id(view, key[1]->id, 1000, request, &untouched),
                     APS_REASON_ROLE_UNKNOWN);
    assert_null(untouched);
}

static void only_verified_texts_are_remembered(void **state)
{
    (void)state;
    t_fake_add(1);
    for (unsigned s = 2; s < 50; s++)
        for (int again = 0; again < 2; again++) {
            assert_int_equal(ask_once(1, s, 0), APS_REASON_KEY_WRONG);
            assert_false(got.hit);
            assert_int_equal(ask_once(s, 1, 0), APS_REASON_KEY_UNKNOWN);
            assert_false(got.hit);
        }
    assert_int_equal(ask_once(1, 1, 0), APS_REASON_ALLOW);
    assert_int_equal(ask_once(1, 1, 0), APS_REASON_ALLOW);
    assert_true(got.hit); /* the cache has eight places: there is one */
}

/* KEY-11, KEY-12: time is looked at on a hit too. */
static void a_hit_follows_the_time(void **state)
{
    struct aps_key *key = t_fake_add(1);
    (void)state;
    key->not_before = 100;
    key->expires_at = 200;
    t_fake_secret(&key->secret[0], 1, 2, 2, 1);
    t_fake_secret(&key->secret[1], 1, 1, 1, 1);
    key->secret[1].closes_at = 150;
    assert_int_equal(ask_once(1, 1, 120), APS_REASON_ALLOW);
    assert_int_equal(got.who->secret->version, 1);
    assert_int_equal(ask_once(1, 2, 120), APS_REASON_ALLOW);
    assert_int_equal(got.who->secret->version, 2);
    const struct {
        unsigned s;
        aps_nsec wall;
        enum aps_reason want;
    } rows[] = {
        {1, 99, APS_REASON_KEY_NOT_YET},  {1, 100, APS_REASON_ALLOW},
        {1, 149, APS_REASON_ALLOW},       {1, 150, APS_REASON_KEY_ROTATED},
        {2, 150, APS_REASON_ALLOW},       {2, 199, APS_REASON_ALLOW},
        {2, 200, APS_REASON_KEY_EXPIRED}, {1, 200, APS_REASON_KEY_EXPIRED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(ask_once(1, rows[i].s, rows[i].wall), rows[i].want);
        assert_true(got.hit);
        assert_string_equal(got.id, "key000000001");
    }
}

/* SEC-13: old and new secret lie under different peppers; each is found under its own. */
static void secrets_of_two_peppers_verify(void **state)
{
    struct aps_key *key = t_fake_add(1);
    (void)state;
    t_fake.peppers = 2;
    t_fake_secret(&key->secret[0], 1, 2, 2, 2);
    t_fake_secret(&key->secret[1], 1, 1, 1, 1);
    assert_int_equal(ask_once(1, 1, 0), APS_REASON_ALLOW);
    assert_int_equal(got.who->secret->version, 1);
    assert_int_equal(ask_once(1, 2, 0), APS_REASON_ALLOW);
    assert_int_equal(got.who->secret->version, 2);
    assert_int_equal(ask_once(1, 3, 0), APS_REASON_KEY_WRONG);
}

/* A record without a secret is nobody's, also if the MAC of the text were all zero. */
static void a_key_without_secret_is_refused(void **state)
{
    struct aps_key *key = t_fake_add(1);
    (void)state;
    key->secret[0].version = 0;
    assert_int_equal(ask_once(1, 1, 0), APS_REASON_KEY_WRONG);
    key->secret[1] = key->secret[0];
    assert_int_equal(ask_once(1, 1, 0), APS_REASON_KEY_WRONG);
}

static void faults_of_the_store_refuse(void **state)
{
    static const struct aps_str ghost[] = {{"reader", 6}, {"ghost", 5}};
    struct aps_key *key = t_fake_add(1);
    (void)state;
    t_fake.key_err = APS_ERR_IO;
    assert_int_equal(ask_once(1, 1, 0), APS_REASON_STORE_DOWN);
    t_fake.key_err = APS_ERR_CORRUPT;
    assert_int_equal(ask_once(1, 1, 0), APS_REASON_STORE_DOWN);
    t_fake.key_err = APS_OK;
    t_fake.mac_err = APS_ERR_CRYPTO;
    assert_int_equal(ask_once(1, 1, 0), APS_REASON_INTERNAL);
    assert_int_equal(ask_once(9, 1, 0), APS_REASON_INTERNAL);
    t_fake.mac_err = APS_OK;
    key->secret[0].pepper = 3;
    assert_int_equal(ask_once(1, 1, 0), APS_REASON_STORE_DOWN);
    key->secret[0].pepper = 1;
    key->roles = ghost;
    key->nroles = 2;
    assert_int_equal(ask_once(1, 2, 0), APS_REASON_KEY_WRONG); /* only the holder learns more */
    assert_int_equal(ask_once(1, 1, 0), APS_REASON_ROLE_UNKNOWN);
    assert_string_equal(got.id, "key000000001");
    key->nroles = 1;
    key->limit = (struct aps_key_limit){{1, 0}, 1};
    assert_int_equal(ask_once(1, 1, 0), APS_REASON_INTERNAL);
    key->limit.rate.count = 0;
    assert_int_equal(ask_once(1, 1, 0), APS_REASON_ALLOW);
}

/* Bounded memory: past its bound the cache takes no more, keys go on working, and the next
 * request gets an empty one; requests under way keep theirs. */
static void a_full_cache_is_replaced(void **state)
{
    enum aps_reader_event event;
    (void)state;
    for (unsigned n = 0; n < 10; n++)
        t_fake_add(n);
    for (unsigned n = 0; n < 8; n++)
        assert_int_equal(ask_once(n, 1, 0), APS_REASON_ALLOW);
    struct aps_view *same = aps_reader_acquire(reader, 0, &event, NULL);
    assert_ptr_equal(same, view);
    aps_view_release(same);
    assert_int_equal(ask(t_fake_text(pool, 8, 1), 0), APS_REASON_ALLOW);
    assert_string_equal(got.who->id_text, "key000000008"); /* for the request's life */
    apr_pool_clear(request);
    assert_int_equal(ask_once(8, 1, 0), APS_REASON_ALLOW);
    assert_false(got.hit);
    assert_int_equal(ask_once(7, 1, 0), APS_REASON_ALLOW);
    assert_true(got.hit);

    struct aps_view *old = view;
    const struct aps_identity *of_old = got.who;
    view = aps_reader_acquire(reader, 0, &event, NULL);
    assert_int_equal(event, APS_READER_SAME);
    assert_ptr_not_equal(view, old);
    assert_ptr_equal(aps_view_snapshot(view), aps_view_snapshot(old));
    assert_int_equal(ask_once(7, 1, 0), APS_REASON_ALLOW);
    assert_false(got.hit);
    assert_string_equal(of_old->id_text, "key000000007");
    assert_int_equal(t_fake.opens, 1);
    aps_view_release(old);
    assert_int_equal(t_fake.closes, 0);
    assert_int_equal(ask_once(7, 1, 0), APS_REASON_ALLOW);
    assert_true(got.hit);
}

/* Every one of many keys is found again, and as itself. */
static void many_keys_do_not_meet(void **state)
{
    (void)state;
    close_reader();
    open_reader(T_KEYS_MAX);
    for (unsigned n = 0; n < T_KEYS_MAX; n++)
        t_fake_add(n);
    for (int round = 0; round < 2; round++)
        for (unsigned n = 0; n < T_KEYS_MAX; n++) {
            assert_int_equal(ask_once(n, 1, 0), APS_REASON_ALLOW);
            assert_int_equal(got.hit, round == 1);
            assert_string_equal(got.who->id_text, apr_psprintf(pool, "key%09u", n));
        }
}

/* AZ-09: a key's own limit is counted apart for each store. */
static void limits_of_two_stores_do_not_meet(void **state)
{
    struct aps_key *key = t_fake_add(1);
    (void)state;
    key->limit = (struct aps_key_limit){{5, APS_SEC}, 5};
    assert_int_equal(ask_once(1, 1, 0), APS_REASON_ALLOW);
    uint64_t scope = got.who->limit.scope;
    close_reader();
    memset(t_fake.store_id, 8, sizeof t_fake.store_id);
    open_reader(8);
    assert_int_equal(ask_once(1, 1, 0), APS_REASON_ALLOW);
    assert_int_not_equal(got.who->limit.scope, scope);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_right_key_is_known_the_second_time, setup, teardown),
        cmocka_unit_test_setup_teardown(a_key_without_owner_is_its_own_user, setup, teardown),
        cmocka_unit_test_setup_teardown(malformed_texts_cost_no_store_access, setup, teardown),
        cmocka_unit_test_setup_teardown(refusals_cost_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(an_imported_text_is_known, setup, teardown),
        cmocka_unit_test_setup_teardown(a_foreign_text_is_malformed_where_nothing_was_imported,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(imports_leave_malformed_texts_malformed, setup, teardown),
        cmocka_unit_test_setup_teardown(imported_refusals_cost_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(both_forms_of_a_rotated_key_verify, setup, teardown),
        cmocka_unit_test_setup_teardown(a_decoy_is_never_let_in, setup, teardown),
        cmocka_unit_test_setup_teardown(proving_asks_for_no_state, setup, teardown),
        cmocka_unit_test_setup_teardown(a_key_is_known_by_what_belongs_to_it, setup, teardown),
        cmocka_unit_test_setup_teardown(only_verified_texts_are_remembered, setup, teardown),
        cmocka_unit_test_setup_teardown(a_hit_follows_the_time, setup, teardown),
        cmocka_unit_test_setup_teardown(secrets_of_two_peppers_verify, setup, teardown),
        cmocka_unit_test_setup_teardown(a_key_without_secret_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(faults_of_the_store_refuse, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_cache_is_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(many_keys_do_not_meet, setup, teardown),
        cmocka_unit_test_setup_teardown(limits_of_two_stores_do_not_meet, setup, teardown),
    };
    apr_initialize();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_terminate();
    return failed;
}
