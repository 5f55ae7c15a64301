/* digest.c - SHA-256 and longer ones over OpenSSL. */
#include "apisec/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct aps_digest_run {
    EVP_MD_CTX *ctx;
    bool failed;
};

enum aps_err aps_digest_sum(struct aps_str text, uint8_t out[APS_DIGEST_LEN])
{
    uint8_t sum[APS_DIGEST_LEN];

    if (EVP_Digest(text.p, text.n, sum, NULL, EVP_sha256(), NULL) != 1)
        return APS_ERR_CRYPTO;
    memcpy(out, sum, sizeof sum);
    return APS_OK;
}

static const EVP_MD *md_of(enum aps_alg_hash hash)
{
    switch (hash) {
    case APS_ALG_HASH_SHA256:
        return EVP_sha256();
    case APS_ALG_HASH_SHA384:
        return EVP_sha384();
    case APS_ALG_HASH_SHA512:
        return EVP_sha512();
    case APS_ALG_HASH_NONE:
        break;
    }
    return NULL;
}

enum aps_err aps_digest_begin_hash(enum aps_alg_hash hash, struct aps_digest_run **out)
{
    const EVP_MD *md = md_of(hash);
    struct aps_digest_run *run = calloc(1, sizeof *run);
    enum aps_err err = APS_ERR_NOMEM;

    if (run == NULL || (run->ctx = EVP_MD_CTX_new()) == NULL)
        goto out;
    err = APS_ERR_CRYPTO;
    if (md == NULL || EVP_DigestInit_ex(run->ctx, md, NULL) != 1)
        goto out;
    *out = run;
    run = NULL;
    err = APS_OK;
out:
    if (run != NULL)
        EVP_MD_CTX_free(run->ctx);
    free(run);
    return err;
}

enum aps_err aps_digest_begin(struct aps_digest_run **out)
{
    return aps_digest_begin_hash(APS_ALG_HASH_SHA256, out);
}

void aps_digest_add(struct aps_digest_run *run, const void *p, size_t n)
{
    if (n != 0 && EVP_DigestUpdate(run->ctx, p, n) != 1)
        run->failed = true;
}

/* At most `max` bytes into `out`, or none. */
static enum aps_err end(struct aps_digest_run *run, size_t max, uint8_t *out)
{
    uint8_t sum[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    bool ok;

    if (run == NULL)
        return APS_OK;
    ok = EVP_DigestFinal_ex(run->ctx, sum, &n) == 1 && !run->failed && (out == NULL || n <= max);
    EVP_MD_CTX_free(run->ctx);
    free(run);
    if (ok && out != NULL)
        memcpy(out, sum, n);
    return ok ? APS_OK : APS_ERR_CRYPTO;
}

enum aps_err aps_digest_end(struct aps_digest_run *run, uint8_t out[APS_DIGEST_LEN])
{
    return end(run, APS_DIGEST_LEN, out);
}

enum aps_err aps_digest_end_hash(struct aps_digest_run *run, uint8_t out[APS_DIGEST_MAX])
{
    return end(run, APS_DIGEST_MAX, out);
}
