#include "t_store.h"

#include "apisec/authn.h"
#include "apisec/imported.h"

#include "../../libapisec/store/own.h"

static const char STRONG[] = "9f86d081884c7d659a2feaa0c55ad015";
static const char OTHER[] = "4eC39HqLyjWDarjtT1zdp7dc";

/* What was told of lines that could not be placed. */
static struct {
    unsigned n, max;
    uint64_t line;
    char field[16];
} told;

static bool tell(void *arg, uint64_t line, const char *field, enum aps_err err, const char *why)
{
    (void)arg;
    assert_int_equal(err, APS_ERR_EXISTS);
    assert_string_not_equal(why, "");
    told.n++;
    told.line = line;
    (void)snprintf(told.field, sizeof told.field, "%s", field);
    return told.n < told.max;
}

static struct aps_import *begin(struct t_store *t, struct aps_store *st)
{
    struct aps_import *imp = NULL;
    told.n = 0;
    told.max = 20;
    t_want(APS_OK, aps_store_import_begin(st, &imp, &t->diag), &t->diag);
    return imp;
}

static enum aps_err add(struct t_store *t, struct aps_import *imp, uint64_t line, const char *name,
                        const char *role, const char *text, const char **out_field)
{
    struct aps_str roles[] = {aps_str(role)};
    struct aps_key_change change = {
        .set = APS_KEY_F_ROLES,
        .to = {.name = aps_str(name), .roles = roles, .nroles = role != NULL ? 1 : 0}};
    struct aps_import_key key = {.line = line, .fields = &change, .text = aps_str(text)};
    return aps_store_import_add(imp, &key, out_field, &t->diag);
}

static void add_good(struct t_store *t, struct aps_import *imp, uint64_t line, const char *name,
                     const char *text)
{
    const char *field = NULL;
    t_want(APS_OK, add(t, imp, line, name, "reader", text, &field), &t->diag);
}

static struct aps_import_count finish(struct t_store *t, struct aps_import *imp)
{
    const uint8_t digest[APS_DIGEST_LEN] = {1};
    const struct aps_import_source source = {APS_STR_LIT("keys.csv"), digest};
    struct aps_import_count count = {0};
    t_want(APS_OK, aps_store_import_place(imp, tell, NULL, &t->diag), &t->diag);
    t_want(APS_OK, aps_store_import_end(imp, &source, &count, &t->diag), &t->diag);
    aps_store_import_free(imp);
    return count;
}

static void start(struct t_store *t)
{
    t_init(t);
    struct aps_store *st = t_open(t, T_NOW);
    t_want(APS_OK, aps_store_role_create(st, aps_str("reader"), &t->diag), &t->diag);
    t_commit(t, st);
}

/* KEY-04: what is stored verifies the text through the published copy, and is no digest of it. */
static void imported_keys_verify(void **state)
{
    struct t_store t;
    struct aps_key key = {0};
    size_t which = 9;
    uint8_t digest[APS_DIGEST_LEN];
    const char *field = NULL;
    (void)state;
    start(&t);
    struct aps_snapshot *snap = t_snapshot(&t);
    assert_false(aps_snapshot_has_imports(snap));
    aps_snapshot_close(snap);

    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_import *imp = begin(&t, st);
    add_good(&t, imp, 2, "text", STRONG);
    assert_int_equal(aps_digest_sum(aps_str(OTHER), digest), APS_OK);
    struct aps_key_change decoy = {.to = {.name = aps_str("digest"), .decoy = true}};
    struct aps_import_key by_digest = {.line = 3, .fields = &decoy, .digest = digest};
    t_want(APS_OK, aps_store_import_add(imp, &by_digest, &field, &t.diag), &t.diag);
    struct aps_import_count count = finish(&t, imp);
    assert_int_equal(count.keys, 2);
    assert_int_equal(count.digests, 1);
    assert_int_equal(count.decoys, 1);
    t_commit(&t, st);

    snap = t_snapshot(&t);
    assert_true(aps_snapshot_has_imports(snap));
    assert_int_equal(aps_authn_prove(snap, aps_str(STRONG), t.pool, &key, &which),
                     APS_REASON_ALLOW);
    assert_int_equal(aps_snapshot_name(snap, key.id, t.pool, &key.name), APS_OK);
    assert_string_equal(key.name.p, "text");
    assert_int_equal(which, 0);
    assert_int_equal(key.origin, APS_KEY_IMPORTED);
    assert_false(key.decoy);
    assert_true(key.expires_at == T_NOW + APS_KEY_LIFE_DEFAULT && key.created_at == T_NOW);
    assert_int_equal(aps_authn_prove(snap, aps_str(OTHER), t.pool, &key, &which), APS_REASON_ALLOW);
    assert_int_equal(aps_snapshot_name(snap, key.id, t.pool, &key.name), APS_OK);
    assert_string_equal(key.name.p, "digest");
    assert_int_equal(key.origin, APS_KEY_IMPORTED_DIGEST);
    assert_true(key.decoy);
    assert_memory_not_equal(key.secret[0].mac, digest, sizeof digest);
    assert_int_equal(
        aps_authn_prove(snap, aps_str("k7q2m9x4t8w3n6r1p5v0z7c2b8"), t.pool, &key, &which),
        APS_REASON_KEY_UNKNOWN);
    aps_snapshot_close(snap);
    t_end(&t);
}

