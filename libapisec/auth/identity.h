/* identity.h - who calls, in one block of memory.
 *
 * Pointers within the block, and to roles of the snapshot that the key came from. */
#ifndef APISEC_IDENTITY_H
#define APISEC_IDENTITY_H

#include "apisec/authn.h"
#include "apisec/bearer.h"

/* What a key is held to beside its own rate. */
struct aps_identity_held {
    const struct aps_plan *plan; /* NULL: neither the key nor a role of it has one */
    size_t noverrides, nlimits;
    const struct aps_limit *overrides[APS_KEY_OVERRIDES_MAX];
    const struct aps_limit *limits[APS_PLANBOOK_HELD_MAX];
    const struct aps_bearer *bearer; /* NULL: of a key of the store */
};

/* Bytes that the lists and texts of `key`, what it is held to and what is told of it take behind an
 * identity. */
size_t aps_identity_tail(const struct aps_key *key, const struct aps_identity_held *held,
                         struct aps_str told);

/* Fill in `who` from `key` and secret number `which`; `tail` has aps_identity_tail bytes, aligned
 * for pointers.  MACs are left out, and so are the texts of overrides.  APS_ERR_NOT_FOUND: a role
 * that `snap` does not have; APS_ERR_RANGE: a limit that is none. */
APS_MUST_CHECK enum aps_err aps_identity_init(struct aps_identity *who, char *tail,
                                              const struct aps_key *key,
                                              const struct aps_identity_held *held, size_t which,
                                              struct aps_str told, struct aps_snapshot *snap);

#endif
