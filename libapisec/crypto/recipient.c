/* recipient.c - X25519 over OpenSSL: an ephemeral key, HKDF-SHA-256, AES-256-GCM. */
#include "apisec/recipient.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "apisec/kdf.h"

/* ---- PEM ---- */

/* Nobody is asked for a passphrase of a file. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

static EVP_PKEY *read_pem(struct aps_str pem, bool is_private)
{
    EVP_PKEY *key = NULL;
    BIO *in;

    if (pem.n == 0 || pem.n > APS_RECIPIENT_PEM_MAX)
        return NULL;
    ERR_set_mark();
    if ((in = BIO_new_mem_buf(pem.p, (int)pem.n)) != NULL)
        key = is_private ? PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL)
                         : PEM_read_bio_PUBKEY(in, NULL, no_passphrase, NULL);
    BIO_free(in);
    ERR_pop_to_mark();
    if (key != NULL && EVP_PKEY_get_base_id(key) != EVP_PKEY_X25519) {
        EVP_PKEY_free(key);
        return NULL;
    }
    return key;
}

static bool get_public(const EVP_PKEY *key, uint8_t out[APS_RECIPIENT_LEN])
{
    size_t n = APS_RECIPIENT_LEN;
    return EVP_PKEY_get_raw_public_key(key, out, &n) == 1 && n == APS_RECIPIENT_LEN;
}

enum aps_err aps_recipient_pem(struct aps_str pem, struct aps_recipient *out, struct aps_diag *diag)
{
    struct aps_recipient to = {{0}};
    EVP_PKEY *key = read_pem(pem, false);
    bool good = key != NULL && get_public(key, to.public_key);

    EVP_PKEY_free(key);
    if (good) {
        *out = to;
        return APS_OK;
    }
    aps_err_explain(diag, "no public key of a recipient: want X25519 in PEM; openssl genpkey "
                          "-algorithm X25519 -out KEY makes a pair, and openssl pkey -in KEY "
                          "-pubout -out PUBLIC takes its public half");
    return APS_ERR_FORMAT;
}

enum aps_err aps_recipient_own_pem(struct aps_str pem, struct aps_recipient_own *out,
                                   struct aps_diag *diag)
{
    struct aps_recipient_own id = {.key = {NULL, 0}};
    size_t n = APS_RECIPIENT_LEN;
    EVP_PKEY *key = read_pem(pem, true);
    enum aps_err err = aps_secret_new(APS_RECIPIENT_LEN, &id.key);

    if (err == APS_OK && (key == NULL || EVP_PKEY_get_raw_private_key(key, id.key.b, &n) != 1 ||
                          n != APS_RECIPIENT_LEN || !get_public(key, id.public_key))) {
        aps_err_explain(diag, "no private key of a recipient: want X25519 in PEM, not encrypted, "
                              "as openssl genpkey -algorithm X25519 makes it");
        err = APS_ERR_FORMAT;
    }
    EVP_PKEY_free(key);
    if (err == APS_OK)
        *out = id;
    else
        aps_recipient_own_wipe(&id);
    return err;
}

void aps_recipient_own_wipe(struct aps_recipient_own *id)
{
    aps_secret_wipe(&id->key);
}

/* ---- wrapping ---- */

/* What both sides can compute.  OpenSSL refuses a point of small order, whose secret anybody
 * knows. */
static bool agree(EVP_PKEY *own, const uint8_t theirs[APS_RECIPIENT_LEN],
                  uint8_t out[APS_RECIPIENT_LEN])
{
    size_t n = APS_RECIPIENT_LEN;
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, theirs, APS_RECIPIENT_LEN);
    EVP_PKEY_CTX *ctx = peer != NULL ? EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL) : NULL;
    bool good = ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
                EVP_PKEY_derive_set_peer(ctx, peer) == 1 && EVP_PKEY_derive(ctx, out, &n) == 1 &&
                n == APS_RECIPIENT_LEN;

    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    return good;
}

/* The key that wraps: of the shared secret, bound to both public keys. */
static enum aps_err wrapping_key(EVP_PKEY *own, const uint8_t theirs[APS_RECIPIENT_LEN],
                                 const struct aps_recipient_box *box, uint8_t out[APS_AEAD_KEY_LEN])
{
    uint8_t shared[APS_RECIPIENT_LEN], salt[2 * APS_RECIPIENT_LEN];
    enum aps_err err = APS_ERR_CRYPTO;

    memcpy(salt, box->ephemeral, APS_RECIPIENT_LEN);
    memcpy(salt + APS_RECIPIENT_LEN, box->to, APS_RECIPIENT_LEN);
    ERR_set_mark();
    if (agree(own, theirs, shared))
        err = aps_kdf_hkdf((struct aps_str){(const char *)shared, sizeof shared},
                           (struct aps_str){(const char *)salt, sizeof salt},
                           APS_STR_LIT(APS_KDF_RECIPIENT), out, APS_AEAD_KEY_LEN);
    ERR_pop_to_mark();
    aps_secret_cleanse(shared, sizeof shared);
    return err;
}

/* A wrapping key wraps once, so its nonce may be fixed. */
static const uint8_t nonce[APS_AEAD_NONCE_LEN];

enum aps_err aps_recipient_wrap(const struct aps_recipient *to, const uint8_t key[APS_AEAD_KEY_LEN],
                                struct aps_recipient_box *out)
{
    struct aps_recipient_box box = {.to = {0}};
    uint8_t wrap[APS_AEAD_KEY_LEN];
    EVP_PKEY *own = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    enum aps_err err = APS_ERR_CRYPTO;

    memcpy(box.to, to->public_key, sizeof box.to);
    if (own != NULL && get_public(own, box.ephemeral))
        err = wrapping_key(own, to->public_key, &box, wrap);
    if (err == APS_OK)
        err = aps_aead_encrypt(wrap, nonce, (struct aps_str){0},
                               (struct aps_str){(const char *)key, APS_AEAD_KEY_LEN}, box.wrapped,
                               box.wrapped + APS_AEAD_KEY_LEN);
    EVP_PKEY_free(own);
    aps_secret_cleanse(wrap, sizeof wrap);
    if (err == APS_OK)
        *out = box;
    return err;
}

enum aps_err aps_recipient_unwrap(const struct aps_recipient_own *id,
                                  const struct aps_recipient_box *box,
                                  uint8_t out[APS_AEAD_KEY_LEN])
{
    uint8_t wrap[APS_AEAD_KEY_LEN];
    EVP_PKEY *own;
    enum aps_err err = APS_ERR_CRYPTO;

    if (memcmp(box->to, id->public_key, sizeof box->to) != 0)
        return err;
    own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, id->key.b, id->key.n);
    if (own != NULL)
        err = wrapping_key(own, box->ephemeral, box, wrap);
    if (err == APS_OK)
        err = aps_aead_decrypt(wrap, nonce, (struct aps_str){0},
                               (struct aps_str){(const char *)box->wrapped, APS_AEAD_KEY_LEN},
                               box->wrapped + APS_AEAD_KEY_LEN, out);
    EVP_PKEY_free(own);
    aps_secret_cleanse(wrap, sizeof wrap);
    return err;
}
