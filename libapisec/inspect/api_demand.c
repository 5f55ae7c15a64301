/* api_demand.c - what a security requirement asks for is a scheme of the description. */
#include "api_check.h"

/* Whether some flow of the scheme has this scope. */
static bool has_scope(struct api_build *b, struct api_at scheme, struct aps_str scope, bool *out)
{
    const struct aps_jsonread_node *m;
    struct api_at flows, scopes;

    *out = false;
    if (!aps_api_doc_get(b, scheme, "flows", APS_JSON_OBJECT, &flows))
        return false;
    for (m = flows.v != NULL ? aps_jsonread_first(flows.v) : NULL;
         m != NULL && m < aps_jsonread_end(flows.v); m = aps_jsonread_next(m + 1)) {
        aps_api_doc_any(b, aps_api_doc_member(b, flows, m), "scopes", &scopes);
        *out |=
            scopes.v != NULL && aps_docindex_member(&scopes.doc->index, scopes.v, scope) != NULL;
    }
    return true;
}

/* Scopes are those of an OAuth 2 scheme; 3.0 has none with keys and passwords. */
static bool check_scopes(struct api_build *b, struct api_at list, struct api_at scheme)
{
    const struct aps_jsonread_node *v;
    struct aps_str type;
    bool found;

    if (!aps_api_doc_text(b, scheme, "type", &type))
        return false;
    if (b->old && aps_jsonread_count(list.v) > 0 && !aps_str_eq(type, APS_STR_LIT("oauth2")) &&
        !aps_str_eq(type, APS_STR_LIT("openIdConnect")))
        return aps_api_check_minor(b, list, "scopes are of oauth2 and openIdConnect");
    if (!aps_str_eq(type, APS_STR_LIT("oauth2")))
        return true;
    for (v = aps_jsonread_first(list.v); v < aps_jsonread_end(list.v); v = aps_jsonread_next(v)) {
        const struct aps_str scope = aps_jsonread_str(&list.doc->reader, v);

        if (!has_scope(b, scheme, scope, &found))
            return false;
        if (!found &&
            !aps_api_check_minor(b, list, "no flow has the scope \"%.*s\"", APS_STR_SHOW(scope)))
            return false;
    }
    return true;
}

bool aps_api_demand(struct api_build *b, struct api_at requirement)
{
    const struct aps_jsonread_node *m;
    struct api_at schemes;

    if (!aps_api_doc_get(b, b->components, "securitySchemes", APS_JSON_OBJECT, &schemes))
        return false;
    for (m = aps_jsonread_first(requirement.v); m < aps_jsonread_end(requirement.v);
         m = aps_jsonread_next(m + 1)) {
        const struct aps_str name = aps_jsonread_str(&requirement.doc->reader, m);
        struct api_at scheme = schemes;

        if (schemes.v != NULL)
            scheme.v = aps_docindex_member(&schemes.doc->index, schemes.v, name);
        if (scheme.v == NULL && !b->old && b->report == NULL)
            continue; /* as the examples of 3.1, which are parts of descriptions, have it */
        if (scheme.v == NULL)
            return aps_api_build_fail(b, requirement, APS_ERR_FORMAT,
                                      "there is no #/components/securitySchemes/%.*s",
                                      APS_STR_SHOW(name));
        if (!aps_api_doc_resolve(b, &scheme) ||
            !check_scopes(b, aps_api_doc_member(b, requirement, m), scheme))
            return false;
    }
    return true;
}
