/* restore_put.c - a verified backup, put in place of what is there. */
#include <apr_escape.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "pubfile.h"
#include "restore_own.h"

/* ---- what is there ---- */

/* store.db as any command would open it, but for the master key. */
static enum aps_err look_at_store(struct aps_restore *rs, const char *path,
                                  struct aps_restore_old *old, struct aps_diag *diag)
{
    const struct aps_file_want want = {.owner = geteuid(), .forbid = APS_FILE_PRIVATE};
    sqlite3 *db = NULL;
    struct stat sb;
    enum aps_err err = aps_file_find(path, &want, old->path, &sb, diag);

    if (err != APS_OK)
        return err;
    if ((err = aps_db_open(old->path, APS_DB_EDIT, &db, diag)) != APS_OK ||
        (err = aps_store_migrate(db, old->path, rs->master, &rs->seal, diag)) != APS_OK ||
        (err = aps_schema_check(db, APS_SCHEMA_STORE, diag)) != APS_OK ||
        (err = aps_meta_load(db, &old->meta, diag)) != APS_OK)
        goto out;
    err = aps_meta_check_master(db, &old->meta, rs->master, &rs->seal, diag);
    old->sealed = err == APS_ERR_KEY;
    if (err == APS_OK || old->sealed) {
        old->kind = APS_RESTORE_OLD_STORE;
        err = APS_OK;
    }
out:
    aps_db_close(db);
    return err;
}

static enum aps_err open_published(struct aps_restore *rs, const char *name,
                                   enum aps_schema_kind kind, struct aps_meta *out,
                                   struct aps_diag *diag)
{
    const struct aps_snapshot_options options = {
        .store = rs->dir, .master = rs->master, .owner = geteuid()};
    struct aps_pubfile file = {.db = NULL};
    enum aps_err err = aps_pubfile_open(&options, name, kind, &rs->seal, &file, diag);

    if (err == APS_OK)
        *out = file.meta;
    aps_db_close(file.db);
    return err;
}

/* What the store published last, where itself cannot be read. */
static enum aps_err look_at_copy(struct aps_restore *rs, struct aps_restore_old *old,
                                 struct aps_diag *diag)
{
    enum aps_err err = open_published(rs, "pub/store.db", APS_SCHEMA_COPY, &old->meta, diag);

    if (err == APS_OK)
        err = aps_file_join(rs->dir, "pub/store.db", old->path, diag);
    if (err != APS_OK)
        return err;
    old->kind = APS_RESTORE_OLD_COPY;
    if (!old->meta.deltas)
        return APS_OK;
    err = open_published(rs, "pub/delta.db", APS_SCHEMA_DELTA, &old->delta_meta, diag);
    if (err == APS_OK && old->delta_meta.base == old->meta.generation)
        err = aps_file_join(rs->dir, "pub/delta.db", old->delta, diag);
    return err;
}

/* *out_lost: something is there that cannot be read, and *diag says what. */
static enum aps_err look(struct aps_restore *rs, struct aps_restore_old *old, bool *out_lost,
                         struct aps_diag *diag)
{
    char path[APS_FILE_PATH_MAX];
    struct aps_diag why = {""};
    enum aps_err err = aps_file_join(rs->dir, "store.db", path, diag);

    *out_lost = false;
    if (err != APS_OK || rs->made)
        return err;
    err = look_at_store(rs, path, old, &why);
    if (err == APS_OK)
        return APS_OK;
    if (err != APS_ERR_NOT_FOUND) {
        *out_lost = true;
        aps_err_explain(diag, "%s", aps_err_say(err, &why));
    }
    why.text[0] = '\0';
    err = look_at_copy(rs, old, &why);
    if (err != APS_OK && err != APS_ERR_NOT_FOUND) {
        if (!*out_lost)
            aps_err_explain(diag, "%s", aps_err_say(err, &why));
        *out_lost = true;
    }
    if (err != APS_OK && old->kind != APS_RESTORE_OLD_COPY)
        *old = (struct aps_restore_old){.kind = APS_RESTORE_OLD_NONE};
    return APS_OK;
}

