/* That who shows a token has the key that it is bound to: by a proof (RFC 9449), or by the
 * certificate of the connection (RFC 8705). */
#include "mod.h"

#include <apr_strings.h>

#include "apisec/b64.h"
#include "apisec/digest.h"
#include "apisec/dpop.h"
#include "apisec/once.h"
#include "apisec/token.h"

/* ---- Proofs of a key (RFC 9449) ---- */

const enum aps_alg *mod_proof_algs(size_t *out_n)
{
    static const enum aps_alg algs[] = {
        APS_ALG_ES256, APS_ALG_ES384, APS_ALG_ES512, APS_ALG_ED25519, APS_ALG_EDDSA, APS_ALG_PS256,
        APS_ALG_PS384, APS_ALG_PS512, APS_ALG_RS256, APS_ALG_RS384,   APS_ALG_RS512};
    *out_n = sizeof algs / sizeof algs[0];
    return algs;
}

static const struct mod_dpop *dpop_of(const struct mod_dir *dir)
{
    static const struct mod_dpop off;
    return dir != NULL && dir->token != NULL && dir->token->dpop != NULL ? dir->token->dpop : &off;
}

bool mod_proof_is_on(const struct mod_dir *dir)
{
    return dpop_of(dir)->on;
}

/* The URL that the client has asked for, by the configured origin (DPOP-03). */
static struct aps_str target_of(const struct mod_req *m)
{
    const char *origin = mod_config_origin(m->first);
    struct aps_str raw = mod_stage_inspect_raw(m);
    return aps_str(
        apr_pstrcat(m->first->pool, origin, apr_pstrmemdup(m->first->pool, raw.p, raw.n), NULL));
}

/* A proof is good once, whichever child it meets (DPOP-07). */
static enum aps_reason use(struct mod_req *m, const struct aps_dpop *proof)
{
    uint64_t store = aps_snapshot_store_tag(aps_view_snapshot(m->view));
    switch (aps_once(mod_process.state, APS_ONCE_PROOF, store, proof->use, proof->until,
                     mod_req_now(m))) {
    case APS_ONCE_NEW:
        return APS_REASON_ALLOW;
    case APS_ONCE_USED:
        return APS_REASON_TOKEN_PROOF_USED;
    case APS_ONCE_FULL:
        break;
    }
    m->wait = APS_SEC;
    return APS_REASON_STATE_DOWN;
}

static enum aps_reason check_proof(struct mod_req *m, const struct aps_claims *claims,
                                   struct aps_diag *diag)
{
    const struct mod_dpop *mode = dpop_of(m->dir);
    struct aps_dpop_need need = {
        .method = m->method_text,
        .access_token = m->credential,
        .jkt = claims->jkt,
        .before = APS_DPOP_BEFORE,
        .after = APS_DPOP_AFTER,
        .nonces = mode->nonce ? aps_snapshot_nonces(aps_view_snapshot(m->view)) : NULL,
    };
    struct aps_dpop proof;
    if (!mode->on) {
        aps_err_explain(diag, "cnf.jkt asks for a proof, and ApiSecDPoP is Off here");
        return APS_REASON_TOKEN_CONFIRMATION;
    }
    if (mode->nonce && need.nonces == NULL)
        return APS_REASON_INTERNAL;
    need.target = target_of(m);
    need.algs = mod_proof_algs(&need.nalgs);
    enum aps_token verdict = aps_dpop(m->proof != NULL ? aps_str(m->proof) : APS_STR_LIT(""), &need,
                                      (aps_nsec)m->first->request_time * APS_USEC,
                                      mod_process.hash_key, m->first->pool, &proof, diag);
    if (verdict != APS_TOKEN_OK)
        return aps_token_reason(verdict);
    m->by_nonce = mode->nonce;
    return use(m, &proof);
}

const char *mod_proof_nonce(const struct mod_req *m)
{
    char *nonce = apr_pcalloc(m->first->pool, APS_DPOP_NONCE_LEN + 1);
    if (!dpop_of(m->dir)->nonce || m->view == NULL ||
        aps_dpop_nonce(aps_snapshot_nonces(aps_view_snapshot(m->view)),
                       (aps_nsec)m->first->request_time * APS_USEC, nonce) != APS_OK)
        return NULL;
    return nonce;
}

/* ---- Certificates (RFC 8705) ---- */

static enum aps_reason check_certificate(const struct mod_req *m, const struct aps_claims *claims,
                                         struct aps_diag *diag)
{
    uint8_t print[APS_DIGEST_LEN];
    if (!mod_certificate_digest(m, print)) {
        aps_err_explain(diag, "cnf.x5t#S256 asks for a certificate, and the connection has none");
        return APS_REASON_TOKEN_BINDING;
    }
    if (!aps_secret_equal(print, claims->x5t, sizeof print)) {
        aps_err_explain(diag, "the connection's certificate is not the one of cnf.x5t#S256");
        return APS_REASON_TOKEN_BINDING;
    }
    return APS_REASON_ALLOW;
}

enum aps_reason mod_proof(struct mod_req *m, const struct aps_bearer *bearer, struct aps_diag *diag)
{
    const struct aps_claims *claims = &bearer->claims;
    enum aps_reason reason = APS_REASON_ALLOW;
    enum aps_token verdict = aps_dpop_scheme(claims, m->credential_kind == APS_CREDENTIAL_DPOP);
    if (verdict != APS_TOKEN_OK && mod_proof_is_on(m->dir))
        return aps_token_reason(verdict);
    if (claims->has_x5t)
        reason = check_certificate(m, claims, diag);
    if (claims->has_jkt && reason == APS_REASON_ALLOW)
        reason = check_proof(m, claims, diag);
    return reason;
}
