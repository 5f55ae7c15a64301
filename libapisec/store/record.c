/* record.c - a key <-> the bytes of its row; the reader trusts none of them. */
#include "record.h"

#include <apr_strings.h>
#include <endian.h>

enum { FORMAT = 1, FORMAT_PLAN = 2 };

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

static unsigned char *put_secret(unsigned char *p, const struct aps_key_secret *secret)
{
    p = put(p, secret->version, 4);
    p = put(p, secret->pepper, 4);
    p = put(p, secret->form, 1);
    p = put(p, (uint64_t)secret->made_at, 8);
    p = put(p, (uint64_t)secret->closes_at, 8);
    p = put(p, (uint64_t)secret->grace, 8);
    memcpy(p, secret->mac, APS_KEY_MAC_LEN);
    return p + APS_KEY_MAC_LEN;
}

enum {
    SECRET = 4 + 4 + 1 + 3 * 8 + APS_KEY_MAC_LEN,
    HEAD = 4 + 4 * 8 + SECRET + 16 + 5,
    NET = 17,
};

static size_t plan_size(const struct aps_key *key)
{
    return 2 + key->org.n + 2 + key->plan.n + 1 + list_size(key->overrides, key->noverrides);
}

static unsigned char *put_plan(unsigned char *p, const struct aps_key *key)
{
    p = put_str(p, key->org);
    p = put_str(p, key->plan);
    p = put(p, key->noverrides, 1);
    return put_list(p, key->overrides, key->noverrides);
}

struct aps_str aps_record_encode(const struct aps_key *key, apr_pool_t *pool)
{
    bool older = key->secret[1].version != 0;
    bool plan = key->org.n != 0 || key->plan.n != 0 || key->noverrides != 0;
    size_t n = HEAD + (older ? (size_t)SECRET : 0) + 4 + key->owner.n + key->revoke_reason.n +
               list_size(key->roles, key->nroles) + list_size(key->scopes, key->nscopes) +
               list_size(key->hosts, key->nhosts) + NET * key->nnets + (plan ? plan_size(key) : 0);
    unsigned char *b = apr_palloc(pool, n), *p = b;

    p = put(p, plan ? FORMAT_PLAN : FORMAT, 1);
    p = put(p, key->status, 1);
    p = put(p, key->origin, 1);
    p = put(p, key->decoy, 1);
    p = put(p, (uint64_t)key->created_at, 8);
    p = put(p, (uint64_t)key->not_before, 8);
    p = put(p, (uint64_t)key->expires_at, 8);
    p = put(p, (uint64_t)key->revoked_at, 8);
    p = put_secret(p, &key->secret[0]);
    p = put(p, key->limit.rate.count, 4);
    p = put(p, key->limit.burst, 4);
    p = put(p, (uint64_t)key->limit.rate.period, 8);
    p = put(p, older, 1);
    p = put(p, key->nroles, 1);
    p = put(p, key->nscopes, 1);
    p = put(p, key->nnets, 1);
    p = put(p, key->nhosts, 1);
    if (older)
        p = put_secret(p, &key->secret[1]);
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
    if (plan)
        p = put_plan(p, key);
    return (struct aps_str){(const char *)b, (size_t)(p - b)};
}

/* ---- reading ---- */

/* What is left; `bad` once something did not fit. */
struct reader {
    const unsigned char *p, *end;
    bool bad;
};

/* The fixed part is known to be there; what follows it is checked. */
static uint64_t get8(struct reader *r)
{
    uint64_t value;
    memcpy(&value, r->p, 8);
    r->p += 8;
    return be64toh(value);
}

static uint32_t get4(struct reader *r)
{
    uint32_t value;
    memcpy(&value, r->p, 4);
    r->p += 4;
    return be32toh(value);
}

static uint8_t get1(struct reader *r)
{
    return *r->p++;
}

