/* multi_quota.c - many processes on quotas, their leases, and a file that becomes another one.
 *
 * What is admitted must be on disk before, and must add up: over power failures to the quota less
 * a lease, and over a change of the file to the limit, exactly.  Time is a number that the test
 * chooses. */
#include "t_multi.h"

#include "t_disk.h"

#include "apisec/lease.h"
#include "apisec/metrics.h"
#include "apisec/rate.h"

#define WALL ((aps_nsec)1795400000 * APS_SEC)
#define TAGS 200
#define KINDS 4
#define STORE 1

struct board {
    uint64_t admitted[KINDS][TAGS];
    uint64_t at[64]; /* 1 + kind * TAGS + tag of the take that a worker is in; 0: none */
    uint64_t unsure[KINDS][TAGS]; /* takes whose worker was killed in them */
    uint64_t attempts, stop;
    uint64_t refused; /* since the table is in another file */
    uint64_t generation, done;
    uint64_t early; /* admissions that were not on disk */
};

static struct board *board;
static struct aps_rate_limit limits[KINDS];
static aps_nsec mono;
static char path[64];
static apr_pool_t *pool;

static uint64_t bump(uint64_t *word)
{
    return __atomic_add_fetch(word, 1, __ATOMIC_SEQ_CST);
}

static void set(uint64_t *word, uint64_t value)
{
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

static aps_nsec no_clock(void)
{
    return mono;
}

static void make_limits(uint32_t count)
{
    static const char *const names[KINDS] = {"bucket", "fixed", "sliding", "quota"};
    struct aps_rate rate = {count, 12 * APS_HOUR};
    uint64_t scope[KINDS];
    const struct aps_zone *utc = NULL;

    for (unsigned i = 0; i < KINDS; i++)
        scope[i] = aps_table_scope(APS_TABLE_RATE, STORE, aps_str(names[i]));
    if (aps_zone_open(pool, APS_STR_LIT("UTC"), &utc, NULL) != APS_OK ||
        aps_rate_init(&limits[0], scope[0], rate, 0, NULL) != APS_OK ||
        aps_rate_init_window(&limits[1], scope[1], APS_RATE_FIXED, rate, NULL) != APS_OK ||
        aps_rate_init_window(&limits[2], scope[2], APS_RATE_SLIDING, rate, NULL) != APS_OK ||
        aps_rate_init_quota(&limits[3], scope[3], count, APS_ZONE_MONTH, utc, NULL) != APS_OK)
        abort();
}

static struct aps_state *open_path(uint64_t entries)
{
    struct aps_state *opened = NULL;
    struct aps_diag diag = {""};

    if (aps_state_open(pool, path, &(struct aps_state_size){entries, 0}, WALL, &opened, &diag) !=
        APS_OK) {
        printf("%s\n", diag.text);
        exit(1);
    }
    return opened;
}

static void begin(uint32_t count)
{
    if (pool != NULL)
        apr_pool_destroy(pool);
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS)
        abort();
    (void)snprintf(path, sizeof path, "%s/state", folder);
    (void)unlink(path);
    t_disk_detach();
    memset(board, 0, sizeof *board);
    mono = aps_clock_monotonic();
    make_limits(count);
}

static enum aps_reason take(struct aps_state *at, unsigned kind, uint64_t tag,
                            struct aps_rate_answer *answer)
{
    struct aps_rate_ask ask = {&limits[kind], aps_table_caller(at, &tag, sizeof tag), STORE, 1, 0,
                               false};
    struct aps_table_now now = {mono, WALL};

    return aps_rate_take(at, &ask, now, no_clock, answer);
}

static uint32_t drain(unsigned kind, uint64_t tag)
{
    struct aps_rate_answer answer;
    uint32_t n = 0;

    while (n <= limits[kind].burst && take(state, kind, tag, &answer) == APS_REASON_ALLOW)
        n++;
    return n;
}

/* One take by a worker, written down so that a death in it is known. */
static enum aps_reason attempt(struct aps_state *at, unsigned worker, unsigned kind, uint64_t tag,
                               struct aps_rate_answer *answer)
{
    enum aps_reason reason;

    set(&board->at[worker], 1 + kind * TAGS + tag);
    reason = take(at, kind, tag, answer);
    if (reason == APS_REASON_ALLOW)
        (void)bump(&board->admitted[kind][tag]);
    set(&board->at[worker], 0);
    (void)bump(&board->attempts);
    return reason;
}

