/* bearer.c - a token's text -> who calls. */
#include "apisec/bearer.h"

#include <apr_strings.h>

#include "apisec/gone.h"
#include "apisec/jwt.h"
#include "remember.h"

/* ---- What was shown ---- */

static bool is_own(struct aps_str text, struct aps_str prefix)
{
    return text.n > prefix.n && aps_str_starts(text, prefix) && text.p[prefix.n] == '_';
}

/* A text from elsewhere that is a key of the store, whatever it looks like. */
static bool is_imported(struct aps_view *view, struct aps_str text)
{
    struct aps_snapshot *snap = aps_view_snapshot(view);
    uint8_t digest[APS_DIGEST_LEN];
    char id[APS_KEYTEXT_ID_LEN];
    struct aps_key key;
    apr_pool_t *pool = NULL;
    bool known = false;

    if (!aps_snapshot_has_imports(snap) || !aps_imported_is_text(text) ||
        apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS)
        return false;
    known = aps_digest_sum(text, digest) == APS_OK &&
            aps_snapshot_imported_id(snap, digest, id) == APS_OK &&
            aps_snapshot_key(snap, (struct aps_str){id, sizeof id}, pool, &key) == APS_OK;
    apr_pool_destroy(pool);
    return known;
}

enum aps_bearer_form aps_bearer_form(struct aps_view *view, struct aps_str text)
{
    struct aps_snapshot *snap = aps_view_snapshot(view);
    const bool dots = text.n != 0 && memchr(text.p, '.', text.n) != NULL;
    bool signs = false, answers = false;
    size_t n = 0;
    const struct aps_issuer *issuers = aps_snapshot_issuers(snap, &n);

    if (n == 0 || is_own(text, aps_snapshot_prefix(snap)))
        return APS_BEARER_KEY;
    for (size_t i = 0; i < n; i++) {
        signs = signs || issuers[i].source != APS_ISSUER_NONE;
        answers = answers || issuers[i].introspect.p != NULL;
    }
    if (!(dots ? signs || answers : answers) || is_imported(view, text))
        return APS_BEARER_KEY;
    return dots && signs ? APS_BEARER_JWT : APS_BEARER_OPAQUE;
}

/* ---- Who it is ---- */

/* ISSUER:SUBJECT, or of a client ISSUER:CLIENT_ID (JWT-16). */
static struct aps_str id_of(const struct aps_bearer *bearer, apr_pool_t *pool)
{
    const struct aps_claims *c = &bearer->claims;
    struct aps_str subject = c->is_client && c->client_id.p != NULL ? c->client_id : c->sub;
    char *text = apr_palloc(pool, bearer->issuer.n + 1 + subject.n + 1), *p = text;

    memcpy(p, bearer->issuer.p, bearer->issuer.n);
    p += bearer->issuer.n;
    *p++ = ':';
    if (subject.n != 0)
        memcpy(p, subject.p, subject.n);
    p[subject.n] = '\0';
    return (struct aps_str){text, bearer->issuer.n + 1 + subject.n};
}

/* Those roles that the store has, sorted; an issuer may name others as it likes. */
static bool find_roles(const struct aps_rolebook *book, const struct aps_claimrule_list *names,
                       apr_pool_t *pool, struct aps_key *key)
{
    struct aps_str *roles = apr_palloc(pool, APS_KEY_ROLES_MAX * sizeof *roles);

    for (size_t i = 0; i < names->n; i++) {
        if (aps_rolebook_find(book, names->items[i]) == NULL)
            continue;
        if (key->nroles == APS_KEY_ROLES_MAX)
            return false;
        roles[key->nroles++] = names->items[i];
    }
    aps_str_sort(roles, key->nroles);
    key->roles = roles;
    return true;
}

static enum aps_token verdict_of(enum aps_reason reason)
{
    return reason == APS_REASON_ALLOW ? APS_TOKEN_OK : APS_TOKEN_INTERNAL;
}

