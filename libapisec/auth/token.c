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

/* One row of reasons.def for each but these three. */
#define APS_REASON_TOKEN_UNDECIDED APS_REASON_UNDECIDED
#define APS_REASON_TOKEN_OK APS_REASON_ALLOW
#define APS_REASON_TOKEN_INTERNAL APS_REASON_INTERNAL

static const enum aps_reason reasons[APS_TOKEN_COUNT] = {
#define T(name, status, error, word, text) [APS_TOKEN_##name] = APS_REASON_TOKEN_##name,
#include "apisec/token.def"
#undef T
};

enum aps_reason aps_token_reason(enum aps_token verdict)
{
    return (unsigned)verdict < APS_TOKEN_COUNT ? reasons[verdict] : APS_REASON_UNDECIDED;
}

enum aps_token aps_token_of(enum aps_reason reason)
{
    for (unsigned v = APS_TOKEN_INTERNAL + 1; v < APS_TOKEN_COUNT; v++)
        if (reasons[v] == reason)
            return (enum aps_token)v;
    return APS_TOKEN_UNDECIDED;
}
