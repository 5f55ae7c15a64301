/* multi_lastuse.c - many processes note uses of the same secrets in one state file.
 *
 * Between every two steps on shared memory a hook yields, waits a little, or kills its process,
 * by a seed.  `multi_lastuse threads` uses threads, for the thread sanitizer; `multi_lastuse 7` has
 * seed 7.  Time is a number that the test chooses. */
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
#include "apisec/lastuse.h"

#define WORKERS 8
#define START ((uint64_t)1795676400) /* seconds; a whole hour */
#define SECRETS 4096
#define ROWS 1024
/* So many that no process stands still for an hour. */
#define NOTES_AN_HOUR 2048
#define MET 300 /* fresh secrets that all workers meet together */

#ifdef __SANITIZE_THREAD__
#define SLOW 10
#elif defined __SANITIZE_ADDRESS__
#define SLOW 3
#else
#define SLOW 1
#endif

/* What was noted for sure, and what was begun; seconds, 0: never. */
struct board {
    uint64_t at; /* the secret at which all are */
    uint64_t arrived[SECRETS];
    uint64_t first[SECRETS], last[SECRETS]; /* of notes that came back */
    uint64_t least[SECRETS], most[SECRETS]; /* of notes that were begun */
    uint64_t clock;
};

static struct board *board;
static struct aps_state *state;
static char folder[] = "/tmp/multi_lastuse.XXXXXX";
static bool use_threads;
static uint64_t seed = 1;
static uint64_t kill_one_in; /* chance to die at a pause point; 0: nobody dies */
static unsigned failures;

static _Thread_local uint64_t dice;

#define EXPECT(what, ...)                                                                          \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            failures++;                                                                            \
            printf("multi_lastuse.c:%d: seed %llu: %s: ", __LINE__, (unsigned long long)seed,      \
                   #what);                                                                         \
            printf(__VA_ARGS__);                                                                   \
            printf("\n");                                                                          \
        }                                                                                          \
    } while (0)

