/* t_slots.h - callers of a limit on requests under way, and the cells that count them. */
#ifndef APISEC_T_SLOTS_H
#define APISEC_T_SLOTS_H

#include "../../libapisec/table/slots_impl.h"

static inline struct aps_table_now t_slots_at(aps_nsec mono)
{
    return (struct aps_table_now){mono, mono};
}

static inline struct aps_slots_ask t_slots_ask(const struct aps_state *of, uint64_t caller,
                                               uint32_t max)
{
    uint64_t scope = aps_table_scope(APS_TABLE_RATE, 1, APS_STR_LIT("slots"));

    return (struct aps_slots_ask){{scope, aps_table_caller(of, &caller, sizeof caller), 1}, max};
}

static inline uint64_t t_slots_tag(const struct aps_state *of, const struct aps_slots_ask *ask)
{
    return aps_table_tag(of, ask->who.scope, ask->who.caller);
}

/* The eight cells of a tag. */
static inline struct layout_pair *t_slots_place(const struct aps_state *of, uint64_t tag,
                                                unsigned i)
{
    uint64_t set = (i < 4 ? tag : tag >> 32) & of->set_mask;

    if (i >= 4 && set == (tag & of->set_mask))
        set ^= 1;
    return &of->cells[set * LAYOUT_WAYS + i % 4];
}

/* The one that counts, or NULL. */
static inline struct layout_pair *t_slots_cell(const struct aps_state *of, uint64_t tag)
{
    for (unsigned i = 0; i < 8; i++)
        if (t_slots_place(of, tag, i)->a == tag && t_slots_place(of, tag, i)->b >> 63 == 0)
            return t_slots_place(of, tag, i);
    return NULL;
}

/* What it says; idle if there is none. */
static inline uint64_t t_slots_word(const struct aps_state *of, uint64_t tag)
{
    struct layout_pair *cell = t_slots_cell(of, tag);

    return cell != NULL ? cell->b : APS_WORD_NOBODY;
}

static inline uint64_t t_slots_shared(const struct aps_state *of, uint64_t tag)
{
    return of->slots.head->shared[tag >> 52] | APS_WORD_NOBODY;
}

#endif
