/* apixml_open.c - the text of a table -> shapes; every number in it is looked at. */
#include "apisec/jsonread.h"
#include "apixml_table.h"

struct opening {
    apr_pool_t *pool;
    struct aps_jsonread reader;
    struct aps_apixml *table;
};

static const struct aps_jsonread_node *get(const struct opening *o,
                                           const struct aps_jsonread_node *v, const char *name,
                                           enum aps_jsonread_kind kind)
{
    const struct aps_jsonread_node *found = aps_jsonread_get(&o->reader, v, aps_str(name));

    return found != NULL && aps_jsonread_kind(found) == kind ? found : NULL;
}

static struct aps_str text_of(const struct opening *o, const struct aps_jsonread_node *v,
                              const char *name)
{
    const struct aps_jsonread_node *found = get(o, v, name, APS_JSON_STRING);

    return found != NULL ? aps_jsonread_str(&o->reader, found) : (struct aps_str){"", 0};
}

/* The number of a shape. */
static bool read_number(const struct opening *o, const struct aps_jsonread_node *v, uint32_t *out)
{
    struct aps_str text;
    uint64_t n = 0;

    if (aps_jsonread_kind(v) != APS_JSON_NUMBER)
        return false;
    text = aps_jsonread_str(&o->reader, v);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9' || i > 9)
            return false;
        n = n * 10 + (uint64_t)(text.p[i] - '0');
    }
    *out = (uint32_t)n;
    return n < o->table->n;
}

static bool read_members(struct opening *o, const struct aps_jsonread_node *list,
                         struct apixml_shape *shape)
{
    const struct aps_jsonread_node *v = list != NULL ? aps_jsonread_first(list) : NULL;

    shape->members_n = list != NULL ? aps_jsonread_count(list) / 2 : 0;
    if (list != NULL && aps_jsonread_count(list) % 2 != 0)
        return false;
    shape->members = apr_pcalloc(o->pool, (shape->members_n + 1) * sizeof *shape->members);
    for (uint32_t i = 0; i < shape->members_n; i++) {
        if (aps_jsonread_kind(v) != APS_JSON_STRING)
            return false;
        shape->members[i].property = aps_jsonread_str(&o->reader, v);
        v = aps_jsonread_next(v);
        if (v >= aps_jsonread_end(list) || !read_number(o, v, &shape->members[i].shape))
            return false;
        v = aps_jsonread_next(v);
    }
    return true;
}

static bool read_shape(struct opening *o, const struct aps_jsonread_node *v,
                       struct apixml_shape *shape)
{
    const struct aps_jsonread_node *item;
    const struct aps_str kind = text_of(o, v, "k");

    if (kind.n != 1 || strchr("oas", *kind.p) == NULL)
        return false;
    shape->kind = *kind.p;
    shape->name = text_of(o, v, "n");
    shape->uri = text_of(o, v, "s");
    shape->attribute = get(o, v, "a", APS_JSON_TRUE) != NULL;
    shape->wrapped = get(o, v, "w", APS_JSON_TRUE) != NULL;
    shape->item = APIXML_NONE;
    item = aps_jsonread_get(&o->reader, v, APS_STR_LIT("i"));
    return (item == NULL || read_number(o, item, &shape->item)) &&
           read_members(o, get(o, v, "p", APS_JSON_ARRAY), shape);
}

/* ---- names, as the shapes of members and items have them */

static struct aps_str first_of(struct aps_str a, struct aps_str b)
{
    return a.n > 0 ? a : b;
}

/* An array's items have their own name; else that of the array, which is the member's if it has
 * none.  Without `wrapped` they stand in place of the array (OpenAPI 3.0.3 4.7.26). */
static void name_member(const struct opening *o, struct apixml_member *m)
{
    const struct apixml_shape *s = &o->table->shapes[m->shape];
    const struct apixml_shape *item = s->item != APIXML_NONE ? &o->table->shapes[s->item] : NULL;

    m->attribute = s->attribute;
    m->local = first_of(s->name, m->property);
    m->uri = s->uri;
    if (s->kind == 'a' && !s->wrapped && !s->attribute) {
        m->items = true;
        if (item != NULL) {
            m->local = first_of(item->name, m->local);
            m->uri = first_of(item->uri, m->uri);
        }
        m->shape = s->item;
    }
    m->named_uri = m->uri.n > 0;
}

static void name_items(const struct opening *o, struct apixml_shape *s)
{
    const struct apixml_shape *item = s->item != APIXML_NONE ? &o->table->shapes[s->item] : NULL;

    s->inner = item != NULL ? first_of(item->name, s->name) : s->name;
    s->inner_uri = item != NULL ? item->uri : (struct aps_str){"", 0};
}

static void index_members(struct opening *o, struct apixml_shape *s)
{
    s->by_local = apr_hash_make(o->pool);
    for (uint32_t i = 0; i < s->members_n; i++) {
        struct apixml_member *m = &s->members[i];

        name_member(o, m);
        m->next = apr_hash_get(s->by_local, m->local.p, (apr_ssize_t)m->local.n);
        apr_hash_set(s->by_local, m->local.p, (apr_ssize_t)m->local.n, m);
    }
}

enum aps_err aps_apixml_open(apr_pool_t *pool, struct aps_str table, const struct aps_apixml **out)
{
    static const unsigned char key[APS_SIPHASH_KEY_LEN] = "our own tables";
    struct opening o = {.pool = pool};
    const struct aps_jsonread_node *root, *v;

    aps_jsonread_init(&o.reader, pool, key);
    if (aps_jsonread(&o.reader, table, &aps_jsonread_plain) != APS_JSONREAD_OK)
        return APS_ERR_CORRUPT;
    root = aps_jsonread_root(&o.reader);
    if (aps_jsonread_kind(root) != APS_JSON_ARRAY || aps_jsonread_count(root) == 0)
        return APS_ERR_CORRUPT;
    if ((o.table = apr_palloc(pool, sizeof *o.table)) == NULL)
        return APS_ERR_NOMEM;
    o.table->n = aps_jsonread_count(root);
    o.table->shapes = apr_pcalloc(pool, o.table->n * sizeof *o.table->shapes);
    if (o.table->shapes == NULL)
        return APS_ERR_NOMEM;
    v = aps_jsonread_first(root);
    for (uint32_t i = 0; i < o.table->n; i++, v = aps_jsonread_next(v))
        if (!read_shape(&o, v, &o.table->shapes[i]))
            return APS_ERR_CORRUPT;
    for (uint32_t i = 0; i < o.table->n; i++)
        name_items(&o, &o.table->shapes[i]);
    for (uint32_t i = 0; i < o.table->n; i++)
        index_members(&o, &o.table->shapes[i]);
    *out = o.table;
    return APS_OK;
}
