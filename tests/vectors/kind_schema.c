/* kind_schema.c - is `data` what `schema` asks for?  Of JSON Schema 2020-12, with the documents
 * that rows refer to; and of OpenAPI 3.0's dialect. */
#include <apr_file_io.h>
#include <apr_strings.h>
#include <stdlib.h>

#include "apisec/schema_judge.h"
#include "apisec/schema_compile.h"
#include "vectors.h"

/* Deep texts are part of the cases; a checker compares values to some depth only. */
static const struct aps_jsonread_options data_options = {
    .bytes_max = 64u << 20,
    .depth_max = 900,
    .nodes_max = 10000000,
    .string_max = UINT32_MAX,
    .members_max = APS_JSONREAD_HELD_MAX,
    .items_max = APS_JSONREAD_HELD_MAX,
    .digits_max = 100000,
    .overflow = true,
    .nul = true,
    .big_integers = true,
};

#define SOURCES 64

/* The file's text, or an empty one. */
static struct aps_str load(apr_pool_t *pool, const char *name)
{
    const char *folder = getenv("APISEC_CORPORA");
    const char *path =
        apr_pstrcat(pool, folder != NULL ? folder : "../shared/corpora", "/", name, NULL);
    apr_file_t *file = NULL;
    apr_finfo_t info;
    apr_size_t n = 0;
    char *text;

    if (apr_file_open(&file, path, APR_READ, APR_OS_DEFAULT, pool) != APR_SUCCESS)
        return (struct aps_str){NULL, 0};
    if (apr_file_info_get(&info, APR_FINFO_SIZE, file) == APR_SUCCESS &&
        (text = apr_palloc(pool, (apr_size_t)info.size + 1)) != NULL &&
        apr_file_read_full(file, text, (apr_size_t)info.size, &n) == APR_SUCCESS) {
        (void)apr_file_close(file); /* it was only read */
        return (struct aps_str){text, n};
    }
    (void)apr_file_close(file); /* likewise */
    return (struct aps_str){NULL, 0};
}

/* What rows may refer to, once for all rows. */
static const struct aps_schema_source *remotes(const unsigned char *key, uint32_t *out_n)
{
    static const char *const metas[] = {
        "schema",          "meta/core",      "meta/applicator",        "meta/unevaluated",
        "meta/validation", "meta/meta-data", "meta/format-annotation", "meta/format-assertion",
        "meta/content"};
    static struct aps_schema_source sources[SOURCES];
    static uint32_t n = 1;
    static apr_pool_t *pool;
    struct aps_jsonread *r;
    struct aps_str text;

    *out_n = n;
    if (pool != NULL || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return sources;
    for (size_t i = 0; i < sizeof metas / sizeof *metas; i++) {
        text = load(
            pool, apr_pstrcat(pool, "metaschema-2020-12/", metas[i], i == 0 ? ".json" : "", NULL));
        if (text.n > 0)
            sources[n++] = (struct aps_schema_source){
                .uri = aps_str(
                    apr_pstrcat(pool, "https://json-schema.org/draft/2020-12/", metas[i], NULL)),
                .text = text};
    }
    r = apr_palloc(pool, sizeof *r);
    aps_jsonread_init(r, pool, key);
    text = load(pool, "schema_remotes.json");
    if (text.n > 0 && aps_jsonread(r, text, &data_options) == APS_JSONREAD_OK)
        for (const struct aps_jsonread_node *m = aps_jsonread_first(aps_jsonread_root(r));
             m < aps_jsonread_end(aps_jsonread_root(r)) && n < SOURCES;
             m = aps_jsonread_next(m + 1))
            sources[n++] = (struct aps_schema_source){.uri = aps_jsonread_str(r, m),
                                                      .text = aps_jsonread_raw(r, m + 1)};
    *out_n = n;
    return sources;
}

static const char *judge(const struct t_row *row, struct aps_json *out,
                         const struct aps_schema_compile *what)
{
    const struct aps_jsonread_node *data =
        aps_jsonread_get(row->reader, row->object, APS_STR_LIT("data"));
    struct aps_schema_judge_options options = aps_schema_judge_usual;
    const struct aps_schema_image *image = NULL;
    enum aps_schema_verdict verdict;
    struct aps_schema_judge *check;
    struct aps_jsonread reader;
    struct aps_diag diag = {.text = ""};
    struct aps_str block = {NULL, 0};

    if (data == NULL)
        return "want schema and data";
    if (aps_schema_compile(what, row->pool, &block, NULL, &diag) != APS_OK ||
        aps_schema_image_open(row->pool, block, &image, &diag) != APS_OK)
        return apr_pstrdup(row->pool, diag.text);
    aps_jsonread_init(&reader, row->pool, row->key);
    if (aps_jsonread(&reader, aps_jsonread_raw(row->reader, data), &data_options) !=
        APS_JSONREAD_OK) {
        aps_json_put_bool(out, "got", false);
        return NULL;
    }
    options.steps_max = 20000000;
    options.first = true;
    check = aps_schema_judge_new(row->pool, &options);
    verdict = aps_schema_judge(check, image, 0, &reader, aps_jsonread_root(&reader));
    if (verdict != APS_SCHEMA_VALID && verdict != APS_SCHEMA_INVALID)
        return aps_schema_judge_name(verdict);
    aps_json_put_bool(out, "got", verdict == APS_SCHEMA_VALID);
    return NULL;
}

const char *t_kind_schema(const struct t_row *row, struct aps_json *out)
{
    struct aps_schema_source sources[SOURCES];
    struct aps_schema_compile what = {.sources = sources};
    const struct aps_jsonread_node *schema =
        aps_jsonread_get(row->reader, row->object, APS_STR_LIT("schema"));
    struct aps_str kind = {NULL, 0};

    if (schema == NULL)
        return "want schema and data";
    memcpy(sources, remotes(row->key, &what.sources_n), sizeof sources);
    sources[0] = (struct aps_schema_source){.text = aps_jsonread_raw(row->reader, schema)};
    what.formats = t_row_text(row, "kind", &kind) && aps_str_eq(kind, APS_STR_LIT("format"));
    return judge(row, out, &what);
}

/* A malformed keyword asks nothing there, as in the validators that the cases come from. */
const char *t_kind_schema_oas30(const struct t_row *row, struct aps_json *out)
{
    struct aps_schema_source source = {.document = false};
    const struct aps_schema_compile what = {.sources = &source,
                                            .sources_n = 1,
                                            .dialect = APS_SCHEMA_OAS30,
                                            .formats = true,
                                            .lax = true};
    const struct aps_jsonread_node *schema =
        aps_jsonread_get(row->reader, row->object, APS_STR_LIT("schema"));

    if (schema == NULL)
        return "want schema and data";
    source.text = aps_jsonread_raw(row->reader, schema);
    return judge(row, out, &what);
}
