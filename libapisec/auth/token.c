/* token.c - the table of verdicts on tokens. */
#include "apisec/token.h"

#include <stddef.h>

static const struct row {
    int status;
    const char *error, *word, *text;
} rows[APS_TOKEN_COUNT] = {
#define T(name, status, error, word, text) [APS_TOKEN_##name] = {status, error, word, text},
#include "apisec/token.def"
#undef T
};

static const struct row *row_of(enum aps_token verdict)
{
    return &rows[(unsigned)verdict < APS_TOKEN_COUNT ? verdict : APS_TOKEN_UNDECIDED];
}

int aps_token_status(enum aps_token verdict)
{
    return row_of(verdict)->status;
}

const char *aps_token_error(enum aps_token verdict)
{
    return row_of(verdict)->error;
}

const char *aps_token_word(enum aps_token verdict)
{
    return row_of(verdict)->word;
}

const char *aps_token_text(enum aps_token verdict)
{
    return row_of(verdict)->text;
}
