/* aead.h - AES-256-GCM, the primitive alone; seal.h is what the store uses.
 *
 * Nonces are 12 bytes and tags 16, nothing else (SEC-04).
 * Threads and processes: safe anywhere. */
#ifndef APISEC_AEAD_H
#define APISEC_AEAD_H

#include <stdint.h>

#include "apisec/err.h"
#include "apisec/str.h"

#define APS_AEAD_KEY_LEN 32
#define APS_AEAD_NONCE_LEN 12
#define APS_AEAD_TAG_LEN 16

/* Encrypt `plain` into `out_cipher` (plain.n bytes) and `out_tag`.  APS_ERR_CRYPTO. */
APS_MUST_CHECK enum aps_err aps_aead_encrypt(const uint8_t key[APS_AEAD_KEY_LEN],
                                             const uint8_t nonce[APS_AEAD_NONCE_LEN],
                                             struct aps_str aad, struct aps_str plain,
                                             uint8_t *out_cipher,
                                             uint8_t out_tag[APS_AEAD_TAG_LEN]);

/* The reverse; `out_plain` has room for cipher.n bytes and is wiped unless the tag is right:
 * APS_ERR_CRYPTO, whatever is wrong. */
APS_MUST_CHECK enum aps_err aps_aead_decrypt(const uint8_t key[APS_AEAD_KEY_LEN],
                                             const uint8_t nonce[APS_AEAD_NONCE_LEN],
                                             struct aps_str aad, struct aps_str cipher,
                                             const uint8_t tag[APS_AEAD_TAG_LEN],
                                             uint8_t *out_plain);

#endif
