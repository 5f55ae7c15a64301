/* limitlist.h - limits as options give them: 'NAME rate=...' puts one, -NAME takes one away. */
#ifndef APISECCTL_LIMITLIST_H
#define APISECCTL_LIMITLIST_H

#include "ctl.h"

/* Lives in c->pool, borrows argv. */
struct ctl_limitlist {
    bool none; /* `none`, which some options take: all of them go */
    size_t nput, ndrop;
    const struct aps_str *put;  /* the words of limits, a leading + left out */
    const struct aps_str *drop; /* names */
};

/* Every value of the option, which may not be given at all.  APS_ERR_FORMAT: an empty one; `none`
 * beside others, or where it is not taken; a name to take away where there is nothing yet. */
APS_MUST_CHECK enum aps_err ctl_limitlist_read(struct ctl *c, enum ctl_opt opt, bool is_new,
                                               struct ctl_limitlist *out);

/* The name that the words of a limit begin with; empty where there is none. */
struct aps_str ctl_limitlist_name(struct aps_str text);

#endif