static uint64_t roll(void)
{
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return dice >> 8;
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

static void raise_to(uint64_t *word, uint64_t value)
{
    uint64_t seen = get(word);

    while (seen < value && !__atomic_compare_exchange_n(word, &seen, value, false, __ATOMIC_SEQ_CST,
                                                        __ATOMIC_SEQ_CST))
        continue;
}

static void lower_to(uint64_t *word, uint64_t value)
{
    uint64_t seen = get(word);

    while (
        (seen == 0 || seen > value) &&
        !__atomic_compare_exchange_n(word, &seen, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        continue;
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

/* Run all workers to their end; one that is killed is followed by another with its number. */
static void run_all(void (*run)(struct worker *))
{
    struct worker workers[WORKERS];
    unsigned alive = WORKERS;

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
            workers[i].life++;
            start(&workers[i]);
            continue;
        }
        EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a worker ended with %d", status);
        alive--;
    }
}

/* ---- common pieces */

static void reset(uint64_t rows)
{
    static unsigned number;
    static apr_pool_t *pool;
    struct aps_state_size size = {1024, rows};
    struct aps_diag diag = {{0}};
    char path[128];

    if (pool != NULL)
        apr_pool_destroy(pool);
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS)
        abort();
    (void)snprintf(path, sizeof path, "%s/state%u", folder, number++);
    if (aps_state_open(pool, path, &size, (aps_nsec)START * APS_SEC, &state, &diag) != APS_OK) {
        printf("%s\n", diag.text);
        exit(1);
    }
    (void)unlink(path);
    memset(board, 0, sizeof *board);
}

static uint64_t tag_of(uint64_t secret)
{
    static const uint8_t store[APS_LASTUSE_STORE_LEN] = {7};

    return aps_lastuse_tag(state, store, (struct aps_str){(const char *)&secret, sizeof secret}, 1);
}

/* A use of `secret` at `second`: rule and address say which one, when, and who noted it. */
static bool note(uint64_t secret, uint64_t second, unsigned worker)
{
    char route[48];
    struct aps_addr addr = {{[10] = 0xff, [11] = 0xff}};
    struct aps_lastuse_note note = {(aps_nsec)second * APS_SEC, {route, 0}, &addr};
    bool noted;

    note.route.n =
        (size_t)snprintf(route, sizeof route, "/%llu/%llu/%u", (unsigned long long)secret,
                         (unsigned long long)second / 3600, worker);
    addr.b[12] = (uint8_t)worker;
    lower_to(&board->least[secret], second);
    raise_to(&board->most[secret], second);
    noted = aps_lastuse_note(state, tag_of(secret), &note);
    if (noted) {
        lower_to(&board->first[secret], second);
        raise_to(&board->last[secret], second);
    }
    return noted;
}

/* What a row says of its last use is one note's, whole. */
static void expect_whole(uint64_t secret, const struct aps_lastuse *use)
{
    unsigned long long of = 0, hour = 0;
    char text[APS_LASTUSE_ROUTE_MAX + 1] = "";
    unsigned worker = 0;

    if (!use->has_what)
        return;
    memcpy(text, use->route, use->route_n);
    EXPECT(sscanf(text, "/%llu/%llu/%u", &of, &hour, &worker) == 3, "%s", text);
    EXPECT(of == secret, "%s for %llu", text, (unsigned long long)secret);
    EXPECT((aps_nsec)hour * APS_HOUR == use->last, "%s, last %lld", text, (long long)use->last);
    EXPECT(use->has_net && use->net.addr.b[12] == worker, "%s, address %u", text,
           use->net.addr.b[12]);
}

/* ---- all meet a fresh secret together */

/* Wait until all workers are at this secret; the board moves on when the last one comes. */
static void meet(uint64_t secret)
{
    if (kill_one_in != 0)
        return; /* the dead would be waited for */
    if (__atomic_add_fetch(&board->arrived[secret], 1, __ATOMIC_SEQ_CST) == WORKERS)
        raise_to(&board->at, secret + 1);
    while (get(&board->at) <= secret)
        (void)sched_yield();
}

static void note_each(struct worker *self)
{
    for (uint64_t secret = 0; secret < MET / SLOW; secret++) {
        meet(secret);
        /* Clocks differ by seconds, around the turn of an hour. */
        (void)note(secret, START + 3600 - 4 + self->number, self->number);
        if (roll() % 4 == 0)
            (void)note(secret, START + 3620 + self->number, self->number);
    }
}

static void expect_first_and_last(bool exact)
{
    aps_nsec now = (aps_nsec)(START + 3700) * APS_SEC;

    for (uint64_t secret = 0; secret < MET / SLOW; secret++) {
        enum aps_lastuse_found found;
        struct aps_lastuse use;
        uint64_t first = board->first[secret], last = board->last[secret];
        uint64_t seen_first, seen_last;

        found = aps_lastuse_get(state, tag_of(secret), now, &use);
        if (first == 0 && found == APS_LASTUSE_NONE)
            continue;
        EXPECT(found == APS_LASTUSE_KNOWN, "secret %llu: %d", (unsigned long long)secret, found);
        seen_first = (uint64_t)(use.first / APS_SEC);
        seen_last = (uint64_t)(use.last / APS_HOUR);
        if (exact)
            EXPECT(seen_first == first && seen_last == last / 3600, "secret %llu: %llu, want %llu",
                   (unsigned long long)secret, (unsigned long long)seen_first,
                   (unsigned long long)first);
        EXPECT(seen_first >= board->least[secret] && (first == 0 || seen_first <= first),
               "secret %llu", (unsigned long long)secret);
        EXPECT(seen_last >= last / 3600 && seen_last <= board->most[secret] / 3600, "secret %llu",
               (unsigned long long)secret);
        expect_whole(secret, &use);
    }
}

static void the_earliest_and_the_latest_note_stand(void)
{
    reset(ROWS);
    run_all(note_each);
    expect_first_and_last(true);
}

static void killed_processes_lose_their_own_note_at_most(void)
{
    if (use_threads)
        return;
    kill_one_in = 400;
    reset(ROWS);
    run_all(note_each);
    kill_one_in = 0;
    expect_first_and_last(false);
    /* What they left torn is mended by the next note. */
    for (uint64_t secret = 0; secret < MET; secret++) {
        aps_nsec now = (aps_nsec)(START + 4 * 3600) * APS_SEC;
        struct aps_lastuse use;

        EXPECT(note(secret, START + 4 * 3600, 9), "secret %llu", (unsigned long long)secret);
        EXPECT(aps_lastuse_get(state, tag_of(secret), now, &use) == APS_LASTUSE_KNOWN &&
                   use.has_what && use.last == now,
               "secret %llu", (unsigned long long)secret);
        expect_whole(secret, &use);
    }
}

/* ---- more secrets than rows */

static void note_any(struct worker *self)
{
    for (unsigned i = 0; i < 6000 / SLOW; i++) {
        uint64_t hour = __atomic_add_fetch(&board->clock, 1, __ATOMIC_SEQ_CST) / NOTES_AN_HOUR;

        (void)note(roll() % SECRETS, START + hour * 3600 + self->number, self->number);
    }
}

static void a_full_table_never_says_unused_of_what_was_used(void)
{
    aps_nsec now;
    unsigned lost = 0;

    reset(ROWS);
    run_all(note_any);
    now = (aps_nsec)(START + (board->clock / NOTES_AN_HOUR + 1) * 3600) * APS_SEC;
    for (uint64_t secret = 0; secret < SECRETS; secret++) {
        aps_nsec last = (aps_nsec)(board->last[secret] / 3600) * APS_HOUR;
        struct aps_lastuse use;
        enum aps_lastuse_found found = aps_lastuse_get(state, tag_of(secret), now, &use);

        EXPECT(found != APS_LASTUSE_UNKNOWN, "secret %llu", (unsigned long long)secret);
        if (found == APS_LASTUSE_KNOWN)
            EXPECT(use.last >= last || use.since > last, "secret %llu: %lld, want %lld",
                   (unsigned long long)secret, (long long)use.last, (long long)last);
        else
            EXPECT(board->last[secret] == 0 || use.since > last, "secret %llu: since %lld",
                   (unsigned long long)secret, (long long)use.since);
        lost += found == APS_LASTUSE_NONE && last != 0 ? 1 : 0;
        expect_whole(secret, &use);
    }
    EXPECT(lost > SECRETS / 4, "%u", lost); /* rows did give way */
}

static void run(const char *name, void (*test)(void))
{
    unsigned before = failures;

    test();
    if (failures == before)
        printf("ok: %s\n", name);
}

int main(int argc, char **argv)
{
#ifdef __SANITIZE_THREAD__
    use_threads = true;
#endif
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "threads") == 0)
            use_threads = true;
        else
            seed = strtoull(argv[i], NULL, 10);
    }
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (apr_initialize() != APR_SUCCESS || mkdtemp(folder) == NULL || board == MAP_FAILED)
        return 1;
    aps_pause_hook = pause_here;
    run("the_earliest_and_the_latest_note_stand", the_earliest_and_the_latest_note_stand);
    run("killed_processes_lose_their_own_note_at_most",
        killed_processes_lose_their_own_note_at_most);
    run("a_full_table_never_says_unused_of_what_was_used",
        a_full_table_never_says_unused_of_what_was_used);
    if (rmdir(folder) != 0)
        return 1;
    return failures != 0;
}
