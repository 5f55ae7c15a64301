/* multi_slots.c - many processes that let requests in, stopped and killed between any two steps:
 * never more than may be, and nothing is left.  (test_slots_step.c has the orders of steps.) */
#include "t_multi.h"

#include "apisec/metrics.h"
#include "t_slots.h"

#define NOW ((aps_nsec)1000 * APS_SEC)

/* ---- common pieces */

static struct aps_slots_ask ask_of(uint64_t caller, uint32_t max)
{
    return t_slots_ask(state, caller, max);
}

static uint64_t word_of(uint64_t caller)
{
    struct aps_slots_ask ask = ask_of(caller, 1);

    return t_slots_word(state, t_slots_tag(state, &ask));
}

static struct aps_table_now at(aps_nsec mono)
{
    return t_slots_at(mono);
}

/* Nothing is counted, in a cell or by a row, and no cell is held up. */
static void expect_all_free(const char *what)
{
    for (uint64_t i = 0; i < state->slots.count; i++) {
        EXPECT(state->slots.rows[i].owner.a == 0 && state->slots.rows[i].owner.b == 0,
               "%s: row %llu has an owner", what, (unsigned long long)i);
        EXPECT(slots_state(state->slots.rows[i].use.b) == SLOTS_FREE, "%s: row %llu is in use",
               what, (unsigned long long)i);
    }
    for (uint64_t i = 0; i < state->info.entries; i++)
        EXPECT(state->cells[i].a == 0 || state->cells[i].b >> 63 != 0 ||
                   aps_word_kind(state->cells[i].b) != APS_WORD_INFLIGHT ||
                   state->cells[i].b == APS_WORD_NOBODY,
               "%s: a cell says %llx", what, (unsigned long long)state->cells[i].b);
    for (uint64_t i = 0; i < LAYOUT_SHARED; i++)
        EXPECT((state->slots.head->shared[i] | APS_WORD_NOBODY) == APS_WORD_NOBODY,
               "%s: a shared word says %llx", what,
               (unsigned long long)state->slots.head->shared[i]);
}

/* ---- real processes */

#define TAGS 3
#define ROUNDS_MAX 2000
#define LET_IN 3

struct board {
    uint64_t clock;                /* seconds that have passed */
    uint64_t holders[TAGS];        /* a bit for each worker that is in */
    uint64_t pid[WORKERS];         /* of the process that has this number now */
    uint64_t round;                /* in which all are */
    uint64_t attempts[ROUNDS_MAX]; /* takes that came to their end */
    uint64_t admitted[ROUNDS_MAX];
    uint64_t left[ROUNDS_MAX]; /* workers that hold nothing any more */
};

static struct board *board;

static uint64_t bump(uint64_t *word)
{
    return __atomic_add_fetch(word, 1, __ATOMIC_SEQ_CST);
}

static aps_nsec board_now(void)
{
    return NOW + (aps_nsec)get(&board->clock) * APS_SEC;
}

static void reset(uint64_t entries)
{
    open_state(&(struct aps_state_size){entries, 0}, 1);
    memset(board, 0, sizeof *board);
}

/* By the test's own reading of /proc. */
static bool is_running(uint64_t pid)
{
    char name[64], text[512];
    bool runs = false;
    FILE *file;

    (void)snprintf(name, sizeof name, "/proc/%llu/stat", (unsigned long long)pid);
    if ((file = fopen(name, "r")) == NULL)
        return false;
    if (fgets(text, sizeof text, file) != NULL)
        runs = strstr(text, ") Z") == NULL && strstr(text, ") X") == NULL;
    (void)fclose(file);
    return runs;
}

/* How many of those who are in are not dead. */
static unsigned living(uint64_t holders)
{
    unsigned n = 0;

    for (unsigned i = 0; i < WORKERS; i++)
        n += (holders >> i & 1) != 0 && is_running(get(&board->pid[i]));
    return n;
}

