/* place.h - where the store, the state file and the master key are.
 *
 * Each comes from its option, then from the environment (not the master key), then from a
 * default.  Paths are made absolute. */
#ifndef APISECCTL_PLACE_H
#define APISECCTL_PLACE_H

#include "apisec/secret.h"
#include "apisec/snapshot.h"
#include "command.h"

struct ctl_place {
    const char *store;
    const char *state;
    const char *master;  /* "file:/PATH" or "exec:/PATH" */
    const char *options; /* what names the same store and key in a command that a message tells */
    const char *given;   /* the same, but only what options named: " --store DIR", or "" */
};

/* Lives in `pool`.  APS_ERR_USAGE for an empty path, APS_ERR_FORMAT for the master key's form. */
APS_MUST_CHECK enum aps_err ctl_place_read(apr_pool_t *pool, const struct ctl_call *call,
                                           struct ctl_place *out, struct aps_diag *diag);

/* The path of a "file:" source, or NULL. */
const char *ctl_place_master_path(const struct ctl_place *place);

/* Open the published copy, as httpd does.  The caller closes. */
APS_MUST_CHECK enum aps_err ctl_place_copy(const struct ctl_place *place,
                                           const struct aps_secret *master,
                                           struct aps_snapshot **out, struct aps_diag *diag);

#endif
