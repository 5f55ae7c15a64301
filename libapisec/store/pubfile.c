/* pubfile.c - a published file of a store, opened with suspicion: the copy, or a delta to it. */
#include "pubfile.h"

#include <errno.h>

/* SQLite takes a file that is cut within its last page, and reads zeros there. */
static enum aps_err check_size(sqlite3 *db, off_t bytes, struct aps_diag *diag)
{
    int64_t pages = 0, size = 0;
    enum aps_err err = aps_db_number(db, "PRAGMA page_count", 0, &pages, diag);
    if (err == APS_OK)
        err = aps_db_number(db, "PRAGMA page_size", 0, &size, diag);
    if (err != APS_OK || pages * size == bytes)
        return err;
    aps_err_explain(diag, "%s has %lld bytes, its header says %lld",
                    sqlite3_db_filename(db, "main"), (long long)bytes, (long long)(pages * size));
    return APS_ERR_CORRUPT;
}

static enum aps_err check(const struct aps_pubfile *file, const struct aps_snapshot_options *o,
                          const char *name, enum aps_schema_kind kind,
                          const struct aps_seal_key *seal, struct aps_diag *diag)
{
    const struct aps_meta *meta = &file->meta;
    if (o->store_id != NULL && memcmp(o->store_id, meta->store_id, sizeof meta->store_id) != 0) {
        aps_err_explain(diag,
                        "%s/%s is of another store: put the right copy back with apisecctl "
                        "--store %s publish, or restart the server to take this one",
                        o->store, name, o->store);
        return APS_ERR_CONFLICT;
    }
    enum aps_err err = aps_meta_check_master(file->db, meta, o->master, seal, diag);
    return err == APS_OK ? aps_meta_check_mac(file->db, kind, meta, seal, diag) : err;
}

enum aps_err aps_pubfile_open(const struct aps_snapshot_options *o, const char *name,
                              enum aps_schema_kind kind, const struct aps_seal_key *seal,
                              struct aps_pubfile *out, struct aps_diag *diag)
{
    const struct aps_file_want want = {.owner = o->owner, .forbid = APS_FILE_SHARED};
    char path[APS_FILE_PATH_MAX], found[APS_FILE_PATH_MAX];
    struct aps_pubfile file = {0};
    struct stat st;
    enum aps_err err;

    if ((err = aps_file_join(o->store, name, path, diag)) != APS_OK ||
        (err = aps_file_find(path, &want, found, &st, diag)) != APS_OK ||
        (err = aps_db_open(found, APS_DB_COPY, &file.db, diag)) != APS_OK)
        goto out;
    if ((err = aps_schema_check(file.db, kind, diag)) != APS_OK ||
        (err = check_size(file.db, st.st_size, diag)) != APS_OK ||
        (err = aps_meta_load(file.db, &file.meta, diag)) != APS_OK ||
        (err = check(&file, o, name, kind, seal, diag)) != APS_OK)
        goto out;
    *out = file;
    file.db = NULL;
out:
    aps_db_close(file.db);
    return err;
}

enum aps_err aps_pubfile_stamp(const char *path, struct aps_snapshot_file *out,
                               struct aps_diag *diag)
{
    struct stat st;
    char text[128];
    if (lstat(path, &st) == 0) {
        *out = (struct aps_snapshot_file){
            .dev = st.st_dev,
            .ino = st.st_ino,
            .size = st.st_size,
            .mtime = st.st_mtim,
            .ctime = st.st_ctim,
        };
        return APS_OK;
    }
    if (errno == ENOENT || errno == ENOTDIR) {
        memset(out, 0, sizeof *out);
        return APS_OK;
    }
    aps_err_explain(diag, "%s: cannot find it: %s", path, strerror_r(errno, text, sizeof text));
    return APS_ERR_IO;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool aps_pubfile_same(const struct aps_snapshot_file *a, const struct aps_snapshot_file *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           same_time(&a->mtime, &b->mtime) && same_time(&a->ctime, &b->ctime);
}