static bool is_same_store(const struct aps_restore *rs, const struct aps_meta *meta)
{
    return memcmp(rs->meta.store_id, meta->store_id, sizeof meta->store_id) == 0;
}

static uint64_t generation_of(const struct aps_restore_old *old)
{
    uint64_t delta = old->delta[0] != '\0' ? old->delta_meta.generation : 0;
    return delta > old->meta.generation ? delta : old->meta.generation;
}

/* What would be lost has to be allowed, word by word. */
static enum aps_err check_loss(const struct aps_restore *rs, const struct aps_restore_old *old,
                               bool lost, const struct aps_restore_over *over,
                               struct aps_diag *diag)
{
    struct aps_diag why = *diag;
    uint64_t there = generation_of(old);

    if (lost && !over->damaged) {
        aps_err_explain(diag,
                        "what is at %s cannot be read, so that nobody can tell which keys were "
                        "revoked since the backup (%.200s); --over damaged takes its place all "
                        "the same",
                        rs->dir, why.text);
        return APS_ERR_CONFLICT;
    }
    if (old->kind == APS_RESTORE_OLD_NONE)
        return APS_OK;
    if (!is_same_store(rs, &old->meta)) {
        if (over->other)
            return APS_OK;
        aps_err_explain(diag,
                        "%s holds another store than the backup: name another folder by --store, "
                        "or let the backup take its place with --over other",
                        rs->dir);
        return APS_ERR_CONFLICT;
    }
    if (old->sealed && !over->damaged) {
        aps_err_explain(diag,
                        "the store at %s is under another master key than the backup: keys that "
                        "were rotated since would have to be revoked; --over damaged does that",
                        rs->dir);
        return APS_ERR_CONFLICT;
    }
    if (there > rs->meta.generation && !over->newer) {
        aps_err_explain(diag,
                        "the store at %s is newer than the backup (generation %llu, the backup "
                        "has %llu): what changed since would be lost; look at it with apisecctl "
                        "changes, then give --over newer",
                        rs->dir, (unsigned long long)there,
                        (unsigned long long)rs->meta.generation);
        return APS_ERR_CONFLICT;
    }
    return APS_OK;
}

/* ---- the master key ---- */

static enum aps_err put_master(struct aps_restore *rs, const struct aps_restore_put *put,
                               bool *out_wrote, struct aps_diag *diag)
{
    char path[APS_FILE_PATH_MAX], source[APS_FILE_PATH_MAX + 8];
    struct aps_master_from from = put->unlock != NULL ? *put->unlock : (struct aps_master_from){0};
    struct aps_secret there = {NULL, 0};
    enum aps_err err;

    if (!rs->about.has_master)
        return APS_OK; /* it was read from where it is */
    if (put->master_path == NULL) {
        if (rs->how->master->n == rs->inside.n &&
            aps_secret_equal(rs->how->master->b, rs->inside.b, rs->inside.n))
            return APS_OK;
        aps_err_explain(diag, "the master key that is inside the backup is not the one that was "
                              "given: name the file for it by --master-key file:PATH");
        return APS_ERR_KEY;
    }
    if ((err = aps_file_locate(put->master_path, geteuid(), path, diag)) != APS_OK)
        return err;
    if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) != 0) {
        *out_wrote = true;
        return put->dry_run ? APS_OK : aps_master_write(path, &rs->inside, NULL, diag);
    }
    (void)snprintf(source, sizeof source, "file:%s", path);
    from.source = source;
    if ((err = aps_master_load_from(&from, &there, diag)) != APS_OK)
        return err;
    if (!aps_secret_equal(there.b, rs->inside.b, rs->inside.n)) {
        aps_err_explain(diag,
                        "%s holds another master key than the backup: move it away, or name "
                        "another file by --master-key file:PATH",
                        path);
        err = APS_ERR_KEY;
    }
    aps_secret_wipe(&there);
    return err;
}

