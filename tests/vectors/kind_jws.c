/* kind_jws.c - is `jws` a compact token of a key in `verify_key`?
 *
 * The one algorithm that is allowed is the token's own, so that a key without `alg` takes any of
 * its type; secrets are taken, and never beside public keys. */
#include "apisec/jws.h"
#include "vectors.h"

static bool is_valid(const struct t_row *row, struct aps_str token, struct aps_str keys)
{
    struct aps_jws jws;
    struct aps_jwks set;
    struct aps_jwks_options options = {.jwk = {.nalgs = 1, .secrets = true}};

    if (aps_jws_read(token, row->key, row->pool, &jws, NULL) != APS_TOKEN_OK)
        return false;
    options.jwk.algs = &jws.alg;
    return aps_jwks_read(keys, &options, row->key, row->pool, &set, NULL) == APS_OK &&
           aps_jws_verify(&jws, &set, NULL, NULL) == APS_TOKEN_OK;
}

const char *t_kind_jws(const struct t_row *row, struct aps_json *out)
{
    const struct aps_jsonread_node *keys =
        aps_jsonread_get(row->reader, row->object, APS_STR_LIT("verify_key"));
    struct aps_str token;

    if (!t_row_text(row, "jws", &token))
        return "want a string jws: other serialisations are no tokens here";
    if (keys == NULL || aps_jsonread_kind(keys) != APS_JSON_OBJECT)
        return "want an object verify_key";
    aps_json_put_str(out, "got",
                     is_valid(row, token, aps_jsonread_raw(row->reader, keys)) ? "valid"
                                                                               : "invalid");
    return NULL;
}
