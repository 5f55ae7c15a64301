/* api_xml.c - what a description says of the names of its XML, as a table (apixml_table.h).
 *
 * Each place of a description where a schema may stand is a shape of its own, numbered as it is
 * met, so that schemas that refer to themselves come to an end. */
#include "api_xml.h"

#include <apr_strings.h>

#define SHAPES_MAX 20000u
#define BRANCHES 64u

struct shape {
    char kind;
    struct aps_str name, uri;
    bool attribute, wrapped, seen; /* an xml object was seen; the outermost one counts */
    struct api_at items;
    apr_array_header_t *names;   /* struct aps_str */
    apr_array_header_t *schemas; /* struct api_at of the same members */
    apr_hash_t *known;           /* the same names */
};

struct table {
    struct api_build *b;
    apr_array_header_t *places; /* struct api_at; its number is that of the shape */
    apr_hash_t *numbers;        /* value -> number + 1 */
    struct aps_json text;
};

/* The number of the shape of this place, which is a new one unless it was met before. */
static uint32_t number_of(struct table *t, struct api_at at)
{
    const void *known = apr_hash_get(t->numbers, &at.v, sizeof at.v);
    const struct aps_jsonread_node **key;

    if (known != NULL)
        return (uint32_t)(uintptr_t)known - 1;
    key = apr_pmemdup(t->b->pool, &at.v, sizeof at.v);
    APR_ARRAY_PUSH(t->places, struct api_at) = at;
    apr_hash_set(t->numbers, key, sizeof at.v, (const void *)(uintptr_t)t->places->nelts);
    return (uint32_t)t->places->nelts - 1;
}

static bool see_xml(struct table *t, struct api_at at, struct shape *s)
{
    struct api_at xml;

    if (!aps_api_doc_get(t->b, at, "xml", APS_JSON_OBJECT, &xml))
        return false;
    if (xml.v == NULL || s->seen)
        return true;
    s->seen = true;
    return aps_api_doc_text(t->b, xml, "name", &s->name) &&
           aps_api_doc_text(t->b, xml, "namespace", &s->uri) &&
           aps_api_doc_flag(t->b, xml, "attribute", &s->attribute) &&
           aps_api_doc_flag(t->b, xml, "wrapped", &s->wrapped);
}

static void see_properties(struct table *t, struct api_at map, struct shape *s)
{
    const struct aps_jsonread_node *m;

    s->kind = 'o';
    for (m = aps_jsonread_first(map.v); m < aps_jsonread_end(map.v); m = aps_jsonread_next(m + 1)) {
        const struct aps_str name = aps_jsonread_str(&map.doc->reader, m);

        if (apr_hash_get(s->known, name.p, (apr_ssize_t)name.n) != NULL)
            continue;
        apr_hash_set(s->known, name.p, (apr_ssize_t)name.n, m);
        APR_ARRAY_PUSH(s->names, struct aps_str) = name;
        APR_ARRAY_PUSH(s->schemas, struct api_at) = aps_api_doc_member(t->b, map, m);
    }
}

/* "type": a name, or a list of names in 3.1. */
static void see_type(const struct table *t, struct api_at at, struct shape *s)
{
    const struct aps_jsonread_node *v;
    struct api_at type;

    aps_api_doc_any(t->b, at, "type", &type);
    if (type.v == NULL || s->kind != 's')
        return;
    v = aps_jsonread_kind(type.v) == APS_JSON_ARRAY ? aps_jsonread_first(type.v) : type.v;
    for (; v < aps_jsonread_next(type.v); v = aps_jsonread_next(v)) {
        if (aps_jsonread_kind(v) != APS_JSON_STRING)
            continue;
        if (aps_str_eq(aps_jsonread_str(&type.doc->reader, v), APS_STR_LIT("object")))
            s->kind = 'o';
        else if (aps_str_eq(aps_jsonread_str(&type.doc->reader, v), APS_STR_LIT("array")))
            s->kind = 'a';
    }
}

static void push_branches(struct table *t, struct api_at at, const char *name,
                          struct api_at *branches, uint32_t *io_n)
{
    const struct aps_jsonread_node *v;
    struct api_at list;
    uint32_t i = 0;

    aps_api_doc_any(t->b, at, name, &list);
    if (list.v == NULL || aps_jsonread_kind(list.v) != APS_JSON_ARRAY)
        return;
    for (v = aps_jsonread_first(list.v); v < aps_jsonread_end(list.v) && *io_n < BRANCHES;
         v = aps_jsonread_next(v), i++)
        branches[(*io_n)++] = aps_api_doc_item(t->b, list, i, v);
}

