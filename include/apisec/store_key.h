/* store_key.h - keys of a store: made, changed, listed, imported.
 *
 * A part of store.h, whose words on ownership, threads and transactions hold here. */
#ifndef APISEC_STORE_KEY_H
#define APISEC_STORE_KEY_H

#include <apr_pools.h>

#include "apisec/err.h"
#include "apisec/key.h"
#include "apisec/secret.h"

struct aps_store;

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

#endif
