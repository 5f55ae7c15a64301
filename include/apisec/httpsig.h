/* httpsig.h - HTTP Message Signatures (RFC 9421), read, judged and made.
 *
 * The caller hands in a message as it was received and gets back how far it came: a row of
 * httpsig.def.  Zero is UNDECIDED, and only OK means that something holds.
 * What is covered by a signature is printed anew from what was read, so nothing but the message's
 * own values comes from the message as it stands (2.5).
 * Memory: everything lives in the caller's pool and borrows the message.
 * Time comes as a parameter.  A `diag` (may be NULL) gets one sentence that names what was wrong.
 * Threads and processes: pure functions. */
#ifndef APISEC_HTTPSIG_H
#define APISEC_HTTPSIG_H

#include "apisec/clock.h"
#include "apisec/sf.h"
#include "apisec/verify.h"

enum aps_httpsig_fault {
#define F(name, token, text) APS_HTTPSIG_##name,
#include "apisec/httpsig.def"
#undef F
    APS_HTTPSIG_COUNT
};

/* "stale", and the sentence of the table; a value outside of it counts as UNDECIDED. */
const char *aps_httpsig_token(enum aps_httpsig_fault fault);
const char *aps_httpsig_text(enum aps_httpsig_fault fault);

/* Beyond these a signature is refused: FIELD for what is read, SIZE for the base. */
#define APS_HTTPSIG_SIGNATURES_MAX 16     /* in one message, with or without the tag */
#define APS_HTTPSIG_COMPONENTS_MAX 64     /* covered by one signature */
#define APS_HTTPSIG_PARAMS_MAX 16         /* of a signature and of each component */
#define APS_HTTPSIG_FIELD_MAX (16 * 1024) /* bytes of Signature-Input, and of Signature */
#define APS_HTTPSIG_BASE_MAX (64 * 1024)  /* bytes of the signature base */
#define APS_HTTPSIG_READ_MAX (64 * 1024)  /* bytes that `sf`, `key` and @query-param read for it */
#define APS_HTTPSIG_EXAMINED_MAX 4        /* with the tag that is asked for (SIG-08) */

/* ---- the message */

/* A header or trailer field's line, as received; a repeated field has several. */
struct aps_httpsig_line {
    struct aps_str name;  /* in any case */
    struct aps_str value; /* white space around it and obs-fold in it are allowed */
};

struct aps_httpsig_lines {
    const struct aps_httpsig_line *of;
    size_t n;
};

/* A request, or a response where `status` is not 0.  A component that needs what is empty here has
 * no value. */
struct aps_httpsig_message {
    struct aps_str method;    /* as received, case-sensitive */
    struct aps_str target;    /* the request line's; in HTTP/2, path and query */
    struct aps_str scheme;    /* of the origin as the client knows it, such as "https" (SIG-11) */
    struct aps_str authority; /* the same: host, or host:port */
    unsigned status;          /* of a response, 100 to 999 */
    struct aps_httpsig_lines fields;
    struct aps_httpsig_lines trailers;
    const struct aps_httpsig_message *request; /* a response's, for `req`; NULL: not known */
};

/* ---- signatures that a message carries */

/* One of them.  Parameters are NULL where it has none of that name (2.3); types are right. */
struct aps_httpsig {
    enum aps_httpsig_fault fault; /* OK, or why it can never be verified: PARAM, COMPONENT, TWICE */
    struct aps_str label;         /* of no meaning (7.2.5) */
    struct aps_str signature;     /* decoded */
    const struct aps_sf *input;   /* components, as items, and parameters */
    const struct aps_sf *created, *expires;         /* seconds since 1970 */
    const struct aps_sf *nonce, *alg, *keyid, *tag; /* text */
};

/* Read Signature-Input and Signature from the message's fields (4.1, 4.2): *out is an array of
 * *out_n, at least one.  ABSENT, FIELD, LABEL, NOMEM: there are none. */
enum aps_httpsig_fault aps_httpsig_read(const struct aps_httpsig_message *m, apr_pool_t *pool,
                                        const struct aps_httpsig **out, size_t *out_n,
                                        struct aps_diag *diag);

/* ---- what a route asks for */

struct aps_httpsig_policy {
    const struct aps_sf *require;      /* components that have to be covered; NULL: none */
    const struct aps_sf *require_body; /* and further ones if the message has a body */
    struct aps_str tag;                /* the signature's tag (7.2.7); empty: any or none */
    bool nonce;         /* a nonce has to be there; whether it is new, the caller asks */
    aps_nsec max_age;   /* since `created` */
    aps_nsec max_ahead; /* of `created`, for clocks that go wrong */
};

/* SIG-02, SIG-04: what is asked for where nothing else is said. */
#define APS_HTTPSIG_REQUIRE "@method @authority @path @query"
#define APS_HTTPSIG_REQUIRE_BODY "content-digest"
#define APS_HTTPSIG_MAX_AGE (300 * APS_SEC)
#define APS_HTTPSIG_MAX_AHEAD (5 * APS_SEC)

