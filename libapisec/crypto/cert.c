/* cert.c - a certificate's times and names. */
#include "apisec/cert.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

/* What is read of one certificate. */
struct reading {
    apr_pool_t *pool;
    size_t n;
    struct aps_cert_name *names;
};

static enum aps_err add(struct reading *r, enum aps_cert_kind kind, struct aps_str text)
{
    if (r->n == APS_CERT_NAMES_MAX)
        return APS_ERR_RANGE;
    r->names[r->n++] = (struct aps_cert_name){kind, aps_str_copy(r->pool, text)};
    return APS_OK;
}

/* ---- The subject ---- */

/* Escapes all that is not ASCII, and what could be taken for the next attribute. */
static enum aps_err add_subject(struct reading *r, const X509 *x)
{
    const X509_NAME *name = X509_get_subject_name(x);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    enum aps_err err = APS_ERR_NOMEM;

    if (bio == NULL || X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) < 0)
        goto out;
    const long n = BIO_get_mem_data(bio, &text);
    err = n > 0 ? add(r, APS_CERT_SUBJECT, (struct aps_str){text, (size_t)n}) : APS_OK;
out:
    BIO_free(bio);
    return err;
}

/* ---- Alternative names ---- */

static enum aps_err add_alternative(struct reading *r, const GENERAL_NAME *name)
{
    static const struct {
        int type;
        enum aps_cert_kind kind;
    } kinds[] = {{GEN_DNS, APS_CERT_DNS}, {GEN_URI, APS_CERT_URI}, {GEN_EMAIL, APS_CERT_EMAIL}};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (name->type == kinds[i].type) {
            const ASN1_IA5STRING *text = name->d.ia5;

            return add(r, kinds[i].kind,
                       (struct aps_str){(const char *)ASN1_STRING_get0_data(text),
                                        (size_t)ASN1_STRING_length(text)});
        }
    return APS_OK; /* of a kind that nobody is known by */
}

static enum aps_err add_alternatives(struct reading *r, const X509 *x)
{
    int found = 0; /* -1: there are none */
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, &found, NULL);
    enum aps_err err = names == NULL && found != -1 ? APS_ERR_FORMAT : APS_OK;

    for (int i = 0; err == APS_OK && i < sk_GENERAL_NAME_num(names); i++)
        err = add_alternative(r, sk_GENERAL_NAME_value(names, i));
    GENERAL_NAMES_free(names);
    return err;
}

/* ---- Times ---- */

/* To the last second that the clock has. */
static bool read_time(const ASN1_TIME *time, const ASN1_TIME *epoch, aps_nsec *out)
{
    int days = 0, seconds = 0;

    if (ASN1_TIME_diff(&days, &seconds, epoch, time) != 1)
        return false;
    const int64_t s = (int64_t)days * 86400 + seconds;
    *out = s >= INT64_MAX / APS_SEC ? INT64_MAX : s < 0 ? 0 : s * APS_SEC;
    return true;
}

static enum aps_err read_times(const X509 *x, struct aps_cert *out)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    const bool ok = epoch != NULL && read_time(X509_get0_notBefore(x), epoch, &out->from) &&
                    read_time(X509_get0_notAfter(x), epoch, &out->until);

    ASN1_TIME_free(epoch);
    return ok ? APS_OK : APS_ERR_FORMAT;
}

/* ---- A certificate ---- */

static enum aps_err read_all(const X509 *x, struct reading *r, struct aps_cert *out)
{
    enum aps_err err = read_times(x, out);

    if (err == APS_OK)
        err = add_subject(r, x);
    if (err == APS_OK)
        err = add_alternatives(r, x);
    return err;
}

enum aps_err aps_cert_read(struct aps_str der, apr_pool_t *pool, struct aps_cert *out)
{
    struct reading r = {.pool = pool};
    struct aps_cert cert = {.n = 0};
    const unsigned char *p = (const unsigned char *)der.p;
    X509 *x = NULL;
    enum aps_err err = APS_ERR_FORMAT;

    if (der.n > APS_CERT_MAX)
        return APS_ERR_RANGE;
    ERR_set_mark();
    r.names = apr_palloc(pool, APS_CERT_NAMES_MAX * sizeof *r.names);
    if (der.n != 0 && (x = d2i_X509(NULL, &p, (long)der.n)) != NULL &&
        p == (const unsigned char *)der.p + der.n)
        err = read_all(x, &r, &cert);
    X509_free(x);
    ERR_pop_to_mark();
    if (err != APS_OK)
        return err;
    cert.n = r.n;
    cert.names = r.names;
    *out = cert;
    return APS_OK;
}
