/* view.c - one snapshot and the keys that were verified with it. */
#include <apr_hash.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "view.h"

/* A snapshot that several views share; the last of them closes it. */
struct shared {
    struct aps_snapshot *snap;
    atomic_size_t refs;
};

struct aps_view {
    struct shared *shared;
    atomic_size_t refs;
    unsigned char hash_key[APS_SIPHASH_KEY_LEN];
    aps_identity_tell_fn *tell; /* NULL: nothing is told */
    size_t max;                 /* entries */
    size_t mask;                /* slots less one */
    _Atomic(struct view_entry *) *slots;
    atomic_bool full;
    pthread_mutex_t adding; /* guards the filling of slots and what follows */
    size_t count;
    struct view_entry *entries;
    apr_pool_t *limits_pool; /* NULL: no key had a limit of its own yet */
    apr_hash_t *limits;      /* text -> struct aps_limit; `max` of them at most */
};

/* At least twice as many slots as entries. */
static size_t slots_for(size_t max)
{
    size_t n = 2;

    while (n < 2 * max)
        n *= 2;
    return n;
}

static enum aps_err make(struct shared *shared, size_t max, const unsigned char *hash_key,
                         aps_identity_tell_fn *tell, struct aps_view **out)
{
    struct aps_view *view = calloc(1, sizeof *view);
    enum aps_err err = APS_ERR_NOMEM;

    if (view == NULL)
        goto out;
    view->max = max;
    view->mask = slots_for(max) - 1;
    if ((view->slots = calloc(view->mask + 1, sizeof *view->slots)) == NULL)
        goto out;
    if (pthread_mutex_init(&view->adding, NULL) != 0)
        goto out;
    memcpy(view->hash_key, hash_key, sizeof view->hash_key);
    view->tell = tell;
    view->shared = shared;
    atomic_init(&view->refs, 1);
    *out = view;
    view = NULL;
    err = APS_OK;
out:
    if (view != NULL)
        free(view->slots);
    free(view);
    return err;
}

enum aps_err aps_view_new(struct aps_snapshot *snap, size_t max,
                          const unsigned char hash_key[APS_SIPHASH_KEY_LEN],
                          aps_identity_tell_fn *tell, struct aps_view **out)
{
    struct shared *shared = malloc(sizeof *shared);
    enum aps_err err = APS_ERR_NOMEM;

    if (shared == NULL)
        goto out;
    shared->snap = snap;
    atomic_init(&shared->refs, 1);
    if ((err = make(shared, max, hash_key, tell, out)) != APS_OK)
        goto out;
    shared = NULL;
out:
    free(shared);
    return err;
}

enum aps_err aps_view_renew(const struct aps_view *view, struct aps_view **out)
{
    enum aps_err err = make(view->shared, view->max, view->hash_key, view->tell, out);

    if (err == APS_OK)
        atomic_fetch_add_explicit(&view->shared->refs, 1, memory_order_relaxed);
    return err;
}

void aps_view_keep(struct aps_view *view)
{
    atomic_fetch_add_explicit(&view->refs, 1, memory_order_relaxed);
}

/* Whether this was the last reference; then all that others did to the object has been done. */
static bool drop(atomic_size_t *refs)
{
    return atomic_fetch_sub_explicit(refs, 1, memory_order_acq_rel) == 1;
}

void aps_view_release(struct aps_view *view)
{
    if (!drop(&view->refs))
        return;
    while (view->entries != NULL) {
        struct view_entry *entry = view->entries;

        view->entries = entry->next;
        free(entry);
    }
    if (view->limits_pool != NULL)
        apr_pool_destroy(view->limits_pool);
    if (drop(&view->shared->refs)) {
        aps_snapshot_close(view->shared->snap);
        free(view->shared);
    }
    (void)pthread_mutex_destroy(&view->adding); /* nobody holds it: that was the last reference */
    free(view->slots);
    free(view);
}

struct aps_snapshot *aps_view_snapshot(const struct aps_view *view)
{
    return view->shared->snap;
}

size_t aps_view_tell(const struct aps_view *view, const struct aps_key *key,
                     const struct aps_key_secret *secret, char out[APS_IDENTITY_TOLD_MAX])
{
    return view->tell != NULL ? view->tell(key, secret, out) : 0;
}

