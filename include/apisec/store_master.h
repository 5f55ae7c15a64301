/* store_master.h - master keys and peppers of a store.
 *
 * A part of store.h, whose words on ownership, threads and transactions hold here. */
#ifndef APISEC_STORE_MASTER_H
#define APISEC_STORE_MASTER_H

#include <apr_pools.h>

#include "apisec/clock.h"
#include "apisec/err.h"
#include "apisec/secret.h"
#include "apisec/str.h"

struct aps_store;

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

#endif
