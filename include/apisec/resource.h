/* resource.h - what an API says of itself to clients that look for its issuers (RFC 9728).
 *
 * Threads and processes: pure functions. */
#ifndef APISEC_RESOURCE_H
#define APISEC_RESOURCE_H

#include "apisec/alg.h"
#include "apisec/err.h"
#include "apisec/json.h"

struct aps_resource {
    struct aps_str id;   /* an https URL without query and fragment; the aud of its tokens */
    struct aps_str name; /* for people; .p is NULL: none */
    const struct aps_str *issuers; /* their iss */
    size_t nissuers;
    const struct aps_str *scopes; /* that it knows */
    size_t nscopes;
    bool bearer;                   /* tokens are taken from the Authorization field */
    const enum aps_alg *dpop_algs; /* of proofs; NULL: no proofs are taken */
    size_t ndpop_algs;
    bool dpop_required;
    bool certificates; /* tokens are bound to certificates (RFC 8705) */
};

/* Whether `id` can be the identifier of a resource (RFC 9728 1.2).  APS_ERR_FORMAT. */
APS_MUST_CHECK enum aps_err aps_resource_check(struct aps_str id, struct aps_diag *diag);

/* Where its metadata lies: `/.well-known/oauth-protected-resource` between host and path of `id`
 * (RFC 9728 3.1), as a URL; from *out_path on it is the path that a server serves it by.  Lives in
 * `pool`; NULL where aps_resource_check refuses. */
const char *aps_resource_url(apr_pool_t *pool, struct aps_str id, const char **out_path);

/* The document (RFC 9728 2, 3.2): `resource` is the identifier as it is, and nothing that is empty
 * is named (JWT-24).  Lives in `pool`. */
struct aps_str aps_resource_json(apr_pool_t *pool, const struct aps_resource *resource);

#endif
