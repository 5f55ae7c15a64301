/* The last use of each secret, and the end of an older one when the newer one is used.
 *
 * A use is a request whose key was verified and live, also where its place, its roles or a limit
 * refuse it then: it is what tells who still has the secret. */
#include "mod.h"

static uint64_t tag_of(const struct mod_req *m, uint32_t kv)
{
    return aps_lastuse_tag(mod_process.state, aps_snapshot_store_id(aps_view_snapshot(m->view)),
                           m->who->key.id, kv);
}

/* An address that nobody is to know, or that is none, is not kept either. */
static const struct aps_addr *address_of(const struct mod_req *m)
{
    static const struct aps_addr none;
    bool hidden = m->server->address == MOD_ADDRESS_PSEUDONYM;
    return hidden || memcmp(&m->addr, &none, sizeof none) == 0 ? NULL : &m->addr;
}

/* The row is written only if no other process has noted the hour; this one remembers it either
 * way. */
void mod_use_write(struct mod_req *m)
{
    /* A token is no secret of the store, and for a signature no secret of the key was shown. */
    if (m->who->bearer != NULL || m->signature.want != NULL) {
        __atomic_store_n(m->who->noted, mod_use_hour(m), __ATOMIC_RELAXED);
        return;
    }
    struct aps_lastuse_note note = {(aps_nsec)m->first->request_time * APS_USEC,
                                    mod_stage_limit_route(m), address_of(m)};
    if (aps_lastuse_note(mod_process.state, tag_of(m, m->who->secret->version), &note))
        __atomic_store_n(m->who->noted, mod_use_hour(m), __ATOMIC_RELAXED);
}

enum aps_reason mod_use_older(const struct mod_req *m)
{
    aps_nsec now = (aps_nsec)m->first->request_time * APS_USEC, ends;
    struct aps_lastuse newer;
    if (aps_lastuse_get(mod_process.state, tag_of(m, m->who->key.secret[0].version), now, &newer) !=
        APS_LASTUSE_KNOWN)
        return APS_REASON_ALLOW;
    ends = aps_key_older_ends(m->who->secret, newer.first);
    return ends != 0 && now >= ends ? APS_REASON_KEY_ROTATED : APS_REASON_ALLOW;
}
