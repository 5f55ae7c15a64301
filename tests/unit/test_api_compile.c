#include "t.h"

#include <apr_file_io.h>
#include <stdlib.h>

#include "../../libapisec/inspect/api_impl.h"
#include "t_api.h"
#include "t_pool.h"

#define RESPONSES "'responses':{'200':{'description':''}}"
#define GET(more) "'/a/{x}/{y}':{'get':{" more RESPONSES "}}"

static const struct aps_api_operation *only(apr_pool_t *pool, const char *text,
                                            struct aps_api_report *report)
{
    const struct aps_api_operation *all;
    const struct aps_api *api = t_api_open(pool, text, report);

    assert_int_equal(aps_api_operations(api, &all), 1);
    return all;
}

static bool is(struct aps_str text, const char *want)
{
    return aps_str_eq(text, aps_str(want));
}

static const char *line(const apr_array_header_t *list, int i)
{
    assert_true(i < list->nelts);
    return APR_ARRAY_IDX(list, i, const char *);
}

/* POS-01: those of the path item and the operation, by place and name; styles by place. */
static void parameters_are_merged(void **state)
{
    static const char text[] = T_API(
        "3.1.0",
        "'/a/{x}/{y}':{'parameters':[{'$ref':'#/components/parameters/y'},"
        "{'name':'x','in':'path','required':true,'schema':{}},"
        "{'name':'q','in':'query','schema':{'type':'string'}},"
        "{'name':'Accept','in':'header','schema':{}}],"
        "'get':{'parameters':[{'name':'q','in':'query','style':'pipeDelimited','required':true,"
        "'allowReserved':true,'schema':{'type':'array'}},"
        "{'name':'X-Token','in':'header','schema':{}},"
        "{'name':'q','in':'cookie','content':{'application/json; v=1':{'schema':{}}}},"
        "{'name':'f','in':'query','allowEmptyValue':true,'schema':true}]," RESPONSES
        "}}") ",'components':{'parameters':{'y':{'$ref':'#/components/parameters/z'},"
              "'z':{'name':'y','in':'path','required':true,'style':'matrix','explode':true,"
              "'schema':{'type':'integer'}}}}}";
    static const struct aps_api_param want[] = {
        {{"x", 1}, APS_API_PATH, APS_API_SIMPLE, false, true, false, false, false, 0},
        {{"y", 1}, APS_API_PATH, APS_API_MATRIX, true, true, false, false, false, 0},
        {{"f", 1}, APS_API_QUERY, APS_API_FORM, true, false, false, true, false, 1},
        {{"q", 1}, APS_API_QUERY, APS_API_PIPE, false, true, true, false, false, 0},
        {{"x-token", 7}, APS_API_HEADER, APS_API_SIMPLE, false, false, false, false, false, 0},
        {{"q", 1}, APS_API_COOKIE, APS_API_FORM, true, false, false, false, true, 0},
    };
    struct aps_api_report report;
    const struct aps_api_operation *op = only(*state, text, &report);

    assert_int_equal(op->params_n, sizeof want / sizeof *want);
    for (uint32_t i = 0; i < op->params_n; i++) {
        const struct aps_api_param *p = &op->params[i];

        assert_true(aps_str_eq(p->name, want[i].name));
        assert_int_equal(p->in, want[i].in);
        assert_int_equal(p->style, want[i].style);
        assert_int_equal(p->explode, want[i].explode);
        assert_int_equal(p->required, want[i].required);
        assert_int_equal(p->reserved, want[i].reserved);
        assert_int_equal(p->empty, want[i].empty);
        assert_int_equal(p->json, want[i].json);
        assert_int_equal(p->schema == APS_API_NO_SCHEMA, want[i].schema);
    }
    assert_int_equal(report.gaps->nelts, 0);
    assert_int_equal(report.warnings->nelts, 0);
}

