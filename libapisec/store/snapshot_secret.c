/* snapshot_secret.c - secrets of the store, each opened when it is first asked for.
 *
 * A store may have 100,000 of them, and a child use ten: opening all of them at each generation
 * would take seconds, and more memory than may be locked. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "snapshot_own.h"

/* What stays open: values, which take 8 MiB of locked memory if each has the 4 KiB that share no
 * page, and 100 KiB if each has the usual 32 bytes; and names, at most half of the slots, so that
 * an empty one ends each search soon. */
enum { VALUES_MAX = 2048, SLOTS = 4096, NAMES_MAX = SLOTS / 2 };

/* Never changed once it is in a slot. */
struct opened {
    struct aps_str name;
    size_t n; /* 0: there is no such secret, which is remembered too */
    struct aps_snapshot_secret list[APS_STORE_SECRET_VERSIONS];
    char text[];
};

struct aps_snapshot_vault {
    pthread_mutex_t mutex; /* of those who open: looking takes none */
    size_t names, values;
    _Atomic(struct opened *) slot[SLOTS];
};

enum aps_err aps_snapshot_secret_room(struct aps_snapshot_vault **out)
{
    struct aps_snapshot_vault *vault = calloc(1, sizeof *vault);

    if (vault == NULL || pthread_mutex_init(&vault->mutex, NULL) != 0) {
        free(vault);
        return APS_ERR_NOMEM;
    }
    *out = vault;
    return APS_OK;
}

static void free_opened(struct opened *o)
{
    if (o == NULL)
        return;
    for (size_t i = 0; i < o->n; i++)
        aps_secret_wipe(&o->list[i].value);
    free(o);
}

void aps_snapshot_secret_free(struct aps_snapshot_vault *vault)
{
    if (vault == NULL)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        free_opened(atomic_load_explicit(&vault->slot[i], memory_order_relaxed));
    (void)pthread_mutex_destroy(&vault->mutex); /* nobody holds it any more */
    free(vault);
}

/* ---- looking ---- */

/* Names are the administrator's: nobody chooses them to meet in one slot. */
static uint32_t hash(struct aps_str name)
{
    uint32_t h = 2166136261;

    for (size_t i = 0; i < name.n; i++)
        h = (h ^ (uint8_t)name.p[i]) * 16777619;
    return h ^ h >> 16;
}

/* Where it is, or the empty slot where it would go. */
static size_t slot_of(struct aps_snapshot_vault *vault, struct aps_str name)
{
    size_t i = hash(name) % SLOTS;
    const struct opened *o;

    while ((o = atomic_load_explicit(&vault->slot[i], memory_order_acquire)) != NULL &&
           !aps_str_eq(o->name, name))
        i = (i + 1) % SLOTS;
    return i;
}

/* ---- opening ---- */

static enum aps_err add(void *arg, struct aps_str name, uint32_t version, aps_nsec until,
                        struct aps_secret *value)
{
    struct opened *o = arg;

    (void)name; /* the one that was asked for */
    if (o->n == APS_STORE_SECRET_VERSIONS)
        return APS_ERR_CORRUPT;
    o->list[o->n++] =
        (struct aps_snapshot_secret){.version = version, .until = until, .value = *value};
    *value = (struct aps_secret){NULL, 0}; /* taken */
    return APS_OK;
}

struct job {
    struct aps_snapshot *snap;
    struct opened *o;
};

/* When versions come to their age; those of a name that has none stay as they are. */
static enum aps_err load_ages(sqlite3 *db, struct opened *o, struct aps_diag *diag)
{
    struct aps_sql q;

    aps_sql_begin(&q, db,
                  "SELECT v.version, v.created_at + s.max_age - s.warn, v.created_at + s.max_age"
                  " FROM secret AS s CROSS JOIN secret_version AS v ON v.name = s.name"
                  " WHERE s.name = ? AND s.max_age <> 0");
    aps_sql_str(&q, o->name);
    while (aps_sql_row(&q))
        for (size_t i = 0; i < o->n; i++)
            if (o->list[i].version == aps_sql_get_i64(&q, 0)) {
                o->list[i].due_at = aps_sql_get_i64(&q, 1);
                o->list[i].old_at = aps_sql_get_i64(&q, 2);
            }
    return aps_sql_end(&q, diag);
}

static enum aps_err load(void *arg, sqlite3 *db, struct aps_diag *diag)
{
    const struct job *job = arg;
    enum aps_err err = aps_store_secret_load(db, &job->snap->meta, &job->snap->seal, job->o->name,
                                             add, job->o, diag);

    return err == APS_OK ? load_ages(db, job->o, diag) : err;
}

static enum aps_err open_one(struct aps_snapshot *snap, struct aps_str name, struct opened **out,
                             struct aps_diag *diag)
{
    struct opened *o = calloc(1, sizeof *o + name.n);
    struct job job = {snap, o};
    enum aps_err err;

    if (o == NULL)
        return APS_ERR_NOMEM;
    memcpy(o->text, name.p, name.n);
    o->name = (struct aps_str){o->text, name.n};
    if ((err = aps_copy_load(snap->small, load, &job, diag)) == APS_OK)
        *out = o;
    else
        free_opened(o);
    return err;
}

static apr_status_t end_opened(void *o)
{
    free_opened(o);
    return APR_SUCCESS;
}

/* With the mutex held: nobody else opens the same meanwhile. */
static enum aps_err open_into(struct aps_snapshot *snap, struct aps_str name, apr_pool_t *pool,
                              struct opened **out, struct aps_diag *diag)
{
    struct aps_snapshot_vault *vault = snap->vault;
    const size_t slot = slot_of(vault, name);
    struct opened *o = atomic_load_explicit(&vault->slot[slot], memory_order_relaxed);
    enum aps_err err = o == NULL ? open_one(snap, name, &o, diag) : APS_OK;

    if (err != APS_OK)
        return err;
    *out = o;
    if (atomic_load_explicit(&vault->slot[slot], memory_order_relaxed) == o)
        return APS_OK;
    if (vault->names == NAMES_MAX || vault->values + o->n > VALUES_MAX) {
        apr_pool_cleanup_register(pool, o, end_opened, apr_pool_cleanup_null);
        return APS_OK;
    }
    vault->names++;
    vault->values += o->n;
    atomic_store_explicit(&vault->slot[slot], o, memory_order_release);
    return APS_OK;
}

enum aps_err aps_snapshot_secret(struct aps_snapshot *snap, struct aps_str name, apr_pool_t *pool,
                                 const struct aps_snapshot_secret **out, size_t *out_n,
                                 struct aps_diag *diag)
{
    struct aps_snapshot_vault *vault = snap->vault;
    struct opened *o =
        atomic_load_explicit(&vault->slot[slot_of(vault, name)], memory_order_acquire);
    enum aps_err err = APS_OK;

    if (o == NULL) {
        if (pthread_mutex_lock(&vault->mutex) != 0)
            return APS_ERR_FAILED;
        err = open_into(snap, name, pool, &o, diag);
        (void)pthread_mutex_unlock(&vault->mutex); /* held by this thread */
    }
    if (err != APS_OK)
        return err;
    *out = o->list;
    *out_n = o->n;
    return APS_OK;
}