static const struct aps_limit *read_limit(const struct aps_view *view, struct aps_str text,
                                          apr_pool_t *pool)
{
    struct aps_limit *limit = apr_palloc(pool, sizeof *limit);
    uint64_t store = aps_snapshot_store_tag(view->shared->snap);

    return aps_plan_parse(pool, text, limit, NULL) == APS_OK &&
                   aps_limit_bind(pool, limit, store, NULL) == APS_OK
               ? limit
               : NULL;
}

static bool has_limits(struct aps_view *view)
{
    if (view->limits_pool == NULL &&
        apr_pool_create_unmanaged_ex(&view->limits_pool, NULL, NULL) != APR_SUCCESS)
        view->limits_pool = NULL;
    if (view->limits_pool != NULL && view->limits == NULL)
        view->limits = apr_hash_make(view->limits_pool);
    return view->limits != NULL;
}

/* With the lock held.  What cannot be read is read again each time, so that it takes no room. */
static const struct aps_limit *keep_limit(struct aps_view *view, struct aps_str text,
                                          apr_pool_t *pool)
{
    const struct aps_limit *limit = read_limit(view, text, pool);

    if (limit == NULL)
        return NULL;
    limit = read_limit(view, text, view->limits_pool);
    if (limit != NULL)
        apr_hash_set(view->limits, aps_str_copy(view->limits_pool, text).p, (apr_ssize_t)text.n,
                     limit);
    return limit;
}

const struct aps_limit *aps_view_limit(struct aps_view *view, struct aps_str text, apr_pool_t *pool,
                                       bool *out_lasts)
{
    const struct aps_limit *limit = NULL;
    bool room = false;

    (void)pthread_mutex_lock(&view->adding); /* fails only for a mutex that is none */
    if (has_limits(view)) {
        limit = apr_hash_get(view->limits, text.p, (apr_ssize_t)text.n);
        room = apr_hash_count(view->limits) < view->max;
        if (limit == NULL && room)
            limit = keep_limit(view, text, pool);
        *out_lasts = limit != NULL || room;
    } else {
        *out_lasts = false;
    }
    (void)pthread_mutex_unlock(&view->adding); /* held */
    if (limit != NULL || room)
        return limit;
    atomic_store_explicit(&view->full, true, memory_order_relaxed);
    return read_limit(view, text, pool);
}

struct aps_siphash aps_view_hash(const struct aps_view *view, struct aps_str text)
{
    return aps_siphash_128(text, view->hash_key);
}

void aps_view_hash_key(const struct aps_view *view, unsigned char out[APS_SIPHASH_KEY_LEN])
{
    memcpy(out, view->hash_key, sizeof view->hash_key);
}

/* Where the hash is, or the empty slot where it would go.  Half of the slots stay empty. */
static size_t slot_of(const struct aps_view *view, struct aps_siphash hash, struct view_entry **out)
{
    size_t i = hash.low & view->mask;
    struct view_entry *e;

    while ((e = atomic_load_explicit(&view->slots[i], memory_order_acquire)) != NULL &&
           (e->hash.low != hash.low || e->hash.high != hash.high))
        i = (i + 1) & view->mask;
    *out = e;
    return i;
}

const struct view_entry *aps_view_find(const struct aps_view *view, struct aps_siphash hash)
{
    struct view_entry *e;

    (void)slot_of(view, hash, &e); /* only the entry is asked for */
    return e;
}

const struct view_entry *aps_view_add(struct aps_view *view, struct view_entry *entry)
{
    struct view_entry *there;
    size_t at;

    (void)pthread_mutex_lock(&view->adding); /* fails only for a mutex that is none */
    at = slot_of(view, entry->hash, &there);
    if (there == NULL && view->count < view->max) {
        entry->next = view->entries;
        view->entries = entry;
        view->count++;
        atomic_store_explicit(&view->slots[at], entry, memory_order_release);
        there = entry;
    } else if (there == NULL) {
        atomic_store_explicit(&view->full, true, memory_order_relaxed);
    }
    (void)pthread_mutex_unlock(&view->adding); /* held */
    if (there != entry)
        free(entry);
    return there;
}

bool aps_view_is_full(const struct aps_view *view)
{
    return atomic_load_explicit(&view->full, memory_order_relaxed);
}
