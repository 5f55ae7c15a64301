/* api_compile.c - a description in, a block out: the order in which all is done. */
#include "apisec/api_compile.h"

#include <stdlib.h>

#include "api_build.h"

#define ITEMS_MAX 16 /* path items that refer to each other */

#define DIALECT "https://spec.openapis.org/oas/3.1/dialect/"
#define STANDARD "https://json-schema.org/draft/2020-12/schema"

static const struct {
    const char *name;
    enum aps_method method; /* NONE: known to OpenAPI and never let through */
} methods[] = {
    {"get", APS_METHOD_GET},       {"put", APS_METHOD_PUT},         {"post", APS_METHOD_POST},
    {"delete", APS_METHOD_DELETE}, {"options", APS_METHOD_OPTIONS}, {"head", APS_METHOD_HEAD},
    {"patch", APS_METHOD_PATCH},   {"trace", APS_METHOD_NONE},
};

/* ---- the root */

/* "3.0.3": the line that it begins with. */
static bool is_of(struct aps_str version, struct aps_str line)
{
    return aps_str_starts(version, line) && version.n > line.n;
}

static bool read_dialect(struct api_build *b)
{
    struct aps_str uri;

    b->dialect = b->old ? APS_SCHEMA_OAS30 : APS_SCHEMA_OAS31;
    if (b->old)
        return true;
    if (!aps_api_doc_text(b, b->root, "jsonSchemaDialect", &uri))
        return false;
    if (uri.n == 0 || aps_str_starts(uri, APS_STR_LIT(DIALECT)))
        return true;
    if (aps_str_eq(uri, APS_STR_LIT(STANDARD)))
        b->dialect = APS_SCHEMA_2020_12;
    else if (b->report != NULL)
        return aps_api_build_fail(b, b->root, APS_ERR_FORMAT,
                                  "jsonSchemaDialect \"%.*s\": want %sbase or %s",
                                  APS_STR_SHOW(uri), DIALECT, STANDARD);
    return true;
}

bool aps_api_compile_head(struct api_build *b)
{
    struct aps_str openapi, title, version;
    struct api_at info;

    if (!aps_api_doc_text(b, b->root, "openapi", &openapi) ||
        !aps_api_doc_get(b, b->root, "info", APS_JSON_OBJECT, &info) ||
        !aps_api_doc_text(b, info, "title", &title) ||
        !aps_api_doc_text(b, info, "version", &version) ||
        !aps_api_doc_get(b, b->root, "components", APS_JSON_OBJECT, &b->components))
        return false;
    b->old = is_of(openapi, APS_STR_LIT("3.0."));
    if (!b->old && !is_of(openapi, APS_STR_LIT("3.1.")))
        return aps_api_build_fail(b, b->root, APS_ERR_FORMAT,
                                  "openapi \"%.*s\": want a version of 3.0 or 3.1, such as 3.1.0",
                                  APS_STR_SHOW(openapi));
    return read_dialect(b) && aps_api_build_text(b, title, &b->head.title) &&
           aps_api_build_text(b, version, &b->head.info_version);
}

/* ---- paths */

/* The item and those that it refers to. */
static bool read_chain(struct api_build *b, struct api_at item, struct api_at items[ITEMS_MAX],
                       uint32_t *out_n)
{
    bool moved = true;

    for (*out_n = 0; moved; ++*out_n) {
        if (*out_n == ITEMS_MAX)
            return aps_api_build_fail(b, items[0], APS_ERR_FORMAT,
                                      "$ref leads in a circle, or over more than %d others",
                                      ITEMS_MAX);
        items[*out_n] = item;
        if (!aps_api_extension(b, item, API_EXTENSION_NONE) || !aps_api_doc_step(b, &item, &moved))
            return false;
    }
    return true;
}

static bool read_item(struct api_build *b, struct aps_str path, struct api_at item,
                      apr_array_header_t *out)
{
    struct api_at items[ITEMS_MAX], at = {.doc = NULL};
    uint32_t n;

    if (aps_jsonread_kind(item.v) != APS_JSON_OBJECT)
        return aps_api_build_fail(b, item, APS_ERR_FORMAT, "want an object");
    if (!read_chain(b, item, items, &n))
        return false;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        at.v = NULL;
        for (uint32_t k = 0; k < n && at.v == NULL; k++)
            if (!aps_api_doc_get(b, items[k], methods[i].name, APS_JSON_OBJECT, &at))
                return false;
        if (at.v == NULL)
            continue;
        if (methods[i].method == APS_METHOD_NONE)
            aps_api_build_warn(b, at, "TRACE is never let through");
        else if (!aps_api_operation(b, path, methods[i].method, at, items, n, out))
            return false;
    }
    return true;
}

