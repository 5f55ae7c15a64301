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

/* What is called for each value: were one of them a function of its own, the walk would have to lie
 * in memory. */
#define ALWAYS __attribute__((always_inline))

/* ---- passing over bytes */

static inline bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The same where there is more than one byte of it. */
__attribute__((noinline)) static const char *skip_spaces(const char *p, const char *end)
{
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

/* The first byte that is no white space: mostly there is none, or one space. */
ALWAYS static inline const char *skip_space(const char *p, const char *end)
{
    if ((unsigned char)*p > ' ')
        return p;
    if (*p == ' ' && (unsigned char)p[1] > ' ')
        return p + 1;
    return skip_spaces(p, end);
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

/* The number at p, one byte after the other; digits_max is the length up to which it needs no
 * closer look. */
__attribute__((noinline)) static const char *read_any_number(struct aps_jsonread *r, const char *p,
                                                             const char *end, uint32_t digits_max)
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
    const char *p;
    const char *start, *end;                   /* of the text */
    const char *sure_end;                      /* before it, sixteen bytes can be read */
    struct aps_jsonread_node *node, *node_end; /* the next one and the end of their room */
    struct aps_jsonread_node *open;            /* the array or object that p is in */
    uint32_t depth;
    uint32_t count; /* its items or members so far */
    bool object;
    bool twice;    /* one of its names may stand there twice */
    uint64_t seen; /* bits of the tags of its names */
    uint32_t members_max, items_max, string_max;
    uint32_t digits_max; /* of a number that needs no closer look */
    struct name_key key;
};

static inline uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static inline bool fail(struct aps_jsonread *r, const char *p, enum aps_jsonread_fault fault)
{
    (void)aps_jsonread_fault_set(r, p, fault); /* NULL, for those who return a place */
    return false;
}

/* There is no room for one more node.  A text has at most one for each second byte (a value and
 * what separates it from the next), so where the room is less than nodes_max, more values have
 * begun than can end. */
static inline bool fail_nodes(struct aps_jsonread *r, const char *p)
{
    return r->room == r->options->nodes_max ? fail(r, p, APS_JSONREAD_NODES)
                                            : fail(r, r->end, APS_JSONREAD_END);
}

/* The node of what begins at p; what it has to be besides is filled in by the caller. */
ALWAYS static inline struct aps_jsonread_node *add_node(struct walk *w, const char *p,
                                                        enum aps_jsonread_kind kind)
{
    struct aps_jsonread_node *const node = w->node++;

    node->at = (uint32_t)(p - w->start);
    node->more = 0;
    node->what = kind;
    return node;
}

/* ---- what holds no others */

/* The string at p, a quote. */
ALWAYS static inline bool read_string(struct aps_jsonread *r, struct walk *w)
{
    const char *const start = w->p + 1, *p = start;
    struct aps_jsonread_node *const node = add_node(w, start, APS_JSON_STRING);

    for (; p < w->sure_end; p += 16) {
        const uint32_t found = find_special(bytes16_load(p));

        if (found == 0)
            continue;
        p += bytes16_first(found);
        if (*p != '"' || p - start > w->string_max)
            break;
        node->n = (uint32_t)(p - start);
        w->p = p + 1;
        return true;
    }
    return (w->p = aps_jsonread_string(r, start, p, node)) != NULL;
}

/* Where sixteen bytes have one that is no digit: as signed numbers, with 70 more, '9' is the
 * largest there is. */
static inline uint32_t find_no_digit(bytes16 x)
{
    return bytes16_mask((bytes16)((signed16)(x + 70) > '0' - 1 + 70)) ^ 0xffff;
}

/* How long the number at p is if it is short, and has a fraction perhaps, but no exponent; else
 * 0. */
ALWAYS static inline unsigned short_number(const struct walk *w, const char *p)
{
    uint32_t found;
    unsigned n;

    if (p >= w->sure_end || (found = find_no_digit(bytes16_load(p))) == 0)
        return 0;
    n = bytes16_first(found);
    if (n > 1 && *p == '0')
        return 0;
    if (p[n] == '.') {
        const unsigned digits = n + 1;

        found &= found - 1;
        if (n == 0 || found == 0 || (n = bytes16_first(found)) == digits)
            return 0;
    }
    return (p[n] | 0x20) == 'e' ? 0 : n;
}

/* The number at p. */
ALWAYS static inline bool read_number(struct aps_jsonread *r, struct walk *w)
{
    const char *const start = w->p, *const digits = start + (*start == '-');
    const unsigned n = short_number(w, digits);
    struct aps_jsonread_node *const node = add_node(w, start, APS_JSON_NUMBER);

    w->p = digits + n;
    if ((n == 0 || w->p - start > w->digits_max) &&
        (w->p = read_any_number(r, start, w->end, w->digits_max)) == NULL)
        return false;
    node->n = (uint32_t)(w->p - start);
    return true;
}

/* One of the three words at p. */
static inline bool read_word(struct aps_jsonread *r, struct walk *w, const char *word, uint32_t n,
                             enum aps_jsonread_kind kind)
{
    if (w->end - w->p < n || memcmp(w->p, word, n) != 0)
        return fail(r, w->p, APS_JSONREAD_SYNTAX);
    add_node(w, w->p, kind)->n = n;
    w->p += n;
    return true;
}

/* A value that holds no others. */
ALWAYS static inline bool read_scalar(struct aps_jsonread *r, struct walk *w)
{
    if (w->node == w->node_end)
        return fail_nodes(r, w->p);
    if (*w->p == '"')
        return read_string(r, w);
    if ((*w->p >= '0' && *w->p <= '9') || *w->p == '-')
        return read_number(r, w);
    if (*w->p == 't')
        return read_word(r, w, "true", 4, APS_JSON_TRUE);
    if (*w->p == 'f')
        return read_word(r, w, "false", 5, APS_JSON_FALSE);
    return read_word(r, w, "null", 4, APS_JSON_NULL);
}

/* ---- names */

/* Whether the string that begins at `start` is short and plain; *out_n is its length. */
ALWAYS static inline bool is_short_string(const struct walk *w, const char *start, unsigned *out_n)
{
    uint32_t found;

    if (start >= w->sure_end || (found = find_special(bytes16_load(start))) == 0)
        return false;
    *out_n = bytes16_first(found);
    return start[*out_n] == '"' && *out_n <= w->string_max;
}

/* The name at p, a quote: mostly a few plain bytes.  Its node gets its tag. */
ALWAYS static inline bool read_name_text(struct aps_jsonread *r, struct walk *w)
{
    const char *const start = w->p + 1;
    struct aps_jsonread_node *const node = add_node(w, start, APS_JSON_NAME);
    uint32_t tag;

    if (is_short_string(w, start, &node->n)) {
        tag = tag_short(start, node->n, w->key);
        w->p = start + node->n + 1;
    } else {
        if ((w->p = aps_jsonread_string(r, start, start, node)) == NULL)
            return false;
        tag = aps_jsonread_name_tag(r, aps_jsonread_str(r, node));
    }
    node->what = APS_JSON_NAME | tag << 8;
    return true;
}

/* A bit for each name: where another has it, tags are compared, and where those of two are equal
 * or names are many, the object is looked through once it is over. */
static inline void note_name(struct walk *w, const struct aps_jsonread_node *name)
{
    const uint64_t bit = (uint64_t)1 << (name->what >> 8) % 64;

    if ((w->seen & bit) != 0 && !w->twice)
        w->twice = w->count > APS_JSONREAD_FEW || aps_jsonread_name_has_tag(w->open, name);
    w->seen |= bit;
}

/* The next name and its colon, up to where its value begins. */
ALWAYS static inline bool read_name(struct aps_jsonread *r, struct walk *w)
{
    if (*w->p != '"')
        return fail(r, w->p, APS_JSONREAD_SYNTAX);
    if (w->node == w->node_end)
        return fail_nodes(r, w->p);
    if (!read_name_text(r, w))
        return false;
    note_name(w, w->node - 1);
    w->p = skip_space(w->p, w->end);
    if (*w->p != ':')
        return fail(r, w->p, APS_JSONREAD_SYNTAX);
    w->p = skip_space(w->p + 1, w->end);
    return true;
}

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
