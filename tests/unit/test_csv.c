#include "t.h"

#include "apisec/csv.h"

/* What a text comes to: fields in <>, records in lines; "BAD n" where it is not CSV, n being the
 * line feeds before the fault. */
static const char *read_all(const char *text, size_t n, size_t piece)
{
    static char got[4096];
    char copy[1024];
    size_t at = 0, have = piece < n ? piece : n, len = 0;
    struct aps_diag diag = {""};
    assert_true(n <= sizeof copy);
    memcpy(copy, text, n);
    got[0] = '\0';
    for (;;) {
        struct aps_csv_record r = {0};
        bool last = have == n;
        enum aps_csv_result result = aps_csv_next(copy + at, have - at, last, &r, &diag);
        if (result == APS_CSV_MORE) {
            assert_false(last);
            assert_memory_equal(copy + at, text + at, have - at);
            have = have + piece < n ? have + piece : n;
            continue;
        }
        if (result == APS_CSV_END) {
            assert_true(last && at == n);
            return got;
        }
        if (result == APS_CSV_BAD) {
            assert_string_not_equal(diag.text, "");
            (void)snprintf(got + len, sizeof got - len, "BAD %zu", r.lines);
            return got;
        }
        assert_true(r.used > 0 && r.nfields > 0);
        for (size_t i = 0; i < r.nfields; i++)
            len +=
                (size_t)snprintf(got + len, sizeof got - len, "<%.*s>", APS_STR_ARG(r.fields[i]));
        len += (size_t)snprintf(got + len, sizeof got - len, "|");
        at += r.used;
    }
}

static const struct {
    const char *text, *want;
} rows[] = {
    {"", ""},
    {"a", "<a>|"},
    {"a\n", "<a>|"},
    {"a\r\n", "<a>|"},
    {"a,b\nc,d", "<a><b>|<c><d>|"},
    {"a,b\r\nc,d\r\n", "<a><b>|<c><d>|"},
    {",\n,,", "<><>|<><><>|"},
    {"\n\n", "<>|<>|"},
    {"\"\"\n", "<>|"},
    {"\"a\",\"b\"", "<a><b>|"},
    {"\"a,b\"\r\n", "<a,b>|"},
    {"\"a\"\"b\",c", "<a\"b><c>|"},
    {"\"\"\"\"", "<\">|"},
    {"\"\"\"\"\"\",x", "<\"\"><x>|"},
    {"\"a\r\nb\",c\nd,e", "<a\r\nb><c>|<d><e>|"},
    {" a , b", "< a >< b>|"},
    {"a\tb\x01,\xff", "<a\tb\x01><\xff>|"},
    {"a\"b", "BAD 0"},
    {"a\n\"b\"c", "<a>|BAD 0"},
    {"\"b\" ,c", "BAD 0"},
    {"\"a", "BAD 0"},
    {"\"a\n\nb", "BAD 2"},
    {"\"a\"\"", "BAD 0"},
    {"a\rb", "BAD 0"},
    {"a\r", "BAD 0"},
    {"\"a\"\r", "BAD 0"},
    {"\"a\"\rb", "BAD 0"},
};

/* Whatever the pieces are that a text comes in, it is read as when it comes as a whole. */
static void records_are_read_as_the_standard_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t piece = 1; piece <= 40; piece++)
            assert_string_equal(read_all(rows[i].text, strlen(rows[i].text), piece), rows[i].want);
}

static void nul_is_refused(void **state)
{
    (void)state;
    assert_string_equal(read_all("a\0b", 3, 9), "BAD 0");
    assert_string_equal(read_all("\"a\0b\"", 5, 9), "BAD 0");
}

static void fields_have_a_bound(void **state)
{
    char text[64];
    (void)state;
    memset(text, ',', sizeof text);
    assert_int_equal(strlen(read_all(text, 31, 64)), 2 * 32 + 1);
    assert_string_equal(read_all(text, 32, 64), "BAD 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_read_as_the_standard_says),
        cmocka_unit_test(nul_is_refused),
        cmocka_unit_test(fields_have_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
