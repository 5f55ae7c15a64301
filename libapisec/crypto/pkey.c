/* pkey.c - keys of OpenSSL, and what each has to be before it is used. */
#include "pkey.h"

#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "edwards.h"
#include "roca.h"

enum {
    RSA_BITS_MIN = 2048,
    RSA_BITS_MAX = 8192,
    RSA_EXPONENT_BITS_MAX = 32, /* a larger one only makes each verify dearer */
    PEM_MAX = 16 * 1024,
    SECRET_MAX = 16 * 1024,
};

/* What OpenSSL left on this thread's list of errors would be found there by the next who looks. */
static enum aps_err drop_errors(void)
{
    bool nomem = ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE;

    ERR_pop_to_mark();
    return nomem ? APS_ERR_NOMEM : APS_ERR_CRYPTO;
}

static const char *group_of(enum aps_alg_key kind)
{
    switch (kind) {
    case APS_ALG_KEY_P256:
        return "prime256v1";
    case APS_ALG_KEY_P384:
        return "secp384r1";
    case APS_ALG_KEY_P521:
        return "secp521r1";
    default:
        return NULL;
    }
}

static size_t half_of(enum aps_alg_key kind)
{
    return kind == APS_ALG_KEY_P256 ? 32 : kind == APS_ALG_KEY_P384 ? 48 : 66;
}

/* The kind of a key, whatever its size; RSASSA-PSS keys count as RSA. */
static enum aps_alg_key kind_of(const EVP_PKEY *key)
{
    char group[32];

    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
        return APS_ALG_KEY_RSA;
    case EVP_PKEY_ED25519:
        return APS_ALG_KEY_ED25519;
    case EVP_PKEY_ED448:
        return APS_ALG_KEY_ED448;
    case EVP_PKEY_EC:
        if (EVP_PKEY_get_group_name(key, group, sizeof group, NULL) != 1)
            return APS_ALG_KEY_NONE;
        for (unsigned kind = APS_ALG_KEY_P256; kind <= APS_ALG_KEY_P521; kind++)
            if (aps_str_eq(aps_str(group), aps_str(group_of((enum aps_alg_key)kind))))
                return (enum aps_alg_key)kind;
        return APS_ALG_KEY_NONE;
    default:
        return APS_ALG_KEY_NONE;
    }
}

/* Odd, and from 3 to 32 bits: with 1 every text has a signature. */
static bool is_exponent(const BIGNUM *e)
{
    return BN_is_odd(e) && !BN_is_one(e) && !BN_is_negative(e) &&
           BN_num_bits(e) <= RSA_EXPONENT_BITS_MAX;
}

static enum aps_err check_rsa(const EVP_PKEY *key, struct aps_diag *diag)
{
    BIGNUM *n = NULL, *e = NULL;
    bool read = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
                EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1;
    enum aps_err err = APS_ERR_RANGE;

    if (!read)
        err = APS_ERR_CRYPTO;
    else if (BN_num_bits(n) < RSA_BITS_MIN || BN_num_bits(n) > RSA_BITS_MAX)
        aps_err_explain(diag, "RSA key of %d bits: want %d to %d", BN_num_bits(n), RSA_BITS_MIN,
                        RSA_BITS_MAX);
    else if (!BN_is_odd(n) || !is_exponent(e))
        aps_err_explain(diag, "RSA key with an even modulus or a bad exponent: want an odd "
                              "exponent from 3 to 2^32-1, such as 65537");
    else if (aps_roca_is_weak(n))
        aps_err_explain(diag, "RSA key of a generator whose keys can be broken (CVE-2017-15361): "
                              "want a new one");
    else
        err = APS_OK;
    BN_free(n);
    BN_free(e);
    return err;
}

/* A curve by its name only: one that is spelled out could be another (CVE-2020-0601). */
static enum aps_err check_ec(EVP_PKEY *key, struct aps_diag *diag)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    int is_explicit = 1;
    /* These curves have a prime order, so a point on one that is not infinity is all right. */
    bool good = ctx != NULL &&
                EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                                       &is_explicit) == 1 &&
                is_explicit == 0 && EVP_PKEY_public_check_quick(ctx) == 1;

    EVP_PKEY_CTX_free(ctx);
    if (!good)
        aps_err_explain(diag, "EC key with a point that is not on its curve, or with a curve that "
                              "is not named: want P-256, P-384 or P-521");
    return good ? APS_OK : APS_ERR_FORMAT;
}

static enum aps_err check_okp(enum aps_alg_key kind, const EVP_PKEY *key, struct aps_diag *diag)
{
    unsigned char x[APS_EDWARDS_MAX];
    size_t n = sizeof x;

