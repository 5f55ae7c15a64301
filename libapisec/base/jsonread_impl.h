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

/* Whether a well-formed number is within the bounds that a glance does not decide; `exponent` is
 * what stands behind its e, or NULL. */
bool aps_jsonread_number(struct aps_jsonread *r, struct aps_str text, const char *exponent);

#define APS_JSONREAD_TAG_BITS 24
#define APS_JSONREAD_SHORT_NAME 15 /* bytes; the sixteenth holds the length */

/* The tag of any name. */
uint32_t aps_jsonread_name_tag(const struct aps_jsonread *r, struct aps_str name);

/* Whether each name of the object, whose last node lies before `end`, is there once (POS-04). */
bool aps_jsonread_name_check(struct aps_jsonread *r, const struct aps_jsonread_node *object,
                             const struct aps_jsonread_node *end, uint32_t count);

/* Where a string has a byte that does not stand for itself: quote, backslash, control or beyond
 * ASCII.  As a signed number the last two are less than a space. */
static inline uint32_t find_special(bytes16 x)
{
    typedef int8_t signed16 __attribute__((vector_size(16)));

    return bytes16_mask((bytes16)((x == '"') | (x == '\\') | ((signed16)x < ' ')));
}

/* A product of two numbers that nobody outside knows: names are found equal by chance alone. */
static inline uint64_t mix(bytes16 x, bytes16 key)
{
    const halves16 factors = (halves16)(x ^ key);
    const unsigned __int128 product = (unsigned __int128)factors[0] * factors[1];

    return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

/* The tag of a name of up to APS_JSONREAD_SHORT_NAME bytes, with zeros behind them. */
static inline uint32_t tag_short(bytes16 x, size_t n, bytes16 key)
{
    x[APS_JSONREAD_SHORT_NAME] = (uint8_t)n;
    return (uint32_t)(mix(x, key) >> (64 - APS_JSONREAD_TAG_BITS));
}

#endif
