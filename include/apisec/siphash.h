/* siphash.h - SipHash-1-3, with 64 or 128 bits of result.
 *
 * It finds things in memory under a random key that nobody outside has: a caller's cell in the
 * shared table, a text in a process's cache.  Nobody sees a result, so the one round for each word
 * that hash tables use is enough.  APR has SipHash-2-4 with 64 bits: twice the cost, and two of
 * them for 128 bits.  Results differ between byte orders.
 * Threads and processes: pure functions. */
#ifndef APISEC_SIPHASH_H
#define APISEC_SIPHASH_H

#include <stdint.h>

#include "apisec/str.h"

#define APS_SIPHASH_KEY_LEN 16

struct aps_siphash {
    uint64_t low, high;
};

struct aps_siphash aps_siphash_128(struct aps_str text,
                                   const unsigned char key[APS_SIPHASH_KEY_LEN]);
uint64_t aps_siphash_64(struct aps_str text, const unsigned char key[APS_SIPHASH_KEY_LEN]);

#endif
