#include "t.h"

#include "apisec/digestfield.h"
#include "t_pool.h"

/* RFC 9530 B.1, D: the content and its digests. */
#define HELLO "{\"hello\": \"world\"}"
#define S256 "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"
#define S512                                                                                       \
    "sha-512=:WZDPaVn/"                                                                            \
    "7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJw"                 \
    "ew==:"
#define EMPTY256 "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"

static enum aps_err judge(void **state, const char *field, const char *content)
{
    struct aps_digestfield want;
    enum aps_err err = aps_digestfield_read(aps_str(field), *state, &want, NULL);

    return err != APS_OK ? err : aps_digestfield_check(&want, aps_str(content));
}

/* SIG-06, SIG-07: every digest that counts has to match, and nothing else counts. */
static void all_that_count_match(void **state)
{
    static const struct {
        const char *field, *content;
        enum aps_err err;
    } cases[] = {
        {S256, HELLO, APS_OK},
        {S512, HELLO, APS_OK},
        {S256 ", " S512, HELLO, APS_OK},
        {S512 "," S256, HELLO, APS_OK},
        {S256 ";x=1, unknown=7, other=(1 2)", HELLO, APS_OK},
        {S256, HELLO "\n", APS_ERR_CHECK},
        {S256, "", APS_ERR_CHECK},
        {EMPTY256, "", APS_OK},
        {EMPTY256, HELLO, APS_ERR_CHECK},
        {EMPTY256 ", " S512, HELLO, APS_ERR_CHECK},
        {S512 ", " EMPTY256, HELLO, APS_ERR_CHECK},
        {EMPTY256 ", " S256, HELLO, APS_OK}, /* one name: the last value holds, RFC 9651 4.2.2 */
        {S256 ", " EMPTY256, HELLO, APS_ERR_CHECK},
        {"md5=:Sd/dVLAcvNLSq16eXua5uQ==:", HELLO, APS_ERR_NOT_FOUND},
        {"sha=:07CavjDP4u3/TungoUHJO/Wzr4c=:", HELLO, APS_ERR_NOT_FOUND},
        {"adler=:OZkGFw==:, crc32c=:Q3lHIA==:, unixsum=:GQU=:, unixcksum=:7zsHAA==:", HELLO,
         APS_ERR_NOT_FOUND},
        {"sha-384=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:", HELLO, APS_ERR_NOT_FOUND},
        {"", HELLO, APS_ERR_NOT_FOUND},
        {"SHA-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:", HELLO, APS_ERR_FORMAT},
        {"sha-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=", HELLO, APS_ERR_FORMAT},
        {"sha-256=\"X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=\"", HELLO, APS_ERR_FORMAT},
        {"sha-256", HELLO, APS_ERR_FORMAT},
        {"sha-256=::", HELLO, APS_ERR_FORMAT},
        {"sha-512=::, " S256, HELLO, APS_ERR_FORMAT},
        {S256 ",", HELLO, APS_ERR_FORMAT},
        {S256 ", md5=x:", HELLO, APS_OK}, /* a token */
        {S256 ", md5=:x", HELLO, APS_ERR_FORMAT},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (judge(state, cases[i].field, cases[i].content) != cases[i].err)
            fail_msg("%s", cases[i].field);
}

/* Bytes of a digest: one less, as many, one more. */
static void a_digest_has_its_length(void **state)
{
    static const struct {
        const char *name;
        size_t n;
    } names[] = {{"sha-256", 32}, {"sha-512", 64}};

    for (size_t i = 0; i < 2; i++)
        for (size_t n = names[i].n - 1; n <= names[i].n + 1; n++) {
            char field[200] = "", digits[100] = "";
            const size_t over = n % 3;

            memset(digits, 'A', (n + 2) / 3 * 4);
            if (over != 0)
                memset(digits + n / 3 * 4 + over + 1, '=', 3 - over);
            (void)snprintf(field, sizeof field, "%s=:%s:", names[i].name, digits);
            assert_int_equal(judge(state, field, HELLO),
                             n == names[i].n ? APS_ERR_CHECK : APS_ERR_FORMAT);
        }
}

static void content_may_come_in_pieces(void **state) /* SIG-06 */
{
    static const char hello[] = HELLO;
    struct aps_digestfield want;

    assert_int_equal(aps_digestfield_read(APS_STR_LIT(S256 "," S512), *state, &want, NULL), APS_OK);
    for (size_t cut = 0; cut < sizeof hello; cut++) {
        struct aps_digestfield_run *run = NULL;

        assert_int_equal(aps_digestfield_begin(&want, &run), APS_OK);
        aps_digestfield_add(run, hello, cut);
        aps_digestfield_add(run, NULL, 0);
        aps_digestfield_add(run, hello + cut, sizeof hello - 1 - cut);
        assert_int_equal(aps_digestfield_end(run), APS_OK);
        assert_int_equal(aps_digestfield_begin(&want, &run), APS_OK);
        aps_digestfield_add(run, hello, cut);
        assert_int_equal(aps_digestfield_end(run),
                         cut == sizeof hello - 1 ? APS_OK : APS_ERR_CHECK);
    }
}

static void nothing_matches_a_zeroed_field(void **state)
{
    static const struct aps_digestfield none = {0};

    (void)state;
    assert_int_equal(aps_digestfield_check(&none, APS_STR_LIT("")), APS_ERR_CHECK);
    assert_int_equal(aps_digestfield_end(NULL), APS_ERR_CHECK);
}

static void a_failure_leaves_the_output(void **state)
{
    struct aps_digestfield want = {.has_sha256 = true, .sha256 = {7}};
    struct aps_diag diag;

    assert_int_equal(aps_digestfield_read(APS_STR_LIT("sha-256=:YQ==:"), *state, &want, &diag),
                     APS_ERR_FORMAT);
    assert_int_equal(want.sha256[0], 7);
    assert_string_equal(diag.text, "digest sha-256: want 32 bytes in base64 between colons");
    assert_int_equal(aps_digestfield_read(APS_STR_LIT("md5=:YQ==:"), *state, &want, &diag),
                     APS_ERR_NOT_FOUND);
    assert_string_equal(diag.text, "digest field \"md5=:YQ==:\": want sha-256 or sha-512");
}

static void what_is_printed_is_read(void **state)
{
    struct aps_buf b;

    aps_buf_init(&b, *state, 1000);
    assert_int_equal(aps_digestfield_print(APS_ALG_HASH_SHA256, APS_STR_LIT(HELLO), &b), APS_OK);
    aps_buf_add(&b, APS_STR_LIT(", "));
    assert_int_equal(aps_digestfield_print(APS_ALG_HASH_SHA512, APS_STR_LIT(HELLO), &b), APS_OK);
    assert_true(aps_str_eq(aps_buf_text(&b), APS_STR_LIT(S256 ", " S512)));
    assert_int_equal(aps_digestfield_print(APS_ALG_HASH_SHA384, APS_STR_LIT(HELLO), &b),
                     APS_ERR_RANGE);
    assert_int_equal(aps_digestfield_print(APS_ALG_HASH_NONE, APS_STR_LIT(HELLO), &b),
                     APS_ERR_RANGE);
    for (size_t max = sizeof S256 - 2; max <= sizeof S256; max++) {
        aps_buf_init(&b, *state, max);
        assert_int_equal(aps_digestfield_print(APS_ALG_HASH_SHA256, APS_STR_LIT(HELLO), &b),
                         max < sizeof S256 - 1 ? APS_ERR_NOMEM : APS_OK);
    }
}

/* RFC 9530 4. */
static void preferences(void **state)
{
    static const struct {
        const char *field;
        enum aps_err err;
        enum aps_alg_hash hash;
    } cases[] = {
        {"sha-256=1", APS_OK, APS_ALG_HASH_SHA256},
        {"sha-512=3, sha-256=10, unixsum=0", APS_OK, APS_ALG_HASH_SHA256},
        {"sha-512=9, sha-256=8, md5=10", APS_OK, APS_ALG_HASH_SHA512},
        {"sha-512=4, sha-256=4", APS_OK, APS_ALG_HASH_SHA256},
        {"sha-512=0, sha-256=0", APS_OK, APS_ALG_HASH_NONE},
        {"sha-512=10, sha-256=0", APS_OK, APS_ALG_HASH_SHA512},
        {"sha-512=0, sha-256=10", APS_OK, APS_ALG_HASH_SHA256},
        {"md5=10", APS_OK, APS_ALG_HASH_NONE},
        {"", APS_OK, APS_ALG_HASH_NONE},
        {"sha-256=11", APS_ERR_FORMAT, 0},
        {"sha-256=-1", APS_ERR_FORMAT, 0},
        {"sha-512=1.0", APS_ERR_FORMAT, 0},
        {"sha-512", APS_ERR_FORMAT, 0},
        {"sha-512=", APS_ERR_FORMAT, 0},
        {"unixsum=11, sha-256=10", APS_OK, APS_ALG_HASH_SHA256},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum aps_alg_hash hash = APS_ALG_HASH_SHA384;

        assert_int_equal(aps_digestfield_wanted(aps_str(cases[i].field), *state, &hash, NULL),
                         cases[i].err);
        assert_int_equal(hash, cases[i].err == APS_OK ? cases[i].hash : APS_ALG_HASH_SHA384);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(all_that_count_match),
        t_pool_test(a_digest_has_its_length),
        t_pool_test(content_may_come_in_pieces),
        t_pool_test(nothing_matches_a_zeroed_field),
        t_pool_test(a_failure_leaves_the_output),
        t_pool_test(what_is_printed_is_read),
        t_pool_test(preferences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