/* POS-01: bodies by type, the most exact first; encodings of forms. */
static void bodies_are_listed(void **state)
{
    static const char text[] =
        T_API("3.0.3",
              "'/a':{'post':{'requestBody':{'$ref':'#/components/requestBodies/b'}," RESPONSES
              "}}") ",'components':{'requestBodies':{'b':{'required':true,'content':{"
                    "'*/*':{'schema':{'type':'object'}},'image/*':{},'Application/"
                    "JSON;v=2':{'schema':{}},"
                    "'text/xml':{'schema':{}},'application/x-ndjson':{'schema':{}},'text/"
                    "plain':{'schema':"
                    "{'type':'string'}},'multipart/"
                    "form-data':{'schema':{},'encoding':{'f':{'contentType':"
                    "'image/png, "
                    "image/jpeg','headers':{'X-A':{'schema':{'type':'integer'}},'Content-Type':"
                    "{'schema':{}}}},'g':{'style':'deepObject','explode':true}}}}}}}}";
    static const struct {
        const char *type;
        enum aps_api_kind kind;
    } want[] = {
        {"application/json", APS_API_JSON},
        {"application/x-ndjson", APS_API_NDJSON},
        {"multipart/form-data", APS_API_MULTIPART},
        {"text/plain", APS_API_BYTES},
        {"text/xml", APS_API_XML},
        {"image/*", APS_API_BYTES},
        {"*/*", APS_API_BYTES},
    };
    struct aps_api_report report;
    const struct aps_api_operation *op = only(*state, text, &report);
    const struct aps_api_encoding *e;

    assert_true(op->body_required && is(op->id, "POST /a"));
    assert_int_equal(op->bodies_n, sizeof want / sizeof *want);
    for (uint32_t i = 0; i < op->bodies_n; i++) {
        assert_true(is(op->bodies[i].type, want[i].type));
        assert_int_equal(op->bodies[i].kind, want[i].kind);
    }
    assert_int_equal(op->bodies[2].encodings_n, 2);
    e = op->bodies[2].encodings;
    assert_true(is(e[0].property, "f") && is(e[0].types, "image/png, image/jpeg"));
    assert_true(!e[0].styled && e[0].headers_n == 1 && is(e[0].headers[0].name, "x-a"));
    assert_true(!e[1].styled); /* 3.0 has styles of parts ignored */
    assert_int_equal(report.warnings->nelts, 1);
    assert_int_equal(report.gaps->nelts, 0);
}

#define FORM_OF(version, type)                                                                     \
    T_API(version,                                                                                 \
          "'/a':{'post':{'requestBody':{'content':{'" type                                         \
          "':{'schema':{},'encoding':{'f':{'style':'deepObject','headers':{}}}}}}," RESPONSES      \
          "}}")                                                                                    \
    "}"

/* What a version or a media type has ignored is said. */
static void styles_and_headers_count_where_openapi_has_them(void **state)
{
    static const struct {
        const char *text, *warning; /* NULL: none */
        bool styled;
    } rows[] = {
        {FORM_OF("3.1.0", "multipart/form-data"), NULL, true},
        {FORM_OF("3.0.3", "multipart/form-data"), "in OpenAPI 3.0", false},
        {FORM_OF("3.1.0", "application/x-www-form-urlencoded"), "multipart forms alone", true},
    };
    struct aps_api_report report;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct aps_api_operation *op = only(*state, rows[i].text, &report);

        assert_int_equal(op->bodies[0].encodings[0].styled, rows[i].styled);
        assert_int_equal(report.gaps->nelts, 0);
        assert_int_equal(report.warnings->nelts, rows[i].warning != NULL);
        if (rows[i].warning != NULL)
            assert_non_null(
                strstr(APR_ARRAY_IDX(report.warnings, 0, const char *), rows[i].warning));
    }
}

