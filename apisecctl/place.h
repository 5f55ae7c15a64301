/* place.h - where the store, the state file and the master key are.
 *
 * Each comes from its option, then from the environment (not the master key), then from a
 * default.  Paths are made absolute. */
#ifndef APISECCTL_PLACE_H
#define APISECCTL_PLACE_H

#include "apisec/master.h"
#include "apisec/secret.h"
#include "apisec/snapshot.h"
#include "command.h"

struct ctl_place {
    const char *store;
    const char *state;
    const char *master;     /* its source (source.h) */
    const char *passphrase; /* that of its passphrase; NULL: asked for, where it is under one */
    const char *options; /* what names the same store and key in a command that a message tells */
    const char *given;   /* the same, but only what options named: " --store DIR", or "" */
};

/* Lives in `pool`.  APS_ERR_USAGE for an empty path, APS_ERR_FORMAT for the master key's form. */
APS_MUST_CHECK enum aps_err ctl_place_read(apr_pool_t *pool, const struct ctl_call *call,
                                           struct ctl_place *out, struct aps_diag *diag);

/* How the master key is loaded; borrows from `place`. */
struct aps_master_from ctl_place_from(const struct ctl_place *place);

/* Load the master key; `may_ask`: for its passphrase, on the terminal.  The caller wipes *out. */
APS_MUST_CHECK enum aps_err ctl_place_unlock(const struct ctl_place *place, bool may_ask,
                                             struct aps_secret *out, struct aps_diag *diag);

/* The path of a "file:" source, or NULL. */
const char *ctl_place_master_path(const struct ctl_place *place);

/* Open the published copy, as httpd does.  The caller closes. */
APS_MUST_CHECK enum aps_err ctl_place_copy(const struct ctl_place *place,
                                           const struct aps_secret *master,
                                           struct aps_snapshot **out, struct aps_diag *diag);

#endif
