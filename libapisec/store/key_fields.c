/* key_fields.c - the fields of a key: checked, canonical, and as the change log has them. */
#include <stdlib.h>

#include "apisec/rate.h"
#include "own.h"

enum { HOST_MAX = 253, LABEL_MAX = 63 };

/* ---- the form of one value ---- */

static bool is_label(struct aps_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') ||
              s.p[i] == '_' || (s.p[i] == '-' && i != 0 && i + 1 != s.n)))
            return false;
    return s.n >= 1 && s.n <= LABEL_MAX;
}

/* A DNS name in lower case without a final dot, or an address as it is printed. */
static bool is_host(struct aps_str s)
{
    char text[APS_NET_TEXT_MAX];
    struct aps_addr addr;
    struct aps_str rest = s, label;
    if (s.n == 0 || s.n > HOST_MAX || s.p[s.n - 1] == '.')
        return false;
    if (aps_addr_parse(s, &addr))
        return aps_str_eq(s, aps_str(aps_addr_print(&addr, text)));
    while (aps_str_next(&rest, '.', &label))
        if (!is_label(label))
            return false;
    return true;
}

static enum aps_err wrong(struct aps_diag *diag, const char *what, struct aps_str value,
                          const char *want)
{
    aps_err_explain(diag, "%s \"%.*s\": want %s", what, APS_STR_SHOW(value), want);
    return APS_ERR_FORMAT;
}

/* ---- lists: checked, sorted, without duplicates ---- */

struct form {
    const char *what, *want;
    bool (*is)(struct aps_str s);
    size_t max;
};

static const struct form role_form = {
    "role", "1 to 64 letters, digits or . _ - beginning with a letter or digit", aps_str_is_name,
    APS_KEY_ROLES_MAX};
static const struct form scope_form = {
    "scope", "1 to 64 printable ASCII characters without space, quote and backslash",
    aps_key_is_scope, APS_KEY_SCOPES_MAX};
static const struct form host_form = {
    "host", "a DNS name in lower case, without port and final dot, or an IP address", is_host,
    APS_KEY_HOSTS_MAX};

static enum aps_err apply_list(const struct form *form, const struct aps_str *list, size_t n,
                               apr_pool_t *pool, const struct aps_str **out, size_t *out_n,
                               struct aps_diag *diag)
{
    struct aps_str *copy = apr_palloc(pool, (n != 0 ? n : 1) * sizeof *copy);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (!form->is(list[i]))
            return wrong(diag, form->what, list[i], form->want);
        copy[i] = aps_str_copy(pool, list[i]);
    }
    aps_str_sort(copy, n);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || !aps_str_eq(copy[kept - 1], copy[i]))
            copy[kept++] = copy[i];
    if (kept > form->max) {
        aps_err_explain(diag, "%zu %ss: a key has at most %zu", kept, form->what, form->max);
        return APS_ERR_RANGE;
    }
    *out = copy;
    *out_n = kept;
    return APS_OK;
}

static int compare_nets(const void *a, const void *b)
{
    const struct aps_net *x = a, *y = b;
    int c = memcmp(x->addr.b, y->addr.b, sizeof x->addr.b);
    return c != 0 ? c : (int)x->bits - (int)y->bits;
}

static enum aps_err apply_nets(const struct aps_key *to, apr_pool_t *pool, struct aps_key *key,
                               struct aps_diag *diag)
{
    struct aps_net *copy = apr_palloc(pool, (to->nnets + 1) * sizeof *copy);
    size_t kept = 0;
    if (to->nnets != 0)
        memcpy(copy, to->nets, to->nnets * sizeof *copy);
    qsort(copy, to->nnets, sizeof *copy, compare_nets);
    for (size_t i = 0; i < to->nnets; i++)
        if (kept == 0 || compare_nets(&copy[kept - 1], &copy[i]) != 0)
            copy[kept++] = copy[i];
    if (kept > APS_KEY_NETS_MAX) {
        aps_err_explain(diag, "%zu networks: a key has at most %d", kept, APS_KEY_NETS_MAX);
        return APS_ERR_RANGE;
    }
    key->nets = copy;
    key->nnets = kept;
    return APS_OK;
}

