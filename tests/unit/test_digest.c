#include "t.h"

#include "apisec/digest.h"

/* The examples of FIPS 180-2 and the empty text. */
static const struct {
    const char *text, *want;
} rows[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

static void digests_are_those_of_the_standard(void **state)
{
    uint8_t got[APS_DIGEST_LEN], want[APS_DIGEST_LEN];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(t_hex(rows[i].want, want), sizeof want);
        assert_int_equal(aps_digest_sum(aps_str(rows[i].text), got), APS_OK);
        assert_memory_equal(got, want, sizeof want);
    }
}

static void parts_give_the_digest_of_the_whole(void **state)
{
    uint8_t got[APS_DIGEST_LEN], want[APS_DIGEST_LEN];
    const char *text = rows[2].text;
    (void)state;
    assert_int_equal(aps_digest_sum(aps_str(text), want), APS_OK);
    for (size_t cut = 0; cut <= strlen(text); cut++) {
        struct aps_digest_run *run = NULL;
        assert_int_equal(aps_digest_begin(&run), APS_OK);
        aps_digest_add(run, text, cut);
        aps_digest_add(run, text + cut, strlen(text) - cut);
        assert_int_equal(aps_digest_end(run, got), APS_OK);
        assert_memory_equal(got, want, sizeof want);
    }
    assert_int_equal(aps_digest_end(NULL, NULL), APS_OK);
}

/* FIPS 180-2, "abc". */
static void other_hashes_have_their_length(void **state)
{
    static const struct {
        enum aps_alg_hash hash;
        const char *want;
    } hashes[] = {
        {APS_ALG_HASH_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {APS_ALG_HASH_SHA384, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                              "8086072ba1e7cc2358baeca134c825a7"},
        {APS_ALG_HASH_SHA512, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                              "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
    };
    uint8_t got[APS_DIGEST_MAX + 1], want[APS_DIGEST_MAX];
    struct aps_digest_run *run = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++) {
        size_t n = t_hex(hashes[i].want, want);
        assert_int_equal(aps_digest_begin_hash(hashes[i].hash, &run), APS_OK);
        aps_digest_add(run, "ab", 2);
        aps_digest_add(run, "c", 1);
        memset(got, 0x55, sizeof got);
        assert_int_equal(aps_digest_end_hash(run, got), APS_OK);
        assert_int_equal(n, aps_alg_hash_len(hashes[i].hash));
        assert_memory_equal(got, want, n);
        assert_int_equal(got[n], 0x55);
    }
    /* What is longer than the caller's room is not written there. */
    assert_int_equal(aps_digest_begin_hash(APS_ALG_HASH_SHA384, &run), APS_OK);
    memset(got, 0x55, sizeof got);
    assert_int_equal(aps_digest_end(run, got), APS_ERR_CRYPTO);
    assert_int_equal(got[0], 0x55);
    assert_int_equal(aps_digest_begin_hash(APS_ALG_HASH_SHA512, &run), APS_OK);
    assert_int_equal(aps_digest_end_hash(run, NULL), APS_OK);
    assert_int_equal(aps_digest_begin_hash(APS_ALG_HASH_NONE, &run), APS_ERR_CRYPTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_those_of_the_standard),
        cmocka_unit_test(parts_give_the_digest_of_the_whole),
        cmocka_unit_test(other_hashes_have_their_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
