/* err.c - the table of errors and the sentences that explain them. */
#include "apisec/err.h"

#include <stdio.h>

#include "apisec/str.h"

static const struct row {
    const char *token;
    const char *text;
    int exit_code;
} rows[APS_ERR_COUNT] = {
#define E(name, exit_code, token, text) [APS_ERR_##name] = {token, text, exit_code},
#include "apisec/errors.def"
#undef E
};

static const struct row *row_of(enum aps_err err)
{
    static const struct row unknown = {"unknown", "the operation failed", 1};

    return (unsigned)err < APS_ERR_COUNT ? &rows[err] : &unknown;
}

const char *aps_err_name(enum aps_err err)
{
    return row_of(err)->token;
}

const char *aps_err_text(enum aps_err err)
{
    return row_of(err)->text;
}

int aps_err_exit(enum aps_err err)
{
    return row_of(err)->exit_code;
}

/* What a log or a terminal could misread becomes '?'; the text only gets shorter. */
static void make_safe(char *text)
{
    struct aps_str rest = aps_str(text);
    char *to = text;
    uint32_t code;
    size_t n;

    while (rest.n > 0) {
        n = aps_str_utf8_code(rest, &code);
        if (n == 0 || aps_str_is_control(code)) {
            *to++ = '?';
            n = n == 0 ? 1 : n;
        } else {
            memmove(to, rest.p, n);
            to += n;
        }
        rest.p += n;
        rest.n -= n;
    }
    *to = '\0';
}

void aps_err_explain(struct aps_diag *diag, const char *fmt, ...)
{
    va_list args;

    if (diag == NULL)
        return;
    va_start(args, fmt);
    if (vsnprintf(diag->text, sizeof diag->text, fmt, args) < 0)
        diag->text[0] = '\0'; /* then aps_err_say falls back to the table */
    va_end(args);
    make_safe(diag->text);
}

const char *aps_err_say(enum aps_err err, const struct aps_diag *diag)
{
    return diag != NULL && diag->text[0] != '\0' ? diag->text : aps_err_text(err);
}
