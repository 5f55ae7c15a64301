/* attack.c - a flood of strangers on the shared table while known callers go on.
 * usage: attack [STRANGERS [CALLERS [ENTRIES...]]]
 *
 * One row for each size of the table and each limit; docs/performance.md says how to read them. */
#include "../unit/t_attack.h"

#define PACE 100000

static const struct {
    const char *name;
    struct aps_rate rate;
    uint32_t burst;
    bool windows;
} kinds[] = {
    {"10/s", {10, APS_SEC}, 20, false},
    {"60/m", {60, APS_MINUTE}, 10, false},
    {"600/h", {600, APS_HOUR}, 50, false},
    {"60 in 60 s", {60, APS_MINUTE}, 60, true},
};

static double percent(uint64_t part, uint64_t of)
{
    return of == 0 ? 0 : 100.0 * (double)part / (double)of;
}

static void print_row(const struct attack *a, const char *name, const struct attack_sum *sum)
{
    printf("| %llu | %s | %.1f | %llu | %llu | %llu | %.2f | %.2f | %llu | %.0f |\n",
           (unsigned long long)a->entries, name, percent(sum->admitted, a->strangers),
           (unsigned long long)(sum->told[0].lost + sum->told[1].lost),
           (unsigned long long)(sum->told[0].beyond + sum->told[1].beyond),
           (unsigned long long)sum->beyond, percent(sum->told[0].refused, sum->told[0].due),
           percent(sum->told[1].refused, sum->told[1].due), (unsigned long long)sum->reused,
           (double)sum->cpu / (double)sum->decisions);
    (void)fflush(stdout);
}

static bool run_size(struct attack *a)
{
    bool exact = true;

    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        struct attack_sum sum;

        a->rate = kinds[k].rate;
        a->burst = kinds[k].burst;
        a->windows = kinds[k].windows;
        attack_run(a, &sum);
        print_row(a, kinds[k].name, &sum);
        for (unsigned s = 0; s < 2; s++)
            exact = exact && sum.told[s].lost == 0;
    }
    return exact;
}

int main(int argc, char **argv)
{
    static const uint64_t sizes[] = {8192, 65536, 524288};
    struct attack a = {.strangers = 10000000, .pace = PACE, .callers = 1000};
    bool exact = true;

    if (argc > 1)
        a.strangers = strtoull(argv[1], NULL, 10);
    if (argc > 2)
        a.callers = (unsigned)strtoul(argv[2], NULL, 10);
    if (a.strangers == 0 || a.callers > ATTACK_CALLERS_MAX || apr_initialize() != APR_SUCCESS)
        return 2;
    puts("| entries | limit | strangers admitted, % | cells lost | callers beyond | strangers "
         "beyond "
         "| refused, flooded store, % | refused, other store, % | idle cells reused | ns |\n"
         "|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        a.entries = sizes[i];
        exact = run_size(&a) && exact;
    }
    apr_terminate();
    return exact ? 0 : 1;
}
