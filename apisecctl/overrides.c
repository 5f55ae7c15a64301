/* overrides.c - which keys of a plan have a limit of their own. */
#include "overrides.h"

#include <apr_strings.h>

#define PAGE 1000
#define SHOWN_MAX 1000

struct row {
    struct aps_str name, limit, key, key_name;
};

struct walk {
    struct ctl *c;
    const struct aps_planbook *book;
    const struct aps_plan *plan;
    apr_array_header_t *rows; /* of struct row */
    uint64_t n;
    struct aps_str last; /* id of the key that was looked at last */
};

static bool is_of_plan(const struct aps_plan *plan, const struct aps_limit *limit)
{
    for (size_t i = 0; i < plan->n; i++)
        if (plan->limits[i] == limit)
            return true;
    return false;
}

static enum aps_err look(void *to, const struct aps_key *key, const struct aps_limit *const *limits,
                         size_t n)
{
    struct walk *w = to;
    apr_pool_t *pool = w->c->pool;

    w->last = aps_str_copy(pool, key->id);
    for (size_t i = 0; key->noverrides != 0 && i < n; i++) {
        if (is_of_plan(w->plan, limits[i]) || w->n++ >= SHOWN_MAX)
            continue;
        APR_ARRAY_PUSH(w->rows, struct row) =
            (struct row){aps_str_copy(pool, limits[i]->name), aps_str_copy(pool, limits[i]->text),
                         w->last, aps_str_copy(pool, key->name)};
    }
    return APS_OK;
}

static enum aps_err walk(struct walk *w)
{
    enum aps_err err = APS_OK;
    bool more = w->plan != NULL;

    while (err == APS_OK && more)
        err = aps_store_plan_key_page(w->c->store, w->book, w->plan->name, w->last, PAGE, look, w,
                                      &more, &w->c->diag);
    return err;
}

static void show(const struct walk *w)
{
    struct ctl_out *out = w->c->out;

    if (!ctl_output_is_json(out) && w->n == 0)
        return;
    ctl_output_u64(out, "overridden", w->n);
    ctl_output_table(out, "overrides", "name limit key key_name");
    for (int i = 0; i < w->rows->nelts; i++) {
        const struct row *row = &APR_ARRAY_IDX(w->rows, i, struct row);

        ctl_output_row(out);
        ctl_output_str(out, "name", row->name);
        ctl_output_str(out, "limit", row->limit);
        ctl_output_str(out, "key", row->key);
        ctl_output_str(out, "key_name", row->key_name);
        ctl_output_end(out);
    }
    ctl_output_end(out);
}

enum aps_err ctl_overrides_show(struct ctl *c, struct aps_str plan)
{
    struct walk w = {.c = c, .rows = apr_array_make(c->pool, 16, sizeof(struct row))};
    struct aps_planbook *book;
    enum aps_err err = aps_store_plan_book(c->store, c->pool, &book, &c->diag);

    if (err != APS_OK)
        return err;
    w.book = book;
    w.plan = aps_planbook_find(book, plan);
    if ((err = walk(&w)) == APS_OK)
        show(&w);
    return err;
}
