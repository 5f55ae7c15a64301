/* described.c - a request and a description, step by step. */
#include "described.h"

#include <apr_file_io.h>
#include <apr_strings.h>

#include "apisec/api_caller.h"
#include "apisec/multipart.h"
#include "apisec/random.h"
#include "apisec/request_body.h"
#include "ctl.h"
#include "trial.h"

#define BODY_MAX (1024 * 1024) /* bytes: what a section holds that says nothing of it */

/* ---- Options ---- */

static const char *value_of(const struct ctl *c, enum ctl_opt opt)
{
    return ctl_command_value(&c->call, opt);
}

static enum aps_err check_alone(struct ctl *c)
{
    static const enum ctl_opt needs[] = {CTL_OPT_AT, CTL_OPT_REQUIRE, CTL_OPT_UNDECLARED,
                                         CTL_OPT_FIELD, CTL_OPT_BODY};

    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
        if (c->call.values[needs[i]] != NULL) {
            aps_err_explain(&c->diag, "%s is about a section that is an API: want --api API too",
                            ctl_command_options[needs[i]].name);
            return APS_ERR_USAGE;
        }
    return APS_OK;
}

static enum aps_err read_at(struct ctl *c, struct ctl_described *out)
{
    const char *at = value_of(c, CTL_OPT_AT);

    if (at != NULL && (at[0] != '/' || strpbrk(at, "?#%;") != NULL || strstr(at, "//") != NULL)) {
        aps_err_explain(&c->diag,
                        "--at \"%s\": want a path that begins with /, such as /shop, as it is when "
                        "it is decoded",
                        at);
        return APS_ERR_FORMAT;
    }
    out->at = aps_str(at);
    while (out->at.n != 0 && out->at.p[out->at.n - 1] == '/')
        out->at.n--;
    return APS_OK;
}

static enum aps_err read_undeclared(struct ctl *c, struct ctl_described *out)
{
    const char *word = value_of(c, CTL_OPT_UNDECLARED);

    out->undeclared = word != NULL && strcmp(word, "pass") == 0;
    if (word == NULL || out->undeclared || strcmp(word, "refuse") == 0)
        return APS_OK;
    aps_err_explain(&c->diag, "--undeclared \"%s\": want refuse or pass", word);
    return APS_ERR_FORMAT;
}

static bool is_token(struct aps_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || strchr("\"(),/:;<=>?@[\\]{}", s.p[i]) != NULL)
            return false;
    return s.n != 0;
}

static enum aps_err read_fields(struct ctl *c, struct ctl_described *out)
{
    const apr_array_header_t *given = c->call.values[CTL_OPT_FIELD];
    struct aps_param_field *fields =
        apr_pcalloc(c->pool, ((size_t)(given != NULL ? given->nelts : 0) + 1) * sizeof *fields);

    for (int i = 0; given != NULL && i < given->nelts; i++) {
        const struct aps_str text = aps_str(APR_ARRAY_IDX(given, i, const char *));
        struct aps_str value = text, name;

        if (!aps_str_next(&value, ':', &name) || !is_token(name) || name.n == text.n) {
            aps_err_explain(&c->diag,
                            "--field \"%s\": want 'NAME: VALUE', such as "
                            "'Content-Type: application/json'",
                            text.p);
            return APS_ERR_FORMAT;
        }
        fields[out->fields_n++] = (struct aps_param_field){name, aps_str_trim(value)};
    }
    out->fields = fields;
    return APS_OK;
}

/* More than a section holds is refused there, and no fault of the question. */
static apr_status_t read_file(struct ctl *c, const char *path, struct ctl_described *out)
{
    char *text = apr_palloc(c->pool, BODY_MAX + 1);
    apr_file_t *file = NULL;
    apr_size_t n = 0;
    apr_status_t status = strcmp(path, "-") == 0
                              ? apr_file_open_stdin(&file, c->pool)
                              : apr_file_open(&file, path, APR_FOPEN_READ, 0, c->pool);

    if (status != APR_SUCCESS)
        return status;
    status = apr_file_read_full(file, text, BODY_MAX + 1, &n);
    (void)apr_file_close(file); /* it was only read */
    if (status != APR_SUCCESS && !APR_STATUS_IS_EOF(status))
        return status;
    out->over = n > BODY_MAX;
    if (!out->over)
        out->body = (struct aps_str){text, n};
    return APR_SUCCESS;
}

