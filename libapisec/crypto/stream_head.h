/* stream_head.h - the head of a stream: what it says, and how its key lies in it.
 *
 * Threads and processes: pure functions. */
#ifndef APISEC_CRYPTO_STREAM_HEAD_H
#define APISEC_CRYPTO_STREAM_HEAD_H

#include "apisec/stream.h"
#include "apisec/stretch.h"

enum {
    APS_STREAM_FIXED_LEN = 8 + 1 + 1 + APS_STREAM_ID_LEN + 8 + 8,
    APS_STREAM_BOX_LEN = 2 * APS_RECIPIENT_LEN + APS_RECIPIENT_WRAPPED_LEN,
    APS_STREAM_SCRYPT_LEN = 3 * 4 + APS_STRETCH_SALT_LEN + APS_RECIPIENT_WRAPPED_LEN,
    APS_STREAM_HEAD_MAX = APS_STREAM_FIXED_LEN + APS_STREAM_LOCKS_MAX * (1 + APS_STREAM_BOX_LEN),
};

enum aps_stream_lock_kind { APS_STREAM_LOCK_X25519 = 1, APS_STREAM_LOCK_SCRYPT = 2 };

struct aps_stream_head {
    struct aps_stream_about about;
    size_t nlocks;
    size_t nboxes; /* a lock is a box, or the one by passphrase */
    struct aps_recipient_box boxes[APS_STREAM_LOCKS_MAX];
    struct aps_stretch scrypt; /* where nboxes is 0: n, r and p */
    uint8_t salt[APS_STRETCH_SALT_LEN];
    uint8_t wrapped[APS_RECIPIENT_WRAPPED_LEN];
};

/* Lock `key` for those of `whom`.  APS_ERR_RANGE: nobody, or too many. */
APS_MUST_CHECK enum aps_err aps_stream_head_lock(struct aps_stream_head *head,
                                                 const struct aps_stream_for *whom,
                                                 const struct aps_secret *key);
/* By a passphrase.  APS_ERR_CRYPTO: it does not open. */
APS_MUST_CHECK enum aps_err aps_stream_head_unlock(const struct aps_stream_head *head,
                                                   struct aps_str passphrase,
                                                   struct aps_secret *out);

/* Bytes of the head in `out`; returns how many. */
size_t aps_stream_head_print(const struct aps_stream_head *head, uint8_t out[APS_STREAM_HEAD_MAX]);

/* The fixed part.  APS_ERR_FORMAT, NEWER, CORRUPT. */
APS_MUST_CHECK enum aps_err aps_stream_head_begin(const uint8_t in[APS_STREAM_FIXED_LEN],
                                                  struct aps_stream_head *out,
                                                  struct aps_diag *diag);
/* How long a lock of this kind is, without the byte that says so; 0: there is no such kind. */
size_t aps_stream_head_lock_len(uint8_t kind);
/* The next lock.  APS_ERR_CORRUPT. */
APS_MUST_CHECK enum aps_err aps_stream_head_add(struct aps_stream_head *head, uint8_t kind,
                                                const uint8_t *in, struct aps_diag *diag);

#endif
