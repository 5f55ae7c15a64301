/* digestfield.h - what Content-Digest and Repr-Digest say, and whether it is so (RFC 9530).
 *
 * Both fields have one form; which bytes they are about is the caller's to know: Content-Digest,
 * the content of this very message as it was received, before any decoding (2); Repr-Digest, the
 * whole representation, which is the same bytes unless the message carries a part of it (3, 3.1).
 * Only sha-256 and sha-512 count, and every one of those that is present has to match; all else is
 * passed over: md5, sha, unixsum, unixcksum, adler and crc32c protect nobody (5, 6.6, SIG-07).
 * Threads and processes: pure functions; a run belongs to one caller. */
#ifndef APISEC_DIGESTFIELD_H
#define APISEC_DIGESTFIELD_H

#include <apr_pools.h>

#include "apisec/buf.h"
#include "apisec/digest.h"
#include "apisec/err.h"

/* What a field says.  A zeroed one says nothing, and nothing matches it. */
struct aps_digestfield {
    bool has_sha256, has_sha512;
    uint8_t sha256[32];
    uint8_t sha512[64];
};

/* Read a field value, lines of one name joined with ", ".  Uses `pool`; keeps nothing.
 * APS_ERR_FORMAT: no dictionary, or a sha-256 or sha-512 that is no byte sequence of its length;
 * APS_ERR_RANGE: beyond aps_sf_wide; APS_ERR_NOT_FOUND: a dictionary with neither of the two.
 * `diag` may be NULL. */
APS_MUST_CHECK enum aps_err aps_digestfield_read(struct aps_str field, apr_pool_t *pool,
                                                 struct aps_digestfield *out,
                                                 struct aps_diag *diag);

/* The comparison with content that comes in pieces. */
struct aps_digestfield_run;
/* Keeps nothing of `want`; lives on the heap until its end.  APS_ERR_CRYPTO, APS_ERR_NOMEM. */
APS_MUST_CHECK enum aps_err aps_digestfield_begin(const struct aps_digestfield *want,
                                                  struct aps_digestfield_run **out);
/* A failure is kept and told by the end. */
void aps_digestfield_add(struct aps_digestfield_run *run, const void *p, size_t n);
/* Frees the run; APS_OK: the content is what the field says; APS_ERR_CHECK: it is not, or the field
 * said nothing; APS_ERR_CRYPTO: nobody could tell.  NULL is APS_ERR_CHECK. */
APS_MUST_CHECK enum aps_err aps_digestfield_end(struct aps_digestfield_run *run);

/* All of it for content in one piece. */
APS_MUST_CHECK enum aps_err aps_digestfield_check(const struct aps_digestfield *want,
                                                  struct aps_str content);

/* Append the field value for this content: "sha-256=:...:" or "sha-512=:...:".  APS_ERR_RANGE:
 * another hash; APS_ERR_CRYPTO; APS_ERR_NOMEM: `to` is full. */
APS_MUST_CHECK enum aps_err aps_digestfield_print(enum aps_alg_hash hash, struct aps_str content,
                                                  struct aps_buf *to);

/* Which of the two the sender of Want-Content-Digest or Want-Repr-Digest would like best (4): the
 * one of the highest preference, sha-256 where they are alike, APS_ALG_HASH_NONE if neither is
 * acceptable or named.  APS_ERR_FORMAT: no dictionary, or one of the two with a preference that is
 * no integer from 0 to 10; such a field is to be ignored.  APS_ERR_RANGE, APS_ERR_NOMEM as above.
 */
APS_MUST_CHECK enum aps_err aps_digestfield_wanted(struct aps_str field, apr_pool_t *pool,
                                                   enum aps_alg_hash *out, struct aps_diag *diag);

#endif
