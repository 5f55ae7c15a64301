/* authn_id.c - the id of a key, proved by other means than its text -> who calls. */
#include "identity.h"
#include "view.h"

/* What the key is held to, by its plan and by limits of its own. */
static enum aps_reason hold(struct aps_view *view, const struct aps_key *key, apr_pool_t *pool,
                            struct aps_identity_held *out)
{
    struct aps_planbook_choice choice;
    enum aps_reason reason = aps_planbook_choose(aps_snapshot_plans(aps_view_snapshot(view)), key,
                                                 (struct aps_str){NULL, 0}, &choice);

    if (reason != APS_REASON_ALLOW)
        return reason;
    out->plan = choice.plan;
    for (size_t i = 0; i < key->noverrides; i++) {
        bool lasts = false;

        if ((out->overrides[i] = aps_view_limit(view, key->overrides[i], pool, &lasts)) == NULL)
            return APS_REASON_PLAN_UNKNOWN;
    }
    out->noverrides = key->noverrides;
    out->nlimits = aps_planbook_lay(out->plan, out->overrides, out->noverrides, out->limits);
    return APS_REASON_ALLOW;
}

static enum aps_reason identify(struct aps_view *view, const struct aps_key *key, apr_pool_t *pool,
                                const struct aps_identity **out)
{
    char text[APS_IDENTITY_TOLD_MAX];
    struct aps_identity_held held = {.plan = NULL};
    struct aps_identity *who = apr_palloc(pool, sizeof *who);
    enum aps_reason reason = hold(view, key, pool, &held);

    if (reason != APS_REASON_ALLOW)
        return reason;
    struct aps_str told = {text, aps_view_tell(view, key, &key->secret[0], text)};
    char *tail = apr_palloc(pool, aps_identity_tail(key, &held, told));
    switch (aps_identity_init(who, tail, key, &held, 0, told, aps_view_snapshot(view))) {
    case APS_OK:
        *out = who;
        return APS_REASON_ALLOW;
    case APS_ERR_NOT_FOUND:
        return APS_REASON_ROLE_UNKNOWN;
    default:
        return APS_REASON_INTERNAL;
    }
}

enum aps_reason aps_authn_id(struct aps_view *view, struct aps_str id, aps_nsec wall,
                             apr_pool_t *pool, const struct aps_identity **out)
{
    struct aps_key key;
    enum aps_err err = aps_snapshot_key(aps_view_snapshot(view), id, pool, &key);
    enum aps_reason reason;

    if (err != APS_OK)
        return err == APS_ERR_NOT_FOUND ? APS_REASON_KEY_UNKNOWN : APS_REASON_STORE_DOWN;
    reason = key.decoy ? APS_REASON_KEY_DECOY : aps_key_live(&key, &key.secret[0], wall);
    return reason == APS_REASON_ALLOW ? identify(view, &key, pool, out) : reason;
}
