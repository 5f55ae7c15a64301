/* api_param.c - parameters and headers. */
#include "api_build.h"

#include <apr_strings.h>
#include <stdlib.h>

static const struct {
    const char *name;
    unsigned in; /* where it may stand: bits of enum aps_api_in */
} styles[] = {
    [APS_API_SIMPLE] = {"simple", 1u << APS_API_PATH | 1u << APS_API_HEADER},
    [APS_API_LABEL] = {"label", 1u << APS_API_PATH},
    [APS_API_MATRIX] = {"matrix", 1u << APS_API_PATH},
    [APS_API_FORM] = {"form", 1u << APS_API_QUERY | 1u << APS_API_COOKIE},
    [APS_API_SPACE] = {"spaceDelimited", 1u << APS_API_QUERY},
    [APS_API_PIPE] = {"pipeDelimited", 1u << APS_API_QUERY},
    [APS_API_DEEP] = {"deepObject", 1u << APS_API_QUERY},
};

static const char *const places[] = {
    [APS_API_PATH] = "path",
    [APS_API_QUERY] = "query",
    [APS_API_HEADER] = "header",
    [APS_API_COOKIE] = "cookie",
};

/* A parameter on its way into the block. */
struct param {
    struct aps_str name;
    uint32_t order; /* path ones by their place in the template */
    struct api_param_record record;
};

bool aps_api_param_style(struct aps_str name, enum aps_api_style *out)
{
    for (unsigned i = 0; i < sizeof styles / sizeof *styles; i++)
        if (aps_str_eq(name, aps_str(styles[i].name))) {
            *out = (enum aps_api_style)i;
            return true;
        }
    return false;
}

bool aps_api_param_fits(struct aps_str style, struct aps_str in)
{
    enum aps_api_style known;

    if (!aps_api_param_style(style, &known))
        return false;
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++)
        if (aps_str_eq(in, aps_str(places[i])))
            return (styles[known].in & 1u << i) != 0;
    return false;
}

static void flag(uint32_t *flags, bool on, uint32_t bit)
{
    *flags = on ? *flags | bit : *flags & ~bit;
}

static bool read_style(struct api_build *b, struct api_at at, struct api_param_record *r)
{
    const bool form = r->in == APS_API_QUERY || r->in == APS_API_COOKIE;
    enum aps_api_style style = form ? APS_API_FORM : APS_API_SIMPLE;
    struct aps_str text;
    bool explode;

    if (!aps_api_doc_text(b, at, "style", &text))
        return false;
    if (text.n > 0 && (!aps_api_param_style(text, &style) || (styles[style].in & 1u << r->in) == 0))
        return aps_api_build_fail(b, at, APS_ERR_FORMAT, "style \"%.*s\" is none of in %s",
                                  APS_STR_SHOW(text), places[r->in]);
    explode = style == APS_API_FORM;
    if (!aps_api_doc_flag(b, at, "explode", &explode))
        return false;
    r->style = style;
    flag(&r->flags, explode, API_EXPLODE);
    return true;
}

/* `content`: one media type in place of a style. */
static bool read_content(struct api_build *b, struct api_at content, struct api_param_record *r)
{
    const struct aps_jsonread_node *m = aps_jsonread_first(content.v);
    struct api_at media, schema;
    struct aps_str type;

    if (aps_jsonread_count(content.v) != 1)
        return aps_api_build_fail(b, content, APS_ERR_FORMAT, "want one media type");
    type = aps_api_media_type(b, aps_jsonread_str(&content.doc->reader, m));
    media = aps_api_doc_member(b, content, m);
    if (!aps_api_doc_resolve(b, &media))
        return false;
    aps_api_doc_any(b, media, "schema", &schema);
    if (aps_api_kind_of(type) == APS_API_JSON) {
        r->flags |= API_JSON_TEXT;
        return aps_api_build_schema(b, schema, &r->schema);
    }
    if (schema.v != NULL)
        aps_api_build_gap(b, media, "the schema of a parameter of type %.*s is not enforced",
                          APS_STR_SHOW(type));
    return true;
}

