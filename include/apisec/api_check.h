/* api_check.h - is a text an OpenAPI description?
 *
 * Of 3.0 or 3.1: every object has the fields that are its own, with values of their types, and
 * those that it needs; unknown fields are refused but for x-.  References within the document
 * lead somewhere; those to other documents are not followed.  aps_api_compile asks the same of
 * what it compiles, and is content with less where nothing hangs on it.
 * Threads and processes: a call belongs to one caller. */
#ifndef APISEC_API_CHECK_H
#define APISEC_API_CHECK_H

#include <apr_pools.h>

#include "apisec/err.h"
#include "apisec/str.h"

/* APS_ERR_FORMAT or APS_ERR_NOT_FOUND: it is none, and `diag` says where and why. */
APS_MUST_CHECK enum aps_err aps_api_check(struct aps_str json, apr_pool_t *pool,
                                          struct aps_diag *diag);

#endif
