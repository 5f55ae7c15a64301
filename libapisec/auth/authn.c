/* authn.c - a key's text -> who calls.
 *
 * A text that was verified before is found by its hash.  Any other is split, its key looked up by
 * id, and its MAC compared; what is wrong with it makes no difference to that work. */
#include <stdlib.h>

#include "apisec/keytext.h"
#include "identity.h"
#include "view.h"

/* Stands in for the record of an id that nobody has: a MAC under the newest pepper is made and
 * compared as for any other, and a secret without a version is never the right one. */
static const struct aps_key nobody;

/* Which secret of `key` the text is, in *out; KEY_WRONG if it is none.  Both are compared always;
 * a second MAC is made only where they lie under different peppers. */
static enum aps_reason verify(struct aps_snapshot *snap, const struct aps_key *key,
                              struct aps_str text, size_t *out)
{
    const struct aps_key_secret *newest = &key->secret[0], *older = &key->secret[1];
    uint8_t mac[APS_KEY_MAC_LEN];
    enum aps_reason reason = APS_REASON_KEY_WRONG;
    enum aps_err err;
    bool is_newest, is_older;

    if ((err = aps_snapshot_mac(snap, newest->pepper, text, mac)) != APS_OK)
        goto out;
    is_newest = aps_secret_equal(mac, newest->mac, sizeof mac) & (newest->version != 0);
    if (older->version != 0 && older->pepper != newest->pepper &&
        (err = aps_snapshot_mac(snap, older->pepper, text, mac)) != APS_OK)
        goto out;
    is_older = aps_secret_equal(mac, older->mac, sizeof mac) & (older->version != 0);
    if (is_newest | is_older) {
        *out = is_newest ? 0 : 1;
        reason = APS_REASON_ALLOW;
    }
out:
    aps_secret_cleanse(mac, sizeof mac);
    if (err != APS_OK)
        return err == APS_ERR_NOT_FOUND ? APS_REASON_STORE_DOWN : APS_REASON_INTERNAL;
    return reason;
}

/* The key's record and the secret that the text proves. */
static enum aps_reason prove(struct aps_snapshot *snap, struct aps_str id, struct aps_str text,
                             apr_pool_t *pool, struct aps_key *out, size_t *out_which)
{
    enum aps_err err = aps_snapshot_key(snap, id, pool, out);
    enum aps_reason reason;

    if (err != APS_OK && err != APS_ERR_NOT_FOUND)
        return APS_REASON_STORE_DOWN;
    reason = verify(snap, err == APS_OK ? out : &nobody, text, out_which);
    return err != APS_OK && reason == APS_REASON_KEY_WRONG ? APS_REASON_KEY_UNKNOWN : reason;
}

static enum aps_reason reason_of(enum aps_err err)
{
    if (err == APS_OK)
        return APS_REASON_ALLOW;
    return err == APS_ERR_NOT_FOUND ? APS_REASON_ROLE_UNKNOWN : APS_REASON_INTERNAL;
}

/* Put who was proved into the view, or where there is no more room into the request's pool. */
static enum aps_reason remember(struct aps_view *view, struct aps_siphash hash,
                                const struct aps_key *key, size_t which, apr_pool_t *pool,
                                const struct aps_identity **out)
{
    struct aps_snapshot *snap = aps_view_snapshot(view);
    const size_t size = sizeof(struct view_entry) + aps_identity_tail(key);
    const struct view_entry *kept;
    struct view_entry *entry = malloc(size);
    enum aps_reason reason;

    if (entry == NULL)
        return APS_REASON_INTERNAL;
    entry->hash = hash;
    reason = reason_of(aps_identity_init(&entry->who, entry->tail, key, which, snap));
    if (reason != APS_REASON_ALLOW) {
        free(entry);
        return reason;
    }
    if ((kept = aps_view_add(view, entry)) == NULL) {
        entry = apr_palloc(pool, size);
        reason = reason_of(aps_identity_init(&entry->who, entry->tail, key, which, snap));
        if (reason != APS_REASON_ALLOW)
            return reason;
        kept = entry;
    }
    *out = &kept->who;
    return APS_REASON_ALLOW;
}

enum aps_reason aps_authn_key(struct aps_view *view, struct aps_str text, aps_nsec wall,
                              apr_pool_t *pool, const struct aps_identity **out,
                              struct aps_str *out_id, bool *out_hit)
{
    struct aps_snapshot *snap = aps_view_snapshot(view);
    const struct view_entry *seen;
    const struct aps_identity *who;
    struct aps_keytext parts;
    struct aps_siphash hash;
    struct aps_key key;
    enum aps_reason reason;
    size_t which;

    *out_id = (struct aps_str){NULL, 0};
    *out_hit = false;
    if (text.n > APS_KEYTEXT_MAX)
        return APS_REASON_KEY_MALFORMED;
    hash = aps_view_hash(view, text);
    if ((seen = aps_view_find(view, hash)) != NULL) {
        *out_hit = true;
        who = &seen->who;
    } else {
        if (!aps_keytext_parse(text, aps_snapshot_prefix(snap), &parts))
            return APS_REASON_KEY_MALFORMED;
        *out_id = aps_str_copy(pool, parts.id);
        reason = prove(snap, parts.id, text, pool, &key, &which);
        if (reason == APS_REASON_ALLOW)
            reason = remember(view, hash, &key, which, pool, &who);
        if (reason != APS_REASON_ALLOW)
            return reason;
    }
    *out_id = who->key.id;
    if ((reason = aps_key_live(&who->key, who->secret, wall)) != APS_REASON_ALLOW)
        return reason;
    *out = who;
    return APS_REASON_ALLOW;
}
