/* alg.c - the table of algorithms. */
#include "apisec/alg.h"

static const struct row {
    enum aps_alg_key key;
    enum aps_alg_hash hash;
    const char *jose;
    const char *httpsig;
} rows[APS_ALG_COUNT] = {
    [APS_ALG_NONE] = {APS_ALG_KEY_NONE, APS_ALG_HASH_NONE, "none", NULL},
#define A(name, key, hash, jose, httpsig)                                                          \
    [APS_ALG_##name] = {APS_ALG_KEY_##key, APS_ALG_HASH_##hash, jose, httpsig},
#include "apisec/alg.def"
#undef A
};

static const struct row *row_of(enum aps_alg alg)
{
    return &rows[(unsigned)alg < APS_ALG_COUNT ? alg : APS_ALG_NONE];
}

enum aps_alg aps_alg_from_jose(struct aps_str name)
{
    for (unsigned i = APS_ALG_NONE + 1; i < APS_ALG_COUNT; i++)
        if (aps_str_eq(name, aps_str(rows[i].jose)))
            return (enum aps_alg)i;
    return APS_ALG_NONE;
}

enum aps_alg aps_alg_from_httpsig(struct aps_str name)
{
    for (unsigned i = APS_ALG_NONE + 1; i < APS_ALG_COUNT; i++)
        if (rows[i].httpsig != NULL && aps_str_eq(name, aps_str(rows[i].httpsig)))
            return (enum aps_alg)i;
    return APS_ALG_NONE;
}

const char *aps_alg_jose(enum aps_alg alg)
{
    return row_of(alg)->jose;
}

const char *aps_alg_httpsig(enum aps_alg alg)
{
    return row_of(alg)->httpsig;
}

enum aps_alg_key aps_alg_key(enum aps_alg alg)
{
    return row_of(alg)->key;
}

enum aps_alg_hash aps_alg_hash(enum aps_alg alg)
{
    return row_of(alg)->hash;
}

bool aps_alg_fits(enum aps_alg alg, enum aps_alg_key kind)
{
    enum aps_alg_key want = row_of(alg)->key;

    if (want == APS_ALG_KEY_EDWARDS)
        return kind == APS_ALG_KEY_ED25519 || kind == APS_ALG_KEY_ED448;
    return kind != APS_ALG_KEY_NONE && kind == want;
}

const char *aps_alg_key_name(enum aps_alg_key kind)
{
    static const char *const names[] = {
        [APS_ALG_KEY_NONE] = "no key",
        [APS_ALG_KEY_SECRET] = "secret",
        [APS_ALG_KEY_RSA] = "RSA",
        [APS_ALG_KEY_P256] = "P-256",
        [APS_ALG_KEY_P384] = "P-384",
        [APS_ALG_KEY_P521] = "P-521",
        [APS_ALG_KEY_ED25519] = "Ed25519",
        [APS_ALG_KEY_ED448] = "Ed448",
        [APS_ALG_KEY_EDWARDS] = "Ed25519 or Ed448",
    };

    return names[(unsigned)kind < sizeof names / sizeof *names ? kind : APS_ALG_KEY_NONE];
}

size_t aps_alg_hash_len(enum aps_alg_hash hash)
{
    switch (hash) {
    case APS_ALG_HASH_SHA256:
        return 32;
    case APS_ALG_HASH_SHA384:
        return 48;
    case APS_ALG_HASH_SHA512:
        return 64;
    case APS_ALG_HASH_NONE:
        break;
    }
    return 0;
}
