/* kdf.c - HKDF-SHA-256 and scrypt over OpenSSL. */
#include "apisec/kdf.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include "apisec/random.h"

enum aps_err aps_kdf_hkdf(struct aps_str key, struct aps_str salt, struct aps_str info, void *out,
                          size_t n)
{
    EVP_KDF *hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *ctx = hkdf != NULL ? EVP_KDF_CTX_new(hkdf) : NULL;
    char digest[] = "SHA256";
    OSSL_PARAM params[5], *p = params;
    bool ok;

    *p++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
    /* OpenSSL does not write through these. */
    *p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)key.p, key.n);
    if (salt.n != 0)
        *p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt.p,
                                                 salt.n);
    if (info.n != 0)
        *p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)info.p,
                                                 info.n);
    *p = OSSL_PARAM_construct_end();
    ok = ctx != NULL && EVP_KDF_derive(ctx, out, n, params) == 1;
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(hkdf);
    if (!ok)
        OPENSSL_cleanse(out, n);
    return ok ? APS_OK : APS_ERR_CRYPTO;
}

enum aps_err aps_kdf_sub(const struct aps_secret *key, const char *label, size_t n,
                         struct aps_secret *out)
{
    struct aps_secret sub = {0};
    enum aps_err err = aps_secret_new(n, &sub);
    if (err != APS_OK)
        return err;
    err = aps_kdf_hkdf(aps_secret_str(key), (struct aps_str){0}, aps_str(label), sub.b, n);
    if (err != APS_OK) {
        aps_secret_wipe(&sub);
        return err;
    }
    *out = sub;
    return APS_OK;
}

/* ---- passphrases ---- */

enum {
    LOG2_N = 17,
    LOG2_N_MIN = 15, /* with p from P_MORE on */
    LOG2_N_MAX = 20, /* 1 GiB: what is stored must not make its reader take all memory */
    BLOCK = 8,
    P_MORE = 3,
    P_MAX = 16,
    SCRYPT_LEN_MAX = 64,
};

enum aps_err aps_kdf_scrypt_new(struct aps_kdf_scrypt *out)
{
    struct aps_kdf_scrypt how = {.log2_n = LOG2_N, .r = BLOCK, .p = 1};
    enum aps_err err = aps_random_fill(how.salt, sizeof how.salt);
    if (err == APS_OK)
        *out = how;
    return err;
}

enum aps_err aps_kdf_scrypt_check(const struct aps_kdf_scrypt *how, struct aps_diag *diag)
{
    bool strong = how->log2_n >= LOG2_N || (how->log2_n >= LOG2_N_MIN && how->p >= P_MORE);
    if (how->r == BLOCK && strong && how->log2_n <= LOG2_N_MAX && how->p >= 1 && how->p <= P_MAX)
        return APS_OK;
    aps_err_explain(diag,
                    "scrypt with N 2^%lu, r %lu, p %lu: want r %d, and N 2^%d to 2^%d with p 1 to "
                    "%d, or N from 2^%d on with p %d or more",
                    (unsigned long)how->log2_n, (unsigned long)how->r, (unsigned long)how->p, BLOCK,
                    LOG2_N, LOG2_N_MAX, P_MAX, LOG2_N_MIN, P_MORE);
    return APS_ERR_RANGE;
}

enum aps_err aps_kdf_scrypt(struct aps_str passphrase, const struct aps_kdf_scrypt *how, size_t n,
                            struct aps_secret *out)
{
    struct aps_secret key = {0};
    uint64_t cost;
    enum aps_err err = aps_kdf_scrypt_check(how, NULL);

    if (err != APS_OK)
        return err;
    if (passphrase.n == 0 || n == 0 || n > SCRYPT_LEN_MAX)
        return APS_ERR_CRYPTO;
    if ((err = aps_secret_new(n, &key)) != APS_OK)
        return err;
    cost = (uint64_t)1 << how->log2_n;
    /* The table, the blocks and what OpenSSL works with. */
    if (EVP_PBE_scrypt(passphrase.p, passphrase.n, how->salt, sizeof how->salt, cost, how->r,
                       how->p, (uint64_t)128 * how->r * (cost + how->p + 4), key.b, key.n) != 1) {
        aps_secret_wipe(&key);
        return APS_ERR_CRYPTO;
    }
    *out = key;
    return APS_OK;
}
