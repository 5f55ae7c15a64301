/* The content of a request: method, type, coding, and what reads it.
 *
 * It is judged last, by the section that serves the request and after all of access control, as
 * cheaply as can be said no: by the fields before the client is asked to send anything, then by its
 * length, then decoded, then read.  What was judged is what the handler gets. */
#include "content.h"
#include "xsds.h"

#include "apisec/ndjson.h"

/* One of those that a transaction came to; merging makes new structs of the same parts. */
struct mod_judged {
    struct mod_content content;
    const char *method, *args; /* which a redirect within the server may change */
    enum aps_reason reason;
    struct mod_judged *next;
};

/* ---- By the fields ---- */

/* POS-02.  Where no type is asked for there may be none, and one that is there is a good one. */
static enum aps_reason judge_type(struct mod_req *m, const struct mod_types *types)
{
    struct aps_mediatype type;
    enum aps_reason reason = mod_content_type(m, &type);
    if (types == NULL)
        return reason == APS_REASON_TYPE_MISSING ? APS_REASON_ALLOW : reason;
    if (reason != APS_REASON_ALLOW)
        return reason;
    for (size_t i = 0; i < types->n; i++)
        if (aps_mediatype_is(type.type, types->v[i]))
            return APS_REASON_ALLOW;
    return APS_REASON_TYPE_UNLISTED;
}

static enum aps_reason judge_method(const struct mod_content *content, enum aps_method method)
{
    if (content->methods == 0 && mod_content_methods(content) == APS_METHOD_ALL)
        return APS_REASON_ALLOW;
    return (mod_content_methods(content) & (unsigned)method) != 0 ? APS_REASON_ALLOW
                                                                  : APS_REASON_METHOD_UNLISTED;
}

static enum aps_reason judge_absence(const struct mod_read *read, enum aps_method method)
{
    const unsigned carry = APS_METHOD_POST | APS_METHOD_PUT | APS_METHOD_PATCH;
    if (read == NULL || read->optional || read->kind <= MOD_READ_NONE)
        return APS_REASON_ALLOW;
    return (carry & (unsigned)method) != 0 ? APS_REASON_BODY_MISSING : APS_REASON_ALLOW;
}

/* ---- By a schema ---- */

/* NULL: it cannot be used, which is in the error log. */
static const struct aps_schema_image *schema_of(struct mod_req *m, const char *name)
{
    const struct aps_schema_image *image = NULL;
    struct aps_diag diag = {{0}};
    if (mod_process_view(m) == NULL)
        return NULL;
    enum aps_err err =
        aps_snapshot_schema(aps_view_snapshot(m->view), aps_str(name), &image, &diag);
    if (err == APS_OK)
        return image;
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, m->first,
                  "APISEC0100: sys_crash: the JSON Schema %s cannot be used: %s", name,
                  aps_err_say(err, &diag));
    return NULL;
}

static enum aps_reason judge_value(const struct mod_values *by, const struct aps_jsonread *reader)
{
    enum aps_schema_verdict verdict =
        aps_schema_judge(by->judge, by->schema, 0, reader, aps_jsonread_root(reader));
    if (verdict == APS_SCHEMA_VALID)
        return APS_REASON_ALLOW;
    if (verdict == APS_SCHEMA_NOMEM)
        return APS_REASON_INTERNAL;
    mod_content_fail_schema(by->m, by->judge, verdict);
    return verdict == APS_SCHEMA_INVALID ? APS_REASON_BODY_INVALID : APS_REASON_BODY_OVER;
}

enum aps_reason mod_stage_content_value(const struct mod_values *by,
                                        const struct aps_jsonread *reader)
{
    enum aps_reason reason = by->schema != NULL ? judge_value(by, reader) : APS_REASON_ALLOW;
    return reason == APS_REASON_ALLOW ? mod_stage_url_value(by, reader) : reason;
}

static enum aps_reason begin_values(struct mod_req *m, const struct mod_content *content,
                                    apr_pool_t *pool, struct mod_values *out)
{
    struct aps_schema_judge_options options = aps_schema_judge_usual;
    *out = (struct mod_values){.m = m, .urls = mod_urls_body(content->urls)};
    if (mod_content_read(content)->kind == MOD_READ_XML)
        return APS_REASON_ALLOW;
    if (content->schema != NULL && (out->schema = schema_of(m, content->schema)) == NULL)
        return APS_REASON_SCHEMA_DOWN;
    if (out->schema == NULL && out->urls == NULL)
        return APS_REASON_ALLOW;
    options.way = APS_SCHEMA_REQUEST;
    out->judge = aps_schema_judge_new(pool, &options);
    return out->judge != NULL ? APS_REASON_ALLOW : APS_REASON_INTERNAL;
}

/* Lines, until one is refused. */
struct lines {
    const struct mod_values *by;
    enum aps_reason reason;
};

static bool judge_next(void *ctx, const struct aps_jsonread *reader, uint32_t line)
{
    struct lines *l = ctx;
    (void)line;
    l->reason = mod_stage_content_value(l->by, reader);
    return l->reason == APS_REASON_ALLOW;
}

/* ---- By what reads it ---- */

