/* A GraphQL request, by POST as content or by GET as the query of its target (POS-20). */
#include "content.h"

static enum aps_reason reason_of(enum aps_graphql_fault fault)
{
    switch (fault) {
    case APS_GRAPHQL_OK:
        return APS_REASON_ALLOW;
    case APS_GRAPHQL_NOMEM:
    case APS_GRAPHQL_CRYPTO:
        return APS_REASON_INTERNAL;
    case APS_GRAPHQL_METHOD:
        return APS_REASON_GRAPHQL_METHOD;
    case APS_GRAPHQL_UNLISTED:
    case APS_GRAPHQL_MUTATION_OFF:
    case APS_GRAPHQL_SUBSCRIPTION_OFF:
    case APS_GRAPHQL_INTROSPECTION:
        return APS_REASON_GRAPHQL_REFUSED;
    default:
        return fault >= APS_GRAPHQL_BYTES ? APS_REASON_GRAPHQL_OVER : APS_REASON_GRAPHQL_MALFORMED;
    }
}

/* What is answered to the fault that `g` has just given. */
static enum aps_reason tell(struct mod_req *m, const struct aps_graphql *g,
                            enum aps_graphql_fault fault, enum aps_failures_in where)
{
    const struct aps_failures_place place = {.in = where};
    const enum aps_reason reason = reason_of(fault);
    struct aps_diag diag = {{0}};
    if (reason == APS_REASON_ALLOW || reason == APS_REASON_INTERNAL)
        return reason;
    const char *token = aps_graphql_fault_name(fault);
    aps_graphql_fault_explain(g, &diag);
    mod_content_fault(m, "graphql", token, g->fault_at);
    aps_failures_add(mod_content_failures(m), &place, token, diag.text, (struct aps_str){NULL, 0});
    return reason;
}

static struct aps_str query_of(const request_rec *r)
{
    return r->args != NULL ? aps_str(r->args) : (struct aps_str){"", 0};
}

enum aps_reason mod_stage_graphql_query(request_rec *r, struct mod_req *m,
                                        const struct mod_read *read)
{
    struct aps_graphql g;
    apr_pool_t *pool = NULL;
    if (apr_pool_create(&pool, r->pool) != APR_SUCCESS)
        return APS_REASON_INTERNAL;
    aps_graphql_init(&g, pool, mod_process.hash_key);
    enum aps_graphql_fault fault = aps_graphql_request_query(&g, query_of(r), &read->graphql);
    enum aps_reason reason = tell(m, &g, fault, APS_FAILURES_QUERY);
    apr_pool_destroy(pool);
    return reason;
}

/* Other types than these are none of GraphQL, also where ApiSecContentTypes lists them. */
static enum aps_reason judge_content(struct mod_req *m, struct aps_graphql *g, struct aps_str text,
                                     const struct mod_read *read, apr_pool_t *pool)
{
    struct aps_mediatype type;
    struct aps_jsonread reader;
    enum aps_reason reason = mod_content_type(m, &type);
    if (reason != APS_REASON_ALLOW)
        return reason;
    if (aps_mediatype_is(type.type, APS_STR_LIT("application/graphql")))
        return tell(m, g, aps_graphql_text(g, text, &read->graphql), APS_FAILURES_BODY);
    if (!aps_mediatype_is(type.type, APS_STR_LIT("application/json")) &&
        !aps_mediatype_is(type.type, APS_STR_LIT("application/*+json")))
        return APS_REASON_TYPE_UNLISTED;
    reason = mod_content_json(m, text, &read->caps, pool, &reader);
    if (reason != APS_REASON_ALLOW)
        return reason;
    return tell(m, g, aps_graphql_request_json(g, &reader, false, &read->graphql),
                APS_FAILURES_BODY);
}

enum aps_reason mod_stage_graphql_content(request_rec *r, struct mod_req *m, struct aps_str text,
                                          const struct mod_read *read, apr_pool_t *pool)
{
    struct aps_graphql g;
    aps_graphql_init(&g, pool, mod_process.hash_key);
    enum aps_graphql_fault fault = aps_graphql_request_none(&g, query_of(r), &read->graphql);
    return fault != APS_GRAPHQL_OK ? tell(m, &g, fault, APS_FAILURES_QUERY)
                                   : judge_content(m, &g, text, read, pool);
}
