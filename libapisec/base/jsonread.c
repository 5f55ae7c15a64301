/* jsonread.c - one pass over the text that checks it and writes its nodes.
 *
 * No step asks whether the text goes on.  It is cut behind its last byte that is no white space,
 * and that byte is a bracket, or else a NUL is put behind it, in a copy: no token and no white
 * space reaches past either.  Only strings are measured, and what follows a closing bracket.
 *
 * While an array or object is open, its node keeps what is needed to go on with the one around it:
 * `more` is how far back that one lies, `n` how many members or items it has so far.  So there is
 * no stack, and no depth that could exhaust one. */
#include "jsonread_walk.h"

const struct aps_jsonread_options aps_jsonread_strict = {
    .bytes_max = 1 << 20,
    .depth_max = 32,
    .nodes_max = 100000,
    .string_max = 1 << 18,
    .members_max = 1000,
    .items_max = 10000,
    .digits_max = 1000,
    .big_integers = true,
};

const struct aps_jsonread_options aps_jsonread_plain = {
    .bytes_max = UINT32_MAX,
    .depth_max = UINT32_MAX,
    .nodes_max = UINT32_MAX,
    .string_max = UINT32_MAX,
    .members_max = APS_JSONREAD_HELD_MAX,
    .items_max = APS_JSONREAD_HELD_MAX,
    .digits_max = UINT32_MAX,
    .duplicates = true,
    .nul = true,
    .overflow = true,
    .big_integers = true,
};

/* ---- arrays and objects */

/* Items or members, from the one at p on: to where one holds others, at its bracket, or behind the
 * last, at the bracket that ends them. */
ALWAYS static inline bool read_all_of(struct aps_jsonread *r, struct walk *w, bool object)
{
    const uint32_t most = object ? w->members_max : w->items_max;

    for (;;) {
        if (w->count++ == most)
            return fail(r, w->p, object ? APS_JSONREAD_MEMBERS : APS_JSONREAD_ITEMS);
        if (object && !read_name(r, w))
            return false;
        if (*w->p != '"' && (*w->p == '{' || *w->p == '['))
            return true;
        if (!read_scalar(r, w))
            return false;
        w->p = skip_space(w->p, w->end);
        if (*w->p != ',')
            break;
        w->p = skip_space(w->p + 1, w->end);
    }
    return *w->p == (object ? '}' : ']') || fail(r, w->p, APS_JSONREAD_SYNTAX);
}

static inline char close_of(const struct walk *w)
{
    return w->object ? '}' : ']';
}

/* Into the array or object at p, to its first item or its end. */
static inline bool open_level(struct aps_jsonread *r, struct walk *w)
{
    struct aps_jsonread_node *node;

    if (w->node == w->node_end)
        return fail_nodes(r, w->p);
    if (w->depth == r->options->depth_max)
        return fail(r, w->p, APS_JSONREAD_DEPTH);
    w->object = *w->p == '{';
    node = add_node(w, w->p, w->object ? APS_JSON_OBJECT : APS_JSON_ARRAY);
    if (w->depth > 0) {
        w->open->n = w->count;
        node->more = (uint32_t)(node - w->open);
    }
    w->open = node;
    w->depth++;
    w->count = 0;
    w->seen = 0;
    w->twice = false;
    w->p = skip_space(w->p + 1, w->end);
    return true;
}

/* Out of the array or object that ends at p.  Of the names around it no bits were kept, so those
 * are looked through. */
static inline bool close_level(struct aps_jsonread *r, struct walk *w)
{
    struct aps_jsonread_node *const node = w->open;

    if (w->twice && w->object && w->count > 1 && !r->options->duplicates &&
        !aps_jsonread_name_check(r, node, w->node, w->count))
        return false;
    w->p++;
    w->open = node - node->more;
    node->n = (uint32_t)(w->p - w->start) - node->at;
    node->more = (uint32_t)(w->node - node);
    node->what |= w->count << 8;
    if (--w->depth == 0)
        return true;
    w->count = w->open->n;
    w->object = w->open->what == APS_JSON_OBJECT;
    w->twice = true;
    if (w->p == w->end)
        return fail(r, w->p, APS_JSONREAD_END);
    w->p = skip_space(w->p, w->end);
    return true;
}

