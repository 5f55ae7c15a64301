/* lastuse_impl.h - a row of last uses: its words, and what the last use was; only for table/.
 *
 * The word of a row: 63..32 first use in seconds, 31..0 last use in hours, both since 1970. */
#ifndef APISEC_TABLE_LASTUSE_IMPL_H
#define APISEC_TABLE_LASTUSE_IMPL_H

#include "apisec/lastuse.h"
#include "layout.h"

#define LASTUSE_HOUR ((uint64_t)3600)

static inline uint64_t lastuse_word(uint64_t first, uint64_t hour)
{
    return first << 32 | (hour & UINT32_MAX);
}

static inline uint64_t lastuse_first(uint64_t word)
{
    return word >> 32;
}

static inline uint64_t lastuse_hour(uint64_t word)
{
    return word & UINT32_MAX;
}

/* Seconds since 1970, which fit 32 bits until 2106. */
static inline uint64_t lastuse_seconds(aps_nsec wall)
{
    int64_t seconds = wall / APS_SEC;

    if (seconds < 0)
        return 0;
    return seconds < UINT32_MAX ? (uint64_t)seconds : UINT32_MAX;
}

/* What lies further ahead than the clocks of two processors can is of a wrong clock, or damage. */
static inline bool lastuse_is_first(uint64_t first, uint64_t now)
{
    return first != 0 && first <= now + LASTUSE_HOUR;
}

static inline bool lastuse_is_possible(uint64_t word, uint64_t now)
{
    return lastuse_is_first(lastuse_first(word), now) &&
           lastuse_hour(word) <= now / LASTUSE_HOUR + 1;
}

/* `word` after a use at `now`.  Of two processes whose clocks differ a little the earlier first and
 * the later last count. */
static inline uint64_t lastuse_used_at(uint64_t word, uint64_t now)
{
    uint64_t first =
        lastuse_first(word) != 0 && lastuse_first(word) < now ? lastuse_first(word) : now;
    uint64_t hour = lastuse_hour(word);

    if (hour < now / LASTUSE_HOUR || hour > now / LASTUSE_HOUR + 1)
        hour = now / LASTUSE_HOUR;
    return lastuse_word(first, hour);
}

/* What two words of one secret come to. */
static inline uint64_t lastuse_joined(uint64_t a, uint64_t b, uint64_t now)
{
    uint64_t first = lastuse_first(a) < lastuse_first(b) ? lastuse_first(a) : lastuse_first(b);

    if (!lastuse_is_possible(a, now) || !lastuse_is_possible(b, now))
        return lastuse_is_possible(a, now) ? a : b;
    return lastuse_word(first,
                        lastuse_hour(a) > lastuse_hour(b) ? lastuse_hour(a) : lastuse_hour(b));
}

/* ---- lastuse_row.c ---- */

/* A whole row, with what `note` says. */
struct layout_use aps_lastuse_row_describe(const uint8_t key[16], struct layout_pair used,
                                           const struct aps_lastuse_note *note);
/* Write what the last use was, word by word: whoever reads between them finds it torn. */
void aps_lastuse_row_write(struct layout_use *row, const struct layout_use *from);
/* What the row says of its last use, if it is whole. */
void aps_lastuse_row_read(const uint8_t key[16], const struct layout_use *row,
                          struct aps_lastuse *out);

#endif
