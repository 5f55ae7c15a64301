/* verify.c - keys made ready once, so that a verify fetches nothing and locks nothing.
 *
 * What is ready is only ever copied: a copy costs some two thousand instructions, beside a hundred
 * times as many for the arithmetic. */
#include "apisec/verify.h"

#include <openssl/err.h>
#include <stdlib.h>

#include "apisec/mac.h"
#include "apisec/secret.h"
#include "ecsig.h"
#include "pkey.h"

struct aps_verify_key {
    enum aps_alg alg;
    size_t sig_len;
    struct aps_mac *mac; /* HMAC, and nothing below */
    EVP_PKEY *pkey;
    EVP_MD *md;          /* RSA and ECDSA */
    EVP_PKEY_CTX *ready; /* RSA and ECDSA: verifies a hash */
    EVP_MD_CTX *whole;   /* EdDSA: verifies a text */
};

void aps_verify_free(struct aps_verify_key *key)
{
    if (key == NULL)
        return;
    aps_mac_free(key->mac);
    EVP_PKEY_CTX_free(key->ready);
    EVP_MD_CTX_free(key->whole);
    EVP_MD_free(key->md);
    EVP_PKEY_free(key->pkey);
    free(key);
}

enum aps_alg aps_verify_alg(const struct aps_verify_key *key)
{
    return key != NULL ? key->alg : APS_ALG_NONE;
}

static bool make_ready(struct aps_verify_key *key)
{
    if (aps_alg_hash(key->alg) == APS_ALG_HASH_NONE)
        return (key->whole = EVP_MD_CTX_new()) != NULL &&
               EVP_DigestVerifyInit_ex(key->whole, NULL, NULL, NULL, NULL, key->pkey, NULL) == 1;
    return (key->md = aps_pkey_hash(key->alg)) != NULL &&
           (key->ready = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL)) != NULL &&
           EVP_PKEY_verify_init(key->ready) == 1 && aps_pkey_ready(key->alg, key->ready, key->md);
}

/* Takes `pkey`. */
static enum aps_err make(enum aps_alg alg, EVP_PKEY *pkey, struct aps_verify_key **out)
{
    struct aps_verify_key *key = calloc(1, sizeof *key);
    enum aps_err err = APS_ERR_NOMEM;

    if (key == NULL) {
        EVP_PKEY_free(pkey);
        return err;
    }
    key->alg = alg;
    key->pkey = pkey;
    key->sig_len = aps_pkey_sig_len(alg, pkey);
    ERR_set_mark();
    if (make_ready(key)) {
        *out = key;
        key = NULL;
        err = APS_OK;
    } else {
        err = APS_ERR_CRYPTO;
    }
    ERR_pop_to_mark();
    aps_verify_free(key);
    return err;
}

enum aps_err aps_verify_rsa(enum aps_alg alg, struct aps_str n, struct aps_str e,
                            struct aps_verify_key **out, struct aps_diag *diag)
{
    EVP_PKEY *pkey = NULL;
    enum aps_err err = aps_pkey_rsa(alg, n, e, &pkey, diag);

    return err == APS_OK ? make(alg, pkey, out) : err;
}

enum aps_err aps_verify_ec(enum aps_alg alg, struct aps_str x, struct aps_str y,
                           struct aps_verify_key **out, struct aps_diag *diag)
{
    EVP_PKEY *pkey = NULL;
    enum aps_err err = aps_pkey_ec(alg, x, y, &pkey, diag);

    return err == APS_OK ? make(alg, pkey, out) : err;
}

enum aps_err aps_verify_okp(enum aps_alg alg, enum aps_alg_key kind, struct aps_str x,
                            struct aps_verify_key **out, struct aps_diag *diag)
{
    EVP_PKEY *pkey = NULL;
    enum aps_err err = aps_pkey_okp(alg, kind, x, &pkey, diag);

    return err == APS_OK ? make(alg, pkey, out) : err;
}

enum aps_err aps_verify_pem(enum aps_alg alg, struct aps_str pem, struct aps_verify_key **out,
                            struct aps_diag *diag)
{
    EVP_PKEY *pkey = NULL;
    enum aps_err err = aps_pkey_public(alg, pem, &pkey, diag);