/* POS-01: responses, the most exact first; security of the operation in place of the whole. */
static void responses_and_security_are_read(void **state)
{
    static const char text[] = T_API(
        "3.1.0",
        "'/a':{'get':{'operationId':'list','deprecated':true,'x-apisec-limit':'gold',"
        "'x-apisec-stream':true,'security':[{'k':[],'o':['read','write']},{}],'responses':{"
        "'default':{'description':''},'2XX':{'description':'','content':{'application/json':"
        "{'schema':{}}}},'404':{'description':'','headers':{'X-Left':{'required':true,'schema':"
        "{}}}},'x-more':1}}}") ",'security':[{'k':[]}],'components':{'securitySchemes':{'k':{'type'"
                               ":'apiKey','in':'query',"
                               "'name':'key'},'o':{'type':'oauth2','flows':{'clientCredentials':{'"
                               "tokenUrl':"
                               "'https://a.example/','scopes':{}}}}}}}";
    struct aps_api_report report;
    const struct aps_api_operation *op = only(*state, text, &report);

    assert_true(is(op->id, "list") && is(op->limit, "gold") && op->stream && op->deprecated);
    assert_int_equal(op->responses_n, 3);
    assert_true(op->responses[0].from == 404 && op->responses[0].to == 404);
    assert_true(op->responses[0].headers_n == 1 && op->responses[0].headers[0].required);
    assert_true(op->responses[1].from == 200 && op->responses[1].to == 299);
    assert_int_equal(op->responses[1].medias_n, 1);
    assert_true(op->responses[2].from == 0 && op->responses[2].to == 999);
    assert_int_equal(op->security_n, 2);
    assert_int_equal(op->security[0].needs_n, 2);
    assert_int_equal(op->security[1].needs_n, 0);
    assert_true(op->security[0].needs[0].kind == APS_API_KEY_QUERY);
    assert_true(is(op->security[0].needs[0].name, "key"));
    assert_true(op->security[0].needs[1].kind == APS_API_OAUTH2);
    assert_int_equal(op->security[0].needs[1].scopes_n, 2);
    assert_true(is(op->security[0].needs[1].scopes[1], "write"));
}

/* POS-09: what is not enforced is listed. */
static void gaps_are_listed(void **state)
{
    static const struct {
        const char *text, *say;
    } cases[] = {
        {T_API("3.1.0", GET("")) "}", "#/paths/~1a~1{x}~1{y}/get: nothing is said"},
        {T_API("3.1.0", "") ",'webhooks':{}}", "#/webhooks: requests that the backend sends"},
        {T_API("3.1.0", "'/a':{'get':{'callbacks':{}," RESPONSES "}}") "}",
         "/get/callbacks: requests that"},
        {T_API("3.1.0", "") ",'components':{'links':{}}}", "#/components/links: links"},
        {T_API("3.1.0", "'/a':{'get':{'parameters':[{'name':'a','in':'query','schema':"
                        "{'format':'zip'}}]," RESPONSES "}}") "}",
         "format \"zip\""},
        {T_API("3.1.0", "'/a':{'get':{'parameters':[{'name':'a','in':'query','schema':"
                        "{'minimun':1}}]," RESPONSES "}}") "}",
         "\"minimun\""},
        {T_API("3.1.0", "'/a':{'get':{'parameters':[{'name':'a','in':'query','content':"
                        "{'text/csv':{'schema':{}}}}]," RESPONSES "}}") "}",
         "of type text/csv is not enforced"},
        {T_API("3.1.0", "'/a':{'put':{'requestBody':{'content':{'application/yaml':{'schema':"
                        "{'type':'object'}}}}," RESPONSES "}}") "}",
         "application/yaml is read as bytes"},
        {T_API("3.1.0", "'/a':{'put':{'requestBody':{'content':{'text/event-stream':{'schema':"
                        "{'maxLength':1}}}}," RESPONSES "}}") "}",
         "text/event-stream is read as bytes"},
        {T_API("3.1.0", "'/a':{'get':{'responses':{'200':{'description':'','content':{"
                        "'application/xml':{'schema':{'type':'object'}}}}}}}") "}",
         "an answer of application/xml is not read"},
        {T_API("3.1.0", "'/a':{'put':{'requestBody':{'content':{'application/json':{'schema':"
                        "{},'encoding':{'a':{}}}}}," RESPONSES "}}") "}",
         "encoding counts in form data"},
        {T_API("3.1.0", "'/a':{'put':{'requestBody':{'content':{'a/b;c=1':{},'a/b':{}}}," RESPONSES
                        "}}") "}",
         "a/b stands twice"},
    };
    struct aps_api_report report;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)t_api_open(*state, cases[i].text, &report);
        if (report.gaps->nelts == 0 || strstr(line(report.gaps, 0), cases[i].say) == NULL)
            fail_msg("%s: %d gaps", cases[i].text, report.gaps->nelts);
    }
    (void)t_api_open(*state,
                     T_API("3.1.0", "'/a':{'trace':{" RESPONSES "},'get':{'parameters':["
                                    "{'name':'z','in':'path','required':true,'schema':{}}"
                                    "]," RESPONSES "}}") "}",
                     &report);
    assert_int_equal(report.warnings->nelts, 2);
    assert_non_null(strstr(line(report.warnings, 0), "{z} is not in the path"));
    assert_non_null(strstr(line(report.warnings, 1), "TRACE is never let through"));
}

