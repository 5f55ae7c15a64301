/* yamltext.h - JSON values as YAML text, for people to read and edit.
 *
 * A text that YAML could take for something else is quoted as JSON quotes it, which YAML reads the
 * same; so the text reads back as the values that it was made of. */
#ifndef APISECCTL_YAMLTEXT_H
#define APISECCTL_YAMLTEXT_H

#include <apr_pools.h>

#include "apisec/jsonread.h"

/* Every line ends with a newline.  Lives in `pool`. */
struct aps_str ctl_yamltext(const struct aps_jsonread *reader,
                            const struct aps_jsonread_node *value, apr_pool_t *pool);

#endif
