/* An answer, held until it was judged by the description of its API and looked through for what it
 * must not say.
 *
 * The filter is behind all that makes content, such as parts of a page, and before any that codes
 * or chunks: nothing of the answer was sent when it is over.  What comes from a backend may be
 * coded all the same; it is decoded for the judges, and goes on as it came unless something of it
 * was changed. */
#include "responses.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <stdlib.h>

#include "api.h"
#include "apisec/harden.h"
#include "content.h"
#include "judges.h"

static ap_filter_rec_t *response_filter;

struct answer {
    struct mod_req *m;
    const struct mod_responses *want;
    const struct mod_api_use *use;    /* NULL: no description */
    bool watches;                     /* nothing is changed */
    bool begun, bare, unread, passes; /* .passes: but for trailers all was judged, and is sent */
    bool unreadable;                  /* JSON that nothing can be taken out of */
    const apr_table_t *fields;        /* of errors, before the handler added its own */
    apr_bucket_brigade *held;
    apr_off_t length;
    struct mod_leaks leaks;
    bool masked; /* something of the content was written over */
};

/* ---- What is held ---- */

/* Types that are text, or say nothing of what they are. */
static bool is_text(const char *type)
{
    static const char *const words[] = {"text/",      "json",       "xml",
                                        "javascript", "urlencoded", "multipart/"};
    if (type == NULL)
        return true;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (ap_strcasestr(type, words[i]) != NULL)
            return true;
    return false;
}

static void begin(const request_rec *r, struct answer *a)
{
    const struct mod_api_use *use = a->use;
    a->begun = true;
    a->bare = r->header_only || AP_STATUS_IS_HEADER_ONLY(r->status) || ap_is_HTTP_INFO(r->status);
    a->unread = !is_text(r->content_type) ||
                (r->content_type != NULL &&
                 ap_cstr_casecmpn(r->content_type, "text/event-stream", 17) == 0) ||
                (use != NULL && use->match.operation->stream);
}

/* ---- The description ---- */

/* Strict, and as much as is held: eight bytes for each name or value, since each takes sixteen. */
static struct aps_jsonread_options caps_of(const struct mod_responses *want)
{
    struct aps_jsonread_options caps = aps_jsonread_strict;
    caps.bytes_max = caps.string_max = want->max;
    if (want->max / 8 > caps.nodes_max)
        caps.nodes_max = want->max / 8;
    caps.members_max = caps.items_max = caps.nodes_max;
    return caps;
}

static enum aps_reason judge_schema(request_rec *r, struct answer *a, struct aps_str *io_text)
{
    struct mod_judges *judges;
    struct aps_response_result result;
    const struct aps_jsonread_options caps = caps_of(a->want);
    const struct aps_response_options options = {.json = &caps,
                                                 .strip = a->want->strip && !a->watches};
    if (a->use == NULL || a->use->api == NULL ||
        (a->want->schema == MOD_RESPONSES_PASS && !options.strip))
        return APS_REASON_ALLOW;
    if ((judges = mod_judges_take()) == NULL)
        return APS_REASON_INTERNAL;
    struct aps_response response = {
        .status = (unsigned)r->status, .body = *io_text, .bare = a->bare, .unread = a->unread};
    response.fields_n = mod_content_fields(r->pool, r->headers_out, r->err_headers_out,
                                           r->content_type, &response.fields);
    enum aps_reason reason =
        aps_response_judge(judges->response, r->pool, a->use->api, a->use->match.operation,
                           &response, &options, &result);
    mod_judges_give(judges, response.body.n);
    if (result.body.p != NULL)
        *io_text = result.body;
    a->unreadable = options.strip && result.unreadable;
    if (a->want->schema == MOD_RESPONSES_PASS && !a->unreadable)
        return APS_REASON_ALLOW;
    if (reason != APS_REASON_ALLOW)
        mod_content_note(a->m, &result.failures);
    return reason;
}

static enum aps_reason look_for_leaks(request_rec *r, struct answer *a, struct aps_str *io_text)
{
    if (a->want->leaks == MOD_RESPONSES_PASS)
        return APS_REASON_ALLOW;
    const apr_table_t *const tables[] = {r->headers_out, r->err_headers_out, r->trailers_out};
    enum aps_reason worst = APS_REASON_ALLOW, reason;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        if ((reason = mod_response_leaks_fields(r, &a->leaks, tables[i])) != APS_REASON_ALLOW)
            worst = reason;
    reason = a->unread || a->bare ? APS_REASON_ALLOW
                                  : mod_response_leaks_text(r, &a->leaks, io_text, &a->masked);
    return reason != APS_REASON_ALLOW ? reason : worst;
}

