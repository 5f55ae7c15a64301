/* kdf.c - HKDF-SHA-256 over OpenSSL. */
#include "apisec/kdf.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

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