/* All but the name; `r->in` is set. */
static bool read_param(struct api_build *b, struct api_at at, struct api_param_record *r)
{
    struct api_at schema, content;
    bool required = r->in == APS_API_PATH, reserved = false, empty = false;

    r->schema = APS_API_NO_SCHEMA;
    if (!read_style(b, at, r) || !aps_api_doc_flag(b, at, "required", &required) ||
        !aps_api_doc_flag(b, at, "allowReserved", &reserved) ||
        !aps_api_doc_flag(b, at, "allowEmptyValue", &empty) ||
        !aps_api_doc_get(b, at, "content", APS_JSON_OBJECT, &content))
        return false;
    flag(&r->flags, required || r->in == APS_API_PATH, API_REQUIRED);
    flag(&r->flags, reserved && r->in == APS_API_QUERY, API_RESERVED);
    flag(&r->flags, empty && r->in == APS_API_QUERY, API_EMPTY);
    if (content.v != NULL)
        return read_content(b, content, r);
    aps_api_doc_any(b, at, "schema", &schema);
    return aps_api_build_schema(b, schema, &r->schema);
}

static struct aps_str lower(const struct api_build *b, struct aps_str text)
{
    char *to = apr_pmemdup(b->pool, text.p, text.n);

    for (size_t i = 0; i < text.n; i++)
        to[i] = text.p[i] >= 'A' && text.p[i] <= 'Z' ? (char)(text.p[i] | 0x20) : text.p[i];
    return (struct aps_str){to, text.n};
}

/* Headers that a description says nothing about, whatever it says. */
static bool is_ignored(struct aps_str name, bool response)
{
    static const struct aps_str request[] = {
        {"accept", 6}, {"content-type", 12}, {"authorization", 13}};

    return response ? aps_str_eq(name, request[1]) : aps_str_is_in(name, request, 3);
}

/* ---- of an operation */

static bool read_place(struct api_build *b, struct api_at at, uint32_t *out)
{
    struct aps_str text;

    if (!aps_api_doc_text(b, at, "in", &text))
        return false;
    for (uint32_t i = 0; i < sizeof places / sizeof *places; i++)
        if (aps_str_eq(text, aps_str(places[i]))) {
            *out = i;
            return true;
        }
    return aps_api_build_fail(b, at, APS_ERR_FORMAT,
                              "in \"%.*s\": want path, query, header or cookie",
                              APS_STR_SHOW(text));
}

static struct param *find(const apr_array_header_t *params, uint32_t in, struct aps_str name)
{
    for (int i = 0; i < params->nelts; i++) {
        struct param *p = &APR_ARRAY_IDX(params, i, struct param);

        if (p->record.in == in && aps_str_eq(p->name, name))
            return p;
    }
    return NULL;
}

static bool add_param(struct api_build *b, struct api_at at, apr_array_header_t *params)
{
    struct param p = {.order = 0}, *known;

    if (!aps_api_doc_resolve(b, &at) || !read_place(b, at, &p.record.in) ||
        !aps_api_doc_text(b, at, "name", &p.name))
        return false;
    if (p.name.n == 0)
        return aps_api_build_fail(b, at, APS_ERR_FORMAT, "want a name");
    if (p.record.in == APS_API_HEADER)
        p.name = lower(b, p.name);
    if (p.record.in == APS_API_HEADER && is_ignored(p.name, false))
        return true;
    if (!read_param(b, at, &p.record) || !aps_api_build_text(b, p.name, &p.record.name))
        return false;
    if ((known = find(params, p.record.in, p.name)) == NULL)
        known = apr_array_push(params);
    *known = p;
    return true;
}

