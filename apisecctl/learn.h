/* learn.h - requests that were served -> what the API seems to be.
 *
 * Paths are kept as a tree of their segments.  A segment that looks like somebody's id, and one
 * that has too many neighbours, becomes a parameter: /orders/{orderId}.  Memory is bounded: what
 * comes once the bounds are reached is counted and left out. */
#ifndef APISECCTL_LEARN_H
#define APISECCTL_LEARN_H

#include <apr_pools.h>
#include <stdint.h>

#include "apisec/json.h"
#include "apisec/role.h"
#include "apisec/str.h"

#define CTL_LEARN_DEPTH 32        /* segments of a path; a longer one is left out */
#define CTL_LEARN_SEGMENTS 200000 /* nodes of the tree */
#define CTL_LEARN_NEIGHBOURS 24   /* more texts in one place, most of them seldom: a parameter */
#define CTL_LEARN_CHILDREN 1000   /* more are one in any case */

/* One request: all borrowed. */
struct ctl_learn_request {
    struct aps_str path; /* decoded, begins with '/' */
    enum aps_method method;
    uint32_t status; /* of the answer */
    bool has_caller; /* somebody proved who he is */
};

enum ctl_learn_taken {
    CTL_LEARN_LEFT_OUT, /* over a bound, or no path */
    CTL_LEARN_FAILED,   /* it was not served: it says nothing about the API */
    CTL_LEARN_TAKEN,
};

struct ctl_learn;

/* Nothing learnt yet; lives in `pool`. */
struct ctl_learn *ctl_learn_new(apr_pool_t *pool);

enum ctl_learn_taken ctl_learn_take(struct ctl_learn *learn,
                                    const struct ctl_learn_request *request);

/* How many operations print will write, which were each served `least` times. */
uint64_t ctl_learn_print_count(struct ctl_learn *learn, uint64_t least);

/* Write an OpenAPI 3.1 description.  What no log tells (bodies, queries) is open in it. */
void ctl_learn_print(struct ctl_learn *learn, struct aps_str title, uint64_t least,
                     struct aps_json *out);

#endif
