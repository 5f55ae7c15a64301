/* survey.h - a store that is looked at, damaged or not, by one who changes nothing of it.
 *
 * store.h opens what is whole and brings it up to date; this opens whatever can be read, and tells
 * piece by piece what is wrong.  What it opens takes every call of store.h that only reads.
 * Threads: a store belongs to one thread.  Processes: to the one that opened it (SEC-17). */
#ifndef APISEC_SURVEY_H
#define APISEC_SURVEY_H

#include "apisec/store.h"

/* Open DIR/store.db read-only: nothing is migrated, rolled back, mended or published, and no master
 * key is asked for.  The caller closes by aps_store_close.
 * APS_ERR_NOT_FOUND: there is none.  UNSAFE: it is no regular file, or others than its owner and
 * root can change it, so that its contents are not looked at.  CONFLICT: the next command has
 * something to do first, which is to roll back a change that was cut off or to bring up an older
 * schema.  NEWER, CORRUPT, BUSY, IO. */
APS_MUST_CHECK enum aps_err aps_survey_open(const char *dir, aps_nsec now, struct aps_store **out,
                                            struct aps_diag *diag);

/* Compare with the key-check value of the store, and keep `master`, which the caller keeps until
 * the store is closed.  APS_ERR_KEY. */
APS_MUST_CHECK enum aps_err aps_survey_check_master(struct aps_store *st,
                                                    const struct aps_secret *master,
                                                    struct aps_diag *diag);

/* The whole of store.db, page by page; `fn` is called with each fault, at most ten. */
typedef void (*aps_survey_text_fn)(void *arg, struct aps_str text);
APS_MUST_CHECK enum aps_err aps_survey_integrity(struct aps_store *st, aps_survey_text_fn fn,
                                                 void *arg, struct aps_diag *diag);

/* Each key once, in order of id, a record at a time; `key` is NULL where its record is damaged.
 * Valid during the call. */
typedef void (*aps_survey_key_fn)(void *arg, struct aps_str id, const struct aps_key *key);
APS_MUST_CHECK enum aps_err aps_survey_keys(struct aps_store *st, aps_survey_key_fn fn, void *arg,
                                            struct aps_diag *diag);

/* What names something that is not there. */
enum aps_survey_link {
    APS_SURVEY_ROLE_PARENT, /* a role inherits from `target` */
    APS_SURVEY_ROLE_GRANT,  /* grants of a role `name` */
    APS_SURVEY_ROLE_PLAN,   /* a role has the plan `target` */
    APS_SURVEY_PLAN_EMPTY,  /* a plan `name` without a limit */
    APS_SURVEY_SIGNER,      /* a signer is the key `target` */
    APS_SURVEY_CERTIFICATE, /* a certificate is the key `target` */
    APS_SURVEY_LINK_COUNT,
};
typedef void (*aps_survey_link_fn)(void *arg, enum aps_survey_link link, struct aps_str name,
                                   struct aps_str target);
APS_MUST_CHECK enum aps_err aps_survey_links(struct aps_store *st, aps_survey_link_fn fn, void *arg,
                                             struct aps_diag *diag);

/* Each master key that can open the store, by its public id, which may be shown. */
typedef void (*aps_survey_master_fn)(void *arg, struct aps_str id, aps_nsec created_at,
                                     bool is_own);
APS_MUST_CHECK enum aps_err aps_survey_masters(struct aps_store *st, aps_survey_master_fn fn,
                                               void *arg, struct aps_diag *diag);

/* Whether every key of the store that is sealed under the master key opens; behind
 * aps_survey_check_master.  APS_ERR_CORRUPT names the first that does not. */
APS_MUST_CHECK enum aps_err aps_survey_wrapped(struct aps_store *st, struct aps_diag *diag);

/* The same of secrets. */
APS_MUST_CHECK enum aps_err aps_survey_secrets(struct aps_store *st, struct aps_diag *diag);

/* The version of the newest pepper; 0: none. */
APS_MUST_CHECK enum aps_err aps_survey_pepper(struct aps_store *st, uint32_t *out,
                                              struct aps_diag *diag);

/* When the newest change was made (wall); 0: none. */
APS_MUST_CHECK enum aps_err aps_survey_changed_at(struct aps_store *st, aps_nsec *out,
                                                  struct aps_diag *diag);

/* Which SQLite this process uses, such as "3.40.1".  Static text. */
const char *aps_survey_sqlite(void);

#endif
