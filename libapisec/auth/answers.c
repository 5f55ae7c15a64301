/* answers.c - a table of sets of four, and the questions under way. */
#include "apisec/answers.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { WAYS = 4, SETS = APS_ANSWERS_MAX / WAYS };

struct answer {
    struct aps_siphash token;
    char *body; /* NULL: free */
    size_t n;
    aps_nsec until;
    uint64_t number;
    bool active;
};

struct aps_answers {
    pthread_mutex_t lock; /* guards all of it; held for a copy of one answer at most */
    pthread_cond_t change;
    struct aps_answers_question *questions;
    uint64_t last; /* number */
    struct answer table[SETS][WAYS];
};

static bool is_same(struct aps_siphash a, struct aps_siphash b)
{
    return a.low == b.low && a.high == b.high;
}

/* Waits go by the clock of deadlines. */
static bool make_cond(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    bool ok;

    if (pthread_condattr_init(&attr) != 0)
        return false;
    ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
         pthread_cond_init(cond, &attr) == 0;
    (void)pthread_condattr_destroy(&attr); /* nothing is kept in it */
    return ok;
}

enum aps_err aps_answers_new(struct aps_answers **out)
{
    struct aps_answers *a = calloc(1, sizeof *a);

    if (a == NULL || !make_cond(&a->change)) {
        free(a);
        return APS_ERR_NOMEM;
    }
    if (pthread_mutex_init(&a->lock, NULL) != 0) {
        (void)pthread_cond_destroy(&a->change); /* nobody waits */
        free(a);
        return APS_ERR_NOMEM;
    }
    *out = a;
    return APS_OK;
}

void aps_answers_free(struct aps_answers *answers)
{
    if (answers == NULL)
        return;
    for (size_t i = 0; i < SETS; i++)
        for (size_t k = 0; k < WAYS; k++)
            free(answers->table[i][k].body);
    (void)pthread_cond_destroy(&answers->change); /* nobody waits, nobody holds it */
    (void)pthread_mutex_destroy(&answers->lock);
    free(answers);
}

/* ---- The table; under the lock ---- */

static bool find(struct aps_answers *a, struct aps_siphash token, aps_nsec wall, apr_pool_t *pool,
                 struct aps_answers_said *out)
{
    const struct answer *set = a->table[token.low % SETS];

    for (size_t k = 0; k < WAYS; k++)
        if (set[k].body != NULL && is_same(set[k].token, token) && wall < set[k].until) {
            *out = (struct aps_answers_said){
                aps_str_copy(pool, (struct aps_str){set[k].body, set[k].n}), set[k].until,
                set[k].number};
            return true;
        }
    return false;
}

/* What is better forgotten: one of the same token, none at all, one that is over, one that lets
 * nobody in, the oldest. */
static int worth(const struct answer *e, struct aps_siphash token, aps_nsec wall)
{
    if (e->body == NULL || is_same(e->token, token))
        return 0;
    if (wall >= e->until)
        return 1;
    return e->active ? 3 : 2;
}

static struct answer *place(struct aps_answers *a, struct aps_siphash token, bool active,
                            aps_nsec wall)
{
    struct answer *set = a->table[token.low % SETS], *least = &set[0];

    for (size_t k = 1; k < WAYS; k++) {
        const int new = worth(&set[k], token, wall), old = worth(least, token, wall);

        if (new < old || (new == old &&set[k].number < least->number))
            least = &set[k];
    }
    return worth(least, token, wall) == 3 && !active ? NULL : least;
}

static void put(struct aps_answers *a, struct aps_siphash token,
                const struct aps_answers_said *said, bool active, aps_nsec wall)
{
    struct answer *e = place(a, token, active, wall);
    char *body;

    if (e == NULL || wall >= said->until || said->body.n == 0 ||
        said->body.n > APS_ANSWERS_BODY_MAX || (body = malloc(said->body.n)) == NULL)
        return;
    memcpy(body, said->body.p, said->body.n);
    free(e->body);
    *e = (struct answer){token, body, said->body.n, said->until, said->number, active};
}

bool aps_answers_find(struct aps_answers *answers, struct aps_siphash token, aps_nsec wall,
                      apr_pool_t *pool, struct aps_answers_said *out)
{
    bool found;

    (void)pthread_mutex_lock(&answers->lock); /* a plain mutex, which nobody destroys */
    found = find(answers, token, wall, pool, out);
    (void)pthread_mutex_unlock(&answers->lock);
    return found;
}

/* ---- Questions ---- */

static struct aps_answers_question *under_way(struct aps_answers *a, struct aps_siphash token)
{
    struct aps_answers_question *q = a->questions;

    while (q != NULL && !is_same(q->token, token))
        q = q->next;
    return q;
}

/* Until the question is answered; its owner does not go before all who wait have. */
static enum aps_answers_state wait_for(struct aps_answers *a, struct aps_answers_question *q,
                                       aps_nsec deadline, apr_pool_t *pool,
                                       struct aps_answers_said *out)
{
    const struct timespec until = {(time_t)(deadline / APS_SEC), (long)(deadline % APS_SEC)};
    enum aps_answers_state state = APS_ANSWERS_LATE;
    int rc = 0;

    q->waiting++;
    while (!q->done && rc == 0)
        rc = pthread_cond_timedwait(&a->change, &a->lock, &until);
    if (q->done && q->said != NULL) {
        *out = *q->said;
        out->body = aps_str_copy(pool, q->said->body);
        state = APS_ANSWERS_KNOWN;
    } else if (q->done) {
        state = APS_ANSWERS_FAILED;
    }
    if (--q->waiting == 0)
        (void)pthread_cond_broadcast(&a->change);
    return state;
}

enum aps_answers_state aps_answers_enter(struct aps_answers *answers, struct aps_siphash token,
                                         aps_nsec wall, aps_nsec deadline, apr_pool_t *pool,
                                         struct aps_answers_question *question,
                                         struct aps_answers_said *out)
{
    enum aps_answers_state state = APS_ANSWERS_ASK;
    struct aps_answers_question *other;

    (void)pthread_mutex_lock(&answers->lock);
    if (find(answers, token, wall, pool, out)) {
        state = APS_ANSWERS_KNOWN;
    } else if ((other = under_way(answers, token)) != NULL) {
        state = wait_for(answers, other, deadline, pool, out);
    } else {
        *question = (struct aps_answers_question){.token = token, .next = answers->questions};
        answers->questions = question;
    }
    (void)pthread_mutex_unlock(&answers->lock);
    return state;
}

void aps_answers_leave(struct aps_answers *answers, struct aps_answers_question *question,
                       struct aps_answers_said *said, bool active, aps_nsec wall)
{
    struct aps_answers_question **at = &answers->questions;

    (void)pthread_mutex_lock(&answers->lock);
    while (*at != question)
        at = &(*at)->next;
    *at = question->next; /* who comes now asks anew, or finds it */
    if (said != NULL) {
        said->number = ++answers->last;
        put(answers, question->token, said, active, wall);
    }
    question->said = said;
    question->done = true;
    (void)pthread_cond_broadcast(&answers->change);
    while (question->waiting != 0)
        (void)pthread_cond_wait(&answers->change, &answers->lock);
    (void)pthread_mutex_unlock(&answers->lock);
}
