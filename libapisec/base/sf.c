/* sf.c - structured field values: what holds bare items together. */
#include "sf_impl.h"

const struct aps_sf_limits aps_sf_wide = {
    .bytes_max = 64 * 1024,
    .members_max = 1024,
    .items_max = 256,
    .params_max = 256,
};

/* So many keys are looked for one after the other; of more, all are kept in order beside the list,
 * since who sends the field chooses them. */
enum { FEW_KEYS = 8 };

/* A list of nodes under construction. */
struct chain {
    struct aps_sf **first;
    struct aps_sf **end; /* where the next one is linked */
    uint32_t count;      /* of what was read, keys that came again included */
    uint32_t max;
    const char *too_many;
    struct aps_sf **sorted; /* by key; NULL as long as there are few */
    uint32_t keys, cap;     /* different keys; room at `sorted` */
};

static struct chain chain_of(struct aps_sf **first, uint32_t max, const char *too_many)
{
    *first = NULL;
    return (struct chain){.first = first, .end = first, .max = max, .too_many = too_many};
}

static bool count_one(struct sf_in *in, struct chain *chain)
{
    if (chain->count == chain->max)
        return sf_stop(in, APS_ERR_RANGE, chain->too_many);
    chain->count++;
    return true;
}

/* A new zeroed node at the end; NULL: the reading stops. */
static struct aps_sf *append(struct sf_in *in, struct chain *chain)
{
    struct aps_sf *v;

    if (!count_one(in, chain))
        return NULL;
    if ((v = apr_pcalloc(in->pool, sizeof *v)) == NULL) {
        (void)sf_no_memory(in);
        return NULL;
    }
    *chain->end = v;
    chain->end = &v->next;
    return v;
}

