#include "t.h"

#include "apisec/stretch.h"

static const struct aps_str passphrase = {"correct horse battery", 21};
static const uint8_t salt[APS_STRETCH_SALT_LEN] = {0, 1, 2,  3,  4,  5,  6,  7,
                                                   8, 9, 10, 11, 12, 13, 14, 15};

/* SEC-10, SEC-11: what Python's hashlib and the reference code of Argon2 make of the same.  Where
 * OpenSSL has no Argon2id, or FIPS no scrypt, it says so. */
static void others_make_the_same(void **state)
{
    static const struct {
        const char *how, *key;
    } cases[] = {
        {"scrypt$n=32768,r=8,p=3",
         "0544bf8d8dd15c894d51f54589bad74b59be66dc834b9ea4b286764a04a35254"},
        {"scrypt$n=131072,r=8,p=1",
         "af5ecdbec02ddf047a3df2b4942e217b0b69c80fd3276e1923abbe0d1c80ea89"},
        {"argon2id$m=65536,t=3,p=4",
         "5995fc5ddabdb7f10fae2ad796270c269821d70b0efb8fb60262a81f1b6f0eb8"},
        {"pbkdf2-sha256$i=600000",
         "bb06c8c0b1dd5bfd4e40f4e297a2d0e64da7ef94b4b8ec20989021c8b41536ad"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aps_stretch s;
        struct aps_secret key = {0};
        struct aps_diag diag = {{0}};
        uint8_t want[32];
        assert_int_equal(t_hex(cases[i].key, want), 32);
        assert_int_equal(aps_stretch_parse(aps_str(cases[i].how), &s, &diag), APS_OK);
        enum aps_err err = aps_stretch(&s, passphrase, salt, &key, &diag);
        if (!aps_stretch_is_there(s.kind)) {
            assert_int_not_equal(s.kind, APS_STRETCH_PBKDF2);
            assert_int_equal(err, APS_ERR_CRYPTO);
            assert_non_null(strstr(diag.text, aps_stretch_name(s.kind)));
            continue;
        }
        assert_int_equal(err, APS_OK);
        assert_int_equal(key.n, 32);
        assert_memory_equal(key.b, want, 32);
        aps_secret_wipe(&key);
    }
}

/* SEC-10: what is too cheap and what is too dear is refused, at each border. */
static void costs_have_bounds(void **state)
{
    static const struct {
        const char *text;
        enum aps_err want;
    } cases[] = {
        {"scrypt$n=32768,r=8,p=3", APS_OK},
        {"scrypt$n=32768,r=8,p=2", APS_ERR_RANGE},
        {"scrypt$n=65536,r=8,p=2", APS_OK},
        {"scrypt$n=65536,r=8,p=1", APS_ERR_RANGE},
        {"scrypt$n=131072,r=8,p=1", APS_OK},
        {"scrypt$n=131072,r=8,p=0", APS_ERR_RANGE},
        {"scrypt$n=131072,r=8,p=8", APS_OK},
        {"scrypt$n=131072,r=8,p=9", APS_ERR_RANGE},
        {"scrypt$n=131072,r=7,p=1", APS_ERR_RANGE},
        {"scrypt$n=131072,r=9,p=1", APS_ERR_RANGE},
        {"scrypt$n=131073,r=8,p=1", APS_ERR_RANGE},
        {"scrypt$n=16384,r=8,p=8", APS_ERR_RANGE},
        {"scrypt$n=1048576,r=8,p=1", APS_OK},
        {"scrypt$n=2097152,r=8,p=1", APS_ERR_RANGE},
        {"scrypt$n=4294967296,r=8,p=1", APS_ERR_FORMAT},
        {"argon2id$m=19456,t=2,p=1", APS_OK},
        {"argon2id$m=19455,t=2,p=1", APS_ERR_RANGE},
        {"argon2id$m=19456,t=1,p=1", APS_ERR_RANGE},
        {"argon2id$m=19456,t=2,p=0", APS_ERR_RANGE},
        {"argon2id$m=1048576,t=16,p=8", APS_OK},
        {"argon2id$m=1048577,t=2,p=1", APS_ERR_RANGE},
        {"argon2id$m=19456,t=17,p=1", APS_ERR_RANGE},
        {"argon2id$m=19456,t=2,p=9", APS_ERR_RANGE},
        {"pbkdf2-sha256$i=600000", APS_OK},
        {"pbkdf2-sha256$i=599999", APS_ERR_RANGE},
        {"pbkdf2-sha256$i=10000000", APS_OK},
        {"pbkdf2-sha256$i=10000001", APS_ERR_RANGE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aps_stretch s = {0};
        char again[APS_STRETCH_TEXT_MAX];
        struct aps_diag diag = {{0}};
        assert_int_equal(aps_stretch_parse(aps_str(cases[i].text), &s, &diag), cases[i].want);
        if (cases[i].want != APS_OK) {
            assert_true(diag.text[0] != '\0');
            continue;
        }
        aps_stretch_print(&s, again);
        assert_string_equal(again, cases[i].text);
    }
}

static void one_text_has_one_meaning(void **state)
{
    static const char *const bad[] = {
        "",
        "scrypt",
        "scrypt$",
        "scrypt$n=131072",
        "scrypt$n=131072,r=8",
        "scrypt$n=131072,r=8,",
        "scrypt$n=131072,r=8,p=1,",
        "scrypt$n=131072,r=8,p=1,p=1",
        "scrypt$n=131072,r=8,p=1$",
        "scrypt$r=8,n=131072,p=1",
        "scrypt$n=0131072,r=8,p=1",
        "scrypt$n= 131072,r=8,p=1",
        "scrypt$n=+131072,r=8,p=1",
        "scrypt$N=131072,r=8,p=1",
        "Scrypt$n=131072,r=8,p=1",
        "bcrypt$n=131072,r=8,p=1",
        "pbkdf2-sha256$i=600000,r=8",
        "$n=131072,r=8,p=1",
        "scrypt$n=131072,r=8,p=1 ",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct aps_stretch s;
        assert_int_equal(aps_stretch_parse(aps_str(bad[i]), &s, NULL), APS_ERR_FORMAT);
    }
}

/* What new files get is within the bounds, and is what SEC-10 names. */
static void new_files_cost_enough(void **state)
{
    static const char *const want[] = {"scrypt$n=131072,r=8,p=1", "argon2id$m=65536,t=3,p=4",
                                       "pbkdf2-sha256$i=600000"};
    (void)state;
    for (size_t i = 0; i < APS_STRETCH_KINDS; i++) {
        struct aps_stretch s = aps_stretch_make((enum aps_stretch_kind)i), again;
        enum aps_stretch_kind kind;
        char text[APS_STRETCH_TEXT_MAX];
        aps_stretch_print(&s, text);
        assert_string_equal(text, want[i]);
        assert_int_equal(aps_stretch_parse(aps_str(text), &again, NULL), APS_OK);
        assert_int_equal(aps_stretch_parse_name(aps_str(aps_stretch_name(s.kind)), &kind, NULL),
                         APS_OK);
        assert_int_equal(kind, i);
    }
    assert_true(aps_stretch_is_there(aps_stretch_usual()));
}

/* The bounds hold for numbers that came by no text. */
static void costs_out_of_bounds_are_not_computed(void **state)
{
    struct aps_stretch s = aps_stretch_make(APS_STRETCH_SCRYPT);
    struct aps_secret key = {0};
    (void)state;
    s.cost[0] = 1 << 14;
    assert_int_equal(aps_stretch(&s, passphrase, salt, &key, NULL), APS_ERR_RANGE);
    s.kind = APS_STRETCH_KINDS;
    assert_int_equal(aps_stretch(&s, passphrase, salt, &key, NULL), APS_ERR_RANGE);
    assert_null(key.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_make_the_same),
        cmocka_unit_test(costs_have_bounds),
        cmocka_unit_test(one_text_has_one_meaning),
        cmocka_unit_test(new_files_cost_enough),
        cmocka_unit_test(costs_out_of_bounds_are_not_computed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