    if (EVP_PKEY_get_raw_public_key(key, x, &n) != 1)
        return APS_ERR_CRYPTO;
    if (aps_edwards_is_key(kind, x, n))
        return APS_OK;
    aps_err_explain(diag, "%s key with a point of small order or written in a second way",
                    aps_alg_key_name(kind));
    return APS_ERR_FORMAT;
}

static enum aps_err check(enum aps_alg alg, EVP_PKEY *key, struct aps_diag *diag)
{
    enum aps_alg_key kind = kind_of(key);
    bool pss = alg == APS_ALG_PS256 || alg == APS_ALG_PS384 || alg == APS_ALG_PS512;

    if (!aps_alg_fits(alg, kind) || (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA_PSS && !pss)) {
        aps_err_explain(diag, "%s wants a key of kind %s, and this is another", aps_alg_jose(alg),
                        aps_alg_key_name(aps_alg_key(alg)));
        return APS_ERR_FORMAT;
    }
    switch (kind) {
    case APS_ALG_KEY_RSA:
        return check_rsa(key, diag);
    case APS_ALG_KEY_P256:
    case APS_ALG_KEY_P384:
    case APS_ALG_KEY_P521:
        return check_ec(key, diag);
    default:
        return check_okp(kind, key, diag);
    }
}

/* Takes `key`, which may be NULL: `err` then says why. */
static enum aps_err finish(enum aps_alg alg, EVP_PKEY *key, enum aps_err err, EVP_PKEY **out,
                           struct aps_diag *diag)
{
    if (key != NULL && (err = check(alg, key, diag)) == APS_OK) {
        *out = key;
        key = NULL;
    }
    EVP_PKEY_free(key);
    return err;
}

static EVP_PKEY *from_params(const char *type, OSSL_PARAM_BLD *bld)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return key;
}

enum aps_err aps_pkey_rsa(enum aps_alg alg, struct aps_str n, struct aps_str e, EVP_PKEY **out,
                          struct aps_diag *diag)
{
    OSSL_PARAM_BLD *bld = NULL;
    BIGNUM *bn_n = NULL, *bn_e = NULL;
    EVP_PKEY *key = NULL;
    enum aps_err err = APS_OK;

    if (n.n == 0 || e.n == 0 || n.p[0] == 0 || e.p[0] == 0 || n.n > RSA_BITS_MAX / 8 ||
        e.n > RSA_EXPONENT_BITS_MAX / 8) {
        aps_err_explain(diag,
                        "RSA key with a modulus of %zu bytes and an exponent of %zu: want at "
                        "most %d and %d, and no leading zero",
                        n.n, e.n, RSA_BITS_MAX / 8, RSA_EXPONENT_BITS_MAX / 8);
        return APS_ERR_RANGE;
    }
    ERR_set_mark();
    bld = OSSL_PARAM_BLD_new();
    bn_n = BN_bin2bn((const unsigned char *)n.p, (int)n.n, NULL);
    bn_e = BN_bin2bn((const unsigned char *)e.p, (int)e.n, NULL);
    if (bld != NULL && bn_n != NULL && bn_e != NULL &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn_n) == 1 &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, bn_e) == 1)
        key = from_params("RSA", bld);
    BN_free(bn_n);
    BN_free(bn_e);
    OSSL_PARAM_BLD_free(bld);
    err = finish(alg, key, APS_ERR_CRYPTO, out, diag);
    (void)drop_errors(); /* `err` says it */
    return err;
}

enum aps_err aps_pkey_ec(enum aps_alg alg, struct aps_str x, struct aps_str y, EVP_PKEY **out,
                         struct aps_diag *diag)
{
    const enum aps_alg_key kind = aps_alg_key(alg);
    unsigned char point[1 + 2 * 66] = {POINT_CONVERSION_UNCOMPRESSED};
    OSSL_PARAM_BLD *bld = NULL;
    EVP_PKEY *key = NULL;
    enum aps_err err;
    size_t half = half_of(kind);

    if (group_of(kind) == NULL) {
        aps_err_explain(diag, "%s has no keys on a curve with two coordinates", aps_alg_jose(alg));
        return APS_ERR_FORMAT;
    }
    if (x.n != half || y.n != half) {
        aps_err_explain(diag, "%s key with coordinates of %zu and %zu bytes: want %zu each",
                        aps_alg_key_name(kind), x.n, y.n, half);
        return APS_ERR_FORMAT;
    }
    memcpy(point + 1, x.p, half);
    memcpy(point + 1 + half, y.p, half);
    ERR_set_mark();
    bld = OSSL_PARAM_BLD_new();
    if (bld != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, group_of(kind), 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * half) == 1)
        key = from_params("EC", bld);
    OSSL_PARAM_BLD_free(bld);
    if (key == NULL)
        aps_err_explain(diag, "%s key with a point that is not on the curve",
                        aps_alg_key_name(kind));
    err = finish(alg, key, APS_ERR_FORMAT, out, diag);
    if (drop_errors() == APS_ERR_NOMEM)
        err = APS_ERR_NOMEM;
    return err;
}