/* Out of all that ends at p, to where the next item begins. */
static inline bool close_levels(struct aps_jsonread *r, struct walk *w)
{
    do {
        if (!close_level(r, w))
            return false;
        if (w->depth == 0)
            return true;
    } while (*w->p == close_of(w));
    if (*w->p != ',')
        return fail(r, w->p, APS_JSONREAD_SYNTAX);
    w->p = skip_space(w->p + 1, w->end);
    return true;
}

/* The array or object at p, with all that it holds. */
static inline bool read_levels(struct aps_jsonread *r, struct walk *w)
{
    if (!open_level(r, w))
        return false;
    do {
        if (w->count > 0 || *w->p != close_of(w)) {
            if (!(w->object ? read_all_of(r, w, true) : read_all_of(r, w, false)))
                return false;
            if (*w->p == '{' || *w->p == '[') {
                if (!open_level(r, w))
                    return false;
                continue;
            }
        }
        if (!close_levels(r, w))
            return false;
    } while (w->depth > 0);
    return true;
}

/* The longest number without an exponent that is within all bounds: none of fifteen bytes is beyond
 * 2^53-1. */
#define SURE_NUMBER 15

static inline struct walk walk_of(const struct aps_jsonread *r)
{
    const struct aps_jsonread_options *o = r->options;

    return (struct walk){
        .start = r->text.p,
        .end = r->end,
        .sure_end = r->end - r->text.p < 16 ? r->text.p : r->end - 15,
        .node = r->nodes,
        .node_end = r->nodes + r->room,
        .members_max = least(o->members_max, APS_JSONREAD_HELD_MAX),
        .items_max = least(o->items_max, APS_JSONREAD_HELD_MAX),
        .string_max = o->string_max,
        .digits_max = least(o->digits_max, SURE_NUMBER),
        .key = name_key_of(r),
    };
}

/* One value from its first byte to its last; returns what follows it. */
static const char *read_all(struct aps_jsonread *r, const char *p)
{
    struct walk w = walk_of(r);

    w.p = p;
    if (!(*p == '{' || *p == '[' ? read_levels(r, &w) : read_scalar(r, &w)))
        return NULL;
    r->count = (uint32_t)(w.node - r->nodes);
    return w.p;
}

static bool make_nodes(struct aps_jsonread *r)
{
    const size_t most = r->text.n / 2 + 2;
    const size_t count = most < r->options->nodes_max ? most : r->options->nodes_max;
    struct aps_jsonread_node *room =
        aps_jsonread_room(r, r->nodes, &r->nodes_cap, count, sizeof *room);

    if (room == NULL)
        return false;
    r->nodes = room;
    r->room = (uint32_t)count;
    return true;
}

static bool copy_text(struct aps_jsonread *r, size_t n)
{
    char *room = aps_jsonread_room(r, r->copy, &r->copy_cap, n + 1, 1);

    if (room == NULL)
        return false;
    if (n > 0)
        memcpy(room, r->text.p, n);
    room[n] = '\0';
    r->copy = room;
    r->text = (struct aps_str){room, n};
    return true;
}

/* Set the end, so that nothing reads past it. */
static bool make_end(struct aps_jsonread *r)
{
    size_t n = r->text.n;

    while (n > 0 && is_space(r->text.p[n - 1]))
        n--;
    if ((n == 0 || (r->text.p[n - 1] != '}' && r->text.p[n - 1] != ']')) && !copy_text(r, n))
        return false;
    r->end = r->text.p + n;
    return true;
}

