/* bytes16.h - sixteen bytes at a time, by the vector types of gcc and clang. */
#ifndef BASE_BYTES16_H
#define BASE_BYTES16_H

#include <stdint.h>
#include <string.h>

typedef uint8_t bytes16 __attribute__((vector_size(16)));
typedef uint64_t halves16 __attribute__((vector_size(16)));

static inline bytes16 bytes16_load(const char *p)
{
    bytes16 x;

    memcpy(&x, p, sizeof x);
    return x;
}

/* A bit for each lane, the first lowest, of lanes that are all ones or all zeros.  x86-64 has an
 * instruction for it; elsewhere the compiler finds its own way. */
#ifdef __SSE2__
static inline uint32_t bytes16_mask(bytes16 x)
{
    typedef char chars16 __attribute__((vector_size(16)));

    return (uint32_t)__builtin_ia32_pmovmskb128((chars16)x);
}
#else
static inline uint32_t bytes16_mask(bytes16 x)
{
    uint32_t mask = 0;

    for (unsigned i = 0; i < sizeof x; i++)
        mask |= (uint32_t)(x[i] & 1) << i;
    return mask;
}
#endif

/* The number of the first lane of a mask that is not 0. */
static inline unsigned bytes16_first(uint32_t mask)
{
    return (unsigned)__builtin_ctz(mask);
}

/* Eight or four bytes as a number whose lowest byte is the first, on every machine. */
static inline uint64_t bytes8_load(const char *p)
{
    uint64_t x;

    memcpy(&x, p, sizeof x);
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? x : __builtin_bswap64(x);
}

static inline uint32_t bytes4_load(const char *p)
{
    uint32_t x;

    memcpy(&x, p, sizeof x);
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? x : __builtin_bswap32(x);
}

#endif
