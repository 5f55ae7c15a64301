/* stage_url.c - fields that have to be URLs of a list, where a section says so (POS-23). */
#include "content.h"

#define PAIRS_MAX 10000 /* of a query; httpd's line is shorter than so many are */

enum aps_reason mod_stage_url_value(const struct mod_values *by, const struct aps_jsonread *reader)
{
    if (by->urls == NULL)
        return APS_REASON_ALLOW;
    enum aps_schema_verdict verdict =
        aps_schema_judge(by->judge, by->urls, 0, reader, aps_jsonread_root(reader));
    if (verdict == APS_SCHEMA_VALID)
        return APS_REASON_ALLOW;
    if (verdict == APS_SCHEMA_NOMEM)
        return APS_REASON_INTERNAL;
    mod_content_fail_schema(by->m, by->judge, verdict);
    return APS_REASON_URL_REFUSED;
}

/* ---- The query ---- */

static enum aps_reason unread(struct mod_req *m, const struct aps_urlencoded *query,
                              enum aps_urlencoded_fault fault)
{
    static const struct aps_failures_place place = {.in = APS_FAILURES_QUERY};
    const char *token = aps_urlencoded_fault_name(fault);
    mod_content_fault(m, "query", token, query->at);
    aps_failures_add(mod_content_failures(m), &place, token, aps_urlencoded_fault_text(fault),
                     (struct aps_str){NULL, 0});
    return APS_REASON_URL_REFUSED;
}

static enum aps_reason judge_object(struct mod_req *m, const struct aps_schema_image *image,
                                    const struct aps_jsonread *reader, apr_pool_t *pool)
{
    struct aps_schema_judge *judge = aps_schema_judge_new(pool, &aps_schema_judge_usual);
    if (judge == NULL)
        return APS_REASON_INTERNAL;
    enum aps_schema_verdict verdict =
        aps_schema_judge(judge, image, 0, reader, aps_jsonread_root(reader));
    if (verdict == APS_SCHEMA_VALID)
        return APS_REASON_ALLOW;
    if (verdict == APS_SCHEMA_NOMEM)
        return APS_REASON_INTERNAL;
    mod_content_fail_query(m, judge, verdict);
    return APS_REASON_URL_REFUSED;
}

/* Each parameter of the name, however often it stands: nobody knows which one the handler takes. */
static enum aps_reason judge_text(struct mod_req *m, const struct aps_schema_image *image,
                                  struct aps_str text, apr_pool_t *pool)
{
    const struct aps_urlencoded_options options = {PAIRS_MAX, UINT32_MAX, true};
    struct aps_urlencoded query;
    struct aps_jsonread reader;
    enum aps_urlencoded_fault fault = aps_urlencoded_read(text, &options, pool, &query);
    if (fault != APS_URLENCODED_OK)
        return unread(m, &query, fault);
    aps_jsonread_init(&reader, pool, mod_process.hash_key);
    return mod_stage_url_object(&query, &reader) ? judge_object(m, image, &reader, pool)
                                                 : APS_REASON_INTERNAL;
}

static enum aps_reason judge_query(struct mod_req *m, const struct aps_schema_image *image,
                                   struct aps_str text, apr_pool_t *pool)
{
    struct aps_str other;
    if (!aps_urlfield_semicolons(text, pool, &other))
        return APS_REASON_INTERNAL;
    enum aps_reason reason = judge_text(m, image, text, pool);
    return reason == APS_REASON_ALLOW ? judge_text(m, image, other, pool) : reason;
}

enum aps_reason mod_stage_url_query(request_rec *r, struct mod_req *m, const struct mod_urls *urls)
{
    const struct aps_schema_image *image = mod_urls_query(urls);
    apr_pool_t *pool = NULL;
    if (image == NULL || r->args == NULL)
        return APS_REASON_ALLOW;
    if (apr_pool_create(&pool, r->pool) != APR_SUCCESS)
        return APS_REASON_INTERNAL;
    enum aps_reason reason = judge_query(m, image, aps_str(r->args), pool);
    apr_pool_destroy(pool);
    return reason;
}

/* ---- Pairs ---- */

bool mod_stage_url_object(const struct aps_urlencoded *pairs, struct aps_jsonread *reader)
{
    struct aps_urlfield_value *values = apr_palloc(reader->pool, (pairs->n + 1) * sizeof *values);
    for (size_t i = 0; i < pairs->n; i++) {
        values[i] = (struct aps_urlfield_value){pairs->pairs[i].name, pairs->pairs[i].value};
        if (values[i].value.p == NULL)
            values[i].value = APS_STR_LIT("");
    }
    return aps_urlfield_object(values, pairs->n, reader) == APS_JSONREAD_OK;
}
