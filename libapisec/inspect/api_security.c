/* api_security.c - which credentials an operation asks for. */
#include "api_build.h"

#include <apr_strings.h>

static const struct {
    const char *type, *more; /* more: `in` of an apiKey */
    enum aps_api_scheme kind;
} kinds[] = {
    {"apiKey", "header", APS_API_KEY_HEADER}, {"apiKey", "query", APS_API_KEY_QUERY},
    {"apiKey", "cookie", APS_API_KEY_COOKIE}, {"http", "", APS_API_HTTP_OTHER},
    {"oauth2", "", APS_API_OAUTH2},           {"openIdConnect", "", APS_API_OPENID},
    {"mutualTLS", "", APS_API_MUTUAL_TLS},
};

static bool read_kind(struct api_build *b, struct api_at scheme, enum aps_api_scheme *out)
{
    struct aps_str type, in, http;

    if (!aps_api_doc_text(b, scheme, "type", &type) || !aps_api_doc_text(b, scheme, "in", &in) ||
        !aps_api_doc_text(b, scheme, "scheme", &http))
        return false;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!aps_str_eq(type, aps_str(kinds[i].type)) ||
            (kinds[i].more[0] != '\0' && !aps_str_eq(in, aps_str(kinds[i].more))))
            continue;
        *out = kinds[i].kind;
        if (*out == APS_API_HTTP_OTHER && aps_str_eq_nocase(http, APS_STR_LIT("basic")))
            *out = APS_API_HTTP_BASIC;
        if (*out == APS_API_HTTP_OTHER && aps_str_eq_nocase(http, APS_STR_LIT("bearer")))
            *out = APS_API_HTTP_BEARER;
        return true;
    }
    return aps_api_build_fail(b, scheme, APS_ERR_FORMAT,
                              "want type apiKey with in header, query or cookie, or http, oauth2, "
                              "openIdConnect or mutualTLS");
}

static bool read_scopes(struct api_build *b, struct api_at list, struct api_range *out)
{
    apr_array_header_t *texts = apr_array_make(b->pool, 4, sizeof(struct api_text));
    const struct aps_jsonread_node *v;
    struct api_text text;

    if (aps_jsonread_kind(list.v) != APS_JSON_ARRAY)
        return aps_api_build_fail(b, list, APS_ERR_FORMAT, "want an array");
    for (v = aps_jsonread_first(list.v); v < aps_jsonread_end(list.v); v = aps_jsonread_next(v)) {
        if (aps_jsonread_kind(v) != APS_JSON_STRING)
            return aps_api_build_fail(b, list, APS_ERR_FORMAT, "want strings");
        if (!aps_api_build_text(b, aps_jsonread_str(&list.doc->reader, v), &text))
            return false;
        APR_ARRAY_PUSH(texts, struct api_text) = text;
    }
    return aps_api_build_add(b, API_S_TEXTS, texts, out);
}

static bool read_need(struct api_build *b, struct api_at list, struct aps_str name,
                      struct api_need_record *out)
{
    struct api_at schemes, scheme = {.doc = NULL};
    enum aps_api_scheme kind = APS_API_HTTP_OTHER;
    struct aps_str field;

    if (!aps_api_doc_get(b, b->components, "securitySchemes", APS_JSON_OBJECT, &schemes))
        return false;
    if (schemes.v != NULL)
        aps_api_doc_any(b, schemes, apr_pstrmemdup(b->pool, name.p, name.n), &scheme);
    if (scheme.v == NULL)
        return aps_api_build_fail(b, list, APS_ERR_NOT_FOUND,
                                  "there is no #/components/securitySchemes/%.*s",
                                  APS_STR_SHOW(name));
    if (!aps_api_doc_resolve(b, &scheme) || !read_kind(b, scheme, &kind) ||
        !aps_api_doc_text(b, scheme, "name", &field) || !read_scopes(b, list, &out->scopes))
        return false;
    out->kind = kind;
    if (kind > APS_API_KEY_COOKIE)
        field.n = 0;
    return aps_api_build_text(b, name, &out->scheme) && aps_api_build_text(b, field, &out->name);
}

static bool read_way(struct api_build *b, struct api_at way, struct api_range *out)
{
    apr_array_header_t *needs = apr_array_make(b->pool, 2, sizeof(struct api_need_record));
    const struct aps_jsonread_node *m;

    if (aps_jsonread_kind(way.v) != APS_JSON_OBJECT)
        return aps_api_build_fail(b, way, APS_ERR_FORMAT, "want an object");
    for (m = aps_jsonread_first(way.v); m < aps_jsonread_end(way.v); m = aps_jsonread_next(m + 1)) {
        struct api_need_record need = {.kind = 0};

        if (!read_need(b, aps_api_doc_member(b, way, m), aps_jsonread_str(&way.doc->reader, m),
                       &need))
            return false;
        APR_ARRAY_PUSH(needs, struct api_need_record) = need;
    }
    return aps_api_build_add(b, API_S_NEEDS, needs, out);
}

bool aps_api_security(struct api_build *b, struct api_at list, struct api_range *out)
{
    apr_array_header_t *ways = apr_array_make(b->pool, 2, sizeof(struct api_range));
    const struct aps_jsonread_node *v;
    struct api_range needs;
    uint32_t i = 0;

    if (list.v == NULL)
        return aps_api_build_add(b, API_S_WAYS, ways, out);
    for (v = aps_jsonread_first(list.v); v < aps_jsonread_end(list.v);
         v = aps_jsonread_next(v), i++) {
        if (!read_way(b, aps_api_doc_item(b, list, i, v), &needs))
            return false;
        APR_ARRAY_PUSH(ways, struct api_range) = needs;
    }
    if (i == 0) /* an empty list takes away what the whole description asks for */
        APR_ARRAY_PUSH(ways, struct api_range) = (struct api_range){0, 0};
    return aps_api_build_add(b, API_S_WAYS, ways, out);
}
