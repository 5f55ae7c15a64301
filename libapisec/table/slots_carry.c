/* slots_carry.c - requests under way when the state goes on in another file.
 *
 * They end where they began: their processes have the old file, and say there that they are over.
 * In the new one a row says who they are, and the shared word of the tag counts them, which every
 * take of the caller looks at.  Nobody gives such a row back but a sweep, once its process has
 * ended.  So a caller may be refused until then, and is never let in beyond his limit. */
#include "owner.h"
#include "slots_impl.h"
#include "state_carry.h"

struct slots_carry {
    struct aps_state *to;
    uint64_t n;              /* rows of `to` that are taken */
    struct layout_pair last; /* the owner that was examined last */
    bool is_alive;           /* what came of it */
    struct aps_state_carried *out;
};

static bool is_alive(struct slots_carry *c, struct layout_pair owner)
{
    if (!slots_pair_eq(c->last, owner)) { /* rows of one process lie near each other */
        c->is_alive = aps_owner_is_alive(owner);
        c->last = owner;
    }
    return c->is_alive;
}

static void carry_one(struct slots_carry *c, struct layout_pair owner, struct layout_pair use)
{
    bool is_shared = (use.b & SLOTS_SHARED) != 0;
    uint64_t index = is_shared ? use.a : slots_shared_of(use.a);
    uint64_t *word, count;

    if (index >= LAYOUT_SHARED || c->n >= c->to->slots.count) {
        c->out->lost++;
        return;
    }
    word = &c->to->slots.head->shared[index];
    count = aps_word_under_way(APS_WORD_NOBODY | *word);
    if (count >= APS_SLOTS_MAX)
        return; /* it lets nobody in as it is */
    c->to->slots.rows[c->n].owner = owner;
    c->to->slots.rows[c->n++].use =
        (struct layout_pair){index, slots_in_state(SLOTS_SHARED | 1, SLOTS_HELD)};
    *word = slots_word(count + 1, 0);
    c->out->cells++;
}

void aps_slots_carry(const struct aps_state *from, struct aps_state *to,
                     struct aps_state_carried *out)
{
    struct slots_carry c = {.to = to, .out = out};

    for (uint64_t i = 0; i < from->slots.count; i++) {
        const struct layout_slot *row = &from->slots.rows[i];
        struct layout_pair owner = slots_owner(row), use;

        if (owner.a == 0 && owner.b == 0)
            continue;
        /* What changes all the time, or is on its way in, may be counted. */
        if (slots_read_use(row, &use) && slots_state(use.b) != SLOTS_INTENT &&
            slots_state(use.b) != SLOTS_HELD)
            continue;
        if (is_alive(&c, owner))
            carry_one(&c, owner, use);
    }
}
