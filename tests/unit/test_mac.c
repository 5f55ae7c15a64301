#include "t.h"

#include <pthread.h>

#include "apisec/mac.h"

/* RFC 4231 4.2 to 4.8, without the truncated one. */
static void vectors_of_rfc_4231(void **state)
{
    static const struct {
        const char *key, *text, *mac;
    } cases[] = {
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
         "dddddddddddd",
         "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
        {"0102030405060708090a0b0c0d0e0f10111213141516171819",
         "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
         "cdcdcdcdcdcd",
         "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368"
         "204b6579204669727374",
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t key[256], text[256], want[32], out[APS_MAC_LEN];
        struct aps_mac *mac = NULL;
        size_t n = t_hex(cases[i].text, text);
        (void)t_hex(cases[i].mac, want);
        assert_int_equal(aps_mac_new(key, t_hex(cases[i].key, key), &mac), APS_OK);
        /* More than there are spare contexts, so that new and used ones both serve. */
        for (int k = 0; k < 6; k++) {
            assert_int_equal(aps_mac_sum(mac, (struct aps_str){(char *)text, n}, out), APS_OK);
            assert_memory_equal(out, want, sizeof want);
        }
        aps_mac_free(mac);
    }
}

static void an_empty_key_and_an_empty_text_are_keys_and_texts(void **state)
{
    uint8_t want[32], out[APS_MAC_LEN];
    struct aps_mac *mac = NULL;
    (void)state;
    (void)t_hex("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad", want);
    assert_int_equal(aps_mac_new("", 0, &mac), APS_OK);
    assert_int_equal(aps_mac_sum(mac, (struct aps_str){"", 0}, out), APS_OK);
    assert_memory_equal(out, want, sizeof want);
    aps_mac_free(mac);
}

/* RFC 4231 4.3, with each hash, in pieces of any length. */
static void other_hashes_and_pieces(void **state)
{
    static const struct {
        enum aps_alg_hash hash;
        const char *mac;
    } cases[] = {
        {APS_ALG_HASH_SHA256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {APS_ALG_HASH_SHA384, "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
                              "8e2240ca5e69e2c78b3239ecfab21649"},
        {APS_ALG_HASH_SHA512, "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                              "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
    };
    static const struct aps_str pieces[] = {{"what do ", 8}, {"", 0}, {"ya want for nothing?", 20}};
    struct aps_mac *mac = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t want[APS_MAC_MAX], out[APS_MAC_MAX];
        size_t n = t_hex(cases[i].mac, want);
        assert_int_equal(aps_mac_new_hash(cases[i].hash, "Jefe", 4, &mac), APS_OK);
        assert_int_equal(aps_mac_len(mac), n);
        for (int k = 0; k < 6; k++) {
            assert_int_equal(aps_mac_sum_parts(mac, pieces, 3, out), APS_OK);
            assert_memory_equal(out, want, n);
        }
        assert_int_equal(aps_mac_sum(mac, pieces[0], out),
                         n == APS_MAC_LEN ? APS_OK : APS_ERR_CRYPTO);
        aps_mac_free(mac);
    }
    assert_int_equal(aps_mac_new_hash(APS_ALG_HASH_NONE, "Jefe", 4, &mac), APS_ERR_CRYPTO);
}

static void fields(struct aps_mac *mac, const char *a, const char *b, uint8_t out[APS_MAC_LEN])
{
    struct aps_mac_run *run = NULL;
    assert_int_equal(aps_mac_begin(mac, &run), APS_OK);
    aps_mac_add(run, a, strlen(a));
    aps_mac_add(run, b, strlen(b));
    assert_int_equal(aps_mac_end(run, out), APS_OK);
}

static void the_borders_of_fields_count(void **state)
{
    uint8_t a[APS_MAC_LEN], b[APS_MAC_LEN], c[APS_MAC_LEN];
    struct aps_mac *mac = NULL;
    struct aps_mac_run *run = NULL;
    (void)state;
    assert_int_equal(aps_mac_new("key", 3, &mac), APS_OK);
    fields(mac, "ab", "c", a);
    fields(mac, "a", "bc", b);
    fields(mac, "ab", "c", c);
    assert_memory_not_equal(a, b, sizeof a);
    assert_memory_equal(a, c, sizeof a);
    assert_int_equal(aps_mac_begin(mac, &run), APS_OK);
    assert_int_equal(aps_mac_end(run, NULL), APS_OK); /* given up */
    aps_mac_free(mac);
}

enum { THREADS = 8, ROUNDS = 500 };

struct job {
    struct aps_mac *mac;
    int wrong;
    char text;
    uint8_t want[APS_MAC_LEN];
};

static void *work(void *arg)
{
    struct job *job = arg;
    uint8_t out[APS_MAC_LEN];
    for (int i = 0; i < ROUNDS; i++)
        if (aps_mac_sum(job->mac, (struct aps_str){&job->text, 1}, out) != APS_OK ||
            memcmp(out, job->want, sizeof out) != 0)
            job->wrong++;
    return NULL;
}

static void threads_share_a_key(void **state)
{
    struct aps_mac *mac = NULL;
    struct job jobs[THREADS];
    pthread_t threads[THREADS];
    (void)state;
    assert_int_equal(aps_mac_new("key", 3, &mac), APS_OK);
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){.mac = mac, .text = (char)('a' + i)};
        assert_int_equal(aps_mac_sum(mac, (struct aps_str){&jobs[i].text, 1}, jobs[i].want),
                         APS_OK);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &jobs[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(jobs[i].wrong, 0);
    }
    aps_mac_free(mac);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_rfc_4231),
        cmocka_unit_test(an_empty_key_and_an_empty_text_are_keys_and_texts),
        cmocka_unit_test(other_hashes_and_pieces),
        cmocka_unit_test(the_borders_of_fields_count),
        cmocka_unit_test(threads_share_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
