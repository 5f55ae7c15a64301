/* store.h - the administrator's side of a store: the database that apisecctl changes.
 *
 * A store is a folder: store.db (0600, the truth), pub/store.db (0640, the published copy) and
 * master.key (0600, may live elsewhere).  A change and its row in the change log commit together
 * (CLI-03); aps_store_commit publishes.  SQL is static text with bound values.
 * Threads: one store belongs to one thread.  Processes: SQLite's locks order writers; httpd never
 * opens store.db. */
#ifndef APISEC_STORE_H
#define APISEC_STORE_H

#include <apr_pools.h>

#include "apisec/adjust.h"
#include "apisec/err.h"
#include "apisec/hook.h"
#include "apisec/issuer.h"
#include "apisec/key.h"
#include "apisec/planbook.h"
#include "apisec/role.h"
#include "apisec/secret.h"
#include "apisec/signer.h"

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

/* ---- Master keys.  An id is that of a key, public, in hexadecimal digits. ---- */

enum { APS_STORE_MASTER_ID_LEN = 16 };

struct aps_store_master {
    char id[APS_STORE_MASTER_ID_LEN + 1];
    uint8_t raw[APS_STORE_MASTER_ID_LEN / 2]; /* the same in bytes */
    aps_nsec created_at;                      /* wall */
    bool newest;                              /* the store is changed with it */
    bool compromised;                         /* what lay under it is made anew when it retires */
    uint64_t keys;                            /* keys of the store that lie under it */
    uint64_t secrets;                         /* versions of secrets that do */
    uint64_t only;  /* of both, what does not lie under the newest one as well */
    uint64_t seals; /* what was ever encrypted under it */
};

/* Oldest first; each is valid during the call. */
typedef enum aps_err (*aps_store_master_fn)(void *arg, const struct aps_store_master *master);
APS_MUST_CHECK enum aps_err aps_store_master_each(struct aps_store *st, aps_store_master_fn fn,
                                                  void *arg, struct aps_diag *diag);

/* Called as long work goes on: `n` more are done. */
typedef void (*aps_store_step_fn)(void *arg, uint64_t n);
struct aps_store_step {
    aps_store_step_fn fn;
    void *arg;
};

/* How many steps a rotation or the retirement of a key has. */
APS_MUST_CHECK enum aps_err aps_store_master_steps(struct aps_store *st, uint64_t *out,
                                                   struct aps_diag *diag);

/* What was done. */
struct aps_store_rotated {
    char from[APS_STORE_MASTER_ID_LEN + 1], to[APS_STORE_MASTER_ID_LEN + 1];
    uint64_t keys, secrets; /* that were sealed */
    bool renewed;           /* keys and data keys are new ones: nothing was only rewrapped */
};

/* Let the store be changed with the master key `to` from now on, which it borrows until close.
 * Those before it open all that is published until they retire.  With `compromised` they are not
 * to be trusted any more: each secret gets a new data key and the store's own keys new versions
 * (SEC-07).  CONFLICT: `to` opens the store already, so many do, or one that was compromised has
 * not retired and this is no rotation of that kind. */
APS_MUST_CHECK enum aps_err aps_store_master_rotate(struct aps_store *st,
                                                    const struct aps_secret *to, bool compromised,
                                                    struct aps_store_step step,
                                                    struct aps_store_rotated *out,
                                                    struct aps_diag *diag);

/* Let the master key of this id open the store no more.  Who has a copy that was published later
 * and only this key can read nothing.  Of one that was compromised all is made anew once more,
 * since it lay under that key until now.  NOT_FOUND; CONFLICT: it is the newest or the last one, or
 * something lies under it alone. */
APS_MUST_CHECK enum aps_err aps_store_master_retire(struct aps_store *st, struct aps_str id,
                                                    struct aps_store_step step,
                                                    struct aps_store_rotated *out,
                                                    struct aps_diag *diag);

/* ---- Peppers: under which the MACs of keys' texts are made ---- */

struct aps_store_pepper {
    uint32_t version;
    aps_nsec created_at; /* wall */
    bool newest;         /* new texts come under it */
    uint64_t keys;       /* whose text lies under it */
    uint64_t older;      /* whose text before the last rotation does, and has not ended */
};

