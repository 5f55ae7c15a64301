/* store_trust.h - whom else a store believes: issuers, webhooks, signers, certificates; and tokens
 * that are gone.
 *
 * A part of store.h, whose words on ownership, threads and transactions hold here. */
#ifndef APISEC_STORE_TRUST_H
#define APISEC_STORE_TRUST_H

#include <apr_pools.h>

#include "apisec/digest.h"
#include "apisec/err.h"
#include "apisec/hook.h"
#include "apisec/issuer.h"
#include "apisec/signer.h"

struct aps_store;

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

#endif
