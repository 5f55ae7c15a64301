/* api.c - what an open API says of itself, and kinds of media types. */
#include "api_impl.h"

const struct aps_schema_image *aps_api_schemas(const struct aps_api *api)
{
    return api->schemas;
}

static struct aps_str head_text(const struct aps_api *api, struct api_text t)
{
    return (struct aps_str){api->bytes + t.at, t.n};
}

struct aps_str aps_api_title(const struct aps_api *api)
{
    return head_text(api, api->head->title);
}

struct aps_str aps_api_version(const struct aps_api *api)
{
    return head_text(api, api->head->info_version);
}

uint32_t aps_api_operations(const struct aps_api *api, const struct aps_api_operation **out)
{
    *out = api->operations;
    return api->operations_n;
}

/* ---- media types */

static const struct {
    struct aps_str type;
    enum aps_api_kind kind;
} kinds[] = {
    {{"application/json", sizeof("application/json") - 1}, APS_API_JSON},
    {{"text/json", sizeof("text/json") - 1}, APS_API_JSON},
    {{"application/x-ndjson", sizeof("application/x-ndjson") - 1}, APS_API_NDJSON},
    {{"application/ndjson", sizeof("application/ndjson") - 1}, APS_API_NDJSON},
    {{"application/jsonl", sizeof("application/jsonl") - 1}, APS_API_NDJSON},
    {{"application/x-www-form-urlencoded", sizeof("application/x-www-form-urlencoded") - 1},
     APS_API_URLENCODED},
    {{"multipart/form-data", sizeof("multipart/form-data") - 1}, APS_API_MULTIPART},
    {{"application/xml", sizeof("application/xml") - 1}, APS_API_XML},
    {{"text/xml", sizeof("text/xml") - 1}, APS_API_XML},
};

static bool ends(struct aps_str text, struct aps_str end)
{
    return text.n >= end.n && memcmp(text.p + text.n - end.n, end.p, end.n) == 0;
}

enum aps_api_kind aps_api_kind_of(struct aps_str type)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (aps_str_eq(type, kinds[i].type))
            return kinds[i].kind;
    if (ends(type, APS_STR_LIT("+json")))
        return APS_API_JSON;
    return ends(type, APS_STR_LIT("+xml")) ? APS_API_XML : APS_API_BYTES;
}
