/* How answers tell what is left: RateLimit-Policy and RateLimit of
 * draft-ietf-httpapi-ratelimit-headers, and the X-RateLimit-* that were there before. */
#include "mod.h"

#include <apr_strings.h>

/* `", "` and an item beside its name: `"";r=4294967295;t=86400`. */
#define LEFT_MAX 48
/* `"key";q=4294967295;w=86400, ` */
#define OWN_POLICY_MAX 40
/* Longer times tell a client nothing and would give the server's plans away (LIM-17). */
#define T_MAX 86400

static uint64_t seconds_of(const struct aps_rate_left *left)
{
    uint64_t t = left->reset > 0 ? aps_rate_seconds(left->reset) : 0;
    return t < T_MAX ? t : T_MAX;
}

/* The same as a meter's policy, for the key's own limit. */
static struct aps_str policy_of(apr_pool_t *pool, const struct mod_req *m,
                                const struct mod_charge *c)
{
    if (c->meter != NULL)
        return c->meter->policy;
    const struct aps_rate *rate = &m->who->key.limit.rate;
    return aps_str(apr_psprintf(pool, "\"" APS_OWNLIMIT_NAME "\";q=%u;w=%" APR_INT64_T_FMT,
                                rate->count, (apr_int64_t)(rate->period / APS_SEC)));
}

/* Nearly all texts are short: two pieces, which overlap, cost less than a call. */
static inline char *put_text(char *p, struct aps_str text)
{
    if (text.n >= 8 && text.n <= 16) {
        memcpy(p, text.p, 8);
        memcpy(p + text.n - 8, text.p + text.n - 8, 8);
    } else if (text.n >= 4 && text.n < 8) {
        memcpy(p, text.p, 4);
        memcpy(p + text.n - 4, text.p + text.n - 4, 4);
    } else {
        memcpy(p, text.p, text.n);
    }
    return p + text.n;
}

/* `"name";r=9;t=1`; when a request under way ends, nobody knows.  Returns the end. */
static inline char *put_left(char *p, const struct mod_charge *c)
{
    /* A policy begins like this. */
    struct aps_str name = c->meter != NULL
                              ? (struct aps_str){c->meter->policy.p, c->meter->name.n + 3}
                              : APS_STR_LIT("\"" APS_OWNLIMIT_NAME "\";");
    p = put_text(p, name);
    memcpy(p, "r=", 2);
    p = aps_num_put(p + 2, c->left.remaining);
    if (c->meter != NULL && c->meter->kind == APS_LIMIT_INFLIGHT)
        return p;
    memcpy(p, ";t=", 3);
    return aps_num_put(p + 3, seconds_of(&c->left));
}

/* ---- Which meters ---- */

struct shown {
    size_t n;
    const struct mod_charge *v[MOD_FIELDS_SHOWN_MAX]; /* in the order of their charges */
};

/* What refused comes before all others. */
static int64_t rank(const struct mod_req *m, const struct mod_charge *c)
{
    bool refused = m->refused_charge >= 0 && c == &m->charge[m->refused_charge];
    return refused ? -1 : (int64_t)c->left.remaining;
}

static void drop(struct shown *shown, size_t at)
{
    shown->n--;
    for (size_t i = at; i < shown->n; i++)
        shown->v[i] = shown->v[i + 1];
}

/* The one with the most left, the last of several. */
static size_t loosest(const struct mod_req *m, const struct shown *shown)
{
    size_t most = 0;
    for (size_t i = 1; i < shown->n; i++)
        if (rank(m, shown->v[i]) >= rank(m, shown->v[most]))
            most = i;
    return most;
}

/* A meter that was charged for each of several roles: its tightest counts. */
static void show(struct shown *shown, const struct mod_req *m, const struct mod_charge *c)
{
    size_t same = 0;
    while (same < shown->n &&
           (shown->v[same]->limit != c->limit || shown->v[same]->meter != c->meter))
        same++;
    if (same < shown->n) {
        if (rank(m, c) < rank(m, shown->v[same]))
            shown->v[same] = c;
        return;
    }
    if (shown->n == MOD_FIELDS_SHOWN_MAX) {
        size_t most = loosest(m, shown);
        if (rank(m, c) >= rank(m, shown->v[most]))
            return;
        drop(shown, most);
    }
    shown->v[shown->n++] = c;
}

static void choose(struct shown *shown, const struct mod_req *m)
{
    shown->n = 0;
    if (m->ncharges <= MOD_FIELDS_SHOWN_MAX && !m->by_role) /* each is of another meter */
        while (shown->n < m->ncharges) {
            shown->v[shown->n] = &m->charge[shown->n];
            shown->n++;
        }
    else
        for (size_t i = 0; i < m->ncharges; i++)
            show(shown, m, &m->charge[i]);
}

