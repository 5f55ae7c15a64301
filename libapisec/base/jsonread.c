/* jsonread.c - one pass over the text that checks it and writes its nodes.
 *
 * No step asks whether the text goes on.  It is cut behind its last byte that is no white space,
 * and that byte is a bracket, or else a NUL is put behind it, in a copy: no token and no white
 * space reaches past either.  Only strings are measured, and what follows a closing bracket. While
 * an array or object is open, its node keeps what is needed to go on with the one around it: `more`
 * is how far back that one lies, `n` how many members or items it has so far.  So there is no
 * stack, and no depth that could exhaust one. */
#include "apisec/jsonread.h"

#include <stdio.h>

#include "apisec/jsonnum.h"
#include "apisec/num.h"
#include "bytes16.h"

/* ---- options, faults */

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

enum cap {
    CAP_0,
    CAP_bytes_max,
    CAP_depth_max,
    CAP_nodes_max,
    CAP_string_max,
    CAP_members_max,
    CAP_items_max,
    CAP_digits_max,
};

static const struct row {
    const char *token;
    enum cap cap;
    const char *text;
} rows[APS_JSONREAD_COUNT] = {
#define F(name, token, cap, text) [APS_JSONREAD_##name] = {token, CAP_##cap, text},
#include "apisec/jsonread.def"
#undef F
};

static uint32_t cap_of(const struct aps_jsonread_options *o, enum cap cap)
{
    const uint32_t caps[] = {
        [CAP_bytes_max] = o->bytes_max,     [CAP_depth_max] = o->depth_max,
        [CAP_nodes_max] = o->nodes_max,     [CAP_string_max] = o->string_max,
        [CAP_members_max] = o->members_max, [CAP_items_max] = o->items_max,
        [CAP_digits_max] = o->digits_max,
    };

    return caps[cap];
}

const char *aps_jsonread_name(enum aps_jsonread_fault fault)
{
    return (unsigned)fault < APS_JSONREAD_COUNT ? rows[fault].token : "unknown";
}

#define SHOWN 12 /* bytes of the text in a sentence about it: where, not what */

void aps_jsonread_explain(const struct aps_jsonread *r, struct aps_diag *diag)
{
    const struct row *row = &rows[r->fault];
    const struct aps_str rest = {r->text.p + r->fault_at, r->text.n - r->fault_at};
    const int shown = rest.n < SHOWN ? (int)rest.n : SHOWN;
    char most[16] = "";

    if (row->cap != CAP_0)
        (void)snprintf(most, sizeof most, " %u", cap_of(r->options, row->cap)); /* it fits */
    if (shown == 0)
        aps_err_explain(diag, "JSON, byte %u, the end: %s%s", r->fault_at, row->text, most);
    else
        aps_err_explain(diag, "JSON, byte %u, \"%.*s\": %s%s", r->fault_at, shown, rest.p,
                        row->text, most);
}

/* What every part returns that finds a fault: where the text is over, that is the fault. */
static const char *fail(struct aps_jsonread *r, const char *p, enum aps_jsonread_fault fault)
    __attribute__((cold, noinline));
static const char *fail(struct aps_jsonread *r, const char *p, enum aps_jsonread_fault fault)
{
    r->fault = p == r->end && fault == APS_JSONREAD_SYNTAX ? APS_JSONREAD_END : fault;
    r->fault_at = (uint32_t)(p - r->text.p);
    return NULL;
}

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

/* Where a string has a byte that does not stand for itself: quote, backslash, control or beyond
 * ASCII.  As a signed number the last two are less than a space. */
static inline uint32_t find_special(bytes16 x)
{
    typedef int8_t signed16 __attribute__((vector_size(16)));

    return bytes16_mask((bytes16)((x == '"') | (x == '\\') | ((signed16)x < ' ')));
}

/* The first such byte, or the end. */
static const char *skip_plain(const char *p, const char *end)
{
    for (; end - p >= 16; p += 16) {
        const uint32_t found = find_special(bytes16_load(p));

        if (found != 0)
            return p + bytes16_first(found);
    }
    while (p < end && (signed char)*p >= ' ' && *p != '"' && *p != '\\')
        p++;
    return p;
}

/* The first byte that is no digit.  A byte of `x` is at most 9 for a digit; a carry
 * reaches only bytes behind one that is no digit. */
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

/* Behind the characters beyond ASCII at p; NULL after a fault.  Those of two and three bytes, which
 * most scripts are written in, by a look at four bytes at once: the marks of their bytes, then that
 * the form is not overlong and no half of a surrogate pair. */
