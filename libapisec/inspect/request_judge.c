/* request_judge.c - a request from its path to its body. */
#include "apisec/request_judge.h"

#include "apisec/mediatype.h"
#include "request_credential.h"
#include "textbody.h"

#define LOWER_MAX 256 /* bytes of a media type */

struct aps_request_judge {
    struct aps_schema_judge *schema;
    struct aps_param_reader *reader;
    struct aps_jsonread json;
};

/* One request. */
struct run {
    struct aps_request_judge *j;
    apr_pool_t *pool;
    const struct aps_api *api;
    const struct aps_request *request;
    const struct aps_request_options *options;
    struct aps_request_result *out;
    struct aps_param_request params;
};

static const struct aps_str none = {NULL, 0};

struct aps_request_judge *aps_request_judge_new(apr_pool_t *pool,
                                                const unsigned char key[APS_SIPHASH_KEY_LEN],
                                                const struct aps_schema_judge_options *schema)
{
    struct aps_request_judge *j = apr_pcalloc(pool, sizeof *j);
    struct aps_schema_judge_options options = *schema;

    options.way = APS_SCHEMA_REQUEST;
    if (j == NULL || (j->schema = aps_schema_judge_new(pool, &options)) == NULL ||
        (j->reader = aps_param_reader_new(pool, j->schema, key)) == NULL)
        return NULL;
    aps_jsonread_init(&j->json, pool, key);
    return j;
}

static enum aps_reason refuse(struct run *run, enum aps_reason reason, enum aps_failures_in in,
                              const char *keyword, const char *expected, struct aps_str value)
{
    aps_failures_add(
        &run->out->failures,
        &(struct aps_failures_place){
            .in = in, .name = in == APS_FAILURES_HEADER ? APS_STR_LIT("content-type") : none},
        keyword, expected, value);
    return reason;
}

/* ---- bodies */

static enum aps_reason judge_json(struct run *run)
{
    static const struct aps_failures_place place = {.in = APS_FAILURES_BODY};
    const uint32_t schema = run->out->media->schema;
    struct aps_jsonread *r = &run->j->json;
    enum aps_schema_verdict verdict;

    switch (aps_jsonread(r, run->request->body, run->options->json)) {
    case APS_JSONREAD_OK:
        break;
    case APS_JSONREAD_NOMEM:
        return APS_REASON_INTERNAL;
    case APS_JSONREAD_BYTES:
        return refuse(run, APS_REASON_API_BODY_SIZE, APS_FAILURES_BODY, "bytes",
                      "a body within the cap", none);
    default:
        aps_failures_add_json(&run->out->failures, &place, r);
        return APS_REASON_API_BODY;
    }
    if (schema == APS_API_NO_SCHEMA)
        return APS_REASON_ALLOW;
    verdict = aps_schema_judge(run->j->schema, aps_api_schemas(run->api), schema, r,
                               aps_jsonread_root(r));
    if (verdict == APS_SCHEMA_VALID)
        return APS_REASON_ALLOW;
    aps_failures_add_verdict(&run->out->failures, &place, run->j->schema, verdict);
    return APS_REASON_API_BODY;
}

static enum aps_reason judge_form(struct run *run, enum aps_api_kind kind, struct aps_str boundary)
{
    const struct aps_form form = {.image = aps_api_schemas(run->api),
                                  .media = run->out->media,
                                  .undeclared = run->options->undeclared};
    const struct aps_str body = run->request->body;
    bool good;

    if (kind == APS_API_MULTIPART && body.n > run->options->multipart->total_max)
        return refuse(run, APS_REASON_API_BODY_SIZE, APS_FAILURES_BODY, "bytes",
                      "a body within the cap", none);
    good = kind == APS_API_MULTIPART ? aps_form_multipart(run->j->reader, run->pool, &form,
                                                          boundary, run->options->multipart, body,
                                                          &run->out->failures, &run->out->doubled)
                                     : aps_form_judge(run->j->reader, run->pool, &form, body,
                                                      &run->out->failures, &run->out->doubled);
    return good ? APS_REASON_ALLOW : APS_REASON_API_BODY;
}

