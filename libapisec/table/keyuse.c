/* keyuse.c - which master keys the processes of a running server hold: notes in the list of
 * generations (generation.h). */
#include "apisec/keyuse.h"

/* What a child's note is of: neither a store's id nor a key's, which are random. */
#define CHILD UINT64_C(0x6170732d6368696c)

/* Both are random, so that no two pairs have one number. */
static uint64_t tag_of(uint64_t store, const uint8_t id[APS_KEYUSE_ID_LEN])
{
    uint64_t tag = 0;

    for (int i = 0; i < APS_KEYUSE_ID_LEN; i++)
        tag = tag << 8 | id[i];
    return tag ^ store;
}

void aps_keyuse_server(struct aps_state *state, uint64_t store, const uint8_t id[APS_KEYUSE_ID_LEN])
{
    (void)aps_generation_note(state, tag_of(store, id), aps_state_boot(state)); /* counted where it
                                                                                 * has no row */
}

void aps_keyuse_child(struct aps_state *state)
{
    (void)aps_generation_note(state, CHILD,
                              aps_state_boot(state)); /* counted where it has no row */
}

/* ---- asking ---- */

struct look {
    const struct aps_state *state;
    uint64_t store;
    const uint8_t (*ids)[APS_KEYUSE_ID_LEN];
    size_t n, i;
    uint64_t boot;
    pid_t holder, earlier, silent, serving; /* a process of each kind; 0: none */
    bool any;                               /* a server has said that it holds some key of it */
    pid_t asked;                            /* who serves the store */
    bool has_said;
};

static void take_note(void *arg, const struct aps_generation_use *note)
{
    struct look *l = arg;

    if (note->store == CHILD) {
        if (note->generation != l->boot)
            l->earlier = note->pid;
        return;
    }
    for (size_t k = 0; k < l->n; k++)
        if (note->store == tag_of(l->store, l->ids[k]) || note->store == tag_of(0, l->ids[k])) {
            l->any = true;
            if (k == l->i)
                l->holder = note->pid;
        }
}

static void find_said(void *arg, const struct aps_generation_use *note)
{
    struct look *l = arg;

    l->has_said = l->has_said || (note->store == CHILD && note->pid == l->asked);
}

/* Who serves the store has said after which start. */
static void take_use(void *arg, const struct aps_generation_use *use)
{
    struct look *l = arg;

    l->serving = l->asked = use->pid;
    l->has_said = false;
    aps_generation_notes(l->state, find_said, l);
    if (!l->has_said)
        l->silent = use->pid;
}

enum aps_keyuse aps_keyuse_of(const struct aps_state *state, uint64_t store,
                              const uint8_t (*ids)[APS_KEYUSE_ID_LEN], size_t n, size_t i,
                              pid_t *out_pid)
{
    struct look l = {.state = state, .store = store, .ids = ids, .n = n, .i = i};

    l.boot = aps_state_boot(state);
    aps_generation_notes(state, take_note, &l);
    aps_generation_each(state, store, take_use, &l);
    *out_pid = l.holder;
    if (l.holder != 0)
        return APS_KEYUSE_SERVER;
    *out_pid = l.silent != 0 ? l.silent : l.serving;
    if (l.silent != 0 || (l.serving != 0 && !l.any))
        return APS_KEYUSE_UNKNOWN;
    *out_pid = l.earlier;
    return l.earlier != 0 ? APS_KEYUSE_EARLIER : APS_KEYUSE_NONE;
}