/* Oldest first.  Reads every key; `step` counts them. */
typedef enum aps_err (*aps_store_pepper_fn)(void *arg, const struct aps_store_pepper *pepper);
APS_MUST_CHECK enum aps_err aps_store_pepper_each(struct aps_store *st, struct aps_store_step step,
                                                  aps_store_pepper_fn fn, void *arg,
                                                  struct aps_diag *diag);
/* CONFLICT: there are as many as a server holds. */
APS_MUST_CHECK enum aps_err aps_store_pepper_rotate(struct aps_store *st, uint32_t *out_version,
                                                    struct aps_diag *diag);
/* NOT_FOUND; CONFLICT: it is the newest, or keys hang on it. */
APS_MUST_CHECK enum aps_err aps_store_pepper_retire(struct aps_store *st, uint32_t version,
                                                    struct aps_store_step step,
                                                    struct aps_diag *diag);

/* ---- Keys.  Every `ref` is a key's id or its name; an id wins. ---- */

/* What `key create` and `key set` can set; only fields whose bit is in `set` count. */
enum aps_key_field {
    APS_KEY_F_NAME = 1 << 0,
    APS_KEY_F_OWNER = 1 << 1,
    APS_KEY_F_EXPIRES = 1 << 2,
    APS_KEY_F_NOT_BEFORE = 1 << 3,
    APS_KEY_F_NETS = 1 << 4,
    APS_KEY_F_HOSTS = 1 << 5,
    APS_KEY_F_LIMIT = 1 << 6,
    APS_KEY_F_ROLES = 1 << 7,
    APS_KEY_F_SCOPES = 1 << 8,
    APS_KEY_F_ORG = 1 << 9,
    APS_KEY_F_PLAN = 1 << 10,
    APS_KEY_F_OVERRIDES = 1 << 11,
};

struct aps_key_change {
    unsigned set;
    struct aps_key to; /* the fields of `set`; lists replace what was there.  A new key is a decoy
                        * where to.decoy says so, and stays one.  An override without by= goes by
                        * what the limit of its name goes by in the plan that holds for the key. */
};

/* Make a key; *out_text is its text, shown this one time, the caller's to wipe; *out lives in
 * `pool`.  EXISTS: the name; NOT_FOUND: a role, a plan, or the limit of an override in the plan
 * that holds; FORMAT or RANGE: a field. */
APS_MUST_CHECK enum aps_err
aps_store_key_create(struct aps_store *st, const struct aps_key_change *fields, apr_pool_t *pool,
                     struct aps_key *out, struct aps_secret *out_text, struct aps_diag *diag);
APS_MUST_CHECK enum aps_err aps_store_key_get(struct aps_store *st, struct aps_str ref,
                                              apr_pool_t *pool, struct aps_key *out,
                                              struct aps_diag *diag);
/* CONFLICT: the key is revoked. */
APS_MUST_CHECK enum aps_err aps_store_key_set(struct aps_store *st, struct aps_str ref,
                                              const struct aps_key_change *change,
                                              struct aps_diag *diag);
/* A new secret for the same id; the old one works until now + overlap (0: ends at once), and
 * never beyond the key's expiry.  CONFLICT: revoked or expired. */
APS_MUST_CHECK enum aps_err aps_store_key_rotate(struct aps_store *st, struct aps_str ref,
                                                 aps_nsec overlap, apr_pool_t *pool,
                                                 struct aps_key *out, struct aps_secret *out_text,
                                                 struct aps_diag *diag);
/* The same, and the old secret ends `grace` after the first use of the new one as httpd notes it
 * (lastuse.h), and at the latest at now + overlap.  RANGE: a grace below a second. */
APS_MUST_CHECK enum aps_err
aps_store_key_rotate_until_used(struct aps_store *st, struct aps_str ref, aps_nsec grace,
                                aps_nsec overlap, apr_pool_t *pool, struct aps_key *out,
                                struct aps_secret *out_text, struct aps_diag *diag);
/* For good; revoking a revoked key changes nothing and is APS_OK. */
APS_MUST_CHECK enum aps_err aps_store_key_revoke(struct aps_store *st, struct aps_str ref,
                                                 struct aps_str reason, struct aps_diag *diag);
/* CONFLICT: not revoked. */
APS_MUST_CHECK enum aps_err aps_store_key_delete(struct aps_store *st, struct aps_str ref,
                                                 struct aps_diag *diag);

