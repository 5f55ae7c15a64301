/* jwk.c - members of a JWK -> a key to verify with.
 *
 * Each reader of a part says whether to go on; the first that does not leaves the reason. */
#include "apisec/jwk.h"

#include <apr_strings.h>
#include <stdio.h>

#include "apisec/b64.h"
#include "apisec/secret.h"

enum {
    MEMBER_MAX = 24 * 1024, /* bytes of a member in base64url; a secret may have 16 KiB */
    OPS_MAX = 16,
};

struct job {
    const struct aps_jsonread *r;
    const struct aps_jsonread_node *object;
    const struct aps_jwk_options *options;
    apr_pool_t *pool;
    struct aps_jwk *out;
};

static bool refuse(struct job *job, const char *fmt, ...) APS_PRINTF(2, 3);

static bool refuse(struct job *job, const char *fmt, ...)
{
    struct aps_diag diag;
    char text[sizeof diag.text];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args); /* cut, if it is too long */
    va_end(args);
    aps_err_explain(&diag, "%s", text); /* nothing of the key reaches a log unescaped */
    job->out->why = apr_pstrdup(job->pool, diag.text);
    return false;
}

/* The member as text.  *out has a NULL pointer where there is none; false where it is no string. */
static bool text_of(struct job *job, const char *name, struct aps_str *out)
{
    const struct aps_jsonread_node *v = aps_jsonread_get(job->r, job->object, aps_str(name));

    *out = (struct aps_str){NULL, 0};
    if (v == NULL)
        return true;
    if (aps_jsonread_kind(v) != APS_JSON_STRING)
        return refuse(job, "%s: want a string", name);
    *out = aps_jsonread_str(job->r, v);
    return true;
}

/* A member that has to be there, and its bytes. */
static bool bytes_of(struct job *job, const char *name, struct aps_str *out_text,
                     struct aps_str *out)
{
    uint8_t *bytes;
    size_t n;

    if (!text_of(job, name, out_text))
        return false;
    if (out_text->p == NULL)
        return refuse(job, "%s: it is missing", name);
    if (out_text->n > MEMBER_MAX)
        return refuse(job, "%s: longer than %d bytes", name, MEMBER_MAX);
    bytes = apr_palloc(job->pool, APS_B64_DECODED_MAX(out_text->n));
    if (!aps_b64_url_decode(*out_text, bytes, &n))
        return refuse(job, "%s: want base64url without padding", name);
    *out = (struct aps_str){(const char *)bytes, n};
    return true;
}

static enum aps_alg_key kind_of_curve(struct aps_str kty, struct aps_str crv)
{
    static const enum aps_alg_key ec[] = {APS_ALG_KEY_P256, APS_ALG_KEY_P384, APS_ALG_KEY_P521};
    static const enum aps_alg_key okp[] = {APS_ALG_KEY_ED25519, APS_ALG_KEY_ED448};
    const bool is_ec = aps_str_eq(kty, APS_STR_LIT("EC"));
    const enum aps_alg_key *kinds = is_ec ? ec : okp;
    const size_t n = is_ec ? sizeof ec / sizeof *ec : sizeof okp / sizeof *okp;

    for (size_t i = 0; i < n; i++)
        if (aps_str_eq(crv, aps_str(aps_alg_key_name(kinds[i]))))
            return kinds[i];
    return APS_ALG_KEY_NONE;
}

static bool read_kind(struct job *job)
{
    struct aps_str kty, crv;

    if (!text_of(job, "kty", &kty) || !text_of(job, "crv", &crv))
        return false;
    if (aps_str_eq(kty, APS_STR_LIT("RSA")))
        job->out->kind = APS_ALG_KEY_RSA;
    else if (aps_str_eq(kty, APS_STR_LIT("oct")))
        job->out->kind = APS_ALG_KEY_SECRET;
    else if (aps_str_eq(kty, APS_STR_LIT("EC")) || aps_str_eq(kty, APS_STR_LIT("OKP")))
        job->out->kind = kind_of_curve(kty, crv);
    if (job->out->kind == APS_ALG_KEY_NONE)
        return refuse(
            job,
            "kty \"%.*s\", crv \"%.*s\": want RSA, EC on P-256, P-384 or P-521, or OKP on "
            "Ed25519 or Ed448",
            APS_STR_SHOW(kty), APS_STR_SHOW(crv));
    if (job->out->kind == APS_ALG_KEY_SECRET && !job->options->secrets)
        return refuse(job, "kty \"oct\": secrets are not taken here");
    return true;
}

