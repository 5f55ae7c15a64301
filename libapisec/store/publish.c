/* publish.c - the immutable copy that httpd reads: made beside the old one, renamed over it. */
#include "own.h"
#include "schema.h"

/* Tables of the copy, each as it is.  The change log is not among them: httpd has no use for it. */
static const char *const copies[] = {
    "INSERT INTO pub.meta SELECT * FROM main.meta",
    "INSERT INTO pub.master SELECT * FROM main.master",
    "INSERT INTO pub.wrapped SELECT * FROM main.wrapped",
    "INSERT INTO pub.role SELECT * FROM main.role",
    "INSERT INTO pub.role_grant SELECT * FROM main.role_grant",
    "INSERT INTO pub.role_parent SELECT * FROM main.role_parent",
    "INSERT INTO pub.key SELECT * FROM main.key",
};

static enum aps_err make_tables(const char *path, struct aps_diag *diag)
{
    sqlite3 *db = NULL;
    enum aps_err err = aps_db_open(path, APS_DB_MAKE, &db, diag);
    if (err == APS_OK)
        err = aps_schema_make(db, APS_SCHEMA_COPY, diag);
    aps_db_close(db);
    return err;
}

static enum aps_err put_mac(struct aps_store *st, struct aps_diag *diag)
{
    uint8_t mac[APS_MAC_LEN];
    struct aps_sql q;
    enum aps_err err = aps_meta_mac(st->db, &st->meta, st->master, mac, diag);
    if (err != APS_OK)
        return err;
    aps_sql_begin(&q, st->db, "UPDATE pub.master SET mac = ? WHERE id = ?");
    aps_sql_blob(&q, mac, sizeof mac);
    aps_sql_blob(&q, st->seal.id, sizeof st->seal.id);
    return aps_sql_run(&q, diag);
}

static enum aps_err fill(struct aps_store *st, struct aps_diag *diag)
{
    enum aps_err err = aps_db_exec(
        st->db, "PRAGMA pub.journal_mode = MEMORY; PRAGMA pub.synchronous = OFF; BEGIN", diag);
    for (size_t i = 0; err == APS_OK && i < sizeof copies / sizeof *copies; i++)
        err = aps_db_exec(st->db, copies[i], diag);
    if (err == APS_OK)
        err = put_mac(st, diag);
    if (err == APS_OK)
        err = aps_db_exec(st->db, "COMMIT", diag);
    if (err != APS_OK)
        aps_db_rollback(st->db);
    return err;
}

static enum aps_err fill_file(struct aps_store *st, const char *path, struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err, detach;
    if ((err = make_tables(path, diag)) != APS_OK)
        return err;
    aps_sql_begin(&q, st->db, "ATTACH ? AS pub");
    aps_sql_str(&q, aps_str(path));
    if ((err = aps_sql_run(&q, diag)) != APS_OK)
        return err;
    err = fill(st, diag);
    detach = aps_db_exec(st->db, "DETACH pub", err == APS_OK ? diag : NULL);
    return err != APS_OK ? err : detach;
}

enum aps_err aps_publish(struct aps_store *st, struct aps_diag *diag)
{
    char folder[APS_FILE_PATH_MAX], temp[APS_FILE_PATH_MAX];
    struct stat where;
    enum aps_err err;
    int fd = -1;

    if ((err = aps_file_join(st->dir, "pub", folder, diag)) != APS_OK)
        return err;
    if (stat(folder, &where) != 0) {
        aps_err_explain(diag, "folder %s is gone: make it again, mode 0750, group of httpd",
                        folder);
        return APS_ERR_NOT_FOUND;
    }
    aps_file_sweep(st->pub);
    if ((err = aps_file_temp(st->pub, 0640, where.st_gid, temp, &fd, diag)) != APS_OK)
        return err;
    if ((err = fill_file(st, temp, diag)) == APS_OK)
        err = aps_file_replace(temp, fd, st->pub, diag);
    if (err != APS_OK)
        (void)unlink(temp); /* else the next sweep takes it */
    (void)close(fd);        /* synced, or gone */
    return err;
}

uint64_t aps_publish_generation(const char *pub)
{
    const struct aps_file_want want = {.owner = geteuid(), .forbid = APS_FILE_SHARED};
    char path[APS_FILE_PATH_MAX];
    struct stat st;
    struct aps_meta meta = {0};
    sqlite3 *db = NULL;
    uint64_t generation = 0;

    if (aps_file_find(pub, &want, path, &st, NULL) == APS_OK &&
        aps_db_open(path, APS_DB_COPY, &db, NULL) == APS_OK &&
        aps_schema_check(db, APS_SCHEMA_COPY, NULL) == APS_OK &&
        aps_meta_load(db, &meta, NULL) == APS_OK)
        generation = meta.generation;
    aps_db_close(db);
    return generation;
}
