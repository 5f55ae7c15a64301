/* reader.c - the view in force, and when another takes its place.
 *
 * Two locks.  `swapping` guards the pointer to the view in force together with the first reference
 * that is taken through it, and is held for a few instructions.  `looking` belongs to the one
 * thread that looks at the file and opens it; the others do not wait for it, but where there is no
 * view at all yet. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "apisec/random.h"
#include "view.h"

#define CACHE_DEFAULT 65536

/* What was reported last, so that it is reported once. */
struct failure {
    bool is_set;
    bool is_gone; /* there was no file */
    struct aps_snapshot_stamp stamp;
    struct aps_diag why;
};

struct aps_reader {
    struct aps_reader_options options;
    unsigned char hash_key[APS_SIPHASH_KEY_LEN];
    atomic_int_least64_t next_look; /* monotonic */
    pthread_mutex_t looking;
    struct failure failure; /* by `looking` */
    pthread_mutex_t swapping;
    struct aps_view *current; /* by `swapping`; NULL until a good copy was seen */
};

enum aps_err aps_reader_new(const struct aps_reader_options *options, struct aps_reader **out)
{
    struct aps_reader *reader = calloc(1, sizeof *reader);
    enum aps_err err = APS_ERR_NOMEM;

    if (reader == NULL)
        goto out;
    reader->options = *options;
    if (options->cache_max == 0)
        reader->options.cache_max = CACHE_DEFAULT;
    if (options->cache_max > VIEW_ENTRIES_MAX) {
        err = APS_ERR_RANGE;
        goto out;
    }
    if ((err = aps_random_fill(reader->hash_key, sizeof reader->hash_key)) != APS_OK)
        goto out;
    atomic_init(&reader->next_look, INT64_MIN);
    err = APS_ERR_NOMEM;
    if (pthread_mutex_init(&reader->looking, NULL) != 0)
        goto out;
    if (pthread_mutex_init(&reader->swapping, NULL) != 0) {
        (void)pthread_mutex_destroy(&reader->looking); /* just made */
        goto out;
    }
    *out = reader;
    reader = NULL;
    err = APS_OK;
out:
    free(reader);
    return err;
}

void aps_reader_free(struct aps_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->current != NULL)
        aps_view_release(reader->current);
    (void)pthread_mutex_destroy(&reader->swapping); /* no other thread uses the reader any more */
    (void)pthread_mutex_destroy(&reader->looking);
    aps_secret_cleanse(reader->hash_key, sizeof reader->hash_key);
    free(reader);
}

/* The view in force with one more reference, or NULL.  The reader's own reference cannot go while
 * the lock is held, so the count is at least one. */
static struct aps_view *take(struct aps_reader *reader)
{
    struct aps_view *view;

    (void)pthread_mutex_lock(&reader->swapping); /* fails only for a mutex that is none */
    if ((view = reader->current) != NULL)
        aps_view_keep(view);
    (void)pthread_mutex_unlock(&reader->swapping); /* held */
    return view;
}

/* Takes `fresh`; the old view ends with the last request that holds it. */
static void swap(struct aps_reader *reader, struct aps_view *fresh)
{
    struct aps_view *old;

    (void)pthread_mutex_lock(&reader->swapping); /* fails only for a mutex that is none */
    old = reader->current;
    reader->current = fresh;
    (void)pthread_mutex_unlock(&reader->swapping); /* held */
    if (old != NULL)
        aps_view_release(old);
}

static bool is_due(struct aps_reader *reader, aps_nsec now)
{
    return now >= atomic_load_explicit(&reader->next_look, memory_order_relaxed);
}

/* Keep why, and say it the first time.  `stamp` is NULL where there is no file. */
static enum aps_reader_event fail(struct aps_reader *reader, enum aps_err err,
                                  const struct aps_snapshot_stamp *stamp,
                                  const struct aps_diag *why)
{
    struct failure *f = &reader->failure;
    bool known = f->is_set && f->is_gone == (stamp == NULL) &&
                 (stamp == NULL || aps_snapshot_stamp_equal(&f->stamp, stamp));

    *f = (struct failure){.is_set = true, .is_gone = stamp == NULL};
    if (stamp != NULL)
        f->stamp = *stamp;
    aps_err_explain(&f->why, "%s", aps_err_say(err, why));
    return known ? APS_READER_AGAIN : APS_READER_FAILED;
}

