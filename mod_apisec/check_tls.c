/* What mod_ssl has to be told so that a client certificate can be who calls (MTLS-04). */
#include "mod.h"

#include <apr_strings.h>

#include "finding.h"

struct tls {
    apr_pool_t *pool;
    const ap_directive_t *wanted; /* the first ApiSecCertificate that is not Off; NULL: none */
    bool asked;                   /* some client is asked for a certificate */
    bool generous;                /* and may be let in with one that nobody has verified */
    bool insecure;                /* SSLVHostSNIPolicy insecure */
};

static const char *first_word(apr_pool_t *pool, const ap_directive_t *d)
{
    const char *args = d->args;
    return ap_getword_conf(pool, &args);
}

static bool says(const struct tls *tls, const ap_directive_t *d, const char *name, const char *word)
{
    return mod_check_is(d, name) && ap_cstr_casecmp(first_word(tls->pool, d), word) == 0;
}

/* ---- The whole tree ---- */

/* Whoever writes .htaccess there may say SSLVerifyClient. */
static bool lets_htaccess(const ap_directive_t *d)
{
    return (mod_check_is(d, "AllowOverride") && (ap_strcasestr(d->args, "all") != NULL ||
                                                 ap_strcasestr(d->args, "authconfig") != NULL)) ||
           (mod_check_is(d, "AllowOverrideList") &&
            ap_strcasestr(d->args, "SSLVerifyClient") != NULL);
}

static void look(struct tls *tls, const ap_directive_t *d)
{
    for (; d != NULL; d = d->next) {
        if (mod_check_is(d, "ApiSecCertificate") && !says(tls, d, "ApiSecCertificate", "Off") &&
            tls->wanted == NULL)
            tls->wanted = d;
        tls->asked |=
            mod_check_is(d, "SSLVerifyClient") && !says(tls, d, "SSLVerifyClient", "none");
        tls->generous |= says(tls, d, "SSLVerifyClient", "optional_no_ca") || lets_htaccess(d);
        tls->insecure |= says(tls, d, "SSLVHostSNIPolicy", "insecure");
        look(tls, d->first_child);
    }
}

/* ---- Virtual hosts ---- */

/* What holds for a virtual host: its own last line, else the main server's. */
static const char *held(const struct tls *tls, const ap_directive_t *host, const char *name)
{
    const ap_directive_t *last = NULL;
    for (const ap_directive_t *d = ap_conftree; d != NULL; d = d->next)
        if (mod_check_is(d, name))
            last = d;
    for (const ap_directive_t *d = host->first_child; d != NULL; d = d->next)
        if (mod_check_is(d, name))
            last = d;
    return last != NULL ? first_word(tls->pool, last) : "";
}

static bool is_on(const struct tls *tls, const ap_directive_t *host, const char *name)
{
    return ap_cstr_casecmp(held(tls, host, name), "on") == 0;
}

/* A virtual host whose clients are asked for a certificate. */
static bool asks(const struct tls *tls, const ap_directive_t *host)
{
    const char *verify = held(tls, host, "SSLVerifyClient");
    return mod_check_is(host, "<VirtualHost") && is_on(tls, host, "SSLEngine") && *verify != '\0' &&
           ap_cstr_casecmp(verify, "none") != 0;
}

static bool have_same_authorities(const struct tls *tls, const ap_directive_t *a,
                                  const ap_directive_t *b)
{
    static const char *const names[] = {"SSLCACertificateFile", "SSLCACertificatePath"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(held(tls, a, names[i]), held(tls, b, names[i])) != 0)
            return false;
    return true;
}

/* Whether a session with the one can be resumed with the other (CVE-2025-23048). */
static bool are_mixed(const struct tls *tls, const ap_directive_t *a, const ap_directive_t *b)
{
    return asks(tls, b) && !have_same_authorities(tls, a, b) &&
           !is_on(tls, a, "SSLStrictSNIVHostCheck") && !is_on(tls, b, "SSLStrictSNIVHostCheck");
}

/* httpd 2.4.64 closed it, and has a switch that opens it again. */
static bool is_open(const struct tls *tls)
{
    ap_version_t v;
    ap_get_server_revision(&v);
    return tls->insecure || (v.major == 2 && v.minor == 4 && v.patch < 64);
}

static void warn_of_mixed(const struct tls *tls, const server_rec *s)
{
    for (const ap_directive_t *a = ap_conftree; a != NULL; a = a->next)
        for (const ap_directive_t *b = a->next; asks(tls, a) && b != NULL; b = b->next)
            if (are_mixed(tls, a, b)) {
                mod_finding_add(&(struct mod_finding){
                    MOD_FINDING_AUTHORITIES_MIXED, MOD_SEVERITY_WARNING, s, a,
                    apr_psprintf(tls->pool,
                                 "this virtual host and that of %s line %d trust client "
                                 "certificates of different authorities, and httpd may take one of "
                                 "either for the other (CVE-2025-23048)",
                                 b->filename, b->line_num),
                    "set SSLStrictSNIVHostCheck On, and take SSLVHostSNIPolicy insecure out"});
                return;
            }
}

const char *mod_check_tls(apr_pool_t *pool, server_rec *main_server, bool *out_generous)
{
    struct tls tls = {.pool = pool};
    look(&tls, ap_conftree);
    *out_generous = tls.generous;
    if (is_open(&tls))
        warn_of_mixed(&tls, main_server);
    if (tls.wanted == NULL)
        return NULL;
    const ap_directive_t *d = tls.wanted;
    if (ap_find_linked_module("mod_ssl.c") == NULL)
        return apr_psprintf(pool,
                            "%s line %d: ApiSecCertificate: mod_ssl is not loaded, so that no "
                            "client can show a certificate",
                            d->filename, d->line_num);
    if (!tls.asked)
        mod_finding_add(&(struct mod_finding){
            MOD_FINDING_CERTIFICATE_UNASKED, MOD_SEVERITY_WARNING, main_server, d,
            "ApiSecCertificate: no client is asked for a certificate, so that each is refused",
            "set SSLVerifyClient optional or require in the virtual host, outside of its sections, "
            "or optional_no_ca for certificates that no authority has signed"});
    return NULL;
}
