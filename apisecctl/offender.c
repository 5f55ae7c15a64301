/* offender.c - who was refused most: a hash table of a fixed size, open addressing. */
#include "offender.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS (2 * CTL_OFFENDERS_MAX)
#define SAMPLE 16 /* rows of which the least refused gives way */

struct ctl_offenders {
    struct ctl_offender *rows;
    uint32_t *slots; /* index of a row + 1; 0: free */
    size_t n;
    uint64_t lost;
    uint64_t dice;
};

struct ctl_offenders *ctl_offender_new(apr_pool_t *pool)
{
    struct ctl_offenders *all = apr_pcalloc(pool, sizeof *all);

    all->rows = apr_palloc(pool, CTL_OFFENDERS_MAX * sizeof *all->rows); /* touched as it fills */
    all->slots = apr_pcalloc(pool, SLOTS * sizeof *all->slots);
    return all;
}

static size_t home_of(uint32_t limit, uint64_t caller)
{
    return (size_t)((caller ^ (limit * UINT64_C(0x9e3779b97f4a7c15))) % SLOTS);
}

static bool is_row(const struct ctl_offender *row, uint32_t limit, uint64_t caller)
{
    return row->caller == caller && row->limit == limit;
}

/* The slot of a row, or the free one where it would be. */
static size_t slot_of(const struct ctl_offenders *all, uint32_t limit, uint64_t caller)
{
    size_t i = home_of(limit, caller);

    while (all->slots[i] != 0 && !is_row(&all->rows[all->slots[i] - 1], limit, caller))
        i = (i + 1) % SLOTS;
    return i;
}

/* Free a slot, and move those behind it that would not be found any more. */
static void clear_slot(struct ctl_offenders *all, size_t hole)
{
    for (size_t i = (hole + 1) % SLOTS; all->slots[i] != 0; i = (i + 1) % SLOTS) {
        const struct ctl_offender *row = &all->rows[all->slots[i] - 1];
        size_t home = home_of(row->limit, row->caller);

        if ((i - home + SLOTS) % SLOTS < (i - hole + SLOTS) % SLOTS)
            continue;
        all->slots[hole] = all->slots[i];
        hole = i;
    }
    all->slots[hole] = 0;
}

/* The least refused of a few rows, which are others each time. */
static size_t least_of_some(struct ctl_offenders *all)
{
    size_t least = 0;

    for (unsigned i = 0; i < SAMPLE; i++) {
        size_t at;

        all->dice = all->dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        at = (size_t)((all->dice >> 33) % CTL_OFFENDERS_MAX);
        if (i == 0 || all->rows[at].refused < all->rows[least].refused)
            least = at;
    }
    return least;
}

static struct ctl_offender *new_row(struct ctl_offenders *all, uint32_t limit, uint64_t caller)
{
    size_t at = all->n;
    const struct ctl_offender *old;

    if (all->n < CTL_OFFENDERS_MAX) {
        all->n++;
    } else {
        at = least_of_some(all);
        old = &all->rows[at];
        clear_slot(all, slot_of(all, old->limit, old->caller));
        all->lost++;
    }
    all->rows[at] = (struct ctl_offender){.limit = limit, .caller = caller};
    all->slots[slot_of(all, limit, caller)] = (uint32_t)at + 1;
    return &all->rows[at];
}

static struct ctl_offender *find(struct ctl_offenders *all, uint32_t limit, uint64_t caller)
{
    uint32_t at = all->slots[slot_of(all, limit, caller)];

    return at != 0 ? &all->rows[at - 1] : NULL;
}

struct ctl_offender *ctl_offender_refused(struct ctl_offenders *all, uint32_t limit,
                                          uint64_t caller, aps_nsec at)
{
    struct ctl_offender *row = find(all, limit, caller);

    if (row == NULL) {
        row = new_row(all, limit, caller);
        row->first = at;
    }
    row->refused++;
    row->last = at;
    if (row->refused_from++ == 0)
        row->run_began = at;
    if (row->refused_from > row->longest) {
        row->longest = row->refused_from;
        row->longest_lasts = at - row->run_began;
    }
    return row;
}

void ctl_offender_passed(struct ctl_offenders *all, uint32_t limit, uint64_t caller)
{
    struct ctl_offender *row = all->n != 0 ? find(all, limit, caller) : NULL;

    if (row == NULL)
        return;
    row->passed++;
    row->refused_from = 0;
}

uint64_t ctl_offender_lost(const struct ctl_offenders *all)
{
    return all->lost;
}

uint64_t ctl_offender_count(const struct ctl_offenders *all, uint32_t limit)
{
    uint64_t n = 0;

    for (size_t i = 0; i < all->n; i++)
        n += all->rows[i].limit == limit ? 1 : 0;
    return n;
}

static int compare(const void *a, const void *b)
{
    const struct ctl_offender *x = *(const struct ctl_offender *const *)a;
    const struct ctl_offender *y = *(const struct ctl_offender *const *)b;

    if (x->refused != y->refused)
        return x->refused < y->refused ? 1 : -1;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    if (x->limit != y->limit)
        return x->limit < y->limit ? -1 : 1;
    return strcmp(x->who, y->who);
}

const struct ctl_offender **ctl_offender_worst(const struct ctl_offenders *all, apr_pool_t *pool,
                                               size_t max, size_t *out_n)
{
    const struct ctl_offender **list = apr_palloc(pool, (all->n + 1) * sizeof *list);

    for (size_t i = 0; i < all->n; i++)
        list[i] = &all->rows[i];
    qsort(list, all->n, sizeof *list, compare);
    *out_n = all->n < max ? all->n : max;
    return list;
}