static enum aps_reason judge_json(struct mod_req *m, struct aps_str text,
                                  const struct mod_read *read, const struct mod_values *by,
                                  apr_pool_t *pool)
{
    struct aps_jsonread reader;
    enum aps_reason reason = mod_content_json(m, text, &read->caps, pool, &reader);
    return reason == APS_REASON_ALLOW ? mod_stage_content_value(by, &reader) : reason;
}

static enum aps_reason reason_of_lines(const struct aps_ndjson *lines)
{
    switch (lines->fault) {
    case APS_NDJSON_OK:
        return APS_REASON_ALLOW;
    case APS_NDJSON_NOMEM:
        return APS_REASON_INTERNAL;
    case APS_NDJSON_LINES:
        return APS_REASON_BODY_OVER;
    case APS_NDJSON_LINE:
        if (lines->reader.fault >= APS_JSONREAD_BYTES)
            return APS_REASON_BODY_OVER;
        __attribute__((fallthrough));
    default:
        return APS_REASON_BODY_MALFORMED;
    }
}

static enum aps_reason judge_lines(struct mod_req *m, struct aps_str text,
                                   const struct mod_read *read, const struct mod_values *by,
                                   apr_pool_t *pool)
{
    struct lines each = {by, APS_REASON_ALLOW};
    const struct aps_ndjson_options options = {&read->caps, read->lines, false};
    struct aps_ndjson lines;
    struct aps_diag diag = {{0}};
    aps_ndjson_init(&lines, pool, mod_process.hash_key, &options,
                    by->judge != NULL ? judge_next : NULL, &each);
    (void)aps_ndjson_feed(&lines, text); /* the end has the same answer */
    if (aps_ndjson_end(&lines) == APS_NDJSON_STOPPED)
        return each.reason;
    if (lines.fault != APS_NDJSON_OK) {
        const char *token = lines.fault == APS_NDJSON_LINE
                                ? aps_jsonread_fault_name(lines.reader.fault)
                                : aps_ndjson_fault_name(lines.fault);
        aps_ndjson_fault_explain(&lines, &diag);
        mod_content_fail(m, "ndjson", token, lines.line, diag.text);
    }
    return reason_of_lines(&lines);
}

static enum aps_reason xml_refused(struct mod_req *m, enum aps_xml_fault fault,
                                   const struct aps_diag *why)
{
    if (fault == APS_XML_NOMEM || fault == APS_XML_UNDECIDED || fault == APS_XML_ABSENT)
        return APS_REASON_INTERNAL;
    mod_content_fail(m, "xml", aps_xml_fault_name(fault), 0, why->text);
    return fault >= APS_XML_BYTES ? APS_REASON_BODY_OVER : APS_REASON_BODY_MALFORMED;
}

static enum aps_reason xsd_refused(struct mod_req *m, const struct aps_xsd_check *check,
                                   enum aps_xsd_verdict verdict)
{
    struct aps_diag why = {{0}};
    if (verdict == APS_XSD_NOMEM || verdict == APS_XSD_UNDECIDED)
        return APS_REASON_INTERNAL;
    if (verdict == APS_XSD_XML) {
        aps_xsd_check_fault_explain(check, &why);
        return xml_refused(m, aps_xsd_check_fault(check), &why);
    }
    mod_content_fault(m, "xsd", aps_xsd_check_name(verdict), 0);
    if (verdict != APS_XSD_INVALID) {
        mod_content_fail(m, "xsd", aps_xsd_check_name(verdict), 0,
                         "a text that can be judged within the bounds");
        return APS_REASON_BODY_OVER;
    }
    aps_failures_add_xsd(mod_content_failures(m), check);
    return APS_REASON_BODY_INVALID;
}

static enum aps_reason judge_xsd(struct mod_req *m, struct aps_str text,
                                 const struct mod_read *read, const char *name, apr_pool_t *pool)
{
    struct aps_xsd_options options = aps_xsd_usual;
    const struct aps_xsd *xsd = NULL;
    struct aps_diag diag = {{0}};
    if (mod_process_view(m) == NULL)
        return APS_REASON_SCHEMA_DOWN;
    enum aps_err err = mod_xsds_get(m, name, &xsd, &diag);
    if (err != APS_OK) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, m->first,
                      "APISEC0101: sys_crash: the XML schema %s cannot be used: %s", name,
                      aps_err_say(err, &diag));
        return APS_REASON_SCHEMA_DOWN;
    }
    options.xml = &read->xml;
    struct aps_xsd_check *check = aps_xsd_check_new(pool, xsd, &options);
    if (check == NULL)
        return APS_REASON_INTERNAL;
    (void)aps_xsd_check_feed(check, text); /* the verdict says why no more was wanted */
    enum aps_xsd_verdict verdict = aps_xsd_check_finish(check);
    enum aps_reason reason =
        verdict == APS_XSD_VALID ? APS_REASON_ALLOW : xsd_refused(m, check, verdict);
    aps_xsd_check_close(check);
    return reason;
}

