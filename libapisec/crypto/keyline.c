/* keyline.c - a master key under a passphrase: made and opened. */
#include "apisec/keyline.h"

#include <apr_escape.h>
#include <stdio.h>

#include "apisec/aead.h"
#include "apisec/random.h"

enum {
    KEY_LEN = 32,
    SEALED_LEN = KEY_LEN + APS_AEAD_TAG_LEN,
};

static const struct aps_str head = {"apisec-master-1$", 16};

_Static_assert(APS_KEYLINE_TEXT_MAX >
                   16 + APS_STRETCH_TEXT_MAX +
                       2 * (APS_STRETCH_SALT_LEN + APS_AEAD_NONCE_LEN + SEALED_LEN) + 5,
               "the longest line fits");

bool aps_keyline_is(struct aps_str text)
{
    static const struct aps_str any = {"apisec-master-", 14}; /* of a later version too */
    return aps_str_starts(text, any);
}

/* ---- making ---- */

static enum aps_err check_passphrase(struct aps_str passphrase, struct aps_diag *diag)
{
    if (passphrase.n >= APS_KEYLINE_PASSPHRASE_MIN && passphrase.n <= APS_KEYLINE_PASSPHRASE_MAX)
        return APS_OK;
    aps_err_explain(diag, "the passphrase has %zu bytes: want %d to %d, such as six random words",
                    passphrase.n, APS_KEYLINE_PASSPHRASE_MIN, APS_KEYLINE_PASSPHRASE_MAX);
    return APS_ERR_RANGE;
}

/* Appends; the longest line fits, as is asserted above. */
static size_t put_hex(char *out, size_t at, const uint8_t *bytes, size_t n, char end)
{
    (void)apr_escape_hex(out + at, bytes, n, 0, NULL); /* it cannot fail */
    at += 2 * n;
    out[at] = end;
    return at + 1;
}

enum aps_err aps_keyline_make(const struct aps_secret *key, struct aps_str passphrase,
                              const struct aps_stretch *how, char out[APS_KEYLINE_TEXT_MAX],
                              size_t *out_n, struct aps_diag *diag)
{
    uint8_t salt[APS_STRETCH_SALT_LEN], nonce[APS_AEAD_NONCE_LEN], sealed[SEALED_LEN];
    char text[APS_KEYLINE_TEXT_MAX] = "", costs[APS_STRETCH_TEXT_MAX];
    struct aps_secret by = {0};
    enum aps_err err;

    if (key->n != KEY_LEN)
        return APS_ERR_CRYPTO;
    if ((err = check_passphrase(passphrase, diag)) != APS_OK ||
        (err = aps_random_fill(salt, sizeof salt)) != APS_OK ||
        (err = aps_random_fill(nonce, sizeof nonce)) != APS_OK ||
        (err = aps_stretch(how, passphrase, salt, &by, diag)) != APS_OK)
        return err;
    aps_stretch_print(how, costs);
    size_t n = (size_t)snprintf(text, sizeof text, "%s%s$", head.p, costs);
    n = put_hex(text, n, salt, sizeof salt, '$');
    n = put_hex(text, n, nonce, sizeof nonce, '$');
    err = aps_aead_encrypt(by.b, nonce, (struct aps_str){text, n}, aps_secret_str(key), sealed,
                           sealed + KEY_LEN);
    aps_secret_wipe(&by);
    if (err != APS_OK)
        return err;
    n = put_hex(text, n, sealed, sizeof sealed, '\n');
    text[n] = '\0';
    memcpy(out, text, n + 1);
    *out_n = n;
    return APS_OK;
}

/* ---- opening ---- */

/* Lower-case digits of exactly `n` bytes. */
static bool get_hex(struct aps_str text, uint8_t *out, size_t n)
{
    apr_size_t done = 0;
    if (text.n != 2 * n)
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (!((text.p[i] >= '0' && text.p[i] <= '9') || (text.p[i] >= 'a' && text.p[i] <= 'f')))
            return false;
    return apr_unescape_hex(out, text.p, (apr_ssize_t)text.n, 0, &done) == APR_SUCCESS && done == n;
}

struct line {
    struct aps_str bound; /* what is authenticated beside the key */
    struct aps_stretch how;
    uint8_t salt[APS_STRETCH_SALT_LEN], nonce[APS_AEAD_NONCE_LEN], sealed[SEALED_LEN];
};

static enum aps_err malformed(struct aps_diag *diag)
{
    aps_err_explain(diag,
                    "this is no key under a passphrase: want one line, "
                    "apisec-master-1$KDF$COSTS$SALT$NONCE$SEALED, as apisecctl master protect "
                    "writes it");
    return APS_ERR_FORMAT;
}

static enum aps_err read_line(struct aps_str text, struct line *out, struct aps_diag *diag)
{
    struct aps_str rest, kind, costs, salt, nonce;
    enum aps_err err;

    if (text.n != 0 && text.p[text.n - 1] == '\n')
        text.n--;
    if (!aps_str_starts(text, head))
        return malformed(diag);
    rest = (struct aps_str){text.p + head.n, text.n - head.n};
    if (!aps_str_next(&rest, '$', &kind) || !aps_str_next(&rest, '$', &costs) ||
        !aps_str_next(&rest, '$', &salt) || !aps_str_next(&rest, '$', &nonce) ||
        !get_hex(salt, out->salt, sizeof out->salt) ||
        !get_hex(nonce, out->nonce, sizeof out->nonce) ||
        !get_hex(rest, out->sealed, sizeof out->sealed))
        return malformed(diag);
    /* Kind and costs lie side by side. */
    struct aps_str both = {kind.p, kind.n + 1 + costs.n};
    if ((err = aps_stretch_parse(both, &out->how, diag)) != APS_OK)
        return err;
    out->bound = (struct aps_str){text.p, (size_t)(rest.p - text.p)};
    return APS_OK;
}

enum aps_err aps_keyline_open(struct aps_str text, struct aps_str passphrase,
                              struct aps_secret *out, struct aps_diag *diag)
{
    struct line line;
    struct aps_secret by = {0}, key = {0};
    enum aps_err err;

    if ((err = read_line(text, &line, diag)) != APS_OK)
        return err;
    if ((err = aps_stretch(&line.how, passphrase, line.salt, &by, diag)) == APS_OK)
        err = aps_secret_new(KEY_LEN, &key);
    if (err == APS_OK && aps_aead_decrypt(by.b, line.nonce, line.bound,
                                          (struct aps_str){(const char *)line.sealed, KEY_LEN},
                                          line.sealed + KEY_LEN, key.b) != APS_OK) {
        aps_err_explain(diag, "the passphrase does not open it: it is another one, or the file was "
                              "changed");
        err = APS_ERR_KEY;
    }
    aps_secret_wipe(&by);
    if (err == APS_OK)
        *out = key;
    else
        aps_secret_wipe(&key);
    return err;
}