/* ---- The fields ---- */

/* The policies that a section with such limits shows are written when it is configured. */
static const char *ready_policy(const struct mod_req *m)
{
    if (m->ncharges == 1 && m->charge->meter != NULL)
        return m->charge->meter->policy.p;
    return m->limits != NULL ? m->limits->policy : NULL;
}

static void set_ready(request_rec *r, apr_table_t *headers, const struct mod_req *m,
                      const char *policy, mod_set_fn *set)
{
    size_t size = 1;
    for (size_t i = 0; i < m->ncharges; i++)
        size += m->charge[i].meter->name.n + LEFT_MAX;
    char *left = apr_palloc(r->pool, size), *p = left;
    for (size_t i = 0; i < m->ncharges; i++) {
        if (i > 0)
            p = put_text(p, APS_STR_LIT(", "));
        p = put_left(p, &m->charge[i]);
    }
    *p = '\0';
    set(headers, "RateLimit-Policy", policy);
    set(headers, "RateLimit", left);
}

static void set_draft(request_rec *r, apr_table_t *headers, const struct mod_req *m,
                      const struct shown *shown, mod_set_fn *set)
{
    size_t policies = 1, size = 1;
    for (size_t i = 0; i < shown->n; i++) {
        const struct aps_limit_meter *meter = shown->v[i]->meter;
        policies += meter != NULL ? meter->policy.n + 2 : OWN_POLICY_MAX;
        size += (meter != NULL ? meter->name.n : sizeof APS_OWNLIMIT_NAME) + LEFT_MAX;
    }
    char *policy = apr_palloc(r->pool, policies + size), *p = policy;
    char *left = policy + policies, *l = left;
    for (size_t i = 0; i < shown->n; i++) {
        if (i > 0) {
            p = put_text(p, APS_STR_LIT(", "));
            l = put_text(l, APS_STR_LIT(", "));
        }
        p = put_text(p, policy_of(r->pool, m, shown->v[i]));
        l = put_left(l, shown->v[i]);
    }
    *p = *l = '\0';
    set(headers, "RateLimit-Policy", policy);
    set(headers, "RateLimit", left);
}

static void set_number(request_rec *r, apr_table_t *headers, const char *name, uint64_t n,
                       mod_set_fn *set)
{
    char *text = apr_palloc(r->pool, 24);
    *aps_num_put(text, n) = '\0';
    set(headers, name, text);
}

/* Of one meter, since these fields have no names: what may come at once, what is left of it, and
 * seconds until there is more. */
static void set_legacy(request_rec *r, apr_table_t *headers, const struct mod_req *m,
                       const struct shown *shown, mod_set_fn *set)
{
    const struct mod_charge *least = shown->v[0];
    for (size_t i = 1; i < shown->n; i++)
        if (rank(m, shown->v[i]) < rank(m, least))
            least = shown->v[i];
    uint32_t limit = least->meter != NULL ? least->meter->charge.burst : m->who->limit.burst;
    set_number(r, headers, "X-RateLimit-Limit", limit, set);
    set_number(r, headers, "X-RateLimit-Remaining", least->left.remaining, set);
    set_number(r, headers, "X-RateLimit-Reset", seconds_of(&least->left), set);
}

__attribute__((noinline)) static void set_several(request_rec *r, apr_table_t *headers,
                                                  const struct mod_req *m, unsigned fields,
                                                  mod_set_fn *set)
{
    struct shown shown = {0};
    choose(&shown, m);
    if (fields != MOD_FIELDS_LEGACY)
        set_draft(r, headers, m, &shown, set);
    if ((fields & MOD_FIELDS_LEGACY) != 0)
        set_legacy(r, headers, m, &shown, set);
}

void mod_fields_set(request_rec *r, apr_table_t *headers, const struct mod_req *m, mod_set_fn *set)
{
    unsigned fields = m->dir != NULL ? m->dir->fields : MOD_FIELDS_UNSET;
    if (m->ncharges == 0 || fields == MOD_FIELDS_NONE)
        return;
    const char *policy = (fields & MOD_FIELDS_LEGACY) == 0 ? ready_policy(m) : NULL;
    if (policy != NULL)
        set_ready(r, headers, m, policy, set);
    else
        set_several(r, headers, m, fields, set);
}

void mod_fields_unset(apr_table_t *headers)
{
    static const char *const names[] = {"RateLimit-Policy",  "RateLimit",
                                        "X-RateLimit-Limit", "X-RateLimit-Remaining",
                                        "X-RateLimit-Reset", "Retry-After"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        apr_table_unset(headers, names[i]);
}
