/* request_body.c - bodies of JSON lines and of XML. */
#include "apisec/request_body.h"

#include <apr_strings.h>

#include "apisec/apixml.h"
#include "apisec/ndjson.h"

struct lines {
    const struct aps_api *api;
    uint32_t schema;
    struct aps_schema_judge *judge;
    struct aps_failures *failures;
};

static bool judge_line(void *ctx, const struct aps_jsonread *r, uint32_t line)
{
    struct lines *l = ctx;
    enum aps_schema_verdict verdict;
    char name[24];

    if (l->schema == APS_API_NO_SCHEMA)
        return true;
    verdict =
        aps_schema_judge(l->judge, aps_api_schemas(l->api), l->schema, r, aps_jsonread_root(r));
    if (verdict == APS_SCHEMA_VALID)
        return true;
    apr_snprintf(name, sizeof name, "line %" APR_UINT64_T_FMT, (uint64_t)line);
    aps_failures_add_verdict(
        l->failures, &(struct aps_failures_place){.in = APS_FAILURES_BODY, .name = aps_str(name)},
        l->judge, verdict);
    return false;
}

bool aps_request_body_lines(void *context, apr_pool_t *pool, const struct aps_api *api,
                            const struct aps_api_media *media, struct aps_str body,
                            struct aps_failures *failures)
{
    const struct aps_request_body *c = context;
    const struct aps_ndjson_options options = {.line = c->line,
                                               .lines_max = APS_REQUEST_BODY_LINES_MAX};
    struct lines lines = {api, media->schema, c->judge, failures};
    enum aps_ndjson_fault fault;
    struct aps_ndjson reader;
    struct aps_diag why = {{0}};

    aps_ndjson_init(&reader, pool, c->key, &options, judge_line, &lines);
    fault = aps_ndjson_feed(&reader, body);
    if (fault == APS_NDJSON_OK)
        fault = aps_ndjson_end(&reader);
    if (fault == APS_NDJSON_OK)
        return true;
    if (failures->n == 0) {
        aps_ndjson_fault_explain(&reader, &why);
        aps_failures_add(failures, &(struct aps_failures_place){.in = APS_FAILURES_BODY},
                         aps_ndjson_fault_name(fault), apr_pstrdup(pool, why.text),
                         (struct aps_str){NULL, 0});
    }
    return false;
}

bool aps_request_body_xml(void *context, apr_pool_t *pool, const struct aps_api *api,
                          const struct aps_api_media *media, struct aps_str body,
                          struct aps_failures *failures)
{
    const struct aps_request_body *c = context;
    struct aps_apixml_judge judge = {c->judge, c->xml, c->key};

    return aps_apixml_body(&judge, pool, api, media, body, failures);
}