/* ---- single values ---- */

static enum aps_err apply_limit(const struct aps_key_limit *to, struct aps_key *key,
                                struct aps_diag *diag)
{
    struct aps_key_limit limit = *to;
    struct aps_rate_limit usable;
    enum aps_err err;
    if (limit.rate.count == 0) { /* no limit of its own */
        key->limit = (struct aps_key_limit){0};
        return APS_OK;
    }
    if (limit.rate.count > APS_NUM_COUNT_MAX ||
        (limit.rate.period != APS_SEC && limit.rate.period != APS_MINUTE &&
         limit.rate.period != APS_HOUR && limit.rate.period != APS_DAY)) {
        aps_err_explain(diag, "the key's limit: want 1 to %u for each s, m, h or d",
                        APS_NUM_COUNT_MAX);
        return APS_ERR_RANGE;
    }
    if (limit.burst == 0)
        limit.burst = limit.rate.count;
    /* Tried, so that nothing is stored that the limiter would refuse. */
    if ((err = aps_rate_init(&usable, 0, limit.rate, limit.burst, diag)) == APS_OK)
        key->limit = limit;
    return err;
}

static const char text_want[] = "at most 128 bytes of UTF-8 without control characters";

static enum aps_err apply_texts(const struct aps_key_change *change, apr_pool_t *pool,
                                struct aps_key *key, struct aps_diag *diag)
{
    const struct aps_key *to = &change->to;
    if (change->set & APS_KEY_F_NAME) {
        if (!aps_str_is_name(to->name))
            return wrong(diag, "name", to->name, role_form.want);
        key->name = aps_str_copy(pool, to->name);
    }
    if (change->set & APS_KEY_F_OWNER) {
        if (to->owner.n != 0 && !aps_str_is_text(to->owner))
            return wrong(diag, "owner", to->owner, text_want);
        key->owner = aps_str_copy(pool, to->owner);
    }
    if (change->set & APS_KEY_F_ORG) {
        if (to->org.n != 0 && !aps_str_is_text(to->org))
            return wrong(diag, "organisation", to->org, text_want);
        key->org = aps_str_copy(pool, to->org);
    }
    if (change->set & APS_KEY_F_PLAN) {
        if (to->plan.n != 0 && !aps_str_is_name(to->plan))
            return wrong(diag, "plan", to->plan, role_form.want);
        key->plan = aps_str_copy(pool, to->plan);
    }
    return APS_OK;
}

static enum aps_err apply_times(const struct aps_key_change *change, aps_nsec now,
                                struct aps_key *key, struct aps_diag *diag)
{
    char expires[APS_NUM_TIME_MAX], start[APS_NUM_TIME_MAX];
    if (change->set & APS_KEY_F_NOT_BEFORE)
        key->not_before = change->to.not_before;
    if (change->set & APS_KEY_F_EXPIRES)
        key->expires_at = change->to.expires_at;
    if (!(change->set & (APS_KEY_F_EXPIRES | APS_KEY_F_NOT_BEFORE)))
        return APS_OK;
    (void)aps_num_print_time(key->expires_at, false, expires);
    (void)aps_num_print_time(key->not_before, false, start);
    if ((change->set & APS_KEY_F_EXPIRES) && key->expires_at <= now) {
        aps_err_explain(diag,
                        "expiry %s has passed: want a time to come, such as 90d; `key "
                        "revoke` ends a key now",
                        expires);
        return APS_ERR_RANGE;
    }
    if (key->not_before < 0 || key->not_before >= key->expires_at) {
        aps_err_explain(diag, "not-before %s is not before the expiry %s", start, expires);
        return APS_ERR_RANGE;
    }
    return APS_OK;
}

