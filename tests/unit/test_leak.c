#include "t.h"

#include "apisec/keytext.h"
#include "apisec/leak.h"
#include "t_pool.h"

#define ALL ((1u << APS_LEAK_KINDS) - 1)
#define NONE APS_LEAK_KINDS
#define BASE64 "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"
#define A36 "0123456789abcdefghijABCDEFGHIJ012345"

/* What a text is: its kind, and the part of it that is told. */
struct row {
    const char *text;
    enum aps_leak_kind kind;
    const char *part; /* NULL: all of it */
};

static const struct row rows[] = {
    {"\tat a.b.C.d(C.java:12)", APS_LEAK_TRACE, ".java:12)"},
    {"C.java: x", NONE, NULL},
    {"C.java:1234567890)", NONE, NULL},
    {"java.lang.NullPointerException: x", APS_LEAK_TRACE, "java.lang.NullPointerException"},
    {"java.lang.String", NONE, NULL},
    {"Traceback (most recent call last):\\n", APS_LEAK_TRACE, "Traceback (most recent call last)"},
    {"in /var/www/a.php on line 12", APS_LEAK_TRACE, ".php on line 12"},
    {"#0 /var/www/a.php(12): f()", APS_LEAK_TRACE, ".php(12): "},
    {"<b>Fatal error</b>:  x", APS_LEAK_TRACE, "<b>Fatal error</b>:"},
    {"   at System.Web.UI.Page.Load(Object o)", APS_LEAK_TRACE, " at System.Web.UI.Page.Load("},
    {"in C:\\\\a.cs:line 12", APS_LEAK_TRACE, ".cs:line 12"},
    {"System.NullReferenceException: x", APS_LEAK_TRACE, "System.NullReferenceException: "},
    {"at f (/srv/a.js:12:34)", APS_LEAK_TRACE, ".js:12:34)"},
    {"at node (node:internal/modules/cjs:1)", APS_LEAK_TRACE, "(node:internal/"},
    {"/srv/a.rb:12:in `f'", APS_LEAK_TRACE, ".rb:12:in `"},
    {"goroutine 12 [running]:", APS_LEAK_TRACE, "goroutine 12 ["},
    {"/srv/a.go:12 +0x1b", APS_LEAK_TRACE, ".go:12 +0x"},
    {"thread 'main' panicked at a.rs", APS_LEAK_TRACE, "' panicked at "},
    {"You have an error in your SQL syntax; check", APS_LEAK_SQL,
     "You have an error in your SQL syntax"},
    {"SQLSTATE[42S02]: x", APS_LEAK_SQL, "SQLSTATE[42S02]"},
    {"SQLSTATE[4]", NONE, NULL},
    {"ORA-00933: x", APS_LEAK_SQL, "ORA-00933: "},
    {"AURORA-00933: x", NONE, NULL},
    {"syntax error at or near \\\"x\\\"", APS_LEAK_SQL, "syntax error at or near "},
    {"Unclosed quotation mark after the character", APS_LEAK_SQL, "Unclosed quotation mark "},
    {"sqlite3.OperationalError: x", APS_LEAK_SQL, "sqlite3.OperationalError"},
    {"PG::UndefinedTable", NONE, NULL},
    {"PG::SyntaxError: x", APS_LEAK_SQL, "PG::SyntaxError"},
    {"<head><title>Index of /a</title>", APS_LEAK_LISTING, "<title>Index of /"},
    {"<title>Index of songs</title>", NONE, NULL},
    {"[To Parent Directory]", APS_LEAK_LISTING, NULL},
    {"-----BEGIN PRIVATE KEY-----\n" BASE64 "\n" BASE64 "=\n-----END PRIVATE KEY-----",
     APS_LEAK_PRIVATE_KEY, NULL},
    {"-----BEGIN RSA PRIVATE KEY-----\\nProc-Type: 4,ENCRYPTED\\nDEK-Info: DES,AB\\n\\n" BASE64
     "\\n-----END RSA PRIVATE KEY-----",
     APS_LEAK_PRIVATE_KEY, NULL},
    {"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n" BASE64 "\n-----END PGP PRIVATE KEY BLOCK-----",
     APS_LEAK_PRIVATE_KEY, NULL},
    {"-----BEGIN PUBLIC KEY-----\n" BASE64 "\n-----END PUBLIC KEY-----", NONE, NULL},
    {"-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----", NONE, NULL},
    {"-----BEGIN PRIVATE KEY-----\n" BASE64 "\"", APS_LEAK_PRIVATE_KEY,
     "-----BEGIN PRIVATE KEY-----\n" BASE64},
    {"4111111111111111", APS_LEAK_CARD, NULL},
    {"\"4111-1111-1111-1111\"", APS_LEAK_CARD, "4111-1111-1111-1111"},
    {"\\n4111 1111 1111 1111 12/27", APS_LEAK_CARD, "4111 1111 1111 1111"},
    {"x:4111111111111111 12/27", APS_LEAK_CARD, "4111111111111111"},
    {"4111111111111111.", APS_LEAK_CARD, "4111111111111111"},
    {"4111 1111 1111 1111 123", APS_LEAK_CARD, "4111 1111 1111 1111"},
    {"3782 822463 10005 12/27", APS_LEAK_CARD, "3782 822463 10005"},
    {"6200 0000 0000 0000 000", APS_LEAK_CARD, NULL},
    {"378282246310005", APS_LEAK_CARD, NULL},
    {"3782 822463 10005", APS_LEAK_CARD, NULL},
    {"30569309025904", APS_LEAK_CARD, NULL},
    {"3056 930902 5904", APS_LEAK_CARD, NULL},
    {"5555555555554444", APS_LEAK_CARD, NULL},
    {"2223003122003222", APS_LEAK_CARD, NULL},
    {"6011111111111117", APS_LEAK_CARD, NULL},
    {"3530111333300000", APS_LEAK_CARD, NULL},
    {"4222222222222", APS_LEAK_CARD, NULL},
    {"4111111111111112", NONE, NULL},  /* check digit */
    {"41111111111111111", NONE, NULL}, /* 17 of Visa */
    {"04111111111111111", NONE, NULL}, /* in a longer run */
    {"41111111111111110", NONE, NULL},
    {"411111111111111100000", NONE, NULL},
    {"0.4111111111111111", NONE, NULL}, /* a fraction */
    {"4111111111111111.5", NONE, NULL},
    {"a4111111111111111", NONE, NULL}, /* in a word */
    {"4111111111111111a", NONE, NULL},
    {"ab-4111111111111111", NONE, NULL},
    {"4111 1111 1111 1111 1111", NONE, NULL}, /* a table of numbers */
    {"1111 4111 1111 1111 1111", NONE, NULL},
    {"4111-1111 1111-1111", NONE, NULL},
    {"41 11 11 11 11 11 11 11", NONE, NULL},
    {"1111111111111117", NONE, NULL}, /* no issuer */
    {"9111111111111111", NONE, NULL},
    {"AKIA"
     "IOSFODNN7EXAMPL1",
     APS_LEAK_TOKEN, NULL},
    {"XAKIA"
     "IOSFODNN7EXAMPL1",
     NONE, NULL},
    {"AKIA"
     "IOSFODNN7EXAMPL12",
     NONE, NULL},
    {"\"ghp"
     "_" A36 "\"",
     APS_LEAK_TOKEN,
     "ghp"
     "_" A36},
    {"sk"
     "_live_" A36,
     APS_LEAK_TOKEN, NULL},
    {"sk"
     "_live_short",
     NONE, NULL},
    {"xox"
     "b-1-" A36,
     APS_LEAK_TOKEN, NULL},
    {"glpat"
     "-" A36,
     APS_LEAK_TOKEN, NULL},
};