static enum aps_reason judge_xml(struct mod_req *m, struct aps_str text,
                                 const struct mod_read *read, apr_pool_t *pool)
{
    struct aps_diag diag = {{0}};
    enum aps_xml_fault fault = aps_xml(pool, text, &read->xml, NULL, &diag);
    if (fault == APS_XML_OK)
        return APS_REASON_ALLOW;
    return xml_refused(m, fault, &diag);
}

static enum aps_reason judge_text(request_rec *r, struct mod_req *m, struct aps_str text,
                                  const struct mod_content *content, apr_pool_t *pool)
{
    const struct mod_read *read = mod_content_read(content);
    struct mod_values by;
    enum aps_reason reason = begin_values(m, content, pool, &by);
    if (reason != APS_REASON_ALLOW)
        return reason;
    switch (read->kind) {
    case MOD_READ_ANY:
        return APS_REASON_ALLOW;
    case MOD_READ_JSON:
        return judge_json(m, text, read, &by, pool);
    case MOD_READ_NDJSON:
        return judge_lines(m, text, read, &by, pool);
    case MOD_READ_FORM:
        return mod_stage_form(&by, text, read, pool);
    case MOD_READ_MULTIPART:
        return mod_stage_form_parts(&by, text, read, pool);
    case MOD_READ_XML:
        return content->schema != NULL ? judge_xsd(m, text, read, content->schema, pool)
                                       : judge_xml(m, text, read, pool);
    case MOD_READ_GRAPHQL:
        return mod_stage_graphql_content(r, m, text, read, pool);
    case MOD_READ_NONE:
    case MOD_READ_COUNT:
        break;
    }
    return APS_REASON_UNDECIDED;
}

/* ---- By its bytes ---- */

/* What reading takes is given back before the handler runs. */
enum aps_reason mod_stage_content_again(request_rec *r, struct mod_req *m,
                                        const struct mod_content *content, struct aps_str text)
{
    apr_pool_t *pool = NULL;
    if (apr_pool_create(&pool, r->pool) != APR_SUCCESS)
        return APS_REASON_INTERNAL;
    m->content = content;
    enum aps_reason reason = judge_text(r, m, text, content, pool);
    apr_pool_destroy(pool);
    return reason;
}

static enum aps_reason judge_bytes(request_rec *r, struct mod_req *m,
                                   const struct mod_content *content, enum aps_method method)
{
    const struct mod_read *read = mod_content_read(content);
    struct aps_str text = {"", 0};
    enum aps_reason reason = mod_content_bytes(r, m, read, mod_content_decode(content), &text);
    if (reason != APS_REASON_ALLOW)
        return reason;
    if (mod_body_sent(m).n == 0)
        return judge_absence(read, method);
    return mod_stage_content_again(r, m, content, text);
}

/* ---- The stage ---- */

static enum aps_reason judge(request_rec *r, struct mod_req *m, const struct mod_content *content)
{
    const struct mod_read *read = mod_content_read(content);
    const enum aps_method method = aps_method_parse(aps_str(r->method));
    enum aps_reason reason = judge_method(content, method);
    if (reason == APS_REASON_ALLOW)
        reason = mod_stage_url_query(r, m, content->urls);
    if (reason != APS_REASON_ALLOW)
        return reason;
    const bool asked = read != NULL && read->kind == MOD_READ_GRAPHQL && method != APS_METHOD_POST;
    if (!mod_content_is_there(r))
        return asked ? mod_stage_graphql_query(r, m, read) : judge_absence(read, method);
    if (asked || (read != NULL && read->kind == MOD_READ_NONE))
        return APS_REASON_BODY_UNWANTED;
    reason = judge_type(m, mod_content_types(content));
    return reason != APS_REASON_ALLOW || read == NULL ? reason : judge_bytes(r, m, content, method);
}

/* What is judged by more than its content is judged again where that has changed. */
static bool is_asked_the_same(const struct mod_judged *j, const request_rec *r)
{
    const struct mod_read *read = mod_content_read(&j->content);
    const bool graphql = read != NULL && read->kind == MOD_READ_GRAPHQL;
    return (!graphql && mod_urls_query(j->content.urls) == NULL) ||
           (strcmp(j->method, r->method) == 0 && aps_str_eq(aps_str(j->args), aps_str(r->args)));
}

static bool is_same(const struct mod_content *a, const struct mod_content *b)
{
    return a->methods == b->methods && a->types == b->types && a->read == b->read &&
           a->decode == b->decode && a->schema == b->schema && a->urls == b->urls;
}

enum aps_reason mod_stage_content(request_rec *r, struct mod_req *m, const struct mod_dir *dir)
{
    const struct mod_content *content = dir->content;
    if (content == NULL || r->main != NULL) /* a part of a page has no content of its own */
        return APS_REASON_ALLOW;
    for (struct mod_judged *j = m->judged; j != NULL; j = j->next)
        if (is_same(&j->content, content) && is_asked_the_same(j, r))
            return j->reason;
    m->content = content;
    struct mod_judged *judged = apr_palloc(m->first->pool, sizeof *judged);
    *judged = (struct mod_judged){*content, r->method, r->args, judge(r, m, content), m->judged};
    m->judged = judged;
    return judged->reason;
}
