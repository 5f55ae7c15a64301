/* own.h - what the files of this folder share about an open store.
 *
 * Threads: a store belongs to one thread.  Processes: to the one that opened it (SEC-17). */
#ifndef APISEC_STORE_OWN_H
#define APISEC_STORE_OWN_H

#include <unistd.h>

#include "apisec/file.h"
#include "apisec/json.h"
#include "apisec/keytext.h"
#include "apisec/mac.h"
#include "apisec/seal.h"
#include "apisec/snapshot.h"
#include "apisec/store.h"
#include "schema.h"
#include "sql.h"

/* The one row of `meta`. */
struct aps_meta {
    uint8_t store_id[APS_SNAPSHOT_ID_LEN];
    char prefix[APS_KEYTEXT_PREFIX_MAX + 1];
    uint64_t generation;
    uint64_t base;    /* generation of the last complete copy */
    bool deltas;      /* changes since then are published beside it */
    uint64_t imports; /* keys that came from elsewhere, ever */
};

struct aps_store {
    apr_pool_t *pool;            /* scratch of one change; cleared when the next one begins */
    char dir[APS_FILE_PATH_MAX]; /* without symlinks */
    char pub[APS_FILE_PATH_MAX]; /* the copy's path */
    sqlite3 *db;
    int lock; /* DIR, held exclusively by writers; -1 */
    pid_t pid;
    enum aps_store_mode mode;
    aps_nsec now;
    const struct aps_store_actor *actor;
    const struct aps_secret *master;
    struct aps_seal_key seal;
    /* Of the other master keys that open the store (store_seal.c), once they were asked for. */
    struct aps_seal_key others[APS_STORE_MASTERS_MAX - 1];
    size_t nothers;
    bool has_others;
    struct aps_meta meta;
    struct aps_mac *pepper; /* the newest, once a key was made; NULL before */
    uint32_t pepper_version;
    bool begun;    /* a transaction is open */
    bool changed;  /* it holds a change */
    bool apis;     /* an API is among what is changed */
    size_t marked; /* keys that it wrote or deleted, for the next delta */
};

/* ---- store.c ---- */
/* A transaction for a change, and an empty st->pool; APS_ERR_FAILED where the store was opened to
 * read. */
APS_MUST_CHECK enum aps_err aps_store_begin(struct aps_store *st, struct aps_diag *diag);
/* Bring an older schema up to the present one; nothing where it is that.  APS_ERR_KEY: the master
 * key does not fit, and secrets have to be sealed anew. */
APS_MUST_CHECK enum aps_err aps_store_migrate(sqlite3 *db, const char *path,
                                              const struct aps_secret *master,
                                              const struct aps_seal_key *seal,
                                              struct aps_diag *diag);
/* Wait for the lock on the open folder `fd`, at most 10 s. */
APS_MUST_CHECK enum aps_err aps_store_lock(int fd, const char *dir, struct aps_diag *diag);

/* ---- folder.c ---- */
/* Make the folder if it is not there, and open it; the caller closes.  Sets the umask for a
 * moment. */
APS_MUST_CHECK enum aps_err aps_folder_open(const char *path, int *out_fd, struct aps_diag *diag);
/* Give DIR (0710), which is open as `fd`, and DIR/pub (0750), which is made where it is not there,
 * to the group. */
APS_MUST_CHECK enum aps_err aps_folder_dress(const char *dir, int fd, gid_t group,
                                             struct aps_diag *diag);
/* Make the folder `path` (0750) where it is not there, and give it to the group. */
APS_MUST_CHECK enum aps_err aps_folder_below(const char *path, gid_t group, struct aps_diag *diag);
/* Whether everything in it is a store's own; else *out_name is something that is not. */
bool aps_folder_is_ours(int fd, char out_name[256]);

/* ---- meta.c ---- */
APS_MUST_CHECK enum aps_err aps_meta_load(sqlite3 *db, struct aps_meta *out, struct aps_diag *diag);
/* First eight bytes of the store's id, as a number. */
uint64_t aps_meta_tag(const struct aps_meta *meta);
/* The row of `master` for this key: made, or compared (APS_ERR_KEY). */
APS_MUST_CHECK enum aps_err aps_meta_put_master(sqlite3 *db, const struct aps_meta *meta,
                                                const struct aps_secret *master,
                                                const struct aps_seal_key *seal, aps_nsec now,
                                                struct aps_diag *diag);
