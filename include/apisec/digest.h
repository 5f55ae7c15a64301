/* digest.h - digests (FIPS 180-4): SHA-256, else where it says so.
 *
 * Threads and processes: pure functions; a run belongs to one caller. */
#ifndef APISEC_DIGEST_H
#define APISEC_DIGEST_H

#include <stdint.h>

#include "apisec/alg.h"
#include "apisec/err.h"
#include "apisec/str.h"

#define APS_DIGEST_LEN 32
#define APS_DIGEST_MAX 64 /* SHA-512 */

/* The digest of one text.  APS_ERR_CRYPTO: `out` is untouched. */
APS_MUST_CHECK enum aps_err aps_digest_sum(struct aps_str text, uint8_t out[APS_DIGEST_LEN]);

/* The digest of what comes in parts. */
struct aps_digest_run;
/* Lives on the heap until its end. */
APS_MUST_CHECK enum aps_err aps_digest_begin(struct aps_digest_run **out);
/* A failure is kept and told by the end. */
void aps_digest_add(struct aps_digest_run *run, const void *p, size_t n);
/* Frees the run; NULL is fine.  `out` may be NULL to give up. */
APS_MUST_CHECK enum aps_err aps_digest_end(struct aps_digest_run *run, uint8_t out[APS_DIGEST_LEN]);

/* The same with another hash; APS_ALG_HASH_NONE is APS_ERR_CRYPTO.  aps_digest_end refuses to end
 * what has 48 or 64 bytes with APS_ERR_CRYPTO. */
APS_MUST_CHECK enum aps_err aps_digest_begin_hash(enum aps_alg_hash hash,
                                                  struct aps_digest_run **out);
/* As aps_digest_end; aps_alg_hash_len bytes of `out` are set. */
APS_MUST_CHECK enum aps_err aps_digest_end_hash(struct aps_digest_run *run,
                                                uint8_t out[APS_DIGEST_MAX]);

#endif
