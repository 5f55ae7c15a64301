/* t_token.h - tokens made for tests. */
#ifndef T_TOKEN_H
#define T_TOKEN_H

#include "t.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>

#include "apisec/b64.h"
#include "apisec/sign.h"
#include "t_keys.h"

#define T_SECRET "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const unsigned char t_hash_key[16] = "a key of a test";

static apr_pool_t *t_pool;

static inline int t_pool_setup(void **state)
{
    (void)state;
    return apr_initialize() != APR_SUCCESS || apr_pool_create(&t_pool, NULL) != APR_SUCCESS;
}

static inline int t_pool_teardown(void **state)
{
    (void)state;
    apr_pool_destroy(t_pool);
    apr_terminate();
    return 0;
}

static inline char *t_b64(const void *p, size_t n)
{
    char *text = apr_pcalloc(t_pool, APS_B64_ENCODED_MAX(n) + 1);

    (void)aps_b64_url_encode((struct aps_str){p, n}, text);
    return text;
}

/* The private key that belongs to t_jwk_X for this algorithm; NULL for a MAC. */
static inline const char *t_private_of(enum aps_alg alg)
{
    switch (aps_alg_key(alg)) {
    case APS_ALG_KEY_RSA:
        return t_private_rsa;
    case APS_ALG_KEY_P256:
        return t_private_p256;
    case APS_ALG_KEY_P384:
        return t_private_p384;
    case APS_ALG_KEY_P521:
        return t_private_p521;
    case APS_ALG_KEY_ED448:
        return t_private_ed448;
    case APS_ALG_KEY_ED25519:
    case APS_ALG_KEY_EDWARDS:
        return t_private_ed25519;
    default:
        return NULL;
    }
}

/* Sign `text` in the way of `alg`, whatever the text says; base64url. */
static inline char *t_signature(enum aps_alg alg, const char *text)
{
    struct aps_sign_key *key = NULL;
    uint8_t out[APS_SIGN_MAX];
    size_t n = 0;

    if (t_private_of(alg) == NULL)
        assert_int_equal(aps_sign_secret(alg, APS_STR_LIT(T_SECRET), &key, NULL), APS_OK);
    else
        assert_int_equal(aps_sign_pem(alg, aps_str(t_private_of(alg)), &key, NULL), APS_OK);
    assert_int_equal(aps_sign(key, aps_str(text), out, &n), APS_OK);
    aps_sign_free(key);
    return t_b64(out, n);
}

/* A token of these texts, which need not be JSON. */
static inline struct aps_str t_token(enum aps_alg alg, const char *header, const char *claims)
{
    char *text = apr_pstrcat(t_pool, t_b64(header, strlen(header)), ".",
                             t_b64(claims, strlen(claims)), NULL);

    return aps_str(apr_pstrcat(t_pool, text, ".", t_signature(alg, text), NULL));
}

#endif
