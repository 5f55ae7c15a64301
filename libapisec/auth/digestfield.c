/* digestfield.c - digests of content in fields. */
#include "apisec/digestfield.h"

#include <stdlib.h>

#include "apisec/secret.h"
#include "apisec/sf.h"

static const struct aps_str sha256 = {"sha-256", 7}, sha512 = {"sha-512", 7};

/* The digest of this name, if there is one. */
static bool read_one(const struct aps_sf *members, struct aps_str name, uint8_t *out, size_t n,
                     bool *out_has, struct aps_diag *diag)
{
    const struct aps_sf *v = aps_sf_get(members, name);

    *out_has = v != NULL;
    if (v == NULL)
        return true;
    if (v->kind != APS_SF_BYTES || v->text.n != n) {
        aps_err_explain(diag, "digest %.*s: want %zu bytes in base64 between colons",
                        APS_STR_ARG(name), n);
        return false;
    }
    memcpy(out, v->text.p, n);
    return true;
}

enum aps_err aps_digestfield_read(struct aps_str field, apr_pool_t *pool,
                                  struct aps_digestfield *out, struct aps_diag *diag)
{
    struct aps_digestfield d = {0};
    struct aps_sf *members;
    enum aps_err err = aps_sf_read(field, APS_SF_DICTIONARY, &aps_sf_wide, pool, &members, diag);

    if (err != APS_OK)
        return err;
    if (!read_one(members, sha256, d.sha256, sizeof d.sha256, &d.has_sha256, diag) ||
        !read_one(members, sha512, d.sha512, sizeof d.sha512, &d.has_sha512, diag))
        return APS_ERR_FORMAT;
    if (!d.has_sha256 && !d.has_sha512) {
        aps_err_explain(diag, "digest field \"%.*s\": want sha-256 or sha-512",
                        APS_STR_SHOW(field));
        return APS_ERR_NOT_FOUND;
    }
    *out = d;
    return APS_OK;
}

struct aps_digestfield_run {
    struct aps_digestfield want;
    struct aps_digest_run *sha256, *sha512; /* NULL: not asked for */
};

static void give_up(struct aps_digest_run *run)
{
    if (aps_digest_end_hash(run, NULL) != APS_OK)
        return; /* it is freed, and nobody asks for it */
}

enum aps_err aps_digestfield_begin(const struct aps_digestfield *want,
                                   struct aps_digestfield_run **out)
{
    struct aps_digestfield_run *run = calloc(1, sizeof *run);
    enum aps_err err = APS_ERR_NOMEM;

    if (run == NULL)
        goto out;
    run->want = *want;
    if (want->has_sha256 &&
        (err = aps_digest_begin_hash(APS_ALG_HASH_SHA256, &run->sha256)) != APS_OK)
        goto out;
    if (want->has_sha512 &&
        (err = aps_digest_begin_hash(APS_ALG_HASH_SHA512, &run->sha512)) != APS_OK)
        goto out;
    *out = run;
    run = NULL;
    err = APS_OK;
out:
    if (run != NULL)
        give_up(run->sha256);
    free(run);
    return err;
}

void aps_digestfield_add(struct aps_digestfield_run *run, const void *p, size_t n)
{
    if (run->sha256 != NULL)
        aps_digest_add(run->sha256, p, n);
    if (run->sha512 != NULL)
        aps_digest_add(run->sha512, p, n);
}

/* Ends one of them; ands to `*all` whether it is there and matches. */
static enum aps_err end_one(struct aps_digest_run *run, const uint8_t *want, size_t n, bool *all)
{
    uint8_t sum[APS_DIGEST_MAX];
    enum aps_err err;

    if (run == NULL)
        return APS_OK;
    if ((err = aps_digest_end_hash(run, sum)) != APS_OK)
        return err;
    *all = *all && aps_secret_equal(sum, want, n);
    return APS_OK;
}

enum aps_err aps_digestfield_end(struct aps_digestfield_run *run)
{
    enum aps_err first, second;
    bool all;

    if (run == NULL)
        return APS_ERR_CHECK;
    all = run->want.has_sha256 || run->want.has_sha512;
    first = end_one(run->sha256, run->want.sha256, sizeof run->want.sha256, &all);
    second = end_one(run->sha512, run->want.sha512, sizeof run->want.sha512, &all);
    free(run);
    if (first != APS_OK || second != APS_OK)
        return APS_ERR_CRYPTO;
    return all ? APS_OK : APS_ERR_CHECK;
}

enum aps_err aps_digestfield_check(const struct aps_digestfield *want, struct aps_str content)
{
    struct aps_digestfield_run *run = NULL;
    enum aps_err err = aps_digestfield_begin(want, &run);

    if (err != APS_OK)
        return err;
    aps_digestfield_add(run, content.p, content.n);
    return aps_digestfield_end(run);
}

enum aps_err aps_digestfield_print(enum aps_alg_hash hash, struct aps_str content,
                                   struct aps_buf *to)
{
    struct aps_sf v = {.kind = APS_SF_BYTES, .key = hash == APS_ALG_HASH_SHA256 ? sha256 : sha512};
    struct aps_digest_run *run = NULL;
    uint8_t sum[APS_DIGEST_MAX];
    enum aps_err err;

    if (hash != APS_ALG_HASH_SHA256 && hash != APS_ALG_HASH_SHA512)
        return APS_ERR_RANGE;
    if ((err = aps_digest_begin_hash(hash, &run)) != APS_OK)
        return err;
    aps_digest_add(run, content.p, content.n);
    if ((err = aps_digest_end_hash(run, sum)) != APS_OK)
        return err;
    v.text = (struct aps_str){(const char *)sum, aps_alg_hash_len(hash)};
    return aps_sf_print(&v, APS_SF_DICTIONARY, to, NULL);
}

/* The preference for this name, 0 if it has none. */
static bool read_preference(const struct aps_sf *members, struct aps_str name, int64_t *out,
                            struct aps_diag *diag)
{
    const struct aps_sf *v = aps_sf_get(members, name);

    *out = v != NULL ? v->number : 0;
    if (v == NULL || (v->kind == APS_SF_INTEGER && v->number >= 0 && v->number <= 10))
        return true;
    aps_err_explain(diag, "preference for %.*s: want an integer from 0 to 10", APS_STR_ARG(name));
    return false;
}

enum aps_err aps_digestfield_wanted(struct aps_str field, apr_pool_t *pool, enum aps_alg_hash *out,
                                    struct aps_diag *diag)
{
    struct aps_sf *members;
    int64_t of256, of512;
    enum aps_err err = aps_sf_read(field, APS_SF_DICTIONARY, &aps_sf_wide, pool, &members, diag);

    if (err != APS_OK)
        return err;
    if (!read_preference(members, sha256, &of256, diag) ||
        !read_preference(members, sha512, &of512, diag))
        return APS_ERR_FORMAT;
    *out = of512 > of256 ? APS_ALG_HASH_SHA512
           : of256 > 0   ? APS_ALG_HASH_SHA256
                         : APS_ALG_HASH_NONE;
    return APS_OK;
}
