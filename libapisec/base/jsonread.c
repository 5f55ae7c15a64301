/* jsonread.c - one pass over the text that checks it and writes its nodes.
 *
 * No step asks whether the text goes on.  It is cut behind its last byte that is no white space,
 * and that byte is a bracket, or else a NUL is put behind it, in a copy: no token and no white
 * space reaches past either.  Only strings are measured, and what follows a closing bracket.
 *
 * While an array or object is open, its node keeps what is needed to go on with the one around it:
 * `more` is how far back that one lies, `n` how many members or items it has so far.  So there is
 * no stack, and no depth that could exhaust one. */
#include "jsonread_impl.h"

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

/* ---- passing over bytes */

static inline bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The first byte that is no white space. */
static inline const char *skip_space(const char *p, const char *end)
{
    if ((unsigned char)*p > ' ') /* mostly there is none */
        return p;
    for (; end - p >= 16; p += 16) {
        const bytes16 x = bytes16_load(p);
        const bytes16 space = (bytes16)((x == ' ') | (x == '\n') | (x == '\r') | (x == '\t'));
        const uint32_t other = bytes16_mask(~space);

        if (other != 0)
            return p + bytes16_first(other);
    }
    while (is_space(*p))
        p++;
    return p;
}

/* The first byte that is no digit.  A byte of `x` is at most 9 for a digit; a carry reaches only
 * bytes behind one that is no digit. */
static inline const char *skip_digits(const char *p, const char *end)
{
    for (; end - p >= 8; p += 8) {
        const uint64_t x = bytes8_load(p) ^ 0x3030303030303030u;
        const uint64_t other = ((x + 0x7676767676767676u) | x) & 0x8080808080808080u;

        if (other != 0)
            return p + __builtin_ctzll(other) / 8;
    }
    while (*p >= '0' && *p <= '9')
        p++;
    return p;
}

/* The number at p; digits_max is the length up to which it needs no closer look. */
static inline const char *read_number(struct aps_jsonread *r, const char *p, const char *end,
                                      uint32_t digits_max)
{
    const char *const start = p, *exponent = NULL, *digits;

    if (*p == '-')
        p++;
    digits = p;
    p = skip_digits(p, end);
    if (p == digits || (*digits == '0' && p - digits > 1))
        return aps_jsonread_fault_set(r, start, APS_JSONREAD_NUMBER);
    if (*p == '.') {
        digits = p + 1;
        p = skip_digits(digits, end);
        if (p == digits)
            return aps_jsonread_fault_set(r, start, APS_JSONREAD_NUMBER);
    }
    if ((*p | 0x20) == 'e') {
        exponent = digits = p + 1;
        if (*digits == '+' || *digits == '-')
            digits++;
        p = skip_digits(digits, end);
        if (p == digits)
            return aps_jsonread_fault_set(r, start, APS_JSONREAD_NUMBER);
    }
    if ((p - start > digits_max || exponent != NULL) &&
        !aps_jsonread_number(r, (struct aps_str){start, (size_t)(p - start)}, exponent))
        return NULL;
    return p;
}

/* ---- arrays and objects */

/* Where the walk is.  It stays in registers, since only inline functions get to see it. */
struct walk {
    const char *start, *end;                   /* of the text */
    struct aps_jsonread_node *node, *node_end; /* the next one and the end of their room */
    struct aps_jsonread_node *open;            /* the array or object that p is in */
    uint32_t depth;
    uint32_t count; /* its items or members so far */
    uint32_t most;
    char close;
    uint32_t string_max;
    uint32_t digits_max; /* of a number that needs no closer look */
    bytes16 key;
};

static inline uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Once `open` and `count` are those of an array or object, the rest. */
static inline void set_level(struct walk *w, const struct aps_jsonread_options *o, bool object)
{
    w->most = least(object ? o->members_max : o->items_max, APS_JSONREAD_HELD_MAX);
    w->close = object ? '}' : ']';
}

