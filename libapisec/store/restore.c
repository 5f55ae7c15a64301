/* restore.c - a backup, read whole and verified before anything of it counts. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "restore_own.h"

enum { BLOCK = 32768, HEAD_LEN = 2 + APS_SEAL_ID_LEN };

static enum aps_err fault(struct aps_diag *diag, const char *path, const char *what)
{
    char text[128];
    aps_err_explain(diag, "%s: cannot %s: %s", path, what, strerror_r(errno, text, sizeof text));
    return APS_ERR_IO;
}

static enum aps_err damaged(struct aps_diag *diag)
{
    aps_err_explain(diag, "the backup's content is not that of a backup: it was not made by "
                          "apisecctl backup");
    return APS_ERR_CORRUPT;
}

/* ---- a place for it ---- */

/* In the store's folder, which is made for it: what a killed run leaves there the next one sweeps,
 * and `init` takes over. */
static enum aps_err make_place(struct aps_restore *rs, struct aps_diag *diag)
{
    char target[APS_FILE_PATH_MAX];
    struct stat sb;
    enum aps_err err = aps_file_locate(rs->how->dir, geteuid(), rs->dir, diag);

    if (err != APS_OK)
        return err;
    rs->made = lstat(rs->dir, &sb) != 0;
    if (!rs->made && (err = aps_file_folder(rs->how->dir, geteuid(), rs->dir, diag)) != APS_OK)
        return err;
    if ((err = aps_folder_open(rs->dir, &rs->lock, diag)) != APS_OK ||
        (err = aps_store_lock(rs->lock, rs->dir, diag)) != APS_OK ||
        (err = aps_file_join(rs->dir, "store.db", target, diag)) != APS_OK)
        return err;
    aps_file_sweep(target);
    err = aps_file_temp(target, 0600, (gid_t)-1, rs->temp, &rs->fd, diag);
    if (err != APS_OK)
        rs->temp[0] = '\0';
    return err;
}

/* ---- the stream ---- */

/* Exactly `n` bytes. */
static enum aps_err take(struct aps_stream_reader *stream, void *to, size_t n,
                         struct aps_diag *diag)
{
    uint8_t *at = to;
    size_t got = 1;
    enum aps_err err = APS_OK;

    while (n > 0 && got > 0 && (err = aps_stream_read(stream, at, n, &got, diag)) == APS_OK) {
        at += got;
        n -= got;
    }
    return err == APS_OK && n > 0 ? damaged(diag) : err;
}

static uint64_t get_u64(const uint8_t *at)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | at[i];
    return value;
}

/* What stands before the database; `head` gets all of its bytes, for the MAC. */
static enum aps_err take_head(struct aps_restore *rs, struct aps_stream_reader *stream,
                              struct aps_secret *head, struct aps_diag *diag)
{
    size_t n = HEAD_LEN;
    enum aps_err err = take(stream, head->b, n, diag);

    if (err != APS_OK)
        return err;
    if (head->b[0] > APS_BACKUP_FORMAT) {
        aps_err_explain(diag, "the backup was written by a newer program: upgrade this one");
        return APS_ERR_NEWER;
    }
    if (head->b[0] != APS_BACKUP_FORMAT || (head->b[1] & ~APS_BACKUP_HAS_MASTER) != 0)
        return damaged(diag);
    rs->about.has_master = head->b[1] == APS_BACKUP_HAS_MASTER;
    if (rs->about.has_master) {
        if ((err = take(stream, head->b + n, APS_MASTER_LEN, diag)) != APS_OK ||
            (err = aps_secret_copy(head->b + n, APS_MASTER_LEN, &rs->inside)) != APS_OK)
            return err;
        n += APS_MASTER_LEN;
    }
    if ((err = take(stream, head->b + n, 8, diag)) != APS_OK)
        return err;
    rs->about.bytes = get_u64(head->b + n);
    head->n = n + 8;
    return APS_OK;
}

