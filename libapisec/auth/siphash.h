/* siphash.h - SipHash-1-3 with 128 bits of result.
 *
 * It finds a text in a process's own memory, under a random key that never leaves it; nobody sees
 * a result.  So the one round for each word that hash tables use is enough, and this is the
 * dearest step on the way of a key that was seen before.  APR has the one of 64 bits with two
 * rounds, which would be needed twice and cost five times as much. */
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
