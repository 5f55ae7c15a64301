#include "t_state.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "../../libapisec/table/layout.h"
#include "apisec/generation.h"
#include "apisec/metrics.h"

/* A child that serves a generation and then waits for its end; ready when this returns. */
static pid_t child_serving(uint64_t store, uint64_t generation)
{
    int ready[2];
    char byte = 0;
    pid_t pid;

    assert_int_equal(pipe(ready), 0);
    if ((pid = fork()) == 0) {
        byte = aps_generation_set(table, store, generation) ? 'y' : 'n';
        if (write(ready[1], &byte, 1) != 1)
            _exit(1);
        for (;;)
            (void)pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    assert_int_equal(close(ready[0]) | close(ready[1]), 0);
    return pid;
}

static void kill_and_reap(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static uint64_t lowest(const struct aps_state *from, uint64_t store, uint64_t *out_processes)
{
    uint64_t generation = 0;

    *out_processes = 0;
    return aps_generation_min(from, store, &generation, out_processes) ? generation : 0;
}

struct uses {
    unsigned n;
    struct aps_generation_use use[4];
};

static void keep_use(void *arg, const struct aps_generation_use *use)
{
    struct uses *uses = arg;

    assert_true(uses->n < 4);
    uses->use[uses->n++] = *use;
}

/* Each live process is told with what it serves, and whether it was held back; it no longer is once
 * it serves another one. */
static void each_process_is_told_with_what_holds_it(void **state)
{
    struct uses uses = {0};
    uint64_t processes;
    pid_t pid = child_serving(7, 11);

    (void)state;
    aps_generation_hold(table, 7); /* not listed: nothing */
    assert_true(aps_generation_set(table, 7, 12));
    assert_true(aps_generation_set(table, 8, 99));
    aps_generation_hold(table, 7);
    aps_generation_each(table, 7, keep_use, &uses);
    assert_int_equal(uses.n, 2);
    for (unsigned i = 0; i < 2; i++) {
        bool own = uses.use[i].pid == getpid();

        assert_true(own || uses.use[i].pid == pid);
        assert_true(uses.use[i].store == 7 && uses.use[i].held == own);
        assert_int_equal(uses.use[i].generation, own ? 12 : 11);
    }
    assert_int_equal(lowest(table, 7, &processes), 11);
    kill_and_reap(pid);
    assert_int_equal(lowest(table, 7, &processes), 12);
    assert_true(aps_generation_set(table, 7, 13));
    uses.n = 0;
    aps_generation_each(table, 0, keep_use, &uses);
    assert_int_equal(uses.n, 2);
    assert_false(uses.use[0].held || uses.use[1].held);
    aps_generation_drop_own(table);
}

static void the_lowest_generation_of_live_processes_counts(void **state)
{
    struct aps_state *reader = NULL;
    uint64_t n;
    pid_t one, two;

    (void)state;
    assert_int_equal(lowest(table, 7, &n), 0);
    assert_true(aps_generation_set(table, 7, 30));
    one = child_serving(7, 10);
    two = child_serving(7, 20);
    assert_int_equal(lowest(table, 7, &n), 10);
    assert_int_equal(n, 3);
    assert_int_equal(aps_state_attach(pool, file, &reader, NULL), APS_OK);
    assert_int_equal(lowest(reader, 7, &n), 10);
    assert_int_equal(lowest(table, 8, &n), 0); /* another store */
    kill_and_reap(one);
    assert_int_equal(lowest(table, 7, &n), 20);
    assert_int_equal(lowest(reader, 7, &n), 20);
    assert_int_equal(n, 2);
    kill_and_reap(two);
    assert_int_equal(lowest(table, 7, &n), 30);
    aps_generation_drop_own(table);
    assert_int_equal(lowest(table, 7, &n), 0);
}

static void a_process_has_one_row_for_each_store(void **state)
{
    uint64_t n;

    (void)state;
    for (uint64_t generation = 1; generation < 100; generation++)
        for (uint64_t store = 1; store <= 5; store++)
            assert_true(aps_generation_set(table, store, generation + store));
    for (uint64_t store = 1; store <= 5; store++) {
        assert_int_equal(lowest(table, store, &n), 99 + store);
        assert_int_equal(n, 1);
    }
    assert_int_equal(lowest(table, 0, &n), 100);
    assert_int_equal(n, 5);
    assert_true(aps_generation_set(table, 3, 1)); /* a store may be set back */
    assert_int_equal(lowest(table, 3, &n), 1);
    assert_false(aps_generation_set(table, 0, 1));
}

/* A zombie serves nothing, nor does a new process with the old one's number. */
static void rows_of_the_dead_are_not_counted(void **state)
{
    uint64_t n;
    pid_t pid = child_serving(7, 10);
    siginfo_t info;

    (void)state;
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(lowest(table, 7, &n), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    table->rows[100].owner = (struct layout_pair){(uint64_t)getpid(), 1};
    table->rows[100].serves = (struct layout_pair){7, 10};
    assert_int_equal(lowest(table, 7, &n), 0);
}

/* What a child of this process finds. */
static bool child_is_passed(uint64_t store, uint64_t generation)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(aps_generation_is_passed(table, store, generation) ? 1 : 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status) == 1;
}

/* KEY-13: a child learns of a newer generation from its siblings, and is lied to by no row in the
 * name of another process. */
static void only_siblings_pass_a_child(void **state)
{
    pid_t pid = child_serving(7, 11);

    (void)state;
    assert_true(child_is_passed(7, 10));
    assert_false(child_is_passed(7, 11));
    assert_false(child_is_passed(8, 10));
    assert_false(aps_generation_is_passed(table, 7, 10)); /* a child is no sibling */
    for (uint64_t i = 0; i < table->row_count; i++)
        if (table->rows[i].owner.a == (uint64_t)pid)
            table->rows[i].serves.b |= UINT64_C(1) << 63; /* held, and no higher for it */
    assert_true(child_is_passed(7, 10));
    assert_false(child_is_passed(7, 11));
    kill_and_reap(pid);
    assert_false(child_is_passed(7, 10));
    assert_true(aps_generation_set(table, 7, INT64_MAX)); /* the parent of those that ask */
    assert_false(child_is_passed(7, 10));
    assert_false(aps_generation_is_passed(table, 7, 10)); /* nor does anybody pass itself */
}

static void rows_of_the_dead_are_used_again(void **state)
{
    uint64_t n;

    (void)state;
    for (uint64_t i = 0; i < table->row_count; i++) {
        table->rows[i].owner = (struct layout_pair){(uint64_t)getpid(), 1};
        table->rows[i].serves = (struct layout_pair){7, 1};
    }
    assert_true(aps_generation_set(table, 7, 50));
    assert_int_equal(lowest(table, 7, &n), 50);
    assert_int_equal(n, 1);
}

static void a_full_list_is_counted_and_harms_nobody(void **state)
{
    struct layout_pair alive;
    uint64_t n;

    (void)state;
    assert_true(aps_generation_set(table, 7, 50));
    memset(&alive, 0, sizeof alive);
    for (uint64_t i = 0; i < table->row_count; i++)
        if (table->rows[i].owner.a != 0)
            alive = table->rows[i].owner;
    for (uint64_t i = 0; i < table->row_count; i++) {
        table->rows[i].owner = alive;
        table->rows[i].serves = (struct layout_pair){7, 60};
    }
    assert_false(aps_generation_set(table, 8, 1));
    assert_int_equal(aps_metrics_sum(table, APS_METRIC_GENERATION_UNLISTED), 1);
    assert_true(aps_generation_set(table, 7, 70));
    assert_int_equal(lowest(table, 7, &n), 70);
    assert_int_equal(n, table->row_count);
}

/* Whatever a hostile child writes: bounded work, no signal to anybody, no crash. */
static void damaged_rows_harm_nobody(void **state)
{
    uint64_t word = 88172645463325252ull;
    uint64_t n;

    (void)state;
    for (uint64_t i = 0; i < table->row_count * 4; i++) {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        (&table->rows[0].owner.a)[i] = i % 4 == 0 && word % 2 == 0 ? word % 70000 : word;
    }
    table->rows[0].owner.a = UINT64_MAX;
    table->rows[1].owner.a = (uint64_t)1 << 31;
    table->rows[2].owner.a = 0;
    (void)lowest(table, 0, &n);
    assert_true(aps_generation_set(table, 7, 70));
    assert_int_equal(lowest(table, 7, &n), 70);
}

static void *set_from_thread(void *data)
{
    uint64_t store = *(const uint64_t *)data;

    for (uint64_t generation = 1; generation <= 100; generation++)
        if (!aps_generation_set(table, store, generation))
            return data;
    return NULL;
}

/* Threads of one process keep one row for each store, also when its rows were others' before. */
static void threads_share_the_rows_of_their_process(void **state)
{
    uint64_t stores[6] = {1, 1, 2, 2, 3, 4};
    pthread_t threads[6];
    void *failed;
    uint64_t n;

    (void)state;
    for (uint64_t i = 0; i < table->row_count; i++) {
        table->rows[i].owner = (struct layout_pair){(uint64_t)getpid(), 1};
        table->rows[i].serves = (struct layout_pair){i % 4 + 1, 1};
    }
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, set_from_thread, &stores[i]), 0);
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    for (uint64_t store = 1; store <= 4; store++) {
        assert_int_equal(lowest(table, store, &n), 100);
        assert_int_equal(n, 1);
    }
}

