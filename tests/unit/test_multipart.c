#include "t.h"

#include <apr_strings.h>

#include "apisec/multipart.h"
#include "t_pool.h"

/* What was read, as text: name|filename|type|what it holds; */
struct seen {
    apr_pool_t *pool;
    char *text;
    struct aps_str body;
};

static bool note(void *context, const struct aps_multipart_part *part)
{
    struct seen *s = context;

    assert_true(part->at + part->n <= s->body.n);
    s->text = apr_psprintf(s->pool, "%s%.*s|%.*s|%.*s|%.*s;", s->text, APS_STR_ARG(part->name),
                           APS_STR_ARG(part->filename), APS_STR_ARG(part->type), (int)part->n,
                           s->body.p + part->at);
    return true;
}

/* Read the body in pieces of `step` bytes. */
static enum aps_multipart_fault read_in(apr_pool_t *pool, struct aps_str body, size_t step,
                                        const struct aps_multipart_options *options, char **out)
{
    struct seen s = {pool, apr_pstrdup(pool, ""), body};
    enum aps_multipart_fault fault;
    struct aps_multipart *m = aps_multipart_new(pool, APS_STR_LIT("b"), options, note, &s, &fault);

    assert_non_null(m);
    for (size_t i = 0; i < body.n; i += step)
        fault = aps_multipart_feed(
            m, (struct aps_str){body.p + i, body.n - i < step ? body.n - i : step});
    *out = s.text;
    fault = aps_multipart_finish(m);
    assert_true(aps_multipart_at(m) <= body.n);
    return fault;
}

#define D "Content-Disposition: form-data; name="
#define PART(head, data) "--b\r\n" head "\r\n\r\n" data "\r\n"
#define LAST "--b--\r\n"

