/* planbook.h - every plan of a store, and which of them holds for a caller.
 *
 * A book is filled in any order once its plans are added, and sealed once.
 * Threads and processes: a book is read-only once it is sealed. */
#ifndef APISEC_PLANBOOK_H
#define APISEC_PLANBOOK_H

#include <apr_pools.h>

#include "apisec/key.h"
#include "apisec/plan.h"
#include "apisec/reason.h"
#include "apisec/table.h"

struct aps_planbook;

/* A plan as its callers are held to it.  Borrowed from the book. */
struct aps_plan {
    struct aps_str name;
    bool sound; /* it has a limit, and each could be read; else who is under it is refused */
    size_t n;
    /* In their order; each goes on with what was consumed while it said something else. */
    const struct aps_limit *const *limits;
};

/* Lives in `pool`. */
struct aps_planbook *aps_planbook_new(apr_pool_t *pool);

/* What a limit says, or said once. */
struct aps_planbook_text {
    struct aps_str text;
    uint64_t edition;    /* limit.h */
    aps_nsec changed_at; /* wall, of an earlier one: when it gave way */
    aps_nsec until;      /* wall, of an earlier one: what was consumed of it matters until then */
};

/* Add a plan; a limit of one, behind those that it has; what a limit of that name said before,
 * newest first.  Texts are copied.  What belongs to a plan that was not added is nobody's. */
void aps_planbook_add(struct aps_planbook *book, struct aps_str name);
void aps_planbook_limit(struct aps_planbook *book, struct aps_str plan, struct aps_str name,
                        const struct aps_planbook_text *text);
void aps_planbook_earlier(struct aps_planbook *book, struct aps_str plan, struct aps_str name,
                          const struct aps_planbook_text *text);

/* Attach a plan to a role; it need not be there, and then refuses the role's keys. */
void aps_planbook_attach(struct aps_planbook *book, struct aps_str role, struct aps_str plan,
                         uint32_t priority);

/* Read all limits, and make them ready to be charged (aps_limit_bind) in the store of this tag.  A
 * plan with one that cannot be read is not sound.  `now` tells which edits are recent. */
void aps_planbook_seal(struct aps_planbook *book, uint64_t store, struct aps_table_now now);

/* The plan of this name, or NULL. */
const struct aps_plan *aps_planbook_find(const struct aps_planbook *book, struct aps_str name);

enum aps_planbook_source {
    APS_PLANBOOK_NONE, /* no plan holds */
    APS_PLANBOOK_KEY,
    APS_PLANBOOK_ROLE,
    APS_PLANBOOK_SECTION,
};

/* Which plan holds.  Borrows from book, key and section. */
struct aps_planbook_choice {
    enum aps_planbook_source source;
    struct aps_str name;         /* of the plan; empty with NONE */
    struct aps_str role;         /* that it comes from, with ROLE */
    const struct aps_plan *plan; /* NULL with NONE, and where it is not there */
};

/* The plan that the key names, else that of its role with the highest priority, of equal ones the
 * first by name, else `section`, which may be empty.  ALLOW, also where none holds; PLAN_UNKNOWN:
 * the one that holds is not there or not sound.  *out is set in either case. */
enum aps_reason aps_planbook_choose(const struct aps_planbook *book, const struct aps_key *key,
                                    struct aps_str section, struct aps_planbook_choice *out);

/* How many limits a caller can have by plan and overrides. */
#define APS_PLANBOOK_HELD_MAX (APS_PLAN_LIMITS_MAX + APS_KEY_OVERRIDES_MAX)

/* The limits of a caller: those of the plan (NULL: none), each replaced by the override of its
 * name, then the overrides that take no limit's place.  Returns how many. */
size_t aps_planbook_lay(const struct aps_plan *plan, const struct aps_limit *const *overrides,
                        size_t n, const struct aps_limit *out[APS_PLANBOOK_HELD_MAX]);

#endif
