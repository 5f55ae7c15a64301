/* api_operation.c - what an operation takes and gives. */
#include "api_build.h"

#include <apr_strings.h>
#include <stdlib.h>

#define EXTENSION "x-apisec-"

/* ---- extensions of ours */

static bool read_extensions(struct api_build *b, struct api_at at, struct api_operation_record *r)
{
    struct aps_str limit;
    struct api_at any;
    bool stream = false;

    aps_api_doc_any(b, at, EXTENSION "limit", &any);
    if (!aps_api_extension(b, at, API_EXTENSION_OPERATION) ||
        !aps_api_doc_text(b, at, EXTENSION "limit", &limit) ||
        !aps_api_doc_flag(b, at, EXTENSION "stream", &stream))
        return false;
    if (any.v != NULL && !aps_str_is_name(limit))
        return aps_api_build_fail(b, any, APS_ERR_FORMAT, "\"%.*s\": want the name of a plan",
                                  APS_STR_SHOW(limit));
    if (stream)
        r->flags |= API_STREAM;
    return aps_api_build_text(b, limit, &r->limit);
}

/* ---- responses */

static bool read_code(struct aps_str code, struct api_response_record *r)
{
    uint32_t from = 0;

    if (aps_str_eq(code, APS_STR_LIT("default"))) {
        r->from = 0;
        r->to = 999;
        return true;
    }
    if (code.n != 3 || code.p[0] < '1' || code.p[0] > '5')
        return false;
    if (code.p[1] == 'X' && code.p[2] == 'X') {
        r->from = (uint32_t)(code.p[0] - '0') * 100;
        r->to = r->from + 99;
        return true;
    }
    for (size_t i = 0; i < 3; i++) {
        if (code.p[i] < '0' || code.p[i] > '9')
            return false;
        from = from * 10 + (uint32_t)(code.p[i] - '0');
    }
    r->from = r->to = from;
    return true;
}

static bool read_response(struct api_build *b, struct api_at at, struct api_response_record *r)
{
    struct api_at content, headers;

    return aps_api_doc_resolve(b, &at) &&
           aps_api_doc_get(b, at, "content", APS_JSON_OBJECT, &content) &&
           aps_api_doc_get(b, at, "headers", APS_JSON_OBJECT, &headers) &&
           aps_api_media_list(b, content, false, &r->medias) &&
           aps_api_param_headers(b, headers, &r->headers);
}

static int compare_responses(const void *a, const void *b)
{
    const struct api_response_record *x = a, *y = b;

    if (x->to - x->from != y->to - y->from)
        return x->to - x->from < y->to - y->from ? -1 : 1;
    return x->from < y->from ? -1 : x->from > y->from;
}

static bool read_responses(struct api_build *b, struct api_at map, struct api_range *out)
{
    apr_array_header_t *records = apr_array_make(b->pool, 4, sizeof(struct api_response_record));
    const struct aps_jsonread_node *m;

    for (m = map.v != NULL ? aps_jsonread_first(map.v) : NULL;
         m != NULL && m < aps_jsonread_end(map.v); m = aps_jsonread_next(m + 1)) {
        const struct aps_str code = aps_jsonread_str(&map.doc->reader, m);
        struct api_response_record r = {.from = 0};

        if (aps_str_starts(code, APS_STR_LIT("x-")))
            continue;
        if (!read_code(code, &r))
            return aps_api_build_fail(b, map, APS_ERR_FORMAT,
                                      "\"%.*s\": want a status such as 200, 2XX or default",
                                      APS_STR_SHOW(code));
        if (!read_response(b, aps_api_doc_member(b, map, m), &r))
            return false;
        APR_ARRAY_PUSH(records, struct api_response_record) = r;
    }
    qsort(records->elts, (size_t)records->nelts, sizeof(struct api_response_record),
          compare_responses);
    return aps_api_build_add(b, API_S_RESPONSES, records, out);
}