/* POS-18: each rule, in any cut of the body. */
static void a_body_is_read_strictly(void **state)
{
    static const struct {
        const char *body;
        enum aps_multipart_fault fault;
        const char *seen;
    } cases[] = {
        {PART(D "a", "1") LAST, APS_MULTIPART_OK, "a|||1;"},
        {PART(D "a", "1") "--b--", APS_MULTIPART_OK, "a|||1;"},
        {PART(D "\"a b\"", "") LAST, APS_MULTIPART_OK, "a b|||;"},
        {PART(D "a", "\r\n--c\r\n-") PART(D "a", "--B") LAST, APS_MULTIPART_OK,
         "a|||\r\n--c\r\n-;a|||--B;"},
        {PART(D "f; filename=\"x\\\"y.png\"\r\nContent-Type: image/png", "\r\r\n") LAST,
         APS_MULTIPART_OK, "f|x\"y.png|image/png|\r\r\n;"},
        {PART("content-disposition:FORM-DATA;name=a\r\nX-Other: 1", "1") LAST, APS_MULTIPART_OK,
         "a|||1;"},
        {"", APS_MULTIPART_END, ""},
        {"--b--\r\n", APS_MULTIPART_EMPTY, ""},
        {"x" PART(D "a", "1") LAST, APS_MULTIPART_OUTSIDE, ""},
        {"\r\n" PART(D "a", "1") LAST, APS_MULTIPART_OUTSIDE, ""},
        {PART(D "a", "1") LAST "x", APS_MULTIPART_OUTSIDE, "a|||1;"},
        {PART(D "a", "1") LAST "\r\n", APS_MULTIPART_OUTSIDE, "a|||1;"},
        {PART(D "a", "1") "--b-- ", APS_MULTIPART_OUTSIDE, "a|||1;"},
        {PART(D "a", "1"), APS_MULTIPART_END, ""},
        {PART(D "a", "1") "--b", APS_MULTIPART_END, "a|||1;"},
        {PART(D "a", "1") "--b--\r", APS_MULTIPART_END, "a|||1;"},
        {PART(D "a", "1\n--b--") LAST, APS_MULTIPART_LINE, ""},
        {PART(D "a", "1\r--b--") LAST, APS_MULTIPART_LINE, ""},
        {PART(D "a", "--b--") LAST, APS_MULTIPART_LINE, ""},
        {"--b\n" D "a\n\n1\n--b--\n", APS_MULTIPART_LINE, ""},
        {PART(D "a\nX: 1", "1") LAST, APS_MULTIPART_LINE, ""},
        {PART(D "a\rX: 1", "1") LAST, APS_MULTIPART_LINE, ""},
        {PART(D "a", "1") "--b \r\n" LAST, APS_MULTIPART_DELIMITER, "a|||1;"},
        {PART(D "a", "1") "--bb\r\n" LAST, APS_MULTIPART_DELIMITER, "a|||1;"},
        {PART(D "a", "1") "--b-x\r\n" LAST, APS_MULTIPART_DELIMITER, "a|||1;"},
        {PART("X: 1\r\n folded", "1") LAST, APS_MULTIPART_FOLDED, ""},
        {PART(D "a\r\n\t; filename=x", "1") LAST, APS_MULTIPART_FOLDED, ""},
        {PART(D "a\r\n" D "b", "1") LAST, APS_MULTIPART_REPEATED, ""},
        {PART(D "a; name=b", "1") LAST, APS_MULTIPART_REPEATED, ""},
        {PART(D "a; filename=a; filename=b", "1") LAST, APS_MULTIPART_REPEATED, ""},
        {PART(D "a\r\nContent-Type: a/b\r\nContent-Type: a/c", "1") LAST, APS_MULTIPART_REPEATED,
         ""},
        {PART("X: 1", "1") LAST, APS_MULTIPART_DISPOSITION, ""},
        {"--b\r\n\r\n1\r\n" LAST, APS_MULTIPART_DISPOSITION, ""},
        {PART("Content-Disposition: attachment; name=a", "1") LAST, APS_MULTIPART_DISPOSITION, ""},
        {PART("Content-Disposition: form-data", "1") LAST, APS_MULTIPART_DISPOSITION, ""},
        {PART(D "\"\"", "1") LAST, APS_MULTIPART_DISPOSITION, ""},
        {PART(D "a; filename*=utf-8''x", "1") LAST, APS_MULTIPART_PARAMETER, ""},
        {PART(D "a; filename=x; filename*=utf-8''x", "1") LAST, APS_MULTIPART_PARAMETER, ""},
        {PART(D "a; name*=utf-8''x", "1") LAST, APS_MULTIPART_PARAMETER, ""},
        {PART(D "a; size=1", "1") LAST, APS_MULTIPART_PARAMETER, ""},
        {PART(D "a\r\nContent-Transfer-Encoding: base64", "1") LAST, APS_MULTIPART_ENCODING, ""},
        {PART(D "_charset_", "utf-7") LAST, APS_MULTIPART_CHARSET, ""},
        {PART(D "a\r\nContent-Type: text/plain; charset=utf-7", "1") LAST, APS_MULTIPART_CHARSET,
         ""},
        {PART(D "a\r\nContent-Type: text/plain; charset=UTF-8", "1") LAST, APS_MULTIPART_OK,
         "a||text/plain; charset=UTF-8|1;"},
        {PART(D "a\r\nContent-Type: text", "1") LAST, APS_MULTIPART_HEADER, ""},
        {PART(D "a\r\nNo colon", "1") LAST, APS_MULTIPART_HEADER, ""},
        {PART(D "a\r\nX : 1", "1") LAST, APS_MULTIPART_HEADER, ""},
        {PART(D "a\r\nX: \x01", "1") LAST, APS_MULTIPART_HEADER, ""},
        {PART(D "\"\xff\"", "1") LAST, APS_MULTIPART_HEADER, ""},
        {PART(D "\"a", "1") LAST, APS_MULTIPART_HEADER, ""},
        {PART(D "\"a\\b\"", "1") LAST, APS_MULTIPART_HEADER, ""},
        {PART(D "a filename=x", "1") LAST, APS_MULTIPART_HEADER, ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t step = 1; step < 200; step = step < 8 ? step + 1 : step * 3) {
            char *seen = NULL;
            const enum aps_multipart_fault fault =
                read_in(*state, aps_str(cases[i].body), step, &aps_multipart_usual, &seen);

            if (fault != cases[i].fault || strcmp(seen, cases[i].seen) != 0)
                fail_msg("%zu by %zu: %s, %s", i, step, aps_multipart_fault_name(fault), seen);
        }
}

/* POS-18: at, below and above each cap. */
static void caps_hold_while_streaming(void **state)
{
    static const char two[] = PART(D "abc", "12345") PART(D "d; filename=efg", "1") LAST;
    const struct aps_multipart_options fits = {.parts_max = 2,
                                               .headers_max =
                                                   sizeof(D "d; filename=efg\r\n\r\n") - 1,
                                               .name_max = 3,
                                               .part_max = 5,
                                               .total_max = sizeof two - 1};
    struct aps_multipart_options o = fits;
    char *seen;

    for (size_t step = 1; step < 400; step *= 7) {
        const struct aps_str body = APS_STR_LIT(two);

        o = fits;
        assert_int_equal(read_in(*state, body, step, &o, &seen), APS_MULTIPART_OK);
        o.parts_max--;
        assert_int_equal(read_in(*state, body, step, &o, &seen), APS_MULTIPART_PARTS);
        o = fits;
        o.headers_max--;
        assert_int_equal(read_in(*state, body, step, &o, &seen), APS_MULTIPART_HEADERS);
        o = fits;
        o.name_max--;
        assert_int_equal(read_in(*state, body, step, &o, &seen), APS_MULTIPART_NAME);
        o = fits;
        o.part_max--;
        assert_int_equal(read_in(*state, body, step, &o, &seen), APS_MULTIPART_PART);
        o = fits;
        o.total_max--;
        assert_int_equal(read_in(*state, body, step, &o, &seen), APS_MULTIPART_TOTAL);
    }
}

/* POS-18 */
static void a_boundary_has_at_most_70_characters(void **state)
{
    static const struct {
        const char *boundary;
        bool good;
    } cases[] = {
        {"", false},
        {"a ", false},
        {"a b", true},
        {"a\tb", false},
        {"a;b", false},
        {"\xc3", false},
        {"'()+_,-./:=?", true},
        {"1234567890123456789012345678901234567890123456789012345678901234567890", true},
        {"12345678901234567890123456789012345678901234567890123456789012345678901", false},
    };
    enum aps_multipart_fault fault;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aps_multipart *m = aps_multipart_new(*state, aps_str(cases[i].boundary),
                                                    &aps_multipart_usual, note, NULL, &fault);

        assert_int_equal(m != NULL, cases[i].good);
        assert_int_equal(fault, cases[i].good ? APS_MULTIPART_OK : APS_MULTIPART_BOUNDARY);
    }
}

/* POS-18 */
static void names_of_files_are_safe_anywhere(void **state)
{
    static const struct {
        const char *name;
        bool good;
    } cases[] = {
        {"a", true},
        {"a b.tar.gz", true},
        {"\xc3\xa9.txt", true},
        {"console.txt", true},
        {"com.txt", true},
        {"", false},
        {".", false},
        {"..", false},
        {".htaccess", false},
        {"a/b", false},
        {"a\\b", false},
        {"C:a", false},
        {"a\x01", false},
        {"a\xff", false},
        {"a.", false},
        {"a ", false},
        {"con", false},
        {"NUL.txt", false},
        {"Com1.tar.gz", false},
        {"lpt9", false},
        {"\xe2\x80\xae", false},
        {"1234567890", true},
        {"12345678901", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (aps_multipart_head_is_safe(aps_str(cases[i].name), i < 21 ? 255 : 10) != cases[i].good)
            fail_msg("%s", cases[i].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(a_body_is_read_strictly),
        t_pool_test(caps_hold_while_streaming),
        t_pool_test(a_boundary_has_at_most_70_characters),
        t_pool_test(names_of_files_are_safe_anywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
