/* schema_run_content.c - strings that hold something encoded. */
#include "apisec/b64.h"
#include "schema_run.h"

/* contentEncoding, then contentMediaType, of a string. */
bool aps_schema_run_content(struct aps_schema_judge *c, uint32_t node,
                            const struct aps_jsonread_node *v)
{
    const uint32_t flags = c->image->nodes[node].flags;
    struct aps_str text = schema_view_str(&c->view, v);
    size_t n = 0;

    if ((flags & SCHEMA_BASE64) != 0) {
        if (text.n > c->decoded_cap) {
            if ((c->decoded = apr_palloc(c->pool, 2 * text.n)) == NULL)
                return aps_schema_run_fault(c, APS_SCHEMA_NOMEM);
            c->decoded_cap = (uint32_t)text.n;
        }
        if (!aps_schema_format_base64(text) ||
            (text.n > 0 && !aps_b64_decode(text, (uint8_t *)c->decoded, &n)))
            return aps_schema_run_fail(c, node, v, SCHEMA_K_CONTENT_ENCODING, 0);
        text = (struct aps_str){c->decoded, n};
    }
    if ((flags & SCHEMA_JSON) == 0)
        return true;
    if (c->inner.pool == NULL)
        aps_jsonread_init(&c->inner, c->pool, c->reader->key);
    return aps_jsonread(&c->inner, text, c->reader->options) == APS_JSONREAD_OK ||
           aps_schema_run_fail(c, node, v, SCHEMA_K_CONTENT_MEDIA_TYPE, 0);
}
