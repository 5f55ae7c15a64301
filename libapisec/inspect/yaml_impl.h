/* yaml_impl.h - what the files of the YAML reader share. */
#ifndef INSPECT_YAML_IMPL_H
#define INSPECT_YAML_IMPL_H

#include "apisec/yaml.h"

enum yaml_scalar {
    YAML_TEXT,
    YAML_NULL,
    YAML_BOOL,
    YAML_INTEGER,
    YAML_FLOAT,
    YAML_NO_JSON, /* .inf, .nan, hexadecimal beyond 64 bits, an endless exponent */
};

/* What a plain scalar is; *out is its JSON text, of all but TEXT and NO_JSON; lives in `pool`. */
enum yaml_scalar aps_yaml_scalar(apr_pool_t *pool, struct aps_str s, struct aps_str *out);

#endif
