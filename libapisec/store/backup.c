/* backup.c - a copy of what is committed, encrypted on its way out. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "apisec/kdf.h"
#include "backup_format.h"

enum { BLOCK = 32768 };

enum aps_err aps_backup_mac(const struct aps_secret *master, const uint8_t stream[APS_DIGEST_LEN],
                            struct aps_str head, const uint8_t database[APS_DIGEST_LEN],
                            uint8_t out[APS_MAC_LEN])
{
    struct aps_secret key = {NULL, 0};
    struct aps_mac *mac = NULL;
    struct aps_mac_run *run = NULL;
    enum aps_err err;

    if ((err = aps_kdf_sub(master, APS_KDF_BACKUP, APS_MAC_LEN, &key)) != APS_OK ||
        (err = aps_mac_new(key.b, key.n, &mac)) != APS_OK ||
        (err = aps_mac_begin(mac, &run)) != APS_OK)
        goto out;
    aps_mac_add(run, stream, APS_DIGEST_LEN);
    aps_mac_add(run, head.p, head.n);
    aps_mac_add(run, database, APS_DIGEST_LEN);
    err = aps_mac_end(run, out);
out:
    aps_mac_free(mac);
    aps_secret_wipe(&key);
    return err;
}

/* ---- the copy ---- */

static enum aps_err fault(struct aps_diag *diag, const char *path, const char *what)
{
    char text[128];
    aps_err_explain(diag, "%s: cannot %s: %s", path, what, strerror_r(errno, text, sizeof text));
    return APS_ERR_IO;
}

/* A whole copy in a file without a name.  The writers' lock makes sure that what a killed run left
 * is swept and nothing else, and that no commit of theirs has to wait for a reader. */
static enum aps_err copy(struct aps_store *st, int *out_fd, struct aps_meta *out_meta,
                         struct aps_diag *diag)
{
    char target[APS_FILE_PATH_MAX], temp[APS_FILE_PATH_MAX];
    int lock = open(st->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), fd = -1;
    enum aps_err err;

    if (lock < 0)
        return fault(diag, st->dir, "open the folder to lock it");
    if ((err = aps_store_lock(lock, st->dir, diag)) != APS_OK ||
        (err = aps_file_join(st->dir, "backup.db", target, diag)) != APS_OK)
        goto out;
    aps_file_sweep(target);
    if ((err = aps_file_temp(target, 0600, (gid_t)-1, temp, &fd, diag)) != APS_OK)
        goto out;
    if ((err = aps_meta_load(st->db, out_meta, diag)) == APS_OK)
        err = aps_db_copy(st->db, temp, diag);
    if (unlink(temp) != 0 && err == APS_OK)
        err = fault(diag, temp, "take its name away");
out:
    (void)close(lock); /* the lock goes with it */
    if (err == APS_OK)
        *out_fd = fd;
    else if (fd >= 0)
        (void)close(fd); /* it is gone */
    return err;
}

/* ---- the stream ---- */

static uint8_t *put_u64(uint8_t *at, uint64_t value)
{
    for (int i = 7; i >= 0; i--)
        *at++ = (uint8_t)(value >> (8 * i));
    return at;
}

/* Its bytes are a secret where the master key is among them. */
static enum aps_err make_head(const struct aps_store *st, bool with_master, uint64_t bytes,
                              struct aps_secret *out)
{
    struct aps_secret head = {NULL, 0};
    uint8_t *at;
    enum aps_err err = aps_secret_new(APS_BACKUP_HEAD_MAX, &head);

    if (err != APS_OK)
        return err;
    at = head.b;
    *at++ = APS_BACKUP_FORMAT;
    *at++ = with_master ? APS_BACKUP_HAS_MASTER : 0;
    memcpy(at, st->seal.id, APS_SEAL_ID_LEN);
    at += APS_SEAL_ID_LEN;
    if (with_master) {
        memcpy(at, st->master->b, APS_MASTER_LEN);
        at += APS_MASTER_LEN;
    }
    head.n = (size_t)(put_u64(at, bytes) - head.b);
    *out = head;
    return APS_OK;
}

/* The database, from `fd`, and its digest. */
static enum aps_err send_database(int fd, struct aps_stream_writer *w, uint8_t out[APS_DIGEST_LEN],
                                  struct aps_diag *diag)
{
    uint8_t block[BLOCK];
    struct aps_digest_run *run = NULL;
    ssize_t got = 1;
    enum aps_err err = aps_digest_begin(&run), end;

    if (err != APS_OK)
        return err;
    for (off_t at = 0; err == APS_OK && got > 0; at += got) {
        if ((got = pread(fd, block, sizeof block, at)) < 0) {
            err = fault(diag, "the copy of the store", "read it");
        } else if (got > 0) {
            aps_digest_add(run, block, (size_t)got);
            err = aps_stream_add(w, block, (size_t)got);
        }
    }
    end = aps_digest_end(run, err == APS_OK ? out : NULL);
    return err != APS_OK ? err : end;
}

static enum aps_err encrypt(struct aps_store *st, const struct aps_backup_how *how, int fd,
                            const struct aps_meta *meta, uint64_t bytes, struct aps_diag *diag)
{
    struct aps_stream_about about = {.generation = meta->generation, .made_at = st->now};
    struct aps_stream_writer *w = NULL;
    struct aps_secret head = {NULL, 0};
    uint8_t digest[APS_DIGEST_LEN], mac[APS_MAC_LEN];
    enum aps_err err;

    memcpy(about.store_id, meta->store_id, sizeof about.store_id);
    if ((err = make_head(st, how->with_master, bytes, &head)) != APS_OK ||
        (err = aps_stream_new(&about, &how->whom, how->put, how->arg, &w)) != APS_OK ||
        (err = aps_stream_add(w, head.b, head.n)) != APS_OK ||
        (err = send_database(fd, w, digest, diag)) != APS_OK ||
        (err = aps_backup_mac(st->master, aps_stream_writer_digest(w), aps_secret_str(&head),
                              digest, mac)) != APS_OK ||
        (err = aps_stream_add(w, mac, sizeof mac)) != APS_OK)
        goto out;
    err = aps_stream_end(w);
out:
    aps_stream_free(w);
    aps_secret_wipe(&head);
    return err;
}

enum aps_err aps_backup(struct aps_store *st, const struct aps_backup_how *how,
                        struct aps_backup_made *out, struct aps_diag *diag)
{
    struct aps_meta meta = {.generation = 0};
    struct stat sb;
    int fd = -1;
    enum aps_err err = copy(st, &fd, &meta, diag);

    if (err != APS_OK)
        return err;
    if (fstat(fd, &sb) != 0)
        err = fault(diag, "the copy of the store", "look at it");
    if (err == APS_OK)
        err = encrypt(st, how, fd, &meta, (uint64_t)sb.st_size, diag);
    (void)close(fd); /* only read */
    if (err == APS_OK)
        *out = (struct aps_backup_made){meta.generation, (uint64_t)sb.st_size};
    return err;
}
