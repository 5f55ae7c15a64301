/* schema_reach.c - what a schema leads to, whatever the value is. */
#include "schema_impl.h"

/* Schemas that are still to be looked at, each once. */
struct reach {
    const struct aps_schema_image *image;
    bool *seen;
    uint32_t *queue;
    uint32_t n;
};

static void push(struct reach *r, uint32_t node)
{
    if (node == 0 || r->seen[node])
        return;
    r->seen[node] = true;
    r->queue[r->n++] = node;
}

/* Every `step`th entry of a list, from the one `at` on. */
static void push_list(struct reach *r, uint32_t list, uint32_t at, uint32_t step)
{
    const uint32_t *words = r->image->words + list;

    for (uint32_t i = 1 + at; i <= words[0]; i += step)
        push(r, words[i]);
}

static void push_members(struct reach *r, const struct schema_object *o)
{
    for (uint32_t i = o->table; i <= o->table + o->mask; i++)
        push(r, r->image->members[i].schema);
    push(r, o->additional);
    push(r, o->names);
    push_list(r, o->patterns, 1, 2);
    push_list(r, o->dependents, 1, 3);
}

static void push_all(struct reach *r, const struct schema_node *s)
{
    const uint32_t nodes[] = {s->ref,      s->no,           s->when,
                              s->then,     s->otherwise,    s->items,
                              s->contains, s->unseen_items, s->unseen_members};
    const uint32_t lists[] = {s->all, s->any, s->one, s->prefix};

    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
        push(r, nodes[i]);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        push_list(r, lists[i], 0, 1);
    if (s->dynamic != 0)
        push_list(r, s->dynamic, 0, 2);
    if (s->object != 0)
        push_members(r, &r->image->objects[s->object]);
}

static uint32_t nodes_of(const struct aps_schema_image *image)
{
    return image->head->section[SCHEMA_S_NODES].n;
}

bool aps_schema_reach_url(const struct aps_schema_image *image, uint32_t node, apr_pool_t *pool)
{
    struct reach r = {.image = image};
    bool found = false;

    r.seen = apr_pcalloc(pool, nodes_of(image) * sizeof *r.seen);
    r.queue = apr_palloc(pool, nodes_of(image) * sizeof *r.queue);
    if (r.seen == NULL || r.queue == NULL)
        return true; /* who does not know refuses */
    push(&r, node);
    for (uint32_t i = 0; i < r.n && !found; i++) {
        found = image->nodes[r.queue[i]].urls_n != 0;
        push_all(&r, &image->nodes[r.queue[i]]);
    }
    return found;
}

uint32_t aps_schema_reach_urls(const struct aps_schema_image *image)
{
    uint32_t n = 0;

    for (uint32_t i = 1; i < nodes_of(image); i++)
        n += image->nodes[i].urls_n != 0;
    return n;
}