/* Path parameters are those of the template, one for each. */
static bool order_params(struct api_build *b, struct api_at operation, struct aps_str path,
                         apr_array_header_t *params)
{
    struct aps_str names[APS_API_CAPTURES_MAX];
    uint32_t n = 0;
    struct param *p;

    if (aps_api_path_check(path, names, &n) != NULL)
        return aps_api_build_fail(b, operation, APS_ERR_FORMAT, "its path is none");
    for (uint32_t i = 0; i < n; i++) {
        if ((p = find(params, APS_API_PATH, names[i])) == NULL) {
            aps_api_build_gap(b, operation, "nothing is said of the path's {%.*s}",
                              APS_STR_SHOW(names[i]));
            p = apr_array_push(params);
            *p = (struct param){.name = names[i],
                                .record = {.in = APS_API_PATH,
                                           .style = APS_API_SIMPLE,
                                           .flags = API_REQUIRED,
                                           .schema = APS_API_NO_SCHEMA}};
            if (!aps_api_build_text(b, p->name, &p->record.name))
                return false;
        }
        p->order = i + 1;
    }
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct param *x = a, *y = b;

    if (x->record.in != y->record.in)
        return x->record.in < y->record.in ? -1 : 1;
    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return aps_str_compare(x->name, y->name);
}

static bool put_params(struct api_build *b, struct api_at operation, apr_array_header_t *params,
                       struct api_range *out)
{
    apr_array_header_t *records =
        apr_array_make(b->pool, params->nelts + 1, sizeof(struct api_param_record));

    qsort(params->elts, (size_t)params->nelts, sizeof(struct param), compare);
    for (int i = 0; i < params->nelts; i++) {
        const struct param *p = &APR_ARRAY_IDX(params, i, struct param);

        if (p->record.in == APS_API_PATH && p->order == 0) {
            aps_api_build_warn(b, operation, "{%.*s} is not in the path", APS_STR_SHOW(p->name));
            continue;
        }
        APR_ARRAY_PUSH(records, struct api_param_record) = p->record;
    }
    return aps_api_build_add(b, API_S_PARAMS, records, out);
}

bool aps_api_param_list(struct api_build *b, const struct api_at *lists, uint32_t n,
                        struct api_at operation, struct aps_str path, struct api_range *out)
{
    apr_array_header_t *params = apr_array_make(b->pool, 8, sizeof(struct param));

    for (uint32_t i = 0; i < n; i++) {
        const struct aps_jsonread_node *v;
        uint32_t at = 0;

        if (lists[i].v == NULL)
            continue;
        for (v = aps_jsonread_first(lists[i].v); v < aps_jsonread_end(lists[i].v);
             v = aps_jsonread_next(v), at++)
            if (!add_param(b, aps_api_doc_item(b, lists[i], at, v), params))
                return false;
    }
    return order_params(b, operation, path, params) && put_params(b, operation, params, out);
}

bool aps_api_param_headers(struct api_build *b, struct api_at map, struct api_range *out)
{
    apr_array_header_t *records = apr_array_make(b->pool, 4, sizeof(struct api_param_record));
    const struct aps_jsonread_node *m;

    if (map.v == NULL)
        return aps_api_build_add(b, API_S_PARAMS, records, out);
    for (m = aps_jsonread_first(map.v); m < aps_jsonread_end(map.v); m = aps_jsonread_next(m + 1)) {
        const struct aps_str name = lower(b, aps_jsonread_str(&map.doc->reader, m));
        struct api_param_record r = {.in = APS_API_HEADER};
        struct api_at at = aps_api_doc_member(b, map, m);

        if (is_ignored(name, true))
            continue;
        if (!aps_api_doc_resolve(b, &at) || !read_param(b, at, &r) ||
            !aps_api_build_text(b, name, &r.name))
            return false;
        APR_ARRAY_PUSH(records, struct api_param_record) = r;
    }
    return aps_api_build_add(b, API_S_PARAMS, records, out);
}
