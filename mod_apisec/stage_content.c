/* The content of a request: method, type, coding, and what reads it.
 *
 * It is judged last, by the section that serves the request and after all of access control, as
 * cheaply as can be said no: by the fields before the client is asked to send anything, then by its
 * length, then decoded, then read.  What was judged is what the handler gets. */
#include "content.h"
#include "xsds.h"

#include "apisec/ndjson.h"
#include "apisec/urlencoded.h"

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

static enum aps_reason judge_value(struct mod_req *m, const struct aps_schema_image *image,
                                   struct aps_schema_judge *judge,
                                   const struct aps_jsonread *reader)
{
    enum aps_schema_verdict verdict =
        aps_schema_judge(judge, image, 0, reader, aps_jsonread_root(reader));
    if (verdict == APS_SCHEMA_VALID)
        return APS_REASON_ALLOW;
    if (verdict == APS_SCHEMA_NOMEM)
        return APS_REASON_INTERNAL;
    mod_content_fail_schema(m, judge, verdict);
    return verdict == APS_SCHEMA_INVALID ? APS_REASON_BODY_INVALID : APS_REASON_BODY_OVER;
}

/* What values are judged by; image NULL: by nothing. */
struct by_schema {
    struct mod_req *m;
    const struct aps_schema_image *image;
    struct aps_schema_judge *judge;
    enum aps_reason reason;
};

static enum aps_reason begin_schema(struct mod_req *m, const char *name, bool is_xml,
                                    apr_pool_t *pool, struct by_schema *out)
{
    struct aps_schema_judge_options options = aps_schema_judge_usual;
    *out = (struct by_schema){.m = m, .reason = APS_REASON_ALLOW};
    if (name == NULL || is_xml)
        return APS_REASON_ALLOW;
    if ((out->image = schema_of(m, name)) == NULL)
        return APS_REASON_SCHEMA_DOWN;
    options.way = APS_SCHEMA_REQUEST;
    out->judge = aps_schema_judge_new(pool, &options);
    return out->judge != NULL ? APS_REASON_ALLOW : APS_REASON_INTERNAL;
}

static bool judge_next(void *ctx, const struct aps_jsonread *reader, uint32_t line)
{
    struct by_schema *by = ctx;
    (void)line;
    by->reason = judge_value(by->m, by->image, by->judge, reader);
    return by->reason == APS_REASON_ALLOW;
}

/* ---- By what reads it ---- */

static enum aps_reason judge_json(struct mod_req *m, struct aps_str text,
                                  const struct mod_read *read, struct by_schema *by,
                                  apr_pool_t *pool)
{
    struct aps_jsonread reader;
    enum aps_reason reason = mod_content_json(m, text, &read->caps, pool, &reader);
    return reason != APS_REASON_ALLOW || by->image == NULL
               ? reason
               : judge_value(m, by->image, by->judge, &reader);
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
                                   const struct mod_read *read, struct by_schema *by,
                                   apr_pool_t *pool)
{
    const struct aps_ndjson_options options = {&read->caps, read->lines, false};
    struct aps_ndjson lines;
    struct aps_diag diag = {{0}};
    aps_ndjson_init(&lines, pool, mod_process.hash_key, &options,
                    by->image != NULL ? judge_next : NULL, by);
    (void)aps_ndjson_feed(&lines, text); /* the end has the same answer */
    if (aps_ndjson_end(&lines) == APS_NDJSON_STOPPED)
        return by->reason;
    if (lines.fault != APS_NDJSON_OK) {
        const char *token = lines.fault == APS_NDJSON_LINE
                                ? aps_jsonread_fault_name(lines.reader.fault)
                                : aps_ndjson_fault_name(lines.fault);
        aps_ndjson_fault_explain(&lines, &diag);
        mod_content_fail(m, "ndjson", token, lines.line, diag.text);
    }
    return reason_of_lines(&lines);
}

static enum aps_reason judge_form(struct mod_req *m, struct aps_str text,
                                  const struct mod_read *read, apr_pool_t *pool)
{
    const struct aps_urlencoded_options options = {read->caps.members_max, read->caps.string_max,
                                                   read->repeated};
    struct aps_urlencoded form;
    enum aps_urlencoded_fault fault = aps_urlencoded_read(text, &options, pool, &form);
    if (fault == APS_URLENCODED_OK)
        return APS_REASON_ALLOW;
    mod_content_fail(m, "form", aps_urlencoded_fault_name(fault), form.at,
                     aps_urlencoded_fault_text(fault));
    return fault >= APS_URLENCODED_PAIRS ? APS_REASON_BODY_OVER : APS_REASON_BODY_MALFORMED;
}

/* A part is taken where its file may be stored by its name (POS-18). */
static bool take_part(void *context, const struct aps_multipart_part *part)
{
    const struct aps_multipart_options *options = context;
    return part->filename.p == NULL ||
           aps_multipart_head_is_safe(part->filename, options->name_max);
}

static enum aps_reason judge_parts(struct mod_req *m, struct aps_str text,
                                   const struct mod_read *read, apr_pool_t *pool)
{
    struct aps_multipart_options options = aps_multipart_usual;
    struct aps_mediatype type = {.boundary = {NULL, 0}};
    enum aps_multipart_fault fault = APS_MULTIPART_OK;
    (void)mod_content_type(m, &type); /* without one there is no boundary */
    options.parts_max = read->parts;
    options.part_max = read->part != 0 ? read->part : read->max;
    options.total_max = read->max;
    struct aps_multipart *parts =
        aps_multipart_new(pool, type.boundary, &options, take_part, &options, &fault);
    if (parts != NULL) {
        (void)aps_multipart_feed(parts, text); /* the end has the same answer */
        fault = aps_multipart_finish(parts);
    }
    if (fault == APS_MULTIPART_OK)
        return parts != NULL ? APS_REASON_ALLOW : APS_REASON_INTERNAL;
    if (fault == APS_MULTIPART_NOMEM)
        return APS_REASON_INTERNAL;
    const bool name = fault == APS_MULTIPART_SINK;
    mod_content_fail(m, "multipart", name ? "filename" : aps_multipart_fault_name(fault),
                     parts != NULL ? (size_t)aps_multipart_at(parts) : 0,
                     name ? "names of files that are safe wherever they are stored"
                          : aps_multipart_fault_text(fault));
    return fault >= APS_MULTIPART_PARTS && !name ? APS_REASON_BODY_OVER : APS_REASON_BODY_MALFORMED;
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
    struct by_schema by;
    enum aps_reason reason =
        begin_schema(m, content->schema, read->kind == MOD_READ_XML, pool, &by);
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
        return judge_form(m, text, read, pool);
    case MOD_READ_MULTIPART:
        return judge_parts(m, text, read, pool);
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
    return read == NULL || read->kind != MOD_READ_GRAPHQL ||
           (strcmp(j->method, r->method) == 0 && aps_str_eq(aps_str(j->args), aps_str(r->args)));
}

static bool is_same(const struct mod_content *a, const struct mod_content *b)
{
    return a->methods == b->methods && a->types == b->types && a->read == b->read &&
           a->decode == b->decode && a->schema == b->schema;
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