/* ---- the folders ---- */

/* A folder that was there keeps its group unless another one is named; one that is new, or that was
 * not finished, is dressed. */
static enum aps_err put_folders(struct aps_restore *rs, const struct aps_restore_put *put,
                                bool is_store, struct aps_diag *diag)
{
    char name[256] = "", pub[APS_FILE_PATH_MAX];
    struct stat sb;
    bool whole;
    enum aps_err err = aps_file_join(rs->dir, "pub", pub, diag);

    if (err != APS_OK)
        return err;
    whole = stat(pub, &sb) == 0 && S_ISDIR(sb.st_mode);
    if ((is_store || whole) && put->group == (gid_t)-1)
        return whole ? APS_OK : APS_ERR_NOT_FOUND;
    if (!is_store && !whole && !aps_folder_is_ours(rs->lock, name)) {
        aps_err_explain(diag,
                        "%s holds \"%s\": a store wants a folder of its own; name another one by "
                        "--store",
                        rs->dir, name);
        return APS_ERR_CONFLICT;
    }
    if (put->dry_run)
        return APS_OK;
    return aps_folder_dress(rs->dir, rs->lock, put->group != (gid_t)-1 ? put->group : getgid(),
                            diag);
}

/* ---- the database ---- */

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* The next complete copy of this generation holds all of it. */
static enum aps_err put_generation(struct aps_restore *rs, uint64_t generation,
                                   struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err;

    aps_sql_begin(&q, rs->db,
                  "UPDATE meta SET generation = ?1, base = ?1, deltas = EXISTS"
                  " (SELECT 1 FROM key LIMIT 1 OFFSET " APS_PUBLISH_LARGE ")");
    aps_sql_i64(&q, (int64_t)generation);
    if ((err = aps_sql_run(&q, diag)) != APS_OK)
        return err;
    /* Files of APIs count as gone from now on, since the copy in force may name them. */
    return aps_db_exec(rs->db, "DELETE FROM key_changed; DELETE FROM api_gone", diag);
}

static struct aps_str describe(struct aps_restore *rs, const struct aps_restore_put *put,
                               const struct aps_restore_done *done)
{
    char time[APS_NUM_TIME_MAX];
    struct aps_json w;

    aps_json_init_pool(&w, rs->pool, 0);
    aps_json_object(&w);
    aps_json_name(&w, "generation");
    aps_json_u64(&w, done->generation);
    aps_json_name(&w, "backup_generation");
    aps_json_u64(&w, rs->meta.generation);
    aps_json_put_str(&w, "backup_made_at",
                     aps_num_print_time(rs->about.about.made_at, false, time));
    aps_json_name(&w, "revoked");
    aps_json_u64(&w, done->revoked);
    aps_json_name(&w, "rotated");
    aps_json_u64(&w, done->rotated);
    if (put->reason.n != 0) {
        aps_json_name(&w, "reason");
        aps_json_str(&w, put->reason);
    }
    aps_json_end(&w);
    return aps_json_text(&w);
}

static enum aps_err put_change(struct aps_restore *rs, const struct aps_restore_put *put,
                               const struct aps_restore_done *done, struct aps_diag *diag)
{
    struct aps_store st = {.db = rs->db, .lock = -1, .now = rs->how->now, .actor = rs->how->actor};
    struct aps_str was = {NULL, 0};

    apr_pool_clear(rs->pool);
    if (done->there != 0) {
        struct aps_json w;
        aps_json_init_pool(&w, rs->pool, 0);
        aps_json_object(&w);
        aps_json_name(&w, "generation");
        aps_json_u64(&w, done->there);
        aps_json_end(&w);
        was = aps_json_text(&w);
    }
    return aps_store_change_put(&st, APS_STR_LIT("store"), was, describe(rs, put, done), diag);
}

