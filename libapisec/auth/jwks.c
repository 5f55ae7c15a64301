/* jwks.c - a set of keys, and the one that is meant. */
#include "apisec/jwks.h"

#include <apr_strings.h>

/* Certificates, which stand in many a set, are long; nothing in a key is deep. */
static const struct aps_jsonread_options limits = {
    .bytes_max = APS_JWKS_BYTES_MAX,
    .depth_max = 8,
    .nodes_max = 20000,
    .string_max = 64 * 1024,
    .members_max = 100,
    .items_max = 1000,
    .digits_max = 100,
};

static enum aps_err read_json(struct aps_jsonread *r, struct aps_str text, struct aps_diag *diag)
{
    enum aps_jsonread_fault fault = aps_jsonread(r, text, &limits);

    if (fault == APS_JSONREAD_OK)
        return APS_OK;
    aps_jsonread_fault_explain(r, diag);
    return fault == APS_JSONREAD_NOMEM   ? APS_ERR_NOMEM
           : fault >= APS_JSONREAD_BYTES ? APS_ERR_RANGE
                                         : APS_ERR_FORMAT;
}

static bool is_mixed(const struct aps_jwk *keys, size_t n)
{
    bool secrets = false, others = false;

    for (size_t i = 0; i < n; i++) {
        secrets = secrets || keys[i].kind == APS_ALG_KEY_SECRET;
        others = others || (keys[i].kind != APS_ALG_KEY_SECRET && keys[i].kind != APS_ALG_KEY_NONE);
    }
    return secrets && others;
}

static enum aps_err finish(const struct aps_jwk *keys, size_t n,
                           const struct aps_jwks_options *options, struct aps_jwks *out,
                           struct aps_diag *diag)
{
    struct aps_jwks set = {keys, n, 0};

    if (options->jwk.secrets && !options->mixed && is_mixed(keys, n)) {
        aps_err_explain(diag, "secrets beside public keys in one set: want one kind of them, "
                              "since whoever knows the secret could sign for everybody");
        return APS_ERR_CONFLICT;
    }
    for (size_t i = 0; i < n; i++)
        set.usable += keys[i].key != NULL;
    if (set.usable == 0) {
        aps_err_explain(diag, "no key that can be used: %s",
                        n != 0 ? keys[0].why : "there is none");
        return APS_ERR_NOT_FOUND;
    }
    *out = set;
    return APS_OK;
}

enum aps_err aps_jwks_read(struct aps_str text, const struct aps_jwks_options *options,
                           const unsigned char hash_key[APS_SIPHASH_KEY_LEN], apr_pool_t *pool,
                           struct aps_jwks *out, struct aps_diag *diag)
{
    const struct aps_jsonread_node *root, *list, *v;
    struct aps_jsonread r;
    struct aps_jwk *keys;
    enum aps_err err;
    size_t n = 1, at = 0;

    aps_jsonread_init(&r, pool, hash_key);
    if ((err = read_json(&r, text, diag)) != APS_OK)
        return err;
    root = aps_jsonread_root(&r);
    list = aps_jsonread_get(&r, root, APS_STR_LIT("keys"));
    if (list != NULL ? aps_jsonread_kind(list) != APS_JSON_ARRAY
                     : aps_jsonread_get(&r, root, APS_STR_LIT("kty")) == NULL) {
        aps_err_explain(diag, "neither a set of keys, {\"keys\":[...]}, nor a key with \"kty\"");
        return APS_ERR_FORMAT;
    }
    if (list != NULL && (n = aps_jsonread_count(list)) > APS_JWKS_KEYS_MAX) {
        aps_err_explain(diag, "%zu keys in one set: want at most %d", n, APS_JWKS_KEYS_MAX);
        return APS_ERR_RANGE;
    }
    keys = apr_pcalloc(pool, (n + 1) * sizeof *keys);
    v = list != NULL ? aps_jsonread_first(list) : root;
    for (; at < n; at++, v = aps_jsonread_next(v))
        aps_jwk_read(&r, v, &options->jwk, pool, &keys[at]);
    return finish(keys, n, options, out, diag);
}

enum aps_err aps_jwks_pem(struct aps_str pem, const struct aps_jwks_options *options,
                          apr_pool_t *pool, struct aps_jwks *out, struct aps_diag *diag)
{
    struct aps_jwk *key = apr_pcalloc(pool, sizeof *key);

    aps_jwk_pem(pem, &options->jwk, pool, key);
    return finish(key, 1, options, out, diag);
}

/* What the keys come to that have this kid; without one (.p is NULL), those that have none, or all
 * if `any`.  One that is broken cannot be used, and still two could be meant. */
static enum aps_jwks_found look(const struct aps_jwks *set, enum aps_alg alg, struct aps_str kid,
                                bool any, const struct aps_jwk **out)
{
    const struct aps_jwk *one = NULL;
    bool other = false;

    for (size_t i = 0; i < set->nkeys; i++) {
        const struct aps_jwk *key = &set->keys[i];
        const bool meant =
            any || ((key->kid.p == NULL) == (kid.p == NULL) && aps_str_eq(key->kid, kid));

        if (!meant || key->alg == APS_ALG_NONE)
            continue;
        if (key->alg != alg) {
            other = true;
            continue;
        }
        if (one != NULL)
            return APS_JWKS_AMBIGUOUS;
        one = key;
    }
    if (one == NULL)
        return other ? APS_JWKS_OTHER_ALG : APS_JWKS_UNKNOWN;
    if (one->key == NULL)
        return APS_JWKS_UNKNOWN;
    *out = one;
    return APS_JWKS_FOUND;
}

enum aps_jwks_found aps_jwks_find(const struct aps_jwks *set, enum aps_alg alg, struct aps_str kid,
                                  const struct aps_jwk **out)
{
    const struct aps_str nameless = {NULL, 0};
    enum aps_jwks_found found = look(set, alg, kid, kid.p == NULL, out);

    return found != APS_JWKS_UNKNOWN ? found : look(set, alg, nameless, false, out);
}

bool aps_jwks_usable(const struct aps_jwks_life *life, aps_nsec fetched, aps_nsec now)
{
    return fetched <= now && now - fetched < life->ttl + life->max_stale;
}

bool aps_jwks_due(const struct aps_jwks_life *life, aps_nsec fetched, aps_nsec tried, bool unknown,
                  aps_nsec now)
{
    const bool old = fetched > now || now - fetched >= life->ttl;

    return (old || unknown) && (tried > now || now - tried >= life->min_interval);
}
