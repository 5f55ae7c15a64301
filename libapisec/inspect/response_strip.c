/* response_strip.c - a body without the members that no schema speaks of.
 *
 * One walk over the nodes, with the way back to the outermost value kept beside it: the reader has
 * bounded how deep that is, and what lies deeper than DEPTH_MAX stays as it is.  The new text is
 * never longer than the old one. */
#include "response_strip.h"

#include "apisec/schema_shape.h"

#define DEPTH_MAX 128

struct level {
    const struct aps_jsonread_node *end;
    uint32_t shape;
    uint32_t item; /* of an array: the number of the next one */
    bool object;
    bool closed; /* of an object: only what its schemas speak of stays */
    bool any;    /* something of it is in the new text */
};

struct strip {
    const struct aps_schema_image *image;
    const struct aps_jsonread *reader;
    char *to;
    struct level levels[DEPTH_MAX];
    unsigned depth;
    bool taken;
};

static bool is_holder(const struct aps_jsonread_node *v)
{
    return aps_jsonread_kind(v) >= APS_JSON_ARRAY;
}

static void put(struct strip *s, const char *from, const char *end)
{
    memcpy(s->to, from, (size_t)(end - from));
    s->to += end - from;
}

static void enter(struct strip *s, const struct aps_jsonread_node *v, uint32_t shape)
{
    const bool object = aps_jsonread_kind(v) == APS_JSON_OBJECT;

    s->levels[s->depth++] = (struct level){
        .end = aps_jsonread_end(v),
        .shape = shape,
        .object = object,
        .closed = object && (aps_schema_shape_holders(s->image, shape) & 1u << APS_JSON_OBJECT),
    };
}

static void leave(struct strip *s)
{
    *s->to++ = s->levels[--s->depth].object ? '}' : ']';
}

/* Whether the member stays, and the shape of its value.  What is under a schema that nothing meets
 * was not meant to be there. */
static bool stays(const struct strip *s, const struct level *level,
                  const struct aps_jsonread_node *name, uint32_t *out_shape)
{
    *out_shape = APS_SCHEMA_SHAPE_ANY;
    if (!level->closed)
        return true;
    return aps_schema_shape_member(s->image, level->shape, aps_jsonread_str(s->reader, name),
                                   out_shape) &&
           aps_schema_shape_types(s->image, *out_shape) != 0;
}

/* The member or item `v` of the innermost level; gives the node that comes next. */
static const struct aps_jsonread_node *step(struct strip *s, const struct aps_jsonread_node *v)
{
    struct level *level = &s->levels[s->depth - 1];
    const struct aps_jsonread_node *value = level->object ? v + 1 : v;
    const struct aps_str raw = aps_jsonread_raw(s->reader, value);
    uint32_t shape = APS_SCHEMA_SHAPE_ANY;

    if (level->object && !stays(s, level, v, &shape)) {
        s->taken = true;
        return aps_jsonread_next(value);
    }
    if (!level->object)
        (void)aps_schema_shape_item(s->image, level->shape, level->item++, &shape);
    if (level->any)
        *s->to++ = ',';
    level->any = true;
    if (level->object) {
        put(s, aps_jsonread_raw(s->reader, v).p, raw.p);
    }
    if (!is_holder(value) || s->depth == DEPTH_MAX) {
        put(s, raw.p, raw.p + raw.n);
        return aps_jsonread_next(value);
    }
    *s->to++ = *raw.p;
    enter(s, value, shape);
    return aps_jsonread_first(value);
}

bool aps_response_strip(const struct aps_schema_image *image, uint32_t entry,
                        const struct aps_jsonread *reader, apr_pool_t *pool, struct aps_str *out)
{
    const struct aps_jsonread_node *v = aps_jsonread_root(reader);
    struct strip *s = apr_pcalloc(pool, sizeof *s);
    char *text = apr_palloc(pool, reader->text.n + 1);

    if (s == NULL || text == NULL || !is_holder(v))
        return false;
    s->image = image;
    s->reader = reader;
    s->to = text;
    *s->to++ = aps_jsonread_kind(v) == APS_JSON_OBJECT ? '{' : '[';
    enter(s, v, aps_schema_shape_entry(image, entry));
    v = aps_jsonread_first(v);
    while (s->depth > 0) {
        if (v < s->levels[s->depth - 1].end)
            v = step(s, v);
        else
            leave(s);
    }
    if (s->taken)
        *out = (struct aps_str){text, (size_t)(s->to - text)};
    return s->taken;
}