static const char *skip_utf8(struct aps_jsonread *r, const char *p, const char *end)
{
    while (p < end && (signed char)*p < 0) {
        const uint32_t x = end - p >= 4 ? bytes4_load(p) : 0;
        const uint32_t high = x & 0x200f;
        size_t n;

        if ((x & 0xc0e0) == 0x80c0 && (x & 0x1e) != 0)
            n = 2;
        else if ((x & 0xc0c0f0) == 0x8080e0 && high != 0 && high != 0x200d)
            n = 3;
        else if ((n = aps_str_utf8((struct aps_str){p, (size_t)(end - p)})) == 0)
            return fail(r, p, APS_JSONREAD_UTF8);
        p += n;
    }
    return p;
}

/* ---- strings */

/* The four digits at p; -1 if they are not. */
static int32_t read_hex4(const char *p, const char *end)
{
    int32_t code = 0;

    if (end - p < 4)
        return -1;
    for (unsigned i = 0; i < 4; i++) {
        const int digit = aps_num_hex(p[i]);

        if (digit < 0)
            return -1;
        code = code << 4 | digit;
    }
    return code;
}

static char *put_utf8(char *to, uint32_t code)
{
    if (code < 0x80) {
        *to++ = (char)code;
        return to;
    }
    if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
    } else {
        if (code < 0x10000) {
            *to++ = (char)(0xe0 | code >> 12);
        } else {
            *to++ = (char)(0xf0 | code >> 18);
            *to++ = (char)(0x80 | (code >> 12 & 0x3f));
        }
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
    }
    *to++ = (char)(0x80 | (code & 0x3f));
    return to;
}

/* Decode the \uXXXX, or two of them that are one character, at p. */
static const char *read_unicode(struct aps_jsonread *r, const char *p, const char *end, char **to)
{
    const char *start = p;
    int32_t code = read_hex4(p + 2, end), low;

    if (code < 0)
        return fail(r, p, APS_JSONREAD_ESCAPE);
    if (code == 0 && !r->options->nul)
        return fail(r, p, APS_JSONREAD_NUL);
    p += 6;
    if (code >= 0xd800 && code <= 0xdfff) {
        low = end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? read_hex4(p + 2, end) : -1;
        if (code >= 0xdc00 || low < 0xdc00 || low > 0xdfff)
            return fail(r, start, APS_JSONREAD_SURROGATE);
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        p += 6;
    }
    *to = put_utf8(*to, (uint32_t)code);
    return p;
}

/* Decode the escape at p. */
static const char *read_escape(struct aps_jsonread *r, const char *p, const char *end, char **to)
{
    static const char plain[256] = {
        ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
        ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
    };
    char c;

    if (end - p < 2)
        return fail(r, end, APS_JSONREAD_END);
    if (p[1] == 'u')
        return read_unicode(r, p, end, to);
    c = plain[(unsigned char)p[1]];
    if (c == '\0')
        return fail(r, p, APS_JSONREAD_ESCAPE);
    *(*to)++ = c;
    return p + 2;
}

/* Room for all strings that this text can have, decoded, since no escape is shorter than what it
 * stands for; and a byte before them, so that no string lies at 0. */
static bool make_decoded(struct aps_jsonread *r)
{
    if (r->decoded_n != 0)
        return true;
    if (r->decoded_cap < r->text.n) {
        char *fresh = apr_palloc(r->pool, r->text.n);

        if (fresh == NULL)
            return false;
        r->decoded = fresh;
        r->decoded_cap = r->text.n;
    }
    r->decoded_n = 1;
    return true;
}

/* A string that begins at `start` and has an escape at p, the first: to its closing quote. */
static const char *read_escaped(struct aps_jsonread *r, const char *start, const char *p,
                                struct aps_jsonread_node *node)
{
    const char *const end = r->end, *run = start;
    char *to;

    if (!make_decoded(r))
        return fail(r, p, APS_JSONREAD_NOMEM);
    to = r->decoded + r->decoded_n;
    for (;;) {
        memcpy(to, run, (size_t)(p - run));
        to += p - run;
        if (p == end)
            return fail(r, p, APS_JSONREAD_END);
        run = p;
        if (*p == '"')
            break;
        if (*p == '\\')
            run = p = read_escape(r, p, end, &to);
        else if ((signed char)*p < 0)
            p = skip_utf8(r, p, end);
        else
            return fail(r, p, APS_JSONREAD_CONTROL);
        if (p == NULL)
            return NULL;
        p = skip_plain(p, end);
    }
    node->more = r->decoded_n;
    node->n = (uint32_t)(to - r->decoded) - r->decoded_n;
    r->decoded_n += node->n;
    return p;
}

