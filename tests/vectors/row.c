/* row.c - what kinds ask of a row. */
#include <apr_encode.h>
#include <apr_strings.h>

#include "apisec/jsonnum.h"
#include "vectors.h"

static bool is_string(const struct aps_jsonread_node *v)
{
    return v != NULL && aps_jsonread_kind(v) == APS_JSON_STRING;
}

static bool decode_base64(apr_pool_t *pool, struct aps_str text, struct aps_str *out)
{
    const unsigned char *bytes;
    apr_size_t n = 0;

    if (text.n == 0) {
        *out = text;
        return true;
    }
    bytes = apr_pdecode_base64_binary(pool, text.p, (apr_ssize_t)text.n, APR_ENCODE_NONE, &n);
    if (bytes == NULL)
        return false;
    *out = (struct aps_str){(const char *)bytes, n};
    return true;
}

bool t_row_bytes(const struct t_row *row, const char *name, struct aps_str *out)
{
    const struct aps_jsonread_node *v = aps_jsonread_get(row->reader, row->object, aps_str(name));

    if (v != NULL) {
        *out = aps_jsonread_str(row->reader, v);
        return is_string(v);
    }
    name = apr_pstrcat(row->pool, name, "_b64", NULL);
    v = aps_jsonread_get(row->reader, row->object, aps_str(name));
    return is_string(v) && decode_base64(row->pool, aps_jsonread_str(row->reader, v), out);
}

bool t_row_text(const struct t_row *row, const char *name, struct aps_str *out)
{
    const struct aps_jsonread_node *v = aps_jsonread_get(row->reader, row->object, aps_str(name));

    if (!is_string(v))
        return false;
    *out = aps_jsonread_str(row->reader, v);
    return true;
}

bool t_row_integer(const struct t_row *row, const char *name, int64_t *out)
{
    const struct aps_jsonread_node *v = aps_jsonread_get(row->reader, row->object, aps_str(name));

    return v != NULL && aps_jsonread_kind(v) == APS_JSON_NUMBER &&
           aps_jsonnum_i64(aps_jsonread_str(row->reader, v), out);
}