/* A journal of the store that is replaced would be played into the new one. */
static enum aps_err drop_journal(const struct aps_restore *rs, struct aps_diag *diag)
{
    char path[APS_FILE_PATH_MAX];
    enum aps_err err = aps_file_join(rs->dir, "store.db-journal", path, diag);

    if (err != APS_OK || unlink(path) == 0 || errno == ENOENT)
        return err;
    aps_err_explain(diag, "%s: cannot remove it", path);
    return APS_ERR_IO;
}

static enum aps_err put_database(struct aps_restore *rs, struct aps_diag *diag)
{
    char target[APS_FILE_PATH_MAX];
    enum aps_err err = aps_file_join(rs->dir, "store.db", target, diag);

    aps_db_close(rs->db);
    rs->db = NULL;
    if (err == APS_OK)
        err = drop_journal(rs, diag);
    if (err == APS_OK)
        err = aps_file_replace(rs->temp, rs->fd, target, diag);
    return err;
}

static bool has_old(const struct aps_restore *rs, const struct aps_restore_old *old)
{
    return old->kind != APS_RESTORE_OLD_NONE && is_same_store(rs, &old->meta);
}

/* A store that opens may still be damaged further in; what it published last is then the word that
 * is left of it. */
static enum aps_err merge(struct aps_restore *rs, bool over_damaged, struct aps_restore_old *old,
                          struct aps_restore_done *done, struct aps_diag *diag)
{
    struct aps_restore_done none = *done;
    struct aps_diag why = {""}, missing = {""};
    enum aps_err err = aps_restore_merge(rs, old, done, &why);

    if (err == APS_ERR_CORRUPT && old->kind == APS_RESTORE_OLD_STORE && over_damaged) {
        *old = (struct aps_restore_old){.kind = APS_RESTORE_OLD_NONE};
        *done = none;
        if (look_at_copy(rs, old, &missing) != APS_OK && old->kind != APS_RESTORE_OLD_COPY)
            return APS_OK;
        err = has_old(rs, old) ? aps_restore_merge(rs, old, done, diag) : APS_OK;
    } else if (err == APS_ERR_CORRUPT && old->kind == APS_RESTORE_OLD_STORE) {
        aps_err_explain(diag, "%.400s; --over damaged goes by what was published last",
                        aps_err_say(err, &why));
    } else if (err != APS_OK) {
        aps_err_explain(diag, "%s", aps_err_say(err, &why));
    }
    return err;
}

enum aps_err aps_restore_put(struct aps_restore *rs, const struct aps_restore_put *put,
                             struct aps_restore_done *out, struct aps_diag *diag)
{
    struct aps_restore_done done = {.generation = 0};
    struct aps_restore_old old = {.kind = APS_RESTORE_OLD_NONE};
    struct aps_diag why = {""};
    bool lost = false, is_store;
    enum aps_err err;

    if ((err = look(rs, &old, &lost, &why)) != APS_OK ||
        (err = check_loss(rs, &old, lost, &put->over, &why)) != APS_OK) {
        aps_err_explain(diag, "%s", aps_err_say(err, &why));
        return err;
    }
    done.there = generation_of(&old);
    done.generation = larger(larger(done.there, rs->meta.generation), put->floor) + 1;
    is_store = old.kind == APS_RESTORE_OLD_STORE;
    if (has_old(rs, &old) && (err = merge(rs, put->over.damaged, &old, &done, diag)) != APS_OK)
        return err;
    if ((err = put_generation(rs, done.generation, diag)) != APS_OK ||
        (err = put_change(rs, put, &done, diag)) != APS_OK ||
        (err = put_folders(rs, put, is_store, diag)) != APS_OK ||
        (err = put_master(rs, put, &done.wrote_master, diag)) != APS_OK)
        return err;
    if (!put->dry_run && (err = put_database(rs, diag)) != APS_OK)
        return err;
    *out = done;
    return APS_OK;
}
