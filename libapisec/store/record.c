#include "record.h"

#include <apr_strings.h>

enum { FORMAT = 1 };

/* ---- writing ---- */

static unsigned char *put(unsigned char *p, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        *p++ = (unsigned char)(value >> (8 * i));
    return p;
}

static unsigned char *put_str(unsigned char *p, struct aps_str s)
{
    p = put(p, s.n, 2);
    if (s.n != 0)
        memcpy(p, s.p, s.n);
    return p + s.n;
}

static size_t list_size(const struct aps_str *list, size_t n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += 2 + list[i].n;
    return sum;
}

static unsigned char *put_list(unsigned char *p, const struct aps_str *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p = put_str(p, list[i]);
    return p;
}

enum { HEAD = 2 + 4 * 8 + 2 * (4 + 4 + 8 + APS_KEY_MAC_LEN) + 16 + 4, NET = 17 };

struct aps_str aps_record_encode(const struct aps_key *key, apr_pool_t *pool)
{
    size_t n = HEAD + 4 + key->owner.n + key->revoke_reason.n + list_size(key->roles, key->nroles) +
               list_size(key->scopes, key->nscopes) + list_size(key->hosts, key->nhosts) +
               NET * key->nnets;
    unsigned char *b = apr_palloc(pool, n), *p = b;

    p = put(p, FORMAT, 1);
    p = put(p, key->status, 1);
    p = put(p, (uint64_t)key->created_at, 8);
    p = put(p, (uint64_t)key->not_before, 8);
    p = put(p, (uint64_t)key->expires_at, 8);
    p = put(p, (uint64_t)key->revoked_at, 8);
    for (int i = 0; i < 2; i++) {
        p = put(p, key->secret[i].version, 4);
        p = put(p, key->secret[i].pepper, 4);
        p = put(p, (uint64_t)key->secret[i].closes_at, 8);
        memcpy(p, key->secret[i].mac, APS_KEY_MAC_LEN);
        p += APS_KEY_MAC_LEN;
    }
    p = put(p, key->limit.rate.count, 4);
    p = put(p, key->limit.burst, 4);
    p = put(p, (uint64_t)key->limit.rate.period, 8);
    p = put(p, key->nroles, 1);
    p = put(p, key->nscopes, 1);
    p = put(p, key->nnets, 1);
    p = put(p, key->nhosts, 1);
    p = put_str(p, key->owner);
    p = put_str(p, key->revoke_reason);
    p = put_list(p, key->roles, key->nroles);
    p = put_list(p, key->scopes, key->nscopes);
    p = put_list(p, key->hosts, key->nhosts);
    for (size_t i = 0; i < key->nnets; i++) {
        memcpy(p, key->nets[i].addr.b, 16);
        p[16] = key->nets[i].bits;
        p += NET;
    }
    return (struct aps_str){(const char *)b, n};
}

/* ---- reading ---- */

/* What is left; `bad` once something did not fit. */
struct reader {
    const unsigned char *p, *end;
    bool bad;
};

static uint64_t get(struct reader *r, int bytes)
{
    uint64_t value = 0;
    if (r->end - r->p < bytes) {
        r->bad = true;
        return 0;
    }
    for (int i = 0; i < bytes; i++)
        value = value << 8 | *r->p++;
    return value;
}

static struct aps_str get_str(struct reader *r)
{
    size_t n = get(r, 2);
    if ((size_t)(r->end - r->p) < n) {
        r->bad = true;
        return (struct aps_str){0};
    }
    struct aps_str s = {(const char *)r->p, n};
    r->p += n;
    return s;
}

static const struct aps_str *get_list(struct reader *r, size_t n, apr_pool_t *pool)
{
    struct aps_str *list = n != 0 ? apr_palloc(pool, n * sizeof *list) : NULL;
    for (size_t i = 0; i < n; i++)
        list[i] = get_str(r);
    return list;
}

static const struct aps_net *get_nets(struct reader *r, size_t n, apr_pool_t *pool)
{
    struct aps_net *nets = n != 0 ? apr_palloc(pool, n * sizeof *nets) : NULL;
    for (size_t i = 0; i < n; i++) {
        if (r->end - r->p < NET || r->p[16] > 128) {
            r->bad = true;
            return NULL;
        }
        memcpy(nets[i].addr.b, r->p, 16);
        nets[i].bits = r->p[16];
        r->p += NET;
    }
    return nets;
}

static void get_secret(struct reader *r, struct aps_key_secret *out)
{
    out->version = (uint32_t)get(r, 4);
    out->pepper = (uint32_t)get(r, 4);
    out->closes_at = (aps_nsec)get(r, 8);
    if (r->end - r->p < APS_KEY_MAC_LEN) {
        r->bad = true;
        return;
    }
    memcpy(out->mac, r->p, APS_KEY_MAC_LEN);
    r->p += APS_KEY_MAC_LEN;
}

enum aps_err aps_record_decode(struct aps_str record, apr_pool_t *pool, struct aps_key *out)
{
    struct aps_key key = *out;
    if (record.n < HEAD || record.p[0] != FORMAT)
        return APS_ERR_CORRUPT;
    struct reader r = {.p = apr_pmemdup(pool, record.p, record.n)};
    r.end = r.p + record.n;
    r.p++;
    key.status = (enum aps_key_status)get(&r, 1);
    key.created_at = (aps_nsec)get(&r, 8);
    key.not_before = (aps_nsec)get(&r, 8);
    key.expires_at = (aps_nsec)get(&r, 8);
    key.revoked_at = (aps_nsec)get(&r, 8);
    get_secret(&r, &key.secret[0]);
    get_secret(&r, &key.secret[1]);
    key.limit.rate.count = (uint32_t)get(&r, 4);
    key.limit.burst = (uint32_t)get(&r, 4);
    key.limit.rate.period = (aps_nsec)get(&r, 8);
    key.nroles = get(&r, 1);
    key.nscopes = get(&r, 1);
    key.nnets = get(&r, 1);
    key.nhosts = get(&r, 1);
    if (key.nroles > APS_KEY_ROLES_MAX || key.nscopes > APS_KEY_SCOPES_MAX ||
        key.nnets > APS_KEY_NETS_MAX || key.nhosts > APS_KEY_HOSTS_MAX)
        return APS_ERR_CORRUPT;
    key.owner = get_str(&r);
    key.revoke_reason = get_str(&r);
    key.roles = get_list(&r, key.nroles, pool);
    key.scopes = get_list(&r, key.nscopes, pool);
    key.hosts = get_list(&r, key.nhosts, pool);
    key.nets = get_nets(&r, key.nnets, pool);
    if (r.bad || r.p != r.end || key.expires_at == 0 || key.secret[0].version == 0 ||
        (key.status != APS_KEY_ACTIVE && key.status != APS_KEY_REVOKED) ||
        (key.limit.rate.count != 0 && key.limit.rate.period <= 0))
        return APS_ERR_CORRUPT;
    *out = key;
    return APS_OK;
}
