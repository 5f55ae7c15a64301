/* store_api_compile.c - a bundle of documents -> the block that is published of it. */
#include "apisec/store_api.h"

#include <apr_strings.h>

#include "apisec/api.h"
#include "apisec/api_compile.h"
#include "apisec/jsonread.h"
#include "own.h"
#include "xsd_block.h"

/* ---- bounds ---- */

static enum aps_err check_bounds(const struct aps_store_api_bundle *bundle, struct aps_diag *diag)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < bundle->n; i++) {
        bytes += bundle->sources[i].text.n;
        if (bundle->sources[i].text.n != 0)
            continue;
        aps_err_explain(diag, "document \"%.*s\" is empty", APS_STR_SHOW(bundle->sources[i].uri));
        return APS_ERR_FORMAT;
    }
    if (bundle->n >= 1 && bundle->n <= APS_STORE_API_SOURCES_MAX && bytes <= APS_STORE_API_TEXT_MAX)
        return APS_OK;
    aps_err_explain(diag,
                    "a bundle of %u documents with %llu bytes: want 1 to %d documents of at "
                    "most %d bytes together",
                    bundle->n, (unsigned long long)bytes, APS_STORE_API_SOURCES_MAX,
                    APS_STORE_API_TEXT_MAX);
    return APS_ERR_RANGE;
}

/* As much of a text as is kept, and no part of a character. */
static struct aps_str shorten(struct aps_str text)
{
    size_t n = 0, step = 1;

    while (n < text.n && step != 0 && n + step <= APS_STORE_API_TITLE_MAX) {
        step = aps_str_utf8((struct aps_str){text.p + n, text.n - n});
        if (step != 0 && n + step <= APS_STORE_API_TITLE_MAX)
            n += step;
    }
    return (struct aps_str){text.p, n};
}

/* ---- kinds ---- */

/* The text of this name of the outermost object; empty: there is none. */
static struct aps_str member_of(struct aps_str text, struct aps_str name, apr_pool_t *pool)
{
    static const unsigned char key[APS_SIPHASH_KEY_LEN]; /* the administrator's own file */
    const struct aps_jsonread_node *value;
    struct aps_jsonread r;

    aps_jsonread_init(&r, pool, key);
    if (aps_jsonread(&r, text, &aps_jsonread_plain) != APS_JSONREAD_OK)
        return (struct aps_str){NULL, 0};
    value = aps_jsonread_get(&r, aps_jsonread_root(&r), name);
    if (value == NULL || aps_jsonread_kind(value) != APS_JSON_STRING)
        return (struct aps_str){NULL, 0};
    return aps_jsonread_str(&r, value);
}

/* A file beside a description has parts of it, unless it says that it is a schema itself. */
static const struct aps_schema_source *tell_documents(const struct aps_store_api_bundle *bundle,
                                                      apr_pool_t *pool)
{
    struct aps_schema_source *sources =
        apr_pmemdup(pool, bundle->sources, bundle->n * sizeof *sources);

    for (uint32_t i = 0; i < bundle->n; i++)
        sources[i].document =
            i == 0 || (member_of(sources[i].text, APS_STR_LIT("$id"), pool).n == 0 &&
                       member_of(sources[i].text, APS_STR_LIT("$schema"), pool).n == 0);
    return sources;
}

static enum aps_err compile_openapi(const struct aps_store_api_bundle *bundle, apr_pool_t *pool,
                                    struct aps_store_api_made *made, struct aps_diag *diag)
{
    const struct aps_api_options options = {.formats = true};
    const struct aps_api *api = NULL;
    struct aps_api_report report;
    enum aps_err err = aps_api_compile(tell_documents(bundle, pool), bundle->n, &options, pool,
                                       &made->block, &report, diag);

    /* Opened as a child does it: what cannot be used is not taken. */
    if (err != APS_OK || (err = aps_api_open(pool, made->block, &api, diag)) != APS_OK)
        return err;
    made->title = aps_api_title(api);
    made->version = aps_api_version(api);
    made->gaps = report.gaps;
    made->warnings = report.warnings;
    return APS_OK;
}

static enum aps_err compile_schema(const struct aps_store_api_bundle *bundle, apr_pool_t *pool,
                                   struct aps_store_api_made *made, struct aps_diag *diag)
{
    const struct aps_schema_compile what = {
        .sources = bundle->sources,
        .sources_n = bundle->n,
        .dialect = APS_SCHEMA_2020_12,
        .formats = true,
    };

    made->title = member_of(bundle->sources[0].text, APS_STR_LIT("title"), pool);
    /* All that it warns of is unknown, and asks nothing. */
    return aps_schema_compile(&what, pool, &made->block, made->gaps, diag);
}

/* Each process compiles the texts itself; that they can be compiled is found out here. */
static enum aps_err compile_xsd(const struct aps_store_api_bundle *bundle, apr_pool_t *pool,
                                struct aps_store_api_made *made, struct aps_diag *diag)
{
    const struct aps_xsd_source *sources = NULL;
    const struct aps_xsd *xsd = NULL;
    uint32_t n = 0;
    enum aps_err err;

    made->block = aps_xsd_block_write(bundle->sources, bundle->n, APS_STORE_API_ROOT, pool);
    if ((err = aps_xsd_block_read(made->block, pool, &sources, &n)) != APS_OK)
        return err;
    aps_xml_start(); /* who changes a store has one thread */
    return aps_xsd_compile(sources, n, pool, &xsd, diag);
}

typedef enum aps_err (*compile_fn)(const struct aps_store_api_bundle *bundle, apr_pool_t *pool,
                                   struct aps_store_api_made *made, struct aps_diag *diag);

static const compile_fn compilers[] = {
    [APS_STORE_API_OPENAPI] = compile_openapi,
    [APS_STORE_API_SCHEMA] = compile_schema,
    [APS_STORE_API_XSD] = compile_xsd,
};

enum aps_err aps_store_api_compile(const struct aps_store_api_bundle *bundle, apr_pool_t *pool,
                                   struct aps_store_api_made *out, struct aps_diag *diag)
{
    struct aps_store_api_made made = {.gaps = apr_array_make(pool, 4, sizeof(const char *)),
                                      .warnings = apr_array_make(pool, 4, sizeof(const char *))};
    enum aps_err err;

    if ((size_t)bundle->kind >= sizeof compilers / sizeof *compilers ||
        compilers[bundle->kind] == NULL)
        return APS_ERR_FAILED;
    if ((err = check_bounds(bundle, diag)) != APS_OK ||
        (err = compilers[bundle->kind](bundle, pool, &made, diag)) != APS_OK)
        return err;
    if (made.block.n == 0 || made.block.n > APS_STORE_API_BLOCK_MAX) {
        aps_err_explain(diag, "%zu bytes were compiled: want 1 to %d", made.block.n,
                        APS_STORE_API_BLOCK_MAX);
        return APS_ERR_RANGE;
    }
    made.title = shorten(made.title);
    made.version = shorten(made.version);
    *out = made;
    return APS_OK;
}
