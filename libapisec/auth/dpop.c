/* dpop.c - the steps of RFC 9449 4.3 over one proof. */
#include "apisec/dpop.h"

#include "apisec/b64.h"
#include "apisec/jsonnum.h"
#include "apisec/secret.h"
#include "apisec/target.h"

static const struct aps_jsonread_options limits = {
    .bytes_max = APS_DPOP_MAX,
    .depth_max = 4,
    .nodes_max = 400,
    .string_max = APS_DPOP_MAX,
    .members_max = 50,
    .items_max = 50,
    .digits_max = 100,
};

/* All that sign with a key that the other side does not have. */
static const enum aps_alg asymmetric[] = {
    APS_ALG_ES256, APS_ALG_ES384, APS_ALG_ES512, APS_ALG_EDDSA, APS_ALG_ED25519, APS_ALG_ED448,
    APS_ALG_PS256, APS_ALG_PS384, APS_ALG_PS512, APS_ALG_RS256, APS_ALG_RS384,   APS_ALG_RS512,
};

struct job {
    const struct aps_dpop_need *need;
    aps_nsec now;
    apr_pool_t *pool;
    struct aps_dpop *out;
    struct aps_diag *diag;
    struct aps_jws jws;
    struct aps_jwk jwk;
    struct aps_jsonread claims;
    struct aps_str htm, htu, ath, nonce;
    aps_nsec iat;
};

static enum aps_token read_field(struct job *job, struct aps_str field, const unsigned char *key)
{
    enum aps_token verdict;

    field = aps_str_trim(field);
    if (field.n == 0)
        return APS_TOKEN_PROOF_MISSING;
    if (memchr(field.p, ',', field.n) != NULL)
        return APS_TOKEN_PROOF_MULTIPLE;
    if (field.n > APS_DPOP_MAX) {
        aps_err_explain(job->diag, "a proof of %zu bytes: want at most %d", field.n, APS_DPOP_MAX);
        return APS_TOKEN_PROOF_MALFORMED;
    }
    verdict = aps_jws_read(field, key, job->pool, &job->jws, job->diag);
    if (verdict != APS_TOKEN_OK)
        return verdict == APS_TOKEN_INTERNAL ? verdict : APS_TOKEN_PROOF_MALFORMED;
    aps_jsonread_init(&job->claims, job->pool, key);
    if (aps_jsonread(&job->claims, job->jws.payload, &limits) == APS_JSONREAD_OK)
        return APS_TOKEN_OK;
    aps_jsonread_fault_explain(&job->claims, job->diag);
    return job->claims.fault == APS_JSONREAD_NOMEM ? APS_TOKEN_INTERNAL : APS_TOKEN_PROOF_MALFORMED;
}

static const struct aps_jsonread_node *claim(const struct job *job, const char *name)
{
    return aps_jsonread_get(&job->claims, aps_jsonread_root(&job->claims), aps_str(name));
}

/* A string; *out has a NULL pointer where there is none. */
static bool read_text(struct job *job, const char *name, bool wanted, struct aps_str *out)
{
    const struct aps_jsonread_node *v = claim(job, name);

    *out = (struct aps_str){NULL, 0};
    if (v != NULL && aps_jsonread_kind(v) == APS_JSON_STRING)
        *out = aps_jsonread_str(&job->claims, v);
    if (out->p != NULL || (v == NULL && !wanted))
        return true;
    aps_err_explain(job->diag, "the proof's %s: want a string", name);
    return false;
}

