/* snapshot.c - one published copy, opened with suspicion and then read by all threads. */
#include "apisec/snapshot.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "own.h"
#include "record.h"
#include "schema.h"

enum { PEPPERS_MAX = 64, OPEN_TRIES = 5 };

struct pepper {
    uint32_t version;
    struct aps_mac *mac;
};

struct aps_snapshot {
    apr_pool_t *pool;
    pid_t pid;
    struct aps_snapshot_stamp stamp;
    struct aps_meta meta;
    struct aps_rolebook *roles;
    unsigned npeppers;
    struct pepper peppers[PEPPERS_MAX]; /* newest last */
    struct aps_mac *address;            /* newest */
    pthread_mutex_t mutex;              /* over db and key: SQLite's own locks are off */
    bool has_mutex;
    sqlite3 *db;
    sqlite3_stmt *key;
    size_t nlast;                  /* 0: there is no key */
    char last[APS_KEYTEXT_ID_LEN]; /* the greatest id */
};

/* ---- the file ---- */

static struct aps_snapshot_stamp stamp_of(const struct stat *st)
{
    return (struct aps_snapshot_stamp){
        .dev = st->st_dev,
        .ino = st->st_ino,
        .size = st->st_size,
        .mtime = st->st_mtim,
        .ctime = st->st_ctim,
    };
}

/* No copy, or not even a store.  The folder may be passed by whoever may read the copy. */
static enum aps_err say_missing(const char *store, const char *path, struct aps_diag *diag)
{
    char truth[APS_FILE_PATH_MAX];
    struct stat st;
    if (aps_file_join(store, "store.db", truth, NULL) == APS_OK && lstat(truth, &st) != 0 &&
        (errno == ENOENT || errno == ENOTDIR))
        aps_err_explain(diag, "no store is there; apisecctl --store %s init makes one", store);
    else
        aps_err_explain(diag,
                        "%s: no published copy is there; apisecctl --store %s publish makes it",
                        path, store);
    return APS_ERR_NOT_FOUND;
}

/* What is wrong with the copy alone, publishing mends. */
static void say_mend(const char *store, struct aps_diag *diag)
{
    struct aps_diag said;
    if (diag == NULL)
        return;
    said = *diag;
    aps_err_explain(diag, "%s; apisecctl --store %s publish makes it anew",
                    aps_err_say(APS_ERR_CORRUPT, &said), store);
}

enum aps_err aps_snapshot_stamp(const char *store, struct aps_snapshot_stamp *out,
                                struct aps_diag *diag)
{
    char path[APS_FILE_PATH_MAX], text[128];
    struct stat st;
    enum aps_err err = aps_file_join(store, "pub/store.db", path, diag);
    if (err != APS_OK)
        return err;
    if (lstat(path, &st) != 0) {
        int e = errno;
        if (e == ENOENT || e == ENOTDIR)
            return say_missing(store, path, diag);
        aps_err_explain(diag, "%s: cannot find it: %s", path, strerror_r(e, text, sizeof text));
        return APS_ERR_IO;
    }
    *out = stamp_of(&st);
    return APS_OK;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool aps_snapshot_stamp_equal(const struct aps_snapshot_stamp *a,
                              const struct aps_snapshot_stamp *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           same_time(&a->mtime, &b->mtime) && same_time(&a->ctime, &b->ctime);
}

/* Open the copy that the checked name leads to.  The name may be given to a newer copy between
 * check and open, so both are done again until they meet the same file. */
static enum aps_err open_file(struct aps_snapshot *snap, const struct aps_snapshot_options *o,
                              struct aps_diag *diag)
{
    const struct aps_file_want want = {.owner = o->owner, .forbid = APS_FILE_SHARED};
    char path[APS_FILE_PATH_MAX], found[APS_FILE_PATH_MAX];
    struct stat st;
    enum aps_err err = aps_file_join(o->store, "pub/store.db", path, diag);

