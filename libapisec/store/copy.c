/* copy.c - the complete copy, open in one process and shared by all of its snapshots. */
#include "copy.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "record.h"

struct aps_copy {
    atomic_size_t refs;
    pid_t pid;
    struct aps_pubfile file;
    pthread_mutex_t mutex; /* over the connection and key: SQLite's own locks are off */
    sqlite3_stmt *key;
    size_t nlast;                  /* 0: there is no key */
    char last[APS_KEYTEXT_ID_LEN]; /* the greatest id */
};

/* Past the greatest id there is no next row: that one is read for it. */
static enum aps_err load_last(struct aps_copy *copy, struct aps_diag *diag)
{
    struct aps_sql q;
    aps_sql_begin(&q, copy->file.db, "SELECT id FROM key ORDER BY id DESC LIMIT 1");
    if (aps_sql_row(&q)) {
        struct aps_str id = aps_sql_get_str(&q, 0);
        if (id.n == sizeof copy->last) {
            memcpy(copy->last, id.p, id.n);
            copy->nlast = id.n;
        }
    }
    return aps_sql_end(&q, diag);
}

static enum aps_err prepare(struct aps_copy *copy, struct aps_diag *diag)
{
    sqlite3 *db = copy->file.db;
    /* Until it is closed: the file never changes, so no lookup has to begin and end one, and to
     * read the head of the file again.  What ends it after all only costs time. */
    enum aps_err err = aps_db_exec(db, "BEGIN", diag);
    if (err != APS_OK)
        return err;
    /* The row of the id or, of an id that nobody has, the next one: what is read for it tells
     * nobody that it is unknown (KEY-07). */
    int rc = sqlite3_prepare_v3(db, "SELECT id, record FROM key WHERE id >= ? ORDER BY id", -1,
                                SQLITE_PREPARE_PERSISTENT, &copy->key, NULL);
    return rc == SQLITE_OK ? load_last(copy, diag) : aps_db_fail(db, rc, diag);
}

enum aps_err aps_copy_new(const struct aps_pubfile *file, struct aps_copy **out,
                          struct aps_diag *diag)
{
    struct aps_copy *copy = calloc(1, sizeof *copy);
    enum aps_err err = APS_ERR_NOMEM;

    if (copy == NULL || pthread_mutex_init(&copy->mutex, NULL) != 0) {
        free(copy);
        aps_db_close(file->db);
        return err;
    }
    atomic_init(&copy->refs, 1);
    copy->pid = getpid();
    copy->file = *file;
    if ((err = prepare(copy, diag)) != APS_OK) {
        aps_copy_release(copy);
        return err;
    }
    *out = copy;
    return APS_OK;
}

struct aps_copy *aps_copy_keep(struct aps_copy *copy)
{
    if (copy->pid != getpid())
        return NULL;
    atomic_fetch_add_explicit(&copy->refs, 1, memory_order_relaxed);
    return copy;
}

void aps_copy_release(struct aps_copy *copy)
{
    /* The last one sees all that others did to it. */
    if (copy == NULL || atomic_fetch_sub_explicit(&copy->refs, 1, memory_order_acq_rel) != 1)
        return;
    (void)sqlite3_finalize(copy->key); /* tells the last step's error once more */
    aps_db_close(copy->file.db);
    (void)pthread_mutex_destroy(&copy->mutex); /* nobody holds it any more */
    free(copy);
}

const struct aps_meta *aps_copy_meta(const struct aps_copy *copy)
{
    return &copy->file.meta;
}

enum aps_err aps_copy_load(struct aps_copy *copy,
                           enum aps_err (*load)(void *arg, sqlite3 *db, struct aps_diag *diag),
                           void *arg, struct aps_diag *diag)
{
    if (copy->pid != getpid() || pthread_mutex_lock(&copy->mutex) != 0)
        return APS_ERR_FAILED;
    enum aps_err err = load(arg, copy->file.db, diag);
    (void)pthread_mutex_unlock(&copy->mutex); /* held by this thread */
    return err;
}

/* The present row, with the mutex held. */
static enum aps_err read_key(sqlite3_stmt *stmt, struct aps_str id, apr_pool_t *pool,
                             struct aps_key *out)
{
    const void *record = sqlite3_column_blob(stmt, 1);
    if (record == NULL)
        return APS_ERR_CORRUPT;
    out->id = aps_str_copy(pool, id);
    out->name = (struct aps_str){NULL, 0};
    return aps_record_decode((struct aps_str){record, (size_t)sqlite3_column_bytes(stmt, 1)}, pool,
                             out);
}

/* The first row from `id` on, with the mutex held; *out_is_it: it is that id's. */
static enum aps_err find_key(struct aps_copy *copy, struct aps_str id, apr_pool_t *pool,
                             struct aps_key *out, bool *out_is_it)
{
    const char *from =
        copy->nlast != 0 && memcmp(id.p, copy->last, copy->nlast) > 0 ? copy->last : id.p;
    enum aps_err err = APS_ERR_IO;
    int rc = sqlite3_bind_text(copy->key, 1, from, APS_KEYTEXT_ID_LEN, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(copy->key);
    if (rc == SQLITE_ROW) {
        const char *seen = (const char *)sqlite3_column_text(copy->key, 0);
        *out_is_it = seen != NULL && strncmp(seen, id.p, id.n) == 0 && seen[id.n] == '\0';
        err = read_key(copy->key, id, pool, out);
    } else if (rc == SQLITE_DONE) {
        err = APS_ERR_NOT_FOUND;
    } else if ((rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB) {
        err = APS_ERR_CORRUPT;
    }
    (void)sqlite3_reset(copy->key); /* tells the step's error once more */
    return err;
}

enum aps_err aps_copy_key(struct aps_copy *copy, struct aps_str id, apr_pool_t *pool,
                          struct aps_key *out)
{
    bool is_it = true;
    if (copy->pid != getpid())
        return APS_ERR_FAILED; /* a connection is never used across fork (SEC-17) */
    if (pthread_mutex_lock(&copy->mutex) != 0)
        return APS_ERR_FAILED;
    enum aps_err err = find_key(copy, id, pool, out, &is_it);
    (void)pthread_mutex_unlock(&copy->mutex); /* held by this thread */
    if (!is_it)
        err = APS_ERR_NOT_FOUND; /* whatever the next row is like */
    if (err != APS_OK)
        *out = (struct aps_key){0};
    return err;
}

static enum aps_err read_name(sqlite3 *db, struct aps_str id, apr_pool_t *pool, struct aps_str *out)
{
    struct aps_sql q;
    bool found = false;
    aps_sql_begin(&q, db, "SELECT name FROM key WHERE id = ?");
    aps_sql_str(&q, id);
    if ((found = aps_sql_row(&q)))
        *out = aps_str_copy(pool, aps_sql_get_str(&q, 0));
    enum aps_err err = aps_sql_end(&q, NULL);
    return err == APS_OK && !found ? APS_ERR_NOT_FOUND : err;
}

enum aps_err aps_copy_name(struct aps_copy *copy, struct aps_str id, apr_pool_t *pool,
                           struct aps_str *out)
{
    if (copy->pid != getpid() || pthread_mutex_lock(&copy->mutex) != 0)
        return APS_ERR_FAILED;
    enum aps_err err = read_name(copy->file.db, id, pool, out);
    (void)pthread_mutex_unlock(&copy->mutex); /* held by this thread */
    return err;
}
