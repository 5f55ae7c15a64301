/* tokenjudge.c - a token judged as a child of httpd would. */
#include "tokenjudge.h"

#include <apr_strings.h>

#include "apisec/gone.h"
#include "apisec/keyring.h"
#include "apisec/random.h"

/* What is judged with, for the time of one judgement. */
struct bench {
    struct aps_mac *mac;
    struct aps_keyring *ring;
    uint8_t store_id[APS_DIGEST_LEN];
    struct aps_keyring_place place;
};

static const char *cache_of(struct ctl *c)
{
    const char *given = ctl_command_value(&c->call, CTL_OPT_CACHE);
    const char *slash = strrchr(c->place.state, '/');

    if (given != NULL)
        return given;
    return apr_pstrcat(
        c->pool, apr_pstrmemdup(c->pool, c->place.state, (apr_size_t)(slash - c->place.state)),
        "/cache", NULL);
}

/* As mod_apisec has it: fetched keys are known by where the store lies. */
static enum aps_err open_bench(struct ctl *c, struct bench *b)
{
    enum aps_err err = aps_snapshot_cache(c->copy, &b->mac);

    if (err != APS_OK || (err = aps_digest_sum(aps_str(c->place.store), b->store_id)) != APS_OK)
        return err;
    b->place = (struct aps_keyring_place){cache_of(c), b->store_id, sizeof b->store_id, b->mac};
    return aps_keyring_new(&b->place, APS_SEC, &b->ring);
}

static void close_bench(struct bench *b)
{
    aps_keyring_free(b->ring);
    aps_mac_free(b->mac);
}

static enum aps_token check_gone(struct ctl *c, const struct aps_claims *claims,
                                 struct aps_str token)
{
    uint8_t hash[APS_DIGEST_LEN];

    if (claims->jti.p != NULL && claims->iss.p != NULL) {
        if (aps_gone_jti(claims->iss, claims->jti, hash) != APS_OK)
            return APS_TOKEN_INTERNAL;
        if (aps_snapshot_token_gone(c->copy, hash))
            return APS_TOKEN_REVOKED;
    }
    if (aps_gone_token(token, hash) != APS_OK)
        return APS_TOKEN_INTERNAL;
    return aps_snapshot_token_gone(c->copy, hash) ? APS_TOKEN_REVOKED : APS_TOKEN_OK;
}

static enum aps_err judge(struct ctl *c, struct bench *b, struct aps_str token,
                          struct ctl_tokenjudge *out)
{
    size_t n = 0;
    const struct aps_issuer *issuers = aps_snapshot_issuers(c->copy, &n);
    struct aps_jwt_issuer *list = apr_palloc(c->pool, (n + 1) * sizeof *list);
    unsigned char hash_key[APS_SIPHASH_KEY_LEN];
    struct aps_diag why = {{0}};
    bool refused = false;
    enum aps_err err = aps_random_fill(hash_key, sizeof hash_key);

    if (err != APS_OK)
        return err;
    for (size_t i = 0; i < n; i++) {
        list[i] = issuers[i].jwt;
        list[i].claims.checks_jkt = list[i].claims.checks_x5t = true; /* the proof comes beside */
    }
    (void)aps_keyring_epoch(b->ring, issuers, n, aps_clock_monotonic(), c->now, &refused, &why);
    if (refused)
        out->refused = apr_pstrdup(c->pool, why.text);
    aps_keyring_take(b->ring, issuers, n, c->pool, list);
    out->verdict =
        aps_jwt(list, n, token, c->now, hash_key, c->pool, &out->jwt, &out->trace, &out->diag);
    if (out->jwt.issuer == NULL)
        return APS_OK;
    out->issuer = &issuers[out->jwt.issuer - list];
    out->fetched = aps_keyring_fetched(&b->place, out->issuer);
    if (out->verdict == APS_TOKEN_KEY_UNKNOWN && out->jwt.issuer->keys == NULL)
        out->verdict = APS_TOKEN_NO_KEYS;
    out->signed_by_issuer = out->trace.n != 0;
    return APS_OK;
}

enum aps_err ctl_tokenjudge(struct ctl *c, struct aps_str token, struct ctl_tokenjudge *out)
{
    struct bench b = {.mac = NULL};
    enum aps_err err = open_bench(c, &b);

    *out = (struct ctl_tokenjudge){.verdict = APS_TOKEN_UNDECIDED};
    if (err == APS_OK)
        err = judge(c, &b, token, out);
    close_bench(&b);
    if (err == APS_OK && out->verdict == APS_TOKEN_OK &&
        (out->verdict = check_gone(c, &out->jwt.claims, token)) != APS_TOKEN_OK)
        aps_err_explain(&out->diag, "see apisecctl token gone");
    return err;
}

bool ctl_tokenjudge_is_key(struct ctl *c, struct aps_str text)
{
    const struct aps_str prefix = aps_snapshot_prefix(c->copy);

    return text.n > prefix.n && aps_str_starts(text, prefix) && text.p[prefix.n] == '_';
}
