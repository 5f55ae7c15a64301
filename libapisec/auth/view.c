/* view.c - one snapshot and the keys that were verified with it. */
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

struct aps_siphash aps_view_hash(const struct aps_view *view, struct aps_str text)
{
    return aps_siphash_128(text, view->hash_key);
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
