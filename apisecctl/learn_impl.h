/* learn_impl.h - the tree of learn.c, which learn_print.c writes. */
#ifndef APISECCTL_LEARN_IMPL_H
#define APISECCTL_LEARN_IMPL_H

#include <apr_hash.h>

#include "learn.h"
#include "learn_kind.h"

#define CTL_LEARN_METHODS 7
#define CTL_LEARN_STATUSES 16 /* of one operation; more are not listed */

_Static_assert(APS_METHOD_ALL == (1 << CTL_LEARN_METHODS) - 1, "a place for each method");

struct ctl_learn_operation {
    uint64_t served, with_caller; /* requests */
    uint16_t statuses[CTL_LEARN_STATUSES];
    unsigned statuses_n;
};

struct ctl_learn_node {
    struct aps_str text;      /* of a word; a path's final '/' is an empty one */
    enum ctl_learn_kind kind; /* of a parameter */
    uint64_t served;          /* by it and what lies below */
    apr_hash_t *words;        /* text -> node; NULL: none */
    struct ctl_learn_node *parameter;
    struct ctl_learn_operation operations[CTL_LEARN_METHODS]; /* by the method's bit */
};

/* The tree, looked through for ids. */
const struct ctl_learn_node *ctl_learn_root(struct ctl_learn *learn);

apr_pool_t *ctl_learn_pool(const struct ctl_learn *learn);

#endif
