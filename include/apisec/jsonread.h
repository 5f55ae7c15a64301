/* jsonread.h - the one JSON reader: strict, in one pass, without recursion.
 *
 * aps_jsonread judges a whole text and writes down its values as an array of nodes, in the order of
 * the text: a value is one node; an array is followed by its items, an object by its members, each
 * a name and then its value.  Every array and object knows where it ends, so passing over one costs
 * nothing.  The text is borrowed and has to stay as long as the nodes are read: a string is a piece
 * of it, or of the reader's memory where it had an escape; a number is its exact text, which
 * jsonnum.h compares without rounding.
 * Refused: what RFC 8259 has not, and what it leaves to the reader (docs/json.md has the table).
 * Memory: in the pool, and kept for the next text; a longer one than any before takes it anew, at
 * least twice as much.  A text of n bytes needs 16 bytes for each node that n and nodes_max allow
 * (at most n / 2 + 2), n bytes if a string has an escape, n bytes if it does not end in a bracket,
 * and 16 bytes for each member of its largest object if there are more than 32.
 * Time: proportional to n, whatever the text is; names are told apart by a hash under the caller's
 * random key.
 * Threads and processes: one reader belongs to one caller. */
#ifndef APISEC_JSONREAD_H
#define APISEC_JSONREAD_H

#include <apr_pools.h>

#include "apisec/err.h"
#include "apisec/siphash.h"
#include "apisec/str.h"

enum aps_jsonread_fault {
#define F(name, token, text) APS_JSONREAD_##name,
#include "apisec/jsonread.def"
#undef F
    APS_JSONREAD_COUNT
};

/* What a text may be.  Zeroed options refuse every text. */
struct aps_jsonread_options {
    uint32_t bytes_max;
    uint32_t depth_max;   /* of arrays and objects within each other; a value alone has depth 0 */
    uint32_t nodes_max;   /* values and names together */
    uint32_t string_max;  /* bytes of a string or name between its quotes, as written */
    uint32_t members_max; /* of one object; never more than APS_JSONREAD_HELD_MAX */
    uint32_t items_max;   /* of one array; never more than APS_JSONREAD_HELD_MAX */
    uint32_t digits_max;  /* bytes of a number, its sign, point and exponent included */
    bool duplicates;      /* a name may stand twice in an object */
    bool nul;             /* \u0000 */
    bool overflow;        /* numbers that round to infinity as a double */
    bool big_integers;    /* integers beyond 2^53-1, as exact text */
};

#define APS_JSONREAD_HELD_MAX 0xffffffu

/* For what comes from outside: nothing is allowed but big integers, which the API of many a server
 * uses as ids.  1 MiB, depth 32, 100,000 nodes, 1,000 members, 10,000 items, strings of 256 KiB,
 * numbers of 1,000 bytes: no double has more than 767 significant digits. */
extern const struct aps_jsonread_options aps_jsonread_strict;

/* For our own files: plain RFC 8259, everything allowed, caps as far as the nodes' fields go. */
extern const struct aps_jsonread_options aps_jsonread_plain;

enum aps_jsonread_kind {
    APS_JSON_NULL,
    APS_JSON_FALSE,
    APS_JSON_TRUE,
    APS_JSON_NUMBER,
    APS_JSON_STRING,
    APS_JSON_NAME,
    APS_JSON_ARRAY,
    APS_JSON_OBJECT,
};

/* Use the calls below; the fields are for them. */
struct aps_jsonread_node {
    uint32_t at;   /* where it begins in the text; a string or name: behind its quote */
    uint32_t n;    /* its length in bytes; a string or name: without quotes, decoded */
    uint32_t more; /* array, object: its nodes, with itself; string, name: where decoded, or 0 */
    uint32_t what; /* kind; from bit 8 on the number of items or members, or a name's tag */
};