/* There is no room for one more node.  A text has at most one for each second byte (a value and
 * what separates it from the next), so where the room is less than nodes_max, more values have
 * begun than can end. */
static const char *fail_nodes(struct aps_jsonread *r, const char *p)
{
    return r->room == r->options->nodes_max ? aps_jsonread_fault_set(r, p, APS_JSONREAD_NODES)
                                            : aps_jsonread_fault_set(r, r->end, APS_JSONREAD_END);
}

static inline const char *open_level(struct aps_jsonread *r, struct walk *w, const char *p)
{
    struct aps_jsonread_node *const node = w->node++;
    const bool object = *p == '{';

    if (w->depth == r->options->depth_max)
        return aps_jsonread_fault_set(r, p, APS_JSONREAD_DEPTH);
    if (w->depth > 0)
        w->open->n = w->count;
    node->at = (uint32_t)(p - w->start);
    node->more = w->depth > 0 ? (uint32_t)(node - w->open) : 0;
    node->what = object ? APS_JSON_OBJECT : APS_JSON_ARRAY;
    w->open = node;
    w->depth++;
    w->count = 0;
    set_level(w, r->options, object);
    return p + 1;
}

static inline const char *close_level(struct aps_jsonread *r, struct walk *w, const char *p)
{
    struct aps_jsonread_node *const node = w->open;

    if (w->close == '}' && w->count > 1 && !r->options->duplicates &&
        !aps_jsonread_name_check(r, node, w->node, w->count))
        return NULL;
    p++;
    w->open = node - node->more;
    node->n = (uint32_t)(p - w->start) - node->at;
    node->more = (uint32_t)(w->node - node);
    node->what |= w->count << 8;
    if (--w->depth > 0) {
        w->count = w->open->n;
        set_level(w, r->options, w->open->what == APS_JSON_OBJECT);
        if (p == w->end)
            return aps_jsonread_fault_set(r, p, APS_JSONREAD_END);
    }
    return p;
}

/* The string at p, a quote.  Fills in the node but for its kind; returns what follows it. */
static inline const char *read_string(struct aps_jsonread *r, const struct walk *w, const char *p,
                                      struct aps_jsonread_node *node)
{
    const char *const start = p + 1;
    uint32_t found = 0;

    node->at = (uint32_t)(start - w->start);
    node->more = 0;
    for (p = start; w->end - p >= 16; p += 16)
        if ((found = find_special(bytes16_load(p))) != 0) {
            p += bytes16_first(found);
            break;
        }
    if (found == 0 || *p != '"' || p - start > w->string_max)
        return aps_jsonread_string(r, start, p, node);
    node->n = (uint32_t)(p - start);
    return p + 1;
}

/* The tag of the name in `node`.  Short ones are cut out of the text by a mask. */
static inline uint32_t tag_of_node(const struct aps_jsonread *r, const struct walk *w,
                                   const struct aps_jsonread_node *node)
{
    static const uint8_t mask[32] = {[0 ... 15] = 0xff};
    const char *const p = w->start + node->at;

    if (node->n > APS_JSONREAD_SHORT_NAME || node->more != 0 || w->end - p < 16)
        return aps_jsonread_name_tag(r, aps_jsonread_str(r, node));
    return tag_short(bytes16_load(p) & bytes16_load((const char *)mask + 16 - node->n), node->n,
                     w->key);
}

/* A name and its colon; returns where its value begins. */
static inline const char *read_name(struct aps_jsonread *r, struct walk *w, const char *p)
{
    struct aps_jsonread_node *const node = w->node;

    if (*p != '"')
        return aps_jsonread_fault_set(r, p, APS_JSONREAD_SYNTAX);
    if (node == w->node_end)
        return fail_nodes(r, p);
    if ((p = read_string(r, w, p, node)) == NULL)
        return NULL;
    node->what = APS_JSON_NAME | tag_of_node(r, w, node) << 8;
    w->node = node + 1;
    p = skip_space(p, w->end);
    if (*p != ':')
        return aps_jsonread_fault_set(r, p, APS_JSONREAD_SYNTAX);
    return skip_space(p + 1, w->end);
}

