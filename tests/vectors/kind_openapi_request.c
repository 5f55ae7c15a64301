/* kind_openapi_request.c - is the request what the API's description asks for? */
#include <apr_strings.h>

#include "apisec/api_compile.h"
#include "apisec/request_judge.h"
#include "vectors.h"

#define FIELDS_MAX 64

/* [["name","value"], ...] */
static uint32_t read_fields(const struct t_row *row, struct aps_param_field *out)
{
    const struct aps_jsonread_node *list =
        aps_jsonread_get(row->reader, row->object, APS_STR_LIT("headers"));
    uint32_t n = 0;

    if (list == NULL || aps_jsonread_kind(list) != APS_JSON_ARRAY)
        return 0;
    for (const struct aps_jsonread_node *v = aps_jsonread_first(list);
         v < aps_jsonread_end(list) && n < FIELDS_MAX; v = aps_jsonread_next(v))
        if (aps_jsonread_kind(v) == APS_JSON_ARRAY && aps_jsonread_count(v) == 2)
            out[n++] = (struct aps_param_field){aps_jsonread_str(row->reader, v + 1),
                                                aps_jsonread_str(row->reader, v + 2)};
    return n;
}

static void read_target(struct aps_str uri, struct aps_request *out)
{
    const char *mark = memchr(uri.p, '?', uri.n);

    out->path = (struct aps_str){uri.p, mark != NULL ? (size_t)(mark - uri.p) : uri.n};
    if (mark != NULL)
        out->query = (struct aps_str){mark + 1, uri.n - out->path.n - 1};
}

/* ---- the description */

static bool is_method(struct aps_str name)
{
    static const char *const names[] = {"get",    "head",    "post",  "put", "patch",
                                        "delete", "options", "trace", NULL};

    for (unsigned i = 0; names[i] != NULL; i++)
        if (aps_str_eq(name, aps_str(names[i])))
            return true;
    return false;
}

/* The members of an object but those that `keep` does not want; the values of the others are
 * written as they are, or by `write`. */
typedef bool keep_fn(struct aps_str name, struct aps_str method);
typedef void write_fn(const struct t_row *row, const struct aps_jsonread_node *v,
                      struct aps_str method, struct aps_json *out);

static void write_object(const struct t_row *row, const struct aps_jsonread_node *v,
                         struct aps_str method, keep_fn *keep, write_fn *write,
                         struct aps_json *out)
{
    if (aps_jsonread_kind(v) != APS_JSON_OBJECT) {
        aps_json_raw(out, aps_jsonread_raw(row->reader, v));
        return;
    }
    aps_json_object(out);
    for (const struct aps_jsonread_node *m = aps_jsonread_first(v); m < aps_jsonread_end(v);
         m = aps_jsonread_next(m + 1)) {
        const struct aps_str raw = aps_jsonread_raw(row->reader, m);

        if (!keep(aps_jsonread_str(row->reader, m), method))
            continue;
        aps_json_name_n(out, raw.p + 1, raw.n - 2);
        if (write != NULL)
            write(row, m + 1, method, out);
        else
            aps_json_raw(out, aps_jsonread_raw(row->reader, m + 1));
    }
    aps_json_end(out);
}

static bool is_no_response(struct aps_str name, struct aps_str method)
{
    (void)method; /* of any */
    return !aps_str_eq(name, APS_STR_LIT("responses")) &&
           !aps_str_eq(name, APS_STR_LIT("callbacks"));
}

static void write_operation(const struct t_row *row, const struct aps_jsonread_node *v,
                            struct aps_str method, struct aps_json *out)
{
    write_object(row, v, method, is_no_response, NULL, out);
}

static bool is_asked(struct aps_str name, struct aps_str method)
{
    return !is_method(name) || aps_str_eq_nocase(name, method);
}

static void write_path(const struct t_row *row, const struct aps_jsonread_node *v,
                       struct aps_str method, struct aps_json *out)
{
    write_object(row, v, method, is_asked, write_operation, out);
}

