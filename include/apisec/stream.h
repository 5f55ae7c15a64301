/* stream.h - a long text, encrypted and authenticated in one pass and in little memory.
 *
 *   [ head | chunk | chunk | ... | last chunk ]
 *   head:  magic 8 | format 1 | locks 1 | store id 16 | generation 8 | time 8 | one lock or more
 *   lock:  1 | recipient 32 | ephemeral key 32 | wrapped key 48        X25519 (recipient.h)
 *          2 | log2 N 4 | r 4 | p 4 | salt 16 | wrapped key 48         scrypt of a passphrase
 *   chunk: 64 KiB by AES-256-GCM, and its tag 16; the last one may be shorter, and is not empty
 *          unless it is the only one
 * Numbers are big-endian.  Every lock holds the same random key; what encrypts is derived from that
 * and the SHA-256 of the whole head, so that no bit of it can be changed.  A nonce is the chunk's
 * number and whether it is the last: chunks that were swapped, dropped or appended do not open, nor
 * does a stream that was cut (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizar).
 * Nothing is handed out that was not authenticated, but only the end says that it was all.
 * Threads and processes: a stream belongs to one caller. */
#ifndef APISEC_STREAM_H
#define APISEC_STREAM_H

#include "apisec/clock.h"
#include "apisec/kdf.h"
#include "apisec/recipient.h"

#define APS_STREAM_CHUNK 65536
#define APS_STREAM_LOCKS_MAX 16
#define APS_STREAM_ID_LEN 16

/* What anybody may know of the text. */
struct aps_stream_about {
    uint8_t store_id[APS_STREAM_ID_LEN];
    uint64_t generation;
    aps_nsec made_at; /* wall */
};

/* ---- Writing ---- */

/* Who can open it: recipients, 1 to APS_STREAM_LOCKS_MAX, or a passphrase where there are none. */
struct aps_stream_for {
    const struct aps_recipient *to;
    size_t n;
    struct aps_str passphrase;
};

typedef enum aps_err (*aps_stream_put_fn)(void *arg, const void *p, size_t n);

struct aps_stream_writer;

/* Writes the head.  Lives on the heap, the caller frees.  What `put` fails with is returned, here
 * and below. */
APS_MUST_CHECK enum aps_err aps_stream_new(const struct aps_stream_about *about,
                                           const struct aps_stream_for *whom, aps_stream_put_fn put,
                                           void *arg, struct aps_stream_writer **out);
APS_MUST_CHECK enum aps_err aps_stream_add(struct aps_stream_writer *w, const void *p, size_t n);
/* The last chunk; nothing may be added after it. */
APS_MUST_CHECK enum aps_err aps_stream_end(struct aps_stream_writer *w);
/* NULL is fine. */
void aps_stream_free(struct aps_stream_writer *w);

/* ---- Reading ---- */

/* Up to `max` bytes; *out_n is 0 at the end only. */
typedef enum aps_err (*aps_stream_get_fn)(void *arg, void *p, size_t max, size_t *out_n);

struct aps_stream_reader;

/* Reads the head, of which nothing is believed yet.  Lives on the heap, the caller closes.
 * APS_ERR_FORMAT: it is no such stream; APS_ERR_NEWER; APS_ERR_CORRUPT; what `get` fails with. */
APS_MUST_CHECK enum aps_err aps_stream_open(aps_stream_get_fn get, void *arg,
                                            struct aps_stream_reader **out, struct aps_diag *diag);
const struct aps_stream_about *aps_stream_about(const struct aps_stream_reader *r);
/* Whether a passphrase opens it; else one of the recipients does. */
bool aps_stream_wants_passphrase(const struct aps_stream_reader *r);
/* APS_ERR_KEY: it does not open. */
APS_MUST_CHECK enum aps_err aps_stream_unlock(struct aps_stream_reader *r,
                                              struct aps_str passphrase, struct aps_diag *diag);
APS_MUST_CHECK enum aps_err aps_stream_unlock_by(struct aps_stream_reader *r,
                                                 const struct aps_recipient_own *id,
                                                 struct aps_diag *diag);
/* The next bytes of the text, up to `max`; *out_n is 0 only at its end, which was authenticated.
 * APS_ERR_CORRUPT: it was changed or cut, or there is more behind it. */
APS_MUST_CHECK enum aps_err aps_stream_read(struct aps_stream_reader *r, void *p, size_t max,
                                            size_t *out_n, struct aps_diag *diag);
/* SHA-256 of the head, APS_DIGEST_LEN bytes. */
const uint8_t *aps_stream_head_digest(const struct aps_stream_reader *r);
const uint8_t *aps_stream_writer_digest(const struct aps_stream_writer *w);
/* NULL is fine. */
void aps_stream_close(struct aps_stream_reader *r);

#endif
