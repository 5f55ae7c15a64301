/* mac.h - HMAC under a key that is used often (RFC 2104): with SHA-256, else where it says so.
 *
 * The key's schedule is computed once; a MAC costs the data's blocks.
 * Threads: any number of threads may use one prepared key at once, without waiting; a run belongs
 * to one caller. */
#ifndef APISEC_MAC_H
#define APISEC_MAC_H

#include <stdint.h>

#include "apisec/alg.h"
#include "apisec/err.h"
#include "apisec/str.h"

#define APS_MAC_LEN 32
#define APS_MAC_MAX 64 /* with SHA-512 */

/* A prepared key. */
struct aps_mac;

/* Borrows `key`; any length, also 0.  Lives on the heap; the caller frees.  APS_ERR_CRYPTO. */
APS_MUST_CHECK enum aps_err aps_mac_new(const void *key, size_t n, struct aps_mac **out);

/* The same with another hash; APS_ALG_HASH_NONE is APS_ERR_CRYPTO.  What has 48 or 64 bytes is
 * for aps_mac_sum_parts; the calls that fill in APS_MAC_LEN bytes refuse it with APS_ERR_CRYPTO. */
APS_MUST_CHECK enum aps_err aps_mac_new_hash(enum aps_alg_hash hash, const void *key, size_t n,
                                             struct aps_mac **out);

/* Bytes of its MACs: 32, 48 or 64. */
size_t aps_mac_len(const struct aps_mac *mac);

/* NULL is fine. */
void aps_mac_free(struct aps_mac *mac);

/* The MAC of one text.  Wiped on failure. */
APS_MUST_CHECK enum aps_err aps_mac_sum(struct aps_mac *mac, struct aps_str text,
                                        uint8_t out[APS_MAC_LEN]);

/* The MAC of what comes in pieces, with nothing between them; aps_mac_len bytes of `out` are set.
 * Wiped on failure. */
APS_MUST_CHECK enum aps_err aps_mac_sum_parts(struct aps_mac *mac, const struct aps_str *parts,
                                              size_t count, uint8_t out[APS_MAC_MAX]);

/* The MAC of many fields, each preceded by its length, so that no two lists of fields give the
 * same bytes. */
struct aps_mac_run;
APS_MUST_CHECK enum aps_err aps_mac_begin(struct aps_mac *mac, struct aps_mac_run **out);
/* A failure is kept and told by the end. */
void aps_mac_add(struct aps_mac_run *run, const void *field, size_t n);
void aps_mac_add_u64(struct aps_mac_run *run, uint64_t field);
/* Frees the run.  `out` may be NULL to give up. */
APS_MUST_CHECK enum aps_err aps_mac_end(struct aps_mac_run *run, uint8_t out[APS_MAC_LEN]);

#endif
