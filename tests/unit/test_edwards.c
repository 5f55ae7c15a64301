#include "t.h"

#include "../../libapisec/crypto/edwards.h"

#define ZERO16 "00000000000000000000000000000000"
#define ONES16 "ffffffffffffffffffffffffffffffff"
#define ONES8 "ffffffffffffffff"

/* y of points of order 1, 2, 4 and 8 with either sign, and what is at or above the prime. */
static void small_orders_and_second_spellings_are_no_keys(void **state)
{
    static const struct {
        enum aps_alg_key kind;
        const char *key;
        bool good;
    } cases[] = {
        {APS_ALG_KEY_ED25519, ZERO16 ZERO16, false},
        {APS_ALG_KEY_ED25519, "01000000000000000000000000000000" ZERO16, false},
        {APS_ALG_KEY_ED25519, "0100000000000000000000000000000000000000000000000000000000000080",
         false},
        {APS_ALG_KEY_ED25519, "02000000000000000000000000000000" ZERO16, true},
        {APS_ALG_KEY_ED25519, "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
         false},
        {APS_ALG_KEY_ED25519, "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
         false},
        {APS_ALG_KEY_ED25519, "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
         false},
        {APS_ALG_KEY_ED25519, "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
         false},
        {APS_ALG_KEY_ED25519, "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037b",
         true},
        {APS_ALG_KEY_ED25519, "ebffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
         true},
        {APS_ALG_KEY_ED25519, "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
         false},
        {APS_ALG_KEY_ED25519, "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
         false},
        {APS_ALG_KEY_ED25519, "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
         false},
        {APS_ALG_KEY_ED25519, "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
         false},
        {APS_ALG_KEY_ED25519, ONES16 ONES16, false},
        {APS_ALG_KEY_ED448, ZERO16 ZERO16 ZERO16 "000000000000000000", false},
        {APS_ALG_KEY_ED448, "01000000000000000000000000000000" ZERO16 ZERO16 "000000000000000000",
         false},
        {APS_ALG_KEY_ED448, "01000000000000000000000000000000" ZERO16 ZERO16 "000000000000000080",
         false},
        {APS_ALG_KEY_ED448, "02000000000000000000000000000000" ZERO16 ZERO16 "000000000000000000",
         true},
        {APS_ALG_KEY_ED448, "02000000000000000000000000000000" ZERO16 ZERO16 "000000000000000001",
         false},
        {APS_ALG_KEY_ED448,
         "fd" ONES8 ONES8 ONES8 "ffffff"
         "feffffff" ONES8 ONES8 ONES8 "00",
         true},
        {APS_ALG_KEY_ED448,
         "fe" ONES8 ONES8 ONES8 "ffffff"
         "feffffff" ONES8 ONES8 ONES8 "00",
         false},
        {APS_ALG_KEY_ED448,
         "ff" ONES8 ONES8 ONES8 "ffffff"
         "feffffff" ONES8 ONES8 ONES8 "00",
         false},
        {APS_ALG_KEY_ED448,
         "ff" ONES8 ONES8 ONES8 "ffffff"
         "ffffffff" ONES8 ONES8 ONES8 "00",
         false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t key[64];
        size_t n = t_hex(cases[i].key, key);

        assert_int_equal(n, cases[i].kind == APS_ALG_KEY_ED448 ? 57 : 32);
        assert_int_equal(aps_edwards_is_key(cases[i].kind, key, n), cases[i].good);
        assert_false(aps_edwards_is_key(cases[i].kind, key, n - 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_orders_and_second_spellings_are_no_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
