/* sign.c - what the tool signs with. */
#include "apisec/sign.h"

#include <openssl/err.h>
#include <stdlib.h>

#include "apisec/mac.h"
#include "ecsig.h"
#include "pkey.h"

struct aps_sign_key {
    enum aps_alg alg;
    struct aps_mac *mac; /* HMAC */
    EVP_PKEY *pkey;      /* all others */
};

void aps_sign_free(struct aps_sign_key *key)
{
    if (key == NULL)
        return;
    aps_mac_free(key->mac);
    EVP_PKEY_free(key->pkey);
    free(key);
}

enum aps_err aps_sign_pem(enum aps_alg alg, struct aps_str pem, struct aps_sign_key **out,
                          struct aps_diag *diag)
{
    struct aps_sign_key *key = calloc(1, sizeof *key);
    enum aps_err err;

    if (key == NULL)
        return APS_ERR_NOMEM;
    key->alg = alg;
    if ((err = aps_pkey_private(alg, pem, &key->pkey, diag)) == APS_OK)
        *out = key;
    else
        aps_sign_free(key);
    return err;
}

enum aps_err aps_sign_secret(enum aps_alg alg, struct aps_str secret, struct aps_sign_key **out,
                             struct aps_diag *diag)
{
    struct aps_sign_key *key;
    enum aps_err err = aps_pkey_secret(alg, secret, diag);

    if (err != APS_OK)
        return err;
    if ((key = calloc(1, sizeof *key)) == NULL)
        return APS_ERR_NOMEM;
    key->alg = alg;
    err = aps_mac_new_hash(aps_alg_hash(alg), secret.p, secret.n, &key->mac);
    if (err == APS_OK)
        *out = key;
    else
        aps_sign_free(key);
    return err;
}

static bool sign_hash(const struct aps_sign_key *key, struct aps_str text,
                      uint8_t out[APS_SIGN_MAX], size_t *n)
{
    EVP_MD *md = aps_pkey_hash(key->alg);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned hash_n = 0;
    bool good = md != NULL && ctx != NULL &&
                EVP_Digest(text.p, text.n, hash, &hash_n, md, NULL) == 1 &&
                EVP_PKEY_sign_init(ctx) == 1 && aps_pkey_ready(key->alg, ctx, md) &&
                EVP_PKEY_sign(ctx, out, n, hash, hash_n) == 1;

    EVP_PKEY_CTX_free(ctx);
    EVP_MD_free(md);
    return good;
}

static bool sign_ecdsa(const struct aps_sign_key *key, struct aps_str text,
                       uint8_t out[APS_SIGN_MAX], size_t *n)
{
    uint8_t der[APS_SIGN_MAX];
    size_t der_n = sizeof der, len = aps_pkey_sig_len(key->alg, key->pkey);

    if (!sign_hash(key, text, der, &der_n) ||
        !aps_ecsig_from_der((struct aps_str){(const char *)der, der_n}, len / 2, out))
        return false;
    *n = len;
    return true;
}

static bool sign_whole(const struct aps_sign_key *key, struct aps_str text,
                       uint8_t out[APS_SIGN_MAX], size_t *n)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx != NULL &&
                EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, key->pkey, NULL) == 1 &&
                EVP_DigestSign(ctx, out, n, (const unsigned char *)text.p, text.n) == 1;

    EVP_MD_CTX_free(ctx);
    return good;
}

enum aps_err aps_sign(const struct aps_sign_key *key, struct aps_str text,
                      uint8_t out[APS_SIGN_MAX], size_t *out_n)
{
    size_t n = APS_SIGN_MAX;
    bool good;

    if (key->mac != NULL) {
        enum aps_err err = aps_mac_sum_parts(key->mac, &text, 1, out);

        if (err == APS_OK)
            *out_n = aps_mac_len(key->mac);
        return err;
    }
    ERR_set_mark();
    if (aps_alg_hash(key->alg) == APS_ALG_HASH_NONE)
        good = sign_whole(key, text, out, &n);
    else if (aps_alg_key(key->alg) == APS_ALG_KEY_RSA)
        good = sign_hash(key, text, out, &n);
    else
        good = sign_ecdsa(key, text, out, &n);
    ERR_pop_to_mark();
    if (good)
        *out_n = n;
    return good ? APS_OK : APS_ERR_CRYPTO;
}
