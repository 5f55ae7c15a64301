/* tls_certificate.c - what is weak in a server's certificate. */
#include "apisec/tls.h"

#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "apisec/cert.h"

#define RSA_BITS_MIN 2048
#define EC_BITS_MIN 224
#define PEM_MAX (1024 * 1024)

/* A signature that whoever finds a collision can move to another certificate.  Of a root nobody
 * looks at it. */
static const char *weak_digest(X509 *x, apr_pool_t *pool)
{
    int digest = NID_undef;

    if ((X509_get_extension_flags(x) & EXFLAG_SS) != 0 ||
        X509_get_signature_info(x, &digest, NULL, NULL, NULL) != 1 ||
        (digest != NID_md5 && digest != NID_sha1 && digest != NID_md4))
        return NULL;
    return apr_psprintf(pool, "it is signed with %s", OBJ_nid2sn(digest));
}

static const char *weak_key(X509 *x, apr_pool_t *pool)
{
    EVP_PKEY *key = X509_get0_pubkey(x);
    const int bits = key != NULL ? EVP_PKEY_get_bits(key) : 0;

    if (key == NULL)
        return "its key cannot be read";
    if ((EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS") || EVP_PKEY_is_a(key, "DSA")) &&
        bits < RSA_BITS_MIN)
        return apr_psprintf(pool, "its %s key has %d bits, and %d are the least",
                            EVP_PKEY_get0_type_name(key), bits, RSA_BITS_MIN);
    return EVP_PKEY_is_a(key, "EC") && bits < EC_BITS_MIN
               ? apr_psprintf(pool, "its EC key has %d bits, and %d are the least", bits,
                              EC_BITS_MIN)
               : NULL;
}

static enum aps_err read_times(X509 *x, apr_pool_t *pool, struct aps_tls_certificate *out)
{
    unsigned char *der = NULL;
    struct aps_cert cert;
    const int n = i2d_X509(x, &der);
    enum aps_err err =
        n > 0 ? aps_cert_read((struct aps_str){(const char *)der, (size_t)n}, pool, &cert)
              : APS_ERR_FORMAT;

    OPENSSL_free(der);
    if (err != APS_OK)
        return err;
    out->from = cert.from;
    out->until = cert.until;
    return APS_OK;
}

enum aps_err aps_tls_certificate(struct aps_str pem, apr_pool_t *pool,
                                 struct aps_tls_certificate *out)
{
    struct aps_tls_certificate found = {NULL, 0, 0};
    enum aps_err err = APS_ERR_FORMAT;

    if (pem.n == 0 || pem.n > PEM_MAX)
        return APS_ERR_FORMAT;
    ERR_set_mark();
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    X509 *x = bio != NULL ? PEM_read_bio_X509_AUX(bio, NULL, NULL, (void *)"") : NULL;
    if (x != NULL)
        err = read_times(x, pool, &found);
    if (err == APS_OK && (found.weak = weak_key(x, pool)) == NULL)
        found.weak = weak_digest(x, pool);
    X509_free(x);
    BIO_free(bio);
    ERR_pop_to_mark();
    if (err == APS_OK)
        *out = found;
    return err;
}
