/* cmd_signer.c - keys with which requests are signed, each an API key's. */
#include <apr_strings.h>

#include "apisec/num.h"
#include "blob.h"
#include "ctl.h"
#include "ended.h"
#include "newsecret.h"
#include "quote.h"

#define PEM_MAX (16 * 1024)

/* A row; with the new secret where c->fresh holds one. */
static enum aps_err show(struct ctl *c, const struct aps_signer *signer)
{
    struct aps_key key;
    enum aps_err err = aps_store_key_get(c->store, signer->key, c->pool, &key, &c->diag);

    if (err != APS_OK)
        return err;
    ctl_output_row(c->out);
    ctl_output_str(c->out, "keyid", signer->keyid);
    if (c->fresh.n > 0)
        ctl_output_secret(c->out, "secret", &c->fresh);
    ctl_output_str(c->out, "alg", aps_str(aps_alg_httpsig(signer->alg)));
    ctl_output_str(c->out, "key", key.id);
    ctl_output_str(c->out, "key_name", key.name);
    ctl_output_time(c->out, "created_at", signer->created_at);
    ctl_output_time(c->out, "expires_at", signer->until);
    ctl_output_end(c->out);
    return APS_OK;
}

/* ---- add ---- */

static enum aps_err refuse_alg(struct ctl *c, const char *text)
{
    aps_err_explain(&c->diag,
                    "--alg \"%s\": want ed25519, ecdsa-p256-sha256, ecdsa-p384-sha384, "
                    "rsa-pss-sha512, rsa-v1_5-sha256 or hmac-sha256",
                    text);
    return APS_ERR_FORMAT;
}

/* Which of the two ways a key comes by is the algorithm's. */
static enum aps_err read_alg(struct ctl *c, enum aps_alg *out)
{
    const char *text = ctl_command_value(&c->call, CTL_OPT_ALG);
    const bool has_public = c->call.values[CTL_OPT_PUBLIC] != NULL;
    const bool makes = c->call.values[CTL_OPT_GENERATE] != NULL;
    bool is_secret;

    if ((*out = aps_alg_from_httpsig(aps_str(text))) == APS_ALG_NONE)
        return refuse_alg(c, text);
    is_secret = aps_alg_key(*out) == APS_ALG_KEY_SECRET;
    if (is_secret && has_public)
        aps_err_explain(&c->diag,
                        "--public: %s has no public key; its secret comes on stdin, or "
                        "is made by --generate",
                        text);
    else if (!is_secret && makes)
        aps_err_explain(&c->diag,
                        "--generate: the private key of %s stays with who signs; give the public "
                        "one by --public FILE",
                        text);
    else if (!is_secret && !has_public)
        aps_err_explain(&c->diag, "--public is missing: %s needs the public key, in PEM", text);
    else
        return APS_OK;
    return APS_ERR_USAGE;
}

static enum aps_err read_public(struct ctl *c, struct aps_signer *signer)
{
    struct aps_secret hold = {0};
    struct aps_verify_key *key = NULL;
    struct aps_str pem;
    enum aps_err err = ctl_blob_read(ctl_command_value(&c->call, CTL_OPT_PUBLIC), false,
                                     "public key", PEM_MAX, &hold, &pem, &c->diag);

    if (err == APS_OK)
        err = aps_verify_pem(signer->alg, pem, &key, &c->diag);
    if (err == APS_OK)
        err = aps_verify_spki(key, c->pool, &signer->public);
    aps_verify_free(key);
    aps_secret_wipe(&hold);
    return err;
}

static enum aps_err read_until(struct ctl *c, aps_nsec *out)
{
    const char *text = ctl_command_value(&c->call, CTL_OPT_EXPIRES);
    enum aps_err err;

    if (text == NULL)
        return APS_OK;
    if ((err = aps_num_parse_time(aps_str(text), c->now, out, &c->diag)) != APS_OK || *out > c->now)
        return err;
    aps_err_explain(&c->diag, "--expires %s is past: want a time to come", text);
    return APS_ERR_RANGE;
}

static enum aps_err add(struct ctl *c, const struct aps_signer *signer)
{
    struct aps_secret hold = {0};
    struct aps_str secret = {NULL, 0};
    enum aps_err err = APS_OK;

    if (signer->public.n == 0)
        err = ctl_newsecret(c, CTL_NEWSECRET_HEX, &hold, &secret);
    if (err == APS_OK)
        err = aps_store_signer_add(c->store, signer, secret, &c->diag);
    aps_secret_wipe(&hold);
    return err;
}

enum aps_err ctl_signer_add(struct ctl *c)
{
    struct aps_signer signer = {.keyid = aps_str(ctl_command_value(&c->call, CTL_OPT_KEYID)),
                                .key = aps_str(c->call.arg[0]),
                                .created_at = c->now};
    enum aps_err err;

    if ((err = read_alg(c, &signer.alg)) != APS_OK ||
        (err = read_until(c, &signer.until)) != APS_OK ||
        (c->call.values[CTL_OPT_PUBLIC] != NULL && (err = read_public(c, &signer)) != APS_OK) ||
        (err = add(c, &signer)) != APS_OK)
        return err;
    if (c->fresh.n > 0) {
        c->fresh_of = apr_psprintf(c->pool, "signer %s", signer.keyid.p);
        c->fresh_again = apr_psprintf(c->pool, "key signer delete %s --yes, and add it anew",
                                      ctl_quote(c->pool, signer.keyid));
    }
    return show(c, &signer);
}

/* ---- list, delete ---- */

static enum aps_err show_in_list(void *arg, const struct aps_signer *signer)
{
    return show(arg, signer);
}

enum aps_err ctl_signer_list(struct ctl *c)
{
    struct aps_key key = {.id = {NULL, 0}};
    enum aps_err err = APS_OK;

    if (c->call.nargs > 0)
        err = aps_store_key_get(c->store, aps_str(c->call.arg[0]), c->pool, &key, &c->diag);
    if (err != APS_OK)
        return err;
    ctl_output_table(c->out, NULL, "keyid alg key_name created_at expires_at");
    err = aps_store_signer_each(c->store, key.id, show_in_list, c, &c->diag);
    ctl_output_end(c->out);
    return err;
}

enum aps_err ctl_signer_delete(struct ctl *c)
{
    struct aps_str keyid = aps_str(c->call.arg[0]);
    enum aps_err err = aps_store_signer_delete(c->store, keyid, &c->diag);

    if (err == APS_OK)
        ctl_ended(c, "keyid", keyid, "deleted");
    return err;
}
