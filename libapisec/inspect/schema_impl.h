/* schema_impl.h - how an image is laid out.
 *
 * Block: [ head | sections ].  A section is an array of records of one size, in the order of enum
 * schema_section; its first record is all zeros and means "none" wherever a number of a record
 * stands.  A list is a word with its count and then its entries, in the section of words; the list
 * 0 is empty.  Numbers are those of the machine: a block of another byte order has another magic.
 */
#ifndef INSPECT_SCHEMA_IMPL_H
#define INSPECT_SCHEMA_IMPL_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "apisec/jsonread.h"
#include "apisec/schema_image.h"
#include "apisec/urlrule.h"

#define SCHEMA_MAGIC 0x61736a31u /* "1jsa" */
#define SCHEMA_VERSION 3u

enum schema_keyword {
    SCHEMA_K_NONE,
#define K(name, token, vocabulary, holds, dialects) SCHEMA_K_##name,
#include "apisec/schema_keyword.def"
#undef K
    SCHEMA_K_COUNT
};

enum schema_format {
    SCHEMA_F_NONE,
#define F(name, token, text) SCHEMA_F_##name,
#include "apisec/schema_format.def"
#undef F
    SCHEMA_F_COUNT
};

/* Bits of the kinds of jsonread.h, and one for numbers without a fraction. */
enum {
    SCHEMA_T_NULL = 1 << APS_JSON_NULL,
    SCHEMA_T_BOOLEAN = 1 << APS_JSON_FALSE | 1 << APS_JSON_TRUE,
    SCHEMA_T_NUMBER = 1 << APS_JSON_NUMBER,
    SCHEMA_T_STRING = 1 << APS_JSON_STRING | 1 << APS_JSON_NAME,
    SCHEMA_T_ARRAY = 1 << APS_JSON_ARRAY,
    SCHEMA_T_OBJECT = 1 << APS_JSON_OBJECT,
    SCHEMA_T_INTEGER = 1 << 8,
    SCHEMA_T_ANY = 0x1ff,
};

/* What a schema has, so that what it has not costs one look. */
enum {
    SCHEMA_NEVER = 1,    /* it is false */
    SCHEMA_IN_PLACE = 2, /* $ref to else, and dependents */
    SCHEMA_VALUE = 4,    /* enum, const */
    SCHEMA_NUMBERS = 8,  /* of numbers */
    SCHEMA_STRINGS = 16, /* of strings */
    SCHEMA_ARRAYS = 32,  /* of arrays */
    SCHEMA_OBJECTS = 64, /* of objects */
    SCHEMA_UNSEEN = 128, /* unevaluatedItems or unevaluatedProperties */
    SCHEMA_READ_ONLY = 256,
    SCHEMA_WRITE_ONLY = 512,
    SCHEMA_UNIQUE = 1024,
    SCHEMA_SELECTED = 2048, /* one of oneOf or anyOf by the discriminator */
    SCHEMA_BASE64 = 4096,   /* contentEncoding */
    SCHEMA_JSON = 8192,     /* contentMediaType */
};

/* What says nothing about arrays and objects. */
#define SCHEMA_SCALARS                                                                             \
    (uint32_t)(SCHEMA_NUMBERS | SCHEMA_STRINGS | SCHEMA_READ_ONLY | SCHEMA_WRITE_ONLY |            \
               SCHEMA_BASE64 | SCHEMA_JSON)

#define SCHEMA_NO_MOST UINT32_MAX
/* Where less than all keywords have to be asked. */
enum {
    SCHEMA_Q_LENGTH = 1,   /* of a string, the length */
    SCHEMA_Q_RANGE = 2,    /* of a number, whether it lies between low and high */
    SCHEMA_Q_WHOLE = 4,    /* and is an integer */
    SCHEMA_Q_BYTES = 8,    /* of a string, a pattern of the kind SCHEMA_P_BYTES */
    SCHEMA_Q_MEMBERS = 16, /* of an object, names and what is required, of SCHEMA_Q_BITS names */
    SCHEMA_Q_ITEMS = 32,   /* of an array, how many items and one schema of each */
};
#define SCHEMA_Q_BITS 31 /* of 32: the last stands for the names that have none */

#define SCHEMA_NO_BIT UINT32_MAX

struct schema_text {
    uint32_t at, n; /* in the section of bytes */
};

