/* textbody.h - a body that is one text, and the schema of it. */
#ifndef INSPECT_TEXTBODY_H
#define INSPECT_TEXTBODY_H

#include "apisec/param.h"

/* Whether the text, UTF-8 without NUL, is what the schema asks: a string, or what it is the exact
 * JSON form of where the schema takes that (docs/parameters.md); else why, in `failures`.  False
 * without memory too. */
bool aps_textbody(struct aps_param_reader *r, apr_pool_t *pool,
                  const struct aps_schema_image *image, uint32_t schema, struct aps_str body,
                  struct aps_failures *failures);

#endif