enum aps_err aps_pkey_okp(enum aps_alg alg, enum aps_alg_key kind, struct aps_str x, EVP_PKEY **out,
                          struct aps_diag *diag)
{
    const size_t want = kind == APS_ALG_KEY_ED448 ? 57 : 32;
    EVP_PKEY *key;
    enum aps_err err;

    if (!aps_alg_fits(alg, kind) || x.n != want) {
        aps_err_explain(diag, "%s key of %zu bytes: want %zu, and an algorithm for that curve",
                        aps_alg_key_name(kind), x.n, want);
        return APS_ERR_FORMAT;
    }
    ERR_set_mark();
    key = EVP_PKEY_new_raw_public_key_ex(NULL, kind == APS_ALG_KEY_ED448 ? "ED448" : "ED25519",
                                         NULL, (const unsigned char *)x.p, x.n);
    err = finish(alg, key, APS_ERR_CRYPTO, out, diag);
    (void)drop_errors(); /* `err` says it */
    return err;
}

/* Nobody is asked for a pass phrase. */
static int no_phrase(char *buf, int size, int writing, void *arg)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

static const struct aps_str public_labels[] = {{"PUBLIC KEY-----", 15}};
static const struct aps_str private_labels[] = {
    {"PRIVATE KEY-----", 16}, {"RSA PRIVATE KEY-----", 20}, {"EC PRIVATE KEY-----", 19}};

static bool starts_with_one_of(struct aps_str text, const struct aps_str *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (aps_str_starts(text, list[i]))
            return true;
    return false;
}

/* One block and of this kind: of several the wrong one could be meant. */
static bool is_block(struct aps_str pem, bool private)
{
    const struct aps_str begin = APS_STR_LIT("-----BEGIN ");
    bool found = false;

    if (pem.n > PEM_MAX || memchr(pem.p, '\0', pem.n) != NULL)
        return false;
    for (; pem.n > begin.n; pem.p++, pem.n--) {
        if (!aps_str_starts(pem, begin))
            continue;
        pem = (struct aps_str){pem.p + begin.n, pem.n - begin.n};
        if (found || !(private ? starts_with_one_of(pem, private_labels, 3)
                               : starts_with_one_of(pem, public_labels, 1)))
            return false;
        found = true;
    }
    return found;
}

static enum aps_err read_pem(enum aps_alg alg, struct aps_str pem, bool private, EVP_PKEY **out,
                             struct aps_diag *diag)
{
    const char *what = private ? "PRIVATE KEY, not encrypted" : "PUBLIC KEY";
    BIO *bio = NULL;
    EVP_PKEY *key = NULL;
    enum aps_err err;

    if (pem.n == 0 || !is_block(pem, private)) {
        aps_err_explain(diag, "want one PEM block and no other, of %s, and at most %d bytes", what,
                        PEM_MAX);
        return APS_ERR_FORMAT;
    }
    ERR_set_mark();
    if ((bio = BIO_new_mem_buf(pem.p, (int)pem.n)) != NULL)
        key = private ? PEM_read_bio_PrivateKey(bio, NULL, no_phrase, NULL)
                      : PEM_read_bio_PUBKEY(bio, NULL, no_phrase, NULL);
    BIO_free(bio);
    if (key == NULL)
        aps_err_explain(diag, "the PEM block cannot be read: want one of %s", what);
    err = finish(alg, key, APS_ERR_FORMAT, out, diag);
    if (drop_errors() == APS_ERR_NOMEM)
        err = APS_ERR_NOMEM;
    return err;
}

enum aps_err aps_pkey_public(enum aps_alg alg, struct aps_str pem, EVP_PKEY **out,
                             struct aps_diag *diag)
{
    return read_pem(alg, pem, false, out, diag);
}

enum aps_err aps_pkey_der(enum aps_alg alg, struct aps_str der, EVP_PKEY **out,
                          struct aps_diag *diag)
{
    const unsigned char *at = (const unsigned char *)der.p;
    EVP_PKEY *key = NULL;
    enum aps_err err;

    ERR_set_mark();
    if (der.n != 0 && der.n <= PEM_MAX)
        key = d2i_PUBKEY(NULL, &at, (long)der.n);
    if (key != NULL && at != (const unsigned char *)der.p + der.n) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    if (key == NULL)
        aps_err_explain(diag, "want a public key in DER, SubjectPublicKeyInfo, of at most %d bytes",
                        PEM_MAX);
    err = finish(alg, key, APS_ERR_FORMAT, out, diag);
    if (drop_errors() == APS_ERR_NOMEM)
        err = APS_ERR_NOMEM;
    return err;
}

