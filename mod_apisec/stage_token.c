/* Who calls by a token: a signed one of an issuer of the store. */
#include "mod.h"

#include "apisec/token.h"

static const struct aps_issuer *issuers_of(const struct mod_req *m, size_t *out_n)
{
    return aps_snapshot_issuers(aps_view_snapshot(m->view), out_n);
}

/* Keys that were fetched may have changed since the last request; a file that was refused is told
 * once. */
static uint64_t epoch_of(struct mod_req *m)
{
    struct aps_keyring *ring = m->server->store->ring;
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
    struct aps_bearer_shown shown = {m->credential, (aps_nsec)m->first->request_time * APS_USEC,
                                     epoch_of(m)};
    *found = (struct aps_bearer_found){.who = NULL};
    if (form != APS_BEARER_JWT)
        return APS_TOKEN_MALFORMED; /* nobody reads it */
    return aps_bearer(m->view, m->server->store->ring, &shown, m->first->pool, found, diag);
}

/* A bound token is worth nothing without a proof of its key, which nobody has asked for. */
static enum aps_token check_binding(const struct mod_req *m, const struct aps_bearer *bearer,
                                    struct aps_diag *diag)
{
    (void)m;
    if (!bearer->claims.has_jkt && !bearer->claims.has_x5t)
        return APS_TOKEN_OK;
    aps_err_explain(diag, "cnf asks for a proof, which is not checked here");
    return APS_TOKEN_CONFIRMATION;
}

enum aps_reason mod_stage_token(struct mod_req *m, enum aps_bearer_form form)
{
    struct aps_bearer_found found;
    struct aps_diag diag;
    diag.text[0] = '\0';
    enum aps_token verdict = judge(m, form, &found, &diag);
    m->key_id = found.id;
    aps_metrics_add(mod_process.state, found.hit ? APS_METRIC_CACHE_HIT : APS_METRIC_CACHE_MISS, 1);
    if (verdict == APS_TOKEN_OK)
        verdict = check_binding(m, found.who->bearer, &diag);
    if (verdict == APS_TOKEN_OK)
        m->who = found.who;
    else if (diag.text[0] != '\0')
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, m->first, "APISEC0031: %s: %s (request %s)",
                      aps_token_word(verdict), diag.text, mod_req_id(m));
    return aps_token_reason(verdict);
}

/* ---- What a section wants ---- */

static bool is_taken(const struct mod_issuers *issuers, struct aps_str name)
{
    return issuers == NULL || aps_str_is_in(name, issuers->v, issuers->n);
}

enum aps_reason mod_stage_token_here(const struct mod_req *m)
{
    const struct mod_token *want = m->dir != NULL ? m->dir->token : NULL;
    const struct aps_bearer *bearer = m->who->bearer;
    if (want == NULL)
        return APS_REASON_ALLOW;
    if (!is_taken(want->issuers, bearer->issuer))
        return APS_REASON_TOKEN_ISSUER;
    return APS_REASON_ALLOW;
}
