/* plain.h - copy text and see, for all copies at once, whether any of it needs an escape.
 *
 * Nothing is decided on the way: what was seen is gathered and asked for once, at the end. */
#ifndef APISEC_PLAIN_H
#define APISEC_PLAIN_H

#include <stdint.h>

#include "apisec/str.h"

typedef uint8_t plain_bytes __attribute__((vector_size(16)));
typedef uint64_t plain_halves __attribute__((vector_size(16)));

/* A lane gets its high bit from DEL and what is not ASCII, from controls and '"' (which the
 * exclusive or puts right above the controls), and from '\'. */
static inline void plain_see(plain_bytes *seen, plain_bytes x)
{
    *seen |= x | (x + 1) | ((x ^ 2) - 0x21) | (plain_bytes)(x == '\\');
}

/* Whether all that was seen goes into a JSON string as it is. */
static inline bool plain_is_all(plain_bytes seen)
{
    plain_halves h = (plain_halves)seen;

    return ((h[0] | h[1]) & 0x8080808080808080u) == 0;
}

/* Both ends of a short text at once; in the middle they overlap. */
static inline plain_bytes plain_copy_short(char *to, struct aps_str s)
{
    uint64_t head = 0x2020202020202020u, tail = head;
    uint32_t head4, tail4;

    if (s.n >= 8) {
        memcpy(&head, s.p, 8);
        memcpy(&tail, s.p + s.n - 8, 8);
        memcpy(to, &head, 8);
        memcpy(to + s.n - 8, &tail, 8);
    } else if (s.n >= 4) {
        memcpy(&head4, s.p, 4);
        memcpy(&tail4, s.p + s.n - 4, 4);
        memcpy(to, &head4, 4);
        memcpy(to + s.n - 4, &tail4, 4);
        head = (uint64_t)head4 << 32 | tail4;
    } else if (s.n != 0) {
        to[0] = s.p[0];
        to[s.n / 2] = s.p[s.n / 2];
        to[s.n - 1] = s.p[s.n - 1];
        head = head << 24 | (uint64_t)(uint8_t)s.p[0] << 16 | (uint64_t)(uint8_t)s.p[s.n / 2] << 8 |
               (uint8_t)s.p[s.n - 1];
    }
    return (plain_bytes)(plain_halves){head, tail};
}

/* Copy, add to what was seen, return the end.  `to` has room for s.n bytes. */
static inline char *plain_copy(char *to, struct aps_str s, plain_bytes *seen)
{
    plain_bytes x;

    if (s.n < sizeof x) {
        plain_see(seen, plain_copy_short(to, s));
        return to + s.n;
    }
    for (size_t i = 0; i + sizeof x < s.n; i += sizeof x) {
        memcpy(&x, s.p + i, sizeof x);
        memcpy(to + i, &x, sizeof x);
        plain_see(seen, x);
    }
    memcpy(&x, s.p + s.n - sizeof x, sizeof x);
    memcpy(to + s.n - sizeof x, &x, sizeof x);
    plain_see(seen, x);
    return to + s.n;
}

#endif
