/* seal.c - a sealed blob: made and opened. */
#include "apisec/seal.h"

#include "apisec/aead.h"
#include "apisec/kdf.h"
#include "apisec/random.h"

enum {
    FORMAT = 1,
    AES_256_GCM = 1,
    HEAD_LEN = 2 + APS_SEAL_ID_LEN,
    AAD_MAX = 512,
};

_Static_assert(APS_SEAL_OVERHEAD == HEAD_LEN + APS_AEAD_NONCE_LEN + APS_AEAD_TAG_LEN,
               "the blob is head, nonce, ciphertext, tag");

enum aps_err aps_seal_id(const struct aps_secret *master, uint8_t out[APS_SEAL_ID_LEN])
{
    return aps_kdf_hkdf(aps_secret_str(master), (struct aps_str){0}, APS_STR_LIT(APS_KDF_ID), out,
                        APS_SEAL_ID_LEN);
}

static enum aps_err derive(const struct aps_secret *from, const char *label,
                           struct aps_seal_key *out)
{
    struct aps_seal_key key = {{0}, {0}};
    enum aps_err err = aps_seal_id(from, key.id);
    if (err == APS_OK)
        err = aps_kdf_sub(from, label, APS_AEAD_KEY_LEN, &key.key);
    if (err == APS_OK)
        *out = key;
    return err;
}

enum aps_err aps_seal_key_init(const struct aps_secret *master, struct aps_seal_key *out)
{
    return derive(master, APS_KDF_WRAP, out);
}

enum aps_err aps_seal_key_data(const struct aps_secret *data, struct aps_seal_key *out)
{
    return derive(data, APS_KDF_DATA, out);
}

void aps_seal_key_wipe(struct aps_seal_key *key)
{
    aps_secret_wipe(&key->key);
}

static size_t put(uint8_t *aad, size_t at, const void *p, size_t n)
{
    if (at > AAD_MAX || n > 0xffff || AAD_MAX - at < n + 2)
        return AAD_MAX + 1;
    aad[at] = (uint8_t)(n >> 8);
    aad[at + 1] = (uint8_t)n;
    memcpy(aad + at + 2, p, n);
    return at + 2 + n;
}

/* What is authenticated beside the ciphertext, each part with its length; false if too long. */
static bool authenticated(const uint8_t head[HEAD_LEN], const struct aps_seal_place *place,
                          uint8_t aad[AAD_MAX], struct aps_str *out)
{
    size_t n = put(aad, 0, head, HEAD_LEN);
    n = put(aad, n, place->store.p, place->store.n);
    n = put(aad, n, place->table, strlen(place->table));
    n = put(aad, n, place->row.p, place->row.n);
    n = put(aad, n, place->column, strlen(place->column));
    *out = (struct aps_str){(const char *)aad, n};
    return n <= AAD_MAX;
}

enum aps_err aps_seal(const struct aps_seal_key *key, const struct aps_seal_place *place,
                      struct aps_str plain, uint8_t *out)
{
    uint8_t aad[AAD_MAX], *nonce = out + HEAD_LEN, *cipher = nonce + APS_AEAD_NONCE_LEN;
    struct aps_str bound;
    enum aps_err err;

    if (plain.n == 0 || plain.n > APS_SEAL_PLAIN_MAX || key->key.n != APS_AEAD_KEY_LEN)
        return APS_ERR_CRYPTO;
    out[0] = FORMAT;
    out[1] = AES_256_GCM;
    memcpy(out + 2, key->id, APS_SEAL_ID_LEN);
    if (!authenticated(out, place, aad, &bound))
        return APS_ERR_CRYPTO;
    if ((err = aps_random_fill(nonce, APS_AEAD_NONCE_LEN)) != APS_OK)
        return err;
    return aps_aead_encrypt(key->key.b, nonce, bound, plain, cipher, cipher + plain.n);
}

enum aps_err aps_seal_open(const struct aps_seal_key *key, const struct aps_seal_place *place,
                           struct aps_str blob, struct aps_secret *out)
{
    const uint8_t *b = (const uint8_t *)blob.p;
    uint8_t aad[AAD_MAX];
    struct aps_str bound;
    struct aps_secret plain = {0};
    enum aps_err err;

    if (blob.n <= APS_SEAL_OVERHEAD || blob.n > APS_SEAL_OVERHEAD + APS_SEAL_PLAIN_MAX ||
        key->key.n != APS_AEAD_KEY_LEN)
        return APS_ERR_CRYPTO;
    if (b[0] != FORMAT || b[1] != AES_256_GCM || memcmp(b + 2, key->id, APS_SEAL_ID_LEN) != 0)
        return APS_ERR_CRYPTO;
    if (!authenticated(b, place, aad, &bound))
        return APS_ERR_CRYPTO;
    if ((err = aps_secret_new(blob.n - APS_SEAL_OVERHEAD, &plain)) != APS_OK)
        return err;
    const uint8_t *nonce = b + HEAD_LEN, *cipher = nonce + APS_AEAD_NONCE_LEN;
    err =
        aps_aead_decrypt(key->key.b, nonce, bound, (struct aps_str){(const char *)cipher, plain.n},
                         cipher + plain.n, plain.b);
    if (err == APS_OK)
        *out = plain;
    else
        aps_secret_wipe(&plain);
    return err;
}
