/* authn.c - a key's text -> who calls.
 *
 * A text that was verified before is found by its hash.  Any other is split, its key looked up by
 * id, and its MAC compared; what is wrong with it makes no difference to that work.  A text from
 * elsewhere names no id: it is looked up by its digest, where the store has such keys at all. */
#include "apisec/keytext.h"
#include "remember.h"

/* Stands in for the record of an id that nobody has: a MAC under the newest pepper is made and
 * compared as for any other, and a secret without a version is never the right one. */
static const struct aps_key nobody;

/* A text that was split: the key that it names, and what a MAC of its secret is made over. */
struct shown {
    enum aps_key_form form;
    struct aps_str id;
    struct aps_str body;
    char imported_id[APS_KEYTEXT_ID_LEN];
    uint8_t digest[APS_DIGEST_LEN];
};

/* Of the store's own texts it is only borrowed. */
static void forget(struct shown *shown)
{
    if (shown->form == APS_KEY_FORM_DIGEST)
        aps_secret_cleanse(shown->digest, sizeof shown->digest);
}

/* A text that begins as the store's own do is one of them or none. */
static bool is_own(struct aps_str text, struct aps_str prefix)
{
    return text.n > prefix.n && aps_str_starts(text, prefix) && text.p[prefix.n] == '_';
}

static enum aps_reason split_imported(struct aps_snapshot *snap, struct aps_str text,
                                      struct shown *out)
{
    if (!aps_snapshot_has_imports(snap) || !aps_imported_is_text(text))
        return APS_REASON_KEY_MALFORMED;
    out->form = APS_KEY_FORM_DIGEST;
    if (aps_digest_sum(text, out->digest) != APS_OK ||
        aps_snapshot_imported_id(snap, out->digest, out->imported_id) != APS_OK)
        return APS_REASON_INTERNAL;
    out->id = (struct aps_str){out->imported_id, sizeof out->imported_id};
    out->body = (struct aps_str){(const char *)out->digest, sizeof out->digest};
    return APS_REASON_ALLOW;
}

/* KEY_MALFORMED before any store access.  `out` borrows the text. */
static enum aps_reason split(struct aps_snapshot *snap, struct aps_str text, struct shown *out)
{
    struct aps_str prefix = aps_snapshot_prefix(snap);
    struct aps_keytext parts;

    out->form = APS_KEY_FORM_TEXT;
    if (!is_own(text, prefix))
        return split_imported(snap, text, out);
    if (!aps_keytext_parse(text, prefix, &parts))
        return APS_REASON_KEY_MALFORMED;
    out->id = parts.id;
    out->body = text;
    return APS_REASON_ALLOW;
}

static bool is_secret(const struct aps_key_secret *secret, const struct shown *shown,
                      const uint8_t mac[APS_KEY_MAC_LEN])
{
    return aps_secret_equal(mac, secret->mac, APS_KEY_MAC_LEN) & (secret->version != 0) &
           (secret->form == shown->form);
}

/* Which secret of `key` was shown, in *out; KEY_WRONG if it is none.  Both are compared always, and
 * each counts only in its own form; a second MAC is made only where they lie under different
 * peppers. */
static enum aps_reason verify(struct aps_snapshot *snap, const struct aps_key *key,
                              const struct shown *shown, size_t *out)
{
    const struct aps_key_secret *newest = &key->secret[0], *older = &key->secret[1];
    uint8_t mac[APS_KEY_MAC_LEN];
    enum aps_reason reason = APS_REASON_KEY_WRONG;
    enum aps_err err;
    bool is_newest, is_older;

    if ((err = aps_snapshot_mac(snap, newest->pepper, shown->body, mac)) != APS_OK)
        goto out;
    is_newest = is_secret(newest, shown, mac);
    if (older->version != 0 && older->pepper != newest->pepper)
        err = aps_snapshot_mac(snap, older->pepper, shown->body, mac);
    /* A pepper on which only texts hang that have ended may be retired. */
    is_older = err == APS_OK && is_secret(older, shown, mac);
    err = err == APS_ERR_NOT_FOUND ? APS_OK : err;
    if (err != APS_OK)
        goto out;
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

/* The key's record and the secret that was shown. */
static enum aps_reason prove(struct aps_snapshot *snap, const struct shown *shown, apr_pool_t *pool,
                             struct aps_key *out, size_t *out_which)
{
    enum aps_err err = aps_snapshot_key(snap, shown->id, pool, out);
    enum aps_reason reason;

    if (err != APS_OK && err != APS_ERR_NOT_FOUND)
        return APS_REASON_STORE_DOWN;
    reason = verify(snap, err == APS_OK ? out : &nobody, shown, out_which);
    return err != APS_OK && reason == APS_REASON_KEY_WRONG ? APS_REASON_KEY_UNKNOWN : reason;
}

enum aps_reason aps_authn_prove(struct aps_snapshot *snap, struct aps_str text, apr_pool_t *pool,
                                struct aps_key *out, size_t *out_which)
{
    struct shown shown;
    enum aps_reason reason = split(snap, text, &shown);

    if (reason == APS_REASON_ALLOW)
        reason = prove(snap, &shown, pool, out, out_which);
    forget(&shown);
    return reason;
}

/* Who shows a text that was not seen before; of a refusal, the id that it names.  A decoy, or a key
 * that is not good at `wall`, is never remembered, so that each use of it costs what an unknown key
 * costs (KEY-07). */
static enum aps_reason look_up(struct aps_view *view, struct aps_siphash hash, struct aps_str text,
                               aps_nsec wall, apr_pool_t *pool, const struct aps_identity **out,
                               struct aps_str *out_id)
{
    struct aps_snapshot *snap = aps_view_snapshot(view);
    struct shown shown;
    struct aps_key key;
    struct remember_caller proved;
    enum aps_reason reason;

    proved.hash = hash;
    proved.key = &key;
    proved.bearer = NULL;
    if ((reason = split(snap, text, &shown)) != APS_REASON_ALLOW)
        goto out;
    reason = prove(snap, &shown, pool, &key, &proved.which);
    if (reason == APS_REASON_ALLOW)
        reason =
            key.decoy ? APS_REASON_KEY_DECOY : aps_key_live(&key, &key.secret[proved.which], wall);
    if (reason == APS_REASON_ALLOW)
        reason = aps_remember(view, &proved, pool, out);
    if (reason != APS_REASON_ALLOW)
        *out_id = aps_str_copy(pool, shown.id);
out:
    forget(&shown);
    return reason;
}

enum aps_reason aps_authn_key(struct aps_view *view, struct aps_str text, aps_nsec wall,
                              apr_pool_t *pool, const struct aps_identity **out,
                              struct aps_str *out_id, bool *out_hit)
{
    const struct view_entry *seen;
    const struct aps_identity *who = NULL;
    struct aps_siphash hash;
    enum aps_reason reason;

    *out_id = (struct aps_str){NULL, 0};
    *out_hit = false;
    if (text.n > APS_IMPORTED_MAX)
        return APS_REASON_KEY_MALFORMED;
    hash = aps_view_hash(view, text);
    if ((seen = aps_view_find(view, hash)) != NULL) {
        *out_hit = true;
        who = &seen->who;
    } else if ((reason = look_up(view, hash, text, wall, pool, &who, out_id)) != APS_REASON_ALLOW) {
        return reason;
    }
    *out_id = who->key.id;
    if ((reason = aps_key_live(&who->key, who->secret, wall)) != APS_REASON_ALLOW)
        return reason;
    *out = who;
    return APS_REASON_ALLOW;
}