struct schema_node {
    uint32_t types, flags;
    uint32_t plain;             /* bits of kinds that are accepted without another look */
    uint32_t quick;             /* SCHEMA_Q_* */
    int64_t low, high;          /* integers between them are within all bounds */
    struct schema_text pointer; /* where it stands: URI, #, JSON Pointer */
    uint32_t resource;          /* number of the URI that it belongs to */
    uint32_t ref, dynamic;      /* node; list: schema, then pairs of resource and schema */
    uint32_t all, any, one;     /* lists of nodes */
    uint32_t no, when, then, otherwise;
    uint32_t choice;                                   /* member */
    uint32_t values;                                   /* enum: table of values */
    uint32_t constant;                                 /* const: value */
    uint32_t minimum, maximum, above, below, multiple; /* numbers */
    uint32_t length_min, length_max, pattern, format;
    uint32_t items_min, items_max, prefix, items, contains, contains_min, contains_max;
    uint32_t unseen_items, unseen_members;
    uint32_t members_min, members_max, object;
    uint32_t urls, urls_n; /* x-apisec-url: rules of which one names the string */
};

/* The names that a schema knows: of properties, required and dependent*. */
struct schema_object {
    uint32_t table, mask; /* members from `table` on; their number less one, a power of two */
    uint32_t patterns;    /* list of pairs: pattern, node */
    uint32_t additional, names;
    uint32_t bits;                            /* names that have one */
    uint32_t required, read_only, write_only; /* words of bits; 0: none */
    uint32_t dependents; /* list of threes: bit, node or 0, words of bits or 0 */
    uint32_t seed;       /* of the table's hash; chosen so that few of its names meet */
    uint32_t spare;
};

struct schema_member {
    uint64_t first, last; /* schema_ends of the name */
    struct schema_text name;
    uint32_t used; /* 1 more than the name has bytes; 0: no member */
    uint32_t schema;
    uint32_t bit;
    uint32_t flags; /* SCHEMA_READ_ONLY, SCHEMA_WRITE_ONLY */
};

/* A bound; or a divisor, value * 10 ^ exponent. */
struct schema_number {
    struct schema_text text;
    int64_t value;
    int64_t exponent;
    uint64_t exact; /* the bound is `value` */
};

enum schema_pattern_kind {
    SCHEMA_P_REGEX,
    SCHEMA_P_ALL,
    SCHEMA_P_EQUAL,
    SCHEMA_P_START,
    SCHEMA_P_END,
    SCHEMA_P_HAS,
    SCHEMA_P_SEQUENCE, /* of parts, up to the end */
    SCHEMA_P_SEQUENCE_START,
    SCHEMA_P_BYTES, /* each from one to another, up to SCHEMA_ENDS */
    SCHEMA_P_KINDS
};

struct schema_pattern {
    struct schema_text source; /* as the schema has it */
    struct schema_text text;   /* for PCRE2, or what is to be found */
    uint32_t kind;
    uint32_t spare;
};

enum schema_section {
    SCHEMA_S_NODES,
    SCHEMA_S_OBJECTS,
    SCHEMA_S_MEMBERS,
    SCHEMA_S_NUMBERS,
    SCHEMA_S_PATTERNS,
    SCHEMA_S_URLS,   /* struct schema_text, each a rule of urlrule.h */
    SCHEMA_S_VALUES, /* struct aps_jsonread_node; texts in the section of bytes */
    SCHEMA_S_WORDS,
    SCHEMA_S_ENTRIES, /* nodes */
    SCHEMA_S_BYTES,
    SCHEMA_SECTIONS
};

extern const uint32_t schema_sizes[SCHEMA_SECTIONS];

struct schema_head {
    uint32_t magic, version;
    uint32_t size;                               /* of the block */
    uint32_t scope;                              /* whether a schema has $dynamicRef */
    uint64_t sum;                                /* of what follows */
    struct schema_text section[SCHEMA_SECTIONS]; /* offset; number of records */
};

_Static_assert(sizeof(struct schema_text) == 8, "a block is read by other builds");
_Static_assert(sizeof(struct schema_node) == 184, "a block is read by other builds");
_Static_assert(sizeof(struct schema_object) == 48, "a block is read by other builds");
_Static_assert(sizeof(struct schema_member) == 40, "a block is read by other builds");
_Static_assert(sizeof(struct schema_number) == 32, "a block is read by other builds");
_Static_assert(sizeof(struct schema_pattern) == 24, "a block is read by other builds");
_Static_assert(sizeof(struct schema_head) == 104, "a block is read by other builds");

struct aps_schema_image {
    const struct schema_head *head;
    const struct schema_node *nodes;
    const struct schema_object *objects;
    const struct schema_member *members;
    const struct schema_number *numbers;
    const struct schema_pattern *patterns;
    const struct aps_urlrule *urls; /* as the section has them, parsed */
    const struct aps_jsonread_node *values;
    const uint32_t *words;
    const uint32_t *entries;
    const char *bytes;
    pcre2_code **codes; /* of each pattern; NULL where there is nothing to compile */
};

