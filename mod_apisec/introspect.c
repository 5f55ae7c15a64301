/* Tokens that only their issuer can read: what this child has been told, and the question.
 *
 * Whoever asks, and whoever waits for another one's question about the same token, holds one of the
 * places of ApiSecWaiters, so that a slow issuer takes no more workers than may wait at all; others
 * are refused at once.  No lock is held meanwhile.  Failures refuse and are not remembered. */
#include "mod.h"

#include <apr_strings.h>
#include <pthread.h>

#include "apisec/ask.h"
#include "apisec/opaque.h"
#include "apisec/siphash.h"

#define CONNECT_MAX (2 * APS_SEC)
#define TOTAL_MAX (5 * APS_SEC)
#define TELL_EVERY (10 * APS_SEC) /* that no answer came, in the error log */

static atomic_bool stop; /* this child ends at once */

void mod_introspect_stopping(apr_pool_t *pchild, int graceful)
{
    (void)pchild;
    if (!graceful)
        atomic_store(&stop, true);
}

/* ---- Connections that are kept ---- */

/* All fetches by one link go to one definition of one issuer. */
struct idle {
    const struct mod_store *store;
    uint64_t edition;
    struct aps_fetch_link *link; /* NULL: free */
};

static pthread_mutex_t idle_lock = PTHREAD_MUTEX_INITIALIZER; /* guards the list */
static struct idle idle[16];

/* A new one where none is kept; NULL: out of memory. */
static struct aps_fetch_link *take_link(const struct mod_store *store, uint64_t edition)
{
    struct aps_fetch_link *link = NULL;
    (void)pthread_mutex_lock(&idle_lock); /* a plain mutex */
    for (size_t i = 0; i < sizeof idle / sizeof idle[0] && link == NULL; i++)
        if (idle[i].store == store && idle[i].edition == edition && idle[i].link != NULL) {
            link = idle[i].link;
            idle[i].link = NULL;
        }
    (void)pthread_mutex_unlock(&idle_lock);
    if (link == NULL && aps_fetch_link_new(&link) != APS_OK)
        return NULL;
    return link;
}

/* One that waits for another definition gives way to it. */
static void keep_link(const struct mod_store *store, uint64_t edition, struct aps_fetch_link *link)
{
    const size_t n = sizeof idle / sizeof idle[0];
    struct aps_fetch_link *out = link;
    (void)pthread_mutex_lock(&idle_lock);
    size_t at = 0;
    while (at < n && idle[at].link != NULL)
        at++;
    for (size_t i = 0; at == n && i < n; i++)
        if (idle[i].store != store || idle[i].edition != edition)
            at = i;
    if (at < n) {
        out = idle[at].link;
        idle[at] = (struct idle){store, edition, link};
    }
    (void)pthread_mutex_unlock(&idle_lock);
    aps_fetch_link_free(out);
}

static apr_status_t free_links(void *data)
{
    (void)data;
    for (size_t i = 0; i < sizeof idle / sizeof idle[0]; i++) {
        aps_fetch_link_free(idle[i].link);
        idle[i].link = NULL;
    }
    return APR_SUCCESS;
}

static apr_status_t free_answers(void *data)
{
    struct mod_store *store = data;
    aps_answers_free(store->answers);
    store->answers = NULL;
    return APR_SUCCESS;
}

void mod_introspect_child(apr_pool_t *pchild, server_rec *s, struct mod_store *store)
{
    if (aps_answers_new(&store->answers) != APS_OK) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                     "APISEC0025: store %s: out of memory: opaque tokens are refused by this child",
                     store->dir);
        return;
    }
    apr_pool_cleanup_register(pchild, store, free_answers, apr_pool_cleanup_null);
    apr_pool_cleanup_register(pchild, NULL, free_links, apr_pool_cleanup_null);
}

/* ---- The question ---- */

/* What is asked, and by which request. */
struct question {
    struct mod_req *m;
    const struct aps_issuer *issuer;
    aps_nsec wall;
    struct aps_siphash hash;
};

static enum aps_err fetch(const struct question *q, struct aps_str *out, struct aps_diag *diag)
{
    const struct mod_store *store = q->m->server->store;
    const struct aps_secret *secret =
        mod_secret_newest(q->m, aps_issuer_secret(q->m->first->pool, q->issuer->name));
    struct aps_fetch_options options = {
        .connect_max = CONNECT_MAX, .total_max = TOTAL_MAX, .stop = &stop};
    if (secret == NULL) {
        aps_err_explain(diag, "the store has no secret of the client \"%.*s\"",
                        APS_STR_SHOW(q->issuer->client_id));
        return APS_ERR_NOT_FOUND;
    }
    struct aps_fetch_link *link = take_link(store, q->issuer->edition);
    if (link == NULL)
        return APS_ERR_NOMEM;
    options.link = link;
    struct aps_fetch_answer answer = {.status = 0};
    enum aps_err err =
        aps_ask(q->issuer, secret, q->m->credential, &options, q->m->first->pool, &answer, diag);
    keep_link(store, q->issuer->edition, link);
    if (err == APS_OK)
        *out = answer.body;
    return err;
}