struct aps_jsonread {
    apr_pool_t *pool;
    const struct aps_jsonread_options *options;
    struct aps_str text; /* the caller's, or `copy` */
    const char *end;     /* behind its last byte that is no white space */
    char *copy;          /* of a text that has to be ended by a NUL */
    size_t copy_cap;     /* bytes of it */
    struct aps_jsonread_node *nodes;
    size_t nodes_cap;   /* entries of it */
    uint32_t room;      /* how many of them this text may use */
    uint32_t count;     /* nodes of this text */
    uint32_t decoded_n; /* bytes of `decoded` in use; 0 is never the place of a string */
    char *decoded;      /* strings that had an escape */
    size_t decoded_cap; /* bytes of it */
    uint32_t *slots;    /* where a large object looks for duplicates */
    size_t slots_cap;   /* entries of it */
    enum aps_jsonread_fault fault;
    uint32_t fault_at; /* the byte of the text where it was found */
    unsigned char key[APS_SIPHASH_KEY_LEN];
};

/* Allocates nothing yet.  `key` is random wherever texts come from outside, or have objects with
 * thousands of members: who knows it can choose names that make large objects slow, and under a key
 * of zeros many do so by themselves. */
void aps_jsonread_init(struct aps_jsonread *r, apr_pool_t *pool,
                       const unsigned char key[APS_SIPHASH_KEY_LEN]);

/* Judge `text` and, if the answer is APS_JSONREAD_OK, hold its nodes until the next call.  Keeps
 * text and options.  Else there are no nodes, and r->fault_at is where the first fault is; a
 * duplicate name is found at the end of its object. */
APS_MUST_CHECK enum aps_jsonread_fault aps_jsonread(struct aps_jsonread *r, struct aps_str text,
                                                    const struct aps_jsonread_options *options);

/* "duplicate"; "unknown" for a value outside of the table. */
const char *aps_jsonread_fault_name(enum aps_jsonread_fault fault);

/* A sentence about the last fault: which byte, what is wrong, what is accepted, and a few bytes of
 * the text there.  `diag` may be NULL. */
void aps_jsonread_fault_explain(const struct aps_jsonread *r, struct aps_diag *diag);

/* The outermost value; NULL after a fault. */
static inline const struct aps_jsonread_node *aps_jsonread_root(const struct aps_jsonread *r)
{
    return r->count != 0 ? r->nodes : NULL;
}

static inline enum aps_jsonread_kind aps_jsonread_kind(const struct aps_jsonread_node *v)
{
    return (enum aps_jsonread_kind)(v->what & 0xff);
}

/* Number of items of an array or members of an object. */
static inline uint32_t aps_jsonread_count(const struct aps_jsonread_node *v)
{
    return v->what >> 8;
}

/* What follows a value; behind the last item or member stands aps_jsonread_end of their holder.
 * Of a name, its value follows, which is also `name + 1`. */
static inline const struct aps_jsonread_node *aps_jsonread_next(const struct aps_jsonread_node *v)
{
    return v + (aps_jsonread_kind(v) >= APS_JSON_ARRAY ? v->more : 1);
}

/* The items of an array or the members of an object are walked so:
 *     for (v = aps_jsonread_first(a); v < aps_jsonread_end(a); v = aps_jsonread_next(v))
 *     for (m = aps_jsonread_first(o); m < aps_jsonread_end(o); m = aps_jsonread_next(m + 1))
 * where m is a name and m + 1 its value. */
static inline const struct aps_jsonread_node *aps_jsonread_first(const struct aps_jsonread_node *v)
{
    return v + 1;
}

static inline const struct aps_jsonread_node *aps_jsonread_end(const struct aps_jsonread_node *v)
{
    return v + v->more;
}

/* A string or name, decoded; a number, as it is written.  Borrowed from the text or the reader. */
static inline struct aps_str aps_jsonread_str(const struct aps_jsonread *r,
                                              const struct aps_jsonread_node *v)
{
    return (struct aps_str){v->more != 0 ? r->decoded + v->more : r->text.p + v->at, v->n};
}

/* The value of this name in an object, the first if there are several; NULL if there is none or
 * `object` is NULL or no object.  Looks at one member after the other. */
const struct aps_jsonread_node *aps_jsonread_get(const struct aps_jsonread *r,
                                                 const struct aps_jsonread_node *object,
                                                 struct aps_str name);

/* The value as it is written, with quotes or brackets; borrowed from the text. */
struct aps_str aps_jsonread_raw(const struct aps_jsonread *r, const struct aps_jsonread_node *v);

#endif
