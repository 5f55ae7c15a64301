/* remember.h - who was verified goes into the view; only for auth/.
 *
 * Threads: every call is safe from any thread. */
#ifndef APISEC_AUTH_REMEMBER_H
#define APISEC_AUTH_REMEMBER_H

#include "identity.h"
#include "view.h"

/* Who was proved, and under which hash he is found. */
struct remember_caller {
    struct aps_siphash hash;
    const struct aps_key *key;       /* of a token: what it comes to, as a key's record */
    size_t which;                    /* of its secrets */
    const struct aps_bearer *bearer; /* NULL: a key of the store */
};

/* Put him into the view, or where there is no more room into `pool`: *out.  ROLE_UNKNOWN,
 * PLAN_UNKNOWN, INTERNAL. */
enum aps_reason aps_remember(struct aps_view *view, const struct remember_caller *caller,
                             apr_pool_t *pool, const struct aps_identity **out);

/* The same for one request, in `pool`: nobody will look for him by a hash. */
enum aps_reason aps_remember_once(struct aps_view *view, const struct remember_caller *caller,
                                  apr_pool_t *pool, const struct aps_identity **out);

#endif