/* The sum of a block behind its head's. */
uint64_t aps_schema_image_sum(const void *block, size_t n);

static inline struct aps_str schema_str(const struct aps_schema_image *im, struct schema_text t)
{
    return (struct aps_str){im->bytes + t.at, t.n};
}

/* ---- hashes of names and values */

/* Eight or four bytes, in the order of the machine: hashes are stored with its magic. */
static inline uint64_t schema_load8(const char *p)
{
    uint64_t x;

    memcpy(&x, p, sizeof x);
    return x;
}

static inline uint32_t schema_load4(const char *p)
{
    uint32_t x;

    memcpy(&x, p, sizeof x);
    return x;
}

static inline uint64_t schema_fold(uint64_t a, uint64_t b)
{
    const unsigned __int128 x = (unsigned __int128)a * b;

    return (uint64_t)x ^ (uint64_t)(x >> 64);
}

/* The first and the last bytes of a text: up to SCHEMA_ENDS bytes, all of it. */
#define SCHEMA_ENDS 16

struct schema_ends {
    uint64_t first, last;
};

static inline struct schema_ends schema_ends(struct aps_str s)
{
    if (s.n >= 8)
        return (struct schema_ends){schema_load8(s.p), schema_load8(s.p + s.n - 8)};
    if (s.n >= 4)
        return (struct schema_ends){schema_load4(s.p), schema_load4(s.p + s.n - 4)};
    if (s.n == 0)
        return (struct schema_ends){0, 0};
    return (struct schema_ends){(uint64_t)(unsigned char)s.p[0] |
                                    (uint64_t)(unsigned char)s.p[s.n / 2] << 8 |
                                    (uint64_t)(unsigned char)s.p[s.n - 1] << 16,
                                0};
}

static inline uint64_t schema_hash(struct aps_str s, uint64_t seed)
{
    const struct schema_ends e = schema_ends(s);
    uint64_t a = e.first;

    for (size_t i = 8; i + 8 < s.n; i += 8)
        a = schema_fold(a ^ schema_load8(s.p + i), 0x9e3779b97f4a7c15u);
    return schema_fold(a ^ s.n ^ 0xa0761d6478bd642fu, e.last ^ seed ^ 0xe7037ed1a0b428dbu);
}

/* Where a search for a name begins in a table of `mask + 1` places.  The names of a schema are set
 * apart by its seed; names that a body has never lie in the table, so nobody who sends them can
 * choose how many meet. */
static inline uint32_t schema_place(struct schema_ends e, size_t n, uint32_t seed, uint32_t mask)
{
    const uint64_t x =
        (e.first ^ (e.last << 17 | e.last >> 47) ^ n) * (2 * (uint64_t)seed + 0x9e3779b97f4a7c15u);

    return (uint32_t)(x >> 32) & mask;
}

/* The member of this name in a table, or NULL. */
static inline const struct schema_member *schema_member_of(const struct aps_schema_image *im,
                                                           const struct schema_object *o,
                                                           struct aps_str name)
{
    const struct schema_ends e = schema_ends(name);
    const struct schema_member *const table = im->members + o->table, *m;

    for (uint32_t at = schema_place(e, name.n, o->seed, o->mask);; at = (at + 1) & o->mask) {
        m = table + at;
        if (m->first == e.first && m->last == e.last && m->used == name.n + 1 &&
            (name.n <= SCHEMA_ENDS || aps_str_eq(schema_str(im, m->name), name)))
            return m;
        if (m->used == 0)
            return NULL;
    }
}

/* ---- what schemas lead to (schema_reach.c) */

/* Whether the schema, or one that it leads to, has x-apisec-url; what it takes is
 * the pool's. */
bool aps_schema_reach_url(const struct aps_schema_image *image, uint32_t node, apr_pool_t *pool);
/* How many of the image have it. */
uint32_t aps_schema_reach_urls(const struct aps_schema_image *image);

/* ---- values (schema_value.c) */

/* Where nodes' texts are. */
struct schema_view {
    const char *text, *decoded;
};

static inline struct aps_str schema_view_str(const struct schema_view *view,
                                             const struct aps_jsonread_node *v)
{
    return (struct aps_str){v->more != 0 ? view->decoded + v->more : view->text + v->at, v->n};
}

/* Equal values have equal hashes: numbers by value, objects without order.  *io_steps, unless it
 * is 0, goes down for each node; at 0 the result means nothing. */
uint64_t aps_schema_value_hash(const struct schema_view *view, const struct aps_jsonread_node *v,
                               uint64_t seed, uint32_t *io_steps);