static bool read_paths(struct api_build *b, apr_array_header_t *out)
{
    const struct aps_jsonread_node *m;
    struct aps_str names[APS_API_CAPTURES_MAX];
    struct api_at paths;
    const char *wrong;
    uint32_t n;

    if (!aps_api_doc_get(b, b->root, "paths", APS_JSON_OBJECT, &paths))
        return false;
    for (m = paths.v != NULL ? aps_jsonread_first(paths.v) : NULL;
         m != NULL && m < aps_jsonread_end(paths.v); m = aps_jsonread_next(m + 1)) {
        const struct aps_str path = aps_jsonread_str(&paths.doc->reader, m);
        const struct api_at item = aps_api_doc_member(b, paths, m);

        if (aps_str_starts(path, APS_STR_LIT("x-")))
            continue;
        if ((wrong = aps_api_path_check(path, names, &n)) != NULL)
            return aps_api_build_fail(b, item, APS_ERR_FORMAT, "%s", wrong);
        if (memchr(path.p, '?', path.n) != NULL || memchr(path.p, '#', path.n) != NULL)
            aps_api_build_warn(b, item, "a path with ? or # is that of no request");
        if (!read_item(b, path, item, out))
            return false;
    }
    return true;
}

/* ---- all */

/* What is listed once and not enforced. */
static void list_gaps(struct api_build *b)
{
    struct api_at at;

    aps_api_doc_any(b, b->root, "webhooks", &at);
    if (at.v != NULL)
        aps_api_build_gap(b, at, "requests that the backend sends are not looked at");
    aps_api_doc_any(b, b->components, "links", &at);
    if (at.v != NULL)
        aps_api_build_gap(b, at, "links are not looked at");
}

static bool compile_schemas(struct api_build *b, struct aps_str *out)
{
    const struct aps_schema_compile what = {
        .sources = b->sources,
        .sources_n = b->docs_n,
        .entries = (const struct aps_schema_entry *)b->entries->elts,
        .entries_n = (uint32_t)b->entries->nelts,
        .dialect = b->dialect,
        .formats = b->options->formats,
        .content = b->options->formats && !b->old,
        .notes = b->report->warnings,
    };

    b->err = aps_schema_compile(&what, b->pool, out, b->report->gaps, b->diag);
    return b->err == APS_OK;
}

/* Paths in the order of their bytes. */
struct sorting {
    struct aps_str path;
    struct api_operation_record record;
};

static int compare(const void *a, const void *b)
{
    const struct sorting *x = a, *y = b;
    const int order = aps_str_compare(x->path, y->path);

    return order != 0 ? order : x->record.method < y->record.method ? -1 : 1;
}

static bool put_operations(struct api_build *b, apr_array_header_t *records)
{
    const size_t n = (size_t)records->nelts;
    struct sorting *list = apr_palloc(b->pool, (n + 1) * sizeof *list);
    struct aps_api_operation *operations = apr_pcalloc(b->pool, (n + 1) * sizeof *operations);
    struct aps_api tree = {.operations = operations, .operations_n = (uint32_t)n};
    struct api_range range;

    for (size_t i = 0; i < n; i++) {
        list[i].record = APR_ARRAY_IDX(records, (int)i, struct api_operation_record);
        list[i].path = (struct aps_str){b->bytes.p + list[i].record.path.at, list[i].record.path.n};
    }
    qsort(list, n, sizeof *list, compare);
    for (size_t i = 0; i < n; i++) {
        APR_ARRAY_IDX(records, (int)i, struct api_operation_record) = list[i].record;
        operations[i].path = list[i].path;
    }
    if ((b->err = aps_api_tree(&tree, b->pool, b->diag)) != APS_OK)
        return false; /* two paths are the same */
    return aps_api_build_add(b, API_S_OPERATIONS, records, &range);
}

static bool make(struct api_build *b, apr_pool_t *pool, struct aps_str *out)
{
    apr_array_header_t *operations =
        apr_array_make(b->pool, 64, sizeof(struct api_operation_record));
    struct aps_str schemas;

    if (!aps_api_build_begin(b) || !aps_api_doc_read(b) || !aps_api_compile_head(b) ||
        (!b->options->loose && !aps_api_check_all(b)) ||
        !aps_api_extension(b, b->root, API_EXTENSION_NONE) || !read_paths(b, operations) ||
        !put_operations(b, operations))
        return false;
    list_gaps(b);
    aps_api_sanitize_list(b);
    return compile_schemas(b, &schemas) && aps_api_url(b, schemas) &&
           aps_api_build_finish(b, schemas, pool, out);
}

/* What is needed only for compiling lives in a pool of its own. */
enum aps_err aps_api_compile(const struct aps_schema_source *sources, uint32_t n,
                             const struct aps_api_options *options, apr_pool_t *pool,
                             struct aps_str *out_block, struct aps_api_report *report,
                             struct aps_diag *diag)
{
    struct api_build b = {.options = options,
                          .sources = sources,
                          .docs_n = n,
                          .report = report,
                          .diag = diag,
                          .err = APS_OK};
    struct aps_str block;

    report->gaps = apr_array_make(pool, 8, sizeof(const char *));
    report->warnings = apr_array_make(pool, 8, sizeof(const char *));
    if (n == 0 || apr_pool_create(&b.pool, pool) != APR_SUCCESS)
        return n == 0 ? APS_ERR_FORMAT : APS_ERR_NOMEM;
    if (make(&b, pool, &block))
        *out_block = block;
    else if (b.err == APS_OK)
        b.err = APS_ERR_NOMEM;
    apr_pool_destroy(b.pool);
    return b.err;
}
