/* api_compile.h - an OpenAPI description as JSON text -> one block (api.h).
 *
 * The documents are a bundle as in schema_compile.h: nothing is fetched, and a reference that leads
 * out of it is an error (POS-12).  What the description says and nobody enforces is listed, never
 * passed over in silence (POS-09).  YAML becomes JSON by yaml.h.
 * Threads and processes: a call belongs to one caller. */
#ifndef APISEC_API_COMPILE_H
#define APISEC_API_COMPILE_H

#include <apr_tables.h>

#include "apisec/err.h"
#include "apisec/schema_compile.h"
#include "apisec/str.h"

struct aps_api_options {
    bool formats; /* `format`, contentEncoding and contentMediaType are asserted */
    bool loose;   /* nothing is asked of what no operation needs (see api_check.h) */
};

/* Sentences (const char *), each of which begins with where in the description it is. */
struct aps_api_report {
    apr_array_header_t *gaps;     /* what stands there and is not enforced */
    apr_array_header_t *warnings; /* what should be otherwise, and what was made of it */
};

/* Compile sources[0], of OpenAPI 3.0 or 3.1, with the others that it refers to.  *out_block is
 * aligned to 8; it and the report, whose lists are made by the call, live in `pool`.
 * APS_ERR_FORMAT: a document is malformed; APS_ERR_NOT_FOUND: a reference leads nowhere;
 * APS_ERR_CONFLICT: two paths are the same; APS_ERR_RANGE: over a bound of docs/openapi.md; `diag`
 * says where and why. */
APS_MUST_CHECK enum aps_err aps_api_compile(const struct aps_schema_source *sources, uint32_t n,
                                            const struct aps_api_options *options, apr_pool_t *pool,
                                            struct aps_str *out_block,
                                            struct aps_api_report *report, struct aps_diag *diag);

#endif
