/* t_reserve.h - the places that a store has to itself when the table is full. */
#ifndef APISEC_T_RESERVE_H
#define APISEC_T_RESERVE_H

#include "../../libapisec/table/layout.h"

/* How many callers of one store have a cell there. */
#define T_RESERVE_OF_STORE (LAYOUT_RESERVE_SETS * LAYOUT_WAYS)

static inline struct layout_pair *t_reserve(struct aps_state *of)
{
    return of->overflow + LAYOUT_SHARED_OVERFLOW;
}

/* Nobody finds a place there before `word` is idle. */
static inline void t_reserve_fill(struct aps_state *of, uint64_t word)
{
    for (uint64_t i = 0; i < LAYOUT_RESERVE; i++)
        t_reserve(of)[i] = (struct layout_pair){1, word};
}

#endif