#define COMPONENTS(text) T_API("3.1.0", "") ",'components':{" text "}}"

/* POS-09: what is ours and misspelt, or stands where it does not count, is named wherever it is. */
static void extensions_of_ours_count_where_they_stand_or_are_errors(void **state)
{
    static const struct {
        const char *text, *say; /* NULL: it is compiled */
    } cases[] = {
        {COMPONENTS("'schemas':{'a':{'items':{'not':{'x-apisec-sanitise':'trim'}}}}"),
         "#/components/schemas/a/items/not: x-apisec-sanitise is unknown in a schema"},
        {COMPONENTS("'schemas':{'a':{'properties':{'b':{'x-apisec-limit':'gold'}}}}"),
         "x-apisec-limit counts in operations only"},
        {COMPONENTS("'parameters':{'a':{'name':'a','in':'query','schema':{'X-ApiSec-x':1}}}"),
         "X-ApiSec-x is unknown in a schema"},
        {COMPONENTS("'parameters':{'a':{'name':'a','in':'query','schema':{},'x-apisec-x':1}}"),
         "#/components/parameters/a: x-apisec-x is unknown"},
        {COMPONENTS("'responses':{'a':{'description':'','x-apisec-sanitize':'trim'}}"),
         "x-apisec-sanitize counts in schemas only"},
        {COMPONENTS("'responses':{'a':{'$ref':'#/components/responses/a','x-apisec_y':1}}"),
         "x-apisec_y is unknown"},
        {T_API(
             "3.1.0",
             "'/a':{'get':{'responses':{'200':{'description':'','content':{"
             "'application/json':{'schema':{'$ref':'#/x-more/a'}}}}}}}") ",'x-more':{'a':{'anyOf':["
                                                                         "{'x-apisec-trim':1}]}}}",
         "#/x-more/a/anyOf/0: x-apisec-trim is unknown in a schema"},
        {T_API("3.1.0", "'x-apisec-a':1") "}", "x-apisec-a is unknown"},
        {T_API("3.0.3", "") ",'components':{'schemas':{'a':{'x-apisec-b':1}}}}",
         "x-apisec-b is unknown in a schema"},
        {COMPONENTS("'schemas':{'x-apisec-s':{'properties':{'x-apisec-p':{'const':{"
                    "'x-apisec-q':1}},'d':{'default':{'items':{'x-apisec-r':1}}}}}}"),
         NULL},
        {COMPONENTS("'headers':{'x-apisec-h':{'schema':{'$ref':'#/components/schemas/none'},"
                    "'x-other':1}},'schemas':{'none':{}}"),
         NULL},
    };
    struct aps_str block = {NULL, 0};
    struct aps_api_report report;
    struct aps_diag diag;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const enum aps_err err = t_api_compile(*state, cases[i].text, &block, &report, &diag);

        if (err != (cases[i].say != NULL ? APS_ERR_FORMAT : APS_OK) ||
            (cases[i].say != NULL && strstr(diag.text, cases[i].say) == NULL))
            fail_msg("%s: %s, %s", cases[i].text, aps_err_name(err), diag.text);
    }
}