static enum aps_err read_body(struct ctl *c, struct ctl_described *out)
{
    const char *path = value_of(c, CTL_OPT_BODY);
    char why[128];
    apr_status_t status = path != NULL ? read_file(c, path, out) : APR_SUCCESS;

    if (status == APR_SUCCESS)
        return APS_OK;
    aps_err_explain(&c->diag, "--body \"%s\": %s", path, apr_strerror(status, why, sizeof why));
    return APR_STATUS_IS_ENOENT(status) || APR_STATUS_IS_ENOTDIR(status) ? APS_ERR_NOT_FOUND
                                                                         : APS_ERR_IO;
}

enum aps_err ctl_described_options(struct ctl *c, struct ctl_described *out)
{
    enum aps_err err;

    out->name = aps_str(value_of(c, CTL_OPT_API));
    if (out->name.p == NULL)
        return check_alone(c);
    if ((err = read_at(c, out)) != APS_OK || (err = read_undeclared(c, out)) != APS_OK ||
        (err = read_fields(c, out)) != APS_OK)
        return err;
    return read_body(c, out);
}

/* ---- The operation ---- */

/* "GET /orders/{id}" */
static const char *pattern_of(apr_pool_t *pool, const struct aps_api_operation *operation)
{
    char method[APS_METHODS_TEXT_MAX];

    return apr_psprintf(pool, "%s %.*s", aps_methods_print(operation->method, method),
                        APS_STR_ARG(operation->path));
}

/* One without operationId has its pattern for a name. */
const char *ctl_described_operation(apr_pool_t *pool, const struct aps_api_operation *operation)
{
    const char *pattern = pattern_of(pool, operation);

    return aps_str_eq(operation->id, aps_str(pattern))
               ? pattern
               : apr_psprintf(pool, "%.*s (%s)", APS_STR_ARG(operation->id), pattern);
}

static void show_operation(struct ctl_trial *t)
{
    const struct aps_api_operation *o = t->described.match.operation;

    ctl_trial_step(t, "operation", "ok",
                   apr_psprintf(t->pool, "%.*s%s%s", APS_STR_ARG(o->id),
                                o->deprecated ? ", deprecated" : "",
                                o->stream ? ", x-apisec-stream" : ""))
        ->rule = aps_str(pattern_of(t->pool, o));
}

/* The path and the query as they were sent. */
static struct aps_str path_of(const struct ctl_trial *t)
{
    const struct aps_str target = t->asked.target;
    const char *query = memchr(target.p, '?', target.n);

    return (struct aps_str){target.p, query != NULL ? (size_t)(query - target.p) : target.n};
}

static struct aps_str query_of(const struct ctl_trial *t)
{
    const size_t n = path_of(t).n;

    return n == t->asked.target.n
               ? (struct aps_str){NULL, 0}
               : (struct aps_str){t->asked.target.p + n + 1, t->asked.target.n - n - 1};
}

static const char *place_text(apr_pool_t *pool, const struct ctl_described *d)
{
    return d->at.n != 0 ? aps_str_copy(pool, d->at).p : "/";
}

static void find_operation(struct ctl_trial *t, struct aps_str path)
{
    struct ctl_described *d = &t->described;
    char methods[APS_METHODS_TEXT_MAX];

    switch (aps_api_find(d->api, t->method, path, &d->match)) {
    case APS_API_FOUND:
        show_operation(t);
        return;
    case APS_API_NO_METHOD:
        ctl_trial_refuse(t, "operation", APS_REASON_API_METHOD,
                         apr_psprintf(t->pool, "%s: %s", aps_reason_text(APS_REASON_API_METHOD),
                                      aps_methods_print(d->match.allowed, methods)));
        return;
    case APS_API_NO_PATH:
        break;
    }
    ctl_trial_refuse(t, "operation", APS_REASON_API_PATH, aps_reason_text(APS_REASON_API_PATH));
}

enum aps_err ctl_described_find(struct ctl_trial *t, struct aps_diag *diag)
{
    struct ctl_described *d = &t->described;
    struct aps_str path = path_of(t);
    enum aps_err err = aps_snapshot_api(t->copy, d->name, &d->api, diag);

    if (err != APS_OK)
        return err;
    if (!aps_api_below(&path, d->at)) {
        ctl_trial_refuse(t, "api", APS_REASON_API_PATH,
                         apr_psprintf(t->pool, "the path is not below %s, where %.*s begins",
                                      place_text(t->pool, d), APS_STR_ARG(d->name)));
        return APS_OK;
    }
    ctl_trial_step(t, "api", "ok",
                   apr_psprintf(t->pool, "%.*s (%.*s %.*s), at %s", APS_STR_ARG(d->name),
                                APS_STR_ARG(aps_api_title(d->api)),
                                APS_STR_ARG(aps_api_version(d->api)), place_text(t->pool, d)));
    find_operation(t, path);
    return APS_OK;
}