static enum aps_err write_all(int fd, const char *path, const uint8_t *p, size_t n,
                              struct aps_diag *diag)
{
    while (n > 0) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0) {
            errno = done < 0 ? errno : ENOSPC;
            return fault(diag, path, "write it");
        }
        p += done;
        n -= (size_t)done;
    }
    return APS_OK;
}

static enum aps_err take_database(struct aps_restore *rs, struct aps_stream_reader *stream,
                                  uint8_t out[APS_DIGEST_LEN], struct aps_diag *diag)
{
    uint8_t block[BLOCK];
    struct aps_digest_run *run = NULL;
    enum aps_err err = aps_digest_begin(&run), end;

    if (err != APS_OK)
        return err;
    for (uint64_t left = rs->about.bytes; err == APS_OK && left > 0;) {
        size_t n = left < sizeof block ? (size_t)left : sizeof block;
        if ((err = take(stream, block, n, diag)) == APS_OK)
            err = write_all(rs->fd, rs->temp, block, n, diag);
        aps_digest_add(run, block, n);
        left -= n;
    }
    end = aps_digest_end(run, err == APS_OK ? out : NULL);
    return err != APS_OK ? err : end;
}

/* The master key of the backup: the one inside, or the one that was found, which has to be the one
 * that the backup was made under. */
static enum aps_err choose_master(struct aps_restore *rs, const uint8_t id[APS_SEAL_ID_LEN],
                                  struct aps_diag *diag)
{
    enum aps_err err;

    rs->master = rs->about.has_master ? &rs->inside : rs->how->master;
    if (rs->master->n == 0) {
        aps_err_explain(diag, "the master key is not inside this backup: give the one that the "
                              "store had by --master-key file:PATH or exec:PATH");
        return APS_ERR_KEY;
    }
    if ((err = aps_seal_key_init(rs->master, &rs->seal)) != APS_OK)
        return err;
    if (memcmp(rs->seal.id, id, APS_SEAL_ID_LEN) != 0) {
        aps_err_explain(diag,
                        "the master key that was given is not the one of the backup: its id is "
                        "%02x%02x%02x%02x..., the backup's is %02x%02x%02x%02x...; name the right "
                        "one by --master-key",
                        rs->seal.id[0], rs->seal.id[1], rs->seal.id[2], rs->seal.id[3], id[0],
                        id[1], id[2], id[3]);
        return APS_ERR_KEY;
    }
    return APS_OK;
}

static enum aps_err take_all(struct aps_restore *rs, struct aps_stream_reader *stream,
                             struct aps_diag *diag)
{
    uint8_t digest[APS_DIGEST_LEN], mac[APS_MAC_LEN], want[APS_MAC_LEN], more;
    struct aps_secret head = {NULL, 0};
    size_t n = 0;
    enum aps_err err = aps_secret_new(APS_BACKUP_HEAD_MAX, &head);

    if (err != APS_OK || (err = take_head(rs, stream, &head, diag)) != APS_OK ||
        (err = choose_master(rs, head.b + 2, diag)) != APS_OK ||
        (err = take_database(rs, stream, digest, diag)) != APS_OK ||
        (err = take(stream, mac, sizeof mac, diag)) != APS_OK ||
        (err = aps_stream_read(stream, &more, 1, &n, diag)) != APS_OK ||
        (err = aps_backup_mac(rs->master, aps_stream_head_digest(stream), aps_secret_str(&head),
                              digest, want)) != APS_OK)
        goto out;
    if (n != 0 || !aps_secret_equal(mac, want, sizeof mac))
        err = damaged(diag);
out:
    aps_secret_wipe(&head);
    return err;
}

/* ---- the database ---- */

static enum aps_err check_structure(sqlite3 *db, struct aps_diag *diag)
{
    struct aps_sql q;
    bool good = false;
    enum aps_err err;

    aps_sql_begin(&q, db, "PRAGMA integrity_check(1)");
    if (aps_sql_row(&q))
        good = aps_str_eq(aps_sql_get_str(&q, 0), APS_STR_LIT("ok"));
    err = aps_sql_end(&q, diag);
    return err == APS_OK && !good ? damaged(diag) : err;
}