/* Called for each key in order of name; the record is valid during the call; any code but APS_OK
 * ends the walk and is returned. */
typedef enum aps_err (*aps_store_key_fn)(void *arg, const struct aps_key *key);
APS_MUST_CHECK enum aps_err aps_store_key_each(struct aps_store *st, aps_store_key_fn fn, void *arg,
                                               struct aps_diag *diag);

/* What a key is now: one whose life is over is expired, but a revoked one stays revoked. */
enum aps_store_key_state {
    APS_STORE_KEY_ANY,
    APS_STORE_KEY_ACTIVE,
    APS_STORE_KEY_REVOKED,
    APS_STORE_KEY_EXPIRED,
};

/* Which keys; all must hold of those that are set. */
struct aps_store_key_filter {
    struct aps_str after; /* names that come after this one */
    struct aps_str name;  /* `*` stands for any characters */
    struct aps_str role;
    struct aps_str owner;
    struct aps_str org;
    struct aps_str plan; /* that the key itself names */
    uint32_t pepper;     /* a text of it lies under this version; 0: any */
    enum aps_store_key_state state;
    uint64_t max; /* so many at most; not 0 */
};
/* As above for one page of the keys that the filter lets through, in order of name.  *out_more:
 * there are more of them; the next page is that after the last name.  Nothing of the database is
 * held between two pages, so that who prints them slowly keeps no writer waiting. */
APS_MUST_CHECK enum aps_err aps_store_key_page(struct aps_store *st,
                                               const struct aps_store_key_filter *filter,
                                               aps_store_key_fn fn, void *arg, bool *out_more,
                                               struct aps_diag *diag);
APS_MUST_CHECK enum aps_err aps_store_key_count(struct aps_store *st, uint64_t *out,
                                                struct aps_diag *diag);

/* ---- Import: many keys from elsewhere, as one change ----
 *     aps_store_import_begin(st, &imp, diag);
 *     each key: aps_store_import_add(imp, &key, &field, diag);
 *     aps_store_import_place(imp, say_fault, arg, diag);
 *     aps_store_import_end(imp, &source, diag);
 *     aps_store_import_free(imp);
 * A caller who has met a fault gives up: nothing is in force before aps_store_commit. */

struct aps_import;

struct aps_import_key {
    uint64_t line;                       /* what its faults are told with */
    const struct aps_key_change *fields; /* as for aps_store_key_create */
    struct aps_str text;                 /* of its secret, or empty */
    const uint8_t *digest; /* where there is no text: its SHA-256, APS_DIGEST_LEN bytes */
};

/* Where the keys came from, for the change log. */
struct aps_import_source {
    struct aps_str name;
    const uint8_t *digest; /* SHA-256 of all of it */
};

/* What was placed. */
struct aps_import_count {
    uint64_t keys, digests, decoys; /* digests and decoys are among the keys */
};

/* A fault of one line, told with the field; false: no more of them are wanted. */
typedef bool (*aps_import_fault_fn)(void *arg, uint64_t line, const char *field, enum aps_err err,
                                    const char *why);

/* Lives on the heap, keeps `st`.  The caller frees. */
APS_MUST_CHECK enum aps_err aps_store_import_begin(struct aps_store *st, struct aps_import **out,
                                                   struct aps_diag *diag);
/* Check a key and lay it aside.  On failure *out_field names the field at fault, and the next key
 * may be added; NULL: the import cannot go on.  FORMAT, RANGE: a field, a text of another form or
 * too weak (KEY-05); NOT_FOUND: a role. */
APS_MUST_CHECK enum aps_err aps_store_import_add(struct aps_import *imp,
                                                 const struct aps_import_key *key,
                                                 const char **out_field, struct aps_diag *diag);
/* Put the keys into the store.  EXISTS once `fault` was called for a name or a text that the store
 * or an earlier line has. */
APS_MUST_CHECK enum aps_err aps_store_import_place(struct aps_import *imp,
                                                   aps_import_fault_fn fault, void *arg,
                                                   struct aps_diag *diag);
/* The one row of the change log.  CONFLICT: there is no key in it. */
APS_MUST_CHECK enum aps_err aps_store_import_end(struct aps_import *imp,
                                                 const struct aps_import_source *source,
                                                 struct aps_import_count *out,
                                                 struct aps_diag *diag);
