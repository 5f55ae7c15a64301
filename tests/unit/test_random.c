#define OPENSSL_SUPPRESS_DEPRECATED 1
#include "t.h"

#include <openssl/rand.h>

#include "apisec/random.h"

static int fail_bytes(unsigned char *b, int n)
{
    memset(b, 0x55, (size_t)n); /* half done, then broken */
    return 0;
}

static void two_draws_differ(void **state)
{
    uint8_t a[32], b[32];
    (void)state;
    assert_int_equal(aps_random_fill(a, sizeof a), APS_OK);
    assert_int_equal(aps_random_fill(b, sizeof b), APS_OK);
    assert_memory_not_equal(a, b, sizeof a);
}

static void only_what_was_asked_for_is_written(void **state)
{
    uint8_t b[48];
    bool touched[48] = {false};
    (void)state;
    for (int round = 0; round < 8; round++) {
        memset(b, 0, sizeof b);
        assert_int_equal(aps_random_fill(b + 8, 32), APS_OK);
        for (size_t i = 0; i < sizeof b; i++)
            touched[i] = touched[i] || b[i] != 0;
    }
    for (size_t i = 0; i < sizeof b; i++)
        assert_int_equal(touched[i], i >= 8 && i < 40);
}

/* KEY-02: a broken generator gives an error, and nothing that could be taken for random. */
static void a_broken_generator_is_told(void **state)
{
    static const RAND_METHOD broken = {.bytes = fail_bytes};
    static const uint8_t zero[32];
    uint8_t b[32];
    (void)state;
    assert_int_equal(RAND_set_rand_method(&broken), 1);
    enum aps_err err = aps_random_fill(b, sizeof b);
    assert_int_equal(RAND_set_rand_method(NULL), 1);
    assert_int_equal(err, APS_ERR_CRYPTO);
    assert_memory_equal(b, zero, sizeof b);
    assert_int_equal(aps_random_fill(b, sizeof b), APS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_draws_differ),
        cmocka_unit_test(only_what_was_asked_for_is_written),
        cmocka_unit_test(a_broken_generator_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
