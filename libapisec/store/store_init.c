/* store_init.c - a new store, from nothing or from what a killed run left. */
#include <fcntl.h>
#include <stdio.h>

#include "apisec/master.h"
#include "apisec/master_file.h"
#include "apisec/random.h"
#include "own.h"
#include "schema.h"

/* What a run makes, in this order; store.db is last, so that a store is there whole or not at all:
 *   DIR 0710, pub/ 0750, master.key, .store.db.RANDOM, pub/store.db, store.db
 * A second run takes over the folders and a master key that are there already. */

/* ---- what is there ---- */

static enum aps_err refuse_present(const char *dir, int fd, struct aps_diag *diag)
{
    char name[256] = "", path[APS_FILE_PATH_MAX];
    enum aps_err err = aps_file_join(dir, "store.db", path, diag);
    if (err != APS_OK)
        return err;
    if (access(path, F_OK) == 0) {
        aps_err_explain(
            diag, "there is a store at %s already: apisecctl --store %s status shows it", dir, dir);
        return APS_ERR_EXISTS;
    }
    if (!aps_folder_is_ours(fd, name)) {
        aps_err_explain(
            diag, "%s holds \"%s\": a store wants a folder of its own; name another one by --store",
            dir, name);
        return APS_ERR_CONFLICT;
    }
    /* A run that was killed leaves a first copy at most; any other is of a store that is lost. */
    if ((err = aps_file_join(dir, "pub/store.db", path, diag)) != APS_OK)
        return err;
    if (access(path, F_OK) == 0 && aps_publish_generation(path) != 1) {
        aps_err_explain(diag,
                        "%s was published by a store whose store.db is gone: restore it from a "
                        "backup, or remove the copy for good",
                        path);
        return APS_ERR_CONFLICT;
    }
    return APS_OK;
}

/* ---- the master key ---- */

static enum aps_err make_master(const char *path, const struct aps_master_lock *lock,
                                struct aps_secret *out, struct aps_diag *diag)
{
    struct aps_secret key = {0};
    enum aps_err err = aps_secret_new(APS_MASTER_LEN, &key);
    if (err == APS_OK)
        err = aps_random_fill(key.b, key.n);
    if (err == APS_OK)
        err = aps_master_write(path, &key, lock, diag);
    if (err == APS_OK)
        *out = key;
    else
        aps_secret_wipe(&key);
    return err;
}

/* The key that is there, or a new one. */
static enum aps_err get_master(const char *dir, const struct aps_store_init *init,
                               struct aps_secret *out, struct aps_diag *diag)
{
    const char *given = init->master_path;
    char path[APS_FILE_PATH_MAX], source[APS_FILE_PATH_MAX + 8];
    struct aps_master_from from = {0};
    enum aps_err err;

    if (init->master != NULL)
        return aps_secret_copy(init->master->b, init->master->n, out);
    err = given != NULL ? aps_file_locate(given, geteuid(), path, diag)
                        : aps_file_join(dir, "master.key", path, diag);
    if (err != APS_OK)
        return err;
    if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
        return make_master(path, init->lock, out, diag);
    if (init->lock != NULL) {
        aps_err_explain(diag,
                        "%s is there already: make the store with it, without --protect; then "
                        "apisecctl master protect puts it under a passphrase",
                        path);
        return APS_ERR_EXISTS;
    }
    if (init->unlock != NULL)
        from = *init->unlock;
    (void)snprintf(source, sizeof source, "file:%s", path);
    from.source = source;
    return aps_master_load_from(&from, out, diag);
}

/* ---- the database ---- */

static enum aps_err put_meta(struct aps_store *st, const char *prefix, struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err = aps_random_fill(st->meta.store_id, sizeof st->meta.store_id);
    if (err != APS_OK)
        return err;
    (void)snprintf(st->meta.prefix, sizeof st->meta.prefix, "%s", prefix);
    st->meta.generation = st->meta.base = 1;
    aps_sql_begin(&q, st->db,
                  "INSERT INTO meta(one, store_id, prefix, generation, base, deltas, imports,"
                  " created_at) VALUES(1, ?, ?, 1, 1, 0, 0, ?)");
    aps_sql_blob(&q, st->meta.store_id, sizeof st->meta.store_id);
    aps_sql_str(&q, aps_str(prefix));
    aps_sql_i64(&q, st->now);
    return aps_sql_run(&q, diag);
}