/* A string that begins at `start`, whose bytes up to p stand for themselves: the slower way to its
 * end. */
static const char *read_hard(struct aps_jsonread *r, const char *start, const char *p,
                             struct aps_jsonread_node *node) __attribute__((noinline));
static const char *read_hard(struct aps_jsonread *r, const char *start, const char *p,
                             struct aps_jsonread_node *node)
{
    p = skip_plain(p, r->end);
    while (p < r->end && (signed char)*p < 0) {
        if ((p = skip_utf8(r, p, r->end)) == NULL)
            return NULL;
        p = skip_plain(p, r->end);
    }
    if (p == r->end)
        return fail(r, p, APS_JSONREAD_END);
    node->n = (uint32_t)(p - start);
    if (*p == '\\' && (p = read_escaped(r, start, p, node)) == NULL)
        return NULL;
    if (*p != '"')
        return fail(r, p, APS_JSONREAD_CONTROL);
    if (p - start > r->options->string_max)
        return fail(r, start, APS_JSONREAD_STRING);
    return p + 1;
}

/* ---- names */

#define TAG_BITS 24
#define SHORT_NAME 15 /* bytes; the sixteenth holds the length */

/* A product of two numbers that nobody outside knows: names are found equal by chance alone. */
static inline uint64_t mix(bytes16 x, bytes16 key)
{
    const halves16 factors = (halves16)(x ^ key);
    const unsigned __int128 product = (unsigned __int128)factors[0] * factors[1];

    return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

/* The tag of a name of up to SHORT_NAME bytes, with zeros behind them. */
static inline uint32_t tag_short(bytes16 x, size_t n, bytes16 key)
{
    x[SHORT_NAME] = (uint8_t)n;
    return (uint32_t)(mix(x, key) >> (64 - TAG_BITS));
}

/* The tag of any name.  Up to twice sixteen bytes are taken in two steps, the first and the last
 * sixteen, which may overlap: the first result and the length become part of the key. */
static uint32_t tag_of(const struct aps_jsonread *r, struct aps_str name)
{
    const bytes16 key = bytes16_load((const char *)r->key);
    bytes16 x = {0};

    if (name.n <= SHORT_NAME) {
        memcpy(&x, name.p, name.n);
        return tag_short(x, name.n, key);
    }
    if (name.n <= 2 * sizeof x) {
        const uint64_t first = mix(bytes16_load(name.p), key);

        x = bytes16_load(name.p + name.n - sizeof x) ^ (bytes16)(halves16){first, name.n};
        return (uint32_t)(mix(x, key) >> (64 - TAG_BITS));
    }
    return (uint32_t)(aps_siphash_64(name, r->key) >> (64 - TAG_BITS));
}

static bool is_same_name(const struct aps_jsonread *r, const struct aps_jsonread_node *a,
                         const struct aps_jsonread_node *b)
{
    return aps_str_eq(aps_jsonread_str(r, a), aps_jsonread_str(r, b));
}

/* The exact answer where tags are equal: the later of two equal names, or NULL. */
static const struct aps_jsonread_node *find_same_name(const struct aps_jsonread *r,
                                                      const struct aps_jsonread_node *object,
                                                      const struct aps_jsonread_node *end)
{
    for (const struct aps_jsonread_node *b = object + 1; b < end; b = aps_jsonread_next(b + 1))
        for (const struct aps_jsonread_node *a = object + 1; a < b; a = aps_jsonread_next(a + 1))
            if (a->what == b->what && is_same_name(r, a, b))
                return b;
    return NULL;
}

#define FEW 32 /* members whose tags are compared each with each */

/* Whether two of an object's few members have the same tag: each with those d places on, four at a
 * time.  Behind the last stand numbers that equal no tag and, as far as one step looks, not each
 * other. */
static bool has_same_tag(const struct aps_jsonread_node *object, unsigned count)
{
    typedef uint32_t words4 __attribute__((vector_size(16)));
    uint32_t tags[FEW + 4];
    const struct aps_jsonread_node *m = object + 1;
    words4 found = {0}, a, b;

    for (unsigned i = 0; i < count; i++, m = aps_jsonread_next(m + 1))
        tags[i] = m->what;
    for (unsigned i = 0; i < 4; i++)
        tags[count + i] = i;
    for (unsigned d = 1; d < count; d++)
        for (unsigned i = 0; i + d < count; i += 4) {
            memcpy(&a, tags + i, sizeof a);
            memcpy(&b, tags + i + d, sizeof b);
            found |= (words4)(a == b);
        }
    return ((halves16)found)[0] != 0 || ((halves16)found)[1] != 0;
}

static bool make_slots(struct aps_jsonread *r, size_t count)
{
    if (r->slots_cap < count) {
        uint32_t *fresh = apr_palloc(r->pool, count * sizeof *fresh);

        if (fresh == NULL)
            return false;
        r->slots = fresh;
        r->slots_cap = count;
    }
    memset(r->slots, 0, count * sizeof *r->slots);
    return true;
}

/* The later of two equal names among many, or NULL, by a table at most half full.  A slot is the
 * number of a name's node; 0, which no name has, is empty. */
static const struct aps_jsonread_node *find_same_slot(const struct aps_jsonread *r,
                                                      const struct aps_jsonread_node *object,
                                                      const struct aps_jsonread_node *end,
                                                      size_t slots)
{
    for (const struct aps_jsonread_node *m = object + 1; m < end; m = aps_jsonread_next(m + 1)) {
        size_t i = (size_t)((uint64_t)(m->what >> 8) * slots >> TAG_BITS);

        for (; r->slots[i] != 0; i = (i + 1) & (slots - 1)) {
            const struct aps_jsonread_node *other = r->nodes + r->slots[i];

            if (other->what == m->what && is_same_name(r, other, m))
                return m;
        }
        r->slots[i] = (uint32_t)(m - r->nodes);
    }
    return NULL;
}

/* Whether each name of the object, whose last node lies before `end`, is there once (POS-04). */
static bool check_names(struct aps_jsonread *r, const struct aps_jsonread_node *object,
                        const struct aps_jsonread_node *end, uint32_t count)
{
    const struct aps_jsonread_node *twice;
    size_t slots = 4 * FEW;

    if (count <= FEW) {
        if (!has_same_tag(object, count))
            return true;
        twice = find_same_name(r, object, end);
    } else {
        while (slots < 2 * (size_t)count)
            slots *= 2;
        if (!make_slots(r, slots))
            return fail(r, r->text.p + object->at, APS_JSONREAD_NOMEM) != NULL;
        twice = find_same_slot(r, object, end, slots);
    }
    return twice == NULL || fail(r, r->text.p + twice->at, APS_JSONREAD_DUPLICATE) != NULL;
}

/* ---- numbers */

/* Significant digits of an exponent, as far as can be told from where they are. */
static size_t count_exponent(const char *p, const char *end)
{
    while (p < end && (*p < '1' || *p > '9'))
        p++;
    return (size_t)(end - p);
}

/* What no glance decides.  A number of less than 200 bytes with an exponent of two digits is below
 * 1e300. */
static bool check_number(struct aps_jsonread *r, struct aps_str text, const char *exponent)
    __attribute__((noinline));
static bool check_number(struct aps_jsonread *r, struct aps_str text, const char *exponent)
{
    const struct aps_jsonread_options *o = r->options;
    const size_t digits = exponent != NULL ? count_exponent(exponent, text.p + text.n) : 0;
    enum aps_jsonread_fault fault = APS_JSONREAD_OK;

    if (text.n > o->digits_max)
        fault = APS_JSONREAD_DIGITS;
    else if (digits > APS_JSONNUM_EXPONENT_DIGITS)
        fault = APS_JSONREAD_OVERFLOW;
    else if (!o->overflow && (digits > 2 || text.n >= 200) && aps_jsonnum_overflows(text))
        fault = APS_JSONREAD_OVERFLOW;
    else if (!o->big_integers && aps_jsonnum_is_integer(text) && !aps_jsonnum_is_safe(text))
        fault = APS_JSONREAD_INTEGER;
    return fault == APS_JSONREAD_OK || fail(r, text.p, fault) != NULL;
}

/* The number at p; it is one of r->text or of a copy that ends in NUL. */
static inline const char *read_number(struct aps_jsonread *r, const char *p, const char *end,
                                      uint32_t digits_max)
{
    const char *const start = p, *exponent = NULL, *digits;

    if (*p == '-')
        p++;
    digits = p;
    p = skip_digits(p, end);
    if (p == digits || (*digits == '0' && p - digits > 1))
        return fail(r, start, APS_JSONREAD_NUMBER);
    if (*p == '.') {
        digits = p + 1;
        p = skip_digits(digits, end);
        if (p == digits)
            return fail(r, start, APS_JSONREAD_NUMBER);
    }
    if ((*p | 0x20) == 'e') {
        exponent = digits = p + 1;
        if (*digits == '+' || *digits == '-')
            digits++;
        p = skip_digits(digits, end);
        if (p == digits)
            return fail(r, start, APS_JSONREAD_NUMBER);
    }
    if ((p - start > digits_max || exponent != NULL) &&
        !check_number(r, (struct aps_str){start, (size_t)(p - start)}, exponent))
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
    return r->room == r->options->nodes_max ? fail(r, p, APS_JSONREAD_NODES)
                                            : fail(r, r->end, APS_JSONREAD_END);
}

static inline const char *open_level(struct aps_jsonread *r, struct walk *w, const char *p)
{
    struct aps_jsonread_node *const node = w->node++;
    const bool object = *p == '{';

    if (w->depth == r->options->depth_max)
        return fail(r, p, APS_JSONREAD_DEPTH);
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
        !check_names(r, node, w->node, w->count))
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
            return fail(r, p, APS_JSONREAD_END);
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
        return read_hard(r, start, p, node);
    node->n = (uint32_t)(p - start);
    return p + 1;
}

