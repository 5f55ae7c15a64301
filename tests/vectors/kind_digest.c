/* kind_digest.c - is `body` what the field says, by a digest that counts? */
#include "apisec/digestfield.h"
#include "vectors.h"

const char *t_kind_digest(const struct t_row *row, struct aps_json *out)
{
    struct aps_digestfield want;
    struct aps_str field, body;

    if (!t_row_bytes(row, "field", &field))
        return "want a string field";
    if (!t_row_bytes(row, "body", &body))
        return "want a string body, or body_b64 in base64";
    aps_json_put_bool(out, "got",
                      aps_digestfield_read(field, row->pool, &want, NULL) == APS_OK &&
                          aps_digestfield_check(&want, body) == APS_OK);
    return NULL;
}
