#include "t.h"

#include "apisec/harden.h"
#include "apisec/jsonread.h"
#include "t_pool.h"

#define T(lit) APS_STR_LIT(lit)

static void run(apr_pool_t *pool, struct aps_str text, size_t piece, struct aps_buf *out)
{
    struct aps_harden h = {.string = false};

    aps_buf_init(out, pool, text.n * 6 + 12);
    for (size_t at = 0; at < text.n; at += piece) {
        const size_t n = text.n - at < piece ? text.n - at : piece;
        char *copy = test_malloc(n);

        memcpy(copy, text.p + at, n);
        aps_harden_feed(&h, (struct aps_str){copy, n}, out);
        test_free(copy);
    }
    aps_harden_end(&h, out);
    assert_false(out->full);
}

/* NEG-22 */
static void five_characters_of_strings_are_written_otherwise(void **state)
{
    static const struct {
        struct aps_str text, want;
    } rows[] = {
        {T(""), T("")},
        {T("{\"a<b\":\"</script>&\",\"c\":[1,\"x\"]}"),
         T("{\"a\\u003cb\":\"\\u003c/script\\u003e\\u0026\",\"c\":[1,\"x\"]}")},
        {T("\"\xe2\x80\xa8\xe2\x80\xa9\""), T("\"\\u2028\\u2029\"")},
        {T("\"\xe2\x80\xa7\xe2\x82\xa8\xe2\x80\xaa\""),
         T("\"\xe2\x80\xa7\xe2\x82\xa8\xe2\x80\xaa\"")},
        {T("\"\\\"<\\\\\"<\"<\""), T("\"\\\"\\u003c\\\\\"<\"\\u003c\"")},
        {T("\"\\u003c\\n\""), T("\"\\u003c\\n\"")},
        {T("\"\xe2\xe2\x80\xa8"), T("\"\xe2\\u2028")},
        {T("\"\xe2\x80\xe2\x80\xa8"), T("\"\xe2\x80\\u2028")},
        {T("\"\xe2\x80"), T("\"\xe2\x80")},
        {T("\"\xe2\"<\"<"), T("\"\xe2\"<\"\\u003c")},
        {T("\"\xe2\x80<\\\"<"), T("\"\xe2\x80\\u003c\\\"\\u003c")},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t piece = 1; piece < 12; piece++) {
            struct aps_buf out;

            run(*state, rows[i].text, piece, &out);
            if (!aps_str_eq(aps_buf_text(&out), rows[i].want))
                fail_msg("row %zu by %zu: %.*s", i, piece, APS_STR_ARG(aps_buf_text(&out)));
        }
}

/* A number in [0, n) of a row of numbers that looks random. */
static unsigned pick(uint64_t *seed, unsigned n)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*seed >> 33) % n;
}

static void put_value(struct aps_buf *b, uint64_t *seed, unsigned depth)
{
    static const char *const bits[] = {
        "<", ">",       "&",        "\xe2\x80\xa8", "\xe2\x80\xa9", "\\\"",      "\\\\",
        "a", "\\u003c", "\xc3\xa9", "\\u2028",      "\xe2\x82\xac", "</script>", "\\/"};
    const unsigned n = pick(seed, 5);

    if (depth == 0 || pick(seed, 3) == 0) {
        aps_buf_add_char(b, '"');
        for (unsigned i = 0; i < n; i++)
            aps_buf_add(b, aps_str(bits[pick(seed, sizeof bits / sizeof *bits)]));
        aps_buf_add_char(b, '"');
        return;
    }
    aps_buf_add_char(b, '[');
    for (unsigned i = 0; i < n; i++) {
        if (i != 0)
            aps_buf_add_char(b, ',');
        put_value(b, seed, depth - 1);
    }
    aps_buf_add_char(b, ']');
}

static void expect_equal(const struct aps_jsonread *a, const struct aps_jsonread *b)
{
    assert_int_equal(a->count, b->count);
    for (uint32_t i = 0; i < a->count; i++) {
        assert_int_equal(aps_jsonread_kind(&a->nodes[i]), aps_jsonread_kind(&b->nodes[i]));
        if (aps_jsonread_kind(&a->nodes[i]) < APS_JSON_ARRAY)
            assert_true(
                aps_str_eq(aps_jsonread_str(a, &a->nodes[i]), aps_jsonread_str(b, &b->nodes[i])));
    }
}

/* NEG-22: what is parsed is equal, and no byte is left that HTML or a script could end at. */
static void it_parses_to_an_equal_value(void **state)
{
    static const unsigned char key[APS_SIPHASH_KEY_LEN] = "0123456789abcdef";
    struct aps_jsonread a, b;
    uint64_t seed = 1;

    aps_jsonread_init(&a, *state, key);
    aps_jsonread_init(&b, *state, key);
    for (int i = 0; i < 2000; i++) {
        struct aps_buf text, out;

        aps_buf_init(&text, *state, 100000);
        put_value(&text, &seed, 4);
        run(*state, aps_buf_text(&text), 1 + pick(&seed, 30), &out);
        assert_int_equal(aps_jsonread(&a, aps_buf_text(&text), &aps_jsonread_strict),
                         APS_JSONREAD_OK);
        assert_int_equal(aps_jsonread(&b, aps_buf_text(&out), &aps_jsonread_strict),
                         APS_JSONREAD_OK);
        expect_equal(&a, &b);
        for (size_t k = 0; k < out.n; k++)
            assert_null(strchr("<>&", out.p[k]));
    }
}

/* NEG-22: only JSON types are touched. */
static void json_is_known_by_its_type(void **state)
{
    static const char *const json[] = {"application/json", "Application/JSON; charset=utf-8",
                                       "application/problem+json", "text/json ;x",
                                       " application/vnd.api+json"};
    static const char *const others[] = {"",
                                         "text/html",
                                         "application/jsonx",
                                         "+json",
                                         "application/xml",
                                         "application/x-ndjson",
                                         "text/x;json",
                                         "application/javascript; +json"};
    (void)state;

    for (size_t i = 0; i < sizeof json / sizeof *json; i++)
        assert_true(aps_harden_is_json(aps_str(json[i])));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(aps_harden_is_json(aps_str(others[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(five_characters_of_strings_are_written_otherwise),
        t_pool_test(it_parses_to_an_equal_value),
        t_pool_test(json_is_known_by_its_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