/* The tag of the name in `node`.  Short ones are cut out of the text by a mask. */
static inline uint32_t tag_of_node(const struct aps_jsonread *r, const struct walk *w,
                                   const struct aps_jsonread_node *node)
{
    static const uint8_t mask[32] = {[0 ... 15] = 0xff};
    const char *const p = w->start + node->at;

    if (node->n > SHORT_NAME || node->more != 0 || w->end - p < 16)
        return tag_of(r, aps_jsonread_str(r, node));
    return tag_short(bytes16_load(p) & bytes16_load((const char *)mask + 16 - node->n), node->n,
                     w->key);
}

/* A name and its colon; returns where its value begins. */
static inline const char *read_name(struct aps_jsonread *r, struct walk *w, const char *p)
{
    struct aps_jsonread_node *const node = w->node;

    if (*p != '"')
        return fail(r, p, APS_JSONREAD_SYNTAX);
    if (node == w->node_end)
        return fail_nodes(r, p);
    if ((p = read_string(r, w, p, node)) == NULL)
        return NULL;
    node->what = APS_JSON_NAME | tag_of_node(r, w, node) << 8;
    w->node = node + 1;
    p = skip_space(p, w->end);
    if (*p != ':')
        return fail(r, p, APS_JSONREAD_SYNTAX);
    return skip_space(p + 1, w->end);
}

