/* jwkpem.c - members of a private JWK -> DER -> PEM. */
#include "jwkpem.h"

#include <apr_strings.h>

#include "apisec/b64.h"

enum {
    DER_MAX = 6 * 1024, /* RSA of 8192 bits has less than 5 KiB */
    TEXT_MAX = 1400,    /* characters of its longest member */
    LINE = 48,          /* bytes on a line of PEM */
    TAG_INT = 0x02,     /* X.690 8.1.2 */
    TAG_OCTETS = 0x04,
    TAG_SEQUENCE = 0x30,
    TAG_0 = 0xa0,
};

struct jwk {
    const struct aps_jsonread *r;
    const struct aps_jsonread_node *object;
    uint8_t *p; /* the DER so far, DER_MAX bytes of room */
    size_t n;
    const char *fault; /* the member that is missing or wrong; NULL: none */
};

/* ---- DER ---- */

static void put(struct jwk *k, const void *bytes, size_t n)
{
    if (DER_MAX - k->n < n + 8) { /* with room for what wraps it */
        k->fault = "size";
        return;
    }
    memcpy(k->p + k->n, bytes, n);
    k->n += n;
}

/* What was put from `start` on becomes the contents of one value. */
static void wrap(struct jwk *k, size_t start, uint8_t tag)
{
    const size_t n = k->n - start;
    uint8_t head[4] = {tag, (uint8_t)n};
    size_t head_n = 2;

    if (n > 0xff) {
        head[1] = 0x82;
        head[2] = (uint8_t)(n >> 8);
        head[3] = (uint8_t)n;
        head_n = 4;
    } else if (n > 0x7f) {
        head[1] = 0x81;
        head[2] = (uint8_t)n;
        head_n = 3;
    }
    if (DER_MAX - k->n < head_n) {
        k->fault = "size";
        return;
    }
    memmove(k->p + start + head_n, k->p + start, n);
    memcpy(k->p + start, head, head_n);
    k->n += head_n;
}

static void put_small(struct jwk *k, uint8_t value)
{
    put(k, (const uint8_t[]){TAG_INT, 1, value}, 3);
}

/* ---- Members ---- */

static struct aps_str text_of(const struct jwk *k, const char *name)
{
    const struct aps_jsonread_node *v = aps_jsonread_get(k->r, k->object, aps_str(name));

    if (v == NULL || aps_jsonread_kind(v) != APS_JSON_STRING)
        return (struct aps_str){NULL, 0};
    return aps_jsonread_str(k->r, v);
}

/* The bytes of a member, as a value of this tag. */
static void put_member(struct jwk *k, const char *name, uint8_t tag)
{
    const struct aps_str text = text_of(k, name);
    const size_t start = k->n;
    uint8_t bytes[APS_B64_DECODED_MAX(TEXT_MAX)];
    size_t n = 0;

    if (text.n == 0 || text.n > TEXT_MAX || !aps_b64_url_decode(text, bytes, &n) || n == 0) {
        k->fault = name;
    } else {
        if (tag == TAG_INT && (bytes[0] & 0x80) != 0)
            put(k, "", 1); /* it is no negative number */
        put(k, bytes, n);
        wrap(k, start, tag);
    }
    aps_secret_cleanse(bytes, sizeof bytes);
}

/* ---- Kinds ---- */

static const char *put_rsa(struct jwk *k)
{
    static const char *const names[] = {"n", "e", "d", "p", "q", "dp", "dq", "qi"};

    put_small(k, 0);
    for (size_t i = 0; i < sizeof names / sizeof *names && k->fault == NULL; i++)
        put_member(k, names[i], TAG_INT);
    wrap(k, 0, TAG_SEQUENCE);
    return "RSA PRIVATE KEY";
}