/* NULL is fine. */
void aps_store_import_free(struct aps_import *imp);

/* ---- Roles ---- */

APS_MUST_CHECK enum aps_err aps_store_role_create(struct aps_store *st, struct aps_str name,
                                                  struct aps_diag *diag);
/* Parse, store in canonical form.  EXISTS: the role has it already. */
APS_MUST_CHECK enum aps_err aps_store_role_grant(struct aps_store *st, struct aps_str role,
                                                 struct aps_str grant, bool deny,
                                                 struct aps_diag *diag);
/* Take away a grant or a denial with this text.  NOT_FOUND. */
APS_MUST_CHECK enum aps_err aps_store_role_revoke(struct aps_store *st, struct aps_str role,
                                                  struct aps_str grant, struct aps_diag *diag);
/* CONFLICT: it would make a cycle, named in `diag`. */
APS_MUST_CHECK enum aps_err aps_store_role_inherit(struct aps_store *st, struct aps_str role,
                                                   struct aps_str parent, struct aps_diag *diag);
/* No more.  NOT_FOUND. */
APS_MUST_CHECK enum aps_err aps_store_role_disinherit(struct aps_store *st, struct aps_str role,
                                                      struct aps_str parent, struct aps_diag *diag);
/* CONFLICT: a key or a role uses it, named in `diag`. */
APS_MUST_CHECK enum aps_err aps_store_role_delete(struct aps_store *st, struct aps_str name,
                                                  struct aps_diag *diag);
/* Every role with its grants, sealed; lives in `pool`. */
APS_MUST_CHECK enum aps_err aps_store_roles(struct aps_store *st, apr_pool_t *pool,
                                            struct aps_rolebook **out, struct aps_diag *diag);
/* The parents that a role names itself, sorted, in `pool`. */
APS_MUST_CHECK enum aps_err aps_store_role_parents(struct aps_store *st, struct aps_str role,
                                                   apr_pool_t *pool, const struct aps_str **out,
                                                   size_t *out_n, struct aps_diag *diag);
/* Names in order. */
typedef enum aps_err (*aps_store_role_fn)(void *arg, struct aps_str name, aps_nsec created_at);
APS_MUST_CHECK enum aps_err aps_store_role_each(struct aps_store *st, aps_store_role_fn fn,
                                                void *arg, struct aps_diag *diag);

/* The plan of a role's keys; it is not inherited. */
struct aps_store_role_plan {
    struct aps_str plan; /* empty: none */
    uint32_t priority;   /* among the plans of a key's roles the highest holds, then the first role
                          * by name; at most APS_PLAN_PRIORITY_MAX */
};

/* In `pool`.  NOT_FOUND. */
APS_MUST_CHECK enum aps_err aps_store_role_plan_get(struct aps_store *st, struct aps_str role,
                                                    apr_pool_t *pool,
                                                    struct aps_store_role_plan *out,
                                                    struct aps_diag *diag);
/* NOT_FOUND: role or plan; RANGE: the priority. */
APS_MUST_CHECK enum aps_err aps_store_role_plan_set(struct aps_store *st, struct aps_str role,
                                                    const struct aps_store_role_plan *to,
                                                    struct aps_diag *diag);

/* ---- Plans ---- */

/* What a limit said before it was changed. */
struct aps_store_plan_earlier {
    struct aps_str text;
    aps_nsec changed_at; /* wall */
    aps_nsec until;      /* wall; nothing that was consumed of it matters any more */
};

struct aps_store_plan_limit {
    struct aps_str name, text; /* canonical, the name included */
    uint64_t edition;          /* a number that no other definition of the store ever had */
    size_t nearlier;           /* newest first */
    struct aps_store_plan_earlier earlier[APS_PLAN_EARLIER_MAX];
};

struct aps_store_plan {
    struct aps_str name, description;
    aps_nsec created_at; /* wall */
    size_t n;
    const struct aps_store_plan_limit *limits;
};

/* 1 to APS_PLAN_LIMITS_MAX limits in the words of limit.h, each name once.  EXISTS, FORMAT, RANGE;
 * NOT_FOUND: the zone of a quota. */
