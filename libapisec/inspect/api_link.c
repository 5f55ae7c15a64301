/* api_link.c - links and callbacks, which nobody enforces, name what the description has. */
#include "api_check.h"

/* ---- the operation of a link */

/* The operation of this id below paths. */
static bool find_operation(struct api_build *b, struct aps_str id, struct api_at *out_item,
                           struct api_at *out, bool *out_any)
{
    const struct aps_jsonread_node *m, *k;
    struct aps_str known;
    struct api_at paths;

    *out_any = false;
    out->v = NULL;
    aps_api_doc_any(b, b->root, "paths", &paths);
    if (paths.v == NULL)
        return true;
    for (m = aps_jsonread_first(paths.v); m < aps_jsonread_end(paths.v);
         m = aps_jsonread_next(m + 1)) {
        const struct api_at item = aps_api_doc_member(b, paths, m);

        if (aps_jsonread_kind(item.v) != APS_JSON_OBJECT)
            continue;
        for (k = aps_jsonread_first(item.v); k < aps_jsonread_end(item.v);
             k = aps_jsonread_next(k + 1)) {
            const struct api_at operation = {item.doc, k + 1, item.pointer};

            if (aps_jsonread_kind(k + 1) != APS_JSON_OBJECT)
                continue;
            *out_any = true;
            if (!aps_api_doc_text(b, operation, "operationId", &known))
                return false;
            if (known.n > 0 && aps_str_eq(known, id)) {
                *out_item = item;
                *out = operation;
                return true;
            }
        }
    }
    return true;
}

bool aps_api_link_parameters(struct api_build *b, struct api_at holder, api_parameter_fn fn,
                             void *arg)
{
    const struct aps_jsonread_node *v;
    struct aps_str name, in;
    struct api_at list;
    uint32_t i = 0;

    if (!aps_api_doc_get(b, holder, "parameters", APS_JSON_ARRAY, &list))
        return false;
    if (list.v == NULL)
        return true;
    for (v = aps_jsonread_first(list.v); v < aps_jsonread_end(list.v);
         v = aps_jsonread_next(v), i++) {
        struct api_at at = aps_api_doc_item(b, list, i, v);

        if (!aps_api_doc_resolve(b, &at) || !aps_api_doc_text(b, at, "name", &name) ||
            !aps_api_doc_text(b, at, "in", &in) || !fn(b, at, in, name, arg))
            return false;
    }
    return true;
}

struct search {
    struct aps_str name; /* or its place, a dot and its name */
    bool found;
};

static bool match(struct api_build *b, struct api_at at, struct aps_str in, struct aps_str name,
                  void *arg)
{
    struct search *s = arg;

    (void)b;
    (void)at;
    s->found |=
        aps_str_eq(s->name, name) ||
        (s->name.n == in.n + 1 + name.n && aps_str_starts(s->name, in) && s->name.p[in.n] == '.' &&
         aps_str_eq((struct aps_str){s->name.p + in.n + 1, name.n}, name));
    return true;
}

bool aps_api_link_parameter(struct api_build *b, struct api_at holder, struct aps_str name,
                            bool *io_found)
{
    struct search s = {name, false};

    if (!aps_api_link_parameters(b, holder, match, &s))
        return false;
    *io_found |= s.found;
    return true;
}

bool aps_api_link(struct api_build *b, struct api_at link)
{
    const struct aps_jsonread_node *m;
    struct api_at item, operation, parameters;
    struct aps_str id;
    bool any;

    if (!aps_api_doc_text(b, link, "operationId", &id) ||
        !aps_api_doc_get(b, link, "parameters", APS_JSON_OBJECT, &parameters))
        return false;
    if (id.n == 0)
        return true;
    if (!find_operation(b, id, &item, &operation, &any))
        return false;
    if (operation.v == NULL) /* of 3.1, it may be that of another document */
        return !any || !b->old ||
               aps_api_check_minor(b, link, "there is no operation \"%.*s\"", APS_STR_SHOW(id));
    for (m = parameters.v != NULL ? aps_jsonread_first(parameters.v) : NULL;
         m != NULL && m < aps_jsonread_end(parameters.v); m = aps_jsonread_next(m + 1)) {
        const struct aps_str name = aps_jsonread_str(&parameters.doc->reader, m);
        bool found = false;

        if (!aps_api_link_parameter(b, item, name, &found) ||
            !aps_api_link_parameter(b, operation, name, &found))
            return false;
        if (!found && !aps_api_check_minor(b, parameters, "\"%.*s\" is no parameter of %.*s",
                                           APS_STR_SHOW(name), APS_STR_SHOW(id)))
            return false;
    }
    return true;
}
