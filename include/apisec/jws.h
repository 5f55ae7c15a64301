/* jws.h - a signed text in its compact form (RFC 7515 3.1, 7.1), read and then verified.
 *
 * Nothing else is a token: no JSON serialisation, no five parts of JWE (JWT-01).  Reading decides
 * nothing about who signed; of what was read only alg, kid and typ, and by jwt.h iss, are used
 * before the signature is verified, to choose the key (JWT-10).  Whatever the header says, keys
 * come from the caller (JWT-06). Threads: a text that was read belongs to one caller. */
#ifndef APISEC_JWS_H
#define APISEC_JWS_H

#include "apisec/jwks.h"
#include "apisec/token.h"

#define APS_JWS_MAX (16 * 1024)       /* bytes of all three parts and the dots */
#define APS_JWS_HEADER_MAX (4 * 1024) /* bytes of the decoded header */

struct aps_jws {
    struct aps_str signed_text; /* header, dot and payload, as they came */
    struct aps_str payload;     /* decoded; may be empty */
    struct aps_str signature;   /* decoded */
    enum aps_alg alg;           /* APS_ALG_NONE: a name that is not known, "none" among them */
    struct aps_str alg_name;    /* as it is written */
    struct aps_str kid;         /* .p is NULL where there is none */
    struct aps_str typ;         /* .p is NULL where there is none */
    bool brings_key;            /* it has jwk, jku, x5u or x5c */
    struct aps_jsonread header; /* for other members: root is the object */
};

/* Read a token: exactly two dots, a header and a signature that are not empty, base64url in its one
 * spelling; the header a JSON object under strict rules of at most APS_JWS_HEADER_MAX bytes and
 * depth 4, with a string `alg`, a string `typ` and `kid` if any, the latter of at most
 * APS_JWK_KID_MAX bytes; no `crit` and no `b64`, as no extension is understood (RFC 7515 4.1.11,
 * RFC 7797, JWT-07). Borrows `token`, which has to stay; *out lives in `pool` and is complete only
 * if the answer is APS_TOKEN_OK.  Else TOO_LONG, MALFORMED, HEADER or CRITICAL; `diag` (may be
 * NULL) says more. */
enum aps_token aps_jws_read(struct aps_str token, const unsigned char hash_key[APS_SIPHASH_KEY_LEN],
                            apr_pool_t *pool, struct aps_jws *out, struct aps_diag *diag);

/* Verify what was read with the one key of the set that its kid and alg mean.  APS_TOKEN_OK: *out
 * (may be NULL) is that key.  Else KEY_INSIDE, ALG (a name that is not known), KEY_UNKNOWN,
 * KEY_AMBIGUOUS, KEY_ALG, SIGNATURE, or INTERNAL, if nobody could tell. */
enum aps_token aps_jws_verify(const struct aps_jws *jws, const struct aps_jwks *set,
                              const struct aps_jwk **out, struct aps_diag *diag);

#endif
