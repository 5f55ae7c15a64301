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

/* ---- Relaxed ---- */

struct relaxed_row {
    unsigned allow;
    const char *raw, *want; /* the path, or the fault */
    unsigned used;
    const char *other; /* NULL: the path itself */
};

#define ALL_CUT                                                                                    \
    (APS_PATH_MERGE | APS_PATH_RESOLVE | APS_PATH_BACKSLASH | APS_PATH_CUT | APS_PATH_SPLIT |      \
     APS_PATH_HASH | APS_PATH_QUESTION)
#define ALL_KEPT                                                                                   \
    (APS_PATH_MERGE | APS_PATH_RESOLVE | APS_PATH_BACKSLASH | APS_PATH_PARAMS | APS_PATH_KEEP |    \
     APS_PATH_HASH | APS_PATH_QUESTION)

/* NEG-02: each relaxation alone and with others gives one path. */
static const struct relaxed_row readable[] = {
    {APS_PATH_MERGE, "//", "/", APS_PATH_MERGE, NULL},
    {APS_PATH_MERGE, "/a///b//", "/a/b/", APS_PATH_MERGE, NULL},
    {APS_PATH_MERGE, "/a/b", "/a/b", 0, NULL},
    {APS_PATH_MERGE, "/%61/b", "/a/b", 0, NULL},
    {APS_PATH_RESOLVE, "/.", "/", APS_PATH_RESOLVE, NULL},
    {APS_PATH_RESOLVE, "/a/..", "/", APS_PATH_RESOLVE, NULL},
    {APS_PATH_RESOLVE, "/a/b/..", "/a/", APS_PATH_RESOLVE, NULL},
    {APS_PATH_RESOLVE, "/a/./b/../c", "/a/c", APS_PATH_RESOLVE, NULL},
    {APS_PATH_RESOLVE, "/a/%2e%2E/b", "/b", APS_PATH_RESOLVE, NULL},
    {APS_PATH_RESOLVE, "/a/b/.%2e/%2e./c", "/c", APS_PATH_RESOLVE, NULL},
    {APS_PATH_RESOLVE | APS_PATH_MERGE, "/a//../b", "/b", APS_PATH_RESOLVE | APS_PATH_MERGE, NULL},
    {APS_PATH_BACKSLASH, "/a\\b", "/a/b", APS_PATH_BACKSLASH, NULL},
    {APS_PATH_BACKSLASH, "/a%5cb%5C", "/a/b/", APS_PATH_BACKSLASH, NULL},
    {APS_PATH_BACKSLASH | APS_PATH_RESOLVE, "/a\\..\\b", "/b",
     APS_PATH_BACKSLASH | APS_PATH_RESOLVE, NULL},
    {APS_PATH_CUT, "/a;b", "/a", APS_PATH_CUT, NULL},
    {APS_PATH_CUT, "/a;b=1;c/d%3be/", "/a/d/", APS_PATH_CUT, NULL},
    {APS_PATH_CUT, "/a/;b", "/a/", APS_PATH_CUT, NULL},
    {APS_PATH_CUT | APS_PATH_RESOLVE, "/a/..;/b", "/b", APS_PATH_CUT | APS_PATH_RESOLVE, NULL},
    {APS_PATH_CUT | APS_PATH_MERGE, "/;/b", "/b", APS_PATH_CUT | APS_PATH_MERGE, NULL},
    {APS_PATH_PARAMS, "/a;b=1/c", "/a;b=1/c", APS_PATH_PARAMS, "/a/c"},
    {APS_PATH_PARAMS, "/a/;b=1", "/a/;b=1", APS_PATH_PARAMS, "/a/"},
    {APS_PATH_PARAMS, "/;x/admin", "/;x/admin", APS_PATH_PARAMS, "/admin"},
    {APS_PATH_SPLIT, "/a%2fb%2F", "/a/b/", APS_PATH_SPLIT, NULL},
    {APS_PATH_SPLIT | APS_PATH_RESOLVE, "/a/..%2fb", "/b", APS_PATH_SPLIT | APS_PATH_RESOLVE, NULL},
    {APS_PATH_KEEP, "/a%2fb", "/a%2Fb", APS_PATH_KEEP, "/a/b"},
    {APS_PATH_KEEP, "/p/x%2Fy%2fz/q", "/p/x%2Fy%2Fz/q", APS_PATH_KEEP, "/p/x/y/z/q"},
    {APS_PATH_KEEP, "/a%25%2fb", "/a%%2Fb", APS_PATH_KEEP, "/a%/b"},
    {APS_PATH_KEEP | APS_PATH_PARAMS, "/a;x%2fb;y", "/a;x%2Fb;y", APS_PATH_KEEP | APS_PATH_PARAMS,
     "/a/b"},
    {APS_PATH_HASH, "/c%23", "/c#", APS_PATH_HASH, NULL},
    {APS_PATH_QUESTION, "/why%3f", "/why?", APS_PATH_QUESTION, NULL},
    {ALL_CUT, "/a\\.\\b;x//..%2fc%23%3F%c3%a9", "/a/c#?\xc3\xa9", ALL_CUT, NULL},
    {ALL_KEPT, "/a%2fb;x", "/a%2Fb;x", APS_PATH_KEEP | APS_PATH_PARAMS, "/a/b"},
};