APS_MUST_CHECK enum aps_err aps_meta_check_master(sqlite3 *db, const struct aps_meta *meta,
                                                  const struct aps_secret *master,
                                                  const struct aps_seal_key *seal,
                                                  struct aps_diag *diag);
/* The MAC of a copy, under the store's key for that: over meta, schema version and all of the small
 * tables; of a delta over all of its keys too, which are few. */
APS_MUST_CHECK enum aps_err aps_meta_mac(sqlite3 *db, enum aps_schema_kind kind,
                                         const struct aps_meta *meta,
                                         const struct aps_seal_key *seal, uint8_t out[APS_MAC_LEN],
                                         struct aps_diag *diag);
/* Put it into the rows of the master keys, any of which opens the copy. */
APS_MUST_CHECK enum aps_err aps_meta_put_mac(sqlite3 *db, const char *sql,
                                             const uint8_t mac[APS_MAC_LEN], struct aps_diag *diag);
/* Compare it with the one that the file carries for this master key.  APS_ERR_CORRUPT. */
APS_MUST_CHECK enum aps_err aps_meta_check_mac(sqlite3 *db, enum aps_schema_kind kind,
                                               const struct aps_meta *meta,
                                               const struct aps_seal_key *seal,
                                               struct aps_diag *diag);

/* ---- wrapped.c ---- */
#define APS_WRAPPED_PEPPER "pepper"
#define APS_WRAPPED_AUDIT "audit"
#define APS_WRAPPED_ADDRESS "address"
#define APS_WRAPPED_LOOKUP "lookup"   /* makes the id of a key whose text came from elsewhere */
#define APS_WRAPPED_PUBLISH "publish" /* MAC of what is published */
#define APS_WRAPPED_NONCE "nonce"     /* MAC of nonces for proofs */
#define APS_WRAPPED_CACHE "cache"     /* MAC of fetched keys of issuers */
/* The sealing key of a master key that was followed by others, behind it its id in hexadecimal
 * digits: who holds a newer one can seal for the older as well. */
#define APS_WRAPPED_MASTER "master/"
#define APS_WRAPPED_LEN 32
enum { APS_WRAPPED_PURPOSE_MAX = 32 };
/* Seal the key under every master key of the store, counted.  CONFLICT: see masters.h. */
APS_MUST_CHECK enum aps_err aps_wrapped_put(struct aps_store *st, const char *purpose,
                                            uint32_t version, const struct aps_secret *key,
                                            struct aps_diag *diag);
/* A fresh random key for `purpose`, likewise. */
APS_MUST_CHECK enum aps_err aps_wrapped_new(struct aps_store *st, const char *purpose,
                                            uint32_t version, struct aps_diag *diag);
/* Seal it under one of them alone. */
APS_MUST_CHECK enum aps_err
aps_wrapped_put_under(struct aps_store *st, const struct aps_seal_key *seal, const char *purpose,
                      uint32_t version, const struct aps_secret *key, struct aps_diag *diag);
/* Open every one that lies under the master key in hand: APS_ERR_CORRUPT names one that does not.
 */
APS_MUST_CHECK enum aps_err aps_wrapped_verify(struct aps_store *st, uint64_t *out_n,
                                               struct aps_diag *diag);
/* Seal all that lies under the master key in hand under another one too.  *out_n: how many. */
APS_MUST_CHECK enum aps_err aps_wrapped_rewrap(struct aps_store *st, const struct aps_seal_key *to,
                                               uint64_t *out_n, struct aps_diag *diag);
/* The newest version of a purpose; 0: there is none. */
APS_MUST_CHECK enum aps_err aps_wrapped_newest(struct aps_store *st, const char *purpose,
                                               uint32_t *out, struct aps_diag *diag);
/* Called with each version of a purpose, oldest first; `key` is wiped afterwards. */
typedef enum aps_err (*aps_wrapped_fn)(void *arg, uint32_t version, const struct aps_secret *key);
APS_MUST_CHECK enum aps_err aps_wrapped_each(sqlite3 *db, const struct aps_meta *meta,
                                             const struct aps_seal_key *seal, const char *purpose,
                                             aps_wrapped_fn fn, void *arg, struct aps_diag *diag);