bool aps_schema_value_equal(const struct schema_view *a_view, const struct aps_jsonread_node *a,
                            const struct schema_view *b_view, const struct aps_jsonread_node *b,
                            uint32_t *io_steps);

/* ---- numbers (schema_number.c) */

/* A number looked at once. */
struct schema_decimal {
    struct aps_str text;
    int64_t whole; /* without its fraction, where `easy` */
    bool easy;     /* at most 18 digits before the point, no exponent */
    bool fraction; /* it has one that is not zero, where `easy` */
    bool negative;
};

struct schema_decimal aps_schema_number_read(struct aps_str text);
bool aps_schema_number_is_integer(const struct schema_decimal *d);
/* As d is to the bound. */
int aps_schema_number_compare(const struct schema_decimal *d, const struct schema_number *bound,
                              const char *bytes);
bool aps_schema_number_is_multiple(struct aps_str text, const struct schema_number *divisor);
/* Fill in `out` but for its text; false if the divisor has more than 18 digits or is not above
 * zero. */
bool aps_schema_number_divisor(struct aps_str text, struct schema_number *out);
/* Of those that ask it of numbers: int32, uint64, decimal128; true for float and double. */
bool aps_schema_number_is_format(enum schema_format format, struct aps_str text);
/* The exponent and the digits of `text`, without zeros at their end; hash of them. */
uint64_t aps_schema_number_hash(struct aps_str text, uint64_t seed);

/* ---- formats (schema_format*.c) */

bool aps_schema_format(enum schema_format format, struct aps_str text);
bool aps_schema_format_oas(enum schema_format format, struct aps_str text);
bool aps_schema_format_uri(struct aps_str text, bool relative, bool iri);
bool aps_schema_format_host(struct aps_str text);
bool aps_schema_format_idn(struct aps_str text);
/* xn-- and what follows it, the one A-label of some U-label */
bool aps_schema_format_idn_label(struct aps_str label);
bool aps_schema_format_mail(struct aps_str text, bool idn);
bool aps_schema_format_base64(struct aps_str text);
bool aps_schema_format_time_date(struct aps_str text);
bool aps_schema_format_time(struct aps_str text);
bool aps_schema_format_time_full(struct aps_str text);
bool aps_schema_format_time_span(struct aps_str text);

/* ---- regular expressions (schema_regex.c, schema_pattern.c) */

/* ECMA-262 -> PCRE2.  Returns what is wrong, a literal, or NULL; *out_kind tells where no regular
 * expression is needed, and *out is then what to look for.  *out lives in `pool`. */
const char *aps_schema_regex(struct aps_str source, apr_pool_t *pool, struct aps_str *out,
                             enum schema_pattern_kind *out_kind);

/* A regular expression that is a sequence of parts, or of a few bytes (schema_sequence.c); false:
 * it is neither. */
#define SCHEMA_SEQUENCE_PART 24 /* bytes of one */
bool aps_schema_sequence(struct aps_str source, apr_pool_t *pool, struct aps_str *out,
                         enum schema_pattern_kind *out_kind);
bool aps_schema_sequence_match(struct aps_str parts, struct aps_str text, bool end);

/* What a pattern of the kind SCHEMA_P_BYTES is: how long the text has to be, and for its first and
 * its last bytes (schema_ends) what makes the highest bit of each tell that it is high enough, and
 * what makes it tell that it is too high. */
enum { SCHEMA_B_LENGTH, SCHEMA_B_FIRST, SCHEMA_B_LAST = SCHEMA_B_FIRST + 2, SCHEMA_BYTES = 5 };

/* None of the sums carries into the next byte, since one beyond ASCII, which would, has the answer
 * in its own highest bit. */
static inline bool schema_is_between(uint64_t x, const char *range)
{
    const uint64_t tops = 0x8080808080808080u;

    return ((x + schema_load8(range)) & ~(x + schema_load8(range + 8)) & ~x & tops) == tops;
}

static inline bool schema_bytes_match(struct aps_str what, struct aps_str text)
{
    struct schema_ends e;

    if (what.n != SCHEMA_BYTES * sizeof(uint64_t) || text.n != schema_load8(what.p))
        return false;
    e = schema_ends(text);
    return schema_is_between(e.first, what.p + SCHEMA_B_FIRST * sizeof(uint64_t)) &&
           schema_is_between(e.last, what.p + SCHEMA_B_LAST * sizeof(uint64_t));
}

/* For PCRE2; NULL and a sentence in *out_why (room for 128) if it refuses. */
pcre2_code *aps_schema_pattern_compile(struct aps_str text, bool fast, char out_why[128]);

#endif
