/* api_callback.c - expressions such as {$request.body#/url} in the URLs of callbacks. */
#include "api_check.h"
#include "schema_build.h"

#define STEPS_MAX 1000 /* schemas looked at for one pointer */

/* ---- a pointer into bodies */

struct search {
    apr_array_header_t *items; /* struct place */
    bool found;
};

/* A schema, and what of the pointer is left there. */
struct place {
    struct api_at schema;
    struct aps_str rest;
};

static void push(struct search *s, struct api_at schema, struct aps_str rest)
{
    if (schema.v != NULL && s->items->nelts < STEPS_MAX)
        APR_ARRAY_PUSH(s->items, struct place) = (struct place){schema, rest};
}

static void push_list(const struct api_build *b, struct search *s, struct api_at schema,
                      const char *name, struct aps_str rest)
{
    const struct aps_jsonread_node *v;
    struct api_at list;

    aps_api_doc_any(b, schema, name, &list);
    if (list.v == NULL || aps_jsonread_kind(list.v) != APS_JSON_ARRAY)
        return;
    for (v = aps_jsonread_first(list.v); v < aps_jsonread_end(list.v); v = aps_jsonread_next(v))
        push(s, aps_api_doc_item(b, list, 0, v), rest);
}

/* A schema that says nothing of members has any. */
static bool is_open(struct api_at schema)
{
    static const char *const words[] = {"properties", "items", "allOf", "anyOf", "oneOf"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (aps_jsonread_get(&schema.doc->reader, schema.v, aps_str(words[i])) != NULL)
            return false;
    return true;
}

/* One step of the pointer, and the schemas beside it. */
static bool look(struct api_build *b, struct search *s, struct place p)
{
    struct aps_str token = p.rest, name;
    struct api_at properties, member, items;
    bool moved;

    if (aps_jsonread_kind(p.schema.v) != APS_JSON_OBJECT) {
        s->found = true;
        return true;
    }
    if (!aps_api_doc_step(b, &p.schema, &moved))
        return false;
    if (moved) {
        push(s, p.schema, p.rest);
        return true;
    }
    s->found |= p.rest.n == 0 || is_open(p.schema);
    push_list(b, s, p.schema, "allOf", p.rest);
    push_list(b, s, p.schema, "anyOf", p.rest);
    push_list(b, s, p.schema, "oneOf", p.rest);
    if (p.rest.n == 0)
        return true;
    token.n = 1;
    while (token.n < p.rest.n && p.rest.p[token.n] != '/')
        token.n++;
    p.rest = (struct aps_str){p.rest.p + token.n, p.rest.n - token.n};
    if (!aps_schema_find_token(b->pool, (struct aps_str){token.p + 1, token.n - 1}, &name))
        return true;
    aps_api_doc_any(b, p.schema, "properties", &properties);
    if (properties.v != NULL && aps_jsonread_kind(properties.v) == APS_JSON_OBJECT) {
        member = properties;
        member.v = aps_docindex_member(&properties.doc->index, properties.v, name);
        push(s, member, p.rest);
    }
    aps_api_doc_any(b, p.schema, "items", &items);
    push(s, items, p.rest);
    return true;
}

/* Whether some body of `holder`, a request body or response, may have the value. */
static bool find_body(struct api_build *b, struct api_at holder, struct aps_str pointer,
                      bool *io_found)
{
    struct search s = {.items = apr_array_make(b->pool, 8, sizeof(struct place))};
    const struct aps_jsonread_node *m;
    struct api_at content, schema;

    if (!aps_api_doc_resolve(b, &holder) ||
        !aps_api_doc_get(b, holder, "content", APS_JSON_OBJECT, &content))
        return false;
    for (m = content.v != NULL ? aps_jsonread_first(content.v) : NULL;
         m != NULL && m < aps_jsonread_end(content.v); m = aps_jsonread_next(m + 1)) {
        aps_api_doc_any(b, aps_api_doc_member(b, content, m), "schema", &schema);
        s.found |= schema.v == NULL;
        push(&s, schema, pointer);
    }
    for (int i = 0; i < s.items->nelts && !s.found; i++)
        if (!look(b, &s, APR_ARRAY_IDX(s.items, i, struct place)))
            return false;
    *io_found |= s.found || s.items->nelts == STEPS_MAX;
    return true;
}

/* ---- responses */

static bool find_header(struct api_build *b, struct api_at response, struct aps_str name,
                        bool *io_found)
{
    const struct aps_jsonread_node *m;
    struct api_at headers;

    if (!aps_api_doc_resolve(b, &response) ||
        !aps_api_doc_get(b, response, "headers", APS_JSON_OBJECT, &headers))
        return false;
    for (m = headers.v != NULL ? aps_jsonread_first(headers.v) : NULL;
         m != NULL && m < aps_jsonread_end(headers.v); m = aps_jsonread_next(m + 1))
        *io_found |= aps_str_eq_nocase(aps_jsonread_str(&headers.doc->reader, m), name);
    return true;
}

static bool find_response(struct api_build *b, struct api_at operation, struct aps_str what,
                          bool *io_found)
{
    const struct aps_jsonread_node *m;
    struct api_at responses;

    if (!aps_api_doc_get(b, operation, "responses", APS_JSON_OBJECT, &responses))
        return false;
    for (m = responses.v != NULL ? aps_jsonread_first(responses.v) : NULL;
         m != NULL && m < aps_jsonread_end(responses.v); m = aps_jsonread_next(m + 1)) {
        const struct api_at response = aps_api_doc_member(b, responses, m);

        if (aps_str_starts(aps_jsonread_str(&responses.doc->reader, m), APS_STR_LIT("x-")))
            continue;
        if (aps_str_starts(what, APS_STR_LIT("header."))
                ? !find_header(b, response, (struct aps_str){what.p + 7, what.n - 7}, io_found)
                : !find_body(b, response, (struct aps_str){what.p + 5, what.n - 5}, io_found))
            return false;
    }
    return true;
}

/* ---- expressions */

/* "$request.body#/a" without the $; what is not looked for counts as found. */
static bool find(struct api_build *b, struct api_at item, struct api_at operation,
                 struct aps_str what, bool *out_found)
{
    const bool request = aps_str_starts(what, APS_STR_LIT("request."));
    struct api_at body;

    *out_found = !request && !aps_str_starts(what, APS_STR_LIT("response."));
    if (*out_found)
        return true;
    what.p += request ? 8 : 9;
    what.n -= request ? 8 : 9;
    if (!request && (aps_str_starts(what, APS_STR_LIT("header.")) ||
                     aps_str_starts(what, APS_STR_LIT("body#/"))))
        return find_response(b, operation, what, out_found);
    if (request &&
        (aps_str_starts(what, APS_STR_LIT("query.")) || aps_str_starts(what, APS_STR_LIT("path."))))
        return aps_api_link_parameter(b, item, what, out_found) &&
               aps_api_link_parameter(b, operation, what, out_found);
    *out_found = !request || !aps_str_starts(what, APS_STR_LIT("body#/"));
    if (*out_found || !aps_api_doc_get(b, operation, "requestBody", APS_JSON_OBJECT, &body))
        return *out_found;
    return body.v == NULL ||
           find_body(b, body, (struct aps_str){what.p + 5, what.n - 5}, out_found);
}

static bool check_url(struct api_build *b, struct api_at item, struct api_at operation,
                      struct aps_str url)
{
    struct aps_str piece;
    bool is_name, found, whole = url.n > 0 && url.p[0] == '$';

    while (aps_api_path_next(&url, &piece, &is_name)) {
        if ((!is_name && !whole) || piece.n == 0 || piece.p[0] != '$')
            continue;
        if (!find(b, item, operation, (struct aps_str){piece.p + 1, piece.n - 1}, &found))
            return false;
        if (!found && !aps_api_check_minor(b, operation, "a callback: the operation has no %.*s",
                                           APS_STR_SHOW(piece)))
            return false;
    }
    return true;
}

bool aps_api_callback(struct api_build *b, struct api_at item, struct api_at operation)
{
    const struct aps_jsonread_node *m, *k;
    struct api_at callbacks;

    if (!aps_api_doc_get(b, operation, "callbacks", APS_JSON_OBJECT, &callbacks))
        return false;
    for (m = callbacks.v != NULL ? aps_jsonread_first(callbacks.v) : NULL;
         m != NULL && m < aps_jsonread_end(callbacks.v); m = aps_jsonread_next(m + 1)) {
        struct api_at callback = aps_api_doc_member(b, callbacks, m);

        if (!aps_api_doc_resolve(b, &callback))
            return false;
        for (k = aps_jsonread_first(callback.v); k < aps_jsonread_end(callback.v);
             k = aps_jsonread_next(k + 1))
            if (!check_url(b, item, operation, aps_jsonread_str(&callback.doc->reader, k)))
                return false;
    }
    return true;
}
