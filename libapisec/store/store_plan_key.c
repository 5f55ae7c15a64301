/* store_plan_key.c - the keys that a plan holds for, a page at a time. */
#include "own.h"

struct walk {
    struct aps_store *st;
    const struct aps_planbook *book;
    struct aps_str plan;
    aps_store_plan_key_fn fn;
    void *arg;
};

/* Whether the key calls at all. */
static bool is_live(const struct aps_store *st, const struct aps_key *key)
{
    return key->status == APS_KEY_ACTIVE && key->expires_at > st->now && !key->decoy;
}

static bool is_under(const struct walk *w, const struct aps_key *key,
                     struct aps_planbook_choice *out)
{
    return aps_planbook_choose(w->book, key, (struct aps_str){NULL, 0}, out) == APS_REASON_ALLOW &&
           aps_str_eq(out->name, w->plan);
}

/* The key's own limits, ready to be charged. */
static enum aps_err read_overrides(const struct walk *w, const struct aps_key *key,
                                   apr_pool_t *pool, const struct aps_limit **out,
                                   struct aps_diag *diag)
{
    struct aps_limit *limits = apr_pcalloc(pool, (key->noverrides + 1) * sizeof *limits);

    for (size_t i = 0; i < key->noverrides; i++) {
        if (aps_plan_parse(pool, key->overrides[i], &limits[i], NULL) != APS_OK ||
            aps_limit_bind(pool, &limits[i], aps_meta_tag(&w->st->meta), NULL) != APS_OK) {
            aps_err_explain(diag, "override \"%.*s\" of key %.*s cannot be read",
                            APS_STR_SHOW(key->overrides[i]), APS_STR_ARG(key->id));
            return APS_ERR_CORRUPT;
        }
        out[i] = &limits[i];
    }
    return APS_OK;
}

static enum aps_err tell(const struct walk *w, const struct aps_key *key,
                         const struct aps_plan *plan, apr_pool_t *pool, struct aps_diag *diag)
{
    const struct aps_limit *overrides[APS_KEY_OVERRIDES_MAX], *limits[APS_PLANBOOK_HELD_MAX];
    enum aps_err err = read_overrides(w, key, pool, overrides, diag);

    if (err != APS_OK)
        return err;
    return w->fn(w->arg, key, limits, aps_planbook_lay(plan, overrides, key->noverrides, limits));
}

enum aps_err aps_store_plan_key_page(struct aps_store *st, const struct aps_planbook *book,
                                     struct aps_str plan, struct aps_str after, uint64_t max,
                                     aps_store_plan_key_fn fn, void *arg, bool *out_more,
                                     struct aps_diag *diag)
{
    const struct walk w = {st, book, plan, fn, arg};
    apr_pool_t *pool = aps_store_pool();
    enum aps_err err = APS_OK, end;
    struct aps_sql q;
    uint64_t n = 0;

    if (pool == NULL)
        return APS_ERR_NOMEM;
    /* In the order in which they lie, which is much faster than that of their names. */
    aps_sql_begin(&q, st->db, "SELECT id, name, record FROM key WHERE id > ? ORDER BY id");
    aps_sql_str(&q, after);
    while (err == APS_OK && n <= max && aps_sql_row(&q)) {
        struct aps_planbook_choice choice;
        struct aps_key key;

        apr_pool_clear(pool);
        if ((err = aps_store_key_read(&q, pool, &key, diag)) != APS_OK || !is_live(st, &key) ||
            !is_under(&w, &key, &choice) || n++ == max)
            continue;
        err = tell(&w, &key, choice.plan, pool, diag);
    }
    end = aps_sql_end(&q, err == APS_OK ? diag : NULL);
    apr_pool_destroy(pool);
    if (err == APS_OK)
        err = end;
    if (err == APS_OK)
        *out_more = n > max;
    return err;
}
