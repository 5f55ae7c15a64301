/* store_secret.h - secrets of a store.
 *
 * A part of store.h, whose words on ownership, threads and transactions hold here. */
#ifndef APISEC_STORE_SECRET_H
#define APISEC_STORE_SECRET_H

#include <apr_pools.h>

#include "apisec/clock.h"
#include "apisec/err.h"
#include "apisec/secret.h"
#include "apisec/str.h"

struct aps_store;

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

#endif