/* POS-01, POS-12: errors say where and why; circles of references end. */
static void what_cannot_be_compiled_is_an_error(void **state)
{
    static const struct {
        const char *text, *say;
        enum aps_err want;
    } cases[] = {
        {"{", "byte", APS_ERR_FORMAT},
        {T_API("3.1.0", "'/a':{'get':{'x-apisec-limit':'a b'," RESPONSES "}}") "}",
         "x-apisec-limit: \"a b\": want the name", APS_ERR_FORMAT},
        {T_API("3.1.0", "'/a':{'get':{'x-apisec-stream':1," RESPONSES "}}") "}",
         "want true or false", APS_ERR_FORMAT},
        {T_API("3.1.0", "'/a':{'get':{'x-apisec-limits':'a'," RESPONSES "}}") "}",
         "want x-apisec-limit, x-apisec-stream", APS_ERR_FORMAT},
        {T_API("3.1.0", "'/a':{'x-apisec-limit':'a'}") "}", "in operations only", APS_ERR_FORMAT},
        {T_API("3.1.0", "") ",'x-apisec-mode':1}", "is unknown", APS_ERR_FORMAT},
        {T_API("3.1.0",
               "'/a':{'get':{'parameters':[{'$ref':'#/paths/~1a/get/parameters/0'}]," RESPONSES
               "}}") "}",
         "circle", APS_ERR_FORMAT},
        {T_API("3.1.0", "'/a':{'$ref':'#/paths/~1b'},'/b':{'$ref':'#/paths/~1a'}") "}", "circle",
         APS_ERR_FORMAT},
        {T_API("3.1.0", "'/a':{'get':{'parameters':[{'$ref':'p.json'}]," RESPONSES "}}") "}",
         "nothing is fetched", APS_ERR_NOT_FOUND},
        {T_API("3.1.0", "") ",'components':{'schemas':{'a':{'$ref':'#/x'}}}}", "leads nowhere",
         APS_ERR_NOT_FOUND},
        {T_API("3.1.0", "'/a':{'get':{'security':[{'k':[]}]," RESPONSES "}}") "}",
         "#/components/securitySchemes/k", APS_ERR_FORMAT},
        {T_API("3.1.0", "'/a':{'put':{'requestBody':{'content':{'json':{}}}," RESPONSES "}}") "}",
         "\"json\" is no media type", APS_ERR_FORMAT},
        {T_API("3.1.0", "") ",'jsonSchemaDialect':'http://json-schema.org/draft-07/schema#'}",
         "jsonSchemaDialect", APS_ERR_FORMAT},
    };
    struct aps_str block = {"untouched", 9};
    struct aps_api_report report;
    struct aps_diag diag;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const enum aps_err err = t_api_compile(*state, cases[i].text, &block, &report, &diag);

        if (err != cases[i].want || strstr(diag.text, cases[i].say) == NULL)
            fail_msg("%s: %s, %s", cases[i].text, aps_err_name(err), diag.text);
        assert_int_equal(block.n, 9);
    }
}

/* POS-12: a reference leads into another document, whose references start from there. */
static void a_bundle_is_one_description(void **state)
{
    static const char text[] =
        T_API("3.1.0", "'/a':{'$ref':'items/a.json'},'/b':{'$ref':'items/a.json'}") "}";
    static const char item[] =
        "{'parameters':[{'$ref':'../shared.json#/q'}],'get':{" RESPONSES "}}";
    static const char shared[] =
        "{'q':{'name':'q','in':'query','schema':{'$ref':'#/s'}},'s':{'type':'integer'}}";
    const struct aps_schema_source sources[] = {
        {APS_STR_LIT("file:///api/api.json"), t_api_text(*state, text), true},
        {APS_STR_LIT("file:///api/items/a.json"), t_api_text(*state, item), true},
        {APS_STR_LIT("file:///api/shared.json"), t_api_text(*state, shared), true},
    };
    const struct aps_api_options options = {.formats = true};
    const struct aps_api_operation *all;
    const struct aps_api *api = NULL;
    struct aps_str block = {NULL, 0};
    struct aps_api_report report;
    struct aps_diag diag = {.text = ""};

    assert_int_equal(aps_api_compile(sources, 3, &options, *state, &block, &report, &diag), APS_OK);
    assert_int_equal(aps_api_open(*state, block, &api, &diag), APS_OK);
    assert_int_equal(aps_api_operations(api, &all), 2);
    assert_true(all[1].params_n == 1 && all[1].params[0].schema == all[0].params[0].schema);
    assert_int_equal(aps_schema_image_entries(aps_api_schemas(api)), 1);
    assert_int_equal(aps_api_compile(sources, 2, &options, *state, &block, &report, &diag),
                     APS_ERR_NOT_FOUND);
}

/* POS-22: each byte of a block, changed, is found by the sum; where the sum is made good, opening
 * ends, and what it accepts can be asked. */