/* ---- Its security ---- */

const char *ctl_described_way(apr_pool_t *pool, const struct aps_api_way *way)
{
    const char *text = way->needs_n == 0 ? "{}" : "";

    for (uint32_t i = 0; i < way->needs_n; i++) {
        text = apr_psprintf(pool, "%s%s%.*s", text, i != 0 ? " + " : "",
                            APS_STR_ARG(way->needs[i].scheme));
        for (uint32_t k = 0; k < way->needs[i].scopes_n; k++)
            text = apr_psprintf(pool, "%s %.*s", text, APS_STR_ARG(way->needs[i].scopes[k]));
    }
    return text;
}

static bool wants_certificate(const struct aps_api_way *way)
{
    for (uint32_t i = 0; i < way->needs_n; i++)
        if (way->needs[i].kind == APS_API_MUTUAL_TLS)
            return true;
    return false;
}

static void show_way(struct ctl_trial *t, const struct aps_api_way *way, enum aps_reason reason)
{
    const char *text = aps_reason_is_pass(reason) ? "holds" : aps_reason_text(reason);

    ctl_trial_step(
        t, "alternative", aps_reason_token(reason),
        wants_certificate(way)
            ? apr_pstrcat(t->pool, text, "; a client certificate is taken as shown", NULL)
            : text)
        ->rule = aps_str(ctl_described_way(t->pool, way));
}

void ctl_described_security(struct ctl_trial *t, const struct aps_key *key)
{
    const struct aps_api_operation *o = t->described.match.operation;
    const struct aps_api_caller caller = {.key = key, .certificate = true};
    enum aps_reason reason;

    if (aps_api_caller_is_any(o)) {
        ctl_trial_step(t, "security", "ok", "the operation asks for nobody");
        return;
    }
    for (uint32_t i = 0; i < o->security_n && i < CTL_TRIAL_WAYS_MAX; i++)
        show_way(t, &o->security[i], aps_api_caller_way(&o->security[i], &caller));
    reason = aps_api_caller(o, &caller);
    if (reason == APS_REASON_ALLOW)
        ctl_trial_step(t, "security", "ok", "one of the alternatives holds");
    else
        ctl_trial_refuse(t, "security", reason, aps_reason_text(reason));
}

/* ---- Its plan ---- */

void ctl_described_plan(struct ctl_trial *t)
{
    const struct aps_str name = t->described.match.operation->limit;
    const struct aps_plan *plan;

    if (name.n == 0)
        return;
    plan = aps_planbook_find(aps_snapshot_plans(t->copy), name);
    if (plan == NULL || !plan->sound) {
        ctl_trial_refuse(t, "plan", APS_REASON_PLAN_UNKNOWN,
                         apr_psprintf(t->pool, "%.*s, of x-apisec-limit", APS_STR_ARG(name)));
        return;
    }
    ctl_trial_step(t, "plan", "ok",
                   apr_psprintf(t->pool, "%.*s, of x-apisec-limit", APS_STR_ARG(name)));
    for (size_t i = 0; i < plan->n && plan != t->held.choice.plan; i++)
        ctl_trial_step(t, "limit", "not_judged",
                       apr_psprintf(t->pool, "of plan %.*s", APS_STR_ARG(name)))
            ->rule = plan->limits[i]->text;
}

/* ---- Parameters and content ---- */

static const char *reading_of(enum aps_api_kind kind)
{
    static const char *const texts[] = {
        [APS_API_BYTES] = "its type alone is judged",    [APS_API_JSON] = "read as JSON",
        [APS_API_NDJSON] = "read as JSON lines",         [APS_API_URLENCODED] = "read as a form",
        [APS_API_MULTIPART] = "read as a form of parts", [APS_API_XML] = "read as XML",
    };

    return texts[kind];
}

static void show_body(struct ctl_trial *t, const struct aps_request_result *result)
{
    const bool stream = t->described.match.operation->stream;
    struct ctl_step *step;

    if (result->media == NULL) {
        ctl_trial_step(t, "body", "ok", "none is judged");
        return;
    }
    step = ctl_trial_step(t, "body", "ok",
                          stream ? "x-apisec-stream: its type alone is judged"
                                 : reading_of(result->kind));
    step->rule = result->media->type;
}