/* One of the three words at p. */
static inline const char *read_word(struct aps_jsonread *r, const struct walk *w, const char *p,
                                    const char *word, size_t n)
{
    if ((size_t)(w->end - p) >= n && memcmp(p, word, n) == 0)
        return p + n;
    return fail(r, p, APS_JSONREAD_SYNTAX);
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
        return fail(r, p, APS_JSONREAD_SYNTAX);
    }
}

/* The next item or member of the array or object, up to where it ends or has begun to hold others.
 */
static inline const char *read_item(struct aps_jsonread *r, struct walk *w, const char *p)
{
    if (w->count++ == w->most)
        return fail(r, p, w->close == '}' ? APS_JSONREAD_MEMBERS : APS_JSONREAD_ITEMS);
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
            return fail(r, p, APS_JSONREAD_SYNTAX);
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
    const size_t room = most < r->options->nodes_max ? most : r->options->nodes_max;

    if (r->nodes_cap < room) {
        struct aps_jsonread_node *fresh = apr_palloc(r->pool, room * sizeof *fresh);

        if (fresh == NULL)
            return false;
        r->nodes = fresh;
        r->nodes_cap = room;
    }
    r->room = (uint32_t)room;
    return true;
}

/* Set the end, so that nothing reads past it. */
static bool make_end(struct aps_jsonread *r)
{
    size_t n = r->text.n;

    while (n > 0 && is_space(r->text.p[n - 1]))
        n--;
    if (n == 0 || (r->text.p[n - 1] != '}' && r->text.p[n - 1] != ']')) {
        if (r->copy_cap <= n) {
            char *fresh = apr_palloc(r->pool, n + 1);

            if (fresh == NULL)
                return false;
            r->copy = fresh;
            r->copy_cap = n + 1;
        }
        if (n > 0)
            memcpy(r->copy, r->text.p, n);
        r->copy[n] = '\0';
        r->text = (struct aps_str){r->copy, n};
    }
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
        (void)fail(r, skip_space(p, r->end), APS_JSONREAD_TRAILING); /* it is set */
}

void aps_jsonread_init(struct aps_jsonread *r, apr_pool_t *pool,
                       const unsigned char key[APS_SIPHASH_KEY_LEN])
{
    *r = (struct aps_jsonread){.pool = pool, .options = &aps_jsonread_strict};
    memcpy(r->key, key, sizeof r->key);
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
