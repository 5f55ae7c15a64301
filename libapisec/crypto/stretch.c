/* stretch.c - a key from a passphrase: scrypt, Argon2id and PBKDF2 over EVP_KDF. */
#include "apisec/stretch.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <stdio.h>

#include "apisec/num.h"

enum { KEY_LEN = 32, MIB = 1024 * 1024 };

/* One cost: its name in the text, the least and most that is taken, and what new files get. */
struct cost {
    const char *name; /* NULL: there is none */
    uint32_t min, max, usual;
};

/* The least: OWASP's table for scrypt (n * p is judged too, below) and 19 MiB with two passes for
 * Argon2id; the most: 1 GiB, and some ten seconds.  The usual of Argon2id is the second choice of
 * RFC 9106 4. */
static const struct kind {
    const char *name, *algorithm;
    struct cost cost[APS_STRETCH_COSTS];
} kinds[] = {
    [APS_STRETCH_SCRYPT] = {"scrypt",
                            "SCRYPT",
                            {{"n", 1u << 15, 1u << 20, 1u << 17}, {"r", 8, 8, 8}, {"p", 1, 8, 1}}},
    [APS_STRETCH_ARGON2ID] = {"argon2id",
                              "ARGON2ID",
                              {{"m", 19456, 1048576, 65536}, {"t", 2, 16, 3}, {"p", 1, 8, 4}}},
    [APS_STRETCH_PBKDF2] = {"pbkdf2-sha256",
                            "PBKDF2",
                            {{"i", 600000, 10000000, 600000}, {NULL, 0, 0, 0}, {NULL, 0, 0, 0}}},
};

_Static_assert(sizeof kinds / sizeof *kinds == APS_STRETCH_KINDS, "one row for each kind");

/* ---- names and numbers ---- */

bool aps_stretch_is_there(enum aps_stretch_kind kind)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, kinds[kind].algorithm, NULL);
    EVP_KDF_free(kdf);
    return kdf != NULL;
}

enum aps_stretch_kind aps_stretch_usual(void)
{
    return aps_stretch_is_there(APS_STRETCH_SCRYPT) ? APS_STRETCH_SCRYPT : APS_STRETCH_PBKDF2;
}

struct aps_stretch aps_stretch_make(enum aps_stretch_kind kind)
{
    struct aps_stretch s = {.kind = kind};
    for (size_t i = 0; i < APS_STRETCH_COSTS; i++)
        s.cost[i] = kinds[kind].cost[i].usual;
    return s;
}

const char *aps_stretch_name(enum aps_stretch_kind kind)
{
    return kinds[kind].name;
}

enum aps_err aps_stretch_parse_name(struct aps_str name, enum aps_stretch_kind *out,
                                    struct aps_diag *diag)
{
    for (size_t i = 0; i < APS_STRETCH_KINDS; i++) {
        if (aps_str_eq(name, aps_str(kinds[i].name))) {
            *out = (enum aps_stretch_kind)i;
            return APS_OK;
        }
    }
    aps_err_explain(diag, "\"%.*s\": want scrypt, argon2id or pbkdf2-sha256", APS_STR_SHOW(name));
    return APS_ERR_FORMAT;
}

void aps_stretch_print(const struct aps_stretch *s, char out[APS_STRETCH_TEXT_MAX])
{
    const struct kind *kind = &kinds[s->kind];
    int n = snprintf(out, APS_STRETCH_TEXT_MAX, "%s$", kind->name);
    for (size_t i = 0; i < APS_STRETCH_COSTS && kind->cost[i].name != NULL; i++)
        n += snprintf(out + n, APS_STRETCH_TEXT_MAX - (size_t)n, "%s%s=%u", i != 0 ? "," : "",
                      kind->cost[i].name, s->cost[i]);
}

/* ---- bounds ---- */

static enum aps_err out_of_range(const struct kind *kind, const struct cost *cost, uint64_t value,
                                 struct aps_diag *diag)
{
    aps_err_explain(diag, "%s with %s=%llu: want %u to %u", kind->name, cost->name,
                    (unsigned long long)value, cost->min, cost->max);
    return APS_ERR_RANGE;
}

enum aps_err aps_stretch_check(const struct aps_stretch *s, struct aps_diag *diag)
{
    if ((unsigned)s->kind >= APS_STRETCH_KINDS)
        return APS_ERR_RANGE;
    const struct kind *kind = &kinds[s->kind];
    const uint32_t *v = s->cost;
    for (size_t i = 0; i < APS_STRETCH_COSTS; i++)
        if (v[i] < kind->cost[i].min || v[i] > kind->cost[i].max)
            return kind->cost[i].name != NULL ? out_of_range(kind, &kind->cost[i], v[i], diag)
                                              : APS_ERR_RANGE;
    if (s->kind != APS_STRETCH_SCRYPT)
        return APS_OK;
    /* OWASP: n=2^17 with p=1, 2^16 with 2, 2^15 with 3. */
    uint32_t passes = v[0] >= 1u << 17 ? 1 : v[0] >= 1u << 16 ? 2 : 3;
    if ((v[0] & (v[0] - 1)) == 0 && v[2] >= passes)
        return APS_OK;
    aps_err_explain(diag,
                    "scrypt with n=%u, p=%u: want n a power of two, and p at least 3 with n=32768, "
                    "2 with n=65536",
                    v[0], v[2]);
    return APS_ERR_RANGE;
}

