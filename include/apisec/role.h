/* role.h - roles, their grants, and what a set of roles may do.
 *
 * A grant is `METHODS PATH-PATTERN` ("GET,HEAD /orders/{*}{*}" without the braces) or a permission
 * (`orders:read`, `orders:*`, `*:*`).  METHODS is a comma list of GET HEAD POST PUT PATCH DELETE
 * OPTIONS, or `*` for all of them; GET covers HEAD.  A role has grants and denials of its own and
 * those of the roles that it inherits from; a denial wins over any grant of any role, whatever
 * the order of entry (AZ-05).
 * Threads and processes: a role book is read-only once it is sealed. */
#ifndef APISEC_ROLE_H
#define APISEC_ROLE_H

#include <apr_pools.h>
#include <stdint.h>

#include "apisec/err.h"
#include "apisec/pattern.h"
#include "apisec/reason.h"
#include "apisec/str.h"

/* One bit for each method that can be granted. */
enum aps_method {
    APS_METHOD_NONE = 0, /* unknown; nothing grants it */
    APS_METHOD_GET = 1 << 0,
    APS_METHOD_HEAD = 1 << 1,
    APS_METHOD_POST = 1 << 2,
    APS_METHOD_PUT = 1 << 3,
    APS_METHOD_PATCH = 1 << 4,
    APS_METHOD_DELETE = 1 << 5,
    APS_METHOD_OPTIONS = 1 << 6,
    APS_METHOD_ALL = (1 << 7) - 1,
};

/* Case-sensitive (RFC 9110 9.1); APS_METHOD_NONE if it is none of the seven. */
enum aps_method aps_method_parse(struct aps_str text);

/* "GET, HEAD, POST" for an Allow field, in the order above.  Returns `out`. */
#define APS_METHODS_TEXT_MAX 64
char *aps_methods_print(unsigned methods, char out[APS_METHODS_TEXT_MAX]);

#define APS_GRANT_TEXT_MAX (APS_PATTERN_MAX + 64)

struct aps_grant {
    bool deny;
    unsigned methods;                  /* bits; 0: this is a permission */
    const struct aps_pattern *pattern; /* of a path grant, else NULL */
    struct aps_str resource;           /* of a permission; "*" is any */
    struct aps_str action;
    struct aps_str text; /* canonical: methods sorted, one space */
};

/* Lives in `pool`; copies.  APS_ERR_FORMAT names the word that is wrong and what is accepted. */
APS_MUST_CHECK enum aps_err aps_grant_parse(apr_pool_t *pool, struct aps_str text, bool deny,
                                            struct aps_grant *out, struct aps_diag *diag);

/* A set of roles with everything resolved. */
struct aps_rolebook;
/* One role with the grants that it has in the end, its own and inherited. */
struct aps_role;

struct aps_rolebook *aps_rolebook_new(apr_pool_t *pool);
/* Add a role, a grant of it, a parent of it.  Texts are copied.  Grants and parents may name
 * roles that are added later. */
void aps_rolebook_add(struct aps_rolebook *book, struct aps_str name);
APS_MUST_CHECK enum aps_err aps_rolebook_grant(struct aps_rolebook *book, struct aps_str role,
                                               struct aps_str text, bool deny,
                                               struct aps_diag *diag);
void aps_rolebook_inherit(struct aps_rolebook *book, struct aps_str role, struct aps_str parent);
/* Resolve inheritance.  APS_ERR_CORRUPT: a cycle, named in `diag` as "a > b > a"; or a parent
 * that is not there. */
APS_MUST_CHECK enum aps_err aps_rolebook_seal(struct aps_rolebook *book, struct aps_diag *diag);

/* The role of this name, or NULL.  Borrowed: valid as long as the book. */
const struct aps_role *aps_rolebook_find(const struct aps_rolebook *book, struct aps_str name);
/* The roles of a sealed book, in order of name; 0, or NULL beyond the last. */
size_t aps_rolebook_count(const struct aps_rolebook *book);
const struct aps_role *aps_rolebook_at(const struct aps_rolebook *book, size_t i);
struct aps_str aps_role_name(const struct aps_role *role);
/* Its grants, flattened: denials first, each in canonical order, no duplicates. */
const struct aps_grant *aps_role_grants(const struct aps_role *role, size_t *out_n);
/* The role, its own or an ancestor, that entry `i` of aps_role_grants comes from. */
struct aps_str aps_role_grant_origin(const struct aps_role *role, size_t i);

/* A decision and what it rests on; `grant` and `role` are NULL where no entry matched. */
struct aps_access {
    enum aps_reason reason;        /* ALLOW, GRANT_DENIED, GRANT_MISSING or METHOD_NOT_GRANTED */
    const struct aps_grant *grant; /* borrowed from the book */
    const struct aps_role *role;
    unsigned allow; /* METHOD_NOT_GRANTED: the methods that some role is granted */
};

/* May a caller with these roles use `method` on `path` (normalised, see path.h)?  A denial of any
 * of the roles wins.  METHOD_NOT_GRANTED where no role of the whole book is granted the method on
 * the path but some role is granted another one (AZ-02). */
struct aps_access aps_access_path(const struct aps_rolebook *book,
                                  const struct aps_role *const *roles, size_t nroles,
                                  enum aps_method method, struct aps_str path);

/* May a caller with these roles do `permission` ("orders:read")?  ALLOW, GRANT_DENIED or
 * PERMISSION_MISSING. */
struct aps_access aps_access_permission(const struct aps_role *const *roles, size_t nroles,
                                        struct aps_str permission);

/* NEG-03: was the decision for `asked` also one for `served`, the path after rewriting and
 * proxying?  ALLOW when the served path falls under no entry of any role of the book that did not
 * cover the asked path too, or when the caller is allowed there; else PATH_CHANGED. */
enum aps_reason aps_access_served(const struct aps_rolebook *book,
                                  const struct aps_role *const *roles, size_t nroles,
                                  enum aps_method method, struct aps_str asked,
                                  struct aps_str served);

#endif
