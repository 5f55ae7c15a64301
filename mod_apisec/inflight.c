/* Slots of requests under way, from the decision until the answer is on its way.
 *
 * A client that has read an answer may ask again at once, by any connection; so its slot has to be
 * back before it can have read all of it.  An answer whose rest is small gives it back just before
 * that rest is handed on: the request's work is done, and the network takes it without waiting.
 * A large file is sent for as long as its client likes to read, and counts until then. */
#include "bill.h"

#include "util_filter.h"

/* As much as httpd lets lie in memory before it waits for the client (FlushMaxThreshold). */
#define REST_MAX ((apr_off_t)65536)

struct mod_slots {
    struct mod_slots *next;
    apr_off_t files; /* bytes of files that were handed on, and may still be unsent */
    unsigned n;
    struct aps_slot slot[];
};

static ap_filter_rec_t *end_filter;

static apr_status_t give_back(void *data)
{
    struct mod_slots *slots = data;
    for (unsigned i = 0; i < slots->n; i++)
        aps_slots_release(mod_process.state, &slots->slot[i]);
    return APR_SUCCESS;
}

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

/* Behind all filters that may still work on the answer. */
static apr_status_t filter_end(ap_filter_t *f, apr_bucket_brigade *bb)
{
    apr_off_t rest = rest_of(f->ctx, bb);
    if (rest >= 0) {
        if (rest <= REST_MAX)
            (void)give_back(f->ctx);
        ap_remove_output_filter(f);
    }
    return ap_pass_brigade(f->next, bb);
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
    slots->n = result->held;
    memcpy(slots->slot, result->slot, bytes);
    m->slots = slots;
    apr_pool_cleanup_register(m->first->pool, slots, give_back, apr_pool_cleanup_null);
    while (r->main != NULL) /* a subrequest's end is not the answer's */
        r = r->main;
    ap_add_output_filter_handle(end_filter, slots, r, r->connection);
}

/* The answer is sent: not for as long as it takes to log it, nor to clean up. */
void mod_inflight_finish(struct mod_req *m)
{
    for (struct mod_slots *slots = m->slots; slots != NULL; slots = slots->next)
        (void)give_back(slots);
}

void mod_inflight_register(void)
{
    end_filter = ap_register_output_filter("APISEC_END", filter_end, NULL, AP_FTYPE_CONNECTION - 1);
}
