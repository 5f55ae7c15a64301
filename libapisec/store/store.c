/* store.c - an open store: its lock, its one transaction, and what publishes it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>

#include "masters.h"
#include "schema.h"

enum { LOCK_TRIES = 500, LOCK_MSEC = 20 };

apr_pool_t *aps_store_pool(void)
{
    apr_pool_t *pool = NULL;
    if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS)
        return NULL;
    return pool;
}

static const struct aps_migrate_step steps[] = {
    {1, aps_schema_to_2}, {2, aps_schema_to_3}, {3, aps_secret_upgrade}, {4, aps_schema_to_5}};

enum aps_err aps_store_migrate(sqlite3 *db, const char *path, const struct aps_secret *master,
                               const struct aps_seal_key *seal, struct aps_diag *diag)
{
    struct aps_secret_upgrade up = {.master = master, .seal = seal};

    return aps_migrate(db, path, steps, sizeof steps / sizeof *steps, &up, APS_SCHEMA_VERSION,
                       diag);
}

enum aps_err aps_store_lock(int fd, const char *dir, struct aps_diag *diag)
{
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return APS_OK;
        if (errno != EWOULDBLOCK && errno != EINTR) {
            aps_err_explain(diag, "%s: cannot lock the folder", dir);
            return APS_ERR_IO;
        }
        (void)poll(NULL, 0, LOCK_MSEC); /* a pause; cut short, it is tried sooner */
    }
    aps_err_explain(diag, "%s: another command has been changing this store for %d s; try again",
                    dir, LOCK_TRIES * LOCK_MSEC / 1000);
    return APS_ERR_BUSY;
}

static enum aps_err take_lock(struct aps_store *st, struct aps_diag *diag)
{
    st->lock = open(st->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (st->lock < 0) {
        aps_err_explain(diag, "%s: cannot open the folder to lock it", st->dir);
        return APS_ERR_IO;
    }
    return aps_store_lock(st->lock, st->dir, diag);
}

static void drop_lock(struct aps_store *st)
{
    if (st->lock >= 0)
        (void)close(st->lock); /* the lock goes with it */
    st->lock = -1;
}

/* ---- opening ---- */

/* The store's files as they must be; `out` is the database's path. */
static enum aps_err find_files(struct aps_store *st, const char *dir, char out[APS_FILE_PATH_MAX],
                               struct aps_diag *diag)
{
    const struct aps_file_want want = {.owner = geteuid(), .forbid = APS_FILE_PRIVATE};
    char path[APS_FILE_PATH_MAX], pub[APS_FILE_PATH_MAX];
    struct stat sb;
    struct aps_diag missing = {{0}}; /* no fault, and no reason of a later one */
    enum aps_err err = aps_file_folder(dir, want.owner, st->dir, diag);

