/* role_impl.h - what role.c builds and access.c reads; nobody else includes it. */
#ifndef APISEC_ROLE_IMPL_H
#define APISEC_ROLE_IMPL_H

#include <apr_hash.h>
#include <apr_tables.h>

#include "apisec/role.h"

enum role_mark {
    ROLE_NEW,
    ROLE_ENTERED, /* on the stack of the walk: to meet it again is a cycle */
    ROLE_DONE,
};

/* A grant and the role that it was given to. */
struct role_entry {
    struct aps_grant grant;
    const struct aps_role *origin;
};

struct aps_role {
    struct aps_str name;
    bool added;                  /* else it was only spoken of */
    apr_array_header_t *own;     /* struct role_entry */
    apr_array_header_t *parents; /* struct aps_role * */

    /* Of a sealed book.  grants[0..ndenials) deny, the others grant. */
    struct aps_grant *grants;
    const struct aps_role **origins; /* of each grant */
    size_t ngrants, ndenials;

    enum role_mark mark;
    int next_parent; /* of the walk */
};

struct aps_rolebook {
    apr_pool_t *pool;
    apr_hash_t *by_name;
    bool sealed;
    struct aps_role **roles; /* sorted by name */
    size_t nroles;
    const struct aps_pattern **patterns; /* every pattern of any role, once */
    size_t npatterns;
};

#endif
