#include "t.h"

#include <stdlib.h>
#include <zlib.h>

#include "apisec/coding.h"

static const char plain[] = "{\"name\":\"value\",\"list\":[1,2,3,1,2,3]}";
static const char gzip[] =
    "1f8b0800000000000003ab56ca4bcc4d55b2522a4bcc294d55d251cac92c2e51b28a36d431d231d60193"
    "b1b500c1f9f5e725000000";
static const char zlib[] =
    "789cab56ca4bcc4d55b2522a4bcc294d55d251cac92c2e51b28a36d431d231d60193b1b500d8a50a9f";
static const char raw[] = "ab56ca4bcc4d55b2522a4bcc294d55d251cac92c2e51b28a36d431d231d60193b1b500";
static const char br[] =
    "0b12807b226e616d65223a2276616c7565222c226c697374223a5b312c322c332c312c322c335d7d03";
static const char br_zeros[] = "5b3f428f7f02201e0b04f2731e00"; /* 1,000,000 of them */

static const struct aps_coding_caps usual = {1 << 20, 200};

struct coded {
    enum aps_coding coding;
    const char *hex;
};

static const struct coded all[] = {{APS_CODING_GZIP, gzip},
                                   {APS_CODING_DEFLATE, zlib},
                                   {APS_CODING_DEFLATE, raw},
                                   {APS_CODING_BR, br}};

#define EACH(c) for (const struct coded *c = all; c < all + sizeof all / sizeof all[0]; c++)

/* Decode in pieces of `step` bytes; what came out has to be `want` where nothing is at fault. */
static enum aps_coding_fault run(enum aps_coding coding, const uint8_t *p, size_t n, size_t step,
                                 const struct aps_coding_caps *caps, struct aps_str want)
{
    struct aps_coding_run *run = aps_coding_begin(coding, caps, n);
    char *out = NULL;
    size_t out_n = 0;
    assert_non_null(run);
    for (size_t at = 0; at < n; at += step) {
        size_t piece = n - at < step ? n - at : step;
        (void)aps_coding_add(run, (struct aps_str){(const char *)p + at, piece});
    }
    enum aps_coding_fault fault = aps_coding_end(run, &out, &out_n);
    if (fault == APS_CODING_OK) {
        assert_int_equal(out_n, want.n);
        assert_memory_equal(out, want.p, want.n);
    } else {
        assert_null(out);
    }
    free(out);
    aps_coding_free(run);
    return fault;
}

static enum aps_coding_fault run_hex(const struct coded *c, size_t cut, const char *more)
{
    uint8_t bytes[256];
    size_t n = t_hex(c->hex, bytes) - cut;
    n += t_hex(more, bytes + n);
    enum aps_coding_fault fault = run(c->coding, bytes, n, n, &usual, APS_STR_LIT(plain));
    for (size_t step = 1; step < 8; step++) /* the answer does not hang on the pieces */
        assert_int_equal(run(c->coding, bytes, n, step, &usual, APS_STR_LIT(plain)), fault);
    return fault;
}

/* NEG-05 */
static void each_coding_is_decoded(void **state)
{
    (void)state;
    EACH(c)
    assert_int_equal(run_hex(c, 0, ""), APS_CODING_OK);
}

/* NEG-05 */
static void what_ends_too_early_or_late_is_refused(void **state)
{
    (void)state;
    EACH(c)
    {
        for (size_t cut = 1; cut < strlen(c->hex) / 2; cut++)
            assert_int_equal(run_hex(c, cut, ""), APS_CODING_TRUNCATED);
        assert_int_equal(run_hex(c, strlen(c->hex) / 2, ""), APS_CODING_TRUNCATED);
        assert_int_equal(run_hex(c, 0, "00"), APS_CODING_TRAILING);
        assert_int_equal(run_hex(c, 0, c->hex), APS_CODING_TRAILING); /* a second member too */
    }
}

