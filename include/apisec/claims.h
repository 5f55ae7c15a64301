/* claims.h - what a token says of its caller (RFC 7519 4.1, RFC 9068 2.2), and whether it may.
 *
 * The claims are those of a verified token, or an issuer's answer about one (RFC 7662): who signed
 * them or said them is settled before.  Time is wall time, by parameter.
 * Threads: claims that were read belong to one caller, and nothing in them changes. */
#ifndef APISEC_CLAIMS_H
#define APISEC_CLAIMS_H

#include "apisec/claimrule.h"
#include "apisec/clock.h"
#include "apisec/digest.h"

#define APS_CLAIMS_LEEWAY_MAX (120 * APS_SEC) /* JWT-13 */
#define APS_CLAIMS_TEXT_MAX 1024              /* bytes of sub, client_id, jti, iss, acr */

/* A claim that has to be there, and, if .p is not NULL, the string that it has to be or to hold. */
struct aps_claims_need {
    const struct aps_str *path;
    size_t npath;
    struct aps_str value;
};

/* What is asked of the claims of one issuer.  A plain value that its owner fills in. */
struct aps_claims_policy {
    struct aps_str iss;              /* compared byte by byte (JWT-11) */
    const struct aps_str *audiences; /* one of them has to be in aud; at least one (JWT-12) */
    size_t naudiences;
    aps_nsec leeway;   /* both ways, 0 to APS_CLAIMS_LEEWAY_MAX */
    aps_nsec max_age;  /* from iat until now; 0: not asked; else iat is required */
    aps_nsec max_life; /* from iat, or now without one, until exp; 0: not asked */
    bool profile;      /* RFC 9068 2.2: iss, exp, aud, sub, client_id, iat and jti (JWT-15) */
    bool checks_jkt;   /* the caller checks DPoP proofs where cnf has jkt (RFC 9449 6.1) */
    bool checks_x5t;   /* the caller checks certificates where cnf has x5t#S256 (RFC 8705 3.1) */
    bool answer;       /* the claims are an issuer's answer, by which iss and exp may be missing
                          (RFC 7662 2.2) */
    bool aud_may_miss; /* and aud too: the issuer answers only about tokens for who asks */
    const struct aps_claims_need *needs; /* further claims */
    size_t nneeds;
    const struct aps_claimrule *rules; /* roles and scopes */
    size_t nrules;
};

/* What was read.  A text that is missing has .p NULL; all texts borrow the claims' reader. */
struct aps_claims {
    struct aps_str iss, sub, client_id, jti, acr;
    bool is_client; /* no user: sub is missing or is the client_id (JWT-16, RFC 9068 5) */
    aps_nsec exp, nbf, iat, auth_time; /* wall; -1: missing */
    struct aps_claimrule_list amr, roles, scopes;
    bool has_jkt, has_x5t;
    uint8_t jkt[APS_DIGEST_LEN]; /* the key of its proofs, RFC 7638 */
    uint8_t x5t[APS_DIGEST_LEN]; /* the certificate of its connection, SHA-256 */
};

/* Every check and what it came to, for who wants to see more than the first that failed. */
struct aps_claims_trace {
    struct {
        enum aps_token check;   /* the verdict if it fails */
        enum aps_token verdict; /* or APS_TOKEN_OK */
        struct aps_diag diag;
    } steps[16];
    size_t n;
};

/* Whether a policy can be used: iss and an audience, a leeway within bounds, no negative age.
 * APS_ERR_RANGE. */
APS_MUST_CHECK enum aps_err aps_claims_policy_check(const struct aps_claims_policy *policy,
                                                    struct aps_diag *diag);

/* Read `object`, which has to be a JSON object, and put all checks to it, in this order, each with
 * its own verdict: types of what is read, CLAIMS; iss, ISSUER; aud, AUDIENCE; exp, which is
 * required, EXPIRED from exp + leeway on; nbf, NOT_YET; iat, FROM_FUTURE, TOO_OLD, TOO_LONG_LIVED;
 * what is required, CLAIM_MISSING (sub or client_id always is); cnf, CONFIRMATION; roles and
 * scopes, MAPPING.  Times are JSON numbers from 0 to 2^33 seconds, with or without a fraction. *out
 * is complete only with APS_TOKEN_OK, and lives as long as `r` and `pool`.  `trace` (may be NULL)
 * gets every check, also those behind the first that fails. */
enum aps_token aps_claims(const struct aps_jsonread *r, const struct aps_jsonread_node *object,
                          const struct aps_claims_policy *policy, aps_nsec now, apr_pool_t *pool,
                          struct aps_claims *out, struct aps_claims_trace *trace,
                          struct aps_diag *diag);

/* Whether all of these scopes are among the token's, each as a whole (RFC 6750 3, JWT-21). */
bool aps_claims_has_scopes(const struct aps_claims *claims, const struct aps_str *scopes, size_t n);

/* How fresh and how strong the login has to be (RFC 9470). */
struct aps_claims_login {
    const struct aps_str *acr; /* one of these; none: not asked */
    size_t nacr;
    const struct aps_str *amr; /* all of these (RFC 8176) */
    size_t namr;
    aps_nsec max_age; /* since auth_time; 0: not asked */
};

/* APS_TOKEN_OK, or APS_TOKEN_STEP_UP: one of them does not hold or its claim is missing (JWT-25).
 */
enum aps_token aps_claims_login(const struct aps_claims *claims,
                                const struct aps_claims_login *login, aps_nsec leeway,
                                aps_nsec now);

/* Until when a verified token may be remembered: exp, or `ttl` from now if that is earlier
 * (JWT-26). Wall time. */
aps_nsec aps_claims_until(const struct aps_claims *claims, aps_nsec ttl, aps_nsec now);

/* By which a single token is revoked: SHA-256 over iss and jti, each with its length (JWT-20).
 * APS_ERR_CRYPTO. */
APS_MUST_CHECK enum aps_err aps_claims_id(struct aps_str iss, struct aps_str jti,
                                          uint8_t out[APS_DIGEST_LEN]);

#endif
