/* schema_value.c - whether two JSON values are the same: 1 and 1.0 are, and so are objects whose
 * members stand in another order. */
#include "apisec/jsonnum.h"
#include "schema_impl.h"

static enum aps_jsonread_kind kind_of(const struct aps_jsonread_node *v)
{
    const enum aps_jsonread_kind kind = aps_jsonread_kind(v);

    return kind == APS_JSON_NAME ? APS_JSON_STRING : kind;
}

static bool step(uint32_t *io_steps)
{
    if (*io_steps > 0)
        --*io_steps;
    return *io_steps > 0;
}

uint64_t aps_schema_value_hash(const struct schema_view *view, const struct aps_jsonread_node *v,
                               uint64_t seed, uint32_t *io_steps)
{
    const enum aps_jsonread_kind kind = kind_of(v);
    const struct aps_jsonread_node *i;
    uint64_t hash = seed + (uint64_t)kind * 0x9e3779b97f4a7c15u;

    if (!step(io_steps))
        return 0;
    switch (kind) {
    case APS_JSON_NUMBER:
        return aps_schema_number_hash(schema_view_str(view, v), hash);
    case APS_JSON_STRING:
        return schema_hash(schema_view_str(view, v), hash);
    case APS_JSON_ARRAY:
        for (i = aps_jsonread_first(v); i < aps_jsonread_end(v); i = aps_jsonread_next(i))
            hash = schema_fold(hash ^ aps_schema_value_hash(view, i, seed, io_steps),
                               0xd6e8feb86659fd93u);
        return hash;
    case APS_JSON_OBJECT:
        for (i = aps_jsonread_first(v); i < aps_jsonread_end(v); i = aps_jsonread_next(i + 1))
            hash += schema_fold(schema_hash(schema_view_str(view, i), seed) ^ 0x8ebc6af09c88c6e3u,
                                aps_schema_value_hash(view, i + 1, seed, io_steps) | 1);
        return hash;
    default:
        return schema_fold(hash, 0x589965cc75374cc3u);
    }
}

/* The value of this name, looked for from `from` on, where it is if both have the same order. */
static const struct aps_jsonread_node *find(const struct schema_view *view,
                                            const struct aps_jsonread_node *object,
                                            const struct aps_jsonread_node *from,
                                            struct aps_str name, uint32_t *io_steps)
{
    const struct aps_jsonread_node *m = from;

    for (uint32_t i = aps_jsonread_count(object); i > 0 && step(io_steps); i--) {
        if (aps_str_eq(schema_view_str(view, m), name))
            return m + 1;
        m = aps_jsonread_next(m + 1);
        if (m == aps_jsonread_end(object))
            m = aps_jsonread_first(object);
    }
    return NULL;
}

static bool equal_objects(const struct schema_view *a_view, const struct aps_jsonread_node *a,
                          const struct schema_view *b_view, const struct aps_jsonread_node *b,
                          uint32_t *io_steps)
{
    const struct aps_jsonread_node *from = aps_jsonread_first(b), *other;

    for (const struct aps_jsonread_node *m = aps_jsonread_first(a); m < aps_jsonread_end(a);
         m = aps_jsonread_next(m + 1)) {
        other = find(b_view, b, from, schema_view_str(a_view, m), io_steps);
        if (other == NULL || !aps_schema_value_equal(a_view, m + 1, b_view, other, io_steps))
            return false;
        from = aps_jsonread_next(other);
        if (from == aps_jsonread_end(b))
            from = aps_jsonread_first(b);
    }
    return true;
}

bool aps_schema_value_equal(const struct schema_view *a_view, const struct aps_jsonread_node *a,
                            const struct schema_view *b_view, const struct aps_jsonread_node *b,
                            uint32_t *io_steps)
{
    const enum aps_jsonread_kind kind = kind_of(a);

    if (kind != kind_of(b) || !step(io_steps))
        return false;
    switch (kind) {
    case APS_JSON_NUMBER:
        return aps_jsonnum_compare(schema_view_str(a_view, a), schema_view_str(b_view, b)) == 0;
    case APS_JSON_STRING:
        return aps_str_eq(schema_view_str(a_view, a), schema_view_str(b_view, b));
    case APS_JSON_ARRAY:
        if (aps_jsonread_count(a) != aps_jsonread_count(b))
            return false;
        for (const struct aps_jsonread_node *i = aps_jsonread_first(a), *k = aps_jsonread_first(b);
             i < aps_jsonread_end(a); i = aps_jsonread_next(i), k = aps_jsonread_next(k))
            if (!aps_schema_value_equal(a_view, i, b_view, k, io_steps))
                return false;
        return true;
    case APS_JSON_OBJECT:
        return aps_jsonread_count(a) == aps_jsonread_count(b) &&
               equal_objects(a_view, a, b_view, b, io_steps);
    default:
        return true;
    }
}
