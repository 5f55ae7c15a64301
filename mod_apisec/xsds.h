/* xsds.h - XML schemas of the stores, compiled once in each child.
 *
 * libxml2 has no form of a compiled schema that could be stored, so children compile for
 * themselves, when a request first needs it and again when the store's text of it has changed. */
#ifndef MOD_APISEC_XSDS_H
#define MOD_APISEC_XSDS_H

#include "mod.h"

#include "apisec/xsd.h"

void mod_xsds_child_init(apr_pool_t *pchild);

/* The schema of this name in the request's store, kept until the request ends.  APS_ERR_NOT_FOUND,
 * or why it cannot be had. */
APS_MUST_CHECK enum aps_err mod_xsds_get(struct mod_req *m, const char *name,
                                         const struct aps_xsd **out, struct aps_diag *diag);

#endif
