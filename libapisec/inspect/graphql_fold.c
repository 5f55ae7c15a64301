/* graphql_fold.c - fragments in the counts of what spreads them.
 *
 * A fragment is done when all that it spreads is; then it is added to each that spreads it, which
 * may so be done in its turn.  What is never done lies in a cycle or spreads what does.  Each
 * spread is looked at once, however often its fragment would be expanded. */
#include <stdlib.h>

#include "graphql_impl.h"

static uint32_t sum(uint32_t a, uint32_t b)
{
    return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

static void add(struct aps_graphql_counts *to, const struct aps_graphql_counts *more,
                uint32_t depth)
{
    const uint32_t deepest = sum(depth - 1, more->depth);

    to->fields = sum(to->fields, more->fields);
    to->aliases = sum(to->aliases, more->aliases);
    to->directives = sum(to->directives, more->directives);
    if (depth == 1)
        to->roots = sum(to->roots, more->roots);
    to->depth = to->depth > deepest ? to->depth : deepest;
}

static int compare(const void *a, const void *b)
{
    const struct aps_graphql_name *x = a, *y = b;

    if (x->fragment != y->fragment)
        return x->fragment ? 1 : -1;
    return aps_str_compare(x->name, y->name);
}

static bool make_room(struct aps_graphql *g)
{
    if (g->order != NULL)
        return true;
    g->order = apr_palloc(g->pool, g->definitions_cap * sizeof *g->order);
    g->names = apr_palloc(g->pool, g->definitions_cap * sizeof *g->names);
    if (g->order != NULL && g->names != NULL)
        return true;
    g->order = NULL;
    return aps_graphql_fail(g, APS_GRAPHQL_NOMEM, g->text.p);
}

/* 5.2.1.1, 5.2.2.1, 5.5.1.1: names are told apart; an operation without one is the only one. */
static bool sort_names(struct aps_graphql *g)
{
    const uint32_t operations = g->definitions_n - g->fragments_n;

    for (uint32_t i = 0; i < g->definitions_n; i++) {
        const struct aps_graphql_definition *d = &g->definitions[i];

        g->names[i] = (struct aps_graphql_name){d->name, i, d->type == APS_GRAPHQL_FRAGMENT};
        if (d->name.n == 0 && operations > 1)
            return aps_graphql_fail(g, APS_GRAPHQL_DUPLICATE, g->text.p + d->at);
    }
    qsort(g->names, g->definitions_n, sizeof *g->names, compare);
    for (uint32_t i = 1; i < g->definitions_n; i++)
        if (compare(&g->names[i - 1], &g->names[i]) == 0)
            return aps_graphql_fail(g, APS_GRAPHQL_DUPLICATE, g->names[i].name.p);
    return true;
}

static struct aps_graphql_definition *find(const struct aps_graphql *g, struct aps_str name,
                                           bool fragment)
{
    const struct aps_graphql_name wanted = {name, 0, fragment};
    const struct aps_graphql_name *found =
        bsearch(&wanted, g->names, g->definitions_n, sizeof wanted, compare);

    return found != NULL ? &g->definitions[found->definition] : NULL;
}

const struct aps_graphql_definition *aps_graphql_fold_operation(const struct aps_graphql *g,
                                                                struct aps_str name)
{
    return find(g, name, false);
}

/* 5.5.2.1: what is spread is there. */
static bool link_spreads(struct aps_graphql *g)
{
    for (uint32_t i = 0; i < g->spreads_n; i++) {
        struct aps_graphql_spread *s = &g->spreads[i];
        struct aps_graphql_definition *fragment = find(g, s->name, true);

        if (fragment == NULL)
            return aps_graphql_fail(g, APS_GRAPHQL_UNKNOWN, s->name.p);
        s->next = fragment->spread_by;
        fragment->spread_by = i + 1;
        g->definitions[s->owner].pending++;
    }
    return true;
}

/* The fragment is done: add it to those that spread it; returns how many are done now in `order`.
 */
static uint32_t give(struct aps_graphql *g, const struct aps_graphql_definition *fragment,
                     uint32_t done)
{
    for (uint32_t i = fragment->spread_by; i != 0; i = g->spreads[i - 1].next) {
        const struct aps_graphql_spread *s = &g->spreads[i - 1];
        struct aps_graphql_definition *owner = &g->definitions[s->owner];

        add(&owner->counts, &fragment->counts, s->depth);
        if (--owner->pending == 0 && owner->type == APS_GRAPHQL_FRAGMENT)
            g->order[done++] = s->owner;
    }
    return done;
}

/* 5.5.2.2: no cycles. */
static bool add_up(struct aps_graphql *g)
{
    uint32_t done = 0;

    for (uint32_t i = 0; i < g->definitions_n; i++)
        if (g->definitions[i].type == APS_GRAPHQL_FRAGMENT && g->definitions[i].pending == 0)
            g->order[done++] = i;
    for (uint32_t i = 0; i < done; i++)
        done = give(g, &g->definitions[g->order[i]], done);
    for (uint32_t i = 0; i < g->definitions_n && done < g->fragments_n; i++)
        if (g->definitions[i].type == APS_GRAPHQL_FRAGMENT && g->definitions[i].pending != 0)
            return aps_graphql_fail(g, APS_GRAPHQL_CYCLE, g->definitions[i].name.p);
    return true;
}

/* 5.5.1.4: an operation spreads it, or a fragment that one spreads.  Those stand behind it in the
 * order. */
static bool check_used(struct aps_graphql *g)
{
    for (uint32_t k = g->fragments_n; k-- > 0;) {
        struct aps_graphql_definition *d = &g->definitions[g->order[k]];

        for (uint32_t i = d->spread_by; i != 0 && !d->used; i = g->spreads[i - 1].next) {
            const struct aps_graphql_definition *owner = &g->definitions[g->spreads[i - 1].owner];

            d->used = owner->type != APS_GRAPHQL_FRAGMENT || owner->used;
        }
        if (!d->used)
            return aps_graphql_fail(g, APS_GRAPHQL_UNUSED, d->name.p);
    }
    return true;
}

bool aps_graphql_fold(struct aps_graphql *g)
{
    return make_room(g) && sort_names(g) && link_spreads(g) && add_up(g) && check_used(g);
}