static void tell(const struct aps_reader *reader, const struct aps_snapshot *serves, bool is_new)
{
    if (reader->options.change != NULL)
        reader->options.change(reader->options.change_arg, serves, is_new);
}

/* Look at the file; open it if it is not the one in force (`now`, or NULL).  An older generation
 * is refused and so is another store; the same generation in a new file is not, since to change
 * a copy's group or to put back the same copy harms nobody. */
static enum aps_reader_event look(struct aps_reader *reader, const struct aps_view *now)
{
    struct aps_snapshot_options how = reader->options.snapshot;
    struct aps_snapshot_stamp stamp;
    struct aps_snapshot *snap = NULL;
    struct aps_view *fresh;
    struct aps_diag why = {{0}};
    enum aps_err err;

    if ((err = aps_snapshot_stamp(how.store, &stamp, &why)) != APS_OK)
        return fail(reader, err, NULL, &why);
    if (now != NULL) {
        const struct aps_snapshot *old = aps_view_snapshot(now);

        if (aps_snapshot_stamp_equal(&stamp, aps_snapshot_opened(old))) {
            bool had_failed = reader->failure.is_set;

            reader->failure.is_set = false;
            return had_failed ? APS_READER_AGAIN : APS_READER_SAME;
        }
        how.min_generation = aps_snapshot_generation(old);
        how.store_id = aps_snapshot_store_id(old);
        how.near = old;
        tell(reader, old, false);
    }
    if ((err = aps_snapshot_open(&how, &snap, &why)) == APS_OK)
        err = aps_view_new(snap, reader->options.cache_max, reader->hash_key, reader->options.tell,
                           &fresh);
    if (err != APS_OK) {
        aps_snapshot_close(snap);
        return fail(reader, err, &stamp, &why);
    }
    reader->failure.is_set = false;
    swap(reader, fresh);
    tell(reader, snap, true);
    return APS_READER_LOADED;
}

/* An empty cache for the same snapshot.  Without memory the full one goes on: it answers all. */
static void renew(struct aps_reader *reader, const struct aps_view *full)
{
    struct aps_view *fresh;

    if (aps_view_renew(full, &fresh) == APS_OK)
        swap(reader, fresh);
}

/* Whatever is to be done to the view in force, by the holder of `looking`. */
static enum aps_reader_event attend(struct aps_reader *reader, aps_nsec now)
{
    enum aps_reader_event event = APS_READER_SAME;
    struct aps_view *view = take(reader);

    if (is_due(reader, now)) {
        event = look(reader, view);
        atomic_store_explicit(&reader->next_look, now + reader->options.refresh,
                              memory_order_relaxed);
    }
    if (view != NULL && event != APS_READER_LOADED && aps_view_is_full(view))
        renew(reader, view);
    if (view != NULL)
        aps_view_release(view);
    return event;
}

struct aps_view *aps_reader_acquire(struct aps_reader *reader, aps_nsec monotonic,
                                    enum aps_reader_event *out_event, struct aps_diag *diag)
{
    struct aps_view *view = take(reader);

    *out_event = APS_READER_SAME;
    if (view != NULL) {
        if (!is_due(reader, monotonic) && !aps_view_is_full(view))
            return view;
        if (pthread_mutex_trylock(&reader->looking) != 0)
            return view;
        aps_view_release(view);
    } else {
        (void)pthread_mutex_lock(&reader->looking); /* fails only for a mutex that is none */
    }
    *out_event = attend(reader, monotonic);
    view = take(reader);
    if (diag != NULL && (view == NULL || *out_event == APS_READER_FAILED))
        *diag = reader->failure.why;
    (void)pthread_mutex_unlock(&reader->looking); /* held */
    return view;
}

bool aps_reader_serves(struct aps_reader *reader, uint64_t *out_store, uint64_t *out_generation)
{
    struct aps_view *view = take(reader);

    if (view == NULL)
        return false;
    *out_store = aps_snapshot_store_tag(aps_view_snapshot(view));
    *out_generation = aps_snapshot_generation(aps_view_snapshot(view));
    aps_view_release(view);
    return true;
}
