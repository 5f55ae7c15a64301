/* pairs.h - name=value pairs of a query, a form or cookies, and the one decoding of their texts.
 *
 * Pieces are split before they are decoded, so that a delimiter that was encoded is data; and each
 * is decoded once (NEG-01). */
#ifndef INSPECT_PAIRS_H
#define INSPECT_PAIRS_H

#include <apr_pools.h>

#include "apisec/siphash.h"
#include "apisec/str.h"

/* How texts are decoded, and what was seen on the way. */
struct decoder {
    apr_pool_t *pool;
    bool percent; /* %hh is a byte */
    bool plus;    /* '+' is a blank (WHATWG URL 5.1) */
    bool doubled; /* out: a text still had %hh after decoding */
};

/* What stands in the way of decoding; literals of what is wanted. */
enum pairs_fault {
    PAIRS_OK,
    PAIRS_PERCENT,
    PAIRS_UTF8,
    PAIRS_NUL,
    PAIRS_NOMEM,
};

/* The decoded text, borrowed where there was nothing to decode; untouched on a fault. */
enum pairs_fault aps_pairs_decode(struct decoder *d, struct aps_str raw, struct aps_str *out);

/* "two hexadecimal digits behind each %" */
const char *aps_pairs_want(enum pairs_fault fault);

struct pair {
    struct aps_str raw;   /* as it stands */
    struct aps_str name;  /* decoded; as it stands after a fault */
    struct aps_str value; /* still encoded */
    enum pairs_fault fault;
    bool named;        /* it has a '=', so an empty value was written */
    bool taken;        /* a parameter has it */
    struct pair *next; /* of the same name */
};

struct pairs {
    struct pair *list;
    uint32_t n;
    /* Where to look for a name, under `key`: a table of the first pairs of each, at most half full;
     * `mask` is its size less one. */
    struct pair **slots;
    uint32_t mask;
    const unsigned char *key;
};

/* Cut `text` at each `sep`; empty pieces are no pairs, with `blanks` blanks around them are no part
 * of them.  Each pair is decoded on trial, its value too.  False: more than `most`, or no memory.
 */
bool aps_pairs_read(struct decoder *d, struct aps_str text, char sep, bool blanks, uint32_t most,
                    struct pairs *out);

/* Make the table, so that who sends many names pays for each but once.  Borrows the key.  False
 * without memory. */
bool aps_pairs_link(struct pairs *pairs, apr_pool_t *pool, const unsigned char *key);

/* The first pair of this name, NULL if there is none; of pairs that are linked. */
struct pair *aps_pairs_get(const struct pairs *pairs, struct aps_str name);

#endif
