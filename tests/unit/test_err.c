#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "apisec/err.h"
#include "apisec/str.h"

static const struct {
    enum aps_err err;
    const char *name;
    int exit_code;
} cases[] = {
    {APS_OK, "ok", 0},
    {APS_ERR_FAILED, "failed", 1},
    {APS_ERR_NOMEM, "nomem", 1},
    {APS_ERR_IO, "io", 1},
    {APS_ERR_CRYPTO, "crypto", 1},
    {APS_ERR_CORRUPT, "corrupt", 1},
    {APS_ERR_NEWER, "newer", 1},
    {APS_ERR_KEY, "key", 1},
    {APS_ERR_UNSAFE, "unsafe", 1},
    {APS_ERR_BUSY, "busy", 1},
    {APS_ERR_USAGE, "usage", 2},
    {APS_ERR_FORMAT, "format", 2},
    {APS_ERR_RANGE, "range", 2},
    {APS_ERR_CONFIRM, "confirm", 2},
    {APS_ERR_NOT_FOUND, "not_found", 3},
    {APS_ERR_EXISTS, "exists", 4},
    {APS_ERR_CONFLICT, "conflict", 4},
    {APS_ERR_CHECK, "check", 5},
    {APS_ERR_COUNT, "unknown", 1},
    {(enum aps_err) - 1, "unknown", 1},
};

/* CLI-05: exit codes are stable. */
static void each_error_has_its_exit_code(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(aps_err_name(cases[i].err), cases[i].name);
        assert_int_equal(aps_err_exit(cases[i].err), cases[i].exit_code);
        assert_true(strlen(aps_err_text(cases[i].err)) > 3);
    }
    assert_int_equal(sizeof cases / sizeof cases[0], APS_ERR_COUNT + 2);
}

static void the_sentence_comes_before_the_table(void **state)
{
    struct aps_diag diag = {""};

    (void)state;
    assert_string_equal(aps_err_say(APS_ERR_IO, NULL), aps_err_text(APS_ERR_IO));
    assert_string_equal(aps_err_say(APS_ERR_IO, &diag), aps_err_text(APS_ERR_IO));
    aps_err_explain(NULL, "nobody asked");
    aps_err_explain(&diag, "rate \"%s\": want %d", "x", 7);
    assert_string_equal(aps_err_say(APS_ERR_IO, &diag), "rate \"x\": want 7");
}

/* CLI-08: values from outside cannot steer a terminal or forge a line. */
static void controls_become_question_marks(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"plain", "plain"},
        {"a\nb\tc", "a?b?c"},
        {"\x1b[31mred\x7f", "?[31mred?"},
        {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"c1 \xc2\x9b!", "c1 ?!"},
        {"bidi \xe2\x80\xae!", "bidi ?!"},
        {"line \xe2\x80\xa8!", "line ?!"},
        {"bad \xff\xc3", "bad ??"},
        {"overlong \xc0\xaf", "overlong ??"},
    };
    struct aps_diag diag;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        aps_err_explain(&diag, "%s", rows[i].in);
        assert_string_equal(diag.text, rows[i].out);
    }
}

static void long_sentences_are_cut(void **state)
{
    struct aps_diag diag;
    char text[2 * sizeof diag.text];

    (void)state;
    for (size_t n = sizeof diag.text - 2; n <= sizeof diag.text + 1; n++) {
        memset(text, 'x', n);
        text[n] = '\0';
        aps_err_explain(&diag, "%s", text);
        assert_int_equal(strlen(diag.text), n < sizeof diag.text ? n : sizeof diag.text - 1);
    }
    /* A character that the end cuts in two does not stay as half of one. */
    memset(text, 'x', sizeof diag.text - 2);
    memcpy(text + sizeof diag.text - 2, "\xc3\xa9", 3);
    aps_err_explain(&diag, "%s", text);
    assert_int_equal(diag.text[sizeof diag.text - 2], '?');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_error_has_its_exit_code),
        cmocka_unit_test(the_sentence_comes_before_the_table),
        cmocka_unit_test(controls_become_question_marks),
        cmocka_unit_test(long_sentences_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