static bool read_kid(struct job *job)
{
    if (!text_of(job, "kid", &job->out->kid))
        return false;
    if (job->out->kid.n > APS_JWK_KID_MAX)
        return refuse(job, "kid: longer than %d bytes", APS_JWK_KID_MAX);
    if (job->out->kid.p != NULL)
        job->out->kid = aps_str_copy(job->pool, job->out->kid);
    return true;
}

/* An array of different strings, one of them "verify". */
static bool read_ops(struct job *job, const struct aps_jsonread_node *ops)
{
    struct aps_str seen[OPS_MAX];
    size_t n = 0;

    if (aps_jsonread_kind(ops) != APS_JSON_ARRAY || aps_jsonread_count(ops) > OPS_MAX)
        return refuse(job, "key_ops: want an array of at most %d strings", OPS_MAX);
    for (const struct aps_jsonread_node *v = aps_jsonread_first(ops); v < aps_jsonread_end(ops);
         v = aps_jsonread_next(v)) {
        if (aps_jsonread_kind(v) != APS_JSON_STRING)
            return refuse(job, "key_ops: want an array of strings");
        if (aps_str_is_in(aps_jsonread_str(job->r, v), seen, n))
            return refuse(job, "key_ops: an operation is named twice");
        seen[n++] = aps_jsonread_str(job->r, v);
    }
    return aps_str_is_in(APS_STR_LIT("verify"), seen, n) ||
           refuse(job, "key_ops: \"verify\" is not among them");
}

static bool read_use(struct job *job)
{
    const struct aps_jsonread_node *ops =
        aps_jsonread_get(job->r, job->object, APS_STR_LIT("key_ops"));
    struct aps_str use;

    if (!text_of(job, "use", &use))
        return false;
    if (use.p != NULL && !aps_str_eq(use, APS_STR_LIT("sig")))
        return refuse(job, "use \"%.*s\": want \"sig\"", APS_STR_SHOW(use));
    return ops == NULL || read_ops(job, ops);
}

/* The first allowed algorithm that fits the key; if `only` is one, that or none. */
static enum aps_alg choose(const struct aps_jwk_options *options, enum aps_alg_key kind,
                           enum aps_alg only)
{
    for (size_t i = 0; i < options->nalgs; i++)
        if (aps_alg_fits(options->algs[i], kind) &&
            (only == APS_ALG_NONE || options->algs[i] == only))
            return options->algs[i];
    return APS_ALG_NONE;
}

static bool read_alg(struct job *job)
{
    struct aps_str name;
    enum aps_alg only = APS_ALG_NONE;

    if (!text_of(job, "alg", &name))
        return false;
    if (name.p != NULL && (only = aps_alg_from_jose(name)) == APS_ALG_NONE)
        return refuse(job, "alg \"%.*s\": no such algorithm here", APS_STR_SHOW(name));
    job->out->alg = choose(job->options, job->out->kind, only);
    if (job->out->alg != APS_ALG_NONE)
        return true;
    if (only == APS_ALG_NONE)
        return refuse(job, "no algorithm that is allowed fits a key of kind %s",
                      aps_alg_key_name(job->out->kind));
    return refuse(job, "alg \"%.*s\": not allowed, or not for a key of kind %s", APS_STR_SHOW(name),
                  aps_alg_key_name(job->out->kind));
}

