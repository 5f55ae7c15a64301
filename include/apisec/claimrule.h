/* claimrule.h - which roles and scopes the claims of a token come to: rules that an administrator
 * declared, and nothing else.
 *
 * A rule looks at one claim.  A string there is one value; an array of strings is several; for a
 * scope a string is split at spaces (RFC 8693 4.2, RFC 6749 3.3).  Any other type refuses the
 * token: a claim that somebody declared and that is not understood is no reason to go on. Threads
 * and processes: pure functions. */
#ifndef APISEC_CLAIMRULE_H
#define APISEC_CLAIMRULE_H

#include "apisec/jsonread.h"
#include "apisec/token.h"

#define APS_CLAIMRULE_PATH_MAX 8   /* members within each other */
#define APS_CLAIMRULE_ROLES_MAX 64 /* of one token */
#define APS_CLAIMRULE_SCOPES_MAX 256
#define APS_CLAIMRULE_SCOPE_LEN 256 /* bytes of one scope */

enum aps_claimrule_kind {
    APS_CLAIMRULE_ROLE,
    APS_CLAIMRULE_SCOPE,
};

struct aps_claimrule {
    const struct aps_str *path; /* names of members, from the outermost */
    size_t npath;
    enum aps_claimrule_kind kind;
    struct aps_str value; /* only this one; .p is NULL: each */
    struct aps_str to; /* the role or scope that it gives; .p is NULL: the value itself, where it is
                          a name (aps_str_is_name) or a scope-token */
};

/* `scope` as RFC 9068 2.2.3 and RFC 8693 4.2 have it: each word is a scope. */
extern const struct aps_claimrule aps_claimrule_scope;

/* A claim as people write it: its name, or with a leading `/` a JSON Pointer (RFC 6901):
 * "groups", "/realm_access/roles", "/https:~1~1example.com~1roles".  Lives in `pool`.  At most
 * APS_CLAIMRULE_PATH_MAX names, none empty; APS_ERR_FORMAT. */
APS_MUST_CHECK enum aps_err aps_claimrule_path(apr_pool_t *pool, struct aps_str text,
                                               const struct aps_str **out_path, size_t *out_n,
                                               struct aps_diag *diag);

/* The value there; NULL if one of the members is missing or an outer one is no object. */
const struct aps_jsonread_node *aps_claimrule_find(const struct aps_jsonread *r,
                                                   const struct aps_jsonread_node *claims,
                                                   const struct aps_str *path, size_t n);

/* What rules give, each once, in the order in which they were found. */
struct aps_claimrule_list {
    struct aps_str *items;
    size_t n;
};

/* Add what all rules of `kind` give.  APS_TOKEN_OK; APS_TOKEN_CLAIMS: a type, or a text that is no
 * scope-token; APS_TOKEN_MAPPING: more than the cap.  The items borrow claims and rules; the list
 * lives in `pool`. */
enum aps_token aps_claimrule_apply(const struct aps_claimrule *rules, size_t n,
                                   enum aps_claimrule_kind kind, const struct aps_jsonread *r,
                                   const struct aps_jsonread_node *claims, apr_pool_t *pool,
                                   struct aps_claimrule_list *out, struct aps_diag *diag);

#endif
