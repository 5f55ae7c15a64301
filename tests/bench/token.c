/* token.c - judge a token that is seen for the first time, beside OpenSSL verifying its signature
 * and nothing else, for counting what the rest costs. usage: token ALG COUNT ours|openssl
 *
 * Under callgrind with --toggle-collect=measured: COUNT times the one or the other.  Prints COUNT.
 */
#include <apr_general.h>
#include <apr_strings.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>

#include "../unit/t_keys.h"
#include "apisec/b64.h"
#include "apisec/jwt.h"
#include "apisec/sign.h"

#define NOW (1700000000 * APS_SEC)
#define CLAIMS                                                                                     \
    "{\"iss\":\"https://issuer.example\",\"sub\":\"9f0c7f3e-1d1c-4a55-8d8e-0b4b3c6a1f52\","        \
    "\"aud\":[\"https://api.example\"],\"exp\":1700000600,\"iat\":1699999999,\"jti\":"             \
    "\"3d5c8b1e7f\",\"client_id\":\"web\",\"scope\":\"orders:read orders:write\",\"groups\":"      \
    "[\"staff\",\"sales\"]}"

static const unsigned char hash_key[APS_SIPHASH_KEY_LEN] = "bench";

/* One token and all that either side needs, made before anything is counted. */
static struct work {
    apr_pool_t *pool;
    enum aps_alg alg;
    struct aps_str token;
    struct aps_jwks set;
    struct aps_jwt_issuer issuer;
    EVP_PKEY *pkey;
    struct aps_str text, sig; /* what is signed; the signature as OpenSSL has it */
} work;

static const struct pair {
    const char *alg, *private, *public;
} pairs[] = {
    {"RS256", t_private_rsa, t_public_rsa},           {"PS256", t_private_rsa, t_public_rsa},
    {"ES256", t_private_p256, t_public_p256},         {"ES384", t_private_p384, t_public_p384},
    {"Ed25519", t_private_ed25519, t_public_ed25519},
};

static void want(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "token: %s\n", what);
    exit(1);
}

static char *b64(struct aps_str s)
{
    char *text = apr_pcalloc(work.pool, APS_B64_ENCODED_MAX(s.n) + 1);

    (void)aps_b64_url_encode(s, text); /* ended by a NUL already */
    return text;
}

static void make_token(const struct pair *p)
{
    struct aps_sign_key *key = NULL;
    uint8_t *sig = apr_palloc(work.pool, APS_SIGN_MAX);
    size_t n = 0;
    char *header =
        apr_psprintf(work.pool, "{\"alg\":\"%s\",\"typ\":\"at+jwt\",\"kid\":\"2024-a\"}", p->alg);
    char *text = apr_pstrcat(work.pool, b64(aps_str(header)), ".", b64(APS_STR_LIT(CLAIMS)), NULL);

    want(aps_sign_pem(work.alg, aps_str(p->private), &key, NULL) == APS_OK &&
             aps_sign(key, aps_str(text), sig, &n) == APS_OK,
         "cannot sign");
    aps_sign_free(key);
    work.text = aps_str(text);
    work.sig = (struct aps_str){(char *)sig, n};
    work.token = aps_str(apr_pstrcat(work.pool, text, ".", b64(work.sig), NULL));
}

static void make_ours(const struct pair *p)
{
    static const struct aps_str audience = {"https://api.example", 19}, groups[] = {{"groups", 6}};
    static struct aps_claimrule rules[2];
    const struct aps_jwks_options options = {{&work.alg, 1, false}, false};

    rules[0] = aps_claimrule_scope;
    rules[1] = (struct aps_claimrule){groups, 1, APS_CLAIMRULE_ROLE, {NULL, 0}, {NULL, 0}};
    want(aps_jwks_pem(aps_str(p->public), &options, work.pool, &work.set, NULL) == APS_OK,
         "cannot read the key");
    work.issuer = (struct aps_jwt_issuer){.claims = {.iss = APS_STR_LIT("https://issuer.example"),
                                                     .audiences = &audience,
                                                     .naudiences = 1,
                                                     .leeway = 30 * APS_SEC,
                                                     .profile = true,
                                                     .rules = rules,
                                                     .nrules = 2},
                                          .algs = &work.alg,
                                          .nalgs = 1,
                                          .keys = &work.set};
}

