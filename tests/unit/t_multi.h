/* t_multi.h - many workers on one state file, with a pause between every two of their steps.
 *
 * At each pause point a worker yields, waits a little, or is killed, by a seed.  Workers are
 * processes, or threads for the thread sanitizer.  What they share beside the state is the test's
 * own mapping.  A test is a program: `multi_x threads` uses threads, `multi_x 7` has seed 7. */
#ifndef APISEC_T_MULTI_H
#define APISEC_T_MULTI_H

#include <apr_general.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../libapisec/table/layout.h"
#include "../../libapisec/table/pause.h"

#define WORKERS 8

#ifdef __SANITIZE_THREAD__
#define SLOW 10
#elif defined __SANITIZE_ADDRESS__
#define SLOW 3
#else
#define SLOW 1
#endif

static struct aps_state *state;
static char folder[] = "/tmp/apisec-multi.XXXXXX";
static bool use_threads;
static uint64_t seed = 1;
static uint64_t kill_one_in; /* chance to die at a pause point; 0: nobody dies */
static unsigned failures;

static _Thread_local uint64_t dice;

#define EXPECT(what, ...)                                                                          \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            failures++;                                                                            \
            printf("%s:%d: seed %llu: %s: ", __FILE__, __LINE__, (unsigned long long)seed, #what); \
            printf(__VA_ARGS__);                                                                   \
            printf("\n");                                                                          \
        }                                                                                          \
    } while (0)

static uint64_t roll(void)
{
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return dice >> 8; /* the low bits of such a generator are the poorer ones */
}

static void pause_here(unsigned point)
{
    uint64_t value = roll();

    (void)point;
    if (kill_one_in != 0 && value % kill_one_in == 0)
        (void)kill(getpid(), SIGKILL);
    if (value % 4 == 0)
        (void)sched_yield();
    for (unsigned spin = 0; value % 64 == 1 && spin < 40; spin++)
        (void)sched_yield(); /* long enough for all others to pass by */
}

static uint64_t get(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

/* ---- workers */

struct worker {
    unsigned number;
    uint64_t life; /* how many workers had this number before */
    void (*run)(struct worker *self);
    pid_t pid;
    pthread_t thread;
};

static void *worker_main(void *data)
{
    struct worker *self = data;

    dice = seed * 1000003 + self->number * 7919 + self->life * 104729 + 1;
    for (unsigned i = 0; i < 8; i++)
        (void)roll();
    self->run(self);
    return NULL;
}

static void start(struct worker *w)
{
    if (use_threads) {
        if (pthread_create(&w->thread, NULL, worker_main, w) != 0)
            abort();
        return;
    }
    if ((w->pid = fork()) < 0)
        abort();
    if (w->pid == 0) {
        aps_state_child(state);
        (void)worker_main(w);
        _exit(0);
    }
}

/* Run all workers to their end.  One that is killed is followed by another with its number.
 * Returns how many were killed; on_kill may be NULL. */
static uint64_t run_all(void (*run)(struct worker *), void (*on_kill)(struct worker *))
{
    struct worker workers[WORKERS];
    unsigned alive = WORKERS;
    uint64_t killed = 0;

    (void)fflush(stdout); /* children would print it again */
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){.number = i, .run = run};
        start(&workers[i]);
    }
    for (unsigned i = 0; use_threads && i < WORKERS; i++)
        (void)pthread_join(workers[i].thread, NULL);
    while (!use_threads && alive > 0) {
        int status = 0;
        pid_t pid = wait(&status);
        unsigned i = 0;

        while (i < WORKERS && workers[i].pid != pid)
            i++;
        if (i == WORKERS)
            continue;
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && kill_one_in != 0) {
            killed++;
            if (on_kill != NULL)
                on_kill(&workers[i]);
            workers[i].life++;
            start(&workers[i]);
            continue;
        }
        EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a worker ended with %d", status);
        alive--;
    }
    return killed;
}

/* ---- a state of the test's own */

static inline void open_state(const struct aps_state_size *size, aps_nsec wall)
{
    static unsigned number;
    static apr_pool_t *pool;
    struct aps_diag diag = {{0}};
    char path[128];

    if (pool != NULL)
        apr_pool_destroy(pool);
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS)
        abort();
    (void)snprintf(path, sizeof path, "%s/state%u", folder, number++);
    if (aps_state_open(pool, path, size, wall, &state, &diag) != APS_OK) {
        printf("%s\n", diag.text);
        exit(1);
    }
    (void)unlink(path);
}

/* ---- the program */

struct test {
    const char *name;
    void (*run)(void);
};

/* *out_board: `bytes` that all workers share. */
static void begin_tests(int argc, char **argv, size_t bytes, void *out_board)
{
    void *map;

#ifdef __SANITIZE_THREAD__
    use_threads = true;
#endif
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "threads") == 0)
            use_threads = true;
        else
            seed = strtoull(argv[i], NULL, 10) + 1;
    }
    map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (apr_initialize() != APR_SUCCESS || mkdtemp(folder) == NULL || map == MAP_FAILED)
        exit(1);
    memcpy(out_board, &map, sizeof map);
    dice = seed;
    aps_pause_hook = pause_here;
}

/* The exit code. */
static int run_tests(const struct test *all, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned before = failures;

        all[i].run();
        printf("%s: %s\n", failures == before ? "ok" : "FAILED", all[i].name);
    }
    (void)rmdir(folder);
    return failures == 0 ? 0 : 1;
}

#endif
