/* token.h - verdicts on tokens and on the proofs that come with them.
 *
 * Zero is UNDECIDED and refuses; OK alone is good.  A row of token.def is what the client is told,
 * what the log says, and the text for an administrator.
 * Threads and processes: pure functions, for any value; one outside of the table is UNDECIDED. */
#ifndef APISEC_TOKEN_H
#define APISEC_TOKEN_H

#include "apisec/reason.h"

enum aps_token {
#define T(name, status, error, word, text) APS_TOKEN_##name,
#include "apisec/token.def"
#undef T
    APS_TOKEN_COUNT
};

int aps_token_status(enum aps_token verdict);        /* of HTTP */
const char *aps_token_error(enum aps_token verdict); /* "invalid_token"; NULL: none is told */
const char *aps_token_word(enum aps_token verdict);  /* "token_expired", for logs */
const char *aps_token_text(enum aps_token verdict);  /* what is wrong, for administrators */

/* The verdict on a request whose token has this one: ALLOW for OK alone. */
enum aps_reason aps_token_reason(enum aps_token verdict);
/* Back: UNDECIDED for a verdict on a request that is none on its token. */
enum aps_token aps_token_of(enum aps_reason reason);

#endif
