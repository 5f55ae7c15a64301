/* table_usage.c - how many cells of the shared table say something. */
#include "apisec/table.h"
#include "layout.h"

/* Cells are read and counted in pieces of this many. */
#define USAGE_CHUNK 1024

static void count_cells(const struct layout_pair *cells, size_t n, struct aps_table_now now,
                        struct aps_table_usage *usage)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t tag = layout_load(&cells[i].a);
        uint64_t word = layout_load(&cells[i].b);

        if (tag != 0 && aps_word_is_claim(word))
            usage->claimed++;
        else if (tag != 0 && !aps_table_is_idle(word, now))
            usage->live++;
    }
}

enum aps_err aps_table_usage(const struct aps_state *state, struct aps_table_now now,
                             struct aps_table_usage *out, struct aps_diag *diag)
{
    struct aps_table_usage usage = {.entries = state->info.entries};
    uint64_t at = layout_at_cells(state->info.entries);
    struct layout_pair chunk[USAGE_CHUNK];

    if (state->cells != NULL) {
        count_cells(state->cells, state->info.entries, now, &usage);
        *out = usage;
        return APS_OK;
    }
    for (uint64_t i = 0; i < state->info.entries; i += USAGE_CHUNK) {
        if (!aps_layout_read_at(state->fd, chunk, sizeof chunk, at)) {
            aps_err_explain(diag, "the state file could not be read at byte %llu",
                            (unsigned long long)at);
            return APS_ERR_IO;
        }
        count_cells(chunk, USAGE_CHUNK, now, &usage);
        at += sizeof chunk;
    }
    *out = usage;
    return APS_OK;
}
