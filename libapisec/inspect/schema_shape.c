/* schema_shape.c - which types a schema leaves open.
 *
 * Schemas within each other are walked by calls, no deeper than DEPTH and not more of them than
 * LOOKS, whatever circles of $ref there are. */
#include "apisec/schema_shape.h"

#include "schema_run.h"

#define DEPTH 64
#define LOOKS 4096

#define KINDS                                                                                      \
    (1u << APS_JSON_NULL | 1u << APS_JSON_FALSE | 1u << APS_JSON_TRUE | 1u << APS_JSON_NUMBER |    \
     1u << APS_JSON_STRING | 1u << APS_JSON_ARRAY | 1u << APS_JSON_OBJECT)

struct walk {
    const struct aps_schema_image *image;
    const struct aps_schema_shape_step *steps;
    uint32_t n;
    uint32_t looks; /* left */
};

/* How a schema may speak of what is within a value. */
enum manner {
    BY_NAME, /* properties, patternProperties; prefixItems, items */
    BY_REST, /* additionalProperties */
    UNSEEN,
};

static bool look(struct walk *w, uint32_t depth)
{
    if (depth >= DEPTH || w->looks == 0)
        return false;
    w->looks--;
    return true;
}

static uint32_t member_of(const struct aps_schema_image *im, const struct schema_object *o,
                          struct aps_str name)
{
    const struct schema_member *m = schema_member_of(im, o, name);
    const uint32_t *pairs = im->words + o->patterns;

    if (m != NULL && m->schema != 0)
        return m->schema;
    for (uint32_t i = 1; i <= pairs[0]; i += 2)
        if (aps_schema_run_match_once(im, pairs[i], name))
            return pairs[i + 1];
    return 0;
}

/* What this schema alone says of the step, or 0. */
static uint32_t child_of(const struct aps_schema_image *im, uint32_t node,
                         const struct aps_schema_shape_step *step, enum manner manner)
{
    const struct schema_node *s = im->nodes + node;
    const uint32_t *prefix = im->words + s->prefix;

    if (step->item) {
        if (manner != BY_NAME)
            return manner == UNSEEN ? s->unseen_items : 0;
        return step->i < prefix[0] ? prefix[1 + step->i] : s->items;
    }
    if (manner == UNSEEN)
        return s->unseen_members;
    if (s->object == 0)
        return 0;
    return manner == BY_NAME ? member_of(im, im->objects + s->object, step->name)
                             : im->objects[s->object].additional;
}

/* ---- types */

static unsigned types_of(struct walk *w, uint32_t node, uint32_t at, uint32_t depth);

/* Of a list of schemas of which one has to hold. */
static unsigned types_of_any(struct walk *w, uint32_t list, uint32_t at, uint32_t depth)
{
    const uint32_t *nodes = w->image->words + list;
    unsigned types = list == 0 ? KINDS : 0;

    for (uint32_t i = 1; i <= nodes[0] && types != KINDS; i++)
        types |= types_of(w, nodes[i], at, depth);
    return types;
}

/* Of the values of enum and const. */
static unsigned types_of_values(const struct aps_schema_image *im, const struct schema_node *s)
{
    const uint32_t *pairs = im->words + s->values;
    unsigned types = s->values == 0 ? KINDS : 0;

    for (uint32_t i = 2; s->values != 0 && i <= pairs[0]; i += 2)
        types |= 1u << aps_jsonread_kind(im->values + pairs[i]);
    if (s->constant != 0)
        types &= 1u << aps_jsonread_kind(im->values + s->constant);
    return types;
}

/* What the schema says without others; a number without a fraction is a number. */
static unsigned types_of_own(struct walk *w, uint32_t node, uint32_t at, uint32_t depth)
{
    const struct schema_node *s = w->image->nodes + node;
    uint32_t child;

    if (at < w->n) {
        if ((child = child_of(w->image, node, &w->steps[at], BY_NAME)) == 0)
            child = child_of(w->image, node, &w->steps[at], BY_REST);
        return child != 0 ? types_of(w, child, at + 1, depth) : KINDS;
    }
    return (s->types | ((s->types & SCHEMA_T_INTEGER) != 0 ? SCHEMA_T_NUMBER : 0)) & KINDS &
           types_of_values(w->image, s);
}

static unsigned types_of(struct walk *w, uint32_t node, uint32_t at, uint32_t depth)
{
    const struct schema_node *s = w->image->nodes + node;
    const uint32_t *all = w->image->words + s->all;
    unsigned types;

    if (node == APS_SCHEMA_SHAPE_ANY || !look(w, depth++))
        return KINDS;
    types = types_of_own(w, node, at, depth);
    if (s->ref != 0)
        types &= types_of(w, s->ref, at, depth);
    if (s->dynamic != 0)
        types &= types_of(w, w->image->words[s->dynamic + 1], at, depth);
    for (uint32_t i = 1; i <= all[0] && types != 0; i++)
        types &= types_of(w, all[i], at, depth);
    if (types != 0 && (s->any | s->one) != 0)
        types &= types_of_any(w, s->any, at, depth) & types_of_any(w, s->one, at, depth);
    if (types != 0 && s->then != 0 && s->otherwise != 0)
        types &= types_of(w, s->then, at, depth) | types_of(w, s->otherwise, at, depth);
    return types;
}

