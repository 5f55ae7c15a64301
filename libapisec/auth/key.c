/* key.c - whether a key may be used now, from there, on this host. */
#include "apisec/key.h"

/* A record that was never filled in has an expiry of 0 and no status: it cannot pass. */
enum aps_reason aps_key_live(const struct aps_key *key, const struct aps_key_secret *secret,
                             aps_nsec now)
{
    if (key->status == APS_KEY_REVOKED)
        return APS_REASON_KEY_REVOKED;
    if (key->status != APS_KEY_ACTIVE || secret->version == 0)
        return APS_REASON_UNDECIDED;
    if (now < key->not_before)
        return APS_REASON_KEY_NOT_YET;
    if (now >= key->expires_at)
        return APS_REASON_KEY_EXPIRED;
    if (secret->closes_at != 0 && now >= secret->closes_at)
        return APS_REASON_KEY_ROTATED;
    return APS_REASON_ALLOW;
}

aps_nsec aps_key_older_ends(const struct aps_key_secret *older, aps_nsec first)
{
    if (older->grace == 0 || first <= 0 || older->grace > INT64_MAX - first)
        return older->closes_at;
    if (older->closes_at != 0 && older->closes_at < first + older->grace)
        return older->closes_at;
    return first + older->grace;
}

static bool is_near(const struct aps_key *key, const struct aps_addr *addr)
{
    for (size_t i = 0; i < key->nnets; i++)
        if (aps_net_has(&key->nets[i], addr))
            return true;
    return key->nnets == 0;
}

enum aps_reason aps_key_place(const struct aps_key *key, const struct aps_addr *addr,
                              struct aps_str host)
{
    if (!is_near(key, addr))
        return APS_REASON_KEY_NETWORK;
    if (key->nhosts != 0 && !aps_str_is_in(host, key->hosts, key->nhosts))
        return APS_REASON_KEY_HOST;
    return APS_REASON_ALLOW;
}

bool aps_key_is_scope(struct aps_str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < 0x21 || text.p[i] > 0x7e || text.p[i] == '"' || text.p[i] == '\\')
            return false;
    return text.n >= 1 && text.n <= APS_KEY_SCOPE_MAX;
}

bool aps_key_has_scope(const struct aps_key *key, struct aps_str scope)
{
    return aps_str_is_in(scope, key->scopes, key->nscopes);
}

const char *aps_key_origin_name(enum aps_key_origin origin)
{
    switch (origin) {
    case APS_KEY_IMPORTED:
        return "imported";
    case APS_KEY_IMPORTED_DIGEST:
        return "imported-digest";
    case APS_KEY_MADE:
        break;
    }
    return "made";
}

const char *aps_key_status_name(enum aps_key_status status)
{
    switch (status) {
    case APS_KEY_ACTIVE:
        return "active";
    case APS_KEY_REVOKED:
        return "revoked";
    case APS_KEY_UNSET:
        break;
    }
    return "unset";
}
