/* api_tree.c - the paths of an API as a tree of their segments. */
#include "api_impl.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_tables.h>
#include <stdlib.h>

#include "apisec/buf.h"

/* A place while it is built. */
struct sapling {
    apr_array_header_t *edges; /* struct api_edge */
    uint32_t first, operations;
};

struct nursery {
    struct aps_api *api;
    apr_pool_t *pool, *work;
    apr_array_header_t *saplings;
    apr_hash_t *known; /* place and segment without names -> uint32_t */
};

static struct sapling *sapling_at(const struct nursery *t, uint32_t i)
{
    return &APR_ARRAY_IDX(t->saplings, (int)i, struct sapling);
}

static uint32_t add_sapling(struct nursery *t)
{
    APR_ARRAY_PUSH(t->saplings, struct sapling) =
        (struct sapling){.edges = apr_array_make(t->work, 2, sizeof(struct api_edge))};
    return (uint32_t)t->saplings->nelts - 1;
}

/* What stands around the captures of a segment. */
static struct api_edge edge_of(const struct nursery *t, struct aps_str segment)
{
    apr_array_header_t *parts = apr_array_make(t->pool, 2, sizeof(struct aps_str));
    struct api_edge edge = {.captures = 0};
    struct aps_str piece, part = APS_STR_LIT("");
    bool is_name;

    while (aps_api_path_next(&segment, &piece, &is_name)) {
        if (is_name) {
            APR_ARRAY_PUSH(parts, struct aps_str) = part;
            part = APS_STR_LIT("");
            edge.captures++;
        } else {
            part = aps_api_path_decode(t->pool, piece);
        }
    }
    APR_ARRAY_PUSH(parts, struct aps_str) = part;
    edge.parts = (const void *)parts->elts;
    return edge;
}

/* The place and the parts, in a form that two segments have only if they match the same. */
static struct aps_str key_of(const struct nursery *t, uint32_t from, const struct api_edge *edge)
{
    struct aps_buf key;

    aps_buf_init(&key, t->work, SIZE_MAX);
    aps_buf_add(&key, aps_str(apr_psprintf(t->work, "%u", from)));
    for (uint32_t i = 0; i <= edge->captures; i++) {
        aps_buf_add(&key, aps_str(apr_psprintf(t->work, "/%u:", (unsigned)edge->parts[i].n)));
        aps_buf_add(&key, edge->parts[i]);
    }
    return aps_buf_text(&key);
}

static uint32_t step_to(struct nursery *t, uint32_t from, struct aps_str segment)
{
    struct api_edge edge = edge_of(t, segment);
    const struct aps_str key = key_of(t, from, &edge);
    const uint32_t *known = apr_hash_get(t->known, key.p, (apr_ssize_t)key.n);

    if (known != NULL)
        return *known;
    edge.to = add_sapling(t);
    APR_ARRAY_PUSH(sapling_at(t, from)->edges, struct api_edge) = edge;
    known = apr_pmemdup(t->work, &edge.to, sizeof edge.to);
    apr_hash_set(t->known, key.p, (apr_ssize_t)key.n, known);
    return edge.to;
}

static enum aps_err add_path(struct nursery *t, uint32_t first, uint32_t n, struct aps_diag *diag)
{
    const struct aps_str path = t->api->operations[first].path;
    struct aps_str names[APS_API_CAPTURES_MAX];
    uint32_t place = 0, depth = 0, names_n;
    const char *wrong = aps_api_path_check(path, names, &names_n);
    size_t at = 1, end;
    struct sapling *s;

    if (wrong != NULL) {
        aps_err_explain(diag, "the path \"%.*s\": %s", APS_STR_SHOW(path), wrong);
        return APS_ERR_FORMAT;
    }
    for (; at <= path.n; at = end + 1, depth++) {
        for (end = at; end < path.n && path.p[end] != '/'; end++)
            continue;
        place = step_to(t, place, (struct aps_str){path.p + at, end - at});
    }
    s = sapling_at(t, place);
    if (s->operations > 0) {
        aps_err_explain(diag, "the paths \"%.*s\" and \"%.*s\" are the same",
                        APS_STR_SHOW(t->api->operations[s->first].path), APS_STR_SHOW(path));
        return APS_ERR_CONFLICT;
    }
    s->first = first;
    s->operations = n;
    t->api->depth = depth > t->api->depth ? depth : t->api->depth;
    return APS_OK;
}

static size_t literal_bytes(const struct api_edge *e)
{
    size_t n = 0;

    for (uint32_t i = 0; i <= e->captures; i++)
        n += e->parts[i].n;
    return n;
}

static int compare_edges(const void *a, const void *b)
{
    const struct api_edge *x = a, *y = b;
    int order = 0;

    if ((x->captures == 0) != (y->captures == 0))
        return x->captures == 0 ? -1 : 1;
    if (x->captures > 0 && literal_bytes(x) != literal_bytes(y))
        return literal_bytes(x) > literal_bytes(y) ? -1 : 1;
    if (x->captures != y->captures)
        return x->captures < y->captures ? -1 : 1;
    for (uint32_t i = 0; order == 0 && i <= x->captures; i++)
        order = aps_str_compare(x->parts[i], y->parts[i]);
    return order;
}

static void set_place(const struct nursery *t, const struct sapling *s, struct api_place *out)
{
    const size_t size = (size_t)s->edges->nelts * sizeof(struct api_edge);
    struct api_edge *edges = size > 0 ? apr_pmemdup(t->pool, s->edges->elts, size) : NULL;

    *out = (struct api_place){.edges = edges,
                              .edges_n = (uint32_t)s->edges->nelts,
                              .first = s->first,
                              .operations = s->operations};
    if (edges == NULL)
        return;
    qsort(edges, out->edges_n, sizeof *edges, compare_edges);
    while (out->literals < out->edges_n && edges[out->literals].captures == 0)
        out->literals++;
}

static enum aps_err build(struct nursery *t, struct aps_diag *diag)
{
    struct aps_api *api = t->api;
    struct api_place *places;
    enum aps_err err = APS_OK;

    t->saplings = apr_array_make(t->work, 64, sizeof(struct sapling));
    t->known = apr_hash_make(t->work);
    (void)add_sapling(t); /* the root, which is place 0 */
    for (uint32_t i = 0, n; err == APS_OK && i < api->operations_n; i += n) {
        for (n = 1; i + n < api->operations_n &&
                    aps_str_eq(api->operations[i].path, api->operations[i + n].path);)
            n++;
        err = add_path(t, i, n, diag);
    }
    if (err != APS_OK)
        return err;
    places = apr_palloc(t->pool, (size_t)t->saplings->nelts * sizeof *places);
    for (int i = 0; i < t->saplings->nelts; i++)
        set_place(t, sapling_at(t, (uint32_t)i), &places[i]);
    api->places = places;
    return APS_OK;
}

enum aps_err aps_api_tree(struct aps_api *api, apr_pool_t *pool, struct aps_diag *diag)
{
    struct nursery t = {.api = api, .pool = pool};
    enum aps_err err;

    if (apr_pool_create(&t.work, pool) != APR_SUCCESS)
        return APS_ERR_NOMEM;
    err = build(&t, diag);
    apr_pool_destroy(t.work);
    return err;
}