/* Whole seconds or less, which are left out. */
static bool read_iat(struct job *job)
{
    const struct aps_jsonread_node *v = claim(job, "iat");
    struct aps_str text = {NULL, 0};
    const char *point;
    int64_t s;

    if (v != NULL && aps_jsonread_kind(v) == APS_JSON_NUMBER)
        text = aps_jsonread_str(&job->claims, v);
    if (text.n != 0 && !aps_jsonnum_is_integer(text) &&
        (point = memchr(text.p, '.', text.n)) != NULL && memchr(text.p, 'e', text.n) == NULL &&
        memchr(text.p, 'E', text.n) == NULL)
        text.n = (size_t)(point - text.p);
    if (text.n != 0 && text.p[0] != '-' && aps_jsonnum_i64(text, &s) && s >= 0 &&
        s <= (int64_t)1 << 33) {
        job->iat = s * APS_SEC;
        return true;
    }
    aps_err_explain(job->diag, "the proof's iat: want a number of seconds from 0 to 2^33");
    return false;
}

static enum aps_token read_claims(struct job *job)
{
    if (!read_text(job, "jti", true, &job->out->jti) || !read_text(job, "htm", true, &job->htm) ||
        !read_text(job, "htu", true, &job->htu) || !read_text(job, "ath", false, &job->ath) ||
        !read_text(job, "nonce", false, &job->nonce) || !read_iat(job))
        return APS_TOKEN_PROOF_MALFORMED;
    if (job->out->jti.n == 0 || job->out->jti.n > APS_DPOP_JTI_MAX) {
        aps_err_explain(job->diag, "the proof's jti: want 1 to %d bytes", APS_DPOP_JTI_MAX);
        return APS_TOKEN_PROOF_MALFORMED;
    }
    return APS_TOKEN_OK;
}

static bool is_accepted(const struct job *job)
{
    const struct aps_dpop_need *need = job->need;
    const enum aps_alg *algs = need->algs != NULL ? need->algs : asymmetric;
    const size_t n = need->algs != NULL ? need->nalgs : sizeof asymmetric / sizeof *asymmetric;

    for (size_t i = 0; i < n; i++)
        if (algs[i] == job->jws.alg)
            return job->jws.alg != APS_ALG_NONE && aps_alg_key(job->jws.alg) != APS_ALG_KEY_SECRET;
    return false;
}

/* The key in the header, which is what a proof is about; any other pointer to one is refused. */
static enum aps_token read_key(struct job *job)
{
    static const struct aps_str others[] = {{"jku", 3}, {"x5u", 3}, {"x5c", 3}};
    const struct aps_jsonread *r = &job->jws.header;
    const struct aps_jsonread_node *root = aps_jsonread_root(r);
    const struct aps_jsonread_node *jwk = aps_jsonread_get(r, root, APS_STR_LIT("jwk"));
    const struct aps_jwk_options options = {&job->jws.alg, 1, false};

    for (size_t i = 0; i < 3; i++)
        if (aps_jsonread_get(r, root, others[i]) != NULL) {
            aps_err_explain(job->diag, "the proof's header has %s", others[i].p);
            return APS_TOKEN_PROOF_KEY;
        }
    if (jwk == NULL) {
        aps_err_explain(job->diag, "the proof's header has no jwk");
        return APS_TOKEN_PROOF_KEY;
    }
    aps_jwk_read(r, jwk, &options, job->pool, &job->jwk);
    if (job->jwk.key == NULL || job->jwk.has_private) {
        aps_err_explain(job->diag, "the proof's jwk: %s",
                        job->jwk.key == NULL ? job->jwk.why : "it has a private member");
        return APS_TOKEN_PROOF_KEY;
    }
    memcpy(job->out->jkt, job->jwk.thumbprint, sizeof job->out->jkt);
    return APS_TOKEN_OK;
}

static enum aps_token check_signature(struct job *job)
{
    if (!aps_str_eq(job->jws.typ, APS_STR_LIT("dpop+jwt"))) {
        aps_err_explain(job->diag, "the proof's typ \"%.*s\": want dpop+jwt",
                        APS_STR_SHOW(job->jws.typ));
        return APS_TOKEN_PROOF_TYPE;
    }
    if (!is_accepted(job)) {
        aps_err_explain(job->diag, "the proof's alg \"%.*s\"", APS_STR_SHOW(job->jws.alg_name));
        return APS_TOKEN_PROOF_ALG;
    }
    if (read_key(job) != APS_TOKEN_OK)
        return APS_TOKEN_PROOF_KEY;
    switch (aps_verify(job->jwk.key, job->jws.signed_text, job->jws.signature)) {
    case APS_OK:
        return APS_TOKEN_OK;
    case APS_ERR_CHECK:
        return APS_TOKEN_PROOF_SIGNATURE;
    default:
        return APS_TOKEN_INTERNAL;
    }
}

