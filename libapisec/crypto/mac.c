/* mac.c - HMAC over OpenSSL, with the schedule of a key computed once. */
#include "apisec/mac.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdlib.h>

/* A copied context costs half as much again as one that is started anew, so used ones are kept.
 * A slot is emptied and filled by one exchange each: no thread waits for another. */
enum { SPARES = 4 };

struct aps_mac {
    size_t len;         /* of a MAC */
    EVP_MAC_CTX *ready; /* keyed; only ever copied from */
    _Atomic(EVP_MAC_CTX *) spare[SPARES];
};

struct aps_mac_run {
    EVP_MAC_CTX *ctx;
    bool failed;
};

enum aps_err aps_mac_new(const void *key, size_t n, struct aps_mac **out)
{
    return aps_mac_new_hash(APS_ALG_HASH_SHA256, key, n, out);
}

enum aps_err aps_mac_new_hash(enum aps_alg_hash hash, const void *key, size_t n,
                              struct aps_mac **out)
{
    static const unsigned char none[1]; /* a NULL key would mean: keep the old one */
    enum aps_err err = APS_ERR_CRYPTO;
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = hmac != NULL ? EVP_MAC_CTX_new(hmac) : NULL;
    struct aps_mac *mac = NULL;
    char sha256[] = "SHA256", sha384[] = "SHA384", sha512[] = "SHA512";
    char *digest = hash == APS_ALG_HASH_SHA512   ? sha512
                   : hash == APS_ALG_HASH_SHA384 ? sha384
                                                 : sha256;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                           OSSL_PARAM_construct_end()};

    if (ctx == NULL || aps_alg_hash_len(hash) == 0 ||
        EVP_MAC_init(ctx, n != 0 ? key : none, n, params) != 1)
        goto out;
    if ((mac = calloc(1, sizeof *mac)) == NULL) {
        err = APS_ERR_NOMEM;
        goto out;
    }
    mac->len = aps_alg_hash_len(hash);
    mac->ready = ctx;
    ctx = NULL;
    *out = mac;
    err = APS_OK;
out:
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(hmac);
    return err;
}

void aps_mac_free(struct aps_mac *mac)
{
    if (mac == NULL)
        return;
    for (int i = 0; i < SPARES; i++)
        EVP_MAC_CTX_free(atomic_load(&mac->spare[i]));
    EVP_MAC_CTX_free(mac->ready);
    free(mac);
}

static EVP_MAC_CTX *take(struct aps_mac *mac)
{
    for (int i = 0; i < SPARES; i++) {
        EVP_MAC_CTX *ctx = atomic_exchange(&mac->spare[i], NULL);
        if (ctx != NULL && EVP_MAC_init(ctx, NULL, 0, NULL) == 1)
            return ctx;
        EVP_MAC_CTX_free(ctx);
    }
    return EVP_MAC_CTX_dup(mac->ready);
}

static void give(struct aps_mac *mac, EVP_MAC_CTX *ctx)
{
    for (int i = 0; ctx != NULL && i < SPARES; i++)
        ctx = atomic_exchange(&mac->spare[i], ctx);
    EVP_MAC_CTX_free(ctx);
}

size_t aps_mac_len(const struct aps_mac *mac)
{
    return mac->len;
}

static enum aps_err sum(struct aps_mac *mac, const struct aps_str *parts, size_t count,
                        uint8_t *out, size_t len)
{
    size_t n = 0;
    EVP_MAC_CTX *ctx = take(mac);
    bool ok = ctx != NULL;
    for (size_t i = 0; ok && i < count; i++)
        ok = EVP_MAC_update(ctx, (const unsigned char *)parts[i].p, parts[i].n) == 1;
    ok = ok && EVP_MAC_final(ctx, out, &n, len) == 1 && n == len;
    give(mac, ctx);
    if (ok)
        return APS_OK;
    OPENSSL_cleanse(out, len);
    return APS_ERR_CRYPTO;
}

enum aps_err aps_mac_sum(struct aps_mac *mac, struct aps_str text, uint8_t out[APS_MAC_LEN])
{
    return sum(mac, &text, 1, out, APS_MAC_LEN);
}

enum aps_err aps_mac_sum_parts(struct aps_mac *mac, const struct aps_str *parts, size_t count,
                               uint8_t out[APS_MAC_MAX])
{
    return sum(mac, parts, count, out, mac->len);
}

enum aps_err aps_mac_begin(struct aps_mac *mac, struct aps_mac_run **out)
{
    struct aps_mac_run *run = calloc(1, sizeof *run);
    if (run == NULL)
        return APS_ERR_NOMEM;
    if ((run->ctx = EVP_MAC_CTX_dup(mac->ready)) == NULL) {
        free(run);
        return APS_ERR_CRYPTO;
    }
    *out = run;
    return APS_OK;
}

static void add(struct aps_mac_run *run, const void *p, size_t n)
{
    if (n != 0 && EVP_MAC_update(run->ctx, p, n) != 1)
        run->failed = true;
}

void aps_mac_add(struct aps_mac_run *run, const void *field, size_t n)
{
    uint8_t len[8];
    for (int i = 0; i < 8; i++)
        len[i] = (uint8_t)((uint64_t)n >> (56 - 8 * i));
    add(run, len, sizeof len);
    add(run, field, n);
}

void aps_mac_add_u64(struct aps_mac_run *run, uint64_t field)
{
    uint8_t b[8];
    for (int i = 0; i < 8; i++)
        b[i] = (uint8_t)(field >> (56 - 8 * i));
    aps_mac_add(run, b, sizeof b);
}

enum aps_err aps_mac_end(struct aps_mac_run *run, uint8_t out[APS_MAC_LEN])
{
    uint8_t sum[APS_MAC_LEN];
    size_t n = 0;
    bool ok = !run->failed && EVP_MAC_final(run->ctx, sum, &n, sizeof sum) == 1 && n == sizeof sum;
    EVP_MAC_CTX_free(run->ctx);
    free(run);
    if (ok && out != NULL)
        memcpy(out, sum, sizeof sum);
    OPENSSL_cleanse(sum, sizeof sum);
    return ok ? APS_OK : APS_ERR_CRYPTO;
}
