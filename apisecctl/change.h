/* change.h - the options of `key create` and `key set` -> fields of a key. */
#ifndef APISECCTL_CHANGE_H
#define APISECCTL_CHANGE_H

#include "ctl.h"

/* Add to `*out` every field that an option names; +word and -word of a list change what `old` has.
 * Lives in c->pool, borrows argv.  FORMAT, RANGE: a value; NOT_FOUND: -word is not in the list. */
APS_MUST_CHECK enum aps_err ctl_change_read(struct ctl *c, const struct aps_key *old,
                                            struct aps_key_change *out);

#endif
