/* prose.h - text for people that grows in a pool. */
#ifndef APISECCTL_PROSE_H
#define APISECCTL_PROSE_H

#include <apr_pools.h>

#include "apisec/str.h"

/* Begins as {.pool = pool}; the text lives there. */
struct ctl_prose {
    apr_pool_t *pool;
    char *p;
    size_t n, cap;
};

void ctl_prose_put(struct ctl_prose *t, struct aps_str s);
void ctl_prose_spaces(struct ctl_prose *t, size_t n);

/* For a terminal, in `pool`: a control or bidi character as \u{hex}, a byte that is not UTF-8 as
 * \xHH. */
struct aps_str ctl_prose_escaped(apr_pool_t *pool, struct aps_str s);

/* Characters, each taken for one column wide. */
size_t ctl_prose_width(struct aps_str s);

#endif
