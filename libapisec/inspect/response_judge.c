/* response_judge.c - an answer from its status to its body. */
#include "apisec/response_judge.h"

#include "apisec/mediatype.h"
#include "response_strip.h"
#include "textbody.h"

struct aps_response_judge {
    struct aps_schema_judge *schema;
    struct aps_param_reader *reader;
    struct aps_jsonread json, stripped;
};

/* One answer. */
struct run {
    struct aps_response_judge *j;
    apr_pool_t *pool;
    const struct aps_api *api;
    const struct aps_api_response *declared;
    const struct aps_response *response;
    const struct aps_response_options *options;
    struct aps_response_result *out;
    struct aps_param_request fields;
};

static const struct aps_str none = {NULL, 0};

struct aps_response_judge *aps_response_judge_new(apr_pool_t *pool,
                                                  const unsigned char key[APS_SIPHASH_KEY_LEN],
                                                  const struct aps_schema_judge_options *schema)
{
    struct aps_response_judge *j = apr_pcalloc(pool, sizeof *j);
    struct aps_schema_judge_options options = *schema;

    options.way = APS_SCHEMA_RESPONSE;
    if (j == NULL || (j->schema = aps_schema_judge_new(pool, &options)) == NULL ||
        (j->reader = aps_param_reader_new(pool, j->schema, key)) == NULL)
        return NULL;
    aps_jsonread_init(&j->json, pool, key);
    aps_jsonread_init(&j->stripped, pool, key);
    return j;
}

static enum aps_reason refuse(struct run *run, enum aps_reason reason, enum aps_failures_in in,
                              struct aps_str name, const char *keyword, const char *expected,
                              struct aps_str value)
{
    aps_failures_add(&run->out->failures, &(struct aps_failures_place){.in = in, .name = name},
                     keyword, expected, value);
    return reason;
}

/* ---- body ---- */

/* The reader that holds what is judged: of the body, or of what is left of it. */
static enum aps_reason read_body(struct run *run, uint32_t schema, const struct aps_jsonread **out)
{
    static const struct aps_failures_place place = {.in = APS_FAILURES_BODY};
    struct aps_jsonread *r = &run->j->json;
    enum aps_jsonread_fault fault = aps_jsonread(r, run->response->body, run->options->json);

    *out = r;
    if (fault == APS_JSONREAD_OK && run->options->strip && schema != APS_API_NO_SCHEMA &&
        aps_response_strip(aps_api_schemas(run->api), schema, r, run->pool, &run->out->body)) {
        *out = r = &run->j->stripped;
        fault = aps_jsonread(r, run->out->body, run->options->json);
    }
    if (fault == APS_JSONREAD_OK)
        return APS_REASON_ALLOW;
    run->out->unreadable = true;
    if (fault == APS_JSONREAD_NOMEM)
        return APS_REASON_INTERNAL;
    aps_failures_add_json(&run->out->failures, &place, r);
    return APS_REASON_RESPONSE_BODY;
}

static enum aps_reason judge_json(struct run *run, uint32_t schema)
{
    static const struct aps_failures_place place = {.in = APS_FAILURES_BODY};
    const struct aps_jsonread *r;
    enum aps_schema_verdict verdict;
    enum aps_reason reason = read_body(run, schema, &r);

    if (reason != APS_REASON_ALLOW || schema == APS_API_NO_SCHEMA)
        return reason;
    verdict = aps_schema_judge(run->j->schema, aps_api_schemas(run->api), schema, r,
                               aps_jsonread_root(r));
    if (verdict == APS_SCHEMA_VALID)
        return APS_REASON_ALLOW;
    aps_failures_add_verdict(&run->out->failures, &place, run->j->schema, verdict);
    return APS_REASON_RESPONSE_BODY;
}

static bool is_text(const struct aps_api_media *media, struct aps_str type)
{
    return media->kind == APS_API_TEXT && !aps_mediatype_is(type, APS_STR_LIT("text/xml"));
}

static enum aps_reason judge_media(struct run *run, const struct aps_api_media *media,
                                   struct aps_str type)
{
    if (run->response->unread) /* only its type is asked */
        return APS_REASON_ALLOW;
    if (aps_mediatype_is_json(type))
        return judge_json(run, media->schema);
    return !is_text(media, type) ||
                   aps_textbody(run->j->reader, run->pool, aps_api_schemas(run->api), media->schema,
                                run->response->body, &run->out->failures)
               ? APS_REASON_ALLOW
               : APS_REASON_RESPONSE_BODY;
}

