/* excerpt.c - what a state file says of a few callers. */
#include "apisec/excerpt.h"

#include <string.h>

#include "apisec/table.h"
#include "layout.h"
#include "state_memory.h"

#define READ_TRIES 16

/* The most that lies side by side for one tag: a set of leases. */
#define SET_MAX (LAYOUT_WAYS * sizeof(struct layout_lease))

static enum aps_err cut_short(struct aps_diag *diag)
{
    aps_err_explain(diag, "the state file became shorter while it was read");
    return APS_ERR_IO;
}

/* Copy bytes as they are at one moment: read again until nothing changes. */
static bool copy_set(const struct aps_state *reader, uint64_t at, void *to, size_t n)
{
    uint8_t again[SET_MAX];

    if (!aps_layout_read_at(reader->fd, to, n, at))
        return false;
    for (unsigned tries = 0; tries < READ_TRIES; tries++) {
        if (!aps_layout_read_at(reader->fd, again, n, at))
            return false;
        if (memcmp(again, to, n) == 0)
            return true;
        memcpy(to, again, n);
    }
    return true; /* somebody changes it all the time: as it was last seen */
}

enum aps_err aps_excerpt_open(apr_pool_t *pool, const struct aps_state *reader,
                              struct aps_state **out, struct aps_diag *diag)
{
    struct layout_head head = *reader->head;
    struct layout_head sizes = aps_layout_head(reader->info.entries, reader->info.uses);
    struct aps_state *state = NULL;
    enum aps_err err;

    /* The reader's copy was checked, and every size comes from its own numbers. */
    memcpy(&head, &sizes, offsetof(struct layout_head, metrics));
    if (reader->info.is_stale)
        aps_layout_boot_id(head.boot_id);
    if ((err = aps_state_with_head(pool, &head, &state)) != APS_OK)
        return err;
    state->info.is_stale = reader->info.is_stale;
    if (!reader->info.is_stale) {
        memcpy(state->overflow, reader->overflow, LAYOUT_OVERFLOW * sizeof *state->overflow);
        if (!aps_layout_read_at(reader->fd, state->slots.head, sizeof *state->slots.head,
                                reader->slots.at)) {
            aps_state_close(state);
            return cut_short(diag);
        }
    }
    *out = state;
    return APS_OK;
}

/* The two sets of a tag, among so many. */
static uint64_t set_of(uint64_t tag, uint64_t sets, unsigned which)
{
    uint64_t first = tag & (sets - 1);
    uint64_t second = tag >> 32 & (sets - 1);

    if (which == 0)
        return first;
    return second == first ? second ^ 1 : second;
}

static bool copy_cells(struct aps_state *excerpt, const struct aps_state *reader, uint64_t tag,
                       unsigned which)
{
    uint64_t set = set_of(tag, reader->info.entries / LAYOUT_WAYS, which);
    size_t n = LAYOUT_WAYS * sizeof(struct layout_pair);

    return copy_set(reader, layout_at_cells(reader->info.entries) + set * n,
                    excerpt->cells + set * LAYOUT_WAYS, n);
}

static bool copy_leases(struct aps_state *excerpt, const struct aps_state *reader, uint64_t tag,
                        unsigned which)
{
    uint64_t set = set_of(tag, reader->leases.count / LAYOUT_WAYS, which);
    size_t n = LAYOUT_WAYS * sizeof(struct layout_lease);

    return copy_set(reader, reader->leases.at + sizeof(struct layout_leases_head) + set * n,
                    excerpt->leases.rows + set * LAYOUT_WAYS, n);
}

enum aps_err aps_excerpt_add(struct aps_state *excerpt, const struct aps_state *reader,
                             uint64_t scope, uint64_t caller, struct aps_diag *diag)
{
    uint64_t tag = aps_table_tag(excerpt, scope, caller);

    for (unsigned which = 0; which < 2; which++) {
        if (!reader->info.is_stale && !copy_cells(excerpt, reader, tag, which))
            return cut_short(diag);
        if (!copy_leases(excerpt, reader, tag, which))
            return cut_short(diag);
    }
    return APS_OK;
}
