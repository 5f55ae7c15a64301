/* issuer.h - an issuer of tokens as a store holds it: whose tokens are taken, with which keys, and
 * what they come to.
 *
 * The definition is one JSON object in its canonical form, the record; keys of a static issuer lie
 * beside it as the text of a set.  It embeds what jwt.h judges by.
 * Threads: an issuer that was read may be used by any number, and nothing in it changes. */
#ifndef APISEC_ISSUER_H
#define APISEC_ISSUER_H

#include "apisec/json.h"
#include "apisec/jwt.h"
#include "apisec/url.h"

#define APS_ISSUER_MAX 64           /* issuers of one store */
#define APS_ISSUER_LIST_MAX 32      /* audiences, algorithms, rules, needs, hosts: of each */
#define APS_ISSUER_RECORD_MAX 65536 /* bytes */

/* Where the keys come from. */
enum aps_issuer_source {
    APS_ISSUER_STATIC,   /* from the store */
    APS_ISSUER_URL,      /* fetched from jwks_url */
    APS_ISSUER_DISCOVER, /* fetched from the jwks_uri of its metadata (RFC 8414, OpenID) */
    APS_ISSUER_NONE,     /* it has none: its tokens are opaque */
};

struct aps_issuer {
    struct aps_str name;       /* as administrators call it; the first half of its callers' ids */
    uint64_t edition;          /* a number that no other definition of the store ever had */
    struct aps_jwt_issuer jwt; /* keys: those of the store, or NULL, for whoever fetches them */
    enum aps_issuer_source source;
    struct aps_str jwks_url;     /* of APS_ISSUER_URL; else .p is NULL */
    const struct aps_str *hosts; /* further hosts that a discovered jwks_uri may have, beside the
                                    issuer's own */
    size_t nhosts;
    struct aps_str introspect; /* URL of RFC 7662; .p is NULL: it does not answer about tokens */
    struct aps_str client_id;  /* which asks there; its secret is aps_issuer_secret's */
    struct aps_jwks_life life;
    aps_nsec answer_ttl; /* how long an answer about a token is remembered at most */
    bool private_net;    /* its hosts may have addresses of loopback and private networks */
    bool insecure_http;  /* its URLs may be http, on loopback */
    struct aps_str ca;   /* PEM file of the authorities that its hosts are verified by; .p is NULL:
                            those of the system */
};

/* What holds where nothing else is said: ttl, stale, interval, leeway, the time of answers, and for
 * `source` no keys.  The rest is zero. */
void aps_issuer_defaults(struct aps_issuer *issuer);

/* Whether the definition can be used, each fault with the value and what is accepted: the name, the
 * iss, what aps_jwt_issuer_check says, roles that are names, https URLs (http where insecure_http
 * and the host is loopback), sizes and times.  APS_ERR_FORMAT or RANGE. */
APS_MUST_CHECK enum aps_err aps_issuer_check(const struct aps_issuer *issuer,
                                             struct aps_diag *diag);

/* What is asked of its answers about a token: what is asked of its tokens, but for what RFC 9068
 * asks of a JWT alone.  Borrows. */
struct aps_claims_policy aps_issuer_answers(const struct aps_issuer *issuer);

/* Whether its algorithms are those of secrets, so that its keys have to be kept as one. */
bool aps_issuer_is_secret(const struct aps_issuer *issuer);

/* How its keys are read: those of the store, or those that were `fetched`, among which a secret is
 * none (JWT-18).  Borrows the issuer. */
struct aps_jwks_options aps_issuer_jwks(const struct aps_issuer *issuer, bool fetched);

/* Names of its secrets in the store, in `pool`: of the client that asks about tokens, and of the
 * set of keys where those are secrets. */
struct aps_str aps_issuer_secret(apr_pool_t *pool, struct aps_str name);
struct aps_str aps_issuer_secret_keys(apr_pool_t *pool, struct aps_str name);

/* "static", "url", "discover", "none". */
const char *aps_issuer_source_name(enum aps_issuer_source source);

#endif
