/* answers.h - what issuers have said of opaque tokens, as one process remembers it (JWT-19).
 *
 * An answer is found by a hash of the whole token under a random key of the process.  One thread
 * asks about a token at a time; others who want to know wait for its answer.  No lock is held while
 * it asks.  Bounded: a full table forgets answers by which a token was refused before others, so
 * that whoever sends garbage pushes out nobody's token.
 * Threads: every call is safe from any thread, but new and free.  Processes: make it after fork. */
#ifndef APISEC_ANSWERS_H
#define APISEC_ANSWERS_H

#include <apr_pools.h>

#include "apisec/clock.h"
#include "apisec/err.h"
#include "apisec/siphash.h"
#include "apisec/str.h"

#define APS_ANSWERS_MAX 4096             /* answers */
#define APS_ANSWERS_BODY_MAX (16 * 1024) /* bytes of one; a longer one is not remembered */

struct aps_answers;

/* Lives on the heap.  APS_ERR_NOMEM. */
APS_MUST_CHECK enum aps_err aps_answers_new(struct aps_answers **out);
/* Nobody asks or waits any more.  NULL is fine. */
void aps_answers_free(struct aps_answers *answers);

struct aps_answers_said {
    struct aps_str body; /* in the caller's pool */
    aps_nsec until;      /* wall; from then on it is not used */
    uint64_t number;     /* that no other answer of the process has */
};

/* What is remembered of the token with this hash at `wall`; false: nothing. */
bool aps_answers_find(struct aps_answers *answers, struct aps_siphash token, aps_nsec wall,
                      apr_pool_t *pool, struct aps_answers_said *out);

enum aps_answers_state {
    APS_ANSWERS_KNOWN,  /* *out is set */
    APS_ANSWERS_ASK,    /* the caller has to ask, and to call aps_answers_leave */
    APS_ANSWERS_FAILED, /* another thread has asked meanwhile and got no answer */
    APS_ANSWERS_LATE,   /* and still asks at the deadline */
};

/* A question under way; lives with its caller, and its fields are answers.c's. */
struct aps_answers_question {
    struct aps_siphash token;
    struct aps_answers_question *next;
    const struct aps_answers_said *said; /* NULL: none */
    unsigned waiting;
    bool done;
};

/* Ask, or wait for whoever asks until `deadline` (monotonic). */
enum aps_answers_state aps_answers_enter(struct aps_answers *answers, struct aps_siphash token,
                                         aps_nsec wall, aps_nsec deadline, apr_pool_t *pool,
                                         struct aps_answers_question *question,
                                         struct aps_answers_said *out);

/* What came of it: *said, whose number is set by this, or NULL: no answer, which is not remembered.
 * `active`: the token holds.  Borrows; who waits has it when this returns. */
void aps_answers_leave(struct aps_answers *answers, struct aps_answers_question *question,
                       struct aps_answers_said *said, bool active, aps_nsec wall);

#endif