    return err == APS_OK ? make(alg, pkey, out) : err;
}

enum aps_err aps_verify_der(enum aps_alg alg, struct aps_str der, struct aps_verify_key **out,
                            struct aps_diag *diag)
{
    EVP_PKEY *pkey = NULL;
    enum aps_err err = aps_pkey_der(alg, der, &pkey, diag);

    return err == APS_OK ? make(alg, pkey, out) : err;
}

enum aps_err aps_verify_spki(const struct aps_verify_key *key, apr_pool_t *pool,
                             struct aps_str *out)
{
    if (key->pkey == NULL)
        return APS_ERR_FORMAT;
    return aps_pkey_spki(key->pkey, pool, out);
}

enum aps_err aps_verify_secret(enum aps_alg alg, struct aps_str secret, struct aps_verify_key **out,
                               struct aps_diag *diag)
{
    struct aps_verify_key *key;
    enum aps_err err = aps_pkey_secret(alg, secret, diag);

    if (err != APS_OK)
        return err;
    if ((key = calloc(1, sizeof *key)) == NULL)
        return APS_ERR_NOMEM;
    key->alg = alg;
    key->sig_len = aps_alg_hash_len(aps_alg_hash(alg));
    err = aps_mac_new_hash(aps_alg_hash(alg), secret.p, secret.n, &key->mac);
    if (err == APS_OK)
        *out = key;
    else
        aps_verify_free(key);
    return err;
}

static enum aps_err verify_mac(const struct aps_verify_key *key, struct aps_str text,
                               struct aps_str sig)
{
    uint8_t want[APS_MAC_MAX];
    enum aps_err err = aps_mac_sum_parts(key->mac, &text, 1, want);

    if (err == APS_OK && !aps_secret_equal(want, sig.p, key->sig_len))
        err = APS_ERR_CHECK;
    aps_secret_cleanse(want, sizeof want);
    return err;
}

/* 1: it is right; 0: it is not; less: OpenSSL could not tell. */
static int verify_hash(const struct aps_verify_key *key, EVP_PKEY_CTX *ctx, struct aps_str text,
                       struct aps_str sig)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    uint8_t der[APS_ECSIG_DER_MAX];
    unsigned n = 0;

    if (EVP_Digest(text.p, text.n, hash, &n, key->md, NULL) != 1)
        return -1;
    if (aps_alg_key(key->alg) != APS_ALG_KEY_RSA)
        sig = (struct aps_str){(const char *)der, aps_ecsig_to_der(sig, der)};
    return EVP_PKEY_verify(ctx, (const unsigned char *)sig.p, sig.n, hash, n);
}

static enum aps_err verify_pkey(const struct aps_verify_key *key, struct aps_str text,
                                struct aps_str sig)
{
    EVP_PKEY_CTX *ctx = NULL;
    EVP_MD_CTX *whole = NULL;
    enum aps_err err = APS_ERR_CRYPTO;
    int good = -1;

    ERR_set_mark();
    if (key->ready != NULL && (ctx = EVP_PKEY_CTX_dup(key->ready)) != NULL)
        good = verify_hash(key, ctx, text, sig);
    if (key->whole != NULL && (whole = EVP_MD_CTX_new()) != NULL &&
        EVP_MD_CTX_copy_ex(whole, key->whole) == 1)
        good = EVP_DigestVerify(whole, (const unsigned char *)sig.p, sig.n,
                                (const unsigned char *)text.p, text.n);
    if (good == 1)
        err = APS_OK;
    else if (ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE)
        err = APS_ERR_NOMEM;
    else if (good == 0)
        err = APS_ERR_CHECK;
    ERR_pop_to_mark();
    EVP_PKEY_CTX_free(ctx);
    EVP_MD_CTX_free(whole);
    return err;
}

enum aps_err aps_verify(const struct aps_verify_key *key, struct aps_str text, struct aps_str sig)
{
    if (sig.n != key->sig_len)
        return APS_ERR_CHECK;
    return key->mac != NULL ? verify_mac(key, text, sig) : verify_pkey(key, text, sig);
}