/* RFC 5915 3; the point is computed from the key. */
static const char *put_ec(struct jwk *k)
{
    static const uint8_t p256[] = {0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7};
    static const uint8_t p384[] = {0x06, 5, 0x2b, 0x81, 4, 0, 34};
    const bool is_p256 = aps_str_eq(text_of(k, "crv"), APS_STR_LIT("P-256"));
    size_t start;

    if (!is_p256 && !aps_str_eq(text_of(k, "crv"), APS_STR_LIT("P-384")))
        k->fault = "crv";
    put_small(k, 1);
    put_member(k, "d", TAG_OCTETS);
    start = k->n;
    put(k, is_p256 ? p256 : p384, is_p256 ? sizeof p256 : sizeof p384);
    wrap(k, start, TAG_0);
    wrap(k, 0, TAG_SEQUENCE);
    return "EC PRIVATE KEY";
}

/* RFC 8410 7. */
static const char *put_okp(struct jwk *k)
{
    static const uint8_t alg[] = {TAG_SEQUENCE, 5, 0x06, 3, 0x2b, 0x65, 0x70};
    size_t start;

    if (!aps_str_eq(text_of(k, "crv"), APS_STR_LIT("Ed25519")))
        k->fault = "crv";
    put_small(k, 0);
    put(k, alg, sizeof alg);
    start = k->n;
    put_member(k, "d", TAG_OCTETS);
    wrap(k, start, TAG_OCTETS);
    wrap(k, 0, TAG_SEQUENCE);
    return "PRIVATE KEY";
}

static void print_pem(const struct jwk *k, const char *label, struct aps_secret *out)
{
    char *p = (char *)out->b;
    int n = apr_snprintf(p, 64, "-----BEGIN %s-----\n", label);

    p += n;
    for (size_t at = 0; at < k->n; at += LINE) {
        size_t part = k->n - at < LINE ? k->n - at : LINE;

        p += aps_b64_encode((struct aps_str){(const char *)k->p + at, part}, p);
        *p++ = '\n';
    }
    n = apr_snprintf(p, 64, "-----END %s-----\n", label);
    out->n = (size_t)(p + n - (char *)out->b);
}

static enum aps_err put_secret(struct jwk *k, struct aps_secret *out)
{
    const struct aps_str text = text_of(k, "k");
    enum aps_err err;
    size_t n = 0;

    if (text.n == 0) {
        k->fault = "k";
        return APS_OK;
    }
    if ((err = aps_secret_new(APS_B64_DECODED_MAX(text.n), out)) != APS_OK)
        return err;
    if (!aps_b64_url_decode(text, out->b, &n) || n == 0)
        k->fault = "k";
    out->n = n;
    return APS_OK;
}

static enum aps_err put_pem(struct jwk *k, struct aps_str kty, struct aps_secret *out)
{
    struct aps_secret der = {0};
    const char *label = NULL;
    enum aps_err err = aps_secret_new(DER_MAX, &der);

    if (err != APS_OK)
        return err;
    k->p = der.b;
    if (aps_str_eq(kty, APS_STR_LIT("RSA")))
        label = put_rsa(k);
    else if (aps_str_eq(kty, APS_STR_LIT("EC")))
        label = put_ec(k);
    else if (aps_str_eq(kty, APS_STR_LIT("OKP")))
        label = put_okp(k);
    else
        k->fault = "kty";
    if (k->fault == NULL && (err = aps_secret_new(2 * (size_t)DER_MAX, out)) == APS_OK)
        print_pem(k, label, out);
    aps_secret_wipe(&der);
    return err;
}

enum aps_err ctl_jwkpem(const struct aps_jsonread *r, const struct aps_jsonread_node *object,
                        struct aps_secret *out, struct aps_diag *diag)
{
    struct jwk k = {.r = r, .object = object};
    const struct aps_str kty = text_of(&k, "kty");
    struct aps_secret made = {0};
    enum aps_err err =
        aps_str_eq(kty, APS_STR_LIT("oct")) ? put_secret(&k, &made) : put_pem(&k, kty, &made);

    if (err == APS_OK && k.fault != NULL) {
        aps_err_explain(diag,
                        "the JWK's member %s: want a private key of kty RSA with n, e, d, p, q, "
                        "dp, dq and qi, EC with crv P-256 or P-384 and d, OKP with crv Ed25519 "
                        "and d, or oct with k",
                        k.fault);
        err = APS_ERR_FORMAT;
    }
    if (err == APS_OK)
        *out = made;
    else
        aps_secret_wipe(&made);
    return err;
}
