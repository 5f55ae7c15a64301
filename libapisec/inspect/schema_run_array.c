/* schema_run_array.c - arrays. */
#include "schema_run.h"

#define FEW 16 /* items whose hashes are compared each with each */

static bool grow(struct aps_schema_judge *c, uint32_t n, uint32_t slots)
{
    if (n > c->hashes_cap) {
        if ((c->hashes = apr_palloc(c->pool, (size_t)n * sizeof *c->hashes)) == NULL)
            return aps_schema_run_fault(c, APS_SCHEMA_NOMEM);
        c->hashes_cap = n;
    }
    if (slots > c->slots_cap) {
        if ((c->slots = apr_palloc(c->pool, (size_t)slots * sizeof *c->slots)) == NULL)
            return aps_schema_run_fault(c, APS_SCHEMA_NOMEM);
        c->slots_cap = slots;
    }
    return true;
}

static bool is_same(struct aps_schema_judge *c, const struct aps_jsonread_node *a,
                    const struct aps_jsonread_node *b)
{
    return aps_schema_value_equal(&c->view, a, &c->view, b, &c->steps);
}

/* The number of this item. */
static const struct aps_jsonread_node *item_of(const struct aps_jsonread_node *v, uint32_t i)
{
    for (v = aps_jsonread_first(v); i > 0; i--)
        v = aps_jsonread_next(v);
    return v;
}

static bool has_twice_few(struct aps_schema_judge *c, const struct aps_jsonread_node *v, uint32_t n)
{
    const struct aps_jsonread_node *item = aps_jsonread_first(v);
    uint64_t hashes[FEW];

    for (uint32_t i = 0; i < n; i++, item = aps_jsonread_next(item)) {
        hashes[i] = aps_schema_value_hash(&c->view, item, c->seed, &c->steps);
        for (uint32_t k = 0; k < i; k++)
            if (hashes[k] == hashes[i] && is_same(c, item_of(v, k), item))
                return true;
    }
    return false;
}

/* By a table at most half full, whose slots are numbers of nodes within the array; 0 is empty.
 * Hashes are under a random seed, so that nobody can choose items that meet. */
static bool has_twice(struct aps_schema_judge *c, const struct aps_jsonread_node *v, uint32_t n)
{
    const struct aps_jsonread_node *item = aps_jsonread_first(v);
    uint32_t slots = 64, count = 0;

    if (n <= FEW)
        return has_twice_few(c, v, n);
    while (slots < 2 * n)
        slots *= 2;
    if (!grow(c, slots, slots))
        return false;
    memset(c->slots, 0, slots * sizeof *c->slots);
    for (; item < aps_jsonread_end(v) && c->steps > 0; item = aps_jsonread_next(item), count++) {
        const uint64_t hash = aps_schema_value_hash(&c->view, item, c->seed, &c->steps);
        uint32_t at = (uint32_t)hash & (slots - 1);

        for (; c->slots[at] != 0; at = (at + 1) & (slots - 1))
            if (c->hashes[at] == hash && is_same(c, v + c->slots[at], item))
                return true;
        c->slots[at] = (uint32_t)(item - v);
        c->hashes[at] = hash;
    }
    return false;
}

static bool run_items(struct aps_schema_judge *c, uint32_t node, const struct aps_jsonread_node *v,
                      uint64_t *marks)
{
    const struct schema_node *s = c->image->nodes + node;
    const uint32_t *prefix = c->image->words + s->prefix;
    const struct aps_jsonread_node *item = aps_jsonread_first(v), *end = aps_jsonread_end(v);
    bool good = true;

    for (uint32_t i = 0; item < end; item = aps_jsonread_next(item), i++) {
        const uint32_t schema = i < prefix[0] ? prefix[1 + i] : s->items;

        if (schema == 0)
            break; /* nor is there one for any behind it */
        if (!schema_run(c, schema, item)) {
            good = false;
            if (c->stop)
                return false;
        }
        schema_mark(marks, i);
    }
    return good;
}

static bool run_contains(struct aps_schema_judge *c, uint32_t node,
                         const struct aps_jsonread_node *v, uint64_t *marks)
{
    const struct schema_node *s = c->image->nodes + node;
    const bool all = marks != NULL || s->contains_max != SCHEMA_NO_MOST;
    const struct aps_jsonread_node *item = aps_jsonread_first(v), *end = aps_jsonread_end(v);
    uint32_t count = 0;

    for (uint32_t i = 0; item < end && (all || count < s->contains_min);
         item = aps_jsonread_next(item), i++)
        if (aps_schema_run_place_try(c, s->contains, item, NULL)) {
            count++;
            schema_mark(marks, i);
        }
    if (c->fault != APS_SCHEMA_UNDECIDED)
        return false;
    if (count < s->contains_min)
        return aps_schema_run_fail(
            c, node, v, s->contains_min == 1 ? SCHEMA_K_CONTAINS : SCHEMA_K_MIN_CONTAINS, count);
    return count <= s->contains_max ||
           aps_schema_run_fail(c, node, v, SCHEMA_K_MAX_CONTAINS, count);
}

bool aps_schema_run_array(struct aps_schema_judge *c, uint32_t node,
                          const struct aps_jsonread_node *v, uint64_t *marks)
{
    const struct schema_node *s = c->image->nodes + node;
    const uint32_t n = aps_jsonread_count(v);
    bool good = true;

    if (!schema_spend(c, n))
        return false;
    if (n < s->items_min)
        good = aps_schema_run_fail(c, node, v, SCHEMA_K_MIN_ITEMS, n);
    if (n > s->items_max)
        good = aps_schema_run_fail(c, node, v, SCHEMA_K_MAX_ITEMS, n);
    if ((s->items | s->prefix) != 0 && (good || !c->stop))
        good = run_items(c, node, v, marks) && good;
    if (s->contains != 0 && (good || !c->stop))
        good = run_contains(c, node, v, marks) && good;
    if ((s->flags & SCHEMA_UNIQUE) != 0 && (good || !c->stop) && has_twice(c, v, n))
        good = aps_schema_run_fail(c, node, v, SCHEMA_K_UNIQUE_ITEMS, 0);
    return c->steps > 0 ? good : aps_schema_run_fault(c, APS_SCHEMA_STEPS);
}

/* Apart from aps_schema_run_held, which has to need few registers. */
__attribute__((noinline)) bool aps_schema_run_array_items(struct aps_schema_judge *c, uint32_t node,
                                                          const struct aps_jsonread_node *v)
{
    const struct schema_node *s = c->image->nodes + node;
    const struct aps_jsonread_node *item = aps_jsonread_first(v), *end = aps_jsonread_end(v);
    const uint32_t n = aps_jsonread_count(v);
    bool good = true;

    if (n < s->items_min || n > s->items_max)
        return aps_schema_run(c, node, v, NULL);
    if (c->depth == 0)
        return aps_schema_run_fault(c, APS_SCHEMA_DEPTH);
    if (!schema_spend(c, n + 1))
        return false;
    c->depth--;
    for (; item < end && (good || !c->stop); item = aps_jsonread_next(item))
        good = schema_run(c, s->items, item) && good;
    c->depth++;
    if ((s->flags & SCHEMA_UNIQUE) != 0 && (good || !c->stop) && has_twice(c, v, n))
        good = aps_schema_run_fail(c, node, v, SCHEMA_K_UNIQUE_ITEMS, 0);
    return c->steps > 0 ? good : aps_schema_run_fault(c, APS_SCHEMA_STEPS);
}
