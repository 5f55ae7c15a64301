/* snapshot_api.c - what requests are judged by: descriptions and schemas, each open. */
#include "block.h"
#include "snapshot_own.h"

struct entry {
    const struct aps_store_api *api;
    struct aps_block *block; /* NULL: it cannot be used */
    enum aps_err err;        /* then, why not: whoever asks for it is told */
    struct aps_diag why;
};

/* ---- opening ---- */

/* The same block of the snapshot that is open already: nothing of it is made again. */
static struct aps_block *share(struct aps_snapshot *snap, const struct aps_snapshot *near,
                               const struct aps_store_api *api)
{
    apr_hash_index_t *i = near != NULL ? apr_hash_first(snap->pool, near->apis) : NULL;

    for (; i != NULL; i = apr_hash_next(i)) {
        const struct entry *e = apr_hash_this_val(i);

        if (e->block != NULL && aps_block_is(e->block, api))
            return aps_block_keep(e->block);
    }
    return NULL;
}

static void add(struct aps_snapshot *snap, const struct aps_snapshot_options *o,
                const struct aps_store_api *api)
{
    struct entry *e = apr_pcalloc(snap->pool, sizeof *e);

    e->api = api;
    e->block = share(snap, o->near, api);
    if (e->block == NULL)
        e->err = aps_block_open(o->store, o->owner, api, &e->block, &e->why);
    apr_hash_set(snap->apis, api->name.p, (apr_ssize_t)api->name.n, e);
}

enum aps_err aps_snapshot_api_load(struct aps_snapshot *snap, const struct aps_snapshot_options *o,
                                   sqlite3 *db, struct aps_diag *diag)
{
    const struct aps_store_api *list = NULL;
    size_t n = 0;
    enum aps_err err =
        aps_store_api_load(db, (struct aps_str){NULL, 0}, snap->pool, &list, &n, diag);

    snap->apis = apr_hash_make(snap->pool);
    for (size_t i = 0; err == APS_OK && i < n; i++)
        add(snap, o, &list[i]);
    return err;
}

void aps_snapshot_api_release(struct aps_snapshot *snap)
{
    apr_hash_index_t *i = snap->apis != NULL ? apr_hash_first(snap->pool, snap->apis) : NULL;

    for (; i != NULL; i = apr_hash_next(i)) {
        const struct entry *e = apr_hash_this_val(i);

        aps_block_release(e->block);
    }
}

/* ---- what it answers ---- */

enum aps_err aps_snapshot_api(const struct aps_snapshot *snap, struct aps_str name,
                              const struct aps_api **out, struct aps_diag *diag)
{
    const struct aps_block *block = NULL;
    enum aps_err err = aps_snapshot_api_find(snap, name, APS_STORE_API_OPENAPI, &block, diag);

    if (err == APS_OK)
        *out = aps_block_api(block);
    return err;
}

void aps_snapshot_api_each(const struct aps_snapshot *snap, apr_pool_t *pool,
                           aps_snapshot_api_fn fn, void *arg)
{
    apr_hash_index_t *i = apr_hash_first(pool, snap->apis);

    for (; i != NULL; i = apr_hash_next(i)) {
        const struct entry *e = apr_hash_this_val(i);

        fn(arg, e->api->name, aps_store_api_kind_name(e->api->kind),
           e->block != NULL ? NULL : aps_err_say(e->err, &e->why));
    }
}

enum aps_err aps_snapshot_api_find(const struct aps_snapshot *snap, struct aps_str name,
                                   enum aps_store_api_kind kind, const struct aps_block **out,
                                   struct aps_diag *diag)
{
    const struct entry *e = apr_hash_get(snap->apis, name.p, (apr_ssize_t)name.n);

    if (e == NULL || e->api->kind != kind) {
        aps_err_explain(diag, "the store has no %s \"%.*s\"%s%s: `apisecctl api import` makes it",
                        aps_store_api_kind_name(kind), APS_STR_SHOW(name),
                        e != NULL ? ", that is " : "",
                        e != NULL ? aps_store_api_kind_name(e->api->kind) : "");
        return APS_ERR_NOT_FOUND;
    }
    if (e->block == NULL) {
        aps_err_explain(diag, "%s \"%.*s\" cannot be used: %s; `apisecctl publish` makes it anew",
                        aps_store_api_kind_name(kind), APS_STR_SHOW(name),
                        aps_err_say(e->err, &e->why));
        return e->err;
    }
    *out = e->block;
    return APS_OK;
}
