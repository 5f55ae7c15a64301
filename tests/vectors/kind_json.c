/* kind_json.c - is `data` JSON under the strict rules? */
#include "vectors.h"

const char *t_kind_json(const struct t_row *row, struct aps_json *out)
{
    struct aps_jsonread reader;
    struct aps_str data;

    if (!t_row_bytes(row, "data", &data))
        return "want a string data, or data_b64 in base64";
    aps_jsonread_init(&reader, row->pool, row->key);
    aps_json_put_str(
        out, "got",
        aps_jsonread(&reader, data, &aps_jsonread_strict) == APS_JSONREAD_OK ? "accept" : "reject");
    return NULL;
}