static void escape(request_rec *r, const struct answer *a, struct aps_str *io_text)
{
    struct aps_harden run = {false, false, 0};
    struct aps_buf out;
    if (!a->want->escape || a->watches || r->content_type == NULL ||
        !aps_harden_is_json(aps_str(r->content_type)))
        return;
    aps_buf_init(&out, r->pool, 6 * io_text->n + 12);
    aps_harden_feed(&run, *io_text, &out);
    aps_harden_end(&run, &out);
    if (!out.full && !aps_str_eq(aps_buf_text(&out), *io_text))
        *io_text = aps_buf_text(&out);
}

/* ---- The whole answer ---- */

static apr_status_t free_block(void *block)
{
    free(block);
    return APR_SUCCESS;
}

/* Decode what came coded. */
static enum aps_reason decode(request_rec *r, const struct answer *a, struct aps_str *io_text)
{
    const struct aps_coding_caps caps = {a->want->max, UINT32_MAX}; /* a lot of little is held */
    const char *field = mod_response_fields_coding(r);
    enum aps_coding coding = APS_CODING_NONE;
    char *p = NULL;
    size_t n = 0;
    if (aps_coding_parse(aps_str(field), &coding) != APS_CODING_OK)
        return APS_REASON_RESPONSE_CODING;
    if (coding == APS_CODING_NONE || io_text->n == 0)
        return APS_REASON_ALLOW;
    struct aps_coding_run *run = aps_coding_begin(coding, &caps, io_text->n);
    if (run == NULL)
        return APS_REASON_INTERNAL;
    enum aps_coding_fault fault = aps_coding_add(run, *io_text);
    if (fault == APS_CODING_OK)
        fault = aps_coding_end(run, &p, &n);
    aps_coding_free(run);
    if (fault != APS_CODING_OK)
        return fault == APS_CODING_BYTES || fault == APS_CODING_RATIO ? APS_REASON_RESPONSE_LARGE
                                                                      : APS_REASON_RESPONSE_CODING;
    apr_pool_cleanup_register(r->pool, p, free_block, apr_pool_cleanup_null);
    *io_text = (struct aps_str){p, n};
    return APS_REASON_ALLOW;
}

static bool blocks(const struct answer *a, enum aps_reason reason)
{
    if (a->watches)
        return false;
    if (reason == APS_REASON_RESPONSE_LEAK)
        return a->want->leaks >= MOD_RESPONSES_MASK;
    if (reason == APS_REASON_RESPONSE_LARGE || reason == APS_REASON_RESPONSE_CODING ||
        reason == APS_REASON_INTERNAL)
        return a->want->schema == MOD_RESPONSES_BLOCK || a->want->leaks >= MOD_RESPONSES_MASK ||
               a->want->strip;
    return a->want->schema == MOD_RESPONSES_BLOCK || a->unreadable;
}

/* The worse of the two; what is stripped is not looked through again for what it does not have. */
static enum aps_reason judge(request_rec *r, struct answer *a, struct aps_str *io_text)
{
    enum aps_reason reason = a->unread ? APS_REASON_ALLOW : decode(r, a, io_text);
    if (reason != APS_REASON_ALLOW)
        return reason;
    enum aps_reason schema = judge_schema(r, a, io_text);
    if (schema != APS_REASON_ALLOW && blocks(a, schema))
        return schema;
    enum aps_reason leak = look_for_leaks(r, a, io_text);
    if (leak == APS_REASON_ALLOW)
        escape(r, a, io_text);
    return leak != APS_REASON_ALLOW ? leak : schema;
}

/* ---- The filter ---- */

static void tell(request_rec *r, struct answer *a, enum aps_reason reason)
{
    mod_req_verdict(a->m, blocks(a, reason) ? MOD_ENGINE_ON : MOD_ENGINE_DETECT, reason);
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "APISEC0103: the answer is %s, %s: %s (request %s)",
                  blocks(a, reason) ? "refused" : "not as it should be", aps_reason_token(reason),
                  a->m->fault.n != 0 ? a->m->fault.p : aps_reason_text(reason), mod_req_id(a->m));
}

