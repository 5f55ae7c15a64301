/* docindex.h - members and items of a document's large objects and arrays, found without a walk.
 *
 * A compiler looks thousands of names up in one object (#/components/schemas/Pet), and a walk for
 * each takes the square of their number.  Objects and arrays of more than DOCINDEX_FEW are put into
 * a table when they are first asked; smaller ones are walked.
 * Threads and processes: one caller. */
#ifndef INSPECT_DOCINDEX_H
#define INSPECT_DOCINDEX_H

#include <apr_hash.h>

#include "apisec/jsonread.h"

#define DOCINDEX_FEW 16

struct docindex {
    const struct aps_jsonread *reader;
    apr_hash_t *held; /* node -> struct slot of docindex.c */
};

/* Begin; tables live in `pool`.  Keeps the reader, which reads no other text from now on. */
void aps_docindex_init(struct docindex *x, apr_pool_t *pool, const struct aps_jsonread *reader);

/* As aps_jsonread_get: the value of the first member of this name; NULL if there is none, or
 * `object` is NULL or no object. */
const struct aps_jsonread_node *aps_docindex_member(const struct docindex *x,
                                                    const struct aps_jsonread_node *object,
                                                    struct aps_str name);

/* The item, or NULL if the array has not so many. */
const struct aps_jsonread_node *
aps_docindex_item(const struct docindex *x, const struct aps_jsonread_node *array, uint64_t i);

/* What one token of a JSON Pointer, decoded, leads to; NULL: nowhere. */
const struct aps_jsonread_node *aps_docindex_step(const struct docindex *x,
                                                  const struct aps_jsonread_node *v,
                                                  struct aps_str token);

#endif
