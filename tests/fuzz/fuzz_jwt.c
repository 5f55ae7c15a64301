/* A token from outside.  After the first byte: 't', the token itself; else two lines, header and
 * claims, which are signed here with the issuer's secret, so that what stands behind the signature
 * is reached.  What is judged good keeps what was asked of it; what is not says why. */
#include <stdlib.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <apisec/b64.h>
#include <apisec/introspect.h>
#include <apisec/jwt.h>
#include <apisec/mac.h>

#define SECRET "0123456789abcdef0123456789abcdef"
#define NOW (1700000000 * APS_SEC)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
    struct aps_str header, sum_text;
    struct aps_mac *mac = NULL;
    uint8_t sum[APS_MAC_LEN];
    char *text;

    if (!aps_str_next(&lines, '\n', &header))
        header = lines;
    text = apr_pstrcat(pool, b64(pool, header), ".", b64(pool, lines), NULL);
    expect(aps_mac_new(SECRET, sizeof SECRET - 1, &mac) == APS_OK);
    expect(aps_mac_sum(mac, aps_str(text), sum) == APS_OK);
    aps_mac_free(mac);
    sum_text = (struct aps_str){(const char *)sum, sizeof sum};
    return aps_str(apr_pstrcat(pool, text, ".", b64(pool, sum_text), NULL));
}

static void check_list(const struct aps_claimrule_list *list, size_t max)
{
    expect(list->n <= max);
    for (size_t i = 0; i < list->n; i++)
        for (size_t j = 0; j < i; j++)
            expect(!aps_str_eq(list->items[i], list->items[j]));
}

static void check_claims(const struct aps_claims *c)
{
    expect(c->sub.n != 0 || c->client_id.n != 0);
    expect((c->exp == -1 || c->exp + 30 * APS_SEC > NOW) && c->nbf <= NOW + 30 * APS_SEC &&
           c->iat <= NOW + 30 * APS_SEC);
    expect(c->exp <= (((int64_t)1 << 33) + 1) * APS_SEC);
    check_list(&c->roles, APS_CLAIMRULE_ROLES_MAX);
    check_list(&c->scopes, APS_CLAIMRULE_SCOPES_MAX);
    for (size_t i = 0; i < c->roles.n; i++)
        expect(aps_str_is_name(c->roles.items[i]));
    for (size_t i = 0; i < c->scopes.n; i++)
        expect(c->scopes.items[i].n != 0 &&
               memchr(c->scopes.items[i].p, ' ', c->scopes.items[i].n) == NULL);
}

static void check(const struct aps_jwt *jwt)
{
    expect(jwt->jws.alg == APS_ALG_HS256 && jwt->key != NULL && !jwt->jws.brings_key);
    expect(aps_str_eq(jwt->claims.iss, APS_STR_LIT("i")) && jwt->claims.exp != -1);
    check_claims(&jwt->claims);
}

static void judge_answer(struct aps_str text, const struct aps_claims_policy *policy,
                         const unsigned char *hash_key, apr_pool_t *pool)
{
    struct aps_jsonread reader;
    struct aps_claims claims;
    enum aps_token verdict =
        aps_introspect(text, policy, NOW, hash_key, pool, &reader, &claims, NULL);

    expect(verdict != APS_TOKEN_UNDECIDED && verdict != APS_TOKEN_INTERNAL);
    if (verdict == APS_TOKEN_OK)
        check_claims(&claims);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned char hash_key[APS_SIPHASH_KEY_LEN] = "fuzz";
    static const enum aps_alg algs[] = {APS_ALG_HS256};
    static const struct aps_str audience = {"a", 1}, roles[] = {{"groups", 6}};
    const struct aps_claimrule rules[] = {aps_claimrule_scope,
                                          {roles, 1, APS_CLAIMRULE_ROLE, {NULL, 0}, {NULL, 0}}};
    const struct aps_jwks_options options = {{algs, 1, true}, false};
    struct aps_str text = {(const char *)data + 1, size - 1};
    struct aps_jwks set;
    struct aps_jwt_issuer issuer = {.claims = {.iss = {"i", 1},
                                               .audiences = &audience,
                                               .naudiences = 1,
                                               .leeway = 30 * APS_SEC,
                                               .checks_jkt = true,
                                               .checks_x5t = true,
                                               .rules = rules,
                                               .nrules = 2},
                                    .algs = algs,
                                    .nalgs = 1,
                                    .plain = true,
                                    .keys = &set};
    struct aps_claims_trace trace;
    struct aps_diag diag;
    struct aps_jwt jwt;
    enum aps_token verdict;
    apr_pool_t *pool;

    if (size == 0 || apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    expect(aps_jwks_read(APS_STR_LIT("{\"kty\":\"oct\",\"k\":"
                                     "\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"}"),
                         &options, hash_key, pool, &set, NULL) == APS_OK);
    judge_answer(text, &issuer.claims, hash_key, pool);
    if (data[0] != 't' && data[0] != 'a')
        text = sign(pool, text);
    issuer.claims.profile = data[0] == 'p';
    verdict = aps_jwt(&issuer, 1, text, NOW, hash_key, pool, &jwt, &trace, &diag);
    expect(verdict != APS_TOKEN_UNDECIDED && verdict != APS_TOKEN_INTERNAL);
    expect(data[0] == 't' || data[0] == 'a' || verdict != APS_TOKEN_SIGNATURE);
    expect(trace.n == 0 || trace.n == 11);
    if (verdict == APS_TOKEN_OK)
        check(&jwt);
    expect(verdict == aps_jwt(&issuer, 1, text, NOW, hash_key, pool, &jwt, NULL, NULL));
    apr_pool_destroy(pool);
    return 0;
}