/* ---- reading ---- */

static enum aps_err malformed(struct aps_diag *diag)
{
    aps_err_explain(diag, "the costs of a passphrase: want such as scrypt$n=131072,r=8,p=1, "
                          "argon2id$m=65536,t=3,p=4 or pbkdf2-sha256$i=600000");
    return APS_ERR_FORMAT;
}

static bool read_cost(struct aps_str *rest, const struct cost *cost, uint32_t *out)
{
    struct aps_str word, name = aps_str(cost->name);
    uint64_t value = 0;

    if (!aps_str_next(rest, ',', &word) || word.n < name.n + 2 || !aps_str_starts(word, name) ||
        word.p[name.n] != '=')
        return false;
    word = (struct aps_str){word.p + name.n + 1, word.n - name.n - 1};
    if (aps_num_parse(word, 0, UINT32_MAX, &value, NULL) != APS_OK)
        return false;
    *out = (uint32_t)value;
    return true;
}

enum aps_err aps_stretch_parse(struct aps_str text, struct aps_stretch *out, struct aps_diag *diag)
{
    struct aps_stretch s = {.kind = APS_STRETCH_SCRYPT};
    struct aps_str rest = text, name;
    char again[APS_STRETCH_TEXT_MAX];
    enum aps_err err;

    if (text.n >= APS_STRETCH_TEXT_MAX || !aps_str_next(&rest, '$', &name) ||
        aps_stretch_parse_name(name, &s.kind, NULL) != APS_OK)
        return malformed(diag);
    for (size_t i = 0; i < APS_STRETCH_COSTS && kinds[s.kind].cost[i].name != NULL; i++)
        if (!read_cost(&rest, &kinds[s.kind].cost[i], &s.cost[i]))
            return malformed(diag);
    if ((err = aps_stretch_check(&s, diag)) != APS_OK)
        return err;
    aps_stretch_print(&s, again); /* one text for one meaning: nothing behind, nothing doubled */
    if (!aps_str_eq(text, aps_str(again)))
        return malformed(diag);
    *out = s;
    return APS_OK;
}

/* ---- computing ---- */

/* What the three take beside passphrase and salt; names as OpenSSL has them, of which 3.0 knows
 * those of Argon2 by no macro. */
struct numbers {
    uint64_t n, maxmem;
    uint32_t a, b, c, threads;
    char digest[sizeof "SHA256"]; /* OpenSSL does not write through it */
};

static void add_numbers(const struct aps_stretch *s, struct numbers *v, OSSL_PARAM *p)
{
    const uint32_t *cost = s->cost;

    *v = (struct numbers){
        .n = cost[0],
        .a = cost[0],
        .b = cost[1],
        .c = cost[2],
        .threads = 1,
        .digest = "SHA256",
    };
    if (s->kind == APS_STRETCH_SCRYPT) {
        /* By default it refuses what needs more than 32 MiB (SEC-11). */
        v->maxmem = 128 * v->n * cost[1] + (uint64_t)128 * cost[1] * cost[2] + MIB;
        *p++ = OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &v->n);
        *p++ = OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &v->b);
        *p++ = OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &v->c);
        *p++ = OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &v->maxmem);
    } else if (s->kind == APS_STRETCH_ARGON2ID) {
        *p++ = OSSL_PARAM_construct_uint32("memcost", &v->a);
        *p++ = OSSL_PARAM_construct_uint32("iter", &v->b);
        *p++ = OSSL_PARAM_construct_uint32("lanes", &v->c);
        *p++ = OSSL_PARAM_construct_uint32("threads", &v->threads);
    } else {
        *p++ = OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_ITER, &v->n);
        *p++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, v->digest, 0);
    }
    *p = OSSL_PARAM_construct_end();
}

static enum aps_err absent(const struct aps_stretch *s, struct aps_diag *diag)
{
    aps_err_explain(diag,
                    "this OpenSSL, as it is configured, has no %s: argon2id needs 3.2 or later, "
                    "and FIPS mode has pbkdf2-sha256 alone",
                    kinds[s->kind].name);
    return APS_ERR_CRYPTO;
}

enum aps_err aps_stretch(const struct aps_stretch *s, struct aps_str passphrase,
                         const uint8_t salt[APS_STRETCH_SALT_LEN], struct aps_secret *out,
                         struct aps_diag *diag)
{
    struct aps_secret key = {0};
    struct numbers numbers;
    OSSL_PARAM params[7];
    enum aps_err err = aps_stretch_check(s, diag);

    if (err != APS_OK || (err = aps_secret_new(KEY_LEN, &key)) != APS_OK)
        return err;
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, kinds[s->kind].algorithm, NULL);
    EVP_KDF_CTX *ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    /* For scrypt and PBKDF2 the passphrase is "pass", and so it is for Argon2. */
    params[0] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD,
                                                  (void *)(uintptr_t)passphrase.p, passphrase.n);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt,
                                                  APS_STRETCH_SALT_LEN);
    add_numbers(s, &numbers, params + 2);
    if (kdf == NULL)
        err = absent(s, diag);
    else if (ctx == NULL || EVP_KDF_derive(ctx, key.b, key.n, params) != 1) {
        aps_err_explain(diag, "%s could not be computed: is there memory enough?",
                        kinds[s->kind].name);
        err = APS_ERR_CRYPTO;
    }
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    if (err == APS_OK)
        *out = key;
    else
        aps_secret_wipe(&key);
    return err;
}