static bool see_schema(struct table *t, struct api_at at, struct shape *s)
{
    struct api_at properties, items;

    if (!see_xml(t, at, s))
        return false;
    see_type(t, at, s);
    aps_api_doc_any(t->b, at, "properties", &properties);
    if (properties.v != NULL && aps_jsonread_kind(properties.v) == APS_JSON_OBJECT)
        see_properties(t, properties, s);
    aps_api_doc_any(t->b, at, "items", &items);
    if (items.v != NULL && s->items.v == NULL) {
        s->items = items;
        s->kind = s->kind == 's' ? 'a' : s->kind;
    }
    return true;
}

/* All that speaks of the place: the schema, what it refers to, and its branches. */
static bool collect(struct table *t, struct api_at at, struct shape *s)
{
    static const char *const words[] = {"allOf", "anyOf", "oneOf"};
    struct api_at branches[BRANCHES] = {at};
    uint32_t n = 1, steps = 0;
    bool moved;

    while (n > 0 && steps++ < 4 * BRANCHES) {
        at = branches[--n];
        if (aps_jsonread_kind(at.v) != APS_JSON_OBJECT)
            continue;
        if (!see_schema(t, at, s))
            return false;
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            push_branches(t, at, words[i], branches, &n);
        if (!aps_api_doc_step(t->b, &at, &moved))
            return false;
        if (moved && n < BRANCHES)
            branches[n++] = at;
    }
    return true;
}

static void put_text(struct table *t, const char *name, struct aps_str text)
{
    if (text.n > 0) {
        aps_json_name(&t->text, name);
        aps_json_str(&t->text, text);
    }
}

static void put_shape(struct table *t, const struct shape *s)
{
    struct aps_json *w = &t->text;

    aps_json_object(w);
    put_text(t, "k", (struct aps_str){&s->kind, 1});
    put_text(t, "n", s->name);
    put_text(t, "s", s->uri);
    if (s->attribute)
        aps_json_put_bool(w, "a", true);
    if (s->wrapped)
        aps_json_put_bool(w, "w", true);
    if (s->items.v != NULL)
        aps_json_put_u64(w, "i", number_of(t, s->items));
    if (s->names->nelts > 0) {
        aps_json_name(w, "p");
        aps_json_array(w);
        for (int i = 0; i < s->names->nelts; i++) {
            aps_json_str(w, APR_ARRAY_IDX(s->names, i, struct aps_str));
            aps_json_u64(w, number_of(t, APR_ARRAY_IDX(s->schemas, i, struct api_at)));
        }
        aps_json_end(w);
    }
    aps_json_end(w);
}

static bool write_table(struct table *t, struct api_at schema)
{
    (void)number_of(t, schema); /* the first */
    aps_json_array(&t->text);
    for (int i = 0; i < t->places->nelts; i++) {
        struct shape s = {.kind = 's'};

        if (i == (int)SHAPES_MAX)
            return aps_api_build_fail(t->b, schema, APS_ERR_RANGE,
                                      "more than %u schemas stand below a body of XML", SHAPES_MAX);
        s.names = apr_array_make(t->b->pool, 8, sizeof(struct aps_str));
        s.schemas = apr_array_make(t->b->pool, 8, sizeof(struct api_at));
        s.known = apr_hash_make(t->b->pool);
        if (!collect(t, APR_ARRAY_IDX(t->places, i, struct api_at), &s))
            return false;
        put_shape(t, &s);
    }
    aps_json_end(&t->text);
    return true;
}

bool aps_api_xml(struct api_build *b, struct api_at schema, uint32_t *out)
{
    apr_array_header_t *texts = apr_array_make(b->pool, 1, sizeof(struct api_text));
    struct table t = {.b = b};
    struct api_range range = {0, 0};
    struct api_text text = {0, 0};

    if (schema.v == NULL)
        return true;
    t.places = apr_array_make(b->pool, 16, sizeof(struct api_at));
    t.numbers = apr_hash_make(b->pool);
    aps_json_init_pool(&t.text, b->pool, 0);
    if (!write_table(&t, schema))
        return false;
    if (t.text.full)
        return aps_api_build_fail(b, schema, APS_ERR_NOMEM, "out of memory");
    if (!aps_api_build_text(b, aps_json_text(&t.text), &text))
        return false;
    APR_ARRAY_PUSH(texts, struct api_text) = text;
    if (!aps_api_build_add(b, API_S_TEXTS, texts, &range))
        return false;
    *out = range.at;
    return true;
}

const struct aps_apixml *aps_api_xml_table(const struct aps_api *api,
                                           const struct aps_api_media *media)
{
    return media->xml == UINT32_MAX ? NULL : api->tables[media->xml];
}
