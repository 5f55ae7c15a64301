/* apidiff.h - what another description or schema would change, and what of it breaks clients. */
#ifndef APISECCTL_APIDIFF_H
#define APISECCTL_APIDIFF_H

#include "apisec/store_api.h"

struct ctl_apidiff_row {
    const char *change;    /* added, removed, changed */
    const char *operation; /* "GET /pets"; empty of a schema */
    const char *where;     /* and what there; NULL: all of it */
    bool breaks;           /* clients that work today */
};
typedef void (*ctl_apidiff_fn)(void *arg, const struct ctl_apidiff_row *row);

/* Call `fn` for each difference of two bundles of one kind, OPENAPI or SCHEMA, each of which was
 * compiled; a row is valid during the call.  What is told lives in `pool`.  APS_ERR_FORMAT: a
 * document is none. */
APS_MUST_CHECK enum aps_err ctl_apidiff(apr_pool_t *pool, const struct aps_store_api_bundle *was,
                                        const struct aps_store_api_bundle *is, ctl_apidiff_fn fn,
                                        void *arg, struct aps_diag *diag);

#endif
