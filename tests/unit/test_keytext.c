#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <regex.h>
#include <string.h>
#include <apisec/keytext.h>

static const struct aps_str ID = {"abcdefghijkl", 12};

/* KEY-03: the published vector, and what other CRC-32s give in base62. */
static void checksum_is_the_crc32_in_base62(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ", "0mLq17"},
        {"", "000000"},          /* CRC 0 */
        {"123456789", "3jZRME"}, /* CRC cbf43926 */
        {"a", "4GEHKN"},         /* CRC e8b7be43 */
    };
    char got[APS_KEYTEXT_CHECK_LEN];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        aps_keytext_checksum(aps_str(rows[i].text), got);
        assert_memory_equal(got, rows[i].want, sizeof got);
    }
}

/* KEY-01, KEY-02: one anchored expression, 256 bits of secret, no two alike. */
static void new_texts_fit_the_published_pattern(void **state)
{
    char text[APS_KEYTEXT_MAX + 1], last[APS_KEYTEXT_MAX + 1] = "";
    regex_t re;
    (void)state;
    assert_int_equal(regcomp(&re, "^shop_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}[0-9A-Za-z]{6}$",
                             REG_EXTENDED | REG_NOSUB),
                     0);
    for (int i = 0; i < 200; i++) {
        struct aps_secret s = {0};
        struct aps_keytext t;
        assert_int_equal(aps_keytext_new(aps_str("shop"), ID, &s), APS_OK);
        assert_int_equal(s.n, 4 + 1 + 12 + 1 + 43 + 6);
        memcpy(text, s.b, s.n);
        text[s.n] = '\0';
        assert_int_equal(regexec(&re, text, 0, NULL, 0), 0);
        assert_string_not_equal(text, last);
        memcpy(last, text, sizeof last);
        assert_true(aps_keytext_parse(aps_secret_str(&s), aps_str("shop"), &t));
        assert_true(aps_str_eq(t.id, ID));
        assert_true(aps_str_eq(t.prefix, aps_str("shop")));
        assert_int_equal(t.secret.n, APS_KEYTEXT_SECRET_LEN);
        assert_ptr_equal(t.check.p, t.secret.p + t.secret.n);
        assert_ptr_equal(t.check.p + t.check.n, (char *)s.b + s.n);
        aps_secret_wipe(&s);
    }
    regfree(&re);
}

static void a_text_needs_a_right_prefix_and_id(void **state)
{
    struct aps_secret s = {0};
    (void)state;
    assert_int_equal(aps_keytext_new(aps_str("Shop"), ID, &s), APS_ERR_FORMAT);
    assert_int_equal(aps_keytext_new(aps_str("shop"), aps_str("short"), &s), APS_ERR_FORMAT);
    assert_null(s.b);
}

static const char good[] = "apisec_abcdefghijkl_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg";

static size_t make_good(char text[APS_KEYTEXT_MAX])
{
    memcpy(text, good, sizeof good - 1);
    aps_keytext_checksum((struct aps_str){text + 7, sizeof good - 1 - 7}, text + sizeof good - 1);
    return sizeof good - 1 + APS_KEYTEXT_CHECK_LEN;
}

/* KEY-03: every change of one character, every length, every other prefix is seen. */
static void changed_texts_are_refused(void **state)
{
    static const char other[] = "0A_z-%\n";
    char text[APS_KEYTEXT_MAX + 8];
    struct aps_str prefix = aps_str("apisec");
    struct aps_keytext t = {.id = ID};
    (void)state;
    memset(text, '0', sizeof text);
    size_t n = make_good(text);
    assert_true(aps_keytext_parse((struct aps_str){text, n}, prefix, &t));
    for (size_t i = 0; i < n; i++)
        for (const char *c = other; c < other + sizeof other; c++) { /* the NUL too */
            char was = text[i];
            if (*c == was)
                continue;
            text[i] = *c;
            assert_false(aps_keytext_parse((struct aps_str){text, n}, prefix, &t));
            text[i] = was;
        }
    for (size_t len = 0; len < n + 8; len++)
        if (len != n)
            assert_false(aps_keytext_parse((struct aps_str){text, len}, prefix, &t));
    assert_false(aps_keytext_parse((struct aps_str){text, n}, aps_str("apisex"), &t));
    assert_false(aps_keytext_parse((struct aps_str){text, n}, aps_str("apise"), &t));
    assert_false(aps_keytext_parse((struct aps_str){text, n}, aps_str("apisec_"), &t));
    assert_false(aps_keytext_parse((struct aps_str){text, n}, aps_str(""), &t));
    assert_false(aps_keytext_parse((struct aps_str){NULL, 0}, prefix, &t));
}

static void prefixes_and_ids_are_checked(void **state)
{
    static const struct {
        const char *text;
        bool want;
    } prefixes[] = {
        {"ap", true},   {"a", false},   {"", false},   {"abcdefghij123456", true},
        {"1a", false},  {"Ab", false},  {"aB", false}, {"abcdefghij1234567", false},
        {"a_b", false}, {"a-b", false}, {"a1", true},  {"a\x80", false},
    };
    static const struct {
        const char *text;
        bool want;
    } ids[] = {
        {"abcdefghijkl", true},
        {"ABCXYZ019azm", true},
        {"abcdefghijk", false},
        {"abcdefghijklm", false},
        {"abcdefghij_l", false},
        {"abcdefghij l", false},
        {"", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        assert_int_equal(aps_keytext_is_prefix(aps_str(prefixes[i].text)), prefixes[i].want);
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        assert_int_equal(aps_keytext_is_id(aps_str(ids[i].text)), ids[i].want);
}

/* KEY-02: all 62 digits come up, none much more often than another (chi-square, 61 degrees: a
 * fair source passes 130 once in a million; taking bytes modulo 62 gives about 800 here). */
static void random_text_has_no_bias(void **state)
{
    enum { N = 124000 };
    static char text[N];
    unsigned count[256] = {0};
    double chi = 0;
    (void)state;
    assert_int_equal(aps_keytext_random(N, text), APS_OK);
    for (size_t i = 0; i < N; i++)
        count[(unsigned char)text[i]]++;
    for (int c = 0; c < 256; c++) {
        bool digit = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (digit)
            chi += ((double)count[c] - N / 62.0) * ((double)count[c] - N / 62.0) / (N / 62.0);
        else
            assert_int_equal(count[c], 0);
    }
    assert_true(chi < 130);
    assert_int_equal(aps_keytext_random(0, text), APS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksum_is_the_crc32_in_base62),
        cmocka_unit_test(new_texts_fit_the_published_pattern),
        cmocka_unit_test(a_text_needs_a_right_prefix_and_id),
        cmocka_unit_test(changed_texts_are_refused),
        cmocka_unit_test(prefixes_and_ids_are_checked),
        cmocka_unit_test(random_text_has_no_bias),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
