/* item_put_trust.c - whom else the store believes: issuers, webhooks, signers and certificates of a
 * document -> the store. */
#include <apr_strings.h>

#include "apisec/b64.h"
#include "apisec/issuer_record.h"
#include "item_put_impl.h"

#define PUBLIC_MAX (16 * 1024) /* characters */

enum aps_err ctl_item_put_trust_issuer(struct put *p)
{
    struct ctl *c = p->c;
    const struct aps_str keys = ctl_item_raw(p->item, CTL_ITEM_ISSUER_KEYS);
    struct aps_issuer issuer;
    struct aps_store_issuer_put to = {.issuer = &issuer};
    enum aps_err err = aps_issuer_record_read(ctl_item_raw(p->item, CTL_ITEM_ISSUER_DEFINITION),
                                              c->pool, &issuer, &c->diag);

    if (err != APS_OK)
        return err == APS_ERR_CORRUPT ? APS_ERR_FORMAT : err;
    issuer.name = p->item->name;
    if (p->is_new &&
        (issuer.client_id.n != 0 || (issuer.source == APS_ISSUER_STATIC && keys.n == 0)))
        return put_leave(p, CTL_ITEM_MISSING,
                         "it needs a secret, which no document holds: `issuer add` takes it");
    if (keys.n != 0 && put_differs(p, CTL_ITEM_ISSUER_KEYS))
        to.keys = keys;
    if (!p->is_new && to.keys.p == NULL &&
        aps_str_eq(aps_issuer_record_print(c->pool, &issuer),
                   ctl_item_raw(&p->was, CTL_ITEM_ISSUER_DEFINITION)))
        return APS_OK; /* in other words */
    return p->is_new ? aps_store_issuer_add(c->store, &to, &c->diag)
                     : aps_store_issuer_set(c->store, &to, &c->diag);
}

enum aps_err ctl_item_put_trust_webhook(struct put *p)
{
    struct ctl *c = p->c;
    struct aps_store_named named;
    struct aps_diag missing = {""};
    struct aps_hook hook, old;
    enum aps_err err =
        aps_hook_read(ctl_item_raw(p->item, CTL_ITEM_WEBHOOK_DEFINITION), c->pool, &hook, &c->diag);

    if (err != APS_OK)
        return err == APS_ERR_CORRUPT ? APS_ERR_FORMAT : err;
    hook.name = p->item->name;
    if (!p->is_new) {
        if ((err = aps_store_webhook_get(c->store, hook.name, c->pool, &old, &c->diag)) != APS_OK)
            return err;
        if (old.spec.scheme != hook.spec.scheme || !aps_str_eq(old.secret_name, hook.secret_name))
            return put_leave(p, CTL_ITEM_LEFT,
                             "it has another scheme or secret: delete it and add it anew");
        if (aps_str_eq(aps_hook_print(c->pool, &hook), aps_hook_print(c->pool, &old)))
            return APS_OK; /* in other words */
        return aps_store_webhook_set(c->store, &hook, &c->diag);
    }
    if (hook.secret_name.n == 0)
        return put_leave(
            p, CTL_ITEM_MISSING,
            "it has a secret of its own, which no document holds: `webhook add` takes it");
    if (aps_store_named_get(c->store, hook.secret_name, c->pool, &named, &missing) ==
        APS_ERR_NOT_FOUND)
        return put_leave(p, CTL_ITEM_MISSING,
                         apr_psprintf(c->pool,
                                      "the secret %.*s is not there: `secret set` takes it",
                                      APS_STR_SHOW(hook.secret_name)));
    return aps_store_webhook_add(c->store, &hook, (struct aps_str){NULL, 0}, &c->diag);
}

/* Whose it is: *out_is false where there is no such key, or it is revoked. */
static enum aps_err find_key(struct put *p, enum ctl_item_field field, bool *out_is)
{
    struct aps_key key;
    struct aps_diag missing = {""};
    enum aps_err err =
        aps_store_key_get(p->c->store, put_text(p, field), p->c->pool, &key, &missing);

    *out_is = err == APS_OK && key.status == APS_KEY_ACTIVE;
    if (err == APS_OK && !*out_is)
        return put_leave(p, CTL_ITEM_LEFT, "its key is revoked");
    if (err == APS_ERR_NOT_FOUND)
        return put_leave(p, CTL_ITEM_MISSING, "its key is not there");
    if (err != APS_OK)
        aps_err_explain(&p->c->diag, "%s", aps_err_say(err, &missing));
    return err;
}

enum aps_err ctl_item_put_trust_signer(struct put *p)
{
    struct ctl *c = p->c;
    const struct aps_str text = put_text(p, CTL_ITEM_SIGNER_PUBLIC);
    struct aps_signer signer = {.keyid = p->item->name, .key = put_text(p, CTL_ITEM_SIGNER_KEY)};
    uint8_t *der = apr_palloc(c->pool, APS_B64_DECODED_MAX(text.n));
    bool has_key = false;
    size_t n = 0;
    enum aps_err err;

    if (!p->is_new)
        return put_leave(p, CTL_ITEM_LEFT, "another one of this keyid: delete that first");
    signer.alg = aps_alg_from_httpsig(put_text(p, CTL_ITEM_SIGNER_ALG));
    if (text.n == 0 && aps_alg_key(signer.alg) == APS_ALG_KEY_SECRET)
        return put_leave(
            p, CTL_ITEM_MISSING,
            "it signs by a secret, which no document holds: `key signer add` takes it");
    if (signer.alg == APS_ALG_NONE || text.n > PUBLIC_MAX || !aps_b64_decode(text, der, &n)) {
        aps_err_explain(&c->diag, "want an \"alg\" of signatures, and its \"public\" key, SPKI in "
                                  "base64");
        return APS_ERR_FORMAT;
    }
    signer.public = (struct aps_str){(const char *)der, n};
    if ((err = put_time(p, CTL_ITEM_SIGNER_EXPIRES, 0, &signer.until)) != APS_OK ||
        (err = find_key(p, CTL_ITEM_SIGNER_KEY, &has_key)) != APS_OK || !has_key)
        return err;
    return aps_store_signer_add(c->store, &signer, (struct aps_str){NULL, 0}, &c->diag);
}

enum aps_err ctl_item_put_trust_certificate(struct put *p)
{
    struct ctl *c = p->c;
    bool has_key = false;
    enum aps_err err = find_key(p, CTL_ITEM_CERTIFICATE_KEY, &has_key);

    if (err != APS_OK || !has_key)
        return err;
    if (!p->is_new)
        return put_leave(p, CTL_ITEM_LEFT, "it is another key's: delete that first");
    return aps_store_certificate_add(c->store, put_text(p, CTL_ITEM_CERTIFICATE_KEY), p->item->name,
                                     &c->diag);
}
