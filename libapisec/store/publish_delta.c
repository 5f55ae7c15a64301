/* publish_delta.c - what changed since the last complete copy, published beside it.
 *
 * The complete copy of a large store takes a second or more; a revocation must not wait for it. */
#include "own.h"

static enum aps_err put_mac(struct aps_store *st, const char *path, struct aps_diag *diag)
{
    uint8_t mac[APS_MAC_LEN];
    sqlite3 *db = NULL;
    enum aps_err err;
    if ((err = aps_db_open(path, APS_DB_MAKE, &db, diag)) != APS_OK)
        return err;
    err = aps_meta_mac(db, APS_SCHEMA_DELTA, &st->meta, &st->seal, mac, diag);
    if (err == APS_OK)
        err = aps_meta_put_mac(db, "UPDATE master SET mac = ?", mac, diag);
    aps_db_close(db);
    return err;
}

static enum aps_err fill_delta(struct aps_store *st, const char *path, void *arg,
                               struct aps_diag *diag)
{
    enum aps_err err = aps_publish_attach(st, path, APS_SCHEMA_DELTA, diag);
    (void)arg; /* all that it needs is in the store */
    if (err != APS_OK)
        return err;
    err = aps_publish_small(st, diag);
    if (err == APS_OK)
        err = aps_db_exec(st->db,
                          "INSERT INTO pub.key SELECT k.* FROM main.key_changed AS c"
                          " CROSS JOIN main.key AS k ON k.id = c.id;"
                          "INSERT INTO pub.key_gone SELECT id FROM main.key_changed AS c"
                          " WHERE NOT EXISTS (SELECT 1 FROM main.key AS k WHERE k.id = c.id)",
                          diag);
    err = aps_publish_detach(st, err, diag);
    /* Over what is in the file, as its readers will find it. */
    return err == APS_OK ? put_mac(st, path, diag) : err;
}

enum aps_err aps_publish_delta(struct aps_store *st, struct aps_diag *diag)
{
    char path[APS_FILE_PATH_MAX];
    enum aps_err err = aps_file_join(st->dir, "pub/delta.db", path, diag);
    return err == APS_OK ? aps_publish_file(st, path, fill_delta, NULL, diag) : err;
}