/* NEG-02: what has no relaxation, and what one of them does not cover. */
static const struct relaxed_row unreadable[] = {
    {ALL_CUT, "", "no leading slash", 0, NULL},
    {ALL_CUT, "*", "no leading slash", 0, NULL},
    {ALL_CUT, "\\a", "no leading slash", 0, NULL},
    {ALL_CUT, "/a%00", "control byte", 0, NULL},
    {ALL_KEPT, "/a%01b", "control byte", 0, NULL},
    {ALL_KEPT, "/a\x01", "control byte", 0, NULL},
    {ALL_CUT, "/a;%0a", "control byte", 0, NULL},
    {ALL_CUT, "/a%7f", "control byte", 0, NULL},
    {ALL_CUT, "/a#b", "number sign", 0, NULL},
    {ALL_CUT, "/a?b", "question mark", 0, NULL},
    {ALL_CUT, "/a%", "bad escape", 0, NULL},
    {ALL_CUT, "/a;%zz", "bad escape", 0, NULL},
    {ALL_CUT, "/a%252f", "double encoding", 0, NULL},
    {ALL_KEPT, "/a%252F", "double encoding", 0, NULL},
    {ALL_KEPT, "/%25%32%46", "double encoding", 0, NULL},
    {ALL_CUT, "/a;%2541", "double encoding", 0, NULL},
    {ALL_CUT, "/%c0%af", "invalid UTF-8", 0, NULL},
    {ALL_CUT, "/a;%ff", "invalid UTF-8", 0, NULL},
    {ALL_CUT, "/a/%c0%ae%c0%ae/", "invalid UTF-8", 0, NULL},
    {ALL_CUT, "/..", "dot segment", 0, NULL},
    {ALL_CUT, "/a/../../b", "dot segment", 0, NULL},
    {ALL_CUT, "/..%2f", "dot segment", 0, NULL},
    {ALL_CUT & ~(unsigned)APS_PATH_RESOLVE, "/a/..;/b", "dot segment", 0, NULL},
    {ALL_CUT & ~(unsigned)APS_PATH_RESOLVE, "/a%2f../b", "dot segment", 0, NULL},
    {ALL_CUT & ~(unsigned)APS_PATH_RESOLVE, "/a\\..", "dot segment", 0, NULL},
    {ALL_CUT & ~(unsigned)APS_PATH_MERGE, "/;/b", "empty segment", 0, NULL},
    {ALL_CUT & ~(unsigned)APS_PATH_MERGE, "/a%2f/b", "empty segment", 0, NULL},
    {ALL_CUT & ~(unsigned)APS_PATH_MERGE, "//", "empty segment", 0, NULL},
    {ALL_KEPT, "/a/..;/b", "dot segment", 0, NULL},
    {ALL_KEPT, "/a/.;x", "dot segment", 0, NULL},
    {ALL_KEPT, "/a/..%2fb", "dot segment", 0, NULL},
    {ALL_KEPT, "/a%2f..", "dot segment", 0, NULL},
    {ALL_KEPT, "/a%2f..;x/b", "dot segment", 0, NULL},
    {ALL_KEPT, "/a%2f%2fb", "empty segment", 0, NULL},
    {ALL_KEPT, "/%2fb", "empty segment", 0, NULL},
    {ALL_KEPT, "/a%2f;x", "empty segment", 0, NULL},
    {ALL_KEPT, "/a%3bb", "semicolon", 0, NULL},
    {APS_PATH_MERGE, "/a%2f/b", "encoded slash", 0, NULL},
    {APS_PATH_MERGE, "/a;/b", "semicolon", 0, NULL},
    {APS_PATH_MERGE, "/a//..", "dot segment", 0, NULL},
    {APS_PATH_RESOLVE, "/a//b", "empty segment", 0, NULL},
    {APS_PATH_SPLIT, "/a\\b", "backslash", 0, NULL},
    {APS_PATH_KEEP, "/a%23", "number sign", 0, NULL},
    {APS_PATH_HASH, "/a%3f", "question mark", 0, NULL},
};