static bool is_any(struct aps_str name, struct aps_str method)
{
    (void)method; /* of any */
    return name.n > 0;
}

/* The description without responses and without operations of other methods: what is wrong with
 * those says nothing of the request. */
static struct aps_str without_others(const struct t_row *row, const struct aps_jsonread_node *spec,
                                     struct aps_str method)
{
    struct aps_json w;

    aps_json_init_pool(&w, row->pool, 0);
    aps_json_object(&w);
    for (const struct aps_jsonread_node *m = aps_jsonread_first(spec); m < aps_jsonread_end(spec);
         m = aps_jsonread_next(m + 1)) {
        const struct aps_str raw = aps_jsonread_raw(row->reader, m);

        aps_json_name_n(&w, raw.p + 1, raw.n - 2);
        if (aps_str_eq(aps_jsonread_str(row->reader, m), APS_STR_LIT("paths")))
            write_object(row, m + 1, method, is_any, write_path, &w);
        else
            aps_json_raw(&w, aps_jsonread_raw(row->reader, m + 1));
    }
    aps_json_end(&w);
    return aps_json_text(&w);
}

static bool open_text(const struct t_row *row, struct aps_str text, const struct aps_api **out,
                      struct aps_diag *diag)
{
    static const struct aps_api_options options = {.formats = true, .loose = true};
    const struct aps_schema_source source = {.text = text, .document = true};
    struct aps_api_report report;
    struct aps_str block = {NULL, 0};

    return aps_api_compile(&source, 1, &options, row->pool, &block, &report, diag) == APS_OK &&
           aps_api_open(row->pool, block, out, diag) == APS_OK;
}

/* Why the description cannot be used, or NULL. */
static const char *open_api(const struct t_row *row, struct aps_str method,
                            const struct aps_api **out)
{
    const struct aps_jsonread_node *spec =
        aps_jsonread_get(row->reader, row->object, APS_STR_LIT("spec"));
    struct aps_diag diag = {.text = ""};

    if (spec == NULL || aps_jsonread_kind(spec) != APS_JSON_OBJECT)
        return "want spec";
    if (open_text(row, aps_jsonread_raw(row->reader, spec), out, &diag) ||
        open_text(row, without_others(row, spec, method), out, &diag))
        return NULL;
    return apr_pstrdup(row->pool, diag.text);
}

/* ---- */

/* As the cases have it: security asks only for presence, and what nobody declares passes. */
const char *t_kind_openapi_request(const struct t_row *row, struct aps_json *out)
{
    const struct aps_request_options options = {
        .json = &aps_jsonread_strict, .multipart = &aps_multipart_usual, .security = true};
    struct aps_param_field fields[FIELDS_MAX];
    struct aps_request request = {.fields = fields};
    struct aps_request_result result;
    struct aps_request_judge *judge;
    struct aps_str method = {NULL, 0}, uri = {NULL, 0};
    const struct aps_api *api = NULL;
    const char *why;

    if (!t_row_text(row, "method", &method) || !t_row_text(row, "uri", &uri))
        return "want method and uri";
    if ((why = open_api(row, method, &api)) != NULL)
        return why;
    request.method = aps_method_parse(method);
    read_target(uri, &request);
    request.fields_n = read_fields(row, fields);
    if (!t_row_bytes(row, "body", &request.body))
        request.body = (struct aps_str){NULL, 0};
    judge = aps_request_judge_new(row->pool, row->key, &aps_schema_judge_usual);
    aps_json_put_bool(out, "got",
                      judge != NULL && aps_request_judge(judge, row->pool, api, &request, &options,
                                                         &result) == APS_REASON_ALLOW);
    if (judge != NULL && result.reason != APS_REASON_ALLOW) {
        aps_json_put_str(out, "reason", aps_reason_token(result.reason));
        aps_json_name(out, "failures");
        aps_json_raw(out, aps_failures_text(&result.failures));
    }
    return NULL;
}
