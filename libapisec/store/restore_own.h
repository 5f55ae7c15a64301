/* restore_own.h - what the files of a restore share. */
#ifndef APISEC_STORE_RESTORE_OWN_H
#define APISEC_STORE_RESTORE_OWN_H

#include "backup_format.h"

struct aps_restore {
    const struct aps_restore_how *how;
    struct aps_restore_about about;
    char dir[APS_FILE_PATH_MAX];  /* without symlinks */
    char temp[APS_FILE_PATH_MAX]; /* the database that was read; empty: it is in place */
    bool made;                    /* the folder was not there */
    int lock;                     /* on the folder; -1 */
    int fd;                       /* open on temp; -1 */
    sqlite3 *db;                  /* on temp */
    struct aps_secret inside;     /* the master key that was inside, or empty */
    const struct aps_secret *master;
    struct aps_seal_key seal;
    struct aps_meta meta; /* of the backup */
    apr_pool_t *pool;
};

/* ---- restore_merge.c ---- */

/* The store whose place is taken: what is known of it. */
struct aps_restore_old {
    enum {
        APS_RESTORE_OLD_NONE,
        APS_RESTORE_OLD_STORE, /* store.db, with the change log */
        APS_RESTORE_OLD_COPY,  /* what it published last */
    } kind;
    bool sealed; /* its keys do not open by the backup's master key */
    struct aps_meta meta;
    char path[APS_FILE_PATH_MAX];
    char delta[APS_FILE_PATH_MAX]; /* beside a copy, or empty */
    struct aps_meta delta_meta;
};

/* Bring into the backup's database, in an open transaction that ends here, what must not be undone
 * by it. */
APS_MUST_CHECK enum aps_err aps_restore_merge(struct aps_restore *rs,
                                              const struct aps_restore_old *old,
                                              struct aps_restore_done *done, struct aps_diag *diag);

#endif