/* ---- store_seal.c ---- */
/* Read the sealing keys of the other master keys, once. */
APS_MUST_CHECK enum aps_err aps_store_seal_load(struct aps_store *st, struct aps_diag *diag);
/* What all is sealed under, each in turn, that of the key in hand first; NULL: that was the last.
 * After they were loaded. */
const struct aps_seal_key *aps_store_seal_at(const struct aps_store *st, size_t i);
/* Wipe them: there are others now. */
void aps_store_seal_forget(struct aps_store *st);
/* Whether the master key in hand is the one that the store is changed with.  APS_ERR_KEY: another
 * one has followed it. */
APS_MUST_CHECK enum aps_err aps_store_seal_check(struct aps_store *st, struct aps_diag *diag);

/* ---- store_own.c ---- */
/* The random keys that a store of this version has, where they are missing: in a transaction of
 * its own. */
APS_MUST_CHECK enum aps_err aps_store_own_complete(struct aps_store *st, struct aps_diag *diag);
/* All of them, for a new store. */
APS_MUST_CHECK enum aps_err aps_store_own_make(struct aps_store *st, struct aps_diag *diag);

/* New versions of all but the key that gives imported texts their ids.  CONFLICT: there are as many
 * peppers as a server holds. */
APS_MUST_CHECK enum aps_err aps_store_own_renew(struct aps_store *st, uint64_t *out_n,
                                                struct aps_diag *diag);

/* ---- store_pepper.c ---- */
enum { APS_STORE_PEPPERS_MAX = 64 };
/* Whether a text of the key that can still be shown lies under the version. */
bool aps_store_pepper_has(const struct aps_store *st, uint32_t version, const struct aps_key *key);
/* A new version.  CONFLICT. */
APS_MUST_CHECK enum aps_err aps_store_pepper_add(struct aps_store *st, uint32_t *out_version,
                                                 struct aps_diag *diag);

/* ---- publish.c ---- */
/* A store of more keys publishes deltas; below it a complete copy costs no more than one. */
#define APS_PUBLISH_LARGE "10000"
/* Changed keys from which on the next copy is a complete one, beside the delta; and what a delta
 * holds at most.  The space between is for what one command changes. */
enum { APS_PUBLISH_RENEW = 4096, APS_PUBLISH_DELTA_MAX = 8192 };
/* Copy what is committed to st->pub, whole; and say so in the store, where it was not yet said.  No
 * transaction is open, and the writers' lock is held, as for all that publishes. */
APS_MUST_CHECK enum aps_err aps_publish(struct aps_store *st, struct aps_diag *diag);
/* Publish what is committed where it is not; nothing where it is. */
APS_MUST_CHECK enum aps_err aps_publish_mend(struct aps_store *st, struct aps_diag *diag);
/* Whether the store has so many keys that changes are published as deltas. */
APS_MUST_CHECK enum aps_err aps_publish_is_large(struct aps_store *st, bool *out,
                                                 struct aps_diag *diag);
/* The generation of the copy there, 0 if there is none or it cannot be read. */
uint64_t aps_publish_generation(const char *pub);
/* Make a file of pub/ that `fill` writes into `temp`: beside the target, synced, renamed. */
typedef enum aps_err (*aps_publish_fn)(struct aps_store *st, const char *temp, void *arg,
                                       struct aps_diag *diag);
APS_MUST_CHECK enum aps_err aps_publish_file(struct aps_store *st, const char *target,
                                             aps_publish_fn fill, void *arg, struct aps_diag *diag);
/* Empty tables of the kind in the empty file `path`, attached to st->db as `pub`, in an open
 * transaction; and its end. */
APS_MUST_CHECK enum aps_err aps_publish_attach(struct aps_store *st, const char *path,
                                               enum aps_schema_kind kind, struct aps_diag *diag);
APS_MUST_CHECK enum aps_err aps_publish_detach(struct aps_store *st, enum aps_err err,
                                               struct aps_diag *diag);
/* Copy all of the small tables into `pub`. */
APS_MUST_CHECK enum aps_err aps_publish_small(struct aps_store *st, struct aps_diag *diag);

