/* variable.h - what a program may take a parameter's name for.
 *
 * PHP makes variables of names before a program sees them: blanks in front of a name go, blanks,
 * dots and a bracket that nothing ends become `_`, and what brackets hold is an index, so that `
 * a`, `a.b` and `a[x]` are others' names.  Two names that differ here may be one parameter there,
 * and a rule that is about one of them has to be about both. Threads and processes: plain functions
 * of their arguments. */
#ifndef APISEC_VARIABLE_H
#define APISEC_VARIABLE_H

#include <apr_pools.h>

#include "apisec/str.h"

struct aps_variable {
    struct aps_str base;  /* of the name or of `buf` */
    struct aps_str index; /* from the first bracket on, as written; empty: none */
};

/* Read a decoded name; `buf` has room for name.n bytes and is kept as long as *out. */
void aps_variable_read(struct aps_str name, char *buf, struct aps_variable *out);

/* Whether `name` is not `declared`, but the same variable or a member of it.  `buf` has room for
 * both together. */
bool aps_variable_is_other_name(struct aps_str name, struct aps_str declared, char *buf);

/* The place of a name that stands before it already, or that a program may take for one that does;
 * n: all differ.  Time: n log n.  Memory: of `pool`, in proportion to the names. */
size_t aps_variable_repeated(const struct aps_str *names, size_t n, apr_pool_t *pool);

#endif
