/* kind_openapi_doc.c - is `text`, YAML or JSON, an OpenAPI description of 3.0 or 3.1? */
#include <apr_strings.h>

#include "apisec/api_check.h"
#include "apisec/yaml.h"
#include "vectors.h"

const char *t_kind_openapi_doc(const struct t_row *row, struct aps_json *out)
{
    struct aps_str text = {NULL, 0}, json = {NULL, 0};
    struct aps_diag diag = {.text = ""};

    if (!t_row_bytes(row, "text", &text))
        return "want text";
    aps_json_put_bool(out, "got",
                      aps_yaml_to_json(text, row->pool, &json, &diag) == APS_OK &&
                          aps_api_check(json, row->pool, &diag) == APS_OK);
    return NULL;
}