static struct aps_str get_str(struct reader *r)
{
    size_t left = (size_t)(r->end - r->p);
    size_t n = left >= 2 ? (size_t)r->p[0] << 8 | r->p[1] : 0;
    if (left < 2 || left - 2 < n) {
        r->bad = true;
        return (struct aps_str){0};
    }
    r->p += 2;
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
    if (r->end - r->p < SECRET) {
        r->bad = true;
        return;
    }
    out->version = get4(r);
    out->pepper = get4(r);
    out->form = (enum aps_key_form)get1(r);
    out->made_at = (aps_nsec)get8(r);
    out->closes_at = (aps_nsec)get8(r);
    out->grace = (aps_nsec)get8(r);
    memcpy(out->mac, r->p, APS_KEY_MAC_LEN);
    r->p += APS_KEY_MAC_LEN;
}

static void get_plan(struct reader *r, apr_pool_t *pool, struct aps_key *key)
{
    key->org = get_str(r);
    key->plan = get_str(r);
    if (r->p == r->end || *r->p > APS_KEY_OVERRIDES_MAX) {
        r->bad = true;
        return;
    }
    key->noverrides = get1(r);
    key->overrides = get_list(r, key->noverrides, pool);
}

static bool is_secret(const struct aps_key_secret *secret)
{
    return secret->version != 0 && secret->form <= APS_KEY_FORM_DIGEST && secret->made_at >= 0 &&
           secret->grace >= 0;
}

/* Into its place: a key is large. */
static bool decode(struct aps_str record, apr_pool_t *pool, struct aps_key *key)
{
    if (record.n < HEAD || (record.p[0] != FORMAT && record.p[0] != FORMAT_PLAN))
        return false;
    struct reader r = {.p = apr_pmemdup(pool, record.p, record.n)};
    r.end = r.p + record.n;
    bool plan = get1(&r) == FORMAT_PLAN;
    key->status = (enum aps_key_status)get1(&r);
    key->origin = (enum aps_key_origin)get1(&r);
    uint8_t decoy = get1(&r);
    key->decoy = decoy != 0;
    key->created_at = (aps_nsec)get8(&r);
    key->not_before = (aps_nsec)get8(&r);
    key->expires_at = (aps_nsec)get8(&r);
    key->revoked_at = (aps_nsec)get8(&r);
    get_secret(&r, &key->secret[0]);
    key->secret[1] = (struct aps_key_secret){0};
    key->limit.rate.count = get4(&r);
    key->limit.burst = get4(&r);
    key->limit.rate.period = (aps_nsec)get8(&r);
    unsigned older = get1(&r);
    key->nroles = get1(&r);
    key->nscopes = get1(&r);
    key->nnets = get1(&r);
    key->nhosts = get1(&r);
    if (key->nroles > APS_KEY_ROLES_MAX || key->nscopes > APS_KEY_SCOPES_MAX ||
        key->nnets > APS_KEY_NETS_MAX || key->nhosts > APS_KEY_HOSTS_MAX || older > 1)
        return false;
    if (older != 0)
        get_secret(&r, &key->secret[1]);
    key->owner = get_str(&r);
    key->revoke_reason = get_str(&r);
    key->roles = get_list(&r, key->nroles, pool);
    key->scopes = get_list(&r, key->nscopes, pool);
    key->hosts = get_list(&r, key->nhosts, pool);
    key->nets = get_nets(&r, key->nnets, pool);
    key->org = key->plan = (struct aps_str){0};
    key->noverrides = 0;
    if (plan)
        get_plan(&r, pool, key);
    return !r.bad && r.p == r.end && key->expires_at != 0 && is_secret(&key->secret[0]) &&
           (older == 0 || is_secret(&key->secret[1])) && decoy <= 1 &&
           key->origin <= APS_KEY_IMPORTED_DIGEST &&
           (key->status == APS_KEY_ACTIVE || key->status == APS_KEY_REVOKED) &&
           (key->limit.rate.count == 0 || key->limit.rate.period > 0);
}

enum aps_err aps_record_decode(struct aps_str record, apr_pool_t *pool, struct aps_key *out)
{
    if (decode(record, pool, out))
        return APS_OK;
    *out = (struct aps_key){.id = out->id, .name = out->name};
    return APS_ERR_CORRUPT;
}