struct seen {
    struct aps_leak_finding of[16];
    unsigned n;
    unsigned most;
};

static bool note(void *ctx, const struct aps_leak_finding *finding)
{
    struct seen *seen = ctx;

    assert_true(seen->n < 16);
    seen->of[seen->n++] = *finding;
    return seen->n < seen->most;
}

static struct seen run(apr_pool_t *pool, const struct aps_leak_rules *rules, struct aps_str text,
                       size_t piece, unsigned most)
{
    struct seen seen = {.most = most};
    struct aps_leak s;
    uint64_t settled = 0;

    aps_leak_init(&s, pool, rules, note, &seen);
    for (size_t at = 0; at < text.n; at += piece) {
        const size_t n = text.n - at < piece ? text.n - at : piece;
        const unsigned before = seen.n;
        char *copy = test_malloc(n);

        memcpy(copy, text.p + at, n);
        assert_int_equal(aps_leak_feed(&s, (struct aps_str){copy, n}), APS_OK);
        test_free(copy);
        for (unsigned i = before; i < seen.n; i++)
            assert_true(seen.of[i].offset >= settled);
        assert_true(aps_leak_settled(&s) >= settled);
        settled = aps_leak_settled(&s);
        assert_true(settled <= at + n);
        assert_true(s.held_cap <= 65536);
    }
    aps_leak_end(&s);
    return seen;
}

