/* A request's content, held until it was judged.
 *
 * It is read in fixups through the filters that are there by then: framing alone, so these are the
 * bytes as they were sent, before any content decoding, which httpd sets up later.  They lie in one
 * block of memory, and a filter next to the framing hands the handler exactly them, or what they
 * were decoded to, whichever request of the transaction runs it: redirects within the server begin
 * with new filters. */
#include "mod.h"

#include <apr_strings.h>
#include <stdlib.h>

#include "util_filter.h"

struct mod_body {
    enum aps_reason reason;         /* ALLOW: all of it is here */
    bool complete;                  /* nothing is left below */
    bool given;                     /* a handler has begun to read */
    bool decoded;                   /* it is given what the content was decoded to */
    struct aps_str sent;            /* valid until `given`, as the next */
    struct aps_str content;         /* decoded; .p NULL: it was not */
    enum aps_coding_fault coding;   /* how that went */
    struct aps_str changed;         /* .p NULL: it was not */
    apr_bucket_brigade *held;       /* what the handler is given */
    apr_bucket_brigade *aside;      /* of what was sent and what it was decoded to, the other one */
    apr_bucket_brigade *unchanged;  /* what `held` was before it was changed */
    const apr_table_t *fields_sent; /* NULL: they are as they came */
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

/* Memory of the C library: a large block grows without being copied. */
struct block {
    char *p;
    size_t n, room;
    bool complete;
};

static bool make_room(struct block *block, size_t n)
{
    if (n <= block->room - block->n)
        return true;
    size_t room = block->room * 2 > block->n + n ? block->room * 2 : block->n + n;
    char *p = realloc(block->p, room);
    if (p == NULL)
        return false;
    block->p = p;
    block->room = room;
    return true;
}

static enum aps_reason keep(struct block *block, apr_bucket_brigade *came)
{
    for (apr_bucket *b = APR_BRIGADE_FIRST(came); b != APR_BRIGADE_SENTINEL(came);
         b = APR_BUCKET_NEXT(b)) {
        const char *p;
        apr_size_t n;
        if (APR_BUCKET_IS_EOS(b)) {
            block->complete = true;
            return APS_REASON_ALLOW;
        }
        if (APR_BUCKET_IS_METADATA(b))
            continue;
        apr_status_t status = apr_bucket_read(b, &p, &n, APR_BLOCK_READ);
        if (status != APR_SUCCESS)
            return fault_of(status);
        if (!make_room(block, n))
            return APS_REASON_INTERNAL;
        if (n != 0)
            memcpy(block->p + block->n, p, n);
        block->n += n;
    }
    return APS_REASON_ALLOW;
}

/* A little more than `max` is kept at most: what one read gives. */
static enum aps_reason read_all(request_rec *r, struct block *block, size_t max)
{
    apr_bucket_brigade *came = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    enum aps_reason reason = APS_REASON_ALLOW;
    while (reason == APS_REASON_ALLOW && !block->complete) {
        apr_status_t status = ap_get_brigade(r->input_filters, came, AP_MODE_READBYTES,
                                             APR_BLOCK_READ, HUGE_STRING_LEN);
        if (status != APR_SUCCESS)
            reason = fault_of(status);
        else if (APR_BRIGADE_EMPTY(came)) /* nothing, and no end of it */
            reason = APS_REASON_BODY_BROKEN;
        else
            reason = keep(block, came);
        apr_brigade_cleanup(came);
        if (reason == APS_REASON_ALLOW && block->n > max)
            reason = APS_REASON_BODY_HELD;
    }
    apr_brigade_destroy(came);
    return reason;
}

/* What the client declares; 0: nothing. */
static uint64_t declared(const request_rec *r)
{
    const char *length = apr_table_get(r->headers_in, "Content-Length");
    return length != NULL ? (uint64_t)apr_strtoi64(length, NULL, 10) : 0;
}

/* A bucket has it from now on, which ends with the brigade, and that with the transaction. */
static void hold(apr_bucket_brigade *to, char *p, size_t n)
{
    if (n == 0)
        free(p);
    else
        APR_BRIGADE_INSERT_TAIL(to, apr_bucket_heap_create(p, n, free, to->bucket_alloc));
}

enum aps_reason mod_body_read(request_rec *r, struct mod_req *m, size_t max)
{
    if (m->body != NULL)
        return m->body->reason == APS_REASON_ALLOW && m->body->sent.n > max ? APS_REASON_BODY_HELD
                                                                            : m->body->reason;
    struct mod_body *body = apr_pcalloc(m->first->pool, sizeof *body);
    uint64_t length = declared(r);
    struct block block = {NULL, 0, 0, false};
    apr_table_t *fields = r->headers_in;
    body->held = apr_brigade_create(m->first->pool, r->connection->bucket_alloc);
    body->reason = APS_REASON_BODY_HELD;
    if (length <= max) { /* else it is refused before the client is asked to send it */
        block.room = length != 0 ? (size_t)length : HUGE_STRING_LEN;
        block.p = malloc(block.room);
        body->reason = block.p != NULL ? read_all(r, &block, max) : APS_REASON_INTERNAL;
        r->headers_in = fields; /* MergeTrailers has put fields among them that nobody has judged */
    }
    body->complete = block.complete;
    body->sent = (struct aps_str){block.p, block.n};
    hold(body->held, block.p, block.n);
    m->body = body;
    return body->reason;
}

struct aps_str mod_body_sent(const struct mod_req *m)
{
    const struct mod_body *body = m->body;
    return body != NULL && !body->given && body->sent.n != 0 ? body->sent : (struct aps_str){"", 0};
}

const apr_table_t *mod_body_fields(const struct mod_req *m)
{
    return m->body != NULL && m->body->fields_sent != NULL ? m->body->fields_sent
                                                           : m->first->headers_in;
}

/* ---- Decoding ---- */

static enum aps_coding_fault decode(struct mod_body *body, enum aps_coding coding,
                                    const struct aps_coding_caps *caps, char **out, size_t *out_n)
{
    struct aps_coding_run *run = aps_coding_begin(coding, caps, body->sent.n);
    if (run == NULL)
        return APS_CODING_NOMEM;
    enum aps_coding_fault fault = aps_coding_add(run, body->sent);
    if (fault == APS_CODING_OK)
        fault = aps_coding_end(run, out, out_n);
    aps_coding_free(run);
    return fault;
}

enum aps_coding_fault mod_body_decode(struct mod_req *m, enum aps_coding coding,
                                      const struct aps_coding_caps *caps, struct aps_str *out)
{
    struct mod_body *body = m->body;
    if (body->content.p == NULL && body->coding == APS_CODING_OK) {
        char *p = NULL;
        size_t n = 0;
        body->coding = decode(body, coding, caps, &p, &n);
        if (body->coding == APS_CODING_OK) {
            body->content = (struct aps_str){n != 0 ? p : "", n};
            body->aside = apr_brigade_create(m->first->pool, body->held->bucket_alloc);
            hold(body->aside, p, n);
        }
    }
    if (body->coding == APS_CODING_OK && body->content.n > caps->bytes_max)
        return APS_CODING_BYTES;
    if (body->coding == APS_CODING_OK)
        *out = body->content;
    return body->coding;
}

/* ---- Changing ---- */

bool mod_body_change(struct mod_req *m, struct aps_str text)
{
    struct mod_body *body = m->body;
    char *p = malloc(text.n + 1);
    if (p == NULL)
        return false;
    if (text.n != 0)
        memcpy(p, text.p, text.n);
    if (body->unchanged == NULL) {
        body->unchanged = body->held;
        body->held = apr_brigade_create(m->first->pool, body->unchanged->bucket_alloc);
    } else {
        apr_brigade_cleanup(body->held);
    }
    body->changed = (struct aps_str){text.n != 0 ? p : "", text.n};
    hold(body->held, p, text.n);
    return true;
}

/* ---- Settling ---- */

/* Of the form in which the content came, and true of no other. */
static const char *const coded_fields[] = {"Content-Encoding", "Content-MD5", "Content-Digest",
                                           "Repr-Digest", "Digest"};

static void unset_fields(request_rec *r, struct mod_req *m)
{
    for (size_t i = 0; i < sizeof coded_fields / sizeof coded_fields[0]; i++)
        mod_req_unset_field(r, m, coded_fields[i]);
    if (m->body->changed.p != NULL)
        mod_req_unset_field(r, m, "ETag");
}

static void forward_decoded(struct mod_body *body)
{
    apr_bucket_brigade *coded = body->held;
    body->held = body->aside;
    body->aside = coded;
    body->decoded = true;
}

void mod_body_settle(request_rec *r, struct mod_req *m, bool decoded)
{
    struct mod_body *body = m->body;
    const bool framed = apr_table_get(r->headers_in, "Transfer-Encoding") == NULL;
    const bool changed = body != NULL && body->changed.p != NULL;
    if (body == NULL || !body->complete || body->given)
        return;
    decoded = decoded && body->content.p != NULL && !body->decoded && !changed;
    mod_req_unset_field(r, m, "Expect"); /* it was met */
    if (framed && !decoded && !changed)
        return;
    if (body->fields_sent == NULL)
        body->fields_sent = apr_table_copy(m->first->pool, r->headers_in);
    if (decoded)
        forward_decoded(body);
    if (decoded || changed)
        unset_fields(r, m);
    mod_req_unset_field(r, m, "Transfer-Encoding");
    mod_req_unset_field(r, m, "Trailer");
    apr_table_setn(r->headers_in, "Content-Length",
                   apr_psprintf(m->first->pool, "%" APR_SIZE_T_FMT,
                                changed         ? body->changed.n
                                : body->decoded ? body->content.n
                                                : body->sent.n));
}

/* Of a page that stands in place of a refusal. */
void mod_body_drop(request_rec *r, struct mod_req *m)
{
    static const char *const framing[] = {"Content-Length", "Transfer-Encoding", "Trailer",
                                          "Expect"};
    if (!ap_request_has_body(r) && (m->body == NULL || m->body->given))
        return;
    struct mod_body *body = m->body;
    if (body == NULL || !body->complete)
        r->connection->keepalive = AP_CONN_CLOSE; /* what was not read is no next request */
    if (body == NULL) {
        body = m->body = apr_pcalloc(m->first->pool, sizeof *body);
        body->reason = APS_REASON_BODY_HELD;
        body->held = apr_brigade_create(m->first->pool, r->connection->bucket_alloc);
    }
    body->complete = body->given = true;
    body->sent = body->content = (struct aps_str){NULL, 0};
    apr_brigade_cleanup(body->held);
    for (size_t i = 0; i < sizeof framing / sizeof framing[0]; i++)
        mod_req_unset_field(r, m, framing[i]);
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

/* From now on the memory goes with what the handler reads. */
static void begin_giving(struct mod_body *body)
{
    body->given = true;
    if (body->aside != NULL)
        apr_brigade_cleanup(body->aside);
    if (body->unchanged != NULL)
        apr_brigade_cleanup(body->unchanged);
}

/* Who reads first has it; who reads again finds its end, as with any request. */
static apr_status_t filter_replay(ap_filter_t *f, apr_bucket_brigade *bb, ap_input_mode_t mode,
                                  apr_read_type_e block, apr_off_t max)
{
    struct mod_body *body = f->ctx;
    apr_status_t status = APR_SUCCESS;
    if (mode == AP_MODE_INIT || mode == AP_MODE_EATCRLF)
        return APR_SUCCESS;
    begin_giving(body);
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