/* KEY-05, and every other check of one line; the import goes on after each. */
static void faults_name_their_field(void **state)
{
    static const struct {
        const char *name, *role, *text, *field;
        enum aps_err want;
    } rows[] = {
        {"b b", "reader", STRONG, "name", APS_ERR_FORMAT},
        {"a", "re ader", STRONG, "roles", APS_ERR_FORMAT},
        {"a", "nobody", STRONG, "roles", APS_ERR_NOT_FOUND},
        {"a", "reader", "short", "key", APS_ERR_FORMAT},
        {"a", "reader", "", "key", APS_ERR_FORMAT},
        {"a", "reader", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "key", APS_ERR_RANGE},
        {"a", "reader", "test_9f86d081884c7d659a2feaa0c55ad015", "key", APS_ERR_FORMAT},
    };
    struct t_store t;
    (void)state;
    start(&t);
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_import *imp = begin(&t, st);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *field = NULL;
        t.diag.text[0] = '\0';
        assert_int_equal(add(&t, imp, i + 2, rows[i].name, rows[i].role, rows[i].text, &field),
                         rows[i].want);
        assert_string_equal(field, rows[i].field);
        assert_string_not_equal(t.diag.text, "");
        if (rows[i].text[0] != '\0')
            assert_null(strstr(t.diag.text, rows[i].text));
    }
    add_good(&t, imp, 20, "a", "test9f86d081884c7d659a2feaa0c55ad015"); /* not the prefix */
    assert_int_equal(finish(&t, imp).keys, 1);
    aps_store_close(st);
    t_end(&t);
}

static void twins_are_told(void **state)
{
    static const struct {
        const char *name, *text, *field;
    } rows[] = {{"a", OTHER, "name"}, {"b", STRONG, "key"}};
    struct t_store t;
    (void)state;
    start(&t);
    for (int there = 0; there < 2; there++) /* within one file, then with the store */
        for (size_t i = 0; i < 2; i++) {
            struct aps_store *st = t_open(&t, T_NOW);
            struct aps_import *imp = begin(&t, st);
            if (!there)
                add_good(&t, imp, 2, "a", STRONG);
            add_good(&t, imp, 3, rows[i].name, rows[i].text);
            t_want(APS_ERR_EXISTS, aps_store_import_place(imp, tell, NULL, &t.diag), &t.diag);
            assert_int_equal(told.n, 1);
            assert_int_equal(told.line, 3);
            assert_string_equal(told.field, rows[i].field);
            aps_store_import_free(imp);
            aps_store_close(st);
            if (there || i == 0)
                continue;
            st = t_open(&t, T_NOW);
            imp = begin(&t, st);
            add_good(&t, imp, 2, "a", STRONG);
            (void)finish(&t, imp);
            t_commit(&t, st);
        }
    t_end(&t);
}

