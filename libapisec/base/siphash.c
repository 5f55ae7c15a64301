/* siphash.c - SipHash-1-3, after Aumasson and Bernstein. */
#include "apisec/siphash.h"

/* Rounds for each word and at the end; the test makes 2 and 4 of them, since the published
 * vectors are of those. */
#ifndef SIPHASH_WORD_ROUNDS
#define SIPHASH_WORD_ROUNDS 1
#define SIPHASH_END_ROUNDS 3
#endif

static inline uint64_t load(const char *p)
{
    uint64_t x;

    memcpy(&x, p, sizeof x); /* of this machine's order: the result never leaves the process */
    return x;
}

static inline uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static inline void round_of(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

static inline void take(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    for (int i = 0; i < SIPHASH_WORD_ROUNDS; i++)
        round_of(v);
    v[0] ^= word;
}

static inline uint64_t finish(uint64_t v[4])
{
    for (int i = 0; i < SIPHASH_END_ROUNDS; i++)
        round_of(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* The bytes behind the last whole word, and the length in the top byte. */
static inline uint64_t last_word(struct aps_str text)
{
    const size_t rest = text.n & 7;
    uint64_t word = (uint64_t)text.n << 56;

    if (rest == 0)
        return word;
    if (text.n > 8) /* the last eight bytes, less those that were taken */
        return word | load(text.p + text.n - 8) >> (64 - 8 * rest);
    for (size_t i = 0; i < rest; i++)
        word |= (uint64_t)(unsigned char)text.p[text.n - rest + i] << (8 * i);
    return word;
}

static inline void start(uint64_t v[4], const unsigned char *key)
{
    const uint64_t k0 = load((const char *)key), k1 = load((const char *)key + 8);

    v[0] = k0 ^ 0x736f6d6570736575u;
    v[1] = k1 ^ 0x646f72616e646f6du;
    v[2] = k0 ^ 0x6c7967656e657261u;
    v[3] = k1 ^ 0x7465646279746573u;
}

static inline void take_all(uint64_t v[4], struct aps_str text)
{
    for (size_t i = 0; i + 8 <= text.n; i += 8)
        take(v, load(text.p + i));
    take(v, last_word(text));
}

struct aps_siphash aps_siphash_128(struct aps_str text,
                                   const unsigned char key[APS_SIPHASH_KEY_LEN])
{
    uint64_t v[4];
    struct aps_siphash hash;

    start(v, key);
    v[1] ^= 0xee;
    take_all(v, text);
    v[2] ^= 0xee;
    hash.low = finish(v);
    v[1] ^= 0xdd;
    hash.high = finish(v);
    return hash;
}

uint64_t aps_siphash_64(struct aps_str text, const unsigned char key[APS_SIPHASH_KEY_LEN])
{
    uint64_t v[4];

    start(v, key);
    take_all(v, text);
    v[2] ^= 0xff;
    return finish(v);
}
