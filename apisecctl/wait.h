/* wait.h - --wait: until no request is decided by an older generation any more.
 *
 * A process of httpd says in the state file which generation it serves, before it does.  One that
 * no request has asked says nothing, but looks before it answers the next, at most ApiSecRefresh
 * after its last look; so when that time has passed since the publishing, it is as good. */
#ifndef APISECCTL_WAIT_H
#define APISECCTL_WAIT_H

#include <apr_pools.h>

#include "apisec/clock.h"
#include "apisec/store.h"
#include "command.h"

struct ctl_wait {
    bool asked;
    aps_nsec timeout;
    uint64_t store; /* its tag in the state file */
    uint64_t generation;
    aps_nsec since; /* monotonic: it was published then or sooner */
};

/* From --wait and --timeout; APS_ERR_USAGE, FORMAT or RANGE. */
APS_MUST_CHECK enum aps_err ctl_wait_read(const struct ctl_call *call, struct ctl_wait *out,
                                          struct aps_diag *diag);

/* What is to be waited for: what the store has published now. */
void ctl_wait_note(struct ctl_wait *wait, const struct aps_store *store);

/* Wait.  APS_OK and *out_said, a sentence in `pool`; APS_ERR_CHECK: it could not be proven, `diag`
 * names the processes or says why. */
APS_MUST_CHECK enum aps_err ctl_wait(const struct ctl_wait *wait, const char *state,
                                     apr_pool_t *pool, const char **out_said,
                                     struct aps_diag *diag);

#endif
