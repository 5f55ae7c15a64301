#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <apisec/path.h>

struct row {
    const char *raw, *want;
};

/* NEG-01: what is clean stays as it is, what is encoded is decoded once. */
static void clean_paths_are_read(void **state)
{
    static const struct row rows[] = {
        {"/", "/"},
        {"/orders", "/orders"},
        {"/orders/", "/orders/"},
        {"/orders/7/lines", "/orders/7/lines"},
        {"/.well-known/x", "/.well-known/x"},
        {"/...", "/..."},
        {"/..a/.b/c..", "/..a/.b/c.."},
        {"/a:b@c!$&'()*+,=~-_", "/a:b@c!$&'()*+,=~-_"},
        {"/a b", "/a b"},
        {"/%61%62", "/ab"},
        {"/a%20b", "/a b"},
        {"/100%25", "/100%"},
        {"/100%25/x", "/100%/x"},
        {"/%25z0", "/%z0"},
        {"/%250", "/%0"},
        {"/\xc3\xa9", "/\xc3\xa9"},
        {"/%c3%A9", "/\xc3\xa9"},
        {"/\xc3%a9", "/\xc3\xa9"},
        {"/%F0%9F%98%80", "/\xf0\x9f\x98\x80"},
        {"/%2e%2E%2e", "/..."},
        {"/.%61", "/.a"},
    };
    char buf[64];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct aps_str raw = aps_str(rows[i].raw), out;
        const char *fault = "untouched";
        assert_true(aps_path_read(raw, buf, &out, &fault));
        assert_int_equal(out.n, strlen(rows[i].want));
        assert_memory_equal(out.p, rows[i].want, out.n);
        assert_string_equal(fault, "untouched");
        assert_ptr_equal(out.p, strchr(rows[i].raw, '%') != NULL ? buf : raw.p);
    }
}

/* NEG-01, NEG-02: every rule, raw and encoded. */
static void ambiguous_paths_are_refused(void **state)
{
    static const struct row rows[] = {
        {"", "no leading slash"},
        {"*", "no leading slash"},
        {"orders", "no leading slash"},
        {"http://host/orders", "no leading slash"},
        {"%2forders", "no leading slash"},
        {"//", "empty segment"},
        {"//orders", "empty segment"},
        {"/orders//7", "empty segment"},
        {"/orders//", "empty segment"},
        {"/.", "dot segment"},
        {"/..", "dot segment"},
        {"/./a", "dot segment"},
        {"/a/..", "dot segment"},
        {"/a/../b", "dot segment"},
        {"/a/./b", "dot segment"},
        {"/a/.%2e/b", "dot segment"},
        {"/a/%2e./b", "dot segment"},
        {"/a/%2e%2E", "dot segment"},
        {"/%2e", "dot segment"},
        {"/a%2fb", "encoded slash"},
        {"/a%2Fb", "encoded slash"},
        {"/..%2fb", "encoded slash"},
        {"/a\\b", "backslash"},
        {"/a%5cb", "backslash"},
        {"/a%5Cb", "backslash"},
        {"/a;b", "semicolon"},
        {"/a;/b", "semicolon"},
        {"/..;/b", "semicolon"},
        {"/a%3bb", "semicolon"},
        {"/a%3Bb", "semicolon"},
        {"/a#b", "number sign"},
        {"/a%23b", "number sign"},
        {"/a?b", "question mark"},
        {"/a%3fb", "question mark"},
        {"/a\x01", "control byte"},
        {"/a\x1f", "control byte"},
        {"/a\x7f", "control byte"},
        {"/a\tb", "control byte"},
        {"/a%00", "control byte"},
        {"/a%0d%0ab", "control byte"},
        {"/a%1F", "control byte"},
        {"/a%7f", "control byte"},
        {"/a%", "bad escape"},
        {"/a%2", "bad escape"},
        {"/a%zz", "bad escape"},
        {"/a%2g", "bad escape"},
        {"/a%g2", "bad escape"},
        {"/a% 20", "bad escape"},
        {"/a%u0041", "bad escape"},
        {"/a%%32f", "bad escape"},
        {"/a%252e", "double encoding"},
        {"/a%252f", "double encoding"},
        {"/a%25%32%66", "double encoding"},
        {"/a%2541", "double encoding"},
        {"/%25ff", "double encoding"},
        {"/\x80", "invalid UTF-8"},
        {"/%80", "invalid UTF-8"},
        {"/\xff", "invalid UTF-8"},
        {"/%c0%af", "invalid UTF-8"},         /* overlong slash */
        {"/%c0%ae%c0%ae/a", "invalid UTF-8"}, /* overlong dots */
        {"/\xc0\xaf", "invalid UTF-8"},
        {"/%e0%80%af", "invalid UTF-8"},
        {"/%f0%80%80%af", "invalid UTF-8"},
        {"/%ed%a0%80", "invalid UTF-8"}, /* surrogate */
        {"/%f4%90%80%80", "invalid UTF-8"},
        {"/%c3", "invalid UTF-8"},
        {"/%c3/", "invalid UTF-8"},
        {"/%e2%82", "invalid UTF-8"},
    };
    char buf[64];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct aps_str out = {"untouched", 9};
        const char *fault = NULL;
        assert_false(aps_path_read(aps_str(rows[i].raw), buf, &out, &fault));
        assert_string_equal(fault, rows[i].want);
        assert_string_equal(out.p, "untouched");
        assert_false(aps_path_read(aps_str(rows[i].raw), buf, &out, NULL));
    }
    const struct aps_str nul = {"/a\0b", 4};
    struct aps_str out;
    assert_false(aps_path_read(nul, buf, &out, NULL));
}