enum aps_err aps_key_fields_apply(const struct aps_key_change *change, aps_nsec now,
                                  apr_pool_t *pool, struct aps_key *key, struct aps_diag *diag)
{
    const struct aps_key *to = &change->to;
    unsigned set = change->set;
    enum aps_err err = apply_texts(change, pool, key, diag);
    if (err == APS_OK)
        err = apply_times(change, now, key, diag);
    if (err == APS_OK && (set & APS_KEY_F_LIMIT))
        err = apply_limit(&to->limit, key, diag);
    if (err == APS_OK && (set & APS_KEY_F_NETS))
        err = apply_nets(to, pool, key, diag);
    if (err == APS_OK && (set & APS_KEY_F_ROLES))
        err = apply_list(&role_form, to->roles, to->nroles, pool, &key->roles, &key->nroles, diag);
    if (err == APS_OK && (set & APS_KEY_F_SCOPES))
        err = apply_list(&scope_form, to->scopes, to->nscopes, pool, &key->scopes, &key->nscopes,
                         diag);
    if (err == APS_OK && (set & APS_KEY_F_HOSTS))
        err = apply_list(&host_form, to->hosts, to->nhosts, pool, &key->hosts, &key->nhosts, diag);
    return err;
}

/* ---- the change log's form ---- */

static void put_time(struct aps_json *w, const char *name, aps_nsec at)
{
    char text[APS_NUM_TIME_MAX];
    if (at != 0)
        aps_json_put_str(w, name, aps_num_print_time(at, false, text));
}

static void put_str(struct aps_json *w, const char *name, struct aps_str s)
{
    if (s.n == 0)
        return;
    aps_json_name(w, name);
    aps_json_str(w, s);
}

static void put_list(struct aps_json *w, const char *name, const struct aps_str *list, size_t n)
{
    if (n == 0)
        return;
    aps_json_name(w, name);
    aps_json_array(w);
    for (size_t i = 0; i < n; i++)
        aps_json_str(w, list[i]);
    aps_json_end(w);
}

static void put_nets(struct aps_json *w, const struct aps_key *key)
{
    char text[APS_NET_TEXT_MAX];
    if (key->nnets == 0)
        return;
    aps_json_name(w, "cidr");
    aps_json_array(w);
    for (size_t i = 0; i < key->nnets; i++)
        aps_json_str(w, aps_str(aps_net_print(&key->nets[i], text)));
    aps_json_end(w);
}

struct aps_str aps_key_fields_json(const struct aps_key *key, apr_pool_t *pool)
{
    struct aps_json w;
    char rate[APS_NUM_RATE_MAX];
    char grace[APS_NUM_DURATION_MAX];
    aps_json_init_pool(&w, pool, 0);
    aps_json_object(&w);
    put_str(&w, "id", key->id);
    put_str(&w, "name", key->name);
    put_str(&w, "owner", key->owner);
    put_str(&w, "org", key->org);
    aps_json_put_str(&w, "status", aps_key_status_name(key->status));
    if (key->origin != APS_KEY_MADE)
        aps_json_put_str(&w, "origin", aps_key_origin_name(key->origin));
    if (key->decoy)
        aps_json_put_bool(&w, "decoy", true);
    put_time(&w, "not_before", key->not_before);
    put_time(&w, "expires", key->expires_at);
    put_time(&w, "revoked", key->revoked_at);
    put_str(&w, "reason", key->revoke_reason);
    aps_json_put_u64(&w, "version", key->secret[0].version);
    put_time(&w, "old_closes", key->secret[1].version != 0 ? key->secret[1].closes_at : 0);
    if (key->secret[1].grace != 0)
        aps_json_put_str(&w, "old_ends_after_first_use",
                         aps_num_print_duration(key->secret[1].grace, grace));
    if (key->limit.rate.count != 0) {
        aps_json_put_str(&w, "limit", aps_num_print_rate(key->limit.rate, rate));
        aps_json_put_u64(&w, "burst", key->limit.burst);
    }
    put_str(&w, "plan", key->plan);
    put_list(&w, "overrides", key->overrides, key->noverrides);
    put_list(&w, "roles", key->roles, key->nroles);
    put_list(&w, "scopes", key->scopes, key->nscopes);
    put_nets(&w, key);
    put_list(&w, "hosts", key->hosts, key->nhosts);
    aps_json_end(&w);
    return aps_json_text(&w);
}
