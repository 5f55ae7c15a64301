/* signkey.c - a key's file -> what signs. */
#include "signkey.h"

#include "apisec/jsonread.h"
#include "apisec/random.h"
#include "blob.h"
#include "jwkpem.h"

#define KEY_MAX (16 * 1024) /* bytes of its file */

/* Of a key that names none: the first that fits. */
static const enum aps_alg usual[] = {APS_ALG_ED25519, APS_ALG_ES256, APS_ALG_ES384, APS_ALG_PS512};

static enum aps_err read_alg(const char *name, enum aps_alg *out, struct aps_diag *diag)
{
    *out = name != NULL ? aps_alg_from_httpsig(aps_str(name)) : APS_ALG_NONE;
    if (name == NULL || *out != APS_ALG_NONE)
        return APS_OK;
    aps_err_explain(diag,
                    "--alg \"%s\": want ed25519, ecdsa-p256-sha256, ecdsa-p384-sha384, "
                    "rsa-pss-sha512, rsa-v1_5-sha256 or hmac-sha256",
                    name);
    return APS_ERR_FORMAT;
}

static enum aps_err from_pem(struct aps_str pem, struct aps_sign_key **out, enum aps_alg *alg,
                             struct aps_diag *diag)
{
    enum aps_err err = APS_ERR_FORMAT;

    if (*alg != APS_ALG_NONE)
        return aps_sign_pem(*alg, pem, out, diag);
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if ((err = aps_sign_pem(usual[i], pem, out, diag)) == APS_OK) {
            *alg = usual[i];
            return APS_OK;
        }
    aps_err_explain(diag, "--key: no key that signs requests: want a private key in PEM, not "
                          "encrypted, of Ed25519, P-256, P-384, or RSA from 2048 bits on");
    return err;
}

/* What the JWK says of itself counts where --alg says nothing. */
static void take_alg(const struct aps_jsonread *r, enum aps_alg *alg)
{
    const struct aps_jsonread_node *v =
        aps_jsonread_get(r, aps_jsonread_root(r), APS_STR_LIT("alg"));
    enum aps_alg own = APS_ALG_NONE;

    if (v != NULL && aps_jsonread_kind(v) == APS_JSON_STRING)
        own = aps_alg_from_jose(aps_jsonread_str(r, v));
    if (*alg == APS_ALG_NONE && aps_alg_httpsig(own) != NULL)
        *alg = own;
}

static enum aps_err from_jwk(apr_pool_t *pool, struct aps_str text, struct aps_sign_key **out,
                             enum aps_alg *alg, struct aps_diag *diag)
{
    unsigned char hash_key[APS_SIPHASH_KEY_LEN];
    struct aps_jsonread r;
    struct aps_secret key = {0};
    enum aps_err err = aps_random_fill(hash_key, sizeof hash_key);

    if (err != APS_OK)
        return err;
    aps_jsonread_init(&r, pool, hash_key);
    if (aps_jsonread(&r, text, &aps_jsonread_strict) != APS_JSONREAD_OK) {
        aps_err_explain(diag, "--key: the JWK is no JSON: byte %u (%s)", r.fault_at,
                        aps_jsonread_fault_name(r.fault));
        return APS_ERR_FORMAT;
    }
    if ((err = ctl_jwkpem(&r, aps_jsonread_root(&r), &key, diag)) != APS_OK)
        return err;
    take_alg(&r, alg);
    if (aps_str_starts(aps_secret_str(&key), APS_STR_LIT("-----BEGIN ")))
        err = from_pem(aps_secret_str(&key), out, alg, diag);
    else
        err = aps_sign_secret(*alg = *alg != APS_ALG_NONE ? *alg : APS_ALG_HS256,
                              aps_secret_str(&key), out, diag);
    aps_secret_wipe(&key);
    return err;
}

enum aps_err ctl_signkey_read(apr_pool_t *pool, const char *source, const char *name,
                              struct aps_sign_key **out, enum aps_alg *out_alg,
                              struct aps_diag *diag)
{
    struct aps_secret hold = {0};
    struct aps_str text;
    enum aps_alg alg;
    enum aps_err err = read_alg(name, &alg, diag);

    if (err == APS_OK)
        err = ctl_blob_read(source, true, "key", KEY_MAX, &hold, &text, diag);
    if (err != APS_OK)
        goto out;
    if (aps_str_starts(text, APS_STR_LIT("-----BEGIN "))) {
        err = from_pem(text, out, &alg, diag);
    } else if (text.p[0] == '{') {
        err = from_jwk(pool, text, out, &alg, diag);
    } else if (alg == APS_ALG_HS256) {
        err = aps_sign_secret(alg, text, out, diag);
    } else {
        aps_err_explain(diag, "--key: want a private key in PEM or a JWK; a secret needs --alg "
                              "hmac-sha256 beside it");
        err = APS_ERR_FORMAT;
    }
    if (err == APS_OK)
        *out_alg = alg;
out:
    aps_secret_wipe(&hold);
    return err;
}