static void note_death(unsigned worker)
{
    uint64_t at = get(&board->at[worker]);

    if (at != 0)
        (void)bump(&board->unsure[(at - 1) / TAGS][(at - 1) % TAGS]);
    set(&board->at[worker], 0);
}

/* ---- leases */

#define LEASE_TAGS 6
#define LEASE_COUNT 640

/* How many units of the quota the disk knows of a caller. */
static uint32_t on_disk(uint64_t caller)
{
    uint64_t tag =
        aps_table_tag(state, limits[3].scope, aps_table_caller(state, &caller, sizeof caller));
    const uint8_t *rows = t_disk_image + state->leases.at + sizeof(struct layout_leases_head);
    uint32_t units = 0;

    for (uint64_t i = 0; i < state->leases.count; i++) {
        const struct layout_lease *row =
            (const struct layout_lease *)(const void *)(rows + i * sizeof *row);
        uint32_t low = (uint32_t)layout_load(&row->leased.b);

        if (layout_load(&row->leased.a) == tag && low > units)
            units = low;
    }
    return units;
}

static void count_leased(struct worker *self)
{
    struct aps_rate_answer answer;

    while (get(&board->attempts) < 2 * LEASE_TAGS * LEASE_COUNT) {
        uint64_t tag = roll() % LEASE_TAGS;

        if (attempt(state, self->number, 3, tag, &answer) == APS_REASON_ALLOW &&
            on_disk(tag) < LEASE_COUNT - answer.left.remaining)
            (void)bump(&board->early);
    }
}

static void on_death(struct worker *worker)
{
    note_death(worker->number);
}

static void lease_round(uint64_t kill_chance)
{
    uint64_t deaths;

    begin(LEASE_COUNT);
    state = open_path(1024);
    t_disk_attach(state);
    kill_one_in = use_threads ? 0 : kill_chance;
    deaths = run_all(count_leased, on_death);
    kill_one_in = 0;
    EXPECT(get(&board->early) == 0, "%llu", (unsigned long long)get(&board->early));
    for (uint64_t tag = 0; tag < LEASE_TAGS; tag++) {
        uint64_t sure = board->admitted[3][tag];
        uint64_t unsure = board->unsure[3][tag];

        EXPECT(sure <= LEASE_COUNT, "%llu", (unsigned long long)sure);
        EXPECT(sure + unsure + drain(3, tag) >= LEASE_COUNT, "%llu and %llu of the killed",
               (unsigned long long)sure, (unsigned long long)unsure);
    }
    /* 64 leases of each caller; a few more writes by those who came meanwhile or were killed. */
    EXPECT(t_disk->writes >= LEASE_TAGS * 60 &&
               t_disk->writes <= LEASE_TAGS * 64 * WORKERS + deaths,
           "%llu writes", (unsigned long long)t_disk->writes);
}

static void what_is_admitted_is_on_disk(void)
{
    for (unsigned i = 0; i < 2; i++)
        lease_round(0);
}

static void whoever_is_killed_leaves_leases_true(void)
{
    for (unsigned i = 0; i < 3; i++)
        lease_round(2000);
}

/* The power fails while all count: what goes on is at most a lease less, and never more. */
static void count_some(struct worker *self)
{
    struct aps_rate_answer answer;

    while (get(&board->attempts) < get(&board->stop))
        (void)attempt(state, self->number, 3, roll() % LEASE_TAGS, &answer);
}

static void power_failures_in_the_middle(void)
{
    begin(LEASE_COUNT);
    for (unsigned failure = 0; failure < 4; failure++) {
        state = open_path(1024);
        t_disk_attach(state);
        board->stop = board->attempts + LEASE_TAGS * LEASE_COUNT / 6;
        kill_one_in = use_threads ? 0 : 1000;
        (void)run_all(count_some, on_death);
        kill_one_in = 0;
        aps_state_close(state);
        t_disk_power_failure(path);
    }
    state = open_path(1024);
    for (uint64_t tag = 0; tag < LEASE_TAGS; tag++) {
        uint64_t sure = board->admitted[3][tag], unsure = board->unsure[3][tag];
        uint32_t rest = drain(3, tag);

        EXPECT(sure + rest <= LEASE_COUNT, "%llu and %u", (unsigned long long)sure, rest);
        EXPECT(sure + unsure + rest + 4 * LEASE_COUNT / 64 > LEASE_COUNT, "%llu and %u",
               (unsigned long long)sure, rest);
    }
}

