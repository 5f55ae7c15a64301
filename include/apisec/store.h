/* store.h - the administrator's side of a store: the database that apisecctl changes.
 *
 * A store is a folder: store.db (0600, the truth), pub/store.db (0640, the published copy) and
 * master.key (0600, may live elsewhere).  A change and its row in the change log commit together
 * (CLI-03); aps_store_commit publishes.  SQL is static text with bound values.
 * What it holds is in the headers that this one includes, by subject.
 * Threads: one store belongs to one thread.  Processes: SQLite's locks order writers; httpd never
 * opens store.db. */
#ifndef APISEC_STORE_H
#define APISEC_STORE_H

#include <apr_pools.h>

#include "apisec/err.h"
#include "apisec/secret.h"
#include "apisec/store_key.h"
#include "apisec/store_master.h"
#include "apisec/store_plan.h"
#include "apisec/store_role.h"
#include "apisec/store_secret.h"
#include "apisec/store_trust.h"

/* Master keys that may open a store at once. */
#define APS_STORE_MASTERS_MAX 8

struct aps_store;

enum aps_store_mode {
    APS_STORE_READ,
    APS_STORE_WRITE, /* begins an immediate transaction; waits at most 10 s for another writer */
};

/* Who changes the store: from the kernel, never from an option (CLI-04). */
struct aps_store_actor {
    uid_t uid;           /* real uid */
    const char *login;   /* its name, or "" */
    const char *sudo;    /* "name(uid)" of the sudo user when root, or "" */
    const char *tty;     /* terminal, or "" */
    const char *host;    /* host name */
    const char *command; /* "key create": noun and verb, no arguments */
};

struct aps_store_init {
    const char *dir;                      /* made if it is not there; must be empty of a store */
    gid_t group;                          /* the group of httpd's children, for pub/ */
    const char *prefix;                   /* of key texts */
    const char *master_path;              /* NULL: DIR/master.key */
    const struct aps_secret *master;      /* a key that comes from elsewhere; NULL: the file's */
    const struct aps_master_from *unlock; /* how a file that is there is opened; may be NULL */
    const struct aps_master_lock *lock;   /* of a new file; NULL: under no passphrase */
    aps_nsec now;                         /* wall */
    const struct aps_store_actor *actor;
};

/* Make a store, its random keys, and its first published copy.  APS_ERR_EXISTS.  A run that is
 * killed leaves nothing that a second run cannot finish.  Sets the umask for a moment: call it
 * where no other thread makes files. */
APS_MUST_CHECK enum aps_err aps_store_init(const struct aps_store_init *init,
                                           struct aps_diag *diag);

struct aps_store_open {
    const char *dir;
    const struct aps_secret *master; /* borrowed until close */
    enum aps_store_mode mode;
    aps_nsec now; /* wall: the time of every row that this transaction writes */
    const struct aps_store_actor *actor;
};

/* Open, check owners and modes (APS_ERR_UNSAFE), migrate an older schema (a transaction of its
 * own, after a backup beside the database; APS_ERR_NEWER for a newer one), check the key-check
 * value (APS_ERR_KEY).  To WRITE, the master key has to be the newest of the store; an older one
 * that is not retired is APS_ERR_KEY too.  Lives on the heap; the caller closes. */
APS_MUST_CHECK enum aps_err aps_store_open(const struct aps_store_open *how, struct aps_store **out,
                                           struct aps_diag *diag);

/* Commit the transaction with its change rows, then publish.  When publishing fails the change
 * stays and the diag names `apisecctl publish`. */
APS_MUST_CHECK enum aps_err aps_store_commit(struct aps_store *st, struct aps_diag *diag);

/* Publish what is committed: a copy made beside the target, fsynced, renamed.  A WRITE store
 * before any change; raises the generation. */
APS_MUST_CHECK enum aps_err aps_store_publish(struct aps_store *st, struct aps_diag *diag);

/* Roll back what is not committed.  NULL is fine. */
void aps_store_close(struct aps_store *st);

struct aps_str aps_store_prefix(const struct aps_store *st);
const uint8_t *aps_store_id(const struct aps_store *st); /* APS_SNAPSHOT_ID_LEN bytes */
uint64_t aps_store_tag(const struct aps_store *st);      /* as aps_snapshot_store_tag has it */
uint64_t aps_store_generation(const struct aps_store *st);
const char *aps_store_dir(const struct aps_store *st);

/* ---- The change log ---- */

struct aps_change {
    uint64_t n;
    aps_nsec at; /* wall */
    uint32_t uid;
    struct aps_str login, sudo, tty, host, command, subject;
    struct aps_str old_json, new_json; /* objects without secrets, or empty */
};
typedef enum aps_err (*aps_store_change_fn)(void *arg, const struct aps_change *change);
/* Oldest first, those after number `after`. */
APS_MUST_CHECK enum aps_err aps_store_change_each(struct aps_store *st, uint64_t after,
                                                  aps_store_change_fn fn, void *arg,
                                                  struct aps_diag *diag);

#endif