static void a_damaged_block_is_refused(void **state)
{
    static const char text[] = T_API(
        "3.1.0", "'/a/{x}.json':{'get':{'parameters':[{'name':'x','in':'path','required':true,"
                 "'schema':{'pattern':'^a'}}]," RESPONSES "}}") "}";
    struct aps_api_report report;
    struct aps_str block = {NULL, 0};
    struct aps_diag diag;
    char *copy;

    assert_int_equal(t_api_compile(*state, text, &block, &report, &diag), APS_OK);
    copy = apr_palloc(*state, block.n);
    for (size_t i = 0; i < block.n; i++) {
        const struct aps_api *api = NULL;
        struct aps_api_match match;
        apr_pool_t *pool;

        assert_int_equal(apr_pool_create(&pool, *state), APR_SUCCESS);
        memcpy(copy, block.p, block.n);
        copy[i] = (char)(copy[i] ^ 0x55);
        assert_int_not_equal(aps_api_open(pool, (struct aps_str){copy, block.n}, &api, &diag),
                             APS_OK);
        ((struct api_head *)copy)->sum = aps_api_open_sum(copy, block.n);
        if (aps_api_open(pool, (struct aps_str){copy, block.n}, &api, &diag) == APS_OK)
            (void)aps_api_find(api, APS_METHOD_GET, APS_STR_LIT("/a/b.json"), &match);
        apr_pool_destroy(pool);
    }
    for (size_t n = 0; n < block.n; n += 8) {
        const struct aps_api *api = NULL;

        assert_int_not_equal(aps_api_open(*state, (struct aps_str){block.p, n}, &api, &diag),
                             APS_OK);
    }
}

static struct aps_str load(apr_pool_t *pool, const char *path)
{
    struct aps_str text = {NULL, 0};
    apr_file_t *file = NULL;
    apr_finfo_t info;
    char *room;

    assert_int_equal(apr_file_open(&file, path, APR_READ, APR_OS_DEFAULT, pool), APR_SUCCESS);
    assert_int_equal(apr_file_info_get(&info, APR_FINFO_SIZE, file), APR_SUCCESS);
    room = apr_palloc(pool, (apr_size_t)info.size);
    assert_int_equal(apr_file_read_full(file, room, (apr_size_t)info.size, &text.n), APR_SUCCESS);
    (void)apr_file_close(file); /* it was only read */
    text.p = room;
    return text;
}

/* What a real description says and nobody enforces has a place and a reason. */
static void compile_real(apr_pool_t *pool, const char *path)
{
    const struct aps_schema_source source = {.text = load(pool, path), .document = true};
    const struct aps_api_options options = {.formats = true};
    const struct aps_api *api = NULL;
    struct aps_str block = {NULL, 0};
    struct aps_api_report report;
    struct aps_diag diag = {.text = ""};

    if (aps_api_compile(&source, 1, &options, pool, &block, &report, &diag) != APS_OK ||
        aps_api_open(pool, block, &api, &diag) != APS_OK)
        fail_msg("%s: %s", path, diag.text);
    assert_true(block.n < 8 * source.text.n + 4096);
    for (int i = 0; i < report.gaps->nelts; i++)
        if (line(report.gaps, i)[0] != '#' || strstr(line(report.gaps, i), ": ") == NULL)
            fail_msg("%s: %s", path, line(report.gaps, i));
}

/* POS-01, POS-09, POS-12: descriptions of real APIs, with all of their references. */
static void real_descriptions_compile(void **state)
{
    const char *corpora = getenv("APISEC_CORPORA");
    const char *folder = apr_pstrcat(
        *state, corpora != NULL ? corpora : T_SRCDIR "/../shared/corpora", "/openapi_real", NULL);
    apr_dir_t *dir = NULL;
    apr_finfo_t info;
    unsigned n = 0;

    if (apr_dir_open(&dir, folder, *state) != APR_SUCCESS)
        skip();
    while (apr_dir_read(&info, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        apr_pool_t *pool;

        if (strstr(info.name, ".json") == NULL)
            continue;
        assert_int_equal(apr_pool_create(&pool, *state), APR_SUCCESS);
        compile_real(pool, apr_pstrcat(pool, folder, "/", info.name, NULL));
        apr_pool_destroy(pool);
        n++;
    }
    assert_true(n > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(parameters_are_merged),
        t_pool_test(bodies_are_listed),
        t_pool_test(styles_and_headers_count_where_openapi_has_them),
        t_pool_test(responses_and_security_are_read),
        t_pool_test(gaps_are_listed),
        t_pool_test(extensions_of_ours_count_where_they_stand_or_are_errors),
        t_pool_test(what_cannot_be_compiled_is_an_error),
        t_pool_test(a_bundle_is_one_description),
        t_pool_test(a_damaged_block_is_refused),
        t_pool_test(real_descriptions_compile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