/* Nothing of what the handler has said goes out. */
static apr_status_t refuse(ap_filter_t *f, apr_bucket_brigade *bb, struct answer *a,
                           enum aps_reason reason)
{
    request_rec *r = f->r;
    apr_brigade_cleanup(bb);
    apr_brigade_cleanup(a->held);
    a->m->failures = NULL; /* they are the backend's, and nobody else's */
    a->m->refused = r;
    r->status = aps_reason_status(reason);
    r->status_line = NULL;
    mod_response_fields_clear(r, a->fields);
    f->ctx = NULL;
    return mod_answer_problem(f, bb, a->m, reason);
}

static apr_status_t send_changed(ap_filter_t *f, apr_bucket_brigade *bb, struct answer *a,
                                 struct aps_str text)
{
    request_rec *r = f->r;
    apr_bucket_alloc_t *alloc = r->connection->bucket_alloc;
    mod_response_fields_changed(r);
    ap_set_content_length(r, (apr_off_t)text.n);
    apr_brigade_cleanup(a->held);
    apr_brigade_cleanup(bb);
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_pool_create(text.p, text.n, r->pool, alloc));
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(alloc));
    return ap_pass_brigade(f->next, bb);
}

static bool has(const apr_bucket_brigade *bb, const apr_bucket_type_t *type)
{
    for (apr_bucket *b = APR_BRIGADE_FIRST(bb); b != APR_BRIGADE_SENTINEL(bb);
         b = APR_BUCKET_NEXT(b))
        if (b->type == type)
            return true;
    return false;
}

/* Trailers come with the end of what was not held: what may not be sent of them is left out. */
static apr_status_t pass(ap_filter_t *f, apr_bucket_brigade *bb, struct answer *a)
{
    request_rec *r = f->r;
    if (!has(bb, &apr_bucket_type_eos))
        return ap_pass_brigade(f->next, bb);
    enum aps_reason reason = mod_response_leaks_fields(r, &a->leaks, r->trailers_out);
    if (reason != APS_REASON_ALLOW) {
        tell(r, a, reason);
        if (blocks(a, reason))
            apr_table_clear(r->trailers_out);
    }
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, bb);
}

/* What was held, and what follows it, as it came. */
static apr_status_t send_held(ap_filter_t *f, apr_bucket_brigade *bb, struct answer *a)
{
    APR_BRIGADE_PREPEND(bb, a->held);
    a->passes = a->want->leaks != MOD_RESPONSES_PASS && !has(bb, &apr_bucket_type_eos);
    if (!a->passes)
        ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, bb);
}

static apr_status_t finish(ap_filter_t *f, apr_bucket_brigade *bb, struct answer *a)
{
    char *p = NULL;
    apr_size_t n = 0;
    apr_status_t status = apr_brigade_pflatten(a->held, &p, &n, f->r->pool);
    if (status != APR_SUCCESS)
        return status;
    if (n == 0)
        p = apr_pstrdup(f->r->pool, ""); /* of an answer that is not held nothing changes either */
    struct aps_str text = {p, n};
    enum aps_reason reason = judge(f->r, a, &text);
    if (reason != APS_REASON_ALLOW)
        tell(f->r, a, reason);
    if (reason != APS_REASON_ALLOW && blocks(a, reason))
        return refuse(f, bb, a, reason);
    if (a->bare && !a->watches && (a->want->strip || a->want->escape))
        apr_table_unset(f->r->headers_out, "Content-Length"); /* GET may have another one */
    bool decoded = mod_response_fields_coding(f->r)[0] != '\0' && text.p != p;
    if (a->watches || (text.p == p && !decoded) ||
        !(a->want->strip || a->want->escape || a->masked))
        return send_held(f, bb, a);
    f->ctx = NULL;
    return send_changed(f, bb, a, text);
}

/* Count what came, up to its end or to more than is held: a program's answer is one bucket without
 * a length, which becomes several as it is read. */
