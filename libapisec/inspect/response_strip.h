/* response_strip.h - a body without the members that no schema speaks of. */
#ifndef APISEC_INSPECT_RESPONSE_STRIP_H
#define APISEC_INSPECT_RESPONSE_STRIP_H

#include "apisec/jsonread.h"
#include "apisec/schema_image.h"

/* False: nothing is to be taken out, or there is no memory, and *out is untouched.  Else *out is
 * the new text, in `pool`; all that stays is as it was written. */
bool aps_response_strip(const struct aps_schema_image *image, uint32_t entry,
                        const struct aps_jsonread *reader, apr_pool_t *pool, struct aps_str *out);

#endif
