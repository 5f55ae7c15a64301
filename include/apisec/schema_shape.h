/* schema_shape.h - what a compiled schema says about the form of a value, for readers whose text
 * has no types: parameters, forms, XML.
 *
 * A shape is a number of a schema in the image.  Looks through $ref, $dynamicRef (as if nothing
 * around it had the anchor), allOf, anyOf, oneOf, then and else.  It is a help for reading and no
 * verdict: what it allows may still be refused by aps_schema_judge, what it rules out always is.
 * A look is bounded; where a bound is met, and for APS_SCHEMA_SHAPE_ANY, every type is possible and
 * nothing is said of members and items.
 * Threads and processes: an image is read-only; regular expressions of patternProperties take
 * memory for the call. */
#ifndef APISEC_SCHEMA_SHAPE_H
#define APISEC_SCHEMA_SHAPE_H

#include "apisec/jsonread.h"
#include "apisec/schema_image.h"

#define APS_SCHEMA_SHAPE_ANY 0u /* a schema that says nothing */

/* The shape of the image's entry of this number; ANY for a number that it has not. */
uint32_t aps_schema_shape_entry(const struct aps_schema_image *image, uint32_t entry);

/* Bits 1u << enum aps_jsonread_kind of the types that could be valid; NUMBER for integer too. */
unsigned aps_schema_shape_types(const struct aps_schema_image *image, uint32_t shape);

/* Which of ARRAY and OBJECT the schema has keywords for, whether it names the type or not. */
unsigned aps_schema_shape_holders(const struct aps_schema_image *image, uint32_t shape);

/* The bounds of a string's length, for what is no text: of the schema, those that it refers to and
 * those of its allOf. */
struct aps_schema_shape_length {
    uint32_t min, max;
};
struct aps_schema_shape_length aps_schema_shape_length(const struct aps_schema_image *image,
                                                       uint32_t shape);

/* A way from a value to one within it. */
struct aps_schema_shape_step {
    struct aps_str name; /* of a member */
    bool item;           /* or item `i` */
    uint32_t i;
};

/* The types of what lies `n` steps within: all that speak of it are asked, so that a member whose
 * type is here said by one schema of an allOf, there by another, gets what both allow. */
unsigned aps_schema_shape_types_at(const struct aps_schema_image *image, uint32_t shape,
                                   const struct aps_schema_shape_step *steps, uint32_t n);

/* The first schema that speaks of the member: one that names it, else by additionalProperties, else
 * by unevaluatedProperties.  False: none does. */
bool aps_schema_shape_member(const struct aps_schema_image *image, uint32_t shape,
                             struct aps_str name, uint32_t *out);

/* The same for item `i` of an array. */
bool aps_schema_shape_item(const struct aps_schema_image *image, uint32_t shape, uint32_t i,
                           uint32_t *out);

#endif
