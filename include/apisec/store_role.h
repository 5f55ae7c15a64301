/* store_role.h - roles of a store, their plans, and how old their keys' secrets may get.
 *
 * A part of store.h, whose words on ownership, threads and transactions hold here. */
#ifndef APISEC_STORE_ROLE_H
#define APISEC_STORE_ROLE_H

#include <apr_pools.h>

#include "apisec/clock.h"
#include "apisec/err.h"
#include "apisec/role.h"

struct aps_store;

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

#endif