static void stay(unsigned number, uint64_t tag)
{
    uint64_t bit = (uint64_t)1 << number;
    uint64_t holders = __atomic_or_fetch(&board->holders[tag], bit, __ATOMIC_SEQ_CST);

    EXPECT(__builtin_popcountll(holders) <= LET_IN || use_threads || living(holders) <= LET_IN,
           "tag %llu: holders %llx", (unsigned long long)tag, (unsigned long long)holders);
    EXPECT(!use_threads || __builtin_popcountll(holders) <= LET_IN, "tag %llu: holders %llx",
           (unsigned long long)tag, (unsigned long long)holders);
    pause_here(0);
    (void)__atomic_and_fetch(&board->holders[tag], ~bit, __ATOMIC_SEQ_CST);
}

static void run_visits(struct worker *self)
{
    unsigned before = failures;

    __atomic_store_n(&board->pid[self->number], (uint64_t)getpid(), __ATOMIC_SEQ_CST);
    while (bump(&board->attempts[0]) <= 20000 / SLOW) {
        uint64_t tag = roll() % TAGS;
        struct aps_slots_ask ask = ask_of(tag, LET_IN);
        struct aps_slot slot;

        if (aps_slots_take(state, &ask, at(board_now()), &slot, NULL) != APS_REASON_ALLOW)
            continue;
        (void)bump(&board->admitted[0]);
        stay(self->number, tag);
        aps_slots_release(state, &slot);
    }
    if (failures != before && !use_threads)
        _exit(1);
}

/* Its slots are to come back within the next second. */
static void note_death(struct worker *dead)
{
    for (unsigned tag = 0; tag < TAGS; tag++)
        (void)__atomic_and_fetch(&board->holders[tag], ~((uint64_t)1 << dead->number),
                                 __ATOMIC_SEQ_CST);
    (void)bump(&board->clock);
}

/* LIM-08, LIM-13: at no time more than so many are in, and those who are killed come back. */
static void never_more_than_may_be(void)
{
    uint64_t kills;

    for (unsigned deadly = 0; deadly < 2; deadly++) {
        if (deadly != 0 && use_threads)
            break;
        reset(1024);
        kill_one_in = deadly != 0 ? 700 : 0;
        kills = run_all(run_visits, note_death);
        kill_one_in = 0;
        aps_slots_sweep(state, 0);
        if (!use_threads) /* whose process still has its rows */
            expect_all_free("visits");
        for (uint64_t tag = 0; tag < TAGS; tag++)
            EXPECT(word_of(tag) == APS_WORD_NOBODY, "tag %llu: %llx", (unsigned long long)tag,
                   (unsigned long long)word_of(tag));
        EXPECT(board->admitted[0] > 2000 / SLOW, "only %llu were let in",
               (unsigned long long)board->admitted[0]);
        EXPECT(aps_metrics_sum(state, APS_METRIC_SLOTS_REPAIRED) == 0, "counts were wrong");
        if (deadly != 0) {
            EXPECT(kills > 100 / SLOW && aps_metrics_sum(state, APS_METRIC_SLOTS_RETURNED) > 10,
                   "%llu kills", (unsigned long long)kills);
            printf("  %llu let in, %llu kills, %llu slots of the dead came back\n",
                   (unsigned long long)board->admitted[0], (unsigned long long)kills,
                   (unsigned long long)aps_metrics_sum(state, APS_METRIC_SLOTS_RETURNED));
        }
    }
}

#define EXACT 10
#define ATTEMPTS 3

/* All come to a tag that nobody has seen, and nobody leaves before all have tried. */
static void run_rounds(struct worker *self)
{
    uint64_t rounds = ROUNDS_MAX / SLOW;
    uint64_t round;

    (void)self;
    for (round = 0; round < rounds; round++) {
        struct aps_slots_ask ask = ask_of(round, EXACT);
        struct aps_slot slot[ATTEMPTS];

        for (unsigned i = 0; i < ATTEMPTS; i++) {
            if (aps_slots_take(state, &ask, at(NOW), &slot[i], NULL) == APS_REASON_ALLOW)
                (void)bump(&board->admitted[round]);
            (void)bump(&board->attempts[round]);
        }
        while (get(&board->attempts[round]) < ATTEMPTS * WORKERS)
            (void)sched_yield();
        for (unsigned i = 0; i < ATTEMPTS; i++)
            aps_slots_release(state, &slot[i]);
        (void)bump(&board->left[round]);
        while (get(&board->left[round]) < WORKERS)
            (void)sched_yield();
    }
}