/* ---- publish_block.c ---- */
/* Make the files of pub/api that the rows of `api` name, where they are not there or another
 * release has made them; with `anew` compile all, and write those that differ.  A row whose digest
 * is another one now is changed.  *out_wrote: something was done.  What cannot be compiled any more
 * is left, and whoever would be judged by it is refused.  In a transaction or not. */
APS_MUST_CHECK enum aps_err aps_publish_block(struct aps_store *st, bool anew, bool *out_wrote,
                                              struct aps_diag *diag);
/* Remove files that no row has named for APS_PUBLISH_BLOCK_GRACE; who has one mapped keeps it.  The
 * copy in force is that of the rows.  What stays is found again next time. */
#define APS_PUBLISH_BLOCK_GRACE APS_HOUR
void aps_publish_block_sweep(struct aps_store *st);

/* ---- publish_delta.c ---- */
/* Publish the changes since the last complete copy beside it; without any, an empty delta. */
APS_MUST_CHECK enum aps_err aps_publish_delta(struct aps_store *st, struct aps_diag *diag);

/* ---- migrate.c ---- */
/* From `from` to from + 1, inside of a transaction. */
struct aps_migrate_step {
    int64_t from;
    enum aps_err (*run)(sqlite3 *db, void *arg, struct aps_diag *diag);
};
/* Bring the database at `path` up to `to` by the steps in their order, each with `arg`, in one
 * transaction, after a backup beside it; nothing where it is there already.  APS_ERR_NEWER, or
 * CORRUPT where a step is missing. */
APS_MUST_CHECK enum aps_err aps_migrate(sqlite3 *db, const char *path,
                                        const struct aps_migrate_step *steps, size_t n, void *arg,
                                        int64_t to, struct aps_diag *diag);

/* ---- store_change.c ---- */
/* The number that the next row of the log will have; no other change ever has it. */
APS_MUST_CHECK enum aps_err aps_store_change_next(struct aps_store *st, int64_t *out,
                                                  struct aps_diag *diag);
/* The change row of one change; `old_json` or `new_json` may be empty. */
APS_MUST_CHECK enum aps_err aps_store_change_put(struct aps_store *st, struct aps_str subject,
                                                 struct aps_str old_json, struct aps_str new_json,
                                                 struct aps_diag *diag);

/* ---- store_key.c ---- */
/* The newest pepper at st->pepper. */
APS_MUST_CHECK enum aps_err aps_store_key_pepper(struct aps_store *st, struct aps_diag *diag);

/* The key is of the next delta.  So many that none can hold them are of the next copy. */
APS_MUST_CHECK enum aps_err aps_store_key_mark(struct aps_store *st, struct aps_str id,
                                               struct aps_diag *diag);
/* The present row (id, name, record), in `pool`. */
APS_MUST_CHECK enum aps_err aps_store_key_read(struct aps_sql *q, apr_pool_t *pool,
                                               struct aps_key *out, struct aps_diag *diag);

/* ---- store_key_page.c ---- */
/* The first key that was found to have the role, in `pool`; APS_ERR_NOT_FOUND: none has. */
APS_MUST_CHECK enum aps_err aps_store_key_page_role(struct aps_store *st, struct aps_str role,
                                                    apr_pool_t *pool, struct aps_key *out,
                                                    struct aps_diag *diag);

/* ---- key_fields.c ---- */
/* Put the fields of `change` into `key`, checked and in canonical form; what is new lives in
 * `pool`.  Roles and plan are checked for their form only, overrides are not looked at.
 * APS_ERR_FORMAT or RANGE; then `key` is half
 * changed and of no use. */
APS_MUST_CHECK enum aps_err aps_key_fields_apply(const struct aps_key_change *change, aps_nsec now,
                                                 apr_pool_t *pool, struct aps_key *key,
                                                 struct aps_diag *diag);
/* The key as the change log shows it: no secret, no MAC.  Lives in `pool`. */
struct aps_str aps_key_fields_json(const struct aps_key *key, apr_pool_t *pool);

/* ---- store_role.c ---- */
/* Every role, not sealed yet; lives in `pool`. */
APS_MUST_CHECK enum aps_err aps_store_role_load(sqlite3 *db, apr_pool_t *pool,
                                                struct aps_rolebook **out, struct aps_diag *diag);
