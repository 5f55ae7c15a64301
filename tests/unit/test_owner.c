#include "t.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../libapisec/table/owner.h"

/* A child that tells who it is and waits for its end; with `headless` its first thread ends and
 * another one waits. */
static void *wait_for_end(void *unused)
{
    (void)unused;
    for (;;)
        (void)pause();
    return NULL;
}

static struct layout_pair start_child(bool headless)
{
    struct layout_pair owner = {0, 0};
    int ready[2];
    pid_t pid;

    assert_int_equal(pipe(ready), 0);
    if ((pid = fork()) == 0) {
        pthread_t thread;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* should a test fail */
        if (pthread_create(&thread, NULL, wait_for_end, NULL) != 0 || !aps_owner_self(&owner) ||
            write(ready[1], &owner, sizeof owner) != (ssize_t)sizeof owner)
            _exit(1);
        if (headless)
            pthread_exit(NULL);
        (void)wait_for_end(NULL);
    }
    assert_int_equal(read(ready[0], &owner, sizeof owner), sizeof owner);
    assert_int_equal(close(ready[0]) | close(ready[1]), 0);
    assert_int_equal(owner.a, pid);
    return owner;
}

static char letter_of(struct layout_pair owner)
{
    char path[64];
    char letter = '?';
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)owner.a);
    assert_non_null(file = fopen(path, "r"));
    assert_int_equal(fscanf(file, "%*d %*s %c", &letter), 1);
    assert_int_equal(fclose(file), 0);
    return letter;
}

static void a_process_lives_until_its_end_and_no_other_has_its_name(void **state)
{
    struct layout_pair owner = start_child(false);
    struct layout_pair self;
    siginfo_t info;

    (void)state;
    assert_true(aps_owner_self(&self));
    assert_int_equal(self.a, getpid());
    assert_true(aps_owner_is_alive(self));
    assert_true(aps_owner_is_alive(owner));
    assert_false(aps_owner_is_alive((struct layout_pair){owner.a, owner.b + 1}));
    assert_int_equal(kill((pid_t)owner.a, SIGKILL), 0);
    assert_int_equal(waitid(P_PID, (id_t)owner.a, &info, WEXITED | WNOWAIT), 0);
    assert_true(aps_owner_is_number_taken(owner)); /* a zombie */
    assert_false(aps_owner_is_alive(owner));
    assert_int_equal(waitpid((pid_t)owner.a, NULL, 0), owner.a);
    assert_false(aps_owner_is_number_taken(owner));
    assert_false(aps_owner_is_alive(owner));
}

/* Its row must not be taken from it: the thread may be about to write there. */
static void a_process_lives_as_long_as_one_thread_does(void **state)
{
    struct layout_pair owner = start_child(true);
    siginfo_t info;

    (void)state;
    while (letter_of(owner) != 'Z')
        (void)sched_yield();
    assert_true(aps_owner_is_alive(owner));
    assert_int_equal(kill((pid_t)owner.a, SIGKILL), 0);
    assert_int_equal(waitid(P_PID, (id_t)owner.a, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(letter_of(owner), 'Z');
    assert_false(aps_owner_is_alive(owner));
    assert_int_equal(waitpid((pid_t)owner.a, NULL, 0), owner.a);
}

static void numbers_that_no_process_can_have(void **state)
{
    static const uint64_t numbers[] = {0, (uint64_t)INT32_MAX + 1, UINT64_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        assert_false(aps_owner_is_number_taken((struct layout_pair){numbers[i], 1}));
        assert_false(aps_owner_is_alive((struct layout_pair){numbers[i], 1}));
        assert_false(aps_owner_is_sibling((struct layout_pair){numbers[i], 1}));
    }
}

/* Not this process, nor its child; another child of the same parent is one. */
static void siblings_are_other_children_of_the_parent(void **state)
{
    struct layout_pair owner = start_child(false);
    struct layout_pair self;
    int status = 1;
    pid_t pid;

    (void)state;
    assert_true(aps_owner_self(&self));
    assert_false(aps_owner_is_sibling(self));
    assert_false(aps_owner_is_sibling(owner));
    if ((pid = fork()) == 0)
        _exit(aps_owner_is_sibling(owner) ? 0 : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(kill((pid_t)owner.a, SIGKILL), 0);
    assert_int_equal(waitpid((pid_t)owner.a, NULL, 0), owner.a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_lives_until_its_end_and_no_other_has_its_name),
        cmocka_unit_test(a_process_lives_as_long_as_one_thread_does),
        cmocka_unit_test(numbers_that_no_process_can_have),
        cmocka_unit_test(siblings_are_other_children_of_the_parent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
