/* recipient.h - who a backup is for: X25519 key pairs (RFC 7748), and a key that is wrapped for
 * one.
 *
 * Whoever has the public key can wrap, and only who has the private key can unwrap.
 * Threads and processes: safe anywhere. */
#ifndef APISEC_RECIPIENT_H
#define APISEC_RECIPIENT_H

#include <stdint.h>

#include "apisec/aead.h"
#include "apisec/err.h"
#include "apisec/secret.h"
#include "apisec/str.h"

#define APS_RECIPIENT_LEN 32
#define APS_RECIPIENT_WRAPPED_LEN (APS_AEAD_KEY_LEN + APS_AEAD_TAG_LEN)
#define APS_RECIPIENT_PEM_MAX (16 * 1024)

/* The public half. */
struct aps_recipient {
    uint8_t public_key[APS_RECIPIENT_LEN];
};

/* Both halves; the caller wipes. */
struct aps_recipient_own {
    struct aps_secret key;
    uint8_t public_key[APS_RECIPIENT_LEN];
};

/* A key as it was wrapped for one recipient. */
struct aps_recipient_box {
    uint8_t to[APS_RECIPIENT_LEN];        /* whose it is */
    uint8_t ephemeral[APS_RECIPIENT_LEN]; /* public half of a key pair that nobody has any more */
    uint8_t wrapped[APS_RECIPIENT_WRAPPED_LEN];
};

/* From one PEM block, as openssl pkey -pubout writes it.  APS_ERR_FORMAT. */
APS_MUST_CHECK enum aps_err aps_recipient_pem(struct aps_str pem, struct aps_recipient *out,
                                              struct aps_diag *diag);

/* From one PEM block that is not encrypted, as openssl genpkey -algorithm X25519 makes it.
 * APS_ERR_FORMAT. */
APS_MUST_CHECK enum aps_err aps_recipient_own_pem(struct aps_str pem, struct aps_recipient_own *out,
                                                  struct aps_diag *diag);
/* An empty one is fine. */
void aps_recipient_own_wipe(struct aps_recipient_own *id);

/* Wrap `key` for `to`.  APS_ERR_CRYPTO. */
APS_MUST_CHECK enum aps_err aps_recipient_wrap(const struct aps_recipient *to,
                                               const uint8_t key[APS_AEAD_KEY_LEN],
                                               struct aps_recipient_box *out);

/* The key of a box that is of this identity; APS_ERR_CRYPTO for any other, and for one that was
 * changed. */
APS_MUST_CHECK enum aps_err aps_recipient_unwrap(const struct aps_recipient_own *id,
                                                 const struct aps_recipient_box *box,
                                                 uint8_t out[APS_AEAD_KEY_LEN]);

#endif
