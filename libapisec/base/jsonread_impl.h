/* jsonread_impl.h - what the files of the JSON reader share; nobody else includes it. */
#ifndef BASE_JSONREAD_IMPL_H
#define BASE_JSONREAD_IMPL_H

#include "apisec/jsonread.h"
#include "bytes16.h"

/* What every part returns that finds a fault at p.  Where the text is over, that is the fault of
 * what cannot stand there. */
const char *aps_jsonread_fault_set(struct aps_jsonread *r, const char *p,
                                   enum aps_jsonread_fault fault) __attribute__((cold));

/* Memory for `want` entries of `size` bytes: `had`, if there are *cap of them, else new and twice
 * as many as before, so that ever longer texts do not take a sum of all lengths.  NULL if there is
 * none; then *cap is as it was. */
void *aps_jsonread_room(struct aps_jsonread *r, void *had, size_t *cap, size_t want, size_t size);

/* A string that begins at `start`, whose bytes up to p stand for themselves: the slower way to its
 * end.  Fills in the node's length and, after an escape, where it lies decoded; returns what
 * follows the closing quote. */
const char *aps_jsonread_string(struct aps_jsonread *r, const char *start, const char *p,
                                struct aps_jsonread_node *node);

/* The number at p, whatever it is; returns what follows.  One of up to `sure` bytes that has no
 * exponent is within all bounds. */
const char *aps_jsonread_number(struct aps_jsonread *r, const char *p, uint32_t sure);

#define APS_JSONREAD_TAG_BITS 24
#define APS_JSONREAD_SHORT_NAME 15 /* bytes; a sixteenth holds the length */

/* The tag of any name. */
uint32_t aps_jsonread_name_tag(const struct aps_jsonread *r, struct aps_str name);

/* Whether a name between `object` and `name`, in the same object and not far apart, has the tag of
 * `name`. */
bool aps_jsonread_name_has_tag(const struct aps_jsonread_node *object,
                               const struct aps_jsonread_node *name);

#define APS_JSONREAD_FEW 32 /* members of an object whose tags are compared each with each */

/* Whether each name of the object, whose last node lies before `end`, is there once (POS-04). */
bool aps_jsonread_name_check(struct aps_jsonread *r, const struct aps_jsonread_node *object,
                             const struct aps_jsonread_node *end, uint32_t count);

typedef int8_t signed16 __attribute__((vector_size(16)));

/* Where a string has a byte that does not stand for itself: quote, backslash, control or beyond
 * ASCII.  As signed numbers the last two are less than a space; to change places with it, the quote
 * has one bit turned. */
static inline uint32_t find_special(bytes16 x)
{
    const bytes16 plain = (bytes16)((signed16)(x ^ ('"' ^ ' ')) > ' ') & ~(bytes16)(x == '\\');

    return bytes16_mask(plain) ^ 0xffff;
}

/* What a name is hashed with: halves of the reader's key. */
struct name_key {
    uint64_t first, second;
};

static inline struct name_key name_key_of(const struct aps_jsonread *r)
{
    return (struct name_key){bytes8_load((const char *)r->key),
                             bytes8_load((const char *)r->key + 8)};
}

/* A product of two numbers that nobody outside knows: names are found equal by chance alone. */
static inline uint64_t mix(uint64_t first, uint64_t second, struct name_key key)
{
    const unsigned __int128 product =
        (unsigned __int128)(first ^ key.first) * (second ^ key.second);

    return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

/* The tag of a name of up to APS_JSONREAD_SHORT_NAME bytes at p, where sixteen can be read: its
 * bytes and its length, and nothing of what stands behind it. */
static inline uint32_t tag_short(const char *p, size_t n, struct name_key key)
{
    const uint64_t x = bytes8_load(p);
    const size_t half = 32 - 4 * n; /* of 64 bits, so that both shifts are less */
    const uint64_t mixed = n <= 8 ? mix(x << half << half, n, key)
                                  : mix(x, bytes8_load(p + 8) << (128 - 8 * n) | n, key);

    return (uint32_t)(mixed >> (64 - APS_JSONREAD_TAG_BITS));
}

#endif