    if (err == APS_OK)
        err = aps_file_join(st->dir, "store.db", path, diag);
    if (err == APS_OK)
        err = aps_file_find(path, &want, out, &sb, diag);
    if (err == APS_ERR_NOT_FOUND)
        aps_err_explain(diag, "there is no store at %s: make one with `apisecctl --store %s init`",
                        dir, dir);
    if (err != APS_OK)
        return err;
    /* A journal is there only after a crash, and is read before anything else. */
    err = aps_file_join(st->dir, "store.db-journal", path, diag);
    if (err == APS_OK)
        err = aps_file_find(path, &want, path, &sb, &missing);
    if (err != APS_OK && err != APS_ERR_NOT_FOUND) {
        aps_err_explain(diag, "%s", missing.text);
        return err;
    }
    err = aps_file_join(st->dir, "pub", path, diag);
    if (err == APS_OK)
        err = aps_file_folder(path, want.owner, pub, diag);
    if (err == APS_ERR_NOT_FOUND && stat(st->dir, &sb) == 0)
        aps_err_explain(diag,
                        "%s: the folder of the published copy is not there: install -d -m 750 -g "
                        "%lu %s makes it, then apisecctl --store %s publish",
                        path, (unsigned long)sb.st_gid, path, dir);
    return err == APS_OK ? aps_file_join(pub, "store.db", st->pub, diag) : err;
}

/* Bring an older schema up; the writers' lock is taken for it. */
static enum aps_err migrate(struct aps_store *st, const char *path, struct aps_diag *diag)
{
    int64_t version = 0;
    bool held = st->lock >= 0;
    enum aps_err err = aps_schema_version(st->db, &version, diag);
    if (err != APS_OK || version == APS_SCHEMA_VERSION)
        return err;
    if (!held && (err = take_lock(st, diag)) != APS_OK)
        return err;
    err = aps_store_migrate(st->db, path, st->master, &st->seal, diag);
    if (!held)
        drop_lock(st);
    return err;
}

static enum aps_err begin(struct aps_store *st, struct aps_diag *diag)
{
    enum aps_err err = aps_db_exec(st->db, "BEGIN IMMEDIATE", diag);
    if (err == APS_OK) {
        st->begun = true;
        st->marked = 0;
    }
    return err;
}

/* A command that was killed between commit and rename has left an older copy.  Nothing is lost if
 * mending fails here: the command's own publishing tells it. */
static void mend_copy(struct aps_store *st)
{
    if (aps_publish_mend(st, NULL) != APS_OK)
        return;
}

static enum aps_err open_db(struct aps_store *st, const char *path, struct aps_diag *diag)
{
    enum aps_err err;
    if ((err = aps_db_open(path, APS_DB_EDIT, &st->db, diag)) != APS_OK ||
        (err = migrate(st, path, diag)) != APS_OK ||
        (err = aps_schema_check(st->db, APS_SCHEMA_STORE, diag)) != APS_OK ||
        (err = aps_meta_load(st->db, &st->meta, diag)) != APS_OK)
        return err;
    err = aps_meta_check_master(st->db, &st->meta, st->master, &st->seal, diag);
    if (err != APS_OK)
        return err;
    if (st->mode == APS_STORE_READ)
        return aps_db_exec(st->db, "PRAGMA query_only = ON", diag);
    if ((err = aps_store_seal_check(st, diag)) != APS_OK ||
        (err = aps_store_own_complete(st, diag)) != APS_OK)
        return err;
    mend_copy(st);
    return begin(st, diag);
}

enum aps_err aps_store_open(const struct aps_store_open *how, struct aps_store **out,
                            struct aps_diag *diag)
{
    char path[APS_FILE_PATH_MAX];
    enum aps_err err = APS_ERR_NOMEM;
    struct aps_store *st = calloc(1, sizeof *st);

