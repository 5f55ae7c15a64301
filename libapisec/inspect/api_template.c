/* api_template.c - names in templates, of paths and servers, are those that the description has. */
#include "api_check.h"

static bool is_method(struct aps_str name)
{
    static const struct aps_str methods[] = {{"get", 3},    {"put", 3},  {"post", 4},
                                             {"delete", 6}, {"head", 4}, {"options", 7},
                                             {"patch", 5},  {"trace", 5}};

    return aps_str_is_in(name, methods, sizeof methods / sizeof *methods);
}

struct names {
    const struct aps_str *of;
    uint32_t n;
};

static bool check_parameter(struct api_build *b, struct api_at at, struct aps_str in,
                            struct aps_str name, void *arg)
{
    const struct names *names = arg;

    if (!aps_str_eq(in, APS_STR_LIT("path")) || aps_str_is_in(name, names->of, names->n))
        return true;
    return aps_api_build_fail(b, at, APS_ERR_FORMAT, "{%.*s} is not in the path",
                              APS_STR_SHOW(name));
}

/* Each path parameter of the list is a name of the template. */
static bool check_declared(struct api_build *b, struct api_at holder, const struct aps_str *names,
                           uint32_t n)
{
    struct names all = {names, n};

    return aps_api_link_parameters(b, holder, check_parameter, &all);
}

/* Each name of the template is a parameter of the path item or the operation. */
static bool check_operation(struct api_build *b, struct api_at item, struct api_at operation,
                            const struct aps_str *names, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct aps_str want = {NULL, names[i].n + 5};
        char *text = apr_palloc(b->pool, want.n);
        bool found = false;

        memcpy(text, "path.", 5);
        memcpy(text + 5, names[i].p, names[i].n);
        want.p = text;
        if (!aps_api_link_parameter(b, item, want, &found) ||
            !aps_api_link_parameter(b, operation, want, &found))
            return false;
        if (!found)
            return aps_api_build_fail(b, operation, APS_ERR_FORMAT,
                                      "nothing is said of the path's {%.*s}",
                                      APS_STR_SHOW(names[i]));
    }
    return check_declared(b, operation, names, n);
}

bool aps_api_template_item(struct api_build *b, struct aps_str path, struct api_at item)
{
    struct aps_str names[APS_API_CAPTURES_MAX];
    const struct aps_jsonread_node *m;
    uint32_t n;

    /* The compiler says it itself, and the examples of 3.1 do not mind; what an item elsewhere has
     * depends on who refers to it. */
    if (b->report != NULL || !b->old || aps_jsonread_kind(item.v) != APS_JSON_OBJECT ||
        aps_jsonread_get(&item.doc->reader, item.v, APS_STR_LIT("$ref")) != NULL ||
        aps_api_path_check(path, names, &n) != NULL)
        return true;
    if (!check_declared(b, item, names, n))
        return false;
    for (m = aps_jsonread_first(item.v); m < aps_jsonread_end(item.v); m = aps_jsonread_next(m + 1))
        if (is_method(aps_jsonread_str(&item.doc->reader, m)) &&
            !check_operation(b, item, aps_api_doc_member(b, item, m), names, n))
            return false;
    return true;
}

bool aps_api_template_server(struct api_build *b, struct api_at server)
{
    struct aps_str url, piece;
    struct api_at variables;
    bool is_name;

    if (!aps_api_doc_text(b, server, "url", &url) ||
        !aps_api_doc_get(b, server, "variables", APS_JSON_OBJECT, &variables))
        return false;
    while (aps_api_path_next(&url, &piece, &is_name))
        if (is_name && (variables.v == NULL ||
                        aps_jsonread_get(&variables.doc->reader, variables.v, piece) == NULL))
            return aps_api_check_minor(b, server, "{%.*s} is none of its variables",
                                       APS_STR_SHOW(piece));
    return true;
}
