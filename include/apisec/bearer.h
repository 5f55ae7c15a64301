/* bearer.h - a token's text -> who calls; with the cache of what was verified before.
 *
 * A token that holds is remembered in the view (authn.h), as a verified key is: under a 128-bit
 * SipHash of its whole text with a random key of the process, mixed with the epoch of the key ring,
 * so that it is forgotten as soon as a set of keys changes or may not be used any more.  A view is
 * of one generation of the store: what was revoked, an issuer's definition, roles and plans are
 * always those in force.  It ends at exp.  What does not hold is never remembered (JWT-26).
 * No lock is held during a verify.  Threads: every call is safe from any thread. */
#ifndef APISEC_BEARER_H
#define APISEC_BEARER_H

#include "apisec/authn.h"
#include "apisec/keyring.h"

#define APS_BEARER_ID_MAX 128 /* bytes of ISSUER:SUBJECT */

/* What a token says beside what its caller's identity has.  Lives with it. */
struct aps_bearer {
    struct aps_str issuer; /* its name in the store */
    aps_nsec leeway;
    bool asked;               /* the issuer was asked about it (RFC 7662) */
    struct aps_claims claims; /* without roles and scopes */
};

/* A token that is shown. */
struct aps_bearer_shown {
    struct aps_str text;
    aps_nsec wall;
    uint64_t epoch; /* of the key ring, read for this request, 0: there is none; of an opaque token
                       the number of the answer about it */
};

/* What became of it. */
struct aps_bearer_found {
    const struct aps_identity *who; /* with OK alone; lives in the view or in the pool */
    struct aps_str id;     /* ISSUER:SUBJECT of a token whose signature is right, for the log, also
                              of one that is refused then; else empty */
    struct aps_str issuer; /* name of the issuer that it names, as far as it was found */
    bool hit;              /* it was in the cache */
};

/* What a text is that was shown where keys and tokens may be. */
enum aps_bearer_form {
    APS_BEARER_KEY,    /* a key of the store, or nothing that could be a token of its issuers */
    APS_BEARER_JWT,    /* it has dots, and the store has issuers that sign */
    APS_BEARER_OPAQUE, /* whatever else, where an issuer can be asked about it */
};

/* By its form alone, but that a text that is known to be a key is a key (imported.h). */
enum aps_bearer_form aps_bearer_form(struct aps_view *view, struct aps_str text);

/* Judge a signed token by the issuers of the view's snapshot, with keys of the snapshot or of
 * `ring` (NULL: no issuer's keys are fetched).  OK; or a verdict of token.def, and `diag` (may be
 * NULL) a sentence for administrators: as aps_jwt, and NO_KEYS, REVOKED, CLAIMS (no name that can
 * be told: not text of at most APS_BEARER_ID_MAX bytes), MAPPING (too many roles that the store
 * has), INTERNAL (also of a plan of a role that cannot be read). */
enum aps_token aps_bearer(struct aps_view *view, struct aps_keyring *ring,
                          const struct aps_bearer_shown *shown, apr_pool_t *pool,
                          struct aps_bearer_found *out, struct aps_diag *diag);

/* Whether the token was revoked, by its iss and jti or by its text: REVOKED, else OK; INTERNAL. */
enum aps_token aps_bearer_gone(struct aps_view *view, const struct aps_claims *claims,
                               struct aps_str text);

/* The identity that the claims of an issuer's answer come to.  `until`: wall, from which on it is
 * not used.  It is put into the view, under the text and the answer's number.  As above; the claims
 * were checked. */
enum aps_token aps_bearer_identity(struct aps_view *view, const struct aps_bearer *bearer,
                                   const struct aps_bearer_shown *shown, aps_nsec until,
                                   apr_pool_t *pool, struct aps_bearer_found *out,
                                   struct aps_diag *diag);

/* Who was put there before: OK or EXPIRED and *out; UNDECIDED: nobody, and *out is untouched. */
enum aps_token aps_bearer_seen(struct aps_view *view, const struct aps_bearer_shown *shown,
                               struct aps_bearer_found *out);

#endif
