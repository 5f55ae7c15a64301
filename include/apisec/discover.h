/* discover.h - where an issuer's keys are, as it says itself, and the keys (RFC 8414, OpenID
 * Connect Discovery 1.0 4, RFC 7517 5).
 *
 * The document is asked for below the host of the iss and nowhere else, has to name that iss byte
 * by byte, and may send to keys on that host or on one that the administrator named (JWT-17).
 * Threads: as fetch.h. */
#ifndef APISEC_DISCOVER_H
#define APISEC_DISCOVER_H

#include "apisec/fetch.h"
#include "apisec/issuer.h"

/* The two places of the document: `/.well-known/oauth-authorization-server` between host and path
 * of the iss (RFC 8414 3.1), and its path with `/.well-known/openid-configuration` behind it.  Both
 * live in `pool`.  APS_ERR_FORMAT: the iss is no URL, or has a query. */
#define APS_DISCOVER_PLACES 2
APS_MUST_CHECK enum aps_err aps_discover_places(struct aps_str iss, apr_pool_t *pool,
                                                struct aps_str out[APS_DISCOVER_PLACES],
                                                struct aps_diag *diag);

/* The jwks_uri of a document, in `pool`.  APS_ERR_FORMAT: it is none; APS_ERR_CONFLICT: it is of
 * another issuer; APS_ERR_UNSAFE: the keys would be on a host that was not named, or not by https.
 */
APS_MUST_CHECK enum aps_err aps_discover_read(struct aps_str body, const struct aps_issuer *issuer,
                                              apr_pool_t *pool, struct aps_str *out_jwks,
                                              struct aps_diag *diag);

/* Told of each document that was asked for. */
struct aps_discover_step {
    const char *what; /* "metadata" or "keys" */
    struct aps_str url;
    enum aps_err err;
    const char *why;     /* a sentence, where err is not APS_OK */
    const char *address; /* that answered; "" */
};
typedef void (*aps_discover_step_fn)(void *arg, const struct aps_discover_step *step);

/* Fetch the set of an issuer whose source is URL or DISCOVER, and read it as aps_issuer_jwks says
 * of those that are fetched.  `base` has what the issuer does not say (link, stop, times); `step`
 * may be NULL.  *out and *out_text, the set as it came, live in `pool`.  What fetch.h, jwks.h and
 * the above say; APS_ERR_CHECK: an answer of another status than 200, or not of JSON. */
APS_MUST_CHECK enum aps_err aps_discover_keys(const struct aps_issuer *issuer,
                                              const struct aps_fetch_options *base,
                                              apr_pool_t *pool, struct aps_jwks *out,
                                              struct aps_str *out_text, aps_discover_step_fn step,
                                              void *arg, struct aps_diag *diag);

#endif
