/* siphash.h - SipHash-2-4 with 128 bits of result.
 *
 * APR has the one of 64 bits; two of those, keyed apart, cost twice as much, and this is the
 * dearest step on the way of a key that was seen before. */
#ifndef APISEC_SIPHASH_H
#define APISEC_SIPHASH_H

#include <stdint.h>

#include "apisec/str.h"

#define SIPHASH_KEY_LEN 16

struct siphash {
    uint64_t low, high;
};

struct siphash aps_siphash_128(struct aps_str text, const unsigned char key[SIPHASH_KEY_LEN]);

#endif
