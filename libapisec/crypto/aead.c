/* aead.c - AES-256-GCM over OpenSSL. */
#include "apisec/aead.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

/* Everything up to the final call, in either direction. */
static bool run(EVP_CIPHER_CTX *ctx, int encrypt, const uint8_t *key, const uint8_t *nonce,
                struct aps_str aad, struct aps_str in, uint8_t *out)
{
    int n = 0;
    if (aad.n > INT_MAX || in.n > INT_MAX)
        return false;
    if (EVP_CipherInit_ex2(ctx, EVP_aes_256_gcm(), key, nonce, encrypt, NULL) != 1)
        return false;
    if (aad.n != 0 &&
        EVP_CipherUpdate(ctx, NULL, &n, (const unsigned char *)aad.p, (int)aad.n) != 1)
        return false;
    return in.n == 0 ||
           (EVP_CipherUpdate(ctx, out, &n, (const unsigned char *)in.p, (int)in.n) == 1 &&
            (size_t)n == in.n);
}

enum aps_err aps_aead_encrypt(const uint8_t key[APS_AEAD_KEY_LEN],
                              const uint8_t nonce[APS_AEAD_NONCE_LEN], struct aps_str aad,
                              struct aps_str plain, uint8_t *out_cipher,
                              uint8_t out_tag[APS_AEAD_TAG_LEN])
{
    uint8_t rest[16];
    int n = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok = ctx != NULL && run(ctx, 1, key, nonce, aad, plain, out_cipher) &&
              EVP_CipherFinal_ex(ctx, rest, &n) == 1 && n == 0 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, APS_AEAD_TAG_LEN, out_tag) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return ok ? APS_OK : APS_ERR_CRYPTO;
}

enum aps_err aps_aead_decrypt(const uint8_t key[APS_AEAD_KEY_LEN],
                              const uint8_t nonce[APS_AEAD_NONCE_LEN], struct aps_str aad,
                              struct aps_str cipher, const uint8_t tag[APS_AEAD_TAG_LEN],
                              uint8_t *out_plain)
{
    uint8_t rest[16], want[APS_AEAD_TAG_LEN];
    int n = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    memcpy(want, tag, sizeof want);
    bool ok = ctx != NULL && run(ctx, 0, key, nonce, aad, cipher, out_plain) &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, APS_AEAD_TAG_LEN, want) == 1 &&
              EVP_CipherFinal_ex(ctx, rest, &n) == 1 && n == 0;
    EVP_CIPHER_CTX_free(ctx);
    if (!ok)
        OPENSSL_cleanse(out_plain, cipher.n);
    return ok ? APS_OK : APS_ERR_CRYPTO;
}
