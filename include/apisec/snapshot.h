/* snapshot.h - one published copy of a store, open for reading.
 *
 * A snapshot is what a child of httpd decides with: the copy's roles in memory, its keys looked
 * up by id in SQLite (immutable, no locks), and the peppers unwrapped.  Nothing of it changes
 * after it is opened; a new generation is a new snapshot.
 * Threads: every call is safe from any thread.  Processes: open after fork, never before. */
#ifndef APISEC_SNAPSHOT_H
#define APISEC_SNAPSHOT_H

#include <apr_pools.h>
#include <sys/stat.h>

#include "apisec/err.h"
#include "apisec/key.h"
#include "apisec/role.h"
#include "apisec/secret.h"

#define APS_SNAPSHOT_ID_LEN 16 /* bytes of a store's id, random */

struct aps_snapshot;

/* What a child remembers of the file to see that it changed. */
struct aps_snapshot_stamp {
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec mtime, ctime;
};

struct aps_snapshot_options {
    const char *store;               /* the store's folder; the copy is STORE/pub/store.db */
    const struct aps_secret *master; /* borrowed: the master key's bytes */
    uid_t owner;                     /* besides root, who may own the copy */
    uint64_t min_generation;         /* an older copy is refused (APS_ERR_CONFLICT) */
    const uint8_t *store_id; /* NULL, or the id that it must have: a foreign copy is refused */
};

/* The current stamp of STORE/pub/store.db.  APS_ERR_NOT_FOUND or APS_ERR_IO. */
APS_MUST_CHECK enum aps_err aps_snapshot_stamp(const char *store, struct aps_snapshot_stamp *out,
                                               struct aps_diag *diag);
bool aps_snapshot_stamp_equal(const struct aps_snapshot_stamp *a,
                              const struct aps_snapshot_stamp *b);

/* Open and check: a regular file with one link, not a symlink, FIFO or device, owner root or
 * `owner`, not writable by group or others, below safe folders; SQLite application id and schema
 * version; the key-check value against the master key (APS_ERR_KEY); the MACed meta row; the
 * generation.  No whole-file check.  Lives on the heap; the caller closes.  Each fault says what
 * mends it. */
APS_MUST_CHECK enum aps_err aps_snapshot_open(const struct aps_snapshot_options *options,
                                              struct aps_snapshot **out, struct aps_diag *diag);
/* NULL is fine. */
void aps_snapshot_close(struct aps_snapshot *snap);

uint64_t aps_snapshot_generation(const struct aps_snapshot *snap);
const struct aps_snapshot_stamp *aps_snapshot_opened(const struct aps_snapshot *snap);
const uint8_t *aps_snapshot_store_id(const struct aps_snapshot *snap);
/* First eight bytes of the store's id: namespaces cells of the shared table (AZ-09). */
uint64_t aps_snapshot_store_tag(const struct aps_snapshot *snap);
struct aps_str aps_snapshot_prefix(const struct aps_snapshot *snap);
const struct aps_rolebook *aps_snapshot_roles(const struct aps_snapshot *snap);

/* A key's record by id; it lives in `pool`.  APS_ERR_NOT_FOUND, APS_ERR_IO or APS_ERR_CORRUPT.
 * One row, one lookup; for an id that nobody has another key's row is read, so that its time does
 * not tell it (KEY-07). */
APS_MUST_CHECK enum aps_err aps_snapshot_key(struct aps_snapshot *snap, struct aps_str id,
                                             apr_pool_t *pool, struct aps_key *out);

/* HMAC-SHA-256 of `text` under pepper version `pepper` (0: the newest, for a dummy of equal
 * cost).  APS_ERR_NOT_FOUND for a version that the copy does not hold; APS_ERR_CRYPTO. */
APS_MUST_CHECK enum aps_err aps_snapshot_mac(struct aps_snapshot *snap, uint32_t pepper,
                                             struct aps_str text, uint8_t out[APS_KEY_MAC_LEN]);

/* The address-pseudonym key's MAC of an address, for CMP-02: 16 bytes. */
APS_MUST_CHECK enum aps_err aps_snapshot_pseudonym(struct aps_snapshot *snap,
                                                   const struct aps_addr *addr, uint8_t out[16]);

#endif