static enum aps_err put_keys(struct aps_store *st, struct aps_diag *diag)
{
    enum aps_err err = aps_meta_put_master(st->db, &st->meta, st->master, &st->seal, st->now, diag);
    return err == APS_OK ? aps_store_own_make(st, diag) : err;
}

static enum aps_err put_change(struct aps_store *st, struct aps_diag *diag)
{
    struct aps_json w;
    aps_json_init_pool(&w, st->pool, 0);
    aps_json_object(&w);
    aps_json_put_str(&w, "prefix", st->meta.prefix);
    aps_json_end(&w);
    return aps_store_change_put(st, APS_STR_LIT("store"), (struct aps_str){0}, aps_json_text(&w),
                                diag);
}

static enum aps_err make_db(struct aps_store *st, const char *path, const char *prefix,
                            struct aps_diag *diag)
{
    enum aps_err err = aps_db_open(path, APS_DB_MAKE, &st->db, diag);
    if (err == APS_OK)
        err = aps_schema_make(st->db, APS_SCHEMA_STORE, diag);
    if (err == APS_OK)
        err = aps_db_exec(st->db, "BEGIN", diag);
    if (err == APS_OK)
        err = put_meta(st, prefix, diag);
    if (err == APS_OK)
        err = put_keys(st, diag);
    if (err == APS_OK)
        err = put_change(st, diag);
    return err == APS_OK ? aps_db_exec(st->db, "COMMIT", diag) : err;
}

static enum aps_err make_store(struct aps_store *st, const char *prefix, struct aps_diag *diag)
{
    char target[APS_FILE_PATH_MAX], temp[APS_FILE_PATH_MAX];
    int fd = -1;
    enum aps_err err;

    if ((err = aps_file_join(st->dir, "store.db", target, diag)) != APS_OK ||
        (err = aps_file_join(st->dir, "pub/store.db", st->pub, diag)) != APS_OK)
        return err;
    aps_file_sweep(target);
    if ((err = aps_file_temp(target, 0600, (gid_t)-1, temp, &fd, diag)) != APS_OK)
        return err;
    if ((err = make_db(st, temp, prefix, diag)) == APS_OK)
        err = aps_publish(st, diag);
    aps_db_close(st->db);
    st->db = NULL;
    if (err == APS_OK)
        err = aps_file_replace(temp, fd, target, diag);
    if (err != APS_OK)
        (void)unlink(temp); /* else the next run takes it */
    (void)close(fd);        /* synced, or gone */
    return err;
}

/* ---- all of it ---- */

static enum aps_err make_folders(struct aps_store *st, const struct aps_store_init *init,
                                 struct aps_diag *diag)
{
    enum aps_err err;

    if ((err = aps_file_locate(init->dir, geteuid(), st->dir, diag)) != APS_OK ||
        (err = aps_folder_open(st->dir, &st->lock, diag)) != APS_OK ||
        (err = aps_store_lock(st->lock, st->dir, diag)) != APS_OK ||
        (err = refuse_present(st->dir, st->lock, diag)) != APS_OK)
        return err;
    return aps_folder_dress(st->dir, st->lock, init->group, diag);
}

enum aps_err aps_store_init(const struct aps_store_init *init, struct aps_diag *diag)
{
    struct aps_store st = {.lock = -1,
                           .pid = getpid(),
                           .mode = APS_STORE_WRITE,
                           .now = init->now,
                           .actor = init->actor};
    struct aps_secret master = {0};
    enum aps_err err = APS_ERR_NOMEM;

    if (!aps_keytext_is_prefix(aps_str(init->prefix))) {
        aps_err_explain(diag,
                        "prefix \"%s\": want a letter and 1 to 15 letters or digits, all "
                        "lower case, such as \"apisec\"",
                        init->prefix);
        return APS_ERR_FORMAT;
    }
    if ((st.pool = aps_store_pool()) == NULL)
        goto out;
    if ((err = make_folders(&st, init, diag)) != APS_OK)
        goto out;
    if ((err = get_master(st.dir, init, &master, diag)) != APS_OK)
        goto out;
    st.master = &master;
    if ((err = aps_seal_key_init(&master, &st.seal)) != APS_OK)
        goto out;
    err = make_store(&st, init->prefix, diag);
out:
    aps_db_close(st.db);
    if (st.lock >= 0)
        (void)close(st.lock); /* the lock goes with it */
    aps_seal_key_wipe(&st.seal);
    aps_secret_wipe(&master);
    if (st.pool != NULL)
        apr_pool_destroy(st.pool);
    return err;
}
