/* A request's content, held until it was judged.
 *
 * It is read in fixups through the filters that are there by then: framing alone, so these are the
 * bytes as they were sent, before any content decoding, which httpd sets up later.  They lie in
 * memory, and a filter next to the framing hands the handler exactly them, whichever request of the
 * transaction runs it: redirects within the server begin with new filters. */
#include "mod.h"

#include <apr_strings.h>

#include "util_filter.h"

struct mod_body {
    enum aps_reason reason; /* ALLOW: all of it is here */
    apr_bucket_brigade *held;
    bool complete; /* nothing is left below */
    size_t length; /* bytes that were read */
};

static ap_filter_rec_t *replay_filter;

/* ---- Reading ---- */

static enum aps_reason fault_of(apr_status_t status)
{
    switch (ap_map_http_request_error(status, HTTP_BAD_REQUEST)) {
    case HTTP_REQUEST_ENTITY_TOO_LARGE:
        return APS_REASON_BODY_TOO_LARGE; /* LimitRequestBody */
    case HTTP_REQUEST_TIME_OUT:
        return APS_REASON_BODY_SLOW;
    default:
        return APS_REASON_BODY_BROKEN;
    }
}

/* What came in one piece is copied, so that many small ones do not cost a bucket each. */
static enum aps_reason keep(struct mod_body *body, apr_bucket_brigade *came, size_t max)
{
    for (apr_bucket *b = APR_BRIGADE_FIRST(came); b != APR_BRIGADE_SENTINEL(came);
         b = APR_BUCKET_NEXT(b)) {
        const char *p;
        apr_size_t n;
        if (APR_BUCKET_IS_EOS(b)) {
            body->complete = true;
            return APS_REASON_ALLOW;
        }
        if (APR_BUCKET_IS_METADATA(b))
            continue;
        apr_status_t status = apr_bucket_read(b, &p, &n, APR_BLOCK_READ);
        if (status != APR_SUCCESS)
            return fault_of(status);
        if (apr_brigade_write(body->held, NULL, NULL, p, n) != APR_SUCCESS)
            return APS_REASON_INTERNAL;
        body->length += n;
    }
    return body->length > max ? APS_REASON_BODY_HELD : APS_REASON_ALLOW;
}

/* A little more than `max` is kept at most: what one read gives. */
static enum aps_reason read_all(request_rec *r, struct mod_body *body, size_t max)
{
    apr_bucket_brigade *came = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    enum aps_reason reason = APS_REASON_ALLOW;
    while (reason == APS_REASON_ALLOW && !body->complete) {
        apr_status_t status = ap_get_brigade(r->input_filters, came, AP_MODE_READBYTES,
                                             APR_BLOCK_READ, HUGE_STRING_LEN);
        if (status != APR_SUCCESS)
            reason = fault_of(status);
        else if (APR_BRIGADE_EMPTY(came)) /* nothing, and no end of it */
            reason = APS_REASON_BODY_BROKEN;
        else
            reason = keep(body, came, max);
        apr_brigade_cleanup(came);
    }
    apr_brigade_destroy(came);
    return reason == APS_REASON_ALLOW && body->length > max ? APS_REASON_BODY_HELD : reason;
}

/* What the client declares is refused before it is asked to send it. */
static bool is_declared_larger(const request_rec *r, size_t max)
{
    const char *length = apr_table_get(r->headers_in, "Content-Length");
    return length != NULL && (uint64_t)apr_strtoi64(length, NULL, 10) > max;
}

enum aps_reason mod_body_read(request_rec *r, struct mod_req *m, size_t max)
{
    if (m->body != NULL)
        return m->body->reason;
    struct mod_body *body = apr_pcalloc(m->first->pool, sizeof *body);
    body->held = apr_brigade_create(m->first->pool, r->connection->bucket_alloc);
    body->reason = APS_REASON_BODY_HELD;
    if (!is_declared_larger(r, max))
        body->reason = read_all(r, body, max);
    m->body = body;
    return body->reason;
}

size_t mod_body_pieces(const struct mod_req *m, struct aps_str **out)
{
    apr_bucket_brigade *held = m->body != NULL ? m->body->held : NULL;
    apr_array_header_t *pieces = apr_array_make(m->first->pool, 8, sizeof(struct aps_str));
    for (apr_bucket *b = held != NULL ? APR_BRIGADE_FIRST(held) : NULL;
         b != NULL && b != APR_BRIGADE_SENTINEL(held); b = APR_BUCKET_NEXT(b)) {
        struct aps_str piece;
        /* It lies in memory: this cannot fail, and moves nothing. */
        if (apr_bucket_read(b, &piece.p, &piece.n, APR_BLOCK_READ) == APR_SUCCESS && piece.n != 0)
            APR_ARRAY_PUSH(pieces, struct aps_str) = piece;
    }
    *out = (struct aps_str *)(void *)pieces->elts;
    return (size_t)pieces->nelts;
}

/* ---- Replay ---- */

static apr_status_t give(apr_bucket_brigade *held, apr_bucket_brigade *to, ap_input_mode_t mode,
                         apr_off_t max)
{
    apr_bucket *end = APR_BRIGADE_SENTINEL(held);
    if (mode != AP_MODE_EXHAUSTIVE) {
        apr_status_t status = apr_brigade_partition(held, max, &end);
        if (status != APR_SUCCESS && status != APR_INCOMPLETE)
            return status;
    }
    for (apr_bucket *b = APR_BRIGADE_FIRST(held), *next; b != end; b = next) {
        next = APR_BUCKET_NEXT(b);
        if (mode == AP_MODE_SPECULATIVE) {
            apr_status_t status = apr_bucket_copy(b, &b);
            if (status != APR_SUCCESS)
                return status;
        } else {
            APR_BUCKET_REMOVE(b);
        }
        APR_BRIGADE_INSERT_TAIL(to, b);
    }
    return APR_SUCCESS;
}

/* Who reads first has it; who reads again finds its end, as with any request. */
static apr_status_t filter_replay(ap_filter_t *f, apr_bucket_brigade *bb, ap_input_mode_t mode,
                                  apr_read_type_e block, apr_off_t max)
{
    struct mod_body *body = f->ctx;
    apr_status_t status = APR_SUCCESS;
    if (mode == AP_MODE_INIT || mode == AP_MODE_EATCRLF)
        return APR_SUCCESS;
    if (APR_BRIGADE_EMPTY(body->held) && !body->complete)
        return ap_get_brigade(f->next, bb, mode, block, max);
    if (mode == AP_MODE_GETLINE)
        status = apr_brigade_split_line(bb, body->held, block, HUGE_STRING_LEN);
    else if (!APR_BRIGADE_EMPTY(body->held))
        status = give(body->held, bb, mode, max);
    if (status == APR_SUCCESS && APR_BRIGADE_EMPTY(body->held) && body->complete)
        APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(f->c->bucket_alloc));
    return status;
}

void mod_body_insert_filter(request_rec *r, struct mod_req *m)
{
    if (m->body != NULL && r->main == NULL)
        ap_add_input_filter_handle(replay_filter, m->body, r, r->connection);
}

/* Behind all that decodes content, before what reads frames. */
void mod_body_register(void)
{
    replay_filter = ap_register_input_filter("APISEC_BODY", filter_replay, NULL,
                                             (ap_filter_type)(AP_FTYPE_PROTOCOL - 1));
}
