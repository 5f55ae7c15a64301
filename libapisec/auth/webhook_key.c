/* webhook_key.c - secrets of webhooks, as their senders show them. */
#include "webhook_key.h"

#include <stdlib.h>

#include "apisec/b64.h"
#include "apisec/secret.h"

enum {
    SECRET_MIN = 24, /* bytes of one that is made today */
    STANDARD_MAX = 64,
    SECRET_MAX = 1024,
};

/* Without a start that may be there. */
static bool cut(struct aps_str *text, struct aps_str start)
{
    if (!aps_str_starts(*text, start))
        return false;
    *text = (struct aps_str){text->p + start.n, text->n - start.n};
    return true;
}

/* A secret in base64, whose padding may be missing. */
static bool decode_secret(struct aps_str text, uint8_t out[SECRET_MAX], size_t *out_n)
{
    char padded[SECRET_MAX + 3];
    size_t n = text.n;

    if (n == 0 || n > SECRET_MAX)
        return false;
    memcpy(padded, text.p, n);
    while (n % 4 != 0 && n < text.n + 2)
        padded[n++] = '=';
    return aps_b64_decode((struct aps_str){padded, n}, out, out_n);
}

static enum aps_err refuse_form(struct aps_diag *diag)
{
    aps_err_explain(diag,
                    "want a secret as its sender shows it: for standard whsec_ and base64, or "
                    "whpk_ and a public key; else 1 to %d bytes",
                    SECRET_MAX);
    return APS_ERR_FORMAT;
}

static enum aps_err read_standard(struct aps_str secret, struct aps_webhook_key *key,
                                  struct aps_diag *diag)
{
    const bool public = cut(&secret, APS_STR_LIT("whpk_"));
    uint8_t bytes[SECRET_MAX];
    enum aps_err err;
    size_t n = 0;

    if (!public)
        (void)cut(&secret, APS_STR_LIT("whsec_")); /* it may be missing */
    if (!decode_secret(secret, bytes, &n))
        return refuse_form(diag);
    if (public)
        err = aps_verify_okp(APS_ALG_ED25519, APS_ALG_KEY_ED25519,
                             (struct aps_str){(char *)bytes, n}, &key->public, diag);
    else
        err = aps_mac_new(bytes, n, &key->mac);
    aps_secret_cleanse(bytes, sizeof bytes);
    return err;
}

enum aps_err aps_webhook_key(enum aps_webhook_scheme scheme, struct aps_str secret,
                             struct aps_webhook_key **out, struct aps_diag *diag)
{
    struct aps_webhook_key *key;
    enum aps_err err;

    if (scheme == APS_WEBHOOK_SCHEME_NONE)
        return refuse_form(diag);
    if (secret.n == 0 || secret.n > SECRET_MAX) {
        (void)refuse_form(diag); /* the sentence says both */
        return APS_ERR_RANGE;
    }
    if ((key = calloc(1, sizeof *key)) == NULL)
        return APS_ERR_NOMEM;
    err = scheme == APS_WEBHOOK_SCHEME_STANDARD ? read_standard(secret, key, diag)
                                                : aps_mac_new(secret.p, secret.n, &key->mac);
    if (err == APS_OK)
        *out = key;
    else
        aps_webhook_key_free(key);
    return err;
}

void aps_webhook_key_free(struct aps_webhook_key *key)
{
    if (key == NULL)
        return;
    aps_mac_free(key->mac);
    aps_verify_free(key->public);
    free(key);
}

enum aps_err aps_webhook_key_check(enum aps_webhook_scheme scheme, struct aps_str secret,
                                   struct aps_diag *diag)
{
    uint8_t bytes[SECRET_MAX];
    size_t n = secret.n, max = SECRET_MAX;

    if (scheme == APS_WEBHOOK_SCHEME_STANDARD) {
        if (aps_str_starts(secret, APS_STR_LIT("whpk_")))
            return APS_OK; /* aps_webhook_key says what is wrong with a public key */
        (void)cut(&secret, APS_STR_LIT("whsec_"));
        max = STANDARD_MAX;
        if (!decode_secret(secret, bytes, &n))
            return refuse_form(diag);
        aps_secret_cleanse(bytes, sizeof bytes);
    }
    if (n >= SECRET_MIN && n <= max)
        return APS_OK;
    aps_err_explain(diag, "a secret of %zu bytes: want %d to %zu random ones", n, SECRET_MIN, max);
    return APS_ERR_RANGE;
}
