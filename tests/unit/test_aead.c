#include "t.h"

#include "apisec/aead.h"

struct vector {
    const char *key, *nonce, *aad, *plain, *cipher, *tag;
};

/* Cases 13 to 16 of McGrew and Viega, "The Galois/Counter Mode of Operation". */
static const struct vector vectors[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18",
     "d0d1c8a799996bf0265b98b5d48ab919"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6"
     "b525b16aedf5aa0de657ba637b391aafd255",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b105682"
     "8838c5f61e6393ba7a0abcc9f662898015ad",
     "b094dac5d93471bdec1a502270e3cc6c"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6"
     "b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b105682"
     "8838c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

static void vectors_of_the_specification(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const struct vector *v = &vectors[i];
        uint8_t key[32], nonce[12], aad[64], plain[64], want[64], want_tag[16], out[64], tag[16];
        (void)t_hex(v->key, key);
        (void)t_hex(v->nonce, nonce);
        (void)t_hex(v->tag, want_tag);
        struct aps_str a = {(char *)aad, t_hex(v->aad, aad)};
        struct aps_str p = {(char *)plain, t_hex(v->plain, plain)};
        struct aps_str c = {(char *)want, t_hex(v->cipher, want)};
        assert_int_equal(aps_aead_encrypt(key, nonce, a, p, out, tag), APS_OK);
        assert_memory_equal(out, want, c.n);
        assert_memory_equal(tag, want_tag, 16);
        assert_int_equal(aps_aead_decrypt(key, nonce, a, c, tag, out), APS_OK);
        assert_memory_equal(out, plain, p.n);
    }
}

/* SEC-04: nothing of the plaintext is left where the tag is wrong. */
static void a_wrong_tag_gives_nothing(void **state)
{
    static const uint8_t zero[64];
    const struct vector *v = &vectors[3];
    uint8_t key[32], nonce[12], aad[64], cipher[64], tag[16], out[64];
    (void)state;
    (void)t_hex(v->key, key);
    (void)t_hex(v->nonce, nonce);
    (void)t_hex(v->tag, tag);
    struct aps_str a = {(char *)aad, t_hex(v->aad, aad)};
    struct aps_str c = {(char *)cipher, t_hex(v->cipher, cipher)};
    for (size_t bit = 0; bit < 128; bit++) {
        tag[bit / 8] ^= (uint8_t)(1 << bit % 8);
        memset(out, 0xee, sizeof out);
        assert_int_equal(aps_aead_decrypt(key, nonce, a, c, tag, out), APS_ERR_CRYPTO);
        assert_memory_equal(out, zero, c.n);
        tag[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(aps_aead_decrypt(key, nonce, a, c, tag, out), APS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_the_specification),
        cmocka_unit_test(a_wrong_tag_gives_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