static const struct aps_leak_rules *rules_of(apr_pool_t *pool, unsigned kinds, const char *prefix)
{
    static struct aps_str prefixes[1];
    const struct aps_leak_rules *rules = NULL;

    prefixes[0] = aps_str(prefix);
    assert_int_equal(aps_leak_rules_new(pool, kinds, prefixes, prefix != NULL, &rules), APS_OK);
    return rules;
}

/* `before` bytes, the text, `behind` bytes. */
static struct aps_str put(char *out, size_t before, const char *text, size_t behind)
{
    const size_t n = strlen(text);

    for (size_t i = 0; i < before; i++)
        out[i] = "{ \"a\": [], "[i % 11];
    memcpy(out + before, text, n);
    memset(out + before + n, '"', behind);
    return (struct aps_str){out, before + n + behind};
}

static void check(apr_pool_t *pool, const struct aps_leak_rules *rules, const struct row *row,
                  size_t before, size_t behind, size_t piece)
{
    static char text[4000];
    const struct aps_str all = put(text, before, row->text, behind);
    const struct seen seen = run(pool, rules, all, piece, 16);
    const char *part = row->part != NULL ? row->part : row->text;

    if (seen.n != (row->kind != NONE))
        fail_msg("%s after %zu by %zu: %u", row->text, before, piece, seen.n);
    if (seen.n == 0)
        return;
    if (seen.of[0].kind != row->kind || seen.of[0].length != strlen(part) ||
        seen.of[0].offset != before + (size_t)(strstr(row->text, part) - row->text))
        fail_msg("%s after %zu by %zu: %s, %lu bytes at %lu", row->text, before, piece,
                 aps_leak_kind_name(seen.of[0].kind), (unsigned long)seen.of[0].length,
                 (unsigned long)seen.of[0].offset);
}

/* NEG-16: the same, wherever it stands and wherever the body is cut. */
static void leaks_are_found_in_any_pieces(void **state)
{
    static const size_t pieces[] = {1, 2, 3, 7, 63, 64, 65, 200, 4000};
    static const size_t befores[] = {0, 11, 12, 13, 121, 1001};
    const struct aps_leak_rules *rules = rules_of(*state, ALL, NULL);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t k = 0; k < sizeof befores / sizeof *befores; k++)
            for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++)
                for (size_t behind = 0; behind <= 200; behind += 100)
                    check(*state, rules, &rows[i], befores[k], behind, pieces[p]);
}

/* A row is looked for only where its kind is. */
static void only_what_is_asked_for_is_told(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (unsigned kind = 0; kind < APS_LEAK_KINDS; kind++) {
            const struct aps_leak_rules *rules = rules_of(*state, 1u << kind, "ab");
            const struct seen seen = run(*state, rules, aps_str(rows[i].text), 4000, 16);

            assert_int_equal(seen.n, rows[i].kind == kind);
        }
}