/* Who wants no more faults is told no more. */
static void telling_can_be_ended(void **state)
{
    struct t_store t;
    char name[8];
    (void)state;
    start(&t);
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_import *imp = begin(&t, st);
    told.max = 3;
    for (unsigned i = 0; i < 9; i++) {
        (void)snprintf(name, sizeof name, "k%u", i);
        add_good(&t, imp, i + 2, name, STRONG);
    }
    t_want(APS_ERR_EXISTS, aps_store_import_place(imp, tell, NULL, &t.diag), &t.diag);
    assert_int_equal(told.n, 3);
    aps_store_import_free(imp);
    aps_store_close(st);
    t_end(&t);
}

/* As many keys as make the store large, so that its changes are published as deltas. */
static void make_large(struct t_store *t)
{
    sqlite3 *db = NULL;
    struct aps_store *st = t_open(t, T_NOW);
    struct aps_secret text = {0};
    (void)t_create(t, st, "shop", "reader", &text);
    aps_secret_wipe(&text);
    t_commit(t, st);
    assert_int_equal(sqlite3_open(t_path(t, "store.db"), &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db,
                     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i "
                     "< " APS_PUBLISH_LARGE ") INSERT INTO key SELECT printf('%012d', i), "
                     "printf('k%d', i), (SELECT record FROM key WHERE name = 'shop') FROM n",
                     NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    st = t_open(t, T_NOW);
    t_want(APS_OK, aps_store_publish(st, &t->diag), &t->diag);
    aps_store_close(st);
}

static const char *text_of(unsigned i)
{
    static char text[64];
    (void)snprintf(text, sizeof text, "%08x9f86d081884c7d659a2feaa0c5", i * 2654435761u);
    return text;
}

/* What few keys add to a large store is in its next delta; what many do, in its next copy. */
static void a_large_store_publishes_its_imports(void **state)
{
    static const unsigned sizes[] = {3, APS_PUBLISH_DELTA_MAX + 1};
    struct t_store t;
    unsigned n = 0;
    (void)state;
    start(&t);
    make_large(&t);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        struct aps_store *st = t_open(&t, T_NOW);
        struct aps_import *imp = begin(&t, st);
        for (unsigned i = 0; i < sizes[s]; i++, n++) {
            char name[16];
            (void)snprintf(name, sizeof name, "in%u", n);
            add_good(&t, imp, i + 2, name, text_of(n));
        }
        (void)finish(&t, imp);
        t_commit(&t, st);
        struct aps_snapshot *snap = t_snapshot(&t);
        assert_true(aps_snapshot_has_imports(snap));
        for (unsigned i = 0; i < n; i += n / 3) {
            struct aps_key key;
            size_t which;
            assert_int_equal(aps_authn_prove(snap, aps_str(text_of(i)), t.pool, &key, &which),
                             APS_REASON_ALLOW);
        }
        aps_snapshot_close(snap);
    }
    t_end(&t);
}

static void an_import_without_keys_is_none(void **state)
{
    const uint8_t digest[APS_DIGEST_LEN] = {1};
    const struct aps_import_source source = {APS_STR_LIT("keys.csv"), digest};
    struct aps_import_count count;
    struct t_store t;
    (void)state;
    start(&t);
    struct aps_store *st = t_open(&t, T_NOW);
    struct aps_import *imp = begin(&t, st);
    t_want(APS_OK, aps_store_import_place(imp, tell, NULL, &t.diag), &t.diag);
    t_want(APS_ERR_CONFLICT, aps_store_import_end(imp, &source, &count, &t.diag), &t.diag);
    aps_store_import_free(imp);
    imp = begin(&t, st); /* another one may begin in the same transaction */
    add_good(&t, imp, 2, "a", STRONG);
    assert_int_equal(finish(&t, imp).keys, 1);
    t_commit(&t, st);
    aps_store_import_free(NULL);
    t_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(imported_keys_verify),
        cmocka_unit_test(faults_name_their_field),
        cmocka_unit_test(twins_are_told),
        cmocka_unit_test(telling_can_be_ended),
        cmocka_unit_test(a_large_store_publishes_its_imports),
        cmocka_unit_test(an_import_without_keys_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