static enum aps_reason judge_text(struct run *run)
{
    const struct aps_str body = run->request->body;

    if (body.n > run->options->json->bytes_max)
        return refuse(run, APS_REASON_API_BODY_SIZE, APS_FAILURES_BODY, "bytes",
                      "a body within the cap", none);
    return aps_textbody(run->j->reader, run->pool, aps_api_schemas(run->api),
                        run->out->media->schema, body, &run->out->failures)
               ? APS_REASON_ALLOW
               : APS_REASON_API_BODY;
}

/* XML and JSON lines, which others read. */
static enum aps_reason judge_other(struct run *run, aps_request_body_fn *read)
{
    if (read == NULL)
        return refuse(run, APS_REASON_API_TYPE, APS_FAILURES_HEADER, "type",
                      "a type that this server reads", run->out->media->type);
    return read(run->options->context, run->pool, run->api, run->out->media, run->request->body,
                &run->out->failures)
               ? APS_REASON_ALLOW
               : APS_REASON_API_BODY;
}

/* ---- media types */

/* The one Content-Type, read; or why there is none. */
static enum aps_reason read_type(struct run *run, struct aps_mediatype *out)
{
    const struct aps_str name = APS_STR_LIT("content-type");
    const struct aps_param_field *field;
    uint32_t at = 0;

    if ((field = aps_param_field(&run->params, name, &at)) == NULL)
        return refuse(run, APS_REASON_API_TYPE, APS_FAILURES_HEADER, "required",
                      "the body's media type", none);
    if (aps_param_field(&run->params, name, &at) != NULL)
        return refuse(run, APS_REASON_API_TYPE_REPEATED, APS_FAILURES_HEADER, "repeated",
                      "one field", field->value);
    switch (aps_mediatype_read(field->value, out)) {
    case APS_MEDIATYPE_OK:
        return APS_REASON_ALLOW;
    case APS_MEDIATYPE_LIST:
        return refuse(run, APS_REASON_API_TYPE_REPEATED, APS_FAILURES_HEADER, "repeated",
                      "one media type", field->value);
    case APS_MEDIATYPE_CHARSET:
        return refuse(run, APS_REASON_API_TYPE, APS_FAILURES_HEADER, "charset", "charset utf-8",
                      field->value);
    case APS_MEDIATYPE_REPEATED:
        return refuse(run, APS_REASON_API_TYPE, APS_FAILURES_HEADER, "repeated",
                      "each parameter once", field->value);
    case APS_MEDIATYPE_MALFORMED:
        break;
    }
    return refuse(run, APS_REASON_API_TYPE, APS_FAILURES_HEADER, "syntax", "a media type",
                  field->value);
}

/* How the body is read: a range leaves that to the type itself. */
static enum aps_api_kind kind_of(const struct aps_api_media *media, struct aps_str type)
{
    enum aps_api_kind kind;
    char lower[LOWER_MAX];

    if (media->type.n == 0 || media->type.p[media->type.n - 1] != '*' || type.n > sizeof lower)
        return media->kind;
    for (size_t i = 0; i < type.n; i++)
        lower[i] = (char)(type.p[i] >= 'A' && type.p[i] <= 'Z' ? type.p[i] | 0x20 : type.p[i]);
    kind = aps_api_kind_of((struct aps_str){lower, type.n});
    return kind == APS_API_BYTES ? media->kind : kind;
}

static enum aps_reason judge_typed(struct run *run, const struct aps_mediatype *type)
{
    const enum aps_api_kind kind = run->out->kind;

    switch (kind) {
    case APS_API_JSON:
        return judge_json(run);
    case APS_API_URLENCODED:
    case APS_API_MULTIPART:
        return judge_form(run, kind, type->boundary);
    case APS_API_XML:
        return judge_other(run, run->options->xml);
    case APS_API_NDJSON:
        return judge_other(run, run->options->lines);
    case APS_API_TEXT:
        return judge_text(run);
    case APS_API_BYTES:
        break;
    }
    return APS_REASON_ALLOW; /* not read: only its type is asked */
}

