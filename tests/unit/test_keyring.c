/* Keys of issuers that were fetched: who may say what they are, and how long. */
#include "t_token.h"

#include <sys/stat.h>
#include <unistd.h>

#include "apisec/keyring.h"

#define WALL ((aps_nsec)1795400000 * APS_SEC)

static const enum aps_alg algs[] = {APS_ALG_RS256, APS_ALG_ES256};
static const uint8_t store_id[16] = "one store's id.";
static char folder[32], file[128], old[64];
static struct aps_mac *mac;
static struct aps_keyring_place place;
static struct aps_keyring *ring;
static struct aps_issuer issuer;
static aps_nsec looked; /* monotonic, of the last look */
static bool refused;
static struct aps_diag diag;

static int setup(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/test_keyring.XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(old, sizeof old, "%s/old", folder);
    (void)snprintf(file, sizeof file, "%s/6f6e652073746f726527732069642e00-acme.keys", folder);
    assert_int_equal(aps_mac_new("a key", 5, &mac), APS_OK);
    place = (struct aps_keyring_place){folder, store_id, sizeof store_id, mac};
    assert_int_equal(aps_keyring_new(&place, APS_SEC, &ring), APS_OK);
    issuer = (struct aps_issuer){
        .name = APS_STR_LIT("acme"),
        .edition = 3,
        .jwt = {.algs = algs, .nalgs = 2},
        .source = APS_ISSUER_URL,
        .life = {.ttl = APS_MINUTE, .max_stale = APS_HOUR, .min_interval = APS_SEC},
    };
    looked = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    apr_pool_clear(t_pool);
    aps_keyring_free(ring);
    aps_mac_free(mac);
    (void)unlink(file);
    (void)unlink(old);
    assert_int_equal(rmdir(folder), 0); /* nothing else was left there */
    return 0;
}

static char *set_of(const char *a, const char *b)
{
    return apr_pstrcat(t_pool, "{\"keys\":[{", a, b != NULL ? "},{" : "", b != NULL ? b : "", "}]}",
                       NULL);
}

static enum aps_err put(const char *text, aps_nsec wall)
{
    diag.text[0] = '\0';
    return aps_keyring_put(&place, &issuer, aps_str(text), wall, &diag);
}

static uint64_t epoch(aps_nsec wall)
{
    looked += APS_SEC;
    diag.text[0] = '\0';
    return aps_keyring_epoch(ring, &issuer, 1, looked, wall, &refused, &diag);
}

/* How many keys may be used at `wall`; 0: there is no set. */
static size_t keys_at(aps_nsec wall)
{
    struct aps_jwt_issuer jwt = issuer.jwt;

    (void)epoch(wall);
    aps_keyring_take(ring, &issuer, 1, t_pool, &jwt);
    return jwt.keys != NULL ? jwt.keys->usable : 0;
}

/* JWT-18: used until ttl and the time for outages are over, and not a moment longer. */
static void a_set_is_used_for_its_time(void **state)
{
    const aps_nsec ends = WALL + APS_MINUTE + APS_HOUR;

    (void)state;
    assert_int_equal(keys_at(WALL), 0);
    assert_false(refused);
    assert_int_equal(put(set_of(t_jwk_rsa, t_jwk_p256), WALL), APS_OK);
    assert_int_equal(keys_at(WALL), 2);
    assert_int_equal(keys_at(ends - 1), 2);
    assert_int_equal(keys_at(ends), 0);
    assert_int_equal(aps_keyring_fetched(&place, &issuer), WALL);
    assert_int_equal(put(set_of(t_jwk_rsa, t_jwk_p256), ends), APS_OK);
    assert_int_equal(keys_at(ends), 2);
    assert_int_equal(keys_at(ends - APS_SEC), 0); /* a clock that went back is not believed */
}

/* JWT-26: what was verified is forgotten when the set changes or ends, and only then. */
static void the_epoch_changes_with_the_keys(void **state)
{
    uint64_t first, second, third;

    (void)state;
    assert_int_equal(put(set_of(t_jwk_rsa, t_jwk_p256), WALL), APS_OK);
    first = epoch(WALL);
    assert_int_equal(put(set_of(t_jwk_rsa, t_jwk_p256), WALL + APS_SEC), APS_OK);
    assert_int_equal(epoch(WALL + APS_SEC), first);
    assert_int_equal(put(set_of(t_jwk_rsa, NULL), WALL + 2 * APS_SEC), APS_OK);
    second = epoch(WALL + 2 * APS_SEC);
    assert_int_not_equal(second, first);
    assert_int_equal(keys_at(WALL + 2 * APS_SEC), 1);
    third = epoch(WALL + 2 * APS_SEC + APS_MINUTE + APS_HOUR);
    assert_int_not_equal(third, second);
}

static void a_look_waits_for_its_time(void **state)
{
    struct aps_jwt_issuer jwt = issuer.jwt;

    (void)state;
    assert_int_equal(keys_at(WALL), 0);
    assert_int_equal(put(set_of(t_jwk_rsa, NULL), WALL), APS_OK);
    (void)aps_keyring_epoch(ring, &issuer, 1, looked + APS_SEC - 1, WALL, &refused, NULL);
    aps_keyring_take(ring, &issuer, 1, t_pool, &jwt);
    assert_null(jwt.keys);
    assert_int_equal(keys_at(WALL), 1);
}