/* ECDSA's signatures are DER there, so one is made anew. */
static void make_openssl(const struct pair *p)
{
    BIO *public = BIO_new_mem_buf(p->public, -1), *private = BIO_new_mem_buf(p->private, -1);
    EVP_PKEY *signer = PEM_read_bio_PrivateKey(private, NULL, NULL, NULL);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char *sig = apr_palloc(work.pool, APS_SIGN_MAX);
    size_t n = APS_SIGN_MAX;

    work.pkey = PEM_read_bio_PUBKEY(public, NULL, NULL, NULL);
    BIO_free(public);
    BIO_free(private);
    if (aps_alg_hash_len(aps_alg_hash(work.alg)) != 0 && aps_alg_key(work.alg) != APS_ALG_KEY_RSA) {
        const EVP_MD *md = work.alg == APS_ALG_ES256 ? EVP_sha256() : EVP_sha384();

        want(EVP_DigestSignInit(ctx, NULL, md, NULL, signer) == 1 &&
                 EVP_DigestSign(ctx, sig, &n, (const unsigned char *)work.text.p, work.text.n) == 1,
             "OpenSSL cannot sign");
        work.sig = (struct aps_str){(char *)sig, n};
    }
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(signer);
}

static bool judge_openssl(void)
{
    const EVP_MD *md = aps_alg_hash(work.alg) == APS_ALG_HASH_SHA256   ? EVP_sha256()
                       : aps_alg_hash(work.alg) == APS_ALG_HASH_SHA384 ? EVP_sha384()
                                                                       : NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx = NULL;
    bool good = EVP_DigestVerifyInit(ctx, &pctx, md, NULL, work.pkey) == 1;

    if (good && work.alg == APS_ALG_PS256)
        good = EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1;
    good = good && EVP_DigestVerify(ctx, (const unsigned char *)work.sig.p, work.sig.n,
                                    (const unsigned char *)work.text.p, work.text.n) == 1;
    EVP_MD_CTX_free(ctx);
    return good;
}

static bool judge_ours(void)
{
    apr_pool_t *pool = NULL;
    struct aps_jwt jwt;
    bool good;

    if (apr_pool_create(&pool, work.pool) != APR_SUCCESS)
        return false;
    good = aps_jwt(&work.issuer, 1, work.token, NOW, hash_key, pool, &jwt, NULL, NULL) ==
               APS_TOKEN_OK &&
           jwt.claims.scopes.n == 2 && jwt.claims.roles.n == 2;
    apr_pool_destroy(pool);
    return good;
}

bool measured(bool ours);

__attribute__((noinline)) bool measured(bool ours)
{
    return ours ? judge_ours() : judge_openssl();
}

int main(int argc, char **argv)
{
    const struct pair *p = NULL;
    bool ours = argc == 4 && strcmp(argv[3], "ours") == 0;
    long count = argc == 4 ? strtol(argv[2], NULL, 10) : 0;

    for (size_t i = 0; argc == 4 && i < sizeof pairs / sizeof *pairs; i++)
        if (strcmp(argv[1], pairs[i].alg) == 0)
            p = &pairs[i];
    want(p != NULL && count > 0, "usage: token ALG COUNT ours|openssl");
    want(apr_initialize() == APR_SUCCESS && apr_pool_create(&work.pool, NULL) == APR_SUCCESS,
         "no pool");
    work.alg = aps_alg_from_jose(aps_str(p->alg));
    make_token(p);
    make_ours(p);
    make_openssl(p);
    want(judge_ours() && judge_openssl(), "the token is not judged good");
    for (long i = 0; i < count; i++)
        want(measured(ours), "the token is not judged good");
    printf("%ld\n", count);
    EVP_PKEY_free(work.pkey);
    apr_terminate();
    return 0;
}
