/* A set of keys from outside: what can be used verifies nothing that was not signed, is bound to an
 * algorithm that is allowed, and is found by its kid or is one of several; what cannot says why. */
#include <stdlib.h>
#include <apr_general.h>
#include <apisec/jwks.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static void check(const struct aps_jwks *set, const struct aps_jwk *key)
{
    static char zeros[1024];
    const struct aps_jwk *found = NULL;
    enum aps_jwks_found how;

    expect((key->key == NULL) == (key->why != NULL));
    if (key->key == NULL) {
        expect(key->why[0] != '\0');
        return;
    }
    expect(aps_verify_alg(key->key) == key->alg && aps_alg_fits(key->alg, key->kind));
    expect(key->kid.n <= APS_JWK_KID_MAX);
    for (size_t n = 32; n <= sizeof zeros; n *= 2)
        expect(aps_verify(key->key, APS_STR_LIT("text"), (struct aps_str){zeros, n}) ==
               APS_ERR_CHECK);
    how = aps_jwks_find(set, key->alg, key->kid, &found);
    expect(how == APS_JWKS_AMBIGUOUS || (how == APS_JWKS_FOUND && found == key));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum aps_alg algs[] = {APS_ALG_RS256,   APS_ALG_ES256, APS_ALG_ES384,
                                        APS_ALG_ES512,   APS_ALG_PS512, APS_ALG_HS256,
                                        APS_ALG_ED25519, APS_ALG_ED448, APS_ALG_EDDSA};
    static const unsigned char hash_key[APS_SIPHASH_KEY_LEN] = "fuzz";
    const struct aps_jwks_options options = {{algs, sizeof algs / sizeof *algs, true}, true};
    struct aps_str text = {(const char *)data, size};
    struct aps_diag diag = {{0}};
    struct aps_jwks set;
    struct aps_jwk pem;
    apr_pool_t *pool;

    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    if (aps_jwks_read(text, &options, hash_key, pool, &set, &diag) != APS_OK) {
        expect(diag.text[0] != '\0');
    } else {
        expect(set.usable != 0 && set.usable <= set.nkeys);
        for (size_t i = 0; i < set.nkeys; i++)
            check(&set, &set.keys[i]);
    }
    aps_jwk_pem(text, &options.jwk, pool, &pem);
    expect((pem.key == NULL) == (pem.why != NULL));
    apr_pool_destroy(pool);
    return 0;
}