static void each_relaxation_gives_one_path(void **state)
{
    char buf[64], again[64];
    (void)state;
    for (size_t i = 0; i < sizeof readable / sizeof readable[0]; i++) {
        const struct relaxed_row *row = &readable[i];
        struct aps_str out;
        unsigned used = 99;
        assert_true(aps_path_relaxed(aps_str(row->raw), row->allow, buf, &out, &used, NULL));
        assert_int_equal(out.n, strlen(row->want));
        assert_memory_equal(out.p, row->want, out.n);
        assert_int_equal(used, row->used);
        struct aps_str other = aps_path_other(out, again);
        const char *want = row->other != NULL ? row->other : row->want;
        assert_int_equal(other.n, strlen(want));
        assert_memory_equal(other.p, want, other.n);
    }
}

static void what_no_relaxation_covers_is_refused(void **state)
{
    char buf[64];
    (void)state;
    for (size_t i = 0; i < sizeof unreadable / sizeof unreadable[0]; i++) {
        const struct relaxed_row *row = &unreadable[i];
        struct aps_str out = {"untouched", 9};
        const char *fault = NULL;
        unsigned used = 99;
        assert_false(aps_path_relaxed(aps_str(row->raw), row->allow, buf, &out, &used, &fault));
        assert_string_equal(fault, row->want);
        assert_string_equal(out.p, "untouched");
        assert_int_equal(used, 99);
    }
}

/* ---- A slow reader to compare with: a list of segments, one text each ---- */

struct slow {
    char segment[32][32];
    int n;
};

static int slow_hex(const char *p)
{
    unsigned byte;
    return strspn(p, "0123456789abcdefABCDEF") >= 2 && sscanf(p, "%2x", &byte) == 1 ? (int)byte
                                                                                    : -1;
}

/* The text with every byte that is relaxed done, but segments left alone; "|" stands for a kept
 * slash.  False: a byte that must not be. */
static bool slow_text(const char *raw, unsigned allow, char *out)
{
    for (; *raw != '\0'; raw++) {
        bool encoded = *raw == '%';
        int c = encoded ? slow_hex(raw + 1) : (unsigned char)*raw;
        if (encoded && c >= 0)
            raw += 2;
        if (c < 0x20 || c == 0x7f)
            return false;
        if (c == '\\') {
            if (!(allow & APS_PATH_BACKSLASH))
                return false;
            c = '/';
        } else if (c == '/' && encoded) {
            if (!(allow & (APS_PATH_SPLIT | APS_PATH_KEEP)))
                return false;
            c = allow & APS_PATH_KEEP ? '|' : '/';
        } else if (c == ';') {
            if (!(allow & APS_PATH_CUT) && (encoded || !(allow & APS_PATH_PARAMS)))
                return false;
        } else if (c == '#' || c == '?') {
            if (!encoded || !(allow & (c == '#' ? APS_PATH_HASH : APS_PATH_QUESTION)))
                return false;
        }
        *out++ = (char)c;
    }
    *out = '\0';
    return true;
}

static bool slow_is_sound(const char *text)
{
    for (const char *p = text; *p != '\0';) {
        size_t n = aps_str_utf8(aps_str(p));
        if (n == 0 || (*p == '%' && slow_hex(p + 1) >= 0))
            return false;
        p += n;
    }
    return true;
}

static bool slow_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Every part of a segment, as a reader sees it who splits at kept slashes and cuts parameters. */
static bool slow_kept_is_sound(const char *segment)
{
    char part[32];
    bool split = strchr(segment, '|') != NULL, cut = strchr(segment, ';') != NULL;
    if (!split && !cut)
        return true;
    for (const char *p = segment;; p += strcspn(p, "|") + 1) {
        snprintf(part, sizeof part, "%.*s", (int)strcspn(p, "|"), p);
        bool has_params = strchr(part, ';') != NULL;
        part[strcspn(part, ";")] = '\0';
        if ((split && part[0] == '\0') || (slow_dots(part) && (split || has_params)))
            return false;
        if (p[strcspn(p, "|")] == '\0')
            return true;
    }
}