/* Where the key is among the sorted ones, or belongs. */
static uint32_t place_of(const struct chain *chain, struct aps_str key)
{
    uint32_t low = 0, high = chain->keys;

    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;

        if (aps_str_compare(chain->sorted[middle]->key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct aps_sf *find_key(const struct chain *chain, struct aps_str key)
{
    struct aps_sf *v;
    uint32_t i;

    if (chain->sorted != NULL) {
        i = place_of(chain, key);
        return i < chain->keys && aps_str_eq(chain->sorted[i]->key, key) ? chain->sorted[i] : NULL;
    }
    for (v = *chain->first; v != NULL && !aps_str_eq(v->key, key);)
        v = v->next;
    return v;
}

/* There is room. */
static void sort_in(struct chain *chain, struct aps_sf *v)
{
    const uint32_t i = place_of(chain, v->key);
    struct aps_sf **at = &chain->sorted[i];

    memmove(at + 1, at, (chain->keys - i) * sizeof *at);
    *at = v;
    chain->keys++;
}

static bool grow_sorted(struct sf_in *in, struct chain *chain)
{
    const uint32_t cap = chain->cap == 0 ? 4 * FEW_KEYS : 2 * chain->cap;
    struct aps_sf **sorted = apr_palloc(in->pool, cap * sizeof(struct aps_sf *));

    if (sorted == NULL)
        return sf_no_memory(in);
    if (chain->sorted != NULL)
        memcpy(sorted, chain->sorted, chain->keys * sizeof *sorted);
    chain->sorted = sorted;
    chain->cap = cap;
    return true;
}

/* Note a key that is new and at the end of the list. */
static bool note_key(struct sf_in *in, struct chain *chain, struct aps_sf *v)
{
    const bool first = chain->sorted == NULL;

    if (first && chain->keys < FEW_KEYS) {
        chain->keys++;
        return true;
    }
    if ((first || chain->keys == chain->cap) && !grow_sorted(in, chain))
        return false;
    if (!first) {
        sort_in(chain, v);
        return true;
    }
    chain->keys = 0;
    for (v = *chain->first; v != NULL; v = v->next)
        sort_in(chain, v);
    return true;
}

/* The node of this key, emptied, or a new one; NULL: the reading stops. */
static struct aps_sf *append_key(struct sf_in *in, struct chain *chain, struct aps_str key)
{
    struct aps_sf *v = find_key(chain, key);

    if (v != NULL) {
        if (!count_one(in, chain))
            return NULL;
        *v = (struct aps_sf){.key = key, .next = v->next};
        return v;
    }
    if ((v = append(in, chain)) == NULL)
        return NULL;
    v->key = key;
    return note_key(in, chain, v) ? v : NULL;
}

static void skip_spaces(struct sf_in *in)
{
    while (sf_take(in, ' '))
        ;
}

static void skip_blanks(struct sf_in *in)
{
    while (sf_take(in, ' ') || sf_take(in, '\t'))
        ;
}

/* RFC 9651 4.2.3.3 */
static bool read_key(struct sf_in *in, struct aps_str *out)
{
    const char *start = in->p;

    if (in->p == in->end || !sf_is_key_first(*in->p))
        return sf_bad(in, "a key, which begins with a lower-case letter or *");
    while (in->p < in->end && sf_is_key(*in->p))
        in->p++;
    *out = (struct aps_str){start, (size_t)(in->p - start)};
    return true;
}

/* RFC 9651 4.2.3.2 */
static bool read_params(struct sf_in *in, const struct aps_sf_limits *limits, struct aps_sf *of)
{
    struct chain chain = chain_of(&of->params, limits->params_max, "fewer parameters");

    while (sf_take(in, ';')) {
        struct aps_str key;
        struct aps_sf *v;

        skip_spaces(in);
        if (!read_key(in, &key) || (v = append_key(in, &chain, key)) == NULL)
            return false;
        if (!sf_take(in, '=')) {
            v->kind = APS_SF_BOOLEAN;
            v->number = 1;
        } else if (!aps_sf_bare_read(in, v)) {
            return false;
        }
    }
    return true;
}

/* RFC 9651 4.2.3 */
static bool read_item(struct sf_in *in, const struct aps_sf_limits *limits, struct aps_sf *out)
{
    return aps_sf_bare_read(in, out) && read_params(in, limits, out);
}

/* RFC 9651 4.2.1.2, behind its parenthesis. */
static bool read_inner(struct sf_in *in, const struct aps_sf_limits *limits, struct aps_sf *out)
{
    struct chain chain = chain_of(&out->items, limits->items_max, "fewer items in an inner list");

    out->kind = APS_SF_INNER;
    for (;;) {
        struct aps_sf *v;

        skip_spaces(in);
        if (sf_take(in, ')'))
            return read_params(in, limits, out);
        if (in->p == in->end)
            return sf_bad(in, "a parenthesis that ends the inner list");
        if ((v = append(in, &chain)) == NULL || !read_item(in, limits, v))
            return false;
        if (in->p == in->end || (*in->p != ' ' && *in->p != ')'))
            return sf_bad(in, "a space or a parenthesis behind an item of an inner list");
    }
}

/* RFC 9651 4.2.1.1 */
static bool read_value(struct sf_in *in, const struct aps_sf_limits *limits, struct aps_sf *out)
{
    return sf_take(in, '(') ? read_inner(in, limits, out) : read_item(in, limits, out);
}

/* RFC 9651 4.2.2, behind a key */
static bool read_named(struct sf_in *in, const struct aps_sf_limits *limits, struct aps_sf *out)
{
    if (sf_take(in, '='))
        return read_value(in, limits, out);
    out->kind = APS_SF_BOOLEAN;
    out->number = 1;
    return read_params(in, limits, out);
}

static bool read_member(struct sf_in *in, const struct aps_sf_limits *limits, bool named,
                        struct chain *chain)
{
    struct aps_str key;
    struct aps_sf *v;

    if (!named)
        return (v = append(in, chain)) != NULL && read_value(in, limits, v);
    return read_key(in, &key) && (v = append_key(in, chain, key)) != NULL &&
           read_named(in, limits, v);
}

/* RFC 9651 4.2.1 and 4.2.2 */
static bool read_members(struct sf_in *in, const struct aps_sf_limits *limits, bool named,
                         struct aps_sf **out)
{
    struct chain chain = chain_of(out, limits->members_max, "fewer members");

    while (in->p < in->end) {
        if (!read_member(in, limits, named, &chain))
            return false;
        skip_blanks(in);
        if (in->p == in->end)
            break;
        if (!sf_take(in, ','))
            return sf_bad(in, "a comma between members");
        skip_blanks(in);
        if (in->p == in->end)
            return sf_bad(in, "a member behind the last comma");
    }
    return true;
}

/* RFC 9651 4.2 */
static bool read_field(struct sf_in *in, enum aps_sf_type type, const struct aps_sf_limits *limits,
                       struct aps_sf **out)
{
    struct chain one = chain_of(out, 1, "");

    skip_spaces(in);
    if (type == APS_SF_ITEM) {
        if (append(in, &one) == NULL || !read_item(in, limits, *out))
            return false;
    } else if (!read_members(in, limits, type == APS_SF_DICTIONARY, out)) {
        return false;
    }
    skip_spaces(in);
    return in->p == in->end || sf_bad(in, "nothing behind the value");
}

enum aps_err aps_sf_read(struct aps_str text, enum aps_sf_type type,
                         const struct aps_sf_limits *limits, apr_pool_t *pool, struct aps_sf **out,
                         struct aps_diag *diag)
{
    const char *start = text.n != 0 ? text.p : "";
    struct sf_in in = {.p = start, .end = start + text.n, .pool = pool, .err = APS_OK};
    struct aps_sf *first;

    if (text.n > limits->bytes_max) {
        aps_err_explain(diag, "a structured field of %zu bytes: want at most %u", text.n,
                        (unsigned)limits->bytes_max);
        return APS_ERR_RANGE;
    }
    if (!read_field(&in, type, limits, &first)) {
        aps_err_explain(diag, "structured field \"%.*s\", byte %zu: want %s", APS_STR_SHOW(text),
                        (size_t)(in.p - start), in.want);
        return in.err;
    }
    *out = first;
    return APS_OK;
}

const struct aps_sf *aps_sf_get(const struct aps_sf *first, struct aps_str key)
{
    while (first != NULL && !aps_str_eq(first->key, key))
        first = first->next;
    return first;
}