APS_MUST_CHECK enum aps_err aps_store_plan_create(struct aps_store *st, struct aps_str name,
                                                  struct aps_str description,
                                                  const struct aps_str *limits, size_t n,
                                                  struct aps_diag *diag);

struct aps_store_plan_change {
    bool describes;
    struct aps_str description; /* where it describes; may be empty */
    size_t nput, ndrop;
    const struct aps_str *put;  /* limits: each takes the place of the one of its name, or is new */
    const struct aps_str *drop; /* names of limits */
};
/* What a limit said before is remembered for as long as what was consumed of it can matter, also of
 * one that is dropped and comes back.  NOT_FOUND: the plan, a name to be dropped, a zone; CONFLICT:
 * no limit would be left; FORMAT, RANGE. */
APS_MUST_CHECK enum aps_err aps_store_plan_set(struct aps_store *st, struct aps_str name,
                                               const struct aps_store_plan_change *change,
                                               struct aps_diag *diag);
/* CONFLICT: a key or a role uses it, named in `diag`. */
APS_MUST_CHECK enum aps_err aps_store_plan_delete(struct aps_store *st, struct aps_str name,
                                                  struct aps_diag *diag);
/* In `pool`, limits in their order.  NOT_FOUND. */
APS_MUST_CHECK enum aps_err aps_store_plan_get(struct aps_store *st, struct aps_str name,
                                               apr_pool_t *pool, struct aps_store_plan *out,
                                               struct aps_diag *diag);
/* Names in order. */
typedef enum aps_err (*aps_store_plan_fn)(void *arg, struct aps_str name);
APS_MUST_CHECK enum aps_err aps_store_plan_each(struct aps_store *st, aps_store_plan_fn fn,
                                                void *arg, struct aps_diag *diag);

/* What names a plan itself. */
struct aps_store_plan_use {
    struct aps_str plan;
    uint64_t keys;
    size_t nroles;
    const struct aps_str *roles; /* in order */
};
/* Of every plan, in order of name, in `pool`; reads every key that has to do with plans. */
APS_MUST_CHECK enum aps_err aps_store_plan_uses(struct aps_store *st, apr_pool_t *pool,
                                                const struct aps_store_plan_use **out,
                                                size_t *out_n, struct aps_diag *diag);

/* All of them, sealed, in `pool`: which holds for which key. */
APS_MUST_CHECK enum aps_err aps_store_plan_book(struct aps_store *st, apr_pool_t *pool,
                                                struct aps_planbook **out, struct aps_diag *diag);

/* A key under a plan, and what it is held to in the end; both are valid during the call.  Any code
 * but APS_OK ends the walk and is returned. */
typedef enum aps_err (*aps_store_plan_key_fn)(void *arg, const struct aps_key *key,
                                              const struct aps_limit *const *limits, size_t n);
/* One page of at most `max` (not 0) keys, in order of id, for which `plan` holds by this book: by
 * themselves or by a role, and not by a section.  `after`: ids that come after this one. *out_more:
 * there are more of them; the next page is that after the last id.  Neither revoked nor expired
 * keys, and no decoys.  Nothing of the database is held between two pages.  With a change of the
 * plan that is not committed and the book read after it, this tells what the change would do. */
APS_MUST_CHECK enum aps_err
aps_store_plan_key_page(struct aps_store *st, const struct aps_planbook *book, struct aps_str plan,
                        struct aps_str after, uint64_t max, aps_store_plan_key_fn fn, void *arg,
                        bool *out_more, struct aps_diag *diag);

/* ---- What single callers got beyond a limit ---- */

/* So many adjustments a store holds: each is in every copy and delta. */
#define APS_STORE_ADJUST_MAX 100000

/* Whose, and of what: the caller that `key` is at the level of the limit, which goes by a caller.
 */
struct aps_store_adjust {
    const struct aps_limit *limit;
    const struct aps_limit_meter *quota; /* of the limit, to be raised; not of a reset */
    const struct aps_key *key;
};

/* Raise the quota for the period that ends at `until` (wall) by `n` units; *out, which may be NULL,
 * is what the caller has then.  RANGE: the bonus would be above APS_NUM_COUNT_MAX; CONFLICT: the
 * limit goes by no caller, or the store has APS_STORE_ADJUST_MAX adjustments already. */
