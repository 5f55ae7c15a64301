/* xsd_block.h - the documents of an XML schema in one block: each process compiles them itself.
 *
 * magic 8 | documents 4 | for each: bytes of its name 4, of its text 4, name, text.  Numbers are
 * those of the machine, which publishes for itself. */
#ifndef APISEC_STORE_XSD_BLOCK_H
#define APISEC_STORE_XSD_BLOCK_H

#include "apisec/schema_compile.h"
#include "apisec/xsd.h"

/* In `pool`; names are the URIs without `root`, where they begin so. */
struct aps_str aps_xsd_block_write(const struct aps_schema_source *sources, uint32_t n,
                                   const char *root, apr_pool_t *pool);
/* The list lives in `pool`, names and texts are pieces of the block.  APS_ERR_CORRUPT. */
APS_MUST_CHECK enum aps_err aps_xsd_block_read(struct aps_str block, apr_pool_t *pool,
                                               const struct aps_xsd_source **out, uint32_t *out_n);

#endif
