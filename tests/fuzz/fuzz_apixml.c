/* An XML body by what a description says of names.  A byte of choice, then: a body that a fixed
 * description judges; or a schema, a NUL and a body; or a table of names, a NUL and a body.  Any
 * body has a verdict, the same each time and with a comment behind it, with failures that are JSON;
 * and what is right is XML to the strict reader alone. */
#include <apr_strings.h>

#include "apisec/api_compile.h"
#include "apisec/apixml.h"
#include "request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const unsigned char key[APS_SIPHASH_KEY_LEN] = "fuzz";

/* The schemas of the fixed description's bodies, those of "/0" and so on. */
static const char person[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"id\"],"
    "\"xml\":{\"name\":\"person\"},\"properties\":{"
    "\"id\":{\"type\":\"integer\",\"xml\":{\"attribute\":true}},"
    "\"name\":{\"type\":\"string\",\"xml\":{\"name\":\"n\",\"namespace\":\"u:n\",\"prefix\":\"p\"}}"
    ","
    "\"nick\":{\"type\":[\"string\",\"null\"]},\"live\":{\"type\":\"boolean\"},"
    "\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"xml\":{\"name\":\"tag\"}}}}}";

static const char lists[] =
    "{\"type\":\"object\",\"properties\":{"
    "\"plain\":{\"type\":\"array\",\"maxItems\":2,\"items\":{\"type\":\"integer\"}},"
    "\"boxed\":{\"type\":\"array\",\"xml\":{\"wrapped\":true,\"name\":\"box\"},"
    "\"items\":{\"type\":\"integer\",\"xml\":{\"name\":\"a\"}}},"
    "\"same\":{\"type\":\"array\",\"xml\":{\"wrapped\":true},"
    "\"items\":{\"type\":\"array\",\"xml\":{\"wrapped\":true},\"items\":{}}}}}";

static const char items[] =
    "{\"type\":\"array\",\"xml\":{\"name\":\"ns\",\"namespace\":\"u:n\"},\"maxItems\":2,"
    "\"items\":{\"type\":\"integer\",\"xml\":{\"name\":\"n\"}}}";

static const char *const schemas[] = {
    person, lists,
    items,  "{\"$ref\":\"#/components/schemas/Tree\"}",
    "{}",   "{\"type\":\"integer\",\"xml\":{\"name\":\"n\"}}",
};

#define SCHEMAS (unsigned)(sizeof schemas / sizeof *schemas)

static const char tree[] = "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
                           "\"left\":{\"$ref\":\"#/components/schemas/Tree\"},"
                           "\"leaf\":{\"type\":\"number\"}}}";

static const char *describe_path(apr_pool_t *pool, unsigned i, struct aps_str schema)
{
    return apr_psprintf(pool,
                        "\"/%u\":{\"post\":{\"requestBody\":{\"content\":{\"application/xml\":"
                        "{\"schema\":%.*s}}},\"responses\":{\"200\":{\"description\":\"\"}}}}",
                        i, APS_STR_ARG(schema));
}

/* NULL: the schema is none. */
static const struct aps_api *open_api(apr_pool_t *pool, const char *paths)
{
    const char *text = apr_psprintf(pool,
                                    "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"t\","
                                    "\"version\":\"1\"},\"paths\":{%s},"
                                    "\"components\":{\"schemas\":{\"Tree\":%s}}}",
                                    paths, tree);
    const struct aps_schema_source source = {APS_STR_LIT("u:api"), aps_str(text), true};
    const struct aps_api_options options = {.formats = true};
    const struct aps_api *api = NULL;
    struct aps_str block = {NULL, 0};
    struct aps_api_report report;
    struct aps_diag diag = {""};

    if (aps_api_compile(&source, 1, &options, pool, &block, &report, &diag) != APS_OK) {
        expect(diag.text[0] != '\0');
        return NULL;
    }
    expect(aps_api_open(pool, block, &api, &diag) == APS_OK);
    return api;
}

static const struct aps_api *fixed_api(void)
{
    static const struct aps_api *api;
    const char *paths = "";
    apr_pool_t *pool = NULL;

    if (api != NULL)
        return api;
    expect(apr_pool_create(&pool, NULL) == APR_SUCCESS);
    for (unsigned i = 0; i < SCHEMAS; i++)
        paths = apr_pstrcat(pool, paths, i > 0 ? "," : "",
                            describe_path(pool, i, aps_str(schemas[i])), NULL);
    return api = open_api(pool, paths);
}

/* Who judges: a body of an API, or one by a table that nothing has made. */
struct way {
    const struct aps_api *api;
    const struct aps_api_media *media;
    const struct aps_apixml *table;
    uint32_t entry;
};

static bool judge_once(apr_pool_t *pool, const struct way *way, struct aps_str body)
{
    struct aps_schema_judge_options o = aps_schema_judge_usual;
    struct aps_apixml_judge judge = {NULL, &aps_xml_strict, key};
    struct aps_failures failures;
    bool good;

    o.steps_max = 20000;
    o.match_max = 1000;
    judge.judge = aps_schema_judge_new(pool, &o);
    aps_failures_init(&failures, pool);
    good = way->api != NULL
               ? aps_apixml_body(&judge, pool, way->api, way->media, body, &failures)
               : aps_apixml_judge(&judge, pool, way->table, aps_api_schemas(fixed_api()),
                                  way->entry, body, &failures);
    check_failures(pool, good, &failures);
    return good;
}

static void judge(apr_pool_t *pool, const struct way *way, struct aps_str body)
{
    const struct aps_str longer = aps_str(apr_psprintf(pool, "%.*s<!--c-->", APS_STR_ARG(body)));
    const bool good = judge_once(pool, way, body);

    expect(good == judge_once(pool, way, body));
    if (good) {
        expect(aps_xml(pool, body, &aps_xml_strict, NULL, NULL) == APS_XML_OK);
        expect(judge_once(pool, way, longer));
    }
}

static bool find(struct way *way, const char *path)
{
    struct aps_api_match match;

    if (way->api == NULL ||
        aps_api_find(way->api, APS_METHOD_POST, aps_str(path), &match) != APS_API_FOUND ||
        match.operation->bodies_n == 0)
        return false;
    way->media = match.operation->bodies;
    return true;
}

static void run(apr_pool_t *pool, uint8_t choice, struct aps_str text, struct aps_str body)
{
    struct way way = {.entry = 0};

    switch (choice >> 6) {
    case 0: /* a table */
        way.entry = choice % SCHEMAS;
        if (aps_apixml_open(pool, text, &way.table) == APS_OK)
            judge(pool, &way, body);
        return;
    case 1: /* a schema */
        way.api = open_api(pool, describe_path(pool, 0, text));
        if (find(&way, "/0"))
            judge(pool, &way, body);
        return;
    default:
        way.api = fixed_api();
        expect(find(&way, apr_psprintf(pool, "/%u", choice % SCHEMAS)));
        judge(pool, &way, body);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *p = (const char *)data + 1, *cut;
    apr_pool_t *pool = NULL;
    size_t n = 0;

    if (size < 1 || apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    aps_xml_start();
    if (data[0] < 128 && (cut = memchr(p, '\0', size - 1)) != NULL)
        n = (size_t)(cut + 1 - p);
    run(pool, data[0], (struct aps_str){p, n > 0 ? n - 1 : 0},
        (struct aps_str){p + n, size - 1 - n});
    apr_pool_destroy(pool);
    return 0;
}