APS_MUST_CHECK enum aps_err aps_store_adjust_grant(struct aps_store *st,
                                                   const struct aps_store_adjust *whose, uint32_t n,
                                                   aps_nsec until, struct aps_adjust *out,
                                                   struct aps_diag *diag);
/* Let the limit begin anew, as if nothing had been consumed, or granted, so far.  CONFLICT as
 * above. */
APS_MUST_CHECK enum aps_err aps_store_adjust_reset(struct aps_store *st,
                                                   const struct aps_store_adjust *whose,
                                                   struct aps_adjust *out, struct aps_diag *diag);
/* A row of them: of which limit or quota, at which level, of whom (adjust.h). */
struct aps_store_adjusted {
    struct aps_str name, by, who;
    struct aps_adjust adjust;
};
/* In order of name, level and caller; valid during the call. */
typedef enum aps_err (*aps_store_adjust_fn)(void *arg, const struct aps_store_adjusted *row);
APS_MUST_CHECK enum aps_err aps_store_adjust_each(struct aps_store *st, aps_store_adjust_fn fn,
                                                  void *arg, struct aps_diag *diag);
/* All of them, in `pool`. */
APS_MUST_CHECK enum aps_err aps_store_adjusts(struct aps_store *st, apr_pool_t *pool,
                                              struct aps_adjusts **out, struct aps_diag *diag);

/* ---- Issuers of tokens ---- */

struct aps_store_issuer {
    struct aps_issuer def; /* its keys are not read */
    struct aps_str keys;   /* text of the set of a static one; empty where it is kept as a secret */
    aps_nsec created_at;   /* wall */
};

struct aps_store_issuer_put {
    const struct aps_issuer *issuer;
    struct aps_str keys;   /* a set, or one key, as JSON, of a static one; .p is NULL: as it was */
    struct aps_str secret; /* of the client that asks about tokens; .p is NULL: as it was */
};

/* Make one.  EXISTS: the name, or another issuer with this iss; FORMAT, RANGE, NOT_FOUND: what
 * aps_issuer_check and aps_jwks_read say, or a role that is not there; CONFLICT: there are
 * APS_ISSUER_MAX. */
APS_MUST_CHECK enum aps_err aps_store_issuer_add(struct aps_store *st,
                                                 const struct aps_store_issuer_put *put,
                                                 struct aps_diag *diag);
/* Put a definition in place of the one of its name.  NOT_FOUND, else as above. */
APS_MUST_CHECK enum aps_err aps_store_issuer_set(struct aps_store *st,
                                                 const struct aps_store_issuer_put *put,
                                                 struct aps_diag *diag);
/* In `pool`.  NOT_FOUND. */
APS_MUST_CHECK enum aps_err aps_store_issuer_get(struct aps_store *st, struct aps_str name,
                                                 apr_pool_t *pool, struct aps_store_issuer *out,
                                                 struct aps_diag *diag);
/* With its secrets.  NOT_FOUND. */
APS_MUST_CHECK enum aps_err aps_store_issuer_delete(struct aps_store *st, struct aps_str name,
                                                    struct aps_diag *diag);
/* All of them in order of name, in `pool`. */
APS_MUST_CHECK enum aps_err aps_store_issuers(struct aps_store *st, apr_pool_t *pool,
                                              const struct aps_store_issuer **out, size_t *out_n,
                                              struct aps_diag *diag);

/* ---- Single tokens that were revoked ---- */

#define APS_STORE_TOKEN_MAX 100000 /* of one store: each is in every copy and delta */

struct aps_store_token {
    uint8_t hash[APS_DIGEST_LEN]; /* by gone.h */
    struct aps_str issuer;        /* its name, or empty */
    aps_nsec until;               /* wall; from then on it is expired anyway; 0: nobody knows */
    aps_nsec created_at;          /* wall */
};

/* One that is revoked already stays so, until the later of both times.  CONFLICT: there are
 * APS_STORE_TOKEN_MAX.  Entries that have ended go with the next change of the store. */
APS_MUST_CHECK enum aps_err aps_store_token_revoke(struct aps_store *st,
                                                   const struct aps_store_token *token,
                                                   struct aps_diag *diag);