static enum aps_reason judge_body(struct run *run)
{
    const struct aps_api_operation *o = run->out->match.operation;
    struct aps_mediatype type;
    enum aps_reason reason;

    if (run->request->body.n == 0 && !run->request->unread)
        return !o->body_required ? APS_REASON_ALLOW
                                 : refuse(run, APS_REASON_API_BODY, APS_FAILURES_BODY, "required",
                                          "a body", none);
    if (o->bodies_n == 0)
        return !run->options->undeclared ? APS_REASON_ALLOW
                                         : refuse(run, APS_REASON_API_TYPE, APS_FAILURES_BODY,
                                                  "undeclared", "no body", none);
    if ((reason = read_type(run, &type)) != APS_REASON_ALLOW)
        return reason;
    for (uint32_t i = 0; i < o->bodies_n && run->out->media == NULL; i++)
        if (aps_mediatype_is(type.type, o->bodies[i].type))
            run->out->media = &o->bodies[i];
    if (run->out->media == NULL)
        return refuse(run, APS_REASON_API_TYPE, APS_FAILURES_HEADER, "type",
                      "a media type that the operation takes", type.type);
    run->out->kind = kind_of(run->out->media, type.type);
    return run->request->unread ? APS_REASON_ALLOW : judge_typed(run, &type);
}

/* ---- */

static enum aps_reason judge_params(struct run *run)
{
    const struct aps_param_options options = {.undeclared = run->options->undeclared,
                                              .reserved = run->options->reserved};

    return aps_param_judge(run->j->reader, run->pool, aps_api_schemas(run->api),
                           run->out->match.operation, &run->params, &options, &run->out->failures,
                           &run->out->doubled)
               ? APS_REASON_ALLOW
               : APS_REASON_API_PARAMETER;
}

/* The operation; where HEAD has to be declared, one that only has GET is none. */
static enum aps_api_found find(struct run *run)
{
    const struct aps_request *q = run->request;
    struct aps_api_match *match = &run->out->match;
    enum aps_api_found found = aps_api_find(run->api, q->method, q->path, match);

    if (found == APS_API_FOUND && q->method == APS_METHOD_HEAD && !run->options->head &&
        match->operation->method != APS_METHOD_HEAD) {
        found = aps_api_find(run->api, APS_METHOD_NONE, q->path, match);
        match->allowed &= ~(unsigned)APS_METHOD_HEAD;
    }
    return found;
}

static enum aps_reason judge(struct run *run)
{
    struct aps_api_match *match = &run->out->match;
    enum aps_reason reason;

    run->out->found = find(run);
    if (run->out->found != APS_API_FOUND)
        return run->out->found == APS_API_NO_METHOD ? APS_REASON_API_METHOD : APS_REASON_API_PATH;
    run->params = (struct aps_param_request){.captures = match->captures,
                                             .captures_n = match->captures_n,
                                             .query = run->request->query,
                                             .fields = run->request->fields,
                                             .fields_n = run->request->fields_n};
    if (run->options->security && !aps_request_credential(run->pool, match->operation, &run->params,
                                                          run->request->certificate))
        return APS_REASON_API_CREDENTIAL;
    if ((reason = judge_params(run)) != APS_REASON_ALLOW)
        return reason;
    return judge_body(run);
}

enum aps_reason aps_request_judge(struct aps_request_judge *j, apr_pool_t *pool,
                                  const struct aps_api *api, const struct aps_request *request,
                                  const struct aps_request_options *options,
                                  struct aps_request_result *out)
{
    struct run run = {
        .j = j, .pool = pool, .api = api, .request = request, .options = options, .out = out};

    *out = (struct aps_request_result){.reason = APS_REASON_UNDECIDED};
    aps_failures_init(&out->failures, pool);
    out->reason = judge(&run);
    return out->reason;
}
