/* opaque.c - an issuer's answer -> who calls. */
#include "apisec/opaque.h"

#include "apisec/introspect.h"
#include "view.h"

static enum aps_token judge(struct aps_view *view, const struct aps_issuer *issuer,
                            struct aps_str body, aps_nsec wall, apr_pool_t *pool,
                            struct aps_claims *out, struct aps_diag *diag)
{
    struct aps_claims_policy policy = aps_issuer_answers(issuer);
    struct aps_jsonread *reader = apr_palloc(pool, sizeof *reader);
    unsigned char hash_key[APS_SIPHASH_KEY_LEN];

    policy.checks_jkt = policy.checks_x5t = true; /* by who calls this */
    aps_view_hash_key(view, hash_key);
    return aps_introspect(body, &policy, wall, hash_key, pool, reader, out, diag);
}

static aps_nsec first(aps_nsec a, aps_nsec b)
{
    return a < b ? a : b;
}

enum aps_token aps_opaque_read(struct aps_view *view, const struct aps_issuer *issuer,
                               aps_nsec wall, apr_pool_t *pool, struct aps_answers_said *said,
                               struct aps_diag *diag)
{
    struct aps_claims claims;
    enum aps_token verdict = judge(view, issuer, said->body, wall, pool, &claims, diag);

    said->until = verdict == APS_TOKEN_OK
                      ? aps_claims_until(&claims, issuer->answer_ttl, wall)
                      : wall + first(issuer->answer_ttl, APS_OPAQUE_REFUSED_MAX);
    return verdict;
}

/* Not seen before in this generation of the store. */
static enum aps_token look_up(struct aps_view *view, const struct aps_issuer *issuer,
                              const struct aps_bearer_shown *shown,
                              const struct aps_answers_said *said, apr_pool_t *pool,
                              struct aps_bearer_found *out, struct aps_diag *diag)
{
    struct aps_bearer bearer = {
        .issuer = issuer->name, .leeway = issuer->jwt.claims.leeway, .asked = true};
    enum aps_token verdict =
        judge(view, issuer, said->body, shown->wall, pool, &bearer.claims, diag);

    if (verdict != APS_TOKEN_OK)
        return verdict;
    if (bearer.claims.iss.p == NULL) /* an answer may leave it out */
        bearer.claims.iss = issuer->jwt.claims.iss;
    if ((verdict = aps_bearer_gone(view, &bearer.claims, shown->text)) != APS_TOKEN_OK) {
        aps_err_explain(diag, "the token was revoked here");
        return verdict;
    }
    return aps_bearer_identity(view, &bearer, shown, said->until, pool, out, diag);
}

enum aps_token aps_opaque(struct aps_view *view, const struct aps_issuer *issuer,
                          struct aps_str text, aps_nsec wall, const struct aps_answers_said *said,
                          apr_pool_t *pool, struct aps_bearer_found *out, struct aps_diag *diag)
{
    const struct aps_bearer_shown shown = {text, wall, said->number};
    enum aps_token verdict;

    *out = (struct aps_bearer_found){.issuer = issuer->name};
    verdict = aps_bearer_seen(view, &shown, out);
    return verdict != APS_TOKEN_UNDECIDED ? verdict
                                          : look_up(view, issuer, &shown, said, pool, out, diag);
}
