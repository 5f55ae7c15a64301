/* tls.c - a TLS configuration, made and asked. */
#include "apisec/tls.h"

#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#define NAMES_MAX 4 /* suites that a sentence names */

static const struct {
    unsigned bit;
    int version;
    const char *name;
} versions[] = {{APS_TLS_SSL3, SSL3_VERSION, "SSLv3"},
                {APS_TLS_1_0, TLS1_VERSION, "TLSv1"},
                {APS_TLS_1_1, TLS1_1_VERSION, "TLSv1.1"},
                {APS_TLS_1_2, TLS1_2_VERSION, "TLSv1.2"},
                {APS_TLS_1_3, TLS1_3_VERSION, "TLSv1.3"}};

#define VERSIONS ((int)(sizeof versions / sizeof *versions))

/* ---- The context ---- */

/* The highest, and down from it to the first gap, as mod_ssl does. */
static bool set_versions(SSL_CTX *ctx, unsigned bits)
{
    int high = VERSIONS - 1;

    while (high >= 0 && (bits & versions[high].bit) == 0)
        high--;
    if (high < 0)
        return false;
    int low = high;
    while (low > 0 && (bits & versions[low - 1].bit) != 0)
        low--;
    return SSL_CTX_set_max_proto_version(ctx, versions[high].version) == 1 &&
           SSL_CTX_set_min_proto_version(ctx, versions[low].version) == 1;
}