    for (int i = 0; err == APS_OK && i < OPEN_TRIES; i++) {
        struct aps_snapshot_stamp after;
        if ((err = aps_file_find(path, &want, found, &st, diag)) != APS_OK)
            break;
        snap->stamp = stamp_of(&st);
        if ((err = aps_db_open(found, APS_DB_COPY, &snap->db, diag)) != APS_OK)
            break;
        err = aps_snapshot_stamp(o->store, &after, diag);
        if (err == APS_OK && aps_snapshot_stamp_equal(&after, &snap->stamp))
            return APS_OK;
        aps_db_close(snap->db);
        snap->db = NULL;
    }
    if (err == APS_OK) {
        aps_err_explain(diag, "%s: it is replaced faster than it can be opened", path);
        err = APS_ERR_BUSY;
    } else if (err == APS_ERR_NOT_FOUND) {
        err = say_missing(o->store, path, diag);
    }
    return err;
}

/* ---- what is in it ---- */

/* SQLite takes a file that is cut within its last page, and reads zeros there. */
static enum aps_err check_size(struct aps_snapshot *snap, struct aps_diag *diag)
{
    int64_t pages = 0, size = 0;
    enum aps_err err = aps_db_number(snap->db, "PRAGMA page_count", 0, &pages, diag);
    if (err == APS_OK)
        err = aps_db_number(snap->db, "PRAGMA page_size", 0, &size, diag);
    if (err != APS_OK || pages * size == snap->stamp.size)
        return err;
    aps_err_explain(diag, "%s has %lld bytes, its header says %lld",
                    sqlite3_db_filename(snap->db, "main"), (long long)snap->stamp.size,
                    (long long)(pages * size));
    return APS_ERR_CORRUPT;
}

static enum aps_err check_meta(struct aps_snapshot *snap, const struct aps_snapshot_options *o,
                               const struct aps_seal_key *seal, struct aps_diag *diag)
{
    enum aps_err err;
    if ((err = aps_schema_check(snap->db, APS_SCHEMA_COPY, diag)) != APS_OK ||
        (err = check_size(snap, diag)) != APS_OK ||
        (err = aps_meta_load(snap->db, &snap->meta, diag)) != APS_OK)
        return err;
    if (o->store_id != NULL &&
        memcmp(o->store_id, snap->meta.store_id, sizeof snap->meta.store_id) != 0) {
        aps_err_explain(diag,
                        "%s/pub/store.db is of another store: put the right copy back with "
                        "apisecctl --store %s publish, or restart the server to take this one",
                        o->store, o->store);
        return APS_ERR_CONFLICT;
    }
    err = aps_meta_check_master(snap->db, &snap->meta, o->master, seal, diag);
    if (err == APS_OK)
        err = aps_meta_check_mac(snap->db, &snap->meta, o->master, seal, diag);
    if (err == APS_OK && snap->meta.generation < o->min_generation) {
        aps_err_explain(diag,
                        "%s/pub/store.db has generation %llu, older than %llu which is in force: "
                        "apisecctl --store %s publish makes a new one",
                        o->store, (unsigned long long)snap->meta.generation,
                        (unsigned long long)o->min_generation, o->store);
        err = APS_ERR_CONFLICT;
    }
    return err;
}

static enum aps_err add_pepper(void *arg, uint32_t version, const struct aps_secret *key)
{
    struct aps_snapshot *snap = arg;
    if (snap->npeppers == PEPPERS_MAX)
        return APS_ERR_CORRUPT;
    struct pepper *p = &snap->peppers[snap->npeppers];
    enum aps_err err = aps_mac_new(key->b, key->n, &p->mac);
    p->version = version;
    if (err == APS_OK)
        snap->npeppers++;
    return err;
}

static enum aps_err set_address(void *arg, uint32_t version, const struct aps_secret *key)
{
    struct aps_snapshot *snap = arg;
    (void)version; /* they come oldest first, and the newest is the one to use */
    aps_mac_free(snap->address);
    snap->address = NULL;
    return aps_mac_new(key->b, key->n, &snap->address);
}

/* Past the greatest id there is no next row: that one is read for it. */
static enum aps_err load_last(struct aps_snapshot *snap, struct aps_diag *diag)
{
    struct aps_sql q;
    aps_sql_begin(&q, snap->db, "SELECT id FROM key ORDER BY id DESC LIMIT 1");
    if (aps_sql_row(&q)) {
        struct aps_str id = aps_sql_get_str(&q, 0);
        if (id.n == sizeof snap->last) {
            memcpy(snap->last, id.p, id.n);
            snap->nlast = id.n;
        }
    }
    return aps_sql_end(&q, diag);
}

static enum aps_err load(struct aps_snapshot *snap, const struct aps_seal_key *seal,
                         struct aps_diag *diag)
{
    enum aps_err err;
    int rc;
    if ((err = aps_wrapped_each(snap->db, &snap->meta, seal, APS_WRAPPED_PEPPER, add_pepper, snap,
                                diag)) != APS_OK ||
        (err = aps_wrapped_each(snap->db, &snap->meta, seal, APS_WRAPPED_ADDRESS, set_address, snap,
                                diag)) != APS_OK ||
        (err = aps_store_role_load(snap->db, snap->pool, &snap->roles, diag)) != APS_OK ||
        (err = aps_rolebook_seal(snap->roles, diag)) != APS_OK ||
        /* Until it is closed: the file never changes, so no lookup has to begin and end one, and to
         * read the head of the file again.  What ends it after all only costs time. */
        (err = aps_db_exec(snap->db, "BEGIN", diag)) != APS_OK)
        return err;
    /* The row of the id or, of an id that nobody has, the next one: what is read for it tells
     * nobody that it is unknown (KEY-07). */
    rc = sqlite3_prepare_v3(snap->db, "SELECT name, record, id FROM key WHERE id >= ? ORDER BY id",
                            -1, SQLITE_PREPARE_PERSISTENT, &snap->key, NULL);
    return rc == SQLITE_OK ? load_last(snap, diag) : aps_db_fail(snap->db, rc, diag);
}

enum aps_err aps_snapshot_open(const struct aps_snapshot_options *options,
                               struct aps_snapshot **out, struct aps_diag *diag)
{
    struct aps_seal_key seal = {{0}, {0}};
    enum aps_err err = APS_ERR_NOMEM;
    struct aps_snapshot *snap = calloc(1, sizeof *snap);