/* "Remove dot segments" with a list in place of a buffer. */
static bool slow_segments(char *text, unsigned allow, struct slow *out)
{
    out->n = 0;
    for (char *p = text; *p == '/';) {
        char *end = p + 1 + strcspn(p + 1, "/");
        bool last = *end == '\0';
        char segment[32];
        snprintf(segment, sizeof segment, "%.*s", (int)(end - p - 1), p + 1);
        if (allow & APS_PATH_CUT)
            segment[strcspn(segment, ";")] = '\0';
        p = end;
        if (!slow_kept_is_sound(segment) || (slow_dots(segment) && !(allow & APS_PATH_RESOLVE)) ||
            (segment[0] == '\0' && !last && !(allow & APS_PATH_MERGE)))
            return false;
        if (strcmp(segment, "..") == 0 && out->n-- == 0)
            return false;
        if ((segment[0] != '\0' || last) && (!slow_dots(segment) || last))
            memcpy(out->segment[out->n++], slow_dots(segment) ? "" : segment,
                   slow_dots(segment) ? 1 : strlen(segment) + 1);
    }
    return true;
}

/* False where it refuses. */
static bool slow_read(const char *raw, unsigned allow, char *out)
{
    char text[64];
    struct slow slow;
    if (raw[0] != '/' || !slow_text(raw, allow, text) || !slow_is_sound(text) ||
        !slow_segments(text, allow, &slow))
        return false;
    for (int i = 0; i < slow.n; i++) {
        *out++ = '/';
        for (const char *p = slow.segment[i]; *p != '\0'; p++)
            if (*p == '|')
                out = (char *)memcpy(out, "%2F", 3) + 3;
            else
                *out++ = *p;
    }
    *out = '\0';
    return true;
}

/* What was read is read as itself again once it is written, by whatever reader it came from. */
static void is_stable(struct aps_str path, unsigned allow)
{
    char text[192], buf[192];
    struct aps_str printed = aps_path_print(path, text), again;
    unsigned used;
    assert_true(printed.n <= 3 * path.n);
    assert_true(aps_path_relaxed(printed, allow, buf, &again, &used, NULL));
    assert_true(aps_str_eq(again, path));
    assert_int_equal(
        used & ~(unsigned)(APS_PATH_PARAMS | APS_PATH_KEEP | APS_PATH_HASH | APS_PATH_QUESTION), 0);
}

static unsigned draw_allow(void)
{
    unsigned allow = (unsigned)draw() & 0x1ff;
    if (allow & APS_PATH_CUT)
        allow &= ~(unsigned)APS_PATH_PARAMS;
    if (allow & APS_PATH_SPLIT)
        allow &= ~(unsigned)APS_PATH_KEEP;
    return allow;
}

/* NEG-02, NEG-03: two readers agree, and the canonical form is that of itself. */
static void random_paths_are_read_as_the_slow_reader_does(void **state)
{
    static const char *const bits[] = {"/",   "/",   "/",   ".",   "..",  "%2e",      "%2f",
                                       "%2F", "%25", "2f",  "a",   "%61", "\\",       "%5c",
                                       ";",   "%3b", "%23", "%3f", "#",   "\xc3\xa9", "%c3%a9",
                                       "%a9", "%",   "//",  "/..", "..;", "%00",      "~ "};
    size_t read = 0;
    (void)state;
    for (int round = 0; round < 300000; round++) {
        char raw[64] = "/", buf[64], want[64], other[64];
        for (int parts = draw() % 9; parts > 0; parts--) {
            size_t n = strlen(raw);
            snprintf(raw + n, sizeof raw - n, "%s",
                     bits[(size_t)draw() % (sizeof bits / sizeof bits[0])]);
        }
        unsigned allow = draw_allow(), used = 0;
        struct aps_str out;
        bool is_read = aps_path_relaxed(aps_str(raw), allow, buf, &out, &used, NULL);
        assert_int_equal(is_read, slow_read(raw, allow, want));
        if (!is_read)
            continue;
        read++;
        assert_int_equal(out.n, strlen(want));
        assert_memory_equal(out.p, want, out.n);
        assert_int_equal(used & ~allow, 0);
        assert_int_equal(used == 0, aps_path_read(aps_str(raw), other, &out, NULL));
        out = (struct aps_str){want, strlen(want)};
        is_stable(out, allow);
        /* Whoever takes away what was kept finds nothing more to do. */
        struct aps_str plain = aps_path_other(out, other);
        assert_true(plain.n >= 1 && plain.p[0] == '/' && memchr(plain.p, ';', plain.n) == NULL);
        is_stable(plain, APS_PATH_HASH | APS_PATH_QUESTION);
    }
    assert_true(read > 50000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clean_paths_are_read),
        cmocka_unit_test(ambiguous_paths_are_refused),
        cmocka_unit_test(every_byte_has_one_fate),
        cmocka_unit_test(random_paths_come_out_clean),
        cmocka_unit_test(each_relaxation_gives_one_path),
        cmocka_unit_test(what_no_relaxation_covers_is_refused),
        cmocka_unit_test(random_paths_are_read_as_the_slow_reader_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
