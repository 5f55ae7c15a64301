/* remember.c - who was verified goes into the view, so that the next time he is found. */
#include "remember.h"

#include <stdlib.h>

static enum aps_reason reason_of(enum aps_err err)
{
    if (err == APS_OK)
        return APS_REASON_ALLOW;
    return err == APS_ERR_NOT_FOUND ? APS_REASON_ROLE_UNKNOWN : APS_REASON_INTERNAL;
}

/* What the key is held to, by its plan and by limits of its own.  *out_lasts: as long as the view;
 * else as long as `pool`. */
static enum aps_reason hold(struct aps_view *view, const struct aps_key *key, apr_pool_t *pool,
                            struct aps_identity_held *out, bool *out_lasts)
{
    struct aps_planbook_choice choice;
    enum aps_reason reason = aps_planbook_choose(aps_snapshot_plans(aps_view_snapshot(view)), key,
                                                 (struct aps_str){NULL, 0}, &choice);

    *out_lasts = true;
    if (reason != APS_REASON_ALLOW)
        return reason;
    out->plan = choice.plan;
    for (size_t i = 0; i < key->noverrides; i++) {
        bool lasts = false;

        if ((out->overrides[i] = aps_view_limit(view, key->overrides[i], pool, &lasts)) == NULL)
            return APS_REASON_PLAN_UNKNOWN;
        *out_lasts = *out_lasts && lasts;
    }
    out->noverrides = key->noverrides;
    out->nlimits = aps_planbook_lay(out->plan, out->overrides, out->noverrides, out->limits);
    return APS_REASON_ALLOW;
}

/* What goes into an entry of the view. */
struct filling {
    const struct remember_caller *caller;
    struct aps_identity_held held;
    struct aps_str told;
};

static enum aps_reason fill(struct aps_view *view, const struct filling *f,
                            struct view_entry *entry)
{
    const struct remember_caller *caller = f->caller;

    entry->hash = caller->hash;
    return reason_of(aps_identity_init(&entry->who, entry->tail, caller->key, &f->held,
                                       caller->which, f->told, aps_view_snapshot(view)));
}

/* In the request's pool. */
static enum aps_reason remember_here(struct aps_view *view, const struct filling *f, size_t size,
                                     apr_pool_t *pool, const struct aps_identity **out)
{
    struct view_entry *entry = apr_palloc(pool, size);
    enum aps_reason reason = fill(view, f, entry);

    if (reason == APS_REASON_ALLOW)
        *out = &entry->who;
    return reason;
}

/* What there is to fill in; `text` is where f->told lies. */
static enum aps_reason begin(struct aps_view *view, const struct remember_caller *caller,
                             apr_pool_t *pool, char text[APS_IDENTITY_TOLD_MAX], struct filling *f,
                             bool *out_lasts, size_t *out_size)
{
    enum aps_reason reason;

    f->caller = caller; /* the rest is filled in where it is used */
    f->held.bearer = caller->bearer;
    if ((reason = hold(view, caller->key, pool, &f->held, out_lasts)) != APS_REASON_ALLOW)
        return reason;
    f->told = (struct aps_str){
        text, aps_view_tell(view, caller->key, &caller->key->secret[caller->which], text)};
    *out_size = sizeof(struct view_entry) + aps_identity_tail(caller->key, &f->held, f->told);
    return APS_REASON_ALLOW;
}

enum aps_reason aps_remember_once(struct aps_view *view, const struct remember_caller *caller,
                                  apr_pool_t *pool, const struct aps_identity **out)
{
    char text[APS_IDENTITY_TOLD_MAX];
    struct filling f;
    bool lasts;
    size_t size;
    enum aps_reason reason = begin(view, caller, pool, text, &f, &lasts, &size);

    return reason == APS_REASON_ALLOW ? remember_here(view, &f, size, pool, out) : reason;
}

enum aps_reason aps_remember(struct aps_view *view, const struct remember_caller *caller,
                             apr_pool_t *pool, const struct aps_identity **out)
{
    char text[APS_IDENTITY_TOLD_MAX];
    struct filling f;
    const struct view_entry *kept;
    struct view_entry *entry;
    bool lasts;
    size_t size;
    enum aps_reason reason = begin(view, caller, pool, text, &f, &lasts, &size);

    if (reason != APS_REASON_ALLOW)
        return reason;
    if (!lasts)
        return remember_here(view, &f, size, pool, out);
    if ((entry = malloc(size)) == NULL)
        return APS_REASON_INTERNAL;
    if ((reason = fill(view, &f, entry)) != APS_REASON_ALLOW) {
        free(entry);
        return reason;
    }
    if ((kept = aps_view_add(view, entry)) == NULL)
        return remember_here(view, &f, size, pool, out);
    *out = &kept->who;
    return APS_REASON_ALLOW;
}