unsigned aps_schema_shape_types_at(const struct aps_schema_image *image, uint32_t shape,
                                   const struct aps_schema_shape_step *steps, uint32_t n)
{
    struct walk w = {image, steps, n, LOOKS};

    return types_of(&w, shape, 0, 0);
}

unsigned aps_schema_shape_types(const struct aps_schema_image *image, uint32_t shape)
{
    return aps_schema_shape_types_at(image, shape, NULL, 0);
}

/* ---- members and items */

/* Call `fn` for the schema and for those that judge the same value, until one gives not 0. */
typedef uint32_t each_fn(const struct walk *w, uint32_t node, enum manner manner);

static uint32_t each(struct walk *w, uint32_t node, each_fn *fn, enum manner manner, uint32_t depth)
{
    const struct schema_node *s = w->image->nodes + node;
    const uint32_t lists[] = {s->all, s->any, s->one};
    const uint32_t singles[] = {s->ref, s->dynamic != 0 ? w->image->words[s->dynamic + 1] : 0,
                                s->then, s->otherwise};
    uint32_t found;

    if (node == APS_SCHEMA_SHAPE_ANY || !look(w, depth++))
        return 0;
    if ((found = fn(w, node, manner)) != 0)
        return found;
    for (size_t k = 0; k < sizeof singles / sizeof *singles; k++)
        if ((found = each(w, singles[k], fn, manner, depth)) != 0)
            return found;
    for (size_t k = 0; k < sizeof lists / sizeof *lists; k++)
        for (uint32_t i = 1; i <= w->image->words[lists[k]]; i++)
            if ((found = each(w, w->image->words[lists[k] + i], fn, manner, depth)) != 0)
                return found;
    return 0;
}

static uint32_t child(const struct walk *w, uint32_t node, enum manner manner)
{
    return child_of(w->image, node, w->steps, manner);
}

static bool find_first(const struct aps_schema_image *image, uint32_t shape,
                       const struct aps_schema_shape_step *step, uint32_t *out)
{
    uint32_t found = 0;

    for (enum manner m = BY_NAME; m <= UNSEEN && found == 0; m++) {
        struct walk w = {image, step, 1, LOOKS};

        found = each(&w, shape, child, m, 0);
    }
    if (found != 0)
        *out = found;
    return found != 0;
}

bool aps_schema_shape_member(const struct aps_schema_image *image, uint32_t shape,
                             struct aps_str name, uint32_t *out)
{
    return find_first(image, shape, &(struct aps_schema_shape_step){.name = name}, out);
}

bool aps_schema_shape_item(const struct aps_schema_image *image, uint32_t shape, uint32_t i,
                           uint32_t *out)
{
    return find_first(image, shape, &(struct aps_schema_shape_step){.item = true, .i = i}, out);
}

static uint32_t has_arrays(const struct walk *w, uint32_t node, enum manner manner)
{
    (void)manner; /* all the same here */
    return (w->image->nodes[node].flags & SCHEMA_ARRAYS) | w->image->nodes[node].unseen_items;
}

static uint32_t has_objects(const struct walk *w, uint32_t node, enum manner manner)
{
    (void)manner; /* all the same here */
    return (w->image->nodes[node].flags & SCHEMA_OBJECTS) | w->image->nodes[node].unseen_members;
}

unsigned aps_schema_shape_holders(const struct aps_schema_image *image, uint32_t shape)
{
    struct walk arrays = {image, NULL, 0, LOOKS}, objects = arrays;

    return (each(&arrays, shape, has_arrays, BY_NAME, 0) != 0 ? 1u << APS_JSON_ARRAY : 0) |
           (each(&objects, shape, has_objects, BY_NAME, 0) != 0 ? 1u << APS_JSON_OBJECT : 0);
}

static void narrow(struct walk *w, uint32_t node, uint32_t depth,
                   struct aps_schema_shape_length *io)
{
    const struct schema_node *s = w->image->nodes + node;
    const uint32_t *all = w->image->words + s->all;

    if (node == APS_SCHEMA_SHAPE_ANY || !look(w, depth++))
        return;
    io->min = s->length_min > io->min ? s->length_min : io->min;
    io->max = s->length_max < io->max ? s->length_max : io->max;
    narrow(w, s->ref, depth, io);
    for (uint32_t i = 1; i <= all[0]; i++)
        narrow(w, all[i], depth, io);
}

struct aps_schema_shape_length aps_schema_shape_length(const struct aps_schema_image *image,
                                                       uint32_t shape)
{
    struct aps_schema_shape_length length = {0, UINT32_MAX};
    struct walk w = {image, NULL, 0, LOOKS};

    narrow(&w, shape, 0, &length);
    return length;
}

uint32_t aps_schema_shape_entry(const struct aps_schema_image *image, uint32_t entry)
{
    return entry < aps_schema_image_entries(image) ? image->entries[entry + 1]
                                                   : APS_SCHEMA_SHAPE_ANY;
}