/* An issuer that is down is told of now and then, not for each request. */
static void tell(const struct question *q, const char *why)
{
    static _Atomic aps_nsec told;
    aps_nsec now = mod_req_monotonic(q->m), last = atomic_load(&told);
    if ((last != 0 && now - last < TELL_EVERY) ||
        !atomic_compare_exchange_strong(&told, &last, now))
        return;
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, q->m->first,
                  "APISEC0063: issuer %.*s cannot be asked about a token: %s; such tokens are "
                  "refused",
                  APS_STR_ARG(q->issuer->name), why);
}

/* Ask, and let those who wait have what came of it. */
static enum aps_token ask(const struct question *q, struct aps_answers_question *slot,
                          struct aps_answers_said *said, struct aps_diag *diag)
{
    struct aps_answers *answers = q->m->server->store->answers;
    enum aps_token verdict = APS_TOKEN_ISSUER_DOWN;
    enum aps_err err = fetch(q, &said->body, diag);
    if (err == APS_OK)
        verdict = aps_opaque_read(q->m->view, q->issuer, q->wall, q->m->first->pool, said, diag);
    else
        tell(q, aps_err_say(err, diag));
    bool known = err == APS_OK && verdict != APS_TOKEN_ANSWER && verdict != APS_TOKEN_INTERNAL;
    if (err == APS_OK && verdict == APS_TOKEN_ANSWER)
        tell(q, diag->text);
    aps_answers_leave(answers, slot, known ? said : NULL, verdict == APS_TOKEN_OK, q->wall);
    return known ? APS_TOKEN_OK : verdict;
}

static enum aps_token ask_or_wait(const struct question *q, struct aps_answers_said *said,
                                  struct aps_diag *diag)
{
    struct aps_answers_question slot;
    aps_nsec deadline = aps_clock_monotonic() + TOTAL_MAX;
    switch (aps_answers_enter(q->m->server->store->answers, q->hash, q->wall, deadline,
                              q->m->first->pool, &slot, said)) {
    case APS_ANSWERS_KNOWN:
        return APS_TOKEN_OK;
    case APS_ANSWERS_ASK:
        return ask(q, &slot, said, diag);
    case APS_ANSWERS_FAILED:
    case APS_ANSWERS_LATE:
        break;
    }
    aps_err_explain(diag, "another request has asked about this token, and got no answer");
    return APS_TOKEN_ISSUER_DOWN;
}

/* OK: *said is set. */
static enum aps_token answer_of(const struct question *q, struct aps_answers_said *said,
                                struct aps_diag *diag)
{
    struct aps_answers *answers = q->m->server->store->answers;
    if (answers == NULL)
        return APS_TOKEN_INTERNAL;
    if (aps_answers_find(answers, q->hash, q->wall, q->m->first->pool, said))
        return APS_TOKEN_OK;
    if (!mod_stage_wait_reserve(q->m)) {
        aps_err_explain(diag, "as many requests wait as ApiSecWaiters lets");
        return APS_TOKEN_ISSUER_DOWN;
    }
    enum aps_token verdict = ask_or_wait(q, said, diag);
    mod_stage_wait_begin(q->m, 0); /* gives the place back */
    return verdict;
}

/* ---- Whom to ask ---- */

/* Nobody shows a token to an issuer that may not have made it: only one is asked. */
static const struct aps_issuer *issuer_of(const struct mod_req *m, struct aps_diag *diag)
{
    const struct aps_issuer *found = NULL;
    size_t n = 0;
    const struct aps_issuer *issuers = aps_snapshot_issuers(aps_view_snapshot(m->view), &n);
    for (size_t i = 0; i < n; i++) {
        if (issuers[i].introspect.p == NULL || !mod_stage_token_takes(m->dir, issuers[i].name))
            continue;
        if (found != NULL) {
            aps_err_explain(diag,
                            "%.*s and %.*s could be asked about an opaque token: ApiSecIssuer "
                            "has to name one of them for the section",
                            APS_STR_SHOW(found->name), APS_STR_SHOW(issuers[i].name));
            return NULL;
        }
        found = &issuers[i];
    }
    if (found == NULL)
        aps_err_explain(diag, "no issuer of the section answers about opaque tokens");
    return found;
}

/* Under the definition that was asked for: another one may have another issuer. */
static struct aps_siphash hash_of(const struct mod_req *m, const struct aps_issuer *issuer)
{
    struct aps_siphash hash = aps_siphash_128(m->credential, mod_process.hash_key);
    hash.low ^= issuer->edition;
    hash.high ^= issuer->edition;
    return hash;
}

enum aps_token mod_introspect(struct mod_req *m, struct aps_bearer_found *out,
                              struct aps_diag *diag)
{
    struct aps_answers_said said = {.number = 0};
    struct question q = {.m = m, .wall = mod_req_now(m).wall};
    *out = (struct aps_bearer_found){.who = NULL};
    if (m->credential.n > APS_JWS_MAX) {
        aps_err_explain(diag, "more than %d bytes", APS_JWS_MAX);
        return APS_TOKEN_TOO_LONG;
    }
    q.issuer = issuer_of(m, diag);
    if (q.issuer == NULL)
        return APS_TOKEN_ISSUER;
    q.hash = hash_of(m, q.issuer);
    out->issuer = q.issuer->name;
    enum aps_token verdict = answer_of(&q, &said, diag);
    if (verdict != APS_TOKEN_OK)
        return verdict;
    return aps_opaque(m->view, q.issuer, m->credential, q.wall, &said, m->first->pool, out, diag);
}
