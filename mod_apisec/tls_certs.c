/* The certificates that a server shows. */
#include "tls_floor.h"

#include <apr_file_io.h>
#include <apr_strings.h>

#define FILE_MAX (1024 * 1024)
#define SOON (14 * APS_DAY)

static bool load(apr_pool_t *pool, const char *path, struct aps_str *out)
{
    apr_finfo_t info;
    apr_file_t *file = NULL;
    apr_size_t n = 0;
    if (apr_stat(&info, path, APR_FINFO_TYPE | APR_FINFO_SIZE, pool) != APR_SUCCESS ||
        info.filetype != APR_REG || info.size > FILE_MAX ||
        apr_file_open(&file, path, APR_FOPEN_READ, 0, pool) != APR_SUCCESS)
        return false;
    char *text = apr_palloc(pool, (apr_size_t)info.size + 1);
    const apr_status_t rv = apr_file_read_full(file, text, (apr_size_t)info.size, &n);
    apr_file_close(file);
    *out = (struct aps_str){text, n};
    return rv == APR_SUCCESS;
}

static void tell_time(struct mod_tls_check *c, const struct mod_tls_place *at,
                      const ap_directive_t *line, const struct aps_tls_certificate *cert)
{
    const aps_nsec now = aps_clock_wall();
    const bool ended = now > cert->until, early = now < cert->from;
    char when[APS_NUM_TIME_MAX];
    if (!ended && !early && cert->until - now > SOON)
        return;
    aps_num_print_time(early && !ended ? cert->from : cert->until, false, when);
    mod_tls_floor_tell(c, at, MOD_FINDING_TLS_CERTIFICATE_TIME, line, NULL, false,
                       apr_psprintf(c->pool, "the certificate %s %s",
                                    ended   ? "has ended at"
                                    : early ? "begins at"
                                            : "ends soon, at",
                                    when),
                       "renew it, and reload httpd");
}

static void judge(struct mod_tls_check *c, const struct mod_tls_place *at,
                  const ap_directive_t *line)
{
    struct aps_tls_certificate cert;
    struct aps_str pem;
    const char *word = mod_tree_word(c->pool, line);
    const char *path = ap_server_root_relative(c->pool, word);
    if (ap_cstr_casecmpn(word, "pkcs11:", 7) ==
        0) /* in a token, which is asked by nobody but OpenSSL */
        return;
    if (path == NULL || !load(c->pool, path, &pem) ||
        aps_tls_certificate(pem, c->pool, &cert) != APS_OK) {
        mod_tls_floor_tell(
            c, at, MOD_FINDING_TLS_UNREAD, line, NULL, false,
            apr_psprintf(c->pool, "%s %s: no certificate can be read there", line->directive, word),
            "name a file in PEM that root can read");
        return;
    }
    if (cert.weak != NULL)
        mod_tls_floor_tell(
            c, at, MOD_FINDING_TLS_CERTIFICATE, line, NULL, true,
            apr_psprintf(c->pool, "the certificate %s is weak: %s", word, cert.weak),
            "get another one, of an EC key on P-256 or of RSA with 2048 bits or more, "
            "signed with SHA-256");
    tell_time(c, at, line, &cert);
}

/* A virtual host's lines are joined to the main server's. */
void mod_tls_certs(struct mod_tls_check *c, const struct mod_tls_place *at)
{
    for (const ap_directive_t *d = ap_conftree; d != NULL; d = d->next)
        if (mod_check_is(d, "SSLCertificateFile"))
            judge(c, at, d);
    for (const ap_directive_t *d = at->host != NULL ? at->host->first_child : NULL; d != NULL;
         d = d->next)
        if (mod_check_is(d, "SSLCertificateFile"))
            judge(c, at, d);
}