    if (snap == NULL)
        return err;
    snap->pid = getpid();
    if ((snap->pool = aps_store_pool()) == NULL)
        goto out;
    snap->has_mutex = pthread_mutex_init(&snap->mutex, NULL) == 0;
    if (!snap->has_mutex)
        goto out;
    if ((err = aps_seal_key_init(options->master, &seal)) != APS_OK)
        goto out;
    if ((err = open_file(snap, options, diag)) != APS_OK)
        goto out;
    if ((err = check_meta(snap, options, &seal, diag)) != APS_OK)
        goto out;
    if ((err = load(snap, &seal, diag)) != APS_OK)
        goto out;
    *out = snap;
    snap = NULL;
out:
    if (err == APS_ERR_CORRUPT)
        say_mend(options->store, diag);
    aps_seal_key_wipe(&seal);
    aps_snapshot_close(snap);
    return err;
}

void aps_snapshot_close(struct aps_snapshot *snap)
{
    if (snap == NULL)
        return;
    (void)sqlite3_finalize(snap->key); /* tells the last step's error once more */
    aps_db_close(snap->db);
    for (unsigned i = 0; i < snap->npeppers; i++)
        aps_mac_free(snap->peppers[i].mac);
    aps_mac_free(snap->address);
    if (snap->has_mutex)
        (void)pthread_mutex_destroy(&snap->mutex); /* nobody holds it any more */
    if (snap->pool != NULL)
        apr_pool_destroy(snap->pool);
    free(snap);
}

/* ---- what it answers ---- */

uint64_t aps_snapshot_generation(const struct aps_snapshot *snap)
{
    return snap->meta.generation;
}

const struct aps_snapshot_stamp *aps_snapshot_opened(const struct aps_snapshot *snap)
{
    return &snap->stamp;
}

const uint8_t *aps_snapshot_store_id(const struct aps_snapshot *snap)
{
    return snap->meta.store_id;
}

uint64_t aps_snapshot_store_tag(const struct aps_snapshot *snap)
{
    uint64_t tag = 0;
    for (int i = 0; i < 8; i++)
        tag = tag << 8 | snap->meta.store_id[i];
    return tag;
}

struct aps_str aps_snapshot_prefix(const struct aps_snapshot *snap)
{
    return aps_str(snap->meta.prefix);
}

const struct aps_rolebook *aps_snapshot_roles(const struct aps_snapshot *snap)
{
    return snap->roles;
}

/* The present row, with the mutex held. */
static enum aps_err read_key(sqlite3_stmt *stmt, struct aps_str id, apr_pool_t *pool,
                             struct aps_key *out)
{
    const char *name = (const char *)sqlite3_column_text(stmt, 0);
    const void *record = sqlite3_column_blob(stmt, 1);
    if (name == NULL || record == NULL)
        return APS_ERR_CORRUPT;
    struct aps_key key = {
        .id = aps_str_copy(pool, id),
        .name = aps_str_copy(pool, (struct aps_str){name, (size_t)sqlite3_column_bytes(stmt, 0)}),
    };
    enum aps_err err = aps_record_decode(
        (struct aps_str){record, (size_t)sqlite3_column_bytes(stmt, 1)}, pool, &key);
    if (err == APS_OK)
        *out = key;
    return err;
}

/* The first row from `id` on, with the mutex held; *out_is_it: it is that id's. */
static enum aps_err find_key(struct aps_snapshot *snap, struct aps_str id, apr_pool_t *pool,
                             struct aps_key *out, bool *out_is_it)
{
    const char *from =
        snap->nlast != 0 && memcmp(id.p, snap->last, snap->nlast) > 0 ? snap->last : id.p;
    enum aps_err err = APS_ERR_IO;
    int rc = sqlite3_bind_text(snap->key, 1, from, APS_KEYTEXT_ID_LEN, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(snap->key);
    if (rc == SQLITE_ROW) {
        const char *seen = (const char *)sqlite3_column_text(snap->key, 2);
        *out_is_it = seen != NULL && aps_str_eq(aps_str(seen), id);
        err = read_key(snap->key, id, pool, out);
    } else if (rc == SQLITE_DONE) {
        err = APS_ERR_NOT_FOUND;
    } else if ((rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB) {
        err = APS_ERR_CORRUPT;
    }
    (void)sqlite3_reset(snap->key); /* tells the step's error once more */
    return err;
}

enum aps_err aps_snapshot_key(struct aps_snapshot *snap, struct aps_str id, apr_pool_t *pool,
                              struct aps_key *out)
{
    struct aps_key key;
    bool is_it = true;
    if (snap->pid != getpid())
        return APS_ERR_FAILED; /* a connection is never used across fork (SEC-17) */
    if (!aps_keytext_is_id(id))
        return APS_ERR_NOT_FOUND;
    if (pthread_mutex_lock(&snap->mutex) != 0)
        return APS_ERR_FAILED;
    enum aps_err err = find_key(snap, id, pool, &key, &is_it);
    (void)pthread_mutex_unlock(&snap->mutex); /* held by this thread */
    if (!is_it)
        return APS_ERR_NOT_FOUND; /* whatever the next row is like */
    if (err == APS_OK)
        *out = key;
    return err;
}

enum aps_err aps_snapshot_mac(struct aps_snapshot *snap, uint32_t pepper, struct aps_str text,
                              uint8_t out[APS_KEY_MAC_LEN])
{
    for (unsigned i = snap->npeppers; i > 0; i--) {
        const struct pepper *p = &snap->peppers[i - 1];
        if (pepper == 0 || p->version == pepper)
            return aps_mac_sum(p->mac, text, out);
    }
    return APS_ERR_NOT_FOUND;
}

enum aps_err aps_snapshot_pseudonym(struct aps_snapshot *snap, const struct aps_addr *addr,
                                    uint8_t out[16])
{
    uint8_t mac[APS_MAC_LEN];
    enum aps_err err =
        aps_mac_sum(snap->address, (struct aps_str){(const char *)addr->b, sizeof addr->b}, mac);
    if (err == APS_OK)
        memcpy(out, mac, 16);
    return err;
}