APS_MUST_CHECK enum aps_err aps_store_role_exists(struct aps_store *st, struct aps_str name,
                                                  struct aps_diag *diag);

/* ---- store_secret.c ---- */
/* Called with each version of the secret of this name, oldest first; `value` is wiped afterwards
 * unless it was taken.  Also of a published file.  `until` is its end by age as well, where one
 * that is too old is to be refused. */
typedef enum aps_err (*aps_store_secret_fn)(void *arg, struct aps_str name, uint32_t version,
                                            aps_nsec until, struct aps_secret *value);
APS_MUST_CHECK enum aps_err aps_store_secret_load(sqlite3 *db, const struct aps_meta *meta,
                                                  const struct aps_seal_key *seal,
                                                  struct aps_str name, aps_store_secret_fn fn,
                                                  void *arg, struct aps_diag *diag);
/* The same of every secret whose name begins with `prefix`, which ends with a slash, or of all
 * (""); but ages are not looked at. */
APS_MUST_CHECK enum aps_err aps_store_secret_under(sqlite3 *db, const struct aps_meta *meta,
                                                   const struct aps_seal_key *seal,
                                                   const char *prefix, aps_store_secret_fn fn,
                                                   void *arg, struct aps_diag *diag);
/* All versions of it, and what was set; none is fine. */
APS_MUST_CHECK enum aps_err aps_store_secret_drop(struct aps_store *st, struct aps_str name,
                                                  struct aps_diag *diag);

/* Make it the newest version.  What is older ends at `old_until` (wall) at the latest, and is
 * deleted where that is not later than now. */
APS_MUST_CHECK enum aps_err aps_store_secret_put(struct aps_store *st, struct aps_str name,
                                                 struct aps_str value, aps_nsec old_until,
                                                 struct aps_diag *diag);

/* ---- secret_upgrade.c ---- */
struct aps_secret_upgrade {
    const struct aps_secret *master;
    const struct aps_seal_key *seal; /* of it */
};
/* The step from schema version 3 to 4; `arg` is one of those. */
APS_MUST_CHECK enum aps_err aps_secret_upgrade(sqlite3 *db, void *arg, struct aps_diag *diag);

/* ---- store_issuer.c ---- */
/* In order of name, in `pool`; also of a published file. */
APS_MUST_CHECK enum aps_err aps_store_issuer_load(sqlite3 *db, apr_pool_t *pool,
                                                  const struct aps_store_issuer **out,
                                                  size_t *out_n, struct aps_diag *diag);

/* ---- store_token.c ---- */
/* All of them, oldest first; also of a published file. */
APS_MUST_CHECK enum aps_err aps_store_token_load(sqlite3 *db, aps_store_token_fn fn, void *arg,
                                                 struct aps_diag *diag);
/* Entries that have ended. */
APS_MUST_CHECK enum aps_err aps_store_token_prune(struct aps_store *st, struct aps_diag *diag);

/* ---- store_webhook.c ---- */
/* Every one, or that of this name; also of a published file.  What `fn` gets lives in `pool`. */
APS_MUST_CHECK enum aps_err aps_store_webhook_load(sqlite3 *db, struct aps_str name,
                                                   apr_pool_t *pool, aps_store_webhook_fn fn,
                                                   void *arg, struct aps_diag *diag);
/* Whether the webhook that has the secret of this name, if one has, can use `value`.  FORMAT,
 * RANGE, CONFLICT: it cannot. */
APS_MUST_CHECK enum aps_err aps_store_webhook_fits(struct aps_store *st, struct aps_str name,
                                                   struct aps_str value, struct aps_diag *diag);
/* CONFLICT: a webhook has the secret of this name. */
APS_MUST_CHECK enum aps_err aps_store_webhook_spares(struct aps_store *st, struct aps_str name,
                                                     struct aps_diag *diag);

/* ---- store_signer.c ---- */
/* Those of one key, or all; also of a published file. */
APS_MUST_CHECK enum aps_err aps_store_signer_load(sqlite3 *db, struct aps_str key,
                                                  aps_store_signer_fn fn, void *arg,
                                                  struct aps_diag *diag);
/* The key that a signer or a certificate is to be, in st->pool.  NOT_FOUND; CONFLICT: it is revoked
 * or a decoy. */
