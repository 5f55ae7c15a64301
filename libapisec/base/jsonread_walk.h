/* jsonread_walk.h - where the reader is in a text, and how it passes over what holds no others:
 * white space, strings, numbers, words and names.
 *
 * Only jsonread.c includes it, and all that sees the walk is inline there: a walk whose parts stay
 * in registers is most of what makes reading fast. */
#ifndef BASE_JSONREAD_WALK_H
#define BASE_JSONREAD_WALK_H

#include "jsonread_impl.h"

/* What is called for each value: were one of them a function of its own, the walk would have to lie
 * in memory. */
#define ALWAYS __attribute__((always_inline))

/* ---- white space */

static inline bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The first byte that is no white space, where there is more than one of it. */
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

/* ---- the walk */

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
        (w->p = aps_jsonread_number(r, start, w->digits_max)) == NULL)
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

#endif
