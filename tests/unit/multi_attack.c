/* multi_attack.c - two processes in which strangers flood a table while known callers go on. */
#include "t_attack.h"

/* All the strangers of a run, on a table that a sixteenth of them fills. */
static const struct attack buckets = {
    .entries = 4096,
    .strangers = 96000,
    .pace = 10000,
    .rate = {60, APS_MINUTE},
    .burst = 10,
    .callers = 320,
};
static const struct attack windows = {
    .entries = 4096,
    .strangers = 96000,
    .pace = 10000,
    .rate = {60, APS_MINUTE},
    .burst = 60,
    .windows = true,
    .callers = 320,
};

static unsigned failures;

static void expect(bool is_so, const char *what, uint64_t got)
{
    if (is_so)
        return;
    failures++;
    printf("FAILED: %s: %llu\n", what, (unsigned long long)got);
}

static void check(const struct attack *a, const char *name)
{
    struct attack_sum sum;
    unsigned before = failures;

    attack_run(a, &sum);
    /* The flood is one: most strangers found no place, and idle cells were used again. */
    expect(sum.admitted < a->strangers / 2, "strangers admitted", sum.admitted);
    expect(sum.admitted >= a->entries, "strangers admitted", sum.admitted);
    expect(sum.greedy > 0, "strangers who went on", sum.greedy);
    for (unsigned s = 0; s < 2; s++) {
        expect(sum.told[s].asked > 100, "requests of known callers", sum.told[s].asked);
        expect(sum.told[s].lost == 0, "cells of known callers lost", sum.told[s].lost);
    }
    /* Who has a cell has no more than his limit and what the shared one gives all together. */
    expect(sum.beyond <= sum.shared, "admitted beyond the limit", sum.beyond);
    expect(sum.told[0].refused * 4 > sum.told[0].due, "refused in the flooded store",
           sum.told[0].refused);
    expect(sum.told[1].refused * 20 < sum.told[1].due, "refused in the other store",
           sum.told[1].refused);
    printf("%s: refused %llu of %llu, in the other store %llu of %llu\n", name,
           (unsigned long long)sum.told[0].refused, (unsigned long long)sum.told[0].due,
           (unsigned long long)sum.told[1].refused, (unsigned long long)sum.told[1].due);
    if (failures == before)
        printf("ok: %s under a flood\n", name);
}

/* LIM-13, LIM-14: nobody loses what he has consumed, a full table is no way to more than a limit
 * gives, and one store's flood does not close the other's limits. */
int main(void)
{
    if (apr_initialize() != APR_SUCCESS)
        return 1;
    check(&buckets, "buckets");
    check(&windows, "windows");
    apr_terminate();
    return failures == 0 ? 0 : 1;
}