/* Those that need files of the server's are not for us: they change no version and no suite. */
static bool is_asked(const char *name)
{
    static const char *const names[] = {"Protocol",     "MinProtocol",  "MaxProtocol",
                                        "CipherString", "Ciphersuites", "Options"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (aps_str_eq_nocase(aps_str(name), aps_str(names[i])))
            return true;
    return false;
}

static const char *run_commands(SSL_CTX *ctx, const struct aps_tls_config *config)
{
    SSL_CONF_CTX *conf = SSL_CONF_CTX_new();
    const char *fault = conf == NULL ? "memory" : NULL;

    if (conf != NULL) {
        SSL_CONF_CTX_set_flags(conf, SSL_CONF_FLAG_FILE | SSL_CONF_FLAG_SERVER);
        SSL_CONF_CTX_set_ssl_ctx(conf, ctx);
    }
    for (size_t i = 0; i < config->n && fault == NULL; i++)
        if (is_asked(config->commands[i].name) &&
            SSL_CONF_cmd(conf, config->commands[i].name, config->commands[i].value) <= 0)
            fault = config->commands[i].name;
    if (fault == NULL && SSL_CONF_CTX_finish(conf) != 1)
        fault = "the commands together";
    SSL_CONF_CTX_free(conf);
    return fault;
}

/* NULL, or what OpenSSL does not take. */
static const char *set_up(SSL_CTX *ctx, const struct aps_tls_config *config)
{
    if (!set_versions(ctx, config->versions))
        return "these versions";
    if (config->ciphers != NULL && SSL_CTX_set_cipher_list(ctx, config->ciphers) != 1)
        return "this list of cipher suites";
    if (config->ciphers_13 != NULL && SSL_CTX_set_ciphersuites(ctx, config->ciphers_13) != 1)
        return "these cipher suites of TLS 1.3";
    return run_commands(ctx, config);
}

/* ---- What it lets in ---- */

/* A cipher that is broken, or of which nobody is proved. */
static bool is_weak(const SSL_CIPHER *cipher)
{
    static const int broken[] = {NID_undef,        NID_rc4,      NID_des_cbc,
                                 NID_des_ede3_cbc, NID_idea_cbc, NID_rc2_cbc};
    const int nid = SSL_CIPHER_get_cipher_nid(cipher);

    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        if (nid == broken[i])
            return true;
    return SSL_CIPHER_get_bits(cipher, NULL) < 128 ||
           SSL_CIPHER_get_auth_nid(cipher) == NID_auth_null ||
           SSL_CIPHER_get_digest_nid(cipher) == NID_md5;
}

/* Who steals the server's key later reads what was recorded. */
static bool stays(const SSL_CIPHER *cipher)
{
    static const int fresh[] = {NID_kx_any, NID_kx_ecdhe, NID_kx_dhe, NID_kx_ecdhe_psk,
                                NID_kx_dhe_psk};
    const int nid = SSL_CIPHER_get_kx_nid(cipher);

    for (size_t i = 0; i < sizeof fresh / sizeof *fresh; i++)
        if (nid == fresh[i])
            return false;
    return true;
}

static const char *names_of(STACK_OF(SSL_CIPHER) * all, bool (*is)(const SSL_CIPHER *cipher),
                            apr_pool_t *pool)
{
    const char *names = NULL;
    int n = 0;

    for (int i = 0; i < sk_SSL_CIPHER_num(all); i++) {
        const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(all, i);

        if (is(cipher) && n++ < NAMES_MAX)
            names = apr_pstrcat(pool, names != NULL ? names : "", names != NULL ? " " : "",
                                SSL_CIPHER_get_name(cipher), NULL);
    }
    return n > NAMES_MAX ? apr_psprintf(pool, "%s and %d more", names, n - NAMES_MAX) : names;
}

static bool leaves_out(uint64_t options, int i)
{
    static const uint64_t no[] = {SSL_OP_NO_SSLv3, SSL_OP_NO_TLSv1, SSL_OP_NO_TLSv1_1,
                                  SSL_OP_NO_TLSv1_2, SSL_OP_NO_TLSv1_3};

    return (options & no[i]) != 0;
}

/* 0 as the lowest stands for all that there are. */
static const char *lowest_of(SSL_CTX *ctx)
{
    const long low = SSL_CTX_get_min_proto_version(ctx), high = SSL_CTX_get_max_proto_version(ctx);

    for (int i = 0; i < VERSIONS && versions[i].version < TLS1_2_VERSION; i++)
        if (versions[i].version >= low && (high == 0 || versions[i].version <= high) &&
            !leaves_out(SSL_CTX_get_options(ctx), i))
            return versions[i].name;
    return NULL;
}

static enum aps_err ask(SSL_CTX *ctx, apr_pool_t *pool, struct aps_tls_found *out)
{
    SSL *ssl = SSL_new(ctx);
    STACK_OF(SSL_CIPHER) *all = ssl != NULL ? SSL_get1_supported_ciphers(ssl) : NULL;

    if (all != NULL) {
        out->lowest = lowest_of(ctx);
        out->weak = names_of(all, is_weak, pool);
        out->stays = names_of(all, stays, pool);
        out->compression = (SSL_CTX_get_options(ctx) & SSL_OP_NO_COMPRESSION) == 0;
        out->renegotiation =
            (SSL_CTX_get_options(ctx) & SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION) != 0;
    }
    sk_SSL_CIPHER_free(all);
    SSL_free(ssl);
    return all != NULL ? APS_OK : APS_ERR_FORMAT;
}

enum aps_err aps_tls_judge(const struct aps_tls_config *config, apr_pool_t *pool,
                           struct aps_tls_found *out, struct aps_diag *diag)
{
    struct aps_tls_found found = {NULL, NULL, NULL, false, false};
    const char *fault = "no suite is left for these versions";

    ERR_set_mark();
    SSL_CTX *ctx = SSL_CTX_new(config->client ? TLS_client_method() : TLS_server_method());
    enum aps_err err = ctx != NULL ? APS_OK : APS_ERR_NOMEM;
    if (ctx != NULL)
        SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION);
    const char *refused = ctx != NULL ? set_up(ctx, config) : NULL;
    if (refused != NULL) {
        fault = refused;
        err = APS_ERR_FORMAT;
    }
    if (err == APS_OK)
        err = ask(ctx, pool, &found);
    SSL_CTX_free(ctx);
    ERR_pop_to_mark();
    if (err == APS_ERR_FORMAT)
        aps_err_explain(diag, "OpenSSL does not take it: %s", fault);
    if (err == APS_OK)
        *out = found;
    return err;
}
