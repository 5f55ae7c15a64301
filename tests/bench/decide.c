/* decide.c - decisions of two processes, one on each of two cores, for some time.
 * usage: decide CELLS MILLISECONDS
 *
 * Each asks a limit for callers drawn from CELLS, all of whom have a cell before it begins.  Prints
 * decisions a second of both, and nsec of processor time for one, the caller's hash included. */
#include <apr_general.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "apisec/rate.h"

#define WORKERS 2
#define ENTRIES_MIN ((uint64_t)65536)
#define BATCH 256

static struct aps_state *state;
static struct aps_rate_limit limit;

struct tally {
    uint64_t decisions;
    uint64_t refused;
    uint64_t cpu; /* nsec */
};

static bool take(uint64_t caller, struct aps_table_now now)
{
    struct aps_rate_ask ask = {&limit, aps_table_caller(state, &caller, sizeof caller), 1, 1, 0,
                               true};
    struct aps_rate_result result;

    return aps_rate_take_all(state, &ask, 1, now, aps_clock_monotonic, &result) == APS_REASON_ALLOW;
}

static struct aps_table_now clocks(void)
{
    return (struct aps_table_now){aps_clock_monotonic(), aps_clock_wall()};
}

static uint64_t cpu_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void work(uint64_t cells, unsigned worker, aps_nsec until, struct tally *out)
{
    uint64_t begin = cpu_now();
    uint64_t dice = worker + 1;
    cpu_set_t core;

    CPU_ZERO(&core);
    CPU_SET(worker, &core);
    (void)sched_setaffinity(0, sizeof core,
                            &core); /* one core has to do, where there is no other */
    for (struct aps_table_now now = clocks(); now.mono < until; now = clocks())
        for (unsigned i = 0; i < BATCH; i++, out->decisions++) {
            dice = dice * 6364136223846793005u + 1442695040888963407u;
            out->refused += !take((dice >> 33) % cells, now);
        }
    out->cpu = cpu_now() - begin;
}

/* Room for twice as many. */
static bool make(uint64_t cells)
{
    char folder[] = "/tmp/apisec-decide.XXXXXX";
    uint64_t entries = 2 * cells < ENTRIES_MIN ? ENTRIES_MIN : 2 * cells;
    apr_pool_t *pool = NULL;
    char path[64];
    enum aps_err err;

    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS ||
        mkdtemp(folder) == NULL)
        return false;
    (void)snprintf(path, sizeof path, "%s/state", folder);
    err = aps_state_open(pool, path, &(struct aps_state_size){entries, 0}, 1, &state, NULL);
    (void)unlink(path);
    (void)rmdir(folder);
    /* Nobody reaches it. */
    return err == APS_OK &&
           aps_rate_init(&limit, aps_table_scope(APS_TABLE_RATE, 1, APS_STR_LIT("bench")),
                         (struct aps_rate){1000000000, APS_SEC}, 1000000000, NULL) == APS_OK;
}

int main(int argc, char **argv)
{
    uint64_t cells = argc == 3 ? strtoull(argv[1], NULL, 10) : 0;
    aps_nsec span = argc == 3 ? (aps_nsec)strtoull(argv[2], NULL, 10) * APS_MSEC : 0;
    struct tally *tally = mmap(NULL, WORKERS * sizeof *tally, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct tally sum = {0, 0, 0};
    aps_nsec until;

    if (cells == 0 || span <= 0 || tally == MAP_FAILED || !make(cells))
        return 2;
    for (uint64_t caller = 0; caller < cells; caller++)
        (void)take(caller, clocks());
    until = aps_clock_monotonic() + span;
    for (unsigned w = 0; w < WORKERS; w++) {
        pid_t pid = fork();

        if (pid < 0)
            abort();
        if (pid == 0) {
            aps_state_child(state);
            work(cells, w, until, &tally[w]);
            _exit(0);
        }
    }
    for (unsigned w = 0; w < WORKERS; w++) {
        if (wait(NULL) < 0)
            abort();
    }
    for (unsigned w = 0; w < WORKERS; w++) {
        sum.decisions += tally[w].decisions;
        sum.refused += tally[w].refused;
        sum.cpu += tally[w].cpu;
    }
    printf("%.0f %.1f\n", (double)sum.decisions * (double)APS_SEC / (double)span,
           (double)sum.cpu / (double)sum.decisions);
    apr_terminate();
    return sum.refused == 0 ? 0 : 1;
}
