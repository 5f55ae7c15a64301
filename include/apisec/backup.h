/* backup.h - a whole store as one encrypted file, and a store from such a file.
 *
 * The file is a stream (stream.h) of
 *   [ format 1 | flags 1 | id of the master key 8 | the master key 32, if flag 1 is set |
 *     bytes of the database 8 | database | MAC 32 ]
 * The MAC is by a sub-key of the master key, over the stream's head and all of this: whoever knows
 * a recipient's public key can write a stream, but not one that passes as a backup of this store.
 * Threads: as of a store.  Processes: a backup and a restore take their turn among the writers. */
#ifndef APISEC_BACKUP_H
#define APISEC_BACKUP_H

#include "apisec/store.h"
#include "apisec/stream.h"

/* ---- Making one ---- */

struct aps_backup_how {
    struct aps_stream_for whom;
    bool with_master; /* the master key is inside */
    aps_stream_put_fn put;
    void *arg;
};

struct aps_backup_made {
    uint64_t generation;
    uint64_t bytes; /* of the database */
};

/* Copy what is committed, while writers wait, then encrypt that copy, while nobody waits.  The copy
 * has no name by then, and is gone with the process. */
APS_MUST_CHECK enum aps_err aps_backup(struct aps_store *st, const struct aps_backup_how *how,
                                       struct aps_backup_made *out, struct aps_diag *diag);

/* ---- Reading one, and putting it in place ---- */

struct aps_restore;

struct aps_restore_how {
    const char *dir;                 /* where the store is, or is to be */
    const struct aps_secret *master; /* empty: none was found; then it has to be inside */
    aps_nsec now;                    /* wall */
    const struct aps_store_actor *actor;
};

/* What a backup holds. */
struct aps_restore_about {
    struct aps_stream_about about;
    char prefix[64];
    uint64_t keys;
    uint64_t bytes;  /* of the database */
    bool has_master; /* the master key is inside */
    int64_t schema;  /* version that it was made with */
};

/* Read a backup whole into a file beside its place, and believe nothing of it before its end: every
 * chunk, its MAC, the database's structure, its tables, that the master key fits.  Writers of a
 * store that is there wait until the restore is freed.  APS_ERR_CORRUPT; KEY: the master key is
 * another one, or missing.  Lives on the heap, borrows `how`; the caller frees. */
APS_MUST_CHECK enum aps_err aps_restore_read(const struct aps_restore_how *how,
                                             struct aps_stream_reader *stream,
                                             struct aps_restore **out, struct aps_diag *diag);
const struct aps_restore_about *aps_restore_about(const struct aps_restore *rs);

/* What the caller allows to be lost. */
struct aps_restore_over {
    bool newer;   /* changes since the backup */
    bool other;   /* another store */
    bool damaged; /* what cannot be read of the store that is there */
};

struct aps_restore_put {
    struct aps_restore_over over;
    const char *master_path; /* where a master key that is inside is written, if none is there;
                              * NULL: it comes from elsewhere */
    const struct aps_master_from *unlock; /* how a key file that is there is opened; may be NULL */
    gid_t group;           /* of httpd's children, for folders that are made; (gid_t)-1 and
                            * folders that are there: as it is */
    uint64_t floor;        /* a generation that some process serves, or 0 */
    struct aps_str reason; /* for the change log, or empty */
    bool dry_run;          /* stop before anything is put in place */
};

/* What was done. */
struct aps_restore_done {
    uint64_t generation; /* that the restored store has */
    uint64_t there;      /* that of the store it takes the place of; 0: there was none */
    uint64_t revoked;    /* keys that the backup has alive, and that stay revoked */
    uint64_t rotated;    /* keys that keep the newer secret that was made since */
    uint64_t dropped;    /* signers, certificates, issuers that were deleted since and stay so */
    uint64_t secrets;    /* secrets that keep their newer versions */
    uint64_t tokens;     /* revoked tokens that were added */
    bool wrote_master;
};

/* Put it in place of what is there: keys that were revoked or deleted since the backup stay
 * revoked, secrets that were rotated stay rotated, what else was taken back stays so; the
 * generation goes on from the higher one.  One rename; after it the caller opens the store, which
 * publishes it.  CONFLICT: what would be lost has to be allowed. */
APS_MUST_CHECK enum aps_err aps_restore_put(struct aps_restore *rs,
                                            const struct aps_restore_put *put,
                                            struct aps_restore_done *out, struct aps_diag *diag);

/* Takes away what was not put in place.  NULL is fine. */
void aps_restore_free(struct aps_restore *rs);

#endif