static enum aps_reason judge_typed(struct run *run, struct aps_str type)
{
    const struct aps_api_response *d = run->declared;

    for (uint32_t i = 0; i < d->medias_n; i++) {
        if (!aps_mediatype_is(type, d->medias[i].type))
            continue;
        return judge_media(run, &d->medias[i], type);
    }
    return refuse(run, APS_REASON_RESPONSE_TYPE, APS_FAILURES_HEADER, APS_STR_LIT("content-type"),
                  "type", "a media type that the response declares", type);
}

static enum aps_reason judge_body(struct run *run)
{
    const struct aps_str name = APS_STR_LIT("content-type");
    const struct aps_param_field *field;
    struct aps_mediatype type;
    uint32_t at = 0;

    if (run->declared->medias_n == 0)
        return run->response->body.n == 0 && !run->response->unread
                   ? APS_REASON_ALLOW
                   : refuse(run, APS_REASON_RESPONSE_BODY, APS_FAILURES_BODY, none, "undeclared",
                            "no body", none);
    if ((field = aps_param_field(&run->fields, name, &at)) == NULL)
        return refuse(run, APS_REASON_RESPONSE_TYPE, APS_FAILURES_HEADER, name, "required",
                      "the body's media type", none);
    if (aps_mediatype_read(field->value, &type) != APS_MEDIATYPE_OK)
        return refuse(run, APS_REASON_RESPONSE_TYPE, APS_FAILURES_HEADER, name, "syntax",
                      "a media type", field->value);
    return judge_typed(run, type.type);
}

/* ---- */

/* Fields are parameters of the simple style: those of no operation but this answer. */
static bool judge_fields(struct run *run)
{
    const struct aps_api_operation fields = {.params = run->declared->headers,
                                             .params_n = run->declared->headers_n};
    const struct aps_param_options options = {.undeclared = false};
    bool doubled = false;

    return aps_param_judge(run->j->reader, run->pool, aps_api_schemas(run->api), &fields,
                           &run->fields, &options, &run->out->failures, &doubled);
}

static const struct aps_api_response *find(const struct aps_api_operation *operation,
                                           unsigned status)
{
    for (uint32_t i = 0; i < operation->responses_n; i++)
        if (status >= operation->responses[i].from && status <= operation->responses[i].to)
            return &operation->responses[i];
    return NULL;
}

/* 304 says that what the client has of a declared answer holds; few descriptions speak of it. */
static bool is_still_the_same(const struct run *run, const struct aps_api_operation *operation)
{
    return run->response->status == 304 && run->response->bare && find(operation, 304) == NULL &&
           find(operation, 200) != NULL;
}

static enum aps_reason judge(struct run *run, const struct aps_api_operation *operation)
{
    if (operation->responses_n == 0)
        return APS_REASON_ALLOW;
    if (is_still_the_same(run, operation))
        return APS_REASON_ALLOW;
    if ((run->declared = find(operation, run->response->status)) == NULL)
        return refuse(run, APS_REASON_RESPONSE_STATUS, APS_FAILURES_HEADER, APS_STR_LIT(":status"),
                      "undeclared", "a status that the operation declares", none);
    run->fields = (struct aps_param_request){.fields = run->response->fields,
                                             .fields_n = run->response->fields_n};
    const bool fields = judge_fields(run);
    enum aps_reason body = APS_REASON_ALLOW;
    if (!run->response->bare && (fields || run->options->strip))
        body = judge_body(run);
    return fields ? body : APS_REASON_RESPONSE_FIELD;
}

enum aps_reason
aps_response_judge(struct aps_response_judge *j, apr_pool_t *pool, const struct aps_api *api,
                   const struct aps_api_operation *operation, const struct aps_response *response,
                   const struct aps_response_options *options, struct aps_response_result *out)
{
    struct run run = {
        .j = j, .pool = pool, .api = api, .response = response, .options = options, .out = out};

    *out = (struct aps_response_result){.reason = APS_REASON_UNDECIDED};
    aps_failures_init(&out->failures, pool);
    out->reason = judge(&run, operation);
    return out->reason;
}