/* NEG-05 */
static void other_bytes_are_malformed(void **state)
{
    static const struct coded rows[] = {
        {APS_CODING_GZIP, "7b7d7b7d7b7d7b7d7b7d7b7d7b7d7b7d7b7d7b7d7b7d"},
        {APS_CODING_GZIP, "1f8b08e0000000000003ab56ca4b"},    /* reserved flags */
        {APS_CODING_DEFLATE, "78bb0a0b0c0d0a0b0c0d0a0b0c0d"}, /* a dictionary */
        {APS_CODING_DEFLATE, "ffffffffffffffffffff"},
        {APS_CODING_BR, "ffffffffffffffffffffffffffffffff"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(run_hex(&rows[i], 0, ""), APS_CODING_MALFORMED);
    /* A checksum that is wrong. */
    assert_int_equal(run_hex(&all[0], 8, "0000000025000000"), APS_CODING_MALFORMED);
    assert_int_equal(run_hex(&all[0], 4, "26000000"), APS_CODING_MALFORMED);
    assert_int_equal(run_hex(&all[1], 4, "00000000"), APS_CODING_MALFORMED);
}

/* NEG-05: at, below and above the cap. */
static void bytes_are_capped(void **state)
{
    uint8_t bytes[256];
    (void)state;
    EACH(c)
    {
        size_t n = t_hex(c->hex, bytes);
        for (size_t max = 1; max < sizeof plain + 2; max++) {
            const struct aps_coding_caps caps = {max, 200};
            assert_int_equal(run(c->coding, bytes, n, n, &caps, APS_STR_LIT(plain)),
                             max < sizeof plain - 1 ? APS_CODING_BYTES : APS_CODING_OK);
        }
    }
}

/* `size` zeros as zlib packs them. */
static size_t pack_zeros(size_t size, uint8_t *out, size_t room)
{
    uint8_t *zeros = calloc(1, size);
    uLongf n = (uLongf)room;
    assert_non_null(zeros);
    assert_int_equal(compress2(out, &n, zeros, (uLong)size, 9), Z_OK);
    free(zeros);
    return (size_t)n;
}

/* NEG-05: a few bytes that come to a million are refused before the million is there. */
static void bombs_are_refused(void **state)
{
    uint8_t bytes[8192], *zeros = calloc(1, 1 << 20);
    const struct aps_coding_caps generous = {1 << 30, 100000};
    (void)state;
    size_t n = t_hex(br_zeros, bytes);
    assert_int_equal(run(APS_CODING_BR, bytes, n, n, &usual, APS_STR_LIT("")), APS_CODING_RATIO);
    assert_int_equal(run(APS_CODING_BR, bytes, n, 1, &usual, APS_STR_LIT("")), APS_CODING_RATIO);
    assert_int_equal(
        run(APS_CODING_BR, bytes, n, n, &generous, (struct aps_str){(char *)zeros, 1000000}),
        APS_CODING_OK);
    n = pack_zeros(1 << 20, bytes, sizeof bytes);
    assert_int_equal(run(APS_CODING_DEFLATE, bytes, n, n, &usual, APS_STR_LIT("")),
                     APS_CODING_RATIO);
    const struct aps_coding_caps exact = {1 << 20, (1 << 20) / (uint32_t)n + 1};
    assert_int_equal(
        run(APS_CODING_DEFLATE, bytes, n, n, &exact, (struct aps_str){(char *)zeros, 1 << 20}),
        APS_CODING_OK);
    /* Up to the floor any ratio is fine. */
    n = pack_zeros(APS_CODING_RATIO_FLOOR, bytes, sizeof bytes);
    const struct aps_coding_caps strict = {1 << 20, 1};
    assert_int_equal(run(APS_CODING_DEFLATE, bytes, n, n, &strict,
                         (struct aps_str){(char *)zeros, APS_CODING_RATIO_FLOOR}),
                     APS_CODING_OK);
    n = pack_zeros(APS_CODING_RATIO_FLOOR + 1, bytes, sizeof bytes);
    assert_int_equal(run(APS_CODING_DEFLATE, bytes, n, n, &strict, APS_STR_LIT("")),
                     APS_CODING_RATIO);
    free(zeros);
}

static void nothing_decodes_to_nothing(void **state)
{
    static const struct coded rows[] = {
        {APS_CODING_GZIP, "1f8b080000000000000303000000000000000000"},
        {APS_CODING_DEFLATE, "789c030000000001"},
        {APS_CODING_DEFLATE, "0300"},
        {APS_CODING_BR, "3b"}};
    uint8_t bytes[32];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t n = t_hex(rows[i].hex, bytes);
        assert_int_equal(run(rows[i].coding, bytes, n, 1, &usual, APS_STR_LIT("")), APS_CODING_OK);
    }
}

/* NEG-05 */
static void names_are_known_or_refused(void **state)
{
    static const struct {
        const char *field;
        enum aps_coding_fault fault;
        enum aps_coding coding;
    } rows[] = {
        {"gzip", APS_CODING_OK, APS_CODING_GZIP},
        {"x-gzip", APS_CODING_OK, APS_CODING_GZIP},
        {" GZip\t", APS_CODING_OK, APS_CODING_GZIP},
        {"deflate", APS_CODING_OK, APS_CODING_DEFLATE},
        {"br", APS_CODING_OK, APS_CODING_BR},
        {"", APS_CODING_OK, APS_CODING_NONE},
        {"identity", APS_CODING_OK, APS_CODING_NONE},
        {"zstd", APS_CODING_UNKNOWN, APS_CODING_COUNT},
        {"compress", APS_CODING_UNKNOWN, APS_CODING_COUNT},
        {"gzip;q=1", APS_CODING_UNKNOWN, APS_CODING_COUNT},
        {"gzip br", APS_CODING_UNKNOWN, APS_CODING_COUNT},
        {"gzip, gzip", APS_CODING_SEVERAL, APS_CODING_COUNT},
        {"identity, gzip", APS_CODING_SEVERAL, APS_CODING_COUNT},
        {"gzip,", APS_CODING_SEVERAL, APS_CODING_COUNT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum aps_coding coding = APS_CODING_COUNT;
        assert_int_equal(aps_coding_parse(aps_str(rows[i].field), &coding), rows[i].fault);
        assert_int_equal(coding, rows[i].coding);
    }
    assert_string_equal(aps_coding_name(APS_CODING_BR), "br");
    assert_string_equal(aps_coding_name(APS_CODING_COUNT), "");
    assert_string_equal(aps_coding_fault_name(APS_CODING_TRAILING), "trailing");
    assert_string_equal(aps_coding_fault_name((enum aps_coding_fault)99), "unknown");
    assert_string_equal(aps_coding_fault_text((enum aps_coding_fault)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_coding_is_decoded),
        cmocka_unit_test(what_ends_too_early_or_late_is_refused),
        cmocka_unit_test(other_bytes_are_malformed),
        cmocka_unit_test(bytes_are_capped),
        cmocka_unit_test(bombs_are_refused),
        cmocka_unit_test(nothing_decodes_to_nothing),
        cmocka_unit_test(names_are_known_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