/* RFC 7518 6.2.2, 6.3.2, 6.4.1, RFC 8037 2. */
static bool has_private(struct job *job)
{
    static const char *const names[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (aps_jsonread_get(job->r, job->object, aps_str(names[i])) != NULL)
            return true;
    return false;
}

static apr_status_t free_key(void *key)
{
    aps_verify_free(key);
    return APR_SUCCESS;
}

/* Keep the key that was made, or the reason why none was. */
static bool keep(struct job *job, enum aps_err err, struct aps_verify_key *const *key,
                 const struct aps_diag *diag)
{
    if (err != APS_OK)
        return refuse(job, "%s", aps_err_say(err, diag));
    apr_pool_cleanup_register(job->pool, *key, free_key, apr_pool_cleanup_null);
    job->out->key = *key;
    return true;
}

static bool set_thumbprint(struct job *job, const char *json)
{
    return aps_digest_sum(aps_str(json), job->out->thumbprint) == APS_OK ||
           refuse(job, "SHA-256 cannot be computed");
}

/* Texts in base64url need no escape and are the one spelling of their bytes, so the members as they
 * are written make the canonical JSON of RFC 7638 3. */
static bool make_rsa(struct job *job)
{
    struct aps_str n_text, e_text, n, e;
    struct aps_verify_key *key = NULL;
    struct aps_diag diag = {{0}};

    if (!bytes_of(job, "n", &n_text, &n) || !bytes_of(job, "e", &e_text, &e) ||
        !set_thumbprint(job,
                        apr_psprintf(job->pool, "{\"e\":\"%.*s\",\"kty\":\"RSA\",\"n\":\"%.*s\"}",
                                     APS_STR_ARG(e_text), APS_STR_ARG(n_text))))
        return false;
    return keep(job, aps_verify_rsa(job->out->alg, n, e, &key, &diag), &key, &diag);
}

static bool make_ec(struct job *job)
{
    struct aps_str x_text, y_text, x, y;
    struct aps_verify_key *key = NULL;
    struct aps_diag diag = {{0}};

    if (!bytes_of(job, "x", &x_text, &x) || !bytes_of(job, "y", &y_text, &y) ||
        !set_thumbprint(
            job, apr_psprintf(
                     job->pool, "{\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"%.*s\",\"y\":\"%.*s\"}",
                     aps_alg_key_name(job->out->kind), APS_STR_ARG(x_text), APS_STR_ARG(y_text))))
        return false;
    return keep(job, aps_verify_ec(job->out->alg, x, y, &key, &diag), &key, &diag);
}

static bool make_okp(struct job *job)
{
    struct aps_str x_text, x;
    struct aps_verify_key *key = NULL;
    struct aps_diag diag = {{0}};

    if (!bytes_of(job, "x", &x_text, &x) ||
        !set_thumbprint(job,
                        apr_psprintf(job->pool, "{\"crv\":\"%s\",\"kty\":\"OKP\",\"x\":\"%.*s\"}",
                                     aps_alg_key_name(job->out->kind), APS_STR_ARG(x_text))))
        return false;
    return keep(job, aps_verify_okp(job->out->alg, job->out->kind, x, &key, &diag), &key, &diag);
}

static bool make_secret(struct job *job)
{
    struct aps_str k_text, k;
    struct aps_verify_key *key = NULL;
    struct aps_diag diag = {{0}};
    bool good;

    if (!bytes_of(job, "k", &k_text, &k))
        return false;
    good = keep(job, aps_verify_secret(job->out->alg, k, &key, &diag), &key, &diag);
    aps_secret_cleanse((char *)(uintptr_t)k.p, k.n); /* ours, from bytes_of */
    return good;
}

static bool make(struct job *job)
{
    switch (job->out->kind) {
    case APS_ALG_KEY_RSA:
        return make_rsa(job);
    case APS_ALG_KEY_P256:
    case APS_ALG_KEY_P384:
    case APS_ALG_KEY_P521:
        return make_ec(job);
    case APS_ALG_KEY_ED25519:
    case APS_ALG_KEY_ED448:
        return make_okp(job);
    case APS_ALG_KEY_SECRET:
        return make_secret(job);
    default:
        return refuse(job, "no key");
    }
}

void aps_jwk_read(const struct aps_jsonread *r, const struct aps_jsonread_node *object,
                  const struct aps_jwk_options *options, apr_pool_t *pool, struct aps_jwk *out)
{
    struct job job = {r, object, options, pool, out};

    *out = (struct aps_jwk){.key = NULL};
    if (aps_jsonread_kind(object) != APS_JSON_OBJECT) {
        (void)refuse(&job, "a key that is no object");
        return;
    }
    out->has_private = has_private(&job);
    /* What fails has left its reason, and the key stays NULL. */
    (void)(read_kid(&job) && read_kind(&job) && read_use(&job) && read_alg(&job) && make(&job));
}

void aps_jwk_pem(struct aps_str pem, const struct aps_jwk_options *options, apr_pool_t *pool,
                 struct aps_jwk *out)
{
    struct job job = {.options = options, .pool = pool, .out = out};
    struct aps_verify_key *key = NULL;
    struct aps_diag diag = {"no algorithm is allowed"};
    enum aps_err err = APS_ERR_FORMAT;

    *out = (struct aps_jwk){.key = NULL};
    for (size_t i = 0; i < options->nalgs && err == APS_ERR_FORMAT; i++)
        if ((err = aps_verify_pem(options->algs[i], pem, &key, &diag)) == APS_OK)
            out->alg = options->algs[i];
    out->kind = aps_alg_key(out->alg);
    (void)keep(&job, err, &key, &diag); /* or its reason */
}
