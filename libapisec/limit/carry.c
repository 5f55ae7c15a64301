/* carry.c - a bucket's definition takes the place of an earlier one: what was consumed goes over.
 *
 * Called where a caller has no cell of the new definition yet.  The order of the steps is what
 * keeps a process that is killed between two of them from granting or forgetting anything:
 * 1. Freeze the earlier cell: MOVED beside its time.  From here on processes that still go by the
 *    earlier definition refuse, and the time stays as it is.
 * 2. Make the new cell, with what was consumed.
 * 3. Mark the earlier one DONE: it has nothing to give any more, and still refuses.
 * Whoever comes after a death takes up at the step that was reached.  docs/design.md, "An edit". */
#include "carry.h"

/* How many earlier definitions are asked. */
#define EARLIER_MAX 3

/* An earlier cell that is done lives so long at least, and so long after an edit one is made where
 * there is none, so that no process that goes by its definition yet begins it anew. */
#define HOLD ((uint64_t)APS_MINUTE)

/* What one definition takes `level` nsec to give back, `limit` takes so long; rounded up. */
static uint64_t convert(const struct aps_rate_limit *earlier, const struct aps_rate_limit *limit,
                        uint64_t level)
{
    unsigned __int128 nsec =
        ((unsigned __int128)level * limit->step + earlier->step - 1) / earlier->step;

    return nsec < limit->reach ? (uint64_t)nsec : limit->reach;
}

static uint64_t done_word(uint64_t until, uint64_t now)
{
    if (until < now + HOLD)
        until = now + HOLD;
    return APS_WORD_MOVED | APS_WORD_DONE | until;
}

/* What becomes of an earlier cell first: its time is kept if it has something to give. */
static uint64_t frozen_word(uint64_t word, uint64_t now)
{
    uint64_t until = aps_word_until(word);

    return until > now ? APS_WORD_MOVED | until : done_word(until, now);
}

/* Whether the cell at a spot must be frozen before it says anything for good. */
static bool is_open(const struct aps_table_spot *spot, bool edited)
{
    if (spot->place == APS_TABLE_FREE)
        return edited;
    return spot->place == APS_TABLE_CLAIMED || (spot->word & APS_WORD_MOVED) == 0;
}

/* What the frozen cell has to give: the level of its bucket. */
static uint64_t level_of(const struct aps_table_spot *spot, const struct aps_rate_limit *earlier,
                         uint64_t now)
{
    uint64_t until = aps_word_until(spot->word);

    if (spot->place != APS_TABLE_HELD || (spot->word & APS_WORD_DONE) != 0 || until <= now)
        return 0;
    return until - now < earlier->reach ? until - now : earlier->reach;
}

/* Step 1.  Returns the level of the earlier bucket, for good; 0: nothing goes over.  `out` is its
 * cell, and of use if there is a level. */
static uint64_t freeze(struct aps_state *state, const struct aps_table_who *who,
                       const struct aps_rate_limit *earlier, bool edited, struct aps_table_now now,
                       struct aps_table_spot *out)
{
    uint64_t mono = (uint64_t)now.mono;

    for (unsigned tries = 0; tries < APS_TABLE_TRIES; tries++) {
        aps_table_look(state, who, now, out);
        if (out->overflow || out->place == APS_TABLE_RETIRED ||
            aps_word_kind(out->word) != APS_WORD_GCRA)
            return 0; /* there is no place for one either, or it is damage */
        if (!is_open(out, edited) || aps_table_put(state, out, frozen_word(out->word, mono)))
            return level_of(out, earlier, mono);
    }
    return earlier->reach; /* somebody damages cells faster than they change */
}

/* Step 2.  False: there is no cell of the new definition after all, or it has given way to a newer
 * one, which asks the earlier cells itself. */
static bool make(struct aps_state *state, const struct aps_table_who *who, uint64_t level,
                 struct meter_charge *c)
{
    for (unsigned tries = 0; tries < APS_TABLE_TRIES && !c->spot.overflow; tries++) {
        if (c->spot.place == APS_TABLE_HELD)
            return (c->spot.word & APS_WORD_MOVED) == 0;
        if (aps_table_put(state, &c->spot, (uint64_t)c->now.mono + level))
            return true;
        aps_table_look(state, who, c->now, &c->spot);
    }
    return false;
}

void aps_carry_begin(const struct meter_call *call, const struct aps_rate_ask *ask,
                     struct meter_charge *c)
{
    const struct aps_rate_limit *earlier = ask->limit->earlier;
    struct aps_table_who who = aps_meter_who(ask);
    bool edited = ask->limit->edited != 0 && c->now.mono < ask->limit->edited + (aps_nsec)HOLD;
    struct aps_table_spot old[EARLIER_MAX];
    unsigned n = 0;
    uint64_t sum = 0;

    for (unsigned i = 0; earlier != NULL && i < EARLIER_MAX; i++, earlier = earlier->earlier) {
        struct aps_table_who was = {earlier->scope, ask->caller, ask->store};
        uint64_t level;

        if (earlier->kind != APS_RATE_GCRA)
            continue;
        level = freeze(call->state, &was, earlier, edited, c->now, &old[n]);
        if (old[n].place == APS_TABLE_RETIRED) {
            c->spot.place = APS_TABLE_RETIRED; /* what was consumed is not known here any more */
            return;
        }
        if (level == 0)
            continue;
        sum += convert(earlier, ask->limit, level);
        n++;
    }
    if (sum > ask->limit->reach)
        sum = ask->limit->reach;
    if (n == 0 || !make(call->state, &who, sum, c))
        return;
    for (unsigned i = 0; i < n; i++) /* or somebody did it already */
        (void)aps_table_put(call->state, &old[i],
                            done_word(aps_word_until(old[i].word), (uint64_t)c->now.mono));
}