/* LIM-13: of so many who come together, as many as may are let in, no more and no fewer. */
static void exactly_as_many_as_may_be(void)
{
    reset(65536);
    state->slots.head->swept = (uint64_t)NOW;
    (void)run_all(run_rounds, NULL);
    for (uint64_t round = 0; round < ROUNDS_MAX / SLOW; round++) {
        EXPECT(board->admitted[round] == EXACT, "round %llu: %llu were let in",
               (unsigned long long)round, (unsigned long long)board->admitted[round]);
        EXPECT(word_of(round) == APS_WORD_NOBODY, "round %llu: %llx", (unsigned long long)round,
               (unsigned long long)word_of(round));
    }
}

/* ---- killed at each step in turn */

static uint64_t steps_to_live;

static void die_in_turn(unsigned point)
{
    (void)point;
    if (--steps_to_live == 0)
        (void)kill(getpid(), SIGKILL);
}

/* Run in a child that dies at its n-th step; false if it came to its end before. */
static bool dies_at(uint64_t step, void (*run)(void))
{
    int status = 0;
    pid_t pid = fork();

    if (pid < 0)
        abort();
    if (pid == 0) {
        aps_state_child(state);
        steps_to_live = step;
        aps_pause_hook = die_in_turn;
        run();
        _exit(0);
    }
    if (waitpid(pid, &status, 0) != pid)
        abort();
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static void come_and_go(void)
{
    struct aps_slots_ask ask = ask_of(1, 2);
    struct aps_slot one, two;

    (void)aps_slots_take(state, &ask, at(NOW), &one, NULL);
    (void)aps_slots_take(state, &ask, at(NOW), &two, NULL);
    aps_slots_release(state, &one);
    aps_slots_release(state, &two);
}

static void sweep_once(void)
{
    struct aps_slots_ask ask = ask_of(1, 2);

    aps_slots_sweep(state, t_slots_tag(state, &ask));
}

/* LIM-08: killed at any step, and so is the one who cleans up after it; the third one cleans up
 * after both. */
static void killed_at_each_step_in_turn(void)
{
    uint64_t kills = 0, step, other;

    if (use_threads)
        return;
    reset(1024);
    state->slots.head->swept = (uint64_t)NOW;
    for (step = 1; dies_at(step, come_and_go); step++) {
        for (other = 1; dies_at(other, sweep_once); other++) {
            sweep_once();
            expect_all_free("killed in turn");
            kills += 2;
            EXPECT(dies_at(step, come_and_go), "the steps are not the same again");
        }
        sweep_once();
        expect_all_free("killed in turn");
    }
    EXPECT(step > 30 && kills > 200, "only %llu steps, %llu kills", (unsigned long long)step,
           (unsigned long long)kills);
    EXPECT(aps_metrics_sum(state, APS_METRIC_SLOTS_REPAIRED) == 0, "counts were wrong");
    EXPECT(aps_word_under_way(word_of(1)) == 0, "the cell counts %u",
           aps_word_under_way(word_of(1)));
    printf("  %llu steps, %llu kills\n", (unsigned long long)step, (unsigned long long)kills);
}

static const struct test all[] = {
    {"never more than may be", never_more_than_may_be},
    {"exactly as many as may be", exactly_as_many_as_may_be},
    {"killed at each step in turn", killed_at_each_step_in_turn},
};

int main(int argc, char **argv)
{
    begin_tests(argc, argv, sizeof *board, &board);
    return run_tests(all, sizeof all / sizeof all[0]);
}
