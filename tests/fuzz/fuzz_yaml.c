/* YAML: what is accepted is JSON that the strict reader accepts as well, and the same again. */
#include <apr_general.h>
#include <stdint.h>
#include <stdlib.h>

#include "apisec/jsonread.h"
#include "apisec/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(apr_pool_t *pool, struct aps_str yaml)
{
    static const unsigned char key[APS_SIPHASH_KEY_LEN] = "fuzz";
    struct aps_jsonread_options options = aps_jsonread_plain;
    struct aps_str json = {NULL, 0}, again = {NULL, 0};
    struct aps_diag diag = {.text = ""};
    struct aps_jsonread r;

    if (aps_yaml_to_json(yaml, pool, &json, &diag) != APS_OK) {
        if (diag.text[0] == '\0' || json.p != NULL)
            abort();
        return;
    }
    options.duplicates = false;
    aps_jsonread_init(&r, pool, key);
    switch (aps_jsonread(&r, json, &options)) {
    case APS_JSONREAD_OK:
    case APS_JSONREAD_DEPTH: /* aliases in aliases */
    case APS_JSONREAD_DIGITS:
        break;
    default:
        abort();
    }
    if (aps_yaml_to_json(yaml, pool, &again, NULL) != APS_OK || !aps_str_eq(json, again))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = NULL;

    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    run(pool, (struct aps_str){(const char *)data, size});
    apr_pool_destroy(pool);
    return 0;
}
