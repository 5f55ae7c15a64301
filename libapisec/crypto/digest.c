/* digest.c - SHA-256 over OpenSSL. */
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

enum aps_err aps_digest_begin(struct aps_digest_run **out)
{
    struct aps_digest_run *run = calloc(1, sizeof *run);
    enum aps_err err = APS_ERR_NOMEM;

    if (run == NULL || (run->ctx = EVP_MD_CTX_new()) == NULL)
        goto out;
    err = APS_ERR_CRYPTO;
    if (EVP_DigestInit_ex(run->ctx, EVP_sha256(), NULL) != 1)
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

void aps_digest_add(struct aps_digest_run *run, const void *p, size_t n)
{
    if (n != 0 && EVP_DigestUpdate(run->ctx, p, n) != 1)
        run->failed = true;
}

enum aps_err aps_digest_end(struct aps_digest_run *run, uint8_t out[APS_DIGEST_LEN])
{
    uint8_t sum[APS_DIGEST_LEN];
    bool ok;

    if (run == NULL)
        return APS_OK;
    ok = EVP_DigestFinal_ex(run->ctx, sum, NULL) == 1 && !run->failed;
    EVP_MD_CTX_free(run->ctx);
    free(run);
    if (ok && out != NULL)
        memcpy(out, sum, sizeof sum);
    return ok ? APS_OK : APS_ERR_CRYPTO;
}
