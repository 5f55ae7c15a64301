/* authn_id.c - the id of a key, proved by other means than its text -> who calls. */
#include "remember.h"

enum aps_reason aps_authn_id(struct aps_view *view, struct aps_str id, aps_nsec wall,
                             apr_pool_t *pool, const struct aps_identity **out)
{
    struct aps_key key;
    const struct remember_caller caller = {.key = &key};
    enum aps_err err = aps_snapshot_key(aps_view_snapshot(view), id, pool, &key);
    enum aps_reason reason;

    if (err != APS_OK)
        return err == APS_ERR_NOT_FOUND ? APS_REASON_KEY_UNKNOWN : APS_REASON_STORE_DOWN;
    reason = key.decoy ? APS_REASON_KEY_DECOY : aps_key_live(&key, &key.secret[0], wall);
    return reason == APS_REASON_ALLOW ? aps_remember_once(view, &caller, pool, out) : reason;
}