    if (st == NULL)
        return err;
    st->lock = -1;
    st->pid = getpid();
    st->mode = how->mode;
    st->now = how->now;
    st->actor = how->actor;
    st->master = how->master;
    if ((st->pool = aps_store_pool()) == NULL)
        goto out;
    if ((err = find_files(st, how->dir, path, diag)) != APS_OK)
        goto out;
    if ((err = aps_seal_key_init(how->master, &st->seal)) != APS_OK)
        goto out;
    if (st->mode == APS_STORE_WRITE && (err = take_lock(st, diag)) != APS_OK)
        goto out;
    if ((err = open_db(st, path, diag)) != APS_OK)
        goto out;
    *out = st;
    st = NULL;
out:
    aps_store_close(st);
    return err;
}

void aps_store_close(struct aps_store *st)
{
    if (st == NULL)
        return;
    /* In a child of the opener the connection is left alone: its locks and its journal are the
     * parent's (SEC-17). */
    if (st->pid == getpid()) {
        if (st->begun)
            aps_db_rollback(st->db);
        aps_db_close(st->db);
    }
    drop_lock(st);
    aps_mac_free(st->pepper);
    aps_store_seal_forget(st);
    aps_seal_key_wipe(&st->seal);
    if (st->pool != NULL)
        apr_pool_destroy(st->pool);
    free(st);
}

/* ---- changing ---- */

enum aps_err aps_store_begin(struct aps_store *st, struct aps_diag *diag)
{
    if (st->mode != APS_STORE_WRITE || st->pid != getpid()) {
        aps_err_explain(diag, "%s was not opened by this process to be changed", st->dir);
        return APS_ERR_FAILED;
    }
    apr_pool_clear(st->pool);
    return st->begun ? APS_OK : begin(st, diag);
}

/* A COMMIT that failed may have committed: the journal is gone, and only the folder could not be
 * synced.  What the file says now decides. */
static bool has_committed(struct aps_store *st)
{
    struct aps_meta now = {0};
    return aps_meta_load(st->db, &now, NULL) == APS_OK && now.generation == st->meta.generation + 1;
}

/* The generation that the transaction makes: published as a delta, or as a copy, which then holds
 * all changes so far. */
static enum aps_err raise_generation(struct aps_store *st, bool delta, bool large,
                                     struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err;
    if (delta)
        return aps_db_exec(st->db, "UPDATE meta SET generation = generation + 1", diag);
    aps_sql_begin(&q, st->db,
                  "UPDATE meta SET generation = generation + 1, base = generation + 1, deltas = ?");
    aps_sql_i64(&q, large);
    if ((err = aps_sql_run(&q, diag)) != APS_OK)
        return err;
    return aps_db_exec(st->db, "DELETE FROM key_changed", diag);
}

static enum aps_err raise_and_commit(struct aps_store *st, bool delta, struct aps_diag *diag)
{
    bool large = false;
    enum aps_err err = aps_publish_is_large(st, &large, diag);
    delta = delta && large;
    if (err == APS_OK)
        err = aps_store_token_prune(st, diag);
    if (err == APS_OK)
        err = raise_generation(st, delta, large, diag);
    if (err == APS_OK)
        err = aps_db_exec(st->db, "COMMIT", diag);
    st->begun = st->changed = st->apis = false;
    if (err != APS_OK) {
        aps_db_rollback(st->db);
        if (!has_committed(st))
            return err;
    }
    st->meta.generation++;
    if (!delta) {
        st->meta.base = st->meta.generation;
        st->meta.deltas = large;
    }
    return APS_OK;
}

/* Keys that changed since the last complete copy. */
static enum aps_err count_changed(struct aps_store *st, int64_t *out, struct aps_diag *diag)
{
    return aps_db_number(st->db, "SELECT count(*) FROM key_changed", 0, out, diag);
}

/* What the transaction changes is published first; a delta that has become long is then replaced by
 * a copy.  That may fail: the next command tries again, and a delta that is full is an error. */
static enum aps_err publish_change(struct aps_store *st, int64_t changed, struct aps_diag *diag)
{
    enum aps_err err = aps_publish_mend(st, diag);
    if (err == APS_OK && st->meta.base != st->meta.generation && changed > APS_PUBLISH_RENEW &&
        aps_publish(st, NULL) != APS_OK)
        return APS_OK;
    return err;
}

static enum aps_err publish(struct aps_store *st, int64_t changed, struct aps_diag *diag)
{
    struct aps_diag why = {""};
    enum aps_err err = publish_change(st, changed, &why);
    if (err != APS_OK)
        aps_err_explain(diag,
                        "the change is stored, but httpd does not see it yet, since publishing "
                        "failed: %s; mend that and run `apisecctl --store %s publish`",
                        aps_err_say(err, &why), st->dir);
    return err;
}

enum aps_err aps_store_commit(struct aps_store *st, struct aps_diag *diag)
{
    int64_t changed = 0;
    bool wrote = false; /* what is published names it afterwards */
    enum aps_err err;
    if ((err = aps_store_begin(st, diag)) != APS_OK ||
        (err = count_changed(st, &changed, diag)) != APS_OK)
        return err;
    if (st->changed) {
        bool delta = st->meta.deltas && st->marked <= APS_PUBLISH_DELTA_MAX &&
                     changed <= APS_PUBLISH_DELTA_MAX;
        if (st->apis && (err = aps_publish_block(st, false, &wrote, diag)) != APS_OK)
            return err; /* nothing is committed, and the old files are there */
        err = raise_and_commit(st, delta, diag);
        return err == APS_OK ? publish(st, changed, diag) : err;
    }
    st->begun = false;
    if ((err = aps_db_exec(st->db, "ROLLBACK", diag)) != APS_OK)
        return err;
    return publish(st, changed, diag);
}

enum aps_err aps_store_publish(struct aps_store *st, struct aps_diag *diag)
{
    struct aps_diag why = {""};
    enum aps_err err, blocks;
    bool wrote = false; /* all is published anyway */
    if (st->changed) {
        aps_err_explain(diag, "%s: commit the change first, which publishes it", st->dir);
        return APS_ERR_CONFLICT;
    }
    if ((err = aps_store_begin(st, diag)) != APS_OK)
        return err;
    if ((err = raise_and_commit(st, false, diag)) != APS_OK)
        return err;
    blocks = aps_publish_block(st, true, &wrote, &why);
    if ((err = aps_publish(st, diag)) != APS_OK || blocks == APS_OK)
        return err;
    aps_err_explain(diag, "%s", aps_err_say(blocks, &why));
    return blocks;
}

/* ---- what it is ---- */

struct aps_str aps_store_prefix(const struct aps_store *st)
{
    return aps_str(st->meta.prefix);
}

const uint8_t *aps_store_id(const struct aps_store *st)
{
    return st->meta.store_id;
}

uint64_t aps_store_tag(const struct aps_store *st)
{
    return aps_meta_tag(&st->meta);
}

uint64_t aps_store_generation(const struct aps_store *st)
{
    return st->meta.generation;
}

const char *aps_store_dir(const struct aps_store *st)
{
    return st->dir;
}