/* One of the three words at p. */
static inline const char *read_word(struct aps_jsonread *r, const struct walk *w, const char *p,
                                    const char *word, size_t n)
{
    if ((size_t)(w->end - p) >= n && memcmp(p, word, n) == 0)
        return p + n;
    return aps_jsonread_fault_set(r, p, APS_JSONREAD_SYNTAX);
}

/* The node of a scalar from `start` to p; p may be NULL. */
static inline const char *set_scalar(struct walk *w, const char *start, const char *p,
                                     enum aps_jsonread_kind kind)
{
    if (p == NULL)
        return NULL;
    *w->node++ = (struct aps_jsonread_node){
        .at = (uint32_t)(start - w->start), .n = (uint32_t)(p - start), .what = kind};
    return p;
}

/* A value that holds no others, or the beginning of one that may. */
static inline const char *read_value(struct aps_jsonread *r, struct walk *w, const char *p)
{
    if (w->node == w->node_end)
        return fail_nodes(r, p);
    switch (*p) {
    case '"':
        w->node->what = APS_JSON_STRING;
        return read_string(r, w, p, w->node++);
    case '{':
    case '[':
        return open_level(r, w, p);
    case 't':
        return set_scalar(w, p, read_word(r, w, p, "true", 4), APS_JSON_TRUE);
    case 'f':
        return set_scalar(w, p, read_word(r, w, p, "false", 5), APS_JSON_FALSE);
    case 'n':
        return set_scalar(w, p, read_word(r, w, p, "null", 4), APS_JSON_NULL);
    case '-':
    case '0' ... '9':
        return set_scalar(w, p, read_number(r, p, w->end, w->digits_max), APS_JSON_NUMBER);
    default:
        return aps_jsonread_fault_set(r, p, APS_JSONREAD_SYNTAX);
    }
}

/* The next item or member: to its end, or to where it has begun to hold others. */
static inline const char *read_item(struct aps_jsonread *r, struct walk *w, const char *p)
{
    if (w->count++ == w->most)
        return aps_jsonread_fault_set(r, p,
                                      w->close == '}' ? APS_JSONREAD_MEMBERS : APS_JSONREAD_ITEMS);
    if (w->close == '}' && (p = read_name(r, w, p)) == NULL)
        return NULL;
    return read_value(r, w, p);
}

/* What stands behind a value, with all that it ends: returns where the next item begins, or where
 * everything is over, at depth 0. */
static inline const char *read_ends(struct aps_jsonread *r, struct walk *w, const char *p)
{
    while (*p != ',') {
        if (*p != w->close)
            return aps_jsonread_fault_set(r, p, APS_JSONREAD_SYNTAX);
        if ((p = close_level(r, w, p)) == NULL || w->depth == 0)
            return p;
        p = skip_space(p, w->end);
    }
    return skip_space(p + 1, w->end);
}

/* The longest number without an exponent that is within all bounds: none of fifteen bytes is beyond
 * 2^53-1. */
#define SURE_NUMBER 15

/* One value from its first byte to its last; returns what follows it.  Outside of all, it is the
 * one item. */
static const char *read_all(struct aps_jsonread *r, const char *p)
{
    struct walk w = {
        .start = r->text.p,
        .end = r->end,
        .node = r->nodes,
        .node_end = r->nodes + r->room,
        .most = 1,
        .string_max = r->options->string_max,
        .digits_max = least(r->options->digits_max, SURE_NUMBER),
        .key = bytes16_load((const char *)r->key),
    };
    uint32_t depth;

    do {
        depth = w.depth;
        if ((p = read_item(r, &w, p)) == NULL || w.depth == 0)
            break;
        p = skip_space(p, w.end);
        if (w.depth == depth || *p == w.close)
            p = read_ends(r, &w, p);
    } while (p != NULL && w.depth > 0);
    r->count = (uint32_t)(w.node - r->nodes);
    return p;
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
