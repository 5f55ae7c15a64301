/* word.h - the 64 bits of a cell: what was consumed, and until when that matters.
 *
 *   63     the cell counts nothing: 0x8f in 63..56 is a claim, it is being taken (table.c); any
 *          other word is retired, its 63 other bits go on in another file (state_carry.c)
 *   62     0: GCRA                 59..0   monotonic nsec from which the bucket is empty
 *             61 moved, 60 done: the definition gave way to a newer one (rate.h, `earlier`)
 *             60 without 61: a value that was used once (once.h); 59..0 wall usec until when
 *          1: counted; 61..60 say what is counted:
 *   00     fixed window            59..32  its end, monotonic seconds      31..0  count
 *   01     sliding window          59..32  end of the window after this one, monotonic seconds
 *                                  31..16  count of the window before      15..0  of this one
 *   10     quota                   59..32  end of the period, wall minutes since 1970
 *                                  31..0   count
 *   11     requests under way      59..44  how many                        43..0  last operation
 *
 * A cell is idle, and another caller's to take, from the time that it names on; one of requests
 * under way when there are none and the last operation is over (slots.h).  Times of 28 bits are
 * compared modulo 2^28, so that no uptime makes them wrong. Threads and processes: pure functions.
 */
#ifndef APISEC_WORD_H
#define APISEC_WORD_H

#include <stdbool.h>
#include <stdint.h>

#define APS_WORD_CLAIM ((uint64_t)0x8f << 56)
#define APS_WORD_RETIRED ((uint64_t)1 << 63)
#define APS_WORD_COUNTED ((uint64_t)1 << 62)

/* Of a GCRA word. */
#define APS_WORD_MOVED ((uint64_t)1 << 61)
#define APS_WORD_DONE ((uint64_t)1 << 60)
#define APS_WORD_UNTIL_MAX (((uint64_t)1 << 60) - 1)

/* No requests are under way, and nothing is left of the last one. */
#define APS_WORD_NOBODY ((uint64_t)7 << 60)

/* Times of counted words. */
#define APS_WORD_AT_MAX (((uint64_t)1 << 28) - 1)

/* What a sliding window counts at most. */
#define APS_WORD_SLIDING_MAX 65535u

enum aps_word_kind {
    APS_WORD_GCRA,
    APS_WORD_FIXED,
    APS_WORD_SLIDING,
    APS_WORD_QUOTA,
    APS_WORD_INFLIGHT,
    APS_WORD_ONCE,
};

static inline bool aps_word_is_claim(uint64_t word)
{
    return word >> 56 == APS_WORD_CLAIM >> 56;
}

/* Of a word that is no claim: no bucket is full for so long that it looks like one, which is 34
 * years after boot. */
static inline bool aps_word_is_retired(uint64_t word)
{
    return (word & APS_WORD_RETIRED) != 0 && !aps_word_is_claim(word);
}

/* Of a word that is no claim, retired or not. */
static inline enum aps_word_kind aps_word_kind(uint64_t word)
{
    if ((word & APS_WORD_COUNTED) == 0)
        return (word & (APS_WORD_MOVED | APS_WORD_DONE)) == APS_WORD_DONE ? APS_WORD_ONCE
                                                                          : APS_WORD_GCRA;
    return (enum aps_word_kind)(APS_WORD_FIXED + (word >> 60 & 3));
}

/* The counted kind `kind`, at a time of which the low 28 bits are kept, with its low half. */
static inline uint64_t aps_word_counted(enum aps_word_kind kind, uint64_t at, uint32_t low)
{
    return APS_WORD_COUNTED | (uint64_t)(kind - APS_WORD_FIXED) << 60 |
           (at & APS_WORD_AT_MAX) << 32 | low;
}

/* The count of a fixed window or a quota; the two counts of a sliding window. */
static inline uint32_t aps_word_low(uint64_t word)
{
    return (uint32_t)word;
}

/* How far its time lies ahead of `time`, modulo 2^28; what is past lies far ahead. */
static inline uint64_t aps_word_ahead(uint64_t word, uint64_t time)
{
    return ((word >> 32) - time) & APS_WORD_AT_MAX;
}

/* Requests under way. */
static inline uint32_t aps_word_under_way(uint64_t word)
{
    return (uint32_t)(word >> 44 & 0xffff);
}

/* A value that was used, to be known until `usec` of the wall clock. */
static inline uint64_t aps_word_once(uint64_t usec)
{
    return APS_WORD_DONE | (usec & APS_WORD_UNTIL_MAX);
}

/* When a GCRA bucket is empty, or a value that was used is forgotten; marks left out. */
static inline uint64_t aps_word_until(uint64_t word)
{
    return word & APS_WORD_UNTIL_MAX;
}

#endif