static void show_result(struct ctl_trial *t, struct aps_request_result *result)
{
    const bool params = result->reason == APS_REASON_API_PARAMETER;
    const char *text = aps_reason_text(result->reason);

    if (result->failures.n != 0)
        t->described.failures = aps_str_copy(t->pool, aps_failures_text(&result->failures));
    if (params) {
        ctl_trial_refuse(t, "parameters", result->reason, text);
        return;
    }
    ctl_trial_step(t, "parameters", "ok",
                   apr_psprintf(t->pool, "%u declared", t->described.match.operation->params_n));
    if (result->reason == APS_REASON_ALLOW)
        show_body(t, result);
    else
        ctl_trial_refuse(t, "body", result->reason, text);
}

enum aps_err ctl_described_judge(struct ctl_trial *t)
{
    const struct ctl_described *d = &t->described;
    const bool stream = d->match.operation->stream;
    struct aps_schema_judge_options schema = aps_schema_judge_usual;
    unsigned char key[APS_SIPHASH_KEY_LEN];
    struct aps_request_body readers = {
        .line = &aps_jsonread_strict, .xml = &aps_xml_strict, .key = key};
    const struct aps_request_options options = {.json = &aps_jsonread_strict,
                                                .multipart = &aps_multipart_usual,
                                                .undeclared = !d->undeclared,
                                                .head = true,
                                                .xml = aps_request_body_xml,
                                                .lines = aps_request_body_lines,
                                                .context = &readers};
    struct aps_request request = {.method = t->method,
                                  .path = path_of(t),
                                  .query = query_of(t),
                                  .fields = d->fields,
                                  .fields_n = d->fields_n,
                                  .body = stream ? (struct aps_str){NULL, 0} : d->body,
                                  .unread = stream && (d->body.n != 0 || d->over)};
    struct aps_request_result result;
    struct aps_request_judge *judge;
    enum aps_err err = aps_random_fill(key, sizeof key);

    if (err != APS_OK)
        return err;
    if (d->over && !stream) { /* before anything else of it is judged */
        ctl_trial_refuse(t, "body", APS_REASON_BODY_HELD, aps_reason_text(APS_REASON_BODY_HELD));
        return APS_OK;
    }
    schema.way = APS_SCHEMA_REQUEST;
    judge = aps_request_judge_new(t->pool, key, &schema);
    readers.judge = aps_schema_judge_new(t->pool, &schema);
    if (judge == NULL || readers.judge == NULL)
        return APS_ERR_NOMEM;
    (void)aps_api_below(&request.path, d->at); /* it was found */
    (void)aps_request_judge(judge, t->pool, d->api, &request, &options, &result);
    if (result.reason == APS_REASON_INTERNAL)
        return APS_ERR_NOMEM;
    show_result(t, &result);
    return APS_OK;
}

/* ---- Failures ---- */

static void print_failure(struct ctl *c, const struct aps_jsonread *reader,
                          const struct aps_jsonread_node *failure)
{
    static const char *const names[] = {"in",     "name",     "pointer", "keyword",
                                        "schema", "expected", "value"};

    ctl_output_row(c->out);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct aps_jsonread_node *v = aps_jsonread_get(reader, failure, aps_str(names[i]));

        ctl_output_str(c->out, names[i],
                       v != NULL ? aps_jsonread_str(reader, v) : (struct aps_str){NULL, 0});
    }
    ctl_output_end(c->out);
}

static void print_table(struct ctl *c, struct aps_str failures)
{
    const unsigned char key[APS_SIPHASH_KEY_LEN] = {0}; /* the text is our own */
    const struct aps_jsonread_node *v;
    struct aps_jsonread reader;

    aps_jsonread_init(&reader, c->pool, key);
    if (aps_jsonread(&reader, failures, &aps_jsonread_plain) != APS_JSONREAD_OK)
        return;
    ctl_output_table(c->out, "failures", "in name pointer keyword schema expected value");
    for (v = aps_jsonread_first(aps_jsonread_root(&reader));
         v < aps_jsonread_end(aps_jsonread_root(&reader)); v = aps_jsonread_next(v))
        print_failure(c, &reader, v);
    ctl_output_end(c->out);
}

void ctl_described_print(struct ctl *c, const struct ctl_described *d)
{
    if (ctl_output_is_json(c->out))
        ctl_output_json(c->out, "failures", d->failures.n != 0 ? d->failures : APS_STR_LIT("[]"));
    else if (d->failures.n != 0)
        print_table(c, d->failures);
}
