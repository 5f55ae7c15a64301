/* snapshot.h - what a store has published, open for reading.
 *
 * A snapshot is what a child of httpd decides with: roles in memory, keys looked up by id in the
 * copy by SQLite (immutable, no locks), and the peppers unwrapped.  Beside the copy of a large
 * store stands a delta: what changed since, which is held in memory and comes before the copy.
 * Nothing of a snapshot changes after it is opened; a new generation is a new snapshot.
 * Threads: every call is safe from any thread.  Processes: open after fork, never before. */
#ifndef APISEC_SNAPSHOT_H
#define APISEC_SNAPSHOT_H

#include <apr_pools.h>
#include <sys/stat.h>

#include "apisec/adjust.h"
#include "apisec/api.h"
#include "apisec/err.h"
#include "apisec/hook.h"
#include "apisec/imported.h"
#include "apisec/issuer.h"
#include "apisec/key.h"
#include "apisec/planbook.h"
#include "apisec/role.h"
#include "apisec/schema_image.h"
#include "apisec/secret.h"
#include "apisec/signer.h"
#include "apisec/xsd.h"

#define APS_SNAPSHOT_ID_LEN 16 /* bytes of a store's id, random */

struct aps_snapshot;

/* What a child remembers of the files to see that they changed. */
struct aps_snapshot_file {
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec mtime, ctime;
};
struct aps_snapshot_stamp {
    struct aps_snapshot_file copy;  /* STORE/pub/store.db */
    struct aps_snapshot_file delta; /* STORE/pub/delta.db; all zero: there is none */
};

struct aps_snapshot_options {
    const char *store;               /* the store's folder; the copy is STORE/pub/store.db */
    const struct aps_secret *master; /* borrowed: the master key's bytes */
    uid_t owner;                     /* besides root, who may own the copy */
    uint64_t min_generation;         /* an older copy is refused (APS_ERR_CONFLICT) */
    const uint8_t *store_id; /* NULL, or the id that it must have: a foreign copy is refused */
    /* NULL, or a snapshot of the same store that stays open meanwhile: where the copy is still the
     * same file, both use it, and only the delta is read. */
    const struct aps_snapshot *near;
};

/* The current stamp of what is published.  APS_ERR_NOT_FOUND: no copy.  APS_ERR_IO. */
APS_MUST_CHECK enum aps_err aps_snapshot_stamp(const char *store, struct aps_snapshot_stamp *out,
                                               struct aps_diag *diag);
bool aps_snapshot_stamp_equal(const struct aps_snapshot_stamp *a,
                              const struct aps_snapshot_stamp *b);

/* Open and check, both files: a regular file with one link, not a symlink, FIFO or device, owner
 * root or `owner`, not writable by group or others, below safe folders; SQLite application id and
 * schema version; the key-check value against the master key (APS_ERR_KEY); the MACed meta row; the
 * generation.  A delta that is not newer than the copy was left behind and is ignored; one of
 * another copy is refused (APS_ERR_CONFLICT), as is a copy whose delta is gone (APS_ERR_NOT_FOUND).
 * No whole-file check of the copy; a delta is under its MAC as a whole.  Lives on the heap; the
 * caller closes.  Each fault says what mends it. */
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
/* Each plan's limits are read once, when the snapshot is opened. */
const struct aps_planbook *aps_snapshot_plans(const struct aps_snapshot *snap);
/* What was granted to single callers. */
const struct aps_adjusts *aps_snapshot_adjusts(const struct aps_snapshot *snap);

/* ---- Whom else the store believes.  All of it but the secrets is read once, when the snapshot is
 * opened, and borrowed from it. ---- */

/* Every issuer, in order of name; keys of a static one are made ready. */
const struct aps_issuer *aps_snapshot_issuers(const struct aps_snapshot *snap, size_t *out_n);

/* Whether this single token was revoked; `hash` is that of gone.h. */
bool aps_snapshot_token_gone(const struct aps_snapshot *snap, const uint8_t hash[APS_DIGEST_LEN]);

/* One version of a secret. */
struct aps_snapshot_secret {
    uint32_t version;
    aps_nsec until; /* wall; 0: no end.  One that has ended is of no use, whoever asks looks. */
    struct aps_secret value;
    aps_nsec due_at, old_at; /* wall; when it comes to its age soon, and when it does; 0: never */
};
/* All versions of it, oldest first; 0 where there is none.  It is opened when it is first asked
 * for, and stays open in the snapshot; where much is open already, it lives in `pool`.
 * APS_ERR_CORRUPT, NOMEM, IO. */
