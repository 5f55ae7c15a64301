/* bundle.h - a description or schema in files -> the documents that it is made of.
 *
 * A relative $ref leads to another file of the same folder or below it, which joins the bundle;
 * nothing above that folder is read, no symlink out of it is followed, and nothing is fetched
 * (POS-12).  Each document gets the URI file:///PATH, PATH being that below the folder, so that
 * nothing of the machine is in what is stored. */
#ifndef APISECCTL_BUNDLE_H
#define APISECCTL_BUNDLE_H

#include <apr_pools.h>
#include <apr_tables.h>

#include "apisec/store_api.h"

struct ctl_bundle {
    struct aps_store_api_bundle of;
    /* Sentences (const char *): references that were not followed, and why.  They may stand where
     * no reference counts: whether one is missing the compiler tells. */
    apr_array_header_t *notes;
};

/* Read `path`, JSON, YAML or XML, and what it refers to; `kind` NONE: what it looks like.  All
 * lives in `pool`.  NOT_FOUND, IO; FORMAT: it cannot be read, told with the line; RANGE: it has too
 * many files or bytes. */
APS_MUST_CHECK enum aps_err ctl_bundle_read(apr_pool_t *pool, const char *path,
                                            enum aps_store_api_kind kind, struct ctl_bundle *out,
                                            struct aps_diag *diag);

/* Whether the documents of a bundle from elsewhere are what ctl_bundle_read would have taken: JSON
 * without a name that stands twice in an object; of an XML schema, anything.  FORMAT, told with the
 * line. */
APS_MUST_CHECK enum aps_err ctl_bundle_judge(apr_pool_t *pool,
                                             const struct aps_store_api_bundle *bundle,
                                             struct aps_diag *diag);

/* The URI that a relative reference of the document `uri` of a bundle leads to, without its
 * fragment, in `pool`; NULL: it leads above the folder. */
const char *ctl_bundle_resolve(apr_pool_t *pool, struct aps_str uri, struct aps_str ref);

#endif
