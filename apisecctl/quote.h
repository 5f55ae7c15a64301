/* quote.h - a text as one word of a shell, for commands that messages tell. */
#ifndef APISECCTL_QUOTE_H
#define APISECCTL_QUOTE_H

#include <apr_pools.h>

#include "apisec/str.h"

/* As it is where no shell reads it otherwise, else in single quotes.  Lives in `pool`. */
const char *ctl_quote(apr_pool_t *pool, struct aps_str text);

/* Several of them with commas between, as one word. */
const char *ctl_quote_list(apr_pool_t *pool, const struct aps_str *texts, size_t n);

#endif