static apr_status_t measure(apr_bucket_brigade *bb, struct answer *a, apr_bucket **out_eos)
{
    *out_eos = NULL;
    for (apr_bucket *b = APR_BRIGADE_FIRST(bb);
         b != APR_BRIGADE_SENTINEL(bb) && a->length <= (apr_off_t)a->want->max;
         b = APR_BUCKET_NEXT(b)) {
        const char *p;
        apr_size_t n;
        if (APR_BUCKET_IS_EOS(b)) {
            *out_eos = b;
            break;
        }
        if (b->length == (apr_size_t)-1) {
            apr_status_t status = apr_bucket_read(b, &p, &n, APR_BLOCK_READ);
            if (status != APR_SUCCESS)
                return status;
        }
        a->length += (apr_off_t)b->length;
    }
    return APR_SUCCESS;
}

/* Take what came; *out_ended where all of it is there.  False: it cannot be held. */
static bool hold(ap_filter_t *f, apr_bucket_brigade *bb, struct answer *a, bool *out_ended,
                 apr_status_t *out_status)
{
    apr_bucket *eos;
    if ((*out_status = measure(bb, a, &eos)) != APR_SUCCESS || a->length > (apr_off_t)a->want->max)
        return false;
    *out_ended = eos != NULL;
    if (*out_ended)
        APR_BUCKET_REMOVE(eos);
    *out_status = ap_save_brigade(f, &a->held, &bb, f->r->pool);
    if (*out_ended)
        APR_BRIGADE_INSERT_TAIL(bb, eos);
    return *out_status == APR_SUCCESS;
}

/* The backend broke off: httpd makes an error of it, and nobody has judged what came. */
static apr_status_t send_error(ap_filter_t *f, apr_bucket_brigade *bb, struct answer *a)
{
    apr_brigade_cleanup(a->held);
    for (apr_bucket *b = APR_BRIGADE_FIRST(bb), *next; b != APR_BRIGADE_SENTINEL(bb); b = next) {
        next = APR_BUCKET_NEXT(b);
        if (!APR_BUCKET_IS_METADATA(b))
            apr_bucket_delete(b);
    }
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, bb);
}

static apr_status_t filter_response(ap_filter_t *f, apr_bucket_brigade *bb)
{
    struct answer *a = f->ctx;
    apr_status_t status;
    bool ended;
    if (a == NULL) { /* it was answered; what else the handler says is nobody's */
        apr_brigade_cleanup(bb);
        return APR_SUCCESS;
    }
    if (!a->begun)
        begin(f->r, a);
    if (has(bb, &ap_bucket_type_error))
        return send_error(f, bb, a);
    if (a->passes)
        return pass(f, bb, a);
    if (a->unread)
        return finish(f, bb, a);
    if (!hold(f, bb, a, &ended, &status)) {
        if (status != APR_SUCCESS)
            return status;
        tell(f->r, a, APS_REASON_RESPONSE_LARGE);
        return blocks(a, APS_REASON_RESPONSE_LARGE) ? refuse(f, bb, a, APS_REASON_RESPONSE_LARGE)
                                                    : send_held(f, bb, a);
    }
    return ended ? finish(f, bb, a) : APR_SUCCESS;
}

void mod_stage_response_insert_filter(request_rec *r, struct mod_req *m)
{
    const struct mod_dir *dir = ap_get_module_config(r->per_dir_config, &apisec_module);
    const struct mod_responses *want = dir->responses;
    if (want == NULL || dir->engine <= MOD_ENGINE_OFF || m->refused != NULL ||
        !mod_responses_holds(want))
        return;
    struct answer *a = apr_pcalloc(r->pool, sizeof *a);
    a->m = m;
    a->want = want;
    a->watches = dir->engine != MOD_ENGINE_ON;
    a->leaks.m = m;
    a->leaks.kinds = want->kinds;
    a->leaks.masks = want->leaks == MOD_RESPONSES_MASK && !a->watches;
    a->use = dir->api != NULL ? mod_stage_api_use(m, dir->api) : NULL;
    if (a->use != NULL && a->use->reason != APS_REASON_ALLOW)
        a->use = NULL;
    a->held = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    a->fields = apr_table_copy(r->pool, r->err_headers_out);
    if (!a->watches && m->plain != r && (a->use == NULL || !a->use->match.operation->stream))
        mod_response_fields_ask(r, m);
    ap_add_output_filter_handle(response_filter, a, r, r->connection);
}

void mod_stage_response_register(void)
{
    response_filter = ap_register_output_filter("APISEC_RESPONSE", filter_response, NULL,
                                                (ap_filter_type)(AP_FTYPE_RESOURCE + 1));
}
