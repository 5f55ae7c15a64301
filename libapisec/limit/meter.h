/* meter.h - what a kind of limit is made of; only for limit/.
 *
 * A kind is a file that exports one `struct meter`, and a row in meter.c.  Its functions say what
 * the word of a cell means; finding the cell, writing it, and taking back are the same for all,
 * unless a kind has calls of its own for it. */
#ifndef APISEC_LIMIT_METER_H
#define APISEC_LIMIT_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "apisec/lease.h"
#include "apisec/rate.h"
#include "apisec/table.h"

/* What all asks of one call share. */
struct meter_call {
    struct aps_state *state;
    aps_rate_clock_fn clock;
};

/* What a cell says of one ask. */
struct meter_verdict {
    uint64_t base;  /* the cell's word without the ask, as it is worth at the charge's `now` */
    uint64_t next;  /* with it; only if `wait` is 0 */
    uint64_t wait;  /* nsec until it would be admitted; 0: it is */
    uint64_t delay; /* of what is admitted, nsec */
    bool cut;       /* the cell's word cannot be: `base` takes its place whatever is decided */
};

/* A period of the calendar, as a quota's word has it now. */
struct meter_period {
    uint64_t end;   /* wall minutes */
    uint32_t count; /* in it, by the cell or by what was leased */
    bool moved;     /* the word says another end, and it is not over */
};

/* One ask in flight. */
struct meter_charge {
    struct aps_table_now now;
    struct aps_table_spot spot;
    struct meter_verdict verdict;
    bool charged;               /* `next` is the word that the charge left in the cell */
    struct meter_period period; /* of a quota: what the cell says */
    enum aps_lease_kept kept;   /* of a quota: whether a power failure would forget the charge */
    bool no_row;                /* of requests under way: no row was free */
    struct aps_slot slot;       /* of those, once it was charged */
};

struct meter {
    /* In place of finding the cell and judging it; NULL: that. */
    void (*look)(const struct meter_call *call, const struct aps_rate_ask *ask,
                 struct meter_charge *c);
    /* What c->spot says of the ask at c->now; all of c->verdict. */
    void (*judge)(const struct aps_rate_ask *ask, struct meter_charge *c);
    /* What is left where the cell has this word. */
    struct aps_rate_left (*left)(const struct aps_rate_ask *ask, uint64_t word,
                                 struct aps_table_now now);
    /* The word of c->spot less what was charged, but for what has drained by `later`; false: there
     * is nothing to give back. */
    bool (*back)(const struct aps_rate_ask *ask, const struct meter_charge *c, uint64_t later,
                 uint64_t *out);
    /* No cell of the caller counts yet, and c->spot says where one could be: make one, or set
     * c->spot.word to what it has to begin with.  NULL: with nothing. */
    void (*begin)(const struct meter_call *call, const struct aps_rate_ask *ask,
                  struct meter_charge *c);
    /* After each look: find out what else is known of the caller.  NULL: nothing. */
    void (*resume)(const struct meter_call *call, const struct aps_rate_ask *ask,
                   struct meter_charge *c);
    /* Before c->verdict.next is written; false: the cell has changed.  NULL: nothing. */
    bool (*prepare)(const struct meter_call *call, const struct aps_rate_ask *ask,
                    struct meter_charge *c);
    /* In place of aps_meter_spend and aps_meter_give_back; NULL: those. */
    bool (*spend)(const struct meter_call *call, const struct aps_rate_ask *ask,
                  struct meter_charge *c);
    void (*give_back)(const struct meter_call *call, const struct aps_rate_ask *ask, uint64_t later,
                      struct meter_charge *c);
};

extern const struct meter aps_gcra_meter;
extern const struct meter aps_inflight_meter;
extern const struct meter aps_quota_meter;
extern const struct meter aps_window_fixed_meter;
extern const struct meter aps_window_sliding_meter;

/* A row for each kind, and one for kinds that nobody knows, which refuses. */
#define METER_ROWS ((unsigned)APS_RATE_INFLIGHT + 1)
extern const struct meter *const aps_meter_rows[METER_ROWS + 1];

static inline const struct meter *aps_meter_of(const struct aps_rate_limit *limit)
{
    unsigned row = (unsigned)limit->kind;

    return aps_meter_rows[row < METER_ROWS ? row : METER_ROWS];
}

/* Find the cell at `now` and judge. */
void aps_meter_look(const struct meter_call *call, const struct aps_rate_ask *ask,
                    struct aps_table_now now, struct meter_charge *c);

/* Charge what was looked at and found admissible.  If the cell changes meanwhile, the verdict may
 * turn; then nothing is charged, and it is false. */
bool aps_meter_spend(const struct meter_call *call, const struct aps_rate_ask *ask,
                     struct meter_charge *c);

/* Undo a charge at `later` (nsec, monotonic). */
void aps_meter_give_back(const struct meter_call *call, const struct aps_rate_ask *ask,
                         uint64_t later, struct meter_charge *c);

static inline struct aps_table_who aps_meter_who(const struct aps_rate_ask *ask)
{
    return (struct aps_table_who){ask->limit->scope, ask->caller, ask->store};
}

#endif