/* NEG-02: every byte, raw and encoded, has one fate. */
static void every_byte_has_one_fate(void **state)
{
    char raw[8], encoded[8], buf[8];
    (void)state;
    for (int c = 0; c < 256; c++) {
        struct aps_str out = {NULL, 0};
        bool bad = c < 0x20 || c == 0x7f || c >= 0x80 || (c != 0 && strchr("\\;#?", c) != NULL);
        snprintf(encoded, sizeof encoded, "/a%%%02xb", c);
        assert_int_equal(aps_path_read(aps_str(encoded), buf, &out, NULL), !bad && c != '/');
        if (!bad && c != '/')
            assert_int_equal((unsigned char)out.p[2], c);
        snprintf(raw, sizeof raw, "/a%cb", c);
        assert_int_equal(aps_path_read((struct aps_str){raw, 4}, buf, &out, NULL),
                         !bad && c != '%');
    }
}

/* What comes out holds nothing that is refused, and is no longer than what went in. */
static void output_is_clean(const char *raw, size_t n)
{
    char buf[32], again[32];
    struct aps_str out, twice;
    if (!aps_path_read((struct aps_str){raw, n}, buf, &out, NULL))
        return;
    assert_true(out.n >= 1 && out.n <= n);
    assert_int_equal(out.p[0], '/');
    for (size_t i = 0; i < out.n; i++) {
        unsigned char c = (unsigned char)out.p[i];
        assert_false(c < 0x20 || c == 0x7f || c == '\\' || c == ';' || c == '#' || c == '?');
    }
    for (size_t i = 0; i < out.n;) {
        size_t step = aps_str_utf8((struct aps_str){out.p + i, out.n - i});
        assert_int_not_equal(step, 0);
        i += step;
    }
    /* It is what a second reader would make of it, but for a lone '%'. */
    if (memchr(out.p, '%', out.n) == NULL) {
        assert_true(aps_path_read(out, again, &twice, NULL));
        assert_true(aps_str_eq(out, twice));
    }
}

/* A fixed sequence of numbers: a test that fails once fails again. */
static int draw(void)
{
    static uint64_t x = 20240607;
    x = x * 6364136223846793005u + 1442695040888963407u;
    return (int)(x >> 34);
}

static void random_paths_come_out_clean(void **state)
{
    static const char *const bits[] = {"/",   ".",   "%2e", "%2f", "%25", "2e",
                                       "a",   "%61", "\\",  ";",   "%c3", "\xa9",
                                       "%a9", "%",   "//",  "%00", "%3b", "\xff"};
    (void)state;
    for (int round = 0; round < 200000; round++) {
        char raw[32] = "/";
        size_t n = 1;
        for (int parts = draw() % 8; parts > 0; parts--) {
            const char *bit = bits[(size_t)draw() % (sizeof bits / sizeof bits[0])];
            memcpy(raw + n, bit, strlen(bit));
            n += strlen(bit);
        }
        output_is_clean(raw, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clean_paths_are_read),
        cmocka_unit_test(ambiguous_paths_are_refused),
        cmocka_unit_test(every_byte_has_one_fate),
        cmocka_unit_test(random_paths_come_out_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
