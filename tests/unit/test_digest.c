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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_those_of_the_standard),
        cmocka_unit_test(parts_give_the_digest_of_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
