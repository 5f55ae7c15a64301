/* jwt.c - a token's text -> who calls, if everything holds. */
#include "apisec/jwt.h"

/* Nothing that an access token says is deep or long. */
static const struct aps_jsonread_options claims_limits = {
    .bytes_max = APS_JWS_MAX,
    .depth_max = 8,
    .nodes_max = 4000,
    .string_max = 8 * 1024,
    .members_max = 200,
    .items_max = 1000,
    .digits_max = 100,
    .big_integers = true,
};

enum aps_err aps_jwt_issuer_check(const struct aps_jwt_issuer *issuer, struct aps_diag *diag)
{
    bool secrets = false, others = false;

    for (size_t i = 0; i < issuer->nalgs; i++) {
        secrets = secrets || aps_alg_key(issuer->algs[i]) == APS_ALG_KEY_SECRET;
        others = others || aps_alg_key(issuer->algs[i]) != APS_ALG_KEY_SECRET;
    }
    if (issuer->nalgs == 0) {
        aps_err_explain(diag, "issuer \"%.*s\" without an algorithm: want one such as RS256",
                        APS_STR_SHOW(issuer->claims.iss));
        return APS_ERR_RANGE;
    }
    if (secrets && others && !issuer->mixed) {
        aps_err_explain(diag,
                        "issuer \"%.*s\" with HMAC beside public keys: want one kind of "
                        "them, since whoever knows the secret could sign for everybody",
                        APS_STR_SHOW(issuer->claims.iss));
        return APS_ERR_RANGE;
    }
    return aps_claims_policy_check(&issuer->claims, diag);
}

static enum aps_token read_claims(struct aps_jwt *jwt, struct aps_diag *diag)
{
    enum aps_jsonread_fault fault = aps_jsonread(&jwt->reader, jwt->jws.payload, &claims_limits);

    if (fault == APS_JSONREAD_NOMEM)
        return APS_TOKEN_INTERNAL;
    if (fault != APS_JSONREAD_OK) {
        aps_jsonread_fault_explain(&jwt->reader, diag);
        return APS_TOKEN_CLAIMS;
    }
    if (aps_jsonread_kind(aps_jsonread_root(&jwt->reader)) != APS_JSON_OBJECT) {
        aps_err_explain(diag, "the claims are no JSON object");
        return APS_TOKEN_CLAIMS;
    }
    return APS_TOKEN_OK;
}

static enum aps_token find_issuer(const struct aps_jwt_issuer *issuers, size_t n,
                                  struct aps_jwt *jwt, struct aps_diag *diag)
{
    const struct aps_jsonread_node *iss =
        aps_jsonread_get(&jwt->reader, aps_jsonread_root(&jwt->reader), APS_STR_LIT("iss"));
    struct aps_str text = {NULL, 0};

    if (iss != NULL && aps_jsonread_kind(iss) == APS_JSON_STRING)
        text = aps_jsonread_str(&jwt->reader, iss);
    for (size_t i = 0; i < n && text.n != 0; i++)
        if (aps_str_eq(text, issuers[i].claims.iss)) {
            jwt->issuer = &issuers[i];
            return APS_TOKEN_OK;
        }
    aps_err_explain(diag, "iss \"%.*s\": no issuer of this name", APS_STR_SHOW(text));
    return APS_TOKEN_ISSUER;
}

static bool is_listed(const struct aps_jwt_issuer *issuer, enum aps_alg alg)
{
    for (size_t i = 0; i < issuer->nalgs; i++)
        if (issuer->algs[i] == alg)
            return alg != APS_ALG_NONE;
    return false;
}

static enum aps_token verify(struct aps_jwt *jwt, struct aps_diag *diag)
{
    if (jwt->jws.brings_key) {
        aps_err_explain(diag, "the header has jwk, jku, x5u or x5c");
        return APS_TOKEN_KEY_INSIDE;
    }
    if (!is_listed(jwt->issuer, jwt->jws.alg)) {
        aps_err_explain(diag, "alg \"%.*s\": not one of the issuer's",
                        APS_STR_SHOW(jwt->jws.alg_name));
        return APS_TOKEN_ALG;
    }
    if (jwt->issuer->keys == NULL) {
        aps_err_explain(diag, "the issuer has no keys at the moment");
        return APS_TOKEN_KEY_UNKNOWN;
    }
    return aps_jws_verify(&jwt->jws, jwt->issuer->keys, &jwt->key, diag);
}

/* A media type; `application/` is implied where there is no slash (RFC 7515 4.1.9). */
static bool is_type(struct aps_str typ, struct aps_str want)
{
    const struct aps_str start = APS_STR_LIT("application/");

    if (typ.n > start.n && aps_str_eq_nocase((struct aps_str){typ.p, start.n}, start))
        typ = (struct aps_str){typ.p + start.n, typ.n - start.n};
    return aps_str_eq_nocase(typ, want);
}

/* Tokens of other kinds that have no type of their own: ID tokens (OpenID Connect Core 3.1.3.6,
 * 3.3.2.11), logout tokens and events (RFC 8417 2.2). */
static bool is_of_other_kind(const struct aps_jwt *jwt)
{
    static const struct aps_str marks[] = {
        {"events", 6}, {"at_hash", 7}, {"c_hash", 6}, {"s_hash", 6}, {"sub_jwk", 7}};
    const struct aps_jsonread_node *root = aps_jsonread_root(&jwt->reader);

    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (aps_jsonread_get(&jwt->reader, root, marks[i]) != NULL)
            return true;
    return false;
}

static enum aps_token check_type(const struct aps_jwt *jwt, struct aps_diag *diag)
{
    const struct aps_str typ = jwt->jws.typ;
    const bool is_plain = typ.p == NULL || is_type(typ, APS_STR_LIT("JWT"));

    if (is_type(typ, APS_STR_LIT("at+jwt")))
        return APS_TOKEN_OK;
    if (jwt->issuer->plain && is_plain && !is_of_other_kind(jwt))
        return APS_TOKEN_OK;
    if (jwt->issuer->plain && is_plain)
        aps_err_explain(diag, "an ID token, a logout token or an event: want an access token");
    else
        aps_err_explain(diag, "typ \"%.*s\": want at+jwt%s", APS_STR_SHOW(typ),
                        jwt->issuer->plain ? ", JWT, or none" : "");
    return APS_TOKEN_TYPE;
}

enum aps_token aps_jwt(const struct aps_jwt_issuer *issuers, size_t n, struct aps_str token,
                       aps_nsec now, const unsigned char hash_key[APS_SIPHASH_KEY_LEN],
                       apr_pool_t *pool, struct aps_jwt *out, struct aps_claims_trace *trace,
                       struct aps_diag *diag)
{
    enum aps_token verdict;

    *out = (struct aps_jwt){.issuer = NULL};
    if (trace != NULL)
        trace->n = 0;
    aps_jsonread_init(&out->reader, pool, hash_key);
    if ((verdict = aps_jws_read(token, hash_key, pool, &out->jws, diag)) != APS_TOKEN_OK ||
        (verdict = read_claims(out, diag)) != APS_TOKEN_OK ||
        (verdict = find_issuer(issuers, n, out, diag)) != APS_TOKEN_OK ||
        (verdict = verify(out, diag)) != APS_TOKEN_OK ||
        (verdict = check_type(out, diag)) != APS_TOKEN_OK)
        return verdict;
    return aps_claims(&out->reader, aps_jsonread_root(&out->reader), &out->issuer->claims, now,
                      pool, &out->claims, trace, diag);
}
