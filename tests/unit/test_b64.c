#include "t.h"

#include <stdlib.h>

#include "apisec/b64.h"

/* RFC 4648 10, and bytes that need the last two letters. */
static void known_answers(void **state)
{
    static const struct {
        const char *bytes, *plain, *url;
    } cases[] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"fooba", "Zm9vYmE=", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
        {"\xfb\xff", "+/8=", "-_8"},
        {"\xff\xff\xff", "////", "____"},
        {"\xfb\xef\xbe", "++++", "----"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aps_str bytes = aps_str(cases[i].bytes);
        char text[16];
        uint8_t back[16];
        size_t n = aps_b64_encode(bytes, text);

        assert_int_equal(n, strlen(cases[i].plain));
        assert_memory_equal(text, cases[i].plain, n);
        assert_true(aps_b64_decode((struct aps_str){text, n}, back, &n));
        assert_int_equal(n, bytes.n);
        assert_memory_equal(back, bytes.p, n);
        n = aps_b64_url_encode(bytes, text);
        assert_int_equal(n, strlen(cases[i].url));
        assert_memory_equal(text, cases[i].url, n);
        assert_true(aps_b64_url_decode((struct aps_str){text, n}, back, &n));
        assert_int_equal(n, bytes.n);
        assert_memory_equal(back, bytes.p, n);
    }
}

/* JWT-01 */
static void one_spelling_only(void **state)
{
    static const struct {
        const char *text;
        bool plain, url;
    } cases[] = {
        {"A", false, false},
        {"AA", false, true},
        {"AB", false, false},
        {"Zh", false, false},
        {"AAA", false, true},
        {"AAB", false, false},
        {"Zm9", false, false},
        {"AAAA", true, true},
        {"AAAAA", false, false},
        {"AA==", true, false},
        {"AB==", false, false},
        {"AA=", false, false},
        {"AA=A", false, false},
        {"=AAA", false, false},
        {"A===", false, false},
        {"====", false, false},
        {"AAA=", true, false},
        {"AAB=", false, false},
        {"AAAA====", false, false},
        {"AAAA=", false, false},
        {"AA==AAAA", false, false},
        {" AAA", false, false},
        {"AAA ", false, false},
        {"AA\nA", false, false},
        {"AAA\n", false, false},
        {"++++", true, false},
        {"----", false, true},
        {"////", true, false},
        {"____", false, true},
        {"AA.A", false, false},
        {"AA%A", false, false},
        {"\xc3\xa9"
         "AA",
         false, false},
        {"AAAA\xff"
         "AAA",
         false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aps_str text = aps_str(cases[i].text);
        uint8_t out[16];
        size_t n = 99;

        assert_int_equal(aps_b64_decode(text, out, &n), cases[i].plain);
        assert_true(cases[i].plain || n == 99);
        n = 99;
        assert_int_equal(aps_b64_url_decode(text, out, &n), cases[i].url);
        assert_true(cases[i].url || n == 99);
    }
    assert_false(aps_b64_url_decode(APS_STR_LIT("AA\0A"), (uint8_t[8]){0}, &(size_t){0}));
}

/* Every two characters: decoded if and only if encoding gives them back. */
static void all_pairs(void **state)
{
    (void)state;
    for (unsigned a = 0; a < 256; a++)
        for (unsigned b = 0; b < 256; b++) {
            char text[2] = {(char)a, (char)b}, again[4];
            uint8_t out[APS_B64_DECODED_MAX(2)];
            size_t n;

            if (!aps_b64_url_decode((struct aps_str){text, 2}, out, &n))
                continue;
            assert_int_equal(n, 1);
            assert_int_equal(aps_b64_url_encode((struct aps_str){(char *)out, 1}, again), 2);
            assert_memory_equal(again, text, 2);
        }
}

static void every_length_fits_its_room(void **state)
{
    (void)state;
    for (size_t n = 0; n < 200; n++) {
        char *bytes = malloc(n + 1), *text = malloc(APS_B64_ENCODED_MAX(n) + 1);
        size_t len, back_n = 0;
        uint8_t *back;

        assert_non_null(bytes);
        assert_non_null(text);
        for (size_t i = 0; i < n; i++)
            bytes[i] = (char)(i * 37 + n);
        len = aps_b64_url_encode((struct aps_str){bytes, n}, text);
        assert_true(len <= APS_B64_ENCODED_MAX(n));
        back = malloc(APS_B64_DECODED_MAX(len));
        assert_non_null(back);
        assert_true(aps_b64_url_decode((struct aps_str){text, len}, back, &back_n));
        assert_int_equal(back_n, n);
        assert_memory_equal(back, bytes, n);
        free(back);
        free(text);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(one_spelling_only),
        cmocka_unit_test(all_pairs),
        cmocka_unit_test(every_length_fits_its_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
