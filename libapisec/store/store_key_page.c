/* store_key_page.c - keys found by what they are, a page at a time. */
#include "own.h"

/* Whether the name fits the pattern.  A star takes as little as it can; where the rest then does
 * not fit, the last star takes one character more, so the work is bounded by both lengths. */
static bool fits(struct aps_str pattern, struct aps_str name)
{
    size_t p = 0, n = 0, star = SIZE_MAX, taken = 0;
    while (n < name.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            taken = n;
        } else if (p < pattern.n && pattern.p[p] == name.p[n]) {
            p++;
            n++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            n = ++taken;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

/* What every name of the pattern begins with. */
static struct aps_str start_of(struct aps_str pattern)
{
    const char *star = pattern.n != 0 ? memchr(pattern.p, '*', pattern.n) : NULL;
    return star != NULL ? (struct aps_str){pattern.p, (size_t)(star - pattern.p)} : pattern;
}

static bool has_state(const struct aps_store *st, const struct aps_key *key,
                      enum aps_store_key_state state)
{
    bool ended = key->expires_at <= st->now, revoked = key->status == APS_KEY_REVOKED;
    switch (state) {
    case APS_STORE_KEY_ACTIVE:
        return !revoked && !ended;
    case APS_STORE_KEY_REVOKED:
        return revoked;
    case APS_STORE_KEY_EXPIRED:
        return !revoked && ended;
    case APS_STORE_KEY_ANY:
        break;
    }
    return true;
}

static bool passes(const struct aps_store *st, const struct aps_store_key_filter *f,
                   const struct aps_key *key)
{
    return (f->name.n == 0 || fits(f->name, key->name)) &&
           (f->role.n == 0 || aps_str_is_in(f->role, key->roles, key->nroles)) &&
           (f->owner.n == 0 || aps_str_eq(f->owner, key->owner)) &&
           (f->org.n == 0 || aps_str_eq(f->org, key->org)) &&
           (f->plan.n == 0 || aps_str_eq(f->plan, key->plan)) &&
           (f->pepper == 0 || aps_store_pepper_has(st, f->pepper, key)) &&
           has_state(st, key, f->state);
}

/* The longest text that the record of each key holds that passes. */
static struct aps_str needle_of(const struct aps_store_key_filter *f)
{
    const struct aps_str texts[] = {f->role, f->owner, f->org, f->plan};
    struct aps_str needle = {NULL, 0};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].n > needle.n)
            needle = texts[i];
    return needle;
}

/* Begin at the first name that can be on the page.  A record that does not hold the needle is not
 * even decoded. */
static void begin(struct aps_sql *q, struct aps_store *st, const struct aps_store_key_filter *f,
                  struct aps_str start)
{
    struct aps_str needle = needle_of(f);
    bool resumed = aps_str_compare(f->after, start) >= 0;
    aps_sql_begin(q, st->db,
                  resumed ? "SELECT id, name, record FROM key"
                            " WHERE name > ? AND instr(record, ?) > 0 ORDER BY name"
                          : "SELECT id, name, record FROM key"
                            " WHERE name >= ? AND instr(record, ?) > 0 ORDER BY name");
    aps_sql_str(q, resumed ? f->after : start);
    aps_sql_blob(q, needle.p, needle.n);
}

enum aps_err aps_store_key_page(struct aps_store *st, const struct aps_store_key_filter *filter,
                                aps_store_key_fn fn, void *arg, bool *out_more,
                                struct aps_diag *diag)
{
    apr_pool_t *pool = aps_store_pool();
    struct aps_str start = start_of(filter->name);
    enum aps_err err = APS_OK, end;
    uint64_t n = 0;
    struct aps_sql q;

    if (pool == NULL)
        return APS_ERR_NOMEM;
    begin(&q, st, filter, start);
    while (err == APS_OK && n <= filter->max && aps_sql_row(&q) &&
           aps_str_starts(aps_sql_get_str(&q, 1), start)) {
        struct aps_key key;
        apr_pool_clear(pool);
        if ((err = aps_store_key_read(&q, pool, &key, diag)) != APS_OK ||
            !passes(st, filter, &key) || n++ == filter->max)
            continue;
        err = fn(arg, &key);
    }
    end = aps_sql_end(&q, err == APS_OK ? diag : NULL);
    apr_pool_destroy(pool);
    if (err == APS_OK)
        err = end;
    if (err == APS_OK)
        *out_more = n > filter->max;
    return err;
}

static bool has_role(const struct aps_key *key, struct aps_str role)
{
    return aps_str_is_in(role, key->roles, key->nroles);
}

static bool has_plan(const struct aps_key *key, struct aps_str plan)
{
    return aps_str_eq(key->plan, plan);
}

/* The first that has it, of the keys whose records hold the text. */
static enum aps_err find(struct aps_store *st, struct aps_str text,
                         bool (*has)(const struct aps_key *key, struct aps_str text),
                         apr_pool_t *pool, struct aps_key *out, struct aps_diag *diag)
{
    enum aps_err err = APS_ERR_NOT_FOUND, end;
    struct aps_sql q;
    /* In the order in which they lie, which is much faster than that of their names. */
    aps_sql_begin(&q, st->db, "SELECT id, name, record FROM key WHERE instr(record, ?) > 0");
    aps_sql_blob(&q, text.p, text.n);
    while (err == APS_ERR_NOT_FOUND && aps_sql_row(&q)) {
        struct aps_key key;
        if ((err = aps_store_key_read(&q, pool, &key, diag)) != APS_OK)
            break;
        if (has(&key, text))
            *out = key;
        else
            err = APS_ERR_NOT_FOUND;
    }
    end = aps_sql_end(&q, err == APS_ERR_NOT_FOUND ? diag : NULL);
    return end != APS_OK ? end : err;
}

enum aps_err aps_store_key_page_role(struct aps_store *st, struct aps_str role, apr_pool_t *pool,
                                     struct aps_key *out, struct aps_diag *diag)
{
    return find(st, role, has_role, pool, out, diag);
}

enum aps_err aps_store_key_page_plan(struct aps_store *st, struct aps_str plan, apr_pool_t *pool,
                                     struct aps_key *out, struct aps_diag *diag)
{
    return find(st, plan, has_plan, pool, out, diag);
}