/* The record that the claims come to. */
static enum aps_token record_of(struct aps_view *view, const struct aps_bearer *bearer,
                                struct aps_str id, aps_nsec until, apr_pool_t *pool,
                                struct aps_key *out, struct aps_diag *diag)
{
    *out = (struct aps_key){
        .id = id,
        .status = APS_KEY_ACTIVE,
        .expires_at = until,
        .nscopes = bearer->claims.scopes.n,
        .scopes = bearer->claims.scopes.items,
    };
    if (id.n > APS_BEARER_ID_MAX || !aps_str_is_text(id)) {
        aps_err_explain(diag,
                        "the caller's name \"%.*s\": want text of at most %d bytes with the "
                        "issuer's name before it",
                        APS_STR_SHOW(id), APS_BEARER_ID_MAX);
        return APS_TOKEN_CLAIMS;
    }
    if (!find_roles(aps_snapshot_roles(aps_view_snapshot(view)), &bearer->claims.roles, pool,
                    out)) {
        aps_err_explain(diag, "more than %d roles of the store", APS_KEY_ROLES_MAX);
        return APS_TOKEN_MAPPING;
    }
    return APS_TOKEN_OK;
}

static struct aps_siphash hash_of(const struct aps_view *view, struct aps_str text, uint64_t epoch)
{
    struct aps_siphash hash = aps_view_hash(view, text);

    hash.low ^= epoch;
    hash.high ^= epoch;
    return hash;
}

/* `epoch` is that of before the verify: what was verified with a set that has gone meanwhile is
 * remembered where nobody looks any more. */
static enum aps_token make(struct aps_view *view, const struct aps_bearer *bearer,
                           struct aps_siphash hash, aps_nsec until, apr_pool_t *pool,
                           struct aps_bearer_found *out, struct aps_diag *diag)
{
    struct remember_caller caller = {.hash = hash, .bearer = bearer};
    const struct aps_identity *who = NULL;
    struct aps_key key;
    enum aps_token verdict;

    out->id = id_of(bearer, pool);
    if ((verdict = record_of(view, bearer, out->id, until, pool, &key, diag)) != APS_TOKEN_OK)
        return verdict;
    caller.key = &key;
    verdict = verdict_of(aps_remember(view, &caller, pool, &who));
    if (verdict == APS_TOKEN_OK)
        out->who = who;
    else
        aps_err_explain(diag, "the plan of a role of the token cannot be read, or out of memory");
    return verdict;
}

enum aps_token aps_bearer_identity(struct aps_view *view, const struct aps_bearer *bearer,
                                   const struct aps_bearer_shown *shown, aps_nsec until,
                                   apr_pool_t *pool, struct aps_bearer_found *out,
                                   struct aps_diag *diag)
{
    return make(view, bearer, hash_of(view, shown->text, shown->epoch), until, pool, out, diag);
}

static enum aps_token find(struct aps_view *view, struct aps_siphash hash, aps_nsec wall,
                           struct aps_bearer_found *out)
{
    const struct view_entry *seen = aps_view_find(view, hash);

    if (seen == NULL)
        return APS_TOKEN_UNDECIDED;
    *out = (struct aps_bearer_found){.hit = true, .id = seen->who.key.id};
    if (seen->who.bearer == NULL)
        return APS_TOKEN_MALFORMED; /* it is a key, which has no issuer */
    out->issuer = seen->who.bearer->issuer;
    if (wall >= seen->who.key.expires_at)
        return APS_TOKEN_EXPIRED;
    out->who = &seen->who;
    return APS_TOKEN_OK;
}

enum aps_token aps_bearer_seen(struct aps_view *view, const struct aps_bearer_shown *shown,
                               struct aps_bearer_found *out)
{
    return find(view, hash_of(view, shown->text, shown->epoch), shown->wall, out);
}

/* ---- A signed token ---- */

/* JWT-20: by iss and jti, and by its whole text. */
enum aps_token aps_bearer_gone(struct aps_view *view, const struct aps_claims *claims,
                               struct aps_str text)
{
    struct aps_snapshot *snap = aps_view_snapshot(view);
    uint8_t hash[APS_DIGEST_LEN];

    if (claims->jti.p != NULL && claims->iss.p != NULL) {
        if (aps_gone_jti(claims->iss, claims->jti, hash) != APS_OK)
            return APS_TOKEN_INTERNAL;
        if (aps_snapshot_token_gone(snap, hash))
            return APS_TOKEN_REVOKED;
    }
    if (aps_gone_token(text, hash) != APS_OK)
        return APS_TOKEN_INTERNAL;
    return aps_snapshot_token_gone(snap, hash) ? APS_TOKEN_REVOKED : APS_TOKEN_OK;
}