/* Change one byte of the file, or cut it. */
static void spoil(long at, long cut)
{
    FILE *f = fopen(file, "r+b");
    int c;

    assert_non_null(f);
    if (cut != 0)
        assert_int_equal(ftruncate(fileno(f), cut), 0);
    else {
        assert_int_equal(fseek(f, at, SEEK_SET), 0);
        c = fgetc(f);
        assert_int_equal(fseek(f, at, SEEK_SET), 0);
        (void)fputc(c ^ 1, f);
    }
    assert_int_equal(fclose(f), 0);
}

/* JWT-17: the folder is writable by others than those who fetch; what they put there is no key. */
static void what_is_forged_is_refused_and_the_old_set_stays(void **state)
{
    static const long at[] = {0, 20, 79, 90, 120};

    (void)state;
    assert_int_equal(put(set_of(t_jwk_rsa, t_jwk_p256), WALL), APS_OK);
    assert_int_equal(keys_at(WALL), 2);
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        assert_int_equal(put(set_of(t_jwk_rsa, NULL), WALL + APS_SEC), APS_OK);
        spoil(at[i], 0);
        assert_int_equal(keys_at(WALL + APS_SEC), 2);
        assert_true(refused);
        assert_non_null(strstr(diag.text, "acme.keys"));
        (void)epoch(WALL + APS_SEC);
        assert_false(refused); /* it is told once */
    }
    for (long cut = 1; cut < 130; cut += 43) {
        assert_int_equal(put(set_of(t_jwk_rsa, NULL), WALL + APS_SEC), APS_OK);
        spoil(0, cut);
        assert_int_equal(keys_at(WALL + APS_SEC), 2);
        assert_true(refused);
    }
    assert_int_equal(unlink(file), 0);
    assert_int_equal(keys_at(WALL + APS_SEC), 2);
    assert_int_equal(mkfifo(file, 0600), 0); /* nobody waits for a writer */
    assert_int_equal(keys_at(WALL + APS_SEC), 2);
    assert_true(refused);
}

/* What was good once does not come back, nor does another issuer's, edition's or store's. */
static void only_this_issuers_newest_set_is_taken(void **state)
{
    (void)state;
    assert_int_equal(put(set_of(t_jwk_rsa, t_jwk_p256), WALL), APS_OK);
    assert_int_equal(rename(file, old), 0);
    assert_int_equal(put(set_of(t_jwk_rsa, NULL), WALL + APS_SEC), APS_OK);
    assert_int_equal(keys_at(WALL + APS_SEC), 1);
    assert_int_equal(rename(old, file), 0);
    assert_int_equal(keys_at(WALL + 2 * APS_SEC), 1);
    assert_true(refused);
    issuer.edition = 4; /* another definition: its keys are yet to be fetched */
    assert_int_equal(keys_at(WALL + 2 * APS_SEC), 0);
    assert_int_equal(aps_keyring_fetched(&place, &issuer), 0);
    assert_int_equal(put(set_of(t_jwk_rsa, NULL), WALL + 3 * APS_SEC), APS_OK);
    assert_int_equal(keys_at(WALL + 3 * APS_SEC), 1);
    issuer.edition = 3; /* a request of an older generation */
    assert_int_equal(keys_at(WALL + 3 * APS_SEC), 0);
    issuer.edition = 4;
    place.store_id = (const uint8_t *)"another store's";
    assert_int_equal(aps_keyring_fetched(&place, &issuer), 0);
}

/* JWT-18: what is no set of keys takes no good one's place. */
static void a_text_without_keys_is_not_put(void **state)
{
    (void)state;
    assert_int_equal(put(set_of(t_jwk_rsa, NULL), WALL), APS_OK);
    assert_int_equal(put("{\"keys\":[]}", WALL), APS_ERR_NOT_FOUND);
    assert_int_equal(put("<html>", WALL), APS_ERR_FORMAT);
    assert_int_equal(put(set_of(t_jwk_secret, NULL), WALL), APS_ERR_NOT_FOUND);
    assert_string_not_equal(diag.text, "");
    assert_int_equal(keys_at(WALL), 1);
}

/* A set stays as long as the request that took it. */
static void a_set_in_use_outlives_its_successor(void **state)
{
    struct aps_jwt_issuer jwt = issuer.jwt;

    (void)state;
    assert_int_equal(put(set_of(t_jwk_rsa, t_jwk_p256), WALL), APS_OK);
    (void)epoch(WALL);
    aps_keyring_take(ring, &issuer, 1, t_pool, &jwt);
    assert_int_equal(put(set_of(t_jwk_rsa, NULL), WALL + 1), APS_OK);
    (void)epoch(WALL + 1);
    assert_int_equal(jwt.keys->usable, 2);
    assert_int_equal(jwt.keys->keys[1].alg, APS_ALG_ES256);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_set_is_used_for_its_time),
        T(the_epoch_changes_with_the_keys),
        T(a_look_waits_for_its_time),
        T(what_is_forged_is_refused_and_the_old_set_stays),
        T(only_this_issuers_newest_set_is_taken),
        T(a_text_without_keys_is_not_put),
        T(a_set_in_use_outlives_its_successor),
    };

    return cmocka_run_group_tests(tests, t_pool_setup, t_pool_teardown);
}
