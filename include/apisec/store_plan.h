/* store_plan.h - plans of a store, and what single callers got beyond a limit.
 *
 * A part of store.h, whose words on ownership, threads and transactions hold here. */
#ifndef APISEC_STORE_PLAN_H
#define APISEC_STORE_PLAN_H

#include <apr_pools.h>

#include "apisec/adjust.h"
#include "apisec/err.h"
#include "apisec/planbook.h"

struct aps_store;

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

#endif