enum aps_err aps_pkey_spki(EVP_PKEY *key, apr_pool_t *pool, struct aps_str *out)
{
    unsigned char *der = NULL, *copy;
    int n;

    ERR_set_mark();
    n = i2d_PUBKEY(key, &der);
    (void)drop_errors(); /* n says whether there was one */
    if (n <= 0)
        return APS_ERR_CRYPTO;
    copy = apr_pmemdup(pool, der, (size_t)n);
    OPENSSL_free(der);
    *out = (struct aps_str){(const char *)copy, (size_t)n};
    return APS_OK;
}

enum aps_err aps_pkey_private(enum aps_alg alg, struct aps_str pem, EVP_PKEY **out,
                              struct aps_diag *diag)
{
    return read_pem(alg, pem, true, out, diag);
}

static bool contains(struct aps_str text, struct aps_str word)
{
    for (size_t i = 0; i + word.n <= text.n; i++)
        if (memcmp(text.p + i, word.p, word.n) == 0)
            return true;
    return false;
}

static bool is_der(struct aps_str bytes)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    EVP_PKEY *key = NULL;

    if (bytes.n < 32 || bytes.n > PEM_MAX || p[0] != 0x30)
        return false;
    ERR_set_mark();
    key = d2i_PUBKEY(NULL, &p, (long)bytes.n);
    if (key == NULL) {
        p = (const unsigned char *)bytes.p;
        key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long)bytes.n);
    }
    ERR_pop_to_mark();
    EVP_PKEY_free(key);
    return key != NULL;
}

static bool is_public(struct aps_str bytes)
{
    return contains(bytes, APS_STR_LIT("-----BEGIN ")) || contains(bytes, APS_STR_LIT("\"kty\"")) ||
           aps_str_starts(bytes, APS_STR_LIT("ssh-")) ||
           aps_str_starts(bytes, APS_STR_LIT("ecdsa-sha2-")) || is_der(bytes);
}

enum aps_err aps_pkey_secret(enum aps_alg alg, struct aps_str secret, struct aps_diag *diag)
{
    const size_t least = aps_alg_hash_len(aps_alg_hash(alg));

    if (!aps_alg_fits(alg, APS_ALG_KEY_SECRET)) {
        aps_err_explain(diag, "%s wants a key of kind %s, and this is a secret", aps_alg_jose(alg),
                        aps_alg_key_name(aps_alg_key(alg)));
        return APS_ERR_FORMAT;
    }
    if (is_public(secret)) {
        aps_err_explain(diag, "a public key given as a secret: everybody has it");
        return APS_ERR_FORMAT;
    }
    if (secret.n < least || secret.n > SECRET_MAX) {
        aps_err_explain(diag, "secret of %zu bytes: %s wants %zu to %d", secret.n,
                        aps_alg_jose(alg), least, SECRET_MAX);
        return APS_ERR_RANGE;
    }
    return APS_OK;
}

size_t aps_pkey_sig_len(enum aps_alg alg, const EVP_PKEY *key)
{
    switch (kind_of(key)) {
    case APS_ALG_KEY_RSA:
        return (size_t)EVP_PKEY_get_size(key);
    case APS_ALG_KEY_ED25519:
        return 64;
    case APS_ALG_KEY_ED448:
        return 114;
    default:
        return 2 * half_of(aps_alg_key(alg));
    }
}

EVP_MD *aps_pkey_hash(enum aps_alg alg)
{
    switch (aps_alg_hash(alg)) {
    case APS_ALG_HASH_SHA256:
        return EVP_MD_fetch(NULL, "SHA256", NULL);
    case APS_ALG_HASH_SHA384:
        return EVP_MD_fetch(NULL, "SHA384", NULL);
    case APS_ALG_HASH_SHA512:
        return EVP_MD_fetch(NULL, "SHA512", NULL);
    case APS_ALG_HASH_NONE:
        break;
    }
    return NULL;
}

bool aps_pkey_ready(enum aps_alg alg, EVP_PKEY_CTX *ctx, const EVP_MD *md)
{
    if (EVP_PKEY_CTX_set_signature_md(ctx, md) != 1)
        return false;
    switch (alg) {
    case APS_ALG_RS256:
    case APS_ALG_RS384:
    case APS_ALG_RS512:
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
    case APS_ALG_PS256:
    case APS_ALG_PS384:
    case APS_ALG_PS512:
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
    default:
        return true;
    }
}
