#include "t.h"

#include "../../libapisec/crypto/roca.h"

/* JWT-05: powers of 65537 have the mark by themselves, times such a power too; others have not. */
static void the_mark(void **state)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *g = BN_new(), *n = BN_new(), *e = BN_new();

    (void)state;
    assert_non_null(ctx);
    assert_int_equal(BN_set_word(g, 65537), 1);
    for (unsigned long power = 1; power <= 256; power *= 2) {
        assert_int_equal(BN_set_word(e, power), 1);
        assert_int_equal(BN_exp(n, g, e, ctx), 1);
        assert_true(aps_roca_is_weak(n));
        assert_int_equal(BN_add_word(n, 2), 1);
        assert_false(aps_roca_is_weak(n));
    }
    assert_int_equal(BN_set_word(n, 3), 1); /* is no power modulo 3 */
    assert_false(aps_roca_is_weak(n));
    for (int bits = 2048; bits < 2148; bits++) {
        assert_int_equal(BN_rand(n, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD), 1);
        assert_false(aps_roca_is_weak(n));
    }
    BN_free(g);
    BN_free(n);
    BN_free(e);
    BN_CTX_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mark),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