/* Oldest first; any code but APS_OK ends the walk and is returned. */
typedef enum aps_err (*aps_store_token_fn)(void *arg, const struct aps_store_token *token);
APS_MUST_CHECK enum aps_err aps_store_token_each(struct aps_store *st, aps_store_token_fn fn,
                                                 void *arg, struct aps_diag *diag);

/* ---- Webhooks ---- */

/* EXISTS; FORMAT, RANGE: what aps_hook_check and aps_webhook_key_check say; CONFLICT: the secret is
 * another's too (WHK-07), or there are APS_HOOK_MAX.  Where the hook names a secret of the store,
 * `secret` is empty; NOT_FOUND: that one. */
APS_MUST_CHECK enum aps_err aps_store_webhook_add(struct aps_store *st, const struct aps_hook *hook,
                                                  struct aps_str secret, struct aps_diag *diag);
/* NOT_FOUND; CONFLICT: another scheme, whose secrets have another form. */
APS_MUST_CHECK enum aps_err aps_store_webhook_set(struct aps_store *st, const struct aps_hook *hook,
                                                  struct aps_diag *diag);
/* A further secret; those that are there work until now + overlap (0: they end at once).
 * NOT_FOUND; RANGE: an overlap of more than 365 days; FORMAT, RANGE, CONFLICT: the secret, or it
 * has one of the store. */
APS_MUST_CHECK enum aps_err aps_store_webhook_rotate(struct aps_store *st, struct aps_str name,
                                                     struct aps_str secret, aps_nsec overlap,
                                                     struct aps_diag *diag);
/* In `pool`.  NOT_FOUND. */
APS_MUST_CHECK enum aps_err aps_store_webhook_get(struct aps_store *st, struct aps_str name,
                                                  apr_pool_t *pool, struct aps_hook *out,
                                                  struct aps_diag *diag);
APS_MUST_CHECK enum aps_err aps_store_webhook_delete(struct aps_store *st, struct aps_str name,
                                                     struct aps_diag *diag);
/* In order of name; the record is valid during the call. */
typedef enum aps_err (*aps_store_webhook_fn)(void *arg, const struct aps_hook *hook);
APS_MUST_CHECK enum aps_err aps_store_webhook_each(struct aps_store *st, aps_store_webhook_fn fn,
                                                   void *arg, struct aps_diag *diag);

/* ---- Versions of a secret, without the secret ---- */

#define APS_STORE_SECRET_VERSIONS 8 /* of one name at a time */

struct aps_store_secret {
    uint32_t version;
    aps_nsec created_at, until; /* wall; until 0: no end */
};
/* Oldest first, in `pool`; those that have ended are among them until the next one is put. */
APS_MUST_CHECK enum aps_err aps_store_secrets(struct aps_store *st, struct aps_str name,
                                              apr_pool_t *pool, const struct aps_store_secret **out,
                                              size_t *out_n, struct aps_diag *diag);

/* ---- Secrets under names of the administrator's choice (aps_str_is_name) ---- */

#define APS_STORE_VALUE_MAX 8192 /* bytes of one */

struct aps_store_named {
    struct aps_str name;
    aps_nsec max_age; /* of a version; 0: any */
    aps_nsec warn;    /* how long before that it is due */
    bool refuse;      /* what is older is given to nobody */
    aps_nsec created_at;
};

/* Make it, or give it this value in place of all that it had, which end at once.  FORMAT: its name,
 * or a value that is no text in UTF-8; RANGE: the value's length, or the ages; FORMAT, RANGE,
 * CONFLICT: the webhook whose it is cannot use it. */
APS_MUST_CHECK enum aps_err aps_store_named_set(struct aps_store *st,
                                                const struct aps_store_named *to,
                                                struct aps_str value, struct aps_diag *diag);
/* A further version; those that are there end at now + overlap.  NOT_FOUND; RANGE: an overlap of
 * more than 365 days; FORMAT, RANGE: the value; CONFLICT: too many versions. */
APS_MUST_CHECK enum aps_err aps_store_named_rotate(struct aps_store *st, struct aps_str name,
                                                   struct aps_str value, aps_nsec overlap,
                                                   struct aps_diag *diag);
/* In `pool`.  FORMAT, NOT_FOUND. */
APS_MUST_CHECK enum aps_err aps_store_named_get(struct aps_store *st, struct aps_str name,
                                                apr_pool_t *pool, struct aps_store_named *out,
                                                struct aps_diag *diag);