/* Until when the claims hold, on this clock. */
static aps_nsec ends_of(const struct aps_issuer *issuer, const struct aps_claims *claims)
{
    const struct aps_claims_policy *p = &issuer->jwt.claims;
    aps_nsec ends = claims->exp + p->leeway;

    if (p->max_age != 0 && claims->iat + p->max_age + p->leeway < ends)
        ends = claims->iat + p->max_age + p->leeway;
    return ends;
}

/* One token under way. */
struct job {
    struct aps_view *view;
    struct aps_keyring *ring;
    const struct aps_bearer_shown *shown;
    const struct aps_issuer *issuers;
    size_t n;
    struct aps_siphash hash;
    apr_pool_t *pool;
};

static enum aps_token verify(const struct job *job, struct aps_jwt *jwt,
                             const struct aps_issuer **out_issuer, struct aps_diag *diag)
{
    struct aps_jwt_issuer *list = apr_palloc(job->pool, (job->n + 1) * sizeof *list);
    unsigned char hash_key[APS_SIPHASH_KEY_LEN];
    enum aps_token verdict;

    for (size_t i = 0; i < job->n; i++) {
        list[i] = job->issuers[i].jwt;
        list[i].claims.checks_jkt = list[i].claims.checks_x5t = true; /* by who calls this */
    }
    if (job->ring != NULL)
        aps_keyring_take(job->ring, job->issuers, job->n, job->pool, list);
    aps_view_hash_key(job->view, hash_key);
    verdict = aps_jwt(list, job->n, job->shown->text, job->shown->wall, hash_key, job->pool, jwt,
                      NULL, diag);
    if (jwt->issuer != NULL)
        *out_issuer = &job->issuers[jwt->issuer - list];
    if (verdict == APS_TOKEN_KEY_UNKNOWN && jwt->issuer->keys == NULL)
        verdict = APS_TOKEN_NO_KEYS;
    return verdict;
}

/* Not seen before, or not with these keys. */
static enum aps_token look_up(const struct job *job, struct aps_bearer_found *out,
                              struct aps_diag *diag)
{
    const struct aps_issuer *issuer = NULL;
    struct aps_bearer bearer;
    struct aps_jwt *jwt = apr_palloc(job->pool, sizeof *jwt);
    enum aps_token verdict = verify(job, jwt, &issuer, diag);

    if (issuer != NULL)
        out->issuer = issuer->name;
    if (verdict != APS_TOKEN_OK)
        return verdict;
    bearer = (struct aps_bearer){
        .issuer = issuer->name, .leeway = issuer->jwt.claims.leeway, .claims = jwt->claims};
    out->id = id_of(&bearer, job->pool);
    if ((verdict = aps_bearer_gone(job->view, &jwt->claims, job->shown->text)) != APS_TOKEN_OK) {
        aps_err_explain(diag, "jti \"%.*s\" was revoked", APS_STR_SHOW(jwt->claims.jti));
        return verdict;
    }
    return make(job->view, &bearer, job->hash, ends_of(issuer, &jwt->claims), job->pool, out, diag);
}

enum aps_token aps_bearer(struct aps_view *view, struct aps_keyring *ring,
                          const struct aps_bearer_shown *shown, apr_pool_t *pool,
                          struct aps_bearer_found *out, struct aps_diag *diag)
{
    struct job job = {.view = view, .ring = ring, .shown = shown, .pool = pool};
    enum aps_token verdict;

    *out = (struct aps_bearer_found){.who = NULL};
    if (shown->text.n > APS_JWS_MAX) {
        aps_err_explain(diag, "more than %d bytes", APS_JWS_MAX);
        return APS_TOKEN_TOO_LONG;
    }
    job.issuers = aps_snapshot_issuers(aps_view_snapshot(view), &job.n);
    job.hash = hash_of(view, shown->text, shown->epoch);
    verdict = find(view, job.hash, shown->wall, out);
    return verdict != APS_TOKEN_UNDECIDED ? verdict : look_up(&job, out, diag);
}
