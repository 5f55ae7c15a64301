/* subject.c - who asks, and where -> the bytes that name a cell. */
#include "apisec/subject.h"

/* Bytes: store (8), then a part for each level of the limit in a fixed order: its kind, its
 * length (2; of an address the two prefixes), its text. */
enum {
    STORE = 8,
    HEAD = 3,
    CALLER_MAX = 128,
    ROUTE_MAX = 512,
    LENGTH_MAX = 0xffff,
    /* Kinds, and not levels: a user without a name is the same as the key. */
    KIND_KEY = 'k',
    KIND_USER = 'u',
    KIND_ORG = 'o',
    KIND_ROLE = 'r',
    KIND_ADDR = 'i',
    KIND_ROUTE = 't',
    KIND_EPOCH = 'e',
};

_Static_assert(STORE + 6 * HEAD + 4 * CALLER_MAX + (int)sizeof(struct aps_addr) + ROUTE_MAX + HEAD +
                       (int)sizeof(uint64_t) <=
                   APS_SUBJECT_MAX,
               "all levels at once fit");

static unsigned char *put(unsigned char *p, int kind, unsigned length, const void *text, size_t n)
{
    p[0] = (unsigned char)kind;
    p[1] = (unsigned char)length;
    p[2] = (unsigned char)(length >> 8);
    if (n != 0)
        memcpy(p + HEAD, text, n);
    return p + HEAD + n;
}

static unsigned char *put_cut(unsigned char *p, int kind, struct aps_str text, size_t max)
{
    return put(p, kind, (unsigned)(text.n < LENGTH_MAX ? text.n : LENGTH_MAX), text.p,
               text.n < max ? text.n : max);
}

static unsigned char *put_text(unsigned char *p, int kind, struct aps_str text)
{
    return put_cut(p, kind, text, CALLER_MAX);
}

static unsigned char *put_user(unsigned char *p, const struct aps_subject *who)
{
    return who->owner.n != 0 ? put_text(p, KIND_USER, who->owner) : put_text(p, KIND_KEY, who->key);
}

static unsigned char *put_org(unsigned char *p, const struct aps_subject *who)
{
    return who->org.n != 0 ? put_text(p, KIND_ORG, who->org) : put_user(p, who);
}

static unsigned char *put_addr(unsigned char *p, const struct aps_limit *limit,
                               const struct aps_subject *who)
{
    struct aps_addr net = aps_addr_prefix(&who->addr, limit->prefix4, limit->prefix6);

    return put(p, KIND_ADDR, limit->prefix4 | (unsigned)limit->prefix6 << 8, net.b, sizeof net.b);
}

void aps_subject_set_caller(struct aps_subject *out, const struct aps_key *key)
{
    out->key = key->id;
    out->owner = key->owner;
    out->org = key->org;
    out->nroles = key->nroles;
    out->roles = key->roles;
}

size_t aps_subject_count(const struct aps_limit *limit, const struct aps_subject *who)
{
    if ((limit->by & APS_LIMIT_BY_CALLER) != 0 && who->key.n == 0)
        return 0;
    return (limit->by & APS_LIMIT_BY_ROLE) != 0 ? who->nroles : 1;
}

size_t aps_subject_bytes(const struct aps_limit *limit, const struct aps_subject *who, size_t i,
                         uint64_t epoch, unsigned char out[APS_SUBJECT_MAX])
{
    unsigned char *p = out + STORE;
    unsigned by = limit->by;

    memcpy(out, &who->store, STORE);
    if ((by & APS_LIMIT_BY_KEY) != 0)
        p = put_text(p, KIND_KEY, who->key);
    if ((by & APS_LIMIT_BY_USER) != 0)
        p = put_user(p, who);
    if ((by & APS_LIMIT_BY_ORG) != 0)
        p = put_org(p, who);
    if ((by & APS_LIMIT_BY_ROLE) != 0)
        p = put_text(p, KIND_ROLE, who->roles[i]);
    if ((by & APS_LIMIT_BY_IP) != 0)
        p = put_addr(p, limit, who);
    if ((by & APS_LIMIT_BY_ROUTE) != 0)
        p = put_cut(p, KIND_ROUTE, who->route, ROUTE_MAX);
    if (epoch != 0 && (by & APS_LIMIT_BY_CALLER) != 0)
        p = put(p, KIND_EPOCH, sizeof epoch, &epoch, sizeof epoch);
    return (size_t)(p - out);
}
