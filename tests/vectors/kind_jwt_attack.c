/* kind_jwt_attack.c - would the server take `token`?
 *
 * The row's issuer, audience, keys, algorithms and leeway; typ may be JWT or missing; not RFC
 * 9068's profile.  That the algorithms are named is the opt-in for secrets beside public keys. */
#include "apisec/jwt.h"
#include "vectors.h"

#define ALGS_MAX 32

static bool read_algs(const struct t_row *row, enum aps_alg *algs, size_t *out_n)
{
    const struct aps_jsonread_node *list =
        aps_jsonread_get(row->reader, row->object, APS_STR_LIT("allowed_algs"));

    *out_n = 0;
    if (list == NULL || aps_jsonread_kind(list) != APS_JSON_ARRAY ||
        aps_jsonread_count(list) > ALGS_MAX)
        return false;
    for (const struct aps_jsonread_node *v = aps_jsonread_first(list); v < aps_jsonread_end(list);
         v = aps_jsonread_next(v)) {
        enum aps_alg alg = APS_ALG_NONE;

        if (aps_jsonread_kind(v) == APS_JSON_STRING)
            alg = aps_alg_from_jose(aps_jsonread_str(row->reader, v));
        if (alg != APS_ALG_NONE) /* others are allowed and never used */
            algs[(*out_n)++] = alg;
    }
    return true;
}

const char *t_kind_jwt_attack(const struct t_row *row, struct aps_json *out)
{
    const struct aps_jsonread_node *keys =
        aps_jsonread_get(row->reader, row->object, APS_STR_LIT("keys"));
    enum aps_alg algs[ALGS_MAX];
    struct aps_jwks_options options = {{algs, 0, true}, true};
    struct aps_jwks set = {NULL, 0, 0};
    struct aps_str token, audience;
    struct aps_jwt_issuer issuer = {
        .claims = {.audiences = &audience,
                   .naudiences = 1,

                   .rules = &aps_claimrule_scope,
                   .nrules = 1},
        .algs = algs,
        .mixed = true,
        .plain = true,
    };
    struct aps_jwt jwt;
    int64_t now, leeway = 0;

    if (!t_row_text(row, "token", &token) || !t_row_text(row, "issuer", &issuer.claims.iss) ||
        !t_row_text(row, "audience", &audience) || !t_row_integer(row, "now", &now) || keys == NULL)
        return "want strings token, issuer and audience, a key set keys, and an integer now";
    (void)t_row_integer(row, "leeway", &leeway); /* none is 0 */
    if (now < 0 || now > INT32_MAX || leeway < 0 || leeway > 120)
        return "want now from 0 to 2^31-1 and leeway from 0 to 120";
    if (!read_algs(row, algs, &options.jwk.nalgs))
        return "want an array allowed_algs";
    issuer.nalgs = options.jwk.nalgs;
    issuer.claims.leeway = leeway * APS_SEC;
    if (aps_jwks_read(aps_jsonread_raw(row->reader, keys), &options, row->key, row->pool, &set,
                      NULL) == APS_OK)
        issuer.keys = &set;
    aps_json_put_bool(out, "got",
                      aps_jwt(&issuer, 1, token, now * APS_SEC, row->key, row->pool, &jwt, NULL,
                              NULL) == APS_TOKEN_OK);
    return NULL;
}
