#include "t.h"

#include <stdlib.h>

#include "apisec/buf.h"
#include "apisec/ndjson.h"
#include "t_pool.h"

static const unsigned char key[APS_SIPHASH_KEY_LEN] = "0123456789abcdef";

static const struct aps_jsonread_options small = {.bytes_max = 12,
                                                  .depth_max = 2,
                                                  .nodes_max = 8,
                                                  .string_max = 8,
                                                  .members_max = 2,
                                                  .items_max = 3,
                                                  .digits_max = 8};

/* What was seen: each value's text and line. */
struct seen {
    struct aps_buf text;
    uint32_t stop_at;
};

static bool note(void *ctx, const struct aps_jsonread *r, uint32_t line)
{
    struct seen *seen = ctx;
    char number[16];

    (void)snprintf(number, sizeof number, "%u:", line);
    aps_buf_add(&seen->text, aps_str(number));
    aps_buf_add(&seen->text, aps_jsonread_raw(r, aps_jsonread_root(r)));
    aps_buf_add_char(&seen->text, ';');
    return line != seen->stop_at;
}

/* In pieces of `piece` bytes, each a copy of its exact size that is gone after the call. */
static enum aps_ndjson_fault run(struct aps_ndjson *s, struct aps_str text, size_t piece)
{
    for (size_t at = 0; at < text.n; at += piece) {
        const size_t n = text.n - at < piece ? text.n - at : piece;
        char *copy = test_malloc(n);
        enum aps_ndjson_fault fault;

        memcpy(copy, text.p + at, n);
        fault = aps_ndjson_feed(s, (struct aps_str){copy, n});
        test_free(copy);
        if (fault != APS_NDJSON_OK)
            return aps_ndjson_end(s);
    }
    return aps_ndjson_end(s);
}

struct row {
    struct aps_str text;
    enum aps_ndjson_fault want;
    uint32_t line, values;
    const char *seen;
    bool empty_lines;
};

#define T(lit) APS_STR_LIT(lit)
static const struct row rows[] = {
    {T(""), APS_NDJSON_OK, 0, 0, "", false},
    {T("1\n"), APS_NDJSON_OK, 1, 1, "1:1;", false},
    {T("1"), APS_NDJSON_OK, 1, 1, "1:1;", false},
    {T("1\r\n[2]\r\n"), APS_NDJSON_OK, 2, 2, "1:1;2:[2];", false},
    {T("{\"a\":1}\n{\"a\":2}\n{}"), APS_NDJSON_OK, 3, 3, "1:{\"a\":1};2:{\"a\":2};3:{};", false},
    {T("1\n\n2\n"), APS_NDJSON_EMPTY, 2, 1, "1:1;", false},
    {T("\n"), APS_NDJSON_EMPTY, 1, 0, "", false},
    {T("1\n \r\n2\n"), APS_NDJSON_OK, 3, 2, "1:1;3:2;", true},
    {T("1\n\n"), APS_NDJSON_OK, 2, 1, "1:1;", true},
    {T("1\n2\n3\n4"), APS_NDJSON_OK, 4, 4, "1:1;2:2;3:3;4:4;", false},
    {T("1\n2\n3\n4\n5"), APS_NDJSON_LINES, 4, 4, "1:1;2:2;3:3;4:4;", false},
    {T("1\n\n\n\n\n"), APS_NDJSON_LINES, 4, 1, "1:1;", true},
    {T("1\r2\n"), APS_NDJSON_LINE, 1, 0, "", false},
    {T("1 2\n"), APS_NDJSON_LINE, 1, 0, "", false},
    {T("{\n}\n"), APS_NDJSON_LINE, 1, 0, "", false},
    {T("\"a\nb\"\n"), APS_NDJSON_LINE, 1, 0, "", false},
    {T("1\n[1,]\n"), APS_NDJSON_LINE, 2, 1, "1:1;", false},
    {T("1\n\xef\xbb\xbf"
       "2\n"),
     APS_NDJSON_LINE, 2, 1, "1:1;", false},
    {T("[[1]]\n[[[1]]]"), APS_NDJSON_LINE, 2, 1, "1:[[1]];", false},
    {T("            \n1"), APS_NDJSON_OK, 2, 1, "2:1;", true},
    {T("             \n1"), APS_NDJSON_LINE, 1, 0, "", true},
    {T("1          2\n"), APS_NDJSON_LINE, 1, 0, "", false},
    {T("[1,2,3]     \n1"), APS_NDJSON_OK, 2, 2, "1:[1,2,3];2:1;", false},
    {T("[1,2,3]      \n1"), APS_NDJSON_LINE, 1, 0, "", false},
    {T("[1,2,3]                    "), APS_NDJSON_LINE, 1, 0, "", false},
};

static void check(apr_pool_t *pool, const struct row *row, size_t piece)
{
    const struct aps_ndjson_options options = {
        .line = &small, .lines_max = 4, .empty_lines = row->empty_lines};
    struct seen seen = {.stop_at = 0};
    struct aps_ndjson s;
    struct aps_diag diag = {{0}};
    enum aps_ndjson_fault got;

    aps_buf_init(&seen.text, pool, 1000);
    aps_ndjson_init(&s, pool, key, &options, note, &seen);
    got = run(&s, row->text, piece);
    if (got != row->want || s.line != row->line || s.values != row->values ||
        !aps_str_eq(aps_buf_text(&seen.text), aps_str(row->seen)))
        fail_msg("%s by %zu: %s at %u, saw %.*s", row->text.p, piece, aps_ndjson_fault_name(got),
                 s.line, APS_STR_ARG(aps_buf_text(&seen.text)));
    aps_ndjson_fault_explain(&s, &diag);
    assert_true(strlen(diag.text) > 10);
    assert_int_equal(aps_ndjson_feed(&s, (struct aps_str){NULL, 0}), got);
}

/* POS-03, POS-04: the same answer wherever a text is cut. */
static void lines_are_judged_alike_in_any_pieces(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t piece = 1; piece <= 14; piece++)
            check(*state, &rows[i], piece);
}

static void who_looks_may_stop(void **state)
{
    const struct aps_ndjson_options options = {.line = &small, .lines_max = 4};
    struct seen seen = {.stop_at = 2};
    struct aps_ndjson s;

    aps_buf_init(&seen.text, *state, 1000);
    aps_ndjson_init(&s, *state, key, &options, note, &seen);
    assert_int_equal(run(&s, T("1\n2\n3\n"), 100), APS_NDJSON_STOPPED);
    assert_int_equal(s.line, 2);
    aps_ndjson_init(&s, *state, key, &options, NULL, NULL);
    assert_int_equal(run(&s, T("1\n2\n3\n"), 100), APS_NDJSON_OK);
}

/* Zero refuses. */
static void without_options_no_line_is_accepted(void **state)
{
    const struct aps_ndjson_options none = {.lines_max = 0}, no_line = {.lines_max = 1};
    struct aps_ndjson s;

    aps_ndjson_init(&s, *state, key, &none, NULL, NULL);
    assert_int_equal(run(&s, T("1"), 1), APS_NDJSON_LINES);
    aps_ndjson_init(&s, *state, key, &no_line, NULL, NULL);
    assert_int_equal(run(&s, T("1"), 1), APS_NDJSON_LINE);
    assert_string_equal(aps_ndjson_fault_name(APS_NDJSON_COUNT), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(lines_are_judged_alike_in_any_pieces),
        t_pool_test(who_looks_may_stop),
        t_pool_test(without_options_no_line_is_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
