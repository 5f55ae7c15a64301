/* A DPoP field from outside.  After the first byte: 'f', the field itself; else two lines: members
 * of the header beside typ, alg and a good jwk, and the claims, which are signed here with that
 * key. */
#include <stdlib.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <apisec/b64.h>
#include <apisec/dpop.h>
#include <apisec/sign.h>

#define NOW (1700000000 * APS_SEC)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* RFC 8037 A.1 */
static const char private[] = "-----BEGIN PRIVATE KEY-----\n"
                              "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
                              "-----END PRIVATE KEY-----\n";
#define HEADER                                                                                     \
    "{\"typ\":\"dpop+jwt\",\"alg\":\"EdDSA\",\"jwk\":{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"  \
    "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static char *b64(apr_pool_t *pool, struct aps_str s)
{
    char *text = apr_pcalloc(pool, APS_B64_ENCODED_MAX(s.n) + 1);

    (void)aps_b64_url_encode(s, text);
    return text;
}

static struct aps_str sign(apr_pool_t *pool, struct aps_str lines)
{
    struct aps_sign_key *key = NULL;
    struct aps_str more = {NULL, 0};
    uint8_t sig[APS_SIGN_MAX];
    size_t n = 0;
    char *header, *text;

    (void)aps_str_next(&lines, '\n', &more); /* or there is none */
    header = apr_psprintf(pool, HEADER "%.*s}", APS_STR_ARG(more));
    text = apr_pstrcat(pool, b64(pool, aps_str(header)), ".", b64(pool, lines), NULL);
    expect(aps_sign_pem(APS_ALG_EDDSA, aps_str(private), &key, NULL) == APS_OK);
    expect(aps_sign(key, aps_str(text), sig, &n) == APS_OK);
    aps_sign_free(key);
    return aps_str(
        apr_pstrcat(pool, text, ".", b64(pool, (struct aps_str){(const char *)sig, n}), NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned char hash_key[APS_SIPHASH_KEY_LEN] = "fuzz";
    static const struct aps_dpop_need need = {.method = {"GET", 3},
                                              .target = {"https://a.example/x", 19},
                                              .access_token = {"t", 1},
                                              .before = APS_DPOP_BEFORE,
                                              .after = APS_DPOP_AFTER};
    struct aps_str field = {(const char *)data + 1, size - 1};
    struct aps_dpop proof, again;
    enum aps_token verdict;
    apr_pool_t *pool;

    if (size == 0 || apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    if (data[0] != 'f')
        field = sign(pool, field);
    verdict = aps_dpop(field, &need, NOW, hash_key, pool, &proof, NULL);
    expect(verdict != APS_TOKEN_UNDECIDED && verdict != APS_TOKEN_INTERNAL);
    expect(verdict == aps_dpop(field, &need, NOW, hash_key, pool, &again, NULL));
    if (verdict == APS_TOKEN_OK) {
        expect(proof.jti.n != 0 && proof.jti.n <= APS_DPOP_JTI_MAX);
        expect(proof.until > NOW &&
               proof.until <= NOW + APS_DPOP_BEFORE + APS_DPOP_AFTER + APS_SEC);
        expect(memcmp(proof.use, again.use, sizeof proof.use) == 0);
        expect(aps_dpop(field, &need, proof.until, hash_key, pool, &again, NULL) ==
               APS_TOKEN_PROOF_TIME);
    }
    apr_pool_destroy(pool);
    return 0;
}
