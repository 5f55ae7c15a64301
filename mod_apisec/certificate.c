/* The certificate of a client's TLS connection: for tokens that are bound to it, and as who calls.
 *
 * mod_ssl has seen in the handshake that the client has its private key.  Who signed it counts only
 * where names are believed (pki); a thumbprint is one certificate's, whoever signed it (pinned). */
#include "mod.h"

#include <apr_encode.h>
#include <apr_optional.h>

#include "mod_ssl.h"

#include "apisec/cert.h"
#include "apisec/certname.h"

/* ---- What mod_ssl tells ---- */

static const char *lookup(const struct mod_req *m, const char *name)
{
    APR_OPTIONAL_FN_TYPE(ssl_var_lookup) *fn = APR_RETRIEVE_OPTIONAL_FN(ssl_var_lookup);
    conn_rec *c = m->first->connection;
    if (c->master != NULL) /* of an HTTP/2 stream */
        c = c->master;
    const char *value =
        fn != NULL ? fn(m->first->pool, m->first->server, c, m->first, (char *)name) : NULL;
    return value != NULL ? value : "";
}

/* DER of a certificate in PEM: what lies between its two lines. */
static bool der_of(apr_pool_t *pool, const char *pem, struct aps_str *out)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";
    const char *from = strstr(pem, begin);
    const char *to = from != NULL ? strstr(from, end) : NULL;
    apr_size_t n = 0;
    if (to == NULL)
        return false;
    from += sizeof begin - 1;
    char *text = apr_palloc(pool, (size_t)(to - from) + 1), *p = text;
    for (; from < to; from++)
        if (*from != '\r' && *from != '\n')
            *p++ = *from;
    const unsigned char *der =
        apr_pdecode_base64_binary(pool, text, (apr_ssize_t)(p - text), APR_ENCODE_NONE, &n);
    *out = (struct aps_str){(const char *)der, n};
    return der != NULL && n != 0;
}

bool mod_certificate_digest(const struct mod_req *m, uint8_t out[APS_DIGEST_LEN])
{
    struct aps_str der;
    return der_of(m->first->pool, lookup(m, "SSL_CLIENT_CERT"), &der) &&
           aps_digest_sum(der, out) == APS_OK;
}

/* MTLS-02.  Of a session of TLS 1.2 that is resumed mod_ssl says SUCCESS also where its first
 * handshake was GENEROUS, so where that may have been, such a session shows nothing. */
static bool is_verified(const struct mod_req *m, struct aps_diag *diag)
{
    const char *verify = lookup(m, "SSL_CLIENT_VERIFY");
    if (strcmp(verify, "SUCCESS") != 0) {
        aps_err_explain(diag, "SSL_CLIENT_VERIFY is %.200s, and pki asks for SUCCESS", verify);
        return false;
    }
    if (mod_process.generous && strcmp(lookup(m, "SSL_SESSION_RESUMED"), "Initial") != 0 &&
        strcmp(lookup(m, "SSL_PROTOCOL"), "TLSv1.3") != 0) {
        aps_err_explain(diag,
                        "the session was resumed by TLS 1.2 or older, and where SSLVerifyClient "
                        "optional_no_ca or .htaccess may have let a certificate in, mod_ssl "
                        "does not tell whether it was verified");
        return false;
    }
    return true;
}

/* ---- Whose it is ---- */

static enum aps_reason find_pin(const struct mod_req *m, struct aps_str der, struct aps_str *out)
{
    uint8_t digest[APS_DIGEST_LEN];
    char pin[APS_CERTNAME_PIN_LEN];
    if (aps_digest_sum(der, digest) != APS_OK)
        return APS_REASON_INTERNAL;
    aps_certname_pin(digest, pin);
    return aps_snapshot_certificate(aps_view_snapshot(m->view), (struct aps_str){pin, sizeof pin},
                                    out)
               ? APS_REASON_ALLOW
               : APS_REASON_CERTIFICATE_UNKNOWN;
}

/* All of its names that the store has belong to one key. */
static enum aps_reason find_name(const struct mod_req *m, const struct aps_cert *cert,
                                 struct aps_str *out)
{
    const struct aps_snapshot *snap = aps_view_snapshot(m->view);
    struct aps_str name, key, found = {NULL, 0};
    for (size_t i = 0; i < cert->n; i++) {
        if (!aps_certname_of(m->first->pool, &cert->names[i], &name) ||
            !aps_snapshot_certificate(snap, name, &key))
            continue;
        if (found.n != 0 && !aps_str_eq(found, key))
            return APS_REASON_CERTIFICATE_AMBIGUOUS;
        found = key;
    }
    if (found.n == 0)
        return APS_REASON_CERTIFICATE_UNKNOWN;
    *out = found;
    return APS_REASON_ALLOW;
}

static enum aps_reason find(struct mod_req *m, enum mod_certificate mode, aps_nsec now,
                            struct aps_diag *diag)
{
    struct aps_cert cert;
    struct aps_str der;
    if (!der_of(m->first->pool, lookup(m, "SSL_CLIENT_CERT"), &der))
        return APS_REASON_CERTIFICATE_MISSING;
    if (mode == MOD_CERTIFICATE_PKI && !is_verified(m, diag))
        return APS_REASON_CERTIFICATE_UNVERIFIED;
    enum aps_err err = aps_cert_read(der, m->first->pool, &cert);
    if (err == APS_ERR_NOMEM)
        return APS_REASON_INTERNAL;
    if (err != APS_OK) {
        aps_err_explain(diag, "its names cannot be read, or there are more than %d",
                        APS_CERT_NAMES_MAX);
        return APS_REASON_CERTIFICATE_UNKNOWN;
    }
    if (!aps_cert_is_live(&cert, now)) /* it may have ended since the handshake */
        return APS_REASON_CERTIFICATE_TIME;
    return mode == MOD_CERTIFICATE_PKI ? find_name(m, &cert, &m->key_id)
                                       : find_pin(m, der, &m->key_id);
}

enum aps_reason mod_certificate(struct mod_req *m, enum mod_certificate mode)
{
    aps_nsec now = mod_req_now(m).wall;
    struct aps_diag diag;
    uint8_t digest[APS_DIGEST_LEN];
    if (m->credential_reason != APS_REASON_CREDENTIAL_MISSING) /* one in a request (AZ-12) */
        return mod_certificate_digest(m, digest) ? APS_REASON_CREDENTIAL_MULTIPLE
                                                 : APS_REASON_CERTIFICATE_MISSING;
    diag.text[0] = '\0';
    enum aps_reason reason = find(m, mode, now, &diag);
    if (diag.text[0] != '\0')
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, m->first, "APISEC0062: client certificate: %s",
                      diag.text);
    return reason == APS_REASON_ALLOW
               ? aps_authn_id(m->view, m->key_id, now, m->first->pool, &m->who)
               : reason;
}