static enum aps_err check_meta(struct aps_restore *rs, struct aps_diag *diag)
{
    const struct aps_stream_about *about = &rs->about.about;
    int64_t keys = 0;
    enum aps_err err;

    if ((err = aps_meta_load(rs->db, &rs->meta, diag)) != APS_OK ||
        (err = aps_meta_check_master(rs->db, &rs->meta, rs->master, &rs->seal, diag)) != APS_OK ||
        (err = aps_db_number(rs->db, "SELECT count(*) FROM key", 0, &keys, diag)) != APS_OK)
        return err;
    if (memcmp(rs->meta.store_id, about->store_id, sizeof about->store_id) != 0 ||
        rs->meta.generation != about->generation)
        return damaged(diag);
    rs->about.keys = (uint64_t)keys;
    (void)snprintf(rs->about.prefix, sizeof rs->about.prefix, "%s", rs->meta.prefix);
    return APS_OK;
}

/* An older backup is brought up as an older store is. */
static enum aps_err open_database(struct aps_restore *rs, struct aps_diag *diag)
{
    enum aps_err err;

    if ((err = aps_db_open(rs->temp, APS_DB_MAKE, &rs->db, diag)) != APS_OK ||
        (err = aps_schema_version(rs->db, &rs->about.schema, diag)) != APS_OK ||
        (err = check_structure(rs->db, diag)) != APS_OK ||
        (err = aps_store_migrate(rs->db, rs->temp, rs->master, &rs->seal, diag)) != APS_OK ||
        (err = aps_schema_check(rs->db, APS_SCHEMA_STORE, diag)) != APS_OK)
        return err;
    return check_meta(rs, diag);
}

/* ---- all of it ---- */

enum aps_err aps_restore_read(const struct aps_restore_how *how, struct aps_stream_reader *stream,
                              struct aps_restore **out, struct aps_diag *diag)
{
    struct aps_restore *rs = calloc(1, sizeof *rs);
    enum aps_err err = APS_ERR_NOMEM;

    if (rs == NULL)
        return err;
    rs->lock = rs->fd = -1;
    rs->how = how;
    rs->about.about = *aps_stream_about(stream);
    if ((rs->pool = aps_store_pool()) == NULL)
        goto out;
    if ((err = make_place(rs, diag)) != APS_OK || (err = take_all(rs, stream, diag)) != APS_OK ||
        (err = open_database(rs, diag)) != APS_OK)
        goto out;
    *out = rs;
    rs = NULL;
out:
    aps_restore_free(rs);
    return err;
}

const struct aps_restore_about *aps_restore_about(const struct aps_restore *rs)
{
    return &rs->about;
}

/* What migrating leaves beside it is named as itself, and goes with the sweep. */
static void drop_temp(struct aps_restore *rs)
{
    char before[APS_FILE_PATH_MAX + 32];

    if (rs->temp[0] == '\0')
        return;
    (void)unlink(rs->temp); /* else the next sweep takes it */
    (void)snprintf(before, sizeof before, "%s.before-%d", rs->temp, APS_SCHEMA_VERSION);
    (void)unlink(before); /* there is none unless the backup was of an older schema */
}

void aps_restore_free(struct aps_restore *rs)
{
    if (rs == NULL)
        return;
    aps_db_close(rs->db);
    drop_temp(rs);
    if (rs->fd >= 0)
        (void)close(rs->fd); /* gone, or synced */
    if (rs->made)
        (void)rmdir(rs->dir); /* a store was put into it, or there is nothing in it */
    if (rs->lock >= 0)
        (void)close(rs->lock); /* the lock goes with it */
    aps_secret_wipe(&rs->inside);
    aps_seal_key_wipe(&rs->seal);
    if (rs->pool != NULL)
        apr_pool_destroy(rs->pool);
    free(rs);
}
