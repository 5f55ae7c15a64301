/* hook.h - an endpoint for webhooks as a store holds it: whose deliveries, and how they are signed.
 *
 * Its secrets lie beside it, sealed, under aps_hook_secret.
 * Threads: one that was read may be used by any number, and nothing in it changes. */
#ifndef APISEC_HOOK_H
#define APISEC_HOOK_H

#include "apisec/json.h"
#include "apisec/webhook.h"

#define APS_HOOK_MAX 1000 /* endpoints of one store */
#define APS_HOOK_WINDOW_MAX (24 * APS_HOUR)
#define APS_HOOK_FIELD_MAX 64  /* bytes of a field's name */
#define APS_HOOK_PREFIX_MAX 32 /* bytes in front of a signature */

struct aps_hook {
    struct aps_str name;
    struct aps_webhook_spec spec;
    struct aps_str
        secret_name;     /* of a secret of the store that is this one's; empty: it has its own */
    aps_nsec created_at; /* wall; the store's to set */
};

/* Whether it can be used: its name, a scheme, a window of a second to APS_HOOK_WINDOW_MAX, and of
 * hmac fields that are names of fields.  APS_ERR_FORMAT or RANGE. */
APS_MUST_CHECK enum aps_err aps_hook_check(const struct aps_hook *hook, struct aps_diag *diag);

/* Its canonical text, and the same members into an object that the caller has begun. */
void aps_hook_members(struct aps_json *w, const struct aps_hook *hook);
struct aps_str aps_hook_print(apr_pool_t *pool, const struct aps_hook *hook);

/* Read that text; *out lives in `pool`, its name is the caller's to set.  APS_ERR_CORRUPT. */
APS_MUST_CHECK enum aps_err aps_hook_read(struct aps_str record, apr_pool_t *pool,
                                          struct aps_hook *out, struct aps_diag *diag);

/* "standard", "github", ...; "none". */
const char *aps_hook_scheme(enum aps_webhook_scheme scheme);

/* The name of its secrets in the store; lives in `pool`, or is the hook's. */
struct aps_str aps_hook_secret(apr_pool_t *pool, const struct aps_hook *hook);

#endif
