/* certname.c - names of client certificates. */
#include "apisec/certname.h"

#include <apr_strings.h>

#include "apisec/b64.h"
#include "apisec/num.h"

enum { PEM_MAX = 16 * 1024 };

static const struct aps_str pin = {"sha256:", 7};

static enum aps_err refuse(struct aps_str text, struct aps_diag *diag)
{
    aps_err_explain(diag,
                    "certificate \"%.*s\": want sha256: and 64 hexadecimal digits, dn:SUBJECT, "
                    "san:dns:NAME, san:uri:URI or san:email:ADDRESS",
                    APS_STR_SHOW(text));
    return APS_ERR_FORMAT;
}

/* Digits in either case, with or without colons between the bytes, as openssl prints them. */
static bool read_pin(struct aps_str text, char out[APS_CERTNAME_PIN_LEN])
{
    size_t n = pin.n;

    memcpy(out, pin.p, pin.n);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == ':' && n > pin.n && n % 2 == pin.n % 2)
            continue;
        if (aps_num_hex(text.p[i]) < 0 || n == APS_CERTNAME_PIN_LEN)
            return false;
        out[n++] = "0123456789abcdef"[aps_num_hex(text.p[i])];
    }
    return n == APS_CERTNAME_PIN_LEN;
}

/* Valid UTF-8 without control characters. */
static bool is_text(struct aps_str s)
{
    for (size_t i = 0; i < s.n;) {
        uint32_t code = 0;
        const size_t n = aps_str_utf8_code((struct aps_str){s.p + i, s.n - i}, &code);

        if (n == 0 || aps_str_is_control(code))
            return false;
        i += n;
    }
    return s.n != 0;
}

static void lower(char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] >= 'A' && p[i] <= 'Z')
            p[i] = (char)(p[i] | 0x20);
}

enum aps_err aps_certname_parse(apr_pool_t *pool, struct aps_str text, struct aps_str *out,
                                struct aps_diag *diag)
{
    static const struct aps_str kinds[] = {
        {"dn:", 3}, {"san:dns:", 8}, {"san:uri:", 8}, {"san:email:", 10}};
    char *name;

    if (text.n > APS_CERTNAME_MAX) {
        aps_err_explain(diag, "a name of %zu bytes: want at most %d", text.n, APS_CERTNAME_MAX);
        return APS_ERR_RANGE;
    }
    if (aps_str_starts(text, pin)) {
        name = apr_palloc(pool, APS_CERTNAME_PIN_LEN + 1);
        if (!read_pin((struct aps_str){text.p + pin.n, text.n - pin.n}, name))
            return refuse(text, diag);
        name[APS_CERTNAME_PIN_LEN] = '\0';
        *out = (struct aps_str){name, APS_CERTNAME_PIN_LEN};
        return APS_OK;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!aps_str_starts(text, kinds[i]) || !is_text(text) || text.n == kinds[i].n)
            continue;
        name = apr_pstrmemdup(pool, text.p, text.n);
        if (i == 1)
            lower(name, text.n);
        *out = (struct aps_str){name, text.n};
        return APS_OK;
    }
    return refuse(text, diag);
}

bool aps_certname_is_pin(struct aps_str name)
{
    return aps_str_starts(name, pin);
}

bool aps_certname_of(apr_pool_t *pool, const struct aps_cert_name *name, struct aps_str *out)
{
    static const struct aps_str kinds[] = {
        [APS_CERT_SUBJECT] = {"dn:", 3},
        [APS_CERT_DNS] = {"san:dns:", 8},
        [APS_CERT_URI] = {"san:uri:", 8},
        [APS_CERT_EMAIL] = {"san:email:", 10},
    };
    const struct aps_str kind = kinds[name->kind];
    char *text;

    if (name->text.n == 0 || name->text.n > APS_CERTNAME_MAX - kind.n)
        return false;
    text = apr_palloc(pool, kind.n + name->text.n);
    memcpy(text, kind.p, kind.n);
    memcpy(text + kind.n, name->text.p, name->text.n);
    return aps_certname_parse(pool, (struct aps_str){text, kind.n + name->text.n}, out, NULL) ==
           APS_OK;
}

void aps_certname_pin(const uint8_t digest[APS_DIGEST_LEN], char out[APS_CERTNAME_PIN_LEN])
{
    memcpy(out, pin.p, pin.n);
    for (size_t i = 0; i < APS_DIGEST_LEN; i++) {
        out[pin.n + 2 * i] = "0123456789abcdef"[digest[i] >> 4];
        out[pin.n + 2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
}

/* What lies between the lines of the first block of certificates, without line ends. */
static bool cut_block(struct aps_str pem, char *out, size_t *out_n)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";
    const char *from, *to;
    size_t n = 0;

    from = pem.n != 0 ? memmem(pem.p, pem.n, begin, sizeof begin - 1) : NULL;
    if (from == NULL)
        return false;
    from += sizeof begin - 1;
    to = memmem(from, pem.n - (size_t)(from - pem.p), end, sizeof end - 1);
    if (to == NULL)
        return false;
    for (; from < to; from++)
        if (*from != '\n' && *from != '\r')
            out[n++] = *from;
    *out_n = n;
    return n != 0;
}

/* A certificate is a SEQUENCE that fills all of its bytes. */
static bool is_der(const uint8_t *der, size_t n)
{
    return n > 128 && n <= 0xffff && der[0] == 0x30 &&
           ((der[1] == 0x81 && n == 3 + (size_t)der[2]) ||
            (der[1] == 0x82 && n == 4 + ((size_t)der[2] << 8 | der[3])));
}

enum aps_err aps_certname_pem(struct aps_str pem, char out[APS_CERTNAME_PIN_LEN],
                              struct aps_diag *diag)
{
    char text[PEM_MAX];
    uint8_t der[APS_B64_DECODED_MAX(PEM_MAX)], digest[APS_DIGEST_LEN];
    size_t n = 0;
    enum aps_err err;

    if (pem.n > PEM_MAX || !cut_block(pem, text, &n) ||
        !aps_b64_decode((struct aps_str){text, n}, der, &n) || !is_der(der, n)) {
        aps_err_explain(diag, "no certificate can be read: want a PEM text, -----BEGIN "
                              "CERTIFICATE-----, of at most 16 KiB");
        return APS_ERR_FORMAT;
    }
    if ((err = aps_digest_sum((struct aps_str){(const char *)der, n}, digest)) == APS_OK)
        aps_certname_pin(digest, out);
    return err;
}