/* ---- another file */

#define CARRY_COUNT 60
#define GENERATIONS 6
#define BEFORE_NEXT ((uint64_t)4000 / SLOW)

static const uint64_t sizes[GENERATIONS] = {4096, 8192, 4096, 16384, 2048, 4096};

struct child {
    pid_t pid;
    pthread_t thread;
    unsigned number;
    uint64_t generation;
    struct aps_state *state;
};

/* Takes what it can from its own mapping, until a newer server runs and a while after that. */
static void *serve(void *data)
{
    struct child *self = data;
    struct aps_rate_answer answer;
    unsigned after = 0;

    dice = seed * 1000003 + self->number * 7919 + self->generation * 104729 + 1;
    while (get(&board->done) == 0 && after < 300) {
        if (attempt(self->state, self->number, (unsigned)(roll() % KINDS), roll() % TAGS,
                    &answer) == APS_REASON_STATE_MOVED)
            (void)bump(&board->refused);
        if (get(&board->generation) > self->generation)
            after++;
    }
    return NULL;
}

static void start_child(struct child *c)
{
    if (use_threads) {
        if (pthread_create(&c->thread, NULL, serve, c) != 0)
            abort();
        return;
    }
    if ((c->pid = fork()) < 0)
        abort();
    if (c->pid == 0) {
        aps_state_child(c->state);
        (void)serve(c);
        _exit(0);
    }
}

/* Starts that are killed on the way. */
static void starts_that_die(uint64_t entries, uint64_t one_in)
{
    for (unsigned i = 0; i < 4 && !use_threads; i++) {
        pid_t pid = fork();
        int status = 0;

        if (pid < 0)
            abort();
        if (pid == 0) {
            kill_one_in = one_in;
            dice += i * 31 + 1;
            (void)open_path(entries);
            _exit(0);
        }
        if (waitpid(pid, &status, 0) != pid)
            abort();
    }
}

static void wait_for_child(struct child *c)
{
    int status = 0;

    if (use_threads)
        (void)pthread_join(c->thread, NULL);
    else if (waitpid(c->pid, &status, 0) != c->pid || status != 0)
        EXPECT(false, "a child ended with %d", status);
}

static void another_size_while_all_count(void)
{
    static struct child children[GENERATIONS][WORKERS];

    begin(CARRY_COUNT);
    for (unsigned g = 0; g < GENERATIONS; g++) {
        uint64_t until = get(&board->attempts) + BEFORE_NEXT;

        starts_that_die(sizes[g], 4000);
        state = open_path(sizes[g]);
        for (unsigned i = 0; i < WORKERS; i++) {
            children[g][i] =
                (struct child){.number = g % 2 * WORKERS + i, .generation = g + 1, .state = state};
            start_child(&children[g][i]);
        }
        set(&board->generation, g + 1);
        for (unsigned i = 0; g > 0 && i < WORKERS; i++)
            wait_for_child(&children[g - 1][i]);
        while (get(&board->attempts) < until)
            (void)sched_yield();
    }
    set(&board->done, 1);
    for (unsigned i = 0; i < WORKERS; i++)
        wait_for_child(&children[GENERATIONS - 1][i]);
    for (unsigned kind = 0; kind < KINDS; kind++)
        for (uint64_t tag = 0; tag < TAGS; tag++) {
            uint64_t sure = board->admitted[kind][tag];
            uint32_t rest = drain(kind, tag);

            EXPECT(sure + rest == CARRY_COUNT, "kind %u tag %llu: %llu and %u", kind,
                   (unsigned long long)tag, (unsigned long long)sure, rest);
        }
    EXPECT(get(&board->refused) > 0, "no old child met a retired cell");
    printf("%llu refusals of old children\n", (unsigned long long)get(&board->refused));
}

int main(int argc, char **argv)
{
    static const struct test all[] = {
        {"what is admitted is on disk", what_is_admitted_is_on_disk},
        {"whoever is killed leaves leases true", whoever_is_killed_leaves_leases_true},
        {"power failures in the middle", power_failures_in_the_middle},
        {"another size while all count", another_size_while_all_count},
    };
    int code;

    begin_tests(argc, argv, sizeof *board, &board);
    code = run_tests(all, sizeof all / sizeof *all);
    (void)unlink(path);
    if (rmdir(folder) != 0) {
        printf("FAILED: something was left in %s\n", folder);
        code = 1;
    }
    return code;
}