/* Of the target and of jti one hash, each with its length. */
static enum aps_token set_use(struct job *job, struct aps_str target)
{
    return aps_claims_id(target, job->out->jti, job->out->use) == APS_OK ? APS_TOKEN_OK
                                                                         : APS_TOKEN_INTERNAL;
}

static enum aps_token check_target(struct job *job)
{
    char *buf = apr_palloc(job->pool, job->htu.n + job->need->target.n + 2);
    struct aps_str htu, target;

    if (!aps_str_eq(job->htm, job->need->method)) {
        aps_err_explain(job->diag, "the proof's htm \"%.*s\": want \"%.*s\"",
                        APS_STR_SHOW(job->htm), APS_STR_SHOW(job->need->method));
        return APS_TOKEN_PROOF_METHOD;
    }
    if (!aps_target_normalize(job->need->target, buf, &target) ||
        !aps_target_normalize(job->htu, buf + job->need->target.n + 1, &htu) ||
        !aps_str_eq(htu, target)) {
        aps_err_explain(job->diag, "the proof's htu \"%.*s\": want \"%.*s\"",
                        APS_STR_SHOW(job->htu), APS_STR_SHOW(job->need->target));
        return APS_TOKEN_PROOF_TARGET;
    }
    return set_use(job, target);
}

/* ath is base64url of SHA-256 over the token as it was sent. */
static enum aps_token check_token(struct job *job)
{
    uint8_t sum[APS_DIGEST_LEN];
    char text[APS_B64_ENCODED_MAX(APS_DIGEST_LEN)];

    if (job->need->access_token.p == NULL)
        return APS_TOKEN_OK;
    if (aps_digest_sum(job->need->access_token, sum) != APS_OK)
        return APS_TOKEN_INTERNAL;
    if (aps_str_eq(job->ath,
                   (struct aps_str){
                       text, aps_b64_url_encode((struct aps_str){(char *)sum, sizeof sum}, text)}))
        return APS_TOKEN_OK;
    aps_err_explain(job->diag, "the proof's ath is %s",
                    job->ath.p == NULL ? "missing" : "that of another token");
    return APS_TOKEN_PROOF_TOKEN;
}

static enum aps_token check_time(struct job *job)
{
    const struct aps_dpop_need *need = job->need;

    if (need->nonces != NULL) {
        job->out->until = job->now + APS_DPOP_NONCE_LIFE;
        if (aps_dpop_nonce_check(need->nonces, job->nonce, job->now))
            return APS_TOKEN_OK;
        aps_err_explain(job->diag, "the proof's nonce is %s",
                        job->nonce.p == NULL ? "missing" : "none of this server, or too old");
        return APS_TOKEN_PROOF_NONCE;
    }
    job->out->until = job->iat + need->before + APS_SEC;
    if (job->iat <= job->now + need->after && job->now - job->iat < need->before + APS_SEC)
        return APS_TOKEN_OK;
    aps_err_explain(job->diag, "the proof's iat is %lld s from now: want %lld before to %lld after",
                    (long long)((job->iat - job->now) / APS_SEC),
                    (long long)(need->before / APS_SEC), (long long)(need->after / APS_SEC));
    return APS_TOKEN_PROOF_TIME;
}

static enum aps_token check_binding(struct job *job)
{
    if (job->need->jkt == NULL || memcmp(job->need->jkt, job->out->jkt, APS_DIGEST_LEN) == 0)
        return APS_TOKEN_OK;
    aps_err_explain(job->diag, "the proof's key is not the one that the token is bound to");
    return APS_TOKEN_BINDING;
}

