/* The content of a request: method, type, coding, and what reads it.
 *
 * It is judged last, by the section that serves the request and after all of access control, as
 * cheaply as can be said no: by the fields before the client is asked to send anything, then by its
 * length, then decoded, then read.  What was judged is what the handler gets. */
#include "content.h"

#include "apisec/ndjson.h"
#include "apisec/urlencoded.h"

/* One of those that a transaction came to; merging makes new structs of the same parts. */
struct mod_judged {
    struct mod_content content;
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
    return content->methods == 0 || (content->methods & (unsigned)method) != 0
               ? APS_REASON_ALLOW
               : APS_REASON_METHOD_UNLISTED;
}

static enum aps_reason judge_absence(const struct mod_read *read, enum aps_method method)
{
    const unsigned carry = APS_METHOD_POST | APS_METHOD_PUT | APS_METHOD_PATCH;
    if (read == NULL || read->optional || read->kind <= MOD_READ_NONE)
        return APS_REASON_ALLOW;
    return (carry & (unsigned)method) != 0 ? APS_REASON_BODY_MISSING : APS_REASON_ALLOW;
}

/* ---- By its bytes ---- */

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
                                   const struct mod_read *read, apr_pool_t *pool)
{
    const struct aps_ndjson_options options = {&read->caps, read->lines, false};
    struct aps_ndjson lines;
    struct aps_diag diag = {{0}};
    aps_ndjson_init(&lines, pool, mod_process.hash_key, &options, NULL, NULL);
    (void)aps_ndjson_feed(&lines, text); /* the end has the same answer */
    if (aps_ndjson_end(&lines) != APS_NDJSON_OK) {
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

static enum aps_reason judge_text(struct mod_req *m, struct aps_str text,
                                  const struct mod_read *read, apr_pool_t *pool)
{
    struct aps_jsonread reader;
    switch (read->kind) {
    case MOD_READ_ANY:
        return APS_REASON_ALLOW;
    case MOD_READ_JSON:
        return mod_content_json(m, text, &read->caps, pool, &reader);
    case MOD_READ_NDJSON:
        return judge_lines(m, text, read, pool);
    case MOD_READ_FORM:
        return judge_form(m, text, read, pool);
    case MOD_READ_NONE:
    case MOD_READ_COUNT:
        break;
    }
    return APS_REASON_UNDECIDED;
}

/* What reading takes is given back before the handler runs. */
static enum aps_reason judge_bytes(request_rec *r, struct mod_req *m,
                                   const struct mod_content *content, enum aps_method method)
{
    struct aps_str text = {"", 0};
    apr_pool_t *pool = NULL;
    enum aps_reason reason =
        mod_content_bytes(r, m, content->read, mod_content_decode(content), &text);
    if (reason != APS_REASON_ALLOW)
        return reason;
    if (mod_body_sent(m).n == 0)
        return judge_absence(content->read, method);
    if (apr_pool_create(&pool, r->pool) != APR_SUCCESS)
        return APS_REASON_INTERNAL;
    reason = judge_text(m, text, content->read, pool);
    apr_pool_destroy(pool);
    return reason;
}

/* ---- The stage ---- */

static enum aps_reason judge(request_rec *r, struct mod_req *m, const struct mod_content *content)
{
    const enum aps_method method = aps_method_parse(aps_str(r->method));
    enum aps_reason reason = judge_method(content, method);
    if (reason != APS_REASON_ALLOW)
        return reason;
    if (!mod_content_is_there(r))
        return judge_absence(content->read, method);
    if (content->read != NULL && content->read->kind == MOD_READ_NONE)
        return APS_REASON_BODY_UNWANTED;
    reason = judge_type(m, mod_content_types(content));
    if (reason != APS_REASON_ALLOW || content->read == NULL)
        return reason;
    return judge_bytes(r, m, content, method);
}

static bool is_same(const struct mod_content *a, const struct mod_content *b)
{
    return a->methods == b->methods && a->types == b->types && a->read == b->read &&
           a->decode == b->decode;
}

enum aps_reason mod_stage_content(request_rec *r, struct mod_req *m, const struct mod_dir *dir)
{
    const struct mod_content *content = dir->content;
    if (content == NULL || r->main != NULL) /* a part of a page has no content of its own */
        return APS_REASON_ALLOW;
    for (struct mod_judged *j = m->judged; j != NULL; j = j->next)
        if (is_same(&j->content, content))
            return j->reason;
    m->content = content;
    struct mod_judged *judged = apr_palloc(m->first->pool, sizeof *judged);
    *judged = (struct mod_judged){*content, judge(r, m, content), m->judged};
    m->judged = judged;
    return judged->reason;
}
