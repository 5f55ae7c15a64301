#include "t.h"

#include "apisec/kdf.h"

/* RFC 5869 A.1 to A.3. */
static void vectors_of_rfc_5869(void **state)
{
    static const struct {
        const char *key, *salt, *info, *out;
    } cases[] = {
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
         "f0f1f2f3f4f5f6f7f8f9",
         "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
        {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627"
         "28292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
         "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f8081828384858687"
         "88898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
         "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7"
         "d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
         "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac78272"
         "71cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f"
         "1d87"},
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
         "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t key[128], salt[128], info[128], want[128], out[128];
        struct aps_str k = {(char *)key, t_hex(cases[i].key, key)};
        struct aps_str s = {(char *)salt, t_hex(cases[i].salt, salt)};
        struct aps_str f = {(char *)info, t_hex(cases[i].info, info)};
        size_t n = t_hex(cases[i].out, want);
        assert_int_equal(aps_kdf_hkdf(k, s, f, out, n), APS_OK);
        assert_memory_equal(out, want, n);
    }
}

static void too_much_is_refused_and_wiped(void **state)
{
    static uint8_t out[8161];
    (void)state;
    memset(out, 0xee, sizeof out);
    assert_int_equal(
        aps_kdf_hkdf(APS_STR_LIT("key"), (struct aps_str){0}, (struct aps_str){0}, out, 8160),
        APS_OK);
    assert_int_equal(
        aps_kdf_hkdf(APS_STR_LIT("key"), (struct aps_str){0}, (struct aps_str){0}, out, 8161),
        APS_ERR_CRYPTO);
    for (size_t i = 0; i < sizeof out; i++)
        assert_int_equal(out[i], 0);
}

/* SEC-12: every label gives a key of its own, and none is the master key. */
static void labels_give_different_keys(void **state)
{
    static const char *const labels[] = {APS_KDF_WRAP, APS_KDF_CHECK, APS_KDF_ID};
    enum { N = sizeof labels / sizeof *labels };
    struct aps_secret master = {0}, sub[N] = {{0}};
    (void)state;
    assert_int_equal(aps_secret_copy("0123456789abcdef0123456789abcdef", 32, &master), APS_OK);
    for (int i = 0; i < N; i++) {
        assert_int_equal(aps_kdf_sub(&master, labels[i], 32, &sub[i]), APS_OK);
        assert_int_equal(sub[i].n, 32);
        assert_memory_not_equal(sub[i].b, master.b, 32);
        for (int k = 0; k < i; k++)
            assert_memory_not_equal(sub[i].b, sub[k].b, 32);
    }
    for (int i = 0; i < N; i++)
        aps_secret_wipe(&sub[i]);
    aps_secret_wipe(&master);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_rfc_5869),
        cmocka_unit_test(too_much_is_refused_and_wiped),
        cmocka_unit_test(labels_give_different_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
