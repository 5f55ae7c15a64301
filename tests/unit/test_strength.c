#include "t.h"

#include "apisec/imported.h"
#include "apisec/random.h"
#include "apisec/strength.h"

/* KEY-05: what is surely weak counts little. */
static void weak_texts_are_told(void **state)
{
    static const char *const weak[] = {
        "",
        "a",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "abababababababababababababababababababab",
        "password1234567890123456",
        "0123456789abcdef0123456789abcdef",
        "0123456789abcdefghijklmnopqrstuvwxyz",
        "zyxwvutsrqponmlkjihgfedcba9876543210",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
        "deadbeefdeadbeefdeadbeefdeadbeef",
        "00000000000000000000000000000000",
        "11111111222222223333333344444444",
        "correcthorsebatterystaple",
        "thequickbrownfoxjumpsoverthelazydog",
        "changemechangemechangeme1",
        "12345678901234567890123456789012",
        "20260101120000",
        "sk_live_1234567890123456789012345678",
        "sk_live_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "8f14e45fceea167a",                     /* 64 bits of hexadecimal digits */
        "9f86d081884c7d659a2feaa0c55",          /* 27 of them: 108 bits */
        "018f3e3a-7b1c-7def-8000-1234567890ab", /* its time, and a count */
        "c232ab00-9414-11ec-b3c8-9f6bdeced846", /* version 1 */
        "00000000-0000-0000-0000-000000000000",
        "aabbabbabaabbbaababbabaababbaabbababbabaabbab", /* two letters, without a digit */
        "3141592653589793238462643383279",               /* 31 digits: 102 bits */
    };
    (void)state;
    for (size_t i = 0; i < sizeof weak / sizeof *weak; i++) {
        if (aps_strength_bits(aps_str(weak[i])) >= APS_IMPORTED_BITS)
            print_error("%s: %u bits\n", weak[i], aps_strength_bits(aps_str(weak[i])));
        assert_true(aps_strength_bits(aps_str(weak[i])) < APS_IMPORTED_BITS);
    }
}

static void known_forms_count_what_is_random_in_them(void **state)
{
    static const struct {
        const char *text;
        unsigned want;
    } rows[] = {
        {"9f86d081884c7d659a2feaa0c55ad015", 128},     /* 32 hexadecimal digits */
        {"9F86D081884C7D659A2FEAA0C55AD015", 128},     /* in capitals */
        {"9f86d081884c7d659a2feaa0c55a", 112},         /* the least: 28 */
        {"f47ac10b-58cc-4372-a567-0e02b2c3d479", 122}, /* UUID of version 4 */
        {"f47ac10b58cc4372a5670e02b2c3d479", 128},
        {"f47ac10b-58cc-7372-a567-0e02b2c3d479", 74}, /* of version 7 */
        {"f47ac10b-58cc-3372-a567-0e02b2c3d479", 0},  /* of a name */
        {"dBjftJeZ4CVP-mB92K27uh", 132},              /* base64url of 16 bytes */
        {"dBjftJeZ4CVPmB92K27uhA==", 130},            /* base64 of as many */
        {"sk_live_4eC39HqLyjWDarjtT1zdp7dc", 142},    /* the tag counts nothing */
        {"4eC39HqLyjWDarjtT1zdp7dc", 142},
        {"k7q2m9x4t8w3n6r1p5v0z7c2b8", 134}, /* letters of one case and digits */
        {"31415926535897932384626433832795028", 116},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned got = aps_strength_bits(aps_str(rows[i].text));
        if (got != rows[i].want)
            print_error("%s: %u bits\n", rows[i].text, got);
        assert_int_equal(got, rows[i].want);
    }
}

static void texts_of_any_length_are_read(void **state)
{
    char text[258];
    (void)state;
    memset(text, 'a', sizeof text);
    for (size_t n = 0; n < sizeof text; n++)
        assert_true(aps_strength_bits((struct aps_str){text, n}) < 16);
    for (int c = 0; c < 256; c++) {
        memset(text, c, sizeof text);
        (void)aps_strength_bits((struct aps_str){text, 256}); /* reads nothing beyond it */
    }
}

/* Random keys of the forms that have the least to spare are all taken. */
static void random_texts_are_strong(void **state)
{
    static const char hex[] = "0123456789abcdef";
    static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint8_t bytes[32];
        char text[32];
        assert_int_equal(aps_random_fill(bytes, sizeof bytes), APS_OK);
        for (size_t k = 0; k < 32; k++)
            text[k] = hex[bytes[k] & 15];
        text[i % 32] = 'a'; /* one in three million has digits only, and counts as such */
        assert_true(aps_strength_bits((struct aps_str){text, 32}) >= APS_IMPORTED_BITS);
        for (size_t k = 0; k < 32; k++)
            text[k] = base64[bytes[k] & 63];
        assert_true(aps_strength_bits((struct aps_str){text, 32}) >= APS_IMPORTED_BITS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weak_texts_are_told),
        cmocka_unit_test(known_forms_count_what_is_random_in_them),
        cmocka_unit_test(texts_of_any_length_are_read),
        cmocka_unit_test(random_texts_are_strong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