/* NEG-16, by checksum: a text of the same form with another one is none. */
static void own_keys_are_known_by_their_checksum(void **state)
{
    static const char *const prefixes[] = {"ab", "abc", "apisec", "abcdefghijklmnop"};

    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        const struct aps_leak_rules *rules = rules_of(*state, ALL, prefixes[i]);
        char text[1 + APS_KEYTEXT_MAX + 2] = "\"";
        struct aps_secret key = {0};
        struct row row = {text, APS_LEAK_OWN_KEY, text + 1};
        size_t n;

        assert_int_equal(aps_keytext_new(aps_str(prefixes[i]), APS_STR_LIT("0123456789AB"), &key),
                         APS_OK);
        n = strlen(prefixes[i]) + 1 + 12 + 1 + 49;
        memcpy(text + 1, key.b, n);
        text[1 + n] = '\0';
        for (size_t piece = 1; piece < 200; piece += 11)
            for (size_t before = 0; before < 4; before++)
                check(*state, rules, &row, before, 1, piece);
        text[n] = text[n] == 'a' ? 'b' : 'a';
        row.kind = NONE;
        check(*state, rules, &row, 0, 1, 10);
        aps_secret_wipe(&key);
    }
}

/* They come in their order and do not overlap; who has enough is told no more. */
static void many_are_told_one_after_the_other(void **state)
{
    const struct aps_leak_rules *rules = rules_of(*state, ALL, NULL);
    const struct aps_str text =
        APS_STR_LIT("java.sql.SQLException: ORA-00933: x\nat C.java:1)\nat D.java:2) PSQLException "
                    "4111111111111111,4111111111111111");

    for (size_t piece = 1; piece < 120; piece++) {
        struct seen seen = run(*state, rules, text, piece, 16);

        assert_int_equal(seen.n, 7);
        for (unsigned i = 1; i < seen.n; i++)
            assert_true(seen.of[i].offset >= seen.of[i - 1].offset + seen.of[i - 1].length);
        assert_string_equal(seen.of[1].text, "ORA-");
        assert_string_equal(seen.of[6].text, "");
        assert_int_equal(run(*state, rules, text, piece, 2).n, 2);
    }
}

/* A key that never ends is told up to its bound; the memory for it has one, too. */
static void endless_keys_have_a_bound(void **state)
{
    static char text[100000];
    const struct aps_leak_rules *rules = rules_of(*state, ALL, NULL);
    static const size_t pieces[] = {1, 100, 8192, 100000};

    memset(text, 'A', sizeof text);
    memcpy(text, "-----BEGIN PRIVATE KEY-----", 27);
    for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
        const struct seen seen =
            run(*state, rules, (struct aps_str){text, sizeof text}, pieces[p], 16);

        assert_int_equal(seen.n, 1);
        assert_int_equal(seen.of[0].offset, 0);
        assert_int_equal(seen.of[0].length, 8192 + 11);
    }
}

static void rules_are_made_strictly(void **state)
{
    const struct aps_leak_rules *rules = NULL;
    const struct aps_str bad = APS_STR_LIT("A_");

    assert_int_equal(aps_leak_rules_new(*state, ALL, &bad, 1, &rules), APS_ERR_FORMAT);
    assert_null(rules);
    assert_string_equal(aps_leak_kind_name(APS_LEAK_CARD), "card");
    assert_string_equal(aps_leak_kind_name(APS_LEAK_KINDS), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(leaks_are_found_in_any_pieces),
        t_pool_test(only_what_is_asked_for_is_told),
        t_pool_test(own_keys_are_known_by_their_checksum),
        t_pool_test(many_are_told_one_after_the_other),
        t_pool_test(endless_keys_have_a_bound),
        t_pool_test(rules_are_made_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