/* Components for a policy, from names between spaces, or from an inner list such as
 * ("@method" "@query-param";name="id") if the text begins with a parenthesis.  *out: the first,
 * NULL: none.  Borrows `text` as long as they are used.  APS_ERR_FORMAT, APS_ERR_RANGE: more than
 * APS_HTTPSIG_COMPONENTS_MAX; APS_ERR_NOMEM. */
APS_MUST_CHECK enum aps_err aps_httpsig_components(struct aps_str text, apr_pool_t *pool,
                                                   struct aps_sf **out, struct aps_diag *diag);

/* When a message is judged, and what is known of it by then. */
struct aps_httpsig_at {
    aps_nsec now; /* wall time */
    bool has_body;
};

/* Whether one signature of a message has what the policy asks for, its tag aside (3.2.1): OK,
 * sig->fault, UNCOVERED, CREATED, EARLY, STALE, EXPIRED or NONCE.
 * A component is covered by itself, and by what says at least as much: a field by itself with `bs`,
 * a field with `sf` or `key` by the field in any form but another `key`, @query-param by @query,
 * these two and @path by @request-target, all of them, @scheme and @authority by @target-uri.
 * At `expires` a signature has expired. */
enum aps_httpsig_fault aps_httpsig_check(const struct aps_httpsig *sig,
                                         const struct aps_httpsig_policy *policy,
                                         const struct aps_httpsig_at *at, struct aps_diag *diag);

/* ---- the signature base */

/* The value of one component: an item as Signature-Input has it (2.1, 2.2).  OK: it is appended to
 * `to`; else nothing is: COMPONENT, MISSING, VALUE, SIZE (`to` is full), NOMEM.
 * `sf`: the type of a field need not be known; it is enough that all types that its value can be
 * read as give the same text, else VALUE.  Uses `pool`. */
enum aps_httpsig_fault aps_httpsig_base_value(const struct aps_httpsig_message *m,
                                              const struct aps_sf *id, apr_pool_t *pool,
                                              struct aps_buf *to, struct aps_diag *diag);

/* The text that is signed (2.5).  OK, sig->fault, or as above. */
enum aps_httpsig_fault aps_httpsig_base(const struct aps_httpsig_message *m,
                                        const struct aps_httpsig *sig, apr_pool_t *pool,
                                        struct aps_str *out, struct aps_diag *diag);

/* ---- verification */

/* Whether one signature is that of the message under this key (3.2, 3.3): OK, ALG, WRONG, CRYPTO,
 * or as aps_httpsig_base.  The key's algorithm has to be one of the registry's, and the signature's
 * `alg`, if there is one, the same (SIG-03).  Says nothing of what the signature covers or when it
 * was made. */
enum aps_httpsig_fault aps_httpsig_verify(const struct aps_httpsig_message *m,
                                          const struct aps_httpsig *sig,
                                          const struct aps_verify_key *key, apr_pool_t *pool,
                                          struct aps_diag *diag);

/* The key of this id, borrowed until all is judged; NULL: there is none. */
typedef const struct aps_verify_key *aps_httpsig_key_fn(void *context, struct aps_str keyid);

/* All of it: of the signatures that have the policy's tag, find the one that has what the policy
 * asks for and holds under its key.  OK: *out is that signature, whose keyid says who it is, and
 * whose nonce the caller may still have to spend.  Labels and the order of signatures change
 * nothing, and further signatures that fail do not matter (7.2.5, 7.2.6).  Where none holds, the
 * fault is that of the one that came furthest.  SEVERAL: two hold, and each would be a credential
 * of its own. */
enum aps_httpsig_fault
aps_httpsig_find(const struct aps_httpsig_message *m, const struct aps_httpsig_policy *policy,
                 const struct aps_httpsig_at *at, aps_httpsig_key_fn *find_key, void *context,
                 apr_pool_t *pool, const struct aps_httpsig **out, struct aps_diag *diag);

/* ---- making one */

/* What the signature says of itself; a text that is empty and a time of 0 are left out. */
struct aps_httpsig_params {
    int64_t created, expires; /* seconds since 1970 */
    struct aps_str nonce, alg, keyid, tag;
};

/* A signature over these components, without its bytes, for aps_httpsig_base (3.1).  Keeps
 * `components` and the texts.  OK, COMPONENT, TWICE, NOMEM; or PARAM: a text or time that no
 * structured field can say. */
enum aps_httpsig_fault aps_httpsig_make(struct aps_sf *components,
                                        const struct aps_httpsig_params *params, apr_pool_t *pool,
                                        struct aps_httpsig *out, struct aps_diag *diag);

/* Append the values of both fields for a signature whose label and bytes are set (4.1, 4.2).
 * As aps_sf_print. */
APS_MUST_CHECK enum aps_err aps_httpsig_make_fields(const struct aps_httpsig *sig,
                                                    struct aps_buf *to_input,
                                                    struct aps_buf *to_signature,
                                                    struct aps_diag *diag);

#endif
