/* Who calls by a token: a signed one of an issuer of the store, or one that its issuer reads. */
#include "mod.h"

#include "apisec/token.h"

static const struct aps_issuer *issuers_of(const struct mod_req *m, size_t *out_n)
{
    return aps_snapshot_issuers(aps_view_snapshot(m->view), out_n);
}

static struct aps_keyring *ring_of(const struct mod_req *m)
{
    return mod_keys_ring(m->first->server, m->server->store, aps_view_snapshot(m->view));
}

/* Keys that were fetched may have changed since the last request; a file that was refused is told
 * once. */
static uint64_t epoch_of(struct mod_req *m)
{
    struct aps_keyring *ring = ring_of(m);
    struct aps_diag diag;
    bool refused = false;
    size_t n = 0;
    const struct aps_issuer *issuers = issuers_of(m, &n);
    if (ring == NULL)
        return 0;
    diag.text[0] = '\0';
    uint64_t epoch =
        aps_keyring_epoch(ring, issuers, n, mod_req_monotonic(m),
                          (aps_nsec)m->first->request_time * APS_USEC, &refused, &diag);
    if (refused)
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, m->first->server,
                     "APISEC0030: keys of an issuer: %s; what was fetched before stays in use",
                     diag.text);
    return epoch;
}

static enum aps_token judge(struct mod_req *m, enum aps_bearer_form form,
                            struct aps_bearer_found *found, struct aps_diag *diag)
{
    if (form != APS_BEARER_JWT)
        return mod_introspect(m, found, diag);
    struct aps_bearer_shown shown = {m->credential, (aps_nsec)m->first->request_time * APS_USEC,
                                     epoch_of(m)};
    return aps_bearer(m->view, ring_of(m), &shown, m->first->pool, found, diag);
}

enum aps_reason mod_stage_token(struct mod_req *m, enum aps_bearer_form form)
{
    struct aps_bearer_found found;
    struct aps_diag diag;
    diag.text[0] = '\0';
    enum aps_token verdict = judge(m, form, &found, &diag);
    m->key_id = found.id;
    aps_metrics_add(mod_process.state, found.hit ? APS_METRIC_CACHE_HIT : APS_METRIC_CACHE_MISS, 1);
    if (verdict == APS_TOKEN_KEY_UNKNOWN || verdict == APS_TOKEN_NO_KEYS)
        mod_fetch_ask(m, found.issuer);
    if (mod_fetch_is_wanted(aps_view_snapshot(m->view)))
        mod_fetch_here(m);
    enum aps_reason reason = aps_token_reason(verdict);
    if (reason == APS_REASON_ALLOW)
        reason = mod_proof(m, found.who->bearer, &diag);
    if (reason == APS_REASON_ALLOW)
        m->who = found.who;
    else if (diag.text[0] != '\0')
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, m->first, "APISEC0031: %s: %s (request %s)",
                      aps_reason_token(reason), diag.text, mod_req_id(m));
    return reason;
}

/* ---- What a section wants ---- */

bool mod_stage_token_takes(const struct mod_dir *dir, struct aps_str name)
{
    const struct mod_issuers *issuers =
        dir != NULL && dir->token != NULL ? dir->token->issuers : NULL;
    return issuers == NULL || aps_str_is_in(name, issuers->v, issuers->n);
}

/* A later section of the transaction may want more of the proof that was checked (DPOP-10). */
static enum aps_reason check_dpop(const struct mod_req *m, const struct mod_dpop *want,
                                  const struct aps_bearer *bearer)
{
    const bool bound = bearer != NULL && bearer->claims.has_jkt;
    if (bound && (want == NULL || !want->on))
        return APS_REASON_TOKEN_CONFIRMATION;
    if (want != NULL && want->required && !bound)
        return APS_REASON_TOKEN_PROOF_MISSING;
    if (bound && want->nonce && !m->by_nonce)
        return APS_REASON_TOKEN_PROOF_NONCE;
    return APS_REASON_ALLOW;
}

/* A key has logged in nowhere. */
static enum aps_reason check_login(const struct mod_req *m, const struct mod_step_up *want,
                                   const struct aps_bearer *bearer)
{
    static const struct aps_claims nothing = {.auth_time = -1};
    if (want == NULL)
        return APS_REASON_ALLOW;
    return aps_token_reason(aps_claims_login(bearer != NULL ? &bearer->claims : &nothing,
                                             &want->login, bearer != NULL ? bearer->leeway : 0,
                                             (aps_nsec)m->first->request_time * APS_USEC));
}

enum aps_reason mod_stage_token_here(struct mod_req *m)
{
    static const struct mod_token nothing;
    const struct mod_token *want = m->dir->token != NULL ? m->dir->token : &nothing;
    const struct aps_bearer *bearer = m->who->bearer;
    if (bearer != NULL && !mod_stage_token_takes(m->dir, bearer->issuer))
        return APS_REASON_TOKEN_ISSUER;
    enum aps_reason reason = check_dpop(m, want->dpop, bearer);
    return reason == APS_REASON_ALLOW ? check_login(m, want->step_up, bearer) : reason;
}