APS_MUST_CHECK enum aps_err aps_store_signer_owner(struct aps_store *st, struct aps_str ref,
                                                   struct aps_key *out, struct aps_diag *diag);
/* Signers and certificates of a key that is deleted. */
APS_MUST_CHECK enum aps_err aps_store_signer_forget(struct aps_store *st, struct aps_str id,
                                                    struct aps_diag *diag);

/* ---- store_certificate.c ---- */
/* As of the signers. */
APS_MUST_CHECK enum aps_err aps_store_certificate_load(sqlite3 *db, struct aps_str key,
                                                       aps_store_certificate_fn fn, void *arg,
                                                       struct aps_diag *diag);
APS_MUST_CHECK enum aps_err aps_store_certificate_forget(struct aps_store *st, struct aps_str id,
                                                         struct aps_diag *diag);

/* ---- store_api.c ---- */
struct aps_store_api;
struct aps_store_api_bundle;
/* All of them or the one of this name, in order of name, in `pool`; also of a published file. */
APS_MUST_CHECK enum aps_err aps_store_api_load(sqlite3 *db, struct aps_str name, apr_pool_t *pool,
                                               const struct aps_store_api **out, size_t *out_n,
                                               struct aps_diag *diag);

/* ---- store_plan.c ---- */
/* NOT_FOUND. */
APS_MUST_CHECK enum aps_err aps_store_plan_exists(struct aps_store *st, struct aps_str name,
                                                  struct aps_diag *diag);

/* ---- store_plan_book.c ---- */
/* Sealed, in `pool`; also of a published file. */
APS_MUST_CHECK enum aps_err aps_store_plan_book_load(sqlite3 *db, const struct aps_meta *meta,
                                                     apr_pool_t *pool, struct aps_planbook **out,
                                                     struct aps_diag *diag);

/* ---- store_adjust.c ---- */
/* In `pool`; also of a published file. */
APS_MUST_CHECK enum aps_err aps_store_adjust_load(sqlite3 *db, apr_pool_t *pool,
                                                  struct aps_adjusts **out, struct aps_diag *diag);
/* What was granted to the key alone; nobody gets its id again. */
APS_MUST_CHECK enum aps_err aps_store_adjust_forget(struct aps_store *st, struct aps_str id,
                                                    struct aps_diag *diag);

/* ---- store_plan_limit.c ---- */
/* A limit as it is stored: canonical, and one that the limiter takes; in `pool`.  FORMAT, RANGE,
 * NOT_FOUND. */
APS_MUST_CHECK enum aps_err aps_store_plan_limit_read(struct aps_str text, apr_pool_t *pool,
                                                      struct aps_limit *out, struct aps_diag *diag);
/* Behind the limits of `plan`, as it was before the change, or in place of the one of its name,
 * whose text is then remembered. */
APS_MUST_CHECK enum aps_err aps_store_plan_limit_put(struct aps_store *st,
                                                     const struct aps_store_plan *plan,
                                                     const struct aps_limit *limit,
                                                     struct aps_diag *diag);
/* NOT_FOUND. */
APS_MUST_CHECK enum aps_err aps_store_plan_limit_drop(struct aps_store *st,
                                                      const struct aps_store_plan *plan,
                                                      struct aps_str name, struct aps_diag *diag);

/* ---- key_overrides.c ---- */
/* Check the plan of `key`, whose other fields are right, and put the overrides of `change` into it;
 * they live in st->pool.  NOT_FOUND, FORMAT, RANGE. */
APS_MUST_CHECK enum aps_err aps_key_overrides_apply(struct aps_store *st,
                                                    const struct aps_key_change *change,
                                                    struct aps_key *key, struct aps_diag *diag);

/* ---- store_key_page.c, for what a text in a record tells ---- */
/* The first key that was found to name the plan, in `pool`; APS_ERR_NOT_FOUND: none does. */
APS_MUST_CHECK enum aps_err aps_store_key_page_plan(struct aps_store *st, struct aps_str plan,
                                                    apr_pool_t *pool, struct aps_key *out,
                                                    struct aps_diag *diag);

/* A pool of its own, not below any other, so that any thread may make and destroy it; or
 * NULL. */
apr_pool_t *aps_store_pool(void);

#endif
