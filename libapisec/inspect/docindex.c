/* docindex.c - tables of large objects and arrays, made when they are first asked. */
#include "docindex.h"

#include "apisec/num.h"

struct slot {
    const struct aps_jsonread_node *of;
    apr_hash_t *members; /* name -> value */
    const struct aps_jsonread_node **items;
};

void aps_docindex_init(struct docindex *x, apr_pool_t *pool, const struct aps_jsonread *reader)
{
    *x = (struct docindex){reader, apr_hash_make(pool)};
}

/* The slot of an object or array, new if `*out_new`; NULL without memory. */
static struct slot *slot_of(const struct docindex *x, const struct aps_jsonread_node *v,
                            bool *out_new)
{
    struct slot *s = apr_hash_get(x->held, &v, sizeof v);

    *out_new = s == NULL;
    if (s != NULL || (s = apr_pcalloc(apr_hash_pool_get(x->held), sizeof *s)) == NULL)
        return s;
    s->of = v;
    apr_hash_set(x->held, &s->of, sizeof s->of, s);
    return s;
}

static void list_members(const struct docindex *x, struct slot *s)
{
    s->members = apr_hash_make(apr_hash_pool_get(x->held));
    for (const struct aps_jsonread_node *m = aps_jsonread_first(s->of); m < aps_jsonread_end(s->of);
         m = aps_jsonread_next(m + 1)) {
        const struct aps_str name = aps_jsonread_str(x->reader, m);

        if (apr_hash_get(s->members, name.p, (apr_ssize_t)name.n) == NULL)
            apr_hash_set(s->members, name.p, (apr_ssize_t)name.n, m + 1);
    }
}

static void list_items(const struct docindex *x, struct slot *s)
{
    const struct aps_jsonread_node *v = aps_jsonread_first(s->of);
    uint32_t n = 0;

    s->items =
        apr_palloc(apr_hash_pool_get(x->held), aps_jsonread_count(s->of) * sizeof(*s->items));
    for (; s->items != NULL && v < aps_jsonread_end(s->of); v = aps_jsonread_next(v))
        s->items[n++] = v;
}

const struct aps_jsonread_node *aps_docindex_member(const struct docindex *x,
                                                    const struct aps_jsonread_node *object,
                                                    struct aps_str name)
{
    struct slot *s;
    bool is_new;

    if (object == NULL || aps_jsonread_kind(object) != APS_JSON_OBJECT ||
        aps_jsonread_count(object) <= DOCINDEX_FEW)
        return aps_jsonread_get(x->reader, object, name);
    if ((s = slot_of(x, object, &is_new)) == NULL)
        return NULL;
    if (is_new)
        list_members(x, s);
    return apr_hash_get(s->members, name.p, (apr_ssize_t)name.n);
}

const struct aps_jsonread_node *aps_docindex_item(const struct docindex *x,
                                                  const struct aps_jsonread_node *array, uint64_t i)
{
    const struct aps_jsonread_node *v = aps_jsonread_first(array);
    struct slot *s;
    bool is_new;

    if (i >= aps_jsonread_count(array))
        return NULL;
    if (aps_jsonread_count(array) > DOCINDEX_FEW) {
        if ((s = slot_of(x, array, &is_new)) == NULL)
            return NULL;
        if (is_new)
            list_items(x, s);
        return s->items != NULL ? s->items[i] : NULL;
    }
    for (; i > 0; i--)
        v = aps_jsonread_next(v);
    return v;
}

const struct aps_jsonread_node *
aps_docindex_step(const struct docindex *x, const struct aps_jsonread_node *v, struct aps_str token)
{
    uint64_t i;

    if (aps_jsonread_kind(v) == APS_JSON_OBJECT)
        return aps_docindex_member(x, v, token);
    if (aps_jsonread_kind(v) != APS_JSON_ARRAY || aps_jsonread_count(v) == 0 ||
        aps_num_parse(token, 0, aps_jsonread_count(v) - 1, &i, NULL) != APS_OK)
        return NULL;
    return aps_docindex_item(x, v, i);
}
