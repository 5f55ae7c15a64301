/* webhook.h - deliveries of webhooks, signed with a secret that sender and receiver share.
 *
 * Five schemes, each as its sender documents it:
 *   standard   Standard Webhooks 1.0: webhook-id, webhook-timestamp, webhook-signature
 *   github     X-Hub-Signature-256 over the body; neither time nor id is signed
 *   stripe     Stripe-Signature: t=, and v1= over time and body
 *   slack      X-Slack-Request-Timestamp, X-Slack-Signature: v0= over time and body
 *   hmac       a field of the administrator's choice over the body, or over time and body
 * All are HMAC with SHA-256 but for standard's v1a, Ed25519 under a public key.  What is signed is
 * the body's bytes as they came (WHK-08).  Pure: fields, body, secrets and time are the caller's,
 * and so is that a delivery is accepted once (WHK-06). Threads: any number may use one key at once;
 * a verdict belongs to one caller. */
#ifndef APISEC_WEBHOOK_H
#define APISEC_WEBHOOK_H

#include <apr_pools.h>

#include "apisec/clock.h"
#include "apisec/digest.h"
#include "apisec/str.h"

enum aps_webhook {
#define W(name, status, word, text) APS_WEBHOOK_##name,
#include "apisec/webhook.def"
#undef W
    APS_WEBHOOK_COUNT
};

/* For any value; one outside of the table is UNDECIDED. */
int aps_webhook_status(enum aps_webhook verdict);       /* of HTTP */
const char *aps_webhook_word(enum aps_webhook verdict); /* "webhook_time", for logs */
const char *aps_webhook_text(enum aps_webhook verdict); /* what is wrong, for administrators */

enum aps_webhook_scheme {
    APS_WEBHOOK_SCHEME_NONE,
    APS_WEBHOOK_SCHEME_STANDARD,
    APS_WEBHOOK_SCHEME_GITHUB,
    APS_WEBHOOK_SCHEME_STRIPE,
    APS_WEBHOOK_SCHEME_SLACK,
    APS_WEBHOOK_SCHEME_HMAC,
};

#define APS_WEBHOOK_WINDOW (300 * APS_SEC) /* the usual, on either side (WHK-05) */
#define APS_WEBHOOK_ID_MAX 256             /* bytes of an id (WHK-05) */
#define APS_WEBHOOK_SIGNATURES_MAX 16      /* in one field */

/* How one endpoint's deliveries are signed. */
struct aps_webhook_spec {
    enum aps_webhook_scheme scheme;
    aps_nsec window; /* either side of now; schemes without a time do not ask */
    /* hmac alone: */
    const char *signature_field;
    const char
        *time_field; /* NULL: only the body is signed; else the field's value, `.` and the body */
    struct aps_str prefix; /* in front of the signature, such as "sha256=" */
    bool base64;           /* the signature is in base64, not in hexadecimal digits */
};

/* "standard", "github", "stripe", "slack", "hmac"; APS_WEBHOOK_SCHEME_NONE for another. */
enum aps_webhook_scheme aps_webhook_scheme(struct aps_str name);

/* The fields that a scheme reads, in the order in which aps_webhook wants their values. */
#define APS_WEBHOOK_FIELDS 3
size_t aps_webhook_fields(const struct aps_webhook_spec *spec, const char *out[APS_WEBHOOK_FIELDS]);

/* A secret made ready. */
struct aps_webhook_key;

/* From the text that the sender shows: standard has `whsec_`, which may be missing, and base64, or
 * `whpk_` and an Ed25519 public key in base64 (WHK-01); all others take the text as it is, `whsec_`
 * included (WHK-02).  Borrows; lives on the heap, the caller frees.  APS_ERR_FORMAT, APS_ERR_RANGE
 * (1 to 1,024 bytes), APS_ERR_CRYPTO, APS_ERR_NOMEM. */
APS_MUST_CHECK enum aps_err aps_webhook_key(enum aps_webhook_scheme scheme, struct aps_str secret,
                                            struct aps_webhook_key **out, struct aps_diag *diag);

/* NULL is fine. */
void aps_webhook_key_free(struct aps_webhook_key *key);

/* Whether a secret is one to begin with: 24 bytes at least once it is decoded, and of standard at
 * most 64 (WHK-07).  APS_ERR_FORMAT, APS_ERR_RANGE. */
APS_MUST_CHECK enum aps_err aps_webhook_key_check(enum aps_webhook_scheme scheme,
                                                  struct aps_str secret, struct aps_diag *diag);

/* One delivery, as it was received. */
struct aps_webhook_delivery {
    const char *values[APS_WEBHOOK_FIELDS]; /* of aps_webhook_fields; NULL: missing */
    const struct aps_str *body;             /* its pieces, in order */
    size_t nbody;
};

/* What is known of a delivery that was accepted. */
struct aps_webhook_seen {
    size_t key;                   /* which of the keys it was signed with */
    uint8_t once[APS_DIGEST_LEN]; /* SHA-256 of what makes it one delivery: standard's id, else all
                                     that is signed.  The same under each of several secrets. */
    aps_nsec time;                /* of the delivery, wall; -1: the scheme signs none */
    aps_nsec until;               /* wall time from which it is refused anyway; -1: never */
};

/* Judge a delivery at `now` (wall time) under any of `n` secrets (WHK-07).  APS_WEBHOOK_OK: *out is
 * complete.  Else MISSING, MALFORMED, TIME, SIGNATURE or INTERNAL; `diag` (may be NULL) says more.
 */
enum aps_webhook aps_webhook(const struct aps_webhook_spec *spec,
                             struct aps_webhook_key *const *keys, size_t n,
                             const struct aps_webhook_delivery *delivery, aps_nsec now,
                             apr_pool_t *pool, struct aps_webhook_seen *out, struct aps_diag *diag);

#endif