/* Its newest value, which the caller wipes; that it was shown, and why, is a change.  FORMAT: an
 * empty reason; NOT_FOUND. */
APS_MUST_CHECK enum aps_err aps_store_named_reveal(struct aps_store *st, struct aps_str name,
                                                   struct aps_str reason, struct aps_secret *out,
                                                   struct aps_diag *diag);
/* FORMAT, NOT_FOUND; CONFLICT: a webhook has it. */
APS_MUST_CHECK enum aps_err aps_store_named_delete(struct aps_store *st, struct aps_str name,
                                                   struct aps_diag *diag);
/* In order of name, and those of webhooks, signers and issuers as well, whose names have a slash.
 * Valid during the call. */
typedef enum aps_err (*aps_store_named_fn)(void *arg, const struct aps_store_named *named);
APS_MUST_CHECK enum aps_err aps_store_named_each(struct aps_store *st, aps_store_named_fn fn,
                                                 void *arg, struct aps_diag *diag);

/* ---- Who signs requests, and client certificates, as an API key ---- */

/* signer->key is a key's id or name.  `secret` is that of HMAC, else empty.  EXISTS: the keyid;
 * NOT_FOUND: the key; CONFLICT: the key is revoked, or there are APS_SIGNER_MAX; FORMAT, RANGE: a
 * field, or what verify.h says of the key. */
APS_MUST_CHECK enum aps_err aps_store_signer_add(struct aps_store *st,
                                                 const struct aps_signer *signer,
                                                 struct aps_str secret, struct aps_diag *diag);
/* NOT_FOUND. */
APS_MUST_CHECK enum aps_err aps_store_signer_delete(struct aps_store *st, struct aps_str keyid,
                                                    struct aps_diag *diag);
/* In order of keyid, those of the key with this id, or all (an empty one). */
typedef enum aps_err (*aps_store_signer_fn)(void *arg, const struct aps_signer *signer);
APS_MUST_CHECK enum aps_err aps_store_signer_each(struct aps_store *st, struct aps_str key,
                                                  aps_store_signer_fn fn, void *arg,
                                                  struct aps_diag *diag);

/* `name` in the form of certname.h.  EXISTS: another key's or this one's; NOT_FOUND: the key;
 * CONFLICT: the key is revoked, or there are APS_CERTNAME_LIMIT. */
APS_MUST_CHECK enum aps_err aps_store_certificate_add(struct aps_store *st, struct aps_str key,
                                                      struct aps_str name, struct aps_diag *diag);
APS_MUST_CHECK enum aps_err aps_store_certificate_delete(struct aps_store *st, struct aps_str name,
                                                         struct aps_diag *diag);
typedef enum aps_err (*aps_store_certificate_fn)(void *arg, struct aps_str name, struct aps_str key,
                                                 aps_nsec created_at);
APS_MUST_CHECK enum aps_err aps_store_certificate_each(struct aps_store *st, struct aps_str key,
                                                       aps_store_certificate_fn fn, void *arg,
                                                       struct aps_diag *diag);

/* ---- How old secrets may get ---- */

/* What a role asks of its keys; it is not inherited.  httpd does not enforce it. */
struct aps_store_age {
    aps_nsec max_age; /* of a key's newest secret; 0: any */
    aps_nsec warn;    /* how long before that, and before a key's expiry, it is due; 0: none */
};

/* NOT_FOUND. */
APS_MUST_CHECK enum aps_err aps_store_age_get(struct aps_store *st, struct aps_str role,
                                              struct aps_store_age *out, struct aps_diag *diag);
/* NOT_FOUND; RANGE: negative, or a warning that is not shorter than the age. */
APS_MUST_CHECK enum aps_err aps_store_age_set(struct aps_store *st, struct aps_str role,
                                              const struct aps_store_age *age,
                                              struct aps_diag *diag);
/* Roles in order of name; those that ask for nothing are left out. */
typedef enum aps_err (*aps_store_age_fn)(void *arg, struct aps_str role,
                                         const struct aps_store_age *age);
APS_MUST_CHECK enum aps_err aps_store_age_each(struct aps_store *st, aps_store_age_fn fn, void *arg,
                                               struct aps_diag *diag);

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