enum aps_token aps_dpop(struct aps_str field, const struct aps_dpop_need *need, aps_nsec now,
                        const unsigned char hash_key[APS_SIPHASH_KEY_LEN], apr_pool_t *pool,
                        struct aps_dpop *out, struct aps_diag *diag)
{
    struct job job = {.need = need, .now = now, .pool = pool, .out = out, .diag = diag};
    enum aps_token verdict;

    *out = (struct aps_dpop){.until = 0};
    if ((verdict = read_field(&job, field, hash_key)) != APS_TOKEN_OK ||
        (verdict = read_claims(&job)) != APS_TOKEN_OK ||
        (verdict = check_signature(&job)) != APS_TOKEN_OK ||
        (verdict = check_target(&job)) != APS_TOKEN_OK ||
        (verdict = check_token(&job)) != APS_TOKEN_OK ||
        (verdict = check_time(&job)) != APS_TOKEN_OK)
        return verdict;
    return check_binding(&job);
}

enum aps_token aps_dpop_scheme(const struct aps_claims *claims, bool by_dpop)
{
    if (by_dpop)
        return claims->has_jkt ? APS_TOKEN_OK : APS_TOKEN_UNBOUND;
    return claims->has_jkt ? APS_TOKEN_PROOF_MISSING : APS_TOKEN_OK;
}

enum { NONCE_TIME = 8, NONCE_MAC = 16 };

_Static_assert(APS_B64_ENCODED_MAX(NONCE_TIME + NONCE_MAC) == APS_DPOP_NONCE_LEN,
               "a nonce is time and MAC in base64url, without padding");

static void put_time(uint64_t time, uint8_t out[NONCE_TIME])
{
    for (int i = 0; i < NONCE_TIME; i++)
        out[i] = (uint8_t)(time >> (56 - 8 * i));
}

static bool mac_time(struct aps_mac *nonces, const uint8_t time[NONCE_TIME],
                     uint8_t out[APS_MAC_LEN])
{
    const struct aps_str parts[] = {APS_STR_LIT("dpop nonce"), {(const char *)time, NONCE_TIME}};
    uint8_t sum[APS_MAC_MAX];

    if (aps_mac_len(nonces) != APS_MAC_LEN || aps_mac_sum_parts(nonces, parts, 2, sum) != APS_OK)
        return false;
    memcpy(out, sum, APS_MAC_LEN);
    return true;
}

enum aps_err aps_dpop_nonce(struct aps_mac *nonces, aps_nsec now, char out[APS_DPOP_NONCE_LEN])
{
    uint8_t bytes[NONCE_TIME + NONCE_MAC], mac[APS_MAC_LEN];

    put_time((uint64_t)now, bytes);
    if (!mac_time(nonces, bytes, mac))
        return APS_ERR_CRYPTO;
    memcpy(bytes + NONCE_TIME, mac, NONCE_MAC);
    (void)aps_b64_url_encode((struct aps_str){(char *)bytes, sizeof bytes}, out); /* all of it */
    return APS_OK;
}

bool aps_dpop_nonce_check(struct aps_mac *nonces, struct aps_str nonce, aps_nsec now)
{
    uint8_t bytes[APS_B64_DECODED_MAX(APS_DPOP_NONCE_LEN)], mac[APS_MAC_LEN];
    uint64_t time = 0;
    size_t n = 0;

    if (nonce.n != APS_DPOP_NONCE_LEN || !aps_b64_url_decode(nonce, bytes, &n) ||
        !mac_time(nonces, bytes, mac) || !aps_secret_equal(mac, bytes + NONCE_TIME, NONCE_MAC))
        return false;
    for (int i = 0; i < NONCE_TIME; i++)
        time = time << 8 | bytes[i];
    return (aps_nsec)time <= now && now - (aps_nsec)time <= APS_DPOP_NONCE_LIFE;
}
