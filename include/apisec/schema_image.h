/* schema_image.h - compiled schemas: one read-only block of bytes, and what a process makes of it.
 *
 * The block has offsets and no pointers, so that it may be stored, mapped and shared.  Nothing in
 * it is trusted: before use its checksum is compared and every offset, count and number in it is
 * looked at (HOUSE_STYLE.md 5.11).  Only regular expressions are not in it: they are compiled by
 * PCRE2 when it is opened.
 * Threads and processes: an open image is read-only; a block may be read by many. */
#ifndef APISEC_SCHEMA_IMAGE_H
#define APISEC_SCHEMA_IMAGE_H

#include <apr_pools.h>

#include "apisec/err.h"
#include "apisec/str.h"

struct aps_schema_image;

/* Look at a block and compile its patterns; keeps the bytes, which are aligned to 8 and do not
 * change.  *out lives in `pool`.  APS_ERR_CORRUPT: it is no such block, or a damaged one;
 * APS_ERR_NEWER; APS_ERR_FORMAT: PCRE2 refuses a pattern; APS_ERR_NOMEM. */
APS_MUST_CHECK enum aps_err aps_schema_image_open(apr_pool_t *pool, struct aps_str block,
                                                  const struct aps_schema_image **out,
                                                  struct aps_diag *diag);

/* How many schemas may be asked for by number: the entries that the compiler was given. */
uint32_t aps_schema_image_entries(const struct aps_schema_image *image);

#endif
