/* jws.c - three parts, the header, and the key that is meant. */
#include "apisec/jws.h"

#include "apisec/b64.h"

static const struct aps_jsonread_options header_limits = {
    .bytes_max = APS_JWS_HEADER_MAX,
    .depth_max = 4,
    .nodes_max = 400,
    .string_max = APS_JWS_HEADER_MAX,
    .members_max = 50,
    .items_max = 50,
    .digits_max = 100,
};

/* Cut at the two dots; false if there are fewer or more. */
static bool split(struct aps_str token, struct aps_str parts[3])
{
    for (int i = 0; i < 2; i++) {
        const char *dot = token.n != 0 ? memchr(token.p, '.', token.n) : NULL;

        if (dot == NULL)
            return false;
        parts[i] = (struct aps_str){token.p, (size_t)(dot - token.p)};
        token = (struct aps_str){dot + 1, token.n - parts[i].n - 1};
    }
    parts[2] = token;
    return token.n == 0 || memchr(token.p, '.', token.n) == NULL;
}

static bool decode(struct aps_str part, apr_pool_t *pool, struct aps_str *out)
{
    uint8_t *bytes = apr_palloc(pool, APS_B64_DECODED_MAX(part.n));
    size_t n;

    if (!aps_b64_url_decode(part, bytes, &n))
        return false;
    *out = (struct aps_str){(const char *)bytes, n};
    return true;
}

static enum aps_token refuse_header(struct aps_diag *diag, const char *name, const char *want)
{
    aps_err_explain(diag, "the header's %s: want %s", name, want);
    return APS_TOKEN_HEADER;
}

/* Members that RFC 7515 4.1 knows; the others mean nothing here. */
static enum aps_token read_members(struct aps_jws *jws, struct aps_diag *diag)
{
    const struct aps_jsonread *r = &jws->header;
    const struct aps_jsonread_node *root = aps_jsonread_root(r), *m;
    bool extended = false;

    for (m = aps_jsonread_first(root); m < aps_jsonread_end(root); m = aps_jsonread_next(m + 1)) {
        struct aps_str name = aps_jsonread_str(r, m), *text = NULL;

        if (aps_str_eq(name, APS_STR_LIT("alg")))
            text = &jws->alg_name;
        else if (aps_str_eq(name, APS_STR_LIT("kid")))
            text = &jws->kid;
        else if (aps_str_eq(name, APS_STR_LIT("typ")))
            text = &jws->typ;
        else if (aps_str_eq(name, APS_STR_LIT("crit")) || aps_str_eq(name, APS_STR_LIT("b64")))
            extended = true;
        else if (aps_str_eq(name, APS_STR_LIT("jwk")) || aps_str_eq(name, APS_STR_LIT("jku")) ||
                 aps_str_eq(name, APS_STR_LIT("x5u")) || aps_str_eq(name, APS_STR_LIT("x5c")))
            jws->brings_key = true;
        if (text != NULL && aps_jsonread_kind(m + 1) != APS_JSON_STRING)
            return refuse_header(diag, "alg, kid or typ", "a string");
        if (text != NULL)
            *text = aps_jsonread_str(r, m + 1);
    }
    if (jws->alg_name.p == NULL)
        return refuse_header(diag, "alg", "a string, and it is missing");
    if (jws->kid.n > APS_JWK_KID_MAX)
        return refuse_header(diag, "kid", "at most 256 bytes");
    jws->alg = aps_alg_from_jose(jws->alg_name);
    return extended ? APS_TOKEN_CRITICAL : APS_TOKEN_OK;
}

static enum aps_token read_header(struct aps_str text, struct aps_jws *jws, struct aps_diag *diag)
{
    enum aps_jsonread_fault fault = aps_jsonread(&jws->header, text, &header_limits);

    if (fault == APS_JSONREAD_NOMEM)
        return APS_TOKEN_INTERNAL;
    if (fault != APS_JSONREAD_OK) {
        aps_jsonread_fault_explain(&jws->header, diag);
        return APS_TOKEN_HEADER;
    }
    if (aps_jsonread_kind(aps_jsonread_root(&jws->header)) != APS_JSON_OBJECT) {
        aps_err_explain(diag, "the header is no JSON object");
        return APS_TOKEN_HEADER;
    }
    return read_members(jws, diag);
}

enum aps_token aps_jws_read(struct aps_str token, const unsigned char hash_key[APS_SIPHASH_KEY_LEN],
                            apr_pool_t *pool, struct aps_jws *out, struct aps_diag *diag)
{
    struct aps_str parts[3], header;

    if (token.n > APS_JWS_MAX) {
        aps_err_explain(diag, "a token of %zu bytes: want at most %d", token.n, APS_JWS_MAX);
        return APS_TOKEN_TOO_LONG;
    }
    *out = (struct aps_jws){.alg = APS_ALG_NONE};
    if (!split(token, parts) || parts[0].n == 0 || parts[2].n == 0 ||
        !decode(parts[0], pool, &header) || !decode(parts[1], pool, &out->payload) ||
        !decode(parts[2], pool, &out->signature)) {
        aps_err_explain(diag, "want three parts of base64url, without padding, and two dots");
        return APS_TOKEN_MALFORMED;
    }
    out->signed_text = (struct aps_str){token.p, parts[0].n + 1 + parts[1].n};
    aps_jsonread_init(&out->header, pool, hash_key);
    return read_header(header, out, diag);
}

static enum aps_token explain_key(const struct aps_jws *jws, enum aps_jwks_found found,
                                  struct aps_diag *diag)
{
    const bool named = jws->kid.p != NULL;

    aps_err_explain(diag, "alg \"%.*s\", %s\"%.*s\"", APS_STR_SHOW(jws->alg_name),
                    named ? "kid " : "no kid ", APS_STR_SHOW(jws->kid));
    return found == APS_JWKS_AMBIGUOUS   ? APS_TOKEN_KEY_AMBIGUOUS
           : found == APS_JWKS_OTHER_ALG ? APS_TOKEN_KEY_ALG
                                         : APS_TOKEN_KEY_UNKNOWN;
}

enum aps_token aps_jws_verify(const struct aps_jws *jws, const struct aps_jwks *set,
                              const struct aps_jwk **out, struct aps_diag *diag)
{
    const struct aps_jwk *key = NULL;
    enum aps_jwks_found found;

    if (jws->brings_key)
        return APS_TOKEN_KEY_INSIDE;
    if (jws->alg == APS_ALG_NONE) {
        aps_err_explain(diag, "alg \"%.*s\"", APS_STR_SHOW(jws->alg_name));
        return APS_TOKEN_ALG;
    }
    found = aps_jwks_find(set, jws->alg, jws->kid, &key);
    if (found != APS_JWKS_FOUND)
        return explain_key(jws, found, diag);
    switch (aps_verify(key->key, jws->signed_text, jws->signature)) {
    case APS_OK:
        if (out != NULL)
            *out = key;
        return APS_TOKEN_OK;
    case APS_ERR_CHECK:
        return APS_TOKEN_SIGNATURE;
    default:
        return APS_TOKEN_INTERNAL;
    }
}