/* Children that are killed at any moment leave nothing that counts, and no row is lost. */
static void children_killed_at_any_moment_leave_nothing(void **state)
{
    uint64_t n;

    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        pid_t pid = fork();

        if (pid == 0)
            for (uint64_t generation = 1;; generation++)
                (void)aps_generation_set(table, generation % 90 + 1, generation);
        for (uint64_t seen = 0; seen == 0;) /* wait until it is at work */
            (void)lowest(table, 0, &seen);
        for (unsigned spin = 0; spin < i * 50; spin++)
            (void)getppid();
        kill_and_reap(pid);
        assert_int_equal(lowest(table, 0, &n), 0);
    }
    for (uint64_t store = 1; store <= table->row_count; store++)
        assert_true(aps_generation_set(table, store, 5));
    assert_int_equal(lowest(table, 0, &n), 5);
    assert_int_equal(n, table->row_count);
}

#define T(test) cmocka_unit_test_setup_teardown(test, open_table, close_table)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_lowest_generation_of_live_processes_counts),
        T(each_process_is_told_with_what_holds_it),
        T(a_process_has_one_row_for_each_store),
        T(rows_of_the_dead_are_not_counted),
        T(only_siblings_pass_a_child),
        T(rows_of_the_dead_are_used_again),
        T(a_full_list_is_counted_and_harms_nobody),
        T(damaged_rows_harm_nobody),
        T(threads_share_the_rows_of_their_process),
        T(children_killed_at_any_moment_leave_nothing),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