APS_MUST_CHECK enum aps_err aps_snapshot_secret(struct aps_snapshot *snap, struct aps_str name,
                                                apr_pool_t *pool,
                                                const struct aps_snapshot_secret **out,
                                                size_t *out_n, struct aps_diag *diag);

/* NULL where there is none. */
const struct aps_hook *aps_snapshot_webhook(const struct aps_snapshot *snap, struct aps_str name);
const struct aps_signer *aps_snapshot_signer(const struct aps_snapshot *snap, struct aps_str keyid);

/* The id of the key that a certificate of this name, in the form of certname.h, is; false: none. */
bool aps_snapshot_certificate(const struct aps_snapshot *snap, struct aps_str name,
                              struct aps_str *out_key);

/* What requests are judged by (store_api.h): every file of pub/api is looked at, read and opened
 * with the snapshot, or shared with the one that is near.  Borrowed, read-only.  NOT_FOUND: there
 * is none of this name and kind; any other code: it cannot be used, and nothing else of the
 * snapshot suffers.  Whoever is to judge by it refuses. */
APS_MUST_CHECK enum aps_err aps_snapshot_api(const struct aps_snapshot *snap, struct aps_str name,
                                             const struct aps_api **out, struct aps_diag *diag);
APS_MUST_CHECK enum aps_err aps_snapshot_schema(const struct aps_snapshot *snap,
                                                struct aps_str name,
                                                const struct aps_schema_image **out,
                                                struct aps_diag *diag);
/* Each of them in no order: `why` NULL, or what makes it useless.  Both are valid during the call.
 */
typedef void (*aps_snapshot_api_fn)(void *arg, struct aps_str name, const char *kind,
                                    const char *why);
void aps_snapshot_api_each(const struct aps_snapshot *snap, apr_pool_t *pool,
                           aps_snapshot_api_fn fn, void *arg);
/* The documents of an XML schema, which the caller compiles (xsd.h): the list lives in `pool`,
 * their texts are borrowed from the snapshot. */
APS_MUST_CHECK enum aps_err aps_snapshot_xsd(const struct aps_snapshot *snap, struct aps_str name,
                                             apr_pool_t *pool, const struct aps_xsd_source **out,
                                             uint32_t *out_n, struct aps_diag *diag);

/* A key's record by id, without its name, of which no request has any use; it lives in `pool`.
 * APS_ERR_NOT_FOUND, APS_ERR_IO or APS_ERR_CORRUPT; then *out is of no use. One row, one lookup;
 * for an id that nobody has another key's row is read, so that its time does not tell it (KEY-07).
 */
APS_MUST_CHECK enum aps_err aps_snapshot_key(struct aps_snapshot *snap, struct aps_str id,
                                             apr_pool_t *pool, struct aps_key *out);

/* The name of a key that is there; it lives in `pool`.  APS_ERR_NOT_FOUND, APS_ERR_IO. */
APS_MUST_CHECK enum aps_err aps_snapshot_name(struct aps_snapshot *snap, struct aps_str id,
                                              apr_pool_t *pool, struct aps_str *out);

/* HMAC-SHA-256 of `text` under pepper version `pepper` (0: the newest, for a dummy of equal
 * cost).  APS_ERR_NOT_FOUND for a version that the copy does not hold; APS_ERR_CRYPTO. */
APS_MUST_CHECK enum aps_err aps_snapshot_mac(struct aps_snapshot *snap, uint32_t pepper,
                                             struct aps_str text, uint8_t out[APS_KEY_MAC_LEN]);

/* The key of nonces for proofs, the same for all that read this store.  Borrowed. */
struct aps_mac *aps_snapshot_nonces(const struct aps_snapshot *snap);

/* A MAC under the key of what is fetched for this store; the caller frees.  APS_ERR_CRYPTO or
 * NOMEM. */
APS_MUST_CHECK enum aps_err aps_snapshot_cache(const struct aps_snapshot *snap,
                                               struct aps_mac **out);

/* Whether keys from elsewhere were ever imported: else no text but the store's own can be a key. */
bool aps_snapshot_has_imports(const struct aps_snapshot *snap);

/* The id of the key whose imported text has this digest; whether there is such a key,
 * aps_snapshot_key tells.  *out is not NUL-ended.  APS_ERR_CRYPTO. */
APS_MUST_CHECK enum aps_err aps_snapshot_imported_id(struct aps_snapshot *snap,
                                                     const uint8_t digest[APS_DIGEST_LEN],
                                                     char out[APS_KEYTEXT_ID_LEN]);

/* The address-pseudonym key's MAC of an address, for CMP-02: 16 bytes. */
APS_MUST_CHECK enum aps_err aps_snapshot_pseudonym(struct aps_snapshot *snap,
                                                   const struct aps_addr *addr, uint8_t out[16]);

#endif