/* What a text begins with that is JSON in no reading, and deserves a name of its own. */
static enum aps_jsonread_fault check_start(struct aps_str text)
{
    if (aps_str_starts(text, APS_STR_LIT("\xef\xbb\xbf")))
        return APS_JSONREAD_BOM;
    if (text.n >= 2 && (text.p[0] == '\0' || text.p[1] == '\0' ||
                        memcmp(text.p, "\xff\xfe", 2) == 0 || memcmp(text.p, "\xfe\xff", 2) == 0))
        return APS_JSONREAD_ENCODING;
    return APS_JSONREAD_OK;
}

/* Sets the fault, if there is one. */
static void judge(struct aps_jsonread *r)
{
    const char *p;

    if (r->text.n > r->options->bytes_max) {
        r->fault = APS_JSONREAD_BYTES;
        r->fault_at = r->options->bytes_max;
        return;
    }
    if ((r->fault = check_start(r->text)) != APS_JSONREAD_OK)
        return;
    if (!make_end(r) || !make_nodes(r)) {
        r->fault = APS_JSONREAD_NOMEM;
        return;
    }
    p = read_all(r, skip_space(r->text.p, r->end));
    if (p != NULL && p != r->end)
        (void)aps_jsonread_fault_set(r, skip_space(p, r->end),
                                     APS_JSONREAD_TRAILING); /* it is set */
}

void *aps_jsonread_room(struct aps_jsonread *r, void *had, size_t *cap, size_t want, size_t size)
{
    const size_t n = want > 2 * *cap ? want : 2 * *cap;
    void *room = had;

    if (want > *cap || had == NULL) {
        if ((room = apr_palloc(r->pool, n * size)) != NULL)
            *cap = n;
    }
    return room;
}

void aps_jsonread_init(struct aps_jsonread *r, apr_pool_t *pool,
                       const unsigned char key[APS_SIPHASH_KEY_LEN])
{
    /* Digits of pi.  Who reads own files gives a key of zeros, whose products tell short names
     * hardly apart: large objects would be slow. */
    static const unsigned char spread[APS_SIPHASH_KEY_LEN] = {0x24, 0x3f, 0x6a, 0x88, 0x85, 0xa3,
                                                              0x08, 0xd3, 0x13, 0x19, 0x8a, 0x2e,
                                                              0x03, 0x70, 0x73, 0x45};

    *r = (struct aps_jsonread){.pool = pool, .options = &aps_jsonread_strict};
    for (size_t i = 0; i < sizeof r->key; i++)
        r->key[i] = key[i] ^ spread[i];
}

enum aps_jsonread_fault aps_jsonread(struct aps_jsonread *r, struct aps_str text,
                                     const struct aps_jsonread_options *options)
{
    r->text = text;
    r->options = options;
    r->count = 0;
    r->decoded_n = 0;
    r->fault = APS_JSONREAD_OK;
    r->fault_at = 0;
    judge(r);
    if (r->fault != APS_JSONREAD_OK)
        r->count = 0;
    return r->fault;
}

/* ---- the nodes */

const struct aps_jsonread_node *aps_jsonread_get(const struct aps_jsonread *r,
                                                 const struct aps_jsonread_node *object,
                                                 struct aps_str name)
{
    const struct aps_jsonread_node *end, *m;

    if (object == NULL || aps_jsonread_kind(object) != APS_JSON_OBJECT)
        return NULL;
    end = aps_jsonread_end(object);
    for (m = aps_jsonread_first(object); m < end; m = aps_jsonread_next(m + 1))
        if (m->n == name.n && aps_str_eq(aps_jsonread_str(r, m), name))
            return m + 1;
    return NULL;
}

struct aps_str aps_jsonread_raw(const struct aps_jsonread *r, const struct aps_jsonread_node *v)
{
    const enum aps_jsonread_kind kind = aps_jsonread_kind(v);
    const char *const start = r->text.p + v->at;
    const char *p = start;

    if (kind != APS_JSON_STRING && kind != APS_JSON_NAME)
        return (struct aps_str){start, v->n};
    while (*p != '"')
        p += *p == '\\' ? 2 : 1;
    return (struct aps_str){start - 1, (size_t)(p - start) + 2};
}