/* ---- the operation */

static bool read_body(struct api_build *b, struct api_at at, struct api_operation_record *r)
{
    struct api_at body, content = {.doc = NULL};
    bool required = false;

    if (!aps_api_doc_get(b, at, "requestBody", APS_JSON_OBJECT, &body))
        return false;
    if (body.v != NULL &&
        (!aps_api_doc_resolve(b, &body) || !aps_api_doc_flag(b, body, "required", &required) ||
         !aps_api_doc_get(b, body, "content", APS_JSON_OBJECT, &content)))
        return false;
    if (required)
        r->flags |= API_REQUIRED;
    if (!aps_api_media_list(b, content, true, &r->bodies))
        return false;
    for (uint32_t i = 0; i < r->bodies.n; i++)
        if ((r->flags & API_STREAM) != 0 &&
            APR_ARRAY_IDX(b->part[API_S_MEDIAS], (int)(r->bodies.at + i), struct api_media_record)
                    .sanitize.n != 0)
            return aps_api_build_fail(b, at, APS_ERR_CONFLICT,
                                      "x-apisec-sanitize changes the body that x-apisec-stream "
                                      "passes as it comes");
    return true;
}

/* Path items that refer to each other come before the operation's own list. */
static bool read_params(struct api_build *b, struct aps_str path, struct api_at operation,
                        const struct api_at *items, uint32_t items_n, struct api_range *out)
{
    struct api_at *lists = apr_palloc(b->pool, (items_n + 1) * sizeof *lists);

    for (uint32_t i = 0; i < items_n; i++)
        if (!aps_api_doc_get(b, items[items_n - 1 - i], "parameters", APS_JSON_ARRAY, &lists[i]))
            return false;
    return aps_api_doc_get(b, operation, "parameters", APS_JSON_ARRAY, &lists[items_n]) &&
           aps_api_param_list(b, lists, items_n + 1, operation, path, out);
}

static bool read_id(struct api_build *b, struct api_at at, struct aps_str path,
                    struct api_operation_record *r)
{
    char method[APS_METHODS_TEXT_MAX];
    struct aps_str id;

    if (!aps_api_doc_text(b, at, "operationId", &id))
        return false;
    if (id.n == 0)
        id = aps_str(apr_psprintf(b->pool, "%s %.*s", aps_methods_print(r->method, method),
                                  APS_STR_ARG(path)));
    return aps_api_build_text(b, id, &r->id) && aps_api_build_text(b, path, &r->path);
}

bool aps_api_operation(struct api_build *b, struct aps_str path, enum aps_method method,
                       struct api_at operation, const struct api_at *items, uint32_t items_n,
                       apr_array_header_t *out)
{
    struct api_operation_record r = {.method = method};
    struct api_at responses, security, callbacks;
    bool deprecated = false;

    if (!read_id(b, operation, path, &r) || !read_extensions(b, operation, &r) ||
        !read_params(b, path, operation, items, items_n, &r.params) ||
        !read_body(b, operation, &r) ||
        !aps_api_doc_get(b, operation, "responses", APS_JSON_OBJECT, &responses) ||
        !aps_api_doc_get(b, operation, "security", APS_JSON_ARRAY, &security) ||
        !aps_api_doc_flag(b, operation, "deprecated", &deprecated))
        return false;
    if (security.v == NULL && !aps_api_doc_get(b, b->root, "security", APS_JSON_ARRAY, &security))
        return false;
    aps_api_doc_any(b, operation, "callbacks", &callbacks);
    if (callbacks.v != NULL)
        aps_api_build_gap(b, callbacks, "requests that the backend sends are not looked at");
    if (deprecated)
        r.flags |= API_DEPRECATED;
    if (!read_responses(b, responses, &r.responses) || !aps_api_security(b, security, &r.security))
        return false;
    APR_ARRAY_PUSH(out, struct api_operation_record) = r;
    return true;
}
