/* Slots of requests under way, from the decision until the answer is on its way.
 *
 * A client that has read an answer may ask again at once, by any connection; so its slot has to be
 * back before it can have read all of it.  An answer whose rest is small gives it back just before
 * that rest is handed on: the request's work is done, and the network takes it without waiting.
 * A large file is sent for as long as its client likes to read, and counts until all but such a
 * rest of it is sent: a mark before that rest tells, as it is destroyed when the kernel has what
 * comes before it. */
#include "bill.h"

#include "util_filter.h"

/* As much as httpd lets lie in memory before it waits for the client (FlushMaxThreshold). */
#define REST_MAX ((apr_off_t)65536)

/* What comes after a mark.  Before it is so much that httpd sends it at once if it can. */
#define TAIL_MAX ((apr_size_t)(REST_MAX / 2))

struct mod_slots {
    struct mod_slots *next;
    apr_off_t files;  /* bytes of files that were handed on, and may still be unsent */
    apr_bucket *mark; /* NULL: none is under way */
    unsigned n;
    struct aps_slot slot[];
};

static ap_filter_rec_t *end_filter;

static void give_back(struct mod_slots *slots)
{
    for (unsigned i = 0; i < slots->n; i++)
        aps_slots_release(mod_process.state, &slots->slot[i]);
}

static apr_status_t end_pool(void *data)
{
    struct mod_slots *slots = data;
    if (slots->mark != NULL)
        slots->mark->data = NULL; /* it belongs to the connection, and may live on */
    give_back(slots);
    return APR_SUCCESS;
}

/* ---- The mark in an answer ---- */

static void destroy_mark(void *data)
{
    struct mod_slots *slots = data;
    if (slots == NULL)
        return;
    slots->mark = NULL;
    give_back(slots);
}

static apr_status_t read_mark(apr_bucket *b, const char **text, apr_size_t *n,
                              apr_read_type_e block)
{
    (void)b;
    (void)block;
    *text = "";
    *n = 0;
    return APR_SUCCESS;
}

static const apr_bucket_type_t mark_type = {.name = "APISEC MARK",
                                            .num_func = 5,
                                            .is_metadata = APR_BUCKET_METADATA,
                                            .destroy = destroy_mark,
                                            .read = read_mark,
                                            .setaside = apr_bucket_setaside_noop,
                                            .split = apr_bucket_split_notimpl,
                                            .copy = apr_bucket_copy_notimpl};

static apr_bucket *make_mark(struct mod_slots *slots, apr_bucket_alloc_t *from)
{
    apr_bucket *b = apr_bucket_alloc(sizeof *b, from);
    APR_BUCKET_INIT(b);
    b->free = apr_bucket_free;
    b->list = from;
    b->type = &mark_type;
    b->length = 0;
    b->start = 0;
    b->data = slots;
    slots->mark = b;
    return b;
}

/* ---- The end of an answer ---- */

/* How much of the answer may be unsent when this has been handed on; -1: it does not end yet. */
static apr_off_t rest_of(struct mod_slots *slots, const apr_bucket_brigade *bb)
{
    apr_off_t memory = 0;
    for (const apr_bucket *b = APR_BRIGADE_FIRST(bb); b != APR_BRIGADE_SENTINEL(bb);
         b = APR_BUCKET_NEXT(b)) {
        if (APR_BUCKET_IS_EOS(b))
            return memory + slots->files;
        /* What has no length yet is not read before it is sent. */
        apr_off_t bytes = b->length != (apr_size_t)-1 ? (apr_off_t)b->length : REST_MAX + 1;
        if (APR_BUCKET_IS_FILE(b) || b->length == (apr_size_t)-1)
            slots->files += bytes;
        else
            memory += bytes;
    }
    return -1;
}

/* Where the last bytes of the answer begin, cut there. */
static apr_bucket *tail_of(apr_bucket_brigade *bb)
{
    apr_size_t room = TAIL_MAX;
    apr_bucket *b = APR_BRIGADE_FIRST(bb);
    while (!APR_BUCKET_IS_EOS(b))
        b = APR_BUCKET_NEXT(b);
    for (b = APR_BUCKET_PREV(b); b != APR_BRIGADE_SENTINEL(bb); b = APR_BUCKET_PREV(b)) {
        if (b->length > room) { /* or it has no length yet, and cannot be cut */
            if (b->length != (apr_size_t)-1)
                (void)apr_bucket_split(b, b->length - room); /* else it counts until it is sent */
            break;
        }
        room -= b->length;
    }
    return APR_BUCKET_NEXT(b);
}

/* Hand on the answer in two, with a mark between. */
static apr_status_t pass_marked(ap_filter_t *next, struct mod_slots *slots, apr_bucket_brigade *bb)
{
    apr_bucket_brigade *tail = apr_brigade_split(bb, tail_of(bb));
    apr_bucket *mark = make_mark(slots, bb->bucket_alloc);
    APR_BRIGADE_INSERT_TAIL(bb, mark);
    apr_status_t status = ap_pass_brigade(next, bb);
    if (status == APR_SUCCESS)
        status = ap_pass_brigade(next, tail);
    apr_brigade_cleanup(tail);
    return status;
}

/* Behind all filters that may still work on the answer. */
static apr_status_t filter_end(ap_filter_t *f, apr_bucket_brigade *bb)
{
    ap_filter_t *next = f->next;
    struct mod_slots *slots = f->ctx;
    bool is_stream = f->c->master != NULL; /* its connection sends it */
    apr_off_t rest = rest_of(slots, bb);
    if (rest < 0)
        return ap_pass_brigade(next, bb);
    ap_remove_output_filter(f);
    if (rest > REST_MAX && !is_stream)
        return pass_marked(next, slots, bb);
    if (rest <= REST_MAX)
        give_back(slots);
    return ap_pass_brigade(next, bb);
}

/* However it ends, its pool does (LIM-08). */
void mod_inflight_keep(const struct mod_asker *a, const struct aps_rate_result *result)
{
    struct mod_req *m = a->m;
    request_rec *r = a->r;
    size_t bytes = result->held * sizeof result->slot[0];
    struct mod_slots *slots = apr_palloc(m->first->pool, sizeof *slots + bytes);
    slots->next = m->slots;
    slots->files = 0;
    slots->mark = NULL;
    slots->n = result->held;
    memcpy(slots->slot, result->slot, bytes);
    m->slots = slots;
    apr_pool_cleanup_register(m->first->pool, slots, end_pool, apr_pool_cleanup_null);
    while (r->main != NULL) /* a subrequest's end is not the answer's */
        r = r->main;
    ap_add_output_filter_handle(end_filter, slots, r, r->connection);
}

/* The answer is sent: not for as long as it takes to log it, nor to clean up. */
void mod_inflight_finish(struct mod_req *m)
{
    for (struct mod_slots *slots = m->slots; slots != NULL; slots = slots->next)
        give_back(slots);
}

void mod_inflight_register(void)
{
    end_filter = ap_register_output_filter("APISEC_END", filter_end, NULL, AP_FTYPE_CONNECTION - 1);
}
